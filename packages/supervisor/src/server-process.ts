/** The process of a server: calls back for what arrives, and does what comes of it. */
import {
  InvalidArgumentError,
  isPid,
  isRef,
  type AnyPid,
  type ExitReason,
  type From,
} from "@coppice/core";
import { BehaviourProcess, type BehaviourSelf, type StateChange } from "./behaviour.js";
import { isThenable, whenSettled, type MaybePromise } from "./maybe-promise.js";
import { UnknownRequestError } from "./errors.js";
import {
  describeRequests,
  type Callback,
  type CallbacksByName,
  type RequestCallback,
} from "./request-callback.js";
import { ServerCode } from "./server-code.js";
import {
  badResult,
  checkCallbackFor,
  checkInitResult,
  CONTINUE,
  fieldOf,
  isInitResult,
  isPlainObject,
  REPLY,
  STATE,
  STOP,
  TIMEOUT_MS,
  UNKNOWN,
  type Result,
  type What,
} from "./server-result.js";

/** How many `continue`s may follow each other before others get a turn. */
const MAX_CONTINUES = 64;

/** What a result asks to continue with. */
interface Next {
  readonly argument: unknown;
}

export class ServerProcess extends BehaviourProcess {
  override readonly kind = "gen_server";
  #code: ServerCode;
  #state: unknown = undefined;
  /** What the last result asked for; a system request does not end it. */
  #timeoutMs: number | undefined;
  /** Of a call that stops the server: it goes out after `terminate`. */
  #lastReply: { readonly to: From<never>; readonly value: unknown } | undefined;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, code: ServerCode) {
    super(self, parent);
    this.#code = code;
  }

  begin(args: readonly unknown[]): MaybePromise<this> {
    const { init } = this.#code.callbacks;
    try {
      const result = init(...args, this.self);
      if (!isThenable(result)) return this.#initialised(result);
      const begun = Promise.resolve(result).then((settled) => this.#initialised(settled));
      return begun.catch((error: unknown) => {
        throw this.initThrew(error);
      });
    } catch (error) {
      throw this.initThrew(error);
    }
  }

  #initialised(result: unknown): this {
    if (!isInitResult(result)) {
      this.#state = result;
      return this.begun();
    }
    checkInitResult(result, this.#code.callbacks);
    const { stop, ignore, state, continue: argument, timeoutMs } = result;
    if (stop !== undefined) return this.initFailed(stop as ExitReason);
    if (ignore === true) return this.ignoreStart();
    this.#state = state;
    if (argument !== undefined) this.before(() => this.#continue({ argument }));
    else if (timeoutMs !== undefined) this.#arm(timeoutMs as number);
    return this.begun();
  }

  protected override message(message: unknown): MaybePromise<void> | undefined {
    this.#timeoutMs = undefined;
    const { callbacks, calls, casts } = this.#code;
    let what: What = "info";
    let from: From<never> | undefined;
    let request: unknown;
    try {
      if (typeof message === "object" && message !== null) {
        const letter = message as Letter;
        switch (letter.type) {
          case "cast":
            what = "cast";
            request = letter.request;
            break;
          case "call":
            if (!isRef(letter.from)) break;
            what = "call";
            from = letter.from as From<never>;
            request = letter.request;
            break;
          case "down":
            if (callbacks.down !== undefined && isRef(letter.ref)) what = "down";
            break;
          case "exit":
            if (callbacks.exit !== undefined && isPid(letter.from)) what = "exit";
            break;
          default:
        }
      }
    } catch {
      // What cannot be looked at is what the server does not know.
    }
    switch (what) {
      case "call":
      case "cast": {
        const done = this.#request(what === "call" ? calls : casts, request, what, from);
        if (done !== "unknown") return done;
        if (from === undefined) return this.#handle("info", message);
        this.self.refuse(from, this.#unknownRequest(request));
        return undefined;
      }
      default:
        return this.#handle(what, message);
    }
  }

  /** Calls the callback of a request, if there is one for it. */
  #request(
    table: CallbacksByName,
    request: unknown,
    what: What,
    from: From<never> | undefined,
  ): MaybePromise<void> | "unknown" | undefined {
    let callback: RequestCallback | undefined;
    let count = 0;
    let first: unknown;
    let all: readonly unknown[] | undefined;
    try {
      if (!Array.isArray(request)) return "unknown";
      callback = table.get(request[0]);
      if (callback === undefined) return "unknown";
      count = request.length - 1;
      if (count < callback.least || count > callback.most) return "unknown";
      if (count === 1) first = request[1];
      else if (count > 1) all = request.slice(1);
    } catch {
      // A getter that throws, or a revoked proxy.
      return "unknown";
    }
    const { run } = callback;
    const result =
      count === 0
        ? run(this.#state, this.self)
        : all === undefined
          ? run(this.#state, first, this.self)
          : run(this.#state, ...all, this.self);
    return this.#done(result, what, from);
  }

  #handle(what: "info" | "down" | "exit", message: unknown): MaybePromise<void> | undefined {
    const callback = this.#code.callbacks[what];
    if (callback !== undefined) return this.#done(callback(this.#state, message, this.self), what);
    this.self.unhandled(message);
    return undefined;
  }

  protected override timedOut(): MaybePromise<void> | undefined {
    this.#timeoutMs = undefined;
    const { timeout } = this.#code.callbacks;
    if (timeout === undefined) return undefined;
    return this.#done(timeout(this.#state, this.self), "timeout");
  }

  /** A callback has returned: does what its result says. */
  #done(result: unknown, what: What, from?: From<never>): MaybePromise<void> | undefined {
    if (isThenable(result)) {
      return whenSettled(result, (settled) => this.#goOn(this.#takeLate(settled, what, from)));
    }
    return this.#goOn(this.#take(result, what, from));
  }

  #goOn(next: Next | undefined): MaybePromise<void> | undefined {
    return next === undefined ? undefined : this.#continue(next);
  }

  /** The same of a result that took its time: an exit signal may have come between. */
  #takeLate(result: unknown, what: What, from?: From<never>): Next | undefined {
    return this.self.signal?.aborted === true ? undefined : this.#take(result, what, from);
  }

  /** Takes in a result; returns what is to be continued with, if anything. */
  #take(result: unknown, what: What, from?: From<never>): Next | undefined {
    const { instruments } = this;
    if (result === undefined) {
      if (instruments !== undefined) instruments.handled(() => this.#state);
      return undefined;
    }
    if (typeof result !== "object" || result === null) throw badResult(what, result);
    // One pass over what is there: most results have one or two fields.
    let fields = 0;
    for (const key in result) fields |= fieldOf(key);
    const { reply, state, stop, timeoutMs, continue: argument } = result as Result;
    if (stop === undefined) fields &= ~STOP;
    if (argument === undefined) fields &= ~CONTINUE;
    if (timeoutMs === undefined) fields &= ~TIMEOUT_MS;
    // All is checked before any of it is done.
    const asks = fields & (STOP | CONTINUE | TIMEOUT_MS);
    if (
      fields >= UNKNOWN ||
      (asks & (asks - 1)) !== 0 ||
      ((fields & REPLY) !== 0 && from === undefined) ||
      (fields === 0 && !isPlainObject(result))
    ) {
      throw badResult(what, result);
    }
    if ((asks & ~STOP) !== 0) {
      checkCallbackFor(what, result as Result, this.#code.callbacks);
    }
    if ((fields & STATE) !== 0) this.#state = state;
    if ((fields & STOP) !== 0) {
      if ((fields & REPLY) !== 0) this.#lastReply = { to: from as From<never>, value: reply };
      if (instruments !== undefined) instruments.handled(() => this.#state);
      return this.self.exit(stop as ExitReason);
    }
    if ((fields & REPLY) !== 0) this.#reply(from as From<never>, reply);
    if (instruments !== undefined) instruments.handled(() => this.#state);
    if ((fields & CONTINUE) !== 0) return { argument };
    if ((fields & TIMEOUT_MS) !== 0) this.#arm(timeoutMs as number);
    return undefined;
  }

  #reply(to: From<never>, value: unknown): void {
    this.self.reply(to as From<unknown>, value);
    if (this.instruments !== undefined) this.instruments.replied(to, value);
  }

  #arm(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.self.idleAfter(timeoutMs);
  }

  /** Calls `continue`, and again as often as that asks for it. */
  #continue(first: Next): MaybePromise<void> | undefined {
    let next: Next | undefined = first;
    for (let count = 0; next !== undefined; count++) {
      if (count === MAX_CONTINUES) return this.#keepContinuing(next);
      const result = this.#callContinue(next);
      if (isThenable(result)) return this.#keepContinuing(result);
      next = this.#take(result, "continue");
    }
    return undefined;
  }

  /** The same where it may take long: a chain without end has to leave time for others. */
  async #keepContinuing(from: Next | PromiseLike<unknown>): Promise<void> {
    let next = isThenable(from) ? this.#takeLate(await from, "continue") : (from as Next);
    for (let count = 0; next !== undefined; count++) {
      if (count % MAX_CONTINUES === 0) await this.self.yield();
      next = this.#takeLate(await this.#callContinue(next), "continue");
    }
  }

  #callContinue({ argument }: Next): unknown {
    return (this.#code.callbacks.continue as Callback)(this.#state, argument, this.self);
  }

  #unknownRequest(request: unknown): Error {
    const expected = describeRequests(this.#code.calls);
    return new UnknownRequestError(this.self.pid, expected, request);
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    const { terminate } = this.#code.callbacks;
    return terminate?.(this.#state, reason, this.self) as MaybePromise<void> | undefined;
  }

  protected override terminated(): void {
    // Not when an exit signal has come between.
    if (this.#lastReply === undefined || this.self.signal?.aborted === true) return;
    this.#reply(this.#lastReply.to, this.#lastReply.value);
  }

  protected override getState(): unknown {
    return this.#state;
  }

  protected override replaceState(replace: StateChange): MaybePromise<unknown> {
    return whenSettled(replace(this.#state), (state) => (this.#state = state));
  }

  protected override describeState(): unknown {
    const { status } = this.#code.callbacks;
    return status === undefined ? this.#state : status(this.#state);
  }

  protected override changeCode(
    behaviour: unknown,
    migrate: StateChange | undefined,
  ): MaybePromise<void> {
    if (!(behaviour instanceof ServerCode)) {
      const expected = "a server of defineServer";
      throw new InvalidArgumentError("changeCode: behaviour", expected, behaviour);
    }
    const change = (state: unknown): void => {
      this.#code = behaviour;
      this.#state = state;
      if (behaviour.callbacks.timeout === undefined) this.#timeoutMs = undefined;
    };
    // A state that is kept is not looked at: it may be anything.
    if (migrate === undefined) return change(this.#state);
    return whenSettled(migrate(this.#state), change);
  }

  protected override afterSystemRequest(): void {
    // As in OTP: the time begins anew.
    if (this.#timeoutMs !== undefined) this.self.idleAfter(this.#timeoutMs);
  }
}

interface Letter {
  readonly type?: unknown;
  readonly request?: unknown;
  readonly from?: unknown;
  readonly ref?: unknown;
}
