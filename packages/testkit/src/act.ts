/**
 * Acts: what the kernel of a simulation can make happen. A `Transition` is what strategies, reports and tests see of
 * one.
 */
import { InvalidArgumentError, type Happening } from "@coppice/core";
import type { OwnTransition } from "./fault-source.js";
import type { Transition } from "./transition.js";

/** What a node offers, or what is the simulation's own; `kind` tells which. */
export type Act = Happening | OwnTransition;

/** @throws InvalidArgumentError a strategy picked what it was not given */
export function actPicked(
  picked: Transition | undefined,
  enabled: readonly Act[],
): Act | undefined {
  if (picked === undefined || isAmong(picked, enabled)) return picked;
  const expected = `undefined, or one of what it is given: ${enabled.map(({ key }) => key).join(", ")}`;
  throw new InvalidArgumentError("what a strategy picks", expected, picked?.key ?? picked);
}

function isAmong(picked: Transition, enabled: readonly Act[]): picked is Act {
  return (enabled as readonly Transition[]).includes(picked);
}
