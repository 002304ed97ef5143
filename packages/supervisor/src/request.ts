/**
 * Requests: calls that are sent now and waited for later, one by one or any of many.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#send_request-2 and request id collections
 */
import {
  checkKeys,
  ExitSignal,
  InvalidArgumentError,
  TIMEOUT,
  type Operations,
  type ReplyOf,
  type RequestOf,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { Abandonment } from "./abandonment.js";
import { RequestAbandonedError } from "./errors.js";
import { checkTimeout } from "./option-check.js";

/** What came of a request: its reply, or the error that a call would have thrown. */
export type Response<R> = { readonly reply: R } | { readonly error: unknown };

export interface WaitOptions {
  /** How long to wait; for ever by default. 0 takes what is there. */
  readonly timeoutMs?: number;
}

/**
 * Sends a request, and does not wait for the reply. As long as it is not waited for, it keeps nobody
 * from calling the sender: it closes no cycle.
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
  checkActor("sendRequest: caller", caller);
  const abandonment = new Abandonment(new RequestAbandonedError());
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
    const timeoutMs = timeoutOf(options);
    if (this.#response === undefined) {
      await waitFor(this.#caller, timeoutMs, (done) => this.onResponse(done));
    }
    return this.#response === undefined ? TIMEOUT : heard(this.#response, this.#caller);
  }

  /** Waits for the response. After `TIMEOUT` the request is abandoned. OTP's `receive_response`. */
  async receive(options: WaitOptions = {}): Promise<Response<R> | typeof TIMEOUT> {
    const response = await this.wait(options);
    if (response === TIMEOUT) this.abandon();
    return response;
  }

  /** Gives it up: a reply that comes later is dropped, and its response is a `RequestAbandonedError`. */
  abandon(): void {
    this.#abandonment.abandon();
  }

  /** Calls `listener` once, when the response comes; never, when it is there already. Returns what ends that. */
  onResponse(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #settle(response: Response<R>): void {
    this.#response = response;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}

/** A response with the label of its request. */
export type LabelledResponse<R, L> = Response<R> & { readonly label: L };

/** Waits in a collection: it is handed the request whose response has come, or none when none is left. */
type Taker<R> = (request: Request<R> | undefined) => void;

/**
 * Requests that are waited for together: whichever is answered first comes first.
 *
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineServer, RequestCollection, sendRequest } from "@coppice/supervisor";
 * const double = defineServer({ init: () => null, call: { of: (_, n: number) => ({ reply: 2 * n }) } });
 * const node = createNode();
 * const pid = await node.start(double);
 * const requests = new RequestCollection<number>(node)
 *   .add("one", sendRequest(node, pid, ["of", 1]))
 *   .add("two", sendRequest(node, pid, ["of", 2]));
 * await requests.receive(); // => { reply: 2, label: "one" }
 * await requests.receive(); // => { reply: 4, label: "two" }
 * await requests.receive(); // => "no_request"
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_server.html#reqids_new-0
 */
export class RequestCollection<R, L = string> {
  readonly #caller: Operations;
  readonly #requests = new Map<Request<R>, L>();
  /** Those that have a response, in order of its coming. */
  readonly #answered = new Set<Request<R>>();
  /** Those who wait, first come first served; none while there are answered requests. */
  readonly #takers = new Set<Taker<R>>();

  /** @param caller who sent the requests */
  constructor(caller: Operations) {
    checkActor("RequestCollection: caller", caller);
    this.#caller = caller;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Adds a request, with what tells it from the others; one that is in it already gets the new label. */
  add(label: L, request: Request<R>): this {
    if (!(request instanceof Request)) {
      throw new InvalidArgumentError("add: request", "what sendRequest returned", request);
    }
    const isNew = !this.#requests.has(request);
    this.#requests.set(request, label);
    if (isNew) {
      if (request.response === undefined) request.onResponse(() => this.#respond(request));
      else this.#respond(request);
    }
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
    const timeoutMs = timeoutOf(options);
    let taken: LabelledResponse<R, L> | "no_request" | undefined;
    const take: Taker<R> = (request) => (taken = this.#take(request));
    const [first] = this.#answered;
    if (first !== undefined || this.size === 0) take(first);
    else {
      await waitFor(this.#caller, timeoutMs, (done) => {
        const taker: Taker<R> = (request) => {
          take(request);
          done();
        };
        this.#takers.add(taker);
        return () => this.#takers.delete(taker);
      });
    }
    if (taken === undefined) return TIMEOUT;
    return taken === "no_request" ? taken : heard(taken, this.#caller);
  }

  /** As `wait`; after `TIMEOUT` all are abandoned, and it is empty. */
  async receive(
    options: WaitOptions = {},
  ): Promise<LabelledResponse<R, L> | typeof TIMEOUT | "no_request"> {
    const response = await this.wait(options);
    if (response === TIMEOUT) {
      const abandoned = [...this.#requests.keys()];
      this.#requests.clear();
      for (const request of abandoned) request.abandon();
      this.#dismissTakers();
    }
    return response;
  }

  #respond(request: Request<R>): void {
    if (!this.#requests.has(request)) return;
    const [taker] = this.#takers;
    if (taker === undefined) {
      this.#answered.add(request);
      return;
    }
    this.#takers.delete(taker);
    taker(request);
    if (this.size === 0) this.#dismissTakers();
  }

  #take(request: Request<R> | undefined): LabelledResponse<R, L> | "no_request" {
    if (request === undefined) return "no_request";
    const label = this.#requests.get(request) as L;
    this.#answered.delete(request);
    this.#requests.delete(request);
    return { ...(request.response as Response<R>), label };
  }

  /** Nothing is left to wait for. */
  #dismissTakers(): void {
    const takers = [...this.#takers];
    this.#takers.clear();
    for (const taker of takers) taker(undefined);
  }
}

function timeoutOf(options: WaitOptions): number {
  checkKeys("wait: options", options, ["timeoutMs"]);
  const { timeoutMs = Infinity } = options;
  checkTimeout("wait: options.timeoutMs", timeoutMs);
  return timeoutMs;
}

/** When the sender has to exit, its code does not go on with that as a response. */
function heard<T extends Response<unknown>>(response: T, caller: Operations): T {
  const { pid } = caller as { readonly pid?: unknown };
  if ("error" in response && response.error instanceof ExitSignal && response.error.pid === pid) {
    throw response.error;
  }
  return response;
}

/** Waits until `listen` says that it is done, or the time is over. */
async function waitFor(
  caller: Operations,
  timeoutMs: number,
  listen: (done: () => void) => () => void,
): Promise<void> {
  let done!: () => void;
  const isDone = new Promise<void>((resolve) => (done = resolve));
  const forget = listen(done);
  const over = new Abandonment("over");
  try {
    if (timeoutMs === Infinity) await isDone;
    // As `receive after 0`: not a timer.
    else if (timeoutMs === 0) await caller.sleep(0);
    else await Promise.race([isDone, caller.sleep(timeoutMs, { signal: over })]);
  } finally {
    forget();
    over.abandon();
  }
}
