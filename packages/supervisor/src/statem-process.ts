/** The process of a state machine: carries out what the engine decides, and calls back for it. */
import {
  InvalidArgumentError,
  isRef,
  type AnyPid,
  type ExitReason,
  type From,
  type TimerRef,
} from "@coppice/core";
import { BehaviourProcess, type BehaviourSelf, type StateChange } from "./behaviour.js";
import { isThenable, settled, whenSettled, type MaybePromise } from "./maybe-promise.js";
import { InvalidStateResultError, UnhandledEventError, UnknownRequestError } from "./errors.js";
import type { StateMachineStatus } from "./state-machine.js";
import {
  begin,
  callbackReturned,
  eventReceived,
  timerFired,
  type Decision,
  type Effect,
  type Machine,
} from "./statem-engine.js";
import type { EnterCall, StateMachineEvent } from "./statem-event.js";
import { StateMachineCode } from "./statem-code.js";
import { expectationOf, stateExpectation } from "./statem-expectation.js";
import { eventsIn } from "./statem-queue.js";
import { isInitResult, type BadResult } from "./statem-result.js";
import { invoke, StateTable, type StateCallback } from "./statem-table.js";
import { listTimeouts } from "./statem-timeouts.js";
import { StateMachineTimers } from "./statem-timers.js";

/** How many callbacks one message may lead to before others get a turn. */
const MAX_CALLBACKS = 64;

export class StateMachineProcess extends BehaviourProcess {
  override readonly kind = "gen_statem";
  #code: StateMachineCode;
  #machine!: Machine;
  readonly #timers: StateMachineTimers;
  /** What is being worked on: a message, or an event that was none. */
  #handling: unknown;
  /** How many callbacks the message at hand has led to. */
  #callbacks = 0;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, code: StateMachineCode) {
    super(self, parent);
    this.#code = code;
    this.#timers = new StateMachineTimers(self);
  }

  begin(args: readonly unknown[]): MaybePromise<this> {
    let result: unknown;
    try {
      result = this.#code.callbacks.init(...args, this.self);
    } catch (error) {
      throw this.initThrew(error);
    }
    if (!isThenable(result)) return this.#initialised(result);
    return settled(result).then(
      (first) => this.#initialised(first),
      (error) => {
        throw this.initThrew(error);
      },
    );
  }

  #initialised(result: unknown): this {
    if (typeof result === "object" && result !== null && Object.keys(result).length === 1) {
      const { stop, ignore } = result as { stop?: unknown; ignore?: unknown };
      if (stop !== undefined) return this.initFailed(stop as ExitReason);
      if (ignore === true) return this.ignoreStart();
    }
    if (!isInitResult(result) || !this.#code.hasState(result.state)) {
      const bad: BadResult = { kind: "bad_return_from_init", received: result };
      throw this.initThrew(this.#errorOf(bad, undefined));
    }
    const { state, data, ...actions } = result;
    const { enterCalls, table } = this.#code;
    const decision = begin({ state, data, enterCalls, states: table?.names, actions });
    this.#machine = decision.machine;
    if (decision.next.type !== "receive" || decision.effects.length > 0) {
      this.before(() => this.#follow(decision));
    }
    return this.begun();
  }

  protected override message(message: unknown): MaybePromise<void> | undefined {
    const event = this.#eventOf(message);
    if (event === undefined) return undefined;
    const decision =
      event.type === "fired"
        ? timerFired(this.#machine, event.timer)
        : eventReceived(this.#machine, event);
    // Without a decision it was cancelled; that cannot be, as then its number is unknown.
    return decision === undefined ? undefined : this.#follow(decision, message);
  }

  /** What a message is to the machine; `undefined` for the end of a timer that was cancelled. */
  #eventOf(
    message: unknown,
  ): StateMachineEvent | { readonly type: "fired"; readonly timer: number } | undefined {
    if (typeof message === "object" && message !== null) {
      const { type, from, timer: ref } = message as Partial<Record<string, unknown>>;
      // Calls and casts are events as they are.
      if (type === "call" && isRef(from)) return message as StateMachineEvent;
      if (type === "cast" && "request" in message) return message as StateMachineEvent;
      if (type === "timeout" && isRef(ref)) {
        const fired = this.#timers.fired(ref as TimerRef);
        if (fired === "cancelled") return undefined;
        if (fired !== undefined) return { type: "fired", timer: fired };
      }
    }
    return { type: "info", message };
  }

  /** Does what the engine has decided, and what it decides after that, until it waits for a message. */
  #follow(decision: Decision, message?: unknown): MaybePromise<void> | undefined {
    this.#handling = message;
    this.#callbacks = 0;
    const pending = this.#advance(decision, false);
    return pending === undefined ? undefined : this.#followLater(pending);
  }

  async #followLater(first: PromiseLike<unknown>): Promise<void> {
    let pending: PromiseLike<unknown> | undefined = first;
    while (pending !== undefined) {
      const returned: unknown = await pending;
      pending = this.#advance(callbackReturned(this.#machine, returned), true);
    }
  }

  /**
   * Goes on until nothing is left to do, or a callback has returned a promise, which it returns.
   *
   * @param afterCallback whether the decision follows from what a callback has returned
   */
  #advance(first: Decision, afterCallback: boolean): PromiseLike<unknown> | undefined {
    let decision = first;
    let hasReturned = afterCallback;
    for (;;) {
      const { machine, effects, next } = decision;
      this.#machine = machine;
      for (const effect of effects) this.#carryOut(effect);
      if (this.instruments !== undefined && hasReturned) this.#tell(machine);
      switch (next.type) {
        case "receive":
          return undefined;
        case "stop":
          return this.self.exit(next.reason);
        case "fail":
          throw this.#errorOf(next.bad, machine.state);
        case "callback": {
          if (++this.#callbacks % MAX_CALLBACKS === 0) {
            return this.#callBackLater(next.event, next.state, next.data);
          }
          const returned = this.#callBack(next.event, next.state, next.data);
          if (isThenable(returned)) return returned;
          decision = callbackReturned(machine, returned);
          hasReturned = true;
          break;
        }
        default:
          return next satisfies never;
      }
    }
  }

  /** A callback that has to wait until others had a turn. */
  async #callBackLater(
    event: StateMachineEvent | EnterCall<unknown>,
    state: unknown,
    data: unknown,
  ): Promise<unknown> {
    await this.self.yield();
    return this.#callBack(event, state, data);
  }

  #callBack(event: StateMachineEvent | EnterCall<unknown>, state: unknown, data: unknown): unknown {
    const { self } = this;
    // Whose reply is awaited, and what a crash report names, is this event now.
    if (event.type !== "enter") this.#workOn(event.type === "info" ? event.message : event);
    const { table, callbacks } = this.#code;
    if (table === undefined) {
      return (callbacks.handleEvent as StateCallback)(event, { state, data }, self);
    }
    if (event.type === "enter") return table.enter(state as string)?.(data, event, self);
    const callback = table.find(state as string, event);
    if (callback !== undefined) return invoke(callback, data, event, self);
    return this.#unhandled(event, state as string);
  }

  #workOn(message: unknown): void {
    if (message === this.#handling) return;
    this.#handling = message;
    this.self.workOn(message);
  }

  #unhandled(event: StateMachineEvent, state: string): undefined {
    switch (event.type) {
      case "call": {
        const expected = (this.#code.table as StateTable).expectedOf(state);
        const error = new UnknownRequestError(this.self.pid, expected, event.request);
        return void this.self.refuse(event.from, error);
      }
      case "cast":
        return void this.self.unhandled(event);
      case "info":
        return void this.self.unhandled(event.message);
      default:
        throw new UnhandledEventError(state, event);
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case "reply":
        this.self.reply(effect.to as From<unknown>, effect.reply);
        this.instruments?.replied(effect.to, effect.reply);
        break;
      case "startTimer":
        this.#timers.start(effect.timer, effect.when);
        break;
      case "cancelTimer":
        this.#timers.cancel(effect.timer);
        break;
      default:
        effect satisfies never;
    }
  }

  /** Those who trace it hear what an event has come to, when its enter calls are over. */
  #tell({ state, data, transition }: Machine): void {
    if (transition?.entering !== true) this.instruments?.handled(() => ({ state, data }));
  }

  #errorOf({ kind, received }: BadResult, state: unknown): Error {
    const names = this.#code.table?.names;
    return new InvalidStateResultError(kind, state, expectationOf(kind, names), received);
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    const { state, data } = this.#machine;
    const { terminate } = this.#code.callbacks;
    return terminate?.({ state, data }, reason, this.self) as MaybePromise<void> | undefined;
  }

  protected override getState(): unknown {
    const { state, data } = this.#machine;
    return { state, data };
  }

  protected override replaceState(replace: StateChange): MaybePromise<unknown> {
    const change = (replaced: unknown): unknown => {
      this.#machine = this.#inState("replaceState", replaced, this.#code);
      return replaced;
    };
    return whenSettled(replace(this.getState()), change);
  }

  protected override describeState(): unknown {
    const { state, data, postponed, timeouts } = this.#machine;
    const status: StateMachineStatus = {
      state,
      data,
      postponed: eventsIn(postponed).reverse(),
      timeouts: listTimeouts(timeouts),
    };
    const { status: show } = this.#code.callbacks;
    return show === undefined ? status : show(status);
  }

  protected override changeCode(
    behaviour: unknown,
    migrate: StateChange | undefined,
  ): MaybePromise<void> | undefined {
    if (!(behaviour instanceof StateMachineCode)) {
      const expected = "a state machine of defineStateMachine";
      throw new InvalidArgumentError("changeCode: behaviour", expected, behaviour);
    }
    const change = (migrated: unknown): undefined => {
      const { enterCalls, table } = behaviour;
      const machine = this.#inState("changeCode: migrate", migrated, behaviour);
      this.#machine = { ...machine, enterCalls, states: table?.names };
      this.#code = behaviour;
    };
    return whenSettled(migrate === undefined ? this.getState() : migrate(this.getState()), change);
  }

  #inState(what: string, at: unknown, code: StateMachineCode): Machine {
    const keys = typeof at === "object" && at !== null ? Object.keys(at) : [];
    const { state, data } = Object(at) as { readonly state?: unknown; readonly data?: unknown };
    if (!keys.every((key) => key === "state" || key === "data") || !code.hasState(state)) {
      const expected = `{ state, data } with ${stateExpectation(code.table?.names)}`;
      throw new InvalidArgumentError(`${what}: result`, expected, at);
    }
    return { ...this.#machine, state, data };
  }
}
