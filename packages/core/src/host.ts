/**
 * What this platform gives: the only file of the package that looks at `globalThis`.
 *
 * Works in Node, workers and browsers, which share these globals but not their types.
 */
import type { AbortSignalLike } from "./abort-signal.js";
import type { Clock } from "./clock.js";
import { UnsupportedHostError } from "./errors.js";
import type { Random } from "./random.js";
import type { Scheduler } from "./scheduler.js";

/** The host's AbortSignal where its types are known, else what all hosts have in common. */
export type ProcessSignal = typeof globalThis extends {
  readonly AbortSignal: { readonly prototype: infer S };
}
  ? S
  : AbortSignalLike;

interface HostTimer {
  ref?: () => void;
  unref?: () => void;
}

interface HostPort {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  unref?: () => void;
  ref?: () => void;
}

interface HostAbortController {
  readonly signal: unknown;
  abort(reason?: unknown): void;
}

/**
 * Where whoever simulates this platform says so: under this symbol, a global function that throws when what
 * belongs to the simulation would run on the platform itself.
 */
export const SIMULATED_HOST: unique symbol = Symbol.for("@coppice/core: simulated host");

interface Host {
  [SIMULATED_HOST]?: () => void;
  setTimeout?: (wake: () => void, delayMs: number) => HostTimer | number;
  clearTimeout?: (timer: unknown) => void;
  setImmediate?: (task: () => void) => unknown;
  performance?: { now(): number };
  MessageChannel?: new () => { port1: HostPort; port2: HostPort };
  AbortController?: new () => HostAbortController;
  process?: { cpuUsage?: () => { readonly user: number; readonly system: number } };
  console?: { error(...values: unknown[]): void };
}

type CpuMeter = Required<NonNullable<Host["process"]>>;

const host = globalThis as Host;

/** Hosts keep delays in 32 bits; longer ones fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * The platform's monotonic clock and `setTimeout`, and its CPU time where that is told.
 *
 * @throws UnsupportedHostError the host has no timers
 */
export function hostClock(): Clock {
  const { setTimeout, clearTimeout, performance, process } = host;
  if (setTimeout === undefined || clearTimeout === undefined) {
    throw new UnsupportedHostError("setTimeout");
  }
  const now = performance === undefined ? Date.now : () => performance.now();
  return {
    now,
    ...(typeof process?.cpuUsage === "function" && {
      cpuMs: () => {
        // In microseconds.
        const { user, system } = (process as CpuMeter).cpuUsage();
        return (user + system) / 1000;
      },
    }),
    set: (wake, delayMs) =>
      setTimeout.call(host, wake, Math.min(Math.max(0, Math.ceil(delayMs)), MAX_DELAY_MS)),
    clear: (handle) => clearTimeout.call(host, handle),
    hold: (handle, held) => {
      const timer = handle as HostTimer;
      if (held) timer.ref?.();
      else timer.unref?.();
    },
  };
}

/**
 * Microtasks, and the cheapest way to let the platform's event loop turn.
 *
 * @throws what whoever simulates the platform throws, who cannot decide in what order these run
 */
export function hostScheduler(): Scheduler {
  host[SIMULATED_HOST]?.();
  // A promise's reaction costs a third of `queueMicrotask`, which Node wraps in an async resource.
  const settled = Promise.resolve();
  return {
    soon: (task) => void settled.then(task),
    afterTurn: hostTurn(),
  };
}

function hostTurn(): (task: () => void) => void {
  const { setImmediate, MessageChannel, setTimeout } = host;
  if (setImmediate !== undefined) return (task) => void setImmediate.call(host, task);
  if (MessageChannel !== undefined) {
    // Browsers clamp nested timeouts to 4 ms; a message port does not wait.
    const { port1, port2 } = new MessageChannel();
    const tasks: (() => void)[] = [];
    port1.onmessage = () => tasks.shift()?.();
    return (task) => {
      tasks.push(task);
      port2.postMessage(undefined);
    };
  }
  if (setTimeout !== undefined) return (task) => void setTimeout.call(host, task, 0);
  throw new UnsupportedHostError("setImmediate, MessageChannel or setTimeout");
}

/** The platform's `Math.random`. */
export function hostRandom(): Random {
  return { next: Math.random };
}

/** A new AbortController, or `undefined` where the platform has none. */
export function hostAbortController(): HostAbortController | undefined {
  return host.AbortController === undefined ? undefined : new host.AbortController();
}

/** Prints a line for the operator, where the platform has a console. */
export function hostPrint(line: string): void {
  host.console?.error(line);
}
