/** `sys`: looking into processes, suspending them, replacing their state and code. */
import { describe, expect, test } from "@jest/globals";
import {
  at,
  CallTimeoutError,
  InvalidArgumentError,
  name,
  NoProcessError,
  ServerExitError,
  ThrownValueError,
  type Pid,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  defineServer,
  NotSuspendedError,
  sys,
  type ProtocolOf,
  type ServerSelf,
} from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  errorOf,
  outcomeOf,
  puppet,
  settle,
  terminating,
  type Journal,
} from "./server-world.js";

const counter = defineServer({
  init: (from: number) => from,
  call: { next: (count) => ({ reply: count, state: count + 1 }) },
  cast: { add: (count, by: number) => ({ state: count + by }) },
});
type CounterProtocol = ProtocolOf<typeof counter>;

const ISOLATIONS = ["share", "freeze", "clone"] as const;

describe("getState", () => {
  test("returns the state", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    expect(await sys.getState(node, pid)).toBe(5);
    await node.stop();
  });

  test("asks by name, also of a node, and from a process", async () => {
    const { node } = createServerWorld();
    const Counter = name<CounterProtocol>("counter");
    await node.startOpt({ name: Counter }, counter, 5);
    expect(await sys.getState(node, Counter)).toBe(5);
    expect(await sys.getState(node, at("demo", Counter))).toBe(5);
    const asked = new Promise((resolve) => {
      node.spawn(async (self) => resolve(await sys.getState(self, Counter)));
    });
    expect(await asked).toBe(5);
    await node.stop();
  });

  test("fails as a call does", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(counter, 5);
    node.exit(pid, "over");
    await quiesce();
    expect(await errorOf(sys.getState(node, pid))).toBeInstanceOf(NoProcessError);
    expect(await errorOf(sys.getState(node, name("nobody")))).toBeInstanceOf(NoProcessError);
    const deaf = node.spawn<unknown>(async (self) => void (await self.receive(() => false)));
    const late = outcomeOf(sys.getState(node, deaf, { timeoutMs: 100 }));
    await clock.advance(100, quiesce);
    expect(late.value).toBeInstanceOf(CallTimeoutError);
    await node.stop();
  });

  test.each(ISOLATIONS)(
    "gives the state as it is, and does nothing to it, where messages are: %s",
    async (messages) => {
      const { node } = createServerWorld({ messages });
      const state = {
        format: (): string => "text",
        items: new Map([["a", 1]]),
        self: undefined as unknown,
      };
      state.self = state;
      const server = defineServer({
        init: () => ({ state }),
        cast: { set: ({ items }, key: string) => void items.set(key, 2) },
      });
      const pid = await node.start(server);
      expect(await sys.getState(node, pid)).toBe(state);
      expect((await sys.getStatus(node, pid)).state).toBe(state);
      node.cast(pid, ["set", "b"]);
      await quiesce();
      expect(state.items.get("b")).toBe(2);
      expect(node.isAlive(pid)).toBe(true);
      await node.stop();
    },
  );

  test("gives a promise that is the state, and does not wait for it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    node.cast(pid, ["do", () => ({ state: { pending: new Promise(() => undefined) } })]);
    expect(await settle(sys.getState(node, pid))).toMatchObject({ state: "fulfilled" });
    await node.stop();
  });
});

describe("replaceState", () => {
  test("replaces the state by what the function returns, and returns that", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    expect(await sys.replaceState<number>(node, pid, (count) => count * 2)).toBe(10);
    expect(await node.call(pid, ["next"])).toBe(10);
    await node.stop();
  });

  test("waits for a promise, and has the server wait, too", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(counter, 5);
    const replaced = outcomeOf(
      sys.replaceState<number>(node, pid, async (count) => {
        await node.sleep(100);
        return count * 2;
      }),
    );
    const next = outcomeOf(node.call(pid, ["next"]));
    await clock.advance(99, quiesce);
    expect([replaced.state, next.state]).toEqual(["pending", "pending"]);
    await clock.advance(1, quiesce);
    expect([replaced.value, next.value]).toEqual([10, 10]);
    await node.stop();
  });

  test.each<[string, () => never, unknown]>([
    [
      "throws",
      () => {
        throw boom;
      },
      boom,
    ],
    ["rejects", () => Promise.reject(boom) as never, boom],
    [
      "throws what is no Error",
      () => {
        throw "text";
      },
      new ThrownValueError("text"),
    ],
  ])("that %s changes nothing, and its error goes to who asked", async (_what, replace, error) => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(counter, 5);
    expect(await errorOf(sys.replaceState(node, pid, replace))).toEqual(error);
    expect(await sys.getState(node, pid)).toBe(5);
    expect(eventsOf("crashed")).toEqual([]);
    await node.stop();
  });

  test("that exits ends the server: that is what it was told", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    let server: ServerSelf | undefined;
    const pid = await node.start(puppet(terminating(journal)), (self) => {
      server = self;
      return 5;
    });
    const error = errorOf(sys.replaceState(node, pid, () => server?.exit("enough") as never));
    expect(await error).toMatchObject({ reason: "enough" });
    expect(journal).toEqual([["terminate", 5, "enough"]]);
  });

  test.each(ISOLATIONS)("takes its function along where messages are: %s", async (messages) => {
    const { node } = createServerWorld({ messages });
    const pid = await node.start(counter, 5);
    expect(await sys.replaceState<number>(node, pid, (count) => count * 2)).toBe(10);
    await node.stop();
  });

  test.each(ISOLATIONS)(
    "passes on an error that cannot be sent as it is, where messages are: %s",
    async (messages) => {
      const { node } = createServerWorld({ messages });
      const pid = await node.start(counter, 5);
      const error = new Error("with a function", { cause: { act: () => undefined } });
      const got = (await errorOf(
        sys.replaceState(node, pid, () => {
          throw error;
        }),
      )) as Error;
      expect(got.message).toContain("with a function");
      expect(await sys.getState(node, pid)).toBe(5);
      await node.stop();
    },
  );

  test("refuses what is no function before it asks anybody", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    expect(await errorOf(sys.replaceState(node, pid, 7 as never))).toBeInstanceOf(
      InvalidArgumentError,
    );
    await node.stop();
  });

  test("is given up when an exit signal comes between, and nothing of it is done", async () => {
    const { node, clock, eventsOf } = createServerWorld();
    const pid = await node.start(counter, 5);
    const replaced = outcomeOf(sys.replaceState(node, pid, () => node.sleep(100)));
    await quiesce();
    node.exit(pid, "kill");
    await clock.advance(100, quiesce);
    expect(replaced).toMatchObject({ state: "rejected", value: { reason: "killed" } });
    expect(eventsOf("fenced")).toEqual([]);
  });
});

describe("suspend", () => {
  test("has callers wait; after resume nothing is lost, and all is in order", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    await sys.suspend(node, pid);
    node.cast(pid, ["add", 10]);
    const first = outcomeOf(node.call(pid, ["next"]));
    node.cast(pid, ["add", 100]);
    const second = outcomeOf(node.call(pid, ["next"]));
    await quiesce();
    expect([first.state, second.state]).toEqual(["pending", "pending"]);
    expect(await sys.getState(node, pid)).toBe(0);
    await sys.resume(node, pid);
    await quiesce();
    expect([first.value, second.value]).toEqual([10, 111]);
    await node.stop();
  });

  test("twice is as good as once: one resume ends it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    await sys.suspend(node, pid);
    await sys.suspend(node, pid);
    await sys.resume(node, pid);
    expect(await node.call(pid, ["next"])).toBe(0);
    await sys.resume(node, pid);
    expect(await node.call(pid, ["next"])).toBe(1);
    await node.stop();
  });

  test("does not keep a call from timing out", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(counter, 0);
    await sys.suspend(node, pid);
    const late = outcomeOf(node.call(pid, ["next"], { timeoutMs: 100 }));
    await clock.advance(100, quiesce);
    expect(late.value).toBeInstanceOf(CallTimeoutError);
    await node.stop();
  });

  test("waits for the callback under way", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    node.cast(pid, [
      "do",
      async (_state, self) => {
        await self.sleep(100);
        return { state: 1 };
      },
    ]);
    const suspended = outcomeOf(sys.suspend(node, pid));
    await clock.advance(99, quiesce);
    expect(suspended.state).toBe("pending");
    await clock.advance(1, quiesce);
    expect(suspended.state).toBe("fulfilled");
    expect(await sys.getState(node, pid)).toBe(1);
    await node.stop();
  });

  test("holds back messages, monitors and exits of others as well", async () => {
    const { node } = createServerWorld();
    const seen: string[] = [];
    const server = puppet({
      info: () => void seen.push("info"),
      down: () => void seen.push("down"),
      exit: () => void seen.push("exit"),
    });
    const other = node.spawn<unknown>(async (self) => void (await self.receive()));
    const pid = await node.start(server, (self) => {
      self.trapExits();
      self.monitor(other);
      self.link(other);
    });
    await sys.suspend(node, pid);
    node.send(pid as never, "message" as never);
    await quiesce();
    node.exit(other, "over");
    await quiesce();
    expect(seen).toEqual([]);
    await sys.resume(node, pid);
    await quiesce();
    expect(seen.toSorted()).toEqual(["down", "exit", "info"]);
    expect(seen[0]).toBe("info");
    await node.stop();
  });

  test("does not keep the exit of the parent from ending it, with terminate", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(terminating(journal)), (self) => {
      self.trapExits();
      return "state";
    });
    await sys.suspend(node, pid);
    node.cast(pid, ["do", () => ({ state: "never" })]);
    node.exit(pid, "shutdown");
    await quiesce();
    expect(journal).toEqual([["terminate", "state", "shutdown"]]);
  });

  test("does not keep an exit signal from ending it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    await sys.suspend(node, pid);
    const call = errorOf(node.call(pid, ["next"]));
    node.exit(pid, "over");
    expect(await call).toMatchObject({ reason: "over" });
  });

  test("outlasts the process that asked for it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    node.spawn((self) => sys.suspend(self, pid));
    await quiesce();
    expect((await sys.getStatus(node, pid)).activity).toBe("suspended");
    await node.stop();
  });
});

describe("changeCode", () => {
  const twice = defineServer({
    init: (from: number) => from,
    call: { next: (count) => ({ reply: `${count} ${count}`, state: count + 1 }) },
    cast: { add: (count, by: number) => ({ state: count + 2 * by }) },
  });

  test("replaces the code while callers wait, and keeps the state", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    await sys.suspend(node, pid);
    const reply = node.call(pid, ["next"]);
    await sys.changeCode(node, pid, twice);
    await sys.resume(node, pid);
    expect(await reply).toBe("5 5");
    await node.stop();
  });

  test.each<[string, (count: number) => unknown]>([
    ["the old state", (count) => count * 10],
    ["the old state, when it has waited", async (count) => count * 10],
  ])("has migrate make the new state of %s", async (_what, migrate) => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    await sys.suspend(node, pid);
    await sys.changeCode(node, pid, twice, { migrate: migrate as never });
    await sys.resume(node, pid);
    expect(await node.call(pid, ["next"])).toBe("50 50");
    await node.stop();
  });

  test("of a process that runs is refused", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const error = (await errorOf(sys.changeCode(node, pid, twice))) as NotSuspendedError;
    expect(error).toBeInstanceOf(NotSuspendedError);
    expect(error.pid).toBe(pid);
    expect(await node.call(pid, ["next"])).toBe(5);
    await node.stop();
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["an object", {}],
    ["the definition of a server", { init: () => 0 }],
    ["a behaviour of another kind", { start: () => ({ error: "no" }) }],
  ])("to %s is refused, and changes nothing", async (_what, behaviour) => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    await sys.suspend(node, pid);
    const error = await errorOf(
      sys.changeCode(node, pid, behaviour as never, { migrate: () => 0 }),
    );
    expect(error).toBeInstanceOf(InvalidArgumentError);
    await sys.resume(node, pid);
    expect(await node.call(pid, ["next"])).toBe(5);
    await node.stop();
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw boom;
      },
    ],
    ["rejects", () => Promise.reject(boom)],
  ])(
    "whose migrate %s changes nothing, and the process stays suspended",
    async (_what, migrate) => {
      const { node } = createServerWorld();
      const pid = await node.start(counter, 5);
      await sys.suspend(node, pid);
      expect(await errorOf(sys.changeCode(node, pid, twice, { migrate }))).toBe(boom);
      expect((await sys.getStatus(node, pid)).activity).toBe("suspended");
      await sys.resume(node, pid);
      expect(await node.call(pid, ["next"])).toBe(5);
      await node.stop();
    },
  );

  test("refuses a migrate that is no function, and options that it does not know", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    for (const options of [{ migrate: 5 }, { migrat: () => 0 }]) {
      const error = await errorOf(sys.changeCode(node, pid, twice, options as never));
      expect(error).toBeInstanceOf(InvalidArgumentError);
    }
    await node.stop();
  });

  test.each(ISOLATIONS)("takes the code along where messages are: %s", async (messages) => {
    const { node } = createServerWorld({ messages });
    const pid = await node.start(counter, 5);
    await sys.suspend(node, pid);
    await sys.changeCode(node, pid, twice, { migrate: (count: number) => count * 10 });
    await sys.resume(node, pid);
    expect(await node.call(pid, ["next"])).toBe("50 50");
    // What was sent along is as it was: others start it still.
    expect(await node.call(await node.start(twice, 1), ["next"])).toBe("1 1");
    await node.stop();
  });
});

describe("getStatus", () => {
  test("tells who it is, its kind, its parent and what it does", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const status = { pid, kind: "gen_server", parent: undefined, state: 5 };
    expect(await sys.getStatus(node, pid)).toEqual({ ...status, activity: "running" });
    await sys.suspend(node, pid);
    expect(await sys.getStatus(node, pid)).toEqual({ ...status, activity: "suspended" });
    await node.stop();
  });

  test.each<[string, (state: { user: string; password: string }) => unknown]>([
    ["status", ({ user }) => ({ user })],
    ["an async status", async ({ user }) => ({ user })],
  ])("shows the state as %s does, and getState as it is", async (_what, status) => {
    const { node } = createServerWorld();
    const state = { user: "ada", password: "secret" };
    const pid = await node.start(defineServer({ init: () => state, status }));
    expect((await sys.getStatus(node, pid)).state).toEqual({ user: "ada" });
    expect(await sys.getState(node, pid)).toBe(state);
    await node.stop();
  });

  test("tells who asked of an error in status, and the server goes on", async () => {
    const { node } = createServerWorld();
    const status = (): never => {
      throw boom;
    };
    const pid = await node.start(defineServer({ init: () => 5, status }));
    expect(await errorOf(sys.getStatus(node, pid))).toBe(boom);
    expect(await sys.getState(node, pid)).toBe(5);
    await node.stop();
  });
});

describe("statistics", () => {
  test("counts messages and replies between on and off, but no system requests", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(counter, 0);
    await node.call(pid, ["next"]);
    await clock.advance(10, quiesce);
    expect(await sys.statistics(node, pid, "get")).toBeUndefined();
    expect(await sys.statistics(node, pid, "on")).toBeUndefined();
    await clock.advance(90, quiesce);
    await node.call(pid, ["next"]);
    node.cast(pid, ["add", 1]);
    node.send(pid as never, "message" as never);
    await sys.getState(node, pid);
    await sys.suspend(node, pid);
    await sys.resume(node, pid);
    expect(await sys.statistics(node, pid, "get")).toEqual({
      startMs: 10,
      nowMs: 100,
      messagesIn: 3,
      messagesOut: 1,
    });
    await sys.statistics(node, pid, "off");
    expect(await sys.statistics(node, pid, "get")).toBeUndefined();
    await node.stop();
  });

  test("begins anew when switched on again", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    await sys.statistics(node, pid, "on");
    await node.call(pid, ["next"]);
    await sys.statistics(node, pid, "on");
    expect(await sys.statistics(node, pid, "get")).toMatchObject({ messagesIn: 0, messagesOut: 0 });
    await node.stop();
  });

  test("refuses what is no flag", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    expect(await errorOf(sys.statistics(node, pid, "maybe" as never))).toBeInstanceOf(
      InvalidArgumentError,
    );
    await node.stop();
  });
});

describe("terminate", () => {
  test("ends a process with the reason, after its terminate, and returns when that has begun", async () => {
    const { node, clock } = createServerWorld();
    const journal: Journal = [];
    const server = puppet({
      terminate: async (state: unknown, reason: unknown, self: ServerSelf) => {
        journal.push([state, reason]);
        await self.sleep(100);
      },
    });
    const pid = await node.start(server, () => "state");
    const ended = outcomeOf(node.whenExited(pid));
    await sys.terminate(node, pid, { shutdown: "enough" });
    await quiesce();
    expect(journal).toEqual([["state", { shutdown: "enough" }]]);
    expect(ended.state).toBe("pending");
    await clock.advance(100, quiesce);
    expect(ended.value).toEqual({ shutdown: "enough" });
  });

  test("works on a process that is suspended", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    const ended = node.whenExited(pid);
    await sys.suspend(node, pid);
    await sys.terminate(node, pid, "normal");
    expect(await ended).toBe("normal");
  });

  test("with what cannot be a reason is refused, and ends nobody", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 0);
    const error = await errorOf(sys.terminate(node, pid, pid as Pid<never>));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });
});

test("a system request to a server that ends before it answers fails with its exit reason", async () => {
  const { node } = createServerWorld();
  const pid = await node.start(puppet(), () => 0);
  node.cast(pid, ["do", () => ({ stop: "done" })]);
  const error = (await errorOf(sys.getState(node, pid))) as ServerExitError;
  expect(error).toBeInstanceOf(ServerExitError);
  expect(error.reason).toBe("done");
});
