/**
 * Programs: an application from the start of a program to its exit code.
 *
 * OTP: https://www.erlang.org/doc/man/init.html#stop-1 (what SIGTERM does to an Erlang node)
 */
import {
  createNode,
  isEnd,
  formatFailure,
  InvalidArgumentError,
  isPid,
  StartError,
  type AnyPid,
  type Node,
  type NodeEvent,
} from "@coppice/core";
import { resolveApplication, type ApplicationDefinition } from "./application-definition.js";
import { exitCodeOf, type ApplicationEnd, type Holder } from "./application-end.js";
import { ApplicationRunningError } from "./application-errors.js";
import { holderOf } from "./application-holders.js";
import type { ApplicationHost, ProcessTracker } from "./application-host.js";
import { launchApplication, type LaunchedApplication } from "./application-process.js";
import { formatApplicationReport, nameOf, type ApplicationReport } from "./application-report.js";
import { checkOptions, DEFAULT_DEADLINE_MS, type ApplicationOptions } from "./application.js";
import { processHost } from "./host.js";
import type { SupervisorDefinition } from "./supervisor.js";

/** How a program is run. */
export interface RunApplicationOptions<E extends object = object> extends ApplicationOptions<E> {
  /** Where it runs; by default a node of its own with the name of the application. */
  readonly node?: Node;
  /** The signals that stop it; `["SIGINT", "SIGTERM"]` by default. */
  readonly signals?: readonly string[];
  /** What follows from an unhandled rejection besides a report: nothing, by default, or an orderly stop. */
  readonly onUnhandledRejection?: "report" | "stop";
  /**
   * Finds out whose code an unhandled rejection follows from. Not by default: on Node it makes all
   * promises of the program about half as fast. Not for a given node; see `NodeOptions.enter`.
   */
  readonly trackProcesses?: boolean;
  /** Told what an operator may want to know; by default it is printed. `false` for silence. */
  readonly logger?: ((report: ApplicationReport) => void) | false;
  /** The program; by default what the platform has. */
  readonly host?: ApplicationHost;
}

/**
 * Runs an application, or a tree alone, as a program: starts it, stops it in order when the program
 * gets a signal, and sets the exit code. Resolves to that code when all has stopped.
 *
 * | exit code | when |
 * | --- | --- |
 * | 0 | all stopped in order and in time, or the tree ended in order by itself |
 * | 1 | it did not start; it failed; something had to be killed, or crashed, while it stopped |
 * | 128 + n | signal n came while it stopped: the program ends at once |
 *
 * On a signal, `prepStop`, the tree in the reverse of its start and `stop` have `deadlineMs` in all;
 * each child has in that what its `shutdown` says. Then the node stops, with what else runs on it.
 * What is left at the deadline is killed, named, and the program ends at once, as it does on a second
 * signal. (Ctrl-C below npm is two signals at once, which count as one.) When all have stopped the
 * program ends as soon as nothing else keeps it running, at the latest at the deadline.
 *
 * An unhandled rejection is reported and does not end the program. An exception that nobody catches
 * ends it as the host sees fit.
 *
 * @throws ApplicationRunningError this program runs one already
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 * @throws UnsupportedHostError the platform has no timers
 * @example
 * import { child, defineSupervisor, runApplication } from "@coppice/supervisor";
 * // Ends by itself, in order, when its only child has done its work. A server would run until SIGTERM.
 * const work = child({ id: "work", restart: "transient", significant: true }, async (self) => {
 *   await self.sleep(10);
 * });
 * const tree = defineSupervisor({ autoShutdown: "any_significant", children: [work] });
 * await runApplication(tree, { logger: false }); // => 0
 * @see https://www.erlang.org/doc/man/application.html
 */
export async function runApplication<E extends object = object>(
  application: SupervisorDefinition | ApplicationDefinition<E>,
  options: RunApplicationOptions<E> = {},
): Promise<number> {
  checkRunOptions(options);
  const resolved = resolveApplication("runApplication", application, options.env);
  const program = new Program(resolved.name, options);
  return program.run((node, deadlineMs, logger) =>
    launchApplication(node, resolved, deadlineMs, logger),
  );
}

const OPTIONS = [
  "node",
  "env",
  "deadlineMs",
  "signals",
  "onUnhandledRejection",
  "trackProcesses",
  "logger",
  "host",
];

function checkRunOptions(options: RunApplicationOptions): void {
  checkOptions("runApplication", options, OPTIONS);
  const refuse = (option: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`runApplication: options.${option}`, expected, received);
  };
  const { node, signals, onUnhandledRejection: policy, trackProcesses, host } = options;
  if (node !== undefined && typeof (node as Partial<Node> | null)?.spawnOpt !== "function") {
    refuse("node", "a node that createNode made", node);
  }
  if (signals !== undefined && !(Array.isArray(signals) && signals.every(isSignal))) {
    refuse(
      "signals",
      `an array of names of signals, such as "SIGTERM", but SIGKILL, SIGSTOP`,
      signals,
    );
  }
  if (policy !== undefined && policy !== "report" && policy !== "stop") {
    refuse("onUnhandledRejection", `"report" or "stop"`, policy);
  }
  if (trackProcesses !== undefined && typeof trackProcesses !== "boolean") {
    refuse("trackProcesses", "true or false", trackProcesses);
  }
  if (trackProcesses === true && node !== undefined) {
    refuse("trackProcesses", "left out where a node is given", trackProcesses);
  }
  if (
    host !== undefined &&
    typeof (host as Partial<ApplicationHost> | null)?.listen !== "function"
  ) {
    refuse("host", "an ApplicationHost", host);
  }
}

function isSignal(value: unknown): boolean {
  return typeof value === "string" && /^SIG(?!KILL$|STOP$)[A-Z0-9]+$/.test(value);
}

/** Npm passes Ctrl-C on that its whole process group got: the same signal comes twice, at once. */
const SAME_SIGINT_MS = 100;

type Launch = (
  node: Node,
  deadlineMs: number,
  logger: (report: ApplicationReport) => void,
) => LaunchedApplication;

class Program {
  readonly #name: string;
  readonly #host: ApplicationHost;
  readonly #options: RunApplicationOptions;
  readonly #deadlineMs: number;
  readonly #tracker: ProcessTracker | undefined;
  #node!: Node;
  #launched: LaunchedApplication | undefined;
  #hasEnded = false;
  #lastSignal: { readonly name: string; readonly atMs: number } | undefined;

  constructor(name: string, options: RunApplicationOptions) {
    const { host = processHost(), deadlineMs = DEFAULT_DEADLINE_MS } = options;
    this.#name = name;
    this.#host = host;
    this.#options = options;
    this.#deadlineMs = deadlineMs;
    this.#tracker = options.trackProcesses === true ? trackerOf(host) : undefined;
  }

  async run(launch: Launch): Promise<number> {
    const host = this.#host;
    const release = host.listen({
      signals: this.#options.signals ?? ["SIGINT", "SIGTERM"],
      signal: (name, number) => this.#signal(name, number),
      unhandledRejection: (error) => this.#unhandledRejection(error),
    });
    if (release === undefined) throw new ApplicationRunningError(this.#name);
    try {
      this.#node = this.#options.node ?? this.#createNode();
      const { code, killed } = await this.#toTheEnd(launch);
      host.setExitCode(code);
      // What was killed may keep the program running: its code was not stopped, only fenced.
      if (killed) host.exit(code);
      else this.#endInTime();
      return code;
    } finally {
      release();
    }
  }

  #createNode(): Node {
    const tracker = this.#tracker;
    return createNode({
      name: this.#name,
      logger: (event) => this.#logNode(event),
      ...(tracker && { enter: (pid, run) => tracker.enter(pid, run) }),
    });
  }

  async #toTheEnd(launch: Launch): Promise<{ readonly code: number; readonly killed: boolean }> {
    const end = await this.#ended(launch);
    // On a node where it was not even launched, what runs is the business of others.
    const isOurs = this.#launched !== undefined || this.#options.node === undefined;
    const killed = isOurs && (await this.#stopNode());
    if (end === undefined) return { code: 1, killed };
    const isKill = end.problems.some(
      (problem) =>
        problem.type === "stuck" ||
        (problem.type === "shutdownFailed" && problem.reason === "killed"),
    );
    return { code: killed ? 1 : exitCodeOf(end), killed: killed || isKill };
  }

  /** `undefined`: it did not start. */
  async #ended(launch: Launch): Promise<ApplicationEnd | undefined> {
    try {
      const report = (told: ApplicationReport): void => this.#log(told);
      this.#launched = launch(this.#node, this.#deadlineMs, report);
      await this.#launched.started;
    } catch (error) {
      if (this.#launched === undefined) {
        if (!(error instanceof StartError)) throw error;
        const { reason } = error;
        this.#log({ type: "startFailed", application: this.#name, reason });
        return undefined;
      }
      // Told to stop while it started, it has an end; else it never was.
      if (this.#launched.stopMs === undefined) return undefined;
    }
    return this.#launched.ended;
  }

  /** Stops what runs outside the tree, too. Returns whether something had to be killed. */
  async #stopNode(): Promise<boolean> {
    const node = this.#node;
    const names = new Map(node.processes().map((pid) => [pid, describe(node, pid)]));
    const { killed } = await node.stop({ timeoutMs: this.#leftMs() });
    if (killed.length === 0) return false;
    const processes = killed.map((pid) => nameOf(names.get(pid), pid));
    this.#log({ type: "leftBehind", application: this.#name, processes });
    return true;
  }

  /** Lets the program end by itself, for as long as there is time. */
  #endInTime(): void {
    const leftMs = this.#leftMs();
    if (leftMs === Infinity) return;
    this.#host.later(leftMs, () => {
      this.#log({ type: "leftBehind", application: this.#name, processes: [] });
      this.#host.exit(1);
    });
  }

  /** What is left of the time to stop. */
  #leftMs(): number {
    const node = this.#node;
    const since = this.#launched?.stopMs ?? node.now();
    return Math.max(0, since + this.#deadlineMs - node.now());
  }

  #signal(name: string, number: number): void {
    const last = this.#lastSignal;
    const atMs = this.#node.now();
    this.#lastSignal = { name, atMs };
    if (name === "SIGINT" && last?.name === name && atMs - last.atMs < SAME_SIGINT_MS) return;
    if (last === undefined) {
      this.#launched?.stop({ type: "signal", signal: name });
      return;
    }
    this.#log({ type: "forced", application: this.#name, signal: name, holders: this.#holders() });
    this.#host.exit(128 + number);
  }

  /** What keeps the program from having ended. */
  #holders(): readonly Holder[] {
    const holders = this.#launched?.holders() ?? [];
    if (holders.length > 0) return holders;
    const node = this.#node;
    return node.processes().map((pid) => holderOf(node, describe(node, pid), pid));
  }

  #unhandledRejection(error: unknown): void {
    // What the code of a process does not wait for is rejected when the process ends: no failure.
    if (isEnd(error)) return;
    const pid = this.#tracker?.current() ?? pidIn(error);
    const launched = this.#launched;
    // A process that has ended by then is not known by its label any more.
    const pathNow = pid && launched?.pathOf(pid);
    const tell = (): void => {
      const path = (pid && launched?.pathOf(pid)) ?? pathNow;
      this.#log({ type: "unhandledRejection", application: this.#name, error, pid, path });
      if (this.#options.onUnhandledRejection === "stop") {
        launched?.stop({ type: "unhandledRejection" });
      }
    };
    if (launched === undefined) tell();
    else launched.caughtUp(tell);
  }

  #log(report: ApplicationReport): void {
    if (report.type === "stopped") this.#hasEnded = true;
    const { logger } = this.#options;
    if (logger === false) return;
    if (logger !== undefined) {
      try {
        logger(report);
      } catch (error) {
        this.#print(formatFailure({ type: "subscriberFailed", error }) ?? "");
      }
      return;
    }
    const text = formatApplicationReport(report);
    if (text !== undefined) this.#print(text);
  }

  /** Crashes nobody watched, and the like. */
  #logNode(event: NodeEvent): void {
    // What was killed at the deadline was named: that its code goes on for a moment is no news.
    if (this.#options.logger === false || (event.type === "fenced" && this.#hasEnded)) return;
    const text = formatFailure(event);
    if (text !== undefined) this.#print(text);
  }

  #print(text: string): void {
    this.#host.print(`[coppice] ${text}`);
  }
}

function trackerOf(host: ApplicationHost): ProcessTracker {
  const tracker = host.track?.();
  if (tracker !== undefined) return tracker;
  const expected = "left out where the host cannot tell whose code runs";
  throw new InvalidArgumentError("runApplication: options.trackProcesses", expected, true);
}

/** Some errors know whose they are. */
function pidIn(error: unknown): AnyPid | undefined {
  try {
    const { pid } = Object(error) as { readonly pid?: unknown };
    return isPid(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Its name or label, or else its pid. */
function describe(node: Node, pid: AnyPid): string {
  const { name, label } = node.processInfo(pid) ?? {};
  return name ?? (label || String(pid));
}
