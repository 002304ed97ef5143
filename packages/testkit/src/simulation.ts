/** What a program sees of the simulation it runs in. */
import type { AnyPid, ExitReason, HandlerSelf, Node, Self } from "@coppice/core";
import type { Calm } from "./calm.js";
import type { Durable, DurableOptions, Unsynced } from "./durable.js";
import type { FaultOptions } from "./fault.js";
import type { Faults } from "./faults.js";
import type { LookOptions } from "./looks.js";
import type { Step } from "./run.js";
import type { SlowSpell } from "./slow-nodes.js";
import type { Boot, SimNodeOptions } from "./lives.js";

/** A process as its code sees it. */
export type AnySelf = Pick<Self<never> | HandlerSelf<never>, "pid" | "yield">;

/** An object that several processes use. Each use is a point where others may come between. */
export interface Shared<T> {
  readonly name: string;
  /** What it is called in the footprints of steps. */
  readonly object: string;
  /** Waits for its turn, then reads; what `read` returns. */
  read<R>(self: AnySelf, read: (value: T) => R): Promise<R>;
  /** Waits for its turn, then changes it: what `write` returns is the new value, unless it is undefined. */
  write(self: AnySelf, write: (value: T) => T | void): Promise<T>;
  /** Changes it at once, in the course of what happens anyway; else as `write`. */
  change(write: (value: T) => T | void): T;
  /** The value as it is, for checks. */
  readonly now: T;
}

/** A node that may live more than once. */
export interface SimNode {
  readonly name: string;
  /** In its present life, or the last one. */
  readonly node: Node;
  readonly isUp: boolean;
}

export interface Simulation {
  /** Makes a node on the simulation's time, with messages frozen unless the options say otherwise. */
  node(name?: string, options?: SimNodeOptions): Node;
  /** Makes a node that runs `boot` in each of its lives: now, and whenever it is restarted. */
  boot(name: string, boot: Boot, options?: SimNodeOptions): SimNode;
  /**
   * Must hold after each step: `false` or a throw is a violation. The run goes on.
   *
   * @param options.reads what it looks at. States between steps that have nothing to do with each other
   * depend on their order: without `reads` an exploration is exhaustive only after every order of all steps
   */
  always(name: string, holds: () => unknown, options?: LookOptions): void;
  /** Must hold when nothing can happen any more: `false` or a throw is a violation. */
  finally(name: string, holds: () => unknown): void;
  /** Should be seen after some step of some run; `reads` as for `always`. */
  sometimes(name: string, holds: () => boolean, options?: LookOptions): void;
  /** Something is wrong. */
  fail(check: string, message: string): void;
  /**
   * Told of each step when it is over. With `reads`, what comes of it depends on the order of steps that
   * change any of this; with `[]`, on the order of those alone that have to do with each other anyway.
   */
  observe(observer: (step: Step) => void, options?: LookOptions): void;
  /**
   * A state worth telling: reports show it before and after the step that failed, and coverage counts in which of
   * its states faults struck. What is shared is shown anyway.
   */
  state(name: string, read: () => unknown): void;
  shared<T>(name: string, initial: T): Shared<T>;
  /** What is on the disk of a node under `name`; made with `initial` at first. */
  durable<T>(
    node: Node | string,
    name: string,
    initial: T,
    options?: DurableOptions<T>,
  ): Durable<T>;
  /** Timers that are armed while `arm` runs, and their next ticks, do not keep a run going. */
  daemon<T>(arm: () => T): T;
  /** Of a simulation with the option `calm`. */
  readonly calm: Calm | undefined;
  /** True time, in ms from the beginning. */
  readonly nowMs: number;
  /** Which faults a strategy may pick. */
  readonly faults: Faults;
  /** One more fault: `KIND:TARGET`, and what it does. */
  fault(name: string, run: () => void, options?: FaultOptions): void;

  // What happens to the world here and now.

  /** A process is killed at once; nothing of it unwinds. */
  kill(pid: AnyPid, reason?: ExitReason): boolean;
  /** The power of a node is cut. What was not synced is lost unless `unsynced` says otherwise. */
  crash(node: Node | string, unsynced?: Unsynced): void;
  /** Another life of a node that crashed begins. */
  restart(node: Node | string): Node;
  /** Nothing happens at a node until it is resumed. */
  pause(node: Node | string): void;
  resume(node: Node | string): void;
  /** For `forMs` all that could happen at a node happens `byMs` later. */
  slow(node: Node | string, spell: SlowSpell): void;
  /** Nothing gets from one group of nodes to the other, or back. */
  partition(
    a: readonly (Node | string)[],
    b: readonly (Node | string)[],
    options?: { readonly oneWay?: boolean },
  ): void;
  heal(): void;
  /** The connection of two nodes is lost; it comes about again when it is needed. */
  disconnect(a: Node | string, b: Node | string): void;
  /** The clock of a node jumps. */
  jump(node: Node | string, byMs: number): void;
}
