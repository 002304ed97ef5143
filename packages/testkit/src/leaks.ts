/** Leaks: what is left of a node when its work is done. */
import { checkKeys, formatTerm, type AnyPid, type Node } from "@coppice/core";
import { checkOptionalList, checkNode, checkSimulation, checkText, isText } from "./arguments.js";
import type { Simulation } from "./simulation.js";

/** What there was on a node at a moment. */
export interface Inventory {
  readonly processes: ReadonlySet<AnyPid>;
  /** By process: how many monitors it holds on others. */
  readonly monitors: ReadonlyMap<AnyPid, number>;
  /** By process: how many of its aliases are active. */
  readonly aliases: ReadonlyMap<AnyPid, number>;
  readonly mailboxes: ReadonlyMap<AnyPid, number>;
  readonly timers: number;
  readonly names: ReadonlySet<string>;
}

export function takeInventory(node: Node): Inventory {
  const processes = node.processes();
  const infos = processes.map((pid) => [pid, node.processInfo(pid)] as const);
  return {
    processes: new Set(processes),
    monitors: new Map(infos.map(([pid, info]) => [pid, info?.monitors.length ?? 0])),
    aliases: new Map(infos.map(([pid, info]) => [pid, info?.aliases ?? 0])),
    mailboxes: new Map(infos.map(([pid, info]) => [pid, info?.mailboxSize ?? 0])),
    timers: node.counts.timers,
    names: new Set(node.registered()),
  };
}

export interface Leak {
  readonly type: "process" | "monitor" | "alias" | "timer" | "mailbox" | "name";
  readonly pid?: AnyPid;
  readonly message: string;
}

export interface LeakOptions {
  /** Processes that may be new, by name or label. */
  readonly expected?: readonly string[];
}

/**
 * What there is more of than before: processes, monitors and aliases that a process still holds,
 * timers, names, and messages that nobody takes.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { findLeaks, takeInventory } from "@coppice/testkit";
 * const node = createNode();
 * const before = takeInventory(node);
 * const forgotten = node.spawnOpt<string>({ label: "forgotten" }, async (self) => void (await self.receive((m) => m === "x")));
 * node.send(forgotten, "y");
 * await node.sleep(1);
 * findLeaks(node, before).map(({ message }) => message);
 * // => ["the process forgotten <node.1> is still there", "1 message is left to forgotten <node.1>: [\"y\"]"]
 * await node.stop();
 */
export function findLeaks(node: Node, before: Inventory, options: LeakOptions = {}): Leak[] {
  checkLeakOptions("findLeaks", node, options);
  const { expected = [] } = options;
  const now = takeInventory(node);
  const leaks: Leak[] = [];
  for (const pid of now.processes) {
    const info = node.processInfo(pid);
    const who = `${info?.path ?? ""} ${String(pid)}`;
    const isExpected = [info?.name, info?.label].some(
      (each) => each !== undefined && expected.includes(each),
    );
    if (!before.processes.has(pid) && !isExpected) {
      leaks.push({ type: "process", pid, message: `the process ${who} is still there` });
    }
    const monitors = (now.monitors.get(pid) ?? 0) - (before.monitors.get(pid) ?? 0);
    if (monitors > 0) {
      const message = `${count(monitors, "monitor")} of ${who}: on ${info?.monitors.slice(-monitors).map(String).join(", ")}`;
      leaks.push({ type: "monitor", pid, message });
    }
    const aliases = (now.aliases.get(pid) ?? 0) - (before.aliases.get(pid) ?? 0);
    if (aliases > 0) {
      leaks.push({
        type: "alias",
        pid,
        message: `${count(aliases, "alias", "aliases")} of ${who}`,
      });
    }
    const messages = (now.mailboxes.get(pid) ?? 0) - (before.mailboxes.get(pid) ?? 0);
    if (messages > 0) {
      const message = `${count(messages, "message")} ${messages === 1 ? "is" : "are"} left to ${who}: ${formatTerm(node.mailboxOf(pid))}`;
      leaks.push({ type: "mailbox", pid, message });
    }
  }
  const timers = now.timers - before.timers;
  if (timers > 0) leaks.push({ type: "timer", message: `${count(timers, "timer")} set` });
  for (const name of now.names) {
    if (!before.names.has(name) && !expected.includes(name)) {
      leaks.push({ type: "name", message: `the name ${name} is still held` });
    }
  }
  return leaks;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/**
 * When nothing can happen any more, a node has to be as it is now. The violation is called `leaks`.
 *
 * Call it when what is to stay has been started and is at rest.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function checkLeaks(sim: Simulation, node: Node, options: LeakOptions = {}): void {
  checkSimulation("checkLeaks: sim", sim);
  checkLeakOptions("checkLeaks", node, options);
  const before = takeInventory(node);
  sim.finally("leaks", () => {
    const leaks = findLeaks(node, before, options);
    if (leaks.length > 0) throw new Error(leaks.map(({ message }) => message).join("\n"));
  });
}

function checkLeakOptions(operation: string, node: Node, options: LeakOptions): void {
  checkNode(`${operation}: node`, node);
  checkKeys(`${operation}: options`, options, ["expected"]);
  checkOptionalList(`${operation}: options.expected`, options.expected, "names and labels", isText);
}

/** Counts what is handed out and has to come back: credits, locks, connections. */
export interface Ledger {
  take(owner: string, amount?: number): void;
  /** @throws LedgerError more is given back than was taken */
  give(owner: string, amount?: number): void;
  /** Who still has how much. */
  readonly outstanding: ReadonlyMap<string, number>;
}

/** More was given back than had been taken. */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly code = "LEDGER_OVERDRAWN";
}

/**
 * Makes a ledger. In a simulation what is outstanding at rest is a violation, called `NAME leaked`, and
 * giving back too much is one called `NAME given twice`.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 * @example
 * import { createLedger } from "@coppice/testkit";
 * const locks = createLedger("locks");
 * locks.take("a");
 * locks.take("b", 2);
 * locks.give("b");
 * [...locks.outstanding]; // => [["a", 1], ["b", 1]]
 */
export function createLedger(name: string, sim?: Simulation): Ledger {
  checkText("createLedger: name", name);
  const outstanding = new Map<string, number>();
  sim?.finally(`${name} leaked`, () => {
    const left = [...outstanding].map(([owner, amount]) => `${owner} still has ${amount}`);
    if (left.length > 0) throw new Error(left.join("\n"));
  });
  const change = (owner: string, by: number): void => {
    checkText("ledger: owner", owner);
    const amount = (outstanding.get(owner) ?? 0) + by;
    if (amount < 0) {
      const message = `${owner} gave back ${-amount} of ${name} that it did not have`;
      sim?.fail(`${name} given twice`, message);
      throw new LedgerError(message);
    }
    if (amount === 0) outstanding.delete(owner);
    else outstanding.set(owner, amount);
  };
  return {
    take: (owner, amount = 1) => change(owner, amount),
    give: (owner, amount = 1) => change(owner, -amount),
    outstanding,
  };
}
