import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AnyPid } from "@coppice/core";
import { child } from "@coppice/supervisor";
import { checkChildSpec } from "../src/child-spec-check.js";
import { newChild, runningChild, waitingChild, type ChildState } from "../src/child-state.js";
import { ChildTable } from "../src/child-table.js";
import { decide } from "../src/decision.js";
import { initialState, type SupervisorState } from "../src/supervisor-state.js";
import { checkSupervisorSpec } from "../src/supervisor-spec.js";

const pidOf = (serial: number): AnyPid => ({ node: "demo", incarnation: 1, serial });
const PIDS = Array.from({ length: 4 }, (_, serial) => pidOf(serial));

function childOf(id: string): ChildState {
  return newChild(
    checkChildSpec(
      child(id, async () => undefined),
      "child",
    ),
    0,
  );
}

type Step =
  | { readonly type: "run" | "wait" | "stop"; readonly id: string; readonly number: number }
  | { readonly type: "remove"; readonly id: string };

const id = fc.constantFrom("a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constantFrom("run" as const, "wait" as const, "stop" as const),
    id,
    number: fc.nat(3),
  }),
  fc.record({ type: fc.constant("remove" as const), id }),
);

function changed(step: Exclude<Step, { type: "remove" }>): ChildState {
  const one = childOf(step.id);
  if (step.type === "stop") return one;
  if (step.type === "run") {
    return runningChild(one, pidOf(100 + step.number * 10 + step.id.charCodeAt(0)), 0);
  }
  return waitingChild(one, { generation: step.number, delayed: true });
}

/** The same as lists that are copied. */
function apply(list: readonly ChildState[], step: Step): ChildState[] {
  if (step.type === "remove") return list.filter((one) => one.id !== step.id);
  const next = changed(step);
  if (!list.some((one) => one.id === step.id)) return [...list, next];
  return list.map((one) => (one.id === step.id ? next : one));
}

describe("a table of children", () => {
  test("is what a list would be, and so is each that others were made of", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(step, fc.nat()), { maxLength: 12 }),
        fc.nat(),
        (steps, look) => {
          const tables = [ChildTable.of([])];
          const lists: ChildState[][] = [[]];
          for (const [one, from] of steps) {
            // Mostly the newest goes on, at times one of the past.
            const at = from % 4 === 0 ? from % tables.length : tables.length - 1;
            const table = tables[at] as ChildTable;
            const list = apply(lists[at] as ChildState[], one);
            tables.push(one.type === "remove" ? table.without(one.id) : table.with(changed(one)));
            lists.push(list);
          }
          const order = tables.map((_, at) => (at + look) % tables.length);
          for (const at of order) {
            const table = tables[at] as ChildTable;
            const list = lists[at] as ChildState[];
            expect(table.list.map((one) => ({ ...one, spec: 0 }))).toEqual(
              list.map((one) => ({ ...one, spec: 0 })),
            );
            for (const one of list) {
              expect(table.find(one.id)?.status).toBe(one.status);
              if (one.wait !== undefined) {
                const { generation } = one.wait;
                const waiting = list.filter(({ wait }) => wait?.generation === generation);
                expect(table.waitingFor(generation).map((other) => other.id)).toEqual(
                  waiting.map((other) => other.id),
                );
              }
            }
            expect(table.find("e")).toBeUndefined();
            expect(PIDS.map((pid) => table.findByPid(pid))).toEqual(PIDS.map(() => undefined));
            expect(table.waitingFor(9)).toEqual([]);
          }
        },
      ),
    );
  });

  test("finds children by their pids of now only", () => {
    const [first, second] = PIDS as [AnyPid, AnyPid];
    const one = childOf("a");
    const before = ChildTable.of([runningChild(one, first, 0)]);
    const after = before.with(runningChild(one, second, 0));
    expect(after.findByPid(first)).toBeUndefined();
    expect(after.findByPid(second)?.id).toBe("a");
    expect(before.findByPid(first)?.id).toBe("a");
    expect(before.findByPid(second)).toBeUndefined();
    expect(after.without("a").findByPid(second)).toBeUndefined();
  });
});

test("a start and a restart take no longer when there are many children, and many restarts", () => {
  const count = 20_000;
  const limit = { intensity: Number.MAX_SAFE_INTEGER, periodMs: 1 };
  let state: SupervisorState = initialState(checkSupervisorSpec({ ...limit, children: [] }));
  const on = (event: Parameters<typeof decide>[1]): void => {
    ({ state } = decide(state, event));
  };
  let serial = 0;
  const run = async (): Promise<void> => undefined;
  const started = (id: string): void =>
    on({ type: "started", results: [{ id, result: { pid: pidOf(++serial) } }], nowMs: 0 });
  const began = performance.now();
  for (let at = 0; at < count; at++) {
    const spec = checkChildSpec(child(`c${at}`, run), "child");
    on({ type: "request", request: { type: "startChild", spec } });
    started(spec.id);
  }
  for (let at = 0; at < count; at++) {
    const pid = state.children.find(`c${at}`)?.pid as AnyPid;
    on({ type: "exited", pid, reason: "killed", nowMs: 0 });
    started(`c${at}`);
  }
  expect(state.restarts.size).toBe(count);
  expect(state.children.list.every(({ status }) => status === "running")).toBe(true);
  // Some 100 ms; when each looked at all others it took more than a minute.
  expect(performance.now() - began).toBeLessThan(10_000);
});
