/** A run for tools: its steps as JSON, and its happens-before graph as DOT, for Graphviz. */
import { happensBefore } from "./causality.js";
import type { Run, Step } from "./run.js";
import type { Constraint } from "./schedule.js";

/** A run as data that can be written down. */
export interface TraceJson {
  readonly hash: string;
  readonly outcome: string;
  readonly nowMs: number;
  readonly violations: readonly {
    readonly check: string;
    readonly message: string;
    readonly step: number;
  }[];
  readonly constraints: readonly Constraint[];
  readonly steps: readonly {
    readonly key: string;
    readonly kind: string;
    readonly actor: string;
    readonly text: string;
    readonly creator: number;
    readonly atMs?: number;
    readonly accesses: readonly { readonly object: string; readonly mode: string }[];
  }[];
}

/** All of a run. */
export function traceJsonOf(run: Run, constraints: readonly Constraint[]): TraceJson {
  return {
    hash: run.hash(),
    outcome: run.outcome,
    nowMs: run.nowMs,
    violations: run.violations.map(({ check, message, step }) => ({ check, message, step })),
    constraints,
    steps: run.steps.map(({ transition, creator, accesses }) => ({
      key: transition.key,
      kind: transition.kind,
      actor: transition.actor,
      text: transition.describe(),
      creator,
      ...(transition.atMs === undefined ? {} : { atMs: transition.atMs }),
      accesses: accesses.map(({ object, mode }) => ({ object, mode })),
    })),
  };
}

/** One cluster for each process; solid edges made possible, dashed edges mattered by their order. */
export function dotOf(run: Run, violationStep: number): string {
  const quote = (text: string): string => JSON.stringify(text.replace(/[\\"]/g, "'"));
  const lines = ["digraph run {", "  rankdir=TB;", "  node [shape=box];"];
  const byActor = new Map<string, number[]>();
  for (const [step, { transition }] of run.steps.entries()) {
    byActor.set(transition.actor, [...(byActor.get(transition.actor) ?? []), step]);
  }
  for (const [index, [actor, steps]] of [...byActor].entries()) {
    lines.push(`  subgraph cluster_${index} {`, `    label=${quote(actor)};`);
    for (const step of steps) {
      const colour = step === violationStep ? ", color=red" : "";
      lines.push(
        `    s${step} [label=${quote((run.steps[step] as Step).transition.key)}${colour}];`,
      );
    }
    lines.push("  }");
  }
  for (const { from, to, why } of happensBefore(run.steps)) {
    lines.push(`  s${from} -> s${to}${why === "order" ? " [style=dashed]" : ""};`);
  }
  return `${[...lines, "}"].join("\n")}\n`;
}
