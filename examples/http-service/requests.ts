/**
 * Requests: one process for each, so that a crash in one is its own end and nobody else's.
 *
 * They are temporary children of a supervisor of their own: it says who crashed, restarts none, and
 * when the service stops it ends those that the listener did not wait for.
 */
import { formatReason, name, type ExitReason, type Node, type Self } from "@coppice/core";
import { child, defineSupervisor, startChild, type SupervisorMessage } from "@coppice/supervisor";

export const requests = defineSupervisor({ children: [] });

/** The supervisor of the requests. */
export const Requests = name<SupervisorMessage>("requests");

/** Its process ended before it had answered. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly reason: ExitReason;
  constructor(request: string, reason: ExitReason) {
    super(`${request}: ${formatReason(reason)}`);
    this.reason = reason;
  }
}

/** What a request is answered with, in a process of its own. */
export type Work<T> = (self: Self<never>) => T | PromiseLike<T>;

/** Gives every request a process. */
export class RequestProcesses {
  readonly #node: Node;
  readonly #limitMs: number;
  #count = 0;

  /** @param limitMs how long a request may take before its process is killed */
  constructor(node: Node, limitMs: number) {
    this.#node = node;
    this.#limitMs = limitMs;
  }

  /**
   * Does `work` in a process of its own, and resolves to what it returned.
   *
   * @param request what people call it
   * @throws RequestError it crashed, or took too long
   */
  async run<T>(request: string, work: Work<T>): Promise<T> {
    const node = this.#node;
    const answers: T[] = [];
    const body = async (self: Self<never>): Promise<void> => void answers.push(await work(self));
    const options = { id: `${++this.#count}`, label: request, restart: "temporary" } as const;
    const started = await startChild(node, Requests, child(options, body));
    if (!started.ok || started.pid === undefined) throw new Error(`${request} was not started`);
    const { pid } = started;
    const over = new AbortController();
    node
      .sleep(this.#limitMs, { signal: over.signal })
      .then(() => node.exit(pid, "kill"))
      .catch(() => undefined);
    const reason = await node.whenExited(pid);
    over.abort();
    for (const answer of answers) return answer;
    throw new RequestError(request, reason);
  }
}
