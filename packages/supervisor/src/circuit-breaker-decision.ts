/**
 * What a circuit breaker decides, as pure functions: who may call, and what the outcome of a call means.
 *
 * ```text
 *            too many failures
 *   closed ─────────────────────► open ◄──┐
 *     ▲                            │      │ a probe fails, or takes too long
 *     │ all probes succeed         │ resetMs over, and somebody asks
 *     └──────────── half-open ◄────┘      │
 *                       └─────────────────┘
 * ```
 */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import { checkCount, checkDuration } from "./option-check.js";

/** When a circuit breaker opens, and how it closes again. */
export interface CircuitBreakerSettings {
  /** How many failures, or which part of the calls, open it; 5 failures within 10 000 ms by default. */
  readonly openAfter?: FailureCount | FailureRate;
  /** How long it is open before it lets a probe through; 30 000 by default. */
  readonly resetMs?: number;
  /** How many calls it lets through as probes, and how many of them have to succeed before it closes; 1 by default. */
  readonly probes?: number;
  /** How long a probe may take before it counts as a failure; `resetMs` by default. */
  readonly probeTimeoutMs?: number;
}

/** So many failures within so many milliseconds. */
export interface FailureCount {
  readonly failures: number;
  readonly withinMs: number;
}

/** Such a part of the calls that ended within so many milliseconds, if there were enough of them. */
export interface FailureRate {
  /** Greater than 0, at most 1. */
  readonly failureRate: number;
  readonly withinMs: number;
  /** With fewer calls the rate says nothing; 10 by default. */
  readonly minCalls?: number;
}

/** Settings that were checked, with nothing left out. */
export interface CheckedCircuitBreakerSettings {
  readonly openAfter: FailureCount | Required<FailureRate>;
  readonly resetMs: number;
  readonly probes: number;
  readonly probeTimeoutMs: number;
}

export type CircuitState = { readonly generation: number } & (
  | { readonly type: "closed"; readonly recent: readonly Interval[] }
  | { readonly type: "open"; readonly untilMs: number }
  | {
      readonly type: "halfOpen";
      readonly under: readonly Probe[];
      readonly started: number;
      readonly succeeded: number;
    }
);

/** The calls that ended within a part of the time that counts. */
interface Interval {
  readonly fromMs: number;
  readonly calls: number;
  readonly failures: number;
}

interface Probe {
  readonly number: number;
  readonly sinceMs: number;
}

/** Allows one call. What is told of it counts only while nothing has changed since. */
export interface CircuitPermit {
  readonly generation: number;
  /** Which probe it is; `undefined` in a closed circuit. */
  readonly probe?: number;
}

/** What became of a call; `abandoned` when nobody will know. */
export type CircuitOutcome = "succeeded" | "failed" | "abandoned";

export type CircuitAnswer =
  | { readonly permit: CircuitPermit }
  /** Not before then is it worth asking again. */
  | { readonly retryAfterMs: number };

export const INITIAL_CIRCUIT: CircuitState = { type: "closed", generation: 0, recent: [] };

/** Somebody wants to call. */
export function askCircuit(
  settings: CheckedCircuitBreakerSettings,
  state: CircuitState,
  nowMs: number,
): { readonly state: CircuitState; readonly answer: CircuitAnswer } {
  const { generation } = state;
  switch (state.type) {
    case "closed":
      return { state, answer: { permit: { generation } } };
    case "open": {
      if (nowMs < state.untilMs) return { state, answer: { retryAfterMs: state.untilMs - nowMs } };
      const next = { generation: generation + 1, under: [], started: 0, succeeded: 0 };
      return askCircuit(settings, { type: "halfOpen", ...next }, nowMs);
    }
    case "halfOpen": {
      const { under, started, succeeded } = state;
      const [oldest] = under;
      const lateMs = (oldest?.sinceMs ?? Infinity) + settings.probeTimeoutMs;
      if (lateMs <= nowMs) return askCircuit(settings, opened(settings, state, nowMs), nowMs);
      if (under.length + succeeded >= settings.probes) {
        return { state, answer: { retryAfterMs: lateMs - nowMs } };
      }
      const probe = { number: started, sinceMs: nowMs };
      const next = { ...state, under: [...under, probe], started: started + 1 };
      return { state: next, answer: { permit: { generation, probe: started } } };
    }
    default:
      return state satisfies never;
  }
}

/** A call that was permitted has ended. */
export function endCircuitCall(
  settings: CheckedCircuitBreakerSettings,
  state: CircuitState,
  permit: CircuitPermit,
  outcome: CircuitOutcome,
  nowMs: number,
): CircuitState {
  // What began before the state changed says nothing about it now.
  if (permit.generation !== state.generation || state.type === "open") return state;
  if (state.type === "closed") {
    if (outcome === "abandoned") return state;
    const { openAfter } = settings;
    const recent = record(state.recent, openAfter, outcome === "failed", nowMs);
    return isTooMuch(recent, openAfter) ? opened(settings, state, nowMs) : { ...state, recent };
  }
  const under = state.under.filter(({ number }) => number !== permit.probe);
  if (under.length === state.under.length) return state;
  if (outcome === "failed") return opened(settings, state, nowMs);
  if (outcome === "abandoned") return { ...state, under };
  const succeeded = state.succeeded + 1;
  if (succeeded < settings.probes) return { ...state, under, succeeded };
  return { type: "closed", generation: state.generation + 1, recent: [] };
}

function opened(
  { resetMs }: CheckedCircuitBreakerSettings,
  { generation }: CircuitState,
  nowMs: number,
): CircuitState {
  return { type: "open", generation: generation + 1, untilMs: nowMs + resetMs };
}

/** A rate is counted by parts of its time, so that it takes the same room however many calls there are. */
const PARTS = 10;

function record(
  recent: readonly Interval[],
  openAfter: FailureCount | FailureRate,
  failed: boolean,
  nowMs: number,
): readonly Interval[] {
  const { withinMs } = openAfter;
  // One exactly `withinMs` ago does not count any more.
  const counted = recent.filter(({ fromMs }) => fromMs > nowMs - withinMs);
  if ("failures" in openAfter) {
    return failed ? [...counted, { fromMs: nowMs, calls: 1, failures: 1 }] : counted;
  }
  const failures = failed ? 1 : 0;
  const last = counted.at(-1);
  if (last === undefined || nowMs - last.fromMs >= withinMs / PARTS) {
    return [...counted, { fromMs: nowMs, calls: 1, failures }];
  }
  const { fromMs } = last;
  return [
    ...counted.slice(0, -1),
    { fromMs, calls: last.calls + 1, failures: last.failures + failures },
  ];
}

function isTooMuch(
  recent: readonly Interval[],
  openAfter: FailureCount | Required<FailureRate>,
): boolean {
  const failures = recent.reduce((sum, interval) => sum + interval.failures, 0);
  if ("failures" in openAfter) return failures >= openAfter.failures;
  const calls = recent.reduce((sum, interval) => sum + interval.calls, 0);
  return failures > 0 && calls >= openAfter.minCalls && failures >= calls * openAfter.failureRate;
}

const SETTINGS = ["openAfter", "resetMs", "probes", "probeTimeoutMs"];

/** @throws InvalidArgumentError a setting is unknown or not as it has to be */
export function checkCircuitBreakerSettings(
  what: string,
  settings: CircuitBreakerSettings,
): CheckedCircuitBreakerSettings {
  checkKeys(what, settings, SETTINGS);
  const { openAfter = { failures: 5, withinMs: 10_000 }, resetMs = 30_000, probes = 1 } = settings;
  const { probeTimeoutMs = resetMs } = settings;
  checkDuration(`${what}.resetMs`, resetMs);
  checkDuration(`${what}.probeTimeoutMs`, probeTimeoutMs);
  checkCount(`${what}.probes`, probes, 1);
  return {
    openAfter: checkOpenAfter(`${what}.openAfter`, openAfter),
    resetMs,
    probes,
    probeTimeoutMs,
  };
}

function checkOpenAfter(
  what: string,
  openAfter: FailureCount | FailureRate,
): CheckedCircuitBreakerSettings["openAfter"] {
  if (typeof openAfter === "object" && openAfter !== null && "failureRate" in openAfter) {
    checkKeys(what, openAfter, ["failureRate", "withinMs", "minCalls"]);
    const { failureRate, withinMs, minCalls = 10 } = openAfter;
    if (typeof failureRate !== "number" || !(failureRate > 0 && failureRate <= 1)) {
      const expected = "a number greater than 0, and at most 1";
      throw new InvalidArgumentError(`${what}.failureRate`, expected, failureRate);
    }
    checkDuration(`${what}.withinMs`, withinMs);
    checkCount(`${what}.minCalls`, minCalls, 1);
    return { failureRate, withinMs, minCalls };
  }
  checkKeys(what, openAfter, ["failures", "withinMs"]);
  const { failures, withinMs } = openAfter;
  checkCount(`${what}.failures`, failures, 1);
  checkDuration(`${what}.withinMs`, withinMs);
  return { failures, withinMs };
}
