/**
 * Decisions of a dynamic supervisor, pure: what it does about one child. No child concerns another, so
 * they need no view of all of them.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html (simple_one_for_one)
 */
import type { ExitReason } from "@coppice/core";
import { shutsDownAfter } from "./auto-shutdown.js";
import { delayAfter, failuresBefore } from "./backoff.js";
import type { AutoShutdown, CheckedChildSpec } from "./child-spec.js";
import { recordRestart, type RestartHistory, type RestartLimit } from "./restart-intensity.js";
import { shouldRestart } from "./restart-type.js";
import type { Consequence } from "./supervisor-report.js";

/** What is decided by besides the child itself. */
export interface DynamicState {
  readonly limit: RestartLimit;
  readonly autoShutdown: AutoShutdown;
  readonly history: RestartHistory;
  /** How many other children there are. */
  readonly others: number;
}

/** What is decided by of a child. */
export interface DynamicFailure {
  readonly failures: number;
  /** `undefined` when it is its restart that has failed. */
  readonly startedAtMs: number | undefined;
  readonly nowMs: number;
}

export interface DynamicDecision {
  readonly consequence: Consequence;
  readonly history: RestartHistory;
  readonly failures: number;
}

/** What follows when a child has ended that was not asked to. */
export function afterEnd(
  state: DynamicState,
  template: CheckedChildSpec,
  failure: DynamicFailure,
  reason: ExitReason,
): DynamicDecision {
  if (shouldRestart(template.restart, reason)) return afterFailure(state, template, failure);
  const { autoShutdown, others, history } = state;
  const shutsDown = shutsDownAfter(autoShutdown, template.significant, () => others > 0);
  const type = shutsDown ? "autoShutdown" : "none";
  return { consequence: { type }, history, failures: failure.failures };
}

/** What follows when a child is to be restarted: each time counts against the intensity. */
export function afterFailure(
  { history, limit }: DynamicState,
  { backoff }: CheckedChildSpec,
  { failures, startedAtMs, nowMs }: DynamicFailure,
): DynamicDecision {
  const recorded = recordRestart(history, nowMs, limit);
  const decided = { history: recorded.history, failures };
  if (recorded.exceeded) return { ...decided, consequence: { type: "giveUp" } };
  if (backoff === undefined) return { ...decided, consequence: { type: "restart" } };
  const ranMs = startedAtMs === undefined ? 0 : nowMs - startedAtMs;
  const before = failuresBefore(backoff, failures, ranMs);
  return {
    history: recorded.history,
    failures: before + 1,
    consequence: { type: "restartLater", ...delayAfter(backoff, before) },
  };
}
