import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import {
  DeadProcessError,
  fromObservable,
  schedulerOf,
  ServerExitError,
  toObservable,
  UncloneableMessageError,
  type HandlerSelf,
  type Node,
  type NodeEvent,
  type Notification,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  concat,
  debounceTime,
  delay,
  interval,
  map,
  Observable,
  of,
  Subject,
  take,
  throwError,
  timer,
  type SchedulerAction,
} from "rxjs";
import { createWorld } from "./world.js";

/** What rxjs was about to throw into the host's event loop: it does so in a timeout. */
let thrown: (() => void)[] = [];

beforeEach(() => {
  thrown = [];
  jest.spyOn(globalThis, "setTimeout").mockImplementation(((raise: () => void) => {
    thrown.push(raise);
  }) as never);
});

afterEach(() => {
  jest.restoreAllMocks();
  for (const raise of thrown) raise();
});

/** What an observable said, in order, in words. */
function record(source: Observable<unknown>): { said: unknown[]; unsubscribe: () => void } {
  const said: unknown[] = [];
  const subscription = source.subscribe({
    next: (value) => said.push(value),
    error: (error: unknown) => said.push({ error }),
    complete: () => said.push("complete"),
  });
  return { said, unsubscribe: () => subscription.unsubscribe() };
}

function crashes(events: readonly NodeEvent[]): { pid: unknown; error: Error }[] {
  return events.flatMap((event) =>
    event.type === "crashed" ? [{ pid: event.report.pid, error: event.report.reason.error }] : [],
  );
}

/** A process that listens to `source` and keeps what it is told. */
function spawnListener(
  node: Node,
  source: Observable<unknown>,
  translate: (notification: Notification<unknown>) => unknown = (notification) => notification,
): { pid: Pid<unknown>; received: unknown[] } {
  const received: unknown[] = [];
  const pid = node.spawn<unknown>(async (self) => {
    fromObservable(self, source, translate);
    for (;;) received.push(await self.receive());
  });
  return { pid, received };
}

describe("fromObservable", () => {
  test("sends each value, the error and the completion, translated, in order", async () => {
    const { node } = createWorld();
    const words = spawnListener(node, of("a", "b"), (said) =>
      said.type === "next" ? `next ${String(said.value)}` : said.type,
    );
    const failing = spawnListener(
      node,
      concat(
        of(1),
        throwError(() => "broken"),
      ),
    );
    await quiesce();
    expect(words.received).toEqual(["next a", "next b", "complete"]);
    expect(failing.received).toEqual([
      { type: "next", value: 1 },
      { type: "error", error: "broken" },
    ]);
  });

  test("goes on for as long as both live", async () => {
    const { node } = createWorld();
    const source = new Subject<number>();
    const { pid, received } = spawnListener(node, source, (said) =>
      said.type === "next" ? said.value : said.type,
    );
    await quiesce();
    source.next(1);
    await quiesce();
    source.next(2);
    await quiesce();
    expect(received).toEqual([1, 2]);
    expect(source.observed).toBe(true);
    node.exit(pid, "shutdown");
    await quiesce();
    expect(source.observed).toBe(false);
  });

  const ends: [string, (self: Self<unknown>) => void | Promise<void>][] = [
    ["returns", () => undefined],
    ["exits", (self) => self.exit("shutdown")],
    [
      "crashes",
      () => {
        throw new Error("boom");
      },
    ],
    ["is killed", (self) => self.exit(self.pid, "kill")],
  ];

  test.each(ends)("ends the subscription when the process %s", async (_how, end) => {
    const { node } = createWorld();
    const source = new Subject<number>();
    const pid = node.spawn<unknown>(async (self) => {
      fromObservable(self, source, (said) => said);
      await self.receive();
      await end(self);
    });
    await quiesce();
    expect(source.observed).toBe(true);
    node.send(pid, "end");
    await quiesce();
    expect(node.isAlive(pid)).toBe(false);
    expect(source.observed).toBe(false);
  });

  test("returns the subscription, to end it earlier", async () => {
    const { node } = createWorld();
    const source = new Subject<number>();
    const received: unknown[] = [];
    node.spawn<unknown>(async (self) => {
      const subscription = fromObservable(self, source, (said) => said.type);
      received.push(await self.receive());
      subscription.unsubscribe();
      received.push(await self.receive());
    });
    await quiesce();
    source.next(1);
    await quiesce();
    source.next(2);
    await quiesce();
    expect(received).toEqual(["next"]);
    expect(source.observed).toBe(false);
  });

  test("serves a handler as well", async () => {
    const { node } = createWorld();
    const source = new Subject<number>();
    const received: unknown[] = [];
    const pid = node.spawn<unknown, null>({
      init: (self: HandlerSelf<unknown>) => {
        fromObservable(self, source, (said) => said.type);
        return null;
      },
      message: (state, message) => (received.push(message), state),
    });
    await quiesce();
    source.next(1);
    source.complete();
    await quiesce();
    expect(received).toEqual(["next", "complete"]);
    node.exit(pid, "shutdown");
    await quiesce();
    expect(source.observed).toBe(false);
  });

  test("crashes the process, and nobody else, when the translation throws", async () => {
    const { node, events } = createWorld();
    const source = new Subject<number>();
    const boom = new Error("cannot translate");
    const { pid } = spawnListener(node, source, () => {
      throw boom;
    });
    const other = spawnListener(node, source);
    await quiesce();
    source.next(1);
    await quiesce();
    expect(crashes(events)).toEqual([{ pid, error: boom }]);
    expect(other.received).toEqual([{ type: "next", value: 1 }]);
  });

  test("crashes the process when the message cannot be sent", async () => {
    const { node, events } = createWorld({ messages: "clone" });
    const source = new Subject<unknown>();
    const { pid } = spawnListener(node, source);
    await quiesce();
    source.next(() => undefined);
    await quiesce();
    expect(crashes(events)).toEqual([{ pid, error: expect.any(UncloneableMessageError) }]);
  });

  test("of a dead process subscribes to nothing", async () => {
    const { node } = createWorld();
    let subscribed = 0;
    const source = new Observable(() => void subscribed++);
    const errors: unknown[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      await self.receive().catch(() => undefined);
      try {
        fromObservable(self, source, (said) => said);
      } catch (error) {
        errors.push(error);
      }
    });
    await quiesce();
    node.exit(pid, "kill");
    await quiesce();
    expect(errors).toEqual([expect.any(DeadProcessError)]);
    expect(subscribed).toBe(0);
  });

  test("tells that a source cannot be subscribed to as its error", async () => {
    const { node } = createWorld();
    const source = new Observable<never>(() => {
      throw new Error("no source");
    });
    const { received } = spawnListener(node, source);
    await quiesce();
    expect(received).toEqual([{ type: "error", error: new Error("no source") }]);
  });
});

describe("toObservable", () => {
  test("emits whatever the process of the subscription is sent", async () => {
    const { node } = createWorld();
    const pids: Pid<string>[] = [];
    const { said, unsubscribe } = record(
      toObservable<string>(node, (self) => void pids.push(self.pid)),
    );
    await quiesce();
    for (const word of ["a", "b", "c"]) node.send(pids[0] as Pid<string>, word);
    await quiesce();
    expect(said).toEqual(["a", "b", "c"]);
    unsubscribe();
  });

  test("tells of what a subscriber throws as subscriberFailed, and goes on", async () => {
    const { node, events } = createWorld();
    const source = toObservable<string>(node, (self) => self.send(self.pid, "a"));
    const said: string[] = [];
    const oops = new Error("oops");
    const subscriptions = [source, source.pipe(map((word) => word))].map((observable) =>
      observable.subscribe((word) => {
        said.push(word);
        throw oops;
      }),
    );
    await quiesce();
    expect(said).toEqual(["a", "a"]);
    const failures = events.filter(({ type }) => type === "subscriberFailed");
    const failure = { type: "subscriberFailed", error: oops };
    expect(failures).toEqual([failure, failure]);
    for (const subscription of subscriptions) subscription.unsubscribe();
  });

  test("spawns nothing before somebody subscribes, and a process for each who does", async () => {
    const { node } = createWorld();
    const source = toObservable<string>(node, () => undefined);
    expect(node.counts.processes).toBe(0);
    const first = record(source);
    const second = record(source);
    expect(node.counts.processes).toBe(2);
    first.unsubscribe();
    await quiesce();
    expect(node.counts.processes).toBe(1);
    second.unsubscribe();
    await quiesce();
    expect(node.counts.processes).toBe(0);
  });

  test("ends the process when enough has been taken", async () => {
    const { node } = createWorld();
    const source = toObservable<number>(node, (self) => {
      for (let i = 0; i < 5; i++) self.send(self.pid, i);
    });
    const { said } = record(source.pipe(take(2)));
    await quiesce();
    expect(said).toEqual([0, 1, "complete"]);
    expect(node.counts.processes).toBe(0);
  });

  test("has not even begun when it is unsubscribed at once", async () => {
    const { node } = createWorld();
    let begun = false;
    record(toObservable<number>(node, () => void (begun = true))).unsubscribe();
    await quiesce();
    expect(begun).toBe(false);
    expect(node.counts.processes).toBe(0);
  });

  test.each(["normal", "shutdown", { shutdown: "done" }])(
    "completes when the process ends in order: %j",
    async (reason) => {
      const { node } = createWorld();
      const { said } = record(toObservable<number>(node, (self) => self.exit(reason)));
      await quiesce();
      expect(said).toEqual(["complete"]);
    },
  );

  test("fails with the exit reason when the process ends otherwise", async () => {
    const { node } = createWorld();
    const boom = new Error("boom");
    const crashed = record(
      toObservable<number>(node, () => {
        throw boom;
      }),
    );
    const pids: Pid<number>[] = [];
    const killed = record(toObservable<number>(node, (self) => void pids.push(self.pid)));
    await quiesce();
    node.exit(pids[0] as Pid<number>, "kill");
    await quiesce();
    expect(crashed.said).toEqual([{ error: expect.any(ServerExitError) }]);
    expect(crashed.said).toMatchObject([{ error: { reason: { error: boom } } }]);
    expect(killed.said).toMatchObject([{ error: { reason: "killed" } }]);
  });

  test("completes when the node stops, and fails on a node that has stopped", async () => {
    const { node } = createWorld();
    const source = toObservable<number>(node, () => undefined);
    const before = record(source);
    await quiesce();
    await node.stop();
    await quiesce();
    expect(before.said).toEqual(["complete"]);
    expect(record(source).said).toMatchObject([{ error: { code: "NODE_STOPPED" } }]);
  });

  test("and fromObservable are each other's opposite", async () => {
    const { node } = createWorld();
    const { said } = record(
      toObservable<unknown>(node, (self) => {
        fromObservable(self, of(1, 2, 3), (told) => (told.type === "next" ? told.value : "end"));
      }).pipe(take(4)),
    );
    await quiesce();
    expect(said).toEqual([1, 2, 3, "end", "complete"]);
  });
});

describe("schedulerOf", () => {
  test("tells the time of the node", async () => {
    const { node, clock } = createWorld();
    const scheduler = schedulerOf(node);
    expect(scheduler.now()).toBe(0);
    await clock.advance(1_234);
    expect(scheduler.now()).toBe(1_234);
  });

  test("makes timer fire in the node's time", async () => {
    const { node, clock } = createWorld();
    const { said } = record(timer(1_000, schedulerOf(node)));
    await clock.advance(999);
    expect(said).toEqual([]);
    await clock.advance(1);
    expect(said).toEqual([0, "complete"]);
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("makes interval tick in the node's time, without drift", async () => {
    const { node, clock } = createWorld();
    const scheduler = schedulerOf(node);
    const { said } = record(
      interval(10, scheduler).pipe(
        map((n) => [n, node.now()]),
        take(4),
      ),
    );
    await clock.advance(1_000);
    expect(said).toEqual([[0, 10], [1, 20], [2, 30], [3, 40], "complete"]);
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("makes debounceTime wait in the node's time", async () => {
    const { node, clock } = createWorld();
    const keys = new Subject<string>();
    const { said } = record(keys.pipe(debounceTime(100, schedulerOf(node))));
    for (const key of ["c", "co", "cop"]) {
      keys.next(key);
      await clock.advance(60);
    }
    expect(said).toEqual([]);
    await clock.advance(40);
    expect(said).toEqual(["cop"]);
    keys.next("copp");
    await clock.advance(99);
    expect(said).toEqual(["cop"]);
    await clock.advance(1);
    expect(said).toEqual(["cop", "copp"]);
    keys.next("last");
    keys.complete();
    expect(said).toEqual(["cop", "copp", "last", "complete"]);
    await quiesce();
    expect(node.counts.processes).toBe(0);
  });

  test("makes delay shift values in the node's time, in order", async () => {
    const { node, clock } = createWorld();
    const { said } = record(of("a", "b", "c").pipe(delay(50, schedulerOf(node))));
    await clock.advance(49);
    expect(said).toEqual([]);
    await clock.advance(1);
    expect(said).toEqual(["a", "b", "c", "complete"]);
  });

  test("gives the work its state, and lets it schedule itself again", async () => {
    const { node, clock } = createWorld();
    const seen: [number, number][] = [];
    schedulerOf(node).schedule<number>(
      function (this: SchedulerAction<number>, state) {
        seen.push([state, node.now()]);
        if (state < 3) this.schedule(state + 1, 10 * state);
      },
      5,
      1,
    );
    await clock.advance(1_000);
    expect(seen).toEqual([
      [1, 5],
      [2, 15],
      [3, 35],
    ]);
  });

  test("runs work without a delay soon, but not at once", async () => {
    const { node, clock } = createWorld();
    const log: string[] = [];
    schedulerOf(node).schedule(() => void log.push("work"));
    log.push("after");
    await clock.advance(0);
    expect(log).toEqual(["after", "work"]);
  });

  test("forgets what is unsubscribed: nothing runs, no process and no timer is left", async () => {
    const { node, clock } = createWorld();
    const scheduler = schedulerOf(node);
    let ran = false;
    const work = scheduler.schedule(() => void (ran = true), 10);
    const ticks = record(interval(10, scheduler));
    await clock.advance(5);
    work.unsubscribe();
    await clock.advance(20);
    ticks.unsubscribe();
    await clock.advance(100);
    expect(ran).toBe(false);
    expect(ticks.said).toEqual([0, 1]);
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("can be unsubscribed from within the work", async () => {
    const { node, clock } = createWorld();
    const seen: number[] = [];
    const subscription = interval(10, schedulerOf(node)).subscribe((n) => {
      seen.push(n);
      if (n === 1) subscription.unsubscribe();
    });
    await clock.advance(100);
    expect(seen).toEqual([0, 1]);
    expect(node.counts.processes).toBe(0);
  });

  test("holds on to no more than the work that is pending, however often an interval has ticked", async () => {
    const { node, clock } = createWorld();
    let exits = 0;
    const counting = {
      now: () => node.now(),
      spawnOpt: node.spawnOpt.bind(node),
      exit: (...args: Parameters<Node["exit"]>) => {
        exits++;
        node.exit(...args);
      },
    } as unknown as Node;
    const subscription = interval(1, schedulerOf(counting)).subscribe();
    await clock.advance(500);
    exits = 0;
    subscription.unsubscribe();
    expect(exits).toBeLessThanOrEqual(2);
  });

  test("makes an error in the work a crash of the node, not of the program", async () => {
    const { node, clock, events } = createWorld();
    const boom = new Error("boom");
    const scheduler = schedulerOf(node);
    scheduler.schedule(() => {
      throw boom;
    }, 10);
    const other = record(timer(20, scheduler));
    await clock.advance(20);
    expect(crashes(events)).toMatchObject([{ error: boom }]);
    expect(other.said).toEqual([0, "complete"]);
  });

  test("ends with the node: what is pending never runs", async () => {
    const { node, clock } = createWorld();
    const ticks = record(interval(10, schedulerOf(node)));
    await clock.advance(25);
    expect(await node.stop()).toEqual({ killed: [] });
    await clock.advance(100);
    expect(ticks.said).toEqual([0, 1]);
  });

  test("runs nothing on a node that has stopped, and says so", async () => {
    const { node } = createWorld();
    await node.stop();
    expect(() => schedulerOf(node).schedule(() => undefined)).toThrow(
      expect.objectContaining({ code: "NODE_STOPPED" }),
    );
  });

  test("of two nodes follows two clocks", async () => {
    const [fast, slow] = [createWorld(), createWorld()];
    const heard: string[] = [];
    timer(10, schedulerOf(fast.node)).subscribe(() => heard.push("fast"));
    timer(10, schedulerOf(slow.node)).subscribe(() => heard.push("slow"));
    await fast.clock.advance(10);
    expect(heard).toEqual(["fast"]);
    await slow.clock.advance(10);
    expect(heard).toEqual(["fast", "slow"]);
  });
});
