/** Strict mode: what a node forgives, and a test should not. */
import { checkKeys, formatTerm, type Node, type NodeEvent } from "@coppice/core";
import {
  checkOptionalList,
  checkNode,
  checkOptionalFunction,
  checkSimulation,
  checkTimes,
} from "./arguments.js";
import type { Simulation } from "./simulation.js";

/**
 * | rule | broken by |
 * | --- | --- |
 * | `"unhandled"` | a message that a process took and had no use for |
 * | `"dead"` | a message to a process that is dead |
 * | `"alias"` | a message to an alias that is gone: a reply that comes twice, or too late |
 * | `"unregistered"` | a message to a name that nobody holds |
 * | `"overflow"` | a message that was dropped because the mailbox was full |
 * | `"noconnection"` | a message to a node that is out of reach |
 * | `"unsendable"` | a message that cannot travel, or is more than the other node takes, which its sender was not told |
 * | `"fenced"` | something that a dead process still attempted |
 * | `"zombie"` | a process that had to be declared dead |
 * | `"nameTaken"` | a name that another process held |
 * | `"subscriberFailed"` | a subscriber of events that threw |
 * | `"crashed"` | a crash that nobody watched |
 */
export type StrictRule =
  | Extract<NodeEvent, { type: "undelivered" }>["why"]
  | "fenced"
  | "zombie"
  | "nameTaken"
  | "subscriberFailed"
  | "crashed";

const RULES: Readonly<Record<StrictRule, true>> = {
  unhandled: true,
  dead: true,
  alias: true,
  unregistered: true,
  overflow: true,
  noconnection: true,
  unsendable: true,
  fenced: true,
  zombie: true,
  nameTaken: true,
  subscriberFailed: true,
  crashed: true,
};

export interface StrictOptions {
  /** Rules that may be broken: `"dead"`, say, in a test that kills processes. */
  readonly allow?: readonly StrictRule[];
  /** Messages, of which it does not matter what becomes of them. */
  readonly ignore?: (message: unknown) => boolean;
  /** How many messages may wait for one process; any number by default. */
  readonly mailboxLimit?: number;
}

/** What of an event breaks which rule, for people. */
export function strictRuleOf(
  event: NodeEvent,
): { readonly rule: StrictRule; readonly message: string } | undefined {
  switch (event.type) {
    case "undelivered": {
      const { why, from, to, message } = event;
      return { rule: why, message: `${formatTerm(message)} from ${String(from)} to ${String(to)}` };
    }
    case "fenced":
      return {
        rule: "fenced",
        message: `${String(event.pid)} is dead and tried to ${event.operation}`,
      };
    case "zombie":
      return {
        rule: "zombie",
        message: `${String(event.pid)} did not end within ${event.unwindMs} ms`,
      };
    case "nameTaken":
      return {
        rule: "nameTaken",
        message: `${String(event.pid)} wants ${event.name}, which ${String(event.holder)} holds`,
      };
    case "subscriberFailed":
      return { rule: "subscriberFailed", message: String(event.error) };
    case "crashed":
      if (event.watched) return undefined;
      return {
        rule: "crashed",
        message: `${String(event.report.pid)} crashed, and nobody watched`,
      };
    default:
      return undefined;
  }
}

/**
 * From now on, what breaks a rule is a violation called `strict: RULE`; a mailbox over its limit is one
 * called `strict: mailbox`.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function checkStrictly(sim: Simulation, node: Node, options: StrictOptions = {}): void {
  checkSimulation("checkStrictly: sim", sim);
  checkNode("checkStrictly: node", node);
  checkKeys("checkStrictly: options", options, ["allow", "ignore", "mailboxLimit"]);
  checkOptionalFunction("checkStrictly: options.ignore", options.ignore);
  checkTimes("checkStrictly: options.mailboxLimit", options.mailboxLimit);
  checkOptionalList(
    "checkStrictly: options.allow",
    options.allow,
    Object.keys(RULES).join(", "),
    (rule) => Object.hasOwn(RULES, rule as string),
  );
  const { allow = [], ignore = () => false, mailboxLimit = Infinity } = options;
  node.events.subscribe((event) => {
    const broken = strictRuleOf(event);
    if (broken === undefined || allow.includes(broken.rule)) return;
    if (event.type === "undelivered" && ignore(event.message)) return;
    sim.fail(`strict: ${broken.rule}`, broken.message);
  });
  if (mailboxLimit === Infinity) return;
  // Each process by itself: what order others take does not matter to it.
  sim.always(
    "strict: mailbox",
    () => {
      for (const pid of node.processes()) {
        const messages = node.mailboxOf(pid);
        if (messages.length > mailboxLimit) {
          throw new Error(
            `${messages.length} messages wait for ${String(pid)}: ${formatTerm(messages)}`,
          );
        }
      }
    },
    { reads: [] },
  );
}
