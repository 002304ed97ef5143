/**
 * Supervisor specs: a supervisor as data, the flags and children of a supervisor, their defaults and checks.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-sup_flags
 */
import {
  checkChildSpecs,
  type AutoShutdown,
  type CheckedChildSpec,
  type ChildSpec,
} from "./child-spec.js";
import { InvalidChildSpecError } from "./errors.js";
import type { RestartLimit } from "./restart-intensity.js";
import type { Strategy } from "./strategy.js";

/** A supervisor and its children, in start order. */
export interface SupervisorSpec {
  /** Which children stop and start when one fails; `"one_for_one"` by default. */
  readonly strategy?: Strategy | undefined;
  /** How many restarts in `periodMs` are not too many; 1 by default. */
  readonly intensity?: number | undefined;
  /** 5000 by default. */
  readonly periodMs?: number | undefined;
  /** Whether ends of significant children end the supervisor; `"never"` by default. */
  readonly autoShutdown?: AutoShutdown | undefined;
  readonly children: readonly ChildSpec[];
}

/** A spec that was checked, with nothing left out. */
export interface CheckedSupervisorSpec {
  readonly strategy: Strategy;
  readonly limit: RestartLimit;
  readonly autoShutdown: AutoShutdown;
  readonly children: readonly CheckedChildSpec[];
}

const KEYS = ["strategy", "intensity", "periodMs", "autoShutdown", "children"];

/**
 * Checks a spec and fills in what it leaves out.
 *
 * @throws InvalidChildSpecError a field is not as it has to be
 */
export function checkSupervisorSpec(spec: SupervisorSpec): CheckedSupervisorSpec {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidChildSpecError(field, expected, received);
  };
  if (typeof spec !== "object" || spec === null) {
    return refuse("supervisor", "an object with children", spec);
  }
  for (const key of Object.keys(spec)) {
    const expected = `a field that supervisors have (${KEYS.join(", ")})`;
    if (!KEYS.includes(key)) refuse(key, expected, spec[key as keyof SupervisorSpec]);
  }
  const { strategy = "one_for_one", intensity = 1, periodMs = 5_000 } = spec;
  const { autoShutdown = "never", children } = spec;
  if (!["one_for_one", "one_for_all", "rest_for_one"].includes(strategy)) {
    refuse("strategy", `"one_for_one", "one_for_all" or "rest_for_one"`, strategy);
  }
  if (!Number.isInteger(intensity) || intensity < 0) {
    refuse("intensity", "a whole number of at least 0", intensity);
  }
  if (!(typeof periodMs === "number" && periodMs > 0 && periodMs < Infinity)) {
    refuse("periodMs", "a finite number of milliseconds greater than 0", periodMs);
  }
  if (!["never", "any_significant", "all_significant"].includes(autoShutdown)) {
    refuse("autoShutdown", `"never", "any_significant" or "all_significant"`, autoShutdown);
  }
  return {
    strategy,
    limit: { intensity, periodMs },
    autoShutdown,
    children: checkChildSpecs(children, autoShutdown),
  };
}
