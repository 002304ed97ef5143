/**
 * A supervisor's code is changed while it runs: the new spec takes over, and the children go on.
 *
 * OTP: https://www.erlang.org/doc/design_principles/appup_cookbook.html#changing-properties
 */
import { newChild } from "./child-state.js";
import { ChildTable } from "./child-table.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";
import { find, type SupervisorState } from "./supervisor-state.js";

/**
 * The state under a new spec. As in OTP nothing stops and nothing starts: children with a new spec run on
 * until they are started again, new ones are there but stopped, and those that the new spec does not name
 * are kept behind the others.
 */
export function changedState(
  state: SupervisorState,
  { strategy, limit, autoShutdown, children }: CheckedSupervisorSpec,
): SupervisorState {
  const named = new Set(children.map(({ id }) => id));
  const renewed = children.map((spec) => {
    const child = find(state, spec.id);
    return child === undefined ? newChild(spec, state.removedIncarnation) : { ...child, spec };
  });
  const kept = state.children.list.filter(({ id }) => !named.has(id));
  return {
    ...state,
    strategy,
    limit,
    autoShutdown,
    children: ChildTable.of([...renewed, ...kept]),
  };
}
