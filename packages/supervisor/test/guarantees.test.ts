/** Guarantees of docs/semantics-supervision.md that concern several parts together. */
import { describe, expect, test } from "@jest/globals";
import { name, NoProcessError, type AnyPid, type ExitReason, type Self } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  agent,
  child,
  defineDynamicSupervisor,
  childTemplate,
  defineEventManager,
  defineServer,
  defineStateMachine,
  defineSupervisor,
  startChild,
  startSupervisor,
  stop,
  sys,
  whichChildren,
  type ChildSpec,
  type ProtocolOf,
  type ServerSelf,
  type SupervisorPid,
} from "@coppice/supervisor";
import { createWorld, type World } from "./world.js";

const counter = defineServer({
  init: (first: number) => first,
  call: { next: (count) => ({ reply: count, state: count + 1 }) },
});

const light = defineStateMachine({
  init: () => ({ state: "red", data: 0 }),
  states: { red: { cast: { go: () => ({ next: "green" }) } }, green: {} },
});

async function idle(self: Self<never>): Promise<void> {
  await self.receive();
}

/** What can be supervised, of every kind. */
const kinds: [kind: string, spec: ChildSpec][] = [
  ["an async body", child("it", idle)],
  ["a server", child("it", counter, 0)],
  ["a state machine", child("it", light)],
  ["an event manager", child("it", defineEventManager<string>())],
  [
    "an agent",
    child(
      "it",
      agent.define(() => 0),
    ),
  ],
  ["a supervisor", child("it", defineSupervisor({ children: [child("below", idle)] }))],
  [
    "a dynamic supervisor",
    child("it", defineDynamicSupervisor({ child: childTemplate("below", idle) })),
  ],
];

async function childrenOf({ node }: World, supervisor: SupervisorPid): Promise<AnyPid[]> {
  await quiesce();
  return (await whichChildren(node, supervisor)).flatMap(({ pid }) => pid ?? []);
}

describe("a supervisor restarts", () => {
  test.each(kinds)("%s, as another process, and stops it with its own end", async (_kind, spec) => {
    const world = createWorld();
    const { node } = world;
    const supervisor = await startSupervisor(node, defineSupervisor({ children: [spec] }));
    const [first] = await childrenOf(world, supervisor);
    node.exit(first as AnyPid, "kill");
    const [second, ...others] = await childrenOf(world, supervisor);
    expect(others).toEqual([]);
    expect(second).not.toBe(first);
    expect(node.isAlive(second as AnyPid)).toBe(true);
    await stop(node, supervisor);
    expect(node.counts.processes).toBe(0);
  });
});

describe("a child that is restarted", () => {
  test("starts afresh: with the arguments of its spec, and nothing of its old state", async () => {
    const { node } = createWorld();
    const Counter = name<ProtocolOf<typeof counter>>("counter");
    const tree = defineSupervisor({ children: [child({ id: "it", name: Counter }, counter, 7)] });
    await startSupervisor(node, tree);
    expect(await node.call(Counter, ["next"])).toBe(7);
    expect(await node.call(Counter, ["next"])).toBe(8);
    node.exit(node.whereis(Counter) as AnyPid, "kill");
    await quiesce();
    expect(await node.call(Counter, ["next"])).toBe(7);
    await node.stop();
  });

  test("has lost what was in its mailbox", async () => {
    const world = createWorld();
    const { node } = world;
    const handled: string[] = [];
    const slow = defineServer({
      init: () => null,
      cast: {
        take: async (_state, item: string, self: ServerSelf) => {
          handled.push(item);
          await self.sleep(100);
        },
      },
    });
    const Slow = name<ProtocolOf<typeof slow>>("slow");
    const tree = defineSupervisor({ children: [child({ id: "it", name: Slow }, slow)] });
    await startSupervisor(node, tree);
    for (const item of ["a", "b", "c"]) node.cast(Slow, ["take", item]);
    await quiesce();
    node.exit(node.whereis(Slow) as AnyPid, "kill");
    await quiesce();
    node.cast(Slow, ["take", "d"]);
    await world.clock.advance(1_000, quiesce);
    expect(handled).toEqual(["a", "d"]);
    await node.stop();
  });

  test("is not there in between: a call by its name fails at once, and waits for no restart", async () => {
    const world = createWorld();
    const { node } = world;
    const Counter = name<ProtocolOf<typeof counter>>("counter");
    const backoff = { initialMs: 1_000, jitter: 0 };
    const spec = child({ id: "it", name: Counter, backoff }, counter, 0);
    await startSupervisor(node, defineSupervisor({ children: [spec] }));
    node.exit(node.whereis(Counter) as AnyPid, "kill");
    await quiesce();
    await expect(node.call(Counter, ["next"])).rejects.toThrow(NoProcessError);
    await world.clock.advance(1_000, quiesce);
    expect(await node.call(Counter, ["next"])).toBe(0);
    await node.stop();
  });
});

describe("restart intensity", () => {
  test("counts the restarts of all children together", async () => {
    const world = createWorld();
    const { node, worker } = world;
    const tree = defineSupervisor({ intensity: 2, children: [worker("a"), worker("b")] });
    const supervisor = await startSupervisor(node, tree);
    const ended = node.whenExited(supervisor);
    for (const id of ["a", "b", "a"]) await world.end(supervisor, id, "any");
    expect(await ended).toBe("shutdown");
  });
});

describe("a supervisor that is restarted", () => {
  async function startBelow(world: World): Promise<() => Promise<SupervisorPid>> {
    const below = defineSupervisor({
      intensity: 1,
      children: [world.worker("a"), world.worker("b")],
    });
    const top = await startSupervisor(
      world.node,
      defineSupervisor({ intensity: 9, children: [child("below", below)] }),
    );
    return async () => (await childrenOf(world, top))[0] as SupervisorPid;
  }

  test("has the children of its definition, and none of those that were added to it", async () => {
    const world = createWorld();
    const below = await startBelow(world);
    await startChild(world.node, await below(), world.worker("added"));
    expect(world.news()).toEqual(["+a", "+b", "+added"]);
    await stop(world.node, await below(), { reason: "enough" });
    const ended = ["-added shutdown", "-b shutdown", "-a shutdown"];
    await quiesce();
    expect(world.news()).toEqual([...ended, "+a", "+b"]);
    const children = await whichChildren(world.node, await below());
    expect(children.map(({ id }) => id)).toEqual(["a", "b"]);
    await world.node.stop();
  });

  test("counts its restarts from none", async () => {
    const world = createWorld();
    const below = await startBelow(world);
    const first = await below();
    await world.end(first, "a", "any");
    world.node.exit(first, "kill");
    const second = await below();
    await world.end(second, "a", "any");
    expect(await below()).toBe(second);
    await world.end(second, "a", "any");
    expect(await below()).not.toBe(second);
    await world.node.stop();
  });
});

describe("when a supervisor is killed", () => {
  test("a server below it that traps exits terminates, with killed", async () => {
    const { node } = createWorld();
    const reasons: ExitReason[] = [];
    const careful = defineServer({
      init: (self: ServerSelf) => void self.trapExits(),
      terminate: (_state, reason) => void reasons.push(reason),
    });
    const supervisor = await startSupervisor(
      node,
      defineSupervisor({ children: [child("it", careful)] }),
    );
    node.exit(supervisor, "kill");
    await quiesce();
    expect(reasons).toEqual(["killed"]);
    expect(node.counts.processes).toBe(0);
  });

  test("a process of no behaviour that traps exits and goes on outlives it, as in OTP", async () => {
    const world = createWorld();
    const supervisor = await startSupervisor(
      world.node,
      defineSupervisor({ children: [world.worker("a"), world.worker("b", "ignores")] }),
    );
    const b = await world.pidOf(supervisor, "b");
    world.node.exit(supervisor, "kill");
    await quiesce();
    expect(world.news()).toEqual(["+a", "+b", "-a killed"]);
    expect(world.node.isAlive(b)).toBe(true);
    world.node.exit(b, "kill");
    await quiesce();
  });
});

describe("sys", () => {
  test.each(kinds.slice(1))(
    "looks into %s, suspends and resumes it, and ends it",
    async (_kind, spec) => {
      const world = createWorld();
      const { node } = world;
      const tree = defineSupervisor({ children: [{ ...spec, restart: "temporary" }] });
      const [pid] = (await childrenOf(world, await startSupervisor(node, tree))) as [never];
      await sys.suspend(node, pid);
      expect(await sys.getStatus(node, pid)).toMatchObject({ activity: "suspended" });
      await sys.resume(node, pid);
      expect(await sys.getStatus(node, pid)).toMatchObject({ activity: "running" });
      expect(await sys.getState(node, pid)).toBeDefined();
      await sys.terminate(node, pid, "shutdown");
      expect(await node.whenExited(pid)).toMatch(/^(?:shutdown|noproc)$/);
      await node.stop();
    },
  );
});
