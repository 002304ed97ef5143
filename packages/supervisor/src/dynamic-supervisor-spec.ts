/** Specs of dynamic supervisors: their flags and their template, the defaults and the checks. */
import { checkChildSpec } from "./child-spec-check.js";
import type { AutoShutdown, CheckedChildSpec } from "./child-spec.js";
import type { ChildTemplate } from "./child-template.js";
import { InvalidChildSpecError } from "./errors.js";
import type { RestartLimit } from "./restart-intensity.js";
import { checkFields, checkFlags, type SupervisorFlags } from "./supervisor-spec.js";

/** A supervisor of children that are made at run time, all by one template. */
export interface DynamicSupervisorSpec<
  M = never,
  A extends readonly unknown[] = [],
> extends SupervisorFlags {
  /** How many children there may be at a time; no limit by default. */
  readonly maxChildren?: number | undefined;
  readonly child: ChildTemplate<M, A>;
}

/** A spec that was checked, with nothing left out. */
export interface CheckedDynamicSupervisorSpec {
  readonly limit: RestartLimit;
  readonly autoShutdown: AutoShutdown;
  readonly maxChildren: number;
  readonly template: CheckedChildSpec;
}

const KEYS = ["intensity", "periodMs", "autoShutdown", "maxChildren", "child"];

/**
 * Checks a spec and fills in what it leaves out.
 *
 * @throws InvalidChildSpecError a field is not as it has to be
 */
export function checkDynamicSupervisorSpec<M, A extends readonly unknown[]>(
  spec: DynamicSupervisorSpec<M, A>,
): CheckedDynamicSupervisorSpec {
  checkFields(spec, KEYS);
  const flags = checkFlags(spec);
  const { maxChildren = Infinity } = spec;
  if (maxChildren !== Infinity && !(Number.isInteger(maxChildren) && maxChildren >= 0)) {
    const expected = "a whole number of at least 0, or Infinity";
    throw new InvalidChildSpecError("maxChildren", expected, maxChildren, "invalid_max_children");
  }
  const template = checkChildSpec(spec.child, "child", flags.autoShutdown);
  if (template.name !== undefined) {
    const expected = "left out: no two of its children could have it";
    throw new InvalidChildSpecError("child.name", expected, template.name, "invalid_name");
  }
  return { ...flags, maxChildren, template };
}
