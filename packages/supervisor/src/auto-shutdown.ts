/**
 * Auto shutdown: whether a supervisor ends because a significant child has ended for good.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-auto_shutdown
 */
import type { AutoShutdown } from "./child-spec.js";

/**
 * | `autoShutdown` | a significant child ended | any other |
 * | --- | --- | --- |
 * | `"never"` | no | no |
 * | `"any_significant"` | yes | no |
 * | `"all_significant"` | if no other significant child runs, or is to run again | no |
 *
 * @param isAnyLeft whether such another child is there
 */
export function shutsDownAfter(
  autoShutdown: AutoShutdown,
  significant: boolean,
  isAnyLeft: () => boolean,
): boolean {
  if (!significant) return false;
  switch (autoShutdown) {
    case "never":
      return false;
    case "any_significant":
      return true;
    case "all_significant":
      return !isAnyLeft();
    default:
      return autoShutdown satisfies never;
  }
}
