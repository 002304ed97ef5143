/**
 * What a state machine is made of, and the protocol that follows from it: its states and their data
 * from `init`, its calls and casts from the names, parameters and results of its callbacks.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html (callback functions)
 */
import type { Call, Cast, Down, Exit, ExitReason, From } from "@coppice/core";
import type { InitArguments, Server, ServerProtocol, ServerSelf } from "./server-definition.js";
import type { EnterCall, StateMachineEvent, TimeoutEvent } from "./statem-event.js";
import type { EnterActions, StateActions } from "./statem-result.js";

/** What a callback may use: everything a process may. */
export type StateMachineSelf = ServerSelf;

/** Any string; a literal stays one, so that the names of states are known to the compiler. */
type StateName = "" | (string & {});

/** A state, and the data that goes with it. A union of these gives each state data of its own. */
export interface StateAndData {
  readonly state: StateName;
  readonly data?: unknown;
}

/**
 * What `init` returns.
 *
 * | result | the machine | its starter gets | OTP |
 * | --- | --- | --- | --- |
 * | `{ state, data }` | runs | the pid | `{ok, State, Data}` |
 * | `{ state, data, …actions }` | runs, and does that first | the pid | `{ok, State, Data, Actions}` |
 * | `{ stop: reason }` | ends with that reason | `{ error: reason }` | `{stop, Reason}` |
 * | `{ ignore: true }` | ends normally | `"ignore"` | `ignore` |
 */
export type StateMachineInitResult =
  | (StateAndData & ActionsWithoutReply & More<ActionsWithoutReply>)
  | { readonly stop: ExitReason }
  | { readonly ignore: true };

export type StateMachineInit = (
  ...args: never[]
) => StateMachineInitResult | PromiseLike<StateMachineInitResult>;

/** The states that this `init` tells of, each with its data. */
export type StatesOf<F extends StateMachineInit> = Extract<Awaited<ReturnType<F>>, StateAndData>;

/** The data in state `S`; states that `init` does not tell of have the data of those it does. */
export type DataOf<V extends StateAndData, S> = [Extract<V, { readonly state: S }>] extends [never]
  ? DataIn<V>
  : DataIn<Extract<V, { readonly state: S }>>;

type DataIn<V> = V extends { readonly data: infer D } ? D : undefined;

interface More<A> {
  /** More actions, done after the fields beside it, one after the other. */
  readonly actions?: readonly A[] | undefined;
}

/** Where no call is at hand. */
interface ActionsWithoutReply extends Omit<StateActions, "reply"> {
  readonly reply?: undefined;
}

/** Where no event is at hand. */
interface ActionsOfEnter extends EnterActions {
  readonly reply?: undefined;
  readonly postpone?: false | undefined;
  readonly nextEvents?: undefined;
}

interface Keep<D> {
  readonly next?: undefined;
  /** The new data; without it the data stay. */
  readonly data?: D;
  /** Makes the enter call of this state again. */
  readonly repeat?: boolean | undefined;
  readonly stop?: undefined;
}

interface Stop<D> {
  /** Ends the machine with this reason, after `terminate`. */
  readonly stop: ExitReason;
  readonly data?: D;
  readonly next?: undefined;
  readonly repeat?: undefined;
  readonly replies?: StateActions["replies"];
  readonly actions?: readonly Pick<StateActions, "reply" | "replies">[] | undefined;
}

/** To state `N`; its data may stay as they are where those of the state before are just as good. */
type Change<D, N, E> = D extends E
  ? { readonly next: N; readonly data?: E; readonly repeat?: undefined; readonly stop?: undefined }
  : { readonly next: N; readonly data: E; readonly repeat?: undefined; readonly stop?: undefined };

// An indexed mapping, and no conditional type: so the compiler knows that names are expected for `next`
// while it does not yet know which, and takes what callbacks return there as literals.
type AnyChange<V extends StateAndData, D, K extends string> = {
  readonly [N in K]: Change<D, N, DataOf<V, N>>;
}[K];

type Maybe<T> = T | void | PromiseLike<T | void>;

/**
 * What the callback of an event may return in a state with data `D`; nothing at all leaves everything
 * as it is.
 *
 * | field | effect | OTP |
 * | --- | --- | --- |
 * | `next` | the next state; the enter call is made if it is another one | `{next_state, …}` |
 * | `data` | the new data | `{keep_state, Data}` |
 * | `repeat: true` | makes the enter call of this state again | `repeat_state` |
 * | `stop` | ends the machine with this reason, after `terminate` | `{stop, …}` |
 * | `reply`, `replies` | answers callers | `{reply, From, Reply}` |
 * | `postpone: true` | handles the event again when the state has changed | `postpone` |
 * | `nextEvents` | handles these first | `{next_event, …}` |
 * | `stateTimeout`, `eventTimeout`, `timeouts` | sets, updates, cancels timeouts | `{state_timeout, …}` |
 * | `actions` | more of these, in order | the list of actions |
 */
export type StateResult<V extends StateAndData, D, K extends string, A = ActionsWithoutReply> =
  | (Keep<D> & A & More<A>)
  | (AnyChange<V, D, K> & A & More<A>)
  | (Stop<D> & Pick<A, keyof A & "reply">);

/** What an enter call may return. It cannot change the state, postpone or insert. */
export type EnterResult<D> = (Keep<D> & ActionsOfEnter & More<ActionsOfEnter>) | Stop<D>;

/** Calls by name; `never`: what a callback takes beside the data is its own. */
export type StateCalls<V extends StateAndData, D, K extends string> = Readonly<
  Record<string, (data: D, ...args: never[]) => Maybe<StateResult<V, D, K, StateActions>>>
>;
/** Casts or internal events by name. */
export type StateCasts<V extends StateAndData, D, K extends string> = Readonly<
  Record<string, (data: D, ...args: never[]) => Maybe<StateResult<V, D, K>>>
>;

/** The callbacks of one state. */
export interface StateCallbacks<V extends StateAndData, D, K extends string> {
  /** The state is entered: at the start, from another state, or because it is repeated. */
  readonly enter?: (data: D, enter: EnterCall<K>, self: StateMachineSelf) => Maybe<EnterResult<D>>;
  /** What others can ask in this state, by name. */
  readonly call?: StateCalls<V, D, K>;
  /** What others can tell it in this state, by name. */
  readonly cast?: StateCasts<V, D, K>;
  /** Events inserted by `nextEvents: [{ type: "internal", request: [name, …] }]`, by name. */
  readonly internal?: StateCasts<V, D, K>;
  /** Any other message. */
  readonly info?: (data: D, message: never, self: StateMachineSelf) => Maybe<StateResult<V, D, K>>;
  /** The end of a process that it monitors; without this callback it is info. */
  readonly down?: (data: D, down: Down, self: StateMachineSelf) => Maybe<StateResult<V, D, K>>;
  /** An exit signal, when it traps exits; that of its parent ends it without asking. */
  readonly exit?: (data: D, exit: Exit, self: StateMachineSelf) => Maybe<StateResult<V, D, K>>;
  readonly stateTimeout?: (
    data: D,
    content: never,
    self: StateMachineSelf,
  ) => Maybe<StateResult<V, D, K>>;
  readonly eventTimeout?: (
    data: D,
    content: never,
    self: StateMachineSelf,
  ) => Maybe<StateResult<V, D, K>>;
  /** Timeouts by name. */
  readonly timeout?: Readonly<
    Record<string, (data: D, content: never, self: StateMachineSelf) => Maybe<StateResult<V, D, K>>>
  >;
}

/** What has to hold for data that may be those of any state. */
type DataOfAll<V extends StateAndData, K> = (
  K extends string ? (data: DataOf<V, K>) => void : never
) extends (data: infer D) => void
  ? D
  : never;

/** The callbacks for what a state has none for. */
export type AnyStateCallbacks<V extends StateAndData, K extends string> = {
  readonly [C in keyof StateCallbacks<V, unknown, K>]: AnyStateCallback<
    StateCallbacks<V, DataOf<V, K>, K>[C],
    StateCallbacks<V, DataOfAll<V, K>, K>[C]
  >;
};

/** Takes the data of some state, and returns what is good for all. */
type AnyStateCallback<Takes, Returns> = Takes extends (...args: infer P) => unknown
  ? Returns extends (...args: never[]) => infer R
    ? (...args: P) => R
    : never
  : Takes extends Readonly<Record<string, (...args: infer P) => unknown>>
    ? Returns extends Readonly<Record<string, (...args: never[]) => infer R>>
      ? Readonly<Record<string, (...args: P) => R>>
      : never
    : Takes;

/** What `sys.getStatus` shows, unless the machine's `status` shows something else. */
export interface StateMachineStatus<S = unknown, D = unknown> {
  readonly state: S;
  readonly data: D;
  /** Oldest first. */
  readonly postponed: readonly StateMachineEvent[];
  /** Those that are set. */
  readonly timeouts: readonly TimeoutEvent[];
}

/**
 * All of a machine, as `defineStateMachine` takes it: either `states`, an object of callbacks for each
 * state, or `handleEvent`, one callback for everything.
 */
export interface StateMachineDefinition<F extends StateMachineInit, K extends string, T, U, E> {
  /** Returns the first state. Its parameters are what the machine is started with; `self` is the last. */
  readonly init: F;
  /** What each state does with its events. Enter calls are made if any of them has `enter`. */
  readonly states?: {
    readonly [S in K]: StateCallbacks<StatesOf<F>, DataOf<StatesOf<F>, S>, Later<K>>;
  } & { readonly [S in StatesOf<F>["state"]]: unknown } & T;
  /** What any state does with the events that it has no callback for. */
  readonly anyState?: AnyStateCallbacks<StatesOf<F>, Later<K>> & U;
  /**
   * Handles every event. Annotate the event as `EventOf<Protocol>` (or `EventOf<Protocol> | EnterCall`)
   * to tell what may be sent to the machine.
   */
  readonly handleEvent?: (
    event: E,
    at: At<StatesOf<F>>,
    self: StateMachineSelf,
  ) => Maybe<HandlerResult<StatesOf<F>>>;
  /** Whether `handleEvent` is called when a state is entered, with `{ type: "enter", from }`. */
  readonly enterCalls?: boolean;
  /** The last it does, unless an exit signal ends it. What it throws is the exit reason then. */
  readonly terminate?: (
    at: StatesIn<StatesOf<F>, K>,
    reason: ExitReason,
    self: StateMachineSelf,
  ) => void | PromiseLike<void>;
  /** How `sys.getStatus` shows the machine; leave out what nobody should read. */
  readonly status?: (status: StatusIn<StatesIn<StatesOf<F>, K>>) => unknown;
}

/**
 * What `handleEvent` may return: it may go to any state, with the data of that state.
 *
 * No `EnterResult` in it: of fields that are forbidden the compiler would infer too much, and take the
 * name of the next state for any string.
 */
type HandlerResult<V extends StateAndData> =
  | StateResult<V, DataIn<V>, V["state"], StateActions>
  | (Omit<Keep<DataIn<V>>, "next"> & EnterActions & More<EnterActions>);

type StatusIn<V> = V extends { readonly state: infer S; readonly data: infer D }
  ? StateMachineStatus<S, D>
  : never;

/** Each of the states with its data; those of `init` alone when there are no others. */
export type StatesIn<V extends StateAndData, K extends string> = string extends K
  ? At<V>
  : K extends string
    ? { readonly state: K; readonly data: DataOf<V, K> }
    : never;

/** A state with its data, and nothing else that `init` may have returned. */
type At<V> = V extends StateAndData
  ? { readonly state: V["state"]; readonly data: DataIn<V> }
  : never;

/** Keeps the compiler from guessing names of states from what callbacks return. */
type Later<T> = [T][T extends unknown ? 0 : never];

type CallbacksIn<T, C extends string> = T extends { readonly [key in C]: infer X } ? X : unknown;

/** Who takes anything at all promises nothing. */
type Promised<M> = unknown extends M ? never : M;

type InfoOf<T> = T extends {
  readonly info: (data: never, message: infer M, ...rest: never[]) => unknown;
}
  ? Promised<M>
  : never;

type ProtocolOfState<T> = T extends unknown
  ? ServerProtocol<TableIn<T, "call">, TableIn<T, "cast">, InfoOf<T>>
  : never;

// oxlint-disable-next-line typescript/no-empty-object-type -- no such requests
type TableIn<T, C extends string> =
  CallbacksIn<T, C> extends infer X ? (unknown extends X ? {} : X) : never;

/** The messages of a machine with these states, callbacks for any state, or events. */
export type StateMachineProtocol<T, U, E> = unknown extends T
  ? ProtocolOfEvents<E>
  : ProtocolOfState<T[keyof T]> | ProtocolOfState<U>;

type ProtocolOfEvents<E> = E extends {
  readonly type: "call";
  readonly request: infer Q;
  readonly from: From<infer R>;
}
  ? Call<Q, [R] extends [never] ? unknown : R>
  : E extends { readonly type: "cast"; readonly request: infer Q }
    ? Cast<Q>
    : E extends { readonly type: "info"; readonly message: infer M }
      ? Promised<M>
      : never;

/** A state machine that can be started any number of times, also as a child. */
export interface StateMachine<
  P,
  V extends { readonly state: unknown },
  A extends readonly unknown[],
> extends Omit<Server<P, V, A>, "behaviour"> {
  readonly behaviour: "gen_statem";
}

export type { InitArguments };
