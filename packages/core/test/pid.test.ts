import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  formatPid,
  isPid,
  keyOf,
  name,
  type AnyPid,
  type Body,
  type Pid,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { inspect } from "node:util";
import { createWorld, idle, spawnDead, spawnPuppet } from "./world.js";

describe("a pid", () => {
  test("prints as <node.serial> in strings, in JSON and on Node's console", () => {
    const { node } = createWorld();
    const pid = node.spawn(idle);
    expect(formatPid(pid)).toBe("<demo.1>");
    expect(`${String(pid)}`).toBe("<demo.1>");
    expect(JSON.stringify({ pid })).toBe('{"pid":"<demo.1>"}');
    expect(inspect([pid])).toBe("[ <demo.1> ]");
  });

  test("has a serial that counts from 1 in order of spawning; 0 is the node itself", () => {
    const { node } = createWorld();
    expect([node.pid, node.spawn(idle), node.spawn(idle)].map(({ serial }) => serial)).toEqual([
      0, 1, 2,
    ]);
  });

  test("is the same object wherever it is met, so that === compares processes", async () => {
    const { node } = createWorld();
    const seen: AnyPid[] = [];
    const Own = name<string>("own");
    const pid = node.spawnOpt<string>({ name: Own }, async (self) => {
      seen.push(self.pid, self.whereis(Own) as AnyPid);
      await self.receive();
    });
    await quiesce();
    seen.push(...node.processes(), node.processInfo(pid)?.pid as AnyPid);
    expect(seen.map((other) => other === pid)).toEqual([true, true, true, true]);
  });

  test("is never used again on its node", async () => {
    const { node } = createWorld();
    const serials = new Set<number>();
    for (let i = 0; i < 1000; i++) serials.add((await spawnDead(node)).serial);
    expect(serials.size).toBe(1000);
  });

  test("of an earlier life of a node is another process than the one with its number now", async () => {
    const lives = [0.25, 0.75].map((random) =>
      createNode({
        name: "demo",
        clock: createVirtualClock(),
        logger: false,
        random: { next: () => random },
      }),
    );
    const [before, now] = lives.map((node) => ({ node, pid: node.spawn<unknown>(idle) }));
    if (before === undefined || now === undefined) throw new Error("two lives are expected");
    expect(formatPid(before.pid)).toBe(formatPid(now.pid));
    expect(before.pid).not.toBe(now.pid);
    expect(before.pid.incarnation).not.toBe(now.pid.incarnation);
    await quiesce();
    now.node.send(before.pid, "for the dead");
    await quiesce();
    expect(lives.map((node) => node.processes().length)).toEqual([1, 1]);
    expect(now.node.isAlive(before.pid)).toBe(false);
  });

  test("of a dead process leads nowhere: what is sent to it is reported as undelivered", async () => {
    const { node, events } = createWorld();
    const pid = await spawnDead(node);
    node.send(pid, "hello");
    expect(events.filter(({ type }) => type === "undelivered")).toEqual([
      { type: "undelivered", to: pid, from: node.pid, message: "hello", why: "dead" },
    ]);
    expect(node.counts.undelivered).toBe(1);
  });

  test("is told from everything else by isPid", () => {
    const { node } = createWorld();
    expect(isPid(node.spawn(idle))).toBe(true);
    for (const other of [undefined, null, 1, "<demo.1>", {}, name("x"), node]) {
      expect(isPid(other)).toBe(false);
    }
    expect(isPid({ node: "demo", incarnation: 1, serial: 1 })).toBe(false);
  });

  test("of a process that understands more serves where less is sent, and not the other way round", async () => {
    const { node } = createWorld();
    const both: Pid<"a" | "b"> = node.spawn<"a" | "b">(async (self) => void (await self.receive()));
    const onlyA: Pid<"a"> = both;
    // @ts-expect-error: it may be sent "b", which it does not understand
    const wrong: Pid<"a" | "b"> = onlyA;
    // @ts-expect-error: "c" is no message of it
    const send = (): void => node.send(both, "c");
    expect([wrong, typeof send]).toEqual([both, "function"]);
  });
});

describe("the key of a process", () => {
  test("is the path of spawn positions from the node down", async () => {
    const { node } = createWorld();
    node.spawn(idle);
    const parent = spawnPuppet(node);
    const children = await parent.do((self) => [self.spawn(idle), self.spawn(idle)]);
    expect([parent.pid, ...children].map((pid) => keyOf(pid as never))).toEqual([
      "demo/2",
      "demo/2/1",
      "demo/2/2",
    ]);
  });

  test("has the key option of the spawn in place of the position", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node, { key: "sup" });
    const child = await parent.do((self) => self.spawnOpt({ key: "db#2" }, idle));
    expect(keyOf(child as never)).toBe("demo/sup/db#2");
  });

  test("does not depend on the order in which different parents spawn", async () => {
    const keysWhen = async (firstToSpawn: number): Promise<string[]> => {
      const { node } = createWorld();
      const parents = [spawnPuppet(node), spawnPuppet(node)];
      const order = firstToSpawn === 0 ? [0, 1] : [1, 0];
      const keys: string[] = [];
      for (const index of order) {
        const child = await parents[index]?.do((self) => self.spawn(idle));
        keys[index] = keyOf(child as never);
      }
      return keys;
    };
    expect(await keysWhen(0)).toEqual(await keysWhen(1));
  });

  test("stays short and unlike all others in a chain of a thousand processes", async () => {
    const { node } = createWorld();
    const chain: AnyPid[] = [];
    const link: Body<never, [left: number]> = async (self: Self<never>, left) => {
      chain.push(self.pid);
      if (left > 1) self.spawn(link, left - 1);
    };
    node.spawn(link, 1000);
    await quiesce();
    const keys = chain.map((pid) => keyOf(pid as never));
    expect(new Set(keys).size).toBe(1000);
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(300);
  });
});
