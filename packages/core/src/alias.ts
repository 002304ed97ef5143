/**
 * Aliases: addresses of a process that it can take back.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html#process-aliases
 */
import { Monitor } from "./monitor.js";
import type { AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import { unwatch } from "./watching.js";

/**
 * How long an alias is active.
 *
 * | mode | ends with |
 * | --- | --- |
 * | `"explicit_unalias"` | `unalias` only; the default |
 * | `"reply"` | the first message sent to it |
 */
export type AliasMode = "explicit_unalias" | "reply";

/** What an alias that is no monitor stands for. */
class ActiveAlias {
  // Not the process itself: whoever keeps the alias would keep the dead process.
  readonly owner: AnyPid;
  readonly mode: AliasMode;

  constructor(owner: AnyPid, mode: AliasMode) {
    this.owner = owner;
    this.mode = mode;
  }
}

export function alias(owner: Process, mode: AliasMode): Reference {
  owner.countAliases(1);
  return new Reference(owner.pid, owner.node.nextSerial(), new ActiveAlias(owner.pid, mode));
}

/** Returns whether it was an active alias of this process. */
export function unalias(process: Process, ref: unknown): boolean {
  const meaning = Reference.meaningOf(ref);
  if (meaning instanceof ActiveAlias && meaning.owner === process.pid) {
    end(process, ref as Reference);
    return true;
  }
  if (meaning instanceof Monitor && meaning.owner === process && meaning.alias !== undefined) {
    meaning.alias = undefined;
    process.countAliases(-1);
    // The monitor of an alias that is gone lives on.
    if (!meaning.active) Reference.retire(meaning.ref);
    return true;
  }
  return false;
}

function end(process: Process, ref: Reference): void {
  Reference.retire(ref);
  process.countAliases(-1);
}

/** A message has reached the owner of the alias. Tells whether it is to be delivered; a one-shot alias ends. */
export function admits(process: Process, ref: Reference): boolean {
  const meaning = Reference.meaningOf(ref);
  if (meaning instanceof ActiveAlias && meaning.owner === process.pid) {
    if (meaning.mode === "reply") end(process, ref);
    return true;
  }
  if (meaning instanceof Monitor && meaning.owner === process && meaning.alias !== undefined) {
    if (meaning.alias === "reply_demonitor") {
      unwatch(meaning);
      meaning.endAliasUnlessExplicit();
    }
    return true;
  }
  return false;
}
