/** One handler of an event manager, from its first callback to its last; and who hears of its end. */
import type { AnyPid, ExitReason, Pid } from "@coppice/core";
import type { BehaviourSelf } from "./behaviour.js";
import { isThenable, whenSettled, type MaybePromise } from "./maybe-promise.js";
import { sendCloneable } from "./cloneable.js";
import type { EventHandlerId } from "./event-handler-id.js";
import { attempt, readInit, type Attempt } from "./event-handler-result.js";
import type { EventHandlerSelf } from "./event-handler-self.js";
import type { HandlerCode } from "./event-handler-code.js";
import type { EventHandlerEnd, Handover } from "./event-handler.js";
import { eventHandlerReport } from "./event-manager-report.js";
import type { EventHandlerExit, EventHandlerExitReason } from "./event-manager.js";

/** A handler that was added. */
export interface Installed {
  readonly name: string;
  readonly id: EventHandlerId;
  readonly owner: AnyPid | undefined;
  code: HandlerCode;
  state: unknown;
}

/** One that is to be added. */
export interface Resolved {
  readonly name: string;
  readonly id: EventHandlerId;
  readonly args: readonly unknown[];
  readonly code: HandlerCode;
}

/** Starts and ends the handlers of one manager. */
export class HandlerLife {
  readonly #self: BehaviourSelf;
  readonly #handlerSelf: EventHandlerSelf;

  constructor(self: BehaviourSelf, handlerSelf: EventHandlerSelf) {
    this.#self = self;
    this.#handlerSelf = handlerSelf;
  }

  /** Runs `init`. */
  install(
    next: Resolved,
    owner: AnyPid | undefined,
    handover: Handover | undefined,
  ): MaybePromise<Installed | { readonly failed: ExitReason }> {
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

  /** Ends a handler in favour of another. */
  handOver(
    old: Installed,
    to: EventHandlerId,
    argument: unknown,
    owner: AnyPid | undefined,
  ): MaybePromise<Handover> {
    const end: EventHandlerEnd = { type: "swap", to, argument };
    const told: EventHandlerExitReason = { swapped: { handler: to, owner } };
    return whenSettled(this.terminate(old, end, told), (came): Handover =>
      "failed" in came
        ? { type: "failed", from: old.id, reason: came.failed }
        : { type: "handover", from: old.id, result: came.value },
    );
  }

  /** Calls `terminate` of a handler, and tells its owner. The handler is still there. */
  terminate(
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
      if ("failed" in came) this.report(handler, came.failed, "terminate", end);
      this.tellOwner(handler.owner, handler.id, told);
      return came;
    });
  }

  tellOwner(
    owner: AnyPid | undefined,
    handler: EventHandlerId,
    reason: EventHandlerExitReason,
  ): void {
    if (owner === undefined) return;
    const manager = this.#self.pid;
    const exit: EventHandlerExit = { type: "eventHandlerExit", manager, handler, reason };
    sendCloneable(exit, (sent) => this.#self.send(owner as Pid<unknown>, sent));
  }

  report(
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
}

/** Which callback makes its first state. */
export function startOf({ code }: Resolved, handover: Handover | undefined): "init" | "takeOver" {
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
