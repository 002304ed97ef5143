import { describe, expect, test } from "@jest/globals";
import {
  isCrash,
  keyOf,
  name,
  type AnyPid,
  type ExitReason,
  type Self,
  type StartResult,
} from "@coppice/core";
import { child, InvalidStartResultError, startWith, type ChildSpec } from "@coppice/supervisor";
import { checkChildSpec } from "../src/child-spec-check.js";
import { launchProgram, startChildProcess } from "../src/child-start.js";
import { boom, createWorld, within, type World } from "./world.js";

async function idle(self: Self<never>): Promise<void> {
  await self.receive();
}

/** Has a process start a child for the `incarnation`-th time. */
function startIn(
  { node }: World,
  spec: ChildSpec,
  incarnation = 1,
): { readonly pid: AnyPid; readonly result: Promise<StartResult> } {
  const checked = checkChildSpec(spec, "child");
  return within(node, (self) => startChildProcess(self, checked, incarnation, launchProgram));
}

async function pidOf(result: Promise<StartResult>): Promise<AnyPid> {
  const started = await result;
  if (typeof started !== "object" || !("pid" in started)) throw new Error("it did not start");
  return started.pid;
}

describe("a child that is started", () => {
  test("is linked to its starter, and has its label and its name", async () => {
    const world = createWorld();
    const Idle = name<never>("idle");
    const { pid, result } = startIn(world, child({ id: "a", label: "one", name: Idle }, idle));
    expect(world.node.processInfo(await pidOf(result))).toMatchObject({
      links: [pid],
      ancestors: [pid, world.node.pid],
      label: "one",
      name: "idle",
    });
  });

  test.each([
    ["a", 1, "demo/1/a#1"],
    ["a", 2, "demo/1/a#2"],
    ["a/b%c", 1, "demo/1/a%2Fb%25c#1"],
  ])("with id %s has in incarnation %d the key %s", async (id, incarnation, key) => {
    const { result } = startIn(createWorld(), child(id, idle), incarnation);
    expect(keyOf((await pidOf(result)) as never)).toBe(key);
  });
});

describe("a start that fails", () => {
  type Check = (reason: ExitReason) => void;
  const raise = (what: unknown) => (): never => {
    throw what;
  };
  const isInvalid: Check = (reason) =>
    expect(isCrash(reason) && reason.error).toBeInstanceOf(InvalidStartResultError);
  const isThrown: Check = (reason) =>
    expect(isCrash(reason) && reason.error).toMatchObject({ value: "text" });

  test.each<[string, () => unknown, Check]>([
    ["throws", raise(boom), (reason) => expect(reason).toEqual({ error: boom })],
    ["rejects", () => Promise.reject(boom), (reason) => expect(reason).toEqual({ error: boom })],
    ["throws what is no error", raise("text"), isThrown],
    ["returns an error", () => ({ error: "no" }), (reason) => expect(reason).toBe("no")],
    ["returns nothing", () => undefined, isInvalid],
    ["returns a number", () => 7, isInvalid],
    ["resolves to what is no pid", () => Promise.resolve({ pid: "me" }), isInvalid],
  ])("because its function %s", async (_what, start, check) => {
    const { result } = startIn(createWorld(), child("a", startWith(start as never)));
    const failed = (await result) as { readonly error: ExitReason };
    expect(Object.keys(failed)).toEqual(["error"]);
    check(failed.error);
  });

  test("because its name is held", async () => {
    const world = createWorld();
    const Idle = name<never>("idle");
    const holder = world.node.spawnOpt({ name: Idle }, idle);
    const { result } = startIn(world, child({ id: "a", name: Idle }, idle));
    expect(await result).toEqual({ error: { alreadyStarted: holder } });
  });

  test("is none when what it throws is its starter's own end", async () => {
    const world = createWorld();
    const slow = startWith(async (starter) => {
      await (starter as Self<never>).sleep(1_000);
      return "ignore" as const;
    });
    const { pid, result } = startIn(world, child("a", slow));
    await world.clock.advance(1);
    world.node.exit(pid, "enough");
    await expect(result).rejects.toMatchObject({ code: "EXIT_SIGNAL", reason: "enough" });
  });
});

describe("a child's code", () => {
  test.each<[ChildSpec["shutdown"], number]>([
    [100, 5_000],
    [5_000, 5_001],
    [20_000, 20_001],
    ["brutal_kill", 5_000],
  ])("with shutdown %s may unwind for %d ms when something else ends it", async (shutdown, ms) => {
    const world = createWorld();
    const hangs = (): Promise<void> => new Promise(() => undefined);
    const { result } = startIn(world, child({ id: "a", shutdown }, hangs));
    const pid = await pidOf(result);
    await world.clock.advance(0);
    world.node.exit(pid, "any");
    await world.clock.advance(ms - 1);
    expect(world.node.processInfo(pid)?.status).toBe("exiting");
    await world.clock.advance(1);
    expect(world.node.processInfo(pid)).toBeUndefined();
  });
});
