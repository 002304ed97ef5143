/**
 * Child specs: what a supervisor has to know of a child, as data; their defaults and their checks.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-child_spec
 */
import { isName, type AnyName, type Body, type Handler, type Name } from "@coppice/core";
import { InvalidChildSpecError } from "./errors.js";
import type { Restart } from "./restart-type.js";
import type { Startable } from "./start.js";

/**
 * How a child is ended: killed at once, or asked with `"shutdown"` and killed when it has not ended
 * within that many milliseconds; `"infinity"` never kills.
 */
export type Shutdown = "brutal_kill" | "infinity" | number;

export type ChildType = "worker" | "supervisor";

/** Children that end a supervisor with them: none, the first significant one, the last one of them. */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** What a child runs. `any`: the specs of one supervisor have different messages; `child` checks each. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Program<A extends readonly unknown[] = any> =
  // oxlint-disable-next-line typescript/no-explicit-any
  Body<any, A> | Handler<any, any, A> | Startable<any, A>;

// oxlint-disable-next-line typescript/no-explicit-any
type AnyStartable = Startable<any, any>;

/**
 * A program, with the arguments it starts with if it takes any.
 *
 * A body or a handler counts as started when it is spawned, a behaviour when its `init` has returned:
 * where a child needs the ones before it to be ready, those have to be behaviours.
 */
export type ChildStart = Program<[]> | readonly [program: Program, ...args: unknown[]];

/** Carries what a child understands; never present at run time. */
declare const CHILD_PROTOCOL: unique symbol;

/**
 * A child as data; `M` is what it understands, where that is known.
 *
 * In a spec written by hand the arguments are not checked against the program; `child` does that.
 */
export interface ChildSpec<in M = never> {
  readonly [CHILD_PROTOCOL]?: (message: M) => void;
  /** Unique among the children of its supervisor. */
  readonly id: string;
  readonly start: ChildStart;
  /** After which exits it is started again; `"permanent"` by default. */
  readonly restart?: Restart | undefined;
  /** How it is ended; `5000` by default, `"infinity"` for supervisors. */
  readonly shutdown?: Shutdown | undefined;
  /** `"supervisor"` by default for what `defineSupervisor` made, else `"worker"`. */
  readonly type?: ChildType | undefined;
  /** Its end may end its supervisor, as `autoShutdown` says; not by default. */
  readonly significant?: boolean | undefined;
  /** Registers each incarnation of it, so that the name stays good over restarts. */
  readonly name?: AnyName | undefined;
  /** What people call it in reports; its id by default. */
  readonly label?: string | undefined;
}

/** What `child` needs of a spec besides the program. */
export interface ChildOptions<M = never> extends Omit<
  ChildSpec,
  "start" | "name" | typeof CHILD_PROTOCOL
> {
  readonly name?: Name<M> | undefined;
}

/** A spec that was checked, with nothing left out. */
export interface CheckedChildSpec {
  readonly id: string;
  readonly program: Program;
  readonly args: readonly unknown[];
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly type: ChildType;
  readonly significant: boolean;
  readonly name: AnyName | undefined;
  readonly label: string;
}

/**
 * Makes a child spec; the compiler checks arguments and name against the program.
 *
 * @param idOrOptions its id, or all that is to be said besides the program
 * @param program a body, a handler, or a behaviour such as another supervisor
 * @throws InvalidChildSpecError a field is not as it has to be
 * @example
 * import { child } from "@coppice/supervisor";
 * import type { Self } from "@coppice/core";
 * async function counter(self: Self<number>, from: number) {
 *   for (let sum = from; ; ) sum += await self.receive();
 * }
 * child("counter", counter, 7).id; // => "counter"
 * child({ id: "counter", restart: "transient", shutdown: 1_000 }, counter, 7).restart; // => "transient"
 */
export function child<M, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  body: Body<M, A>,
  ...args: A
): ChildSpec<M>;
export function child<M, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  behaviour: Startable<M, A>,
  ...args: A
): ChildSpec<M>;
export function child<M, S = unknown, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  handler: Handler<M, S, A>,
  ...args: A
): ChildSpec<M>;
export function child(
  idOrOptions: string | ChildOptions,
  program: Program,
  ...args: unknown[]
): ChildSpec {
  const options = typeof idOrOptions === "string" ? { id: idOrOptions } : idOrOptions;
  const spec: ChildSpec = { ...options, start: [program, ...args] };
  checkChildSpec(spec, "child");
  return spec;
}

const KEYS = ["id", "start", "restart", "shutdown", "type", "significant", "name", "label"];

/**
 * Checks a spec and fills in what it leaves out.
 *
 * @param path how errors call the spec
 * @param autoShutdown of the supervisor it is for; without it, what depends on that is not checked
 * @throws InvalidChildSpecError a field is not as it has to be
 */
export function checkChildSpec(
  spec: ChildSpec,
  path: string,
  autoShutdown?: AutoShutdown,
): CheckedChildSpec {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidChildSpecError(field === "" ? path : `${path}.${field}`, expected, received);
  };
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) {
    return refuse("", "a child spec, such as child() makes", spec);
  }
  for (const key of Object.keys(spec)) {
    const expected = `a field that child specs have (${KEYS.join(", ")})`;
    if (!KEYS.includes(key)) refuse(key, expected, spec[key as keyof ChildSpec]);
  }
  const { id, start, significant = false, name } = spec;
  if (typeof id !== "string" || id === "") refuse("id", "a string that is not empty", id);
  const { program, args } = checkStart(start, refuse);
  const restart = oneOf(["permanent", "transient", "temporary"], spec.restart, "permanent");
  if (restart === undefined) {
    return refuse("restart", `"permanent", "transient" or "temporary"`, spec.restart);
  }
  const typeByDefault = (isStartable(program) ? program.childType : undefined) ?? "worker";
  const type = oneOf(["worker", "supervisor"], spec.type, typeByDefault);
  if (type === undefined) return refuse("type", `"worker" or "supervisor"`, spec.type);
  const { shutdown = type === "supervisor" ? "infinity" : 5_000 } = spec;
  if (!isShutdown(shutdown)) {
    const expected = `"brutal_kill", "infinity" or a whole number of milliseconds`;
    return refuse("shutdown", expected, shutdown);
  }
  if (typeof significant !== "boolean") refuse("significant", "true or false", significant);
  if (significant && restart === "permanent") {
    refuse("significant", "false for a permanent child, which never ends for good", significant);
  }
  if (significant && autoShutdown === "never") {
    refuse("significant", `false, as the supervisor's autoShutdown is "never"`, significant);
  }
  if (name !== undefined && !isName(name)) refuse("name", "a name made by name()", name);
  const { label = id } = spec;
  if (typeof label !== "string") refuse("label", "a string", label);
  return { id, program, args, restart, shutdown, type, significant, name, label };
}

/**
 * Checks the specs of one supervisor.
 *
 * @throws InvalidChildSpecError as `checkChildSpec`, or two children have one id
 */
export function checkChildSpecs(
  specs: readonly ChildSpec[],
  autoShutdown?: AutoShutdown,
): readonly CheckedChildSpec[] {
  if (!Array.isArray(specs)) {
    throw new InvalidChildSpecError("children", "an array of child specs", specs);
  }
  const paths = new Map<string, string>();
  return specs.map((spec: ChildSpec, index) => {
    const path = `children[${index}]`;
    const checked = checkChildSpec(spec, path, autoShutdown);
    const other = paths.get(checked.id);
    if (other !== undefined) {
      const expected = `an id of its own, not that of ${other}`;
      throw new InvalidChildSpecError(`${path}.id`, expected, checked.id);
    }
    paths.set(checked.id, path);
    return checked;
  });
}

function checkStart(
  start: ChildStart,
  refuse: (field: string, expected: string, received: unknown) => never,
): { program: Program; args: readonly unknown[] } {
  const isArray = Array.isArray(start);
  const [program, ...args] = (isArray ? start : [start]) as [Program, ...unknown[]];
  if (!isProgram(program)) {
    const expected = "an async function, a handler with init and message, or a behaviour";
    refuse(isArray ? "start[0]" : "start", expected, program);
  }
  return { program, args };
}

function isProgram(value: unknown): value is Program {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  return isStartable(value as Program) || (has(value, "init") && has(value, "message"));
}

/** Does it start its processes itself? Else it is spawned. */
export function isStartable(program: Program): program is AnyStartable {
  return typeof program === "object" && has(program, "start");
}

function has(object: object, method: string): boolean {
  return typeof (object as Record<string, unknown>)[method] === "function";
}

function isShutdown(value: unknown): value is Shutdown {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0;
  return value === "brutal_kill" || value === "infinity";
}

function oneOf<T extends string>(
  known: readonly T[],
  value: unknown,
  whenLeftOut: T,
): T | undefined {
  if (value === undefined) return whenLeftOut;
  return known.includes(value as T) ? (value as T) : undefined;
}
