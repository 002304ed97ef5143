/** Specs of partition supervisors: how many partitions there are, and what each of them runs. */
import { name, type AnyName } from "@coppice/core";
import { checkChildSpec } from "./child-spec-check.js";
import type { CheckedChildSpec, ChildSpec } from "./child-spec.js";
import { InvalidChildSpecError } from "./errors.js";
import type { RestartLimit } from "./restart-intensity.js";
import {
  checkFields,
  checkFlags,
  type CheckedSupervisorSpec,
  type SupervisorFlags,
} from "./supervisor-spec.js";

/** A supervisor of so many children of one kind, each of which serves a part of all keys. */
export interface PartitionSupervisorSpec<M = never> extends Omit<SupervisorFlags, "autoShutdown"> {
  /** How many there are, from the start to the end; at least 1. */
  readonly partitions: number;
  /** What each of them runs; the child of partition 3 has the id `"3"`. */
  readonly child: ChildSpec<M>;
  /** What partition `partition` starts with, made of the arguments of `child`; those alone by default. */
  readonly withKey?:
    ((args: readonly unknown[], partition: number) => readonly unknown[]) | undefined;
}

/** A spec that was checked, with nothing left out. */
export interface CheckedPartitionSupervisorSpec {
  readonly limit: RestartLimit;
  readonly partitions: number;
  readonly child: CheckedChildSpec;
  readonly withKey: (args: readonly unknown[], partition: number) => readonly unknown[];
}

const KEYS = ["intensity", "periodMs", "partitions", "withKey", "child"];

/**
 * Checks a spec and fills in what it leaves out.
 *
 * @throws InvalidChildSpecError a field is not as it has to be
 */
export function checkPartitionSupervisorSpec(
  spec: PartitionSupervisorSpec,
): CheckedPartitionSupervisorSpec {
  checkFields(spec, KEYS);
  const { limit } = checkFlags(spec);
  const { partitions, withKey = (args) => args } = spec;
  if (!(Number.isInteger(partitions) && partitions >= 1)) {
    const expected = "a whole number of at least 1";
    throw new InvalidChildSpecError("partitions", expected, partitions, "invalid_partitions");
  }
  if (typeof withKey !== "function") {
    throw new InvalidChildSpecError("withKey", "a function", withKey, "invalid_with_key");
  }
  const child = checkChildSpec(spec.child, "child", "never");
  if (child.name !== undefined) {
    const expected = "left out: each partition gets a name of its own";
    throw new InvalidChildSpecError("child.name", expected, child.name, "invalid_name");
  }
  return { limit, partitions, child, withKey };
}

/** The name of a partition, by that or the pid of its supervisor. */
function partitionName(supervisor: string, partition: number): AnyName {
  return name(`${supervisor}/${partition}`);
}

/** The partitions of the supervisor that is called so, as children. */
export function partitionChildren(
  { limit, partitions, child, withKey }: CheckedPartitionSupervisorSpec,
  supervisor: string,
): CheckedSupervisorSpec {
  const children = Array.from({ length: partitions }, (_, partition): CheckedChildSpec => {
    const args = withKey(child.args, partition);
    if (!Array.isArray(args)) {
      const expected = `a function that returns an array of arguments, also for partition ${partition}`;
      throw new InvalidChildSpecError("withKey", expected, args, "invalid_with_key");
    }
    return {
      ...child,
      id: String(partition),
      args,
      name: partitionName(supervisor, partition),
      label: `${child.label} ${partition}`,
    };
  });
  return { strategy: "one_for_one", limit, autoShutdown: "never", children };
}
