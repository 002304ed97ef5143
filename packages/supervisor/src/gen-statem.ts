/**
 * State machines: states with data, and the events that are handled in each, one at a time.
 *
 * Where OTP does otherwise:
 *
 * | what happens | here | in OTP 25 |
 * | --- | --- | --- |
 * | the next state is none of `states` | the machine ends at once | it ends with the next event |
 * | a request that the state has no callback for | it is refused, or told of | the machine ends |
 * | a callback throws a value | a crash, like any error | the value is taken as its result |
 * | a timeout that is over is set to a later time before its turn | it is over then | it is lost, and its timer comes as info |
 * | another callback module is pushed, or popped | no such thing; `sys.changeCode` replaces the machine | the module changes |
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html
 */
import {
  InvalidArgumentError,
  isRef,
  type AnyPid,
  type ExitReason,
  type From,
  type StartOptions,
  type Starter,
  type StartResult,
  type TimerRef,
} from "@coppice/core";
import {
  behaviourHandler,
  BehaviourProcess,
  isThenable,
  startBehaviour,
  type BehaviourSelf,
  type MaybePromise,
} from "./behaviour.js";
import { InvalidStateResultError, UnhandledEventError, UnknownRequestError } from "./errors.js";
import { checkStartArguments } from "./request-callback.js";
import type {
  InitArguments,
  StateMachine,
  StateMachineDefinition,
  StateMachineInit,
  StateMachineProtocol,
  StateMachineStatus,
  StatesIn,
  StatesOf,
} from "./state-machine.js";
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
import { checkDefinition, type Callbacks } from "./statem-callbacks.js";
import { expectationOf, stateExpectation } from "./statem-expectation.js";
import { eventsIn } from "./statem-queue.js";
import { isInitResult, type BadResult } from "./statem-result.js";
import { invoke, StateTable, type StateCallback } from "./statem-table.js";
import { listTimeouts } from "./statem-timeouts.js";
import { StateMachineTimers } from "./statem-timers.js";

/**
 * Defines a state machine, as an object of callbacks for each state.
 *
 * Each callback takes the data first, and may take `self` as its last parameter. It returns what is to
 * happen as named fields, or nothing; a promise of that makes everything else wait.
 *
 * | field | effect | OTP |
 * | --- | --- | --- |
 * | `next` | the next state; if it is another one its `enter` is called, and postponed events are handled again | `{next_state, …}` |
 * | `data` | the new data | `{keep_state, Data}` |
 * | `repeat: true` | calls `enter` of this state again | `repeat_state` |
 * | `reply` | answers the call at hand | `{reply, From, Reply}` |
 * | `replies: [{ to, reply }]` | answers calls of before; see `replyTo` | the same |
 * | `postpone: true` | handles this event again when the state has changed | `postpone` |
 * | `nextEvents: [event]` | handles these first | `{next_event, Type, Content}` |
 * | `stateTimeout` | an event when the machine has stayed in this state for so long | `{state_timeout, …}` |
 * | `eventTimeout` | an event when there was none for so long | `{timeout, …}` |
 * | `timeouts: { name }` | an event after so long, whatever happens meanwhile | `{{timeout, Name}, …}` |
 * | `stop` | ends the machine with this reason, after replies and `terminate` | `{stop_and_reply, …}` |
 * | `actions: [{ … }]` | more of these, in order: what stands last counts | the list of actions |
 *
 * A timeout is set to `{ ms }` (0: at once) or `{ atMs }` by the node's clock, with `content` for its
 * callback; `{ update: content }` changes nothing but the content, `"cancel"` ends it.
 *
 * What is handled next, first row first:
 *
 * | | after a change of state | else |
 * | --- | --- | --- |
 * | 1 | `enter` | `enter`, if the state is repeated |
 * | 2 | `nextEvents`, in order | `nextEvents`, in order |
 * | 3 | postponed events, oldest first | – |
 * | 4 | events that were waiting for these | events that were waiting for these |
 * | 5 | timeouts of 0 ms, in the order in which they were set | the same |
 * | 6 | the mailbox | the mailbox |
 *
 * Which callback an event gets, and what happens when neither the state nor `anyState` has one:
 *
 * | event | callback | without one |
 * | --- | --- | --- |
 * | a request `[name, …]` that is called | `call[name]` | refused: the caller gets an `UnknownRequestError` |
 * | a request `[name, …]` that is cast | `cast[name]` | `self.unhandled` tells of it |
 * | the end of a monitored process, an exit signal | `down`, `exit`; else `info` | the same |
 * | any other message | `info` | the same |
 * | `{ type: "internal", request: [name, …] }` | `internal[name]` | the machine ends with an `UnhandledEventError` |
 * | a timeout | `stateTimeout`, `eventTimeout`, `timeout[name]` | the same |
 *
 * Instead of `states` a machine may have one callback `handleEvent` for all events; then any term may
 * be a state, and states are the same when they are equal by value.
 *
 * An error that a callback throws ends the machine with it. Starting with another number of arguments
 * than `init` takes is refused; of one that declares no parameters that is not known.
 *
 * @throws InvalidArgumentError a field is unknown or of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineStateMachine } from "@coppice/supervisor";
 * const door = defineStateMachine({
 *   init: (code: string) => ({ state: "locked", data: { code, typed: "" } }),
 *   states: {
 *     locked: {
 *       enter: (data) => ({ data: { ...data, typed: "" } }),
 *       call: {
 *         press: ({ code, typed }, digit: string) =>
 *           typed + digit === code
 *             ? { next: "open", reply: "open" }
 *             : { data: { code, typed: typed + digit }, reply: "locked" },
 *         enter: () => ({ postpone: true }),
 *       },
 *     },
 *     open: {
 *       enter: () => ({ stateTimeout: { ms: 10_000 } }),
 *       stateTimeout: () => ({ next: "locked" }),
 *       call: { enter: () => ({ reply: "inside" }) },
 *     },
 *   },
 * });
 * const node = createNode();
 * const pid = await node.start(door, "42");
 * const visitor = node.call(pid, ["enter"]);
 * await node.call(pid, ["press", "4"]); // => "locked"
 * await node.call(pid, ["press", "2"]); // => "open"
 * await visitor; // => "inside"
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_statem.html
 */
export function defineStateMachine<
  F extends StateMachineInit,
  K extends string,
  T,
  // oxlint-disable-next-line typescript/no-empty-object-type -- no callbacks
  U = {},
  E = StateMachineEvent | EnterCall<StatesOf<F>["state"]>,
>(
  definition: StateMachineDefinition<F, K, T, U, E>,
): StateMachine<StateMachineProtocol<T, U, E>, StatesIn<StatesOf<F>, K>, InitArguments<F>> {
  return new StateMachineBehaviour(checkDefinition(definition)) as never;
}

const HANDLER = behaviourHandler("gen_statem");

class StateMachineBehaviour {
  readonly behaviour = "gen_statem";
  readonly childType = "worker";
  readonly callbacks: Callbacks;
  /** `undefined` when one callback handles everything. */
  readonly table: StateTable | undefined;

  constructor(callbacks: Callbacks) {
    const { states, anyState } = callbacks;
    this.callbacks = callbacks;
    this.table = states === undefined ? undefined : new StateTable(states, anyState ?? {});
  }

  get enterCalls(): boolean {
    return this.table === undefined ? this.callbacks.enterCalls === true : this.table.entersAny;
  }

  /** May the machine be in this state? */
  hasState(state: unknown): boolean {
    return state !== undefined && this.table?.names.has(state) !== false;
  }

  start(
    starter: Starter,
    options: StartOptions<never>,
    ...args: unknown[]
  ): Promise<StartResult<never>> {
    checkStartArguments(this.callbacks.init, args);
    return startBehaviour(starter, options, HANDLER, (self, parent) =>
      new StateMachineProcess(self, parent, this).begin(args),
    );
  }
}

/** How many callbacks one message may lead to before others get a turn. */
const MAX_CALLBACKS = 64;

class StateMachineProcess extends BehaviourProcess {
  override readonly kind = "gen_statem";
  #behaviour: StateMachineBehaviour;
  #machine!: Machine;
  readonly #timers: StateMachineTimers;
  /** What is being worked on: a message, or an event that was none. */
  #handling: unknown;
  /** How many callbacks the message at hand has led to. */
  #callbacks = 0;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, behaviour: StateMachineBehaviour) {
    super(self, parent);
    this.#behaviour = behaviour;
    this.#timers = new StateMachineTimers(self);
  }

  begin(args: readonly unknown[]): MaybePromise<this> {
    let result: unknown;
    try {
      result = this.#behaviour.callbacks.init(...args, this.self);
    } catch (error) {
      throw this.initThrew(error);
    }
    if (!isThenable(result)) return this.#initialised(result);
    return result.then(
      (settled) => this.#initialised(settled),
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
    if (!isInitResult(result) || !this.#behaviour.hasState(result.state)) {
      const bad: BadResult = { kind: "bad_return_from_init", received: result };
      throw this.initThrew(this.#errorOf(bad, undefined));
    }
    const { state, data, ...actions } = result;
    const { enterCalls, table } = this.#behaviour;
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
    const { table, callbacks } = this.#behaviour;
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
        const expected = (this.#behaviour.table as StateTable).expectedOf(state);
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
    const names = this.#behaviour.table?.names;
    return new InvalidStateResultError(kind, state, expectationOf(kind, names), received);
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    const { state, data } = this.#machine;
    const { terminate } = this.#behaviour.callbacks;
    return terminate?.({ state, data }, reason, this.self) as MaybePromise<void> | undefined;
  }

  protected override getState(): unknown {
    const { state, data } = this.#machine;
    return { state, data };
  }

  protected override replaceState(replace: (at: never) => unknown): MaybePromise<unknown> {
    const change = (replaced: unknown): unknown => {
      this.#machine = this.#inState("replaceState", replaced, this.#behaviour);
      return replaced;
    };
    const replaced = replace(this.getState() as never);
    return isThenable(replaced) ? replaced.then(change) : change(replaced);
  }

  protected override describeState(): unknown {
    const { state, data, postponed, timeouts } = this.#machine;
    const status: StateMachineStatus = {
      state,
      data,
      postponed: eventsIn(postponed).reverse(),
      timeouts: listTimeouts(timeouts),
    };
    const { status: show } = this.#behaviour.callbacks;
    return show === undefined ? status : show(status);
  }

  protected override changeCode(
    behaviour: unknown,
    migrate: ((at: never) => unknown) | undefined,
  ): MaybePromise<void> | undefined {
    if (!(behaviour instanceof StateMachineBehaviour)) {
      const expected = "a state machine of defineStateMachine";
      throw new InvalidArgumentError("changeCode: behaviour", expected, behaviour);
    }
    const change = (migrated: unknown): undefined => {
      const { enterCalls, table } = behaviour;
      const machine = this.#inState("changeCode: migrate", migrated, behaviour);
      this.#machine = { ...machine, enterCalls, states: table?.names };
      this.#behaviour = behaviour;
    };
    const migrated = migrate === undefined ? this.getState() : migrate(this.getState() as never);
    return isThenable(migrated) ? migrated.then(change) : change(migrated);
  }

  #inState(what: string, at: unknown, behaviour: StateMachineBehaviour): Machine {
    const keys = typeof at === "object" && at !== null ? Object.keys(at) : [];
    const { state, data } = Object(at) as { readonly state?: unknown; readonly data?: unknown };
    if (!keys.every((key) => key === "state" || key === "data") || !behaviour.hasState(state)) {
      const expected = `{ state, data } with ${stateExpectation(behaviour.table?.names)}`;
      throw new InvalidArgumentError(`${what}: result`, expected, at);
    }
    return { ...this.#machine, state, data };
  }
}
