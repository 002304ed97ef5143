/**
 * Requests: one process for each, so that a crash in one is its own end and nobody else's.
 *
 * They are temporary children of a dynamic supervisor: it says who crashed, restarts none, lets no
 * more in than there is room for, and when the service stops it ends those that the listener did not
 * wait for.
 */
import { formatReason, name, type ExitReason, type Node, type Self } from "@coppice/core";
import {
  childTemplate,
  defineDynamicSupervisor,
  startChild,
  type DynamicSupervisorMessage,
} from "@coppice/supervisor";

/** What a request is answered with, in a process of its own. */
export type Work<T> = (self: Self<never>) => T | PromiseLike<T>;

/** How many requests may be under way. */
export const MAX_REQUESTS = 1_000;

async function request(self: Self<never>, called: string, work: Work<void>): Promise<void> {
  self.setLabel(called);
  await work(self);
}

export const requests = defineDynamicSupervisor({
  maxChildren: MAX_REQUESTS,
  child: childTemplate({ id: "request", restart: "temporary" }, request),
});

/** The supervisor of the requests. */
export const Requests =
  name<DynamicSupervisorMessage<never, [called: string, work: Work<void>]>>("requests");

/** There is no room for another request. */
export class OverloadError extends Error {
  override readonly name = "OverloadError";
  constructor() {
    super(`${MAX_REQUESTS} requests are under way`);
  }
}

/** The process of a request ended before it had answered. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly reason: ExitReason;
  constructor(called: string, reason: ExitReason) {
    super(`${called}: ${formatReason(reason)}`);
    this.reason = reason;
  }
}

/**
 * Does `work` in a process of its own, and resolves to what it returned.
 *
 * @param called what people call the request
 * @param limitMs how long it may take before its process is killed
 * @throws OverloadError there is no room for it
 * @throws RequestError it crashed, or took too long
 */
export async function runRequest<T>(
  node: Node,
  called: string,
  limitMs: number,
  work: Work<T>,
): Promise<T> {
  const answers: T[] = [];
  const answer = async (self: Self<never>): Promise<void> => void answers.push(await work(self));
  const started = await startChild(node, Requests, [called, answer]);
  if (!started.ok || started.pid === undefined) throw new OverloadError();
  const { pid } = started;
  const over = new AbortController();
  node
    .sleep(limitMs, { signal: over.signal })
    .then(() => node.exit(pid, "kill"))
    .catch(() => undefined);
  const reason = await node.whenExited(pid);
  over.abort();
  for (const value of answers) return value;
  throw new RequestError(called, reason);
}
