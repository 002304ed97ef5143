/**
 * One process: its state, and what its code can do with it.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html
 */
import { alias, unalias, type AliasMode } from "./alias.js";
import { initialCallOf, type AnyBody, type Body, type Handler } from "./body.js";
import { call, type AbortSignalLike, type CallOptions } from "./call.js";
import {
  checkDelay,
  checkFunction,
  checkKeys,
  checkName,
  checkPid,
  checkReceive,
  checkRef,
} from "./check.js";
import { beginExit } from "./death.js";
import { DeadProcessError, ExitSignal, InvalidArgumentError, ReceiveError } from "./errors.js";
import { exitSignalled } from "./exit-signal.js";
import { formatReason, type ExitReason } from "./exit-reason.js";
import { hostAbortController } from "./host.js";
import { link, unlink, type LinkTable } from "./link.js";
import type { Mailbox, MailboxOptions } from "./mailbox.js";
import { deliver, type SignalMap } from "./message.js";
import { demonitor, monitor, type DemonitorOptions, type MonitorOptions } from "./monitor.js";
import type { AnyName, RemoteName } from "./name.js";
import { disposerOf, type Disposer } from "./own.js";
import { ProcessId, type AnyPid } from "./pid.js";
import type { ProcessInfo } from "./process-info.js";
import type { Reference } from "./reference.js";
import { rejection } from "./rejection.js";
import type { Runtime } from "./runtime.js";
import { TIMEOUT, type ReceiveOptions, type SpawnMonitorOptions } from "./self.js";
import { transmit } from "./signal.js";
import { checkSpawnOptions, spawn, type Spawned } from "./spawn.js";
import type { MessageTimer } from "./timer.js";
import { Deadline } from "./timer-queue.js";
import type { Watch } from "./watch.js";

/** What only few processes need. */
export interface ProcessExtra {
  label?: string | undefined;
  mailbox?: MailboxOptions | undefined;
  unwindMs?: number | undefined;
  abort?: { readonly signal: unknown; abort(reason: unknown): void } | undefined;
  owned?: Disposer[];
  /** Sleeps and yields under way. */
  waits?: Set<Wait>;
  /** How often it attempted something after its death. */
  fenced?: number;
  /** How often it waited although it had to exit. */
  lateWaits?: number;
}

/** Something other than a message or a reply that the process waits for. */
class Wait extends Deadline {
  readonly process: Process;
  readonly resolve: (value: unknown) => void;
  promise: Promise<unknown> | undefined = undefined;

  constructor(process: Process, resolve: (value: unknown) => void) {
    super();
    this.process = process;
    this.resolve = resolve;
  }

  override fire(): void {
    this.process.extra?.waits?.delete(this);
    this.process.node.turn.resume(this.resolve, undefined);
  }
}

class ReceiveLimit extends Deadline {
  readonly #process: Process;

  constructor(process: Process) {
    super();
    this.#process = process;
  }

  override fire(): void {
    const process = this.#process;
    const { wake } = process;
    process.waitLimit = undefined;
    if (wake === undefined) return;
    process.wake = undefined;
    process.node.turn.resume(wake, TIMEOUT);
  }
}

/** A body that catches what ends it and waits again would spin for ever. */
const MAX_LATE_WAITS = 100;
const DEFAULT_UNWIND_MS = 5_000;

/**
 * The one object per process. Its fields are the runtime's; its code sees the `Self` of it.
 */
export class Process {
  readonly pid: ProcessId<Process>;
  readonly node: Runtime;
  life: "alive" | "exiting" | "dead" = "alive";
  exitReason: ExitReason = "normal";
  crashedDuring: string | undefined = undefined;
  zombie = false;

  readonly body: Body<never, never[]>;
  readonly handler: Handler<never, unknown, never[]> | undefined;
  /** Arguments until it starts. */
  args: readonly unknown[] | undefined;
  started = false;
  /** A body that has started and not ended. */
  unsettled = false;
  /** A handler is in the middle of a message. */
  busy = false;
  /** It stands in the run queue. */
  queued = false;
  /** A handler's state. */
  state: unknown = undefined;
  /**
   * The message a handler works on. That of a body is what `receiving` resolved to: a field for it
   * would cost every message a tenth more.
   */
  working: unknown = undefined;

  mailbox: Mailbox | undefined = undefined;
  /** From this size on a message needs a closer look. */
  mailboxMark: number;
  highWater: number;
  /** Ends the pending receive. */
  wake: ((value: unknown) => void) | undefined = undefined;
  guard: ((message: never) => boolean) | undefined = undefined;
  waitLimit: Deadline | undefined = undefined;
  /** What the last receive returned. */
  receiving: Promise<unknown> | undefined = undefined;

  trap: SignalMap | undefined = undefined;
  links: LinkTable | undefined = undefined;
  watching: Watch | undefined = undefined;
  watchers: Watch | undefined = undefined;
  /** How many of its calls wait for their reply. */
  calls = 0;
  timersToMe: MessageTimer | undefined = undefined;
  registeredName: string | undefined = undefined;
  unwindLimit: Deadline | undefined = undefined;
  /** How many it has spawned. */
  children = 0;
  extra: ProcessExtra | undefined = undefined;
  nextProcess: Process | undefined = undefined;
  previousProcess: Process | undefined = undefined;

  constructor(node: Runtime, pid: ProcessId<Process>, program: AnyBody, args: readonly unknown[]) {
    this.node = node;
    this.pid = pid;
    this.body = program as Body<never, never[]>;
    this.handler = typeof program === "function" ? undefined : program;
    this.args = args;
    this.mailboxMark = this.highWater = node.highWater;
  }

  // ── what its code sees ──────────────────────────────────────────────────────────────────────

  receive(
    guardOrOptions?: ((message: never) => boolean) | ReceiveOptions,
    maybeOptions?: ReceiveOptions,
  ): Promise<unknown> {
    if (this.life !== "alive") return this.#endedWait("receive");
    if (this.handler !== undefined) {
      throw new ReceiveError(this.pid, "a handler is called with each message and receives none");
    }
    if (this.wake !== undefined) {
      throw new ReceiveError(this.pid, "it is waiting in another receive already");
    }
    let guard: ((message: never) => boolean) | undefined;
    let timeoutMs: number | undefined;
    if (guardOrOptions !== undefined || maybeOptions !== undefined) {
      ({ guard, timeoutMs } = checkReceive(guardOrOptions, maybeOptions));
    }
    const { mailbox, node } = this;
    const { turn } = node;
    turn.ran(this);
    if (mailbox !== undefined && mailbox.size > 0) {
      const message = guard === undefined ? mailbox.shift() : mailbox.take(guard as never, TIMEOUT);
      if (message !== TIMEOUT) {
        return (this.receiving = turn.mayGoOn()
          ? Promise.resolve(message)
          : new Promise((resolve) => turn.later(resolve, message)));
      }
    }
    if (timeoutMs === 0) return Promise.resolve(TIMEOUT);
    this.guard = guard;
    if (timeoutMs !== undefined && timeoutMs < Infinity) {
      this.waitLimit = new ReceiveLimit(this);
      node.timers.arm(this.waitLimit, timeoutMs, this);
    }
    return (this.receiving = new Promise((resolve) => {
      this.wake = resolve;
    }));
  }

  send(to: unknown, message: unknown): void {
    if (this.life === "dead") this.#fence("send");
    const { node } = this;
    if (node.direct && node.isolation === undefined && ProcessId.is(to)) {
      const target = ProcessId.processOf(to as ProcessId<Process>);
      if (target !== undefined && target.node === node && !node.travelling) {
        if (typeof message === "object" && message !== null) node.refuseThenable(message);
        deliver(target, message, this.pid, "message");
        return;
      }
    }
    node.sendFrom(this.pid, to, message);
  }

  call(to: unknown, request: unknown, options?: CallOptions): Promise<unknown> {
    if (this.life !== "alive") return this.#endedWait("call");
    const target = this.node.resolveTarget(to, this.pid);
    this.node.turn.ran(this);
    return call(this.node, this, target, to, request, options);
  }

  reply(from: Reference, value: unknown): void {
    if (this.life === "dead") this.#fence("reply");
    this.node.replyFrom(this.pid, from, value);
  }

  spawn(body: AnyBody, ...args: unknown[]): AnyPid {
    this.#fenceIfDead("spawn");
    return spawn(this.node, this, {}, body, args).pid;
  }

  spawnLink(body: AnyBody, ...args: unknown[]): AnyPid {
    this.#fenceIfDead("spawn");
    return spawn(this.node, this, { link: true }, body, args).pid;
  }

  spawnMonitor(map: SignalMap, body: AnyBody, ...args: unknown[]): Spawned {
    this.#fenceIfDead("spawn");
    checkFunction("spawnMonitor: map", map);
    return spawn(this.node, this, { monitor: map as never }, body, args);
  }

  spawnOpt(
    options: SpawnMonitorOptions<unknown, never>,
    body: AnyBody,
    ...args: unknown[]
  ): AnyPid | Spawned {
    this.#fenceIfDead("spawn");
    checkSpawnOptions(options);
    const spawned = spawn(this.node, this, options, body, args);
    return spawned.ref === undefined ? spawned.pid : spawned;
  }

  link(pid: AnyPid): void {
    this.#fenceIfDead("link");
    const wasAlive = this.life === "alive";
    link(this, checkPid("link: pid", pid));
    if (wasAlive) this.#leaveIfExiting();
  }

  unlink(pid: AnyPid): void {
    this.#fenceIfDead("unlink");
    unlink(this, checkPid("unlink: pid", pid));
  }

  monitor(
    target: AnyPid | AnyName | RemoteName<never>,
    map?: SignalMap,
    options: MonitorOptions = {},
  ): Reference {
    this.#fenceIfDead("monitor");
    if (map !== undefined) checkFunction("monitor: map", map);
    checkKeys("monitor: options", options, ["alias"]);
    const { alias: mode } = options;
    if (
      mode !== undefined &&
      !["explicit_unalias", "demonitor", "reply_demonitor"].includes(mode)
    ) {
      const expected = `"explicit_unalias", "demonitor" or "reply_demonitor"`;
      throw new InvalidArgumentError("monitor: options.alias", expected, mode);
    }
    const pid = this.node.resolveTarget(target, this.pid);
    return monitor(this, pid ?? this.node.nobody, target, map, mode);
  }

  demonitor(ref: Reference, options: DemonitorOptions = {}): boolean {
    this.#fenceIfDead("demonitor");
    checkRef("demonitor: ref", ref);
    checkKeys("demonitor: options", options, ["flush", "info"]);
    const { flush = false, info = false } = options;
    const wasThere = demonitor(this, ref, flush);
    return info ? wasThere : true;
  }

  alias(mode: AliasMode = "explicit_unalias"): Reference {
    this.#fenceIfDead("alias");
    if (mode !== "explicit_unalias" && mode !== "reply") {
      throw new InvalidArgumentError("alias: mode", `"explicit_unalias" or "reply"`, mode);
    }
    return alias(this, mode);
  }

  unalias(ref: Reference): boolean {
    this.#fenceIfDead("unalias");
    checkRef("unalias: alias", ref);
    return unalias(this, ref);
  }

  trapExits(map: SignalMap | false = (exit) => exit): boolean {
    this.#fenceIfDead("trapExits");
    if (map !== false) checkFunction("trapExits: map", map);
    const before = this.trap !== undefined;
    this.trap = map === false ? undefined : map;
    return before;
  }

  exit(pidOrReason: ExitReason, ...rest: [] | [reason: ExitReason]): void {
    if (this.life === "dead") this.#fence("exit");
    if (rest.length === 0) {
      beginExit(this, pidOrReason);
      throw this.exitSignal();
    }
    const pid = checkPid("exit: pid", pidOrReason);
    const [reason] = rest;
    const wasAlive = this.life === "alive";
    if (pid === this.pid) exitSignalled(this, pid, reason, { viaLink: false });
    else transmit(this.node, this.pid, pid, { type: "exit", from: this.pid, reason });
    if (wasAlive) this.#leaveIfExiting();
  }

  sleep(ms: number): Promise<unknown> {
    if (this.life !== "alive") return this.#endedWait("sleep");
    checkDelay("sleep: ms", ms);
    return this.#wait((wait) => this.node.timers.arm(wait, ms, this));
  }

  yield(): Promise<unknown> {
    if (this.life !== "alive") return this.#endedWait("yield");
    this.node.turn.ran(this);
    return this.#wait((wait) => this.node.resumeLater(this, wait));
  }

  own(resource: unknown, dispose?: unknown): unknown {
    const disposer = disposerOf(resource, dispose);
    this.#fenceIfDead("own");
    ((this.extra ??= {}).owned ??= []).push(disposer);
    return resource;
  }

  get signal(): AbortSignalLike | undefined {
    const extra = (this.extra ??= {});
    if (extra.abort === undefined) {
      extra.abort = hostAbortController();
      if (this.life !== "alive") extra.abort?.abort(this.exitSignal());
    }
    return extra.abort?.signal as AbortSignalLike | undefined;
  }

  setLabel(label: string): void {
    this.#fenceIfDead("setLabel");
    if (typeof label !== "string")
      throw new InvalidArgumentError("setLabel: label", "a string", label);
    (this.extra ??= {}).label = label;
  }

  register(token: AnyName, pid: AnyPid = this.pid): void {
    this.#fenceIfDead("register");
    this.node.registry.register(
      checkName("register: name", token),
      checkPid("register: pid", pid),
      this.pid,
    );
  }

  unregister(token: AnyName): void {
    this.#fenceIfDead("unregister");
    this.node.registry.unregister(checkName("unregister: name", token), this.pid);
  }

  whereis(token: AnyName): AnyPid | undefined {
    return this.node.registry.find(checkName("whereis: name", token), this.pid)?.pid;
  }

  isAlive(pid: AnyPid): boolean {
    return this.node.aliveFor(this.pid, pid);
  }

  processInfo(pid: AnyPid): ProcessInfo | undefined {
    return this.node.processInfo(pid);
  }

  sendAfter(to: unknown, ms: number, message: unknown): Reference {
    this.#fenceIfDead("sendAfter");
    return this.node.timerFrom(this, "sendAfter", to, ms, () => message);
  }

  startTimer(to: unknown, ms: number, message: unknown): Reference {
    this.#fenceIfDead("startTimer");
    const wrap = (timer: Reference): unknown => ({ type: "timeout", timer, message });
    return this.node.timerFrom(this, "startTimer", to, ms, wrap);
  }

  sendInterval(to: unknown, ms: number, message: unknown): Reference {
    this.#fenceIfDead("sendInterval");
    return this.node.timerFrom(this, "sendInterval", to, ms, () => message, ms);
  }

  cancelTimer(timer: Reference): number | false {
    this.#fenceIfDead("cancelTimer");
    return this.node.cancelTimer(timer);
  }

  readTimer(timer: Reference): number | false {
    return this.node.readTimer(timer);
  }

  now(): number {
    this.node.access(this.pid, "clock", "", "read");
    return this.node.now();
  }

  random(): number {
    return this.node.random();
  }

  // ── what the runtime asks ───────────────────────────────────────────────────────────────────

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

  /** Someone will be told of its end by a message or an error. */
  isWatched(): boolean {
    if (this.watchers !== undefined) return true;
    return (this.links?.linked() ?? []).some(
      (pid) => !this.node.isLocal(pid) || ProcessId.processOf(pid)?.trap !== undefined,
    );
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
    this.mailboxMark = Math.min(this.extra?.mailbox?.limit ?? Infinity, this.highWater);
  }

  #wait(arrange: (wait: Wait) => void): Promise<unknown> {
    let wait!: Wait;
    const promise = new Promise<unknown>((resolve) => (wait = new Wait(this, resolve)));
    wait.promise = promise;
    ((this.extra ??= {}).waits ??= new Set()).add(wait);
    arrange(wait);
    return promise;
  }

  /** A wait of a process that has to exit: it rejects, so that the code unwinds. */
  #endedWait(operation: string): Promise<never> {
    const extra = (this.extra ??= {});
    extra.lateWaits = (extra.lateWaits ?? 0) + 1;
    if (extra.lateWaits > MAX_LATE_WAITS) return new Promise(() => undefined);
    return rejection(this.life === "dead" ? this.#fenced(operation) : this.exitSignal());
  }

  #fenceIfDead(operation: string): void {
    if (this.life === "dead") this.#fence(operation);
  }

  #fence(operation: string): never {
    throw this.#fenced(operation);
  }

  #fenced(operation: string): DeadProcessError {
    const extra = (this.extra ??= {});
    const count = (extra.fenced = (extra.fenced ?? 0) + 1);
    this.node.tell({ type: "fenced", pid: this.pid, operation, count });
    return new DeadProcessError(this.pid, operation);
  }

  /** What it did has ended itself: its code must not go on. */
  #leaveIfExiting(): void {
    if (this.life !== "alive") throw this.exitSignal();
  }

  toString(): string {
    return `${this.initialCall} ${String(this.pid)} ${this.life} ${formatReason(this.exitReason)}`;
  }
}

function ignore(): void {
  // The process has ended; what it left waiting has no one to go to.
}
