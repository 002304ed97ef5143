/** Replaying a program: run it here, compare with what Erlang did. */
import { comparable, firstDifference } from "./compare.js";
import { LAYERS } from "./layers.js";
import type { Layer } from "./layer.js";
import type { Json, Program } from "./program.js";
import { run } from "./run.js";
import type { Mode } from "./schedule.js";

/** A program that did here what it did not do in Erlang. */
export interface Failure {
  readonly program: Program;
  /** The first step that differs; `undefined` when there was no trace to compare. */
  readonly step: number | undefined;
  /** Several lines for people. */
  readonly report: string;
}

/** Replays a program; `undefined` when it did the same as in Erlang. Never throws. */
export async function replay(program: Program, mode: Mode): Promise<Failure | undefined> {
  try {
    const layer = LAYERS.get(program.layer) as Layer;
    const got = await run(program, layer, mode, comparable(program) - 1);
    const step = firstDifference(program, got);
    if (step === undefined) return undefined;
    const show = (value: unknown): string => JSON.stringify(value as Json);
    const report = [
      `${program.id}: step ${step} differs`,
      `  step      ${show(program.steps[step])}`,
      `  expected  ${show(program.trace[step])}`,
      `  got       ${show(got[step])}`,
    ];
    return { program, step, report: report.join("\n") };
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    const report = `${program.id}: could not be run\n${stack ?? String(error)}`;
    return { program, step: undefined, report };
  }
}
