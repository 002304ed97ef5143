/** Servers under schedulers that decide: whatever happens first, the outcome is one that OTP allows. */
import { describe, expect, test } from "@jest/globals";
import { name, type AnyPid, type Exit, type Node, type Pid, type Self } from "@coppice/core";
import { createFifoScheduler, createVirtualClock, type VirtualClock } from "@coppice/testkit";
import { defineServer, stop, sys, type ProtocolOf, type ServerSelf } from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  outcomeOf,
  puppet,
  terminating,
  type Journal,
} from "./server-world.js";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

interface Simulation {
  readonly node: Node;
  readonly clock: VirtualClock;
  /** Has all happen that needs no time, in an order of the seed's choice. */
  run(): Promise<void>;
  /** The same, until `promise` has settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/** Runs a program once for each seed; returns what came of it, each outcome once. */
async function outcomes(
  program: (simulation: Simulation) => Promise<unknown>,
): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const seed of SEEDS) {
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock, seed });
    const { node } = createServerWorld({ clock, scheduler });
    const run = (): Promise<void> => scheduler.runAll();
    const until = async <T>(promise: Promise<T>): Promise<T> => {
      promise.catch(() => undefined);
      await run();
      return promise;
    };
    seen.add(JSON.stringify(await program({ node, clock, run, until })));
  }
  return seen;
}

const list = defineServer({
  init: (): readonly string[] => [],
  call: {
    add: (items, item: string) => ({ reply: items.length, state: [...items, item] }),
    slow: async (items, item: string, self: ServerSelf) => {
      await self.yield();
      return { reply: items.length, state: [...items, item] };
    },
    get: (items) => ({ reply: items }),
  },
  cast: { put: (items, item: string) => ({ state: [...items, item] }) },
});
type List = Pid<ProtocolOf<typeof list>>;

/** Has processes send to a server, each in order, and returns the order they were taken in. */
async function takenFrom(
  { node, until, run }: Simulation,
  ...senders: ((self: Self<never>, server: List) => void | Promise<void>)[]
): Promise<string> {
  const server = await until(node.start(list));
  for (const send of senders) node.spawn<never>((self) => send(self, server));
  await run();
  return ((await until(node.call(server, ["get"]))) as string[]).join("");
}

/** All ways to merge two sequences. */
function merged(a: string, b: string): string[] {
  if (a === "" || b === "") return [a + b];
  const [x, ...restA] = a;
  const [y, ...restB] = b;
  return [
    ...merged(restA.join(""), b).map((rest) => x + rest),
    ...merged(a, restB.join("")).map((rest) => y + rest),
  ];
}

describe("whatever a scheduler decides", () => {
  test("casts of one process stay in order, those of two interleave in whatever way", async () => {
    const seen = await outcomes((simulation) =>
      takenFrom(
        simulation,
        (self, server) => ["a", "b"].forEach((item) => self.cast(server, ["put", item])),
        (self, server) => ["x", "y"].forEach((item) => self.cast(server, ["put", item])),
      ),
    );
    const legal = merged("ab", "xy").map((order) => JSON.stringify(order));
    expect(legal).toEqual(expect.arrayContaining([...seen]));
    expect(seen.size).toBeGreaterThan(legal.length / 2);
  });

  test("a call comes after the casts that its process sent before", async () => {
    const seen = await outcomes(async ({ node, until }) => {
      const server = await until(node.start(list));
      const replies: number[] = [];
      const done = new Promise<void>((resolve) => {
        node.spawn(async (self) => {
          self.cast(server, ["put", "a"]);
          self.cast(server, ["put", "b"]);
          replies.push(await self.call(server, ["add", "c"]));
          resolve();
        });
      });
      await until(done);
      return replies;
    });
    expect([...seen]).toEqual(["[2]"]);
  });

  test("an async callback is not interleaved with any other", async () => {
    const seen = await outcomes(async ({ node, until, run }) => {
      const server = await until(node.start(list));
      const replies = ["a", "b", "c"].map((item) => outcomeOf(node.call(server, ["slow", item])));
      await run();
      expect(replies.map(({ value }) => value)).toEqual([0, 1, 2]);
      return until(node.call(server, ["get"]));
    });
    expect([...seen]).toEqual([`["a","b","c"]`]);
  });

  test("a start is told only when the server can be called, and its continue comes first", async () => {
    const seen = await outcomes(async ({ node, until }) => {
      const server = puppet({ continue: () => ({ state: "ready" }) });
      const pid = await until(node.start(server, () => ({ state: "not ready", continue: 1 })));
      return until(node.call(pid, ["do", (state) => ({ reply: state })]));
    });
    expect([...seen]).toEqual([`"ready"`]);
  });

  test("a call to a server that crashes is answered or fails, and never waits for ever", async () => {
    const seen = await outcomes(async ({ node, until, run }) => {
      const pid = await until(node.start(puppet(), () => 0));
      const replies = [1, 2].map((reply) => outcomeOf(node.call(pid, ["do", () => ({ reply })])));
      node.spawn((self) => self.cast(pid, ["do", () => Promise.reject(boom)]));
      await run();
      return replies.map(({ state, value }) => (state === "fulfilled" ? value : state));
    });
    const legal = [
      [1, 2],
      [1, "rejected"],
      ["rejected", "rejected"],
    ];
    expect(legal.map((outcome) => JSON.stringify(outcome))).toEqual(
      expect.arrayContaining([...seen]),
    );
    expect(seen.size).toBe(legal.length);
  });

  test("of two servers that start under one name one gets it, and the other's starter is told who", async () => {
    const Name = name<never>("one");
    const seen = await outcomes(async ({ node, run }) => {
      const starts: { pid?: AnyPid; holder?: AnyPid }[] = [];
      for (let index = 0; index < 2; index++) {
        node.spawn(async (self) => {
          await self
            .startOpt({ name: Name }, puppet() as never, (() => 0) as never)
            .then((pid) => starts.push({ pid }))
            .catch((error: { reason: { alreadyStarted: AnyPid } }) =>
              starts.push({ holder: error.reason.alreadyStarted }),
            );
        });
      }
      await run();
      const winner = starts.find(({ pid }) => pid !== undefined)?.pid;
      const loser = starts.find(({ holder }) => holder !== undefined)?.holder;
      return [winner !== undefined, winner === loser, node.counts.processes];
    });
    expect([...seen]).toEqual(["[true,true,1]"]);
  });

  test("the exit of the parent ends the server with terminate, however busy it is", async () => {
    const seen = await outcomes(async ({ node, run }) => {
      const journal: Journal = [];
      const busy = puppet({
        ...terminating(journal),
        exit: (_state: unknown, { reason }: Exit) => void journal.push(["exit", reason]),
      });
      const parent = node.spawn<"end">(async (self) => {
        const pid = await self.startLink(busy, (server) => {
          server.trapExits();
          return 0;
        });
        for (let i = 0; i < 3; i++)
          self.cast(pid, [
            "do",
            (state, own) => own.yield().then(() => ({ state: (state as number) + 1 })),
          ]);
        await self.receive();
        self.exit("shutdown");
      });
      await run();
      node.send(parent, "end");
      await run();
      expect(node.counts.processes).toBe(0);
      return journal;
    });
    expect([...seen]).toEqual([JSON.stringify([["terminate", 3, "shutdown"]])]);
  });

  test("what comes while a server is suspended is handled after, and all of it", async () => {
    const seen = await outcomes(async ({ node, until, run }) => {
      const server = await until(node.start(list));
      const states: unknown[] = [];
      node.spawn(async (self) => {
        await sys.suspend(self, server);
        self.cast(server, ["put", "a"]);
        const held = await sys.getState(self, server);
        await sys.resume(self, server);
        states.push(held, await self.call(server, ["get"]));
      });
      node.spawn((self) => self.cast(server, ["put", "x"]));
      await run();
      return states;
    });
    const legal = [
      [[], ["a", "x"]],
      [[], ["x", "a"]],
      [["x"], ["x", "a"]],
      [[], ["a"]],
    ];
    expect(legal.map((outcome) => JSON.stringify(outcome))).toEqual(
      expect.arrayContaining([...seen]),
    );
    expect(seen.size).toBeGreaterThan(1);
  });

  test("an idle time is ended by a message or calls timeout, and never both at once", async () => {
    const seen = await outcomes(async ({ node, clock, until, run }) => {
      const journal: string[] = [];
      const server = puppet({
        timeout: () => void journal.push("timeout"),
        info: () => void journal.push("info"),
      });
      const pid = await until(node.start(server, () => ({ state: 0, timeoutMs: 100 })));
      node.sendAfter(pid as never, 100, "message" as never);
      await clock.advance(100, run);
      await clock.advance(1_000, run);
      return journal;
    });
    const legal = [["info"], ["timeout", "info"]];
    expect(legal.map((outcome) => JSON.stringify(outcome))).toEqual(
      expect.arrayContaining([...seen]),
    );
  });

  test("the last reply of a server that is stopped comes before the news of its end", async () => {
    const seen = await outcomes(async ({ node, until, run }) => {
      const pid = await until(node.start(puppet(), () => 0));
      const heard: unknown[] = [];
      node.spawn<{ type: "down" }>(async (self) => {
        self.monitor(pid, () => ({ type: "down" }));
        heard.push(await self.call(pid, ["do", () => ({ reply: "bye", stop: "done" })]));
        heard.push((await self.receive()).type);
      });
      await run();
      return heard;
    });
    expect([...seen]).toEqual([`["bye","down"]`]);
  });

  test("stop and a crash race, and who stops hears which it was", async () => {
    const seen = await outcomes(async ({ node, until, run }) => {
      const pid = await until(node.start(puppet(), () => 0));
      // It takes its time, so that the order to stop may come while it is about to crash.
      const crash = async (_state: unknown, self: ServerSelf): Promise<object> => {
        await self.yield();
        return { stop: "crash" };
      };
      node.spawn((self) => self.cast(pid, ["do", crash]));
      const stopped = outcomeOf(stop(node, pid));
      await run();
      if (stopped.state === "fulfilled") return "stopped";
      const { name, reason } = stopped.value as { name: string; reason?: unknown };
      return [name, reason];
    });
    const legal = ["stopped", ["ServerExitError", "crash"], ["NoProcessError", undefined]];
    expect(legal.map((outcome) => JSON.stringify(outcome))).toEqual(
      expect.arrayContaining([...seen]),
    );
    expect(seen.size).toBe(legal.length);
  });
});

test("the same seed gives the same run", async () => {
  const program = (simulation: Simulation): Promise<string> =>
    takenFrom(
      simulation,
      (self, server) => ["a", "b", "c"].forEach((item) => self.cast(server, ["put", item])),
      (self, server) => ["x", "y", "z"].forEach((item) => self.cast(server, ["put", item])),
    );
  expect(await outcomes(program)).toEqual(await outcomes(program));
});
