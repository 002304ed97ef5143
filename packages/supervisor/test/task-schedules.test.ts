/** Tasks, pools and circuits under schedules that keep no more order than is promised. */
import { describe, expect, test } from "@jest/globals";
import { createNode, name, type Exit, type Node, type Pid, type Self } from "@coppice/core";
import { createFifoScheduler, createVirtualClock } from "@coppice/testkit";
import {
  child,
  circuitBreaker,
  defineServer,
  startSupervisor,
  task,
  workerPool,
  type CallSelf,
  type CircuitBreakerMessage,
  type ProtocolOf,
  type TaskSupervisorMessage,
  type WorkerPoolMessage,
} from "@coppice/supervisor";
import { boom, within } from "./world.js";

interface World {
  readonly node: Node;
  /** Lets time pass, and all that follows happen. */
  advance(ms: number): Promise<void>;
}

function createWorld(seed: number): World {
  const clock = createVirtualClock();
  const scheduler = createFifoScheduler({ clock, seed });
  const node = createNode({ name: "demo", logger: false, clock, scheduler, messages: "freeze" });
  return { node, advance: (ms) => clock.advance(ms, () => scheduler.runAll()) };
}

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);

describe.each(SEEDS)("under schedule %d", (seed) => {
  test("a task's result comes after all that it has sent", async () => {
    const { node, advance } = createWorld(seed);
    const { result } = within<number, number>(node, async (self) => {
      const job = task.async(self, (own) => {
        for (let n = 1; n <= 3; n++) own.send(self.pid, n);
        return 4;
      });
      const value = await task.await(self, job);
      let sum = value;
      for (let n = 0; n < 3; n++) sum += (await self.receive({ timeoutMs: 0 })) as number;
      return sum;
    });
    await advance(0);
    expect(await result).toBe(10);
  });

  test("tasks and their owners end together, linked as they are, and none is left", async () => {
    const { node, advance } = createWorld(seed);
    const Tasks = name<TaskSupervisorMessage>("tasks");
    const starting = startSupervisor(node, task.supervisor(), { name: Tasks });
    await advance(0);
    const supervisor = await starting;
    const napAndCrash = async (self: Self<unknown>): Promise<never> => {
      await self.sleep(10);
      throw boom;
    };
    const never = (self: Self<unknown>): Promise<unknown> => self.receive(() => false);
    for (const first of [never, napAndCrash]) {
      within(node, async (self) => {
        task.async(self, first);
        await task.asyncUnder(self, Tasks, never);
        await task.asyncUnder(self, Tasks, never);
        if (first === never) await napAndCrash(self);
        await self.receive();
      }).result.catch(() => undefined);
    }
    await advance(100);
    expect(node.processes()).toEqual([supervisor]);
  });

  test("a stream of tasks leaves no Exit, no process and no timer behind", async () => {
    const { node, advance } = createWorld(seed);
    const { pid, result } = within<number[], Exit>(node, async (self) => {
      self.trapExits();
      const run = async (own: Self<unknown>, n: number): Promise<number> => {
        await own.sleep(n % 3);
        if (n % 4 === 0) throw boom;
        return n;
      };
      const seen: number[] = [];
      const stream = task.asyncStream(self, [1, 2, 3, 4, 5, 6, 7, 8], run, { maxConcurrency: 3 });
      for await (const one of stream) seen.push("value" in one ? one.value : -1);
      return seen;
    });
    await advance(100);
    expect(await result).toEqual([1, 2, 3, -1, 5, 6, 7, -1]);
    expect(node.mailboxOf(pid)).toEqual([]);
    expect(node.processes()).toEqual([pid]);
    expect(node.counts.timers).toBe(0);
  });

  test("a worker pool loses no worker, whoever ends when", async () => {
    const { node, advance } = createWorld(seed);
    const worker = defineServer({
      init: () => null,
      call: {
        work: async (_: null, ms: number, self: CallSelf<string>) => {
          await self.sleep(ms);
          return { reply: "done" };
        },
        crash: () => {
          throw boom;
        },
      },
    });
    const Workers = name<WorkerPoolMessage<ProtocolOf<typeof worker>>>("workers");
    const pool = workerPool.define({
      name: Workers,
      size: 2,
      worker: child("worker", worker),
      intensity: 100,
    });
    void startSupervisor(node, pool);
    await advance(0);
    const ends: string[] = [];
    const borrowers: Pid<never>[] = [];
    for (let n = 0; n < 9; n++) {
      const { pid, result } = within(node, (self) =>
        workerPool.use(
          self,
          Workers,
          (lent) => (n % 3 === 0 ? self.call(lent, ["crash"]) : self.call(lent, ["work", n])),
          { timeoutMs: n % 2 === 0 ? 5 : Infinity },
        ),
      );
      borrowers.push(pid);
      result.then(
        () => ends.push("done"),
        () => ends.push("failed"),
      );
    }
    await advance(3);
    for (const [n, pid] of borrowers.entries()) if (n % 4 === 1) node.exit(pid, "kill");
    await advance(1_000);
    const status = workerPool.status(node, Workers);
    await advance(0);
    expect(await status).toEqual({ idle: 2, lent: 0, waiting: 0 });
    expect(ends).toHaveLength(9);
    expect(node.counts.timers).toBe(0);
  });

  test("a circuit is not stuck, whoever ends while it tries", async () => {
    const { node, advance } = createWorld(seed);
    const Mail = name<CircuitBreakerMessage>("mail");
    const settings = { openAfter: { failures: 1, withinMs: 10 }, resetMs: 100, probes: 2 };
    void node.startOpt({ name: Mail }, circuitBreaker.define(settings));
    await advance(0);
    const failing = circuitBreaker.run(node, Mail, () => Promise.reject(boom));
    failing.catch(() => undefined);
    await advance(100);
    const probers = [1, 2, 3].map(
      () =>
        within(node, (self) => circuitBreaker.run(self, Mail, () => self.receive(() => false))).pid,
    );
    await advance(1);
    for (const pid of probers) node.exit(pid, "kill");
    await advance(1);
    const runs = [1, 2].map(() => circuitBreaker.run(node, Mail, () => "sent"));
    await advance(0);
    expect(await Promise.all(runs)).toEqual(["sent", "sent"]);
    const position = circuitBreaker.position(node, Mail);
    await advance(0);
    expect(await position).toBe("closed");
  });
});
