/** Supervisors under schedules that keep the order of pairs and no more: what may come in any order does. */
import { describe, expect, test } from "@jest/globals";
import type { Pid } from "@coppice/core";
import { createFifoScheduler, createVirtualClock, type FifoScheduler } from "@coppice/testkit";
import {
  childTemplate,
  defineDynamicSupervisor,
  defineSupervisor,
  restartChild,
  startChild,
  startSupervisor,
  terminateChild,
  whichChildren,
  type Strategy,
} from "@coppice/supervisor";
import { createWorld, type Order, type World } from "./world.js";

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

function createScheduledWorld(seed: number): World & { readonly scheduler: FifoScheduler } {
  const clock = createVirtualClock();
  const scheduler = createFifoScheduler({ clock, seed });
  return { ...createWorld({ clock, scheduler }), scheduler };
}

/** Lets happen what follows, and returns what came of it. */
async function settle<T>(
  { scheduler }: { scheduler: FifoScheduler },
  promise: Promise<T>,
): Promise<T> {
  promise.catch(() => undefined);
  await scheduler.runAll();
  return promise;
}

/** How many of each worker run. */
function running(journal: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of journal) {
    const id = entry[1] as string;
    counts[id] = (counts[id] ?? 0) + (entry.startsWith("+") ? 1 : -1);
  }
  return counts;
}

describe("under any schedule", () => {
  test("children of a dynamic supervisor that are killed all at once run all again, and all stop", async () => {
    for (const seed of SEEDS) {
      const world = createScheduledWorld(seed);
      const child = childTemplate("session", world.work);
      const tree = defineDynamicSupervisor({ intensity: 50, child });
      const supervisor = await settle(world, startSupervisor(world.node, tree));
      for (const id of "abcde")
        await settle(world, startChild(world.node, supervisor, [id, "ends"]));
      for (const { pid } of await settle(world, whichChildren(world.node, supervisor))) {
        world.node.exit(pid as Pid<Order>, "kill");
      }
      await world.scheduler.runAll();
      expect({ seed, ...running(world.journal) }).toEqual({ seed, a: 1, b: 1, c: 1, d: 1, e: 1 });
      world.node.exit(supervisor, "shutdown");
      await world.scheduler.runAll();
      expect(running(world.journal)).toEqual({ a: 0, b: 0, c: 0, d: 0, e: 0 });
      expect(world.node.counts).toMatchObject({ processes: 0, timers: 0 });
    }
  });

  test.each<Strategy>(["one_for_one", "rest_for_one", "one_for_all"])(
    "no delayed restart under %s is lost, or done twice, whatever is done by hand meanwhile",
    async (strategy) => {
      for (const seed of SEEDS) {
        const world = createScheduledWorld(seed);
        const { node, clock, scheduler } = world;
        const children = [..."abcd"].map((id, index) =>
          world.worker({ id, backoff: { initialMs: 10 + index, factor: 1, jitter: 0 } }),
        );
        const tree = defineSupervisor({ strategy, intensity: 50, children });
        const supervisor = await settle(world, startSupervisor(node, tree));
        const storm = async (): Promise<void> => {
          for (const [index, pid] of node.processes().entries()) {
            if (pid !== supervisor && (index + seed) % 3 === 0) node.exit(pid, "kill");
          }
          await scheduler.runAll();
        };
        await storm();
        await clock.advance(7);
        await scheduler.runAll();
        const id = "abcd"[seed % 4] as string;
        await settle(world, terminateChild(node, supervisor, id));
        await storm();
        await settle(world, restartChild(node, supervisor, id));
        await storm();
        for (let ms = 0; ms < 60; ms++) {
          await clock.advance(1);
          await scheduler.runAll();
        }
        expect({ seed, ...running(world.journal) }).toEqual({ seed, a: 1, b: 1, c: 1, d: 1 });
        expect(node.counts).toMatchObject({ processes: 5, timers: 0 });
      }
    },
  );
});
