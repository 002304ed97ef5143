import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createNode, name, type Call, type Name, type Node } from "@coppice/core";
import {
  recordNode,
  replayCrash,
  replayRecording,
  type RecordedNode,
  type Recording,
} from "@coppice/testkit";
import { decode, encode } from "../src/recording.js";

interface Order {
  readonly type: "order";
  readonly id: number;
  readonly amount: number;
  readonly expiresMs: number;
}

interface App {
  readonly Orders: Name<Order>;
  readonly Till: Name<Call<{ readonly id: number }, number>>;
  start(node: Node): void;
}

const here = fileURLToPath(new URL(".", import.meta.url));
let app: App;
beforeAll(async () => {
  const path: string = "./crash-app.mjs";
  app = (await import(path)) as App;
});

let folder: string;
beforeEach(() => {
  // Within the repository, so that what is written there finds the packages.
  const parent = join(here, "..", ".tsbuild");
  mkdirSync(parent, { recursive: true });
  folder = mkdtempSync(join(parent, "crash-"));
});
afterEach(() => {
  jest.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** Turns of the event loop pass, and no time. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setImmediate(resolve));
}

/** A shop in which orders 1 to `count` were paid in time, unless nobody `pays`, and one more was not. */
async function crashShop(
  count: number,
  { pays = true, ...options }: { limit?: number; pays?: boolean } = {},
): Promise<RecordedNode> {
  // A node that remembers goes by the host's time, whatever that is.
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
  const recorded = recordNode(app.start, { name: "shop", logger: false, ...options });
  await recorded.started;
  const { node, crashes } = recorded;
  const order = async (id: number, expiresMs: number): Promise<void> => {
    const { timers } = node.counts;
    node.send(app.Orders, { type: "order", id, amount: id * 10, expiresMs });
    await until(() => node.counts.timers > timers);
  };
  for (let id = 1; id <= count; id++) {
    await order(id, 60_000);
    if (pays) expect(await node.call(app.Till, { id })).toBe(id * 10);
  }
  const { timers } = node.counts;
  await order(99, 50);
  jest.advanceTimersByTime(50);
  await until(() => node.counts.timers === timers);
  await node.call(app.Till, { id: 99 }).catch(() => undefined);
  await until(() => crashes.length > 0);
  await node.stop();
  jest.useRealTimers();
  return recorded;
}

describe("a node that remembers", () => {
  test("replays its crash: the same happens in the same order, by the same error", async () => {
    const recorded = await crashShop(3);
    const recording = recorded.recording();
    expect(recording).toMatchObject({
      node: "shop",
      forgotten: 0,
      crash: { process: "shop/till", error: "RangeError: order 99 is not open" },
    });
    const { crash, crashes, run, followed } = await replayRecording(app.start, recording);
    expect(crashes).toEqual([crash]);
    expect(String(crash?.reason.error)).toBe("RangeError: order 99 is not open");
    // All but the starts, which are part of the set-up.
    const starts = recording.log.filter((entry) => String(entry).startsWith("start:"));
    expect(starts.length).toBe(2);
    expect(followed).toBe(recording.log.length - starts.length);
    const happened = recording.log.filter((e) => typeof e === "string" && !e.startsWith("start:"));
    const replayed = run.steps
      .filter(({ transition }) => transition.kind !== "fault")
      .map(({ transition }) => transition.key);
    expect(replayed.slice(0, happened.length)).toEqual(happened);
  });

  test("fails a test as long as the crash comes back, and no longer", async () => {
    const recording = (await crashShop(1)).recording();
    await expect(replayCrash(app.start, recording)).rejects.toThrow("order 99 is not open");
    const mended = (node: Node): void => {
      node.spawnOpt<never>({ key: "till", name: app.Till as never }, async (self) => {
        for (;;) await self.receive();
      });
    };
    await replayCrash(mended, recording);
  });

  test("writes the test, for the runner that is asked for", async () => {
    const recorded = await crashShop(1);
    const file = join(folder, "crash.test.mjs");
    recorded.writeTest(file, { from: "../../test/crash-app.mjs" });
    const written = readFileSync(file, "utf8");
    expect(written.slice(0, written.indexOf("function recording"))).toBe(
      `/**
 * shop/till crashed: RangeError: order 99 is not open
 * This replays it, and fails as long as the crash comes back.
 */
import { test } from "node:test";
import { replayCrash } from "@coppice/testkit";
import { start } from "../../test/crash-app.mjs";

test("shop/till does not crash with RangeError: order 99 is not open", () => replayCrash(start, recording()));

`,
    );
    const run = spawn(process.execPath, ["--test", "--test-reporter=tap", file]);
    const output = await text(run.stdout);
    expect(output).toContain("# fail 1\n");
    expect(output).toContain("order 99 is not open");

    const deep = join(folder, "not", "there", "yet.test.mjs");
    recorded.writeTest(deep, { from: "./shop.js" });
    expect(readFileSync(deep, "utf8")).toContain('from "./shop.js"');
    expect(() => recorded.writeTest(deep, { from: "./shop.js", runner: "mocha" as never })).toThrow(
      'writeTest: options.runner must be "node:test", "jest" or "vitest", but is "mocha"',
    );

    recorded.writeTest(file, { from: "../src/shop.js", start: "open", runner: "jest" });
    expect(readFileSync(file, "utf8")).toContain(
      'import { test } from "@jest/globals";\nimport { replayCrash } from "@coppice/testkit";\nimport { open } from "../src/shop.js";\n',
    );
  });

  test("forgets the beginning when there is too much, and replays what came from outside at last", async () => {
    // Who pays for an order that was forgotten would bring the till down before.
    const recorded = await crashShop(60, { limit: 60, pays: false });
    const recording = recorded.recording();
    expect(recording.forgotten).toBeGreaterThan(0);
    expect(recording.log.length).toBeLessThan(120);
    const sent = recording.log.filter((entry) => typeof entry === "object" && entry.op === "send");
    expect(sent.at(-1)).toMatchObject({ args: [expect.anything(), { id: 99 }] });
    await expect(replayCrash(app.start, recording)).rejects.toThrow("order 99 is not open");
    recorded.writeTest(join(folder, "crash.test.mjs"), { from: "./shop.js" });
    expect(readFileSync(join(folder, "crash.test.mjs"), "utf8")).toContain(
      "The beginning was forgotten",
    );
  });

  test("remembers what comes from outside, and not what its own processes or its set-up do", async () => {
    const recorded = recordNode(
      async (node) => {
        const echo = node.spawnOpt<string>({ key: "echo" }, async (self) => {
          for (;;) if ((await self.receive()) === "twice") node.send(echo, "again");
        });
        await node.sleep(1);
        node.send(echo, "set-up");
      },
      { name: "n", logger: false },
    );
    await recorded.started;
    const { node } = recorded;
    const [echo] = node.processes() as [never];
    node.send(echo, "twice");
    node.send(echo, (() => 1) as never);
    node.exit(echo, { error: new Error("x") } as never);
    node.exit(echo, "enough");
    await node.whenExited(echo);
    const broken = node.spawn(() => {
      throw new Error("end");
    });
    await node.whenExited(broken);
    const inputs = recorded.recording().log.filter((entry) => typeof entry === "object");
    expect(inputs).toEqual([
      { op: "send", args: [{ $pid: "n/echo" }, "twice"] },
      { op: "send" },
      { op: "exit" },
      { op: "exit", args: [{ $pid: "n/echo" }, "enough"] },
    ]);
    await node.stop();
  });

  test("has no recording of a crash that did not happen, and takes no options it does not know", async () => {
    const recorded = recordNode(() => undefined, { logger: false });
    expect(() => recorded.recording()).toThrow("recording: crash must be a crash of this node");
    expect(() => recordNode(() => undefined, { limit: 0 })).toThrow(
      "recordNode: options.limit must be a whole number of at least 1, but is 0",
    );
    expect(() => recordNode(() => undefined, { scheduler: {} } as never)).toThrow(
      'must be made of name, messages, mailbox, blockedMs, logger, limit, but is {"scheduler":{}}',
    );
    await recorded.node.stop();
  });
});

test("what JSON cannot say is written down all the same, where that can be", () => {
  const node = createNode({ name: "n", logger: false });
  const pid = node.spawnOpt<never>({ key: "p" }, async (self) => void (await self.receive()));
  const value = {
    pid,
    plain: [1, "two", true, null, { three: 3 }],
    odd: [undefined, NaN, -0, Infinity, 10n],
    made: [new Date(5), new Map([[1, pid]]), new Set(["a"]), name("orders")],
    tricky: { $pid: "no pid" },
  };
  const json: unknown = JSON.parse(JSON.stringify(encode(value)));
  expect(decode(json, node)).toEqual(value);
  expect(() => encode(() => 1)).toThrow("JSON cannot say function");
  expect(() => encode({ deep: [new Error("x")] })).toThrow("JSON cannot say such an object");
  const recording: Pick<Recording, "log"> = { log: [{ op: "send", args: [encode(pid)] }] };
  expect(recording.log).toEqual([{ op: "send", args: [{ $pid: "n/p" }] }]);
});
