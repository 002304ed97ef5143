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

/** All that are set, in no order but that of those that are over. */
export interface Timeouts {
  readonly set: readonly SetTimeout[];
  /** The number of the timer that was started last. */
  readonly lastTimer: number;
}

/** What to do about timers; each has a number of its own. */
export type TimerEffect =
  | { readonly type: "startTimer"; readonly timer: number; readonly when: When }
  | { readonly type: "cancelTimer"; readonly timer: number };

/** From now on, or by the clock of the node. */
export type When = { readonly ms: number } | { readonly atMs: number };

export const noTimeouts: Timeouts = { set: [], lastTimer: 0 };

const eventTimeout: TimeoutId = { type: "eventTimeout" };
const stateTimeout: TimeoutId = { type: "stateTimeout" };

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
  const isOver = ({ timeout }: SetTimeout): boolean =>
    timeout.type === "eventTimeout" || (stateChanged && timeout.type === "stateTimeout");
  if (!timeouts.set.some(isOver)) return { timeouts, effects: [] };
  const table = new Table(timeouts);
  table.end(eventTimeout);
  if (stateChanged) table.end(stateTimeout);
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
  const table = new Table(timeouts);
  const counted = actions.filter(
    ({ timeout }, i) => !actions.slice(i + 1).some((later) => isSame(later.timeout, timeout)),
  );
  for (const { timeout, setting } of counted) table.carryOut(timeout, setting);
  return table.result();
}

/** The timer has fired: its event, unless it was cancelled. */
export function timerFired(
  timeouts: Timeouts,
  timer: number,
): { readonly timeouts: Timeouts; readonly event: StateMachineEvent } | undefined {
  return take(
    timeouts,
    timeouts.set.find((one) => one.timer === timer),
  );
}

/** The event of the timeout that is over for the longest time, if any is. */
export function takeTimeoutThatIsOver(
  timeouts: Timeouts,
): { readonly timeouts: Timeouts; readonly event: StateMachineEvent } | undefined {
  return take(
    timeouts,
    timeouts.set.find((one) => one.timer === undefined),
  );
}

/** What is set, as the machine would see it. */
export function listTimeouts({ set }: Timeouts): readonly TimeoutEvent[] {
  return set.map(eventOf);
}

function take(
  timeouts: Timeouts,
  one: SetTimeout | undefined,
): { readonly timeouts: Timeouts; readonly event: StateMachineEvent } | undefined {
  if (one === undefined) return undefined;
  const set = timeouts.set.filter((other) => other !== one);
  return { timeouts: { ...timeouts, set }, event: eventOf(one) };
}

function eventOf({ timeout, content }: SetTimeout): TimeoutEvent {
  return { ...timeout, content };
}

function isSame(a: TimeoutId, b: TimeoutId): boolean {
  if (a.type === "timeout") return b.type === "timeout" && a.name === b.name;
  return a.type === b.type;
}

/** A table in the middle of its change. */
class Table {
  readonly #set: SetTimeout[];
  readonly #effects: TimerEffect[] = [];
  #lastTimer: number;

  constructor({ set, lastTimer }: Timeouts) {
    this.#set = [...set];
    this.#lastTimer = lastTimer;
  }

  result(): { readonly timeouts: Timeouts; readonly effects: readonly TimerEffect[] } {
    return {
      timeouts: { set: this.#set, lastTimer: this.#lastTimer },
      effects: this.#effects,
    };
  }

  carryOut(timeout: TimeoutId, setting: TimeoutSetting): void {
    if (setting === "cancel") return this.end(timeout);
    if ("update" in setting) return this.#update(timeout, setting.update);
    const { content } = setting;
    const when: When = "ms" in setting ? { ms: setting.ms } : { atMs: setting.atMs };
    // Those that are over stand in the order of the list: what is over again goes to its end.
    this.end(timeout);
    if ("ms" in when && when.ms === 0) this.#set.push({ timeout, timer: undefined, content });
    else if (("ms" in when ? when.ms : when.atMs) !== Infinity) {
      const timer = ++this.#lastTimer;
      this.#effects.push({ type: "startTimer", timer, when });
      this.#set.push({ timeout, timer, content });
    }
  }

  end(timeout: TimeoutId): void {
    const index = this.#find(timeout);
    if (index === -1) return;
    const [{ timer }] = this.#set.splice(index, 1) as [SetTimeout];
    if (timer !== undefined) this.#effects.push({ type: "cancelTimer", timer });
  }

  #update(timeout: TimeoutId, content: unknown): void {
    const index = this.#find(timeout);
    if (index === -1) this.#set.push({ timeout, timer: undefined, content });
    else this.#set[index] = { ...(this.#set[index] as SetTimeout), content };
  }

  #find(timeout: TimeoutId): number {
    return this.#set.findIndex((one) => isSame(one.timeout, timeout));
  }
}
