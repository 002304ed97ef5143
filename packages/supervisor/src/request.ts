/**
 * Requests: calls that are sent now and waited for later, one by one or any of many.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#send_request-2 and request id collections
 */
import {
  InvalidArgumentError,
  TIMEOUT,
  type AbortSignalLike,
  type Operations,
  type ReplyOf,
  type RequestOf,
  type Target,
} from "@coppice/core";

/** What came of a request: its reply, or the error that a call would have thrown. */
export type Response<R> = { readonly reply: R } | { readonly error: unknown };

export interface WaitOptions {
  /** How long to wait; for ever by default. 0 takes what is there. */
  readonly timeoutMs?: number;
}

/**
 * Sends a request, and does not wait for the reply.
 *
 * @throws what `call` throws for a bad target or a request that cannot be sent
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineServer, sendRequest } from "@coppice/supervisor";
 * const double = defineServer({ init: () => null, call: { of: (_, n: number) => ({ reply: 2 * n }) } });
 * const node = createNode();
 * const pid = await node.start(double);
 * const request = sendRequest(node, pid, ["of", 21]);
 * await request.receive({ timeoutMs: 100 }); // => { reply: 42 }
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_server.html#send_request-2
 */
export function sendRequest<M, const Q extends RequestOf<M>>(
  caller: Operations,
  to: Target<M>,
  request: Q,
): Request<ReplyOf<M, Q>> {
  const abandonment = new Abandonment();
  const reply = caller.call(to, request, { timeoutMs: Infinity, signal: abandonment });
  return new Request(caller, reply, abandonment);
}

/** A request under way. */
export class Request<R> {
  readonly #caller: Operations;
  readonly #abandonment: Abandonment;
  readonly #listeners = new Set<() => void>();
  #response: Response<R> | undefined;

  /** For `sendRequest` alone. */
  constructor(caller: Operations, reply: Promise<R>, abandonment: Abandonment) {
    this.#caller = caller;
    this.#abandonment = abandonment;
    void reply.then(
      (value) => this.#settle({ reply: value }),
      (error: unknown) => this.#settle({ error }),
    );
  }

  /** What has come of it so far. */
  get response(): Response<R> | undefined {
    return this.#response;
  }

  /** Waits for the response. After `TIMEOUT` it can be waited for again. OTP's `wait_response`. */
  async wait(options: WaitOptions = {}): Promise<Response<R> | typeof TIMEOUT> {
    await waitUntil(this.#caller, () => this.#response !== undefined, [this], options);
    return this.#response ?? TIMEOUT;
  }

  /** Waits for the response. After `TIMEOUT` the request is abandoned. OTP's `receive_response`. */
  async receive(options: WaitOptions = {}): Promise<Response<R> | typeof TIMEOUT> {
    const response = await this.wait(options);
    if (response === TIMEOUT) this.abandon();
    return response;
  }

  /** Gives it up: a reply that comes later is dropped. */
  abandon(): void {
    this.#abandonment.abandon();
  }

  /** Tells of the response when it comes. Returns what ends that. */
  onResponse(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #settle(response: Response<R>): void {
    this.#response = response;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }
}

/** A response with the label of its request. */
export type LabelledResponse<R, L> = Response<R> & { readonly label: L };

/**
 * Requests that are waited for together: whichever is answered first comes first.
 *
 * @see https://www.erlang.org/doc/man/gen_server.html#reqids_new-0
 */
export class RequestCollection<R, L = string> {
  readonly #caller: Operations;
  readonly #requests = new Map<Request<R>, L>();
  /** Those that have a response, in order of its coming. */
  readonly #answered = new Set<Request<R>>();

  /** @param caller who sent the requests */
  constructor(caller: Operations) {
    this.#caller = caller;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Adds a request, with what tells it from the others. */
  add(label: L, request: Request<R>): this {
    if (!(request instanceof Request)) {
      throw new InvalidArgumentError("add: request", "what sendRequest returned", request);
    }
    this.#requests.set(request, label);
    if (request.response !== undefined) this.#answered.add(request);
    else request.onResponse(() => this.#requests.has(request) && this.#answered.add(request));
    return this;
  }

  /** What is in it, with the labels. */
  entries(): [label: L, request: Request<R>][] {
    return [...this.#requests].map(([request, label]) => [label, request]);
  }

  /**
   * Waits for the next response, and takes its request out; `"no_request"` when it is empty. After
   * `TIMEOUT` all are still there.
   */
  async wait(
    options: WaitOptions = {},
  ): Promise<LabelledResponse<R, L> | typeof TIMEOUT | "no_request"> {
    if (this.size === 0) return "no_request";
    const requests = [...this.#requests.keys()];
    await waitUntil(this.#caller, () => this.#answered.size > 0, requests, options);
    for (const request of this.#answered) {
      const label = this.#requests.get(request) as L;
      this.#answered.delete(request);
      this.#requests.delete(request);
      return { ...(request.response as Response<R>), label };
    }
    return TIMEOUT;
  }

  /** As `wait`; after `TIMEOUT` all are abandoned, and it is empty. */
  async receive(
    options: WaitOptions = {},
  ): Promise<LabelledResponse<R, L> | typeof TIMEOUT | "no_request"> {
    const response = await this.wait(options);
    if (response === TIMEOUT) {
      for (const request of this.#requests.keys()) request.abandon();
      this.#requests.clear();
    }
    return response;
  }
}

/** Waits until `isDone`, which a response to one of the requests may bring about, or the time is over. */
async function waitUntil(
  caller: Operations,
  isDone: () => boolean,
  requests: readonly { onResponse(listener: () => void): () => void }[],
  { timeoutMs = Infinity, ...unknown }: WaitOptions,
): Promise<void> {
  if (Object.keys(unknown).length > 0) {
    throw new InvalidArgumentError("wait: options", "made of timeoutMs", unknown);
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
    throw new InvalidArgumentError("wait: options.timeoutMs", "a number of at least 0", timeoutMs);
  }
  if (isDone()) return;
  const over = new Abandonment();
  const forget: (() => void)[] = [];
  const answered = new Promise<void>((resolve) => {
    for (const request of requests) forget.push(request.onResponse(resolve));
  });
  const slept =
    timeoutMs === Infinity
      ? undefined
      : caller.sleep(timeoutMs, { signal: over }).catch(() => undefined);
  await (slept === undefined ? answered : Promise.race([answered, slept]));
  over.abandon();
  for (const end of forget) end();
}

/** What an AbortSignal is where there may be none. */
class Abandonment implements AbortSignalLike {
  aborted = false;
  readonly reason = "abandoned";
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abandon(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.#listeners]) listener();
  }
}
