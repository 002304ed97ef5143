/**
 * Stopping one process of a behaviour, in order, and waiting until it has ended.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#stop-3 and proc_lib:stop/3
 */
import {
  checkKeys,
  CallTimeoutError,
  InvalidArgumentError,
  isName,
  isPid,
  isRemoteName,
  opaque,
  ServerExitError,
  TIMEOUT,
  type Call,
  type Down,
  type ExitReason,
  type Opaque,
  type Self,
  type Starter,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { checkTimeout } from "./option-check.js";
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
 * @throws ServerExitError it ended before it could be asked, or with another reason: the error's `reason`
 * @throws CallTimeoutError it has not ended in time; it may still end
 * @throws CallCycleError it waits for the caller, or is the caller
 * @throws InvalidArgumentError an argument cannot be one
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
  checkActor("stop: caller", caller);
  check(target, options);
  const { reason = "normal", timeoutMs = Infinity } = options;
  // As in OTP by a process of its own, so that a late answer finds nobody.
  const stopper = caller.spawnOpt({ label: "stop" }, stopIt, target, reason, timeoutMs);
  const outcome = await caller.call(stopper, "outcome", { timeoutMs: Infinity });
  const what = isName(target) ? `"${target.name}"` : String(target);
  switch (outcome.type) {
    case "ended":
      if (isSameTerm(outcome.reason, reason)) return;
      throw new ServerExitError(what, "stop", outcome.reason);
    case "timeout":
      throw new CallTimeoutError(what, "stop", timeoutMs);
    case "failed":
      throw outcome.error.value;
    default:
      outcome satisfies never;
  }
}

type Outcome =
  | { readonly type: "ended"; readonly reason: ExitReason }
  | { readonly type: "timeout" }
  | { readonly type: "failed"; readonly error: Opaque<unknown> };

type Asked = { readonly type: "asked"; readonly error?: Opaque<unknown> };

type Stopper = Call<"outcome", Outcome> | Asked | Down;

async function stopIt(
  self: Self<Stopper>,
  target: SystemTarget,
  reason: ExitReason,
  timeoutMs: number,
): Promise<void> {
  const { from } = await self.receive((message) => message.type === "call");
  const monitor = self.monitor(target);
  const tell = (asked: Asked): void => {
    // It may have run out of time.
    if (self.node.isAlive(self.pid)) self.send(self.pid, asked);
  };
  terminate(self, target, reason, { timeoutMs: Infinity }).then(
    () => tell({ type: "asked" }),
    (error: unknown) => {
      tell({ type: "asked", error: opaque(error) });
    },
  );
  // First whether it was asked: one that ends before that has not been stopped.
  const deadlineMs = self.now() + timeoutMs;
  const asked = await self.receive((message) => message.type === "asked", { timeoutMs });
  if (asked === TIMEOUT) return self.reply(from, { type: "timeout" });
  if (asked.error !== undefined) return self.reply(from, { type: "failed", error: asked.error });
  const down = await self.receive((message) => message.type === "down" && message.ref === monitor, {
    timeoutMs: Math.max(0, deadlineMs - self.now()),
  });
  if (down === TIMEOUT) self.reply(from, { type: "timeout" });
  else if (down.type === "down") self.reply(from, { type: "ended", reason: down.reason });
}

function check(target: SystemTarget, options: StopProcessOptions): void {
  if (!(isPid(target) || isName(target) || isRemoteName(target))) {
    throw new InvalidArgumentError("stop: target", "a pid, a name or at(node, name)", target);
  }
  checkKeys("stop: options", options, ["reason", "timeoutMs"]);
  const { timeoutMs } = options;
  if (timeoutMs !== undefined) checkTimeout("stop: options.timeoutMs", timeoutMs);
}
