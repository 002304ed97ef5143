/**
 * The handlers of one event manager: called one after the other, added, swapped and removed.
 *
 * Whatever a callback does is read as an outcome; nothing of it gets out but the end of the process.
 */
import { InvalidArgumentError, type AnyPid, type ExitReason } from "@coppice/core";
import { isThenable, whenSettled, type BehaviourSelf, type MaybePromise } from "./behaviour.js";
import { sendCloneable } from "./cloneable.js";
import { UnknownRequestError } from "./errors.js";
import { isSameHandler, type EventHandlerId } from "./event-handler-id.js";
import {
  attempt,
  readInit,
  readResult,
  type Attempt,
  type Outcome,
} from "./event-handler-result.js";
import { handlerSelf, type EventHandlerSelf } from "./event-handler-self.js";
import type { EventHandlerEnd, HandlerCode, HandlerReference, Handover } from "./event-handler.js";
import { UnknownEventHandlerError } from "./event-manager-errors.js";
import { eventHandlerReport } from "./event-manager-report.js";
import {
  toAdd,
  type HandlerAction,
  type HandlerAnswer,
  type HandlerToAdd,
} from "./event-manager-request.js";
import type {
  EventHandlerExit,
  EventHandlerExitReason,
  EventHandlerState,
  EventHandlerStatus,
} from "./event-manager.js";
import { describeRequests, type Callback } from "./request-callback.js";
import { isSameTerm } from "./same-term.js";

/** What handlers are called with, and by which of their callbacks. */
export interface Delivery {
  readonly callback: "event" | "info" | "down" | "exit";
  readonly content: unknown;
}

/** A handler that was added. */
interface Installed {
  readonly name: string;
  readonly id: EventHandlerId;
  readonly owner: AnyPid | undefined;
  code: HandlerCode;
  state: unknown;
}

/** One that is to be added. */
interface Resolved {
  readonly name: string;
  readonly id: EventHandlerId;
  readonly args: readonly unknown[];
  readonly code: HandlerCode;
}

export class EventHandlers {
  readonly #self: BehaviourSelf;
  readonly #handlerSelf: EventHandlerSelf;
  readonly #codeOf: (name: string) => HandlerCode | undefined;
  /** Newest first. */
  readonly #handlers: Installed[] = [];

  /** @param codeOf the code of handlers of which only the name is known */
  constructor(self: BehaviourSelf, codeOf: (name: string) => HandlerCode | undefined) {
    this.#self = self;
    this.#handlerSelf = handlerSelf(self);
    this.#codeOf = codeOf;
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────────

  /** Is there a callback for it? */
  takes(delivery: Delivery): boolean {
    return this.#handlers.some(({ code }) => callbackFor(code, delivery) !== undefined);
  }

  /** Calls the handlers from `place` on. Nobody else adds or removes any meanwhile. */
  deliver(delivery: Delivery, place = 0): MaybePromise<void> | undefined {
    let at = place;
    while (at < this.#handlers.length) {
      const stays = this.#deliverTo(at, delivery);
      if (isThenable(stays)) {
        const next = at;
        return stays.then((stayed) => this.deliver(delivery, stayed ? next + 1 : next));
      }
      if (stays) at++;
    }
    return undefined;
  }

  /** Tells whether there is a handler in its place afterwards. */
  #deliverTo(place: number, delivery: Delivery): MaybePromise<boolean> {
    const { state, code } = this.#handlers[place] as Installed;
    const { callback: what, content } = delivery;
    const callback = callbackFor(code, delivery);
    if (callback === undefined) return true;
    const attempted = attempt(this.#self, () => callback(state, content, this.#handlerSelf));
    return whenSettled(attempted, (came) =>
      this.#apply(place, readResult(this.#self, came, what), what, content),
    );
  }

  /** Does what the callback of a handler wants done; tells whether there is a handler in its place. */
  #apply(
    place: number,
    outcome: Outcome,
    callback: string,
    message: unknown,
  ): MaybePromise<boolean> {
    const handler = this.#handlers[place] as Installed;
    if (outcome.type === "swap" && this.#resolve(toAdd(outcome.to)) === undefined) {
      const error = new UnknownEventHandlerError(this.#self.pid, outcome.to.id);
      return this.#apply(place, { type: "fail", reason: { error } }, callback, message);
    }
    if ("state" in outcome) handler.state = outcome.state;
    const removed = (): boolean => {
      this.#handlers.splice(place, 1);
      return false;
    };
    switch (outcome.type) {
      case "keep":
        return true;
      case "remove":
        return whenSettled(this.#terminate(handler, { type: "remove" }, "normal"), removed);
      case "swap":
        return this.#swapInPlace(place, outcome.to, outcome.argument);
      case "fail": {
        const { reason } = outcome;
        this.#report(handler, reason, callback, message);
        const end: EventHandlerEnd = { type: "error", reason };
        return whenSettled(this.#terminate(handler, end, { failed: reason }), removed);
      }
      default:
        return outcome satisfies never;
    }
  }

  #swapInPlace(place: number, to: HandlerReference, argument: unknown): MaybePromise<boolean> {
    const old = this.#handlers[place] as Installed;
    const next = this.#resolve(toAdd(to)) as Resolved;
    return whenSettled(this.#handOver(old, next.id, argument, old.owner), (handover) => {
      this.#handlers.splice(place, 1);
      return whenSettled(this.#install(next, old.owner, handover), (installed) => {
        if (!("failed" in installed)) {
          this.#handlers.splice(place, 0, installed);
          return true;
        }
        // Nobody asked, so nobody is answered.
        const { failed } = installed;
        this.#report({ ...next, state: undefined }, failed, startOf(next, handover), handover);
        this.#tellOwner(old.owner, next.id, { failed });
        return false;
      });
    });
  }

  // ── what is asked for ───────────────────────────────────────────────────────────────────────────

  /** @throws UnknownRequestError a handler has no callback for the request to it */
  carryOut(action: HandlerAction): MaybePromise<HandlerAnswer> {
    switch (action.type) {
      case "add":
        return this.#add(action.handler, action.owner, undefined);
      case "delete":
        return this.#delete(action.id, action.argument);
      case "swap":
        return this.#swap(action);
      case "call":
        return this.#call(action.id, action.request);
      case "which":
        return { type: "done", value: this.#handlers.map(({ id }) => id) };
      default:
        return action satisfies never;
    }
  }

  #add(
    handler: HandlerToAdd,
    owner: AnyPid | undefined,
    handover: Handover | undefined,
  ): MaybePromise<HandlerAnswer> {
    const manager = this.#self.pid;
    const next = this.#resolve(handler);
    if (next === undefined) return { type: "unknownHandler", manager, handler: handler.id };
    return whenSettled(this.#install(next, owner, handover), (installed): HandlerAnswer => {
      if ("failed" in installed) {
        return { type: "failed", manager, handler: next.id, reason: installed.failed };
      }
      this.#handlers.unshift(installed);
      return { type: "done", value: undefined };
    });
  }

  #resolve({ name, id, args, code: given }: HandlerToAdd): Resolved | undefined {
    const code = given?.value ?? this.#codeOf(name);
    return code && { name, id, args, code };
  }

  /** Runs `init`. As in OTP the link to the owner stays, whatever comes of it. */
  #install(
    next: Resolved,
    owner: AnyPid | undefined,
    handover: Handover | undefined,
  ): MaybePromise<Installed | { readonly failed: ExitReason }> {
    if (owner !== undefined) this.#self.link(owner);
    const { name, id, args, code } = next;
    const { init, takeOver } = code.callbacks;
    const attempted = attempt(this.#self, () => {
      const refusal = code.refusal("args", args);
      if (refusal !== undefined) throw refusal;
      return handover === undefined || takeOver === undefined
        ? init(...args, this.#handlerSelf)
        : takeOver(handover, ...args, this.#handlerSelf);
    });
    return whenSettled(attempted, (came) => {
      const first = readInit(this.#self, came, startOf(next, handover));
      return "failed" in first ? first : { name, id, owner, code, state: first.value };
    });
  }

  #delete(id: EventHandlerId, argument: unknown): MaybePromise<HandlerAnswer> {
    const manager = this.#self.pid;
    const place = this.#find(id);
    const handler = this.#handlers[place];
    if (handler === undefined) return { type: "noHandler", manager, handler: id };
    const end: EventHandlerEnd = { type: "delete", argument };
    return whenSettled(this.#terminate(handler, end, "normal"), (came): HandlerAnswer => {
      this.#handlers.splice(place, 1);
      return "failed" in came
        ? { type: "failed", manager, handler: id, reason: came.failed }
        : { type: "done", value: came.value };
    });
  }

  #swap({
    from,
    argument,
    to,
    owner,
  }: Extract<HandlerAction, { type: "swap" }>): MaybePromise<HandlerAnswer> {
    const place = this.#find(from);
    const old = this.#handlers[place];
    // Before anything is lost.
    if (old === undefined || this.#resolve(to) === undefined) {
      return this.#add(to, owner, { type: "missing", from });
    }
    const newOwner = owner ?? old.owner;
    return whenSettled(this.#handOver(old, to.id, argument, newOwner), (handover) => {
      this.#handlers.splice(place, 1);
      return this.#add(to, newOwner, handover);
    });
  }

  /** Ends a handler in favour of another. */
  #handOver(
    old: Installed,
    to: EventHandlerId,
    argument: unknown,
    owner: AnyPid | undefined,
  ): MaybePromise<Handover> {
    const end: EventHandlerEnd = { type: "swap", to, argument };
    const told: EventHandlerExitReason = { swapped: { handler: to, owner } };
    return whenSettled(this.#terminate(old, end, told), (came): Handover =>
      "failed" in came
        ? { type: "failed", from: old.id, reason: came.failed }
        : { type: "handover", from: old.id, result: came.value },
    );
  }

  #call(id: EventHandlerId, request: unknown): MaybePromise<HandlerAnswer> {
    const manager = this.#self.pid;
    const place = this.#find(id);
    const handler = this.#handlers[place];
    if (handler === undefined) return { type: "noHandler", manager, handler: id };
    const { state, code } = handler;
    const [name, ...args] = Array.isArray(request) ? (request as unknown[]) : [];
    const callback = code.calls.get(name);
    if (callback === undefined || args.length < callback.least || args.length > callback.most) {
      throw new UnknownRequestError(manager, describeRequests(code.calls), request);
    }
    const attempted = attempt(this.#self, () => callback.run(state, ...args, this.#handlerSelf));
    return whenSettled(attempted, (came) => {
      const outcome = readResult(this.#self, came, "call");
      // As in OTP the caller hears of it when the handler has terminated.
      return whenSettled(this.#apply(place, outcome, "call", request), (): HandlerAnswer =>
        outcome.type === "fail"
          ? { type: "failed", manager, handler: id, reason: outcome.reason }
          : { type: "done", value: outcome.reply },
      );
    });
  }

  #find(id: EventHandlerId): number {
    return this.#handlers.findIndex((handler) => isSameHandler(handler.id, id));
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────

  owns(pid: AnyPid): boolean {
    return this.#handlers.some(({ owner }) => owner === pid);
  }

  get owners(): ReadonlySet<AnyPid> {
    const owners = this.#handlers.map(({ owner }) => owner);
    return new Set(owners.filter((owner) => owner !== undefined));
  }

  /** Removes the handlers of this owner, or all. */
  terminate(end: EventHandlerEnd, owner?: AnyPid): MaybePromise<void> | undefined {
    for (;;) {
      const place = this.#handlers.findIndex(
        (handler) => owner === undefined || handler.owner === owner,
      );
      const handler = this.#handlers[place];
      if (handler === undefined) return undefined;
      const terminated = whenSettled(this.#terminate(handler, end, "shutdown"), () => {
        this.#handlers.splice(place, 1);
      });
      if (isThenable(terminated)) return terminated.then(() => this.terminate(end, owner));
    }
  }

  /** Calls `terminate` of a handler, and tells its owner. The handler is still there. */
  #terminate(
    handler: Installed,
    end: EventHandlerEnd,
    told: EventHandlerExitReason,
  ): MaybePromise<Attempt> {
    const { terminate } = handler.code.callbacks;
    const attempted: MaybePromise<Attempt> =
      terminate === undefined
        ? { value: undefined }
        : attempt(this.#self, () => terminate(handler.state, end, this.#handlerSelf));
    return whenSettled(attempted, (came) => {
      if ("failed" in came) this.#report(handler, came.failed, "terminate", end);
      this.#tellOwner(handler.owner, handler.id, told);
      return came;
    });
  }

  #tellOwner(
    owner: AnyPid | undefined,
    handler: EventHandlerId,
    reason: EventHandlerExitReason,
  ): void {
    if (owner === undefined) return;
    const manager = this.#self.pid;
    const exit: EventHandlerExit = { type: "eventHandlerExit", manager, handler, reason };
    sendCloneable(exit, (sent) => this.#self.send<unknown>(owner as never, sent));
  }

  #report(
    { id, code, state: before }: Pick<Installed, "id" | "code" | "state">,
    reason: ExitReason,
    callback: string,
    message: unknown,
  ): void {
    const manager = this.#self.pid;
    const state = shown(code, before);
    const facts = { manager, handler: id, reason, callback, message, state };
    this.#self.report(eventHandlerReport({ type: "eventHandlerFailed", ...facts }));
  }

  // ── system requests ─────────────────────────────────────────────────────────────────────────────

  get states(): readonly EventHandlerState[] {
    return this.#handlers.map(({ id, state }) => ({ handler: id, state }));
  }

  /** @throws InvalidArgumentError they are not the states of these handlers */
  replaceStates(states: unknown): readonly EventHandlerState[] {
    if (!this.#areMine(states)) {
      const expected = "a function that returns the same handlers, each with a state";
      throw new InvalidArgumentError("replaceState: replace", expected, states);
    }
    for (const [place, { state }] of states.entries()) {
      (this.#handlers[place] as Installed).state = state;
    }
    return this.states;
  }

  #areMine(states: unknown): states is readonly EventHandlerState[] {
    return (
      Array.isArray(states) &&
      states.length === this.#handlers.length &&
      this.#handlers.every(({ id }, place) => {
        const { handler, ...rest } = Object(states[place]) as Partial<EventHandlerState>;
        return isSameTerm(handler, id) && "state" in rest;
      })
    );
  }

  describe(): MaybePromise<readonly EventHandlerStatus[]> {
    const statuses = this.#handlers.map(({ id, owner, state, code }) => {
      const { status } = code.callbacks;
      const describe = (seen: unknown): EventHandlerStatus => ({ handler: id, owner, state: seen });
      // A state that is shown as it is is not looked at: it may be anything.
      return status === undefined ? describe(state) : whenSettled(status(state), describe);
    });
    return statuses.some(isThenable)
      ? Promise.all(statuses)
      : (statuses as readonly EventHandlerStatus[]);
  }

  /** Changes all handlers of this name, or none. */
  changeCode(
    name: string,
    code: HandlerCode,
    migrate: ((state: never) => unknown) | undefined,
  ): MaybePromise<void> | undefined {
    const changed = this.#handlers.filter((handler) => handler.name === name);
    const change = (states: readonly unknown[]): void => {
      for (const [place, handler] of changed.entries()) {
        handler.code = code;
        handler.state = states[place];
      }
    };
    const states = changed.map(({ state }) =>
      migrate === undefined ? state : migrate(state as never),
    );
    if (migrate !== undefined && states.some(isThenable)) return Promise.all(states).then(change);
    change(states);
    return undefined;
  }
}

/** Exits and `Down`s are info for who has no callback for them. */
function callbackFor({ callbacks }: HandlerCode, { callback }: Delivery): Callback | undefined {
  return callback === "event" ? callbacks.event : (callbacks[callback] ?? callbacks.info);
}

/** Which callback makes its first state. */
function startOf({ code }: Resolved, handover: Handover | undefined): "init" | "takeOver" {
  return handover === undefined || code.callbacks.takeOver === undefined ? "init" : "takeOver";
}

function shown({ callbacks: { status } }: HandlerCode, state: unknown): unknown {
  if (status === undefined) return state;
  try {
    const seen = status(state);
    return isThenable(seen) ? undefined : seen;
  } catch {
    // It is the failure of another callback that is being reported.
    return undefined;
  }
}
