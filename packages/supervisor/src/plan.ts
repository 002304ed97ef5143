/**
 * Plans: what a tree would do, without doing it. The decisions are those of the supervisors themselves.
 */
import { InvalidArgumentError, type ExitReason } from "@coppice/core";
import type { Delay } from "./backoff.js";
import type { AnyBehaviour } from "./behaviour-start.js";
import { Rehearsal } from "./rehearsal.js";
import { SupervisorBehaviour } from "./supervisor-base.js";

/**
 * What is to happen. `path` leads to a child by ids, e.g. `workers/w1`; `reason` is a crash by default.
 * `afterMs` is how long after the event before; 0 by default.
 */
export type PlannedEvent = { readonly afterMs?: number } & (
  | { readonly type: "exit"; readonly path: string; readonly reason?: ExitReason }
  | { readonly type: "terminateChild" | "restartChild"; readonly path: string }
  /** The whole tree is told to stop. */
  | { readonly type: "stop" }
);

/**
 * | type | what happens |
 * | --- | --- |
 * | `"stop"`, `"start"` | a process is stopped or started; `path` is `""` for the topmost supervisor |
 * | `"wait"` | those at `paths` wait for their restart, between `minMs` and `maxMs` |
 * | `"giveUp"` | the supervisor at `path` has restarted too often, and ends |
 * | `"autoShutdown"` | it ends because its significant children have |
 */
export type PlanStep =
  | { readonly type: "stop" | "start" | "giveUp" | "autoShutdown"; readonly path: string }
  | ({ readonly type: "wait"; readonly paths: readonly string[] } & Delay);

/** What a tree would do, in order. */
export interface Plan {
  readonly steps: readonly PlanStep[];
  /** A line for each step. */
  readonly text: string;
}

/**
 * Plays events through a tree, and tells what would stop and start, and in which order. Nothing is
 * started; in the plan all starts and stops go well, and a delay takes as long as it may.
 *
 * A definition by a function is asked once for each start in the plan. Children of dynamic supervisors
 * are made at run time: the plan knows none.
 *
 * @throws InvalidArgumentError `tree` is no such supervisor, or an event is about a child that is not there, or does not run
 * @example
 * import { child, defineSupervisor, plan } from "@coppice/supervisor";
 * const idle = async () => undefined;
 * const children = ["db", "cache", "web"].map((id) => child(id, idle));
 * const shop = defineSupervisor({ strategy: "rest_for_one", children });
 * plan(shop, { type: "exit", path: "cache" }).text; // => "stop web\nstart cache\nstart web"
 */
export function plan(tree: AnyBehaviour, events: PlannedEvent | readonly PlannedEvent[]): Plan {
  const spec = tree instanceof SupervisorBehaviour ? tree.plannedSpec([]) : undefined;
  if (spec === undefined || spec === "ignore") {
    const expected = "a supervisor that starts, and whose children are not made at run time";
    throw new InvalidArgumentError("plan: tree", expected, spec ?? tree);
  }
  const rehearsal = new Rehearsal(spec);
  const list = isList(events) ? events : [events];
  for (const event of list) play(rehearsal, event);
  rehearsal.finish();
  const { steps } = rehearsal;
  return { steps, text: steps.map(describe).join("\n") };
}

function isList(events: PlannedEvent | readonly PlannedEvent[]): events is readonly PlannedEvent[] {
  return Array.isArray(events);
}

function play(rehearsal: Rehearsal, event: PlannedEvent): void {
  const { afterMs = 0 } = event;
  if (!(typeof afterMs === "number" && afterMs >= 0)) {
    throw new InvalidArgumentError("plan: event.afterMs", "a number of at least 0", afterMs);
  }
  rehearsal.advance(afterMs);
  switch (event.type) {
    case "exit":
      return rehearsal.exit(event.path, event.reason ?? { error: new Error("a crash") });
    case "terminateChild":
    case "restartChild":
      return rehearsal.request(event.path, event.type);
    case "stop":
      return rehearsal.stop();
    default: {
      const { type } = event satisfies never as { readonly type: unknown };
      const expected = `"exit", "terminateChild", "restartChild" or "stop"`;
      throw new InvalidArgumentError("plan: event.type", expected, type);
    }
  }
}

function describe(step: PlanStep): string {
  const name = (path: string): string => (path === "" ? "the topmost supervisor" : path);
  switch (step.type) {
    case "stop":
    case "start":
      return `${step.type} ${name(step.path)}`;
    case "wait": {
      const { minMs, maxMs, paths } = step;
      const bounds = [Math.round(minMs), Math.round(maxMs)];
      const delay = bounds[0] === bounds[1] ? `${bounds[0]}` : bounds.join(" to ");
      return `wait ${delay} ms to start ${paths.map(name).join(", ")}`;
    }
    case "giveUp":
      return `${name(step.path)} gives up`;
    case "autoShutdown":
      return `${name(step.path)} shuts down`;
    default:
      return step satisfies never;
  }
}
