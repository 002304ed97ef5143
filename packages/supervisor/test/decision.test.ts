import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isOrderly, type AnyPid, type ExitReason, type StartResult } from "@coppice/core";
import { child, type AutoShutdown, type Restart, type Strategy } from "@coppice/supervisor";
import type { ChildReply } from "../src/child-request.js";
import { decide } from "../src/decision.js";
import type { SupervisorAction, SupervisorEvent } from "../src/supervisor-event.js";
import { initialState, type SupervisorState } from "../src/supervisor-state.js";
import { checkChildSpec } from "../src/child-spec-check.js";
import { checkSupervisorSpec, type CheckedSupervisorSpec } from "../src/supervisor-spec.js";

const idle = (): void => undefined;
let serial = 0;
const freshPid = (): AnyPid => ({ node: "demo", incarnation: 1, serial: ++serial });
const crash: ExitReason = { error: new Error("boom") };

/**
 * Carries decisions out on nothing: starts succeed unless `failures` says otherwise, stops succeed.
 * What was done is written down: `+a` and `+a!` for a start and a failed one, `-a` for a stop.
 */
class Rehearsal {
  state: SupervisorState;
  readonly done: string[] = [];
  readonly replies: ChildReply[] = [];
  readonly reports: string[] = [];
  exitReason: ExitReason | undefined;
  acknowledged = false;
  /** What comes of the next starts, by id; those not named run. */
  readonly outcomes = new Map<
    string,
    ("runs" | Exclude<StartResult, { readonly pid: AnyPid }>)[]
  >();
  /** Why children end that are asked to; `"shutdown"` for those not named. */
  readonly endings = new Map<string, ExitReason>();
  nowMs = 0;
  /** Restarts that are put off, at once or for a time, and those that were called off. */
  readonly #due: {
    readonly generation: number;
    readonly atMs: number;
    readonly delayed: boolean;
  }[] = [];

  constructor(spec: CheckedSupervisorSpec) {
    this.state = initialState(spec);
  }

  /** Gives an event and all that follows from it; returns what was done. */
  on(event: SupervisorEvent): string[] {
    const before = this.done.length;
    this.#step(event);
    this.#fire((due) => !due.delayed);
    return this.done.slice(before);
  }

  /** Time passes, and delays are over. */
  wait(ms: number): string[] {
    const before = this.done.length;
    const endMs = this.nowMs + ms;
    for (const atMs of [...this.#due.map((due) => due.atMs)].sort((a, b) => a - b)) {
      if (atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      this.#fire((due) => due.atMs <= this.nowMs);
    }
    this.nowMs = endMs;
    return this.done.slice(before);
  }

  /** Generations of delayed restarts that are to come. */
  pending(): number[] {
    return this.#due.filter(({ delayed }) => delayed).map(({ generation }) => generation);
  }

  #fire(isDue: (due: { atMs: number; delayed: boolean }) => boolean): void {
    for (let at = this.#due.findIndex(isDue); at !== -1; at = this.#due.findIndex(isDue)) {
      const [{ generation } = { generation: 0 }] = this.#due.splice(at, 1);
      if (this.exitReason !== undefined) return;
      this.#step({ type: "restartDue", generation, nowMs: this.nowMs });
    }
  }

  #callOff(generation: number): number {
    const at = this.#due.findIndex((due) => due.generation === generation);
    // What is called off has been arranged, and has not come yet.
    expect(at).not.toBe(-1);
    return this.#due.splice(at, 1)[0]?.atMs ?? 0;
  }

  end(id: string, reason: ExitReason): string[] {
    const pid = this.pidOf(id);
    return pid === undefined ? [] : this.on({ type: "exited", pid, reason, nowMs: this.nowMs });
  }

  pidOf(id: string): AnyPid | undefined {
    return this.state.children.list.find((one) => one.id === id)?.pid;
  }

  running(): string {
    return this.state.children.list
      .filter(({ pid }) => pid !== undefined)
      .map(({ id }) => id)
      .join("");
  }

  #step(first: SupervisorEvent): void {
    for (let event: SupervisorEvent | undefined = first; event !== undefined;) {
      const { state, actions } = decide(this.state, event);
      this.state = state;
      event = undefined;
      actions.forEach((action, index) => {
        const outcome = this.#carryOut(action);
        if (outcome === undefined) return;
        expect(index).toBe(actions.length - 1);
        event = outcome;
      });
    }
  }

  #carryOut(action: SupervisorAction): SupervisorEvent | undefined {
    switch (action.type) {
      case "start":
        return {
          type: "started",
          results: this.#start(action.children.map(({ spec }) => spec.id)),
          nowMs: this.nowMs,
        };
      case "stop":
        return {
          type: "stopped",
          exits: action.children.map(({ id, pid }) => {
            expect(pid).toBe(this.pidOf(id));
            this.done.push(`-${id}`);
            const reason = this.endings.get(id) ?? "shutdown";
            this.#step({ type: "childStopped", id, reason });
            return { id, reason };
          }),
        };
      case "acknowledge":
        this.acknowledged = true;
        return undefined;
      case "restartLater": {
        const { generation, delay, replaces } = action;
        const untilMs = replaces.map((old) => this.#callOff(old));
        const atMs = Math.max(this.nowMs + (delay?.maxMs ?? 0), ...untilMs);
        this.#due.push({ generation, atMs, delayed: delay !== undefined });
        return undefined;
      }
      case "cancelRestart":
        this.#callOff(action.generation);
        return undefined;
      case "reply":
        this.replies.push(action.result);
        return undefined;
      case "exit":
        this.exitReason = action.reason;
        return undefined;
      case "report":
        this.reports.push(`${action.report.type} ${action.report.id}`);
        return undefined;
      default:
        return action satisfies never;
    }
  }

  #start(ids: readonly string[]): { id: string; result: StartResult }[] {
    const results: { id: string; result: StartResult }[] = [];
    for (const id of ids) {
      const outcome = this.outcomes.get(id)?.shift() ?? "runs";
      const result = outcome === "runs" ? { pid: freshPid() } : outcome;
      results.push({ id, result });
      if (typeof result === "object" && "pid" in result) {
        this.#step({ type: "childStarted", id, pid: result.pid });
      }
      const failed = typeof result === "object" && "error" in result;
      this.done.push(`+${id}${failed ? "!" : result === "ignore" ? "?" : ""}`);
      if (failed) break;
    }
    return results;
  }
}

interface Flags {
  readonly strategy?: Strategy;
  readonly intensity?: number;
  readonly autoShutdown?: AutoShutdown;
  readonly restarts?: Readonly<Record<string, Restart>>;
  readonly significant?: string;
}

/** A supervisor of the children `a`, `b`, …, booted. */
function booted(ids: string, flags: Flags = {}): Rehearsal {
  const { restarts = {}, significant = "", intensity = 3, ...rest } = flags;
  const children = [...ids].map((id) =>
    child(
      { id, restart: restarts[id] ?? "permanent", significant: significant.includes(id) },
      idle,
    ),
  );
  const rehearsal = new Rehearsal(checkSupervisorSpec({ intensity, ...rest, children }));
  rehearsal.on({ type: "boot" });
  rehearsal.done.length = 0;
  return rehearsal;
}

describe("the first start", () => {
  test("children start in order, then the starter is told", () => {
    const spec = checkSupervisorSpec({ children: [child("a", idle), child("b", idle)] });
    const supervisor = new Rehearsal(spec);
    expect(supervisor.on({ type: "boot" })).toEqual(["+a", "+b"]);
    expect(supervisor.acknowledged).toBe(true);
  });

  test("when one fails, those before it stop in reverse, and the supervisor exits", () => {
    const children = [..."abcd"].map((id) => child(id, idle));
    const supervisor = new Rehearsal(checkSupervisorSpec({ children }));
    supervisor.outcomes.set("c", [{ error: "no" }]);
    expect(supervisor.on({ type: "boot" })).toEqual(["+a", "+b", "+c!", "-b", "-a"]);
    expect(supervisor.acknowledged).toBe(false);
    expect(supervisor.exitReason).toEqual({
      shutdown: { type: "failed_to_start_child", id: "c", reason: "no" },
    });
  });

  test.each<[Restart, string]>([
    ["permanent", "abc"],
    ["transient", "abc"],
    ["temporary", "ac"],
  ])("a %s child that ignores its start: the children are %s", (restart, ids) => {
    const children = [child("a", idle), child({ id: "b", restart }, idle), child("c", idle)];
    const supervisor = new Rehearsal(checkSupervisorSpec({ children }));
    supervisor.outcomes.set("b", ["ignore"]);
    supervisor.on({ type: "boot" });
    expect(supervisor.state.children.list.map(({ id }) => id).join("")).toBe(ids);
    expect(supervisor.running()).toBe("ac");
  });
});

describe("a child that ends", () => {
  test.each<[Strategy, string, string[]]>([
    ["one_for_one", "b", ["+b"]],
    ["rest_for_one", "b", ["-d", "-c", "+b", "+c", "+d"]],
    ["rest_for_one", "d", ["+d"]],
    ["one_for_all", "b", ["-d", "-c", "-a", "+a", "+b", "+c", "+d"]],
  ])("under %s the end of %s: %j", (strategy, id, done) => {
    expect(booted("abcd", { strategy }).end(id, crash)).toEqual(done);
  });

  test.each<[Strategy, string[]]>([
    ["one_for_one", ["+c"]],
    ["rest_for_one", ["-d", "+c"]],
    ["one_for_all", ["-d", "-b", "-a", "+a", "+b", "+c"]],
  ])("under %s temporary siblings stop with the others and are dropped", (strategy, done) => {
    const supervisor = booted("abcd", { strategy, restarts: { d: "temporary" } });
    expect(supervisor.end("c", crash)).toEqual(done);
    const ids = supervisor.state.children.list.map(({ id }) => id).join("");
    expect(ids).toBe(strategy === "one_for_one" ? "abcd" : "abc");
  });

  test.each<[Strategy, string]>([
    ["one_for_one", "acd"],
    ["rest_for_one", "abcd"],
    ["one_for_all", "abcd"],
  ])("under %s, with b stopped by hand, after the end of a there run %s", (strategy, running) => {
    const supervisor = booted("abcd", { strategy });
    supervisor.on({ type: "request", request: { type: "terminateChild", id: "b" } });
    supervisor.end("a", crash);
    expect(supervisor.running()).toBe(running);
  });

  test("a restart that fails is tried again, and each attempt counts", () => {
    const supervisor = booted("a", { intensity: 2 });
    supervisor.outcomes.set("a", [{ error: "no" }]);
    expect(supervisor.end("a", crash)).toEqual(["+a!", "+a"]);
    expect(supervisor.state.restarts.size).toBe(2);
    expect(supervisor.end("a", crash)).toEqual([]);
    expect(supervisor.exitReason).toBe("shutdown");
  });

  test("under one_for_all a sibling that fails to come back stops all again", () => {
    const supervisor = booted("abc", { strategy: "one_for_all" });
    supervisor.outcomes.set("b", [{ error: "no" }]);
    const done = ["-c", "-b", "+a", "+b!", "-a", "+a", "+b", "+c"];
    expect(supervisor.end("a", crash)).toEqual(done);
  });

  test("under rest_for_one the second attempt begins at the child that failed", () => {
    const supervisor = booted("abcd", { strategy: "rest_for_one" });
    supervisor.outcomes.set("c", [{ error: "no" }]);
    expect(supervisor.end("b", crash)).toEqual(["-d", "-c", "+b", "+c!", "+c", "+d"]);
  });

  test("a restart that ignores its start leaves the child stopped", () => {
    const supervisor = booted("ab");
    supervisor.outcomes.set("a", ["ignore"]);
    expect(supervisor.end("a", crash)).toEqual(["+a?"]);
    expect(supervisor.state.children.list[0]).toMatchObject({ id: "a", status: "stopped" });
  });

  test("when the intensity is exceeded all stop in reverse, and it exits with shutdown", () => {
    const supervisor = booted("abc", { intensity: 1 });
    supervisor.end("b", crash);
    expect(supervisor.end("b", crash)).toEqual(["-c", "-a"]);
    expect(supervisor.exitReason).toBe("shutdown");
  });

  test("the end of a process that is no child means nothing", () => {
    const supervisor = booted("a");
    const { state } = supervisor;
    const event = { type: "exited", pid: freshPid(), reason: crash, nowMs: 0 } as const;
    expect(decide(state, event)).toEqual({ state, actions: [] });
  });

  test("a second attempt that is not needed any more is not made", () => {
    const supervisor = booted("a");
    supervisor.outcomes.set("a", [{ error: "no" }]);
    supervisor.end("a", crash);
    const { generation } = supervisor.state;
    expect(supervisor.on({ type: "restartDue", generation, nowMs: 0 })).toEqual([]);
    expect(supervisor.on({ type: "restartDue", generation: 99, nowMs: 0 })).toEqual([]);
  });
});

describe("auto shutdown", () => {
  test.each<[AutoShutdown, Restart, ExitReason, string, boolean]>([
    ["any_significant", "transient", "normal", "s", true],
    ["any_significant", "transient", crash, "s", false],
    ["any_significant", "temporary", crash, "s", true],
    ["any_significant", "transient", "normal", "a", false],
    ["all_significant", "transient", "normal", "s", false],
    ["all_significant", "transient", "normal", "st", true],
    ["all_significant", "temporary", crash, "ts", true],
  ])("under %s, with %s children that end with %j, the ends of %s end it: %s", (...row) => {
    const [autoShutdown, restart, reason, ends, ended] = row;
    const restarts = { a: restart, s: restart, t: restart };
    const supervisor = booted("ast", { autoShutdown, restarts, significant: "st" });
    for (const id of ends) supervisor.end(id, reason);
    expect(supervisor.exitReason).toBe(ended ? "shutdown" : undefined);
  });

  test("a significant child that is stopped by hand does not end it", () => {
    const restarts = { s: "transient" } as const;
    const supervisor = booted("as", {
      autoShutdown: "any_significant",
      restarts,
      significant: "s",
    });
    supervisor.on({ type: "request", request: { type: "terminateChild", id: "s" } });
    expect(supervisor.exitReason).toBeUndefined();
  });
});

describe("reports", () => {
  test.each<[Restart, ExitReason, boolean]>([
    ["permanent", "normal", true],
    ["permanent", crash, true],
    ["transient", "normal", false],
    ["transient", crash, true],
    ["temporary", { shutdown: 1 }, false],
    ["temporary", crash, true],
  ])("the end of a %s child by %j is reported: %s", (restart, reason, reported) => {
    const supervisor = booted("a", { restarts: { a: restart } });
    supervisor.reports.length = 0;
    supervisor.end("a", reason);
    expect(supervisor.reports.includes("childTerminated a")).toBe(reported);
  });

  test.each<[Restart, "brutal_kill" | 5_000, ExitReason, boolean]>([
    ["permanent", 5_000, "shutdown", false],
    ["permanent", 5_000, "killed", true],
    ["permanent", 5_000, "normal", true],
    ["permanent", 5_000, { shutdown: 1 }, true],
    ["permanent", "brutal_kill", "killed", false],
    ["permanent", "brutal_kill", "shutdown", true],
    ["transient", 5_000, "normal", false],
    ["transient", 5_000, { shutdown: 1 }, false],
    ["transient", 5_000, "killed", true],
    ["transient", "brutal_kill", "normal", false],
    ["temporary", 5_000, crash, true],
  ])("a %s child with shutdown %s that ends by %j when stopped is reported: %s", (...row) => {
    const [restart, shutdown, reason, reported] = row;
    const spec = checkSupervisorSpec({ children: [child({ id: "a", restart, shutdown }, idle)] });
    const supervisor = new Rehearsal(spec);
    supervisor.on({ type: "boot" });
    supervisor.endings.set("a", reason);
    supervisor.on({ type: "terminate", reason: "shutdown" });
    const failed = reported ? ["shutdownFailed a"] : [];
    expect(supervisor.reports).toEqual(["childStarted a", ...failed]);
  });

  test("tell each start that failed, and that it gave up", () => {
    const supervisor = booted("a", { intensity: 2 });
    supervisor.outcomes.set("a", [{ error: "no" }, { error: "no" }]);
    supervisor.reports.length = 0;
    supervisor.end("a", crash);
    const said = ["childTerminated a", "startFailed a", "startFailed a", "intensityExceeded a"];
    expect(supervisor.reports).toEqual(said);
  });
});

describe("a child's incarnation", () => {
  test("grows with each attempt to start it, and is never used again for its id", () => {
    const supervisor = booted("a", { restarts: { a: "temporary" } });
    const seen = [supervisor.state.children.list[0]?.incarnation];
    const spec = checkChildSpec(child({ id: "a", restart: "temporary" }, idle), "child");
    for (let round = 0; round < 3; round++) {
      supervisor.end("a", "normal");
      if (round === 1) supervisor.outcomes.set("a", [{ error: "no" }]);
      supervisor.on({ type: "request", request: { type: "startChild", spec } });
      seen.push(supervisor.state.children.list[0]?.incarnation);
    }
    expect(seen).toEqual([1, 2, undefined, 4]);
  });
});

// ── laws ────────────────────────────────────────────────────────────────────────────────────────

const IDS = "abcdef";
const reasons = fc.constantFrom<ExitReason>("normal", "shutdown", { shutdown: 1 }, "killed", crash);
const outcome = fc.constantFrom(
  "runs" as const,
  "runs" as const,
  "fails" as const,
  "ignore" as const,
);
const command = fc.oneof(
  fc.record({ type: fc.constant("end" as const), id: fc.constantFrom(...IDS), reason: reasons }),
  fc.record({ type: fc.constant("wait" as const), ms: fc.nat(30) }),
  fc.record({
    type: fc.constantFrom("startChild", "restartChild", "terminateChild", "deleteChild"),
    id: fc.constantFrom(...IDS),
  }),
);
const scenario = fc.record({
  strategy: fc.constantFrom<Strategy>("one_for_one", "one_for_all", "rest_for_one"),
  autoShutdown: fc.constantFrom<AutoShutdown>("never", "any_significant", "all_significant"),
  intensity: fc.nat(4),
  restarts: fc.array(fc.constantFrom<Restart>("permanent", "transient", "temporary"), {
    maxLength: IDS.length,
  }),
  significant: fc.array(fc.boolean(), { minLength: IDS.length, maxLength: IDS.length }),
  /** Delays of the children that have a backoff. */
  backoffs: fc.array(fc.option(fc.nat(25), { nil: undefined, freq: 2 }), {
    minLength: IDS.length,
    maxLength: IDS.length,
  }),
  outcomes: fc.array(outcome, { minLength: 8, maxLength: 8 }),
  commands: fc.array(command, { maxLength: 30 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** Looks at what followed from an event. */
type Check = (
  supervisor: Rehearsal,
  done: readonly string[],
  before: SupervisorState,
  /** `undefined` when it was time that passed. */
  event: SupervisorEvent | undefined,
) => void;

/** Runs a scenario and calls `check` after each event. */
function run(script: Scenario, check: Check): Rehearsal {
  const { strategy, autoShutdown, intensity, restarts, significant, backoffs, outcomes } = script;
  const specOf = (id: string): ReturnType<typeof child> => {
    const at = IDS.indexOf(id);
    const restart = restarts[at] ?? "permanent";
    const counts = autoShutdown !== "never" && restart !== "permanent";
    const initialMs = backoffs[at];
    const backoff = initialMs === undefined ? undefined : { initialMs, factor: 1, jitter: 0 };
    return child({ id, restart, significant: counts && significant[at] === true, backoff }, idle);
  };
  const children = restarts.map((_, index) => specOf(IDS[index] as string));
  const flags = { strategy, autoShutdown, intensity, periodMs: 20, children };
  const supervisor = new Rehearsal(checkSupervisorSpec(flags));
  const perform = (event: SupervisorEvent): void => {
    const before = supervisor.state;
    check(supervisor, supervisor.on(event), before, event);
  };
  const wait = (ms: number): void => {
    const before = supervisor.state;
    check(supervisor, supervisor.wait(ms), before, undefined);
  };
  perform({ type: "boot" });
  for (const [index, id] of [...IDS].entries()) {
    const results = outcomes
      .slice(index)
      .map((what) => (what === "fails" ? { error: "no" } : what));
    supervisor.outcomes.set(id, results);
  }
  for (const step of script.commands) {
    if (supervisor.exitReason !== undefined) break;
    if (step.type === "wait") wait(step.ms);
    else if (step.type === "end") {
      const pid = supervisor.pidOf(step.id);
      if (pid === undefined) continue;
      perform({ type: "exited", pid, reason: step.reason, nowMs: supervisor.nowMs });
    } else if (step.type === "startChild") {
      const spec = checkChildSpec(specOf(step.id), "child");
      perform({ type: "request", request: { type: "startChild", spec } });
    } else perform({ type: "request", request: { type: step.type, id: step.id } });
  }
  return supervisor;
}

/** The ids that were started (`+`) or stopped (`-`), in runs of the same. */
function runsOf(done: readonly string[]): string[][] {
  const runs: string[][] = [];
  for (const entry of done) {
    const last = runs.at(-1);
    const failed = last?.at(-1)?.endsWith("!") === true;
    if (last?.[0]?.[0] === entry[0] && !failed) last?.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

describe("laws", () => {
  const law = (title: string, check: Check): void =>
    test(title, () => {
      fc.assert(
        fc.property(scenario, (script) => void run(script, check)),
        { numRuns: 300 },
      );
    });

  law(
    "children start in start order and stop in the reverse",
    (supervisor, done, before, event) => {
      // Each for itself comes back when its own delay is over.
      if (event === undefined && before.strategy === "one_for_one") return;
      const order = [...before.children.list, ...supervisor.state.children.list].map(
        ({ id }) => id,
      );
      for (const entries of runsOf(done)) {
        const places = entries.map((entry) => order.indexOf(entry[1] as string));
        const sorted = [...places].sort((a, b) => (entries[0]?.[0] === "+" ? a - b : b - a));
        expect(places).toEqual(sorted);
      }
    },
  );

  law("no child is started while it runs, or stopped while it does not", (_, done, before) => {
    // The child whose end is told has ended before anything is done about it.
    const first = new Map<string, string>();
    for (const entry of done) first.set(entry[1] as string, first.get(entry[1] as string) ?? entry);
    for (const [id, entry] of first) {
      if (entry.startsWith("-")) {
        const ran = before.children.list.find((one) => one.id === id)?.pid !== undefined;
        const started = done.some((other) => other.startsWith(`+${id}`));
        expect(ran || started).toBe(true);
      }
    }
    for (const id of IDS) {
      const own = done.filter((entry) => entry[1] === id && /^[+-]\w$/.test(entry));
      own.forEach((entry, index) => expect(entry[0]).not.toBe(own[index - 1]?.[0]));
    }
  });

  law("a child has a pid just when its status is running, and no two have one", ({ state }) => {
    const pids = state.children.list.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    expect(new Set(pids).size).toBe(pids.length);
    for (const { pid, status } of state.children.list) {
      expect(pid !== undefined).toBe(status === "running");
    }
  });

  law("a temporary child is running, or is no child any more", ({ state, exitReason }) => {
    if (exitReason !== undefined) return;
    for (const { spec, status } of state.children.list) {
      if (spec.restart === "temporary") expect(status).toBe("running");
    }
  });

  law("it is idle again after each event, or has exited with nothing running", (supervisor) => {
    if (supervisor.exitReason === undefined) {
      expect(supervisor.state.activity).toEqual({ type: "idle" });
    } else expect(supervisor.running()).toBe("");
  });

  law("no more restarts than the intensity allows are remembered", ({ state, exitReason }) => {
    const excess = exitReason === "shutdown" ? 1 : 0;
    expect(state.restarts.size).toBeLessThanOrEqual(state.limit.intensity + excess);
  });

  law(
    "under one_for_one the end of a child touches no other",
    (supervisor, done, before, event) => {
      if (before.strategy !== "one_for_one" || event?.type !== "exited") return;
      if (supervisor.exitReason !== undefined) return;
      const ended = before.children.list.find(({ pid }) => pid === event.pid);
      expect(done.every((entry) => entry[1] === ended?.id)).toBe(true);
    },
  );

  law("a request is answered once, and by nothing else", (supervisor, _done, _before, event) => {
    expect(supervisor.replies.splice(0)).toHaveLength(event?.type === "request" ? 1 : 0);
  });

  law("no delayed restart is lost, and none is left that nobody waits for", (supervisor) => {
    if (supervisor.exitReason !== undefined) return;
    const waited = supervisor.state.children.list.flatMap(({ wait }) => wait?.generation ?? []);
    expect([...new Set(waited)].sort()).toEqual([...supervisor.pending()].sort());
  });

  law("no two waits have one generation, and generations only grow", ({ state }, _done, before) => {
    expect(state.generation).toBeGreaterThanOrEqual(before.generation);
    for (const { wait } of state.children.list) {
      expect(wait?.generation ?? 0).toBeLessThanOrEqual(state.generation);
    }
  });

  law(
    "each attempt to start an id has an incarnation of its own, higher than any before",
    (...row) => {
      const [{ state, done }] = row;
      for (const { id, incarnation } of state.children.list) {
        const attempts = done.filter((entry) => entry.startsWith(`+${id}`)).length;
        expect(incarnation).toBeGreaterThanOrEqual(attempts);
      }
    },
  );

  law("those that wait together start together, unless they are stopped by hand", (...row) => {
    const [supervisor, done, before, event] = row;
    if (event !== undefined || supervisor.exitReason !== undefined) return;
    const waits = new Map<number, string[]>();
    for (const { id, wait } of before.children.list) {
      if (wait !== undefined)
        waits.set(wait.generation, [...(waits.get(wait.generation) ?? []), id]);
    }
    for (const ids of waits.values()) {
      const started = ids.filter((id) => done.some((entry) => entry.startsWith(`+${id}`)));
      const failed = done.some((entry) => entry.endsWith("!"));
      if (!failed) expect(started.length === 0 || started.length === ids.length).toBe(true);
    }
  });

  test("it gives up just when a period holds one failure more than the intensity, its edges included", () => {
    const failure = fc.record({ afterMs: fc.nat(12), id: fc.constantFrom(..."ab") });
    fc.assert(
      fc.property(
        fc.array(failure, { maxLength: 20 }),
        fc.nat(4),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom<Strategy>("one_for_one", "one_for_all", "rest_for_one"),
        (failures, intensity, periodMs, strategy) => {
          const children = [..."ab"].map((id) => child(id, idle));
          const flags = { strategy, intensity, periodMs, children };
          const supervisor = new Rehearsal(checkSupervisorSpec(flags));
          supervisor.on({ type: "boot" });
          const times: number[] = [];
          for (const { afterMs, id } of failures) {
            supervisor.wait(afterMs);
            times.push(supervisor.nowMs);
            supervisor.end(id, crash);
            const inPeriod = times.filter((at) => at >= supervisor.nowMs - periodMs).length;
            expect(supervisor.exitReason).toBe(inPeriod > intensity ? "shutdown" : undefined);
            if (supervisor.exitReason !== undefined) return;
          }
        },
      ),
    );
  });

  test("significant children end it: with any, or with the last of them that was left", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(..."abcd"), { maxLength: 4 }),
        fc.subarray([..."abcd"]),
        fc.constantFrom<AutoShutdown>("never", "any_significant", "all_significant"),
        (endings, chosen, autoShutdown) => {
          const restarts = {
            a: "temporary",
            b: "temporary",
            c: "transient",
            d: "transient",
          } as const;
          const significant = autoShutdown === "never" ? "" : chosen.join("");
          const supervisor = booted("abcd", { autoShutdown, restarts, significant });
          const left = new Set(significant);
          for (const id of endings) {
            if (supervisor.exitReason !== undefined) return;
            const counts = left.delete(id);
            supervisor.end(id, "normal");
            const ends =
              counts &&
              (autoShutdown === "any_significant" ||
                (autoShutdown === "all_significant" && left.size === 0));
            expect(supervisor.exitReason).toBe(ends ? "shutdown" : undefined);
          }
        },
      ),
    );
  });

  law("a state is never changed, but replaced", (supervisor) => {
    const deepFreeze = (value: unknown): void => {
      if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
      Object.freeze(value);
      Object.values(value).forEach(deepFreeze);
    };
    const { children, restarts, ...rest } = supervisor.state;
    for (const one of children.list) Object.freeze(one);
    Object.freeze(children);
    deepFreeze(restarts);
    deepFreeze(rest.activity);
    Object.freeze(supervisor.state);
  });

  test("orderly ends of transient children never restart anything", () => {
    const orderly = reasons.filter((reason) => isOrderly(reason));
    fc.assert(
      fc.property(scenario, fc.constantFrom(..."abc"), orderly, (script, id, reason) => {
        const { strategy } = script;
        const restarts = { a: "transient", b: "transient", c: "transient" } as const;
        const supervisor = booted("abc", { strategy, restarts });
        expect(supervisor.end(id, reason)).toEqual([]);
      }),
    );
  });
});
