import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { at, createNode, name } from "@coppice/core";
import { Interned } from "../src/intern.js";
import { runtimeOf } from "../src/runtime-of.js";
import { createWorld } from "./world.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Weak references let go of what they point at when the host has turned, and not before. */
async function forget(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}

test("names at other nodes that were sent to take no room, however many there were", async () => {
  // No events of it are kept.
  const node = createNode({ logger: false });
  const heap = async (round: number): Promise<number> => {
    for (let i = 0; i < 20_000; i++) node.send(at(`n${round}`, name<string>(`p${i}`)), "hello");
    await forget();
    return memoryUsage().heapUsed;
  };
  await heap(1);
  const growth = -(await heap(2)) + (await heap(3));
  // Each would take 200 bytes.
  expect(growth).toBeLessThan(1_000_000);
  const runtime = runtimeOf(node);
  expect(runtime.elsewhere("n3", "p1")).toBe(runtime.elsewhere("n3", "p1"));
});

describe("pids and references of other nodes", () => {
  test("are one object each, as long as somebody holds them, however many came meanwhile", async () => {
    const interned = new Interned(runtimeOf(createWorld().node));
    const kept = interned.pid("a", 1, 1);
    const keptRef = interned.ref(kept, 7);
    for (let life = 2; life < 10; life++) {
      for (let serial = 1; serial <= 500; serial++) interned.pid("a", life, serial);
      // The first of a life that is new may be the one with which it is time to sweep.
      const others = Array.from({ length: 300 }, (_, other) =>
        interned.pid("other", life * 300 + other, 1),
      );
      for (const pid of others) expect(interned.pid("other", pid.incarnation, 1)).toBe(pid);
      await forget();
    }
    expect([interned.pid("a", 1, 1) === kept, interned.ref(kept, 7) === keptRef]).toEqual([
      true,
      true,
    ]);
  });

  test("that nobody holds any more take no room, of however many lives of nodes they were", async () => {
    const interned = new Interned(runtimeOf(createWorld().node));
    for (let life = 1; life <= 15; life++) {
      for (let serial = 1; serial <= 1_000; serial++) {
        interned.ref(interned.pid("a", life, serial), serial);
      }
      await forget();
    }
    // All in all there were 30 000.
    expect(interned.size).toBeLessThan(8_000);
  });
});
