/** Directives: what a callback of a behaviour is told to do, by the message that it handles. */
import { isPromise, performAll, type Actor, type OpCall, type Scope } from "./op.js";
import type { Json, JsonObject, Op } from "./program.js";
import { Raised } from "./raised.js";
import { decode, type Value } from "./term.js";

/** A directive under way. A trace knows it by the step that sent it: `{"msg": N}`. */
export class Directive {
  readonly msg: number;
  readonly json: JsonObject;
  readonly scope: Scope;

  /**
   * @param msg the step that sends it
   * @param scope what its variables stand for; later bindings are not seen
   */
  constructor(msg: number, json: JsonObject, scope: Scope) {
    this.msg = msg;
    this.json = json;
    this.scope = new Map(scope);
  }

  /** One that stands in a field of this one. */
  nested(json: JsonObject): Directive {
    return new Directive(this.msg, json, this.scope);
  }

  /** The value of a term in it, for the process that follows it. */
  decode(term: Json, { self }: Actor): Value {
    return decode(term, (name) => (name === "self" ? self.pid : this.scope.get(name)));
  }
}

/** The directive in a field of an op; an empty one when there is none. */
export function directiveIn(call: OpCall, field: string): Directive {
  return new Directive(call.actor.step, (call.op[field] ?? {}) as JsonObject, call.scope);
}

/** What a callback is to return, or how it is to end. */
export type Ret = readonly [kind: string, ...rest: Json[]];

/**
 * Executes the ops of a directive, then does what its `ret` says: raises it as `Raised`, or goes on with
 * `finish`. A promise comes back only when an op has to wait.
 *
 * @param byDefault the `ret` of a directive that has none
 */
export function follow<T>(
  actor: Actor,
  directive: Directive,
  byDefault: Ret,
  finish: (ret: Ret) => T,
): T | Promise<T> {
  const { json, scope } = directive;
  const conclude = (): T => {
    const ret = (json.ret ?? byDefault) as Ret;
    const [kind, reason = "undefined"] = ret;
    if (kind === "error" || kind === "exit") {
      throw new Raised(kind, directive.decode(reason, actor));
    }
    return finish(ret);
  };
  // What the ops bind is seen by the ops that follow, and by nobody else.
  const performed = performAll(actor, (json.do ?? []) as readonly Op[], new Map(scope));
  return isPromise(performed) ? performed.then(conclude) : conclude();
}
