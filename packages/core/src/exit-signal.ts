/**
 * Exit signals: what one does to the process it reaches.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html#receiving_exit_signals
 */
import { beginExit, dieAtOnce } from "./death.js";
import type { ExitReason } from "./exit-reason.js";
import { ExitOrigin } from "./mailbox.js";
import { deliver, mapOrCrash } from "./message.js";
import type { AnyPid, ProcessId } from "./pid.js";
import type { Process } from "./process.js";

/** An exit signal as a message, for a process that traps exits. OTP's `{'EXIT', From, Reason}`. */
export interface Exit {
  readonly type: "exit";
  readonly from: AnyPid;
  readonly reason: ExitReason;
}

/** What an exit signal does. */
export type ExitEffect = "ignored" | "message" | "exits" | "killed";

/**
 * The signal table.
 *
 * | reason | sent by | traps exits | does not trap |
 * | --- | --- | --- | --- |
 * | `"kill"` | `exit(pid, "kill")` | killed | killed |
 * | `"kill"` | a link whose process exited with `"kill"` | message | exits |
 * | `"normal"` | another process, or a link | message | ignored |
 * | `"normal"` | itself | message | exits |
 * | any other | anyone | message | exits |
 */
export function exitEffect(
  reason: ExitReason,
  facts: { readonly traps: boolean; readonly viaLink: boolean; readonly fromSelf: boolean },
): ExitEffect {
  if (reason === "kill" && !facts.viaLink) return "killed";
  if (facts.traps) return "message";
  if (reason === "normal" && !facts.fromSelf) return "ignored";
  return "exits";
}

/** An exit signal has arrived. */
export function exitSignalled(
  process: Process,
  from: ProcessId<Process>,
  reason: ExitReason,
  { viaLink }: { viaLink: boolean },
): void {
  if (process.life === "dead") return;
  const effect = exitEffect(reason, {
    traps: process.trap !== undefined,
    viaLink,
    fromSelf: from === process.pid,
  });
  switch (effect) {
    case "ignored":
      return;
    case "killed":
      dieAtOnce(process, "killed");
      return;
    case "exits":
      if (process.life === "alive") process.signalled = true;
      beginExit(process, reason);
      return;
    case "message": {
      const exit: Exit = { type: "exit", from, reason };
      const message = mapOrCrash(process, process.trap, exit);
      if (message !== undefined) deliver(process, message.value, new ExitOrigin(from), "signal");
      return;
    }
    default:
      effect satisfies never;
  }
}
