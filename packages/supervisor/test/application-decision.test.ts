import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ExitReason } from "@coppice/core";
import { exitCodeOf, type StopCause, type StopProblem } from "@coppice/supervisor";
import {
  decideApplication,
  INITIAL_STATE,
  type ApplicationAction,
  type ApplicationEvent,
  type ApplicationState,
} from "../src/application-decision.js";

const requested: StopCause = { type: "requested" };
const signal: StopCause = { type: "signal", signal: "SIGTERM" };
const stuck: StopProblem = { type: "stuck", path: "shop/a", process: undefined };
const broken: StopProblem = { type: "startFailed", reason: "broken" };
const holder = { path: "shop/a", process: undefined };

const started: ApplicationEvent = { type: "started" };
const stop: ApplicationEvent = { type: "stop", cause: signal };
const prepared: ApplicationEvent = { type: "prepared", failure: undefined };
const cleaned: ApplicationEvent = { type: "cleaned", failure: undefined };
const treeStopped: ApplicationEvent = {
  type: "treeEnded",
  cause: { type: "ended", reason: "shutdown" },
  problem: broken,
};
const deadline: ApplicationEvent = { type: "deadline", holders: [holder] };

/** The types of the actions of each event, one after the other. */
function play(...events: readonly ApplicationEvent[]): { state: ApplicationState; acts: string[] } {
  let state = INITIAL_STATE;
  const acts: string[] = [];
  for (const event of events) {
    const decision = decideApplication(state, event);
    state = decision.state;
    acts.push(decision.actions.map(({ type }) => type).join(" "));
  }
  return { state, acts };
}

describe("the life of an application", () => {
  test.each<[string, readonly ApplicationEvent[], readonly string[]]>([
    [
      "starts, and is stopped in order",
      [started, stop, prepared, treeStopped, cleaned],
      ["acknowledge", "beginStop prepare", "stopTree", "clean", "finish"],
    ],
    [
      "ends by itself",
      [started, treeStopped, prepared, cleaned],
      ["acknowledge", "beginStop prepare", "clean", "finish"],
    ],
    [
      "ends by itself while prepStop runs",
      [started, stop, treeStopped, prepared, cleaned],
      ["acknowledge", "beginStop prepare", "", "clean", "finish"],
    ],
    [
      "does not start",
      [{ type: "startFailed", reason: "no" }, stop, deadline],
      ["refuseStart", "", ""],
    ],
    [
      "is stopped while it starts",
      [stop, started, treeStopped, cleaned],
      ["beginStop stopTree", "refuseStart", "clean", "finish"],
    ],
    [
      "is stopped while it starts, and so does not start",
      [stop, { type: "startFailed", reason: "shutdown" }],
      ["beginStop stopTree", "refuseStart finish"],
    ],
    [
      "has not started at the deadline",
      [stop, deadline, started],
      ["beginStop stopTree", "kill refuseStart finish", ""],
    ],
    [
      "has not stopped at the deadline",
      [started, stop, prepared, deadline, treeStopped],
      ["acknowledge", "beginStop prepare", "stopTree", "kill finish", ""],
    ],
    [
      "is told to stop twice",
      [started, stop, { type: "stop", cause: requested }],
      ["acknowledge", "beginStop prepare", ""],
    ],
    ["has no deadline while it runs", [started, deadline], ["acknowledge", ""]],
  ])("%s", (_, events, acts) => {
    // prettier-ignore
    expect(play(...events).acts).toEqual(acts);
  });

  test("the first cause counts", () => {
    const { state } = play(started, stop, { type: "stop", cause: requested });
    expect(state.cause).toBe(signal);
  });

  test("a start that failed while it was told to stop is a problem, unless it was for that", () => {
    const failed = (reason: ExitReason): ApplicationState =>
      play(stop, { type: "startFailed", reason }).state;
    expect(failed("shutdown").problems).toEqual([]);
    expect(failed("no_disk").problems).toEqual([{ type: "startFailed", reason: "no_disk" }]);
  });

  test("a child that is not stopped in order is a problem only once all stop", () => {
    const failed: ApplicationEvent = { type: "shutdownFailed", problem: stuck };
    expect(play(started, failed).state.problems).toEqual([]);
    expect(play(started, stop, failed).state.problems).toEqual([stuck]);
  });
});

const reason = fc.constantFrom<ExitReason>("normal", "shutdown", "killed", "boom");
const anyEvent: fc.Arbitrary<ApplicationEvent> = fc.oneof(
  fc.constantFrom(started, stop, prepared, cleaned, deadline, treeStopped),
  reason.map((why): ApplicationEvent => ({ type: "startFailed", reason: why })),
  reason.map((why): ApplicationEvent => ({ type: "prepared", failure: { reason: why } })),
  reason.map((why): ApplicationEvent => ({ type: "cleaned", failure: { reason: why } })),
  reason.map((why): ApplicationEvent => ({
    type: "treeEnded",
    cause: { type: "failed", reason: why, gaveUp: [] },
    problem: broken,
  })),
  fc.constant<ApplicationEvent>({ type: "shutdownFailed", problem: stuck }),
);

describe("whatever happens, in any order", () => {
  const all = (events: readonly ApplicationEvent[]): ApplicationAction[] => {
    let state = INITIAL_STATE;
    return events.flatMap((event) => {
      const decision = decideApplication(state, event);
      state = decision.state;
      return decision.actions;
    });
  };
  const count = (actions: readonly ApplicationAction[], type: ApplicationAction["type"]): number =>
    actions.filter((action) => action.type === type).length;

  test("each thing is done at most once, and the start has one outcome", () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        const actions = all(events);
        for (const type of ["beginStop", "prepare", "stopTree", "clean", "kill", "finish"] as const)
          expect(count(actions, type)).toBeLessThanOrEqual(1);
        expect(count(actions, "acknowledge") + count(actions, "refuseStart")).toBeLessThanOrEqual(1); // prettier-ignore
      }),
    );
  });

  test("at the deadline it ends, if it was to stop; nothing happens after its end", () => {
    fc.assert(
      fc.property(fc.array(anyEvent), fc.array(anyEvent), (before, after) => {
        const { state } = play(...before, deadline);
        expect(state.phase === "ended" || state.cause === undefined).toBe(true);
        if (state.phase !== "ended") return;
        const later = after.reduce((at, event) => decideApplication(at, event).state, state);
        expect(later).toEqual(state);
      }),
    );
  });

  test("an end without problems is one where everything was done in order", () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        const actions = all(events);
        const finish = actions.find((action) => action.type === "finish");
        if (finish === undefined || finish.end.problems.length > 0) return;
        expect(count(actions, "kill")).toBe(0);
      }),
    );
  });
});

describe("the exit code", () => {
  test.each<[StopCause, number, number]>([
    [requested, 0, 1],
    [signal, 0, 1],
    [{ type: "ended", reason: "shutdown" }, 0, 1],
    [{ type: "unhandledRejection" }, 1, 1],
    [{ type: "failed", reason: "shutdown", gaveUp: [] }, 1, 1],
  ])("of %j is %i, and %i with problems", (cause, without, withProblems) => {
    expect(exitCodeOf({ cause, problems: [] })).toBe(without);
    expect(exitCodeOf({ cause, problems: [stuck] })).toBe(withProblems);
  });
});
