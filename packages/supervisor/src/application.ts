/**
 * Applications: a tree with a name and callbacks, started on a node in order and stopped in the reverse,
 * within a time.
 *
 * OTP: https://www.erlang.org/doc/man/application.html
 */
import { checkKeys, InvalidArgumentError, type AnyPid, type Node } from "@coppice/core";
import { resolveApplication, type ApplicationDefinition } from "./application-definition.js";
import type { ApplicationEnd } from "./application-end.js";
import { launchApplication } from "./application-process.js";
import type { ApplicationReport } from "./application-report.js";
import type { SupervisorPid } from "./supervisor-message.js";
import type { SupervisorDefinition } from "./supervisor.js";

/** How an application is started. */
export interface ApplicationOptions<E extends object = object> {
  /** Replaces defaults of the application's configuration, one by one. */
  readonly env?: Partial<E>;
  /**
   * How long it may take to stop, in all: `prepStop`, the tree, `stop`. What has not ended then is
   * killed. 9000 by default, one second less than container hosts give a program; `Infinity` for ever.
   */
  readonly deadlineMs?: number;
}

/** How an application is started on a node. */
export interface StartApplicationOptions<E extends object = object> extends ApplicationOptions<E> {
  /**
   * Told what the application and its supervisors have to say; by default they are reports of the
   * node (see `Self.report`), whose logger prints what an operator has to know.
   */
  readonly logger?: (report: ApplicationReport) => void;
}

/** An application that runs. */
export interface ApplicationHandle {
  /** The topmost supervisor of its tree. */
  readonly supervisor: SupervisorPid;
  /** The process above it. */
  readonly pid: AnyPid;
  /**
   * Stops it: `prepStop`, the tree in the reverse of its start, `stop`. Resolves when all have ended,
   * or were killed at the deadline. Asked again it is the same stop.
   */
  stop(): Promise<ApplicationEnd>;
  /** Resolves when it has stopped, by whatever cause. Never rejects. */
  readonly whenStopped: Promise<ApplicationEnd>;
}

/**
 * Starts an application, or a tree alone, on a node. Resolves when all of its tree has started.
 *
 * Needs nothing of the host but what the node needs; `runApplication` does it for a whole program.
 * The node goes on when the application has ended; when the node stops, the application stops in
 * order.
 *
 * @param application what `defineApplication` or `defineSupervisor` made
 * @throws StartError a child did not start, and those before it were stopped again; or it runs on this
 * node already: its reason is `{ alreadyStarted: pid }` then
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, defineSupervisor, startApplication } from "@coppice/supervisor";
 * const node = createNode();
 * const echo = child("echo", async (self) => { await self.receive(); });
 * const handle = await startApplication(node, defineSupervisor({ children: [echo] }));
 * await handle.stop(); // => { cause: { type: "requested" }, problems: [] }
 * await node.stop();
 * @see https://www.erlang.org/doc/man/application.html#start-1
 */
export async function startApplication<E extends object = object>(
  node: Node,
  application: SupervisorDefinition | ApplicationDefinition<E>,
  options: StartApplicationOptions<E> = {},
): Promise<ApplicationHandle> {
  checkOptions("startApplication", options, ["env", "deadlineMs", "logger"]);
  const { env, deadlineMs = DEFAULT_DEADLINE_MS, logger } = options;
  const resolved = resolveApplication("startApplication", application, env);
  const launched = launchApplication(node, resolved, deadlineMs, logger);
  const supervisor = await launched.started;
  return {
    supervisor,
    pid: launched.pid,
    stop: () => {
      launched.stop({ type: "requested" });
      return launched.ended;
    },
    whenStopped: launched.ended,
  };
}

export const DEFAULT_DEADLINE_MS = 9_000;

/**
 * Checks what all applications are started with.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 */
export function checkOptions(
  caller: string,
  options: StartApplicationOptions | { readonly logger?: unknown },
  known: readonly string[],
): void {
  const refuse = (option: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`${caller}: options.${option}`, expected, received);
  };
  checkKeys(`${caller}: options`, options, known);
  const { deadlineMs, logger } = options as { deadlineMs?: unknown; logger?: unknown };
  if (deadlineMs !== undefined && !(typeof deadlineMs === "number" && deadlineMs > 0)) {
    refuse("deadlineMs", "a number greater than 0", deadlineMs);
  }
  if (logger !== undefined && logger !== false && typeof logger !== "function") {
    refuse("logger", "a function", logger);
  }
}
