/** Histories in a simulation: what clients ask of servers is written down, and judged at rest. */
import { CallCycleError, checkKeys, NoProcessError } from "@coppice/core";
import { checkOneOf, checkSimulation } from "./arguments.js";
import { createHistory, type Failure, type History, type HistoryOptions } from "./history.js";
import { outlineOfHistory } from "./history-order.js";
import { checkLinearizability, formatVerdict } from "./linearizability.js";
import { checkSequentialConsistency, formatSequentialVerdict } from "./sequential-consistency.js";
import { checkModel, type SequentialModel } from "./sequential-model.js";
import type { KernelSimulation } from "./kernel-simulation.js";
import type { Simulation } from "./simulation.js";

export interface CheckHistoryOptions<O> extends HistoryOptions<O> {
  /** What the clients may rely on; `"linearizable"` by default. */
  readonly consistency?: "linearizable" | "sequential";
  /**
   * When: `"atRest"` by default, when nothing can happen any more; `"always"` after each step, for programs that never
   * come to rest.
   */
  readonly judged?: "atRest" | "always";
}

/** What is called so in footprints of steps. */
const REAL_TIME = "real time";

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
  const invoked = kernel.keySpace.access(REAL_TIME, "read");
  const returned = kernel.keySpace.access(REAL_TIME, "write");
  return (what) => kernel.access(what === "invoked" ? invoked : returned);
}

/**
 * Makes a history for the clients of a simulation. When nothing can happen any more it has to be as
 * consistent as it should; if not, that is a violation called `linearizable`, or `sequentially consistent`;
 * where there is too much to try, one called `consistency is decided`.
 *
 * A client that ends, or whose call fails, leaves an operation that is pending: see `failureOfCall`.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
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
  checkSimulation("checkHistory: sim", sim);
  checkModel("checkHistory", model);
  checkKeys("checkHistory: options", options, ["consistency", "judged", "onError", "onPosition"]);
  checkOneOf("checkHistory: options.consistency", options.consistency, CONSISTENCIES);
  checkOneOf("checkHistory: options.judged", options.judged, ["atRest", "always"]);
  const { consistency = "linearizable", judged = "atRest", onError = failureOfCall } = options;
  const isInRealTime = consistency === "linearizable";
  const history = createHistory<I, O>({
    onError,
    ...(isInRealTime && { onPosition: inRealTime(sim) }),
  });
  (sim as KernelSimulation).kernel.sightings.remember("history", () =>
    outlineOfHistory(history.operations),
  );
  const judge = (): void => {
    const { ok, text } = isInRealTime
      ? told(checkLinearizability(model, history.operations), formatVerdict)
      : told(checkSequentialConsistency(model, history.operations), formatSequentialVerdict);
    if (ok === undefined) sim.fail(UNDECIDED, text());
    else if (!ok) throw new Error(text());
  };
  const name = isInRealTime ? "linearizable" : "sequentially consistent";
  if (judged === "atRest") sim.finally(name, judge);
  // In real time the order of what returns is one that counts anyway.
  else
    sim.always(name, whenMoreReturned(history, judge), isInRealTime ? { reads: [REAL_TIME] } : {});
  return history;
}

const CONSISTENCIES: readonly string[] = ["linearizable", "sequential"];

function told<V extends { readonly ok: boolean | undefined }>(
  verdict: V,
  format: (verdict: V) => string,
): { readonly ok: boolean | undefined; readonly text: () => string } {
  return { ok: verdict.ok, text: () => format(verdict) };
}

/** Judges only what was not judged before: what is wrong stays so, and what is only begun makes nothing wrong. */
function whenMoreReturned(history: Pick<History, "operations">, judge: () => void): () => void {
  let returned = -1;
  let wrong: unknown;
  return () => {
    const now = history.operations.reduce(
      (many, each) => many + (each.returnedAt === undefined ? 0 : 1),
      0,
    );
    if (now !== returned) {
      returned = now;
      try {
        judge();
      } catch (error) {
        wrong ??= error;
      }
    }
    if (wrong !== undefined) throw wrong;
  };
}
