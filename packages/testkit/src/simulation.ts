/** What a program sees of the simulation it runs in. */
import {
  createNode,
  type HandlerSelf,
  type Node,
  type NodeOptions,
  type Self,
} from "@coppice/core";
import type { Kernel } from "./kernel.js";
import { NodeTime } from "./sim-time.js";
import { mix } from "./strategy.js";

export type SimNodeOptions = Omit<
  NodeOptions,
  "name" | "clock" | "scheduler" | "random" | "turnMs" | "blockedMs"
>;

/** A process as its code sees it. */
export type AnySelf = Pick<Self<never> | HandlerSelf<never>, "pid" | "yield">;

/** An object that several processes use. Each use is a point where others may come between. */
export interface Shared<T> {
  readonly name: string;
  /** Waits for its turn, then reads; what `read` returns. */
  read<R>(self: AnySelf, read: (value: T) => R): Promise<R>;
  /** Waits for its turn, then changes it: what `write` returns is the new value, unless it is undefined. */
  write(self: AnySelf, write: (value: T) => T | void): Promise<T>;
  /** Changes it at once, in the course of what happens anyway; else as `write`. */
  change(write: (value: T) => T | void): T;
  /** The value as it is, for checks. */
  readonly now: T;
}

export interface Simulation {
  /** Makes a node on the simulation's time, with messages frozen unless the options say otherwise. */
  node(name?: string, options?: SimNodeOptions): Node;
  /** Must hold after each step: `false` or a throw is a violation. The run goes on. */
  always(name: string, holds: () => unknown): void;
  /** Must hold when nothing can happen any more. */
  finally(name: string, holds: () => unknown): void;
  /** Should be seen after some step of some run. */
  sometimes(name: string, holds: () => boolean): void;
  /** Something is wrong. */
  fail(check: string, message: string): void;
  shared<T>(name: string, initial: T): Shared<T>;
  /** Timers that are armed while `arm` runs do not keep a run going. */
  daemon<T>(arm: () => T): T;
  readonly nowMs: number;
}

export class KernelSimulation implements Simulation {
  readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  node(name = "n", options: SimNodeOptions = {}): Node {
    const { kernel } = this;
    const time = new NodeTime();
    const { clock, seed } = kernel.options;
    if (typeof clock === "object" && clock.drift !== undefined) {
      const unit = mix(seed, kernel.keySpace.key(`drift:${name}`).hash) / 2 ** 32;
      time.run(0, 1 + clock.drift * (2 * unit - 1));
    }
    const node = createNode({
      logger: false,
      messages: "freeze",
      ...options,
      name,
      clock: kernel.clockOf(time),
      scheduler: kernel,
      random: kernel.randomOf(name),
    });
    kernel.lives.set(name, { node, time });
    return node;
  }

  always(name: string, holds: () => unknown): void {
    this.kernel.always.push({ name, when: "always", holds });
  }

  finally(name: string, holds: () => unknown): void {
    this.kernel.checks.push({ name, when: "finally", holds });
  }

  sometimes(name: string, holds: () => boolean): void {
    const { kernel } = this;
    kernel.observers.push(() => {
      if (!kernel.seen.has(name) && holds()) kernel.seen.add(name);
    });
  }

  fail(check: string, message: string): void {
    this.kernel.fail(check, message);
  }

  shared<T>(name: string, initial: T): Shared<T> {
    const { kernel } = this;
    const reads = kernel.keySpace.access(`shared:${name}`, "read");
    const writes = kernel.keySpace.access(`shared:${name}`, "write");
    let value = initial;
    const change = (write: (value: T) => T | void): T => {
      kernel.access(writes);
      const next = write(value);
      if (next !== undefined) value = next as T;
      return value;
    };
    return {
      name,
      change,
      async read(self, read) {
        await self.yield();
        kernel.access(reads);
        return read(value);
      },
      async write(self, write) {
        await self.yield();
        return change(write);
      },
      get now() {
        return value;
      },
    };
  }

  daemon<T>(arm: () => T): T {
    return this.kernel.daemon(arm);
  }

  get nowMs(): number {
    return this.kernel.nowMs;
  }
}
