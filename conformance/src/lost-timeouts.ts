/**
 * Timeouts that OTP loses: one that is over, and is set to a later time before its turn has come.
 *
 * In Coppice it is over then, as if it had been set anew. `gen_statem` starts the timer, but forgets its
 * reference: what was set neither comes nor changes any more, and the timer arrives as a message.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html#type-timeout_action
 */
import type { StateActions, TimeoutSetting } from "@coppice/supervisor";
import type { Value } from "./term.js";

/** What a timeout was set with, so that its event is told from one that was inserted. */
export class TimeoutContent {
  readonly value: Value;
  /** It comes again when it is postponed. */
  hasCome = false;

  constructor(value: Value) {
    this.value = value;
  }
}

export function valueOf(content: unknown): Value {
  return content instanceof TimeoutContent ? content.value : (content as Value);
}

/** A timer whose message arrives: after `ms`, `type` being OTP's for the timeout. */
export interface LostTimer {
  readonly ms: number;
  readonly type: Value;
}

/** Which timeout, and as OTP has it. */
interface Timeout {
  readonly key: string;
  readonly type: Value;
  readonly cancel: StateActions;
}

const STATE: Timeout = {
  key: "state",
  type: "state_timeout",
  cancel: { stateTimeout: "cancel" },
};
const EVENT: Timeout = { key: "event", type: "timeout", cancel: { eventTimeout: "cancel" } };

function named(name: string): Timeout {
  const type: Value = ["timeout", JSON.parse(name) as Value];
  return { key: `timeout ${name}`, type, cancel: { timeouts: { [name]: "cancel" } } };
}

/** The timeouts of one machine, as OTP knows them. */
export class LostTimeouts {
  readonly #set = new Map<string, "runs" | "over" | "lost">();
  /** What was set in this transition so far. */
  readonly #settings = new Map<string, readonly [Timeout, TimeoutSetting]>();
  #stateChanges = false;

  /** A timeout event has come. */
  come(event: { readonly type: string; readonly name?: string; readonly content?: unknown }): void {
    const { content } = event;
    if (!(content instanceof TimeoutContent) || content.hasCome) return;
    content.hasCome = true;
    this.#set.delete(timeoutOf(event).key);
  }

  /** A callback wants this done; an enter call may follow, which belongs to the same transition. */
  want(actions: readonly StateActions[], stateChanges: boolean): void {
    this.#stateChanges ||= stateChanges;
    for (const { stateTimeout, eventTimeout, timeouts = {} } of actions) {
      if (stateTimeout !== undefined) this.#want(STATE, stateTimeout);
      if (eventTimeout !== undefined) this.#want(EVENT, eventTimeout);
      for (const [name, setting] of Object.entries(timeouts)) {
        if (setting !== undefined) this.#want(named(name), setting);
      }
    }
  }

  #want(timeout: Timeout, setting: TimeoutSetting): void {
    this.#settings.set(timeout.key, [timeout, setting]);
  }

  /** The transition ends: which settings Coppice is not to carry out, and the timers in their place. */
  settle(): { readonly cancel: readonly StateActions[]; readonly timers: readonly LostTimer[] } {
    this.#set.delete(EVENT.key);
    if (this.#stateChanges) this.#set.delete(STATE.key);
    const cancel: StateActions[] = [];
    const timers: LostTimer[] = [];
    for (const [timeout, setting] of this.#settings.values()) {
      const { key, type } = timeout;
      const before = this.#set.get(key);
      const { ms } = setting as { readonly ms?: number };
      if (setting === "cancel" || ms === Infinity) this.#set.delete(key);
      else if (ms === 0) this.#set.set(key, "over");
      else if (ms === undefined) {
        if (before === undefined) this.#set.set(key, "over");
        if (before === "lost") cancel.push(timeout.cancel);
      } else if (before === undefined || before === "runs") this.#set.set(key, "runs");
      else {
        this.#set.set(key, "lost");
        cancel.push(timeout.cancel);
        timers.push({ ms, type });
      }
    }
    this.#settings.clear();
    this.#stateChanges = false;
    return { cancel, timers };
  }
}

function timeoutOf({ type, name }: { readonly type: string; readonly name?: string }): Timeout {
  if (name !== undefined) return named(name);
  return type === "stateTimeout" ? STATE : EVENT;
}
