/**
 * The process of a dynamic supervisor: what to do about a child is decided in `dynamic-decision.ts`;
 * here it is done.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html (simple_one_for_one)
 */
import {
  InvalidArgumentError,
  isOrderly,
  isPid,
  type AnyPid,
  type ExitReason,
  type From,
  type StartResult,
} from "@coppice/core";
import { chooseDelay } from "./backoff.js";
import type { BehaviourSelf, StateChange } from "./behaviour.js";
import { childSpecInfo, type ChildInfo, type SupervisorView } from "./child-info.js";
import { isExpected, resultOf } from "./decision-steps.js";
import { countDynamicChildren, dynamicChildInfos } from "./dynamic-child-info.js";
import { DynamicChildren, type DynamicChild } from "./dynamic-child.js";
import {
  afterEnd,
  afterFailure,
  type DynamicDecision,
  type DynamicFailure,
  type DynamicState,
} from "./dynamic-decision.js";
import { isDynamicRequest, type DynamicRequest } from "./dynamic-request.js";
import type { CheckedDynamicSupervisorSpec } from "./dynamic-supervisor-spec.js";
import {
  NO_RESTARTS,
  restartHistory,
  restartTimes,
  type RestartHistory,
} from "./restart-intensity.js";
import { shutDownAll } from "./shutdown-all.js";
import { SupervisorBase, type ReportTo } from "./supervisor-base.js";
import type { SupervisorSignal } from "./supervisor-message.js";
import { UnexpectedEnds } from "./unexpected-ends.js";

/** What `sys.getState` tells of a dynamic supervisor. */
export interface DynamicSupervisorSysState extends Omit<CheckedDynamicSupervisorSpec, "template"> {
  /** Times of the restarts that still count, newest first, in ms of the node's clock. */
  readonly restarts: readonly number[];
  readonly children: readonly ChildInfo[];
}

/** What a dynamic supervisor starts with; asked at each start. */
interface Code {
  init(...args: readonly unknown[]): CheckedDynamicSupervisorSpec | "ignore";
}

export class DynamicSupervisorProcess extends SupervisorBase {
  #code: Code;
  readonly #args: readonly unknown[];
  #spec!: CheckedDynamicSupervisorSpec;
  #history: RestartHistory = NO_RESTARTS;
  readonly #children = new DynamicChildren();

  constructor(
    self: BehaviourSelf,
    parent: AnyPid | undefined,
    reportTo: ReportTo,
    code: Code,
    args: readonly unknown[],
  ) {
    super(self, parent, reportTo);
    this.#code = code;
    this.#args = args;
  }

  begin(): this {
    let spec: CheckedDynamicSupervisorSpec | "ignore";
    try {
      spec = this.#code.init(...this.#args);
    } catch (error) {
      throw this.initThrew(error);
    }
    if (spec === "ignore") return this.ignoreStart();
    this.#spec = spec;
    return this.begun();
  }

  // ── requests ──────────────────────────────────────────────────────────────────────────────────

  protected override understands(request: unknown): boolean {
    return isDynamicRequest(request);
  }

  protected override answer(request: DynamicRequest, from: From<never>): Promise<void> | undefined {
    switch (request.type) {
      case "startChild":
        return this.#startChild(request.args, from);
      case "terminateChild":
        if (request.pid === undefined) return this.#refuseById(from);
        return this.#terminateChild(request.pid, from);
      case "restartChild":
      case "deleteChild":
        return this.#refuseById(from);
      case "getChildSpec": {
        const { template } = this.#spec;
        const isKnown =
          request.pid === undefined ? request.id === template.id : this.#isOrWas(request.pid);
        return this.reply(from, isKnown ? childSpecInfo(template) : undefined);
      }
      case "whichChildren":
        return this.reply(from, this.#infos());
      case "countChildren":
        return this.reply(from, countDynamicChildren(this.#children, this.#spec.template));
      case "view":
        return this.reply(from, this.view());
      default:
        return request satisfies never;
    }
  }

  #refuseById(from: From<never>): undefined {
    return this.reply(from, { ok: false, error: "simple_one_for_one" });
  }

  /** As in OTP: of a dead process it is not known any more whose child it was. */
  #isOrWas(pid: AnyPid): boolean {
    if (this.#children.find(pid) !== undefined) return true;
    return pid.node !== this.self.pid.node || !this.self.isAlive(pid);
  }

  #startChild(args: readonly unknown[], from: From<never>): Promise<void> | undefined {
    if (this.#children.living >= this.#spec.maxChildren) {
      return this.reply(from, { ok: false, error: "max_children" });
    }
    const result = this.#start(args);
    const done = (settled: StartResult): undefined => {
      const pid = this.#startedAs(settled);
      if (pid !== undefined) this.#add(pid, args);
      return this.reply(from, resultOf(settled));
    };
    return result instanceof Promise ? result.then(done) : done(result);
  }

  #add(pid: AnyPid, args: readonly unknown[]): void {
    const child: DynamicChild = {
      // Nobody starts a temporary child again.
      args: this.#spec.template.restart === "temporary" ? [] : args,
      pid,
      incarnation: 1,
      restarts: 0,
      failures: 0,
      startedAtMs: this.self.now(),
      lastExit: undefined,
      wait: undefined,
    };
    this.#children.add(child);
    this.#reportStart(child);
  }

  #terminateChild(pid: AnyPid, from: From<never>): Promise<void> | undefined {
    const child = this.#children.find(pid);
    if (child === undefined) {
      const result = this.#isOrWas(pid) ? { ok: true } : { ok: false, error: "not_found" };
      return this.reply(from, result);
    }
    if (child.wait !== undefined) {
      this.#callOff(child);
      this.#children.remove(child);
      return this.reply(from, { ok: true });
    }
    const { id, shutdown } = this.#spec.template;
    return this.stopOne(id, pid, shutdown).then((reason) => {
      this.#children.remove(child);
      if (!isExpected(reason, this.#spec.template)) {
        this.report({ type: "shutdownFailed", id, pid, reason });
      }
      this.reply(from, { ok: true });
    });
  }

  // ── ends and restarts ─────────────────────────────────────────────────────────────────────────

  protected override signalled(message: SupervisorSignal): Promise<void> | undefined {
    if (message.type === "exit") {
      const child = isPid(message.from) ? this.#children.find(message.from) : undefined;
      // One that was stopped, whose start failed, or a stranger that linked itself; or it has ended before.
      if (child === undefined || child.wait !== undefined) return undefined;
      return this.#exited(child, message.reason);
    }
    const child = this.#children.waitingFor(message.generation);
    if (child === undefined) return undefined;
    const isDelayed = child.wait?.timer !== undefined;
    this.#children.stopWaiting(child);
    // The delay was given when it failed, and counted then.
    if (isDelayed) return this.#restart(child);
    const decision = afterFailure(this.#state(), this.#spec.template, this.#failureOf(child));
    return this.#follow(child, decision);
  }

  #exited(child: DynamicChild, reason: ExitReason): Promise<void> | undefined {
    const { template } = this.#spec;
    const { startedAtMs } = child;
    const failure = { ...this.#failureOf(child), startedAtMs };
    const decision = afterEnd(this.#state(), template, failure, reason);
    const { consequence } = decision;
    child.lastExit = reason;
    const isFailure = consequence.type !== "none" && consequence.type !== "autoShutdown";
    if (isFailure || !isOrderly(reason)) {
      const { id } = template;
      this.report({ type: "childTerminated", id, pid: child.pid, reason, consequence });
    }
    return this.#follow(child, decision);
  }

  /** Does what was decided about a child that is not running. */
  #follow(child: DynamicChild, decision: DynamicDecision): Promise<void> | undefined {
    const { consequence, history, failures } = decision;
    this.#history = history;
    child.failures = failures;
    switch (consequence.type) {
      case "restart":
        return this.#restart(child);
      case "restartLater": {
        const delayMs = chooseDelay(consequence, this.#random(consequence));
        this.#wait(child, delayMs);
        return undefined;
      }
      case "giveUp": {
        const { template, limit } = this.#spec;
        this.#children.remove(child);
        this.report({ type: "intensityExceeded", id: template.id, ...limit });
        return this.self.exit("shutdown");
      }
      case "autoShutdown":
        this.#children.remove(child);
        return this.self.exit("shutdown");
      case "none":
      case "startFails":
        this.#children.remove(child);
        return undefined;
      default:
        return consequence satisfies never;
    }
  }

  #restart(child: DynamicChild): Promise<void> | undefined {
    child.incarnation++;
    const result = this.#start(child.args);
    const done = (settled: StartResult): Promise<void> | undefined =>
      this.#restarted(child, settled);
    return result instanceof Promise ? result.then(done) : done(result);
  }

  #restarted(child: DynamicChild, result: StartResult): Promise<void> | undefined {
    const { template } = this.#spec;
    if (typeof result !== "object" || !("error" in result)) {
      if (result === "ignore") {
        this.#children.remove(child);
        this.#children.ignored = child;
        return undefined;
      }
      child.restarts++;
      child.startedAtMs = this.self.now();
      this.#children.replace(child, result.pid);
      this.#reportStart(child);
      return undefined;
    }
    const { id, backoff } = template;
    const reason = result.error;
    if (backoff === undefined) {
      // As in OTP later, so that what has happened meanwhile goes first: the order to end, for one.
      this.#wait(child, undefined);
      this.report({ type: "startFailed", id, reason, consequence: { type: "restart" } });
      return undefined;
    }
    const decision = afterFailure(this.#state(), template, this.#failureOf(child));
    this.report({ type: "startFailed", id, reason, consequence: decision.consequence });
    return this.#follow(child, decision);
  }

  #wait(child: DynamicChild, delayMs: number | undefined): void {
    const { self } = this;
    const generation = this.#children.nextGeneration();
    const due: SupervisorSignal = { type: "restartDue", generation };
    if (delayMs === undefined) {
      self.send(self.pid, due);
      this.#children.wait(child, { generation, timer: undefined });
    } else {
      const timer = self.sendAfter(self.pid, delayMs, due);
      this.#children.wait(child, { generation, timer });
    }
  }

  #callOff(child: DynamicChild): void {
    if (child.wait?.timer !== undefined) this.self.cancelTimer(child.wait.timer);
    this.#children.stopWaiting(child);
  }

  #random({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }): number {
    return minMs === maxMs ? 0 : this.self.random();
  }

  #failureOf({ failures }: DynamicChild): DynamicFailure {
    return { failures, startedAtMs: undefined, nowMs: this.self.now() };
  }

  #state(): DynamicState {
    const { limit, autoShutdown } = this.#spec;
    const others = this.#children.size - 1;
    return { limit, autoShutdown, history: this.#history, others };
  }

  #start(args: readonly unknown[]): StartResult | Promise<StartResult> {
    const { template } = this.#spec;
    return this.startOne({ ...template, args: [...template.args, ...args] }, undefined);
  }

  /** The pid of a child that has started; a start that failed is reported. */
  #startedAs(result: StartResult): AnyPid | undefined {
    if (result === "ignore") return undefined;
    if (!("error" in result)) return result.pid;
    const { id } = this.#spec.template;
    const reason = result.error;
    this.report({ type: "startFailed", id, reason, consequence: { type: "none" } });
    return undefined;
  }

  #reportStart({ pid, incarnation, restarts }: DynamicChild): void {
    const { id } = this.#spec.template;
    this.report({ type: "childStarted", id, pid, incarnation, restarts });
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────

  /** All children are stopped at once. */
  protected override terminate(): Promise<void> | undefined {
    const { id, shutdown } = this.#spec.template;
    for (const child of [...this.#children]) {
      if (child.wait !== undefined) this.#children.remove(child);
    }
    if (this.#children.living === 0) return undefined;
    const pids = [...this.#children].map(({ pid }) => pid);
    const unexpected = new UnexpectedEnds(this.#spec.template);
    const killInMs = typeof shutdown === "number" ? shutdown : undefined;
    const ended = (pid: AnyPid, reason: ExitReason): void => {
      const child = this.#children.find(pid);
      if (child !== undefined) this.#children.remove(child);
      unexpected.record(pid, reason);
    };
    return this.during("stopping", id, killInMs, () =>
      shutDownAll(this.self, pids, shutdown, this.meanwhile, ended),
    ).then(() => {
      for (const report of unexpected.reports()) this.report(report);
    });
  }

  // ── what it tells of itself ───────────────────────────────────────────────────────────────────

  #infos(): readonly ChildInfo[] {
    return dynamicChildInfos(this.#children, this.#spec.template, (timer) =>
      this.self.readTimer(timer),
    );
  }

  protected override view(): SupervisorView {
    return { strategy: "simple_one_for_one", ...this.waiting(), children: this.#infos() };
  }

  protected override getState(): DynamicSupervisorSysState {
    const { limit, autoShutdown, maxChildren } = this.#spec;
    const restarts = restartTimes(this.#history);
    return { limit, autoShutdown, maxChildren, restarts, children: this.#infos() };
  }

  protected override describeState(): DynamicSupervisorSysState {
    return this.getState();
  }

  /** All but the children can be replaced. */
  protected override replaceState(replace: StateChange): DynamicSupervisorSysState {
    const before = this.getState();
    const after = replace(before) as DynamicSupervisorSysState;
    if (typeof after !== "object" || after === null || after.children !== before.children) {
      const expected =
        "the state as it is, with another limit, autoShutdown, maxChildren or restarts";
      throw new InvalidArgumentError("replaceState: the new state", expected, after);
    }
    const { limit, autoShutdown, maxChildren, restarts } = after;
    this.#spec = { ...this.#spec, limit, autoShutdown, maxChildren };
    this.#history = restartHistory(restarts);
    return this.getState();
  }

  /** The new template is that of all starts from now on; children that run go on. */
  protected override changeCode(behaviour: unknown): undefined {
    if (!(behaviour instanceof this.#code.constructor)) {
      const expected = "a supervisor that defineDynamicSupervisor made";
      throw new InvalidArgumentError("changeCode: behaviour", expected, behaviour);
    }
    const code = behaviour as object as Code;
    const spec = code.init(...this.#args);
    this.#code = code;
    if (spec !== "ignore") this.#spec = spec;
    return undefined;
  }
}
