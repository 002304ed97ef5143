/**
 * The kernel: a scheduler that decides everything for the nodes of one simulation.
 *
 * A run is a sequence of transitions. Between two of them no code of the program runs: after each, the
 * tasks and microtasks that it gave rise to are run until none is left.
 */
import type { Access, AnyPid, Clock, Happening, KeySpace, Random, Scheduler } from "@coppice/core";
import type { Act } from "./act.js";
import { Agenda } from "./agenda.js";
import { KernelCalm } from "./calm.js";
import { Checks } from "./checks.js";
import type { FaultSource } from "./fault-source.js";
import { Footprint } from "./footprint.js";
import { HostUse } from "./host-use.js";
import type { KernelOptions } from "./kernel-options.js";
import { Lives, type Life } from "./lives.js";
import type { Look } from "./looks.js";
import { Onlookers } from "./onlookers.js";
import {
  hashOfKeys,
  loopAtEnd,
  type RunOutcome,
  type Run,
  type Step,
  type Take,
  type Unfired,
} from "./run.js";
import { Sightings } from "./sightings.js";
import { Draws, SimClock, SimRandom } from "./sim-ports.js";
import type { NodeTime } from "./sim-time.js";
import type { RunView } from "./strategy.js";
import { Tasks } from "./tasks.js";
import type { Transition } from "./transition.js";

const NO_LOOKS: readonly Look[] = [];
const NONE_SEEN: ReadonlySet<string> = new Set();
const NONE_UNFIRED: readonly Unfired[] = [];
const NONE_UNJUDGED: readonly string[] = [];

export class Kernel implements Scheduler, RunView {
  readonly keySpace: KeySpace;
  readonly options: KernelOptions;
  readonly agenda: Agenda;
  readonly lives: Lives = new Lives();
  readonly steps: Step[] = [];
  readonly checks: Checks = new Checks();
  faults: FaultSource | undefined = undefined;
  readonly calm: KernelCalm | undefined;
  nowMs = 0;
  /** Somebody has asked what time it is. */
  readsClock = false;
  /** Whose code runs now. */
  current: AnyPid | undefined = undefined;
  /** `"program"` while the program itself runs; top-level starts are put aside then. */
  phase: "program" | "set-up" | "run" = "program";
  readonly draws: Draws;
  /** Of the step that is being made. */
  readonly footprint: Footprint;
  readonly tasks: Tasks = new Tasks();
  readonly sightings: Sightings = new Sightings();

  // There is one kernel for each run: what most runs have no use for is made when it is used.
  #takes: Take[] | undefined = undefined;
  #orders = 0;
  #armsDaemons = false;
  #movedAt = 0;
  #host: HostUse | undefined = undefined;
  #onlookers: Onlookers | undefined = undefined;

  constructor(options: KernelOptions) {
    const { seed, keySpace, profile, clock } = options;
    this.options = options;
    this.calm = options.calm && new KernelCalm(this, options.calm);
    this.keySpace = keySpace;
    this.agenda = new Agenda(this);
    this.draws = new Draws(seed, keySpace);
    this.footprint = new Footprint(keySpace, profile, clock);
  }

  // ── the port of core ────────────────────────────────────────────────────────────────────────

  soon(task: () => void): void {
    this.tasks.add(task);
  }

  afterTurn(task: () => void): void {
    this.tasks.add(task);
  }

  offer(happening: Happening): void {
    happening.order = this.#orders++;
    happening.creator = this.phase === "run" ? this.steps.length : -1;
    const { kind } = happening;
    this.footprint.noteOnBehalf(happening, this.current);
    if (kind === "timer") this.footprint.touchTimers();
    else if (kind === "signal") {
      const { profile } = this.options;
      if (profile === "instant") this.footprint.noteQueueing(happening);
      else if (profile === "datagram") happening.isLoose = happening.isMessage;
    }
    this.agenda.add(happening, this.#armsDaemons);
  }

  withdraw(happening: Happening): void {
    this.agenda.remove(happening);
    if (happening.kind !== "timer") return;
    this.footprint.touchTimers();
    this.agenda.timers?.withdrawn(happening, this.steps.length);
  }

  access(access: Access): void {
    this.footprint.note(access);
  }

  clockRead(): void {
    this.readsClock = true;
  }

  took(by: AnyPid, message: unknown, guard: Take["guard"], isLook: boolean): void {
    if (!this.options.notesTakes || by !== this.current) return;
    (this.#takes ??= []).push({ message, guard, isLook });
  }

  /** Under `instant` what was sent to it is in its mailbox: whoever looks finds it. */
  deliverAll(pid: AnyPid): boolean {
    if (this.options.profile !== "instant") return false;
    const { agenda, faults, footprint } = this;
    footprint.noteLooking(pid);
    for (const signal of [...agenda.ready.queuedFor(pid)]) {
      // What is held back is not there yet, nor what was sent after it.
      if (faults?.lets(signal) === false || agenda.isLate(signal)) break;
      this.#takeIn(signal);
      agenda.remove(signal);
      signal.run();
    }
    return true;
  }

  nodeKey(name: string): string {
    const before = this.lives.get(name);
    return before === undefined ? name : `${name}.${before.number + 1}`;
  }

  // ── what nodes are given ────────────────────────────────────────────────────────────────────

  clockOf(time: NodeTime): Clock {
    return new SimClock(time, this);
  }

  randomOf(name: string): Random {
    return new SimRandom(this.draws, this.keySpace.root(this.nodeKey(name)).random.hash);
  }

  /** What code takes from the host. */
  get host(): HostUse {
    return (this.#host ??= new HostUse(this));
  }

  /** All timers that are armed while `arm` runs, and their next ticks, do not keep a run going. */
  daemon<T>(arm: () => T): T {
    const before = this.#armsDaemons;
    this.#armsDaemons = true;
    try {
      return arm();
    } finally {
      this.#armsDaemons = before;
    }
  }

  // ── checks ──────────────────────────────────────────────────────────────────────────────────

  /** Those who look at the state between steps. */
  get onlookers(): Onlookers {
    return (this.#onlookers ??= new Onlookers(this));
  }

  /** Of each check the first counts. */
  fail(check: string, message: string, error?: unknown): void {
    this.checks.fail(check, message, this.stepNow, error);
  }

  check(when: "always" | "finally"): void {
    this.checks.look(when, this.stepNow);
  }

  /** The step that is being made, or was made last; -1 in set-up. */
  get stepNow(): number {
    return this.phase === "run" ? this.steps.length : -1;
  }

  // ── running ─────────────────────────────────────────────────────────────────────────────────

  /** Lets what was spawned by the program itself start, in order; `false` when there was nothing. */
  startNext(): boolean {
    this.#takes = undefined;
    const start = this.agenda.takeStart();
    this.current = start?.actorPid;
    if (start === undefined) return false;
    const before = this.phase;
    this.phase = "set-up";
    start.run();
    this.phase = before;
    return true;
  }

  /** What could happen next, oldest first; faults last. Those alone, or nothing: the run is at rest. */
  enabled(): Act[] {
    const { faults, agenda } = this;
    if (faults === undefined) return agenda.enabled(undefined);
    const enabled: Act[] = agenda.enabled((happening) => faults.lets(happening));
    enabled.push(...faults.enabled());
    return enabled;
  }

  /** Makes something happen. The code that it wakes has still to run: then `finish`. */
  begin(act: Act): void {
    this.current = act.actorPid;
    const isSlow = this.agenda.slow?.isOn(this.nowMs) === true;
    if (act.kind === "fault") {
      this.sightings.struck(act);
      this.footprint.begin([...act.accesses]);
      act.run();
    } else {
      const { kind } = act;
      this.footprint.begin([act.access]);
      if (kind === "timer" || isSlow || typeof this.options.clock === "object") {
        this.#moveTime(act);
      }
      if (kind === "signal" && this.options.profile === "instant") this.#takeIn(act);
      this.agenda.remove(act);
      if (kind === "timer" && this.agenda.timers?.isDaemon(act)) this.daemon(() => act.run());
      else act.run();
    }
    // As long as a node is slow, what happens when decides what time it is and who is late.
    if (isSlow) this.access(this.keySpace.access("*", "write"));
    this.tasks.run();
  }

  /** A signal arrives: under `instant` that makes a place in a queue free. */
  #takeIn(signal: Happening): void {
    const { actorPid } = signal;
    this.footprint.noteTaking(
      signal,
      () => this.agenda.timers?.all.some((timer) => timer.actorPid === actorPid) === true,
    );
  }

  /** The transition and all that it woke are over. */
  finish(transition: Transition, enabled: readonly Transition[]): void {
    const accesses = this.footprint.end();
    this.current = undefined;
    const takes = this.#takes;
    this.#takes = undefined;
    if (this.phase !== "run") return;
    this.#onlookers?.note(accesses);
    const step: Step = { transition, creator: transition.creator, accesses, enabled, takes };
    if (this.checks.always.length > 0) this.check("always");
    if (transition.kind === "signal") this.sightings.arrived(transition);
    this.#onlookers?.tell(step);
    // What they find wrong is found in the course of this one.
    this.steps.push(step);
  }

  /** Stands for nobody in particular; where there is a node. */
  get anyPid(): AnyPid {
    return (this.lives.all[0] as Life).node.pid;
  }

  #moveTime(happening: Happening): void {
    const before = this.nowMs;
    this.nowMs = this.agenda.timeOf(happening);
    if (happening.kind === "timer") this.footprint.noteFiring(happening);
    if (this.nowMs === before) return;
    this.#movedAt = this.steps.length;
    this.footprint.noteUse("clock", "write");
  }

  /** What time has to pass for next, daemons included, if it is due by `endMs`; of several the oldest. */
  nextTimer(endMs: number): Act | undefined {
    return this.agenda.next(endMs);
  }

  cutOff(): RunOutcome {
    return this.steps.length - this.#movedAt > this.options.stepLimit / 2 ? "zeno" : "stepLimit";
  }

  get step(): number {
    return this.steps.length;
  }

  result(outcome: RunOutcome): Run {
    const { steps, nowMs } = this;
    const {
      seen = NONE_SEEN,
      asked = NONE_SEEN,
      unfocused: looks = NO_LOOKS,
    } = this.#onlookers ?? {};
    const { violations } = this.checks;
    const { mailboxes, strikes } = this.sightings;
    const calmFrom = this.calm?.from;
    const loop = outcome === "zeno" ? loopAtEnd(steps) : [];
    const unfired = this.agenda.timers?.unfired(steps.length) ?? NONE_UNFIRED;
    const isCut = outcome === "stepLimit" || outcome === "zeno";
    const unjudged = isCut ? this.checks.finally.map(({ name }) => name) : NONE_UNJUDGED;
    const hash = (): string => hashOfKeys(steps);
    return {
      steps,
      violations,
      outcome,
      nowMs,
      seen,
      asked,
      looks,
      unfired,
      unjudged,
      loop,
      calmFrom,
      mailboxes,
      strikes,
      hash,
    };
  }
}
