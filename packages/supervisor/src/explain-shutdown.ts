/** What still holds a tree open that is to stop: which process its supervisors wait for, and why that does not end. */
import {
  CallTimeoutError,
  NoProcessError,
  ServerExitError,
  type AnyPid,
  type Node,
  type Operations,
  type ProcessInfo,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import type { ChildInfo, SupervisorView } from "./child-info.js";
import type { SupervisorPid } from "./supervisor-message.js";

/** A process that its supervisor waits for. */
export interface ShutdownHolder {
  /** Where it stands, e.g. `shop/workers/w1`. */
  readonly path: string;
  readonly pid: AnyPid;
  /** Whether its supervisor waits for its end or, before it can stop anything, for its start. */
  readonly waitsFor: "its end" | "its start";
  /** For how long by now; `undefined` where its supervisor could not be asked. */
  readonly forMs: number | undefined;
  /** How long until it is killed; `undefined` when that is not known, or it is not. */
  readonly killInMs: number | undefined;
  readonly status: ProcessInfo["status"];
  readonly trapsExits: boolean;
  readonly mailboxSize: number;
}

/** Why a tree has not stopped. */
export interface ShutdownExplanation {
  /**
   * | state | meaning |
   * | --- | --- |
   * | `"ended"` | there is no such process any more |
   * | `"open"` | nothing in it is being stopped or started |
   * | `"held"` | it waits for `holders` |
   */
  readonly state: "ended" | "open" | "held";
  /** Those that are waited for, the innermost: one, or for a dynamic supervisor as many as are left. */
  readonly holders: readonly ShutdownHolder[];
  /** The same in words, a line for each holder. */
  readonly text: string;
}

/** The `self` of a process, or a node. */
type Asker = Operations & (Processes | { readonly node: Processes });
type Processes = Pick<Node, "processes">;

/** How long a supervisor may take to answer before its processes are looked at without asking it. */
const ANSWER_MS = 1_000;

/** How many holders the text names. */
const NAMED = 10;

/**
 * Says what still holds a tree open: which processes the supervisors of it wait for, since when, what
 * those are doing, and when they will be killed.
 *
 * Supervisors that wait for an end answer in the middle of it. One that waits for a start cannot; what
 * it waits for is found among the processes of this node.
 *
 * @param asker the `self` of a process, or the node
 * @param options.timeoutMs how long each supervisor may take to answer; 1000 by default
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, defineSupervisor, explainShutdown, startSupervisor } from "@coppice/supervisor";
 * const node = createNode({ name: "demo" });
 * const app = await startSupervisor(node, defineSupervisor({ children: [] }), { label: "app" });
 * (await explainShutdown(node, app)).text; // => "app is not being stopped"
 * await node.stop();
 */
export async function explainShutdown(
  asker: Asker,
  supervisor: AnyPid,
  options: { readonly timeoutMs?: number } = {},
): Promise<ShutdownExplanation> {
  checkActor("explainShutdown: asker", asker);
  const info = asker.processInfo(supervisor);
  if (info === undefined) {
    return { state: "ended", holders: [], text: `${String(supervisor)} has ended` };
  }
  const holders = await holdersOf(asker, info, options.timeoutMs ?? ANSWER_MS);
  if (holders.length === 0) {
    return { state: "open", holders, text: `${info.path} is not being stopped` };
  }
  const lines = holders.slice(0, NAMED).map((holder) => describe(info.path, holder));
  const more = holders.length - lines.length;
  if (more > 0) lines.push(`and for ${more} more`);
  return { state: "held", holders, text: lines.join("\n") };
}

async function holdersOf(
  asker: Asker,
  supervisor: ProcessInfo,
  timeoutMs: number,
): Promise<readonly ShutdownHolder[]> {
  const view = await viewOf(asker, supervisor.pid, timeoutMs);
  if (view === "gone") return [];
  if (view === "busy") {
    const child = startingChild(asker, supervisor.pid);
    return child === undefined ? [] : holdersIn(asker, child, "its start", {}, timeoutMs);
  }
  if (view.activity === "idle") return [];
  const waitedFor = view.children.filter((child) => isWaitedFor(view, child));
  const waits = {
    forMs: view.sinceMs === undefined ? undefined : asker.now() - view.sinceMs,
    killInMs: view.killInMs,
  };
  const holders = await Promise.all(
    waitedFor.map(({ pid }) => {
      const child = pid === undefined ? undefined : asker.processInfo(pid);
      if (child === undefined) return [];
      return holdersIn(asker, child, "its end", waits, timeoutMs);
    }),
  );
  return holders.flat();
}

function isWaitedFor(view: SupervisorView, { id, pid }: ChildInfo): boolean {
  return pid !== undefined && id === view.waitingFor;
}

/** A process that is waited for; if it is a supervisor, those that it waits for itself. */
async function holdersIn(
  asker: Asker,
  child: ProcessInfo,
  waitsFor: ShutdownHolder["waitsFor"],
  waits: Partial<Pick<ShutdownHolder, "forMs" | "killInMs">>,
  timeoutMs: number,
): Promise<readonly ShutdownHolder[]> {
  if (child.initialCall === "supervisor" || child.initialCall === "dynamic_supervisor") {
    const below = await holdersOf(asker, child, timeoutMs);
    if (below.length > 0) return below;
  }
  const { path, pid, status, trapsExits, mailboxSize } = child;
  const { forMs, killInMs } = waits;
  return [{ path, pid, waitsFor, forMs, killInMs, status, trapsExits, mailboxSize }];
}

async function viewOf(
  asker: Asker,
  pid: AnyPid,
  timeoutMs: number,
): Promise<SupervisorView | "busy" | "gone"> {
  try {
    return await asker.call(pid as SupervisorPid, { type: "view" }, { timeoutMs });
  } catch (error) {
    if (error instanceof CallTimeoutError) return "busy";
    if (error instanceof NoProcessError || error instanceof ServerExitError) return "gone";
    throw error;
  }
}

/** The child whose start a supervisor waits for: that which it has spawned and monitors. */
function startingChild(asker: Asker, supervisor: AnyPid): ProcessInfo | undefined {
  const node = "processes" in asker ? asker : asker.node;
  for (const pid of node.processes()) {
    const info = asker.processInfo(pid);
    if (info?.ancestors[0] === supervisor && info.monitoredBy.includes(supervisor)) return info;
  }
  return undefined;
}

function describe(root: string, holder: ShutdownHolder): string {
  const { path, pid, waitsFor, forMs, killInMs } = holder;
  const parts = [
    `${root} waits for ${path} ${String(pid)} and ${waitsFor}`,
    forMs !== undefined && `for ${Math.round(forMs)} ms by now`,
    describeState(holder),
    killInMs !== undefined && `it is killed in ${Math.round(killInMs)} ms`,
  ];
  return parts.filter((part) => typeof part === "string").join("; ");
}

/** What a process does that has not ended although it was asked to. */
export function describeState({
  status,
  trapsExits,
  mailboxSize,
}: Pick<ProcessInfo, "status" | "trapsExits" | "mailboxSize">): string {
  const messages = mailboxSize === 1 ? "1 message" : `${mailboxSize} messages`;
  const waiting = mailboxSize === 0 ? "" : `, with ${messages} before it`;
  switch (status) {
    case "starting":
      return "it has not run yet";
    case "exiting":
      return "its code unwinds, and waits for something that is not of this runtime";
    case "running":
      return `its code is busy, or waits for something that is not of this runtime${waiting}`;
    case "waiting":
      return `its code waits for a reply or a time${waiting}`;
    case "receiving":
    case "idle":
      return trapsExits
        ? "it traps exits, was asked to end, and goes on waiting for messages"
        : `it waits for messages${waiting}`;
    default:
      return status satisfies never;
  }
}
