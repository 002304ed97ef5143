/**
 * The process of a supervisor: what to do is decided in `decision.ts`; here it is done.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import {
  InvalidArgumentError,
  isPid,
  type AnyPid,
  type ExitReason,
  type From,
  type ReplyOf,
  type StartResult,
  type TimerRef,
} from "@coppice/core";
import { chooseDelay } from "./backoff.js";
import type { BehaviourSelf, StateChange } from "./behaviour.js";
import {
  childInfo,
  childSpecInfo,
  countChildren,
  type ChildInfo,
  type SupervisorView,
} from "./child-info.js";
import type { CheckedChildSpec } from "./child-spec.js";
import type { ChildState } from "./child-state.js";
import { changedState } from "./code-change.js";
import { decide } from "./decision.js";
import { InvalidChildSpecError } from "./errors.js";
import { fieldsOf, glance } from "./glance.js";
import { restartHistory, restartTimes } from "./restart-intensity.js";
import { SupervisorBase, type ReportTo } from "./supervisor-base.js";
import type { SupervisorAction, SupervisorEvent } from "./supervisor-event.js";
import { typeOf, type SupervisorMessage, type SupervisorSignal } from "./supervisor-message.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";
import { initialState, type SupervisorState } from "./supervisor-state.js";

type Request = SupervisorMessage["request"];
type ActionOf<T extends SupervisorAction["type"]> = Extract<SupervisorAction, { readonly type: T }>;
/** The next event, when an action has an outcome. */
type Outcome = Promise<SupervisorEvent> | SupervisorEvent | undefined;

/** What `sys.getState` tells of a supervisor. */
export interface SupervisorSysState extends Pick<
  SupervisorState,
  "strategy" | "limit" | "autoShutdown"
> {
  /** Times of the restarts that still count, newest first, in ms of the node's clock. */
  readonly restarts: readonly number[];
  /** In start order. */
  readonly children: readonly ChildInfo[];
}

/** What a supervisor starts with; asked at each start. */
export interface SupervisorCode {
  specFor(self: BehaviourSelf, args: readonly unknown[]): CheckedSupervisorSpec | "ignore";
}

export class SupervisorProcess extends SupervisorBase {
  #code: SupervisorCode;
  readonly #args: readonly unknown[];
  #state!: SupervisorState;
  /** Who made the request that is being carried out, or the last one. */
  #requester: From<never> | undefined;
  /** Restarts that a backoff delays, by generation. */
  readonly #timers = new Map<number, TimerRef>();
  #phase: "booting" | "running" | "ending" = "booting";

  constructor(
    self: BehaviourSelf,
    parent: AnyPid | undefined,
    reportTo: ReportTo,
    code: SupervisorCode,
    args: readonly unknown[],
  ) {
    super(self, parent, reportTo);
    this.#code = code;
    this.#args = args;
  }

  /** Starts all children. */
  begin(): Promise<this> | this {
    let spec: CheckedSupervisorSpec | "ignore";
    try {
      spec = this.#code.specFor(this.self, this.#args);
    } catch (error) {
      throw this.initThrew(error);
    }
    if (spec === "ignore") return this.ignoreStart();
    this.#state = initialState(spec);
    return this.#on({ type: "boot" })?.then(() => this) ?? this;
  }

  /** In start order. */
  protected get children(): readonly ChildState[] {
    return this.#state.children.list;
  }

  protected override understands(request: unknown): boolean {
    const { id } = Object(request) as { readonly id?: unknown };
    switch (typeOf(request) as Request["type"]) {
      case "restartChild":
      case "terminateChild":
      case "deleteChild":
      case "getChildSpec":
        return id !== undefined;
      case "startChild":
      case "whichChildren":
      case "countChildren":
      case "view":
        return true;
      default:
        return false;
    }
  }

  protected override answer(request: Request, from: From<never>): Promise<void> | undefined {
    const { children } = this.#state;
    switch (request.type) {
      case "startChild": {
        const spec: unknown = fieldsOf(glance(() => request.spec.value));
        if (!isCheckedSpec(spec)) return this.#refuseSpec(request, from);
        this.#requester = from;
        return this.#on({ type: "request", request: { type: "startChild", spec } });
      }
      case "restartChild":
      case "terminateChild":
      case "deleteChild":
        this.#requester = from;
        return this.#on({ type: "request", request });
      case "whichChildren":
        return this.#reply<"whichChildren">(from, children.list.map(this.#infoOf));
      case "countChildren": {
        // One of another node is there as long as its link says nothing else.
        const isAlive = (pid: AnyPid): boolean =>
          pid.node !== this.self.pid.node || this.self.isAlive(pid);
        return this.#reply<"countChildren">(from, countChildren(children.list, isAlive));
      }
      case "getChildSpec": {
        const child = children.find(request.id);
        return this.#reply<"getChildSpec">(from, child && childSpecInfo(child.spec));
      }
      case "view":
        return this.#reply<"view">(from, this.view());
      default:
        return request satisfies never;
    }
  }

  /** Somebody took it for a dynamic supervisor, or sent a spec that nobody has checked. */
  #refuseSpec(request: object, from: From<never>): undefined {
    const expected = "a child spec, such as child() makes";
    const { args } = request as { readonly args?: unknown };
    this.self.refuse(
      from,
      new InvalidChildSpecError("child", expected, args ?? request, "invalid_child_spec"),
    );
    return undefined;
  }

  #reply<T extends Request["type"]>(
    from: From<never>,
    value: ReplyOf<SupervisorMessage, Extract<Request, { readonly type: T }>>,
  ): undefined {
    return this.reply(from, value);
  }

  protected override signalled(message: SupervisorSignal): Promise<void> | undefined {
    const nowMs = this.self.now();
    if (message.type === "exit") {
      const { from: pid, reason } = message;
      return isPid(pid) ? this.#on({ type: "exited", pid, reason, nowMs }) : undefined;
    }
    const { generation } = message;
    this.#timers.delete(generation);
    return this.#on({ type: "restartDue", generation, nowMs });
  }

  protected override terminate(reason: ExitReason): Promise<void> | undefined {
    this.#phase = "ending";
    return this.#on({ type: "terminate", reason });
  }

  readonly #infoOf = (child: ChildState): ChildInfo => {
    const timer = child.wait && this.#timers.get(child.wait.generation);
    const leftMs = timer === undefined ? false : this.self.readTimer(timer);
    return childInfo(child, leftMs === false ? undefined : leftMs);
  };

  protected override view(): SupervisorView {
    const { strategy, children, activity } = this.#state;
    const restarting = new Set(
      activity.type === "restarting" || activity.type === "delaying" ? activity.ids : [],
    );
    const viewOf = (child: ChildState): ChildInfo => {
      const info = this.#infoOf(child);
      const waits = info.status === "stopped" && restarting.has(info.id);
      return waits ? { ...info, status: "restarting" } : info;
    };
    return { strategy, ...this.waiting(), children: children.list.map(viewOf) };
  }

  protected override getState(): SupervisorSysState {
    const { strategy, limit, autoShutdown, restarts, children } = this.#state;
    return {
      strategy,
      limit,
      autoShutdown,
      restarts: restartTimes(restarts),
      children: children.list.map(this.#infoOf),
    };
  }

  protected override describeState(): SupervisorSysState {
    return this.getState();
  }

  /** All but the children can be replaced. */
  protected override replaceState(replace: StateChange): SupervisorSysState {
    const before = this.getState();
    const after = replace(before) as SupervisorSysState;
    if (!isPlainObject(after) || after.children !== before.children) {
      const expected = "the state as it is, with another strategy, limit, autoShutdown or restarts";
      throw new InvalidArgumentError("replaceState: the new state", expected, after);
    }
    const { strategy, limit, autoShutdown, restarts } = after;
    const history = restartHistory(restarts);
    this.#state = { ...this.#state, strategy, limit, autoShutdown, restarts: history };
    return this.getState();
  }

  protected override changeCode(behaviour: unknown): undefined {
    if (!(behaviour instanceof this.#code.constructor)) {
      const expected = "a supervisor that was defined in the same way";
      throw new InvalidArgumentError("changeCode: behaviour", expected, behaviour);
    }
    const code = behaviour as object as SupervisorCode;
    const spec = code.specFor(this.self, this.#args);
    this.#code = code;
    if (spec !== "ignore") this.#state = changedState(this.#state, spec);
    return undefined;
  }

  /** Decides, acts, and goes on with the outcome of what took time. */
  #on(event: SupervisorEvent): Promise<void> | undefined {
    for (let next: SupervisorEvent | undefined = event; next !== undefined;) {
      const outcome: Outcome = this.#step(next);
      if (outcome instanceof Promise) return outcome.then((happened) => this.#on(happened));
      next = outcome;
    }
    return undefined;
  }

  #step(event: SupervisorEvent): Outcome {
    const { state, actions } = decide(this.#state, event);
    this.#state = state;
    let outcome: Outcome;
    for (const action of actions) outcome = this.#carryOut(action);
    return outcome;
  }

  #carryOut(action: SupervisorAction): Outcome {
    switch (action.type) {
      case "start":
        return this.#start(action.children, 0, []);
      case "stop":
        return this.#stop(action.children);
      case "acknowledge":
        this.#phase = "running";
        this.begun();
        return undefined;
      case "restartLater":
        return this.#restartLater(action);
      case "cancelRestart":
        this.#callOff(action.generation);
        return undefined;
      case "reply":
        return this.reply(this.#requester as From<never>, action.result);
      case "report":
        this.report(action.report);
        return undefined;
      case "exit":
        if (this.#phase === "booting") return this.initFailed(action.reason);
        // In the middle of its end it ends by itself.
        return this.#phase === "ending" ? undefined : this.self.exit(action.reason);
      default:
        return action satisfies never;
    }
  }

  #restartLater({ generation, delay, replaces }: ActionOf<"restartLater">): undefined {
    const { self } = this;
    const due: SupervisorSignal = { type: "restartDue", generation };
    if (delay === undefined) {
      self.send(self.pid, due);
      return undefined;
    }
    const isSure = delay.minMs === delay.maxMs;
    const ownMs = isSure ? delay.maxMs : chooseDelay(delay, self.random());
    const leftMs = replaces.map((replaced) => this.#callOff(replaced));
    const timer = self.sendAfter(self.pid, Math.max(ownMs, ...leftMs), due);
    this.#timers.set(generation, timer);
    return undefined;
  }

  /** Returns how long the restart would have waited yet. */
  #callOff(generation: number): number {
    const timer = this.#timers.get(generation);
    this.#timers.delete(generation);
    return (timer !== undefined && this.self.cancelTimer(timer)) || 0;
  }

  #start(
    children: ActionOf<"start">["children"],
    first: number,
    results: readonly { readonly id: string; readonly result: StartResult }[],
  ): Promise<SupervisorEvent> | SupervisorEvent {
    const done = [...results];
    const heard = (id: string, result: StartResult): void => {
      done.push({ id, result });
      if (typeof result === "object" && "pid" in result) {
        this.#step({ type: "childStarted", id, pid: result.pid });
      }
    };
    for (let at = first; at < children.length; at++) {
      const { spec, incarnation } = children[at] as (typeof children)[number];
      const { id } = spec;
      const result = this.startOne(spec, incarnation);
      if (result instanceof Promise) {
        return result.then((settled) => {
          heard(id, settled);
          return this.#start(children, isFailure(settled) ? children.length : at + 1, done);
        });
      }
      heard(id, result);
      if (isFailure(result)) break;
    }
    return { type: "started", results: done, nowMs: this.self.now() };
  }

  async #stop(children: ActionOf<"stop">["children"]): Promise<SupervisorEvent> {
    const exits: { id: string; reason: ExitReason }[] = [];
    for (const { id, pid, shutdown } of children) {
      const reason = await this.stopOne(id, pid, shutdown);
      exits.push({ id, reason });
      this.#step({ type: "childStopped", id, reason });
    }
    return { type: "stopped", exits };
  }
}

function isFailure(result: StartResult): boolean {
  return typeof result === "object" && "error" in result;
}

function isCheckedSpec(value: unknown): value is CheckedChildSpec {
  return isPlainObject(value) && "program" in value && typeof value.id === "string";
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
