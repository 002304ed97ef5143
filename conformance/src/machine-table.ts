/**
 * Rule tables: what a scripted state machine does about each event.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html (callback functions)
 */
import type { Json, JsonObject } from "./program.js";
import type { Ret } from "./directive.js";
import { matches, type Value } from "./term.js";

/** An event, as its callback sees it in Erlang. */
export interface MachineEvent {
  /** `"call"` whoever called. */
  readonly type: Value;
  readonly content: Value;
}

/** What to do about an event. */
export interface Rule {
  /** State, type and content that it is for; each may be left out. */
  readonly s?: Json;
  readonly e?: Json;
  readonly c?: Json;
  /** How often it may be used. */
  readonly max?: number;
  readonly json: JsonObject;
}

export class MachineTable {
  readonly json: JsonObject;
  readonly rules: readonly Rule[];
  /** How often each rule was used. */
  readonly #used = new Map<Rule, number>();

  constructor(json: JsonObject) {
    this.json = json;
    const rules = (json.rules ?? []) as readonly JsonObject[];
    this.rules = rules.map((rule) => ({ ...rule, json: rule }) as unknown as Rule);
  }

  get makesEnterCalls(): boolean {
    return this.json.enter === true;
  }

  /** Has each state a function of its own? Else there is one for all. */
  get hasStateFunctions(): boolean {
    return this.json.mode === "state_functions";
  }

  /** The first rule for the event that is not used up, and uses it. */
  select(state: Value, event: MachineEvent, decode: (term: Json) => Value): Rule | undefined {
    const fits = (pattern: Json | undefined, value: Value): boolean =>
      pattern === undefined || matches(decode(pattern), value);
    const rule = this.rules.find(
      (each) =>
        fits(each.s, state) &&
        fits(each.e, event.type) &&
        fits(each.c, event.content) &&
        (this.#used.get(each) ?? 0) < (each.max ?? Infinity),
    );
    if (rule !== undefined) this.#used.set(rule, (this.#used.get(rule) ?? 0) + 1);
    return rule;
  }

  /** The states that a rule may lead to, the first state included. */
  get states(): readonly Json[] {
    const first = this.retOf(this.json.init as JsonObject | undefined, ["ok", "a"]);
    const next = this.rules.map(({ json }) => this.retOf(json, ["keep_state_and_data"]));
    return [first, ...next]
      .filter(([kind]) => kind === "ok" || kind === "next_state")
      .map(([, state]) => state as Json);
  }

  /** The names of the timeouts that it may set or insert. */
  get timeoutNames(): readonly Json[] {
    const init = (this.json.init ?? {}) as JsonObject;
    const actions = [init, ...this.rules.map(({ json }) => json)].flatMap(
      ({ acts = [] }) => acts as readonly (readonly Json[])[],
    );
    return actions.flatMap(([kind, first]) => {
      if (kind === "timeout") return [first as Json];
      return kind === "next_event" && Array.isArray(first) ? [first[1] as Json] : [];
    });
  }

  retOf(json: JsonObject | undefined, byDefault: Ret): Ret {
    return (json?.ret ?? byDefault) as Ret;
  }
}
