/**
 * Stopping one process of a behaviour, in order, and waiting until it has ended.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#stop-3 and proc_lib:stop/3
 */
import {
  CallTimeoutError,
  InvalidArgumentError,
  isName,
  NoProcessError,
  ServerExitError,
  TIMEOUT,
  type Call,
  type Down,
  type ExitReason,
  type Self,
  type Starter,
} from "@coppice/core";
import { isSameTerm } from "./same-term.js";
import { terminate, type SystemTarget } from "./sys.js";

/** How a process is stopped. */
export interface StopProcessOptions {
  /** What it is to end with; `"normal"` by default. */
  readonly reason?: ExitReason;
  /** How long it may take; for ever by default. */
  readonly timeoutMs?: number;
}

/**
 * Has a process of any behaviour end with `reason`: its `terminate` is called. Resolves when it has
 * ended with that reason.
 *
 * @param caller the `self` of the process that asks, or the node
 * @throws NoProcessError nobody has that pid or name
 * @throws ServerExitError it ended with another reason, which is the error's `reason`
 * @throws CallTimeoutError it has not ended in time; it may still end
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineServer, stop } from "@coppice/supervisor";
 * const node = createNode();
 * const pid = await node.start(defineServer({ init: () => null }));
 * await stop(node, pid, { reason: "shutdown" });
 * node.isAlive(pid); // => false
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_server.html#stop-3
 */
export async function stop(
  caller: Starter,
  target: SystemTarget,
  options: StopProcessOptions = {},
): Promise<void> {
  const { reason = "normal", timeoutMs = Infinity } = checkOptions(options);
  // As in OTP by a process of its own, so that a late answer finds nobody.
  const stopper = caller.spawnOpt({ label: "stop" }, stopIt, target, reason, timeoutMs);
  const ended = await caller.call(stopper, "ended", { timeoutMs: Infinity });
  const what = isName(target) ? `"${target.name}"` : String(target);
  if (ended === "timeout") throw new CallTimeoutError(what, "stop", timeoutMs);
  if (isSameTerm(ended.reason, reason)) return;
  if (ended.reason === "noproc") throw new NoProcessError(what);
  throw new ServerExitError(what, "stop", ended.reason);
}

type Ended = Call<"ended", { readonly reason: ExitReason } | "timeout">;

async function stopIt(
  self: Self<Ended | Down>,
  target: SystemTarget,
  reason: ExitReason,
  timeoutMs: number,
): Promise<void> {
  const { from } = await self.receive((message): message is Ended => message.type === "call");
  self.monitor(target);
  // What came of the request is told by the end of the process.
  terminate(self, target, reason, { timeoutMs: Infinity }).catch(() => undefined);
  const down = await self.receive((message): message is Down => message.type === "down", {
    timeoutMs,
  });
  self.reply(from, down === TIMEOUT ? "timeout" : { reason: down.reason });
}

function checkOptions(options: StopProcessOptions): StopProcessOptions {
  for (const key of Object.keys(options)) {
    if (key !== "reason" && key !== "timeoutMs") {
      throw new InvalidArgumentError("stop: options", "made of reason, timeoutMs", options);
    }
  }
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new InvalidArgumentError("stop: options.timeoutMs", "a number of at least 0", timeoutMs);
  }
  return options;
}
