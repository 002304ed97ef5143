import { describe, expect, test } from "@jest/globals";
import { CallTimeoutError, StartError, type AnyPid } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { countChildren, defineSupervisor, openSupervisor, startWith } from "@coppice/supervisor";
import { createWorld, within } from "./world.js";

describe("an opened supervisor", () => {
  test("is stopped at the end of the block that uses it, its children first", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a"), world.worker("b")] });
    {
      await using opened = await openSupervisor(world.node, tree);
      expect(await countChildren(world.node, opened.pid)).toMatchObject({ active: 2 });
    }
    expect(world.news()).toEqual(["+a", "+b", "-b shutdown", "-a shutdown"]);
    expect(world.node.counts.processes).toBe(0);
  });

  test("is stopped also when the block throws, and its error is the block's", async () => {
    const world = createWorld();
    const use = async (): Promise<void> => {
      await using opened = await openSupervisor(world.node, defineSupervisor({ children: [] }));
      throw new Error(String(world.node.isAlive(opened.pid)));
    };
    await expect(use()).rejects.toThrow("true");
    expect(world.node.counts.processes).toBe(0);
  });

  test("can be stopped before, and may have ended by itself", async () => {
    const world = createWorld();
    const definition = defineSupervisor({ children: [world.worker("a")] });
    const opened = await openSupervisor(world.node, definition);
    await opened.stop();
    await opened.stop();
    const other = await openSupervisor(world.node, definition);
    world.node.exit(other.pid, "kill");
    await other.stop();
    expect(world.node.counts.processes).toBe(0);
  });

  test("does not end the process that opened and stops it, but ends with it", async () => {
    const world = createWorld();
    const definition = defineSupervisor({ children: [world.worker("a")] });
    let inner: AnyPid | undefined;
    const { pid, result } = within(world.node, async (self) => {
      {
        await using opened = await openSupervisor(self, definition);
        inner = opened.pid;
      }
      const second = await openSupervisor(self, definition);
      return second.pid;
    });
    const second = await result;
    expect([world.node.isAlive(pid), world.node.isAlive(inner as AnyPid)]).toEqual([true, false]);
    world.node.exit(pid, "any");
    await quiesce();
    expect(world.node.isAlive(second)).toBe(false);
  });

  test("that does not stop in time is told to be so", async () => {
    const world = createWorld();
    const stubborn = world.worker({ id: "a", shutdown: "infinity" }, "ignores");
    const opened = await openSupervisor(world.node, defineSupervisor({ children: [stubborn] }));
    await quiesce();
    const stopped = opened.stop({ timeoutMs: 100 }).catch((error: unknown) => error);
    await quiesce();
    await world.clock.advance(100);
    expect(await stopped).toBeInstanceOf(CallTimeoutError);
  });

  test("that does not start throws", async () => {
    const { node } = createWorld();
    const failing = { id: "a", start: startWith(() => ({ error: "no" })) };
    const opening = openSupervisor(node, defineSupervisor({ children: [failing] }));
    await expect(opening).rejects.toThrow(StartError);
  });
});
