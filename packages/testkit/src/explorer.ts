/**
 * Exploration step by step: three plain schedules, source-DPOR within its share, samples, delays; and what all
 * that has shown.
 */
import { EAGER } from "./constrained-strategy.js";
import { CoverageMeter, type Coverage } from "./coverage.js";
import { DelayBounded } from "./delay-bounded.js";
import type { ExploreOptions } from "./explore-options.js";
import { exhaust } from "./exhaustion.js";
import { hostMs } from "./host-time.js";
import { hashWith } from "./key-hash.js";
import { isLeeway } from "./leeway.js";
import type { Look } from "./looks.js";
import { messageKindOf } from "./message-kind.js";
import { drawPlan, samplers, strategyOfPlan, type Sampler, type SamplePlan } from "./portfolio.js";
import { ProgramModel } from "./program-model.js";
import type { Profile } from "./ready-set.js";
import type { Run, Violation } from "./run.js";
import { stateFindings, type Statement } from "./statement.js";
import { FIFO, LIFO, type Strategy } from "./strategy.js";
import { walk } from "./strategy-walk.js";
import { traceClass } from "./trace-class.js";

/** By what a run was found. */
export type Origin = "fifo" | "lifo" | "eager" | "dpor" | "delays" | "states" | Sampler;

/** A run that violated something. */
export interface ExploredFailure {
  readonly run: Run;
  readonly violations: readonly Violation[];
  readonly strategy: Origin;
  /** How many runs came before it. */
  readonly index: number;
  /** Of strategies that draw. */
  readonly seed: number | undefined;
  /** All that a drawn run was decided by. */
  readonly plan: SamplePlan | undefined;
}

export interface Exploration {
  readonly runs: number;
  /** The first of each violated check, or with `all` each failing run; never more than 1,000. */
  readonly failures: readonly ExploredFailure[];
  /** How many runs failed. */
  readonly failing: number;
  readonly statement: Statement;
  readonly coverage: Coverage;
  /** Where no run came to rest, although something must hold there: one of these runs. */
  readonly restless: Run | undefined;
}

/** Makes one run under a strategy. Runs of one exploration share a key space. */
export type Runner = (strategy: Strategy) => Run;

/** What is known of the runs besides. */
export interface Circumstances {
  readonly profile: Profile;
  /** What was left out from the beginning. */
  readonly bounds: readonly string[];
  /** Whether all that can happen is a choice, as source-DPOR needs it. */
  readonly dpor: boolean;
  /** Real time in ms; that of the host by default. */
  readonly nowMs?: () => number;
}

const DEFAULT_RUNS = 10_000;
const DPOR_RUNS = 2_000;
const DPOR_SHARE = 0.2;
const DPOR_MOST = 1 / 3;
/** In between, runs of source-DPOR and samples take turns. */
const TASTE_FROM = 32;
const TASTE_UNTIL = 160;
/** And from there on one run in so many is a sample. */
const TASTE_EVERY = 8;
const MOST_FAILURES = 1_000;
/** An order of two steps that nobody takes for dependent is missed by so many with a chance of 1 in 65,536. */
const HIDDEN_LOOKS = 16;
const HIDDEN = "something is shared that the simulation does not see";

/** Classes of runs by how these ended. */
type Verdicts = Record<"passed" | "failed", Set<number>>;

function noVerdicts(): Verdicts {
  return { passed: new Set(), failed: new Set() };
}

export class Explorer {
  readonly #run: Runner;
  readonly #options: ExploreOptions;
  readonly #profile: Profile;
  readonly #bounds: string[];
  readonly #usesDpor: boolean;
  readonly #nowMs: () => number;
  readonly #limit: number;
  readonly #endsAtMs: number;
  readonly #dporEndsAtMs: number;
  readonly #halfAtMs: number;
  readonly #coverage = new CoverageMeter();
  readonly #model = new ProgramModel();
  readonly #failures: ExploredFailure[] = [];
  readonly #checks = new Set<string>();
  readonly #timers = new Set<string>();
  readonly #looks = new Map<string, Look>();
  readonly #seen = new Set<string>();
  #runs = 0;
  #turn = 0;
  #failing = 0;
  #mostFaults = 0;
  #calmsCut = 0;
  #hasChoices = false;
  /** Until source-DPOR has come to its end: those it has run, and those of all other runs. */
  #classes: Record<"explored" | "others", Verdicts> | undefined;
  #restless: Run | undefined;
  #cameToRest = false;

  constructor(run: Runner, options: ExploreOptions, circumstances: Circumstances) {
    this.#run = run;
    this.#options = options;
    this.#profile = circumstances.profile;
    this.#bounds = [...circumstances.bounds];
    this.#usesDpor = circumstances.dpor;
    const { profile, dpor } = circumstances;
    const isPlain = profile === "pairFifo" || profile === "erlDist";
    if (dpor && isPlain && options.observers !== true && options.commutes === undefined)
      this.#classes = { explored: noVerdicts(), others: noVerdicts() };
    this.#nowMs = circumstances.nowMs ?? hostMs;
    this.#limit = options.runs ?? (options.ms === undefined ? DEFAULT_RUNS : Infinity);
    const { ms = Infinity } = options;
    const nowMs = this.#nowMs();
    this.#endsAtMs = nowMs + ms;
    this.#halfAtMs = nowMs + ms / 2;
    this.#dporEndsAtMs = this.#limit === Infinity ? nowMs + DPOR_SHARE * ms : -Infinity;
  }

  explore(): Exploration {
    for (const [name, strategy] of [
      ["fifo", FIFO],
      ["lifo", LIFO],
      ["eager", EAGER],
    ] as const) {
      if (this.#mayGoOn()) this.#make(strategy, name, undefined);
    }
    const all = this.#mayGoOn() && this.#usesDpor ? this.#exhaust() : undefined;
    const hidden = all?.isDone === true ? this.#lookForHidden() : undefined;
    this.#classes = undefined;
    if (hidden !== undefined) {
      // What source-DPOR took for all there is was not.
      this.#sample();
      return this.#result(this.#stateBounded(all?.statement, hidden), false);
    }
    // All within a fault budget is not all there is, but as much as samples within it could show.
    if (all?.isDone === true) return this.#result(all.statement, true);
    this.#sample();
    this.#delay();
    return this.#result(this.#stateBounded(all?.statement), false);
  }

  #mayGoOn(): boolean {
    if (this.#failing > 0 && this.#options.all !== true) return false;
    return this.#runs < this.#limit && this.#nowMs() < this.#endsAtMs;
  }

  #make(strategy: Strategy, origin: Origin, plan: SamplePlan | undefined): Run {
    const index = this.#runs++;
    const run = this.#run(strategy);
    this.#model.learn(run);
    const id = this.#coverage.add(run, plan !== undefined);
    const verdict = run.violations.length > 0 ? "failed" : "passed";
    if (run.outcome !== "stopped")
      this.#classes?.[origin === "dpor" ? "explored" : "others"][verdict].add(id);
    this.#noteCircumstances(run);
    if ((run.unjudged?.length ?? 0) > 0) this.#restless ??= run;
    else this.#cameToRest = true;
    if (run.violations.length > 0) this.#noteFailure(run, { origin, index, plan });
    return run;
  }

  #noteFailure(
    run: Run,
    { origin, index, plan }: { origin: Origin; index: number; plan: SamplePlan | undefined },
  ): void {
    this.#failing++;
    const { violations } = run;
    const isNew = violations.some(({ check }) => !this.#checks.has(check));
    for (const { check } of violations) this.#checks.add(check);
    const keeps = isNew || this.#options.all === true;
    if (!keeps || this.#failures.length >= MOST_FAILURES) return;
    this.#failures.push({ run, violations, strategy: origin, index, seed: plan?.seed, plan });
  }

  #noteCircumstances({ steps, looks = [], seen, outcome, calmFrom }: Run): void {
    if (calmFrom !== undefined && (outcome === "stepLimit" || outcome === "zeno")) this.#calmsCut++;
    for (const look of looks) this.#looks.set(`${look.by} ${look.name}`, look);
    for (const name of seen) this.#seen.add(name);
    let faults = 0;
    for (const { transition, enabled } of steps) {
      if (enabled.length > 1) this.#hasChoices = true;
      // Under bounds nothing is exhaustive anyway.
      if (transition.kind === "fault") faults += !this.#usesDpor && isLeeway(transition) ? 0 : 1;
      else if (transition.kind === "timer") this.#timers.add(transition.key);
    }
    this.#mostFaults = Math.max(this.#mostFaults, faults);
  }

  /** Source-DPOR, within its share. */
  #exhaust(): { readonly statement: Statement; readonly isDone: boolean } {
    const { dporRuns, commutes, kindOf = messageKindOf, seed = 1 } = this.#options;
    const cap = dporRuns ?? this.#dporShare();
    const hasTime = (): boolean => dporRuns === undefined && this.#nowMs() < this.#dporEndsAtMs;
    const { runs, classes, orders, failing, cut, isDone, isOrdered } = exhaust({
      profile: this.#profile,
      observers: this.#options.observers === true,
      commutes,
      kindOf,
      seed,
      countOrders: this.#options.countOrders === true,
      make: (strategy) => {
        this.#taste();
        return this.#make(strategy, "dpor", undefined);
      },
      tryOut: this.#run,
      goesOn: (many) => (many < cap || hasTime()) && this.#mayGoOn(),
      needsOrders: () => this.#unfocused().length > 0,
    });
    const bounds = [...this.#bounds];
    // How many there may be is up to a budget, not to the program.
    if (this.#mostFaults > 0) bounds.push(`faults ≤ ${this.#mostFaults}`);
    if (cut > 0) bounds.push(`${cut} runs cut off at the step limit`);
    else if (!isDone) bounds.push(this.#whyNotDone(runs, cap));
    else if (!isOrdered) bounds.push(this.#whatWasMissed());
    const found = { classes, orders, violations: failing, bounds };
    return { statement: this.#state(found), isDone: isDone && isOrdered };
  }

  /** Those who look at everything between steps, and have not seen what they were to see. */
  #unfocused(): readonly Look[] {
    return [...this.#looks.values()].filter(
      ({ by, name }) => by !== "sometimes" || !this.#seen.has(name),
    );
  }

  #whatWasMissed(): string {
    const who = this.#unfocused().map(({ by, name }) => {
      if (by === "observe") return name;
      return by === "when" ? `what ${name} waits for` : `"${name}"`;
    });
    return `${who.join(", ")} looked at in some orders of each`;
  }

  /** How many runs it may take when nobody says: of a few, others shall have the most. */
  #dporShare(): number {
    if (this.#limit === Infinity) return DPOR_RUNS;
    return Math.ceil(
      Math.min(DPOR_MOST * this.#limit, Math.max(DPOR_RUNS, DPOR_SHARE * this.#limit)),
    );
  }

  #whyNotDone(runs: number, cap: number): string {
    if (this.#failing > 0 && this.#options.all !== true) return "stopped at the first violation";
    if (runs >= cap && this.#mayGoOn()) return `cap ${runs}`;
    return this.#runs >= this.#limit
      ? `runs ${this.#limit}`
      : `${Math.round(this.#options.ms ?? 0)} ms`;
  }

  /**
   * What is not few, and fails often, fails soon: then there is no need to go through it class by class. And where
   * half of the time is over, samples are not to wait until it all is.
   */
  #taste(): void {
    const isTurn = this.#runs < TASTE_UNTIL || this.#runs % TASTE_EVERY === 0;
    const mayTaste = (this.#runs >= TASTE_FROM && isTurn) || this.#nowMs() >= this.#halfAtMs;
    if (mayTaste && this.#mayGoOn()) this.#sampleOne();
  }

  /**
   * All classes were run; so whatever order their steps come in is of one of these and ends as it does, unless something
   * is shared that nobody sees, such as a variable of a closure. Where all pass, and classes are so few that there were
   * no samples, some orders are tried for that.
   *
   * @returns what it is called that was left out, where one ends otherwise or is of another class
   */
  #lookForHidden(): string | undefined {
    const { strategies = samplers, seed = 1 } = this.#options;
    // With faults nothing is exhaustive anyway.
    if (this.#mostFaults > 0) this.#classes = undefined;
    if (this.#classes !== undefined) {
      const { explored, others } = this.#classes;
      for (const id of others.passed) if (!explored.passed.has(id)) return HIDDEN;
      for (const id of others.failed) if (!explored.failed.has(id)) return HIDDEN;
    }
    const passed = this.#classes?.explored.passed;
    if (this.#failing > 0 || this.#turn > 0 || strategies.length === 0 || !this.#hasChoices) return;
    for (let look = 0; look < HIDDEN_LOOKS && this.#nowMs() < this.#endsAtMs; look++) {
      const run = this.#run(walk(hashWith(seed, look)));
      if (run.violations.length > 0) {
        this.#noteFailure(run, { origin: "walk", index: this.#runs, plan: undefined });
        return HIDDEN;
      }
      if (passed?.has(traceClass(run)) === false) return HIDDEN;
    }
    return;
  }

  #sample(): void {
    // All the rest, but for what delays are to have.
    while (this.#mayGoOn()) {
      if (this.#options.delays !== undefined && this.#runs >= this.#limit * 0.8) return;
      if (!this.#sampleOne()) return;
    }
  }

  /** `false` when there is no strategy to sample with. */
  #sampleOne(): boolean {
    const { strategies = samplers, seed = 1, faultBudget = 2 } = this.#options;
    if (strategies.length === 0) return false;
    const plan = drawPlan(seed, this.#turn++, this.#model, { strategies, faultBudget });
    this.#make(strategyOfPlan(plan), plan.strategy, plan);
    if (plan.strategy === "pct2") this.#coverage.addPct(2);
    else if (plan.strategy === "pct3") this.#coverage.addPct(3);
    return true;
  }

  #delay(): void {
    const { delays } = this.#options;
    if (delays === undefined || !this.#mayGoOn()) return;
    const bounded = new DelayBounded(delays);
    while (!bounded.done && this.#mayGoOn()) {
      this.#make(bounded, "delays", undefined);
      bounded.learn();
    }
    if (bounded.done) this.#bounds.push(`all with delays ≤ ${delays}`);
  }

  #stateBounded(dpor: Statement | undefined, hidden?: string): Statement {
    const bounds = new Set([...(dpor?.bounds ?? []), ...this.#bounds]);
    if (hidden !== undefined) bounds.add(hidden);
    if (this.#failing > 0 && this.#options.all !== true)
      bounds.add("stopped at the first violation");
    if (this.#calmsCut > 0) bounds.add(`${this.#calmsCut} runs cut off in the calm`);
    if (bounds.size === 0) bounds.add("samples");
    const { classes } = this.#coverage.report();
    return this.#state({
      classes,
      orders: undefined,
      violations: this.#failing,
      bounds: [...bounds],
    });
  }

  #state(found: {
    readonly classes: number;
    readonly orders: number | undefined;
    readonly violations: number;
    readonly bounds: readonly string[];
  }): Statement {
    return stateFindings({
      ...found,
      runs: this.#runs,
      profile: this.#profile,
      faults: this.#mostFaults,
      timers: this.#timers.size,
    });
  }

  #result(statement: Statement, exhausted: boolean): Exploration {
    return {
      runs: this.#runs,
      failures: this.#failures,
      failing: this.#failing,
      statement,
      coverage: this.#coverage.report(exhausted),
      restless: this.#cameToRest ? undefined : this.#restless,
    };
  }
}
