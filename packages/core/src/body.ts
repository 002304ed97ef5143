/** What a process runs: an async function, or a handler that the scheduler calls for each message. */
import type { Self } from "./self.js";

/**
 * The code of a process as one function. It ends, and the process with it, when it returns.
 *
 * @typeParam M what the process understands
 */
export type Body<M, A extends readonly unknown[] = []> = (
  self: Self<M>,
  ...args: A
) => PromiseLike<void> | void;

/** What a handler may use: everything but `receive`, for it is called with each message. */
export type HandlerSelf<M> = Omit<Self<M>, "receive">;

/**
 * The code of a process as a function of state and message, called synchronously by the scheduler:
 * no promise is made for a message unless the handler returns one. It takes one message at a time,
 * in order of arrival, and ends by `self.exit(reason)` or an error.
 */
export interface Handler<M, S, A extends readonly unknown[] = []> {
  /** Returns the first state. */
  init(self: HandlerSelf<M>, ...args: A): S | PromiseLike<S>;
  /** Returns the next state. */
  message(state: S, message: M, self: HandlerSelf<M>): S | PromiseLike<S>;
}

/** Either of the two, without its types. */
export type AnyBody = Body<never, never[]> | Handler<never, unknown, never[]>;

/** The name by which reports call it. */
export function initialCallOf(body: AnyBody): string {
  if (typeof body === "function") return body.name || "(anonymous function)";
  return body.message.name && body.message.name !== "message" ? body.message.name : "(handler)";
}
