/**
 * Programs whose classes of schedules are known: from published models, by hand, or from runs of
 * Concuerror. Each is written against the public API, with real processes.
 */
import { name, type Call, type Down, type Node, type Pid, type Self } from "@coppice/core";
import type { Program, Shared, Simulation } from "@coppice/testkit";

/** A server that answers each request by a function. */
type Server = Pid<Call<unknown, any>>;

function serve(
  node: Node,
  key: string,
  answer: (request: any, reply: (value: unknown) => void) => void,
): Server {
  return node.spawnOpt<Call<unknown, any>>({ key }, async (self) => {
    for (;;) {
      const { request, from } = await self.receive();
      answer(request, (value) => self.reply(from, value));
    }
  });
}

function ask(self: Self<any>, server: Server, request: unknown): Promise<any> {
  return self.call(server, request, { timeoutMs: Infinity });
}

/** A process that does things in order. */
function act(node: Node, key: string, body: (self: Self<any>) => Promise<void> | void): Pid<any> {
  return node.spawnOpt<any>({ key }, body as (self: Self<any>) => Promise<void>);
}

/** `senders` send one message each to one that takes only the first. */
export function takesFirst(senders: number): Program {
  return (sim) => {
    const node = sim.node();
    const sink = act(node, "sink", async (self) => {
      await self.receive();
    });
    for (let s = 1; s <= senders; s++) act(node, `s${s}`, (self) => self.send(sink, s));
  };
}

/** Each of the senders is waited for in turn. */
export function takesInOrder(senders: number): Program {
  return (sim) => {
    const node = sim.node();
    const sink = act(node, "sink", async (self) => {
      for (let s = 1; s <= senders; s++) await self.receive((message: any) => message === s);
      await self.receive(() => false);
    });
    for (let s = 1; s <= senders; s++) act(node, `s${s}`, (self) => self.send(sink, s));
  };
}

/** Pairs that have nothing to do with each other. */
export function disjointPairs(pairs: number): Program {
  return (sim) => {
    const node = sim.node();
    for (let p = 1; p <= pairs; p++) {
      const to = act(node, `to${p}`, async (self) => void (await self.receive()));
      act(node, `from${p}`, (self) => self.send(to, "m"));
    }
  };
}

/** One sends to `relays`, which send on to one that takes all. */
export function fanOutFanIn(relays: number): Program {
  return (sim) => {
    const node = sim.node();
    const sink = act(node, "sink", async (self) => {
      for (;;) await self.receive();
    });
    const through = Array.from({ length: relays }, (_, r) =>
      act(node, `relay${r + 1}`, async (self) => self.send(sink, await self.receive())),
    );
    act(node, "source", (self) => {
      for (const relay of through) self.send(relay, "m");
    });
  };
}

/** An owner pops at one end of a deque while a thief looks at the other end, then removes what it saw. */
export const stealFromDeque: Program = (sim) => {
  const node = sim.node();
  let tasks = ["t1", "t2"];
  const deque = serve(node, "deque", (request, reply) => {
    if (request === "pop") reply(tasks.pop() ?? null);
    else if (request === "peek") reply(tasks[0] ?? null);
    else {
      tasks = tasks.filter((task) => task !== request.remove);
      reply("ok");
    }
  });
  const done = new Set<string>();
  const run = (task: string): void => {
    if (done.has(task)) sim.fail("once", `${task} was run twice`);
    done.add(task);
  };
  act(node, "owner", async (self) => {
    for (
      let task = await ask(self, deque, "pop");
      task !== null;
      task = await ask(self, deque, "pop")
    )
      run(task);
  });
  act(node, "thief", async (self) => {
    const task = await ask(self, deque, "peek");
    if (task === null) return;
    await ask(self, deque, { remove: task });
    run(task);
  });
};

/** Rounds are told apart by a number modulo 4; the first answer of a round with the right one counts. */
export const wrappedGeneration: Program = (sim) => {
  const node = sim.node();
  const peers = ["peer1", "peer2"].map((key) =>
    act(node, key, async (self) => {
      for (;;) {
        const { hub, generation, round } = await self.receive();
        self.send(hub, { generation, round });
      }
    }),
  );
  act(node, "hub", async (self) => {
    for (let round = 1; round <= 5; round++) {
      const generation = round % 4;
      for (const peer of peers) self.send(peer, { hub: self.pid, generation, round });
      let answer = await self.receive();
      while (answer.generation !== generation) answer = await self.receive();
      if (answer.round !== round) sim.fail("current", "an answer of an old round was taken");
    }
  });
};

/** One asks whether something was, then subscribes; in between it may be. */
export const lostWakeUp: Program = (sim) => {
  const node = sim.node();
  let fired = false;
  let done = false;
  const subscribers: Pid<any>[] = [];
  const event = act(node, "event", async (self) => {
    for (;;) {
      const message = await self.receive();
      if (message.type === "call") self.reply(message.from, fired);
      else if (message.type === "subscribe") subscribers.push(message.from);
      else {
        fired = true;
        for (const one of subscribers.splice(0)) self.send(one, "fired");
      }
    }
  });
  act(node, "waiter", async (self) => {
    if (!(await ask(self, event, "get"))) {
      self.send(event, { type: "subscribe", from: self.pid });
      await self.receive();
    }
    done = true;
  });
  act(node, "signaller", (self) => self.send(event, { type: "fire" }));
  sim.finally("nobody sleeps", () => done);
};

/** A reader fills a cache with what a writer has just invalidated. */
export const cacheFill: Program = (sim) => {
  const node = sim.node();
  let stored = 0;
  let cached: number | undefined;
  const db = serve(node, "db", (request, reply) => {
    if (request !== "get") stored = request.set;
    reply(stored);
  });
  const cache = act(node, "cache", async (self) => {
    for (;;) {
      const message = await self.receive();
      if (message.type === "fill") cached = message.value;
      else {
        if (message.request === "invalidate") cached = undefined;
        self.reply(message.from, cached);
      }
    }
  });
  act(node, "reader", async (self) => {
    if ((await ask(self, cache, "get")) !== undefined) return;
    self.send(cache, { type: "fill", value: await ask(self, db, "get") });
  });
  act(node, "writer", async (self) => {
    await ask(self, db, { set: 1 });
    await ask(self, cache, "invalidate");
  });
  sim.finally("nothing stale is kept", () => cached === undefined || cached === 1);
};

/** A buffer of one place that wakes one waiter, of whatever kind. */
export const boundedBuffer: Program = (sim) => {
  const node = sim.node();
  let full = 0;
  let done = 0;
  const waiters: Pid<any>[] = [];
  const buffer = act(node, "buffer", async (self) => {
    for (;;) {
      const { request, from } = await self.receive();
      const isFull = request.op === "put" ? full >= 1 : full <= 0;
      if (isFull) {
        waiters.push(request.by);
        self.reply(from, "wait");
        continue;
      }
      full += request.op === "put" ? 1 : -1;
      self.reply(from, "ok");
      const woken = waiters.shift();
      if (woken !== undefined) self.send(woken, "wake");
    }
  });
  const client = (key: string, op: string, times: number): void => {
    act(node, key, async (self) => {
      for (let time = 0; time < times; time++) {
        while ((await ask(self, buffer, { op, by: self.pid })) !== "ok") {
          await self.receive((message: unknown) => message === "wake");
        }
      }
      done++;
    });
  };
  client("producer", "put", 2);
  client("consumer1", "get", 1);
  client("consumer2", "get", 1);
  sim.finally("all are done", () => done === 3);
};

/** Three philosophers, who take the left fork first or the one with the lower number. */
export function philosophers(
  order: "leftFirst" | "lowerFirst",
  begin: "atOnce" | "later" = "atOnce",
): Program {
  return (sim) => {
    const node = sim.node();
    const seats = [0, 1, 2];
    let fed = 0;
    const forks = seats.map((fork) => {
      let held = false;
      const queue: any[] = [];
      return act(node, `fork${fork}`, async (self) => {
        for (;;) {
          const message = await self.receive();
          if (message !== "put") {
            if (held) queue.push(message.from);
            else self.reply(message.from, "ok");
            held = true;
            continue;
          }
          const next = queue.shift();
          held = next !== undefined;
          if (held) self.reply(next, "ok");
        }
      });
    });
    for (const seat of seats) {
      const both = [seat, (seat + 1) % 3];
      if (order === "lowerFirst") both.sort();
      const [first, second] = both.map((fork) => forks[fork]) as [Server, Server];
      act(node, `philosopher${seat}`, async (self) => {
        if (begin === "later") await self.yield();
        await ask(self, first, "take");
        await ask(self, second, "take");
        self.send(first as Pid<any>, "put");
        // In Erlang each send is a step; here only with a point between them.
        if (begin === "later") await self.yield();
        self.send(second as Pid<any>, "put");
        fed++;
      });
    }
    sim.finally("all have eaten", () => fed === 3);
  };
}

/** One configures a server and tells another to use it. */
export const useBeforeConfigure: Program = (sim) => {
  const node = sim.node();
  let configured = false;
  const server = act(node, "server", async (self) => {
    for (;;) {
      if ((await self.receive()) === "configure") configured = true;
      else if (!configured) sim.fail("configured first", "it was used before");
    }
  });
  const user = act(node, "user", async (self) => {
    await self.receive();
    self.send(server, "use");
  });
  act(node, "admin", (self) => {
    self.send(server, "configure");
    self.send(user, "go");
  });
};

/** One writes to a store that `readers` read. */
export function readersAndWriter(readers: number): Program {
  return (sim) => {
    const node = sim.node();
    const store = act(node, "store", async (self) => {
      for (;;) await self.receive();
    });
    act(node, "writer", (self) => self.send(store, { type: "write" }));
    for (let r = 1; r <= readers; r++)
      act(node, `reader${r}`, (self) => self.send(store, { type: "read" }));
  };
}

/** A parent looks after a child that ends at once. */
export function looksAfter(how: "monitor" | "link"): Program {
  return (sim) => {
    const node = sim.node();
    act(node, "parent", async (self) => {
      self.trapExits((exit: unknown) => exit as never);
      const child = self.spawn(async () => undefined);
      await self.yield();
      if (how === "monitor") self.monitor(child, (down: Down) => down as never);
      else self.link(child);
      await self.receive();
    });
  };
}

/** A call with a limit to a server that answers. */
export const replyOrTimeout: Program = (sim) => {
  const node = sim.node();
  const server = serve(node, "server", (_, reply) => reply("pong"));
  act(node, "client", async (self) => {
    await self.call(server, "ping", { timeoutMs: 10 }).catch(() => undefined);
  });
};

/**
 * One starts a server under a name, stops it by a call, and starts the next. In Erlang the reply is a step
 * and the end of the server another; here only with a point between them.
 */
export function startAgain(between: "oneStep" | "twoSteps"): Program {
  return (sim) => {
    const node = sim.node();
    const SERVER = name<Call<"stop", string>>("server");
    act(node, "starter", async (self) => {
      for (let round = 0; round < 2; round++) {
        try {
          self.spawnOpt<Call<"stop", string>>({ name: SERVER }, async (server) => {
            server.send(self.pid, "ready");
            const { from } = await server.receive();
            server.reply(from, "ok");
            if (between === "twoSteps") await server.yield();
          });
        } catch {
          sim.fail("free", "the name is still taken");
          return;
        }
        await self.receive();
        await self.call(SERVER, "stop", { timeoutMs: Infinity });
      }
    });
  };
}

/** Cells of a table, each an object of its own. */
function table(sim: Simulation, names: readonly string[]): Record<string, Shared<number>> {
  return Object.fromEntries(names.map((name) => [name, sim.shared(name, 0)]));
}

function read(self: Self<any>, cell: Shared<number> | undefined): Promise<number> {
  return (cell as Shared<number>).read(self, (value) => value);
}

function write(self: Self<any>, cell: Shared<number> | undefined, value: number): Promise<number> {
  return (cell as Shared<number>).write(self, () => value);
}

/** A reader looks for the last zero from the end while writers write one more than what is before them. */
export function lastZero(n: number): Program {
  return (sim) => {
    const node = sim.node();
    const cells = table(
      sim,
      Array.from({ length: n + 1 }, (_, at) => `x${at}`),
    );
    act(node, "reader", async (self) => {
      for (let at = n; at > 0; at--) if ((await read(self, cells[`x${at}`])) === 0) return;
    });
    for (let at = 1; at <= n; at++) {
      act(node, `writer${at}`, async (self) => {
        await write(self, cells[`x${at}`], (await read(self, cells[`x${at - 1}`])) + 1);
      });
    }
  };
}

/** Four processes on three cells, where what is raced for depends on what was read. */
export const poplExample: Program = (sim) => {
  const node = sim.node();
  const { x, y, z } = table(sim, ["x", "y", "z"]);
  act(node, "p1", async (self) => void (await write(self, x, 1)));
  act(node, "p2", async (self) => void (await write(self, y, 1)));
  act(node, "p3", async (self) => {
    if ((await read(self, y)) === 0) await write(self, z, 1);
  });
  act(node, "p4", async (self) => {
    if ((await read(self, z)) === 0) return;
    if ((await read(self, y)) === 0) await write(self, x, 2);
  });
};

/** What the last would do is reached by one combination alone. */
export const combinationLock: Program = (sim) => {
  const node = sim.node();
  const cells = table(sim, ["a", "b", "c", "d", "v", "w", "x", "y", "z"]);
  act(node, "p1", async (self) => void (await write(self, cells.z, 1)));
  act(node, "p2", async (self) => {
    await write(self, cells.x, 1);
    await write(self, cells.a, 1);
    if ((await read(self, cells.y)) !== 1) return;
    await write(self, cells.w, 1);
    await write(self, cells.b, 0);
  });
  act(node, "p3", async (self) => {
    if ((await read(self, cells.x)) !== 1) return;
    await write(self, cells.y, 1);
    await write(self, cells.c, 0);
    if ((await read(self, cells.v)) === 1) await read(self, cells.z);
  });
  act(node, "p4", async (self) => {
    if ((await read(self, cells.w)) !== 1) return;
    await write(self, cells.v, 1);
    await write(self, cells.d, 0);
  });
};

/** One message goes straight, the other through a hundred relays. */
export const proxies: Program = (sim) => {
  const node = sim.node();
  const target = act(node, "target", async (self) => {
    await self.receive();
    await self.receive();
  });
  let to = target;
  for (let at = 0; at < 100; at++) {
    const next = to;
    to = act(node, `proxy${at}`, async (self) => self.send(next, await self.receive()));
  }
  const first = to;
  act(node, "sender", (self) => {
    self.send(target, "hello");
    self.send(first, "world");
  });
};

/** Two receivers, each with a sender of its own, report to one. */
export const independentReceivers: Program = (sim) => {
  const node = sim.node();
  const parent = act(node, "parent", async (self) => {
    await self.receive();
    await self.receive();
  });
  for (const number of [1, 2]) {
    const receiver = act(node, `receiver${number}`, async (self) => {
      await self.receive();
      self.send(parent, number);
    });
    act(node, `sender${number}`, (self) => self.send(receiver, "ok"));
  }
};

/** Two workers ask for the work of two numbers; results are taken before requests. */
export const workers: Program = (sim) => {
  const node = sim.node();
  const parent = act(node, "parent", async (self) => void (await self.receive()));
  const server = act(node, "server", async (self) => {
    const isResult = (message: any): boolean => message.type === "result";
    const work = [1, 2];
    const results: number[] = [];
    let left = 2;
    while (left > 0 || work.length > 0) {
      const message = (await self.receive(isResult, { timeoutMs: 0 })) as any;
      if (typeof message !== "symbol") {
        results.push(message.result);
        continue;
      }
      const request = await self.receive((one: any) => !isResult(one));
      if (request.type === "exit") left--;
      else self.send(request.from, { type: "work", number: work.shift() });
    }
    self.send(parent, results.sort());
  });
  for (const key of ["worker1", "worker2"]) act(node, key, (self) => labour(self, server));
};

/** The same, and each result is worked on two more times. */
export const workersAgain: Program = (sim) => {
  const node = sim.node();
  const parent = act(node, "parent", async (self) => void (await self.receive()));
  const server = act(node, "server", async (self) => {
    const collect = async (): Promise<number[]> => {
      const results: number[] = [];
      while (results.length < 2) {
        const { result } = await self.receive((message: any) => message.type === "result");
        results.unshift(result);
      }
      return results;
    };
    let work = [1, 2];
    let retries = 2;
    let left = 2;
    while (left > 0 || retries > 0 || work.length > 0) {
      const request = await self.receive((message: any) => message.type !== "result");
      if (request.type === "exit") {
        left--;
        continue;
      }
      if (work.length === 0 && retries > 0) {
        work = await collect();
        retries--;
      }
      self.send(request.from, { type: "work", number: work.shift() });
    }
    self.send(parent, await collect());
  });
  for (const key of ["worker1", "worker2"]) act(node, key, (self) => labour(self, server));
};

async function labour(self: Self<any>, server: Pid<any>): Promise<void> {
  for (;;) {
    self.send(server, { type: "work", from: self.pid });
    const { number } = await self.receive();
    if (number === undefined) break;
    self.send(server, { type: "result", result: number + 10 });
  }
  self.send(server, { type: "exit" });
}
