/** Histories in a simulation: what clients ask of servers is written down, and judged at rest. */
import { CallCycleError, NoProcessError } from "@coppice/core";
import { createHistory, type Failure, type History, type HistoryOptions } from "./history.js";
import { checkLinearizability, formatVerdict } from "./linearizability.js";
import { checkSequentialConsistency, formatSequentialVerdict } from "./sequential-consistency.js";
import type { SequentialModel } from "./sequential-model.js";
import type { KernelSimulation, Simulation } from "./simulation.js";

export interface CheckHistoryOptions<O> extends HistoryOptions<O> {
  /** What the clients may rely on; `"linearizable"` by default. */
  readonly consistency?: "linearizable" | "sequential";
}

/** Neither right nor wrong, which nobody should take for right. */
const UNDECIDED = "consistency is decided";

/**
 * What the error of a call says of its request: `"refused"` where nobody was asked, else `"pending"`:
 * after a timeout, or when the server or the connection was lost, it may have taken effect or may yet.
 */
export function failureOfCall(error: unknown): Failure {
  return error instanceof NoProcessError || error instanceof CallCycleError ? "refused" : "pending";
}

/**
 * Tells a simulation that it counts whether one operation returned before another was invoked, although
 * their clients have nothing to do with each other: so schedules that differ in this alone are different
 * to an exploration.
 */
export function inRealTime(sim: Simulation): (what: "invoked" | "returned") => void {
  const { kernel } = sim as KernelSimulation;
  // Two calls may change places.
  const invoked = kernel.keySpace.access("real time", "read");
  const returned = kernel.keySpace.access("real time", "write");
  return (what) => kernel.access(what === "invoked" ? invoked : returned);
}

/**
 * Makes a history for the clients of a simulation. When nothing can happen any more it has to be as
 * consistent as it should; if not, that is a violation called `linearizable`, or `sequentially consistent`;
 * where there is too much to try, one called `consistency is decided`.
 *
 * A client that ends, or whose call fails, leaves an operation that is pending: see `failureOfCall`.
 *
 * @example
 * import type { Call } from "@coppice/core";
 * import { checkHistory, FIFO, register, runProgramAsync } from "@coppice/testkit";
 * const run = await runProgramAsync((sim) => {
 *   const node = sim.node();
 *   const history = checkHistory(sim, register(0));
 *   const forgetful = node.spawn<Call<"read" | { write: number }, number | undefined>>(async (self) => {
 *     for (;;) {
 *       const { request, from } = await self.receive();
 *       self.reply(from, request === "read" ? 0 : undefined);
 *     }
 *   });
 *   node.spawn<never>(async (self) => {
 *     await history.call("a", { write: 1 }, () => self.call(forgetful, { write: 1 }));
 *     await history.call("a", "read", () => self.call(forgetful, "read"));
 *   });
 * }, FIFO);
 * run.violations.map(({ message }) => message.split("\n")[0]);
 * // => ["not linearizable: no order explains a: read → 0"]
 */
export function checkHistory<S, I, O>(
  sim: Simulation,
  model: SequentialModel<S, I, O>,
  options: CheckHistoryOptions<O> = {},
): History<I, O> {
  const { consistency = "linearizable", onError = failureOfCall } = options;
  if (consistency === "linearizable") {
    const history = createHistory<I, O>({ onError, onPosition: inRealTime(sim) });
    sim.finally("linearizable", () => {
      const verdict = checkLinearizability(model, history.operations);
      if (verdict.ok === undefined) sim.fail(UNDECIDED, formatVerdict(verdict));
      else if (!verdict.ok) throw new Error(formatVerdict(verdict));
    });
    return history;
  }
  const history = createHistory<I, O>({ onError });
  sim.finally("sequentially consistent", () => {
    const verdict = checkSequentialConsistency(model, history.operations);
    if (verdict.ok === undefined) sim.fail(UNDECIDED, formatSequentialVerdict(verdict));
    else if (!verdict.ok) throw new Error(formatSequentialVerdict(verdict));
  });
  return history;
}
