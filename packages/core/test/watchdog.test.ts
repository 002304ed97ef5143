import { describe, expect, test } from "@jest/globals";
import {
  formatFailure,
  type AnyPid,
  type Body,
  type Call,
  type Down,
  type Exit,
  type Handler,
  type Node,
  type NodeEvent,
  type Pid,
} from "@coppice/core";
import { createHosted, type FakeHost } from "./fake-host.js";
import { createWorld, idle } from "./world.js";

const BLOCKED_MS = 100;

type Blocked = Extract<NodeEvent, { type: "blocked" }>;

function createWatched(): {
  node: Node;
  host: FakeHost;
  /** Holds the event loop for that long. */
  hold: (ms?: number) => void;
  blocked: () => Blocked[];
} {
  const { node, host, events } = createHosted({ blockedMs: BLOCKED_MS });
  return {
    node,
    host,
    hold: (ms = 1_000) => void (host.nowMs += ms),
    blocked: () => events.flatMap((event) => (event.type === "blocked" ? [event] : [])),
  };
}

/** Lets time pass as it does while nobody holds the event loop; what processes hold it for comes on top. */
async function pass(host: FakeHost, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 5) {
    host.nowMs += 5;
    await host.turn();
  }
}

/** Two processes that talk all the time, and hold nothing up. */
function spawnTalkers(node: Node, host: FakeHost): void {
  interface Ball {
    readonly peer: Pid<Ball>;
  }
  const talker: Body<Ball> = async (self) => {
    for (;;) {
      const { peer } = await self.receive();
      host.nowMs += 0.01;
      await self.sleep(20);
      self.send(peer, { peer: self.pid });
    }
  };
  node.send(node.spawn(talker), { peer: node.spawn(talker) });
}

describe("the process that held the event loop for longer than blockedMs is named", () => {
  const foreign = new Promise<never>(() => undefined);

  const bodies: [string, (hold: () => void) => Body<string>][] = [
    ["from its start to its first receive", (hold) => async (self) => (hold(), await idle(self))],
    ["from its start to its end", (hold) => () => hold()],
    [
      "from its start until it throws",
      (hold) => () => {
        hold();
        throw new Error("boom");
      },
    ],
  ];

  test.each(bodies)("a body, %s", async (_when, body) => {
    const { node, host, hold, blocked } = createWatched();
    await pass(host, 200);
    const pid = node.spawn(body(hold));
    await host.rest();
    await pass(host, 50);
    expect(blocked()).toEqual([
      { type: "blocked", blockedMs: expect.any(Number), pid, suspects: [pid] },
    ]);
  });

  const afterwards: [string, Body<string>][] = [
    ["receives again", idle],
    ["polls", async (self) => void (await self.receive({ timeoutMs: 0 }))],
    ["sleeps", (self) => self.sleep(60_000)],
    ["yields", (self) => self.yield()],
    ["exits", (self) => self.exit("shutdown")],
    ["returns", () => undefined],
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    [
      "calls",
      async (self) => {
        const server = self.spawn<Call<"x", "y">>((other) => other.sleep(60_000));
        await self.call(server, "x", { timeoutMs: Infinity });
      },
    ],
  ];

  test.each(afterwards)(
    "a body that works on a message for too long and then %s",
    async (_then, then) => {
      const { node, host, hold, blocked } = createWatched();
      const pid = node.spawn<string>(async (self) => {
        await self.receive();
        hold();
        await then(self);
      });
      await pass(host, 200);
      node.send(pid, "go");
      await host.rest();
      await pass(host, 50);
      const [event] = blocked() as [Blocked];
      expect(blocked()).toHaveLength(1);
      expect(event.suspects).toContain(pid);
      if (event.suspects.length === 1) expect(event.pid).toBe(pid);
    },
  );

  const resumed: [string, Body<string>][] = [
    ["a sleep", (self) => self.sleep(200)],
    ["a yield", (self) => self.yield()],
    ["the timeout of a receive", async (self) => void (await self.receive({ timeoutMs: 200 }))],
    [
      "a reply",
      async (self) => {
        const server = self.spawn<Call<"x", "y">>(async (other) => {
          const { from } = await other.receive();
          await other.sleep(200);
          other.reply(from, "y");
          await other.receive();
        });
        await self.call(server, "x");
      },
    ],
  ];

  test.each(resumed)("a body that goes on after %s", async (_what, wait) => {
    const { node, host, hold, blocked } = createWatched();
    const pid = node.spawn<string>(async (self) => {
      await wait(self);
      hold();
      await self.sleep(60_000);
    });
    await host.rest();
    await pass(host, 500);
    expect(blocked()).toHaveLength(1);
    expect(blocked()[0]?.suspects).toContain(pid);
  });

  test("a body that goes on to wait for something foreign is among the suspects", async () => {
    const { node, host, hold, blocked } = createWatched();
    const pid = node.spawn<string>(async (self) => {
      await self.receive();
      hold();
      await foreign;
    });
    await pass(host, 200);
    node.send(pid, "go");
    await host.rest();
    await pass(host, 50);
    expect(blocked()).toHaveLength(1);
    expect(blocked()[0]?.suspects).toContain(pid);
  });

  const handlers: [string, (hold: () => void) => Handler<string, null>][] = [
    ["in its init", (hold) => ({ init: () => (hold(), null), message: () => null })],
    ["in a message", (hold) => ({ init: () => null, message: () => (hold(), null) })],
    ["in an async message", (hold) => ({ init: () => null, message: async () => (hold(), null) })],
    [
      "in a message that it throws on",
      (hold) => ({
        init: () => null,
        message: () => {
          hold();
          throw new Error("boom");
        },
      }),
    ],
    [
      "in an async message, after a sleep",
      (hold) => ({
        init: () => null,
        async message(state, _message, self) {
          await self.sleep(10);
          hold();
          return state;
        },
      }),
    ],
  ];

  test.each(handlers)("a handler, %s", async (_when, handler) => {
    const { node, host, hold, blocked } = createWatched();
    await pass(host, 200);
    const pid = node.spawn(handler(hold));
    node.send(pid, "go");
    await host.rest();
    await pass(host, 100);
    expect(blocked()).toMatchObject([{ pid, suspects: [pid] }]);
  });

  test("a process whose guard takes too long, looking through its mailbox", async () => {
    const { node, host, hold, blocked } = createWatched();
    const pid = node.spawn<string>(async (self) => {
      await self.sleep(200);
      await self.receive((message) => (hold(), message === "x"));
    });
    node.send(pid, "x");
    await host.rest();
    await pass(host, 400);
    expect(blocked()).toMatchObject([{ pid, suspects: [pid] }]);
  });

  test("a process whose guard takes too long, looking at what arrives", async () => {
    const { node, host, hold, blocked } = createWatched();
    const pid = node.spawn<string>(async (self) => {
      await self.receive((message) => (hold(), message === "never"));
    });
    await pass(host, 200);
    node.send(pid, "x");
    await host.rest();
    await pass(host, 100);
    expect(blocked()).toHaveLength(1);
    expect(blocked()[0]?.suspects).toContain(pid);
  });

  test.each(["down", "exit"] as const)(
    "a process that takes too long to translate a signal: %s",
    async (kind) => {
      const { node, host, hold, blocked } = createWatched();
      const child = node.spawn<unknown>(idle);
      const pid = node.spawn<Down | Exit>(async (self) => {
        self.monitor(child, (down) => (hold(), down));
        self.trapExits((exit) => (hold(), exit));
        for (;;) await self.receive();
      });
      await pass(host, 200);
      if (kind === "down") node.exit(child, "kill");
      else node.exit(pid, "shutdown");
      await host.rest();
      await pass(host, 100);
      expect(blocked()).toHaveLength(1);
      expect(blocked()[0]?.suspects).toContain(pid);
    },
  );
});

describe("a blocked event", () => {
  test("says for how long the event loop was held", async () => {
    const { node, host, hold, blocked } = createWatched();
    await pass(host, 200);
    node.spawn<never>(() => hold(730));
    await host.rest();
    await pass(host, 50);
    const { blockedMs } = blocked()[0] as Blocked;
    expect(blockedMs).toBeGreaterThanOrEqual(730);
    expect(blockedMs).toBeLessThan(730 + BLOCKED_MS / 2);
  });

  test("comes once for each time the event loop was held", async () => {
    const { node, host, hold, blocked } = createWatched();
    const pid = node.spawn<number>(async (self) => {
      for (;;) hold(await self.receive());
    });
    for (const ms of [200, 300, 400]) {
      await pass(host, 200);
      node.send(pid, ms);
      await host.rest();
    }
    await pass(host, 500);
    expect(blocked().map((event) => event.pid)).toEqual([pid, pid, pid]);
  });

  test("does not come for less than blockedMs", async () => {
    const { node, host, hold, blocked } = createWatched();
    const pid = node.spawn<"go">(async (self) => {
      for (;;) {
        await self.receive();
        hold(BLOCKED_MS - 5);
      }
    });
    for (let i = 0; i < 20; i++) {
      node.send(pid, "go");
      await host.rest();
      await pass(host, 30);
    }
    expect(blocked()).toEqual([]);
  });

  test("does not come while nothing happens, however long", async () => {
    const { node, host, blocked } = createWatched();
    node.spawn(idle);
    node.spawn<never>((self) => self.sleep(20_000));
    await pass(host, 30_000);
    expect(blocked()).toEqual([]);
  });

  test("does not come while many processes share the event loop", async () => {
    const { node, host, blocked } = createWatched();
    for (let i = 0; i < 10; i++) spawnTalkers(node, host);
    await host.rest();
    await pass(host, 2_000);
    expect(blocked()).toEqual([]);
  });

  test("lists all who may have been it when several ran, the culprit among them", async () => {
    const { node, host, hold, blocked } = createWatched();
    const log: AnyPid[] = [];
    const pids = [0, 1, 2].map((i) =>
      node.spawn<"go">(async (self) => {
        for (;;) {
          await self.receive();
          log.push(self.pid);
          if (i === 1) hold();
        }
      }),
    );
    await pass(host, 200);
    for (const pid of pids) node.send(pid, "go");
    await host.rest();
    await pass(host, 50);
    const [event] = blocked() as [Blocked];
    expect(blocked()).toHaveLength(1);
    expect(event.suspects).toContain(pids[1]);
    expect(new Set(event.suspects).size).toBe(event.suspects.length);
    expect(event.pid).toBe(event.suspects.length === 1 ? pids[1] : undefined);
    expect(log).toHaveLength(3);
  });

  test("does not suspect who ran long before", async () => {
    const { node, host, hold, blocked } = createWatched();
    const innocent = node.spawn<string>(async (self) => {
      for (;;) await self.receive();
    });
    const guilty = node.spawn<string>(async (self) => {
      await self.receive();
      hold();
      await self.receive();
    });
    await pass(host, 100);
    node.send(innocent, "x");
    await host.rest();
    await pass(host, 200);
    node.send(guilty, "x");
    await host.rest();
    await pass(host, 50);
    expect(blocked()).toMatchObject([{ pid: guilty, suspects: [guilty] }]);
  });

  test("names nobody when it was code outside any process", async () => {
    const { node, host, hold, blocked } = createWatched();
    node.spawn(idle);
    await pass(host, 200);
    hold();
    await pass(host, 50);
    expect(blocked()).toMatchObject([{ pid: undefined, suspects: [] }]);
  });

  test("does not name a process for merely waiting for something foreign at the time", async () => {
    const { node, host, hold, blocked } = createWatched();
    node.spawn<never>(() => new Promise<never>(() => undefined));
    await pass(host, 200);
    hold();
    await pass(host, 50);
    expect(blocked()).toMatchObject([{ pid: undefined }]);
  });

  test("has a text for the log that says who it was, unless no process was", () => {
    const { node } = createWorld();
    const [a, b] = [node.spawn(idle), node.spawn(idle)];
    const event = { type: "blocked", blockedMs: 250.4, cpuMs: 200 } as const;
    expect(formatFailure({ ...event, pid: a, suspects: [a] })).toBe(
      "process <demo.1> held the event loop for 250 ms",
    );
    expect(formatFailure({ ...event, pid: undefined, suspects: [a, b] })).toBe(
      "one of the processes <demo.1>, <demo.2> held the event loop for 250 ms",
    );
    expect(formatFailure({ ...event, pid: undefined, suspects: [] })).toBeUndefined();
  });

  test("tells how much was computed meanwhile, and blames nobody when that was little: the whole program was stopped", async () => {
    const { node, host, blocked } = createWatched();
    let computedMs = 0;
    host.cpuMs = () => computedMs;
    await pass(host, 200);
    // As after SIGSTOP: time has passed, and nothing was done.
    const stopped = node.spawn<never>(() => void (host.nowMs += 2_309));
    await host.rest();
    await pass(host, 200);
    const busy = node.spawn<never>(() => {
      host.nowMs += 500;
      computedMs += 480;
    });
    await host.rest();
    await pass(host, 200);
    const [first, second] = blocked() as [Blocked, Blocked];
    expect([first.pid, first.cpuMs, second.pid, second.cpuMs]).toEqual([stopped, 0, busy, 480]);
    expect([first, second].map(formatFailure)).toEqual([
      expect.stringMatching(
        /^the event loop stood still for 23\d\d ms, of which the program computed for 0 ms: the whole program was stopped or starved, or process <demo.1> waited for something synchronously$/,
      ),
      expect.stringMatching(/^process <demo.2> held the event loop for 50\d ms$/),
    ]);
  });

  test("where nobody can tell how much was computed leaves both open", async () => {
    const { node, host, hold, blocked } = createWatched();
    node.spawn<never>(() => hold());
    await host.rest();
    await pass(host, 50);
    expect(blocked()[0]).not.toHaveProperty("cpuMs");
    expect(formatFailure(blocked()[0] as Blocked)).toMatch(
      /^process <demo.1> held the event loop for 10\d\d ms, unless the whole program was stopped$/,
    );
  });
});

describe("the watchdog", () => {
  test("reaches the logger as well", async () => {
    const told: NodeEvent[] = [];
    const { node, host } = createHosted({
      blockedMs: BLOCKED_MS,
      logger: (event) => void told.push(event),
    });
    const pid = node.spawn<never>(() => void (host.nowMs += 500));
    await host.rest();
    await pass(host, 50);
    expect(told).toMatchObject([{ type: "blocked", pid }]);
  });

  test("sleeps on a clock that is not the host's, unless blockedMs is given", async () => {
    const quiet = createWorld();
    expect(quiet.clock.nextAt()).toBeUndefined();
    const watched = createWorld({ blockedMs: 100 });
    expect(watched.clock.nextAt()).toBeGreaterThan(0);
  });

  test("never wakes with blockedMs: Infinity", async () => {
    const { node, host, events } = createHosted({ blockedMs: Infinity });
    node.spawn<never>(() => void (host.nowMs += 100_000));
    await host.rest();
    await pass(host, 500);
    expect(events.filter(({ type }) => type === "blocked")).toEqual([]);
  });

  test("keeps no program alive, and is gone when the node has stopped", async () => {
    const { node, clock } = createWorld({ blockedMs: 100 });
    expect(clock.pending).toBe(0);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
    await node.stop();
    expect(clock.nextAt()).toBeUndefined();
  });
});
