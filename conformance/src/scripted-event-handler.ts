/**
 * An event handler whose callbacks follow directives.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html (callback functions)
 */
import type { Call, ExitReason, Term } from "@coppice/core";
import {
  defineEventHandler,
  eventHandler,
  type EventHandler,
  type EventHandlerCallResult,
  type EventHandlerEnd,
  type EventHandlerInit,
  type EventHandlerResult,
  type EventHandlerSelf,
  type Handover,
} from "@coppice/supervisor";
import { Directive, follow, type Ret } from "./directive.js";
import { termOfEnd, termOfHandover, type Returned } from "./gen-event-terms.js";
import { isPromise, leave, type Actor } from "./op.js";
import type { Json, JsonObject } from "./program.js";
import { asRaised } from "./raised.js";
import { FOLLOW } from "./scripted-server.js";
import { isArray, type Value } from "./term.js";
import { termOfMessage } from "./translation.js";
import type { World } from "./world.js";

/** The module of all handlers; programs tell them apart by their ids. */
const MODULE = "scripted";

/** What a program says of a handler. */
export interface HandlerScript {
  readonly id: Value;
  readonly init: Directive;
  /** Directives for what comes without one, by kind. */
  readonly on: JsonObject;
}

type Maybe<T> = T | Promise<T>;
type Init = EventHandlerInit<Value>;
type Result = EventHandlerResult<Value, unknown, unknown>;
type CallResult = EventHandlerCallResult<Value, unknown, unknown>;

/** What can be asked of it. */
type Protocol = Call<readonly [typeof FOLLOW, Directive], Value>;
export type AnyScriptedHandler = EventHandler<unknown, unknown, Protocol, []>;

/** The handler with this id, whoever has added it. */
export function handlerWithId(id: Value): AnyScriptedHandler {
  return eventHandler<AnyScriptedHandler>(MODULE).as(id as Term);
}

export function scriptedHandler(world: World, script: HandlerScript): AnyScriptedHandler {
  const { behaviour } = new ScriptedHandler(world, script);
  return behaviour.as(script.id as Term) as AnyScriptedHandler;
}

class ScriptedHandler {
  readonly #world: World;
  readonly #script: HandlerScript;
  #actor: Actor | undefined;

  constructor(world: World, script: HandlerScript) {
    this.#world = world;
    this.#script = script;
  }

  readonly behaviour = defineEventHandler({
    name: MODULE,
    init: (self: EventHandlerSelf): Maybe<Init> => {
      this.#log("init");
      return this.#init(self);
    },
    takeOver: (handover: Handover, self: EventHandlerSelf): Maybe<Init> => {
      this.#log("init", this.#world.encode(termOfHandover(handover)));
      return this.#init(self);
    },
    event: (state: Value, event: unknown): Maybe<Result> => this.#event("event", event, state),
    info: (state: Value, message: unknown): Maybe<Result> => this.#event("info", message, state),
    call: {
      [FOLLOW]: (state: Value, directive: Directive): Maybe<CallResult> => {
        this.#log("call", directive.msg, this.#world.encode(state));
        this.#self.step = directive.msg;
        return this.#conclude(
          directive,
          ["reply", "ok"],
          (ret) => this.#result(directive, ret, calledResult),
          calledResult,
        );
      },
    },
    terminate: (state: Value, why: EventHandlerEnd): Maybe<Value> => {
      this.#log("terminate", this.#world.encode(termOfEnd(why)), this.#world.encode(state));
      const directive = this.#on("terminate");
      const returned = ([, term = "ok"]: Ret): Value => directive.decode(term, this.#self);
      return this.#conclude(directive, ["ok"], returned, (thrown) => thrown);
    },
  });

  get #self(): Actor {
    return this.#actor as Actor;
  }

  #log(kind: string, ...rest: readonly Json[]): void {
    this.#world.log.push([this.#script.id as string, kind, ...rest]);
  }

  #init(self: EventHandlerSelf): Maybe<Init> {
    const { id, init } = this.#script;
    this.#actor = { world: this.#world, name: id as string, self, step: init.msg };
    const refused = (returned: Value): Init => {
      const reason: Returned = { returned };
      return { stop: reason as unknown as ExitReason };
    };
    const initialised = ([kind, term]: Ret): Init => {
      if (kind === "ok") return { state: this.#stateIn(init) ?? 0 };
      return refused(init.decode(term as Json, this.#self));
    };
    return this.#conclude(init, ["ok"], initialised, refused);
  }

  #event(kind: string, content: unknown, state: Value): Maybe<Result> {
    let directive: Directive;
    if (content instanceof Directive) {
      this.#log(kind, content.msg, this.#world.encode(state));
      this.#self.step = content.msg;
      const { id } = this.#script;
      const forThis = content.json[id as string] ?? content.json["*"] ?? {};
      directive = content.nested(forThis as JsonObject);
    } else {
      this.#log(kind, this.#world.encode(termOfMessage(content)), this.#world.encode(state));
      directive = this.#on("info");
    }
    return this.#conclude(
      directive,
      ["ok"],
      (ret) => this.#result(directive, ret, eventResult),
      eventResult,
    );
  }

  #on(kind: string): Directive {
    const { init, on } = this.#script;
    return new Directive(this.#self.step, (on[kind] ?? {}) as JsonObject, init.scope);
  }

  #stateIn(directive: Directive): Value | undefined {
    const { state } = directive.json;
    return state === undefined ? undefined : directive.decode(state, this.#self);
  }

  /**
   * What a callback for an event or a call returns.
   *
   * @param meant the result that a term means
   */
  #result(
    directive: Directive,
    [kind, ...rest]: Ret,
    meant: (term: Value) => CallResult,
  ): CallResult {
    const decode = (json: Json | undefined): Value => directive.decode(json as Json, this.#self);
    const state = this.#stateIn(directive);
    const kept = state === undefined ? {} : { state };
    switch (kind) {
      case "ok":
        return kept;
      case "reply":
        return { ...kept, reply: decode(rest[0]) };
      case "remove_handler":
        return rest.length === 0 ? { remove: true } : { remove: true, reply: decode(rest[0]) };
      case "swap_handler": {
        // The answer to a call comes first.
        const [argument, id, init] = rest.slice(-3);
        const reply = rest.length === 4 ? { reply: decode(rest[0]) } : {};
        const { on } = this.#script;
        const next = { id: decode(id), init: directive.nested(init as JsonObject), on };
        const to = scriptedHandler(this.#world, next);
        return { ...kept, ...reply, swap: { to, argument: decode(argument) } };
      }
      default:
        return meant(decode(rest[0]));
    }
  }

  /** Follows a directive; what is thrown is taken for a return, as by `catch`. */
  #conclude<T>(
    directive: Directive,
    byDefault: Ret,
    finish: (ret: Ret) => T,
    thrown: (value: Value) => T,
  ): Maybe<T> {
    const actor = this.#self;
    const concluded = (ret: Ret): T =>
      ret[0] === "throw" ? thrown(directive.decode(ret[1] as Json, actor)) : finish(ret);
    const failed = (error: unknown): T => {
      const raised = asRaised(error);
      if (raised?.class === "throw") return thrown(raised.reason);
      return leave(actor, error);
    };
    try {
      const followed = follow(actor, directive, byDefault, concluded);
      return isPromise(followed) ? followed.catch(failed) : followed;
    } catch (error) {
      return failed(error);
    }
  }
}

/** The result that a term means which a callback for events returned or threw; most mean none. */
function eventResult(term: Value): CallResult {
  return term === "remove_handler" ? { remove: true } : (term as CallResult);
}

/** The same of a callback for calls. */
function calledResult(term: Value): CallResult {
  if (isArray(term) && term.length === 2 && term[0] === "remove_handler") {
    return { remove: true, reply: term[1] };
  }
  return term as CallResult;
}
