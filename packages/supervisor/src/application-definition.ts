/**
 * Applications: a tree, with a name, a configuration, and what is to be done before and after its end.
 *
 * OTP: https://www.erlang.org/doc/design_principles/applications.html
 */
import { InvalidArgumentError, type Self } from "@coppice/core";
import type { SupervisorDefinition } from "./supervisor.js";

/** What `start` returns: the tree, and what the other callbacks are called with. */
export type ApplicationStart<S> =
  SupervisorDefinition | { readonly tree: SupervisorDefinition; readonly state: S };

/** An application as an object of callbacks. */
export interface ApplicationSpec<E extends object, S> {
  /** Part of every path and report. On one node it runs once at a time. */
  readonly name: string;
  /** The configuration, with defaults for all it has; `options.env` replaces them one by one. */
  readonly env?: E;
  /** Makes the tree. It is started when this has returned; an error is a start that failed. */
  start(env: Readonly<E>): ApplicationStart<S> | PromiseLike<ApplicationStart<S>>;
  /**
   * Called before the tree is stopped, while all still runs; as in OTP also when the tree has ended by
   * itself, after that. Returns a new state, or nothing. In a process of its own, which `self` is.
   */
  prepStop?(state: S, self: Self<never>): S | void | PromiseLike<S | void>;
  /** Called when the tree has ended, by whatever reason, and `prepStop` has returned, to clean up. */
  stop?(state: S, self: Self<never>): void | PromiseLike<void>;
}

/** An application that can be run, or started on any node. */
export interface ApplicationDefinition<E extends object = object> {
  readonly name: string;
  /** Its configuration, where nothing else is said. */
  readonly env: Readonly<E>;
  /** Marks what `defineApplication` made. */
  readonly behaviour: "application";
}

/**
 * Defines an application.
 *
 * A tree alone can be run, too. An application adds what a tree does not have: a configuration, and
 * what is to be done before and after its end.
 *
 * @throws InvalidArgumentError a field is unknown, or not as it has to be
 * @example
 * import { createNode, type Self } from "@coppice/core";
 * import { child, defineApplication, defineSupervisor, startApplication } from "@coppice/supervisor";
 * async function greeter(self: Self<string>, greeting: string) {
 *   for (;;) console.log(greeting, await self.receive());
 * }
 * const greetings = defineApplication({
 *   name: "greetings",
 *   env: { greeting: "Hello" },
 *   start: ({ greeting }) => defineSupervisor({ children: [child("greeter", greeter, greeting)] }),
 * });
 * const node = createNode();
 * const handle = await startApplication(node, greetings, { env: { greeting: "Servus" } });
 * await handle.stop(); // => { cause: { type: "requested" }, problems: [] }
 * await node.stop();
 * @see https://www.erlang.org/doc/man/application.html#Module:start-2
 */
export function defineApplication<E extends object = object, S = undefined>(
  spec: ApplicationSpec<E, S>,
): ApplicationDefinition<E> {
  checkSpec(spec);
  // What its callbacks are given is what `start` returns, and that is of one `S`: its types say so.
  return new Definition<E>(spec as AnySpec);
}

/** What is run when a tree alone is given. */
const TREE_NAME = "application";

/**
 * What there is to run, whether it is an application or a tree alone.
 *
 * @throws InvalidArgumentError it is neither, or `env` has what the application does not have
 */
export function resolveApplication(
  caller: string,
  application: SupervisorDefinition | ApplicationDefinition,
  env: object | undefined,
): ResolvedApplication {
  if (application instanceof Definition) {
    const { spec } = application;
    const full = mergeEnv(caller, application.env, env);
    return { ...boundTo(spec), name: spec.name, start: async () => spec.start(full) };
  }
  if ((application as Partial<SupervisorDefinition> | null)?.childType !== "supervisor") {
    const expected = "an application, or a tree that defineSupervisor made";
    throw new InvalidArgumentError(`${caller}: application`, expected, application);
  }
  mergeEnv(caller, {}, env);
  const tree = application as SupervisorDefinition;
  return { name: TREE_NAME, start: async () => tree, prepStop: undefined, stop: undefined };
}

/** A callback that is called with the state, and a process of its own. */
export type ApplicationCallback = (state: unknown, self: Self<never>) => unknown;

/** An application with its configuration. */
export interface ResolvedApplication {
  readonly name: string;
  readonly start: () => Promise<ApplicationStart<unknown>>;
  readonly prepStop: ApplicationCallback | undefined;
  readonly stop: ApplicationCallback | undefined;
}

interface AnySpec {
  readonly name: string;
  readonly env?: object;
  start(env: object): ApplicationStart<unknown> | PromiseLike<ApplicationStart<unknown>>;
  prepStop?: ApplicationCallback;
  stop?: ApplicationCallback;
}

function boundTo(spec: AnySpec): Pick<ResolvedApplication, "prepStop" | "stop"> {
  return { prepStop: spec.prepStop?.bind(spec), stop: spec.stop?.bind(spec) };
}

class Definition<E extends object> implements ApplicationDefinition<E> {
  readonly behaviour = "application";
  readonly name: string;
  readonly env: Readonly<E>;
  readonly spec: AnySpec;

  constructor(spec: AnySpec) {
    this.spec = spec;
    this.name = spec.name;
    this.env = Object.freeze({ ...spec.env }) as Readonly<E>;
  }
}

function mergeEnv(caller: string, defaults: object, env: object | undefined): Readonly<object> {
  if (env === undefined) return defaults;
  const known = Object.keys(defaults);
  const keys = known.length === 0 ? "left out: the application has no env" : known.join(", ");
  const expected = known.length === 0 ? keys : `made of ${keys}`;
  if (typeof env !== "object" || env === null) {
    throw new InvalidArgumentError(`${caller}: options.env`, "an object", env);
  }
  for (const [key, value] of Object.entries(env)) {
    if (!known.includes(key)) {
      throw new InvalidArgumentError(`${caller}: options.env`, expected, { [key]: value });
    }
  }
  const given = Object.entries(env).filter(([, value]) => value !== undefined);
  return Object.freeze({ ...defaults, ...Object.fromEntries(given) });
}

const FIELDS = ["name", "env", "start", "prepStop", "stop"];

function checkSpec(spec: Partial<Record<keyof AnySpec, unknown>>): void {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`defineApplication: ${field}`, expected, received);
  };
  if (typeof spec !== "object" || spec === null) {
    refuse("application", `an object of ${FIELDS.join(", ")}`, spec);
  }
  for (const key of Object.keys(spec)) {
    const expected = `one of ${FIELDS.join(", ")}`;
    if (!FIELDS.includes(key)) refuse(key, expected, spec[key as keyof AnySpec]);
  }
  const { name, env, start, prepStop, stop } = spec;
  // It becomes the name of a node, and a step of paths.
  if (typeof name !== "string" || !/^[^\s<>/]{1,200}$/.test(name)) {
    refuse("name", "a string of 1 to 200 characters without spaces, <, > and /", name);
  }
  if (env !== undefined && (typeof env !== "object" || env === null)) {
    refuse("env", "an object", env);
  }
  if (typeof start !== "function") refuse("start", "a function", start);
  for (const [field, callback] of Object.entries({ prepStop, stop })) {
    if (callback !== undefined && typeof callback !== "function") {
      refuse(field, "a function", callback);
    }
  }
}
