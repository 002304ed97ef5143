/**
 * What a server is made of, and the protocol that follows from it: its state from `init`, its calls
 * and casts from the names, parameters and results of its callbacks.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html (callback functions)
 */
import type {
  Call,
  Cast,
  Down,
  Exit,
  ExitReason,
  From,
  HandlerSelf,
  Self,
  Startable,
} from "@coppice/core";

/** What a callback may use: everything a process may. `receive` only in an async callback. */
export interface ServerSelf
  extends Self<unknown>, Pick<HandlerSelf<unknown>, "from" | "unhandled"> {}

/**
 * What a call's callback may use besides: `from`, to reply later. Annotate the parameter with the type
 * of the reply, and callers get that type.
 */
export interface CallSelf<in R> extends Omit<ServerSelf, "from"> {
  readonly from: From<R>;
}

/**
 * What `init` returns: the state itself, or one of these.
 *
 * | result | the server | its starter gets | OTP |
 * | --- | --- | --- | --- |
 * | a state, or `{ state }` | runs | the pid | `{ok, State}` |
 * | `{ state, continue: arg }` | runs, and calls `continue` before anything else | the pid | `{ok, State, {continue, Arg}}` |
 * | `{ state, timeoutMs }` | runs, and calls `timeout` if nothing comes in time | the pid | `{ok, State, Timeout}` |
 * | `{ stop: reason }` | ends with that reason | `{ error: reason }` | `{stop, Reason}` |
 * | `{ ignore: true }` | ends normally | `"ignore"` | `ignore` |
 *
 * An object that has any other field beside these, such as `{ state: "open", count: 0 }`, is a state
 * itself: a misspelt `{ state, timeout }` is that, too. A state that looks like one of these has to be
 * returned as `{ state }`.
 */
export type InitResult<S> =
  | { readonly state: S; readonly continue?: unknown; readonly timeoutMs?: number }
  | { readonly stop: ExitReason }
  | { readonly ignore: true };

/** What every callback may return; nothing at all leaves the state as it is. */
export interface CallbackResult<S> {
  /** The new state; without it the state stays. */
  readonly state?: S;
  /** Ends the server with this reason, after `terminate`. */
  readonly stop?: ExitReason;
  /** Calls `continue` with this before the next message. */
  readonly continue?: unknown;
  /** Calls `timeout` when no message comes for so long; 0 for when there is none. Until the next message. */
  readonly timeoutMs?: number;
}

/** What a call's callback may return. Without a `reply` the caller waits for `self.reply(from, value)`. */
export interface CallResult<S> extends CallbackResult<S> {
  /** With `stop`, it is sent when `terminate` has been called, as in OTP. */
  readonly reply?: unknown;
}

type Maybe<T> = T | void | PromiseLike<T | void>;

/** Calls or casts by name. `never`: what a callback takes beside the state is its own. */
type CallTable<S, N = S> = Readonly<
  Record<string, (state: S, ...args: never[]) => Maybe<CallResult<N>>>
>;
type CastTable<S, N = S> = Readonly<
  Record<string, (state: S, ...args: never[]) => Maybe<CallbackResult<N>>>
>;

/**
 * A new state, as callbacks return it. Nothing is what is added to `S`; it keeps the compiler from
 * widening literals while it does not yet know `S`: `{ kind: "open" }` stays that, and `[1, "a"]` a tuple.
 */
export type NewState<S, L> = S | (Literals<L> & Nothing);

type Literals<L> =
  L | readonly [Literals<L>, ...Literals<L>[]] | { readonly [field: string]: Literals<L> };

interface Nothing {
  readonly [NOTHING]: never;
}
declare const NOTHING: unique symbol;

/** The callbacks of a server with state `S` that understands messages `I` besides its calls and casts. */
export interface ServerCallbacks<S, I, N = S> {
  /** Any other message. */
  readonly info?: (state: S, message: I, self: ServerSelf) => Maybe<CallbackResult<N>>;
  /** What a result's `continue` asked for. */
  readonly continue?: (state: S, argument: never, self: ServerSelf) => Maybe<CallbackResult<N>>;
  /** What a result's `timeoutMs` asked for. */
  readonly timeout?: (state: S, self: ServerSelf) => Maybe<CallbackResult<N>>;
  /** The end of a process that it monitors. */
  readonly down?: (state: S, down: Down, self: ServerSelf) => Maybe<CallbackResult<N>>;
  /** An exit signal, when it traps exits; that of its parent ends it without asking. */
  readonly exit?: (state: S, exit: Exit, self: ServerSelf) => Maybe<CallbackResult<N>>;
  /** The last it does, unless an exit signal ends it. What it throws is the exit reason then. */
  readonly terminate?: (state: S, reason: ExitReason, self: ServerSelf) => void | PromiseLike<void>;
  /** How `sys.getStatus` shows the state; leave out what nobody should read. */
  readonly status?: (state: S) => unknown;
}

/** All of a server, as `defineServer` takes it. */
export interface ServerDefinition<
  F extends InitFunction,
  C extends CallTable<StateOf<F>, NewState<StateOf<F>, L>>,
  K extends CastTable<StateOf<F>, NewState<StateOf<F>, L>>,
  I,
  L,
> extends ServerCallbacks<StateOf<F>, I, NewState<StateOf<F>, L>> {
  /** Makes the first state. Its parameters are what the server is started with; `self` is the last. */
  readonly init: F;
  /** What others can ask, by name. */
  readonly call?: C & CallTable<StateOf<F>, NewState<StateOf<F>, L>>;
  /** What others can tell it, by name. */
  readonly cast?: K & CastTable<StateOf<F>, NewState<StateOf<F>, L>>;
}

export type InitFunction = (...args: never[]) => unknown;

type InitKeys = "state" | "continue" | "timeoutMs" | "stop" | "ignore";

/** Is it one of `InitResult`, and no bare state? */
type IsInitResult<R> = R extends object
  ? keyof R extends InitKeys
    ? R extends { readonly state: unknown } | { readonly stop: unknown } | { readonly ignore: true }
      ? true
      : false
    : false
  : false;

type StateOfResult<R> = R extends unknown
  ? IsInitResult<R> extends true
    ? R extends { readonly state: infer S }
      ? S
      : never
    : R
  : never;

/** The state of a server with this `init`. */
export type StateOf<F extends InitFunction> = StateOfResult<Awaited<ReturnType<F>>>;

/** Is the last parameter `self`? */
type IsSelf<T> = 0 extends 1 & T ? false : T extends { readonly initAck: unknown } ? true : false;

type WithoutSelf<P extends readonly unknown[]> = P extends readonly [...infer Front, infer Last]
  ? IsSelf<Last> extends true
    ? Front
    : P
  : P;

/**
 * What a callback takes beside state and `self`. Only a fixed number of parameters: with optional or
 * rest parameters nobody could tell where the arguments end and `self` begins.
 */
type ArgumentsOf<P extends readonly unknown[]> = P extends readonly []
  ? []
  : number extends P["length"]
    ? never
    : P extends Required<P>
      ? WithoutSelf<P>
      : never;

/** What nothing can be started with: `init` has optional or rest parameters. */
type NoStart = [initMustTakeAFixedNumberOfArguments: never];

/** What a server with this `init` is started with. */
export type InitArguments<F extends InitFunction> = [ArgumentsOf<Parameters<F>>] extends [never]
  ? NoStart
  : ArgumentsOf<Parameters<F>>;

type RequestArguments<F> = F extends (state: never, ...args: infer P) => unknown
  ? ArgumentsOf<P>
  : never;

/** The type of reply that a callback annotates its `self` with. */
type DeferredReply<F> = F extends (state: never, ...args: infer P) => unknown
  ? P extends readonly [...unknown[], infer Last]
    ? Last extends CallSelf<infer R>
      ? Last extends { readonly initAck: unknown }
        ? R
        : never
      : never
    : never
  : never;

type DirectReply<F> = F extends (...args: never[]) => infer R
  ? Awaited<R> extends infer A
    ? A extends { readonly reply: infer V }
      ? V
      : never
    : never
  : never;

type CallsOf<C> = {
  [N in keyof C & string]: Call<
    readonly [N, ...RequestArguments<C[N]>],
    DirectReply<C[N]> | DeferredReply<C[N]>
  >;
}[keyof C & string];

type CastsOf<K> = {
  [N in keyof K & string]: Cast<readonly [N, ...RequestArguments<K[N]>]>;
}[keyof K & string];

/** The messages of a server with these calls, casts and other messages. */
export type ServerProtocol<C, K, I> = CallsOf<C> | CastsOf<K> | I;

/** What a behaviour understands: the contract without the code, for names and other packages. */
export type ProtocolOf<B> = B extends { readonly [PROTOCOL]?: infer P }
  ? Exclude<P, undefined>
  : B extends Startable<infer M, never[]>
    ? M
    : never;

declare const PROTOCOL: unique symbol;

/** A server that can be started any number of times, also as a child. */
export interface Server<P, S, A extends readonly unknown[]> extends Startable<P, A> {
  readonly behaviour: "gen_server";
  readonly [PROTOCOL]?: P;
  readonly [STATE]?: S;
}

declare const STATE: unique symbol;
export type { CallTable, CastTable };
