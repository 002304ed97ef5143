import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import {
  connectRouter,
  createNode,
  name,
  type AnyPid,
  type Call,
  type Down,
  type Exit,
  type Name,
  type Node,
  type NodeEvent,
  type Pid,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";
import {
  filter,
  firstValueFrom,
  map,
  mergeMap,
  share,
  take,
  takeUntil,
  Subject,
  throwError,
} from "rxjs";
import { createHosted } from "./fake-host.js";
import { createWorld, idle, spawnDead, spawnPuppet } from "./world.js";

type EventType = NodeEvent["type"];

/** What rxjs was about to throw into the host's event loop: it does so in a timeout. */
let thrown: (() => void)[] = [];
let printed: string[] = [];

beforeEach(() => {
  thrown = [];
  printed = [];
  jest.spyOn(globalThis, "setTimeout").mockImplementation(((raise: () => void) => {
    thrown.push(raise);
  }) as never);
  jest.spyOn(console, "error").mockImplementation((line) => void printed.push(String(line)));
});

afterEach(() => {
  jest.restoreAllMocks();
  for (const raise of thrown) raise();
});

/** Makes something happen on a silent node in virtual time. Returns the pids that matter. */
type Scenario = (node: Node, clock: VirtualClock) => Promise<readonly AnyPid[]>;

/** One for each type of event, so that a new type without a test does not compile. */
const scenarios: {
  readonly [T in EventType]: readonly [
    Scenario,
    (pids: readonly AnyPid[], node: Node) => readonly object[],
  ];
} = {
  spawned: [
    async (node) => {
      const child: AnyPid[] = [];
      const parent = node.spawn<unknown>(async function parent(self) {
        child.push(self.spawn(async function child() {}));
        await self.receive();
      });
      await quiesce();
      return [parent, ...child];
    },
    ([parent, child], node) => [
      { type: "spawned", pid: parent, parent: node.pid, initialCall: "parent" },
      { type: "spawned", pid: child, parent, initialCall: "child" },
    ],
  ],
  exited: [
    async (node) => {
      const ends = [
        node.spawn(() => undefined),
        node.spawn((self: Self<never>) => self.exit({ shutdown: "done" })),
        node.spawn(idle),
      ];
      node.exit(ends[2] as AnyPid, "kill");
      await quiesce();
      return ends;
    },
    ([returned, shut, killed]) => [
      { type: "exited", pid: killed, reason: "killed" },
      { type: "exited", pid: returned, reason: "normal" },
      { type: "exited", pid: shut, reason: { shutdown: "done" } },
    ],
  ],
  crashed: [
    async (node) => {
      const pid = node.spawnOpt<{ type: "work" }>(
        { label: "the worker", name: name("worker") },
        async function worker(self) {
          await self.receive();
          throw new RangeError("boom");
        },
      );
      node.send(pid, { type: "work" });
      node.send(pid, { type: "work" });
      await quiesce();
      return [pid];
    },
    ([pid], node) => [
      {
        type: "crashed",
        watched: false,
        report: {
          pid,
          name: "worker",
          label: "the worker",
          path: "the worker",
          initialCall: "worker",
          ancestors: [node.pid],
          reason: { error: expect.any(RangeError) },
          stack: expect.stringMatching(/^RangeError: boom\n.*event\.test\.ts/s),
          during: "handling message work",
          mailboxSize: 1,
          lastMessageType: "work",
          links: [],
          watched: false,
        },
      },
    ],
  ],
  report: [
    async (node) => {
      const report = { level: "info", data: 7, format: () => "seven" } as const;
      const pid = node.spawn((self: Self<never>) => self.report(report));
      await quiesce();
      return [pid];
    },
    ([from]) => [
      { type: "report", from, report: { level: "info", data: 7, format: expect.any(Function) } },
    ],
  ],
  registered: [
    async (node) => {
      const pid = node.spawnOpt({ name: name<never>("one") }, idle);
      const other = node.spawn<unknown>(idle);
      node.register(name("two"), other);
      return [pid, other];
    },
    ([pid, other]) => [
      { type: "registered", name: "one", pid },
      { type: "registered", name: "two", pid: other },
    ],
  ],
  unregistered: [
    async (node) => {
      const pid = node.spawnOpt({ name: name<unknown>("one") }, idle);
      node.unregister(name("one"));
      node.register(name("two"), pid);
      node.exit(pid, "kill");
      return [pid];
    },
    ([pid]) => [
      { type: "unregistered", name: "one", pid },
      { type: "unregistered", name: "two", pid },
    ],
  ],
  nameTaken: [
    async (node) => {
      const Taken: Name<unknown> = name("taken");
      const holder = node.spawnOpt<unknown>({ name: Taken }, idle);
      const other = node.spawn<unknown>(idle);
      expect(() => node.register(Taken, other)).toThrow("taken");
      return [holder, other];
    },
    ([holder, other]) => [{ type: "nameTaken", name: "taken", pid: other, holder }],
  ],
  undelivered: [
    async (node, clock) => {
      const dead = await spawnDead(node);
      node.send(dead, "to the dead");
      const owner = spawnPuppet(node);
      const alias = await owner.do((self) => self.alias());
      await owner.do((self) => self.unalias(alias));
      node.send(alias, "to an old alias");
      const full = node.spawnOpt<unknown>({ mailbox: { limit: 1 } }, idle);
      node.send(full, 1);
      node.send(full, "to a full mailbox");
      const stranger = createNode({ name: "far", clock: createVirtualClock(), logger: false });
      const far = stranger.spawn<unknown>(idle);
      node.send(far, "to another node");
      node.sendAfter(name<unknown>("nobody"), 1, "to no name");
      await clock.advance(1);
      return [dead, owner.pid, full, far];
    },
    ([dead, owner, full, far], node) => [
      { type: "undelivered", to: dead, from: node.pid, message: "to the dead", why: "dead" },
      { type: "undelivered", to: owner, from: node.pid, message: "to an old alias", why: "alias" },
      {
        type: "undelivered",
        to: full,
        from: node.pid,
        message: "to a full mailbox",
        why: "overflow",
      },
      {
        type: "undelivered",
        to: far,
        from: node.pid,
        message: "to another node",
        why: "noconnection",
      },
      {
        type: "undelivered",
        to: expect.anything(),
        from: node.pid,
        message: "to no name",
        why: "unregistered",
      },
    ],
  ],
  highWater: [
    async (node) => {
      const pid = node.spawnOpt<unknown>({ mailbox: { highWater: 2 } }, (self) => self.sleep(1e6));
      await quiesce();
      for (let i = 0; i < 3; i++) node.send(pid, i);
      return [pid];
    },
    ([pid]) => [{ type: "highWater", pid, size: 2 }],
  ],
  zombie: [
    async (node, clock) => {
      const pid = node.spawnOpt<never>(
        { label: "stuck", unwindMs: 300 },
        () => new Promise(() => undefined),
      );
      await quiesce();
      node.exit(pid, "shutdown");
      await clock.advance(300);
      return [pid];
    },
    ([pid]) => [{ type: "zombie", pid, label: "stuck", unwindMs: 300 }],
  ],
  fenced: [
    async (node) => {
      const pid = node.spawn<unknown>(async (self) => {
        await self.receive().catch(() => undefined);
        for (const act of [() => self.send(self.pid, 1), () => self.spawn(idle)]) {
          expect(act).toThrow("is dead");
        }
      });
      await quiesce();
      node.exit(pid, "kill");
      await quiesce();
      return [pid];
    },
    ([pid]) => [
      { type: "fenced", pid, operation: "send", count: 1 },
      { type: "fenced", pid, operation: "spawn", count: 2 },
    ],
  ],
  // Needs a clock that moves while code runs; see below.
  blocked: [async () => [], () => []],
  disposerFailed: [
    async (node) => {
      const pid = node.spawn<unknown>(async (self) => {
        self.own({}, () => {
          throw new Error("cannot close");
        });
        self.own({}, () => Promise.reject(new Error("cannot flush")));
      });
      await quiesce();
      return [pid];
    },
    ([pid]) => [
      { type: "disposerFailed", pid, error: new Error("cannot flush") },
      { type: "disposerFailed", pid, error: new Error("cannot close") },
    ],
  ],
  unwindFailed: [
    async (node) => {
      const pid = node.spawn<unknown>(async (self) => {
        await self.receive().catch(() => {
          throw new Error("while unwinding");
        });
      });
      await quiesce();
      node.exit(pid, "shutdown");
      await quiesce();
      return [pid];
    },
    ([pid]) => [{ type: "unwindFailed", pid, error: new Error("while unwinding") }],
  ],
  subscriberFailed: [
    async (node) => {
      const subscription = node.events.subscribe(({ type }) => {
        if (type === "spawned") throw new Error("bad subscriber");
      });
      const pid = node.spawn(idle);
      subscription.unsubscribe();
      return [pid];
    },
    () => [{ type: "subscriberFailed", error: new Error("bad subscriber") }],
  ],
  nodeUp: [
    async (node) => {
      const gateway = connectRouter(node, { connect: () => undefined });
      gateway.open("far", () => undefined).up(7);
      return [];
    },
    () => [{ type: "nodeUp", node: "far", incarnation: 7 }],
  ],
  nodeDown: [
    async (node) => {
      const gateway = connectRouter(node, { connect: () => undefined });
      const peer = gateway.open("far", () => undefined);
      peer.up(7);
      peer.lost();
      return [];
    },
    () => [{ type: "nodeDown", node: "far", incarnation: 7 }],
  ],
  stopping: [
    async (node) => {
      const pids = [node.spawn(idle), node.spawn(idle)];
      await quiesce();
      await node.stop();
      return pids;
    },
    () => [{ type: "stopping", processes: 2 }],
  ],
  stopped: [
    async (node, clock) => {
      const stuck = node.spawn<Exit>(async (self) => {
        self.trapExits();
        for (;;) await self.receive();
      });
      node.spawn(idle);
      await quiesce();
      const stopped = node.stop({ timeoutMs: 50 });
      await clock.advance(50);
      await stopped;
      return [stuck];
    },
    ([stuck]) => [{ type: "stopped", killed: [stuck] }],
  ],
};

const types = Object.keys(scenarios).filter((type) => type !== "blocked") as EventType[];

describe("node.events tells", () => {
  test.each(types)("%s", async (type) => {
    const { node, clock, events } = createWorld();
    const [scenario, expected] = scenarios[type];
    const pids = await scenario(node, clock);
    expect(events.filter((event) => event.type === type)).toEqual(expected(pids, node));
  });

  test("blocked", async () => {
    const { node, host, events } = createHosted({ blockedMs: 100 });
    const pid = node.spawn<never>(() => void (host.nowMs += 1_000));
    await host.rest();
    await host.turn();
    expect(events.filter(({ type }) => type === "blocked")).toEqual([
      { type: "blocked", blockedMs: 1_000, pid, suspects: [pid] },
    ]);
  });

  test("of a crash that is watched by a monitor, a call, whenExited or a link that traps", async () => {
    const { node, events } = createWorld();
    const boom = async (self: Self<unknown>): Promise<void> => {
      await self.receive();
      throw new Error("boom");
    };
    const pids = Array.from({ length: 5 }, () => node.spawn(boom));
    const [monitored, called, awaited, linked, alone] = pids as [
      Pid<unknown>,
      Pid<unknown>,
      Pid<unknown>,
      Pid<unknown>,
      Pid<unknown>,
    ];
    node.spawn<Down | Exit>(async (self) => {
      self.trapExits();
      self.monitor(monitored);
      self.link(linked);
      for (;;) await self.receive();
    });
    void node.call(called as never, "x" as never).catch(() => undefined);
    void node.whenExited(awaited);
    await quiesce();
    for (const pid of pids) node.send(pid, "go");
    await quiesce();
    const watched = events.flatMap((event) =>
      event.type === "crashed" ? [[event.report.pid, event.watched, event.report.watched]] : [],
    );
    expect(watched).toContainEqual([monitored, true, true]);
    expect(watched).toContainEqual([called, true, true]);
    expect(watched).toContainEqual([awaited, true, true]);
    expect(watched).toContainEqual([linked, true, true]);
    expect(watched).toContainEqual([alone, false, false]);
    expect(node.counts.crashes).toBe(5);
  });

  test("of a crash as unwatched when all who watch are ended by it, linked as they are", async () => {
    const { node, events } = createWorld();
    const parent = node.spawn<Down>(async (self) => {
      const child = self.spawnLink<Call<"work", never>>(async (own) => {
        await own.receive();
        throw new Error("boom");
      });
      self.monitor(child);
      await self.call(child, "work");
    });
    await quiesce();
    expect(node.isAlive(parent)).toBe(false);
    expect(events.filter(({ type }) => type === "crashed")).toMatchObject([{ watched: false }]);
  });

  test("of a process in the order in which it went: spawned, registered, unregistered, exited", async () => {
    const { node, events } = createWorld();
    const pid = node.spawnOpt({ name: name<never>("x") }, () => undefined);
    await quiesce();
    const mine = events.filter((event) => "pid" in event && event.pid === pid);
    expect(mine.map(({ type }) => type)).toEqual([
      "spawned",
      "registered",
      "unregistered",
      "exited",
    ]);
  });

  test("nothing of ends in order as a crash: normal, shutdown, kill, a term", async () => {
    const { node, events } = createWorld();
    node.spawn(() => undefined);
    for (const reason of ["shutdown", { shutdown: "x" }, "tired", { error: "no Error" }, "kill"]) {
      const pid = node.spawn<unknown>(idle);
      await quiesce();
      node.exit(pid, reason as never);
    }
    await quiesce();
    expect(events.filter(({ type }) => type === "crashed")).toEqual([]);
    expect(node.counts.crashes).toBe(0);
  });
});

describe("a subscription to node.events", () => {
  test("hears what happens from then on, until it is ended", () => {
    const { node } = createWorld();
    const heard: string[] = [];
    node.spawn(idle);
    const subscription = node.events.subscribe(({ type }) => heard.push(type));
    node.spawn(idle);
    subscription.unsubscribe();
    node.spawn(idle);
    expect(heard).toEqual(["spawned"]);
  });

  test("can be ended, and another begun, within a callback", () => {
    const { node } = createWorld();
    const heard: string[] = [];
    const second = node.events.subscribe(() => heard.push("second"));
    const first = node.events.subscribe(() => {
      heard.push("first");
      first.unsubscribe();
      second.unsubscribe();
      node.events.subscribe(() => heard.push("third"));
    });
    node.spawn(idle);
    node.spawn(idle);
    expect(heard).toEqual(["second", "first", "third"]);
  });

  test("leaves nobody listening once it is ended, also when it was piped", async () => {
    const node = createNode({ clock: createVirtualClock(), logger: false });
    const end = new Subject<void>();
    const subscriptions = [
      node.events.subscribe(),
      node.events.pipe(map((event) => event.type)).subscribe(),
      node.events
        .pipe(filter(() => true))
        .pipe(share())
        .subscribe(),
      node.events.pipe(mergeMap((event) => [event, event])).subscribe(),
    ];
    const one = firstValueFrom(node.events);
    const taken = node.events.pipe(take(1)).subscribe();
    const until = node.events.pipe(takeUntil(end)).subscribe();
    expect(node.events.observed).toBe(true);
    node.spawn(idle);
    await one;
    end.next();
    for (const subscription of subscriptions) subscription.unsubscribe();
    expect([taken.closed, until.closed]).toEqual([true, true]);
    expect(node.events.observed).toBe(false);
  });

  test("completes when the node has stopped, after the last event; a later one at once", async () => {
    const { node } = createWorld();
    const heard: string[] = [];
    node.events.subscribe({
      next: ({ type }) => heard.push(type),
      complete: () => heard.push("complete"),
    });
    node.events.pipe(filter(() => false)).subscribe({ complete: () => heard.push("piped") });
    await node.stop();
    expect(heard).toEqual(["stopping", "stopped", "complete", "piped"]);
    let late = false;
    node.events.subscribe({ complete: () => (late = true) });
    expect(late).toBe(true);
    expect(node.events.observed).toBe(false);
  });
});

describe("a subscriber that throws", () => {
  const oops = new Error("oops");
  const fail = (): never => {
    throw oops;
  };

  const ways: [string, (node: Node) => void][] = [
    ["in next", (node) => void node.events.subscribe(fail)],
    ["in next of an observer", (node) => void node.events.subscribe({ next: fail })],
    ["after pipe(map)", (node) => void node.events.pipe(map((event) => event)).subscribe(fail)],
    ["in a map", (node) => void node.events.pipe(map(fail)).subscribe()],
    [
      "in a filter, with a next handler alone",
      (node) => {
        node.events.pipe(filter(fail)).subscribe(() => undefined);
      },
    ],
    [
      "in a map piped twice",
      (node) => void node.events.pipe(map(String)).pipe(map(fail)).subscribe(),
    ],
    [
      "in an inner observable",
      (node) => {
        node.events.pipe(mergeMap(() => throwError(() => oops))).subscribe();
      },
    ],
    ["after share", (node) => void node.events.pipe(share()).subscribe(fail)],
    [
      "in its error handler",
      (node) => {
        node.events
          .pipe(
            map(() => {
              throw new Error("first");
            }),
          )
          .subscribe({ error: fail });
      },
    ],
  ];

  test.each(ways)(
    "is told of as subscriberFailed and hurts nobody: %s",
    async (_where, subscribe) => {
      const { node, events } = createWorld();
      subscribe(node);
      const late: string[] = [];
      node.events.subscribe(({ type }) => late.push(type));
      const child = node.spawn<unknown>(idle);
      node.send(child, "end");
      await quiesce();
      expect(events).toContainEqual({ type: "subscriberFailed", error: oops });
      // All others still hear everything, in order.
      const others = events.filter(({ type }) => type !== "subscriberFailed");
      expect(others.map(({ type }) => type)).toEqual(["spawned", "exited"]);
      expect(late.filter((type) => type !== "subscriberFailed")).toEqual(["spawned", "exited"]);
      expect(node.spawn(idle).serial).toBe(2);
      await node.stop();
      expect(printed).toEqual([]);
    },
  );

  test("hears the next event all the same", () => {
    const { node } = createWorld();
    const heard: string[] = [];
    node.events.subscribe(({ type }) => {
      heard.push(type);
      if (type === "spawned") fail();
    });
    node.spawn(idle);
    node.spawn(idle);
    expect(heard.filter((type) => type === "spawned")).toHaveLength(2);
  });

  test("in its complete handler does not keep the node from stopping, nor others from completing", async () => {
    const { node, events } = createWorld();
    let completed = false;
    node.events.subscribe({ complete: fail });
    node.events.subscribe({ complete: () => (completed = true) });
    expect(await node.stop()).toEqual({ killed: [] });
    expect(completed).toBe(true);
    expect(events.at(-1)?.type).toBe("stopped");
  });

  test("on hearing of its own failure does not go on for ever, nor print on a silent node", () => {
    const { node, events } = createWorld();
    let calls = 0;
    node.events.subscribe(() => {
      calls++;
      fail();
    });
    node.spawn(idle);
    expect(calls).toBe(2);
    expect(events.filter(({ type }) => type === "subscriberFailed")).toHaveLength(1);
    expect(printed).toEqual([]);
  });

  test("on hearing of its own failure is told to the node's logger, each time", () => {
    const told: NodeEvent[] = [];
    const node = createNode({
      clock: createVirtualClock(),
      logger: (event) => void told.push(event),
    });
    node.events.subscribe(fail);
    node.spawn(idle);
    expect(told).toEqual([
      { type: "subscriberFailed", error: oops },
      { type: "subscriberFailed", error: oops },
    ]);
    expect(printed).toEqual([]);
  });

  test("a rejected promise in an async subscriber is not the node's to see, and stops nothing", async () => {
    const { node, events } = createWorld();
    node.events.subscribe(async () => {
      await Promise.resolve();
    });
    node.spawn(idle);
    await quiesce();
    expect(events.map(({ type }) => type)).toEqual(["spawned"]);
  });
});

/** The process an event is about, if any. */
function pidOf(event: NodeEvent): AnyPid | undefined {
  if (event.type === "crashed") return event.report.pid;
  if (event.type === "undelivered") return event.to;
  return "pid" in event ? event.pid : undefined;
}

describe("within a callback a subscriber", () => {
  const acts: [string, (node: Node, event: NodeEvent) => void][] = [
    [
      "kill the process it is about",
      (node, event) => {
        const pid = pidOf(event);
        if (pid !== undefined) node.exit(pid, "kill");
      },
    ],
    [
      "kill all processes",
      (node) => {
        for (const pid of node.processes()) node.exit(pid, "kill");
      },
    ],
    [
      "ask the process it is about to exit",
      (node, event) => {
        const pid = pidOf(event);
        if (pid !== undefined) node.exit(pid, "shutdown");
      },
    ],
    [
      "spawn a process",
      (node, { type }) => {
        // A node that is stopping or stopped refuses; that is told as a failure of the subscriber.
        const pid = node.spawnOpt({ label: `spawned on ${type}` }, idle);
        node.send(pid as Pid<unknown>, "end");
      },
    ],
    ["stop the node", (node) => void node.stop({ timeoutMs: 10 })],
  ];
  const matrix = types.flatMap((type) => acts.map(([what, act]) => [what, type, act] as const));

  test.each(matrix)("may %s on %s", async (_what, type, act) => {
    const { node, clock, events } = createWorld();
    let acted = 0;
    node.events.subscribe((event) => {
      if (event.type !== type || acted++ > 0) return;
      act(node, event);
    });
    const [scenario] = scenarios[type];
    // What the subscriber does may keep the scenario from going its way; nothing else may happen.
    await scenario(node, clock).catch(() => undefined);
    await quiesce();
    expect(acted).toBeGreaterThan(0);
    expect(node.counts.processes).toBe(node.processes().length);
    for (const pid of node.processes()) expect(node.processInfo(pid)).toBeDefined();
    const stopped = node.stop({ timeoutMs: 20 });
    await clock.advance(10_000);
    await stopped;
    expect(node.counts.processes).toBe(0);
    expect(node.processes()).toEqual([]);
    expect(node.registered()).toEqual([]);
    const spawned = events.flatMap((event) => (event.type === "spawned" ? [event.pid] : []));
    const exited = events.flatMap((event) => (event.type === "exited" ? [event.pid] : []));
    // Each process ends once, and is told of once.
    expect(exited.toSorted((a, b) => a.serial - b.serial)).toEqual(
      spawned.toSorted((a, b) => a.serial - b.serial),
    );
    expect(events.filter((event) => event.type === "stopping")).toHaveLength(1);
    expect(events.filter((event) => event.type === "stopped")).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test("changes nothing about the order in which the others hear of things", async () => {
    const { node } = createWorld();
    const heard: Record<string, string[]> = { before: [], after: [] };
    const hear = (who: string): void => {
      node.events.subscribe((event) => heard[who]?.push(`${event.type} ${String(pidOf(event))}`));
    };
    hear("before");
    node.events.subscribe((event) => {
      if (event.type === "spawned") node.exit(event.pid, "kill");
      if (event.type === "exited" && event.pid.serial === 1) node.spawn(idle);
    });
    hear("after");
    node.spawn(idle);
    await quiesce();
    expect(heard.before).toEqual([
      "spawned <demo.1>",
      "exited <demo.1>",
      "spawned <demo.2>",
      "exited <demo.2>",
    ]);
    expect(heard.after).toEqual(heard.before);
  });

  test("may kill a process before it has run: its code never does", async () => {
    const { node } = createWorld();
    let ran = false;
    node.events.subscribe((event) => {
      if (event.type === "spawned") node.exit(event.pid, "kill");
    });
    const pid = node.spawn(() => void (ran = true));
    await quiesce();
    expect(ran).toBe(false);
    expect(await node.whenExited(pid)).toBe("noproc");
  });

  test("may register a successor under a name that has just become free", async () => {
    const { node } = createWorld();
    const Server = name<unknown>("server");
    const successor = node.spawn<unknown>(idle);
    node.events.subscribe((event) => {
      if (event.type === "unregistered") node.register(Server, successor);
    });
    const first = node.spawnOpt({ name: Server }, idle);
    node.exit(first, "kill");
    expect(node.whereis(Server)).toBe(successor);
  });

  test("finds a message in no mailbox and not lost either: one that a killed process got is undelivered", async () => {
    const { node, events } = createWorld();
    const pid = node.spawnOpt<unknown>({ mailbox: { highWater: 2 } }, (self) => self.sleep(1e6));
    await quiesce();
    node.events.subscribe((event) => {
      if (event.type === "highWater") node.exit(pid, "kill");
    });
    for (let i = 0; i < 4; i++) node.send(pid, i);
    const lost = events.flatMap((event) => (event.type === "undelivered" ? [event.message] : []));
    expect(lost.toSorted()).toEqual([0, 1, 2, 3]);
    expect(node.counts.undelivered).toBe(4);
  });
});

describe("the default logger", () => {
  const boom = (): never => {
    throw new RangeError("boom");
  };
  const createLoud = (): Node => createNode({ name: "demo", clock: createVirtualClock() });

  test("prints a crash that nobody watched, once, with who, why, where and from what", async () => {
    const node = createLoud();
    const pid = node.spawnOpt<unknown>({ label: "worker" }, function work() {
      boom();
    });
    await quiesce();
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(
      /^\[coppice\] process <demo\.1> \(worker\) crashed while starting\n/,
    );
    expect(printed[0]).toContain("RangeError: boom");
    expect(printed[0]).toContain("event.test.ts");
    expect(printed[0]).toContain("initial call: work; ancestors: <demo.0>");
    expect(String(pid)).toBe("<demo.1>");
  });

  test("prints one crash for a whole group that goes down by links", async () => {
    const node = createLoud();
    node.spawn<unknown>(async (self) => {
      for (let i = 0; i < 3; i++) self.spawnLink(idle);
      self.spawnLink(boom);
      await self.receive();
    });
    await quiesce();
    expect(printed).toHaveLength(1);
  });

  test("is silent about a crash that was watched, and about ends in order", async () => {
    const node = createLoud();
    node.spawn<Down>(async (self) => {
      self.spawnMonitor((down) => down, boom);
      await self.receive();
    });
    node.spawn<Exit>(async (self) => {
      self.trapExits();
      self.spawnLink(boom);
      await self.receive();
    });
    void node.whenExited(node.spawn(boom));
    node.spawn(() => undefined);
    node.exit(node.spawn(idle), "kill");
    node.exit(node.spawn(idle), "tired");
    await quiesce();
    expect(printed).toEqual([]);
  });

  test("prints the failure of a subscriber", () => {
    const node = createLoud();
    node.events.subscribe(({ type }) => {
      if (type === "spawned") boom();
    });
    node.spawn(idle);
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/^\[coppice\] a subscriber of the node's events failed: RangeError/);
  });

  test("prints what a dead process attempts only the first time", async () => {
    const node = createLoud();
    const pid = node.spawn<unknown>(async (self) => {
      await self.receive().catch(() => undefined);
      for (let i = 0; i < 3; i++) expect(() => self.send(self.pid, i)).toThrow("is dead");
    });
    await quiesce();
    node.exit(pid, "kill");
    await quiesce();
    expect(printed).toEqual([
      "[coppice] process <demo.1> is dead, but its code attempted send; that had no effect",
    ]);
  });

  test("is silent about everything that is no failure", async () => {
    const node = createLoud();
    const pid = node.spawnOpt({ name: name<unknown>("x") }, idle);
    node.send(await spawnDead(node), "lost");
    node.send(pid, "end");
    await quiesce();
    await node.stop();
    expect(printed).toEqual([]);
  });
});

describe("a logger", () => {
  test("of one's own is told what the default one would print, and nothing is printed", async () => {
    const told: string[] = [];
    const node = createNode({
      clock: createVirtualClock(),
      logger: ({ type }) => void told.push(type),
    });
    node.spawn<unknown>(() => {
      throw new Error("boom");
    });
    await quiesce();
    expect(told).toEqual(["crashed"]);
    expect(printed).toEqual([]);
  });

  test("that throws hurts nobody, and is told of on the console", async () => {
    const node = createNode({
      clock: createVirtualClock(),
      logger: () => {
        throw new Error("disk full");
      },
    });
    const other = node.spawn<unknown>(idle);
    node.spawn<unknown>(() => {
      throw new Error("boom");
    });
    await quiesce();
    expect(node.isAlive(other)).toBe(true);
    expect(printed).toHaveLength(1);
    expect(printed[0]).toContain("disk full");
    expect(await node.stop()).toEqual({ killed: [] });
  });

  test("of false prints nothing, whatever happens", async () => {
    for (const type of types) {
      const { node, clock } = createWorld();
      await scenarios[type][0](node, clock);
    }
    expect(printed).toEqual([]);
  });
});
