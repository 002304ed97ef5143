/** Executing ops inside a process of a program. */
import { DeadProcessError, ExitSignal, type From, type Self } from "@coppice/core";
import { isFailure } from "./failure.js";
import type { Json, Op } from "./program.js";
import { asRaised, Raised, type ExceptionClass } from "./raised.js";
import { decode, UnboundVariableError, type Bound, type Value } from "./term.js";
import { endByError, reasonOfTerm } from "./translation.js";
import type { World } from "./world.js";

/** What is bound where an op stands. Ops of one list share it, so that later ones see what earlier ones bound. */
export type Scope = Map<string, Bound>;

/** A process that executes ops. */
export interface Actor {
  readonly world: World;
  readonly name: string;
  readonly self: Self<unknown>;
  /** The step that it executes, or whose directive it follows: what it sends is known by that number. */
  step: number;
  /** Who waits for a reply, where that may be answered later. */
  readonly callers?: Callers;
}

/** The callers of a behaviour that wait for a reply. */
export interface Callers {
  /** Whose call is being handled. */
  current: From<Value> | undefined;
  readonly saved: Map<string, From<Value>>;
}

/** How an op is done. */
export interface OpDefinition {
  /** The fields it cannot do without. */
  readonly needs: readonly string[];
  /** Answers at once unless it has to wait, so that a list of ops runs without a break. */
  run(call: OpCall): Value | Promise<Value>;
}

export type OpTable = ReadonlyMap<string, OpDefinition>;

/** What became of an op. */
export type Result =
  | { readonly ok: Value }
  | { readonly raise: readonly [ExceptionClass, Value] }
  | { readonly seq: readonly Result[] }
  | "skip";

/** One execution of an op. */
export class OpCall {
  readonly actor: Actor;
  readonly op: Op;
  readonly scope: Scope;

  constructor(actor: Actor, op: Op, scope: Scope) {
    this.actor = actor;
    this.op = op;
    this.scope = scope;
  }

  get self(): Self<unknown> {
    return this.actor.self;
  }

  has(field: string): boolean {
    return this.op[field] !== undefined;
  }

  /** The value of a field. */
  term(field: string): Value {
    return this.decode(this.op[field] as Json);
  }

  decode(term: Json): Value {
    return decode(term, (variable) =>
      variable === "self" ? this.self.pid : this.scope.get(variable),
    );
  }

  /** Binds a name here, and for all later steps. */
  bind<B extends Bound>(name: Json | undefined, bound: B): B {
    if (typeof name === "string") {
      this.scope.set(name, bound);
      this.actor.world.bind(name, bound);
    }
    return bound;
  }
}

/** Ops that end the process, and what they raise. */
const RAISING: { readonly [op: string]: ExceptionClass } = {
  exit: "exit",
  error: "error",
  throw: "throw",
};

/** The ops that belong to every layer, with the fields they need. */
export const COMMON_OPS: ReadonlyMap<string, readonly string[]> = new Map([
  ["seq", ["ops"]],
  ...Object.keys(RAISING).map((op): [string, string[]] => [op, ["reason"]]),
]);

/** Executes the op of a step. What it raises is its result, but for ops whose purpose is to raise. */
export function perform(actor: Actor, op: Op, scope: Scope): Result | Promise<Result> {
  const call = new OpCall(actor, op, scope);
  if (op.op === "seq") return performEach(call);
  const failed = (thrown: unknown): Result => {
    if (thrown instanceof UnboundVariableError) return "skip";
    const raised = asRaised(thrown);
    if (raised === undefined || op.op in RAISING) throw thrown;
    return { raise: [raised.class, raised.reason] };
  };
  try {
    const value = execute(call);
    if (!isPromise(value)) return { ok: value };
    return value.then((ok) => ({ ok }), failed);
  } catch (thrown) {
    return failed(thrown);
  }
}

async function performEach({ actor, op, scope }: OpCall): Promise<Result> {
  const results: Result[] = [];
  for (const next of op.ops as readonly Op[]) {
    const result = perform(actor, next, scope);
    results.push(isPromise(result) ? await result : result);
  }
  return { seq: results };
}

/**
 * Executes ops in order; the first that raises ends it. Those with `log` are logged. A promise comes
 * back only when one of them has to wait.
 */
export function performAll(actor: Actor, ops: readonly Op[], scope: Scope): void | Promise<void> {
  for (const [index, op] of ops.entries()) {
    const log = (result: Value): void => {
      const { world, name } = actor;
      if (op.log === true) world.log.push([name, "did", op.op, world.encode(result)]);
    };
    const value = execute(new OpCall(actor, op, scope));
    if (isPromise(value)) {
      return value.then(log).then(() => performAll(actor, ops.slice(index + 1), scope));
    }
    log(value);
  }
}

function execute(call: OpCall): Value | Promise<Value> {
  const { op, actor } = call;
  const raising = RAISING[op.op];
  if (raising !== undefined) throw new Raised(raising, call.term("reason"));
  const definition = actor.world.layer.ops.get(op.op);
  if (definition === undefined) throw new TypeError(`no such op: ${JSON.stringify(op)}`);
  return definition.run(call);
}

/** Ends a process by what its code threw and did not catch. */
export function leave(actor: Actor, thrown: unknown): never {
  const { self, world } = actor;
  const raised = asRaised(thrown);
  if (raised?.class === "exit") self.exit(reasonOfTerm(raised.reason));
  if (raised?.class === "throw") throw raised.reason;
  if (raised !== undefined) endByError(self, raised);
  const isEnding = thrown instanceof ExitSignal || thrown instanceof DeadProcessError;
  if (!isEnding && !isFailure(thrown)) world.fail(thrown);
  throw thrown;
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value;
}
