/**
 * The handlers of one event manager: called one after the other, added, swapped and removed.
 *
 * Whatever a callback does is read as an outcome; nothing of it gets out but the end of the process.
 */
import type { AnyPid } from "@coppice/core";
import type { BehaviourSelf } from "./behaviour.js";
import { isThenable, whenSettled, type MaybePromise } from "./maybe-promise.js";
import { UnknownRequestError } from "./errors.js";
import { isSameHandler, type EventHandlerId } from "./event-handler-id.js";
import { attempt, readResult, type Outcome } from "./event-handler-result.js";
import { handlerSelf, type EventHandlerSelf } from "./event-handler-self.js";
import type { HandlerCode, HandlerReference } from "./event-handler-code.js";
import type { EventHandlerEnd, Handover } from "./event-handler.js";
import { UnknownEventHandlerError } from "./event-manager-errors.js";
import { HandlerLife, startOf, type Installed, type Resolved } from "./event-handler-life.js";
import {
  toAdd,
  type HandlerAction,
  type HandlerAnswer,
  type HandlerToAdd,
} from "./event-manager-request.js";
import { describeRequests, type Callback } from "./request-callback.js";

/** What handlers are called with, and by which of their callbacks. */
export interface Delivery {
  readonly callback: "event" | "info" | "down" | "exit";
  readonly content: unknown;
}

export class EventHandlers {
  readonly #self: BehaviourSelf;
  readonly #handlerSelf: EventHandlerSelf;
  readonly #codeOf: (name: string) => HandlerCode | undefined;
  readonly #life: HandlerLife;
  /** Newest first. */
  readonly #handlers: Installed[] = [];

  /** @param codeOf the code of handlers of which only the name is known */
  constructor(self: BehaviourSelf, codeOf: (name: string) => HandlerCode | undefined) {
    this.#self = self;
    this.#handlerSelf = handlerSelf(self);
    this.#life = new HandlerLife(self, this.#handlerSelf);
    this.#codeOf = codeOf;
  }

  /** Those that are there, newest first. */
  get installed(): readonly Installed[] {
    return this.#handlers;
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
        return whenSettled(this.#life.terminate(handler, { type: "remove" }, "normal"), removed);
      case "swap":
        return this.#swapInPlace(place, outcome.to, outcome.argument);
      case "fail": {
        const { reason } = outcome;
        this.#life.report(handler, reason, callback, message);
        const end: EventHandlerEnd = { type: "error", reason };
        return whenSettled(this.#life.terminate(handler, end, { failed: reason }), removed);
      }
      default:
        return outcome satisfies never;
    }
  }

  #swapInPlace(place: number, to: HandlerReference, argument: unknown): MaybePromise<boolean> {
    const old = this.#handlers[place] as Installed;
    const next = this.#resolve(toAdd(to)) as Resolved;
    return whenSettled(this.#life.handOver(old, next.id, argument, old.owner), (handover) => {
      this.#handlers.splice(place, 1);
      return whenSettled(this.#life.install(next, old.owner, handover), (installed) => {
        if (!("failed" in installed)) {
          this.#handlers.splice(place, 0, installed);
          return true;
        }
        // Nobody asked, so nobody is answered.
        const { failed } = installed;
        this.#life.report({ ...next, state: undefined }, failed, startOf(next, handover), handover);
        this.#life.tellOwner(old.owner, next.id, { failed });
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
    // As in OTP the link stays, whatever comes of this; who swaps itself has it from before, or has none.
    if (owner !== undefined) this.#self.link(owner);
    return whenSettled(this.#life.install(next, owner, handover), (installed): HandlerAnswer => {
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

  #delete(id: EventHandlerId, argument: unknown): MaybePromise<HandlerAnswer> {
    const manager = this.#self.pid;
    const place = this.#find(id);
    const handler = this.#handlers[place];
    if (handler === undefined) return { type: "noHandler", manager, handler: id };
    const end: EventHandlerEnd = { type: "delete", argument };
    return whenSettled(this.#life.terminate(handler, end, "normal"), (came): HandlerAnswer => {
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
    return whenSettled(this.#life.handOver(old, to.id, argument, newOwner), (handover) => {
      this.#handlers.splice(place, 1);
      return this.#add(to, newOwner, handover);
    });
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
      const terminated = whenSettled(this.#life.terminate(handler, end, "shutdown"), () => {
        this.#handlers.splice(place, 1);
      });
      if (isThenable(terminated)) return terminated.then(() => this.terminate(end, owner));
    }
  }
}

/** Exits and `Down`s are info for who has no callback for them. */
function callbackFor({ callbacks }: HandlerCode, { callback }: Delivery): Callback | undefined {
  return callback === "event" ? callbacks.event : (callbacks[callback] ?? callbacks.info);
}
