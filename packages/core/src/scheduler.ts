/**
 * Who runs next, as a port.
 *
 * In production a signal arrives as it is sent and the host's microtask queue is the run queue: the
 * scheduler is asked for a turn of the event loop now and then, and for nothing else. A scheduler
 * with `offer` decides everything: whatever could happen next is offered to it under a stable key,
 * and happens when it says so.
 */
import type { Access, KeySpace } from "./happening-key.js";
import type { AnyPid } from "./pid.js";

/** Something that could happen next. */
export interface Happening {
  readonly kind: "signal" | "start" | "timer" | "resume";
  /**
   * Stable over schedules: made of process keys (parent's key and position) and of numbers counted
   * per channel or per process, never of a position in the run.
   *
   * | kind | key |
   * | --- | --- |
   * | `signal` | `SENDER→RECEIVER#n`, the n-th signal of that ordered pair; `…#n~2` for a copy of it |
   * | `start` | `start:PROCESS` |
   * | `timer` | `timer:PROCESS#n`, the n-th timer that process set |
   * | `resume` | `resume:PROCESS#n`, the n-th `yield` of that process |
   */
  readonly key: string;
  /** A whole number of 32 bits, computed from `key`. */
  readonly keyHash: number;
  /** Stands for `key`: a small whole number, equal when the key is, if the scheduler's keys are interned. */
  readonly keyId: number;
  /**
   * What must keep its order: happenings of one channel happen in the order they were offered. For
   * a signal its ordered pair, for a start or a resume the process. Timers have an order only by `atMs`,
   * and what is loose has none: of these it is the key.
   */
  readonly channel: string;
  /** Nothing of its channel has to happen before it. */
  readonly isFirst: boolean;
  /** The one behind it on its channel. */
  readonly next: Happening | undefined;
  /** Key of the process that will act: the receiver, the starter, the owner of the timer. */
  readonly actor: string;
  /** Who will act. */
  readonly actorPid: AnyPid;
  /** Who sent the signal; `undefined` for what is no signal. */
  readonly senderPid: AnyPid | undefined;
  /** When it is due, on the node's clock; timers only. */
  readonly atMs: number | undefined;
  /** A message, a call or a reply: what a network that promises nothing may lose. */
  readonly isMessage: boolean;
  /** What it uses in any case. What else it uses is told when it does. */
  readonly access: Access;
  /** What it is that is due: the same for each tick of an interval; timers and resumptions only. */
  readonly task: object | undefined;
  /** The message that arrives; `undefined` for what carries none. */
  readonly message: unknown;
  /**
   * All that it carries, as data: a signal with its type, what a timer is for. Of the same kind and the same
   * process, what has equal contents does the same.
   */
  readonly content: unknown;
  /** The scheduler's own, for what it wants to know of a happening. */
  order: number;
  /** The scheduler's own. */
  creator: number;
  /** The scheduler's own: it may happen before what was sent before it. */
  isLoose: boolean;
  /** For people: `message {"type":"ping"}`, `exit shutdown`, … Computed when asked. */
  describe(): string;
  /** Makes it happen. Once; after a `withdraw` it does nothing. */
  run(): void;
  /** It will never happen: it is lost on its way. */
  drop(): void;
  /** Offers the same message once more. */
  duplicate(): void;
}

export interface Scheduler {
  /** Runs `task` after the code that runs now, before the event loop turns. */
  soon(task: () => void): void;
  /** Lets timers and I/O of the host go first, then runs `task`. */
  afterTurn(task: () => void): void;
  /** If present, each thing that could happen is offered here, and nothing happens by itself. */
  offer?(happening: Happening): void;
  /**
   * The happening is no longer to be chosen: a timer was cancelled, its process is dead, or the
   * runtime had to let it happen at once.
   */
  withdraw?(happening: Happening): void;
  /** Told of each access to something shared in the course of a happening, and of who does it. */
  access?(access: Access, actor: AnyPid): void;
  /**
   * A process only looks whether a message is there, with `timeoutMs: 0`. Where what is sent is in the mailbox at once,
   * all that was sent to it happens now, and the answer is `true`; by default it looks in a happening of its own, a
   * `resume`, and what arrives before that may be what it looks for.
   */
  deliverAll?(pid: AnyPid): boolean;
  /** Told when a process, or code outside any, asks what time it is. */
  clockRead?(): void;
  /**
   * Told of each message that a `receive` takes, and by which guard; and with `TIMEOUT` of each that looks
   * with `timeoutMs: 0` and finds none.
   */
  took?(
    by: AnyPid,
    message: unknown,
    guard: ((message: unknown) => boolean) | undefined,
    isLook: boolean,
  ): void;
  /** Where keys are made, for the nodes that share this scheduler; each node has its own by default. */
  readonly keySpace?: KeySpace;
  /** The key of a new node; its name by default. */
  nodeKey?(name: string): string;
}
