/** A node as its users see it: the implementation of `Node`. */
import { checkSignalOption } from "./abort-signal.js";
import { call, type CallOptions } from "./call.js";
import { checkDelay, checkKeys, checkName, checkPid, checkReason } from "./check.js";
import type { Erased, ErasedPid, ErasedProgram, ErasedStartable } from "./erased.js";
import { InvalidArgumentError, NodeStoppedError } from "./errors.js";
import type { ExitReason } from "./exit-reason.js";
import { whenExited, type WhenExitedOptions } from "./exit-watch.js";
import type { AnyName } from "./name.js";
import type { Node, NodeCounts, StopOptions } from "./node.js";
import { ASYNC_DISPOSE } from "./own.js";
import type { AnyPid } from "./pid.js";
import { castFrom, refuseFrom, replyFrom, resolveTarget, sendFrom } from "./post.js";
import { checkHere, isAlive, processInfo, type ProcessInfo } from "./process-info.js";
import type { Reference } from "./reference.js";
import { Runtime } from "./runtime.js";
import type { SpawnOptions } from "./self.js";
import { transmit } from "./signal.js";
import { checkSpawnOptions, spawn } from "./spawn.js";
import {
  checkStartOptions,
  spawnAndWait,
  start,
  type StartOptions,
  type StartResult,
} from "./start.js";
import { stopNode } from "./stop.js";
import { cancelTimer, readTimer, startTimer } from "./timers.js";
import { OutsideSleep, type SleepOptions } from "./wait.js";

export class LocalNode extends Runtime implements Node {
  #stopping: Promise<{ readonly killed: readonly AnyPid[] }> | undefined;

  static {
    Object.defineProperty(this.prototype, ASYNC_DISPOSE, {
      value(this: LocalNode) {
        return this.stop();
      },
    });
  }

  spawn(body: ErasedProgram, ...args: readonly unknown[]): ErasedPid {
    this.#refuseWhileStopping();
    return spawn(this, undefined, {}, body, args).pid;
  }

  spawnOpt(
    options: SpawnOptions<Erased>,
    body: ErasedProgram,
    ...args: readonly unknown[]
  ): ErasedPid {
    this.#refuseWhileStopping();
    checkSpawnOptions("spawnOpt", options, false);
    return spawn(this, undefined, options, body, args).pid;
  }

  spawnAndWait(
    options: StartOptions<Erased>,
    body: ErasedProgram,
    ...args: readonly unknown[]
  ): Promise<StartResult<Erased>> {
    this.#refuseWhileStopping();
    checkStartOptions("spawnAndWait", options, false);
    return spawnAndWait(this, undefined, options, body, args);
  }

  async start(behaviour: ErasedStartable, ...args: readonly unknown[]): Promise<ErasedPid> {
    return (await start(this, {}, behaviour, args)).pid;
  }

  async startOpt(
    options: StartOptions<Erased>,
    behaviour: ErasedStartable,
    ...args: readonly unknown[]
  ): Promise<ErasedPid> {
    checkStartOptions("startOpt", options, false);
    return (await start(this, options, behaviour, args)).pid;
  }

  exit(pid: AnyPid, ...rest: [] | [reason: ExitReason]): void {
    const target = checkPid("exit: pid", pid);
    if (rest.length === 0) throw new InvalidArgumentError("exit: reason", "given", undefined);
    const reason = checkReason("exit: reason", rest[0]);
    transmit(this, this.pid, target, { type: "exit", from: this.pid, reason });
  }

  whenExited(pid: AnyPid, options: WhenExitedOptions = {}): Promise<ExitReason> {
    const target = checkPid("whenExited: pid", pid);
    return whenExited(this, target, checkSignalOption("whenExited", options));
  }

  processes(): AnyPid[] {
    this.accessAll();
    return [...this.eachProcess()].map((process) => process.pid);
  }

  get counts(): NodeCounts {
    this.accessAll();
    return {
      processes: this.processCount,
      timers: this.timers.size,
      undelivered: this.undeliveredCount,
      crashes: this.crashCount,
    };
  }

  isAlive(pid: AnyPid): boolean {
    return isAlive(this, this.pid, checkPid("isAlive: pid", pid));
  }

  processInfo(pid: AnyPid): ProcessInfo | undefined {
    return processInfo(this, this.pid, checkPid("processInfo: pid", pid));
  }

  mailboxOf(pid: AnyPid): readonly unknown[] {
    const owner = checkPid("mailboxOf: pid", pid);
    checkHere(this, "mailboxOf: pid", owner);
    this.access(this.pid, "mailbox", owner, "read");
    const process = this.processOf(owner);
    return process?.mailbox?.entries().map(([message]) => message) ?? [];
  }

  stop(options: StopOptions = {}): Promise<{ readonly killed: readonly AnyPid[] }> {
    checkKeys("stop: options", options, ["timeoutMs"]);
    const { timeoutMs = 5_000 } = options;
    if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
      const expected = "a number of at least 0";
      throw new InvalidArgumentError("stop: options.timeoutMs", expected, timeoutMs);
    }
    this.stopping = true;
    if (this.#stopping === undefined) {
      // Known before it begins: a subscriber that hears of it may ask for it again.
      let settle!: (stopped: Promise<{ readonly killed: readonly AnyPid[] }>) => void;
      this.#stopping = new Promise((resolve) => (settle = resolve));
      settle(stopNode(this, timeoutMs));
    }
    return this.#stopping;
  }

  send(to: unknown, message: unknown): void {
    sendFrom(this, this.pid, to, message);
  }

  call(to: unknown, request: unknown, options?: CallOptions): Promise<Erased> {
    return call(this, undefined, resolveTarget(this, "call", to, this.pid), to, request, options);
  }

  cast(to: unknown, request: unknown): void {
    castFrom(this, this.pid, to, { type: "cast", request });
  }

  refuse(from: Reference, error: unknown): void {
    refuseFrom(this, this.pid, from, error);
  }

  reply(from: Reference, value: unknown): void {
    replyFrom(this, this.pid, from, value);
  }

  register(token: AnyName, pid: AnyPid): void {
    const name = checkName("register: name", token);
    this.registry.register(name, checkPid("register: pid", pid), this.pid);
  }

  unregister(token: AnyName): void {
    this.registry.unregister(checkName("unregister: name", token), this.pid);
  }

  whereis(token: AnyName): ErasedPid | undefined {
    return this.registry.find(checkName("whereis: name", token), this.pid)?.pid;
  }

  registered(): string[] {
    this.accessAll();
    return this.registry.names();
  }

  now(): number {
    this.access(this.pid, "clock", "", "read");
    return this.timeMs();
  }

  sendAfter(to: unknown, ms: number, message: unknown): Reference {
    return startTimer(this, undefined, "sendAfter", to, ms, () => message);
  }

  async sleep(ms: number, options: SleepOptions = {}): Promise<void> {
    checkDelay("sleep: ms", ms);
    const signal = checkSignalOption("sleep", options);
    if (signal?.aborted) throw signal.reason;
    if (ms === 0) {
      // As `receive after 0`: not a timer.
      await new Promise((resolve) => this.turn.resume(undefined, resolve, undefined));
      return;
    }
    let wake: (() => void) | undefined;
    const slept = new Promise<unknown>((resolve) => {
      const sleep = new OutsideSleep(this, resolve);
      this.timers.arm(sleep, ms, undefined);
      wake = () => {
        this.timers.disarm(sleep);
        resolve(undefined);
      };
    });
    if (signal !== undefined) signal.addEventListener("abort", wake as () => void);
    await slept;
    if (signal === undefined) return;
    signal.removeEventListener("abort", wake as () => void);
    if (signal.aborted) throw signal.reason;
  }

  startTimer(to: unknown, ms: number, message: unknown): Reference {
    const wrap = (timer: Reference): unknown => ({ type: "timeout", timer, message });
    return startTimer(this, undefined, "startTimer", to, ms, wrap);
  }

  sendInterval(to: unknown, ms: number, message: unknown): Reference {
    return startTimer(this, undefined, "sendInterval", to, ms, () => message, ms);
  }

  cancelTimer(ref: Reference): number | false {
    return cancelTimer(this, ref);
  }

  readTimer(ref: Reference): number | false {
    return readTimer(this, ref);
  }

  /** Processes may still spawn helpers to end in order; code outside may not start anything new. */
  #refuseWhileStopping(): void {
    if (this.stopping) throw new NodeStoppedError(this.name);
  }
}
