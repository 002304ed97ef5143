/**
 * The engine of a state machine, pure: which event is handled next, and what a result changes.
 *
 * Each function returns a decision: the next machine, what to do now, and what comes after that.
 *
 * ```text
 *             ┌─────────────────────────── callback ◄─────────────────────────┐
 *             ▼                                                               │
 *   callbackReturned: replies, state, data, queue, timeouts ──┬─ enter call ──┤
 *                                                             ├─ queued event─┤
 *                                                             ├─ timeout over─┤
 *                                    eventReceived,           │               │
 *                                    timerFired ◄── receive ◄─┘   ────────────┘
 * ```
 *
 * What is handled next, first row first:
 *
 * | | after a change of state | else |
 * | --- | --- | --- |
 * | 1 | the enter call | the enter call, if the state is repeated |
 * | 2 | `nextEvents`, in their order | `nextEvents`, in their order |
 * | 3 | postponed events, oldest first | – |
 * | 4 | events that were queued before | events that were queued before |
 * | 5 | timeouts that are over at once, in the order of their setting | the same |
 * | 6 | the mailbox | the mailbox |
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html#type-transition_option
 */
import type { ExitReason, From } from "@coppice/core";
import type { EnterCall, StateMachineEvent } from "./statem-event.js";
import { putFirst, putFirstReversed, type EventQueue } from "./statem-queue.js";
import {
  actionsOf,
  hasData,
  isResult,
  repliesOf,
  type Action,
  type BadResult,
  type Result,
  type Source,
} from "./statem-result.js";
import {
  endTimeouts,
  noTimeouts,
  setTimeouts,
  takeTimeoutThatIsOver,
  timerFired as takeTimerFired,
  type TimeoutAction,
  type Timeouts,
  type TimerEffect,
} from "./statem-timeouts.js";
import { isSameTerm } from "./same-term.js";

/** A state machine between two events, or while a callback runs. */
export interface Machine<S = unknown, D = unknown> {
  readonly state: S;
  readonly data: D;
  /** Are enter calls made? */
  readonly enterCalls: boolean;
  /** All the states there are; `undefined` when any term may be one. */
  readonly states: ReadonlySet<unknown> | undefined;
  /** To be handled before the mailbox, next one first. */
  readonly queue: EventQueue;
  /** To be handled when the state has changed, newest first. */
  readonly postponed: EventQueue;
  readonly timeouts: Timeouts;
  /** What the event at hand has come to so far; `undefined` while none is handled. */
  readonly transition: Transition<S, D> | undefined;
}

/** From an event to the end of the last enter call it leads to. */
interface Transition<S, D> {
  /** `undefined` at the start, which no event leads to. */
  readonly event: StateMachineEvent | undefined;
  /** Is the callback that runs an enter call? */
  readonly entering: boolean;
  readonly state: S;
  readonly data: D;
  readonly nextEvents: readonly StateMachineEvent[];
  readonly timeouts: readonly TimeoutAction[];
  readonly postpone: boolean;
}

export interface Decision<S = unknown, D = unknown> {
  readonly machine: Machine<S, D>;
  /** To be done now, in order. */
  readonly effects: readonly Effect[];
  readonly next: Next<S, D>;
}

export type Effect =
  { readonly type: "reply"; readonly to: From<never>; readonly reply: unknown } | TimerEffect;

export type Next<S = unknown, D = unknown> =
  /** Call back with this event in this state, and report what it returned. */
  | {
      readonly type: "callback";
      readonly event: StateMachineEvent | EnterCall<S>;
      readonly state: S;
      readonly data: D;
    }
  /** Wait for the next message or timer. */
  | { readonly type: "receive" }
  /** Terminate; `machine` has the state and the data for that. */
  | { readonly type: "stop"; readonly reason: ExitReason }
  | { readonly type: "fail"; readonly bad: BadResult };

const RECEIVE = { type: "receive" } as const;
const NOTHING: readonly never[] = [];

/** How a machine begins. */
export interface Beginning<S = unknown, D = unknown> {
  readonly state: S;
  readonly data: D;
  readonly enterCalls: boolean;
  readonly states?: ReadonlySet<unknown> | undefined;
  /** What `init` wants done; a postponement is without effect. */
  readonly actions: Result;
}

/** `init` has returned. With enter calls the first one is made now; its old state is the state itself. */
export function begin<S, D>(beginning: Beginning<S, D>): Decision<S, D> {
  const { state, data, enterCalls, states, actions } = beginning;
  const transition: Transition<S, D> = {
    event: undefined,
    entering: false,
    state,
    data,
    nextEvents: NOTHING,
    timeouts: NOTHING,
    postpone: false,
  };
  const machine: Machine<S, D> = {
    state,
    data,
    enterCalls,
    states,
    queue: undefined,
    postponed: undefined,
    timeouts: noTimeouts,
    transition,
  };
  return carryOut(machine, transition, actionsOf(actions, sourceOf(transition)), enterCalls);
}

/** A message was received and is an event now. Only while the machine waits for that. */
export function eventReceived<S, D>(
  machine: Machine<S, D>,
  event: StateMachineEvent,
): Decision<S, D> {
  return handle(machine, event, machine.queue, machine.timeouts, NOTHING);
}

/** The event is handled next, in a machine with this queue and these timeouts. */
function handle<S, D>(
  machine: Machine<S, D>,
  event: StateMachineEvent,
  queue: EventQueue,
  timeouts: Timeouts,
  effects: readonly Effect[],
): Decision<S, D> {
  const { state, data, enterCalls, states, postponed } = machine;
  const transition: Transition<S, D> = {
    event,
    entering: false,
    state,
    data,
    nextEvents: NOTHING,
    timeouts: NOTHING,
    postpone: false,
  };
  return {
    machine: { state, data, enterCalls, states, queue, postponed, timeouts, transition },
    effects,
    next: { type: "callback", event, state, data },
  };
}

/** A timer has fired; `undefined` when it had been cancelled before. */
export function timerFired<S, D>(
  machine: Machine<S, D>,
  timer: number,
): Decision<S, D> | undefined {
  const taken = takeTimerFired(machine.timeouts, timer);
  if (taken === undefined) return undefined;
  return handle(machine, taken.event, machine.queue, taken.timeouts, NOTHING);
}

/** The callback has returned. Whatever that is: if it is no result, the machine fails. */
export function callbackReturned<S, D>(machine: Machine<S, D>, returned: unknown): Decision<S, D> {
  const transition = machine.transition as Transition<S, D>;
  const { state, entering } = transition;
  if (!isResult(returned)) {
    return fail(machine, transition, "bad_return_from_state_function", returned);
  }
  if (returned === undefined) return carryOut(machine, transition, NOTHING, false);
  const data = hasData(returned) ? (returned.data as D) : transition.data;
  if (returned.stop !== undefined) {
    return stop(machine, { ...transition, data }, returned, returned.stop);
  }
  const next = (returned.next ?? state) as S;
  const changes = !isSameTerm(next, state);
  if (changes && entering) {
    return fail(machine, transition, "bad_state_enter_return_from_state_function", returned);
  }
  if (changes && machine.states?.has(next) === false) {
    return fail(machine, transition, "bad_return_from_state_function", returned);
  }
  const enter = changes || returned.repeat === true;
  const actions = actionsOf(returned, sourceOf(transition));
  const { event, nextEvents, timeouts, postpone } = transition;
  const after = { event, entering, state: next, data, nextEvents, timeouts, postpone };
  return carryOut(machine, after, actions, enter);
}

/** Does what the callback wants, then makes the enter call or ends the transition. */
function carryOut<S, D>(
  machine: Machine<S, D>,
  before: Transition<S, D>,
  actions: readonly Action[],
  enter: boolean,
): Decision<S, D> {
  const effects: Effect[] = [];
  let { postpone } = before;
  // Copied as soon as something is added.
  let nextEvents: StateMachineEvent[] | undefined;
  let timeouts: TimeoutAction[] | undefined;
  for (const action of actions) {
    switch (action.type) {
      case "reply":
        effects.push(action);
        break;
      case "postpone":
        postpone = action.postpone;
        break;
      case "nextEvent":
        (nextEvents ??= [...before.nextEvents]).push(action.event);
        break;
      case "setTimeout":
        (timeouts ??= [...before.timeouts]).push(action.action);
        break;
      case "bad": {
        const { kind, received } = action.bad;
        return { ...fail(machine, before, kind, received), effects };
      }
      default:
        action satisfies never;
    }
  }
  const transition: Transition<S, D> =
    nextEvents === undefined && timeouts === undefined && postpone === before.postpone
      ? before
      : {
          ...before,
          nextEvents: nextEvents ?? before.nextEvents,
          timeouts: timeouts ?? before.timeouts,
          postpone,
        };
  return enter && machine.enterCalls
    ? enterCall(machine, transition, effects)
    : transit(machine, transition, effects);
}

/** The old state stays that of before the event, however often the enter call is repeated. */
function enterCall<S, D>(
  machine: Machine<S, D>,
  transition: Transition<S, D>,
  effects: readonly Effect[],
): Decision<S, D> {
  const { state, data } = transition;
  return {
    machine: { ...machine, transition: { ...transition, entering: true } },
    effects,
    next: { type: "callback", event: { type: "enter", from: machine.state }, state, data },
  };
}

/** The transition is complete: the event is over or postponed, queue and timeouts are as they will be. */
function transit<S, D>(
  machine: Machine<S, D>,
  transition: Transition<S, D>,
  effects: Effect[],
): Decision<S, D> {
  const { enterCalls, states } = machine;
  const { event, state, data } = transition;
  const changed = !isSameTerm(state, machine.state);
  const postponed: EventQueue =
    transition.postpone && event !== undefined
      ? { first: event, rest: machine.postponed }
      : machine.postponed;
  const retried = changed ? putFirstReversed(postponed, machine.queue) : machine.queue;
  const after: Machine<S, D> = {
    state,
    data,
    enterCalls,
    states,
    queue: putFirst(transition.nextEvents, retried),
    postponed: changed ? undefined : postponed,
    timeouts: changeTimeouts(machine.timeouts, changed, transition.timeouts, effects),
    transition: undefined,
  };
  return goOn(after, effects);
}

/** The timeouts after the transition; what is to be done about timers is added to `effects`. */
function changeTimeouts(
  before: Timeouts,
  stateChanged: boolean,
  actions: readonly TimeoutAction[],
  effects: Effect[],
): Timeouts {
  if (before.set.size === 0 && actions.length === 0) return before;
  const ended = endTimeouts(before, stateChanged);
  const set = setTimeouts(ended.timeouts, actions);
  effects.push(...ended.effects);
  for (const effect of set.effects) effects.push(effect);
  return set.timeouts;
}

/** The next event that needs no message, if there is one. */
function goOn<S, D>(machine: Machine<S, D>, effects: readonly Effect[]): Decision<S, D> {
  const { queue, timeouts } = machine;
  if (queue !== undefined) return handle(machine, queue.first, queue.rest, timeouts, effects);
  const taken = takeTimeoutThatIsOver(timeouts);
  if (taken === undefined) return { machine, effects, next: RECEIVE };
  return handle(machine, taken.event, queue, taken.timeouts, effects);
}

function stop<S, D>(
  machine: Machine<S, D>,
  transition: Transition<S, D>,
  result: Result,
  reason: ExitReason,
): Decision<S, D> {
  const effects: Effect[] = [];
  for (const action of repliesOf(result, sourceOf(transition))) {
    if (action.type === "reply") effects.push(action);
    else if (action.type === "bad") {
      const { kind, received } = action.bad;
      return { ...fail(machine, transition, kind, received), effects };
    }
  }
  return { machine: inState(machine, transition), effects, next: { type: "stop", reason } };
}

function fail<S, D>(
  machine: Machine<S, D>,
  transition: Transition<S, D>,
  kind: BadResult["kind"],
  received: unknown,
): Decision<S, D> {
  const next = { type: "fail", bad: { kind, received } } as const;
  return { machine: inState(machine, transition), effects: [], next };
}

/** What `terminate` sees is as far as the transition got. */
function inState<S, D>(machine: Machine<S, D>, { state, data }: Transition<S, D>): Machine<S, D> {
  return { ...machine, state, data };
}

function sourceOf<S, D>({ event, entering }: Transition<S, D>): Source {
  const from = event?.type === "call" && !entering ? event.from : undefined;
  return { from, isEnterCall: entering };
}
