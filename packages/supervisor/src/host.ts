/**
 * What this platform gives an application: the only file of the package that looks at `globalThis`.
 *
 * Works in Node and in what has a `process` like Node's.
 */
import { InvalidArgumentError, type AnyPid } from "@coppice/core";
import type { ApplicationHost, HostListener, ProcessTracker } from "./application-host.js";

interface AsyncContext<T> {
  run(value: T, act: () => void): void;
  getStore(): T | undefined;
}

type HostEvents = Record<string, (first: never, second: never) => void>;

/** The parts of Node's `process` that are needed. */
interface HostProcess {
  exitCode?: number | string | null | undefined;
  readonly stderr: { write(text: string): unknown };
  on(event: string, handler: (first: never, second: never) => void): unknown;
  off(event: string, handler: (first: never, second: never) => void): unknown;
  exit(code: number): void;
  getBuiltinModule?(id: string): { AsyncLocalStorage?: new <T>() => AsyncContext<T> } | undefined;
  /** Set while an application is told of the signals of this program. */
  [TOLD]?: boolean;
}

interface HostTimer {
  unref?(): void;
}

interface Host {
  readonly process?: HostProcess;
  readonly setTimeout?: (act: () => void, ms: number) => HostTimer | number;
  readonly setInterval?: (act: () => void, ms: number) => unknown;
  readonly clearInterval?: (timer: unknown) => void;
}

/** Registered, as there may be two copies of this package in a program. */
const TOLD = Symbol.for("@coppice/supervisor told of signals");

/** Hosts keep delays in 32 bits; longer ones fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * The program as Node has it.
 *
 * @param host where to find it; `globalThis` by default
 * @throws InvalidArgumentError the platform has no `process` with signals
 */
export function processHost(host: object = globalThis): ApplicationHost {
  const { process, setTimeout, setInterval, clearInterval } = host as Host;
  if (typeof process?.on !== "function" || typeof process.exit !== "function") {
    const expected = "given where the platform has no process; or use startApplication";
    throw new InvalidArgumentError("runApplication: options.host", expected, undefined);
  }
  return {
    listen: (listener) => {
      const release = listen(process, listener);
      if (release === undefined) return undefined;
      // Handlers of signals keep no program running, nor do processes that wait for messages.
      const held = setInterval?.call(host, () => undefined, MAX_DELAY_MS);
      return () => {
        clearInterval?.call(host, held);
        release();
      };
    },
    print: (line) => void process.stderr.write(`${line}\n`),
    setExitCode: (code) => {
      // A failure that somebody has noted is not to be forgotten.
      if (code !== 0) process.exitCode = code;
    },
    exit: (code) => process.exit(code),
    later: (ms, act) => {
      if (ms > MAX_DELAY_MS) return;
      const timer = setTimeout?.call(host, act, ms);
      if (typeof timer === "object") timer.unref?.();
    },
    track: () => track(process),
  };
}

function listen(process: HostProcess, listener: HostListener): (() => void) | undefined {
  if (process[TOLD] === true) return undefined;
  const handlers: HostEvents = {
    unhandledRejection: (error) => listener.unhandledRejection(error),
  };
  for (const signal of listener.signals) {
    handlers[signal] = (name, number) => listener.signal(name, number);
  }
  for (const [event, handler] of Object.entries(handlers)) process.on(event, handler);
  process[TOLD] = true;
  return () => {
    for (const [event, handler] of Object.entries(handlers)) process.off(event, handler);
    process[TOLD] = false;
  };
}

function track(process: HostProcess): ProcessTracker | undefined {
  const AsyncLocalStorage = process.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
  if (AsyncLocalStorage === undefined) return undefined;
  const current = new AsyncLocalStorage<AnyPid>();
  return {
    enter: (pid, run) => current.run(pid, run),
    current: () => current.getStore(),
  };
}
