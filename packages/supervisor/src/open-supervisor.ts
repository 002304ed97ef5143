/** A supervisor for as long as a block of code runs: started at its beginning, stopped at its end. */
import { NoProcessError, ServerExitError, type Pid, type Self, type Starter } from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { stop } from "./stop.js";
import type { SupervisorMessage } from "./supervisor-message.js";
import {
  startSupervisor,
  type AnySupervisorDefinition,
  type StartSupervisorOptions,
} from "./supervisor.js";

// The type of `Symbol.asyncDispose` is there only where the user's `lib` has it.
type AsyncDisposeKey = typeof Symbol extends { readonly asyncDispose: infer S extends symbol }
  ? S
  : never;
type AsyncDispose = { readonly [K in AsyncDisposeKey]: () => Promise<void> };

const ASYNC_DISPOSE: symbol =
  (Symbol as { readonly asyncDispose?: symbol }).asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** A started supervisor, for `await using`. `M` is what it understands. */
export interface OpenSupervisor<M = SupervisorMessage> extends AsyncDispose {
  readonly pid: Pid<M>;
  /**
   * Ends it with `"shutdown"`, its children first, and resolves when it has ended, for whatever reason.
   * What `await using` does.
   *
   * @param options.timeoutMs how long it may take; for ever by default
   * @throws CallTimeoutError it has not ended in time; it may still end
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/**
 * Starts a supervisor as `startSupervisor` does, and gives it as something that can be disposed.
 *
 * A process that opens it is linked to it until it stops it: stopping it does not end the process.
 *
 * @throws StartError as `startSupervisor`
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, countChildren, defineSupervisor, openSupervisor } from "@coppice/supervisor";
 * const node = createNode();
 * const echo = child("echo", async (self) => { await self.receive(); });
 * {
 *   await using tree = await openSupervisor(node, defineSupervisor({ children: [echo] }));
 *   (await countChildren(node, tree.pid)).active; // => 1
 * }
 * node.counts.processes; // => 0
 */
export async function openSupervisor<M = SupervisorMessage, A extends readonly unknown[] = []>(
  starter: Starter,
  definition: AnySupervisorDefinition<M, A>,
  options: StartSupervisorOptions<M> = {},
  ...args: A
): Promise<OpenSupervisor<M>> {
  checkActor("openSupervisor: starter", starter);
  const pid = await startSupervisor(starter, definition, options, ...args);
  const close = async (stopOptions: { readonly timeoutMs?: number } = {}): Promise<void> => {
    // Its end is not to be that of the process which wants it.
    if (isProcess(starter)) starter.unlink(pid, { flush: true });
    try {
      await stop(starter, pid, { reason: "shutdown", ...stopOptions });
    } catch (error) {
      if (!(error instanceof NoProcessError || error instanceof ServerExitError)) throw error;
    }
  };
  const handle = { pid, stop: close, [ASYNC_DISPOSE]: () => close() };
  return handle;
}

function isProcess(starter: Starter): starter is Starter & Pick<Self<unknown>, "unlink"> {
  return "unlink" in starter;
}
