/** Children that were stopped and ended otherwise: one report for all that ended by one reason. */
import { formatReason, type AnyPid, type ExitReason } from "@coppice/core";
import type { CheckedChildSpec } from "./child-spec.js";
import { isExpected } from "./decision-steps.js";
import type { SupervisorReport } from "./supervisor-report.js";

type ShutdownFailed = Extract<SupervisorReport, { readonly type: "shutdownFailed" }>;

export class UnexpectedEnds {
  readonly #template: CheckedChildSpec;
  readonly #byReason = new Map<string, ShutdownFailed>();

  constructor(template: CheckedChildSpec) {
    this.#template = template;
  }

  record(pid: AnyPid, reason: ExitReason): void {
    if (isExpected(reason, this.#template)) return;
    const text = formatReason(reason);
    const count = (this.#byReason.get(text)?.count ?? 0) + 1;
    const { id } = this.#template;
    this.#byReason.set(text, { type: "shutdownFailed", id, pid, reason, count });
  }

  reports(): Iterable<SupervisorReport> {
    return this.#byReason.values();
  }
}
