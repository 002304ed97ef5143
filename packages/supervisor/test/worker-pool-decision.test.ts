import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  decidePool,
  initialPool,
  type PoolAction,
  type PoolEvent,
  type PoolLimits,
  type PoolState,
} from "../src/worker-pool-decision.js";

type Event = PoolEvent<string>;

const OPEN: PoolLimits = { maxWaiting: Infinity, overflow: "refuse-newest" };

function run(
  events: readonly Event[],
  limits: PoolLimits = OPEN,
): { state: PoolState<string>; actions: PoolAction<string>[][] } {
  let state = initialPool<string>();
  const actions = events.map((event) => {
    const decision = decidePool(limits, state, event);
    state = decision.state;
    return [...decision.actions];
  });
  return { state, actions };
}

const joined = (worker: string): Event => ({ type: "joined", worker });
const left = (worker: string): Event => ({ type: "left", worker });
const asked = (id: number, mayWait = true): Event => ({ type: "asked", id, mayWait });
const done = (id: number): Event => ({ type: "done", id });
const expired = (id: number): Event => ({ type: "expired", id });
const lend = (id: number, worker: string): PoolAction<string> => ({ type: "lend", id, worker });
const refuse = (id: number, why: "full" | "dropped" | "timeout"): PoolAction<string> => ({
  type: "refuse",
  id,
  why,
});
const forget = (id: number): PoolAction<string> => ({ type: "forget", id });

describe("a worker pool", () => {
  test.each<[string, Event[], PoolAction<string>[]]>([
    ["lends a worker that is idle at once", [joined("a"), asked(1)], [lend(1, "a")]],
    ["lends the one that is idle longest", [joined("a"), joined("b"), asked(1)], [lend(1, "a")]],
    ["lets one wait when none is idle", [asked(1)], []],
    [
      "lends a worker that comes to who waits longest",
      [asked(1), asked(2), joined("a")],
      [lend(1, "a")],
    ],
    ["keeps a worker that is given back", [joined("a"), asked(1), done(1)], [forget(1)]],
    [
      "lends a worker that is given back to who waits",
      [joined("a"), asked(1), asked(2), done(1)],
      [forget(1), lend(2, "a")],
    ],
    ["refuses at once who may not wait", [asked(1, false)], [refuse(1, "timeout")]],
    ["refuses who has waited long enough", [asked(1), expired(1)], [refuse(1, "timeout")]],
    ["does not refuse who has a worker", [joined("a"), asked(1), expired(1)], []],
    ["forgets who waits and has ended", [asked(1), done(1)], [forget(1)]],
    [
      "forgets the loan of a worker that has ended",
      [joined("a"), asked(1), left("a")],
      [forget(1)],
    ],
    ["takes nothing back twice", [joined("a"), asked(1), done(1), done(1)], []],
    ["takes back no worker that has ended", [joined("a"), asked(1), left("a"), done(1)], []],
    ["lends none that has ended", [joined("a"), left("a"), asked(1)], []],
  ])("%s", (_, events, last) => {
    expect(run(events).actions.at(-1)).toEqual(last);
  });

  test.each<[PoolLimits, Event[], PoolAction<string>[], number[]]>([
    [{ maxWaiting: 1, overflow: "refuse-newest" }, [asked(1), asked(2)], [refuse(2, "full")], [1]],
    [{ maxWaiting: 1, overflow: "drop-oldest" }, [asked(1), asked(2)], [refuse(1, "dropped")], [2]],
    [{ maxWaiting: 0, overflow: "refuse-newest" }, [asked(1)], [refuse(1, "full")], []],
    [{ maxWaiting: 0, overflow: "drop-oldest" }, [asked(1)], [refuse(1, "full")], []],
    [
      { maxWaiting: 2, overflow: "drop-oldest" },
      [asked(1), asked(2), asked(3)],
      [refuse(1, "dropped")],
      [2, 3],
    ],
  ])("with %j does what it is to when too many wait", (limits, events, last, waiting) => {
    const { actions, state } = run(events, limits);
    expect(actions.at(-1)).toEqual(last);
    expect(state.waiting).toEqual(waiting);
  });
});

test("whatever happens, no worker is lost or lent twice, and everybody gets one answer", () => {
  const limits = fc.record({
    maxWaiting: fc.constantFrom(0, 1, 3, Infinity),
    overflow: fc.constantFrom("refuse-newest" as const, "drop-oldest" as const),
  });
  const worker = fc.constantFrom("a", "b", "c");
  const id = fc.nat(12);
  const events = fc.array(
    fc.oneof(
      fc.record({ type: fc.constant("joined" as const), worker }),
      fc.record({ type: fc.constant("left" as const), worker }),
      fc.record({ type: fc.constant("asked" as const), mayWait: fc.boolean() }),
      fc.record({ type: fc.constant("done" as const), id }),
      fc.record({ type: fc.constant("expired" as const), id }),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(limits, events, (chosen, history) => {
      let state = initialPool<string>();
      const alive = new Set<string>();
      const answers = new Map<number, string>();
      let asks = 0;
      for (const step of history) {
        // A worker joins once, and leaves once.
        if (step.type === "joined" && alive.has(step.worker)) continue;
        if (step.type === "joined") alive.add(step.worker);
        if (step.type === "left") alive.delete(step.worker);
        const event: Event = step.type === "asked" ? { ...step, id: ++asks } : step;
        const decision = decidePool(chosen, state, event);
        const before = state;
        state = decision.state;
        for (const action of decision.actions) {
          if (action.type === "forget") continue;
          expect(answers.has(action.id)).toBe(false);
          answers.set(action.id, action.type);
          // First come, first served.
          const first = before.waiting.find((other) => !answers.has(other) || other === action.id);
          if (action.type === "lend" && before.waiting.includes(action.id)) {
            expect(action.id).toBe(first);
          }
        }
        const places = [...state.idle, ...state.loans.values()];
        expect(places.toSorted()).toEqual([...alive].toSorted());
        expect(state.idle.length === 0 || state.waiting.length === 0).toBe(true);
        expect(state.waiting.length).toBeLessThanOrEqual(chosen.maxWaiting);
        for (const waiting of state.waiting) expect(answers.has(waiting)).toBe(false);
        for (const lent of state.loans.keys()) expect(answers.get(lent)).toBe("lend");
      }
    }),
  );
});
