/**
 * The event loop and the clock of the host, as they were when this was loaded: what makes and measures runs goes
 * by them, whatever fake timers stand in for the globals while a test runs.
 */
import nodePerformance from "node:perf_hooks";
import nodeProcess from "node:process";
import nodeTimers from "node:timers";

const { setImmediate } = nodeTimers;
const { performance } = nodePerformance;
const { nextTick } = nodeProcess;
const now = performance.now.bind(performance);

/** Calls `task` when the event loop turns. */
export function onNextTurn(task: () => void): void {
  setImmediate(task);
}

/** Calls `task`, from a microtask, when no microtask is left: before anything else of the host runs. */
export function onceDrained(task: () => void): void {
  nextTick(task);
}

/** Real time in ms, from no moment in particular. */
export function hostMs(): number {
  return now();
}
