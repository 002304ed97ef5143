/**
 * Shutdown of many children at once: all are asked, then all are waited for.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html (shutdown, simple_one_for_one)
 */
import {
  TIMEOUT,
  type AnyPid,
  type Down,
  type Exit,
  type ExitReason,
  type MonitorRef,
  type Self,
} from "@coppice/core";
import type { Shutdown } from "./child-spec.js";
import type { Meanwhile } from "./shutdown.js";
import { typeOf } from "./supervisor-message.js";

/** After so many have been asked, those that have ended already are heard, so that the mailbox stays small. */
const BATCH = 256;

/**
 * Ends children that are linked to this process; what each of them gets is told at `shutDown`. The time
 * of `shutdown` is one for all.
 *
 * @param ended is called for each as it ends
 */
export async function shutDownAll(
  self: Self<unknown>,
  pids: Iterable<AnyPid>,
  shutdown: Shutdown,
  meanwhile: Meanwhile,
  ended: (pid: AnyPid, reason: ExitReason) => void,
): Promise<void> {
  // Monitor before asking to exit: a child that unlinked itself would never tell us it ended.
  const pending = new Map<MonitorRef, AnyPid>();
  const waitedFor = new Set(pids);
  for (const pid of waitedFor) pending.set(self.monitor(pid), pid);
  // Of a child that was dead before it was monitored the link alone tells why it ended.
  const byLink = new Map<AnyPid, ExitReason>();
  const isDown = (message: unknown): message is Down =>
    typeOf(message) === "down" && pending.has((message as Down).ref);
  const isExit = (message: unknown): message is Exit =>
    typeOf(message) === "exit" && waitedFor.has((message as Exit).from);
  /** Takes what comes in that time; `false` when nothing came. */
  const take = async (timeoutMs: number): Promise<boolean> => {
    const message = await self.receive(
      (next) => isDown(next) || isExit(next) || meanwhile.accepts(next),
      { timeoutMs },
    );
    if (message === TIMEOUT) return false;
    if (isExit(message)) byLink.set(message.from, message.reason);
    else if (isDown(message)) {
      const pid = pending.get(message.ref) as AnyPid;
      pending.delete(message.ref);
      ended(pid, byLink.get(pid) ?? message.reason);
      byLink.delete(pid);
    } else meanwhile.handle(message);
    return true;
  };
  let endMs = typeof shutdown === "number" ? self.now() + shutdown : Infinity;
  let asked = 0;
  for (const pid of waitedFor) {
    self.exit(pid, shutdown === "brutal_kill" ? "kill" : "shutdown");
    if (++asked % BATCH !== 0) continue;
    await self.yield();
    while (await take(0));
  }
  while (pending.size > 0) {
    if (await take(Math.max(0, endMs - self.now()))) continue;
    for (const pid of pending.values()) self.exit(pid, "kill");
    endMs = Infinity;
  }
}
