/** Supervisors and children as programs write them: what the library is given in their place. */
import type { AnyPid, Startable, Starter, StartOptions, StartResult } from "@coppice/core";
import {
  defineDynamicSupervisor,
  defineSupervisor,
  type AnySupervisorDefinition,
  type ChildSpec,
  type DynamicSupervisorSpec,
  type Program,
  type SupervisorSpec,
} from "@coppice/supervisor";
import type { InstanceKind } from "./instances.js";
import type { Scope } from "./op.js";
import type { Json, JsonObject } from "./program.js";
import { Raised } from "./raised.js";
import { ScriptedWorker } from "./scripted-worker.js";
import { decode, isArray, type Value } from "./term.js";
import type { World } from "./world.js";

/** What a spec is read with. */
export interface SpecContext {
  readonly world: World;
  readonly scope: Scope;
}

/**
 * Starts a supervisor whose init logs, and returns the spec that the program has for it.
 *
 * @param parent who starts it
 * @param start spawns its process before it returns
 */
export function startScripted<T>(
  id: string,
  spec: JsonObject,
  context: SpecContext,
  parent: AnyPid,
  start: (definition: ScriptedDefinition) => T,
): T {
  const { world } = context;
  const scope = new Map(context.scope);
  let pid: AnyPid | undefined;
  const init = <S>(kind: InstanceKind, specOf: SpecReader<S>): S | "ignore" => {
    const { name } = world.instances.attempt(id);
    world.arrive({ id, name, pid: pid as AnyPid, parent, kind, lives: true });
    world.log.push(["init", name]);
    return initResultOf(spec, { world, scope }, specOf);
  };
  const started = start(
    spec.strategy === "simple_one_for_one"
      ? defineDynamicSupervisor(() => init("dynamic_supervisor", dynamicSpecOf))
      : defineSupervisor(() => init("supervisor", specOfChildren)),
  );
  pid = world.lastSpawned;
  return started;
}

type ScriptedDefinition = AnySupervisorDefinition<never, []>;
type SupervisorFlags = Pick<SupervisorSpec, "intensity" | "periodMs" | "autoShutdown">;
type SpecReader<S> = (spec: JsonObject, context: SpecContext) => S;

class ScriptedSupervisor implements Startable {
  readonly #id: string;
  readonly #spec: JsonObject;
  readonly #context: SpecContext;

  constructor(id: string, spec: JsonObject, context: SpecContext) {
    this.#id = id;
    this.#spec = spec;
    this.#context = context;
  }

  start(starter: Starter, options: StartOptions): StartResult | PromiseLike<StartResult> {
    return startScripted(this.#id, this.#spec, this.#context, starter.pid, (definition) =>
      definition.start(starter, options),
    );
  }
}

function initResultOf<S>(
  spec: JsonObject,
  context: SpecContext,
  specOf: SpecReader<S>,
): S | "ignore" {
  const read = reader(context);
  const [kind, term = null] = (spec.ret ?? []) as readonly Json[];
  if (kind === "ignore") return "ignore";
  if (kind === "bad") return read(term) as never;
  if (kind === "error") throw new Raised("error", read(term));
  return specOf(spec, context);
}

function specOfChildren(spec: JsonObject, context: SpecContext): SupervisorSpec {
  const { strategy } = spec;
  const children = childrenOf(spec, context);
  return {
    ...(strategy !== undefined && { strategy: reader(context)(strategy) }),
    ...flagsOf(spec, context),
    children,
  } as SupervisorSpec;
}

function dynamicSpecOf(
  spec: JsonObject,
  context: SpecContext,
): DynamicSupervisorSpec<unknown, readonly unknown[]> {
  const children = childrenOf(spec, context);
  // Where OTP counts the children, Coppice has a place for just one.
  const child = children.length === 1 ? children[0] : children;
  return { ...flagsOf(spec, context), child } as DynamicSupervisorSpec<unknown, readonly unknown[]>;
}

function childrenOf(spec: JsonObject, context: SpecContext): ChildSpec[] {
  const children = (spec.children ?? []) as readonly JsonObject[];
  return children.map((child) => childOf(child, context));
}

function flagsOf(spec: JsonObject, context: SpecContext): SupervisorFlags {
  const read = reader(context);
  const { intensity, period, auto_shutdown: autoShutdown } = spec;
  return {
    ...(intensity !== undefined && { intensity: read(intensity) }),
    ...(period !== undefined && { periodMs: inMs(read(period)) }),
    ...(autoShutdown !== undefined && { autoShutdown: read(autoShutdown) }),
  } as SupervisorFlags;
}

function inMs(seconds: Value): Value {
  return typeof seconds === "number" ? seconds * 1_000 : seconds;
}

/** A child: a supervisor with a `spec`, or a worker with a `script`. */
export function childOf(child: JsonObject, context: SpecContext): ChildSpec {
  const read = reader(context);
  const { world, scope } = context;
  const id = child.id as string;
  const program: Program =
    child.spec === undefined
      ? new ScriptedWorker(world, id, (child.script ?? {}) as JsonObject, scope)
      : (new ScriptedSupervisor(id, child.spec as JsonObject, {
          world,
          scope: new Map(scope),
        }) as object as Program);
  const fields = ["restart", "shutdown", "type", "significant"].flatMap((field) => {
    const term = child[field];
    return term === undefined ? [] : [[field, read(term)] as const];
  });
  return { id, start: [program], ...Object.fromEntries(fields) };
}

// ── specifications as terms ───────────────────────────────────────────────────────────────────────

/** A specification of no known kind of child, such as a map; what is none stays as it is. */
export function childOfTerm(term: Value): ChildSpec {
  const fields = fieldsOf(term);
  if (fields === undefined) return term as never;
  const { start, modules, ...others } = fields;
  checkModules(modules);
  return {
    ...others,
    ...(start !== undefined && { start: [isMfa(start) ? UNDEFINED_FUNCTION : start] }),
  } as unknown as ChildSpec;
}

/** In maps, and in the tuples of old. */
function fieldsOf(term: Value): { readonly [field: string]: Value } | undefined {
  if (isArray(term)) {
    if (term.length !== 6) return undefined;
    const names = ["id", "start", "restart", "shutdown", "type", "modules"];
    return Object.fromEntries(names.map((name, index) => [name, term[index] as Value]));
  }
  if (typeof term !== "object" || !("map" in term)) return undefined;
  return Object.fromEntries(term.map.map(([key, value]) => [key as string, value]));
}

/** Nobody has such a function, as no program defines a module. */
const UNDEFINED_FUNCTION: Startable = {
  start: () => ({ error: ["EXIT", { crash: "undef" }] }),
};

function isMfa(value: Value): boolean {
  if (!isArray(value) || value.length !== 3) return false;
  const [module, fn, args] = value;
  return (
    typeof module === "string" &&
    typeof fn === "string" &&
    typeof args === "object" &&
    "list" in args
  );
}

/** Coppice replaces no modules, so that its specs do not name them; programs do. */
function checkModules(modules: Value = "dynamic"): void {
  if (modules === "dynamic") return;
  if (typeof modules !== "object" || !("list" in modules)) {
    throw new Raised("error", ["invalid_modules", modules]);
  }
  const other = modules.list.find((module) => typeof module !== "string");
  if (other !== undefined) throw new Raised("error", ["invalid_module", other]);
}

function reader({ scope }: SpecContext): (term: Json) => Value {
  return (term) => decode(term, (name) => scope.get(name));
}
