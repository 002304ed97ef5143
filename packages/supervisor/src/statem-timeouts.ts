/**
 * Timeouts of a state machine: which run, which are over at once, and what each setting changes. Pure.
 *
 * | timeout | ends by itself | how many |
 * | --- | --- | --- |
 * | state timeout | when the state changes | one |
 * | event timeout | with the next event, whatever it is | one |
 * | timeout with a name | never | one of each name |
 *
 * | setting | runs already | does not run |
 * | --- | --- | --- |
 * | `{ ms: 0 }` | as if it had not run | over at once, after all queued events, before the mailbox |
 * | `{ ms }`, `{ atMs }` | starts anew | starts |
 * | `{ update }` | has new content, its time stays | over at once, with that content |
 * | `"cancel"`, `{ ms: Infinity }` | ends | nothing |
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html#type-timeout_action
 */
import type { StateMachineEvent, TimeoutEvent } from "./statem-event.js";

/** How a timeout is set. The event has the `content`; `undefined` when there is none. */
export type TimeoutSetting =
  /** In `ms` milliseconds from now; with 0 it is no timer, but over at once. */
  | { readonly ms: number; readonly content?: unknown }
  /** When the node's clock shows `atMs`; if it does already, as soon as possible. */
  | { readonly atMs: number; readonly content?: unknown }
  /** With this content instead, when it is over anyway. */
  | { readonly update: unknown }
  | "cancel";

/** Which timeout: its event without the content. */
export type TimeoutId =
  | { readonly type: "stateTimeout" }
  | { readonly type: "eventTimeout" }
  | { readonly type: "timeout"; readonly name: string };

/** A setting, and of which timeout. */
export interface TimeoutAction {
  readonly timeout: TimeoutId;
  readonly setting: TimeoutSetting;
}

/** A timeout that is set. */
export interface SetTimeout {
  readonly timeout: TimeoutId;
  /** The number of its timer; `undefined` when it is over and waits for its turn. */
  readonly timer: number | undefined;
  readonly content: unknown;
}

/** All that are set. */
export interface Timeouts {
  /** By `keyOf`. */
  readonly set: ReadonlyMap<string, SetTimeout>;
  /** The keys of those that are over, in the order in which they were set. */
  readonly over: readonly string[];
  /** The number of the timer that was started last. */
  readonly lastTimer: number;
}

/** What to do about timers; each has a number of its own. */
export type TimerEffect =
  | { readonly type: "startTimer"; readonly timer: number; readonly when: When }
  | { readonly type: "cancelTimer"; readonly timer: number };

/** From now on, or by the clock of the node. */
export type When = { readonly ms: number } | { readonly atMs: number };

export const noTimeouts: Timeouts = { set: new Map(), over: [], lastTimer: 0 };

const STATE_TIMEOUT = "stateTimeout";
const EVENT_TIMEOUT = "eventTimeout";

/** The same for the same timeout. */
function keyOf(timeout: TimeoutId): string {
  return timeout.type === "timeout" ? `timeout ${timeout.name}` : timeout.type;
}

/** Is it a setting, with no time below 0 and nothing unknown in it? */
export function isTimeoutSetting(value: unknown): value is TimeoutSetting {
  if (value === "cancel") return true;
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  if ("update" in value) return keys.length === 1;
  const { ms, atMs } = value as { ms?: unknown; atMs?: unknown };
  const isTime =
    atMs === undefined
      ? typeof ms === "number" && ms >= 0
      : ms === undefined && typeof atMs === "number" && !Number.isNaN(atMs);
  return isTime && keys.every((key) => key === "ms" || key === "atMs" || key === "content");
}

/** An event was handled: the event timeout ends, and with a new state the state timeout. */
export function endTimeouts(
  timeouts: Timeouts,
  stateChanged: boolean,
): { readonly timeouts: Timeouts; readonly effects: readonly TimerEffect[] } {
  const { set } = timeouts;
  if (!set.has(EVENT_TIMEOUT) && !(stateChanged && set.has(STATE_TIMEOUT))) {
    return { timeouts, effects: [] };
  }
  const table = new Table(timeouts);
  table.end(EVENT_TIMEOUT);
  if (stateChanged) table.end(STATE_TIMEOUT);
  return table.result();
}

/**
 * Carries out the settings of one transition. Of several settings of one timeout the last alone
 * counts, as if the others were not there; what is over at once is so in the order of the list.
 */
export function setTimeouts(
  timeouts: Timeouts,
  actions: readonly TimeoutAction[],
): { readonly timeouts: Timeouts; readonly effects: readonly TimerEffect[] } {
  if (actions.length === 0) return { timeouts, effects: [] };
  const last = new Map(actions.map((action) => [keyOf(action.timeout), action]));
  const table = new Table(timeouts);
  for (const action of actions) {
    const key = keyOf(action.timeout);
    if (last.get(key) === action) table.carryOut(key, action);
  }
  return table.result();
}

/** What is left of a timeout that has come to its end. */
export interface TakenTimeout {
  readonly timeouts: Timeouts;
  readonly event: StateMachineEvent;
}

/** The timer has fired: its event, unless it was cancelled. */
export function timerFired(timeouts: Timeouts, timer: number): TakenTimeout | undefined {
  for (const [key, one] of timeouts.set) {
    if (one.timer === timer) return take(timeouts, key, one);
  }
  return undefined;
}

/** The event of the timeout that is over for the longest time, if any is. */
export function takeTimeoutThatIsOver(timeouts: Timeouts): TakenTimeout | undefined {
  const [key] = timeouts.over;
  return key === undefined ? undefined : take(timeouts, key, timeouts.set.get(key) as SetTimeout);
}

/** What is set, as the machine would see it. */
export function listTimeouts({ set }: Timeouts): readonly TimeoutEvent[] {
  return [...set.values()].map(eventOf);
}

function take(timeouts: Timeouts, key: string, one: SetTimeout): TakenTimeout {
  const table = new Table(timeouts);
  table.remove(key);
  return { timeouts: table.result().timeouts, event: eventOf(one) };
}

function eventOf({ timeout, content }: SetTimeout): TimeoutEvent {
  return { ...timeout, content };
}

/** A table in the middle of its change. */
class Table {
  readonly #set: Map<string, SetTimeout>;
  readonly #effects: TimerEffect[] = [];
  #over: readonly string[];
  #lastTimer: number;

  constructor({ set, over, lastTimer }: Timeouts) {
    this.#set = new Map(set);
    this.#over = over;
    this.#lastTimer = lastTimer;
  }

  result(): { readonly timeouts: Timeouts; readonly effects: readonly TimerEffect[] } {
    return {
      timeouts: { set: this.#set, over: this.#over, lastTimer: this.#lastTimer },
      effects: this.#effects,
    };
  }

  carryOut(key: string, { timeout, setting }: TimeoutAction): void {
    if (setting === "cancel") return this.end(key);
    if ("update" in setting) return this.#update(key, timeout, setting.update);
    const { content } = setting;
    const when: When = "ms" in setting ? { ms: setting.ms } : { atMs: setting.atMs };
    this.end(key);
    if ("ms" in when && when.ms === 0) this.#isOver(key, timeout, content);
    else if (("ms" in when ? when.ms : when.atMs) !== Infinity) {
      const timer = ++this.#lastTimer;
      this.#effects.push({ type: "startTimer", timer, when });
      this.#set.set(key, { timeout, timer, content });
    }
  }

  end(key: string): void {
    const timer = this.#set.get(key)?.timer;
    if (timer !== undefined) this.#effects.push({ type: "cancelTimer", timer });
    this.remove(key);
  }

  /** Takes it out; its timer, if it has one, is no concern any more. */
  remove(key: string): void {
    const one = this.#set.get(key);
    if (one === undefined) return;
    this.#set.delete(key);
    if (one.timer === undefined) this.#over = this.#over.filter((other) => other !== key);
  }

  #update(key: string, timeout: TimeoutId, content: unknown): void {
    const one = this.#set.get(key);
    if (one === undefined) this.#isOver(key, timeout, content);
    else this.#set.set(key, { ...one, content });
  }

  #isOver(key: string, timeout: TimeoutId, content: unknown): void {
    this.#set.set(key, { timeout, timer: undefined, content });
    this.#over = [...this.#over, key];
  }
}
