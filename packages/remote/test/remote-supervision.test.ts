import { describe, expect, test } from "@jest/globals";
import type { AnyPid, Pid, Self } from "@coppice/core";
import {
  child,
  childTemplate,
  countChildren,
  defineDynamicSupervisor,
  defineServer,
  defineSupervisor,
  renderTree,
  startChild,
  supervisionTree,
  terminateChild,
  whichChildren,
  type ChildOptions,
  type ProtocolOf,
  type ServerSelf,
  type SupervisorPid,
} from "@coppice/supervisor";
import { remoteBehaviour } from "../src/behaviours.js";
import type { Place } from "../src/remote-start.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const HEAR_MS = 20_000;

/** One that traps exits: nothing but an exit of its parent, or a kill, ends it from outside. */
const worker = defineServer({
  init: (id: string, self: ServerSelf) => {
    self.trapExits();
    return id;
  },
  call: { id: (id: string) => ({ reply: id }) },
  cast: {
    crash: () => {
      throw new Error("crashed");
    },
  },
});

type WorkerPid = Pid<ProtocolOf<typeof worker>>;

/** One that takes no notice of anything. */
async function stubborn(self: Self<unknown>): Promise<void> {
  self.trapExits();
  for (;;) await self.receive();
}

const oneString = (args: readonly unknown[]): [string] => {
  if (args.length !== 1 || typeof args[0] !== "string") throw new TypeError("one string");
  return [args[0]];
};

const leafTree = defineSupervisor({ strategy: "one_for_one", children: [child("leaf", stubborn)] });

const behaviours = {
  tree: remoteBehaviour(leafTree, () => []),
  worker: remoteBehaviour(worker, oneString),
  stubborn: remoteBehaviour(
    { start: (starter, options) => ({ pid: starter.spawnOpt(options, stubborn) }) },
    () => [],
  ),
};

interface Fleet extends RemoteWorld {
  readonly a: Member;
  readonly b: Member;
  readonly c: Member;
  /** Starts a supervisor at `a`, of one child at another node. */
  supervise(
    place: Place,
    options?: Partial<Omit<ChildOptions, "id" | "name">> & {
      readonly intensity?: number;
      readonly behaviour?: string;
    },
  ): Promise<SupervisorPid>;
}

/** `a`, connected with `b` and `c`, which list the worker. */
async function createFleet(): Promise<Fleet> {
  const world = createRemoteWorld();
  const a = await world.start("a", { hearMs: HEAR_MS });
  const b = await world.start("b", { behaviours, hearMs: HEAR_MS });
  const c = await world.start("c", { behaviours, hearMs: HEAR_MS });
  await Promise.all([a.remote.connect("b"), a.remote.connect("c"), world.settle()]);
  return {
    ...world,
    a,
    b,
    c,
    supervise: async (place, options = {}) => {
      const { intensity = 3, behaviour = "worker", ...rest } = options;
      const far = a.remote.behaviour<typeof worker>(place, behaviour);
      const args = behaviour === "worker" ? ["w"] : [];
      const tree = defineSupervisor({
        strategy: "one_for_one",
        intensity,
        periodMs: 5_000,
        children: [child({ id: "w", ...rest }, far, ...(args as [string]))],
      });
      const starting = a.node.start(tree);
      // It may fail before it is waited for.
      starting.catch(() => undefined);
      await world.settle();
      return starting;
    },
  };
}

const counts = (...members: readonly Member[]): number[] =>
  members.map(({ node }) => node.processes().length);

function cut({ network }: RemoteWorld, one: string, other: string, isCut: boolean): void {
  const fault = { mode: isCut ? "hold" : "pass" } as const;
  network.fault(one, other, fault);
  network.fault(other, one, fault);
}

describe("a supervisor at another node", () => {
  test("answers whoever asks, and goes on, also where what a child has left cannot travel", async () => {
    const world = createRemoteWorld();
    const broken = (reason: unknown) =>
      child({ id: "w", restart: "transient" }, async (self: Self<unknown>) => {
        await self.receive();
        self.exit(reason as never);
      });
    const reasons = [
      { error: new Error("boom", { cause: () => "no data" }) },
      {
        get shutdown(): never {
          throw new TypeError("cannot be looked at");
        },
      },
    ];
    const trees = reasons.map((reason) =>
      defineSupervisor({ strategy: "one_for_one", children: [broken(reason)] }),
    );
    const [one, two] = trees as [(typeof trees)[0], (typeof trees)[0]];
    const b = await world.start("b", {
      behaviours: { one: remoteBehaviour(one, () => []), two: remoteBehaviour(two, () => []) },
    });
    const a = await world.start("a");
    const outcomes: unknown[] = [];
    const asking = (async () => {
      for (const tree of ["one", "two"]) {
        const supervisor = await a.node.start(a.remote.behaviour<typeof one>("b", tree));
        const [before] = await whichChildren(a.node, supervisor);
        a.node.send(before?.pid as never, "go" as never);
        await world.settle();
        const [after] = await whichChildren(a.node, supervisor);
        const again = await countChildren(a.node, supervisor);
        outcomes.push(after?.restarts, after?.lastExit, again.specs);
      }
    })();
    for (let i = 0; i < 20; i++) await world.settle();
    await asking;
    expect(outcomes).toEqual([1, "Error: boom", 1, 0, expect.any(String), 1]);
    expect(b.node.counts.crashes).toBe(0);
  });

  test("refuses an answer that holds more than its node sends, and goes on", async () => {
    const world = createRemoteWorld();
    const children = Array.from({ length: 20 }, (_, n) => child(`w${n}`, stubborn));
    const tree = defineSupervisor({ strategy: "one_for_one", children });
    await world.start("b", {
      behaviours: { tree: remoteBehaviour(tree, () => []) },
      limits: { maxItems: 64 },
    });
    const a = await world.start("a");
    const outcomes: unknown[] = [];
    const asking = (async () => {
      const supervisor = await a.node.start(a.remote.behaviour<typeof tree>("b", "tree"));
      outcomes.push(await whichChildren(a.node, supervisor).catch((error: unknown) => error));
      outcomes.push((await countChildren(a.node, supervisor)).active);
    })();
    for (let i = 0; i < 10; i++) await world.settle();
    await asking;
    const message = expect.stringMatching(
      /^the reply of <.*> cannot be sent: .* more than 64 items/,
    );
    expect(outcomes).toMatchObject([{ message }, 20]);
  });
});

describe("children of a dynamic supervisor", () => {
  test("live at other nodes, are stopped there, and are started elsewhere", async () => {
    const { a, b, c, network, settle } = await createFleet();
    const far = a.remote.behaviour<typeof worker>((connected) => connected[0], "worker");
    const pool = defineDynamicSupervisor({ child: childTemplate("w", far), intensity: 10 });
    const starting = a.node.start(pool);
    await settle();
    const supervisor = await starting;
    const add = async (id: string): Promise<AnyPid> => {
      const adding = startChild(a.node, supervisor, [id]);
      await settle();
      const { pid } = (await adding) as { readonly pid: AnyPid };
      return pid;
    };
    const [first] = [await add("one"), await add("two"), await add("three")];
    expect(counts(b, c)).toEqual([3, 0]);
    const terminating = terminateChild(a.node, supervisor, first);
    await settle();
    expect([await terminating, counts(b, c)]).toEqual([{ ok: true }, [2, 0]]);
    network.sever("a", "b");
    await settle();
    expect(counts(b, c)).toEqual([0, 2]);
    a.node.exit(supervisor, "shutdown");
    await settle();
    expect(counts(a, b, c)).toEqual([0, 0, 0]);
  });
});

describe("a child at another node", () => {
  test("is placed among the nodes that are connected, anew at each start", async () => {
    const fleet = await createFleet();
    const { a, b, c, settle, supervise } = fleet;
    const asked: (readonly string[])[] = [];
    await supervise((connected) => {
      asked.push(connected);
      return connected[0];
    });
    expect(counts(b, c)).toEqual([1, 0]);
    fleet.network.crash("b");
    await settle();
    expect(counts(c)).toEqual([1]);
    expect(asked).toEqual([["b", "c"], ["c"]]);
    const [pid] = c.node.processes() as [AnyPid];
    expect(a.remote.nodes()).toMatchObject([{ name: "c", links: 1 }]);
    c.node.exit(pid, "kill");
    await settle();
    expect([counts(c), asked.length]).toEqual([[1], 3]);
  });

  test("that crashes is restarted, with its arguments", async () => {
    const { a, b, settle, supervise } = await createFleet();
    await supervise("b");
    const [first] = b.node.processes() as [WorkerPid];
    b.node.cast(first, ["crash"]);
    await settle();
    const [second] = b.node.processes() as [WorkerPid];
    expect(second).not.toBe(first);
    expect(await b.node.call(second, ["id"])).toBe("w");
    expect(a.node.processes()).toHaveLength(1);
  });

  test("whose node is silent is started elsewhere; the old one ends by itself, though it traps exits", async () => {
    const fleet = await createFleet();
    const { b, c, advance, supervise } = fleet;
    await supervise((connected) => connected[0]);
    cut(fleet, "a", "b", true);
    await advance(2 * HEAR_MS);
    // `b` cannot hear of it: it knows that nobody can hear it.
    expect(counts(b, c)).toEqual([0, 1]);
    cut(fleet, "a", "b", false);
    await advance(2 * HEAR_MS);
    expect(counts(b, c)).toEqual([0, 1]);
  });

  test("leaves no second life behind when its node comes back at once under the same name", async () => {
    const fleet = await createFleet();
    const { a, b, c, network, settle, advance, supervise } = fleet;
    const places = ["b", "c"];
    await supervise(() => places.shift() ?? "c");
    network.sever("a", "b");
    await settle();
    await Promise.all([a.remote.connect("b"), settle()]);
    await advance(HEAR_MS);
    expect(a.remote.nodes().map(({ name }) => name)).toEqual(["c", "b"]);
    expect(counts(b, c)).toEqual([0, 1]);
  });

  test("whose node is lost while it starts is not left there", async () => {
    const fleet = await createFleet();
    const { b, c, network, settle, advance, supervise } = fleet;
    const places = ["b", "c"];
    network.fault("b", "a", { latencyMs: 100 });
    const starting = supervise(() => places.shift() ?? "c").catch((error: unknown) => error);
    await settle();
    expect(counts(b)).toEqual([1]);
    network.sever("a", "b");
    await advance(1_000);
    // As at home: a supervisor whose child does not start does not start either.
    expect(await starting).toMatchObject({ code: "START_FAILED" });
    expect(counts(b, c)).toEqual([0, 0]);
  });

  test("counts for the intensity whatever ends it, the loss of its node too", async () => {
    const fleet = await createFleet();
    const { a, b, network, settle, supervise } = fleet;
    const supervisor = await supervise("b", { intensity: 2 });
    const reason = a.node.whenExited(supervisor);
    for (let loss = 1; loss <= 2; loss++) {
      network.sever("a", "b");
      await settle();
      expect([a.node.isAlive(supervisor), counts(b)]).toEqual([true, [1]]);
    }
    network.sever("a", "b");
    await settle();
    expect(await reason).toBe("shutdown");
    expect(counts(a, b)).toEqual([0, 0]);
  });

  test("waits for a node when there is none: by its backoff, not for ever at once", async () => {
    const fleet = await createFleet();
    const { a, b, c, network, settle, advance, supervise } = fleet;
    const backoff = { initialMs: 1_000, maxMs: 1_000 };
    const supervisor = await supervise((connected) => connected[0], { backoff, intensity: 10 });
    network.sever("a", "b");
    network.sever("a", "c");
    await settle();
    expect(counts(b, c)).toEqual([0, 0]);
    await advance(1_500);
    expect(a.node.isAlive(supervisor)).toBe(true);
    await Promise.all([a.remote.connect("c"), advance(1_500)]);
    await advance(1_500);
    expect(counts(b, c)).toEqual([0, 1]);
  });

  test("is restarted at once or not at all, as its restart type says", async () => {
    const { a, b, c, network, settle, supervise } = await createFleet();
    await supervise("b", { restart: "transient" });
    const temporary = await supervise("b", { restart: "temporary" });
    expect(counts(b)).toEqual([2]);
    network.sever("a", "b");
    await settle();
    expect(counts(b, c)).toEqual([1, 0]);
    expect(a.node.isAlive(temporary)).toBe(true);
  });

  test("ends with its supervisor, and is killed when it takes no notice", async () => {
    const { a, b, advance, settle, supervise } = await createFleet();
    const polite = await supervise("b");
    const rude = await supervise("b", { behaviour: "stubborn", shutdown: 1_000 });
    expect(counts(b)).toEqual([2]);
    a.node.exit(polite, "shutdown");
    a.node.exit(rude, "shutdown");
    await settle();
    expect(counts(b)).toEqual([1]);
    await advance(1_000);
    expect(counts(a, b)).toEqual([0, 0]);
  });

  test("ends when its supervisor is killed, though it traps exits", async () => {
    const { a, b, settle, supervise } = await createFleet();
    a.node.exit(await supervise("b"), "kill");
    await settle();
    expect(counts(a, b)).toEqual([0, 0]);
  });

  test("ends in order when its own node stops, and is started elsewhere", async () => {
    const { b, c, settle, supervise } = await createFleet();
    await supervise((connected) => connected[0]);
    const stopping = b.node.stop();
    await settle();
    expect(await stopping).toMatchObject({ killed: [] });
    expect(counts(c)).toEqual([1]);
  });

  test("is seen in the tree, and counted, as running; a supervisor there is asked what is below it", async () => {
    const fleet = await createFleet();
    const { a, settle, supervise } = fleet;
    const supervisor = await supervise("b", { behaviour: "tree", type: "supervisor" });
    const looking = supervisionTree(a.node, supervisor);
    const counting = countChildren(a.node, supervisor);
    await settle();
    const tree = await looking;
    expect(tree.children).toMatchObject([
      { id: "w", state: "running", children: [{ id: "leaf", state: "running" }] },
    ]);
    expect(renderTree(tree)).toContain("└─ leaf <b.2>");
    expect(await counting).toMatchObject({ specs: 1, active: 1 });
    const far = supervisionTree(a.node, tree.children[0]?.pid as AnyPid);
    await settle();
    expect(await far).toMatchObject({ id: "<b.1>", children: [{ id: "leaf" }] });
    fleet.network.fault("b", "a", { mode: "hold" });
    const busy = supervisionTree(a.node, supervisor);
    await fleet.advance(1_000);
    expect(await busy).toMatchObject({ children: [{ state: "busy", children: [] }] });
  });

  test("that does not start in time is started elsewhere; what comes of the first start is ended", async () => {
    const fleet = await createFleet();
    const { b, c, network, settle, advance, supervise } = fleet;
    const places = ["b", "b", "c"];
    await supervise(() => places.shift() ?? "c", { startTimeoutMs: 500 });
    const [pid] = b.node.processes() as [AnyPid];
    // What `b` is told arrives at once, what it says takes longer than a start may.
    network.fault("b", "a", { latencyMs: 700 });
    b.node.exit(pid, "kill");
    await advance(700);
    expect(counts(b, c)).toEqual([1, 0]);
    await advance(600);
    expect(counts(b, c)).toEqual([1, 1]);
    await advance(700);
    expect(counts(b, c)).toEqual([0, 1]);
    await settle();
  });

  test("has a place that is a node's name", async () => {
    const { supervise } = await createFleet();
    const failed: unknown = await supervise((() => 7) as never).catch((error: unknown) => error);
    expect(String((failed as Error).message)).toContain("what place returned");
  });
});
