import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { createNode, InvalidArgumentError, type AnyPid } from "@coppice/core";
import { createVirtualClock } from "@coppice/testkit";
import type { HostListener } from "../src/application-host.js";
import { processHost } from "../src/host.js";

class FakeTimer {
  isHeld = true;
  unref(): void {
    this.isHeld = false;
  }
}

/** A platform whose `process` does nothing but take notes. */
class FakePlatform {
  readonly notes: string[] = [];
  readonly timers: { readonly act: () => void; readonly ms: number; readonly timer: FakeTimer }[] =
    [];
  readonly intervals = new Set<number>();
  readonly process = Object.assign(new EventEmitter(), {
    exitCode: undefined as number | undefined,
    stderr: { write: (text: string) => this.notes.push(text) },
    exit: (code: number) => void this.notes.push(`exit ${code}`),
    getBuiltinModule: (id: string) =>
      id === "node:async_hooks" ? { AsyncLocalStorage } : undefined,
  });
  readonly setTimeout = (act: () => void, ms: number): FakeTimer => {
    const timer = new FakeTimer();
    this.timers.push({ act, ms, timer });
    return timer;
  };
  readonly setInterval = (_act: () => void, ms: number): number => {
    this.intervals.add(ms);
    return ms;
  };
  readonly clearInterval = (id: number): void => void this.intervals.delete(id);
}

function listenerOf(platform: FakePlatform): HostListener {
  return {
    signals: ["SIGTERM", "SIGINT"],
    signal: (name, number) => void platform.notes.push(`${name} ${number}`),
    unhandledRejection: (error) => void platform.notes.push(`rejection ${String(error)}`),
  };
}

describe("a program as Node has it", () => {
  test("tells of signals and rejections, and keeps the program running, until that is ended", () => {
    const platform = new FakePlatform();
    const release = processHost(platform).listen(listenerOf(platform));
    platform.process.emit("SIGTERM", "SIGTERM", 15);
    platform.process.emit("SIGHUP", "SIGHUP", 1);
    platform.process.emit("unhandledRejection", "why", Promise.resolve());
    expect(platform.notes).toEqual(["SIGTERM 15", "rejection why"]);
    expect(platform.intervals.size).toBe(1);
    release?.();
    platform.process.emit("SIGTERM", "SIGTERM", 15);
    expect(platform.notes).toHaveLength(2);
    expect(platform.process.eventNames()).toEqual([]);
    expect(platform.intervals.size).toBe(0);
  });

  test("tells one at a time, whichever copy of the package it is asked by", () => {
    const platform = new FakePlatform();
    const release = processHost(platform).listen(listenerOf(platform));
    expect(processHost(platform).listen(listenerOf(platform))).toBeUndefined();
    expect(platform.intervals.size).toBe(1);
    platform.process.emit("SIGINT", "SIGINT", 2);
    expect(platform.notes).toEqual(["SIGINT 2"]);
    release?.();
    expect(processHost(platform).listen(listenerOf(platform))).toBeDefined();
  });

  test("prints lines for the operator, and ends at once when it is told to", () => {
    const platform = new FakePlatform();
    const host = processHost(platform);
    host.print("hello");
    host.exit(143);
    expect(platform.notes).toEqual(["hello\n", "exit 143"]);
  });

  test("does not forget a failure that somebody has noted", () => {
    const { process } = new FakePlatform();
    const host = processHost({ process });
    process.exitCode = 3;
    host.setExitCode(0);
    expect(process.exitCode).toBe(3);
    host.setExitCode(1);
    expect(process.exitCode).toBe(1);
  });

  test("waits for the end of the program without keeping it from that", () => {
    const platform = new FakePlatform();
    const host = processHost(platform);
    const act = (): void => undefined;
    host.later(500, act);
    expect(platform.timers).toEqual([{ act, ms: 500, timer: { isHeld: false } }]);
    // Hosts would fire it at once.
    host.later(2 ** 31, act);
    expect(platform.timers).toHaveLength(1);
  });

  test("tracks whose code runs, through awaits too", async () => {
    const tracker = processHost(new FakePlatform()).track?.();
    const { pid } = createNode({ clock: createVirtualClock() });
    const seen: (AnyPid | undefined)[] = [];
    await new Promise<void>((resolve) => {
      tracker?.enter(pid, () => {
        void Promise.resolve()
          .then(() => seen.push(tracker.current()))
          .then(() => resolve());
      });
    });
    seen.push(tracker?.current());
    expect(seen).toEqual([pid, undefined]);
  });

  test("cannot track where the platform has no means for it", () => {
    const { process } = new FakePlatform();
    const without = { ...process, on: () => undefined, getBuiltinModule: () => undefined };
    expect(processHost({ process: without }).track?.()).toBeUndefined();
  });

  test("has to be given where there is no process", () => {
    expect(() => processHost({})).toThrow(InvalidArgumentError);
    expect(() => processHost({ process: { env: {} } })).toThrow(
      "runApplication: options.host must be given where the platform has no process",
    );
  });
});
