/**
 * Servers: a state, and the calls, casts and messages that use and change it, one at a time.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html
 */
import {
  InvalidArgumentError,
  isPid,
  isRef,
  type AnyPid,
  type ExitReason,
  type From,
  type StartOptions,
  type Starter,
  type StartResult,
} from "@coppice/core";
import {
  behaviourHandler,
  BehaviourProcess,
  isThenable,
  startBehaviour,
  type BehaviourSelf,
  type MaybePromise,
} from "./behaviour.js";
import { InvalidCallbackResultError, UnknownRequestError } from "./errors.js";
import type {
  CallTable,
  CastTable,
  InitArguments,
  InitFunction,
  Server,
  ServerDefinition,
  ServerProtocol,
  StateOf,
} from "./server-definition.js";

/**
 * Defines a server, as an object of callbacks.
 *
 * Each callback takes the state first, and may take `self` as its last parameter. It returns what is to
 * happen as named fields, or nothing; a promise of that makes the next message wait.
 *
 * | field | effect | OTP |
 * | --- | --- | --- |
 * | `state` | the new state | `{noreply, NewState}` |
 * | `reply` | answers the call | `{reply, Reply, …}` |
 * | `stop` | ends the server with this reason, after `terminate` | `{stop, Reason, …}` |
 * | `continue` | calls `continue` with this, before any message | `{…, {continue, Arg}}` |
 * | `timeoutMs` | calls `timeout` when no message comes in time | `{…, Timeout}` |
 *
 * An error that a callback throws ends the server with it. A request that the server does not know is
 * refused: its caller gets an `UnknownRequestError`, and the server goes on.
 *
 * @throws InvalidArgumentError a field is unknown, or no function
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineServer } from "@coppice/supervisor";
 * const stack = defineServer({
 *   init: (items: readonly string[]) => items,
 *   call: {
 *     pop: ([top, ...rest]) => ({ reply: top, state: rest }),
 *     size: (items) => ({ reply: items.length }),
 *   },
 *   cast: { push: (items, item: string) => ({ state: [item, ...items] }) },
 * });
 * const node = createNode();
 * const pid = await node.start(stack, ["hello"]);
 * node.cast(pid, ["push", "world"]);
 * await node.call(pid, ["pop"]); // => "world"
 * await node.call(pid, ["size"]); // => 1
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_server.html
 */
export function defineServer<
  F extends InitFunction,
  // oxlint-disable-next-line typescript/no-empty-object-type -- no calls
  C extends CallTable<StateOf<F>> = {},
  // oxlint-disable-next-line typescript/no-empty-object-type -- no casts
  K extends CastTable<StateOf<F>> = {},
  I = never,
>(
  definition: ServerDefinition<F, C, K, I>,
): Server<ServerProtocol<C, K, I>, StateOf<F>, InitArguments<F>> {
  checkDefinition(definition);
  return new ServerBehaviour(definition as unknown as Callbacks) as never;
}

/** A callback, as the process calls it. */
type Callback = (state: unknown, ...args: unknown[]) => unknown;

interface Callbacks {
  readonly init: (...args: unknown[]) => unknown;
  readonly call?: Readonly<Record<string, Callback>>;
  readonly cast?: Readonly<Record<string, Callback>>;
  readonly info?: Callback;
  readonly continue?: Callback;
  readonly timeout?: Callback;
  readonly down?: Callback;
  readonly exit?: Callback;
  readonly terminate?: Callback;
  readonly status?: (state: unknown) => unknown;
}

const TABLES = ["call", "cast"];
const FUNCTIONS = ["init", "info", "continue", "timeout", "down", "exit", "terminate", "status"];

function checkDefinition(definition: object): void {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`defineServer: ${field}`, expected, received);
  };
  if (typeof definition !== "object" || definition === null) {
    refuse("definition", "an object of callbacks", definition);
  }
  const { init } = definition as { readonly init?: unknown };
  if (init === undefined) refuse("init", "a function", init);
  for (const [field, value] of Object.entries(definition) as [string, unknown][]) {
    if (value === undefined) continue;
    if (FUNCTIONS.includes(field)) {
      if (typeof value !== "function") refuse(field, "a function", value);
    } else if (TABLES.includes(field)) {
      if (typeof value !== "object" || value === null)
        refuse(field, "an object of functions", value);
      for (const [name, callback] of Object.entries(value as object) as [string, unknown][]) {
        if (typeof callback !== "function") refuse(`${field}.${name}`, "a function", callback);
      }
    } else {
      refuse(field, `one of ${[...FUNCTIONS, ...TABLES].join(", ")}`, value);
    }
  }
}

const HANDLER = behaviourHandler("gen_server");

class ServerBehaviour {
  readonly behaviour = "gen_server";
  readonly childType = "worker";
  readonly callbacks: Callbacks;
  /** No plain lookup: `constructor` is no request. */
  readonly calls: ReadonlyMap<unknown, Callback>;
  readonly casts: ReadonlyMap<unknown, Callback>;

  constructor(callbacks: Callbacks) {
    this.callbacks = callbacks;
    this.calls = new Map(Object.entries(callbacks.call ?? {}));
    this.casts = new Map(Object.entries(callbacks.cast ?? {}));
  }

  start(
    starter: Starter,
    options: StartOptions<never>,
    ...args: unknown[]
  ): Promise<StartResult<never>> {
    return startBehaviour(starter, options, HANDLER, (self, parent) =>
      new ServerProcess(self, parent, this).begin(args),
    );
  }
}

/** How many `continue`s may follow each other before others get a turn. */
const MAX_CONTINUES = 64;

class ServerProcess extends BehaviourProcess {
  override readonly kind = "gen_server";
  #behaviour: ServerBehaviour;
  #state: unknown = undefined;
  /** What the last result asked for; a system request does not end it. */
  #timeoutMs: number | undefined;
  /** Of a call that stops the server: it goes out after `terminate`. */
  #lastReply: { readonly to: From<never>; readonly value: unknown } | undefined;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, behaviour: ServerBehaviour) {
    super(self, parent);
    this.#behaviour = behaviour;
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
    if (!isInitResult(result)) {
      this.#state = result;
      return this.begun();
    }
    if ("stop" in result) return this.initFailed(result.stop as ExitReason);
    if ("ignore" in result) return this.ignoreStart();
    this.#state = result.state;
    if ("continue" in result && "timeoutMs" in result) {
      throw this.initThrew(this.#badResult("init", result));
    }
    if ("continue" in result) {
      const argument = result.continue;
      this.before(() => this.#continue({ argument }));
    } else if ("timeoutMs" in result) this.#arm("init", result.timeoutMs);
    return this.begun();
  }

  protected override message(message: unknown): MaybePromise<void> | undefined {
    this.#timeoutMs = undefined;
    const { callbacks, calls, casts } = this.#behaviour;
    const { self } = this;
    if (typeof message === "object" && message !== null) {
      const { type, request, from } = message as ServerMessage;
      switch (type) {
        case "call": {
          if (!isRef(from)) break;
          const callback = Array.isArray(request) ? calls.get(request[0]) : undefined;
          if (callback === undefined || lacksArguments(callback, request as unknown[])) {
            self.refuse(from as From<never>, this.#unknownRequest(request, callback));
            return undefined;
          }
          const result = invoke(callback, this.#state, request as unknown[], self);
          if (isThenable(result)) {
            return result.then((settled) => this.#done(settled, "call", from as From<never>));
          }
          return this.#done(result, "call", from as From<never>);
        }
        case "cast": {
          const callback = Array.isArray(request) ? casts.get(request[0]) : undefined;
          if (callback === undefined || lacksArguments(callback, request as unknown[])) break;
          const result = invoke(callback, this.#state, request as unknown[], self);
          const what = "cast";
          if (isThenable(result)) return result.then((settled) => this.#done(settled, what));
          return this.#done(result, what);
        }
        case "down":
          if (callbacks.down === undefined || !isRef((message as { ref?: unknown }).ref)) break;
          return this.#handle(callbacks.down, "down", message);
        case "exit":
          if (callbacks.exit === undefined || !isPid(from)) break;
          return this.#handle(callbacks.exit, "exit", message);
        default:
      }
    }
    if (callbacks.info !== undefined) return this.#handle(callbacks.info, "info", message);
    self.unhandled(message);
    return undefined;
  }

  protected override timedOut(): MaybePromise<void> | undefined {
    this.#timeoutMs = undefined;
    const timeout = this.#behaviour.callbacks.timeout as Callback;
    const result = timeout(this.#state, this.self);
    if (isThenable(result)) return result.then((settled) => this.#done(settled, "timeout"));
    return this.#done(result, "timeout");
  }

  #handle(callback: Callback, what: string, argument: unknown): MaybePromise<void> | undefined {
    const result = callback(this.#state, argument, this.self);
    if (isThenable(result)) return result.then((settled) => this.#done(settled, what));
    return this.#done(result, what);
  }

  #reply(to: From<never>, value: unknown): void {
    this.self.reply(to as From<unknown>, value);
    if (this.instruments !== undefined) this.instruments.replied(to, value);
  }

  /** A callback has returned: does what its result says. */
  #done(result: unknown, what: string, from?: From<never>): MaybePromise<void> | undefined {
    const next = this.#take(result, what, from);
    return next === undefined ? undefined : this.#continue(next);
  }

  /** Takes in a result; returns what is to be continued with, if anything. */
  #take(
    result: unknown,
    what: string,
    from?: From<never>,
  ): { readonly argument: unknown } | undefined {
    if (result === undefined) {
      if (this.instruments !== undefined) this.instruments.handled(() => this.#state);
      return undefined;
    }
    if (typeof result !== "object" || result === null) throw this.#badResult(what, result);
    // One pass over what is there: most results have one or two fields.
    let fields = 0;
    for (const key in result) {
      const field = FIELDS[key];
      if (field === undefined) throw this.#badResult(what, result);
      fields |= field;
    }
    if ((fields & REPLY) !== 0 && from === undefined) throw this.#badResult(what, result);
    if ((fields & CONTINUE) !== 0 && (fields & TIMEOUT_MS) !== 0)
      throw this.#badResult(what, result);
    const { reply, state, stop, timeoutMs, continue: argument } = result as Result;
    if ((fields & STATE) !== 0) this.#state = state;
    if ((fields & STOP) !== 0) {
      if ((fields & REPLY) !== 0) this.#lastReply = { to: from as From<never>, value: reply };
      if (this.instruments !== undefined) this.instruments.handled(() => this.#state);
      return this.self.exit(stop as ExitReason);
    }
    if ((fields & REPLY) !== 0) this.#reply(from as From<never>, reply);
    if (this.instruments !== undefined) this.instruments.handled(() => this.#state);
    if ((fields & CONTINUE) !== 0) return { argument };
    if ((fields & TIMEOUT_MS) !== 0) this.#arm(what, timeoutMs);
    return undefined;
  }

  #badResult(what: string, result: unknown): Error {
    return new InvalidCallbackResultError(what, expectedOf(what), result);
  }

  #arm(what: string, timeoutMs: unknown): void {
    if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
      throw new InvalidCallbackResultError(what, "a timeoutMs of at least 0", timeoutMs);
    }
    if (this.#behaviour.callbacks.timeout === undefined) {
      const expected = "without timeoutMs, as the server has no callback timeout";
      throw new InvalidCallbackResultError(what, expected, { timeoutMs });
    }
    this.#timeoutMs = timeoutMs;
    this.self.idleAfter(timeoutMs);
  }

  /** Calls `continue`, and again as often as that asks for it. */
  #continue(first: { readonly argument: unknown }): MaybePromise<void> | undefined {
    const callback = this.#behaviour.callbacks.continue;
    if (callback === undefined) {
      const expected = "without continue, as the server has no callback continue";
      throw new InvalidCallbackResultError("the callback before", expected, first.argument);
    }
    let next: { readonly argument: unknown } | undefined = first;
    for (let count = 0; next !== undefined; count++) {
      if (count === MAX_CONTINUES) return this.#continueLater(next);
      const result = callback(this.#state, next.argument, this.self);
      if (isThenable(result)) return result.then((settled) => this.#done(settled, "continue"));
      next = this.#take(result, "continue");
    }
    return undefined;
  }

  async #continueLater(next: { readonly argument: unknown }): Promise<void> {
    await this.self.yield();
    await this.#continue(next);
  }

  #unknownRequest(request: unknown, callback: Callback | undefined): Error {
    const { calls } = this.#behaviour;
    const known = [...calls.keys()].map((name) => JSON.stringify(name)).join(", ");
    const expected =
      callback === undefined
        ? `a tuple that begins with ${known === "" ? "nothing, as it answers no calls" : known}`
        : `a tuple with ${callback.length - 1} arguments, or with one less where the last is self`;
    return new UnknownRequestError(this.self.pid, expected, request);
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    const { terminate } = this.#behaviour.callbacks;
    return terminate?.(this.#state, reason, this.self) as MaybePromise<void> | undefined;
  }

  protected override terminated(): void {
    if (this.#lastReply !== undefined) this.#reply(this.#lastReply.to, this.#lastReply.value);
  }

  protected override getState(): unknown {
    return this.#state;
  }

  protected override replaceState(replace: (state: never) => unknown): MaybePromise<unknown> {
    const replaced = replace(this.#state as never);
    if (isThenable(replaced)) return replaced.then((state) => (this.#state = state));
    return (this.#state = replaced);
  }

  protected override describeState(): unknown {
    const { status } = this.#behaviour.callbacks;
    return status === undefined ? this.#state : status(this.#state);
  }

  protected override changeCode(
    behaviour: unknown,
    migrate: ((state: never) => unknown) | undefined,
  ): MaybePromise<void> | undefined {
    if (!(behaviour instanceof ServerBehaviour)) {
      throw new InvalidArgumentError(
        "changeCode: behaviour",
        "a server of defineServer",
        behaviour,
      );
    }
    const migrated = migrate === undefined ? this.#state : migrate(this.#state as never);
    const change = (state: unknown): void => {
      this.#behaviour = behaviour;
      this.#state = state;
    };
    if (isThenable(migrated)) return migrated.then(change);
    change(migrated);
    return undefined;
  }

  protected override afterSystemRequest(): void {
    // As in OTP: the time begins anew.
    if (this.#timeoutMs !== undefined) this.self.idleAfter(this.#timeoutMs);
  }
}

interface ServerMessage {
  readonly type?: unknown;
  readonly request?: unknown;
  readonly from?: unknown;
}

interface Result {
  readonly reply?: unknown;
  readonly state?: unknown;
  readonly stop?: unknown;
  readonly continue?: unknown;
  readonly timeoutMs?: number;
}

const REPLY = 1;
const STATE = 2;
const STOP = 4;
const CONTINUE = 8;
const TIMEOUT_MS = 16;
/** The fields of a result; without a prototype, so that `constructor` is none. */
const FIELDS: { readonly [field: string]: number | undefined } = Object.freeze(
  Object.assign(Object.create(null) as object, {
    reply: REPLY,
    state: STATE,
    stop: STOP,
    continue: CONTINUE,
    timeoutMs: TIMEOUT_MS,
  }),
);
const INIT_KEYS: ReadonlySet<string> = new Set([
  "state",
  "continue",
  "timeoutMs",
  "stop",
  "ignore",
]);

function expectedOf(what: string): string {
  const reply = what === "call" ? "reply, " : "";
  return `nothing, or an object of ${reply}state, stop, and continue or timeoutMs`;
}

/** Not a bare state: made of the fields of an `InitResult`, and has one of its own. */
function isInitResult(result: unknown): result is { readonly [key: string]: unknown } {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return false;
  const keys = Object.keys(result);
  if (!keys.every((key) => INIT_KEYS.has(key))) return false;
  return "state" in result || "stop" in result || (result as { ignore?: unknown }).ignore === true;
}

/** `self` is the last parameter, so a call with too few arguments would find it in the wrong place. */
function lacksArguments(callback: Callback, request: readonly unknown[]): boolean {
  return request.length < callback.length - 1;
}

function invoke(
  callback: Callback,
  state: unknown,
  request: readonly unknown[],
  self: BehaviourSelf,
): unknown {
  switch (request.length) {
    case 1:
      return callback(state, self);
    case 2:
      return callback(state, request[1], self);
    case 3:
      return callback(state, request[1], request[2], self);
    default:
      return callback(state, ...request.slice(1), self);
  }
}
