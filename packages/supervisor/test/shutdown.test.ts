import { describe, expect, test } from "@jest/globals";
import type { AnyPid, ExitReason, Pid, Self } from "@coppice/core";
import { type Shutdown } from "@coppice/supervisor";
import { shutDown } from "../src/shutdown.js";
import { quiesce } from "@coppice/testkit";
import { createWorld, isSettled, within, type World } from "./world.js";

const nothing = { accepts: () => false, handle: () => undefined };

type ChildBody = (self: Self<unknown>) => PromiseLike<void> | void;

/** Has a process that traps exits start a child and shut it down. */
function shuttingDown(
  { node }: World,
  shutdown: Shutdown,
  body: ChildBody,
  before: (self: Self<unknown>, child: Pid<unknown>) => PromiseLike<void> | void = () => undefined,
): {
  readonly reason: Promise<ExitReason>;
  readonly supervisor: AnyPid;
} {
  const { pid, result } = within(node, async (self: Self<unknown>) => {
    self.trapExits();
    const child = self.spawnOpt({ link: true, unwindMs: 60_000 }, body);
    await self.sleep(0);
    await before(self, child);
    return shutDown(self, child, shutdown, nothing);
  });
  return { reason: result, supervisor: pid };
}

const ends: ChildBody = async (self) => void (await self.receive());
const ignores: ChildBody = async (self) => {
  self.trapExits();
  for (;;) await self.receive();
};
const endsAfter =
  (ms: number): ChildBody =>
  async (self) => {
    self.trapExits();
    await self.receive();
    await self.sleep(ms);
    self.exit("shutdown");
  };
const hangs: ChildBody = () => new Promise(() => undefined);

describe("shutdown", () => {
  test.each<[Shutdown, string, ChildBody, number, ExitReason]>([
    [100, "ends when asked", ends, 0, "shutdown"],
    ["infinity", "ends when asked", ends, 0, "shutdown"],
    ["brutal_kill", "would end when asked", ends, 0, "killed"],
    [100, "takes its time", endsAfter(99), 99, "shutdown"],
    [100, "takes too long", endsAfter(101), 100, "killed"],
    ["infinity", "takes long", endsAfter(60_000), 60_000, "shutdown"],
    [100, "ignores exit signals", ignores, 100, "killed"],
    [0, "ignores exit signals", ignores, 0, "killed"],
    ["brutal_kill", "ignores exit signals", ignores, 0, "killed"],
    [100, "hangs on an await that never ends", hangs, 100, "killed"],
    ["brutal_kill", "hangs on an await that never ends", hangs, 0, "killed"],
  ])("with %s a child that %s", async (shutdown, _what, body, ms, reason) => {
    const world = createWorld();
    const { reason: ended } = shuttingDown(world, shutdown, body);
    await world.clock.advance(0);
    if (ms > 0) {
      await world.clock.advance(ms - 1);
      expect(await isSettled(ended)).toBe(false);
      await world.clock.advance(1);
    }
    expect(await isSettled(ended)).toBe(true);
    expect(await ended).toEqual(reason);
  });

  test("with infinity a child that ignores exit signals is waited for", async () => {
    const world = createWorld();
    const { reason } = shuttingDown(world, "infinity", ignores);
    await world.clock.advance(1_000_000);
    expect(await isSettled(reason)).toBe(false);
  });

  test("a child that was dead before tells by its exit signal why", async () => {
    const world = createWorld();
    const { reason } = shuttingDown(
      world,
      100,
      () => undefined,
      (self) => self.sleep(10),
    );
    await world.clock.advance(20);
    expect(await reason).toBe("normal");
  });

  test("a child that unlinked itself is waited for all the same", async () => {
    const world = createWorld();
    const { reason } = shuttingDown(
      world,
      100,
      async (self) => {
        for (const parent of self.processInfo(self.pid)?.links ?? []) self.unlink(parent);
        await self.receive();
      },
      (self) => self.sleep(10),
    );
    await world.clock.advance(20);
    expect(await reason).toBe("shutdown");
  });

  test("afterwards nothing of the child is left in the mailbox", async () => {
    const world = createWorld();
    const { reason, supervisor } = shuttingDown(world, 100, ends);
    await world.clock.advance(0);
    await reason;
    expect(world.node.mailboxOf(supervisor)).toEqual([]);
    expect(world.node.processInfo(supervisor)?.monitors).toEqual([]);
    expect(world.node.processInfo(supervisor)?.links).toEqual([]);
    expect(world.node.counts.timers).toBe(0);
  });

  test("what the supervisor answers meanwhile does not lengthen the wait", async () => {
    const world = createWorld();
    const answered: unknown[] = [];
    const isNote = (message: unknown): boolean => typeof message === "string";
    const { pid, result } = within(world.node, async (self: Self<unknown>) => {
      self.trapExits();
      const child = self.spawnLink(ignores);
      await self.sleep(0);
      const meanwhile = { accepts: isNote, handle: (note: unknown) => void answered.push(note) };
      return shutDown(self, child, 100, meanwhile);
    });
    const notify = (note: unknown): void => world.node.send(pid as Pid<unknown>, note);
    await world.clock.advance(60);
    notify("a");
    notify({ no: "note" });
    await world.clock.advance(39);
    notify("b");
    await quiesce();
    expect(answered).toEqual(["a", "b"]);
    expect(await isSettled(result)).toBe(false);
    await world.clock.advance(1);
    expect(await result).toBe("killed");
    expect(world.node.mailboxOf(pid)).toEqual([{ no: "note" }]);
  });
});
