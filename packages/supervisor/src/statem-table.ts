/** Which callback of which state handles an event. */
import { InvalidArgumentError, isPid, isRef } from "@coppice/core";
import type { StateMachineEvent } from "./statem-event.js";

/** A callback, as the process calls it. */
export type StateCallback = (...args: unknown[]) => unknown;

/** The callbacks of one state. No plain lookup by name: `constructor` is no request. */
interface State {
  readonly functions: ReadonlyMap<string, StateCallback>;
  readonly tables: ReadonlyMap<string, ReadonlyMap<unknown, StateCallback>>;
}

const FUNCTIONS = ["enter", "info", "down", "exit", "stateTimeout", "eventTimeout"];
const TABLES = ["call", "cast", "internal", "timeout"];

export class StateTable {
  /** The names of all states. */
  readonly names: ReadonlySet<unknown>;
  /** Does any state have an enter call? */
  readonly entersAny: boolean;
  readonly #states: ReadonlyMap<string, State>;
  readonly #anyState: State;

  /** @throws InvalidArgumentError a callback is unknown, or no function */
  constructor(states: Readonly<Record<string, object>>, anyState: object) {
    check("states", "an object of states", states);
    const entries = Object.entries(states);
    if (entries.length === 0) refuse("states", "an object of states", states);
    this.#states = new Map(
      entries.map(([name, state]) => [name, stateOf(`states.${name}`, state)]),
    );
    this.#anyState = stateOf("anyState", anyState);
    this.names = new Set(this.#states.keys());
    this.entersAny = [this.#anyState, ...this.#states.values()].some(({ functions }) =>
      functions.has("enter"),
    );
  }

  enter(name: string): StateCallback | undefined {
    return this.#function(name, "enter");
  }

  /** The callback of the state, else that of any state. */
  find(name: string, event: StateMachineEvent): StateCallback | undefined {
    switch (event.type) {
      case "call":
      case "cast":
      case "internal":
        return this.#request(name, event.type, event.request);
      case "info":
        return this.#function(name, kindOf(event.message)) ?? this.#function(name, "info");
      case "timeout":
        return this.#named(name, "timeout", event.name);
      default:
        return this.#function(name, event.type);
    }
  }

  /** What may be called in this state, for people. */
  expectedOf(name: string): string {
    const calls = [this.#in(name, "call"), this.#anyState.tables.get("call")];
    const names = new Set(calls.flatMap((table) => [...(table?.keys() ?? [])]));
    const known = [...names].map((each) => JSON.stringify(each)).join(", ");
    return known === ""
      ? `none at all, in the state ${JSON.stringify(name)}`
      : `a tuple that begins with ${known}, and has all its arguments, in the state ${JSON.stringify(name)}`;
  }

  #request(name: string, type: string, request: unknown): StateCallback | undefined {
    if (!Array.isArray(request)) return undefined;
    const callback = this.#named(name, type, request[0]);
    // `self` is the last parameter, so with too few arguments it would be found in the wrong place.
    return callback === undefined || request.length < callback.length - 1 ? undefined : callback;
  }

  #named(name: string, table: string, key: unknown): StateCallback | undefined {
    return this.#in(name, table)?.get(key) ?? this.#anyState.tables.get(table)?.get(key);
  }

  #function(name: string, key: string): StateCallback | undefined {
    return this.#states.get(name)?.functions.get(key) ?? this.#anyState.functions.get(key);
  }

  #in(name: string, table: string): ReadonlyMap<unknown, StateCallback> | undefined {
    return this.#states.get(name)?.tables.get(table);
  }
}

/** Calls a callback with what it takes: the data, what the event brings, and `self`. */
export function invoke(
  callback: StateCallback,
  data: unknown,
  event: StateMachineEvent,
  self: unknown,
): unknown {
  switch (event.type) {
    case "call":
    case "cast":
    case "internal": {
      const request = event.request as readonly unknown[];
      if (request.length === 1) return callback(data, self);
      if (request.length === 2) return callback(data, request[1], self);
      return callback(data, ...request.slice(1), self);
    }
    case "info":
      return callback(data, event.message, self);
    default:
      return callback(data, event.content, self);
  }
}

/** Messages that have callbacks of their own. */
function kindOf(message: unknown): "down" | "exit" | "info" {
  const { type, ref, from } = Object(message) as Partial<Record<string, unknown>>;
  if (type === "down" && isRef(ref)) return "down";
  return type === "exit" && isPid(from) ? "exit" : "info";
}

function stateOf(path: string, callbacks: object): State {
  check(path, "an object of callbacks", callbacks);
  const functions = new Map<string, StateCallback>();
  const tables = new Map<string, ReadonlyMap<unknown, StateCallback>>();
  for (const [key, value] of Object.entries(callbacks) as [string, unknown][]) {
    if (value === undefined) continue;
    if (FUNCTIONS.includes(key)) functions.set(key, checkFunction(`${path}.${key}`, value));
    else if (TABLES.includes(key)) {
      check(`${path}.${key}`, "an object of functions", value);
      const entries = Object.entries(value as object) as [string, unknown][];
      const named = entries.map(([name, callback]): [string, StateCallback] => [
        name,
        checkFunction(`${path}.${key}.${name}`, callback),
      ]);
      tables.set(key, new Map(named));
    } else refuse(`${path}.${key}`, `one of ${[...FUNCTIONS, ...TABLES].join(", ")}`, value);
  }
  return { functions, tables };
}

function check(path: string, expected: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(path, expected, value);
  }
}

function checkFunction(path: string, value: unknown): StateCallback {
  if (typeof value !== "function") refuse(path, "a function", value);
  return value as StateCallback;
}

function refuse(path: string, expected: string, received: unknown): never {
  throw new InvalidArgumentError(`defineStateMachine: ${path}`, expected, received);
}
