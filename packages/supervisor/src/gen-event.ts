/**
 * Event managers: a process with handlers, each of which is called with every event, newest first.
 *
 * | what happens | `terminate` of the handler gets | its owner is told | reported |
 * | --- | --- | --- | --- |
 * | it is deleted | `delete` | `"normal"` | no |
 * | a callback returns `remove` | `remove` | `"normal"` | no |
 * | it is swapped | `swap` | `{ swapped }` | no |
 * | a callback throws, calls `self.exit`, or returns what it must not | `error` | `{ failed: reason }` | yes |
 * | its owner ends, or sends the manager an exit signal | `ownerExit` | `"shutdown"` | no |
 * | the manager ends by itself, or with its parent | `stop` | `"shutdown"` | no |
 * | the manager is killed | – | – | no |
 *
 * What `terminate` throws is reported in any case.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html
 */
import {
  InvalidArgumentError,
  isPid,
  isRef,
  type AnyPid,
  type Exit,
  type ExitReason,
  type From,
  type StartOptions,
  type Starter,
  type StartResult,
} from "@coppice/core";
import { BehaviourProcess, type BehaviourSelf, type StateChange } from "./behaviour.js";
import { behaviourHandler, startBehaviour } from "./behaviour-start.js";
import { whenSettled, type MaybePromise } from "./maybe-promise.js";
import { replyCloneable } from "./cloneable.js";
import { UnknownRequestError } from "./errors.js";
import { HandlerReference, type HandlerCode } from "./event-handler-code.js";
import {
  changeHandlers,
  describeHandlers,
  replaceStates,
  statesOf,
} from "./event-handler-states.js";
import { EventHandlers, type Delivery } from "./event-handlers.js";
import { actionIn, type HandlerAction, type HandlerAnswer } from "./event-manager-request.js";
import type {
  EventHandlerState,
  EventHandlerStatus,
  EventManager,
  EventManagerDefinition,
} from "./event-manager.js";

/**
 * Defines an event manager: a process that passes events on to handlers, which come and go while it
 * runs. It has no code of its own, and traps exits.
 *
 * An event goes to the handlers one after the other, newest first; the next message is taken when the
 * last of them is done. What a handler does wrong costs that handler alone.
 *
 * @typeParam E the events it can be notified of
 * @typeParam I other messages that its handlers understand
 * @throws InvalidArgumentError a field is unknown, or of the wrong kind
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { addHandler, defineEventHandler, defineEventManager, syncNotify, type ProtocolOf } from "@coppice/supervisor";
 * const changes = defineEventManager<{ readonly changed: string }>();
 * const Changes = name<ProtocolOf<typeof changes>>("changes");
 * const seen: string[] = [];
 * const watcher = defineEventHandler({
 *   name: "watcher",
 *   init: () => null,
 *   event: (_state, { changed }: { readonly changed: string }) => void seen.push(changed),
 * });
 * const node = createNode();
 * node.register(Changes, await node.start(changes));
 * await addHandler(node, Changes, watcher);
 * await syncNotify(node, Changes, { changed: "a.txt" });
 * seen; // => ["a.txt"]
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_event.html
 */
export function defineEventManager<E, I = never>(
  definition: EventManagerDefinition<E, I> = {},
): EventManager<E, I> {
  checkDefinition(definition);
  const handlers = (definition.handlers ?? []) as readonly HandlerReference[];
  // Its types are those of the callbacks; what runs them is the same for all.
  return new ManagerBehaviour(handlers) as EventManager<E, I>;
}

function checkDefinition(definition: object): void {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`defineEventManager: ${field}`, expected, received);
  };
  if (typeof definition !== "object" || definition === null) {
    refuse("definition", "an object", definition);
  }
  const { handlers = [], ...unknown } = definition as { readonly handlers?: unknown };
  for (const [field, value] of Object.entries(unknown)) refuse(field, "left out", value);
  if (!Array.isArray(handlers)) refuse("handlers", "an array of event handlers", handlers);
  for (const [index, handler] of (handlers as unknown[]).entries()) {
    if (!(handler instanceof HandlerReference) || handler.code === undefined) {
      refuse(`handlers[${index}]`, "a handler of defineEventHandler", handler);
    }
  }
}

const HANDLER = behaviourHandler("gen_event");

class ManagerBehaviour {
  readonly behaviour = "gen_event";
  readonly childType = "worker";
  /** Code by the names of handlers. */
  readonly known: ReadonlyMap<string, HandlerCode>;

  constructor(handlers: readonly HandlerReference[]) {
    this.known = new Map(handlers.map(({ name, code }) => [name, code as HandlerCode]));
  }

  start(starter: Starter, options: StartOptions<never>): Promise<StartResult<never>> {
    return startBehaviour(starter, options, HANDLER, (self, parent) =>
      new ManagerProcess(self, parent, this).begin(),
    );
  }
}

/** What a message asks for. */
type Demand =
  | {
      readonly type: "deliver";
      readonly delivery: Delivery;
      readonly from: From<never> | undefined;
    }
  | { readonly type: "exit"; readonly exit: Exit }
  | { readonly type: "action"; readonly action: HandlerAction; readonly from: From<never> }
  | { readonly type: "unknownCall"; readonly request: unknown; readonly from: From<never> };

class ManagerProcess extends BehaviourProcess {
  override readonly kind = "gen_event";
  readonly #parent: AnyPid | undefined;
  readonly #handlers: EventHandlers;
  #behaviour: ManagerBehaviour;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, behaviour: ManagerBehaviour) {
    super(self, parent);
    this.#parent = parent;
    this.#behaviour = behaviour;
    this.#handlers = new EventHandlers(self, (name) => this.#behaviour.known.get(name));
  }

  begin(): this {
    this.self.trapExits();
    return this.begun();
  }

  protected override message(message: unknown): MaybePromise<void> | undefined {
    const done = this.#meet(demandOf(message));
    if (this.instruments === undefined) return done;
    return whenSettled(done, () => this.instruments?.handled(() => this.getState()));
  }

  #meet(demand: Demand): MaybePromise<void> | undefined {
    switch (demand.type) {
      case "deliver": {
        const { delivery, from } = demand;
        if (delivery.callback !== "event") return this.#inform(delivery);
        const delivered = this.#handlers.deliver(delivery);
        if (from === undefined) return delivered;
        return whenSettled(delivered, () => this.#reply(from, undefined));
      }
      case "exit":
        return this.#exited(demand.exit);
      case "action":
        return this.#carryOut(demand.action, demand.from);
      case "unknownCall":
        this.self.refuse(demand.from, this.#unknownRequest(demand.request));
        return undefined;
      default:
        return demand satisfies never;
    }
  }

  #inform(delivery: Delivery): MaybePromise<void> | undefined {
    if (this.#handlers.takes(delivery)) return this.#handlers.deliver(delivery);
    this.self.unhandled(delivery.content);
    return undefined;
  }

  /** As in OTP an exit signal of an owner is taken for its end, whether it has ended or not. */
  #exited(exit: Exit): MaybePromise<void> | undefined {
    const { from: owner, reason } = exit;
    const delivery: Delivery = { callback: "exit", content: exit };
    if (!this.#handlers.owns(owner)) return this.#inform(delivery);
    const terminated = this.#handlers.terminate({ type: "ownerExit", owner, reason }, owner);
    return whenSettled(terminated, () => this.#handlers.deliver(delivery));
  }

  #carryOut(action: HandlerAction, from: From<never>): MaybePromise<void> | undefined {
    let answer: MaybePromise<HandlerAnswer>;
    try {
      answer = this.#handlers.carryOut(action);
    } catch (error) {
      if (!(error instanceof UnknownRequestError)) throw error;
      this.self.refuse(from, error);
      return undefined;
    }
    return whenSettled(answer, (value) => this.#reply(from, value));
  }

  #unknownRequest(request: unknown): Error {
    const expected = `["notify", event], or what the functions for event handlers send`;
    return new UnknownRequestError(this.self.pid, expected, request);
  }

  /** What cannot be sent is an error for who waits for it, and none of the manager. */
  #reply(to: From<never>, value: HandlerAnswer | undefined): void {
    replyCloneable(this.self, to, value);
    this.instruments?.replied(to, value);
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    const { owners } = this.#handlers;
    return whenSettled(this.#handlers.terminate({ type: "stop", reason }), () => {
      // An owner has been told; the end of the manager is not to end it as well.
      for (const owner of owners) if (owner !== this.#parent) this.self.unlink(owner);
    });
  }

  protected override getState(): readonly EventHandlerState[] {
    return statesOf(this.#handlers.installed);
  }

  protected override replaceState(replace: StateChange): MaybePromise<unknown> {
    return whenSettled(replace(this.getState()), (states) =>
      replaceStates(this.#handlers.installed, states),
    );
  }

  protected override describeState(): MaybePromise<readonly EventHandlerStatus[]> {
    return describeHandlers(this.#handlers.installed);
  }

  protected override changeCode(
    behaviour: unknown,
    migrate: StateChange | undefined,
  ): MaybePromise<void> | undefined {
    if (behaviour instanceof ManagerBehaviour) {
      this.#behaviour = behaviour;
      return undefined;
    }
    if (!(behaviour instanceof HandlerReference) || behaviour.code === undefined) {
      const expected = "a handler of defineEventHandler, or a manager of defineEventManager";
      throw new InvalidArgumentError("changeCode: behaviour", expected, behaviour);
    }
    const { name, code } = behaviour;
    return changeHandlers(this.#handlers.installed, name, code, migrate);
  }
}

interface Letter {
  readonly type?: unknown;
  readonly request?: unknown;
  readonly from?: unknown;
  readonly ref?: unknown;
  readonly reason?: unknown;
}

function demandOf(message: unknown): Demand {
  try {
    const demand = typeof message === "object" && message !== null && read(message);
    if (demand) return demand;
  } catch {
    // What cannot be looked at, such as a revoked proxy, is info.
  }
  return informing("info", message);
}

/** `undefined` for what is just info. */
function read(message: object): Demand | undefined {
  const { type, request, from, ref, reason } = message as Letter;
  switch (type) {
    case "cast":
      return isNotification(request) ? notifying(request[1], undefined) : undefined;
    case "call": {
      if (!isRef(from)) return undefined;
      const caller = from as From<never>;
      return demandOfCall(request, caller) ?? { type: "unknownCall", request, from: caller };
    }
    case "exit":
      if (!isPid(from)) return undefined;
      return { type: "exit", exit: { type: "exit", from, reason: reason as ExitReason } };
    case "down":
      return isRef(ref) ? informing("down", message) : undefined;
    default:
      return undefined;
  }
}

function demandOfCall(request: unknown, from: From<never>): Demand | undefined {
  try {
    if (isNotification(request)) return notifying(request[1], from);
    const action = actionIn(request);
    return action && { type: "action", action, from };
  } catch {
    // Whoever sent what cannot be looked at waits for an answer all the same.
    return undefined;
  }
}

function notifying(event: unknown, from: From<never> | undefined): Demand {
  return { type: "deliver", delivery: { callback: "event", content: event }, from };
}

function informing(callback: Delivery["callback"], content: unknown): Demand {
  return { type: "deliver", delivery: { callback, content }, from: undefined };
}

function isNotification(request: unknown): request is readonly ["notify", unknown] {
  return Array.isArray(request) && request.length === 2 && request[0] === "notify";
}
