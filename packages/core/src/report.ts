/**
 * Reports: what the code of a process has to tell those who run the node.
 *
 * OTP: https://www.erlang.org/doc/man/logger.html (reports)
 */
import { InvalidArgumentError } from "./errors.js";
import type { Node } from "./node.js";
import { runtimeOf } from "./runtime-of.js";

/**
 * | level | node.events | the default logger |
 * | --- | --- | --- |
 * | `"info"` | tells it | is silent |
 * | `"warning"`, `"error"` | tells it | prints `format()` |
 */
export interface Report {
  readonly level: "info" | "warning" | "error";
  /** What is told, as data: whoever knows its kind can read it. */
  readonly data: unknown;
  /** The same in words. */
  format(): string;
}

/** @throws InvalidArgumentError it is no report */
export function checkReport(report: Report): Report {
  const { level, format } = Object(report) as Partial<Report>;
  if (!["info", "warning", "error"].includes(level as string) || typeof format !== "function") {
    const expected = `an object with a level ("info", "warning" or "error"), data and the function format`;
    throw new InvalidArgumentError("report: report", expected, report);
  }
  return report;
}

/**
 * Tells what goes on beside the processes of a node, such as its connections with others. It is told as a report
 * of the node itself.
 *
 * @throws InvalidArgumentError `report` is no report, or `node` no node that `createNode` made
 */
export function reportFor(node: Node, report: Report): void {
  runtimeOf(node).reported(node.pid, checkReport(report));
}
