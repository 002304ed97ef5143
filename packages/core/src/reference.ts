/**
 * References: unique handles of monitors, aliases, calls and timers.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#make_ref-0
 */
import type { AnyPid, PID_PROTOCOL } from "./pid.js";

/** A unique handle, made by the node that `owner` lives on. Comparable by `===`. */
export interface Ref {
  /** The name of the node that made it. */
  readonly node: string;
  readonly serial: number;
  /** The process that made it; outside any process, the node's own pid. */
  readonly owner: AnyPid;
}

/** Tells apart for the compiler what a reference is good for; never present at run time. */
export declare const REF_USE: unique symbol;

/** The handle of a monitor: give it to `demonitor`. */
export interface MonitorRef extends Ref {
  readonly kind: "ref";
  readonly [REF_USE]: "monitor";
}

/** The handle of a timer: give it to `cancelTimer` or `readTimer`. */
export interface TimerRef extends Ref {
  readonly kind: "ref";
  readonly [REF_USE]: "timer";
}

/**
 * An address of its owner that can be taken back. What is sent to it after that vanishes.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#alias-1
 */
export interface Alias<in M> extends Ref {
  readonly kind: "ref";
  readonly [REF_USE]: "alias" | "monitor";
  readonly [PID_PROTOCOL]: (message: M) => void;
}

/** Where the reply to a request goes: a one-shot alias of the caller. Use it with `reply`. */
export interface From<in R> extends Alias<R> {
  readonly kind: "ref";
}

/** Good for each of them, as far as the compiler is concerned. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- a brand, which no object has
export interface Reference {
  readonly [REF_USE]: never;
  readonly [PID_PROTOCOL]: never;
}

/** The one implementation of all of them; what it stands for is known to the runtime alone. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- see there
export class Reference implements MonitorRef, TimerRef {
  readonly kind = "ref";
  readonly owner: AnyPid;
  readonly serial: number;
  #meaning: unknown;

  constructor(owner: AnyPid, serial: number, meaning: unknown) {
    this.owner = owner;
    this.serial = serial;
    this.#meaning = meaning;
  }

  get node(): string {
    return this.owner.node;
  }

  toString(): string {
    return `#Ref<${this.node}.${this.serial}>`;
  }

  toJSON(): string {
    return this.toString();
  }

  static {
    // What Node's console shows.
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value: this.prototype.toString,
    });
  }

  /** What the runtime attached to it, or `undefined` when it is no reference or its time is over. */
  static meaningOf(ref: unknown): unknown {
    return typeof ref === "object" && ref !== null && #meaning in ref ? ref.#meaning : undefined;
  }

  /** From now on the reference means nothing; lets go of all it held. */
  static retire(ref: Reference): void {
    ref.#meaning = undefined;
  }
}

/** Is it a reference of any kind? */
export function isRef(value: unknown): value is Ref {
  return value instanceof Reference;
}
