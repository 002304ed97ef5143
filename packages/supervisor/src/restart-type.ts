/**
 * Restart types: after which exits a child is started again.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-restart
 */
import { isOrderly, type ExitReason } from "@coppice/core";

export type Restart = "permanent" | "transient" | "temporary";

/**
 * Is a child that has exited by itself started again?
 *
 * | restart | `"normal"`, `"shutdown"`, `{ shutdown }` | any other reason |
 * | --- | --- | --- |
 * | `"permanent"` | yes | yes |
 * | `"transient"` | no | yes |
 * | `"temporary"` | no | no |
 */
export function shouldRestart(restart: Restart, reason: ExitReason): boolean {
  switch (restart) {
    case "permanent":
      return true;
    case "transient":
      return !isOrderly(reason);
    case "temporary":
      return false;
    default:
      return restart satisfies never;
  }
}
