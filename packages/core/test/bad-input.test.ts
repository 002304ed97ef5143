/** Every public operation × wrong input: a typed error at the edge, before any effect. */
import { describe, expect, test } from "@jest/globals";
import {
  abandonNode,
  AlreadyNamedError,
  at,
  busyProcesses,
  CoppiceError,
  createNode,
  fromObservable,
  guardedObservable,
  InvalidArgumentError,
  InvalidNameError,
  name,
  NameNotRegisteredError,
  NameTakenError,
  NoProcessError,
  schedulerOf,
  toObservable,
  type Call,
  type Node,
  type Operations,
  type Pid,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { of } from "rxjs";
import { createWorld, idle, spawnDead } from "./world.js";

/** Anything goes in: what the compiler would refuse is what is tested. */
type Loose<T> = { readonly [K in keyof T]: (...args: unknown[]) => unknown };
type AnyOperations = Loose<Operations>;
type AnySelf = Loose<Omit<Self<unknown>, "pid" | "node" | "signal">> & {
  readonly pid: Pid<unknown>;
};
type AnyNode = Loose<Omit<Node, "name" | "incarnation" | "pid" | "events" | "counts">>;

const Held = name<unknown>("held");
const Free = name<unknown>("free");

// oxlint-disable-next-line unicorn/no-thenable -- it has to be one
const thenable = { then: () => undefined };
const circular: Record<string, unknown> = {};
circular.self = circular;
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const hostile = {
  toJSON() {
    throw new Error("toJSON was called");
  },
  toString() {
    throw new Error("toString was called");
  },
};

/** No pid, although some look like one. */
const noPids: readonly unknown[] = [
  undefined,
  null,
  1,
  "<demo.1>",
  Symbol("pid"),
  () => undefined,
  {},
  { node: "demo", incarnation: 0, serial: 1 },
  Held,
  circular,
  revoked,
  hostile,
];
const noNames: readonly unknown[] = [
  undefined,
  null,
  "held",
  1,
  {},
  { kind: "name", name: "held" },
];
const noRefs: readonly unknown[] = [undefined, null, "#Ref<demo.1>", 1, {}, Held];
const noFunctions: readonly unknown[] = [null, "x", 1, {}];
const noDelays: readonly unknown[] = [undefined, null, -1, NaN, Infinity, "10", 10n, {}];
const noAddresses: readonly unknown[] = [undefined, null, "held", 1, {}, circular, hostile];
const noOptions: readonly unknown[] = [null, 5, "x"];

/** What is there to be disturbed. */
interface Target {
  readonly node: Node;
  /** A process that is alive, and held by the name `held`. */
  readonly held: Pid<unknown>;
  readonly free: Pid<unknown>;
  readonly dead: Pid<unknown>;
}

async function createTarget(): Promise<Target> {
  const { node } = createWorld();
  const held = node.spawnOpt<unknown>({ name: Held }, (self) => self.sleep(1e9));
  const free = node.spawn<unknown>((self) => self.sleep(1e9));
  const dead = await spawnDead(node);
  await quiesce();
  return { node, held, free, dead };
}

/** All that an operation could have changed. */
function stateOf(node: Node): unknown {
  return {
    counts: node.counts,
    names: node.registered(),
    processes: node.processes().map((pid) => [node.processInfo(pid), node.mailboxOf(pid)]),
  };
}

/** What an operation throws, at once; whatever else it does is a failure. */
function thrownBy(act: () => unknown): unknown {
  let result: unknown;
  try {
    result = act();
  } catch (error) {
    return error;
  }
  if (result instanceof Promise) result.catch(() => undefined);
  return { "did not throw, but returned": result };
}

function expectTyped(error: unknown, argument?: string): void {
  expect(error).toBeInstanceOf(CoppiceError);
  const { message } = error as Error;
  // What was expected, and what came.
  expect(message).toMatch(/^.+ must be .+, but is .+$/s);
  if (argument !== undefined) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    const { expected } = error as InvalidArgumentError;
    expect(message.startsWith(`${argument} must be ${expected}, but is `)).toBe(true);
  }
}

/** One way to use an operation wrongly: the argument that is named, what is passed for it, and the use. */
type Misuse<O> = readonly [
  argument: string,
  bad: readonly unknown[],
  use: (on: O, bad: unknown, target: Target) => unknown,
];

/** What can be done in a process and outside one alike. */
const shared: readonly Misuse<AnyOperations>[] = [
  ["send: to", noAddresses, (on, bad) => on.send(bad, "x")],
  ["send: message", [Promise.resolve(), thenable], (on, bad, { held }) => on.send(held, bad)],
  ["send: message", [thenable], (on, bad) => on.send(Held, bad)],
  ["call: target", noAddresses, (on, bad) => on.call(bad, "x")],
  ["call: options", noOptions, (on, bad, { held }) => on.call(held, "x", bad)],
  ["call: options", [{ timeout: 5 }], (on, bad, { held }) => on.call(held, "x", bad)],
  [
    "call: options.timeoutMs",
    [-1, NaN, "5", null],
    (on, bad, { held }) => on.call(held, "x", { timeoutMs: bad }),
  ],
  [
    "call: options.signal",
    [null, {}, "x", 5, { addEventListener: () => undefined }],
    (on, bad, { held }) => on.call(held, "x", { signal: bad }),
  ],
  ["cast: to", noAddresses, (on, bad) => on.cast(bad, "x")],
  ["reply: from", noRefs, (on, bad) => on.reply(bad, "x")],
  ["refuse: from", noRefs, (on, bad) => on.refuse(bad, new Error("no"))],
  ["register: name", noNames, (on, bad, { free }) => on.register(bad, free)],
  ["register: pid", noPids.filter(Boolean), (on, bad) => on.register(Free, bad)],
  ["unregister: name", noNames, (on, bad) => on.unregister(bad)],
  ["whereis: name", noNames, (on, bad) => on.whereis(bad)],
  ["isAlive: pid", noPids, (on, bad) => on.isAlive(bad)],
  ["processInfo: pid", noPids, (on, bad) => on.processInfo(bad)],
  ["sendAfter: to", noAddresses, (on, bad) => on.sendAfter(bad, 1, "x")],
  ["sendAfter: ms", noDelays, (on, bad, { held }) => on.sendAfter(held, bad, "x")],
  ["startTimer: to", noAddresses, (on, bad) => on.startTimer(bad, 1, "x")],
  ["startTimer: ms", noDelays, (on, bad, { held }) => on.startTimer(held, bad, "x")],
  ["sendInterval: to", noAddresses, (on, bad) => on.sendInterval(bad, 1, "x")],
  ["sendInterval: ms", [...noDelays, 0], (on, bad, { held }) => on.sendInterval(held, bad, "x")],
  ["timer", noRefs, (on, bad) => on.cancelTimer(bad)],
  ["timer", noRefs, (on, bad) => on.readTimer(bad)],
];

const spawnOptions: readonly (readonly [
  argument: string,
  bad: readonly unknown[],
  key?: string,
])[] = [
  ["spawnOpt: options", [undefined, ...noOptions]],
  ["spawnOpt: options", [{ lable: "x" }, { restart: "permanent" }]],
  ["spawnOpt: options.label", [null, 5, {}], "label"],
  ["spawnOpt: options.name", noNames.slice(1), "name"],
  ["spawnOpt: options.unwindMs", [null, -1, NaN, "5"], "unwindMs"],
  ["spawnOpt: options.key", [null, "", "a/b", 5], "key"],
  ["spawnOpt: options.mailbox", noOptions, "mailbox"],
  ["spawnOpt: options.mailbox", [{ size: 5 }], "mailbox"],
  [
    "spawnOpt: options.mailbox.limit",
    [0, -1, 1.5, NaN, "5"].map((limit) => ({ limit })),
    "mailbox",
  ],
  [
    "spawnOpt: options.mailbox.highWater",
    [0, 1.5, "5"].map((highWater) => ({ highWater })),
    "mailbox",
  ],
  ["spawnOpt: options.mailbox.overflow", [{ overflow: "drop" }, { overflow: null }], "mailbox"],
];
const badSpawns: readonly Misuse<{ spawnOpt(...args: unknown[]): unknown }>[] = spawnOptions.map(
  ([argument, bad, key]) => [
    argument,
    bad,
    (on, value) => on.spawnOpt(key === undefined ? value : { [key]: value }, idle),
  ],
);
const noBodies: readonly unknown[] = [
  undefined,
  null,
  "body",
  {},
  { init: () => null },
  { message: () => null },
  { init: 1, message: 2 },
];

const outside: readonly Misuse<AnyNode>[] = [
  ["spawn: body", noBodies, (on, bad) => on.spawn(bad)],
  ["spawn: body", noBodies, (on, bad) => on.spawnOpt({ name: Free }, bad)],
  ["spawnOpt: options", [{ link: true }, { monitor: true }], (on, bad) => on.spawnOpt(bad, idle)],
  ["exit: pid", noPids, (on, bad) => on.exit(bad, "shutdown")],
  ["exit: reason", [undefined], (on, _bad, { held }) => on.exit(held)],
  ["whenExited: pid", noPids, (on, bad) => on.whenExited(bad)],
  ["whenExited: options", noOptions, (on, bad, { held }) => on.whenExited(held, bad)],
  ["whenExited: options", [{ timeoutMs: 5 }], (on, bad, { held }) => on.whenExited(held, bad)],
  [
    "whenExited: options.signal",
    [null, 5, {}],
    (on, bad, { held }) => on.whenExited(held, { signal: bad }),
  ],
  ["mailboxOf: pid", noPids, (on, bad) => on.mailboxOf(bad)],
  ["stop: options", noOptions, (on, bad) => on.stop(bad)],
  ["stop: options", [{ timeout: 5 }], (on, bad) => on.stop(bad)],
  ["stop: options.timeoutMs", [null, -1, NaN, "5"], (on, bad) => on.stop({ timeoutMs: bad })],
];

const inside: readonly Misuse<AnySelf>[] = [
  ["receive: guard", [null, "x", 5, true], (on, bad) => on.receive(bad)],
  ["receive: guard", ["x", 5], (on, bad) => on.receive(bad, { timeoutMs: 1 })],
  ["receive: options", [{ timeout: 5 }], (on, bad) => on.receive(bad)],
  ["receive: options", noOptions, (on, bad) => on.receive(undefined, bad)],
  ["receive: options", noOptions, (on, bad) => on.receive(() => true, bad)],
  ["receive: options.timeoutMs", [-1, NaN, "5", null], (on, bad) => on.receive({ timeoutMs: bad })],
  ["spawn: body", noBodies, (on, bad) => on.spawn(bad)],
  ["spawn: body", noBodies, (on, bad) => on.spawnLink(bad)],
  ["spawn: body", noBodies, (on, bad) => on.spawnMonitor(() => null, bad)],
  ["spawn: body", noBodies, (on, bad) => on.spawnOpt({ link: true, name: Free }, bad)],
  ["spawnMonitor: map", [undefined, ...noFunctions], (on, bad) => on.spawnMonitor(bad, idle)],
  ["spawnOpt: options.link", [null, "yes", 1], (on, bad) => on.spawnOpt({ link: bad }, idle)],
  [
    "spawnOpt: options.monitor",
    [false, ...noFunctions],
    (on, bad) => on.spawnOpt({ monitor: bad }, idle),
  ],
  [
    "spawnOpt: options.monitorOptions",
    [...noOptions, { alais: "demonitor" }],
    (on, bad) => on.spawnOpt({ monitor: true, monitorOptions: bad }, idle),
  ],
  [
    "spawnOpt: options.monitorOptions.alias",
    ["reply", null, 5],
    (on, bad) => on.spawnOpt({ monitor: true, monitorOptions: { alias: bad } }, idle),
  ],
  ["link: pid", noPids, (on, bad) => on.link(bad)],
  ["unlink: pid", noPids, (on, bad) => on.unlink(bad)],
  ["unlink: options", noOptions, (on, bad, { held }) => on.unlink(held, bad)],
  ["unlink: options", [{ flsuh: true }], (on, bad, { held }) => on.unlink(held, bad)],
  ["spawn: body", noBodies, (on, bad) => on.spawnAndWait({ name: Free }, bad)],
  ["spawnAndWait: options", noOptions, (on, bad) => on.spawnAndWait(bad, idle)],
  [
    "spawnAndWait: options.timeoutMs",
    [-1, NaN, "5"],
    (on, bad) => on.spawnAndWait({ timeoutMs: bad }, idle),
  ],
  ["monitor: target", [undefined, null, "held", 1, {}], (on, bad) => on.monitor(bad, () => null)],
  ["monitor: map", noFunctions, (on, bad, { held }) => on.monitor(held, bad)],
  ["monitor: options", noOptions, (on, bad, { held }) => on.monitor(held, () => null, bad)],
  [
    "monitor: options",
    [{ alais: "demonitor" }],
    (on, bad, { held }) => on.monitor(held, () => null, bad),
  ],
  [
    "monitor: options.alias",
    ["reply", null, 5],
    (on, bad, { held }) => on.monitor(held, () => null, { alias: bad }),
  ],
  ["demonitor: ref", noRefs, (on, bad) => on.demonitor(bad)],
  ["alias: mode", [null, "demonitor", 5], (on, bad) => on.alias(bad)],
  ["unalias: alias", noRefs, (on, bad) => on.unalias(bad)],
  ["trapExits: map", [null, true, "x", {}], (on, bad) => on.trapExits(bad)],
  ["exit: pid", noPids, (on, bad) => on.exit(bad, "shutdown")],
  ["sleep: ms", noDelays, (on, bad) => on.sleep(bad)],
  [
    "own: resource",
    [undefined, null, {}, "x", { dispose: () => undefined }],
    (on, bad) => on.own(bad),
  ],
  ["own: dispose", noFunctions, (on, bad) => on.own({}, bad)],
  ["setLabel: label", [undefined, null, 5, {}], (on, bad) => on.setLabel(bad)],
];

function titled<O>(misuses: readonly Misuse<O>[]) {
  return misuses.map(([argument, bad, use], i) => [argument, bad.length, i, bad, use] as const);
}

describe("outside a process", () => {
  test.each(titled<AnyNode>([...(shared as readonly Misuse<AnyNode>[]), ...outside, ...badSpawns]))(
    "%s: each of %d wrong values is refused, and nothing has happened (case %#)",
    async (argument, _count, _index, bad, use) => {
      const target = await createTarget();
      for (const value of bad) {
        const before = stateOf(target.node);
        const error = thrownBy(() => use(target.node as unknown as AnyNode, value, target));
        await quiesce();
        expectTyped(error, argument);
        expect(stateOf(target.node)).toEqual(before);
      }
    },
  );
});

describe("in a process", () => {
  test.each(titled<AnySelf>([...(shared as readonly Misuse<AnySelf>[]), ...inside, ...badSpawns]))(
    "%s: each of %d wrong values is refused, and nothing has happened (case %#)",
    async (argument, _count, _index, bad, use) => {
      const target = await createTarget();
      const errors: unknown[] = [];
      const differences: [unknown, unknown][] = [];
      target.node.spawn<unknown>((self) => {
        for (const value of bad) {
          const before = stateOf(target.node);
          errors.push(thrownBy(() => use(self as unknown as AnySelf, value, target)));
          differences.push([stateOf(target.node), before]);
        }
      });
      await quiesce();
      expect(errors).toHaveLength(bad.length);
      for (const error of errors) expectTyped(error, argument);
      for (const [after, before] of differences) expect(after).toEqual(before);
    },
  );

  test("an operation that is misused does not end the process that catches the error", async () => {
    const { node } = createWorld();
    const pid = node.spawn<unknown>(async (self) => {
      expect(() => self.link("nobody" as never)).toThrow(InvalidArgumentError);
      await self.receive();
    });
    await quiesce();
    expect(node.isAlive(pid)).toBe(true);
  });

  test("receive of a handler outside its steps, and a second one beside a pending one, say why they cannot be", async () => {
    const { node } = createWorld();
    const errors: unknown[] = [];
    let late: Self<unknown> | undefined;
    node.spawn<unknown, null>({
      init(self) {
        late = self;
        return null;
      },
      message: () => null,
    });
    await quiesce();
    errors.push(thrownBy(() => late?.receive()));
    node.spawn<unknown>(async (self) => {
      void self.receive();
      errors.push(thrownBy(() => self.receive()));
    });
    await quiesce();
    expect(errors).toMatchObject([
      { code: "RECEIVE", message: expect.stringContaining("handler") },
      { code: "RECEIVE", message: expect.stringContaining("another receive") },
    ]);
  });
});

describe("names", () => {
  test.each<[unknown]>([
    [""],
    ["undefined"],
    ["x".repeat(256)],
    [undefined],
    [null],
    [1],
    [{}],
    [Symbol("x")],
  ])("%p is none", (bad) => {
    const error = thrownBy(() => name(bad as string));
    expect(error).toBeInstanceOf(InvalidNameError);
    expectTyped(error);
    expect(error).toMatchObject({ code: "INVALID_NAME", received: bad });
  });

  test.each([["x"], ["x".repeat(255)], ["with spaces / and <signs>"], ["Undefined"], ["ünïcödé"]])(
    "%p is one",
    (good) => {
      expect(name(good).name).toBe(good);
    },
  );

  test("at a node need a node and a token, and the error says which is wrong and what is needed", () => {
    for (const bad of ["", undefined, null, 1, {}]) {
      const error = thrownBy(() => at(bad as string, Held));
      expect(error).toBeInstanceOf(InvalidNameError);
      expectTyped(error);
    }
    for (const bad of [undefined, null, "held", {}, at("b", Held)]) {
      const error = thrownBy(() => at("b", bad as typeof Held));
      expectTyped(error);
      expect((error as Error).message).toContain("name()");
      // Text is what was given, so it is not what can be asked for.
      expect((error as Error).message).not.toContain("must be a string");
    }
  });

  test("at a node need a node that can be called so", () => {
    for (const bad of ["a b", "a<b", "a/b"]) {
      expect(thrownBy(() => at(bad, Held))).toBeInstanceOf(InvalidNameError);
    }
  });

  test("that are taken are refused with who holds them, and nothing is spawned or registered", async () => {
    const { node, held, free } = await createTarget();
    const before = stateOf(node);
    for (const act of [
      () => node.register(Held, free),
      () => node.register(Held, held),
      () => node.spawnOpt({ name: Held }, idle),
    ]) {
      const error = thrownBy(act);
      expect(error).toBeInstanceOf(NameTakenError);
      expect(error).toMatchObject({ code: "NAME_TAKEN", takenName: "held", holder: held });
      expect((error as Error).message).toContain(String(held));
    }
    expect(stateOf(node)).toEqual(before);
  });

  test("are one for each process: a second is refused with the first", async () => {
    const { node, held } = await createTarget();
    const error = thrownBy(() => node.register(Free, held));
    expect(error).toBeInstanceOf(AlreadyNamedError);
    expect(error).toMatchObject({ code: "ALREADY_NAMED", pid: held, currentName: "held" });
    expect(node.registered()).toEqual(["held"]);
  });

  test("of nobody can be neither sent to nor given back", async () => {
    const { node } = await createTarget();
    for (const act of [() => node.send(Free, "x"), () => node.unregister(Free)]) {
      const error = thrownBy(act);
      expect(error).toBeInstanceOf(NameNotRegisteredError);
      expect(error).toMatchObject({ code: "NAME_NOT_REGISTERED", missingName: "free" });
    }
  });

  test("are not given to the dead", async () => {
    const { node, dead } = await createTarget();
    expect(thrownBy(() => node.register(Free, dead))).toBeInstanceOf(NoProcessError);
    expect(node.registered()).toEqual(["held"]);
  });
});

describe("a message that is not sent", () => {
  test("is not frozen either: the error comes before any effect", async () => {
    const { node } = createWorld({ messages: "freeze" });
    const message = { count: 1 };
    expect(() => node.send("nobody" as never, message as never)).toThrow(InvalidArgumentError);
    expect(() => node.send(Free, message)).toThrow(NameNotRegisteredError);
    expect(() => node.sendAfter("nobody" as never, 1, message as never)).toThrow(
      InvalidArgumentError,
    );
    expect(() => node.reply("nobody" as never, message as never)).toThrow(InvalidArgumentError);
    expect(Object.isFrozen(message)).toBe(false);
  });

  test("because it is a promise is refused by timers as well, when they are set", async () => {
    const { node, held } = await createTarget();
    const promise = Promise.resolve("x");
    const before = stateOf(node);
    for (const act of [
      () => node.sendAfter(held, 1, promise),
      () => node.sendInterval(held, 1, promise),
    ]) {
      expectTyped(thrownBy(act));
    }
    expect(stateOf(node)).toEqual(before);
  });

  test("because it is a promise is refused by reply as well", async () => {
    const { node } = createWorld();
    const errors: unknown[] = [];
    const server = node.spawn<Call<string, unknown>>(async (self) => {
      const { from } = await self.receive();
      errors.push(thrownBy(() => self.reply(from, Promise.resolve())));
      self.reply(from, "after all");
    });
    expect(await node.call(server, "x")).toBe("after all");
    expectTyped(errors[0]);
  });
});

describe("createNode", () => {
  const clock = createVirtualClock();
  const soon = (): void => undefined;

  test.each<[argument: string, bad: readonly unknown[], key: string]>([
    ["createNode: options", [null, 5, "demo"], ""],
    ["createNode: options", [{ nmae: "demo" }, { isolation: "clone" }, { seed: 1 }], ""],
    ["createNode: options.messages", [null, "copy", true, 1], "messages"],
    ["createNode: options.traceSends", [null, 0, "yes"], "traceSends"],
    ["createNode: options.turnMs", [null, 0, -1, NaN, "1"], "turnMs"],
    ["createNode: options.blockedMs", [null, 0, -1, NaN, "1"], "blockedMs"],
    ["createNode: options.mailbox", [null, 5, { limit: 5 }, { overflow: "exit" }], "mailbox"],
    ["createNode: options.mailbox.highWater", [{ highWater: 0 }, { highWater: 1.5 }], "mailbox"],
    ["createNode: options.logger", [null, true, "console", console], "logger"],
    [
      "createNode: options.clock",
      [null, 5, {}, Date, { now: soon, set: soon }, { ...clock, hold: 5 }],
      "clock",
    ],
    [
      "createNode: options.scheduler",
      [
        null,
        5,
        {},
        { soon },
        { soon, afterTurn: soon, offer: true },
        { soon, afterTurn: soon, offer: soon, withdraw: 5 },
        { soon, afterTurn: soon, access: "yes" },
      ],
      "scheduler",
    ],
    ["createNode: options.random", [null, 5, {}, Math.random, { next: 5 }], "random"],
  ])("%s: each wrong value is refused (case %#)", (argument, bad, key) => {
    for (const value of bad) {
      const options = key === "" ? value : { clock, [key]: value };
      expectTyped(
        thrownBy(() => createNode(options as never)),
        argument,
      );
    }
  });

  test("refuses a clock without the functions it needs, by their names", () => {
    const error = thrownBy(() => createNode({ clock: { now: () => 0 } as never })) as Error;
    expect(error.message).toContain("an object with the functions now, set, clear");
  });
});

describe("the bridges to rxjs", () => {
  test("refuse what is no observable, no function, no node", async () => {
    const { node } = createWorld();
    const errors: unknown[] = [];
    node.spawn<unknown>((self) => {
      for (const bad of [undefined, null, 5, {}]) {
        errors.push(thrownBy(() => fromObservable(self, bad as never, (told) => told)));
        errors.push(thrownBy(() => fromObservable(self, of(1), bad as never)));
      }
    });
    await quiesce();
    for (const bad of [undefined, null, 5, {}]) {
      errors.push(thrownBy(() => toObservable(node, bad as never)));
      errors.push(thrownBy(() => toObservable(bad as never, () => undefined)));
      errors.push(thrownBy(() => schedulerOf(bad as never)));
    }
    for (const error of errors) expectTyped(error);
  });

  test("refuse to schedule what is no function, or at a time that is none", () => {
    const { node } = createWorld();
    const scheduler = schedulerOf(node);
    expectTyped(thrownBy(() => scheduler.schedule(5 as never)));
    expectTyped(thrownBy(() => scheduler.schedule(() => undefined, NaN)));
    expect(node.counts.processes).toBe(0);
  });
});

describe("an error about a value", () => {
  test("prints any value in bounds, and runs none of its code for long", async () => {
    const { node } = createWorld();
    const long = { text: "x".repeat(100_000) };
    for (const bad of [circular, hostile, revoked, long, Symbol("s"), 10n, () => undefined]) {
      const error = thrownBy(() => node.isAlive(bad as never)) as Error;
      expectTyped(error);
      expect(error.message.length).toBeLessThan(400);
    }
  });

  test.each<[unknown, string]>([
    ["x", '"x"'],
    [undefined, "undefined"],
    [null, "null"],
    [5, "5"],
    [{ a: 1 }, '{"a":1}'],
    [[1], "[1]"],
    [function named() {}, "the function named"],
    [Symbol("s"), "Symbol(s)"],
  ])("says of %p that it is %s", (bad, words) => {
    const { node } = createWorld();
    const error = thrownBy(() => node.isAlive(bad as never)) as Error;
    expect(error.message).toBe(`isAlive: pid must be a pid, but is ${words}`);
  });
});

test.each<readonly [string, (node: Node) => unknown]>([
  ["guardedObservable", (node) => guardedObservable(node, () => undefined)],
  ["busyProcesses", busyProcesses],
  ["abandonNode", abandonNode],
])("%s wants a node that was made by createNode, and not one that looks like it", (_, use) => {
  // Of an object only what is its own is copied, and not what its class has.
  const copy = { ...createNode() };
  expect(() => use(copy as Node)).toThrow(/^node must be a node that createNode made, but is /);
});
