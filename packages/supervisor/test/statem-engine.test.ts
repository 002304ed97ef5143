import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createNode, type ExitReason, type From, type Pid } from "@coppice/core";
import { createVirtualClock } from "@coppice/testkit";
import {
  begin,
  callbackReturned,
  eventReceived,
  timerFired,
  type Decision,
  type Machine,
} from "../src/statem-engine.js";
import type { EnterCall, StateMachineEvent } from "../src/statem-event.js";
import { eventsIn } from "../src/statem-queue.js";
import type { BadResult, Result } from "../src/statem-result.js";

const node = createNode({ name: "demo", logger: false, clock: createVirtualClock() });

/** A reference as callers have it. */
function caller(): From<never> {
  return node.startTimer(node.pid as Pid<unknown>, 1, "never") as unknown as From<never>;
}

type Callback = (
  event: StateMachineEvent | EnterCall<unknown>,
  state: unknown,
  data: unknown,
) => unknown;

/** A mailbox and timers around the engine. What it does is written down in `done`. */
class Rehearsal {
  machine: Machine;
  readonly done: string[] = [];
  readonly replies: (readonly [to: From<never>, reply: unknown])[] = [];
  /** When each running timer fires, by its number. */
  readonly timers = new Map<number, number>();
  /** How many timers there were. */
  readonly timerCounts = { started: 0, cancelled: 0, fired: 0 };
  stopped: ExitReason | BadResult | undefined;
  nowMs = 0;
  readonly #callback: Callback;

  constructor(callback: Callback, init: Partial<Result> = {}, enterCalls = false) {
    this.#callback = callback;
    const { next: state = "a", data = 0, ...actions } = init;
    this.machine = this.#follow(begin({ state, data, enterCalls, actions }));
  }

  cast(...requests: unknown[]): this {
    for (const request of requests) this.on({ type: "cast", request });
    return this;
  }

  on(event: StateMachineEvent): this {
    if (this.stopped === undefined) this.machine = this.#follow(eventReceived(this.machine, event));
    return this;
  }

  /** Lets time pass. */
  advance(ms: number): this {
    const endMs = this.nowMs + ms;
    for (;;) {
      const [next] = [...this.timers].sort(([, a], [, b]) => a - b);
      if (this.stopped !== undefined || next === undefined || next[1] > endMs) break;
      const [timer, atMs] = next;
      this.timers.delete(timer);
      this.timerCounts.fired++;
      this.nowMs = Math.max(this.nowMs, atMs);
      const decision = timerFired(this.machine, timer);
      if (decision === undefined) throw new Error(`timer ${timer} had been cancelled`);
      this.machine = this.#follow(decision);
    }
    this.nowMs = endMs;
    return this;
  }

  /** What was done since it was last asked. */
  news(): string[] {
    return this.done.splice(0);
  }

  #follow(first: Decision): Machine {
    let decision = first;
    for (;;) {
      for (const effect of decision.effects) {
        switch (effect.type) {
          case "reply":
            this.replies.push([effect.to, effect.reply]);
            break;
          case "startTimer": {
            const { when } = effect;
            this.timerCounts.started++;
            this.timers.set(effect.timer, "ms" in when ? this.nowMs + when.ms : when.atMs);
            break;
          }
          case "cancelTimer":
            this.timerCounts.cancelled++;
            if (!this.timers.delete(effect.timer)) throw new Error("cancelled a timer twice");
            break;
          default:
            effect satisfies never;
        }
      }
      const { machine, next } = decision;
      switch (next.type) {
        case "receive":
          return machine;
        case "stop":
          this.stopped = next.reason;
          this.done.push(`stop ${JSON.stringify(machine.state)} ${JSON.stringify(machine.data)}`);
          return machine;
        case "fail":
          this.stopped = next.bad;
          this.done.push(`fail ${JSON.stringify(machine.state)} ${JSON.stringify(machine.data)}`);
          return machine;
        case "callback":
          this.done.push(describeEvent(next.event, next.state));
          decision = callbackReturned(machine, this.#callback(next.event, next.state, next.data));
          break;
        default:
          next satisfies never;
      }
    }
  }
}

/** `a cast x`, `b enter from a`, `a stateTimeout t`. */
function describeEvent(event: StateMachineEvent | EnterCall<unknown>, state: unknown): string {
  const text = (value: unknown): string =>
    typeof value === "string" ? value : JSON.stringify(value);
  const where = text(state);
  switch (event.type) {
    case "enter":
      return `${where} enter from ${text(event.from)}`;
    case "call":
    case "cast":
    case "internal":
      return `${where} ${event.type} ${text(event.request)}`;
    case "info":
      return `${where} info ${text(event.message)}`;
    case "timeout":
      return `${where} timeout ${event.name} ${text(event.content)}`;
    default:
      return `${where} ${event.type} ${text(event.content)}`;
  }
}

/** A callback as a table: the result for each line that `describeEvent` would write. */
function table(results: Record<string, Result | undefined>): Callback {
  return (event, state) => results[describeEvent(event, state)];
}

const internal = (request: string): StateMachineEvent => ({ type: "internal", request });

describe("a result", () => {
  test("nothing keeps state and data", () => {
    const rehearsal = new Rehearsal(() => undefined, { next: "a", data: 7 }).cast("x");
    expect(rehearsal.machine).toMatchObject({ state: "a", data: 7, transition: undefined });
    expect(rehearsal.done).toEqual(["a cast x"]);
  });

  test("`data` replaces the data, `undefined` too, `next` the state", () => {
    const seen: unknown[] = [];
    const rehearsal = new Rehearsal((event, _state, data) => {
      seen.push(data);
      return event.type === "cast" && event.request === "x" ? { data: undefined, next: "b" } : {};
    });
    rehearsal.cast("x", "y");
    expect(seen).toEqual([0, undefined]);
    expect(rehearsal.machine.state).toBe("b");
  });

  test("states are compared by value", () => {
    const results = table({
      '["a",1] cast same': { next: ["a", 1] },
      '["a",1] cast x': { next: ["a", 2] },
    });
    const rehearsal = new Rehearsal(results, { next: ["a", 1] }, true);
    rehearsal.cast("same", "x");
    expect(rehearsal.done).toEqual([
      '["a",1] enter from ["a",1]',
      '["a",1] cast same',
      '["a",1] cast x',
      '["a",2] enter from ["a",1]',
    ]);
  });

  test("replies are sent in order, those of the event before those of the enter call", () => {
    const [before, now] = [caller(), caller()];
    const rehearsal = new Rehearsal(
      (event) => {
        if (event.type !== "call") return { replies: [{ to: before, reply: "entered" }] };
        const replies = [{ to: before, reply: 2 }];
        return { next: "b", actions: [{ reply: 3 }], replies, reply: 1 };
      },
      {},
      true,
    );
    rehearsal.replies.splice(0);
    rehearsal.on({ type: "call", request: "q", from: now });
    expect(rehearsal.replies).toEqual([
      [now, 1],
      [before, 2],
      [now, 3],
      [before, "entered"],
    ]);
  });

  test("an enter call that a call led to has nobody to reply to", () => {
    const rehearsal = new Rehearsal(
      (event, state) => (event.type === "call" ? { next: "b" } : state === "b" ? { reply: 1 } : {}),
      {},
      true,
    );
    rehearsal.on({ type: "call", request: "q", from: caller() });
    expect(rehearsal.stopped).toEqual({
      kind: "bad_action_from_state_function",
      received: { reply: 1 },
    });
  });
});

describe("the order of events", () => {
  test("after a change of state: enter call, inserted, postponed, timeouts that are over", () => {
    const rehearsal = new Rehearsal(
      table({
        "a cast p1": { postpone: true },
        "a cast p2": { postpone: true },
        "a cast go": {
          next: "b",
          timeouts: { t: { ms: 0, content: 1 } },
          nextEvents: [internal("i1"), internal("i2")],
          stateTimeout: { ms: 0, content: 2 },
        },
        "b internal i1": { nextEvents: [internal("i11")] },
      }),
      {},
      true,
    ).cast("p1", "p2", "go", "later");
    expect(rehearsal.done).toEqual([
      "a enter from a",
      "a cast p1",
      "a cast p2",
      "a cast go",
      "b enter from a",
      "b internal i1",
      "b internal i11",
      "b internal i2",
      "b cast p1",
      "b cast p2",
      "b stateTimeout 2",
      "b timeout t 1",
      "b cast later",
    ]);
  });

  test("postponed events come before events that were queued", () => {
    const rehearsal = new Rehearsal(
      table({
        "a cast p": { postpone: true },
        "a cast go": { nextEvents: [internal("i1"), internal("i2")] },
        "a internal i1": { next: "b" },
      }),
    ).cast("p", "go");
    expect(rehearsal.done.slice(2)).toEqual(["a internal i1", "b cast p", "b internal i2"]);
  });

  test.each<[string, Result]>([
    ["keeping the state", {}],
    ["new data", { data: 1 }],
    ["the same state again", { next: "a" }],
    ["repeating the state", { repeat: true }],
  ])("%s does not retry what is postponed", (_, result) => {
    const rehearsal = new Rehearsal(
      table({ "a cast p": { postpone: true }, "a cast x": result }),
    ).cast("p", "x");
    expect(rehearsal.done).toEqual(["a cast p", "a cast x"]);
    expect(eventsIn(rehearsal.machine.postponed)).toHaveLength(1);
  });

  test("an event that changes the state and is postponed is retried at once", () => {
    const rehearsal = new Rehearsal(table({ "a cast x": { next: "b", postpone: true } })).cast("x");
    expect(rehearsal.done).toEqual(["a cast x", "b cast x"]);
  });

  test("the last word on postponing counts, that of an enter call included", () => {
    const rehearsal = new Rehearsal(
      table({
        "a cast x": { postpone: true, actions: [{ postpone: false }] },
        "a cast y": { postpone: false, actions: [{ postpone: true }] },
        "a cast go": { next: "b", postpone: true },
        "b enter from a": { postpone: false },
      }),
      {},
      true,
    ).cast("x", "y", "go");
    expect(rehearsal.done).toEqual([
      "a enter from a",
      "a cast x",
      "a cast y",
      "a cast go",
      "b enter from a",
      "b cast y",
    ]);
  });

  test("any event can be inserted, and postponed", () => {
    const from = caller();
    const rehearsal = new Rehearsal((event, state) => {
      if (event.type === "cast" && event.request === "go") {
        return {
          nextEvents: [
            { type: "call", request: "q", from },
            { type: "info", message: "m" },
            { type: "stateTimeout", content: "s" },
            { type: "eventTimeout", content: "e" },
            { type: "timeout", name: "n", content: "t" },
          ],
        };
      }
      if (event.type === "call") return { reply: "r" };
      if (event.type === "cast") return { next: "b" };
      return { postpone: state === "a" };
    }).cast("go", "change");
    const inserted = ["info m", "stateTimeout s", "eventTimeout e", "timeout n t"];
    expect(rehearsal.done).toEqual([
      "a cast go",
      "a call q",
      ...inserted.map((event) => `a ${event}`),
      "a cast change",
      ...inserted.map((event) => `b ${event}`),
    ]);
    expect(rehearsal.replies).toEqual([[from, "r"]]);
  });
});

describe("enter calls", () => {
  test("are made at the start, on change and on repetition, and not otherwise", () => {
    const rehearsal = new Rehearsal(
      table({
        "a cast repeat": { repeat: true },
        "a cast same": { next: "a" },
        "a cast data": { data: 1 },
        "a cast go": { next: "b" },
      }),
      {},
      true,
    ).cast("repeat", "same", "data", "go");
    expect(rehearsal.done.filter((line) => line.includes("enter"))).toEqual([
      "a enter from a",
      "a enter from a",
      "b enter from a",
    ]);
  });

  test("repeat themselves, with the old state they had", () => {
    let times = 0;
    const rehearsal = new Rehearsal(
      (event, state) => {
        if (event.type === "enter") return state === "b" && ++times < 3 ? { repeat: true } : {};
        return { next: "b" };
      },
      {},
      true,
    ).cast("go");
    expect(rehearsal.done.slice(2)).toEqual(["b enter from a", "b enter from a", "b enter from a"]);
  });

  test("set timeouts of the new state", () => {
    const rehearsal = new Rehearsal(
      table({
        "a cast go": { next: "b" },
        "b enter from a": { stateTimeout: { ms: 50, content: 1 } },
      }),
      {},
      true,
    ).cast("go");
    rehearsal.news();
    expect(rehearsal.advance(50).done).toEqual(["b stateTimeout 1"]);
  });

  test("may stop the machine, in the new state with the new data", () => {
    const rehearsal = new Rehearsal(
      table({ "a cast go": { next: "b", data: 1 }, "b enter from a": { stop: "enough" } }),
      {},
      true,
    ).cast("go");
    expect(rehearsal.stopped).toBe("enough");
    expect(rehearsal.done.at(-1)).toBe('stop "b" 1');
  });

  test("that throw leave the machine where it was", () => {
    const { machine } = new Rehearsal(() => undefined, {}, true);
    const event: StateMachineEvent = { type: "cast", request: "go" };
    const entering = callbackReturned(eventReceived(machine, event).machine, {
      next: "b",
      data: 1,
    });
    expect(entering.next).toMatchObject({ type: "callback", event: { type: "enter", from: "a" } });
    expect(entering.machine).toMatchObject({ state: "a", data: 0 });
  });
});

describe("timeouts", () => {
  const set = (result: Result, init: Result = {}): Rehearsal =>
    new Rehearsal(table({ "a cast set": result, "a cast go": { next: "b" } }), init).cast("set");

  test("of the state fire once, and end when the state changes", () => {
    const stateTimeout = { ms: 100, content: "c" };
    expect(set({ stateTimeout }).advance(99).cast("x").advance(200).news()).toEqual([
      "a cast set",
      "a cast x",
      "a stateTimeout c",
    ]);
    const changed = set({ stateTimeout }).cast("go").advance(200);
    expect(changed.done).toEqual(["a cast set", "a cast go"]);
    expect(changed.timers.size).toBe(0);
  });

  test.each<[string, Result]>([
    ["the state is kept", {}],
    ["the state is repeated", { repeat: true }],
    ["the next state is the same", { next: "a" }],
  ])("of the state go on when %s", (_, result) => {
    const rehearsal = new Rehearsal(
      table({ "a cast set": { stateTimeout: { ms: 100 } }, "a cast x": result }),
      {},
      true,
    ).cast("set", "x");
    expect(rehearsal.advance(100).done.at(-1)).toBe("a stateTimeout undefined");
  });

  test("that are set together with a change of state belong to the new state", () => {
    const rehearsal = set({
      next: "b",
      stateTimeout: { ms: 1, content: 1 },
      eventTimeout: { ms: 2, content: 2 },
    });
    expect(rehearsal.advance(1).news().slice(1)).toEqual(["b stateTimeout 1"]);
    expect(rehearsal.advance(5).news()).toEqual([]);
  });

  test.each<[string, (rehearsal: Rehearsal) => void]>([
    ["a message", (rehearsal) => rehearsal.cast("x")],
    ["another timeout", (rehearsal) => rehearsal.advance(50)],
  ])("of events end with %s", (_, happen) => {
    const rehearsal = set({ eventTimeout: { ms: 100 }, timeouts: { n: { ms: 50 } } });
    happen(rehearsal);
    rehearsal.advance(100);
    expect(rehearsal.done.filter((line) => line.includes("eventTimeout"))).toEqual([]);
  });

  test.each<[string, Result]>([
    ["an inserted event", { nextEvents: [internal("i")] }],
    ["a postponed event", { next: "b", postpone: true }],
  ])("of events end with %s", (_, more) => {
    const rehearsal = set({ eventTimeout: { ms: 0 }, ...more });
    expect(rehearsal.advance(100).done.filter((line) => line.includes("Timeout"))).toEqual([]);
  });

  test("with names are independent of states and of one another", () => {
    const rehearsal = set({
      timeouts: { one: { ms: 100, content: 1 }, two: { ms: 50, content: 2 }, off: undefined },
    });
    rehearsal.cast("go").advance(200);
    expect(rehearsal.done.slice(2)).toEqual(["b timeout two 2", "b timeout one 1"]);
  });

  test("by the clock fire when it gets there", () => {
    const rehearsal = new Rehearsal(table({ "a cast set": { stateTimeout: { atMs: 100 } } }));
    rehearsal.advance(70).cast("set");
    expect(rehearsal.advance(29).news()).toEqual(["a cast set"]);
    expect(rehearsal.advance(1).news()).toEqual(["a stateTimeout undefined"]);
  });

  test.each<[string, Result["actions"], string[]]>([
    ["set anew", [{ stateTimeout: { ms: 80, content: "new" } }], ["80 new"]],
    ["cancelled", [{ stateTimeout: "cancel" }], []],
    ["set to Infinity", [{ stateTimeout: { ms: Infinity } }], []],
    ["set to Infinity by the clock", [{ stateTimeout: { atMs: Infinity } }], []],
    ["updated", [{ stateTimeout: { update: "new" } }], ["90 new"]],
    ["set to 0", [{ stateTimeout: { ms: 0, content: "new" } }], ["0 new"]],
    ["set twice", [{ stateTimeout: { ms: 70 } }, { stateTimeout: { ms: 0, content: 2 } }], ["0 2"]],
    [
      "cancelled, then updated",
      [{ stateTimeout: "cancel" }, { stateTimeout: { update: 2 } }],
      ["90 2"],
    ],
  ])("that run and are %s", (_, actions, expected) => {
    const rehearsal = new Rehearsal(
      table({
        "a cast set": { stateTimeout: { ms: 100, content: "old" } },
        "a cast x": { actions },
      }),
    );
    rehearsal.cast("set").advance(10).cast("x");
    const fired: string[] = [];
    for (let ms = 0; ms <= 100; ms += 10) {
      rehearsal.advance(ms === 0 ? 0 : 10);
      for (const line of rehearsal.news()) {
        if (line.includes("stateTimeout")) fired.push(`${ms} ${line.split(" ")[2]}`);
      }
    }
    expect(fired).toEqual(expected);
    expect(rehearsal.timers.size).toBe(0);
  });

  test.each<[string, Result["actions"], string[]]>([
    [
      "set and updated",
      [{ stateTimeout: { ms: 50 } }, { stateTimeout: { update: 1 } }],
      ["a stateTimeout 1"],
    ],
    ["set and cancelled", [{ stateTimeout: { ms: 0 } }, { stateTimeout: "cancel" }], []],
    ["updated", [{ eventTimeout: { update: 1 } }], ["a eventTimeout 1"]],
    [
      "set to 0 in some order",
      [
        { timeouts: { n: { ms: 0 } } },
        { stateTimeout: { ms: 0 } },
        { timeouts: { n: { ms: 0, content: 1 } } },
      ],
      ["a stateTimeout undefined", "a timeout n 1"],
    ],
  ])("that do not run and are, in one list, %s", (_, actions, expected) => {
    expect(
      set({ actions: actions as never })
        .advance(100)
        .done.slice(1),
    ).toEqual(expected);
  });

  test.each<[string, Result, string[]]>([
    ["cancelled", { timeouts: { n: "cancel" } }, ["0 m"]],
    ["updated", { timeouts: { n: { update: "new" } } }, ["0 n new", "0 m"]],
    ["set to 0 again", { timeouts: { n: { ms: 0, content: "new" } } }, ["0 m", "0 n new"]],
    ["set to run", { timeouts: { n: { ms: 50, content: "new" } } }, ["0 m", "50 n new"]],
  ])("that are over and wait for their turn may be %s", (_, result, expected) => {
    const rehearsal = new Rehearsal(
      table({
        "a cast set": { timeouts: { n: { ms: 0 }, m: { ms: 0 } }, nextEvents: [internal("i")] },
        "a internal i": result,
      }),
    ).cast("set");
    const fired = [0, 50].flatMap((ms) => {
      const lines = rehearsal.advance(ms).news();
      return lines
        .filter((line) => line.startsWith("a timeout"))
        .map((line) => `${ms}${line.slice(9)}`);
    });
    expect(fired.map((line) => line.replace(" undefined", ""))).toEqual(expected);
  });

  test("that are over end when the state changes before their turn", () => {
    const rehearsal = new Rehearsal(
      table({
        "a cast set": { stateTimeout: { ms: 0 }, nextEvents: [internal("i")] },
        "a internal i": { next: "b" },
      }),
    ).cast("set");
    expect(rehearsal.done).toEqual(["a cast set", "a internal i"]);
  });

  test("have timers that fire in vain when they were cancelled", () => {
    const rehearsal = set({ stateTimeout: { ms: 100 } });
    const [timer] = [...rehearsal.timers.keys()] as [number];
    rehearsal.cast("go");
    expect(timerFired(rehearsal.machine, timer)).toBeUndefined();
  });
});

describe("init", () => {
  test("may insert events and set timeouts; what it postpones is nothing", () => {
    const rehearsal = new Rehearsal(
      () => undefined,
      { nextEvents: [internal("i")], postpone: true, timeouts: { n: { ms: 20 } } },
      true,
    );
    expect(rehearsal.advance(20).done).toEqual([
      "a enter from a",
      "a internal i",
      "a timeout n undefined",
    ]);
    expect(rehearsal.machine.postponed).toBeUndefined();
  });
});

describe("stopping", () => {
  test("replies first, and has the new data", () => {
    const from = caller();
    const rehearsal = new Rehearsal(() => ({ stop: "normal", data: 1, reply: "bye" }));
    rehearsal.on({ type: "call", request: "q", from });
    expect(rehearsal.replies).toEqual([[from, "bye"]]);
    expect(rehearsal.stopped).toBe("normal");
    expect(rehearsal.done.at(-1)).toBe('stop "a" 1');
  });
});

describe("what is no result", () => {
  const cast: StateMachineEvent = { type: "cast", request: "x" };
  test.each<[string, unknown]>([
    ["null", null],
    ["a string", "ok"],
    ["a list", []],
    ["an object that is more than its keys", new Map([["next", "b"]])],
    ["an unknown key", { state: "b" }],
    ["a state to go to and to repeat", { next: "b", repeat: true }],
    ["a repetition that is no boolean", { repeat: "yes" }],
    ["a state to stop in", { stop: "normal", next: "b" }],
    ["timeouts of a machine that stops", { stop: "normal", stateTimeout: { ms: 1 } }],
  ])("%s: bad_return_from_state_function", (_, result) => {
    const rehearsal = new Rehearsal(() => result, { data: 5 }).on(cast);
    expect(rehearsal.stopped).toEqual({ kind: "bad_return_from_state_function", received: result });
    expect(rehearsal.done.at(-1)).toBe('fail "a" 5');
  });

  test.each<[string, Record<string, unknown>]>([
    ["a reply where nobody waits", { reply: 1 }],
    ["replies that are no list", { replies: 1 }],
    ["a reply to nobody", { replies: [{ to: "me", reply: 1 }] }],
    ["a reply without a reply", { replies: [{ to: 1 }] }],
    ["a postponement that is no boolean", { postpone: 1 }],
    ["a hibernation that is no boolean", { hibernate: 1 }],
    ["events that are no list", { nextEvents: 1 }],
    ["an event of no known type", { nextEvents: [{ type: "enter" }] }],
    ["an event that is none", { nextEvents: ["x"] }],
    ["an event with an unknown key", { nextEvents: [{ type: "cast", message: 1 }] }],
    ["a timeout event without a name", { nextEvents: [{ type: "timeout" }] }],
    ["a negative time", { stateTimeout: { ms: -1 } }],
    ["no number of milliseconds", { stateTimeout: { ms: NaN } }],
    ["no time by the clock", { stateTimeout: { atMs: NaN } }],
    ["two times", { stateTimeout: { ms: 1, atMs: 1 } }],
    ["an update with a time", { eventTimeout: { update: 1, ms: 1 } }],
    ["a bare time", { eventTimeout: 5 }],
    ["an unknown word", { timeouts: { n: "stop" } }],
    ["timeouts that are no object", { timeouts: [1] }],
  ])("%s: bad_action_from_state_function", (_, action) => {
    for (const result of [action, { actions: [action] }]) {
      const rehearsal = new Rehearsal(() => ({ next: "b", data: 1, ...result })).on(cast);
      expect(rehearsal.stopped).toEqual({
        kind: "bad_action_from_state_function",
        received: action,
      });
      expect(rehearsal.done.at(-1)).toBe('fail "b" 1');
    }
  });

  test.each<[string, unknown, unknown]>([
    ["actions that are no list", {}, {}],
    ["an action that is none", ["hibernate"], "hibernate"],
    ["an action with an unknown key", [{ data: 1 }], { data: 1 }],
  ])("%s: bad_action_from_state_function", (_, actions, received) => {
    const rehearsal = new Rehearsal(() => ({ actions })).on(cast);
    expect(rehearsal.stopped).toEqual({ kind: "bad_action_from_state_function", received });
  });

  test.each<[string, unknown, string, unknown]>([
    ["another state", { next: "c" }, "return", { next: "c" }],
    ["postponing", { postpone: true }, "action", { postpone: true }],
    ["inserting", { nextEvents: [internal("i")] }, "action", { nextEvents: [internal("i")] }],
  ])("%s in an enter call: bad_state_enter_*_from_state_function", (_, result, what, received) => {
    const rehearsal = new Rehearsal(
      (event, state) => {
        if (event.type !== "enter") return { next: "b", data: 1 };
        return state === "b" ? result : undefined;
      },
      {},
      true,
    ).on(cast);
    const kind = `bad_state_enter_${what}_from_state_function`;
    expect(rehearsal.stopped).toEqual({ kind, received });
    expect(rehearsal.done.at(-1)).toBe('fail "b" 1');
  });

  test("what stands before a bad action is done; what stands behind it is not", () => {
    const from = caller();
    const rehearsal = new Rehearsal(() => ({
      actions: [{ reply: 1 }, { stateTimeout: { ms: 5 } }, { postpone: 1 }, { reply: 2 }],
    })).on({ type: "call", request: "q", from });
    expect(rehearsal.replies).toEqual([[from, 1]]);
    expect(rehearsal.timers.size).toBe(0);
  });

  test("something else than a reply on stopping: bad_reply_action_from_state_function", () => {
    const from = caller();
    const rehearsal = new Rehearsal(() => ({
      stop: "normal",
      data: 1,
      reply: 1,
      actions: [{ postpone: true }],
    })).on({ type: "call", request: "q", from });
    expect(rehearsal.stopped).toMatchObject({ kind: "bad_reply_action_from_state_function" });
    expect(rehearsal.replies).toEqual([[from, 1]]);
    expect(rehearsal.done.at(-1)).toBe('fail "a" 1');
  });
});

describe("whatever callbacks return", () => {
  const setting = fc.oneof(
    fc.record({ ms: fc.constantFrom(0, 10, 20, Infinity), content: fc.constant("c") }),
    fc.record({ update: fc.constant("u") }),
    fc.constant("cancel" as const),
  );
  const result: fc.Arbitrary<Result> = fc.record(
    {
      next: fc.constantFrom("a", "b"),
      postpone: fc.boolean(),
      nextEvents: fc.array(fc.constantFrom(internal("i"), internal("j")), { maxLength: 2 }),
      stateTimeout: setting,
      eventTimeout: setting,
      timeouts: fc.dictionary(fc.constantFrom("n", "m"), setting, { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  );
  const script = fc.record({
    results: fc.array(result, { minLength: 1, maxLength: 12 }),
    events: fc.array(fc.oneof(fc.constant("cast" as const), fc.nat({ max: 15 })), {
      maxLength: 12,
    }),
    enterCalls: fc.boolean(),
  });

  /** Plays a script: the n-th event gets the n-th result, and none when there are no more. */
  function play({
    results,
    events,
    enterCalls,
  }: {
    results: Result[];
    events: ("cast" | number)[];
    enterCalls: boolean;
  }): { rehearsal: Rehearsal; given: Result[]; handled: StateMachineEvent[]; inserted: number } {
    const given: Result[] = [];
    const handled: StateMachineEvent[] = [];
    let inserted = 0;
    const rehearsal = new Rehearsal(
      (event) => {
        if (event.type === "enter") return undefined;
        handled.push(event);
        const next = results[given.length];
        given.push(next ?? {});
        inserted += next?.nextEvents?.length ?? 0;
        return next;
      },
      {},
      enterCalls,
    );
    events.forEach((event, request) => {
      if (event === "cast") rehearsal.cast(request);
      else rehearsal.advance(event);
    });
    return { rehearsal, given, handled, inserted };
  }

  test("a timer that was started has fired, was cancelled or runs, and its timeout is set", () => {
    fc.assert(
      fc.property(script, (played) => {
        const { timers, timerCounts, machine } = play(played).rehearsal;
        expect(timerCounts.started).toBe(timerCounts.fired + timerCounts.cancelled + timers.size);
        expect([...machine.timeouts.set.values()].map(({ timer }) => timer).sort()).toEqual(
          [...timers.keys()].sort(),
        );
      }),
    );
  });

  test("nothing is left to do when the machine waits", () => {
    fc.assert(
      fc.property(script, (played) => {
        const { machine } = play(played).rehearsal;
        expect(machine.queue).toBeUndefined();
        expect(machine.transition).toBeUndefined();
        expect(machine.timeouts.over).toEqual([]);
      }),
    );
  });

  test("an event is handled once, and once more for each time it was postponed and retried", () => {
    fc.assert(
      fc.property(script, (played) => {
        const { rehearsal, given, handled, inserted } = play(played);
        const casts = played.events.filter((event) => event === "cast").length;
        const waiting = new Set(eventsIn(rehearsal.machine.postponed));
        const postponed = given.filter(({ postpone }) => postpone === true).length;
        const timeouts = handled.filter((event) => /imeout/.test(event.type));
        const distinctTimeouts = new Set(timeouts).size;
        // Each postponement leads to one more handling, but for those that still wait.
        expect(handled.length).toBe(
          casts +
            inserted +
            distinctTimeouts +
            postponed -
            eventsIn(rehearsal.machine.postponed).length,
        );
        expect(waiting.size).toBeLessThanOrEqual(postponed);
      }),
    );
  });

  test("what is postponed is retried in the order in which it came, as soon as the state changes", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("p", "x", "go"), { maxLength: 20 }), (requests) => {
        const rehearsal = new Rehearsal((event, state) => {
          const request = event.type === "cast" ? String(event.request).slice(0, 1) : "";
          if (request === "p") return { postpone: state === "a" };
          if (request === "g") return { next: "b" };
          return undefined;
        });
        rehearsal.cast(...requests.map((request, i) => `${request}${i}`));
        const retried = rehearsal.done.filter((line) => line.startsWith("b cast p"));
        const all = requests.flatMap((request, i) => (request === "p" ? [`b cast p${i}`] : []));
        expect(retried).toEqual(requests.includes("go") ? all : []);
      }),
    );
  });

  test("neither enter calls nor names of timeouts change which events are handled", () => {
    fc.assert(
      fc.property(script, (played) => {
        const without = play({ ...played, enterCalls: false });
        const withCalls = play({ ...played, enterCalls: true });
        expect(withCalls.handled).toEqual(without.handled);
      }),
    );
  });

  test("a hundred thousand postponed events are retried in a moment", () => {
    const rehearsal = new Rehearsal((event, state) => {
      if (event.type === "cast" && event.request === "go") return { next: "b" };
      return { postpone: state === "a" };
    });
    for (let i = 0; i < 100_000; i++) rehearsal.cast("p");
    rehearsal.news();
    const startedMs = performance.now();
    rehearsal.cast("go");
    expect(rehearsal.done).toHaveLength(100_001);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
