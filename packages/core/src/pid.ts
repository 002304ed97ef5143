/**
 * Pids: the identity of a process, and nothing else.
 *
 * OTP: https://www.erlang.org/doc/system/data_types.html#pid
 */

/** Carries the message type of an address; never present at run time. */
export declare const PID_PROTOCOL: unique symbol;

/**
 * The identity of a process that understands messages of type `M`.
 *
 * Comparable by `===` within a node, printable (`<demo.7>`), plain data in every message. It has no
 * way to act: who sends is always said, as in `self.send(pid, m)` or `node.send(pid, m)`. A pid is
 * never used again, neither by its node nor by a later node of the same name.
 *
 * Contravariant: a `Pid<A | B>` serves as a `Pid<A>`.
 */
export interface Pid<in M> {
  /** The name of the node it lives on. */
  readonly node: string;
  /** Which life of that node: differs after a restart. Compare for equality only. */
  readonly incarnation: number;
  /** Its number on that node, from 1 in order of spawning. 0 is the node itself. */
  readonly serial: number;
  readonly [PID_PROTOCOL]?: (message: M) => void;
}

/** Any pid: good for links, monitors and exit signals, not for messages. */
export type AnyPid = Pid<never>;

/** One life of a node. */
export interface NodeIdentity {
  readonly name: string;
  readonly incarnation: number;
}

/** How many ancestors a pid remembers; older ones are folded into a hash. */
const MAX_LINEAGE = 100;

/** The implementation. It points at its process as long as that lives, so that sending needs no table. */
export class ProcessId<P = unknown> implements Pid<never> {
  readonly home: NodeIdentity;
  readonly serial: number;
  /** Who spawned it; `undefined` for the node's own pid. */
  readonly #parent: ProcessId<P> | undefined;
  /** Which of its parent's children it is, from 1; a name and an incarnation when the spawn gave one. */
  readonly #position: number | string;
  readonly #depth: number;
  #process: P | undefined = undefined;

  constructor(
    home: NodeIdentity,
    serial: number,
    parent: ProcessId<P> | undefined,
    position: number | string,
  ) {
    this.home = home;
    this.serial = serial;
    if (parent !== undefined && parent.#depth === MAX_LINEAGE) {
      // A chain in which each process spawns the next would keep the pids of all its dead for ever.
      this.#parent = undefined;
      this.#position = `~${hashOf(keyOf(parent))}.${position}`;
      this.#depth = 0;
    } else {
      this.#parent = parent;
      this.#position = position;
      this.#depth = parent === undefined ? 0 : parent.#depth + 1;
    }
  }

  get node(): string {
    return this.home.name;
  }

  get incarnation(): number {
    return this.home.incarnation;
  }

  toString(): string {
    return formatPid(this);
  }

  toJSON(): string {
    return formatPid(this);
  }

  static {
    // What Node's console shows.
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value: this.prototype.toString,
    });
  }

  static is(value: unknown): value is ProcessId {
    return typeof value === "object" && value !== null && #process in value;
  }

  static processOf<P>(pid: ProcessId<P>): P | undefined {
    return pid.#process;
  }

  static attach<P>(pid: ProcessId<P>, process: P | undefined): void {
    pid.#process = process;
  }

  static parentOf<P>(pid: ProcessId<P>): ProcessId<P> | undefined {
    return pid.#parent;
  }

  static positionOf(pid: ProcessId): number | string {
    return pid.#position;
  }
}

/** `<node.serial>`, as everywhere in messages and reports. */
export function formatPid(pid: AnyPid): string {
  return `<${pid.node}.${pid.serial}>`;
}

/** Is it a pid, of whatever node? */
export function isPid(value: unknown): value is AnyPid {
  return ProcessId.is(value);
}

/** Who spawned it, who spawned that, …, nearest first; at most the last hundred. */
export function ancestorsOf(pid: ProcessId): AnyPid[] {
  const ancestors: AnyPid[] = [];
  for (
    let parent = ProcessId.parentOf(pid);
    parent !== undefined;
    parent = ProcessId.parentOf(parent)
  ) {
    ancestors.push(parent);
  }
  return ancestors;
}

/**
 * The stable key of a process: `node/2/1`, made of the spawn positions from the node down. The same
 * program gives a process the same key under every schedule, unlike its serial.
 */
export function keyOf(pid: AnyPid): string {
  const positions: (number | string)[] = [];
  let at = pid as ProcessId | undefined;
  for (; at !== undefined; at = ProcessId.parentOf(at)) positions.push(ProcessId.positionOf(at));
  return positions.reverse().join("/");
}

/** A short, stable digest of a key (FNV-1a, twice 32 bits). */
function hashOf(key: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193) >>> 0;
    high = Math.imul(high ^ code ^ low, 0x01000193) >>> 0;
  }
  return low.toString(36) + high.toString(36);
}
