/**
 * One process: its state, and what the runtime asks of it. What its code can do is `ProcessSelf`.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html
 */
import { initialCallOf } from "./body.js";
import type { ErasedBody, ErasedGuard, ErasedHandler, ErasedProgram } from "./erased.js";
import { DeadProcessError, ExitSignal } from "./errors.js";
import { formatReason, type CrashReason, type ExitReason } from "./exit-reason.js";
import type { LinkTable } from "./link.js";
import type { Mailbox, MailboxOptions } from "./mailbox.js";
import type { SignalMap } from "./message.js";
import type { OwnedResource } from "./own.js";
import { ProcessId } from "./pid.js";
import { rejection } from "./rejection.js";
import type { Runtime } from "./runtime.js";
import type { PendingStart } from "./start.js";
import type { MessageTimer } from "./timer.js";
import type { Deadline } from "./timer-queue.js";
import type { Wait } from "./wait.js";
import type { Watch } from "./watch.js";

const DEFAULT_UNWIND_MS = 5_000;

/** What only few processes need. */
export interface ProcessExtra {
  label?: string | undefined;
  mailbox?: MailboxOptions | undefined;
  unwindMs?: number | undefined;
  abort?: { readonly signal: unknown; abort(reason: unknown): void } | undefined;
  owned?: OwnedResource[];
  /** Sleeps and yields under way. */
  waits?: Set<Wait>;
  /** The keys of its children that are alive. */
  keys?: Set<string>;
  /** Its own key, in the set of its parent's. */
  key?: { readonly key: string; readonly among: Set<string> };
  /** Its starter waits to hear how its start went. */
  start?: PendingStart | undefined;
  /** What it gave `exit` last, while it is `leaving`. */
  leavingFor?: { readonly reason: ExitReason } | undefined;
  /** How many of its aliases are active. */
  aliases?: number;
  /** How often it attempted something after its death. */
  fenced?: number;
  /** How often it waited although it had to exit. */
  lateWaits?: number;
}

/**
 * The one object per process. Its fields are the runtime's; its code sees the `Self` of it.
 */
export class Process {
  readonly pid: ProcessId<Process>;
  readonly node: Runtime;
  life: "alive" | "exiting" | "dead" = "alive";
  exitReason: ExitReason = "normal";
  /** An exit signal ended it: for those who come later it is not there, while one that exits by itself is. */
  signalled = false;
  /** An error that nobody caught, and what it was doing; to be reported, however it ends. */
  crash: { readonly reason: CrashReason; readonly during: string } | undefined = undefined;
  zombie = false;

  readonly body: ErasedBody;
  readonly handler: ErasedHandler | undefined;
  /** Arguments until it starts. */
  args: readonly unknown[] | undefined;
  /** Its `spawned` event was told. */
  announced = false;
  started = false;
  /** A body that has started and not ended. */
  unsettled = false;
  /** A handler is in the middle of a step. */
  busy = false;
  /** A handler that wants to be told of its failure has called `exit`, or is being told. */
  leaving: "no" | "asked" | "told" = "no";
  /** It stands in the run queue. */
  queued = false;
  /** A handler's state. */
  state: unknown = undefined;
  /**
   * The message a handler works on. That of a body is what `receiving` resolved to: a field for it
   * would cost every message a tenth more.
   */
  working: unknown = undefined;

  /** Which messages a handler takes at present; all when there is none. */
  selects: ErasedGuard | undefined = undefined;
  /** A handler is to be called when no message is taken: at once, at a time, or as this has come. */
  idle: "now" | "due" | Deadline | undefined = undefined;

  mailbox: Mailbox | undefined = undefined;
  /** From this size on a message needs a closer look. */
  mailboxMark: number;
  highWater: number;
  /** Ends the pending receive. */
  wake: ((value: unknown) => void) | undefined = undefined;
  guard: ErasedGuard | undefined = undefined;
  waitLimit: Deadline | undefined = undefined;
  /** The pending receive only polls: it was held up by the event loop. */
  polling = false;
  /** What the last receive returned. */
  receiving: Promise<unknown> | undefined = undefined;

  trap: SignalMap | undefined = undefined;
  links: LinkTable | undefined = undefined;
  watching: Watch | undefined = undefined;
  watchers: Watch | undefined = undefined;
  /** How many of its calls wait for their reply. */
  calls = 0;
  /** The call it made last, while that is the last thing it began to wait for. */
  awaiting: Watch | undefined = undefined;
  timersToMe: MessageTimer | undefined = undefined;
  registeredName: string | undefined = undefined;
  unwindLimit: Deadline | undefined = undefined;
  /** How many it has spawned. */
  children = 0;
  extra: ProcessExtra | undefined = undefined;
  nextProcess: Process | undefined = undefined;
  previousProcess: Process | undefined = undefined;

  constructor(
    node: Runtime,
    pid: ProcessId<Process>,
    program: ErasedProgram,
    args: readonly unknown[],
  ) {
    this.node = node;
    this.pid = pid;
    this.body = program as ErasedBody;
    this.handler = typeof program === "function" ? undefined : program;
    this.args = args;
    this.highWater = node.highWater;
    this.mailboxMark = this.highWater - 1;
  }

  /** Others still find it: it lives, or unwinds from an exit of its own. */
  get isThere(): boolean {
    return this.life === "alive" || (this.life === "exiting" && !this.signalled);
  }

  /** Its code is somewhere in the middle: it has to unwind before the process can be dead. */
  get isRunning(): boolean {
    return this.handler === undefined ? this.unsettled : this.busy;
  }

  get initialCall(): string {
    return initialCallOf(this.handler ?? this.body);
  }

  get unwindMs(): number {
    return this.extra?.unwindMs ?? DEFAULT_UNWIND_MS;
  }

  exitSignal(): ExitSignal {
    return new ExitSignal(this.pid, this.exitReason);
  }

  /** What a wait resolves to when the process has to exit. */
  exitRejection(): Promise<never> {
    return rejection(this.exitSignal());
  }

  /** Someone will be told of its end by a message or an error. */
  isWatched(): boolean {
    const linked = new Set(this.links?.linked());
    for (let entry = this.watchers; entry !== undefined; entry = entry.nextOfTarget) {
      const { owner } = entry;
      // One that a link takes along has nobody to tell.
      if (owner === undefined || owner.trap !== undefined || !linked.has(owner.pid)) return true;
    }
    return [...linked].some(
      (pid) => !this.node.isLocal(pid) || ProcessId.processOf(pid)?.trap !== undefined,
    );
  }

  /** Tells a scheduler that wants to know: it waits for its last call alone from now on, or not any more. */
  noteWaiting(): void {
    if (this.awaiting !== undefined) this.node.access(this.pid, "waits", this.pid, "write");
  }

  /** The pending receive needs its timeout no more. */
  endWait(): void {
    if (this.waitLimit !== undefined) this.node.timers.disarm(this.waitLimit);
    this.waitLimit = undefined;
  }

  wakeWithError(error: unknown): void {
    const { wake, receiving } = this;
    this.wake = undefined;
    this.endWait();
    if (this.life !== "alive") receiving?.catch(ignore);
    wake?.(rejection(error));
  }

  /** Ends calls, sleeps and yields of a process that has to exit. */
  rejectWaits(signal: ExitSignal): void {
    for (const wait of this.extra?.waits ?? []) {
      this.node.timers.disarm(wait);
      wait.promise?.catch(ignore);
      wait.resolve(rejection(signal));
    }
    this.extra?.waits?.clear();
    if (this.calls === 0) return;
    for (let entry = this.watching; entry !== undefined;) {
      const next = entry.nextOfOwner;
      if (entry.isCall) entry.abandon();
      entry = next;
    }
  }

  raiseHighWater(): void {
    this.highWater *= 2;
    this.mailboxMark = Math.min(this.extra?.mailbox?.limit ?? Infinity, this.highWater - 1);
  }

  /** One more of its aliases is active, or one less. */
  countAliases(by: 1 | -1): void {
    const extra = (this.extra ??= {});
    extra.aliases = (extra.aliases ?? 0) + by;
  }

  /** It is dead and attempted something: that is counted and told. */
  fenced(operation: string): DeadProcessError {
    const extra = (this.extra ??= {});
    const count = (extra.fenced = (extra.fenced ?? 0) + 1);
    this.node.tell({ type: "fenced", pid: this.pid, operation, count });
    return new DeadProcessError(this.pid, operation);
  }

  toString(): string {
    return `${this.initialCall} ${String(this.pid)} ${this.life} ${formatReason(this.exitReason)}`;
  }
}

function ignore(): void {
  // The process has ended; what it left waiting has no one to go to.
}
