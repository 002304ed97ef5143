/** Where names of the cluster are kept, as `startRemote` is told, checked. */
import { checkFunction, checkKeys, InvalidArgumentError } from "@coppice/core";
import type { ClusterNamesOptions, NameStore } from "./name-store.js";
import type { WhenNameLost } from "./names.js";
import { isNodeName } from "./node-name.js";

export type NamesOptions = (ClusterNamesOptions | { readonly store: NameStore }) & {
  /** What happens to a process that lost its name: `"exit"`, the default, or nothing beyond an event. */
  readonly whenLost?: WhenNameLost;
};

/** The same, complete. */
export type CheckedNames = (Required<ClusterNamesOptions> | { readonly store: NameStore }) & {
  readonly whenLost: WhenNameLost;
};

/** The most that a timer of any platform can wait. */
const MAX_GRACE_MS = 2 ** 31 - 1;

/** @throws InvalidArgumentError they cannot be kept so */
export function checkNames(names: NamesOptions, hearMs: number): CheckedNames {
  const what = "startRemote: options.names";
  checkKeys(what, names, ["members", "graceMs", "store", "whenLost"]);
  const { whenLost = "exit" } = names;
  if (whenLost !== "exit" && whenLost !== "event") {
    throw new InvalidArgumentError(`${what}.whenLost`, `"exit" or "event"`, whenLost);
  }
  if ("store" in names) {
    checkKeys(what, names, ["store", "whenLost"]);
    const { store } = names;
    for (const method of ["claim", "release", "find"] as const) {
      checkFunction(`${what}.store.${method}`, (Object(store) as NameStore)[method]);
    }
    checkFunction(`${what}.store.events.subscribe`, store.events?.subscribe);
    return { store, whenLost };
  }
  checkKeys(what, names, ["members", "graceMs", "whenLost"]);
  const { members, graceMs = 2 * hearMs } = names;
  const areNodes =
    Array.isArray(members) &&
    members.length > 0 &&
    members.every((member) => isNodeName(member)) &&
    new Set(members).size === members.length;
  if (!areNodes) {
    throw new InvalidArgumentError(`${what}.members`, "names of nodes, none twice", members);
  }
  if (typeof graceMs !== "number" || !(graceMs >= 0 && graceMs <= MAX_GRACE_MS)) {
    throw new InvalidArgumentError(
      `${what}.graceMs`,
      `a number from 0 to ${MAX_GRACE_MS}`,
      graceMs,
    );
  }
  return { members: [...members], graceMs, whenLost };
}
