/**
 * Running trees: looks at a supervisor and all below it, and prints them.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#which_children-1, as observer shows it
 */
import {
  CallTimeoutError,
  checkFunction,
  checkKeys,
  formatReason,
  NoProcessError,
  ServerExitError,
  type AnyPid,
  type ExitReason,
  type Operations,
  type ProcessInfo,
  type Starter,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import type { ChildInfo, SupervisorView } from "./child-info.js";
import type { ChildType } from "./child-spec.js";
import { checkCount } from "./option-check.js";
import type { SupervisorPid } from "./supervisor-message.js";

/**
 * A process of a tree, as it was a moment ago.
 *
 * | state | meaning |
 * | --- | --- |
 * | `"running"` | alive |
 * | `"starting"`, `"stopping"` | a supervisor that is starting, or stopping, one of its children |
 * | `"exiting"` | it has got an exit signal and is unwinding, or has just ended |
 * | `"busy"` | a supervisor that did not answer in time: what is below it is not known |
 * | `"stopped"`, `"restarting"` | there is no process; see `ChildInfo` |
 */
export interface SupervisionTree {
  /** Its id as a child; of the topmost supervisor its name or label. */
  readonly id: string;
  readonly pid: AnyPid | undefined;
  readonly type: ChildType;
  readonly state:
    "running" | "starting" | "stopping" | "exiting" | "busy" | "stopped" | "restarting";
  /** How often its supervisor has started it again of its own accord. */
  readonly restarts: number;
  /** How long its backoff still delays its restart, if it does. */
  readonly restartInMs: number | undefined;
  /** Number of its last start. */
  readonly incarnation: number;
  /** Why its last incarnation ended, if one has. */
  readonly lastExit: ExitReason | undefined;
  readonly mailboxSize: number;
  readonly label: string | undefined;
  /** The name it is registered by. */
  readonly name: string | undefined;
  /** Of supervisors only. */
  readonly strategy: SupervisorView["strategy"] | undefined;
  /** The child whose start or end it waits for, if any. */
  readonly waitingFor: string | undefined;
  /** In start order. */
  readonly children: readonly SupervisionTree[];
}

/** How long a supervisor may take to answer before it is shown as busy, when nothing else is said. */
const ANSWER_MS = 1_000;

/**
 * Looks at a supervisor and all below it. Resolves although supervisors below are busy: those that
 * stop a child answer in the middle of it, others are shown as busy after `timeoutMs`.
 *
 * The levels are asked one after the other: what changes meanwhile may be seen half. Of a process of
 * another node mailbox, label and name are not known.
 *
 * @param asker the `self` of a process, or the node
 * @param options.timeoutMs how long each level may take; 1000 by default
 * @throws NoProcessError there is no such process
 */
export async function supervisionTree(
  asker: Operations,
  supervisor: AnyPid,
  options: { readonly timeoutMs?: number } = {},
): Promise<SupervisionTree> {
  checkActor("supervisionTree: asker", asker);
  const { pid: own } = asker as Starter;
  const info = asker.processInfo(supervisor);
  const isFar = supervisor.node !== own.node;
  if (info === undefined && !isFar) throw new NoProcessError(String(supervisor));
  const id = info?.name ?? info?.label ?? String(supervisor);
  const root: ChildInfo = {
    id,
    pid: supervisor as SupervisorPid,
    status: "running",
    type: "supervisor",
    incarnation: 1,
    restarts: 0,
    restartInMs: undefined,
    lastExit: undefined,
  };
  return look({ asker, home: own.node, timeoutMs: options.timeoutMs ?? ANSWER_MS }, root);
}

interface Looking {
  readonly asker: Operations;
  /** The node of who asks. */
  readonly home: string;
  readonly timeoutMs: number;
}

async function look(looking: Looking, child: ChildInfo): Promise<SupervisionTree> {
  const { id, pid, type, restarts, restartInMs, incarnation, lastExit } = child;
  const { asker, home, timeoutMs } = looking;
  // Of a process of another node no more is known than what its supervisor says, or it itself.
  const isFar = pid !== undefined && pid.node !== home;
  const info = pid === undefined || isFar ? undefined : asker.processInfo(pid);
  const isThere = isFar || isAlive(info);
  const asks = child.type === "supervisor" && child.pid !== undefined && isThere;
  const view = asks ? await viewOf(asker, child.pid, timeoutMs) : undefined;
  const seen = typeof view === "object" ? view : undefined;
  return {
    id,
    pid,
    type,
    state: stateOf(child, isThere, view),
    restarts,
    restartInMs,
    incarnation,
    lastExit,
    mailboxSize: info?.mailboxSize ?? 0,
    label: info?.label,
    name: info?.name,
    strategy: seen?.strategy,
    waitingFor: seen?.waitingFor,
    children: await Promise.all((seen?.children ?? []).map((below) => look(looking, below))),
  };
}

function isAlive(info: ProcessInfo | undefined): boolean {
  return info !== undefined && info.status !== "exiting";
}

function stateOf(
  { status }: ChildInfo,
  isThere: boolean,
  view: Answer | undefined,
): SupervisionTree["state"] {
  if (status !== "running") return status;
  if (!isThere) return "exiting";
  if (view === undefined) return "running";
  if (typeof view === "string") return view;
  return view.activity === "idle" ? "running" : view.activity;
}

/** What a supervisor tells of itself, or why it does not. */
type Answer = SupervisorView | "busy" | "exiting";

async function viewOf(asker: Operations, pid: SupervisorPid, timeoutMs: number): Promise<Answer> {
  try {
    return await asker.call(pid, { type: "view" }, { timeoutMs });
  } catch (error) {
    if (error instanceof CallTimeoutError) return "busy";
    if (error instanceof NoProcessError || error instanceof ServerExitError) return "exiting";
    throw error;
  }
}

/** How a tree is shown. */
export interface RenderTreeOptions {
  /** What else is to be said of a process, at the end of its line; nothing by default. */
  readonly describe?: (process: SupervisionTree) => string | undefined;
  /** How many children of one supervisor are shown; the others are counted. 100 by default. */
  readonly maxChildren?: number;
}

/**
 * The tree as plain text, one line for each process: its id, its pid, what it does when it does not just
 * run, how often it was restarted, why it ended last, and how many messages wait for it.
 *
 * @throws InvalidArgumentError an option is unknown, or of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, defineSupervisor, renderTree, startSupervisor, supervisionTree } from "@coppice/supervisor";
 * const node = createNode({ name: "demo" });
 * const echo = child("echo", async (self) => { await self.receive(); });
 * const app = await startSupervisor(node, defineSupervisor({ children: [echo] }), { label: "app" });
 * const tree = await supervisionTree(node, app);
 * renderTree(tree); // => "app <demo.1> one_for_one\n└─ echo <demo.2>"
 * renderTree(tree, { describe: ({ type }) => type }).split("\n")[1]; // => "└─ echo <demo.2> worker"
 * await node.stop();
 */
export function renderTree(tree: SupervisionTree, options: RenderTreeOptions = {}): string {
  checkKeys("renderTree: options", options, ["describe", "maxChildren"]);
  const { describe, maxChildren } = options;
  if (describe !== undefined) checkFunction("renderTree: options.describe", describe);
  if (maxChildren !== undefined) checkCount("renderTree: options.maxChildren", maxChildren, 0);
  return linesOf(tree, options).join("\n");
}

function linesOf(tree: SupervisionTree, options: RenderTreeOptions): string[] {
  const lines = [lineOf(tree, options)];
  const { maxChildren = 100 } = options;
  const blocks = tree.children.slice(0, maxChildren).map((child) => linesOf(child, options));
  const more = tree.children.length - blocks.length;
  if (more > 0) blocks.push([`… and ${more} more`]);
  blocks.forEach(([head, ...rest], index) => {
    const isLast = index === blocks.length - 1;
    lines.push(`${isLast ? "└─ " : "├─ "}${head}`);
    for (const line of rest) lines.push(`${isLast ? "   " : "│  "}${line}`);
  });
  return lines;
}

function lineOf(tree: SupervisionTree, { describe }: RenderTreeOptions): string {
  const { id, pid, strategy, restarts, mailboxSize, lastExit } = tree;
  const times = restarts === 1 ? "1 restart" : `${restarts} restarts`;
  return [
    id,
    pid === undefined ? "–" : String(pid),
    strategy,
    describeState(tree),
    restarts > 0 && times,
    lastExit !== undefined && `last exit: ${formatReason(lastExit)}`,
    mailboxSize > 0 && `mailbox: ${mailboxSize}`,
    describe?.(tree),
  ]
    .filter((part) => typeof part === "string")
    .join(" ");
}

function describeState({ state, waitingFor, restartInMs }: SupervisionTree): string | undefined {
  if (state === "running") return undefined;
  if (restartInMs !== undefined) return `[${state} in ${Math.round(restartInMs)} ms]`;
  return `[${waitingFor === undefined ? state : `${state} ${waitingFor}`}]`;
}
