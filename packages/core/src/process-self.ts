/** What the code of a process can do: the implementation of `Self`. */
import { alias, unalias, type AliasMode } from "./alias.js";
import type { HandlerSelf } from "./body.js";
import { checkSignalOption } from "./abort-signal.js";
import { call, type CallOptions } from "./call.js";
import {
  checkDelay,
  checkFunction,
  checkKeys,
  checkMonitorOptions,
  checkName,
  checkPid,
  checkReason,
  checkRef,
} from "./check.js";
import { exitByItself } from "./death.js";
import type { Erased, ErasedGuard, ErasedPid, ErasedProgram, ErasedStartable } from "./erased.js";
import { ExitSignal, InvalidArgumentError } from "./errors.js";
import type { ExitReason } from "./exit-reason.js";
import { hostAbortController, type ProcessSignal } from "./host.js";
import { flushExits, link, unlink, type UnlinkOptions } from "./link.js";
import { deliver, type SignalMap } from "./message.js";
import { demonitor, monitor, type DemonitorOptions, type MonitorOptions } from "./monitor.js";
import type { AnyName, RemoteName } from "./name.js";
import { disposeAtOnce, disposerOf } from "./own.js";
import { ProcessId, type AnyPid } from "./pid.js";
import { Process } from "./process.js";
import {
  castFrom,
  refuseFrom,
  refuseThenable,
  replyFrom,
  resolveTarget,
  sendFrom,
} from "./post.js";
import { isAlive, processInfo, type ProcessInfo } from "./process-info.js";
import { receive } from "./receive.js";
import { Reference } from "./reference.js";
import { checkReport, type Report } from "./report.js";
import { endIdle, IdleLimit } from "./run.js";
import type { ReceiveOptions, SpawnMonitorOptions } from "./self.js";
import { arriveNow, settleOwn, transmit, type Signal } from "./signal.js";
import { checkSpawnOptions, spawn, type SpawnedAndMonitored } from "./spawn.js";
import {
  acknowledge,
  checkStartOptions,
  spawnAndWait,
  start,
  type InitAck,
  type StartMonitorOptions,
  type StartOptions,
  type StartResult,
} from "./start.js";
import { cancelTimer, readTimer, startTimer } from "./timers.js";
import { endedWait, giveWay, sleep, sleepUnless, type SleepOptions } from "./wait.js";

/** A process as its own code sees it; typed for users by the interface `Self`. */
export class ProcessSelf extends Process implements Omit<HandlerSelf<Erased>, "node"> {
  receive(
    guardOrOptions?: ((message: Erased) => boolean) | { readonly timeoutMs?: number | undefined },
    maybeOptions?: ReceiveOptions,
  ): Promise<Erased> {
    if (this.life !== "alive") return endedWait(this, "receive");
    return receive(this, guardOrOptions, maybeOptions);
  }

  send(to: unknown, message: unknown): void {
    if (this.life === "dead") this.#fence("send");
    const { node } = this;
    if (node.direct && node.isolation === undefined && ProcessId.is(to)) {
      const target = ProcessId.processOf(to as ProcessId<Process>);
      if (target !== undefined && target.node === node && !node.travelling) {
        if (typeof message === "object" && message !== null) refuseThenable(message);
        deliver(target, message, this.pid, "message");
        return;
      }
    }
    sendFrom(node, this.pid, to, message);
  }

  cast(to: unknown, request: unknown): void {
    if (this.life === "dead") this.#fence("cast");
    const { node } = this;
    const message = { type: "cast", request } as const;
    if (node.direct && node.isolation === undefined && ProcessId.is(to)) {
      const target = ProcessId.processOf(to as ProcessId<Process>);
      if (target !== undefined && target.node === node && !node.travelling) {
        deliver(target, message, this.pid, "message");
        return;
      }
    }
    castFrom(node, this.pid, to, message);
  }

  call(to: unknown, request: unknown, options?: CallOptions): Promise<Erased> {
    if (this.life !== "alive") return endedWait(this, "call");
    const target = resolveTarget(this.node, "call", to, this.pid);
    this.node.turn.ran(this);
    return call(this.node, this, target, to, request, options);
  }

  reply(from: Reference, value: unknown): void {
    if (this.life === "dead") this.#fence("reply");
    replyFrom(this.node, this.pid, from, value);
  }

  refuse(from: Reference, error: unknown): void {
    if (this.life === "dead") this.#fence("refuse");
    refuseFrom(this.node, this.pid, from, error);
  }

  get from(): Reference | undefined {
    const message = this.working as { type?: unknown; from?: Reference } | null | undefined;
    return typeof message === "object" && message?.type === "call" ? message.from : undefined;
  }

  workOn(message: unknown): void {
    this.#fenceIfDead("workOn");
    if (this.busy) this.working = message;
  }

  select(guard?: ErasedGuard): void {
    this.#fenceIfDead("select");
    if (guard !== undefined) checkFunction("select: guard", guard);
    this.selects = guard;
    // What it refused before may be welcome now.
    if (this.started) this.node.turn.ready(this);
  }

  unhandled(message: unknown): void {
    this.#fenceIfDead("unhandled");
    const { node } = this;
    node.undelivered(this.pid, message, senderOf(message) ?? node.nobody, "unhandled");
  }

  idleAfter(ms: number): void {
    this.#fenceIfDead("idleAfter");
    if (typeof ms !== "number" || !(ms >= 0)) {
      throw new InvalidArgumentError("idleAfter: ms", "a number of at least 0", ms);
    }
    if (typeof this.handler?.idle !== "function") {
      const expected = "called by a handler that has the function idle";
      throw new InvalidArgumentError("idleAfter", expected, this.handler);
    }
    endIdle(this);
    if (ms === Infinity || this.life !== "alive") return;
    if (ms === 0) {
      this.idle = "now";
      this.node.turn.ready(this);
    } else {
      const limit = new IdleLimit(this);
      this.idle = limit;
      this.node.timers.arm(limit, ms, this);
    }
  }

  initAck(ack: InitAck): boolean {
    this.#fenceIfDead("initAck");
    return acknowledge(this, ack);
  }

  spawnAndWait(
    options: StartOptions<Erased>,
    body: ErasedProgram,
    ...args: readonly unknown[]
  ): Promise<StartResult<Erased>> {
    if (this.life !== "alive") return endedWait(this, "spawnAndWait");
    checkStartOptions("spawnAndWait", options);
    this.node.turn.ran(this);
    return spawnAndWait(this.node, this, options, body, args);
  }

  async start(behaviour: ErasedStartable, ...args: readonly unknown[]): Promise<ErasedPid> {
    return (await start(this, {}, behaviour, args)).pid;
  }

  async startLink(behaviour: ErasedStartable, ...args: readonly unknown[]): Promise<ErasedPid> {
    return (await start(this, { link: true }, behaviour, args)).pid;
  }

  async startMonitor(
    map: SignalMap,
    behaviour: ErasedStartable,
    ...args: readonly unknown[]
  ): Promise<Erased> {
    checkFunction("startMonitor: map", map);
    return start(this, { monitor: map } as StartOptions<Erased>, behaviour, args);
  }

  async startOpt(
    options: Partial<StartMonitorOptions<Erased, Erased>>,
    behaviour: ErasedStartable,
    ...args: readonly unknown[]
  ): Promise<Erased> {
    checkStartOptions("startOpt", options);
    const started = await start(this, options, behaviour, args);
    return options.monitor === undefined ? started.pid : started;
  }

  spawn(body: ErasedProgram, ...args: readonly unknown[]): ErasedPid {
    this.#fenceIfDead("spawn");
    return spawn(this.node, this, {}, body, args).pid;
  }

  spawnLink(body: ErasedProgram, ...args: readonly unknown[]): ErasedPid {
    this.#fenceIfDead("spawnLink");
    return spawn(this.node, this, { link: true }, body, args).pid;
  }

  spawnMonitor(
    map: SignalMap,
    body: ErasedProgram,
    ...args: readonly unknown[]
  ): SpawnedAndMonitored {
    this.#fenceIfDead("spawnMonitor");
    checkFunction("spawnMonitor: map", map);
    return spawn(this.node, this, { monitor: map }, body, args) as SpawnedAndMonitored;
  }

  spawnOpt(
    options: Partial<SpawnMonitorOptions<Erased, Erased>>,
    body: ErasedProgram,
    ...args: readonly unknown[]
  ): Erased {
    this.#fenceIfDead("spawnOpt");
    checkSpawnOptions("spawnOpt", options);
    const spawned = spawn(this.node, this, options, body, args);
    return spawned.ref === undefined ? spawned.pid : spawned;
  }

  link(pid: AnyPid): void {
    this.#fenceIfDead("link");
    const wasAlive = this.life === "alive";
    link(this, checkPid("link: pid", pid));
    if (wasAlive) this.#leaveIfExiting();
  }

  unlink(pid: AnyPid, options: UnlinkOptions = {}): void {
    this.#fenceIfDead("unlink");
    const target = checkPid("unlink: pid", pid);
    checkKeys("unlink: options", options, ["flush"]);
    unlink(this, target);
    if (options.flush) flushExits(this, target);
  }

  monitor(
    target: AnyPid | AnyName | RemoteName<never>,
    map?: SignalMap,
    options: MonitorOptions = {},
  ): Reference {
    this.#fenceIfDead("monitor");
    if (map !== undefined) checkFunction("monitor: map", map);
    checkMonitorOptions("monitor: options", options);
    const pid = resolveTarget(this.node, "monitor", target, this.pid);
    return monitor(this, pid ?? this.node.nobody, target, map, options.alias);
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

  exit(reason: ExitReason): never;
  exit(pid: AnyPid, reason: ExitReason): void;
  exit(pidOrReason: ExitReason, ...rest: [] | [reason: ExitReason]): void {
    if (this.life === "dead") this.#fence("exit");
    if (rest.length === 0) {
      // OTP takes a pid for a reason like any other; here it is a forgotten second argument.
      if (ProcessId.is(pidOrReason)) {
        throw new InvalidArgumentError("exit: reason", "given beside the pid", undefined);
      }
      const reason = checkReason("exit: reason", pidOrReason);
      if (this.handler?.failed !== undefined && this.busy && this.life === "alive") {
        // The handler is told first, and may do for a while all it could before.
        if (this.leaving === "no") this.leaving = "asked";
        (this.extra ??= {}).leavingFor = { reason };
        throw new ExitSignal(this.pid, reason);
      }
      exitByItself(this, reason);
      throw this.exitSignal();
    }
    const pid = checkPid("exit: pid", pidOrReason);
    const reason = checkReason("exit: reason", rest[0]);
    const wasAlive = this.life === "alive";
    const signal: Signal = { type: "exit", from: this.pid, reason };
    // One that becomes a message comes after those that are on their way.
    const waits = this.trap !== undefined && reason !== "kill" && this.node.travelling;
    if (pid === this.pid && !waits) {
      settleOwn(this);
      arriveNow(this.node, pid, pid, signal);
    } else transmit(this.node, this.pid, pid, signal);
    if (wasAlive) this.#leaveIfExiting();
  }

  sleep(ms: number, options?: SleepOptions): Promise<void> {
    if (this.life !== "alive") return endedWait(this, "sleep");
    checkDelay("sleep: ms", ms);
    if (options !== undefined) {
      const signal = checkSignalOption("sleep", options);
      if (signal !== undefined) return sleepUnless(this, signal, ms);
    }
    return sleep(this, ms);
  }

  yield(): Promise<void> {
    if (this.life !== "alive") return endedWait(this, "yield");
    return giveWay(this);
  }

  own(resource: unknown, dispose?: unknown): unknown {
    const disposer = disposerOf(resource, dispose);
    if (this.life === "dead") {
      disposeAtOnce(this, disposer);
      this.#fence("own");
    }
    ((this.extra ??= {}).owned ??= []).push({ resource, dispose: disposer });
    return resource;
  }

  disown(resource: unknown): boolean {
    this.#fenceIfDead("disown");
    const owned = this.extra?.owned ?? [];
    const place = owned.findLastIndex((entry) => entry.resource === resource);
    if (place !== -1) owned.splice(place, 1);
    return place !== -1;
  }

  /** Undefined where the host has no AbortController, whatever the type says. */
  get signal(): ProcessSignal {
    const extra = (this.extra ??= {});
    if (extra.abort === undefined) {
      extra.abort = hostAbortController();
      if (this.life !== "alive") extra.abort?.abort(this.exitSignal());
    }
    return extra.abort?.signal as ProcessSignal;
  }

  report(report: Report): void {
    this.#fenceIfDead("report");
    this.node.reported(this.pid, checkReport(report));
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

  whereis(token: AnyName): ErasedPid | undefined {
    this.#fenceIfDead("whereis");
    return this.node.registry.find(checkName("whereis: name", token), this.pid)?.pid;
  }

  isAlive(pid: AnyPid): boolean {
    this.#fenceIfDead("isAlive");
    return isAlive(this.node, this.pid, checkPid("isAlive: pid", pid));
  }

  processInfo(pid: AnyPid): ProcessInfo | undefined {
    this.#fenceIfDead("processInfo");
    return processInfo(this.node, this.pid, checkPid("processInfo: pid", pid));
  }

  sendAfter(to: unknown, ms: number, message: unknown): Reference {
    this.#fenceIfDead("sendAfter");
    return startTimer(this.node, this, "sendAfter", to, ms, () => message);
  }

  startTimer(to: unknown, ms: number, message: unknown): Reference {
    this.#fenceIfDead("startTimer");
    const wrap = (timer: Reference): unknown => ({ type: "timeout", timer, message });
    return startTimer(this.node, this, "startTimer", to, ms, wrap);
  }

  sendInterval(to: unknown, ms: number, message: unknown): Reference {
    this.#fenceIfDead("sendInterval");
    return startTimer(this.node, this, "sendInterval", to, ms, () => message, ms);
  }

  cancelTimer(timer: Reference): number | false {
    this.#fenceIfDead("cancelTimer");
    return cancelTimer(this.node, timer);
  }

  readTimer(timer: Reference): number | false {
    this.#fenceIfDead("readTimer");
    return readTimer(this.node, timer);
  }

  now(): number {
    this.#fenceIfDead("now");
    this.node.access(this.pid, "clock", "", "read");
    return this.node.timeMs();
  }

  random(): number {
    this.#fenceIfDead("random");
    return this.node.random(this.pid);
  }

  #fenceIfDead(operation: string): void {
    if (this.life === "dead") this.#fence(operation);
  }

  #fence(operation: string): never {
    throw this.fenced(operation);
  }

  /** What it did has ended itself: its code must not go on. */
  #leaveIfExiting(): void {
    if (this.life !== "alive") throw this.exitSignal();
  }
}

/** Who a message says it is from, as calls and exits do. */
function senderOf(message: unknown): AnyPid | undefined {
  try {
    const { from } = Object(message) as { readonly from?: unknown };
    if (from instanceof Reference) return from.owner as AnyPid;
    return ProcessId.is(from) ? (from as AnyPid) : undefined;
  } catch {
    // A getter that throws, or a revoked proxy.
    return undefined;
  }
}
