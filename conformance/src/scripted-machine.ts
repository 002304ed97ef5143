/**
 * A state machine whose callbacks look events up in a rule table.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html (callback functions)
 */
import { isCrash, type ExitReason, type From, type Ref, type Startable } from "@coppice/core";
import {
  defineStateMachine,
  InvalidStateResultError,
  type EnterCall,
  type Reply,
  type StateMachineEvent,
  type StateMachineSelf,
} from "@coppice/supervisor";
import { follow, Directive, type Ret } from "./directive.js";
import { LostTimeouts } from "./lost-timeouts.js";
import { HANDLE, type Afterwards, type MachineMessage } from "./machine-request.js";
import {
  resultOf,
  resultOfTerm,
  termsOfEvent,
  timeoutName,
  withActions,
  type Circumstances,
  type MachineResult,
} from "./machine-return.js";
import type { MachineEvent, MachineTable, Rule } from "./machine-table.js";
import { isPromise, leave, type Actor, type Callers, type Scope } from "./op.js";
import type { Json, JsonObject } from "./program.js";
import { asRaised, Raised } from "./raised.js";
import { decode, isArray, type Value } from "./term.js";
import { termOfMessage, termOfReason } from "./translation.js";
import type { World } from "./world.js";

/** What a program says of a state machine that it starts. */
export interface MachineScript {
  readonly name: string;
  readonly table: MachineTable;
  /** The step that starts it, and what its variables stand for. */
  readonly step: number;
  readonly scope: Scope;
}

interface MachineActor extends Actor {
  readonly callers: Callers;
}

/** A state with its data. */
interface At {
  readonly state: Value;
  readonly data: Value;
}

type Event = StateMachineEvent | EnterCall<Value>;

/** The states that have functions, where states have functions. */
const STATES = ["a", "b", "c", "d"];

export class ScriptedMachine {
  readonly #world: World;
  readonly #script: MachineScript;
  #actor: MachineActor | undefined;
  /** By caller: where replies go after the first. */
  readonly #afterwards = new Map<Ref, Ref>();
  /** The same, of callers that were replied to. */
  readonly #replied = new Map<Ref, Ref>();
  readonly #timeouts = new LostTimeouts();
  /** What its last callback has raised. */
  #raised: Raised | undefined;

  constructor(world: World, script: MachineScript) {
    this.#world = world;
    this.#script = script;
  }

  /** The behaviour to start: with functions for each state, or one for all, as its table says. */
  get behaviour(): Startable<MachineMessage> {
    const { table } = this.#script;
    const inFunctions = table.hasStateFunctions && table.states.every(isStateFunction);
    const definition = {
      init: (self: StateMachineSelf): unknown => this.#init(self),
      terminate: (at: At, reason: ExitReason) => this.#terminate(at, reason),
      ...(inFunctions ? { states: this.#stateFunctions() } : this.#eventHandler()),
    };
    return defineStateMachine(definition as never) as unknown as Startable<MachineMessage>;
  }

  #eventHandler(): object {
    return {
      enterCalls: this.#script.table.makesEnterCalls,
      handleEvent: (event: Event, at: At) => this.#handle(event, at),
    };
  }

  #stateFunctions(): object {
    return Object.fromEntries(STATES.map((state) => [state, this.#stateFunction(state)]));
  }

  /** A state as an object of callbacks; each has its own, so that the library has to find the right one. */
  #stateFunction(state: string): object {
    const { table } = this.#script;
    const handle = (data: Value, event: Event): unknown => this.#handle(event, { state, data });
    const request = (type: "cast" | "internal") => ({
      [HANDLE]: (data: Value, content: Value) => handle(data, { type, request: [HANDLE, content] }),
    });
    const call = (data: Value, content: Value, afterwards: Afterwards, self: StateMachineSelf) => {
      const from = self.from as From<never>;
      return handle(data, { type: "call", request: [HANDLE, content, afterwards], from });
    };
    const timeouts = table.timeoutNames.map((json) => {
      const name = timeoutName(json);
      const callback = (data: Value, content: Value): unknown =>
        handle(data, { type: "timeout", name, content });
      return [name, callback];
    });
    return {
      ...(table.makesEnterCalls && { enter: handle }),
      call: { [HANDLE]: call },
      cast: request("cast"),
      internal: request("internal"),
      info: (data: Value, message: unknown) => handle(data, { type: "info", message }),
      stateTimeout: (data: Value, content: Value) =>
        handle(data, { type: "stateTimeout", content }),
      eventTimeout: (data: Value, content: Value) =>
        handle(data, { type: "eventTimeout", content }),
      timeout: Object.fromEntries(timeouts),
    };
  }

  get #self(): MachineActor {
    return this.#actor as MachineActor;
  }

  readonly #decode = (term: Json): Value =>
    decode(term, (name) => (name === "self" ? this.#self.self.pid : this.#script.scope.get(name)));

  // ── callbacks ───────────────────────────────────────────────────────────────────────────────────

  #init(self: StateMachineSelf): unknown {
    const { name, table, step, scope } = this.#script;
    const callers: Callers = { current: undefined, saved: new Map() };
    this.#actor = { world: this.#world, name, self: self as Actor["self"], step, callers };
    this.#world.bind(name, self.pid);
    scope.set(name, self.pid);
    this.#log("init");
    const init = (table.json.init ?? {}) as JsonObject;
    const data = this.#decode(init.data ?? 0);
    const begun = this.#follow(init, ["ok", "a"], ([kind, argument = null]) => {
      if (kind === "ignore") return { ignore: true };
      if (kind === "stop" && argument !== null) return { stop: this.#decode(argument) };
      if (kind !== "ok") return kind === "stop" ? kind : this.#decode(argument);
      const acts = (init.acts ?? []) as readonly Json[];
      const { actions } = resultOf(["keep_state_and_data"], acts, this.#circumstances(data)) as {
        readonly actions: unknown;
      };
      return { state: this.#decode(argument), data, actions };
    });
    return this.#withLosses(begun, undefined);
  }

  #handle(event: Event, { state, data }: At): unknown {
    const { table } = this.#script;
    const from = event.type === "call" ? (event.from as From<Value>) : undefined;
    const seen: MachineEvent =
      event.type === "enter"
        ? { type: "enter", content: event.from }
        : termsOfEvent(event, termOfMessage);
    const type: Value = from === undefined ? seen.type : ["call", from.owner];
    if (table.hasStateFunctions && !isStateFunction(state as Json)) {
      return leave(this.#self, this.#raise(new Raised("error", "badarg")));
    }
    if (event.type.endsWith("imeout")) this.#timeouts.come(event);
    this.#log(...[type, seen.content, state, data].map((term) => this.#world.encode(term)));
    this.#self.callers.current = from;
    if (event.type === "call") this.#remember(event);
    const rule = table.select(state, seen, this.#decode);
    const result = rule === undefined ? {} : this.#obey(rule, data, from);
    return this.#withLosses(result, state);
  }

  /** What a callback in a state returns, but for timeouts that OTP loses. */
  #withLosses(returned: unknown, state: Value | undefined): unknown {
    if (isPromise(returned)) {
      return returned.then((result) => this.#withLosses(result, state));
    }
    if (typeof returned !== "object" || returned === null || isArray(returned)) return returned;
    const result = returned as MachineResult & { readonly ignore?: true };
    if (result.stop !== undefined || result.ignore === true) return returned;
    const { next, repeat, actions = [] } = result;
    const stateChanges = state !== undefined && next !== undefined && !this.#isSame(next, state);
    this.#timeouts.want(actions, stateChanges);
    const isEntered = state === undefined || stateChanges || repeat === true;
    if (isEntered && this.#script.table.makesEnterCalls) return returned;
    const { cancel, timers } = this.#timeouts.settle();
    const { self } = this.#self;
    for (const { ms, type } of timers) self.startTimer(self.pid, ms, type);
    return cancel.length === 0 ? returned : withActions(result, cancel);
  }

  /** Where to reply to this call when it was replied to. */
  #remember({ from, request }: Extract<Event, { readonly type: "call" }>): void {
    const [, , afterwards] = request as readonly [string, Value, Afterwards];
    this.#afterwards.set(from, afterwards);
  }

  #isSame(one: Value, other: Value): boolean {
    const [first, second] = [one, other].map((term) => JSON.stringify(this.#world.encode(term)));
    return first === second;
  }

  #obey({ json }: Rule, before: Value, from: From<Value> | undefined): unknown {
    const { callers } = this.#self;
    if (json.save !== undefined && from !== undefined) callers.saved.set(json.save as string, from);
    const data = json.data === undefined ? before : this.#decode(json.data);
    const acts = (json.acts ?? []) as readonly Json[];
    return this.#follow(json, ["keep_state_and_data"], (ret) =>
      resultOf(ret, acts, this.#circumstances(data)),
    );
  }

  #terminate({ state, data }: At, reason: ExitReason): unknown {
    this.#log(
      "terminate",
      ...[this.#termOfEnd(reason), state, data].map((term) => this.#world.encode(term)),
    );
    const json = (this.#script.table.json.terminate ?? {}) as JsonObject;
    return this.#follow(json, ["ok"], () => undefined);
  }

  /** An error of its own callback has no stack where terminate sees it. */
  #termOfEnd(reason: ExitReason): Value {
    const term = termOfReason(reason);
    const isOwn =
      this.#raised?.class === "error" ||
      (isCrash(reason) && reason.error instanceof InvalidStateResultError);
    return isOwn && typeof term === "object" && "crash" in term ? term.crash : term;
  }

  // ── what they have in common ────────────────────────────────────────────────────────────────────

  #log(...entry: Json[]): void {
    this.#world.log.push([this.#script.name, ...entry]);
  }

  #circumstances(data: Value): Circumstances {
    const { current, saved } = this.#self.callers;
    return {
      data,
      decode: this.#decode,
      replyTo: (key, reply) =>
        this.#reply(key === undefined ? current : saved.get(key as string), reply),
    };
  }

  /** A reply as an action. One that Erlang sends as a message goes to an alias, with a reference. */
  #reply(from: From<Value> | undefined, reply: Value): Reply {
    const to = from === undefined ? this.#self.self.alias("reply") : this.#replied.get(from);
    if (from === undefined || to !== undefined) {
      return { to: to as From<never>, reply: [to as Ref, reply] };
    }
    this.#replied.set(from, this.#afterwards.get(from) as Ref);
    return { to: from, reply };
  }

  /** Does what a rule, `init` or `terminate` says, to its end: what it returns, or how it ends the machine. */
  #follow(json: JsonObject, byDefault: Ret, make: (ret: Ret) => unknown): unknown {
    const actor = this.#self;
    const directive = new Directive(actor.step, json, this.#script.scope);
    const failed = (thrown: unknown): unknown => {
      const raised = asRaised(thrown);
      // OTP takes what a callback throws for what it returns.
      if (raised?.class === "throw") return resultOfTerm(raised.reason);
      return leave(actor, raised === undefined ? thrown : this.#raise(raised));
    };
    try {
      const result = follow(actor, directive, byDefault, make);
      return isPromise(result) ? result.catch(failed) : result;
    } catch (thrown) {
      return failed(thrown);
    }
  }

  #raise(raised: Raised): Raised {
    this.#raised = raised;
    return raised;
  }
}

function isStateFunction(state: Json): boolean {
  return STATES.includes(state as string);
}
