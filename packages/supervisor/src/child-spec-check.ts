/**
 * Checks of child specs, and the defaults of what they leave out.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#check_childspecs-2
 */
import { isName } from "@coppice/core";
import { checkBackoff } from "./backoff.js";
import type { AnyBehaviour } from "./behaviour-start.js";
import type {
  AutoShutdown,
  CheckedChildSpec,
  ChildSpec,
  ChildStart,
  Program,
  Shutdown,
} from "./child-spec.js";
import { InvalidChildSpecError, type ChildSpecRule } from "./errors.js";

/**
 * Tells whether a supervisor would accept these children, without starting anything.
 *
 * @param autoShutdown of the supervisor they are for; without it, what depends on that is not checked
 * @returns the first field that is not as it has to be, as the error that starting would throw
 * @example
 * import { checkChildSpecs } from "@coppice/supervisor";
 * const result = checkChildSpecs([{ id: "a", start: async () => undefined, shutdown: -1 }]);
 * result.ok ? "fine" : result.error.path; // => "children[0].shutdown"
 * @see https://www.erlang.org/doc/man/supervisor.html#check_childspecs-2
 */
export function checkChildSpecs(
  specs: readonly ChildSpec[],
  autoShutdown?: AutoShutdown,
): { readonly ok: true } | { readonly ok: false; readonly error: InvalidChildSpecError } {
  try {
    if (autoShutdown !== undefined) checkAutoShutdown(autoShutdown, "badarg");
    checkedChildren(specs, autoShutdown);
    return { ok: true };
  } catch (error) {
    if (error instanceof InvalidChildSpecError) return { ok: false, error };
    throw error;
  }
}

/** @throws InvalidChildSpecError it is none */
export function checkAutoShutdown(autoShutdown: AutoShutdown, rule: ChildSpecRule): void {
  if (["never", "any_significant", "all_significant"].includes(autoShutdown)) return;
  const expected = `"never", "any_significant" or "all_significant"`;
  throw new InvalidChildSpecError("autoShutdown", expected, autoShutdown, rule);
}

/**
 * Checks the specs of one supervisor.
 *
 * @throws InvalidChildSpecError as `checkChildSpec`, or two children have one id
 */
export function checkedChildren(
  specs: readonly ChildSpec[],
  autoShutdown?: AutoShutdown,
): readonly CheckedChildSpec[] {
  if (!Array.isArray(specs)) {
    throw new InvalidChildSpecError("children", "an array of child specs", specs, "badarg");
  }
  const paths = new Map<string, string>();
  return specs.map((spec: ChildSpec, index) => {
    const path = `children[${index}]`;
    const checked = checkChildSpec(spec, path, autoShutdown);
    const other = paths.get(checked.id);
    if (other !== undefined) {
      const expected = `an id of its own, not that of ${other}`;
      throw new InvalidChildSpecError(`${path}.id`, expected, checked.id, "duplicate_child_name");
    }
    paths.set(checked.id, path);
    return checked;
  });
}

const KEYS = [
  "id",
  "start",
  "restart",
  "shutdown",
  "type",
  "significant",
  "startTimeoutMs",
  "backoff",
  "name",
  "label",
];

/** Refuses a field of a spec. */
type Refuse = (rule: ChildSpecRule, field: string, expected: string, received: unknown) => never;

/**
 * Checks a spec and fills in what it leaves out. What OTP has, too, is checked in its order.
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
  const refuse: Refuse = (rule, field, expected, received) => {
    const at = field === "" ? path : `${path}.${field}`;
    throw new InvalidChildSpecError(at, expected, received, rule);
  };
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) {
    return refuse("invalid_child_spec", "", "a child spec, such as child() makes", spec);
  }
  // Else its fields would be called unknown ones.
  if (isBehaviour(spec)) {
    return refuse("invalid_child_spec", "", "a child spec, such as child() makes", spec);
  }
  for (const key of Object.keys(spec)) {
    const expected = `a field that child specs have (${KEYS.join(", ")})`;
    if (!KEYS.includes(key)) refuse("unknown_field", key, expected, spec[key as keyof ChildSpec]);
  }
  const { id, start, significant = false, name, backoff } = spec;
  if (typeof id !== "string" || id === "") {
    refuse(id === undefined ? "missing_id" : "invalid_id", "id", "a string that is not empty", id);
  }
  const { program, args } = checkStart(start, refuse);
  const restart = oneOf(["permanent", "transient", "temporary"], spec.restart, "permanent");
  if (restart === undefined) {
    const expected = `"permanent", "transient" or "temporary"`;
    return refuse("invalid_restart_type", "restart", expected, spec.restart);
  }
  if (significant === true && autoShutdown === "never") {
    const expected = `false, as the supervisor's autoShutdown is "never"`;
    refuse("bad_combination", "significant", expected, significant);
  }
  if (significant === true && restart === "permanent") {
    const expected = "false for a permanent child, which never ends for good";
    refuse("bad_combination", "significant", expected, significant);
  }
  if (typeof significant !== "boolean") {
    refuse("invalid_significant", "significant", "true or false", significant);
  }
  const typeByDefault = (isStartable(program) ? program.childType : undefined) ?? "worker";
  const type = oneOf(["worker", "supervisor"], spec.type, typeByDefault);
  if (type === undefined) {
    return refuse("invalid_child_type", "type", `"worker" or "supervisor"`, spec.type);
  }
  const { shutdown: given = type === "supervisor" ? "infinity" : 5_000 } = spec;
  const shutdown = given === Infinity ? "infinity" : given;
  if (!isShutdown(shutdown)) {
    const expected = `"brutal_kill", "infinity" or a whole number of milliseconds`;
    return refuse("invalid_shutdown", "shutdown", expected, shutdown);
  }
  const { startTimeoutMs = Infinity } = spec;
  if (!(typeof startTimeoutMs === "number" && startTimeoutMs >= 0)) {
    const expected = "a number of milliseconds of at least 0, or Infinity";
    refuse("invalid_start_timeout", "startTimeoutMs", expected, startTimeoutMs);
  }
  const checkedBackoff =
    backoff === undefined
      ? undefined
      : checkBackoff(backoff, (field, ...rest) => {
          const at = field === "" ? "backoff" : `backoff.${field}`;
          return refuse("invalid_backoff", at, ...rest);
        });
  if (name !== undefined && !isName(name)) {
    refuse("invalid_name", "name", "a name made by name()", name);
  }
  const { label = id } = spec;
  if (typeof label !== "string") refuse("invalid_label", "label", "a string", label);
  return {
    id,
    program,
    args,
    restart,
    shutdown,
    type,
    significant,
    startTimeoutMs,
    backoff: checkedBackoff,
    name,
    label,
  };
}

function checkStart(
  start: ChildStart,
  refuse: Refuse,
): { program: Program; args: readonly unknown[] } {
  const isArray = Array.isArray(start);
  const [program, ...args] = (isArray ? start : [start]) as [Program, ...unknown[]];
  if (!isProgram(program)) {
    const expected = "an async function, a handler with init and message, or a behaviour";
    const rule = start === undefined ? "missing_start" : "invalid_mfa";
    refuse(rule, isArray ? "start[0]" : "start", expected, program);
  }
  return { program, args };
}

/** As the `define` functions make them: somebody forgot `child()`. */
function isBehaviour(spec: object): boolean {
  return "behaviour" in spec && !("id" in spec);
}

function isProgram(value: unknown): value is Program {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  return isStartable(value as Program) || (has(value, "init") && has(value, "message"));
}

/** Does it start its processes itself? Else it is spawned. */
export function isStartable(program: Program): program is AnyBehaviour {
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
