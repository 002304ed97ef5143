/**
 * Orders: messages by which whoever may send to a process could do more with it than talk to it. Behaviours take requests of
 * `sys` from everybody who can send to them, as in OTP: that shows their state, stops them, and ends them. And an `exit` that
 * comes as a message is one for who traps exits, also when it says that it is of its parent.
 */
import { isPid, type AnyPid } from "@coppice/core";

/**
 * @param message as it came: data, without code
 * @param isTheirs is it a process of the peer that says this?
 */
export function isOrder(message: unknown, isTheirs: (pid: AnyPid) => boolean): boolean {
  if (typeof message !== "object" || message === null) return false;
  const { type, request, from } = message as {
    readonly type?: unknown;
    readonly request?: unknown;
    readonly from?: unknown;
  };
  if (type === "call") return (Object(request) as { readonly type?: unknown }).type === "system";
  return type === "exit" && isPid(from) && !isTheirs(from);
}
