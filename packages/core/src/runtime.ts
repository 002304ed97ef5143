/** A node from within: what its processes and signals share. */
import type { AnyBody } from "./body.js";
import { call, PendingCall, type CallOptions } from "./call.js";
import { checkDelay, checkKeys, checkName, checkPid } from "./check.js";
import type { Clock } from "./clock.js";
import type { CrashReport } from "./crash-report.js";
import { InvalidArgumentError, NameNotRegisteredError, NodeStoppedError } from "./errors.js";
import { NodeEvents, type NodeEvent } from "./event.js";
import type { ExitReason } from "./exit-reason.js";
import { hostClock, hostRandom, hostScheduler } from "./host.js";
import { MessageIsolation } from "./isolation.js";
import { logToConsole } from "./logger.js";
import type { Origin } from "./mailbox.js";
import { deliver } from "./message.js";
import { isName, isRemoteName, type AnyName } from "./name.js";
import type { NodeCounts, NodeOptions, StopOptions } from "./node.js";
import { ASYNC_DISPOSE } from "./own.js";
import { keyOf, ProcessId, type AnyPid, type NodeIdentity } from "./pid.js";
import { processInfo, type ProcessInfo } from "./process-info.js";
import type { Process } from "./process.js";
import type { Random } from "./random.js";
import { Reference } from "./reference.js";
import { Registry } from "./registry.js";
import { startProcess } from "./run.js";
import type { Happening, Scheduler } from "./scheduler.js";
import type { SpawnOptions } from "./self.js";
import { describeSignal, arrive, SignalQueue, transmit, type Signal } from "./signal.js";
import { checkSpawnOptions, spawn } from "./spawn.js";
import { stopNode } from "./stop.js";
import type { Deadline } from "./timer-queue.js";
import { startMessageTimer, timerOf, Timers } from "./timers.js";
import { Turn } from "./turn.js";
import { Watch } from "./watch.js";
import { watch } from "./watching.js";

type LocalPid = ProcessId<Process>;

const DEFAULT_HIGH_WATER = 10_000;

/** Tells code outside any process of an end. */
class ExitWatch extends Watch {
  readonly #told: (reason: ExitReason) => void;

  constructor(node: Runtime, target: LocalPid, told: (reason: ExitReason) => void) {
    super(node, undefined, target);
    this.#told = told;
  }

  override ended(reason: ExitReason): void {
    this.#told(reason);
  }

  override abandon(): void {
    // Nobody owns it.
  }
}

export class Runtime {
  readonly name: string;
  readonly identity: NodeIdentity;
  readonly pid: LocalPid;
  /** Stands for nobody: what a name that is not held resolves to. */
  readonly nobody: LocalPid;
  readonly events: NodeEvents;
  readonly scheduler: Scheduler;
  /** Signals arrive as they are sent. */
  readonly direct: boolean;
  readonly isolation: MessageIsolation | undefined;
  readonly highWater: number;
  readonly registry: Registry;
  readonly timers: Timers;
  readonly turn: Turn;
  /** Signals on their way, while `travelling`. */
  readonly underway: SignalQueue = new SignalQueue();
  travelling = false;
  stopped = false;
  /** Spawned from outside. */
  children = 0;

  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: (event: NodeEvent) => void;
  #serial = 0;
  #pidSerial = 0;
  #processes = 0;
  #first: Process | undefined;
  #last: Process | undefined;
  #undelivered = 0;
  #crashes = 0;
  /** Starts that are offered and have not happened; kept only for a deciding scheduler. */
  readonly #starts = new Map<Process, Happening>();
  /** How many signals each channel, and timers each process, has had; kept only for a deciding scheduler. */
  readonly #numbers = new Map<string, number>();
  #stopping: Promise<{ readonly killed: readonly AnyPid[] }> | undefined;

  constructor(options: NodeOptions) {
    const { name = "node", messages = "share", mailbox, logger } = options;
    this.#clock = options.clock ?? hostClock();
    this.#random = options.random ?? hostRandom();
    this.scheduler = options.scheduler ?? hostScheduler();
    this.direct = this.scheduler.offer === undefined;
    this.name = name;
    const incarnation = Math.floor(this.#random.next() * Number.MAX_SAFE_INTEGER);
    this.identity = Object.freeze({ name, incarnation });
    this.pid = new ProcessId<Process>(this.identity, 0, undefined, name);
    this.nobody = new ProcessId<Process>(this.identity, 0, undefined, `${name}?`);
    this.isolation = messages === "share" ? undefined : new MessageIsolation(messages);
    this.highWater = mailbox?.highWater ?? DEFAULT_HIGH_WATER;
    this.#logger = logger === false ? () => undefined : (logger ?? logToConsole);
    this.events = new NodeEvents((error) => this.#subscriberFailed(error));
    this.registry = new Registry(this);
    this.timers = new Timers(this, this.#clock);
    const { turnMs = 1, blockedMs = options.clock === undefined ? 100 : Infinity } = options;
    this.turn = new Turn(this.#clock, this.scheduler, { turnMs, blockedMs }, (ms, suspects) => {
      const pid = suspects.length === 1 ? suspects[0] : undefined;
      this.tell({ type: "blocked", blockedMs: ms, pid, suspects });
    });
    if (ASYNC_DISPOSE !== undefined) {
      Object.defineProperty(this, ASYNC_DISPOSE, { value: () => this.stop() });
    }
  }

  get incarnation(): number {
    return this.identity.incarnation;
  }

  // ── processes ───────────────────────────────────────────────────────────────────────────────

  spawn(body: AnyBody, ...args: unknown[]): AnyPid {
    this.#refuseWhileStopping();
    return spawn(this, undefined, {}, body, args).pid;
  }

  spawnOpt(options: SpawnOptions<never>, body: AnyBody, ...args: unknown[]): AnyPid {
    this.#refuseWhileStopping();
    checkSpawnOptions(options, false);
    return spawn(this, undefined, options, body, args).pid;
  }

  exit(pid: AnyPid, ...rest: [] | [reason: ExitReason]): void {
    const target = checkPid("exit: pid", pid);
    if (rest.length === 0) throw new InvalidArgumentError("exit: reason", "given", undefined);
    transmit(this, this.pid, target, { type: "exit", from: this.pid, reason: rest[0] });
  }

  whenExited(pid: AnyPid): Promise<ExitReason> {
    const target = checkPid("whenExited: pid", pid);
    return new Promise((told) => watch(new ExitWatch(this, target, told)));
  }

  processes(): AnyPid[] {
    return [...this.eachProcess()].map((process) => process.pid);
  }

  *eachProcess(): Generator<Process> {
    for (let process = this.#first; process !== undefined; process = process.nextProcess) {
      yield process;
    }
  }

  get counts(): NodeCounts {
    return {
      processes: this.#processes,
      timers: this.timers.size,
      undelivered: this.#undelivered,
      crashes: this.#crashes,
    };
  }

  isAlive(pid: AnyPid): boolean {
    return this.aliveFor(this.pid, pid);
  }

  aliveFor(by: LocalPid, pid: AnyPid): boolean {
    const target = checkPid("isAlive: pid", pid);
    this.access(by, "alive", target, "read");
    return this.#local(target)?.life === "alive";
  }

  processInfo(pid: AnyPid): ProcessInfo | undefined {
    const process = this.#local(checkPid("processInfo: pid", pid));
    return process === undefined ? undefined : processInfo(process);
  }

  mailboxOf(pid: AnyPid): readonly unknown[] {
    const process = this.#local(checkPid("mailboxOf: pid", pid));
    return process?.mailbox?.entries().map(([message]) => message) ?? [];
  }

  stop(options: StopOptions = {}): Promise<{ readonly killed: readonly AnyPid[] }> {
    checkKeys("stop: options", options, ["timeoutMs"]);
    const { timeoutMs = 5_000 } = options;
    if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
      const expected = "a number of at least 0";
      throw new InvalidArgumentError("stop: options.timeoutMs", expected, timeoutMs);
    }
    return (this.#stopping ??= stopNode(this, timeoutMs));
  }

  // ── messages ────────────────────────────────────────────────────────────────────────────────

  send(to: unknown, message: unknown): void {
    this.sendFrom(this.pid, to, message);
  }

  call(to: unknown, request: unknown, options?: CallOptions): Promise<unknown> {
    return call(this, undefined, this.resolveTarget(to, this.pid), to, request, options);
  }

  reply(from: Reference, value: unknown): void {
    this.replyFrom(this.pid, from, value);
  }

  /** Sends to any kind of address. */
  sendFrom(from: LocalPid, to: unknown, message: unknown): void {
    if (typeof message === "object" && message !== null) this.refuseThenable(message);
    const sent = this.prepare(message);
    if (ProcessId.is(to)) {
      this.sendToPid(from, to as LocalPid, sent);
    } else if (to instanceof Reference) {
      this.#sendToAlias(from, to, sent);
    } else if (isName(to)) {
      const holder = this.registry.find(to.name, from);
      if (holder === undefined) throw new NameNotRegisteredError(to.name);
      this.sendToPid(from, holder.pid, sent);
    } else if (isRemoteName(to)) {
      this.#sendToRemoteName(from, to, sent);
    } else {
      throw new InvalidArgumentError("send: to", "a pid, a name, an alias or at(node, name)", to);
    }
  }

  sendToPid(from: LocalPid, to: LocalPid, message: unknown): void {
    if (this.direct && !this.travelling) {
      const process = this.#local(to);
      if (process !== undefined) {
        deliver(process, message, from, "message");
        return;
      }
    }
    transmit(this, from, to, { type: "message", message });
  }

  replyFrom(from: LocalPid, ref: Reference, value: unknown): void {
    if (!(ref instanceof Reference)) {
      throw new InvalidArgumentError("reply: from", "the from of a call", ref);
    }
    if (typeof value === "object" && value !== null) this.refuseThenable(value);
    this.#sendToAlias(from, ref, this.prepare(value));
  }

  #sendToAlias(from: LocalPid, ref: Reference, message: unknown): void {
    const meaning = this.direct ? Reference.meaningOf(ref) : undefined;
    if (meaning instanceof PendingCall && meaning.runtime === this) meaning.reply(message);
    else transmit(this, from, ref.owner as LocalPid, { type: "alias", ref, message });
  }

  #sendToRemoteName(from: LocalPid, to: { node: string; name: string }, message: unknown): void {
    const holder = to.node === this.name ? this.registry.find(to.name, from) : undefined;
    if (holder !== undefined) this.sendToPid(from, holder.pid, message);
    else {
      const why = to.node === this.name ? "unregistered" : "noconnection";
      this.undelivered(this.nobody, message, from, why);
    }
  }

  /** What is sent in place of `message` under the node's isolation. */
  prepare(message: unknown): unknown {
    return this.isolation === undefined ? message : this.isolation.prepare(message);
  }

  /** A promise as message is a forgotten await, and `receive` would resolve to what it resolves to. */
  refuseThenable(message: object): void {
    if (typeof (message as { then?: unknown }).then === "function") {
      throw new InvalidArgumentError(
        "send: message",
        "plain data, not a promise; await it first",
        message,
      );
    }
  }

  undelivered(
    to: AnyPid,
    message: unknown,
    origin: Origin,
    why: Extract<NodeEvent, { type: "undelivered" }>["why"],
  ): void {
    this.#undelivered++;
    this.emit(() => {
      const from = origin instanceof Reference ? this.pid : (origin as AnyPid);
      return { type: "undelivered", to, from, message, why };
    });
  }

  /** The process a target stands for; `undefined` for a name that nobody holds. */
  resolveTarget(to: unknown, by: LocalPid): LocalPid | undefined {
    if (ProcessId.is(to)) return to as LocalPid;
    if (isName(to)) return this.registry.find(to.name, by)?.pid;
    if (isRemoteName(to)) {
      return to.node === this.name ? this.registry.find(to.name, by)?.pid : undefined;
    }
    throw new InvalidArgumentError("target", "a pid, a name or at(node, name)", to);
  }

  isLocal(pid: LocalPid): boolean {
    return pid.home === this.identity;
  }

  #local(pid: LocalPid): Process | undefined {
    return this.isLocal(pid) ? ProcessId.processOf(pid) : undefined;
  }

  // ── names ───────────────────────────────────────────────────────────────────────────────────

  register(token: AnyName, pid: AnyPid): void {
    const name = checkName("register: name", token);
    this.registry.register(name, checkPid("register: pid", pid), this.pid);
  }

  unregister(token: AnyName): void {
    this.registry.unregister(checkName("unregister: name", token), this.pid);
  }

  whereis(token: AnyName): AnyPid | undefined {
    return this.registry.find(checkName("whereis: name", token), this.pid)?.pid;
  }

  registered(): string[] {
    return this.registry.names();
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#clock.now();
  }

  random(): number {
    return this.#random.next();
  }

  sendAfter(to: unknown, ms: number, message: unknown): Reference {
    return this.timerFrom(undefined, "sendAfter", to, ms, () => message);
  }

  startTimer(to: unknown, ms: number, message: unknown): Reference {
    const wrap = (timer: Reference): unknown => ({ type: "timeout", timer, message });
    return this.timerFrom(undefined, "startTimer", to, ms, wrap);
  }

  sendInterval(to: unknown, ms: number, message: unknown): Reference {
    return this.timerFrom(undefined, "sendInterval", to, ms, () => message, ms);
  }

  timerFrom(
    owner: Process | undefined,
    operation: string,
    to: unknown,
    ms: number,
    message: (ref: Reference) => unknown,
    everyMs?: number,
  ): Reference {
    checkDelay(`${operation}: ms`, ms);
    if (everyMs === 0) throw new InvalidArgumentError(`${operation}: ms`, "greater than 0", ms);
    if (!(ProcessId.is(to) || to instanceof Reference || isName(to) || isRemoteName(to))) {
      const expected = "a pid, a name, an alias or at(node, name)";
      throw new InvalidArgumentError(`${operation}: to`, expected, to);
    }
    const prepared = (ref: Reference): unknown => this.prepare(message(ref));
    return startMessageTimer(this, owner, to as LocalPid, ms, prepared, everyMs);
  }

  cancelTimer(ref: Reference): number | false {
    const timer = timerOf(ref);
    if (timer === undefined || !this.timers.isPending(timer)) return false;
    const leftMs = this.timers.leftMs(timer);
    this.timers.cancel(timer);
    return leftMs;
  }

  readTimer(ref: Reference): number | false {
    const timer = timerOf(ref);
    return timer === undefined || !this.timers.isPending(timer) ? false : this.timers.leftMs(timer);
  }

  /** A timer's message goes out; a name is looked up now, and nobody there is no error. */
  timerFired(from: LocalPid, to: unknown, message: unknown): void {
    if (isName(to)) {
      const holder = this.registry.find(to.name, from);
      if (holder === undefined) this.undelivered(this.nobody, message, from, "unregistered");
      else arrive(this, from, holder.pid, { type: "message", message });
    } else if (isRemoteName(to)) {
      this.#sendToRemoteName(from, to, message);
    } else if (to instanceof Reference) {
      arrive(this, from, to.owner as LocalPid, { type: "alias", ref: to, message });
    } else arrive(this, from, to as LocalPid, { type: "message", message });
  }

  // ── running ─────────────────────────────────────────────────────────────────────────────────

  start(process: Process): void {
    if (this.direct) {
      this.turn.ready(process);
      return;
    }
    const actor = keyOf(process.pid);
    const start: Happening = {
      kind: "start",
      key: `start:${actor}`,
      channel: actor,
      actor,
      describe: () => `start ${process.initialCall}`,
      run: () => {
        this.#starts.delete(process);
        if (process.life === "alive" && !process.started) startProcess(process, this.turn);
      },
    };
    this.#starts.set(process, start);
    this.#offer(start);
  }

  /** It will never start. */
  withdrawStart(process: Process): void {
    const start = this.#starts.get(process);
    if (start === undefined) return;
    this.#starts.delete(process);
    this.scheduler.withdraw?.(start);
  }

  /** A process gives way, and goes on by `wait.fire`. */
  resumeLater(process: Process, wait: Deadline): void {
    if (this.direct) {
      if (this.turn.mayGoOn()) wait.fire();
      else this.turn.later(() => wait.fire(), undefined);
      return;
    }
    const actor = keyOf(process.pid);
    const key = `resume:${actor}#${this.#number(`resume:${actor}`)}`;
    this.#offer({
      kind: "resume",
      key,
      channel: actor,
      actor,
      describe: () => "goes on after a yield",
      run: () => wait.fire(),
    });
  }

  offerSignal(from: LocalPid, to: LocalPid, signal: Signal): void {
    const actor = keyOf(to);
    const channel = `${keyOf(from)}→${actor}`;
    this.#offer({
      kind: "signal",
      key: `${channel}#${this.#number(channel)}`,
      channel,
      actor,
      describe: () => describeSignal(signal),
      run: () => arrive(this, from, to, signal),
    });
  }

  offerTimer(deadline: Deadline, process: Process | undefined): void {
    const actor = keyOf(process?.pid ?? this.pid);
    const key = `timer:${actor}#${this.#number(`timer:${actor}`)}`;
    deadline.happening = {
      kind: "timer",
      key,
      channel: key,
      actor,
      atMs: deadline.atMs,
      describe: () => `timer at ${deadline.atMs} ms`,
      run: () => {
        deadline.happening = undefined;
        deadline.fire();
      },
    };
    this.#offer(deadline.happening);
  }

  #offer(happening: Happening): void {
    (this.scheduler.offer as (happening: Happening) => void)(happening);
  }

  #number(channel: string): number {
    const number = (this.#numbers.get(channel) ?? 0) + 1;
    this.#numbers.set(channel, number);
    return number;
  }

  /** Tells the scheduler of a use of something shared, if it wants to know. */
  access(
    by: LocalPid,
    kind: "alive" | "name" | "clock",
    what: LocalPid | string,
    mode: "read" | "write",
  ): void {
    const { scheduler } = this;
    if (scheduler.access === undefined) return;
    const object = `${kind}:${typeof what === "string" ? what : keyOf(what)}`;
    scheduler.access({ actor: keyOf(by), object, mode });
  }

  nextSerial(): number {
    return ++this.#serial;
  }

  nextPid(): number {
    return ++this.#pidSerial;
  }

  addProcess(process: Process): void {
    this.#processes++;
    process.previousProcess = this.#last;
    if (this.#last === undefined) this.#first = process;
    else this.#last.nextProcess = process;
    this.#last = process;
  }

  /** The process spawned last, to walk back from. */
  get lastProcess(): Process | undefined {
    return this.#last;
  }

  removeProcess(process: Process): void {
    this.#processes--;
    const { nextProcess: next, previousProcess: previous } = process;
    if (next === undefined) this.#last = previous;
    else next.previousProcess = previous;
    if (previous === undefined) this.#first = next;
    else previous.nextProcess = next;
    process.nextProcess = process.previousProcess = undefined;
  }

  // ── what is told ────────────────────────────────────────────────────────────────────────────

  /** An event for whoever listens; it is not even made when nobody does. */
  emit(make: () => NodeEvent): void {
    if (this.events.observed) NodeEvents.emit(this.events, make());
  }

  /** An event that must not go unheard. */
  tell(event: NodeEvent): void {
    NodeEvents.emit(this.events, event);
    try {
      this.#logger(event);
    } catch (error) {
      logToConsole({ type: "subscriberFailed", error });
    }
  }

  crashed(report: CrashReport): void {
    this.#crashes++;
    this.tell({ type: "crashed", report, watched: report.watched });
  }

  report(process: Process, type: "disposerFailed" | "unwindFailed", error: unknown): void {
    this.tell({ type, pid: process.pid, error });
  }

  zombie(process: Process): void {
    const { pid, unwindMs } = process;
    this.tell({ type: "zombie", pid, label: process.extra?.label, unwindMs });
  }

  #reportingFailure = false;

  #subscriberFailed(error: unknown): void {
    // A subscriber that fails on hearing of its failure would never end.
    if (this.#reportingFailure) {
      logToConsole({ type: "subscriberFailed", error });
      return;
    }
    this.#reportingFailure = true;
    try {
      this.tell({ type: "subscriberFailed", error });
    } finally {
      this.#reportingFailure = false;
    }
  }

  /** Processes may still spawn helpers to end in order; code outside may not start anything new. */
  #refuseWhileStopping(): void {
    if (this.#stopping !== undefined) throw new NodeStoppedError(this.name);
  }

  /** No process is left, and none will come. */
  close(killed: readonly AnyPid[]): void {
    this.stopped = true;
    this.timers.close();
    this.turn.close();
    this.tell({ type: "stopped", killed });
    NodeEvents.complete(this.events);
  }
}
