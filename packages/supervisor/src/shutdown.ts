/**
 * Shutdown: ends one child, by asking, waiting and killing.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html (shutdown)
 */
import { TIMEOUT, type AnyPid, type Down, type Exit, type ExitReason, type Self } from "@coppice/core";
import type { Shutdown } from "./child-spec.js";

/** What the supervisor goes on answering while it waits for a child to end. */
export interface Meanwhile<M> {
  accepts(message: M): boolean;
  handle(message: M): void;
}

/**
 * Ends a child that is linked to this process, and returns why it ended. Nothing of it arrives afterwards.
 *
 * | shutdown | it gets |
 * | --- | --- |
 * | `"brutal_kill"` | `"kill"` |
 * | a number | `"shutdown"`, and `"kill"` when it has not ended after that many milliseconds |
 * | `"infinity"` | `"shutdown"` |
 *
 * A child that was dead before returns the reason of its end, as long as that has not been received.
 */
export async function shutDown<M>(
  self: Self<M | Down | Exit>,
  pid: AnyPid,
  shutdown: Shutdown,
  meanwhile: Meanwhile<M | Down | Exit>,
): Promise<ExitReason> {
  // Monitor before asking it to exit: a child that unlinked itself would never tell us it ended.
  const ref = self.monitor(pid);
  const isDown = (message: M | Down | Exit): message is Down =>
    isTyped(message, "down") && message.ref === ref;
  const awaitDown = async (timeoutMs: number): Promise<Down | typeof TIMEOUT> => {
    const endMs = self.now() + timeoutMs;
    for (;;) {
      const message = await self.receive((next) => isDown(next) || meanwhile.accepts(next), {
        timeoutMs: Math.max(0, endMs - self.now()),
      });
      if (message === TIMEOUT || isDown(message)) return message;
      meanwhile.handle(message);
    }
  };
  self.exit(pid, shutdown === "brutal_kill" ? "kill" : "shutdown");
  let down = await awaitDown(typeof shutdown === "number" ? shutdown : Infinity);
  if (down === TIMEOUT) {
    self.exit(pid, "kill");
    down = (await awaitDown(Infinity)) as Down;
  }
  return unlinkAndFlush(self, pid, down.reason);
}

/** Takes out the exit signal that the link has sent too. It knows the reason when the monitor came too late. */
async function unlinkAndFlush<M>(
  self: Self<M | Down | Exit>,
  pid: AnyPid,
  reason: ExitReason,
): Promise<ExitReason> {
  self.unlink(pid);
  const isExit = (message: M | Down | Exit): message is Exit =>
    isTyped(message, "exit") && message.from === pid;
  const exit = await self.receive(isExit, { timeoutMs: 0 });
  return exit !== TIMEOUT && reason === "noproc" ? exit.reason : reason;
}

function isTyped<M, T extends "down" | "exit">(
  message: M | Down | Exit,
  type: T,
): message is Extract<Down | Exit, { readonly type: T }> {
  return (message as { readonly type?: unknown } | null)?.type === type;
}
