/** What a supervisor knows: its children, its restarts, and what it waits for. */
import type { ExitReason } from "@coppice/core";
import type { Delay } from "./backoff.js";
import type { AutoShutdown } from "./child-spec.js";
import { isTemporary, newChild, type ChildState } from "./child-state.js";
import { ChildTable } from "./child-table.js";
import { NO_RESTARTS, type RestartHistory, type RestartLimit } from "./restart-intensity.js";
import type { Strategy } from "./strategy.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";

export interface SupervisorState {
  readonly strategy: Strategy;
  readonly limit: RestartLimit;
  readonly autoShutdown: AutoShutdown;
  readonly children: ChildTable;
  readonly restarts: RestartHistory;
  readonly activity: Activity;
  /** That of the last wait of children to be restarted. */
  readonly generation: number;
  /** The highest incarnation of any child that was removed: a new child with its id goes on from here. */
  readonly removedIncarnation: number;
}

/** What the supervisor waits for. */
export type Activity =
  | { readonly type: "idle" }
  /** The first start of all children. */
  | { readonly type: "booting" }
  /** Some stop, then these start. */
  | { readonly type: "restarting"; readonly ids: readonly string[] }
  /** Some stop, then these wait together, no shorter than those they replace, before they start. */
  | {
      readonly type: "delaying";
      readonly ids: readonly string[];
      readonly delay: Delay;
      readonly replaces: readonly number[];
    }
  /** On request, by hand. */
  | { readonly type: "adding"; readonly child: ChildState }
  | { readonly type: "starting"; readonly id: string }
  | { readonly type: "terminating"; readonly id: string }
  /** All stop, then it exits. */
  | { readonly type: "stopping"; readonly reason: ExitReason };

export const IDLE: Activity = { type: "idle" };

/** The state before `boot`. */
export function initialState(spec: CheckedSupervisorSpec): SupervisorState {
  const { strategy, limit, autoShutdown } = spec;
  const children = ChildTable.of(spec.children.map((child) => newChild(child, 0)));
  return {
    strategy,
    limit,
    autoShutdown,
    children,
    restarts: NO_RESTARTS,
    activity: IDLE,
    generation: 0,
    removedIncarnation: 0,
  };
}

export function find({ children }: SupervisorState, id: string): ChildState | undefined {
  return children.find(id);
}

/** The children with these ids, in that order. */
export function pick({ children }: SupervisorState, ids: readonly string[]): ChildState[] {
  return ids.flatMap((id) => children.find(id) ?? []);
}

/** Puts children in the place of those with their ids. Of a temporary one that does not run nothing stays. */
export function put(state: SupervisorState, changed: readonly ChildState[]): SupervisorState {
  const gone = changed.filter((child) => child.status !== "running" && isTemporary(child));
  const children = changed.reduce((table, child) => table.with(child), state.children);
  return gone.length === 0 ? { ...state, children } : removeAll({ ...state, children }, gone);
}

export function removeAll(state: SupervisorState, gone: readonly ChildState[]): SupervisorState {
  const highest = (most: number, { incarnation }: ChildState): number =>
    Math.max(most, incarnation);
  return {
    ...state,
    children: gone.reduce((table, { id }) => table.without(id), state.children),
    removedIncarnation: gone.reduce(highest, state.removedIncarnation),
  };
}
