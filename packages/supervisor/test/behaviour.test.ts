/** What all behaviours have in common, on one that does next to nothing. */
import { describe, expect, test } from "@jest/globals";
import {
  ExitSignal,
  ThrownValueError,
  type ExitReason,
  type Pid,
  type StartOptions,
  type Starter,
  type StartResult,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { stop, sys } from "@coppice/supervisor";
import { BehaviourProcess, reasonOfThrown, type BehaviourSelf } from "../src/behaviour.js";
import { behaviourHandler, startBehaviour } from "../src/behaviour-start.js";
import { isThenable, whenSettled, type MaybePromise } from "../src/maybe-promise.js";
import { boom, createServerWorld, errorOf, thenable } from "./server-world.js";

/** What a plain behaviour does, and what it writes down. */
interface Script {
  readonly journal: unknown[];
  readonly begin?: (process: Plain) => MaybePromise<void>;
  readonly message?: (message: unknown) => MaybePromise<void>;
  readonly terminate?: (reason: ExitReason) => MaybePromise<void>;
}

class Plain extends BehaviourProcess {
  override readonly kind = "plain";
  readonly script: Script;
  state: unknown = "state";

  constructor(self: BehaviourSelf, parent: never, script: Script) {
    super(self, parent);
    this.script = script;
  }

  async begin(): Promise<this> {
    await this.script.begin?.(this);
    return this.begun();
  }

  /** The same for the tests. */
  does<K extends "begun" | "initFailed" | "initThrew" | "ignoreStart" | "before">(
    what: K,
    ...args: unknown[]
  ): unknown {
    return (this[what] as (...all: unknown[]) => unknown)(...args);
  }

  protected override message(message: unknown): MaybePromise<void> | undefined {
    this.script.journal.push(["message", message]);
    return this.script.message?.(message) as MaybePromise<void> | undefined;
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    this.script.journal.push(["terminate", reason]);
    return this.script.terminate?.(reason) as MaybePromise<void> | undefined;
  }

  protected override terminated(): void {
    this.script.journal.push(["terminated"]);
  }

  protected override afterSystemRequest(): void {
    this.script.journal.push(["afterSystemRequest"]);
  }

  protected override getState(): unknown {
    return this.state;
  }

  protected override replaceState(replace: (state: never) => unknown): unknown {
    return (this.state = replace(this.state as never));
  }

  protected override describeState(): unknown {
    return this.state;
  }

  protected override changeCode(): undefined {
    return undefined;
  }
}

const HANDLER = behaviourHandler("plain");

function plain(script: Script): {
  start: (starter: Starter, options: StartOptions<unknown>) => Promise<StartResult<unknown>>;
} {
  return {
    start: (starter, options) =>
      startBehaviour(starter, options, HANDLER, (self, parent) =>
        new Plain(self, parent as never, script).begin(),
      ),
  };
}

async function createPlain(
  script: Partial<Script> = {},
): Promise<ReturnType<typeof createServerWorld> & { pid: Pid<unknown>; journal: unknown[] }> {
  const world = createServerWorld();
  const journal: unknown[] = [];
  const pid = await world.node.start(plain({ journal, ...script }));
  return { ...world, pid, journal };
}

describe("a process of a behaviour", () => {
  test("is called by its kind in reports", async () => {
    const { node, pid, eventsOf } = await createPlain({ message: () => Promise.reject(boom) });
    expect((await sys.getStatus(node, pid)).kind).toBe("plain");
    node.send(pid, "go");
    await quiesce();
    expect(eventsOf("crashed")).toMatchObject([{ report: { initialCall: "plain" } }]);
  });

  test("may tell its starter something", async () => {
    const { node } = createServerWorld();
    const begin = (process: Plain): void => void process.does("begun", { port: 80 });
    const result = await plain({ journal: [], begin }).start(node, {});
    expect(result).toMatchObject({ info: { port: 80 } });
    await node.stop();
  });

  test.each<[string, (process: Plain) => unknown, unknown]>([
    ["failed", (process) => process.does("initFailed", "no luck"), { error: "no luck" }],
    ["decided not to run", (process) => process.does("ignoreStart"), "ignore"],
    [
      "thrown",
      (process) => {
        throw process.does("initThrew", boom);
      },
      { error: { error: boom } },
    ],
  ])(
    "that has %s when it began ends, and terminate is not called",
    async (_what, begin, result) => {
      const { node } = createServerWorld();
      const journal: unknown[] = [];
      const script = { journal, begin: begin as () => void };
      expect(await plain(script).start(node, {})).toEqual(result);
      expect(node.counts.processes).toBe(0);
      expect(journal).toEqual([]);
    },
  );

  test("does what it is to do first before it takes any message, once", async () => {
    const journal: unknown[] = [];
    const { node } = await createPlain({
      journal,
      begin: (process) => {
        process.self.send(process.self.pid, "early");
        process.does("before", () => void journal.push("first"));
      },
    });
    await quiesce();
    expect(journal).toEqual(["first", ["message", "early"]]);
    await node.stop();
  });

  test("has nothing to do when its time is over, unless it says what", async () => {
    const { node, journal } = await createPlain({ begin: ({ self }) => self.idleAfter(0) });
    await quiesce();
    expect(journal).toEqual([]);
    await node.stop();
  });

  test("is told when a system request was handled, but not while it is suspended", async () => {
    const { node, pid, journal } = await createPlain();
    await sys.getState(node, pid);
    expect(journal).toEqual([["afterSystemRequest"]]);
    await sys.suspend(node, pid);
    await sys.getState(node, pid);
    expect(journal).toHaveLength(1);
    await sys.resume(node, pid);
    expect(journal).toHaveLength(2);
    await node.stop();
  });

  test.each<[string, () => MaybePromise<void>, ExitReason]>([
    ["returned", () => undefined, "normal"],
    ["resolved", () => Promise.resolve(), "normal"],
    [
      "thrown",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["rejected", () => Promise.reject(boom), { error: boom }],
    [
      "called back twice",
      () => thenable((done) => [done(0), done(0)]) as PromiseLike<void>,
      "normal",
    ],
  ])("is told once when its terminate has %s", async (_what, terminate, reason) => {
    const { node, pid, journal } = await createPlain({ terminate });
    const ended = node.whenExited(pid);
    await stop(node, pid).catch(() => undefined);
    expect(await ended).toEqual(reason);
    expect(journal).toEqual([["terminate", "normal"], ["terminated"]]);
  });

  test.each<[string, unknown]>([
    ["another type", { type: "calls", request: { type: "system" } }],
    ["no type", { request: { type: "system" } }],
    ["a call without a request", { type: "call" }],
    ["an exit from nobody", { type: "exit", reason: "x" }],
    ["an exit from undefined", { type: "exit", from: undefined, reason: "x" }],
  ])("takes what only looks like a system message as its own: %s", async (_what, message) => {
    const { node, pid, journal } = await createPlain();
    node.send(pid, message);
    await quiesce();
    expect(journal).toEqual([["message", message]]);
    await node.stop();
  });

  test("answers system requests by copies to those on other nodes", async () => {
    const { node, pid, eventsOf } = await createPlain();
    // Nothing connects the two, but the reply shows what would go out.
    const other = createServerWorld({ name: "other" });
    const from = other.node.startTimer(other.node.pid as never, 1, "x" as never);
    node.send(pid, {
      type: "call",
      request: { type: "system", action: { type: "getState" } },
      from,
    });
    await quiesce();
    expect(eventsOf("undelivered")).toMatchObject([
      { message: { state: "state" }, why: "noconnection" },
    ]);
    await other.node.stop();
    await node.stop();
  });
});

describe("whenSettled", () => {
  test("goes on at once with what is no promise", () => {
    expect(whenSettled(5, (value) => value + 1)).toBe(6);
  });

  test("goes on with what a promise resolves to, and follows what that leads to", async () => {
    expect(await whenSettled(Promise.resolve(5), async (value) => value + 1)).toBe(6);
  });

  test("does not go on when the promise rejects", async () => {
    const follow = (): never => {
      throw new Error("never");
    };
    expect(await errorOf(whenSettled(Promise.reject(boom), follow) as Promise<never>)).toBe(boom);
  });

  test("goes on once, and later, with a thenable that calls back at once and twice", async () => {
    const followed: unknown[] = [];
    const result = whenSettled(
      thenable((done) => {
        done(1);
        done(2);
      }),
      (value) => void followed.push(value),
    );
    expect(followed).toEqual([]);
    await result;
    expect(followed).toEqual([1]);
  });
});

test.each<[unknown, boolean]>([
  [undefined, false],
  [null, false],
  [5, false],
  ["then", false],
  [{}, false],
  [Object.defineProperty({}, ["th", "en"].join(""), { value: 5 }), false],
  [Promise.resolve(), true],
  [thenable(() => undefined), true],
])("isThenable(%p) is %s", (value, expected) => {
  expect(isThenable(value)).toBe(expected);
});

test("the reason of what was thrown is an exit's own, an error as a crash, and all else wrapped", () => {
  const { node } = createServerWorld();
  const pid = node.spawn<unknown>(async (self) => void (await self.receive()));
  const exit = new ExitSignal(pid, "x");
  expect(reasonOfThrown(exit, pid)).toBe("x");
  expect(reasonOfThrown(exit, node.pid)).toEqual({ error: new ThrownValueError(exit) });
  expect(reasonOfThrown(boom, pid)).toEqual({ error: boom });
  expect(reasonOfThrown("text", pid)).toEqual({ error: new ThrownValueError("text") });
});
