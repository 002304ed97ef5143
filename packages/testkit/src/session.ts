/**
 * Sessions: who of two may say what when, as a type that is data and becomes an automaton.
 *
 * Honda, Vasconcelos and Kubo, Language primitives and type discipline for structured communication-based
 * programming (1998); the automata are those of Brand and Zafiropulo, On communicating finite-state
 * machines (1983).
 */
import { checkKeys, formatTerm, InvalidArgumentError } from "@coppice/core";
import { checkBoolean, isText } from "./arguments.js";

/**
 * One side of a conversation.
 *
 * | form | this side |
 * | --- | --- |
 * | `{ send: { label: then, … } }` | says one of these, and goes on |
 * | `{ receive: { label: then, … }, timeout?: then }` | hears one of these; may tire of waiting |
 * | `{ send, receive }` | says or hears, whichever comes first |
 * | `{ rec: name, body }`, `{ jump: name }` | starts over from `body` |
 * | `"end"` | has nothing more to say or to hear |
 */
export type SessionType =
  | {
      readonly send?: Readonly<Record<string, SessionType>>;
      readonly receive?: Readonly<Record<string, SessionType>>;
      readonly timeout?: SessionType;
      /** The conversation may rest here. */
      readonly final?: boolean;
    }
  | { readonly rec: string; readonly body: SessionType }
  | { readonly jump: string }
  | "end";

/** A side as an automaton; state 0 is the first. */
export interface SessionAutomaton {
  readonly states: readonly SessionState[];
}

export interface SessionState {
  readonly send: Readonly<Record<string, number>>;
  readonly receive: Readonly<Record<string, number>>;
  readonly timeout: number | undefined;
  readonly final: boolean;
}

/**
 * Makes the automaton of a side.
 *
 * @throws InvalidArgumentError a `jump` to what is not around it, or a `rec` whose body is a jump alone
 * @example
 * import { sessionAutomaton } from "@coppice/testkit";
 * const client = sessionAutomaton({
 *   rec: "again",
 *   body: { send: { ask: { receive: { answer: { jump: "again" } } }, bye: "end" }, final: true },
 * });
 * client.states.map(({ send, receive }) => [send, receive]);
 * // => [[{ ask: 1, bye: 2 }, {}], [{}, { answer: 0 }], [{}, {}]]
 */
export function sessionAutomaton(type: SessionType): SessionAutomaton {
  checkSession(type);
  const states: SessionState[] = [];
  const build = (at: SessionType, names: ReadonlyMap<string, number>, own?: number): number => {
    if (at === "end") {
      return states.push({ send: {}, receive: {}, timeout: undefined, final: true }) - 1;
    }
    if ("jump" in at) {
      const target = names.get(at.jump);
      if (target === undefined || target === own) {
        const expected = "the name of a rec around it that says or hears something first";
        throw new InvalidArgumentError("session: jump", expected, at.jump);
      }
      return target;
    }
    if ("rec" in at) {
      const place = own ?? states.length;
      return build(at.body, new Map(names).set(at.rec, place), place);
    }
    const place = states.length;
    states.push({ send: {}, receive: {}, timeout: undefined, final: at.final ?? false });
    const follow = (branches: Readonly<Record<string, SessionType>> = {}): Record<string, number> =>
      Object.fromEntries(
        Object.entries(branches).map(([label, then]) => [label, build(then, names)]),
      );
    states[place] = {
      send: follow(at.send),
      receive: follow(at.receive),
      timeout: at.timeout === undefined ? undefined : build(at.timeout, names),
      final: at.final ?? false,
    };
    return place;
  };
  build(type, new Map());
  return { states };
}

/**
 * The other side of a conversation: hears what this one says, and says what it hears.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function dual(type: SessionType): SessionType {
  checkSession(type);
  return dualOf(type);
}

function dualOf(type: SessionType): SessionType {
  if (type === "end" || "jump" in type) return type;
  if ("rec" in type) return { rec: type.rec, body: dualOf(type.body) };
  const turn = (branches: Readonly<Record<string, SessionType>>): Record<string, SessionType> =>
    Object.fromEntries(Object.entries(branches).map(([label, then]) => [label, dualOf(then)]));
  return {
    ...(type.receive === undefined ? {} : { send: turn(type.receive) }),
    ...(type.send === undefined ? {} : { receive: turn(type.send) }),
    ...(type.final === undefined ? {} : { final: type.final }),
  };
}

/** Misspelt, a side would say and hear nothing, and fit with everything. */
function checkSession(type: SessionType): void {
  if (type === "end") return;
  if (typeof type !== "object" || type === null) {
    const expected = `"end", or what this side says and hears, as { send: { label: then } }`;
    throw new InvalidArgumentError("session: type", expected, type);
  }
  if ("jump" in type) return checkKeys("session: type", type, ["jump"]);
  if ("rec" in type) {
    checkKeys("session: type", type, ["rec", "body"]);
    return checkSession(type.body);
  }
  checkKeys("session: type", type, ["send", "receive", "timeout", "final"]);
  const { send, receive, timeout, final } = type;
  checkBoolean("session: final", final);
  for (const [what, branches] of Object.entries({ send, receive })) {
    if (branches === undefined) continue;
    if (typeof branches !== "object" || branches === null || Object.keys(branches).length === 0) {
      const expected = "what follows after each label, as { label: then }";
      throw new InvalidArgumentError(`session: ${what}`, expected, branches);
    }
    for (const then of Object.values(branches)) checkSession(then);
  }
  if (timeout !== undefined) checkSession(timeout);
  if (send === undefined && receive === undefined) {
    throw new InvalidArgumentError(
      "session: type",
      `"end", or something to send or to receive`,
      type,
    );
  }
}

/** Something that happened at one side. A timeout is not told of: the automaton allows for it. */
export interface SessionAct {
  readonly type: "send" | "receive";
  readonly label: string;
}

/** Follows one side; several states, because nobody tells it of timeouts. */
export interface SessionFollower {
  /** Returns what is wrong with the act, or `undefined`. After the first wrong one nothing is said. */
  act(act: SessionAct): string | undefined;
  /** Returns what is still to come although nothing more happens, or `undefined`. */
  atRest(): string | undefined;
}

export function followSession(automaton: SessionAutomaton): SessionFollower {
  const { states } = automaton;
  let now = withTimeouts(automaton, [0]);
  const allowed = (): string => {
    const acts = now.flatMap((at) => {
      const { send, receive } = states[at] as SessionState;
      return [
        ...Object.keys(send).map((label) => `send ${label}`),
        ...Object.keys(receive).map((label) => `receive ${label}`),
      ];
    });
    return acts.length === 0 ? "nothing more" : [...new Set(acts)].join(", ");
  };
  let isWrong = false;
  return {
    act({ type, label }) {
      if (isWrong) return undefined;
      const next = now.flatMap((at) => (states[at] as SessionState)[type][label] ?? []);
      if (next.length === 0) {
        isWrong = true;
        return `${type} ${label}, where it may: ${allowed()}`;
      }
      now = withTimeouts(automaton, next);
      return undefined;
    },
    atRest() {
      if (isWrong || now.some((at) => (states[at] as SessionState).final)) return undefined;
      return `at rest, where it should: ${allowed()}`;
    },
  };
}

function withTimeouts({ states }: SessionAutomaton, from: readonly number[]): number[] {
  const all = new Set(from);
  for (const at of all) {
    const { timeout } = states[at] as SessionState;
    if (timeout !== undefined) all.add(timeout);
  }
  return [...all];
}

export interface CrossingProblem {
  /**
   * | type | |
   * | --- | --- |
   * | `"unexpected"` | a message comes where its receiver waits for others |
   * | `"orphan"` | a message comes to a side that has ended |
   * | `"deadlock"` | both wait, and nothing is under way |
   */
  readonly type: "unexpected" | "orphan" | "deadlock";
  /** How it comes to that: a shortest way. */
  readonly trace: readonly string[];
}

export interface CrossingVerdict {
  readonly problems: readonly CrossingProblem[];
  /** Whether all was looked at: no queue came to its bound. */
  readonly complete: boolean;
}

export interface CrossingOptions {
  /** How many messages may be under way in each direction; 4 by default. */
  readonly bound?: number;
  /** What the sides are called in traces; `["a", "b"]` by default. */
  readonly names?: readonly [string, string];
}

/**
 * Runs two sides against each other in all ways, with messages that take their time: finds crossings
 * that neither side alone shows.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { checkCrossing, dual } from "@coppice/testkit";
 * const impatient = { send: { ask: { receive: { answer: "end" }, timeout: { send: { bye: "end" } } } } } as const;
 * const patient = { receive: { ask: { send: { answer: { receive: { bye: "end" }, final: true } } } } } as const;
 * checkCrossing(impatient, patient).problems.map(({ type }) => type); // => ["orphan"]
 * checkCrossing(patient, dual(patient)); // => { problems: [], complete: true }
 */
export function checkCrossing(
  a: SessionType,
  b: SessionType,
  options: CrossingOptions = {},
): CrossingVerdict {
  checkKeys("checkCrossing: options", options, ["bound", "names"]);
  const { bound = 4, names = ["a", "b"] } = options;
  if (!(Number.isInteger(bound) && bound > 0)) {
    throw new InvalidArgumentError(
      "checkCrossing: options.bound",
      "a whole number greater than 0",
      bound,
    );
  }
  if (!Array.isArray(names) || names.length !== 2 || !names.every(isText)) {
    throw new InvalidArgumentError("checkCrossing: options.names", "two names", names);
  }
  const sides = [sessionAutomaton(a), sessionAutomaton(b)] as const;
  const first: Crossing = { at: [0, 0], queues: [[], []], trace: [] };
  const queue = [first];
  const seen = new Set([keyOfCrossing(first)]);
  const problems = new Map<string, CrossingProblem>();
  let complete = true;
  const report = (type: CrossingProblem["type"], where: string, trace: readonly string[]): void => {
    if (!problems.has(`${type} ${where}`)) problems.set(`${type} ${where}`, { type, trace });
  };
  for (const config of queue) {
    const next: Crossing[] = [];
    for (const side of [0, 1] as const) {
      const state = sides[side].states[config.at[side]] as SessionState;
      const name = names[side];
      const go = (to: number, queues: Crossing["queues"], said: string): void => {
        const at: Crossing["at"] = side === 0 ? [to, config.at[1]] : [config.at[0], to];
        next.push({ at, queues, trace: [...config.trace, `${name} ${said}`] });
      };
      const [inbox, outbox] = [
        config.queues[side] as readonly string[],
        config.queues[1 - side] as readonly string[],
      ];
      const queuesWith = (mine: readonly string[], other: readonly string[]): Crossing["queues"] =>
        side === 0 ? [mine, other] : [other, mine];
      for (const [label, to] of Object.entries(state.send)) {
        if (outbox.length >= bound) complete = false;
        else go(to, queuesWith(inbox, [...outbox, label]), `sends ${label}`);
      }
      if (state.timeout !== undefined) go(state.timeout, config.queues, "times out");
      const [head, ...rest] = inbox;
      if (head === undefined) continue;
      const to = state.receive[head];
      const [sends, hears] = [
        Object.keys(state.send).length > 0,
        Object.keys(state.receive).length > 0,
      ];
      if (to !== undefined) go(to, queuesWith(rest, outbox), `receives ${head}`);
      else if (hears)
        report("unexpected", `${name} ${config.at[side]} ${head}`, [
          ...config.trace,
          `${name} gets ${head}`,
        ]);
      else if (!sends && state.timeout === undefined) {
        report("orphan", `${name} ${config.at[side]} ${head}`, [
          ...config.trace,
          `${name} gets ${head}`,
        ]);
      }
    }
    const resting = ([0, 1] as const).every(
      (side) => (sides[side].states[config.at[side]] as SessionState).final,
    );
    const isEmpty = config.queues.every((each) => each.length === 0);
    if (next.length === 0 && isEmpty && !resting)
      report("deadlock", config.at.join(), config.trace);
    for (const each of next) {
      const key = keyOfCrossing(each);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push(each);
    }
  }
  return { problems: [...problems.values()], complete };
}

interface Crossing {
  readonly at: readonly [number, number];
  /** What is under way to the first, and to the second. */
  readonly queues: readonly [readonly string[], readonly string[]];
  readonly trace: readonly string[];
}

function keyOfCrossing({ at, queues }: Crossing): string {
  return formatTerm([at, queues], Infinity);
}
