import { describe, expect, test } from "@jest/globals";
import {
  DeadProcessError,
  ExitSignal,
  TIMEOUT,
  type Body,
  type Call,
  type Down,
  type Handler,
  type Node,
  type Pid,
} from "@coppice/core";
import { createHosted, type FakeHost } from "./fake-host.js";
import { idle } from "./world.js";

/** Waits until the node has nothing to do and owes no turn, then makes each look take a whole turn. */
async function exhaust(host: FakeHost): Promise<void> {
  await host.rest();
  await host.turns(3);
  host.lookMs = 1;
}

/** Brings the node to where all that happens has to wait for the event loop to turn. */
async function useUp(node: Node, host: FakeHost): Promise<void> {
  const others = Array.from({ length: 5 }, () => node.spawn<unknown>(idle));
  await exhaust(host);
  for (const pid of others) node.send(pid, "x");
}

/** Starts work without end; each piece of it calls `step`. */
type Work = (node: Node, step: () => void) => void;

interface Ball {
  readonly peer: Pid<Ball>;
}

const pingPongOfBodies: Work = (node, step) => {
  const player: Body<Ball> = async (self) => {
    for (;;) {
      const { peer } = await self.receive();
      step();
      self.send(peer, { peer: self.pid });
    }
  };
  const [a, b] = [node.spawn(player), node.spawn(player)];
  node.send(a, { peer: b });
};

const pingPongOfHandlers: Work = (node, step) => {
  const player: Handler<Ball, null> = {
    init: () => null,
    message(state, { peer }, self) {
      step();
      self.send(peer, { peer: self.pid });
      return state;
    },
  };
  const [a, b] = [node.spawn(player), node.spawn(player)];
  node.send(a, { peer: b });
};

const pingPongOfAsyncHandlers: Work = (node, step) => {
  const player: Handler<Ball, null> = {
    init: () => null,
    async message(state, { peer }, self) {
      step();
      self.send(peer, { peer: self.pid });
      return state;
    },
  };
  const [a, b] = [node.spawn(player), node.spawn(player)];
  node.send(a, { peer: b });
};

const aBodyAndAHandler: Work = (node, step) => {
  const body = node.spawn<Ball>(async (self) => {
    for (;;) self.send((await self.receive()).peer, { peer: self.pid });
  });
  const handler = node.spawn<Ball, null>({
    init: () => null,
    message(state, { peer }, self) {
      step();
      self.send(peer, { peer: self.pid });
      return state;
    },
  });
  node.send(handler, { peer: body });
};

const aBodyThatDrainsItsMailbox: Work = (node, step) => {
  const pid = node.spawn<number>(async (self) => {
    for (;;) {
      await self.receive();
      step();
    }
  });
  for (let i = 0; i < 100_000; i++) node.send(pid, i);
};

const aBodyThatPicksFromItsMailbox: Work = (node, step) => {
  const pid = node.spawn<number>(async (self) => {
    for (;;) {
      await self.receive((n) => n % 2 === 1);
      step();
    }
  });
  for (let i = 0; i < 10_000; i++) node.send(pid, i % 2);
};

const aHandlerThatDrainsItsMailbox: Work = (node, step) => {
  const pid = node.spawn<number, null>({ init: () => null, message: () => (step(), null) });
  for (let i = 0; i < 100_000; i++) node.send(pid, i);
};

const callsOfABody: Work = (node, step) => {
  const server = node.spawn<Call<"x", "y">>(async (self) => {
    for (;;) {
      const { from } = await self.receive();
      step();
      self.reply(from, "y");
    }
  });
  node.spawn<never>(async (self) => {
    for (;;) await self.call(server, "x");
  });
};

const callsOfAHandler: Work = (node, step) => {
  const server = node.spawn<Call<"x", "y">, null>({
    init: () => null,
    message(state, { from }, self) {
      step();
      self.reply(from, "y");
      return state;
    },
  });
  const caller = node.spawn<"go", null>({
    init: () => null,
    async message(_state, _go, self) {
      for (;;) await self.call(server, "x");
    },
  });
  node.send(caller, "go");
};

const callsToNobody: Work = (node, step) => {
  const ended = node.spawn<Call<"x", "y">>(() => undefined);
  node.spawn<never>(async (self) => {
    await self.yield();
    for (;;) {
      await self.call(ended, "x").catch(() => undefined);
      step();
    }
  });
};

const aBodyThatYields: Work = (node, step) => {
  node.spawn<never>(async (self) => {
    for (;;) {
      step();
      await self.yield();
    }
  });
};

const aBodyThatPolls: Work = (node, step) => {
  node.spawn<string>(async (self) => {
    while ((await self.receive({ timeoutMs: 0 })) === TIMEOUT) step();
  });
};

const aHandlerThatPolls: Work = (node, step) => {
  const handler = node.spawn<string, null>({
    init: () => null,
    message: async (_state, _message, self) => {
      while ((await self.receive({ timeoutMs: 0 })) === TIMEOUT) step();
      return null;
    },
  });
  node.send(handler, "poll");
};

const aHandlerThatReceives: Work = (node, step) => {
  const handler = node.spawn<string, null>({
    init: () => null,
    message: async (_state, _message, self) => {
      for (;;) {
        self.send(self.pid, "again");
        await self.receive();
        step();
      }
    },
  });
  node.send(handler, "go");
};

const processesThatSpawnEachOther: Work = (node, step) => {
  const body: Body<never> = (self) => {
    step();
    self.spawn(body);
  };
  node.spawn(body);
};

const processesThatMonitorEachOther: Work = (node, step) => {
  const body: Body<Down> = async (self) => {
    for (;;) {
      self.spawnMonitor(
        (down) => down,
        () => step(),
      );
      await self.receive();
    }
  };
  node.spawn(body);
};

describe("work without end", () => {
  const STEP_MS = 0.01;

  /** How long the event loop was held, turn by turn. */
  async function heldMs(work: Work, turnMs: number, turns: number): Promise<number[]> {
    const { node, host } = createHosted({ turnMs });
    const held: number[] = [];
    let startMs = 0;
    work(node, () => {
      host.nowMs += STEP_MS;
      // Without this a failure would be a test that never ends.
      if (host.nowMs - startMs > 100 * turnMs) throw new Error("the event loop does not turn");
    });
    await host.rest();
    for (let i = 0; i < turns; i++) {
      held.push(host.nowMs - startMs);
      startMs = host.nowMs;
      await host.turn();
    }
    return held;
  }

  test.each<[string, Work]>([
    ["two bodies that send to each other", pingPongOfBodies],
    ["two handlers that send to each other", pingPongOfHandlers],
    ["two async handlers that send to each other", pingPongOfAsyncHandlers],
    ["a body and a handler that send to each other", aBodyAndAHandler],
    ["a body that drains its mailbox", aBodyThatDrainsItsMailbox],
    ["a body that picks from its mailbox", aBodyThatPicksFromItsMailbox],
    ["a handler that drains its mailbox", aHandlerThatDrainsItsMailbox],
    ["a body that calls", callsOfABody],
    ["a handler that calls", callsOfAHandler],
    ["a body that calls a process which has ended", callsToNobody],
    ["a body that yields", aBodyThatYields],
    ["a body that polls with a timeout of 0", aBodyThatPolls],
    ["a handler that polls within a step", aHandlerThatPolls],
    ["a handler that receives within a step", aHandlerThatReceives],
    ["processes that spawn each other", processesThatSpawnEachOther],
    ["processes that spawn, monitor and are told", processesThatMonitorEachOther],
  ])("lets the event loop turn after turnMs: %s", async (_what, work) => {
    const held = await heldMs(work, 1, 20);
    expect(Math.max(...held)).toBeLessThan(2);
    // It goes on in each turn, and uses it.
    expect(Math.min(...held.slice(1))).toBeGreaterThan(0.5);
  });

  test.each([0.5, 4, 20])("may keep the event loop for as long as turnMs says: %d", async (ms) => {
    const held = await heldMs(pingPongOfBodies, ms, 10);
    expect(Math.max(...held)).toBeLessThan(ms * 2);
    expect(Math.min(...held.slice(1))).toBeGreaterThan(ms * 0.5);
  });

  test("that becomes a thousand times slower is noticed before a hundred pieces of it are done", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    let pieceMs = 0.001;
    let pieces = 0;
    pingPongOfBodies(node, () => {
      host.nowMs += pieceMs;
      if (++pieces > 100_000) throw new Error("the event loop does not turn");
    });
    await host.rest();
    await host.turns(20);
    pieceMs = 1;
    pieces = 0;
    await host.turn();
    expect(pieces).toBeLessThan(100);
    expect(pieces).toBeGreaterThan(0);
  });

  test("lets every process have its part of each turn", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    const steps = [0, 0, 0, 0];
    for (const i of steps.keys()) {
      pingPongOfBodies(node, () => {
        host.nowMs += STEP_MS;
        (steps[i] as number)++;
      });
    }
    await host.rest();
    await host.turns(50);
    expect(Math.min(...steps) / Math.max(...steps)).toBeGreaterThan(0.8);
  });

  test("does not keep a process from being started", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    pingPongOfHandlers(node, () => (host.nowMs += STEP_MS));
    await host.rest();
    await host.turns(3);
    let started = false;
    node.spawn<never>(() => void (started = true));
    await host.turns(2);
    expect(started).toBe(true);
  });

  test("of more processes than one turn has room for keeps none from starting, and no handler from its message", async () => {
    const { node, host } = createHosted();
    const log: string[] = [];
    const handler = node.spawn<string, null>({
      init: () => null,
      message: (state, message) => (log.push(message), state),
    });
    const busy = Array.from({ length: 5 }, () =>
      node.spawn<"go">(async (self) => {
        await self.receive();
        for (;;) await self.yield();
      }),
    );
    await exhaust(host);
    for (const pid of busy) node.send(pid, "go");
    await host.turns(10);
    node.send(handler, "handled");
    node.spawn<never>(() => void log.push("started"));
    await host.turns(100);
    expect(log.toSorted()).toEqual(["handled", "started"]);
  });

  test("does not keep a node from stopping", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    pingPongOfBodies(node, () => (host.nowMs += STEP_MS));
    await host.rest();
    await host.turns(3);
    const stopped = node.stop();
    await host.turns(5);
    expect(await stopped).toEqual({ killed: [] });
  });
});

describe("what has to wait for the event loop to turn", () => {
  test("goes on in the order in which it was to go on", async () => {
    const { node, host } = createHosted();
    const log: string[] = [];
    const waiting = ["a", "b", "c", "d", "e"].map((letter) =>
      node.spawn<string>(async (self) => {
        for (;;) log.push(letter + (await self.receive()));
      }),
    );
    await exhaust(host);
    for (const pid of waiting) node.send(pid, "1");
    await host.rest();
    expect(log.length).toBeLessThan(5);
    await host.turns(20);
    expect(log).toEqual(["a1", "b1", "c1", "d1", "e1"]);
  });

  test("keeps the order of messages from one process to another, whatever kind of process", async () => {
    const { node, host } = createHosted();
    const byBody: number[] = [];
    const byHandler: number[] = [];
    const body = node.spawn<number>(async (self) => {
      for (;;) byBody.push(await self.receive());
    });
    const handler = node.spawn<number, null>({
      init: () => null,
      message: (state, n) => (byHandler.push(n), state),
    });
    await exhaust(host);
    const expected = Array.from({ length: 200 }, (_, i) => i);
    node.spawn<never>(async (self) => {
      for (const i of expected) {
        self.send(body, i);
        self.send(handler, i);
        if (i % 7 === 0) await self.yield();
      }
    });
    await host.rest();
    await host.turns(1_000);
    expect(byBody).toEqual(expected);
    expect(byHandler).toEqual(expected);
  });

  test("is not overtaken by a later signal: a message comes before the Down sent after it", async () => {
    const { node, host } = createHosted();
    const log: unknown[] = [];
    const child = node.spawn<unknown>(idle);
    const pid = node.spawn<string | Down>(async (self) => {
      self.monitor(child);
      for (;;) {
        const message = await self.receive();
        log.push(typeof message === "string" ? message : message.type);
      }
    });
    await exhaust(host);
    node.send(pid, "first");
    node.send(pid, "second");
    node.exit(child, "kill");
    node.send(pid, "third");
    await host.turns(20);
    expect(log).toEqual(["first", "second", "down", "third"]);
  });

  test("is not overtaken by what its sender sends in the next turn, before it has been looked at", async () => {
    const { node, host } = createHosted();
    const received: string[] = [];
    const receiver = node.spawn<string>(async (self) => {
      for (;;) received.push(await self.receive());
    });
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const sender = node.spawn<"wait" | "send", null>({
      init: () => null,
      message(state, message, self) {
        // It leaves something under way, and goes on with its messages.
        if (message === "wait") void gate.then(() => self.send(receiver, "first"));
        else self.send(receiver, "second");
        return state;
      },
    });
    node.send(sender, "wait");
    await useUp(node, host);
    node.send(sender, "send");
    open();
    await host.rest();
    expect(received).toEqual([]);
    host.lookMs = 0;
    await host.turns(5);
    expect(received).toEqual(["first", "second"]);
  });

  test("is taken by the guard of its receive; an error of the guard rejects, and the message stays", async () => {
    const { node, host } = createHosted();
    const log: unknown[] = [];
    let strict = false;
    const pid = node.spawn<string>(async (self) => {
      const guard = (message: string): boolean => {
        if (strict) throw new Error("not now");
        return message === "b";
      };
      log.push(await self.receive(guard));
      log.push(await self.receive(guard).catch((error: Error) => error.message));
      log.push(await self.receive(), await self.receive(), await self.receive());
    });
    await useUp(node, host);
    for (const message of ["a", "b", "c"]) node.send(pid, message);
    host.lookMs = 0;
    await host.turns(3);
    expect(log).toEqual(["b"]);
    await useUp(node, host);
    node.send(pid, "b");
    strict = true;
    host.lookMs = 0;
    await host.turns(3);
    expect(log).toEqual(["b", "not now", "a", "c", "b"]);
  });

  test("is bounded by the limit of its mailbox, and the one it is about to take", async () => {
    const { node, host, events } = createHosted();
    const received: number[] = [];
    const pid = node.spawnOpt<number>({ mailbox: { limit: 3 } }, async (self) => {
      for (;;) received.push(await self.receive());
    });
    await useUp(node, host);
    for (let n = 1; n <= 100; n++) node.send(pid, n);
    expect(node.mailboxOf(pid).length).toBeLessThanOrEqual(4);
    host.lookMs = 0;
    await host.turns(5);
    expect(received.slice(0, 3)).toEqual([1, 2, 3]);
    expect(received.length).toBeLessThanOrEqual(4);
    const lost = events.filter((event) => event.type === "undelivered" && event.why === "overflow");
    expect(received.length + lost.length).toBe(100);
  });

  test("is not overtaken by the timeout of its receive", async () => {
    const { node, host } = createHosted();
    const log: [string, unknown][] = [];
    const pids = ["a", "b", "c"].map((letter) =>
      node.spawn<string>(async (self) => {
        log.push([letter, await self.receive({ timeoutMs: 10_000 })]);
        log.push([letter, await self.receive({ timeoutMs: 0 })]);
      }),
    );
    await exhaust(host);
    for (const pid of pids) node.send(pid, "in time");
    host.nowMs += 20_000;
    await host.turns(20);
    expect(log).toHaveLength(6);
    for (const letter of ["a", "b", "c"]) {
      expect(log.filter(([who]) => who === letter)).toEqual([
        [letter, "in time"],
        [letter, TIMEOUT],
      ]);
    }
  });

  test("comes to pass also when the node stops", async () => {
    const { node, host } = createHosted();
    const pids = Array.from({ length: 5 }, () => node.spawn<string>(idle));
    await exhaust(host);
    for (const pid of pids) node.send(pid, "end");
    const stopped = node.stop();
    await host.turns(50);
    expect(await stopped).toEqual({ killed: [] });
    expect(node.counts.processes).toBe(0);
  });
});

/** A node with several processes that were all just sent something, of which some have to wait for a turn. */
async function sendToMany(): Promise<
  ReturnType<typeof createHosted> & {
    pids: Pid<string>[];
    log: [number | string, unknown, unknown?][];
    target: Pid<unknown>;
  }
> {
  const hosted = createHosted();
  const { node, host } = hosted;
  const log: [number | string, unknown, unknown?][] = [];
  const target = node.spawn<unknown>(async (self) => {
    for (;;) log.push(["target got", await self.receive()]);
  });
  const pids = [0, 1, 2, 3].map((i) =>
    node.spawn<string>(async (self) => {
      try {
        const message = await self.receive();
        log.push([i, "handles", message]);
        self.send(target, i);
      } catch (error) {
        log.push([i, error]);
        throw error;
      }
    }),
  );
  await exhaust(host);
  for (const pid of pids) node.send(pid, "work");
  return { ...hosted, pids, log, target };
}

describe("a process that is ended while it waits for its turn", () => {
  test("by kill is dead at once, and nothing it still attempts has an effect", async () => {
    const { node, host, pids, log, events } = await sendToMany();
    const last = pids[3] as Pid<string>;
    node.exit(last, "kill");
    expect(node.isAlive(last)).toBe(false);
    expect(await node.whenExited(last)).toBe("noproc");
    await host.turns(20);
    expect(log).not.toContainEqual(["target got", 3]);
    expect(log).toContainEqual(["target got", 2]);
    const attempts = log.filter(([who, what]) => who === 3 && what === "handles");
    const fenced = events.filter((event) => event.type === "fenced" && event.pid === last);
    expect(fenced).toHaveLength(attempts.length);
    for (const [, error] of log.filter(([who]) => who === 3)) {
      expect(["handles", expect.any(DeadProcessError), expect.any(ExitSignal)]).toContainEqual(
        error,
      );
    }
  });

  test("by an exit signal handles no message any more: it unwinds, and the message is told of", async () => {
    const { node, host, pids, log, events } = await sendToMany();
    const last = pids[3] as Pid<string>;
    node.exit(last, "shutdown");
    expect(node.isAlive(last)).toBe(false);
    await host.turns(20);
    expect(log.filter(([who]) => who === 3)).toEqual([[3, expect.any(ExitSignal)]]);
    expect(log).not.toContainEqual(["target got", 3]);
    expect(events).toContainEqual({
      type: "undelivered",
      to: last,
      from: node.pid,
      message: "work",
      why: "dead",
    });
  });

  test.each<["shutdown" | "kill"]>([["shutdown"], ["kill"]])(
    "by %s gets no reply any more, although it was given before: it unwinds",
    async (reason) => {
      const { node, host } = createHosted();
      const log: unknown[] = [];
      const requests: Call<"x", "y">[] = [];
      const server = node.spawn<Call<"x", "y">>(async (self) => {
        for (;;) requests.push(await self.receive());
      });
      const caller = node.spawn<never>(async (self) => {
        log.push(await self.call(server, "x").catch((error: unknown) => error));
      });
      await useUp(node, host);
      for (const { from } of requests) node.reply(from, "y");
      node.exit(caller, reason);
      host.lookMs = 0;
      await host.turns(5);
      expect(log).toEqual([expect.any(ExitSignal)]);
    },
  );

  test("after a yield unwinds as at any other time", async () => {
    const { node, host } = createHosted();
    const log: unknown[] = [];
    const pids = [0, 1, 2].map((i) =>
      node.spawn<"go">(async (self) => {
        try {
          await self.receive();
          for (;;) await self.yield();
        } finally {
          log.push(i);
        }
      }),
    );
    await exhaust(host);
    for (const pid of pids) node.send(pid, "go");
    await host.turns(10);
    expect(pids.map((pid) => node.processInfo(pid)?.status)).toEqual(pids.map(() => "waiting"));
    node.exit(pids[2] as Pid<"go">, "shutdown");
    node.exit(pids[1] as Pid<"go">, "kill");
    await host.turns(5);
    expect(log.toSorted()).toEqual([1, 2]);
    expect(node.processes()).toEqual([pids[0]]);
  });
});

describe("yield", () => {
  test("lets processes run that are ready, and messages be handled", async () => {
    const { node, host } = createHosted();
    const log: string[] = [];
    const other = node.spawn<string>(async (self) => {
      for (;;) log.push(await self.receive());
    });
    node.spawn<never>(async (self) => {
      for (const n of [1, 2, 3]) {
        self.send(other, `message ${n}`);
        await self.yield();
        log.push(`after yield ${n}`);
      }
    });
    await host.rest();
    await host.turns(5);
    expect(log).toEqual([
      "message 1",
      "after yield 1",
      "message 2",
      "after yield 2",
      "message 3",
      "after yield 3",
    ]);
  });

  const atOnce: Take = () => undefined;
  const afterAnAwait: Take = () => Promise.resolve();
  type Take = () => PromiseLike<void> | undefined;

  test.each([
    ["in one microtask each", atOnce],
    ["with an await of their own in between", afterAnAwait],
  ])("lets others take all that waits for them, %s", async (_how, take) => {
    const { node, host } = createHosted();
    let taken = 0;
    const waiting: number[] = [];
    const receiver = node.spawn<number>(async (self) => {
      for (;;) {
        await self.receive();
        await take();
        taken++;
      }
    });
    node.spawn<never>(async (self) => {
      for (let sent = 0; sent < 1_000;) {
        for (let i = 0; i < 100; i++) self.send(receiver, sent++);
        await self.yield();
        waiting.push(self.processInfo(receiver)?.mailboxSize ?? Infinity);
      }
    });
    await host.rest();
    await host.turns(5);
    expect(waiting).toEqual(Array.from({ length: 10 }, () => 0));
    expect(taken).toBe(1_000);
  });

  test("is over when others have taken their share, even if more waits for them", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    let taken = 0;
    node.spawn<string>(async (self) => {
      for (;;) {
        self.send(self.pid, "again");
        await self.receive();
        taken++;
        if (taken % 1_000 === 0) host.nowMs += 0.1;
      }
    });
    const shares: number[] = [];
    node.spawn<never>(async (self) => {
      for (let before = taken; shares.length < 10; before = taken) {
        await self.yield();
        shares.push(taken - before);
      }
    });
    await host.rest();
    await host.turns(2);
    expect(shares).toHaveLength(10);
    expect(Math.max(...shares)).toBeLessThan(300);
    expect(Math.min(...shares)).toBeGreaterThan(200);
  });

  test("waits no longer than this turn of the event loop for those that take without end", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    node.spawn<string>(async (self) => {
      for (;;) {
        self.send(self.pid, "again");
        await self.receive();
        host.nowMs += 0.1;
      }
    });
    let yields = 0;
    node.spawn<never>(async (self) => {
      for (; yields < 3; yields++) await self.yield();
    });
    await host.rest();
    const perTurn: number[] = [];
    for (let before = yields; yields < 3; before = yields) {
      await host.turn();
      perTurn.push(yields - before);
    }
    expect(perTurn).toEqual([1, 1, 1]);
  });

  test("lets the event loop turn in a long computation, as often as turnMs says", async () => {
    const { node, host } = createHosted({ turnMs: 1 });
    let pieces = 0;
    node.spawn<never>(async (self) => {
      for (; pieces < 100; pieces++) {
        host.nowMs += 0.6;
        await self.yield();
      }
    });
    const perTurn: number[] = [];
    await host.rest();
    for (let before = 0; pieces < 100; before = pieces) {
      perTurn.push(pieces - before);
      await host.turn();
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(3);
    expect(pieces).toBe(100);
  });

  test("takes no time: nothing has to be waited for when nobody else has anything to do", async () => {
    const { node, host } = createHosted();
    const done = node.spawn<never>(async (self) => {
      for (let i = 0; i < 50; i++) await self.yield();
    });
    await host.rest();
    expect(host.nowMs).toBe(0);
    expect(await node.whenExited(done)).toBe("noproc");
  });
});
