import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  createNode,
  InvalidArgumentError,
  name,
  NoProcessError,
  ServerExitError,
  StartError,
  type ExitReason,
  type Node,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  agent,
  child,
  defineSupervisor,
  startSupervisor,
  sys,
  type AgentMessage,
  type AgentPid,
} from "@coppice/supervisor";
import { boom, isSettled, within } from "./world.js";

interface World {
  readonly node: Node;
  advance(ms: number): Promise<void>;
}

function createWorld(): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  return { node, advance: (ms) => clock.advance(ms, quiesce) };
}

const increment = (count: number): number => count + 1;

describe("an agent", () => {
  test("keeps a value that functions read and change, in order", async () => {
    const { node } = createWorld();
    const counter: AgentPid<number> = await agent.start(node, () => 0);
    agent.cast(node, counter, increment);
    await agent.update(node, counter, (count) => count * 10);
    expect(await agent.get(node, counter, (count) => count + 0.5)).toBe(10.5);
    const before: string = await agent.getAndUpdate(node, counter, (count) => ({
      reply: `was ${count}`,
      state: 1,
    }));
    expect(before).toBe("was 10");
    expect(await agent.get(node, counter, (count) => count)).toBe(1);
  });

  test("takes functions that are async, and lets the next wait", async () => {
    const { node, advance } = createWorld();
    const list = await agent.start(node, async () => {
      await node.sleep(0);
      return [] as string[];
    });
    const slow = agent.update(node, list, async (items) => {
      await node.sleep(10);
      return [...items, "slow"];
    });
    const fast = agent.update(node, list, (items) => [...items, "fast"]);
    expect(await isSettled(fast)).toBe(false);
    await advance(10);
    await Promise.all([slow, fast]);
    const get = agent.get(node, list, async (items) => {
      await node.sleep(1);
      return items.join();
    });
    await advance(1);
    expect(await get).toBe("slow,fast");
  });

  test("may keep any value, also one that looks like a result of an init", async () => {
    const { node } = createWorld();
    const odd = await agent.start(node, () => ({ stop: "sign" }));
    expect(await agent.get(node, odd, (state) => state.stop)).toBe("sign");
  });

  test("is found by its name, also when it was started again", async () => {
    const { node } = createWorld();
    const Counter = name<AgentMessage<number>>("counter");
    const children = [
      child(
        { id: "counter", name: Counter },
        agent.define(() => 7),
      ),
    ];
    await startSupervisor(node, defineSupervisor({ children }));
    await agent.update(node, Counter, increment);
    expect(await agent.get(node, Counter, (count) => count)).toBe(8);
    agent.cast(node, Counter, () => {
      throw boom;
    });
    await quiesce();
    expect(await agent.get(node, Counter, (count) => count)).toBe(7);
  });

  test.each<[string, (node: Node, pid: AgentPid<number>) => Promise<unknown>]>([
    ["get", (node, pid) => agent.get(node, pid, () => Promise.reject(boom))],
    ["update", (node, pid) => agent.update(node, pid, fail)],
    ["getAndUpdate", (node, pid) => agent.getAndUpdate(node, pid, fail)],
  ])(
    "ends with the error that a function of %s throws, which its caller is told",
    async (_, act) => {
      const { node } = createWorld();
      const pid = await agent.start(node, () => 0);
      const error = await act(node, pid).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ServerExitError);
      expect(error).toMatchObject({ reason: { error: boom } });
      await expect(agent.get(node, pid, () => 0)).rejects.toThrow(NoProcessError);
    },
  );

  test("ends with an error when getAndUpdate is not given what it needs", async () => {
    const { node } = createWorld();
    const pid = await agent.start(node, () => 0);
    await expect(agent.getAndUpdate(node, pid, () => 1 as never)).rejects.toThrow(
      "agent.getAndUpdate: update must return { reply, state }, but returned 1",
    );
  });

  test("works with messages that are cloned", async () => {
    const node = createNode({ messages: "clone", logger: false, clock: createVirtualClock() });
    const state = { n: 1 };
    const pid = await agent.start(node, () => state);
    const got = await agent.get(node, pid, (value) => value);
    expect(got).toEqual(state);
    expect(got).not.toBe(state);
    await agent.update(node, pid, ({ n }) => ({ n: n + 1 }));
    expect(await agent.get(node, pid, ({ n }) => n)).toBe(2);
  });

  test("is a behaviour like any other", async () => {
    const { node } = createWorld();
    const pid = await agent.start(node, () => "x");
    expect(await sys.getState(node, pid)).toBe("x");
  });

  test("gives up waiting in time", async () => {
    const { node, advance } = createWorld();
    const pid = await agent.start(node, () => 0);
    const slow = (): Promise<number> => new Promise(() => undefined);
    const update = agent.update(node, pid, slow, { timeoutMs: 10 });
    update.catch(() => undefined);
    await advance(10);
    await expect(update).rejects.toThrow(CallTimeoutError);
  });
});

describe("agent.start", () => {
  test("fails with what init throws", async () => {
    const { node } = createWorld();
    const error = await agent.start(node, fail, { label: "the counter" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ reason: { error: boom } });
    expect((error as Error).message).toContain("the counter did not start");
  });

  test("fails when init takes too long", async () => {
    const { node, advance } = createWorld();
    const started = agent.start(node, () => new Promise<never>(() => undefined), { timeoutMs: 10 });
    started.catch(() => undefined);
    await advance(10);
    await expect(started).rejects.toMatchObject({ reason: "timeout" });
  });

  test("fails when its name is taken", async () => {
    const { node } = createWorld();
    const Counter = name<AgentMessage<number>>("counter");
    const first = await agent.start(node, () => 0, { name: Counter });
    await expect(agent.start(node, () => 0, { name: Counter })).rejects.toMatchObject({
      reason: { alreadyStarted: first },
    });
  });

  test.each<[string, typeof agent.start, boolean]>([
    ["start", agent.start, true],
    ["startLink", agent.startLink, false],
  ])("of an agent, by %s: whether it outlives its starter", async (_, start, lives) => {
    const { node } = createWorld();
    const owner = within(node, async (self) => {
      const pid = await start(self, () => 0);
      void self.sleep(0).then(() => self.node.exit(self.pid, "boom" as ExitReason));
      return pid;
    });
    const pid = await owner.result;
    await quiesce();
    expect(node.isAlive(owner.pid)).toBe(false);
    expect(node.isAlive(pid)).toBe(lives);
  });
});

describe("agent.stop", () => {
  test("ends an agent, for the reason given", async () => {
    const { node } = createWorld();
    const pid = await agent.start(node, () => 0);
    const exited = node.whenExited(pid);
    await agent.stop(node, pid, { reason: "shutdown" });
    expect(await exited).toBe("shutdown");
  });
});

describe("bad input", () => {
  test.each<[string, (node: Node, pid: AgentPid<number>) => unknown]>([
    ["define: init", () => agent.define(1 as never)],
    ["define: init", (node) => agent.start(node, 1 as never)],
    ["get: get", (node, pid) => agent.get(node, pid, "x" as never)],
    ["update: update", (node, pid) => agent.update(node, pid, undefined as never)],
    ["getAndUpdate: update", (node, pid) => agent.getAndUpdate(node, pid, {} as never)],
    ["cast: update", (node, pid) => agent.cast(node, pid, 1 as never)],
  ])("agent.%s that is no function is refused, and the agent goes on", async (what, act) => {
    const { node } = createWorld();
    const pid = await agent.start(node, () => 0);
    const error = await Promise.resolve()
      .then(() => act(node, pid))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(`agent.${what} must be a function`);
    expect(await agent.get(node, pid, (count) => count)).toBe(0);
  });

  test("does not compile: functions of another value", async () => {
    const { node } = createWorld();
    const pid = await agent.start(node, () => 0);
    // @ts-expect-error the value is a number
    await agent.update(node, pid, (text: string) => text).catch(() => undefined);
    // @ts-expect-error an update gives a number
    agent.cast(node, pid, (count) => `${count}`);
  });
});

function fail(): never {
  throw boom;
}

describe("what is no function, such as what comes from another node", () => {
  test("is refused where an answer is waited for, else told as undelivered; the agent goes on", async () => {
    const { node } = createWorld();
    const counter = await agent.start(node, () => 1);
    const events: unknown[] = [];
    node.events.subscribe((event) => {
      if (event.type === "undelivered") events.push([event.why, event.message]);
    });
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const requests = ["get", "update", "getAndUpdate"].flatMap((what) => [
      [what],
      [what, 1],
      [what, { value: 1 }],
      [what, revoked.proxy],
      [what, { value: increment }, 2],
      [what, increment],
    ]);
    for (const request of requests) {
      await expect(node.call(counter as never, request as never)).rejects.toMatchObject({
        code: "UNKNOWN_REQUEST",
        message: expect.stringContaining("a function of its value"),
      });
    }
    node.cast(counter as never, ["cast", 1] as never);
    await quiesce();
    expect(events).toEqual([["unhandled", { type: "cast", request: ["cast", 1] }]]);
    expect(await agent.get(node, counter, increment)).toBe(2);
  });
});
