import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  ExitSignal,
  InvalidArgumentError,
  name,
  NoProcessError,
  ServerExitError,
  type AnyPid,
  type ExitReason,
  type Node,
  type NodeEvent,
  type Pid,
  type Startable,
  type StartResult,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  child,
  defineServer,
  InvalidChildSpecError,
  PoolFullError,
  PoolTimeoutError,
  renderTree,
  startSupervisor,
  supervisionTree,
  workerPool,
  type ProtocolOf,
  type SupervisorPid,
  type WorkerPoolMessage,
  type WorkerPoolSettings,
} from "@coppice/supervisor";
import { createServerWorld, thenable } from "./server-world.js";
import { boom, isSettled, within } from "./world.js";

const worker = defineServer({
  init: (what: string) => what,
  call: {
    crash: () => {
      throw boom;
    },
    add: (_: string, a: number, b: number) => ({ reply: a + b }),
  },
});
type Work = ProtocolOf<typeof worker>;

const Workers = name<WorkerPoolMessage<Work>>("workers");

interface World {
  readonly node: Node;
  readonly events: NodeEvent[];
  readonly supervisor: SupervisorPid;
  advance(ms: number): Promise<void>;
  /** Idle, lent, waiting. */
  counts(): Promise<[number, number, number]>;
}

async function createWorld(settings: Partial<WorkerPoolSettings<Work>> = {}): Promise<World> {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  const pool = workerPool.define({
    name: Workers,
    size: 2,
    worker: child("worker", worker, "w"),
    ...settings,
  });
  const supervisor = await startSupervisor(node, pool, { label: "pool" });
  return {
    node,
    events,
    supervisor,
    advance: (ms) => clock.advance(ms, quiesce),
    counts: async () => {
      await quiesce();
      const { idle, lent, waiting } = await workerPool.status(node, Workers);
      return [idle, lent, waiting];
    },
  };
}

/** A process that borrows a worker, and keeps it. */
function borrow(node: Node, timeoutMs = Infinity): ReturnType<typeof within<Pid<Work>>> {
  return within(node, async (self) => {
    const loan = await workerPool.checkOut(self, Workers, { timeoutMs });
    return loan.worker;
  });
}

describe("a worker pool", () => {
  test("lends a worker while it is used, typed as it is, and gets it back", async () => {
    const { node, counts } = await createWorld();
    const { result } = within(node, (self) =>
      workerPool.use(self, Workers, async (pid) => {
        const sum: number = await self.call(pid, ["add", 1, 2]);
        return [sum, await counts()];
      }),
    );
    expect(await result).toEqual([3, [1, 1, 0]]);
    expect(await counts()).toEqual([2, 0, 0]);
  });

  test("is a supervisor with a manager and workers", async () => {
    const { node, supervisor } = await createWorld();
    const tree = renderTree(await supervisionTree(node, supervisor));
    for (const id of ["manager", "worker-1", "worker-2"]) expect(tree).toContain(id);
  });

  test("lends each worker to one at a time", async () => {
    const { node, counts } = await createWorld();
    const [a, b] = await Promise.all([borrow(node).result, borrow(node).result]);
    expect(a).not.toBe(b);
    const third = borrow(node);
    expect(await isSettled(third.result)).toBe(false);
    expect(await counts()).toEqual([0, 2, 1]);
  });

  test("lends a worker that is given back to who has waited longest", async () => {
    const { node, counts } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers);
    const first = borrow(node);
    await quiesce();
    const second = borrow(node);
    await quiesce();
    workerPool.checkIn(node, loan);
    expect(await first.result).toBe(loan.worker);
    expect(await isSettled(second.result)).toBe(false);
    expect(await counts()).toEqual([0, 1, 1]);
  });

  test("gets a worker back once, however often it is given back", async () => {
    const { node, counts } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers);
    workerPool.checkIn(node, loan);
    const other = await borrow(node).result;
    workerPool.checkIn(node, loan);
    expect(other).toBe(loan.worker);
    expect(await counts()).toEqual([0, 1, 0]);
  });

  test("gets a worker back when what it was used for fails", async () => {
    const { node, counts } = await createWorld();
    const failing = workerPool.use(node, Workers, () => {
      throw boom;
    });
    await expect(failing).rejects.toBe(boom);
    expect(await counts()).toEqual([2, 0, 0]);
  });

  test.each<[ExitReason]>([["kill"], ["shutdown"], ["boom"]])(
    "gets a worker back when its borrower ends by %j",
    async (reason) => {
      const { node, counts, events } = await createWorld({ size: 1 });
      let thrown: unknown;
      const { pid } = within(node, async (self) => {
        const used = workerPool.use(self, Workers, () => self.receive(() => false));
        await used.catch((error: unknown) => (thrown = error));
      });
      expect(await counts()).toEqual([0, 1, 0]);
      node.exit(pid, reason);
      expect(await counts()).toEqual([1, 0, 0]);
      expect(thrown).toBeInstanceOf(ExitSignal);
      expect(events).not.toContainEqual(
        expect.objectContaining({ type: "fenced", operation: "cast" }),
      );
    },
  );

  test("forgets who ends while it waits", async () => {
    const { node, counts } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers);
    const { pid } = borrow(node, 1_000);
    expect(await counts()).toEqual([0, 1, 1]);
    node.exit(pid, "kill");
    expect(await counts()).toEqual([0, 1, 0]);
    expect(node.counts.timers).toBe(0);
    workerPool.checkIn(node, loan);
    expect(await counts()).toEqual([1, 0, 0]);
  });

  test("replaces a worker that ends while it is lent; its borrower is told by its call", async () => {
    const { node, counts } = await createWorld({ size: 1 });
    const waiting: Promise<Pid<Work>>[] = [];
    const used = workerPool.use(node, Workers, async (pid) => {
      waiting.push(borrow(node).result);
      await quiesce();
      await node.call(pid, ["crash"]);
    });
    await expect(used).rejects.toThrow(ServerExitError);
    const next = (await waiting[0]) as Pid<Work>;
    expect(await node.call(next, ["add", 1, 1])).toBe(2);
    expect(await counts()).toEqual([0, 1, 0]);
  });

  test("replaces a worker that ends while it is idle, and does not lend the dead one", async () => {
    const { node, counts } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers);
    workerPool.checkIn(node, loan);
    node.exit(loan.worker, "kill");
    expect(await counts()).toEqual([1, 0, 0]);
    const next = await workerPool.checkOut(node, Workers);
    expect(next.worker).not.toBe(loan.worker);
    expect(node.isAlive(next.worker)).toBe(true);
  });

  test("begins anew when its manager ends: of earlier loans nothing comes", async () => {
    const { node, counts } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers);
    const waiting = workerPool.checkOut(node, Workers).catch((error: unknown) => error);
    await quiesce();
    node.exit(node.whereis(Workers) as AnyPid, "kill");
    expect(await waiting).toBeInstanceOf(ServerExitError);
    await quiesce();
    expect(node.isAlive(loan.worker)).toBe(false);
    await workerPool.checkOut(node, Workers);
    workerPool.checkIn(node, loan);
    expect(await counts()).toEqual([0, 1, 0]);
  });

  test("ends with its supervisor, and nothing of it is left", async () => {
    const { node, supervisor } = await createWorld();
    node.exit(supervisor, "shutdown");
    await quiesce();
    expect(node.processes()).toEqual([]);
    await expect(workerPool.checkOut(node, Workers)).rejects.toThrow(NoProcessError);
  });

  test("gives up when workers end too often", async () => {
    const { node, supervisor } = await createWorld({ size: 1, intensity: 1, periodMs: 1_000 });
    for (let count = 0; count < 4; count++) {
      const loan = await workerPool.checkOut(node, Workers).catch(() => undefined);
      if (loan !== undefined) node.exit(loan.worker, "kill");
      await quiesce();
    }
    expect(node.isAlive(supervisor)).toBe(false);
  });

  test("can have plain functions as workers, and says of a message it does not know that it does not", async () => {
    const Plain = name<WorkerPoolMessage<string>>("plain");
    const { node, events } = await createWorld();
    const seen: string[] = [];
    const spec = child<string, []>("plain", async (self) => {
      for (;;) seen.push(await self.receive());
    });
    const pool = workerPool.define({ name: Plain, size: 1, worker: spec });
    await startSupervisor(node, pool);
    await workerPool.use(node, Plain, (pid) => node.send(pid, "hello"));
    node.send(Plain as never, "what" as never);
    await quiesce();
    expect(seen).toEqual(["hello"]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "undelivered", message: "what", why: "unhandled" }),
    );
  });
});

test("a worker that is started by a thenable is lent when that calls back", async () => {
  const { node } = createServerWorld();
  const Late = name<WorkerPoolMessage<Work>>("late");
  const start: Startable<Work> = {
    start: (starter, options) =>
      thenable((done) => {
        void Promise.resolve(worker.start(starter, options, "w")).then(done);
      }) as PromiseLike<StartResult<Work>>,
  };
  await startSupervisor(
    node,
    workerPool.define({ name: Late, size: 1, worker: child("late", start) }),
  );
  const sum = workerPool.use(node, Late, (pid) => node.call(pid, ["add", 1, 2]));
  expect(await sum).toBe(3);
});

describe("who waits for a worker", () => {
  test("waits for 5000 ms by default, and is told then", async () => {
    const { node, advance, counts } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers);
    const waiting = workerPool.checkOut(node, Workers);
    waiting.catch(() => undefined);
    await advance(4_999);
    expect(await isSettled(waiting)).toBe(false);
    await advance(1);
    const error = await waiting.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PoolTimeoutError);
    expect(error).toMatchObject({ code: "POOL_TIMEOUT", pool: `"workers"`, timeoutMs: 5_000 });
    expect((error as Error).message).toBe(`no worker of pool "workers" was free within 5000 ms`);
    workerPool.checkIn(node, loan);
    expect(await counts()).toEqual([1, 0, 0]);
  });

  test("does not wait at all with 0", async () => {
    const { node } = await createWorld({ size: 1 });
    const loan = await workerPool.checkOut(node, Workers, { timeoutMs: 0 });
    const error = workerPool.checkOut(node, Workers, { timeoutMs: 0 });
    await expect(error).rejects.toThrow(PoolTimeoutError);
    workerPool.checkIn(node, loan);
    expect((await workerPool.checkOut(node, Workers, { timeoutMs: 0 })).worker).toBe(loan.worker);
  });

  test("waits for ever with Infinity", async () => {
    const { node, advance } = await createWorld({ size: 1 });
    await workerPool.checkOut(node, Workers);
    const waiting = workerPool.checkOut(node, Workers, { timeoutMs: Infinity });
    await advance(1_000_000);
    expect(await isSettled(waiting)).toBe(false);
    expect(node.counts.timers).toBe(0);
  });

  test("is refused when as many wait as may", async () => {
    const { node, counts } = await createWorld({ size: 1, maxWaiting: 1 });
    await workerPool.checkOut(node, Workers);
    void borrow(node);
    await quiesce();
    const error = await workerPool.checkOut(node, Workers).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PoolFullError);
    expect(error).toMatchObject({ code: "POOL_FULL", dropped: false });
    expect(await counts()).toEqual([0, 1, 1]);
  });

  test("is dropped for one who comes later, where that is so", async () => {
    const { node, counts } = await createWorld({
      size: 1,
      maxWaiting: 1,
      overflow: "drop-oldest",
    });
    await workerPool.checkOut(node, Workers);
    const first = workerPool.checkOut(node, Workers).catch((thrown: unknown) => thrown);
    await quiesce();
    void borrow(node);
    const error = await first;
    expect(error).toBeInstanceOf(PoolFullError);
    expect(error).toMatchObject({ dropped: true });
    expect(await counts()).toEqual([0, 1, 1]);
    expect(node.counts.timers).toBe(0);
  });
});

describe("bad input", () => {
  const good = { name: Workers, size: 1, worker: child("worker", worker, "w") };

  test.each<[string, object | null, string]>([
    ["no object", null, "workerPool.define: settings must be an object"],
    ["an unknown setting", { ...good, max: 1 }, "settings must be made of name, size, worker"],
    ["no name", { ...good, name: "workers" }, "settings.name must be a name made by name()"],
    [
      "no worker at all",
      { ...good, size: 0 },
      "settings.size must be a whole number of at least 1",
    ],
    ["without end", { ...good, size: Infinity }, "settings.size must be a whole number"],
    ["negative waiting", { ...good, maxWaiting: -1 }, "settings.maxWaiting must be a whole number"],
    ["an unknown overflow", { ...good, overflow: "x" }, `must be "refuse-newest" or "drop-oldest"`],
    [
      "a worker with a name",
      { ...good, worker: child({ id: "w", name: name<Work>("w") }, worker, "w") },
      "settings.worker.name must be left out",
    ],
  ])("%s is refused", (_, settings, message) => {
    const act = (): unknown => workerPool.define(settings as WorkerPoolSettings<Work>);
    expect(act).toThrow(InvalidArgumentError);
    expect(act).toThrow(message);
  });

  test("a worker that is no child spec is refused", () => {
    const act = (): unknown => workerPool.define({ ...good, worker: { id: "w" } as never });
    expect(act).toThrow(InvalidChildSpecError);
    expect(act).toThrow("workerPool.define: settings.worker.start must be");
  });

  test.each<[string, (node: Node) => Promise<unknown>, string]>([
    [
      "a negative time",
      (node) => workerPool.checkOut(node, Workers, { timeoutMs: -1 }),
      "workerPool.checkOut: options.timeoutMs must be a number of at least 0",
    ],
    [
      "an unknown option",
      (node) => workerPool.checkOut(node, Workers, { timeout: 1 } as never),
      "workerPool.checkOut: options must be made of timeoutMs",
    ],
    [
      "no function",
      (node) => workerPool.use(node, Workers, 1 as never),
      "workerPool.use: act must be a function",
    ],
  ])("%s is refused, and nothing is lent", async (_, act, message) => {
    const { node, counts } = await createWorld();
    const error = await act(node).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(message);
    expect(await counts()).toEqual([2, 0, 0]);
  });
});
