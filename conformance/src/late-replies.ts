/**
 * Replies that nobody waits for any more.
 *
 * Coppice drops them all, and tells of each by the event `undelivered`. In OTP 25 a call without a limit
 * of time uses no alias, so that a second reply to it lands in the mailbox of the caller.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#call-3
 */
import type { AnyPid, From, NodeEvent } from "@coppice/core";
import type { Directive } from "./directive.js";
import type { Value } from "./term.js";

type Undelivered = Extract<NodeEvent, { readonly type: "undelivered" }>;

export class LateReplies {
  /** What was asked without a limit of time. */
  readonly #unlimited = new WeakSet<Directive>();
  /** Who asked it. */
  readonly #callers = new WeakSet<From<Value>>();
  readonly #replies: { readonly from: From<Value>; readonly by: AnyPid; readonly value: Value }[] =
    [];

  asksWithoutLimit(directive: Directive): void {
    this.#unlimited.add(directive);
  }

  isAsked(directive: Directive, from: From<Value>): void {
    if (this.#unlimited.has(directive)) this.#callers.add(from);
  }

  /** A reply that is sent apart from its call, so that there may be more than one. */
  isReplied(from: From<Value>, by: AnyPid, value: Value): void {
    if (this.#callers.has(from)) this.#replies.push({ from, by, value });
  }

  /** What Erlang puts into the mailbox in place of what was not delivered; `undefined` for nothing. */
  seenOf({ to, from: by, message, why }: Undelivered): Value | undefined {
    if (why !== "alias") return undefined;
    const reply = this.#replies.find(
      (each) => each.from.owner === to && each.by === by && each.value === message,
    );
    return reply === undefined ? undefined : [reply.from, reply.value];
  }
}
