/**
 * A server whose callbacks follow directives.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html (callback functions)
 */
import type { Call, Cast, Down, Exit, ExitReason, From, Pid } from "@coppice/core";
import {
  defineServer,
  type CallbackResult,
  type CallResult,
  type InitResult,
  type ServerSelf,
} from "@coppice/supervisor";
import type { Changeable } from "./changeable.js";
import { Directive, follow, type Ret } from "./directive.js";
import { isPromise, leave, type Actor, type Callers, type OpCall } from "./op.js";
import type { Json, JsonObject } from "./program.js";
import { asRaised } from "./raised.js";
import { resultOfTerm, timeoutMsOf } from "./server-return.js";
import type { Value } from "./term.js";
import {
  reasonOfTerm,
  targetOf,
  termOfDown,
  termOfExit,
  termOfMessage,
  termOfReason,
} from "./translation.js";
import type { World } from "./world.js";

/** What the only call and the only cast of the server are called. */
export const FOLLOW = "follow";

/** What a scripted server understands. */
export type ServerMessage =
  Call<readonly [typeof FOLLOW, Directive], Value> | Cast<readonly [typeof FOLLOW, Directive]>;

/** The server that an op is about. */
export function serverIn(call: OpCall): Pid<ServerMessage> {
  return targetOf(call.term("to")) as Pid<unknown> as Pid<ServerMessage>;
}

/** What a program says of a server that it starts. */
export interface ServerScript {
  readonly name: string;
  readonly init: Directive;
  /** Directives for what comes without one, by kind. */
  readonly on: JsonObject;
}

interface ServerActor extends Actor {
  readonly callers: Callers;
}

type Maybe<T> = T | Promise<T>;

export class ScriptedServer implements Changeable {
  readonly #world: World;
  readonly #script: ServerScript;
  #actor: ServerActor | undefined;

  constructor(world: World, script: ServerScript) {
    this.#world = world;
    this.#script = script;
  }

  readonly behaviour = defineServer({
    init: (self: ServerSelf): Maybe<InitResult<Value>> => this.#init(self),
    call: {
      [FOLLOW]: (state: Value, directive: Directive, self: ServerSelf) =>
        this.#call(state, directive, self.from as From<Value>),
    },
    cast: {
      [FOLLOW]: (state: Value, directive: Directive) => {
        this.#enter("cast", directive.msg, state);
        return this.#handle("cast", directive);
      },
    },
    info: (state: Value, message: unknown) => this.#info(state, message),
    timeout: (state: Value) => this.#told("timeout", "timeout", state),
    exit: (state: Value, exit: Exit) => this.#told("exit", termOfExit(exit), state),
    down: (state: Value, down: Down) => this.#told("down", termOfDown(down), state),
    continue: (state: Value, directive: Directive) => {
      this.#enter("continue", this.#self.step, state);
      return this.#conclude("continue", directive, ["noreply"], handled);
    },
    terminate: (state: Value, reason: ExitReason): void | Promise<void> => {
      this.#enter("terminate", this.#world.encode(termOfReason(reason)), state);
      return this.#conclude("terminate", this.#on("terminate"), ["ok"], () => undefined);
    },
  });

  /** The callback `code_change`, which takes its extra argument as the new state. */
  migrate(extra: Value): (state: Value) => Value {
    return (state) => {
      this.#enter("code_change", this.#world.encode(extra), state);
      return extra;
    };
  }

  get #self(): ServerActor {
    return this.#actor as ServerActor;
  }

  #init(self: ServerSelf): Maybe<InitResult<Value>> {
    const { name, init } = this.#script;
    this.#actor = {
      world: this.#world,
      name,
      self: self as Actor["self"],
      step: init.msg,
      callers: { current: undefined, saved: new Map() },
    };
    this.#world.bind(name, self.pid);
    this.#world.behaviours.set(self.pid, this);
    init.scope.set(name, self.pid);
    this.#world.log.push([name, "init"]);
    return this.#conclude("init", init, ["ok"], initialised) as Maybe<InitResult<Value>>;
  }

  #call(state: Value, directive: Directive, from: From<Value>): Maybe<CallResult<Value>> {
    this.#enter("call", directive.msg, this.#world.encode(from.owner), state);
    this.#self.step = directive.msg;
    this.#self.callers.current = from;
    this.#world.lateReplies.isAsked(directive, from);
    return this.#conclude("call", directive, ["reply", "ok"], called);
  }

  #info(state: Value, message: unknown): Maybe<CallbackResult<Value>> {
    if (message instanceof Directive) {
      this.#enter("info", { msg: message.msg }, state);
      return this.#handle("info", message);
    }
    // An atom like any other, but the one that OTP tells of a timeout by.
    return this.#told(message === "timeout" ? "timeout" : "info", termOfMessage(message), state);
  }

  /** Something came that brings no directive. */
  #told(kind: string, message: Value, state: Value): Maybe<CallbackResult<Value>> {
    this.#enter("info", this.#world.encode(message), state);
    return this.#conclude(kind, this.#on(kind), ["noreply"], handled);
  }

  #handle(callback: string, directive: Directive): Maybe<CallbackResult<Value>> {
    this.#self.step = directive.msg;
    return this.#conclude(callback, directive, ["noreply"], handled);
  }

  /** A callback begins: it logs the state before it. */
  #enter(callback: string, ...facts: [...facts: Json[], state: Value]): void {
    const { name, callers } = this.#self;
    const state = facts.pop() as Value;
    callers.current = undefined;
    this.#world.log.push([name, callback, ...(facts as Json[]), this.#world.encode(state)]);
  }

  #on(kind: string): Directive {
    const { init, on } = this.#script;
    return new Directive(this.#self.step, (on[kind] ?? {}) as JsonObject, init.scope);
  }

  /** Follows a directive to its end: what the callback returns, or how it ends the server. */
  #conclude<T>(
    callback: string,
    directive: Directive,
    byDefault: Ret,
    make: (ret: Ret, directive: Directive, actor: Actor) => T,
  ): Maybe<T> {
    const actor = this.#self;
    const returned = (ret: Ret): T => {
      const [kind, term = null] = ret;
      if (kind !== "bad" && kind !== "throw") return make(ret, directive, actor);
      return resultOfTerm(directive.decode(term, actor), callback) as T;
    };
    const failed = (thrown: unknown): T => {
      const raised = asRaised(thrown);
      // OTP takes what a callback throws for what it returns.
      if (raised?.class === "throw") return resultOfTerm(raised.reason, callback) as T;
      return leave(actor, thrown);
    };
    try {
      const result = follow(actor, directive, byDefault, returned);
      return isPromise(result) ? result.catch(failed) : result;
    } catch (thrown) {
      return failed(thrown);
    }
  }
}

// ── what callbacks return ─────────────────────────────────────────────────────────────────────────

function initialised(
  [kind, reason = null]: Ret,
  directive: Directive,
  actor: Actor,
): InitResult<Value> {
  if (kind === "ignore") return { ignore: true };
  if (kind === "stop") return { stop: reasonOfTerm(directive.decode(reason, actor)) };
  return { state: 0, ...goingOn(directive, actor) };
}

function called(ret: Ret, directive: Directive, actor: Actor): CallResult<Value> {
  const [kind, first = null, second] = ret;
  if (kind === "reply") {
    return { reply: directive.decode(first, actor), ...goingOn(directive, actor) };
  }
  if (kind !== "stop" || second === undefined) return handled(ret, directive, actor);
  return { reply: directive.decode(second, actor), ...handled(ret, directive, actor) };
}

function handled(
  [kind, reason = null]: Ret,
  directive: Directive,
  actor: Actor,
): CallbackResult<Value> {
  if (kind === "noreply") return goingOn(directive, actor);
  if (kind !== "stop") throw new TypeError(`no such ret: ${JSON.stringify(directive.json)}`);
  return { ...stateIn(directive, actor), stop: reasonOfTerm(directive.decode(reason, actor)) };
}

/** The new state, and what is to happen next. Coppice has nothing to hibernate. */
function goingOn(directive: Directive, actor: Actor): CallbackResult<Value> {
  const [kind, argument = null] = (directive.json.then ?? []) as readonly Json[];
  const state = stateIn(directive, actor);
  if (kind === "timeout") return { ...state, timeoutMs: timeoutMsOf(argument as Value) };
  if (kind === "continue") return { ...state, continue: directive.nested(argument as JsonObject) };
  return state;
}

function stateIn(directive: Directive, actor: Actor): { readonly state?: Value } {
  const { state } = directive.json;
  return state === undefined ? {} : { state: directive.decode(state, actor) };
}
