/**
 * Supervisor specs: a supervisor as data, the flags and children of a supervisor, their defaults and checks.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-sup_flags
 */
import { checkAutoShutdown, checkedChildren } from "./child-spec-check.js";
import type { AutoShutdown, CheckedChildSpec, ChildSpec } from "./child-spec.js";
import { InvalidChildSpecError, type ChildSpecRule } from "./errors.js";
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

/** What supervisors of all kinds have in common. */
export interface SupervisorFlags {
  readonly intensity?: number | undefined;
  readonly periodMs?: number | undefined;
  readonly autoShutdown?: AutoShutdown | undefined;
}

const KEYS = ["strategy", "intensity", "periodMs", "autoShutdown", "children"];

/**
 * Checks a spec and fills in what it leaves out.
 *
 * @throws InvalidChildSpecError a field is not as it has to be
 */
export function checkSupervisorSpec(spec: SupervisorSpec): CheckedSupervisorSpec {
  checkFields(spec, KEYS);
  const { strategy = "one_for_one", children } = spec;
  if (!["one_for_one", "one_for_all", "rest_for_one"].includes(strategy)) {
    const expected = `"one_for_one", "one_for_all" or "rest_for_one"`;
    refuse("invalid_strategy", "strategy", expected, strategy);
  }
  const flags = checkFlags(spec);
  return { strategy, ...flags, children: checkedChildren(children, flags.autoShutdown) };
}

/** @throws InvalidChildSpecError it is no object, or has a field that is not among `known` */
export function checkFields(spec: object, known: readonly string[]): void {
  if (typeof spec !== "object" || spec === null) {
    refuse("invalid_type", "supervisor", `an object with ${known.at(-1)}`, spec);
  }
  for (const [key, value] of Object.entries(spec) as [string, unknown][]) {
    const expected = `a field that supervisors have (${known.join(", ")})`;
    if (!known.includes(key)) refuse("unknown_field", key, expected, value);
  }
}

/** @throws InvalidChildSpecError one is not as it has to be */
export function checkFlags(flags: SupervisorFlags): {
  readonly limit: RestartLimit;
  readonly autoShutdown: AutoShutdown;
} {
  const { intensity = 1, periodMs = 5_000, autoShutdown = "never" } = flags;
  if (!Number.isInteger(intensity) || intensity < 0) {
    refuse("invalid_intensity", "intensity", "a whole number of at least 0", intensity);
  }
  if (!(typeof periodMs === "number" && periodMs > 0 && periodMs < Infinity)) {
    const expected = "a finite number of milliseconds greater than 0";
    refuse("invalid_period", "periodMs", expected, periodMs);
  }
  checkAutoShutdown(autoShutdown, "invalid_auto_shutdown");
  return { limit: { intensity, periodMs }, autoShutdown };
}

function refuse(rule: ChildSpecRule, field: string, expected: string, received: unknown): never {
  throw new InvalidChildSpecError(field, expected, received, rule);
}
