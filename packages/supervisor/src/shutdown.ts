/**
 * Shutdown: ends one child, by asking, waiting and killing.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html (shutdown)
 */
import {
  TIMEOUT,
  type AnyPid,
  type Down,
  type Exit,
  type ExitReason,
  type Self,
} from "@coppice/core";
import type { Shutdown } from "./child-spec.js";
import { typeOf } from "./supervisor-message.js";

/** What the supervisor goes on answering while it waits for a child to end. */
export interface Meanwhile {
  accepts(message: unknown): boolean;
  handle(message: unknown): void;
}

/**
 * Ends a child that is linked to this process, and returns why it ended. Nothing of it arrives afterwards.
 *
 * | shutdown | it gets |
 * | --- | --- |
 * | `"brutal_kill"` | `"kill"` |
 * | a number | `"shutdown"`, and `"kill"` when it has not ended after that many milliseconds |
 * | `"infinity"` | `"shutdown"` |
 */
export async function shutDown(
  self: Self<unknown>,
  pid: AnyPid,
  shutdown: Shutdown,
  meanwhile: Meanwhile,
): Promise<ExitReason> {
  // Monitor before asking it to exit: a child that unlinked itself would never tell us it ended.
  const ref = self.monitor(pid);
  const isDown = (message: unknown): message is Down =>
    typeOf(message) === "down" && (message as Down).ref === ref;
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

/**
 * Takes out the exit signal that came by the link. When the child was dead before it was monitored,
 * that signal alone tells why it ended.
 */
async function unlinkAndFlush(
  self: Self<unknown>,
  pid: AnyPid,
  reason: ExitReason,
): Promise<ExitReason> {
  self.unlink(pid);
  const isExit = (message: unknown): message is Exit =>
    typeOf(message) === "exit" && (message as Exit).from === pid;
  const exit = await self.receive(isExit, { timeoutMs: 0 });
  return exit !== TIMEOUT && reason === "noproc" ? exit.reason : reason;
}
