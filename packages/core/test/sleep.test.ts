import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, type Operations } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, spawnPuppet } from "./world.js";

type Sleeper = <T>(act: (operations: Operations) => Promise<T>) => Promise<T>;

/** Sleeps in a process, and outside any. */
function createSleeper(where: string): ReturnType<typeof createWorld> & { sleeper: Sleeper } {
  const world = createWorld();
  const puppet = spawnPuppet(world.node);
  const sleeper: Sleeper = (act) =>
    where === "a process" ? puppet.do((self) => act(self)) : act(world.node);
  return { ...world, sleeper };
}

describe.each(["a process", "a node"])("sleep of %s", (where) => {
  test("takes as long as it was told", async () => {
    const { clock, sleeper } = createSleeper(where);
    let over = false;
    void sleeper((who) => who.sleep(100)).then(() => (over = true));
    await clock.advance(99, quiesce);
    expect(over).toBe(false);
    await clock.advance(1, quiesce);
    expect(over).toBe(true);
  });

  test("ends early, with its reason, when its signal aborts, and leaves no timer", async () => {
    const { clock, node, sleeper } = createSleeper(where);
    const abort = new AbortController();
    const slept = sleeper((who) => who.sleep(100, { signal: abort.signal }));
    slept.catch(() => undefined);
    await clock.advance(10, quiesce);
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(slept).rejects.toBe(reason);
    expect(node.counts.timers).toBe(0);
  });

  test("of 0 is no timer", async () => {
    const { node, sleeper } = createSleeper(where);
    const slept = sleeper((who) => who.sleep(0));
    expect(node.counts.timers).toBe(0);
    await expect(slept).resolves.toBeUndefined();
  });

  test("with a signal that does not abort takes as long as it was told", async () => {
    const { clock, sleeper } = createSleeper(where);
    let over = false;
    const { signal } = new AbortController();
    void sleeper((who) => who.sleep(100, { signal })).then(() => (over = true));
    await clock.advance(100, quiesce);
    expect(over).toBe(true);
  });

  test("rejects at once when its signal has aborted", async () => {
    const { sleeper } = createSleeper(where);
    await expect(
      sleeper((who) => who.sleep(100, { signal: AbortSignal.abort("over") })),
    ).rejects.toBe("over");
  });

  test.each<[string, unknown]>([
    ["no signal", { signal: 5 }],
    ["an unknown option", { timeoutMs: 5 }],
  ])("refuses %s", async (_what, options) => {
    const { sleeper } = createSleeper(where);
    await expect(sleeper(async (who) => who.sleep(100, options as never))).rejects.toThrow(
      InvalidArgumentError,
    );
  });
});
