/**
 * Behaviours: what the processes of all of them have in common. They start with an acknowledgement,
 * answer system requests, can be suspended, end with their parent, and call `terminate` when they end
 * by themselves.
 *
 * | what ends it | `terminate` is called |
 * | --- | --- |
 * | it stops, or calls `self.exit` | yes |
 * | a callback throws, or returns what it must not | yes, with the error |
 * | its parent exits, and it traps exits | yes |
 * | it has no parent, sends itself an exit signal, and traps exits | yes |
 * | `sys.terminate`, `stop` | yes |
 * | an exit signal it does not trap | no |
 * | `"kill"` | no |
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#Module:terminate-2 and
 * https://www.erlang.org/doc/design_principles/spec_proc.html
 */
import {
  ExitSignal,
  InvalidArgumentError,
  isCrash,
  isRef,
  opaque,
  ThrownValueError,
  type AnyPid,
  type Exit,
  type ExitReason,
  type From,
  type HandlerSelf,
  type Opaque,
  type Term,
} from "@coppice/core";
import { NotSuspendedError, UnknownRequestError } from "./errors.js";
import { Instruments } from "./instruments.js";
import { isThenable, settled, whenSettled, type MaybePromise } from "./maybe-promise.js";
import type { StateReply, Status, SystemAction } from "./system-request.js";

/** The process of a behaviour, as its own code sees it. */
export type BehaviourSelf = HandlerSelf<unknown>;

/** What who asks makes of a state. What it takes for the state's type was checked where it was written, if anywhere. */
export type StateChange = (state: unknown) => unknown;

export abstract class BehaviourProcess {
  readonly self: BehaviourSelf;
  readonly #parent: AnyPid | undefined;
  #suspended = false;
  /** What is to be done before any message is taken. */
  #first: (() => MaybePromise<void> | undefined) | undefined;
  /** Statistics and traces, while somebody wants them. */
  protected instruments: Instruments | undefined;

  /** @param parent whose exit ends it; see `parentOf` */
  constructor(self: BehaviourSelf, parent: AnyPid | undefined) {
    this.self = self;
    this.#parent = parent;
  }

  /** The word for it in reports and statuses, e.g. `gen_server`. */
  abstract readonly kind: string;
  /**
   * Whether its own exit signal, where it traps exits, is that of its parent when it has none. In OTP
   * `gen_server:start` makes a process its own parent; a supervisor is always started with a link.
   */
  protected readonly orphanIsOwnParent: boolean = true;

  /** Handles a message that is neither a system request nor the exit of the parent. */
  protected abstract message(message: unknown): MaybePromise<void> | undefined;
  /** Nothing was taken for as long as `self.idleAfter` was told. */
  protected timedOut(): MaybePromise<void> | undefined {
    return undefined;
  }
  /** Calls the behaviour's own clean-up. */
  protected abstract terminate(reason: ExitReason): MaybePromise<void> | undefined;
  /** `terminate` has returned, or thrown. */
  protected terminated(): void {
    // Nothing is left to do.
  }

  protected abstract getState(): unknown;
  /** Returns the new state. */
  protected abstract replaceState(replace: StateChange): MaybePromise<unknown>;
  /** The state as `sys.getStatus` may show it. */
  protected abstract describeState(): MaybePromise<unknown>;
  protected abstract changeCode(
    behaviour: unknown,
    migrate: StateChange | undefined,
  ): MaybePromise<void> | undefined;
  /** A system request was handled, and the process goes on as before. */
  protected afterSystemRequest(): void {
    // Nothing that it interrupted.
  }

  /** Its `init` has gone well. */
  protected begun(info?: unknown): this {
    this.self.initAck(info === undefined ? {} : { info: info as Term });
    return this;
  }

  /** Its `init` has failed: tells the starter why, and ends. */
  protected initFailed(reason: ExitReason): never {
    this.self.initAck({ error: reason });
    return this.self.exit(reason);
  }

  /** Its `init` has thrown: tells the starter, and gives back what to throw on. */
  protected initThrew(thrown: unknown): unknown {
    // As in OTP, who is ended by an exit signal tells nobody: the starter hears of the end alone.
    if (this.self.signal?.aborted !== true) {
      this.self.initAck({ error: reasonOfThrown(thrown, this.self.pid) });
    }
    return thrown;
  }

  /** Its `init` has decided that it should not run. */
  protected ignoreStart(): never {
    this.self.initAck("ignore");
    return this.self.exit("normal");
  }

  /** Does this before it takes any message, in a step of its own. */
  protected before(first: () => MaybePromise<void> | undefined): void {
    this.#first = first;
    this.self.select(() => false);
    this.self.idleAfter(0);
  }

  /** A message has come. */
  receive(message: unknown): MaybePromise<void> | undefined {
    const kind = this.#kindOf(message);
    if (kind === "system") return this.#system(message as SystemCall);
    if (kind === "parentsExit") return this.self.exit((message as Exit).reason);
    if (this.instruments !== undefined) this.instruments.received(message);
    return this.message(message);
  }

  idle(): MaybePromise<void> | undefined {
    const first = this.#first;
    if (first === undefined) return this.timedOut();
    this.#first = undefined;
    this.self.select();
    return first();
  }

  failed(reason: ExitReason): MaybePromise<void> | undefined {
    let terminating: MaybePromise<void> | undefined;
    try {
      terminating = this.terminate(reason);
    } catch (error) {
      this.terminated();
      throw error;
    }
    if (isThenable(terminating)) return settled(terminating).finally(() => this.terminated());
    this.terminated();
    return undefined;
  }

  /** Who sends what cannot be looked at, such as a revoked proxy, harms nobody but himself. */
  #kindOf(message: unknown): "system" | "parentsExit" | "message" {
    if (typeof message !== "object" || message === null) return "message";
    try {
      const { type } = message as { readonly type?: unknown };
      if (type === "call" && isSystemCall(message)) return "system";
      if (type === "exit" && this.#isParents(message)) return "parentsExit";
    } catch {
      // A getter that throws.
    }
    return "message";
  }

  /** The node is the parent of who has none, or none any more. */
  #isParents(exit: object): boolean {
    const { from } = exit as { readonly from?: unknown };
    const parent = this.#parent;
    if (from === this.self.node.pid) {
      const isHere = parent?.node === this.self.pid.node;
      return parent === undefined || !isHere || !this.self.isAlive(parent);
    }
    if (parent === undefined) return this.orphanIsOwnParent && from === this.self.pid;
    return from === parent;
  }

  readonly #whileSuspended = (message: unknown): boolean => this.#kindOf(message) !== "message";

  #system({ request, from }: SystemCall): MaybePromise<void> | undefined {
    const { self } = this;
    const goOn = (): void => {
      if (!this.#suspended) this.afterSystemRequest();
    };
    const refuse = (thrown: unknown): void => {
      if (thrown instanceof ExitSignal && thrown.pid === self.pid) throw thrown;
      self.refuse(from, asError(thrown));
      goOn();
    };
    const answer = (value: unknown): void => {
      self.reply(from as From<unknown>, value);
      goOn();
    };
    let result: MaybePromise<unknown>;
    try {
      result = this.#carryOut(request.action as SystemAction | undefined, from);
      if (!isThenable(result)) {
        answer(result);
        return undefined;
      }
    } catch (error) {
      refuse(error);
      return undefined;
    }
    // An exit signal may have come between.
    const unlessOver = (act: (value: unknown) => void) => (value: unknown) => {
      if (self.signal?.aborted !== true) act(value);
    };
    return settled(result).then(unlessOver(answer)).catch(unlessOver(refuse));
  }

  /** Returns the reply. */
  #carryOut(action: SystemAction | undefined, from: From<never>): MaybePromise<unknown> {
    switch (action?.type) {
      case "getState":
        return stateReply(this.getState(), from, this.self);
      case "replaceState":
        return whenSettled(this.replaceState(functionIn(action.replace)), (state) =>
          stateReply(state, from, this.self),
        );
      case "suspend":
        this.#suspended = true;
        this.self.select(this.#whileSuspended);
        return "ok";
      case "resume":
        this.#suspended = false;
        this.self.select();
        return "ok";
      case "getStatus":
        return whenSettled(this.#status(), (status) => stateReply(status, from, this.self));
      case "changeCode": {
        if (!this.#suspended) throw new NotSuspendedError(this.self.pid);
        const migrate = action.migrate === undefined ? undefined : functionIn(action.migrate);
        return whenSettled(this.changeCode(valueIn(action.behaviour), migrate), () => "ok");
      }
      case "terminate":
        return this.#terminateAsAsked(action.reason, from);
      case "statistics":
      case "trace":
        this.instruments ??= new Instruments(this.self);
        return this.instruments.adjust(action);
      case undefined:
      default: {
        action satisfies undefined;
        throw new UnknownRequestError(this.self.pid, "one of the module sys", action);
      }
    }
  }

  #terminateAsAsked(reason: ExitReason, from: From<never>): never {
    try {
      return this.self.exit(reason);
    } catch (thrown) {
      // Not when it cannot be a reason.
      if (thrown instanceof ExitSignal) this.self.reply(from as From<unknown>, "ok");
      throw thrown;
    }
  }

  #status(): MaybePromise<Status> {
    return whenSettled(this.describeState(), (state) => ({
      pid: this.self.pid,
      kind: this.kind,
      parent: this.#parent,
      activity: this.#suspended ? "suspended" : "running",
      state,
    }));
  }
}

/**
 * A state, for whoever asks about it. On its node it is the state itself, in every isolation mode: a
 * copy might not be possible, and freezing it would change what the process may do with it.
 */
function stateReply(state: unknown, from: From<never>, { pid }: BehaviourSelf): StateReply {
  return from.node === pid.node ? { local: opaque(state) } : { state };
}

function functionIn(value: Opaque<(state: never) => unknown>): StateChange {
  const act = valueIn(value);
  if (typeof act !== "function") throw new InvalidArgumentError("sys: request", "a function", act);
  return act as StateChange;
}

/** The request may be forged. */
function valueIn(value: Opaque<unknown> | undefined): unknown {
  return (value as Partial<Opaque<unknown>> | null | undefined)?.value;
}

/** What a starter is told of an `init` that threw. */
export function reasonOfThrown(thrown: unknown, pid: AnyPid): ExitReason {
  if (thrown instanceof ExitSignal && thrown.pid === pid) return thrown.reason;
  return { error: asError(thrown) };
}

/** What is thrown on to somebody else's code. */
function asError(thrown: unknown): Error {
  const crash = { error: thrown as Error };
  return isCrash(crash) ? crash.error : new ThrownValueError(thrown);
}

interface SystemCall {
  readonly request: { readonly type: "system"; readonly action?: unknown };
  readonly from: From<never>;
}

function isSystemCall(message: object): boolean {
  const { request, from } = message as Partial<SystemCall>;
  return (
    typeof request === "object" && request !== null && request.type === "system" && isRef(from)
  );
}
