/** Clock, randomness and timers of the host, redirected to the simulation whose code runs. */
import nodeCrypto from "node:crypto";
import nodeProcess from "node:process";
import type { Kernel } from "./kernel.js";
import { TimeoutHandle } from "./redirected-timer.js";

/** Replaces a property by what is made of it, as long as the nets are up. */
export type PatchOne = (on: unknown, name: string, make: (original: never) => unknown) => void;

/** Whose code runs now. */
export type Running = () => Kernel | undefined;

/** 2000-01-01, so that nobody takes it for today. */
const EPOCH_MS = 946_684_800_000;

export function redirectClock(patch: PatchOne, running: Running): void {
  patch(globalThis, "Date", (Original: DateConstructor) => {
    const now = (): number => {
      const kernel = running();
      return kernel === undefined ? Original.now() : EPOCH_MS + kernel.host.shownMs();
    };
    function SimulatedDate(...args: unknown[]): object | string {
      // Called as a function it is a text.
      if (new.target === undefined) return new Original(now()).toString();
      const made = new.target === SimulatedDate ? Original : new.target;
      return Reflect.construct(Original, args.length > 0 ? args : [now()], made) as object;
    }
    SimulatedDate.prototype = Original.prototype;
    SimulatedDate.now = now;
    return Object.setPrototypeOf(SimulatedDate, Original) as unknown;
  });
  // As it is now: when a test runner has taken down what a test ran in, there is another in its place.
  const { performance } = globalThis;
  patch(performance, "now", (original: () => number) => () => {
    const kernel = running();
    return kernel === undefined ? original.call(performance) : kernel.host.shownMs();
  });
  for (const process of new Set([globalThis.process, nodeProcess])) {
    patch(process, "hrtime", (original: typeof nodeProcess.hrtime) => {
      const hrtime = (before?: [number, number]): [number, number] => {
        const kernel = running();
        if (kernel === undefined) return original.call(process, before);
        const ns =
          Math.round(kernel.host.shownMs() * 1e6) - (before ? before[0] * 1e9 + before[1] : 0);
        return [Math.floor(ns / 1e9), ns % 1e9];
      };
      hrtime.bigint = () => {
        const kernel = running();
        return kernel === undefined
          ? original.bigint()
          : BigInt(Math.round(kernel.host.shownMs() * 1e6));
      };
      return hrtime;
    });
    patch(process, "uptime", (original: () => number) => () => {
      const kernel = running();
      return kernel === undefined ? original.call(process) : kernel.host.shownMs() / 1_000;
    });
  }
}

export function redirectRandom(patch: PatchOne, running: Running): void {
  const fill = (kernel: Kernel, bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(kernel.host.draw() * 256);
  };
  const uuid = (kernel: Kernel): string => {
    const bytes = new Uint8Array(16);
    fill(kernel, bytes);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i], end)).join("-");
  };
  patch(Math, "random", (original: () => number) => () => {
    const kernel = running();
    return kernel === undefined ? original() : kernel.host.draw();
  });
  for (const crypto of [globalThis.crypto, nodeCrypto] as const) {
    patch(crypto, "randomUUID", (original: () => string) => () => {
      const kernel = running();
      return kernel === undefined ? original.call(crypto) : uuid(kernel);
    });
    patch(
      crypto,
      "getRandomValues",
      (original: <T>(into: T) => T) =>
        <T extends ArrayBufferView>(into: T): T => {
          const kernel = running();
          if (kernel === undefined) return original.call(crypto, into) as T;
          fill(kernel, new Uint8Array(into.buffer, into.byteOffset, into.byteLength));
          return into;
        },
    );
  }
  patch(
    nodeCrypto,
    "randomBytes",
    (original: typeof nodeCrypto.randomBytes) => (size: number, done?: never) => {
      const kernel = running();
      if (kernel === undefined || done !== undefined) return original(size, done as never);
      const bytes = Buffer.alloc(size);
      fill(kernel, bytes);
      return bytes;
    },
  );
  // Of the host they come out of a store that is filled now and then: most often no hook hears of it.
  type Bytes = NodeJS.ArrayBufferView;
  patch(
    nodeCrypto,
    "randomFillSync",
    (original: (into: Bytes, from?: number, size?: number) => Bytes) =>
      (into: Bytes, from?: number, size?: number): Bytes => {
        const kernel = running();
        const isWhole = from === undefined && size === undefined && ArrayBuffer.isView(into);
        if (kernel === undefined || !isWhole) return original(into, from, size);
        fill(kernel, new Uint8Array(into.buffer, into.byteOffset, into.byteLength));
        return into;
      },
  );
  patch(
    nodeCrypto,
    "randomInt",
    (original: (...args: unknown[]) => unknown) =>
      (...args: unknown[]): unknown => {
        const kernel = running();
        const [least, end] = args.length === 1 ? [0, args[0]] : args;
        const isPlain =
          args.length <= 2 && Number.isSafeInteger(least) && Number.isSafeInteger(end);
        const range = Number(end) - Number(least);
        if (kernel === undefined || !isPlain || !(range > 0)) return original(...args);
        // More than one draw has bits for.
        const share = kernel.host.draw() + kernel.host.draw() / 2 ** 32;
        return Number(least) + Math.min(range - 1, Math.floor(share * range));
      },
  );
}

export function redirectTimers(patch: PatchOne, running: Running): void {
  type Callback = (...args: unknown[]) => void;
  const set = (everyMs: number | undefined) => (original: Callback) =>
    function (this: unknown, callback: Callback, ms?: number, ...args: unknown[]): unknown {
      const kernel = running();
      if (kernel === undefined) return original.call(this, callback, ms, ...args);
      const delayMs = Math.max(1, Number(ms) || 0);
      const call = (): void => callback(...args);
      return arm(kernel, call, delayMs, everyMs === undefined ? undefined : delayMs);
    };
  patch(globalThis, "setTimeout", set(undefined));
  patch(globalThis, "setInterval", set(0));
  patch(
    globalThis,
    "setImmediate",
    (original: Callback) =>
      function (this: unknown, callback: Callback, ...args: unknown[]): unknown {
        const kernel = running();
        if (kernel === undefined) return original.call(this, callback, ...args);
        return arm(kernel, () => callback(...args), 0, undefined);
      },
  );
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) {
    patch(globalThis, name, (original: (handle: unknown) => void) => (handle: unknown) => {
      if (!(handle instanceof TimeoutHandle)) original(handle);
      else disarm(handle, running());
    });
  }
}

function arm(
  kernel: Kernel,
  call: () => void,
  delayMs: number,
  everyMs: number | undefined,
): TimeoutHandle {
  const owner = kernel.current;
  const again = (ms: number): void => {
    disarm(handle, kernel);
    handle.timer = kernel.host.arm(owner, ms, handle, () => {
      handle.timer = undefined;
      if (everyMs !== undefined) again(everyMs);
      call();
    });
  };
  const handle: TimeoutHandle = new TimeoutHandle(() => again(delayMs));
  again(delayMs);
  return handle;
}

function disarm(handle: TimeoutHandle, kernel: Kernel | undefined): void {
  if (handle.timer !== undefined) kernel?.withdraw(handle.timer);
  handle.timer = undefined;
}
