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
  opaque,
  type AnyPid,
  type ExitReason,
  type From,
  type StartOptions,
  type Starter,
  type StartResult,
} from "@coppice/core";
import {
  behaviourHandler,
  BehaviourProcess,
  isThenable,
  startBehaviour,
  type BehaviourSelf,
  type MaybePromise,
} from "./behaviour.js";
import { sendCloneable } from "./cloneable.js";
import { InvalidCallbackResultError, UnknownRequestError } from "./errors.js";
import { isSameHandler, type EventHandlerId } from "./event-handler-id.js";
import {
  attempt,
  readInit,
  readResult,
  type Attempt,
  type Outcome,
} from "./event-handler-result.js";
import { handlerSelf, type EventHandlerSelf } from "./event-handler-self.js";
import {
  HandlerReference,
  type Callback,
  type EventHandlerEnd,
  type HandlerCode,
  type Handover,
} from "./event-handler.js";
import { eventHandlerReport } from "./event-manager-report.js";
import type {
  EventHandlerExit,
  EventHandlerExitReason,
  EventHandlerState,
  EventHandlerStatus,
  EventManager,
  EventManagerDefinition,
  HandlerAction,
  HandlerAnswer,
  HandlerRequest,
  HandlerToAdd,
} from "./event-manager.js";
import { isSameTerm } from "./same-term.js";

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
  const handlers = (definition.handlers ?? []) as unknown as readonly HandlerReference[];
  return new ManagerBehaviour(handlers) as unknown as EventManager<E, I>;
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

/** A handler that was added. */
interface Installed {
  readonly name: string;
  readonly id: EventHandlerId;
  readonly owner: AnyPid | undefined;
  code: HandlerCode;
  state: unknown;
}

/** What a handler is called with, and by which of its callbacks. */
interface Delivery {
  readonly callback: "event" | "info" | "down" | "exit";
  readonly content: unknown;
}

class ManagerProcess extends BehaviourProcess {
  override readonly kind = "gen_event";
  readonly #parent: AnyPid | undefined;
  #behaviour: ManagerBehaviour;
  /** Newest first. */
  readonly #handlers: Installed[] = [];
  #handlerSelf: EventHandlerSelf | undefined;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, behaviour: ManagerBehaviour) {
    super(self, parent);
    this.#parent = parent;
    this.#behaviour = behaviour;
  }

  begin(): this {
    this.self.trapExits();
    return this.begun();
  }

  protected override message(message: unknown): MaybePromise<void> | undefined {
    const handled = this.#take(message);
    if (this.instruments === undefined) return handled;
    return then(handled, () => this.instruments?.handled(() => this.getState()));
  }

  #take(message: unknown): MaybePromise<void> | undefined {
    if (typeof message !== "object" || message === null) return this.#inform("info", message);
    const { type, request, from, ref } = message as ManagerMessage;
    switch (type) {
      case "cast":
        if (isNotification(request))
          return this.#notify({ callback: "event", content: request[1] });
        break;
      case "call":
        if (isRef(from)) return this.#call(request, from as From<never>);
        break;
      case "exit":
        if (isPid(from)) return this.#exited(from, (message as { reason: ExitReason }).reason);
        break;
      case "down":
        if (isRef(ref)) return this.#inform("down", message);
        break;
      default:
    }
    return this.#inform("info", message);
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────────

  #inform(callback: Delivery["callback"], content: unknown): MaybePromise<void> | undefined {
    const delivery: Delivery = { callback, content };
    if (!this.#handlers.some(({ code }) => callbackOf(code, delivery) !== undefined)) {
      this.self.unhandled(content);
      return undefined;
    }
    return this.#notify(delivery);
  }

  /** Calls the handlers from `place` on. None of them can be added or removed from outside meanwhile. */
  #notify(delivery: Delivery, place = 0): MaybePromise<void> | undefined {
    let at = place;
    while (at < this.#handlers.length) {
      const handler = this.#handlers[at] as Installed;
      const callback = callbackOf(handler.code, delivery);
      if (callback === undefined) {
        at++;
        continue;
      }
      const attempted = attempt(this.self, () =>
        callback(handler.state, delivery.content, this.#facade()),
      );
      const remains = then(attempted, (came) => {
        const outcome = readResult(came, delivery.callback);
        return this.#apply(at, outcome, delivery.callback, delivery.content);
      });
      if (isThenable(remains)) {
        const here = at;
        return remains.then((stays) => this.#notify(delivery, stays ? here + 1 : here));
      }
      if (remains) at++;
    }
    return undefined;
  }

  /** Does what the callback of a handler wants done; tells whether there is a handler in its place. */
  #apply(
    place: number,
    outcome: Outcome,
    callback: string,
    content: unknown,
  ): MaybePromise<boolean> {
    const handler = this.#handlers[place] as Installed;
    const before = handler.state;
    if ("state" in outcome) handler.state = outcome.state;
    switch (outcome.type) {
      case "keep":
        return true;
      case "remove":
        return then(this.#terminate(handler, { type: "remove" }, "normal"), () => {
          this.#handlers.splice(place, 1);
          return false;
        });
      case "swap":
        return this.#swapInPlace(place, outcome.to, outcome.argument);
      case "fail": {
        const { reason } = outcome;
        this.#report(handler, before, reason, callback, content);
        return then(this.#terminate(handler, { type: "error", reason }, { failed: reason }), () => {
          this.#handlers.splice(place, 1);
          return false;
        });
      }
      default:
        return outcome satisfies never;
    }
  }

  #swapInPlace(place: number, to: HandlerReference, argument: unknown): MaybePromise<boolean> {
    const old = this.#handlers[place] as Installed;
    return then(this.#handOver(old, to.id, argument, old.owner), (handover) => {
      this.#handlers.splice(place, 1);
      const installed = this.#install(toAdd(to), old.owner, handover);
      return then(installed, (answer) => {
        if (answer.type === "installed") {
          this.#handlers.splice(place, 0, answer.handler);
          return true;
        }
        // Nobody asked, so nobody is answered.
        const reason: ExitReason =
          answer.type === "failed"
            ? answer.reason
            : { error: new InvalidCallbackResultError("swap", "a handler that is known", to.id) };
        this.#report({ ...old, id: to.id }, undefined, reason, "init", to.args);
        this.#tellOwner(old.owner, to.id, { failed: reason });
        return false;
      });
    });
  }

  // ── what is asked for ───────────────────────────────────────────────────────────────────────────

  #call(request: unknown, from: From<never>): MaybePromise<void> | undefined {
    if (isNotification(request)) {
      const notified = this.#notify({ callback: "event", content: request[1] });
      return then(notified, () => this.#reply(from, undefined));
    }
    if (isHandlerRequest(request)) {
      const { action } = request;
      if (action.type === "call") return this.#callHandler(action.id, action.request, from);
      return then(this.#carryOut(action), (answer) => this.#reply(from, answer));
    }
    const expected = `["notify", event], or what the functions for event handlers send`;
    this.self.refuse(from, new UnknownRequestError(this.self.pid, expected, request));
    return undefined;
  }

  #carryOut(action: Exclude<HandlerAction, { type: "call" }>): MaybePromise<HandlerAnswer> {
    switch (action.type) {
      case "add":
        return this.#add(action.handler, action.owner, undefined);
      case "delete":
        return this.#delete(action.id, action.argument);
      case "swap":
        return this.#swap(action);
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
    return then(this.#install(handler, owner, handover), (answer) => {
      if (answer.type !== "installed") return answer;
      this.#handlers.unshift(answer.handler);
      return { type: "done", value: undefined };
    });
  }

  /** Runs `init`. As in OTP the link to the owner stays, whatever comes of it. */
  #install(
    { name, id, args, code: given }: HandlerToAdd,
    owner: AnyPid | undefined,
    handover: Handover | undefined,
  ): MaybePromise<Exclude<HandlerAnswer, { type: "done" }> | InstalledAnswer> {
    const manager = this.self.pid;
    const code = given?.value ?? this.#behaviour.known.get(name);
    if (code === undefined) return { type: "unknownHandler", manager, handler: id };
    if (owner !== undefined) this.self.link(owner);
    const { init, takeOver } = code;
    const callback = handover === undefined || takeOver === undefined ? "init" : "takeOver";
    const attempted = attempt(this.self, () =>
      handover === undefined || takeOver === undefined
        ? init(...args, this.#facade())
        : takeOver(handover, ...args, this.#facade()),
    );
    return then(attempted, (came) => {
      const first = readInit(came, callback);
      if ("failed" in first) return { type: "failed", manager, handler: id, reason: first.failed };
      return { type: "installed", handler: { name, id, owner, code, state: first.value } };
    });
  }

  #delete(id: EventHandlerId, argument: unknown): MaybePromise<HandlerAnswer> {
    const place = this.#find(id);
    const handler = this.#handlers[place];
    if (handler === undefined) return { type: "noHandler", manager: this.self.pid, handler: id };
    return then(this.#terminate(handler, { type: "delete", argument }, "normal"), (came) => {
      this.#handlers.splice(place, 1);
      return "failed" in came
        ? { type: "failed", manager: this.self.pid, handler: id, reason: came.failed }
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
    if (old === undefined) return this.#add(to, owner, { type: "missing", from });
    const newOwner = owner ?? old.owner;
    return then(this.#handOver(old, to.id, argument, newOwner), (handover) => {
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
    return then(
      this.#terminate(old, { type: "swap", to, argument }, { swapped: { handler: to, owner } }),
      (came): Handover =>
        "failed" in came
          ? { type: "failed", from: old.id, reason: came.failed }
          : { type: "handover", from: old.id, result: came.value },
    );
  }

  #callHandler(
    id: EventHandlerId,
    request: unknown,
    from: From<never>,
  ): MaybePromise<void> | undefined {
    const manager = this.self.pid;
    const place = this.#find(id);
    const handler = this.#handlers[place];
    if (handler === undefined) {
      this.#reply(from, { type: "noHandler", manager, handler: id } satisfies HandlerAnswer);
      return undefined;
    }
    const { calls } = handler.code;
    const callback = Array.isArray(request) ? calls.get(request[0]) : undefined;
    if (callback === undefined || (request as unknown[]).length < callback.length - 1) {
      const known = [...calls.keys()].map((name) => JSON.stringify(name)).join(", ");
      const expected =
        callback === undefined
          ? `a tuple that begins with ${known === "" ? "nothing, as the handler answers no calls" : known}`
          : `a tuple with ${callback.length - 1} arguments, or with one less where the last is self`;
      this.self.refuse(from, new UnknownRequestError(manager, expected, request));
      return undefined;
    }
    const [, ...args] = request as unknown[];
    const attempted = attempt(this.self, () => callback(handler.state, ...args, this.#facade()));
    return then(attempted, (came) => {
      const outcome = readResult(came, "call");
      // As in OTP the caller hears of it when the handler has terminated.
      return then(this.#apply(place, outcome, "call", request), () =>
        this.#reply(
          from,
          outcome.type === "fail"
            ? { type: "failed", manager, handler: id, reason: outcome.reason }
            : ({ type: "done", value: outcome.reply } satisfies HandlerAnswer),
        ),
      );
    });
  }

  #find(id: EventHandlerId): number {
    return this.#handlers.findIndex((handler) => isSameHandler(handler.id, id));
  }

  /** What cannot be sent is an error for who waits for it, and none of the manager. */
  #reply(to: From<never>, value: HandlerAnswer | undefined): void {
    try {
      sendCloneable(value, (sent) => this.self.reply(to as From<unknown>, sent));
    } catch (error) {
      this.self.refuse(to, error as Error);
    }
    this.instruments?.replied(to, value);
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────

  /** As in OTP an exit signal of an owner is taken for its end, whether it has ended or not. */
  #exited(from: AnyPid, reason: ExitReason): MaybePromise<void> | undefined {
    const message = { type: "exit", from, reason } as const;
    const owns = (handler: Installed): boolean => handler.owner === from;
    if (!this.#handlers.some(owns)) return this.#inform("exit", message);
    const end: EventHandlerEnd = { type: "ownerExit", owner: from, reason };
    return then(this.#terminateAll(owns, end), () =>
      this.#notify({ callback: "exit", content: message }),
    );
  }

  #terminateAll(
    which: (handler: Installed) => boolean,
    end: EventHandlerEnd,
  ): MaybePromise<void> | undefined {
    for (;;) {
      const handler = this.#handlers.find(which);
      if (handler === undefined) return undefined;
      const terminated = then(this.#terminate(handler, end, "shutdown"), () => {
        this.#handlers.splice(this.#handlers.indexOf(handler), 1);
      });
      if (isThenable(terminated)) return terminated.then(() => this.#terminateAll(which, end));
    }
  }

  /** Calls `terminate` of a handler, and tells its owner. It is still there. */
  #terminate(
    handler: Installed,
    end: EventHandlerEnd,
    told: EventHandlerExitReason,
  ): MaybePromise<Attempt> {
    const { terminate } = handler.code;
    const attempted: MaybePromise<Attempt> =
      terminate === undefined
        ? { value: undefined }
        : attempt(this.self, () => terminate(handler.state, end, this.#facade()));
    return then(attempted, (came) => {
      if ("failed" in came) {
        this.#report(handler, handler.state, came.failed, "terminate", end);
      }
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
    const manager = this.self.pid;
    const exit: EventHandlerExit = { type: "eventHandlerExit", manager, handler, reason };
    sendCloneable(exit, (sent) => this.self.send<unknown>(owner as never, sent));
  }

  #report(
    handler: Installed,
    before: unknown,
    reason: ExitReason,
    callback: string,
    message: unknown,
  ): void {
    const { id } = handler;
    const state = shown(handler.code, before);
    const manager = this.self.pid;
    this.self.report(
      eventHandlerReport({
        type: "eventHandlerFailed",
        manager,
        handler: id,
        reason,
        callback,
        message,
        state,
      }),
    );
  }

  protected override terminate(reason: ExitReason): MaybePromise<void> | undefined {
    const owners = new Set(this.#handlers.map(({ owner }) => owner));
    return then(
      this.#terminateAll(() => true, { type: "stop", reason }),
      () => {
        // An owner has been told; the end of the manager is not to end it as well.
        for (const owner of owners) {
          if (owner !== undefined && owner !== this.#parent) this.self.unlink(owner);
        }
      },
    );
  }

  // ── system requests ─────────────────────────────────────────────────────────────────────────────

  protected override getState(): readonly EventHandlerState[] {
    return this.#handlers.map(({ id, state }) => ({ handler: id, state }));
  }

  protected override replaceState(replace: (state: never) => unknown): MaybePromise<unknown> {
    const change = (states: unknown): unknown => {
      const isList = Array.isArray(states) && states.length === this.#handlers.length;
      const isSame = (state: unknown, at: number): boolean =>
        isSameTerm(Object(state).handler, this.#handlers[at]?.id) && "state" in Object(state);
      if (!isList || !states.every(isSame)) {
        const expected = "a function that returns the same handlers, each with a state";
        throw new InvalidArgumentError("replaceState: replace", expected, states);
      }
      for (const [at, { state }] of (states as EventHandlerState[]).entries()) {
        (this.#handlers[at] as Installed).state = state;
      }
      return this.getState();
    };
    return then(replace(this.getState() as never), change);
  }

  protected override describeState(): MaybePromise<readonly EventHandlerStatus[]> {
    const described = this.#handlers.map(({ id, owner, state, code: { status } }) => {
      const describe = (seen: unknown): EventHandlerStatus => ({ handler: id, owner, state: seen });
      return then(status === undefined ? state : status(state), describe);
    });
    return described.some(isThenable)
      ? Promise.all(described)
      : (described as readonly EventHandlerStatus[]);
  }

  protected override changeCode(
    behaviour: unknown,
    migrate: ((state: never) => unknown) | undefined,
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
    const changed = this.#handlers.filter((handler) => handler.name === name);
    const states = changed.map(({ state }) =>
      migrate === undefined ? state : migrate(state as never),
    );
    const change = (migrated: readonly unknown[]): void => {
      for (const [at, handler] of changed.entries()) {
        handler.code = code;
        handler.state = migrated[at];
      }
    };
    if (migrate !== undefined && states.some(isThenable)) return Promise.all(states).then(change);
    change(states);
    return undefined;
  }

  /** What handlers are called with as `self`. */
  #facade(): EventHandlerSelf {
    return (this.#handlerSelf ??= handlerSelf(this.self));
  }
}

interface InstalledAnswer {
  readonly type: "installed";
  readonly handler: Installed;
}

interface ManagerMessage {
  readonly type?: unknown;
  readonly request?: unknown;
  readonly from?: unknown;
  readonly ref?: unknown;
}

/** What is done with what comes of it, at once unless it takes time. */
function then<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isThenable(value) ? (value.then(next) as PromiseLike<U>) : next(value as T);
}

/** Exits and `Down`s are info for who has no callback for them. */
function callbackOf(code: HandlerCode, { callback }: Delivery): Callback | undefined {
  return callback === "event" ? code.event : (code[callback] ?? code.info);
}

/** A handler that a callback names, as if it had come in a request. */
export function toAdd({ name, id, args, code }: HandlerReference): HandlerToAdd {
  return { name, id, args, code: code === undefined ? undefined : opaque(code) };
}

function shown({ status }: HandlerCode, state: unknown): unknown {
  if (status === undefined) return state;
  try {
    const seen = status(state);
    return isThenable(seen) ? undefined : seen;
  } catch {
    // It is the failure of another callback that is being reported.
    return undefined;
  }
}

function isNotification(request: unknown): request is readonly ["notify", unknown] {
  return Array.isArray(request) && request.length === 2 && request[0] === "notify";
}

function isHandlerRequest(request: unknown): request is HandlerRequest {
  return (
    typeof request === "object" &&
    request !== null &&
    (request as { readonly type?: unknown }).type === "eventHandler"
  );
}
