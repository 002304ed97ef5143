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
 * | `sys.terminate`, `stop` | yes |
 * | an exit signal it does not trap | no |
 * | `"kill"` | no |
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#Module:terminate-2 and
 * https://www.erlang.org/doc/design_principles/spec_proc.html
 */
import {
  ExitSignal,
  isCrash,
  isRef,
  ThrownValueError,
  type AnyPid,
  type ExitReason,
  type From,
  type Handler,
  type HandlerSelf,
  type Startable,
  type Starter,
  type StartOptions,
  type StartResult,
} from "@coppice/core";
import { NotSuspendedError } from "./errors.js";
import { Instruments } from "./instruments.js";
import type { Status, SystemRequest } from "./system-request.js";

/** The process of a behaviour, as its own code sees it. */
export type BehaviourSelf = HandlerSelf<unknown>;

/** What an async callback returns in place of a value. */
export type MaybePromise<T> = T | PromiseLike<T>;

export abstract class BehaviourProcess {
  readonly self: BehaviourSelf;
  readonly #parent: AnyPid | undefined;
  #suspended = false;
  /** It has started: from now on `terminate` is called. */
  #begun = false;
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
  protected abstract replaceState(replace: (state: never) => unknown): MaybePromise<unknown>;
  /** The state as `sys.getStatus` may show it. */
  protected abstract describeState(): MaybePromise<unknown>;
  protected abstract changeCode(
    behaviour: unknown,
    migrate: ((state: never) => unknown) | undefined,
  ): MaybePromise<void> | undefined;
  /** A system request was handled, and the process goes on as before. */
  protected afterSystemRequest(): void {
    // Nothing that it interrupted.
  }

  /** Its `init` has gone well. */
  protected begun(info?: unknown): this {
    this.#begun = true;
    this.self.initAck(info === undefined ? {} : { info: info as never });
    return this;
  }

  /** Its `init` has failed: tells the starter why, and ends. */
  protected initFailed(reason: ExitReason): never {
    this.self.initAck({ error: reason });
    return this.self.exit(reason);
  }

  /** Its `init` has thrown: tells the starter, and gives back what to throw on. */
  protected initThrew(thrown: unknown): unknown {
    this.self.initAck({ error: reasonOfThrown(thrown, this.self.pid) });
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
    if (this.instruments !== undefined) this.instruments.received(message);
    if (typeof message === "object" && message !== null) {
      const { type } = message as { readonly type?: unknown };
      if (type === "call" && isSystemCall(message)) {
        return this.#system(message.request, message.from);
      }
      if (type === "exit" && this.#isParentsExit(message)) return this.self.exit(message.reason);
    }
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
    if (!this.#begun) return undefined;
    let terminating: MaybePromise<void> | undefined;
    try {
      terminating = this.terminate(reason);
    } catch (error) {
      this.terminated();
      throw error;
    }
    if (!isThenable(terminating)) {
      this.terminated();
      return undefined;
    }
    return terminating.then(
      () => this.terminated(),
      (error: unknown) => {
        this.terminated();
        throw error;
      },
    );
  }

  #isParentsExit(message: object): message is { readonly reason: ExitReason } {
    const { from } = message as { readonly from?: unknown };
    return from === this.#parent ? from !== undefined : from === this.self.node.pid;
  }

  readonly #whileSuspended = (message: unknown): boolean => {
    if (typeof message !== "object" || message === null) return false;
    const { type } = message as { readonly type?: unknown };
    return (
      (type === "call" && isSystemCall(message)) ||
      (type === "exit" && this.#isParentsExit(message))
    );
  };

  #system(request: SystemRequest, from: From<never>): MaybePromise<void> | undefined {
    const answer = (value: unknown): void => {
      this.self.reply(from as From<unknown>, value);
      if (!this.#suspended) this.afterSystemRequest();
    };
    const refuse = (error: unknown): void => {
      this.self.refuse(from, error as Error);
      if (!this.#suspended) this.afterSystemRequest();
    };
    let result: unknown;
    try {
      result = this.#carryOut(request, from);
    } catch (error) {
      if (error instanceof ExitSignal) throw error;
      refuse(error);
      return undefined;
    }
    if (isThenable(result)) return result.then(answer, refuse);
    answer(result);
    return undefined;
  }

  #carryOut({ action }: SystemRequest, from: From<never>): unknown {
    switch (action.type) {
      case "getState":
        return this.getState();
      case "replaceState":
        return this.replaceState(action.replace as (state: never) => unknown);
      case "suspend":
        this.#suspended = true;
        this.self.select(this.#whileSuspended);
        return "ok";
      case "resume":
        this.#suspended = false;
        this.self.select();
        return "ok";
      case "getStatus":
        return this.#status();
      case "changeCode":
        if (!this.#suspended) throw new NotSuspendedError(this.self.pid);
        return this.changeCode(action.behaviour, action.migrate);
      case "terminate":
        this.self.reply(from as From<unknown>, "ok");
        return this.self.exit(action.reason);
      case "statistics":
      case "trace":
        this.instruments ??= new Instruments(this.self);
        return this.instruments.adjust(action);
      default:
        return action satisfies never;
    }
  }

  #status(): MaybePromise<Status> {
    const describe = (state: unknown): Status => ({
      pid: this.self.pid,
      kind: this.kind,
      parent: this.#parent,
      activity: this.#suspended ? "suspended" : "running",
      state,
    });
    const state = this.describeState();
    return isThenable(state) ? state.then(describe) : describe(state);
  }
}

/** A process of a behaviour, for the scheduler. */
export type BehaviourHandler = Handler<unknown, BehaviourProcess, [begin: Begin]>;
type Begin = (self: BehaviourSelf) => MaybePromise<BehaviourProcess>;

/** @param kind what reports call it */
export function behaviourHandler(kind: string): BehaviourHandler {
  const step = (
    process: BehaviourProcess,
    result: MaybePromise<void> | undefined,
  ): MaybePromise<BehaviourProcess> =>
    result === undefined || !isThenable(result) ? process : result.then(() => process);
  const named = {
    [kind]: (process: BehaviourProcess, message: unknown) =>
      step(process, process.receive(message)),
  };
  return {
    init: (self, begin) => begin(self),
    message: named[kind] as BehaviourHandler["message"],
    idle: (process) => step(process, process.idle()),
    failed: (process, reason) => process?.failed(reason) ?? undefined,
  };
}

/**
 * Starts a process of a behaviour.
 *
 * @param begin makes the process and runs its `init`
 */
export function startBehaviour<M>(
  starter: Starter,
  options: StartOptions<M>,
  handler: BehaviourHandler,
  begin: (self: BehaviourSelf, parent: AnyPid | undefined) => MaybePromise<BehaviourProcess>,
): Promise<StartResult<M>> {
  const parent = parentOf(starter, options);
  const started = starter.spawnAndWait(
    options as unknown as StartOptions<unknown>,
    handler,
    (self: BehaviourSelf) => begin(self, parent),
  );
  return started as Promise<StartResult<never>> as Promise<StartResult<M>>;
}

/** Whose exit ends a behaviour: who started it with a link or a monitor, as in OTP. */
export function parentOf(starter: Starter, options: StartOptions<never>): AnyPid | undefined {
  const { link, monitor } = options as { readonly link?: boolean; readonly monitor?: unknown };
  return link === true || monitor !== undefined ? starter.pid : undefined;
}

/** What a starter is told of an `init` that threw. */
export function reasonOfThrown(thrown: unknown, pid: AnyPid): ExitReason {
  if (thrown instanceof ExitSignal && thrown.pid === pid) return thrown.reason;
  const crash = { error: thrown as Error };
  return isCrash(crash) ? crash : { error: new ThrownValueError(thrown) };
}

export function isThenable<T>(value: unknown): value is PromiseLike<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === "function"
  );
}

interface SystemCall {
  readonly request: SystemRequest;
  readonly from: From<never>;
}

function isSystemCall(message: object): message is SystemCall {
  const { request, from } = message as Partial<SystemCall>;
  return (
    typeof request === "object" && request !== null && request.type === "system" && isRef(from)
  );
}

/** A behaviour of any protocol. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it understands does not matter here
export type AnyBehaviour = Startable<any, any>;
