import { afterEach, describe, expect, test } from "@jest/globals";
import {
  createNode,
  hostClock,
  hostRandom,
  hostScheduler,
  logToConsole,
  UnsupportedHostError,
  type Node,
  type Pid,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { readdirSync, readFileSync } from "node:fs";
import { idle } from "./world.js";

const globals = globalThis as unknown as Record<string, unknown>;
const originals = new Map<string, PropertyDescriptor | undefined>();

/** Replaces a global, or takes it away, until the end of the test. */
function stub(name: string, value: unknown): void {
  if (!originals.has(name)) {
    originals.set(name, Object.getOwnPropertyDescriptor(globals, name));
  }
  Object.defineProperty(globals, name, { value, configurable: true, writable: true });
}

afterEach(() => {
  for (const [name, descriptor] of originals) {
    if (descriptor === undefined) delete globals[name];
    else Object.defineProperty(globals, name, descriptor);
  }
  originals.clear();
});

/** A timer as Node has it. */
class FakeTimer {
  readonly wake: () => void;
  readonly delayMs: number;
  held = true;
  cleared = false;

  constructor(wake: () => void, delayMs: number) {
    this.wake = wake;
    this.delayMs = delayMs;
  }

  ref(): void {
    this.held = true;
  }

  unref(): void {
    this.held = false;
  }
}

/** A platform whose time stands still, and whose timers fire when the test says so. */
class FakePlatform {
  nowMs = 0;
  readonly timers: FakeTimer[] = [];

  constructor() {
    stub("performance", { now: () => this.nowMs });
    stub("setTimeout", (wake: () => void, delayMs: number) => {
      const timer = new FakeTimer(wake, delayMs);
      this.timers.push(timer);
      return timer;
    });
    stub("clearTimeout", (timer: FakeTimer) => void (timer.cleared = true));
  }

  /** Those that are set and have not fired. */
  pending(): FakeTimer[] {
    return this.timers.filter(({ cleared }) => !cleared);
  }

  /** Lets the only pending timer fire, `earlyMs` before it should. */
  fire(earlyMs = 0): void {
    const [timer, ...others] = this.pending() as [FakeTimer];
    expect(others).toEqual([]);
    this.nowMs += timer.delayMs - earlyMs;
    timer.cleared = true;
    timer.wake();
  }
}

describe("the host's clock", () => {
  test.each([
    [0, 0],
    [0.2, 1],
    [1, 1],
    [1.0001, 2],
    [999.5, 1_000],
    [-5, 0],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [2 ** 31, 2 ** 31 - 1],
    [1e12, 2 ** 31 - 1],
  ])("asks for %d ms as %d: never too early, and never more than 32 bits hold", (asked, given) => {
    const platform = new FakePlatform();
    hostClock().set(() => undefined, asked);
    expect(platform.timers.map(({ delayMs }) => delayMs)).toEqual([given]);
  });

  test("shows the platform's monotonic time, or its date where there is no other", () => {
    const platform = new FakePlatform();
    const clock = hostClock();
    platform.nowMs = 12.5;
    expect(clock.now()).toBe(12.5);
    stub("performance", undefined);
    const before = Date.now();
    const shown = hostClock().now();
    expect(shown).toBeGreaterThanOrEqual(before);
    expect(shown).toBeLessThanOrEqual(Date.now());
  });

  test("tells for how long the program has computed, where the platform does", () => {
    const { process } = globalThis;
    stub("process", { cpuUsage: () => ({ user: 1_500, system: 700 }) });
    const told = hostClock();
    stub("process", { env: {} });
    const untold = hostClock();
    stub("process", undefined);
    const none = hostClock();
    stub("process", process);
    expect([told.cpuMs?.(), untold.cpuMs, none.cpuMs]).toEqual([2.2, undefined, undefined]);
  });

  test("takes back what it set, and lets the program end although it is pending", () => {
    const platform = new FakePlatform();
    const clock = hostClock();
    const handle = clock.set(() => undefined, 10);
    const [timer] = platform.timers as [FakeTimer];
    clock.hold?.(handle, false);
    expect(timer.held).toBe(false);
    clock.hold?.(handle, true);
    expect(timer.held).toBe(true);
    clock.clear(handle);
    expect(timer.cleared).toBe(true);
  });

  test("serves where timers are numbers, as in browsers", () => {
    const cleared: unknown[] = [];
    stub("setTimeout", () => 7);
    stub("clearTimeout", (handle: unknown) => void cleared.push(handle));
    const clock = hostClock();
    const handle = clock.set(() => undefined, 10);
    clock.hold?.(handle, false);
    clock.hold?.(handle, true);
    clock.clear(handle);
    expect(cleared).toEqual([7]);
  });

  test("cannot be had where there is no setTimeout, and says so", () => {
    stub("setTimeout", undefined);
    expect(() => hostClock()).toThrow(UnsupportedHostError);
    expect(() => hostClock()).toThrow(
      "this JavaScript host has no setTimeout; pass your own to createNode",
    );
    expect(() => createNode()).toThrow(expect.objectContaining({ code: "UNSUPPORTED_HOST" }));
  });
});

describe("a node on the host's clock", () => {
  function createOnHost(): { node: Node; platform: FakePlatform } {
    const platform = new FakePlatform();
    const node = createNode({ name: "demo", logger: false, blockedMs: Infinity });
    return { node, platform };
  }

  const DAY_MS = 24 * 60 * 60 * 1_000;

  test("keeps a timer of 60 days, which no host can set in one piece", async () => {
    const { node, platform } = createOnHost();
    const pid = node.spawn<unknown>((self) => self.sleep(100 * DAY_MS));
    await quiesce();
    node.sendAfter(pid, 60 * DAY_MS, "at last");
    while (platform.nowMs < 60 * DAY_MS) {
      expect(node.mailboxOf(pid)).toEqual([]);
      platform.fire();
    }
    expect(platform.nowMs).toBe(60 * DAY_MS);
    expect(node.mailboxOf(pid)).toEqual(["at last"]);
    await node.stop();
  });

  test("delivers nothing before its time, although the host fires early", async () => {
    const { node, platform } = createOnHost();
    const pid = node.spawn<unknown>((self) => self.sleep(100 * DAY_MS));
    await quiesce();
    node.sendAfter(pid, 10, "on time");
    platform.fire(0.5);
    expect(platform.nowMs).toBe(9.5);
    expect(node.mailboxOf(pid)).toEqual([]);
    platform.fire(0);
    expect(platform.nowMs).toBeGreaterThanOrEqual(10);
    expect(node.mailboxOf(pid)).toEqual(["on time"]);
    await node.stop();
  });

  test("sets one timer of the host for all of its own, for the first that is due", async () => {
    const { node, platform } = createOnHost();
    const pid = node.spawn<unknown>(idle);
    for (const ms of [30, 10, 20, 40]) node.sendAfter(pid, ms, ms);
    expect(platform.pending().map(({ delayMs }) => delayMs)).toEqual([10]);
    await node.stop();
  });

  test("keeps the program alive as long as a timer is pending, and no longer", async () => {
    const { node, platform } = createOnHost();
    const pid = node.spawn<unknown>(idle);
    const timer = node.sendAfter(pid, 10, "x");
    expect(platform.pending().some(({ held }) => held)).toBe(true);
    node.cancelTimer(timer);
    await quiesce();
    expect(platform.pending().some(({ held }) => held)).toBe(false);
    node.sendAfter(pid, 50, "y");
    expect(platform.pending().some(({ held }) => held)).toBe(true);
    await node.stop();
    expect(platform.pending().some(({ held }) => held)).toBe(false);
  });

  test("looks every 25 ms for who holds the event loop, and keeps no program alive by that", async () => {
    const platform = new FakePlatform();
    const node = createNode({ logger: false });
    expect(platform.timers.map(({ delayMs, held }) => [delayMs, held])).toEqual([[25, false]]);
    await node.stop();
    expect(platform.pending()).toEqual([]);
  });
});

describe("the host's scheduler", () => {
  test("runs what is soon before the event loop turns, and the rest after", async () => {
    const scheduler = hostScheduler();
    const log: string[] = [];
    scheduler.afterTurn(() => log.push("after the turn"));
    scheduler.soon(() => log.push("soon"));
    log.push("now");
    await Promise.resolve();
    await Promise.resolve();
    expect(log).toEqual(["now", "soon"]);
    await quiesce();
    expect(log).toEqual(["now", "soon", "after the turn"]);
  });

  test("takes setImmediate where there is one", () => {
    const tasks: unknown[] = [];
    stub("setImmediate", (task: unknown) => void tasks.push(task));
    const task = (): void => undefined;
    hostScheduler().afterTurn(task);
    expect(tasks).toEqual([task]);
  });

  test("takes a MessageChannel where there is none, and keeps the order of tasks", () => {
    const posted: (() => void)[] = [];
    class FakeChannel {
      readonly port1: { onmessage: (() => void) | null } = { onmessage: null };
      readonly port2 = { postMessage: () => void posted.push(() => this.port1.onmessage?.()) };
    }
    stub("setImmediate", undefined);
    stub("MessageChannel", FakeChannel);
    const scheduler = hostScheduler();
    const log: string[] = [];
    scheduler.afterTurn(() => log.push("first"));
    scheduler.afterTurn(() => log.push("second"));
    expect(log).toEqual([]);
    for (const deliver of posted) deliver();
    expect(log).toEqual(["first", "second"]);
  });

  test("takes setTimeout where there is neither", () => {
    const platform = new FakePlatform();
    stub("setImmediate", undefined);
    stub("MessageChannel", undefined);
    let ran = false;
    hostScheduler().afterTurn(() => (ran = true));
    expect(ran).toBe(false);
    platform.fire();
    expect(ran).toBe(true);
  });

  test("cannot be had where there is none of them, and says so", () => {
    for (const missing of ["setImmediate", "MessageChannel", "setTimeout"])
      stub(missing, undefined);
    expect(() => hostScheduler()).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED_HOST",
        message: expect.stringContaining("setImmediate, MessageChannel or setTimeout"),
      }),
    );
  });
});

describe("the host's randomness", () => {
  test("lies in [0, 1) and differs", () => {
    const { next } = hostRandom();
    const numbers = Array.from({ length: 100 }, next);
    for (const number of numbers) expect(number >= 0 && number < 1).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(90);
  });

  test("gives each node another incarnation", () => {
    const incarnations = Array.from(
      { length: 10 },
      () => createNode({ blockedMs: Infinity }).incarnation,
    );
    expect(new Set(incarnations).size).toBe(10);
  });
});

describe("where the platform lacks something that one can do without", () => {
  test("self.signal is undefined without AbortController, and processes end all the same", async () => {
    stub("AbortController", undefined);
    const node = createNode({ logger: false, blockedMs: Infinity });
    let signal: unknown = "not asked";
    const pid: Pid<unknown> = node.spawn<unknown>(async (self) => {
      signal = self.signal;
      await self.receive();
    });
    await quiesce();
    expect(signal).toBeUndefined();
    node.exit(pid, "shutdown");
    expect(await node.whenExited(pid)).toBe("shutdown");
    await node.stop();
  });

  test("nothing is printed without a console", () => {
    stub("console", undefined);
    expect(() => logToConsole({ type: "subscriberFailed", error: new Error("x") })).not.toThrow();
  });
});

describe("the sources of core", () => {
  const folder = new URL("../src/", import.meta.url);
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ file, text: readFileSync(new URL(file, folder), "utf8") }));

  test("are all looked at", () => {
    expect(sources.map(({ file }) => file)).toEqual(
      expect.arrayContaining(["host.ts", "index.ts", "node.ts", "runtime.ts"]),
    );
  });

  test("mention globalThis in host.ts alone", () => {
    const mentioning = sources.filter(({ text }) => /\bglobalThis\b/.test(text));
    expect(mentioning.map(({ file }) => file)).toEqual(["host.ts"]);
  });

  test("name no other way to the platform: no window, no process, no global, no eval", () => {
    const code = sources.map(({ file, text }) => ({
      file,
      text: text
        .replaceAll(/\/\*[^]*?\*\//g, "")
        .replaceAll(/\/\/.*$/gm, "")
        .replaceAll(/`[^`]*`|"[^"\n]*"/g, '""'),
    }));
    const ways =
      /(?<![.\w])(?:window|globals?|navigator|require)\b(?!:)|\beval\(|\bnew Function\(|\bimport\(|process\.(?:env|nextTick|hrtime|on)\b/;
    expect(code.filter(({ text }) => ways.test(text)).map(({ file }) => file)).toEqual([]);
  });

  test("import one another and rxjs, and nothing else", () => {
    const imported = sources.flatMap(({ text }) =>
      [...text.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"/gms)].map(
        ([, from]) => from,
      ),
    );
    expect(imported.length).toBeGreaterThan(100);
    expect(new Set(imported.filter((from) => !from?.startsWith("./")))).toEqual(new Set(["rxjs"]));
  });
});
