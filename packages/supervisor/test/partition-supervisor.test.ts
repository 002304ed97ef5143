import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { InvalidArgumentError, name, type Pid, type Self } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  countChildren,
  definePartitionSupervisor,
  defineServer,
  defineSupervisor,
  InvalidChildSpecError,
  partition,
  partitionOf,
  partitionsOf,
  startChild,
  startSupervisor,
  whichChildren,
  whichPartitions,
  type PartitionKey,
  type PartitionSupervisorMessage,
  type ProtocolOf,
  type SupervisorPid,
} from "@coppice/supervisor";
import { createWorld } from "./world.js";

const recorder = defineServer({
  init: (prefix: string) => prefix,
  call: { tell: (prefix, what: string) => ({ reply: `${prefix} ${what}` }) },
  cast: { fail: () => ({ stop: "failed" }) },
});

const numbered = definePartitionSupervisor({
  partitions: 4,
  child: child("recorder", recorder, "partition"),
  withKey: ([prefix], index) => [`${String(prefix)} ${index}`],
  intensity: 100,
});

describe("the partition of a key", () => {
  test.each<[PartitionKey, number]>([
    [0, 0],
    [7, 3],
    [-7, 3],
    [7n, 3],
    [-9n, 1],
  ])("that is the whole number %s is its remainder: %d of 4", (key, expected) => {
    expect(partitionOf(key, 4)).toBe(expected);
  });

  test("is the same in every run", () => {
    const keys = ["oak", "ash", "", 1.5, true, null, undefined, ["a", 1], { x: [1, "2"] }];
    expect(keys.map((key) => partitionOf(key as PartitionKey, 1_000))).toMatchInlineSnapshot(`
     [
       880,
       929,
       995,
       709,
       722,
       871,
       560,
       593,
       650,
     ]
    `);
  });

  test("is one of the partitions, whatever the key, and its fields may come in any order", () => {
    const key = fc.jsonValue() as fc.Arbitrary<PartitionKey>;
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 1_000 }), (any, partitions) => {
        const at = partitionOf(any, partitions);
        expect(Number.isInteger(at) && at >= 0 && at < partitions).toBe(true);
      }),
    );
    const dictionary = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 2 });
    fc.assert(
      fc.property(dictionary, (fields) => {
        const reversed = Object.fromEntries(Object.entries(fields).reverse());
        expect(partitionOf(reversed as never, 64)).toBe(partitionOf(fields as never, 64));
      }),
    );
  });

  test("spreads strings evenly", () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let at = 0; at < 8_000; at++) counts[partitionOf(`user-${at}`, 8)]!++;
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  test("tells keys apart that look alike", () => {
    const keys: PartitionKey[] = [
      "1",
      1.5,
      "1.5",
      [1, 2],
      [12],
      ["1", "2"],
      ["12"],
      { a: 1 },
      ["a", 1],
    ];
    const places = keys.map((key) => partitionOf(key, 1_000_003));
    expect(new Set(places).size).toBe(keys.length);
  });

  test("of what is no plain data is refused, as is a number of partitions below 1", () => {
    for (const bad of [() => 1, Symbol("x"), new Date(), [new Map()], { f: () => 1 }]) {
      expect(() => partitionOf(bad as never, 4)).toThrow(InvalidArgumentError);
    }
    expect(() => partitionOf("a", 0)).toThrow(InvalidArgumentError);
  });

  test("of a pid is that of the process it means", async () => {
    const { node } = createWorld();
    const pid = node.spawn(() => undefined);
    expect(partitionOf(pid, 64)).toBe(partitionOf([pid, 1][0] as never, 64));
    await quiesce();
  });
});

describe("a partition supervisor", () => {
  test("starts so many children, each with what withKey makes of the arguments", async () => {
    const { node } = createWorld();
    const supervisor = await startSupervisor(node, numbered);
    const replies = await Promise.all(
      (await whichPartitions(node, supervisor)).map((one) => node.call(one.name, ["tell", "hi"])),
    );
    expect(replies).toEqual([0, 1, 2, 3].map((index) => `partition ${index} hi`));
    expect(await countChildren(node, supervisor)).toMatchObject({ specs: 4, active: 4 });
  });

  test("routes by key: to the process, and by a name that stays good over restarts", async () => {
    const { node } = createWorld();
    const supervisor = await startSupervisor(node, numbered);
    const partitions = await partitionsOf(node, supervisor);
    expect(partitions.count).toBe(4);
    const six = partitions.serving(6);
    const before = await partition(node, supervisor, 6);
    expect(node.whereis(six)).toBe(before);
    expect(await node.call(six, ["tell", "hi"])).toBe("partition 2 hi");
    node.cast(six, ["fail"]);
    await quiesce();
    const after = await partition(node, supervisor, 6);
    expect(after).not.toBe(before);
    expect(await node.call(six, ["tell", "again"])).toBe("partition 2 again");
  });

  test("that is named is asked by its name, and names its partitions by it", async () => {
    const { node } = createWorld();
    const Counters = name<PartitionSupervisorMessage<ProtocolOf<typeof recorder>>>("counters");
    await startSupervisor(node, numbered, { name: Counters });
    const partitions = await partitionsOf(node, Counters);
    expect(partitions.serving(1).name).toBe("counters/1");
    expect(await partition(node, Counters, 1)).toBe(node.whereis(partitions.serving(1)));
  });

  test("may stand in a tree, and two of them do not get in each other's way", async () => {
    const { node } = createWorld();
    const tree = defineSupervisor({ children: [child("a", numbered), child("b", numbered)] });
    const supervisor = await startSupervisor(node, tree);
    const counts = await Promise.all(
      (await whichChildren(node, supervisor)).map(({ pid }) =>
        countChildren(node, pid as SupervisorPid),
      ),
    );
    expect(counts.map(({ active }) => active)).toEqual([4, 4]);
  });

  test("tells that a partition does not run", async () => {
    const world = createWorld();
    const backoff = { initialMs: 100, jitter: 0 };
    const idle = async (self: Self<unknown>): Promise<void> => void (await self.receive());
    const definition = definePartitionSupervisor({
      partitions: 2,
      child: child({ id: "idle", backoff }, idle),
    });
    const supervisor = await startSupervisor(world.node, definition);
    const pid = await partition(world.node, supervisor, 1);
    world.node.exit(pid as Pid<unknown>, "kill");
    await quiesce();
    expect(await partition(world.node, supervisor, 1)).toBeUndefined();
    expect(await partition(world.node, supervisor, 0)).toBeDefined();
    await world.clock.advance(100);
    expect(await partition(world.node, supervisor, 1)).toBeDefined();
  });

  test("takes no more children", async () => {
    const { node } = createWorld();
    const supervisor = (await startSupervisor(node, numbered)) as unknown as SupervisorPid;
    const more = startChild(
      node,
      supervisor,
      child("more", async () => undefined),
    );
    await expect(more).rejects.toMatchObject({ code: "UNKNOWN_REQUEST" });
  });

  test.each<[string, object, string]>([
    ["partitions", { partitions: 0 }, "invalid_partitions"],
    ["partitions", { partitions: 1.5 }, "invalid_partitions"],
    ["withKey", { withKey: 7 }, "invalid_with_key"],
    ["autoShutdown", { autoShutdown: "never" }, "unknown_field"],
    ["child.name", { child: { id: "a", start: recorder, name: name("a") } }, "invalid_name"],
    ["child", { child: null }, "invalid_child_spec"],
  ])("refuses a wrong %s: %j", (path, wrong, rule) => {
    const spec = { partitions: 2, child: child("recorder", recorder, "x"), ...wrong };
    let refusal: unknown;
    try {
      definePartitionSupervisor(spec as never);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(InvalidChildSpecError);
    expect(refusal).toMatchObject({ path, rule });
  });

  test("whose withKey returns no arguments does not start", async () => {
    const { node } = createWorld();
    const definition = definePartitionSupervisor({
      partitions: 2,
      child: child("recorder", recorder, "x"),
      withKey: () => "x" as never,
    });
    await expect(startSupervisor(node, definition)).rejects.toMatchObject({
      reason: { error: { path: "withKey" } },
    });
  });
});
