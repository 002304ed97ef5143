/**
 * Calling the servers of one name at several nodes at once.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#multi_call-4
 */
import {
  at,
  ExitSignal,
  InvalidArgumentError,
  type CallOptions,
  type Name,
  type Operations,
  type ReplyOf,
  type RequestOf,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";

/** Who answered what, and why others did not. */
export interface MultiCallResult<R> {
  readonly replies: readonly { readonly node: string; readonly reply: R }[];
  readonly failures: readonly { readonly node: string; readonly error: unknown }[];
}

/**
 * Sends one request to whoever holds `name` at each of `nodes`, and waits until all have answered or
 * failed. A node that cannot be reached, has nobody of that name, or does not answer in time is among
 * the failures, with the error that a call would have thrown. Both lists keep the order of `nodes`.
 *
 * @param nodes names of nodes; the caller's own may be among them
 * @param options.timeoutMs How long to wait for each; for ever by default, as in OTP
 * @throws InvalidArgumentError, InvalidNameError an argument cannot be one; nobody was asked
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { defineServer, multiCall, type ProtocolOf } from "@coppice/supervisor";
 * const greeter = defineServer({ init: () => null, call: { hello: () => ({ reply: "hi" }) } });
 * const Greeter = name<ProtocolOf<typeof greeter>>("greeter");
 * const node = createNode({ name: "here" });
 * await node.startOpt({ name: Greeter }, greeter);
 * const { replies, failures } = await multiCall(node, ["here", "there"], Greeter, ["hello"]);
 * replies; // => [{ node: "here", reply: "hi" }]
 * failures.length; // => 1
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_server.html#multi_call-4
 */
export async function multiCall<M, const Q extends RequestOf<M>>(
  caller: Operations,
  nodes: readonly string[],
  name: Name<M>,
  request: Q,
  options: CallOptions = {},
): Promise<MultiCallResult<ReplyOf<M, Q>>> {
  checkActor("multiCall: caller", caller);
  if (!Array.isArray(nodes)) {
    throw new InvalidArgumentError("multiCall: nodes", "an array of names of nodes", nodes);
  }
  const targets = (nodes as readonly string[]).map((node) => at(node, name));
  const settled = await Promise.allSettled(
    targets.map((target) => caller.call(target, request, { timeoutMs: Infinity, ...options })),
  );
  const { pid } = caller as { readonly pid?: unknown };
  const replies: { node: string; reply: ReplyOf<M, Q> }[] = [];
  const failures: { node: string; error: unknown }[] = [];
  settled.forEach((outcome, index) => {
    const node = nodes[index] as string;
    if (outcome.status === "fulfilled") replies.push({ node, reply: outcome.value });
    else if (outcome.reason instanceof ExitSignal && outcome.reason.pid === pid) {
      // It is the caller that has to exit.
      throw outcome.reason;
    } else failures.push({ node, error: outcome.reason });
  });
  return { replies, failures };
}
