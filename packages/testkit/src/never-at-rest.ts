/** Runs that never come to rest, where something must hold: a test of that would pass whatever is there. */
import { CoppiceError } from "@coppice/core";
import { loopAtEnd, type Run } from "./run.js";
import { number } from "./statement.js";

/** No run of a program came to rest, so what must hold there was never looked at. */
export class NeverAtRestError extends CoppiceError {
  override readonly name = "NeverAtRestError";
  readonly code = "NEVER_AT_REST";
  /** What was not looked at. */
  readonly checks: readonly string[];

  constructor({ steps, nowMs, outcome, unjudged = [] }: Run) {
    const loop = [...new Set(loopAtEnd(steps).map((key) => key.replace(/#\d+$/, "")))];
    const round =
      loop.length === 0 ? "" : `; in the end it went round and round: ${loop.join(", ")}`;
    const remedy =
      outcome === "zeno"
        ? "if it is to go on for ever, say what must hold by `always`"
        : "arm timers that are to go on for ever in `sim.daemon`, or end runs in time by the option `horizonMs`, " +
          "or say what must hold by `always`";
    super(
      `no run came to rest, so nobody looked whether ${unjudged.map((name) => `"${name}"`).join(", ")} holds there: ` +
        `it was cut off after ${number(steps.length)} steps, at ${number(nowMs)} ms${round}; ${remedy}`,
    );
    this.checks = unjudged;
  }
}
