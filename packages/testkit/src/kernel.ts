/**
 * The kernel: a scheduler that decides everything for the nodes of one simulation.
 *
 * A run is a sequence of transitions. Between two of them no code of the program runs: after each, the
 * tasks and microtasks that it gave rise to are run until none is left.
 */
import {
  busyProcesses,
  type Access,
  type AnyPid,
  type Clock,
  type Happening,
  keyOf,
  processKeyOf,
  KeySpace,
  type Node,
  type Random,
  type Scheduler,
} from "@coppice/core";
import { Looks, type Look, type Reads } from "./looks.js";
import { RedirectedTimer } from "./redirected-timer.js";
import { ESCAPE_CHECK, EscapeError } from "./escape-error.js";
import { ReadySet, type Profile } from "./ready-set.js";
import {
  hashOfKeys,
  loopAtEnd,
  type RunOutcome,
  type Run,
  type Step,
  type Take,
  type Unfired,
  type Violation,
} from "./run.js";
import {
  firstOfAll,
  firstOfEachNode,
  NodeTime,
  windowOf,
  type ClockMode,
  type DueTimer,
} from "./sim-time.js";
import { mix, type RunView, type Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

export interface KernelOptions {
  readonly seed: number;
  readonly profile: Profile;
  readonly clock: ClockMode;
  readonly stepLimit: number;
  readonly horizonMs: number;
  readonly keySpace: KeySpace;
  readonly explored: boolean;
  readonly notesTakes: boolean;
  readonly traceSends: boolean;
}

/** A transition of the simulation's own. */
export interface OwnTransition extends Transition {
  readonly kind: "fault";
  readonly accesses: readonly Access[];
  run(): void;
}

/** Something to be looked at after each step, or at rest. */
export interface Check {
  readonly name: string;
  readonly when: "always" | "finally";
  readonly holds: () => unknown;
}

interface Life {
  readonly node: Node;
  readonly time: NodeTime;
  /** Which one it is, from 1. */
  readonly number: number;
}

/** What the kernel asks those who know of faults. */
export interface FaultSource {
  /** Those that could happen now. */
  enabled(): readonly OwnTransition[];
  /** The one that has to happen now, whatever the strategy says. */
  forced(last: Transition | undefined, step: number): OwnTransition | undefined;
  /** What has to happen when nothing else can, for something is held back. */
  relief(): OwnTransition | undefined;
  /** May this happen, as the network and the nodes are? */
  lets(happening: Happening): boolean;
}

export type Choice =
  | { readonly picked: Transition; readonly enabled: readonly Transition[] }
  | { readonly outcome: RunOutcome };

function processAccess(pid: AnyPid): Access | undefined {
  return processKeyOf(pid)?.mailbox("write");
}

function isFault({ kind }: Transition): boolean {
  return kind === "fault";
}

const NO_LOOKS: readonly Look[] = [];
const NONE_SEEN: ReadonlySet<string> = new Set();

export class Kernel implements Scheduler, RunView {
  readonly keySpace: KeySpace;
  readonly options: KernelOptions;
  readonly ready: ReadySet;
  readonly timers: Happening[] = [];
  readonly lives: Map<string, Life> = new Map();
  readonly steps: Step[] = [];
  readonly violations: Violation[] = [];
  seen: Set<string> | undefined = undefined;
  readonly checks: Check[] = [];
  readonly always: Check[] = [];
  looks: Looks | undefined = undefined;
  faults: FaultSource | undefined = undefined;
  /** Told of each step when it is over. */
  readonly observers: ((step: Step) => void)[] = [];
  nowMs = 0;
  /** Whose code runs now. */
  current: AnyPid | undefined = undefined;
  /** `"program"` while the program itself runs; top-level starts are put aside then. */
  phase: "program" | "set-up" | "run" = "program";

  readonly #starts: Happening[] = [];
  readonly #withdrawn: Unfired[] = [];
  /** The first `#taskCount` wait to be run; what is behind them was. */
  readonly #tasks: (() => void)[] = [];
  #taskCount = 0;
  // There is one kernel for each run: what most runs have no use for is made when it is used.
  #daemons: WeakSet<object> | undefined = undefined;
  readonly #possibleMs: Map<Happening, number> | undefined;
  #draws: Map<string, number> | undefined = undefined;
  #accesses: Access[] | undefined = undefined;
  #takes: Take[] | undefined = undefined;
  #orders = 0;
  #armsDaemons = false;
  #movedAt = 0;
  #redirected: Map<AnyPid, number> | undefined = undefined;

  constructor(options: KernelOptions) {
    this.options = options;
    this.keySpace = options.keySpace;
    this.ready = new ReadySet(options.profile);
    this.#possibleMs = typeof options.clock === "object" ? new Map() : undefined;
  }

  // ── the port of core ────────────────────────────────────────────────────────────────────────

  soon(task: () => void): void {
    this.#tasks[this.#taskCount++] = task;
  }

  afterTurn(task: () => void): void {
    this.#tasks[this.#taskCount++] = task;
  }

  offer(happening: Happening): void {
    happening.order = this.#orders++;
    happening.creator = this.phase === "run" ? this.steps.length : -1;
    this.#possibleMs?.set(happening, this.nowMs);
    if (this.#accesses !== undefined) this.#noteOnBehalf(happening);
    if (happening.kind === "timer") {
      this.timers.push(happening);
      if (this.#armsDaemons) (this.#daemons ??= new WeakSet()).add(happening.task as object);
      this.#touchTimers();
      return;
    }
    if (happening.kind === "start" && this.phase !== "run" && this.#isTop(happening)) {
      this.#starts.push(happening);
      return;
    }
    if (happening.kind === "signal") {
      if (this.options.profile === "instant") this.#noteQueueing(happening);
      else if (this.options.profile === "datagram") happening.isLoose = happening.isMessage;
    }
    this.ready.add(happening);
  }

  /**
   * What a process sends, spawns or arms in the name of another, such as its node, is numbered among what
   * that one does: so it has an order with that.
   */
  #noteOnBehalf({ kind, senderPid, actorPid }: Happening): void {
    const { current } = this;
    const agent = kind === "signal" ? (senderPid as AnyPid) : actorPid;
    if (current === undefined || (agent === current && kind !== "start")) return;
    const own = processKeyOf(agent);
    const key = kind === "start" ? own?.parent : own;
    if (key === undefined || key === processKeyOf(current)) return;
    // Whoever hears that a connection is lost is told so by those at its other end.
    const isElsewhere = agent.node !== current.node && key.parent !== undefined;
    if (!isElsewhere) this.#note(key.mailbox("write"));
  }

  /** Spawned by the program itself, and to be started in order. */
  #isTop({ actorPid }: Happening): boolean {
    const parent = processKeyOf(actorPid)?.parent;
    return !this.options.explored && parent !== undefined && parent.parent === undefined;
  }

  withdraw(happening: Happening): void {
    this.#forget(happening);
    if (happening.kind === "timer") {
      this.#touchTimers();
      this.#withdrawn.push({ transition: happening as Transition, until: this.steps.length });
    }
  }

  access(access: Access): void {
    this.#note(access);
  }

  took(by: AnyPid, message: unknown, guard: Take["guard"]): void {
    if (!this.options.notesTakes || by !== this.current) return;
    (this.#takes ??= []).push({ message, guard });
  }

  nodeKey(name: string): string {
    const before = this.lives.get(name);
    return before === undefined ? name : `${name}.${before.number + 1}`;
  }

  // ── what nodes are given ────────────────────────────────────────────────────────────────────

  clockOf(time: NodeTime): Clock {
    return {
      now: () => time.at(this.nowMs),
      set: () => {
        throw new Error("a scheduler that decides is offered timers");
      },
      clear: () => undefined,
    };
  }

  /** Random numbers that depend on who draws them, and on how many it drew before; not on the schedule. */
  randomOf(name: string): Random {
    // Another life of a node draws other numbers.
    const who = `random:${this.nodeKey(name)}`;
    let draws = 0;
    return {
      next: (by) => (by === undefined ? this.#drawAs(who, ++draws) : this.#drawFor(keyOf(by))),
    };
  }

  #drawFor(who: string): number {
    const draws = (this.#draws ??= new Map());
    const draw = (draws.get(who) ?? 0) + 1;
    draws.set(who, draw);
    return this.#drawAs(`random:${who}`, draw);
  }

  #drawAs(who: string, draw: number): number {
    const high = mix(this.options.seed ^ draw, this.keySpace.key(who).hash);
    return (high * 2 ** 21 + (mix(high, draw) >>> 11)) / 2 ** 53;
  }

  // ── what code takes from the host ───────────────────────────────────────────────────────────

  /** A random number for the code that runs now. */
  draw(): number {
    return this.#drawFor(this.current === undefined ? "" : keyOf(this.current));
  }

  /** What the clock of the node shows whose code runs now. */
  shownMs(): number {
    this.#noteUse("clock", "read");
    const life = this.current === undefined ? undefined : this.lives.get(this.current.node);
    return life === undefined ? this.nowMs : life.time.at(this.nowMs);
  }

  armRedirected(
    by: AnyPid | undefined,
    delayMs: number,
    task: object,
    call: () => void,
  ): RedirectedTimer {
    if (by === undefined && this.lives.size === 0) {
      const why = "there is no node yet whose clock it could go by; make it with sim.node() before";
      const error = new EscapeError("a timer of the host", undefined, why);
      this.fail(ESCAPE_CHECK, error.message, error);
      throw error;
    }
    const owner = by ?? this.anyPid;
    const numbers = (this.#redirected ??= new Map());
    const number = (numbers.get(owner) ?? 0) + 1;
    numbers.set(owner, number);
    const key = this.keySpace.key(`timer:${keyOf(owner)}/timeout#${number}`);
    const access = this.keySpace.access(`mailbox:${keyOf(owner)}`, "write");
    const life = this.lives.get(owner.node) as Life;
    const atMs = life.time.at(this.nowMs) + delayMs;
    const timer = new RedirectedTimer(key, owner, processAccess(owner) ?? access, atMs, task, call);
    this.offer(timer);
    return timer;
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

  /** Something looks at the state between steps. */
  look(look: Look, reads: Reads | undefined): string | undefined {
    return (this.looks ??= new Looks(this.keySpace)).add(look, reads);
  }

  /** Of each check the first counts. */
  fail(check: string, message: string, error?: unknown): void {
    if (this.#hasFailed(check)) return;
    const step = this.phase === "run" ? this.steps.length : -1;
    this.violations.push({ check, message, step, ...(error !== undefined && { error }) });
  }

  #hasFailed(check: string): boolean {
    return this.violations.some((violation) => violation.check === check);
  }

  check(when: "always" | "finally"): void {
    const checks = when === "always" ? this.always : this.checks;
    for (let i = 0; i < checks.length; i++) {
      const check = checks[i] as Check;
      if (check.when !== when || this.#hasFailed(check.name)) continue;
      try {
        const held = check.holds();
        if (held === false) this.fail(check.name, "it does not hold");
        else this.isPromise(check.name, held);
      } catch (error) {
        this.fail(check.name, error instanceof Error ? error.message : String(error), error);
      }
    }
  }

  /** Did a check answer with a promise? What comes of that is not known at the step that was looked at. */
  isPromise(check: string, held: unknown): boolean {
    if (typeof held !== "object" || held === null) return false;
    if (typeof (held as { readonly then?: unknown }).then !== "function") return false;
    // It may reject, and nobody else waits for it.
    void (held as Promise<unknown>).then(undefined, () => undefined);
    this.fail(check, "it returns a promise, but a check has to say at once whether it holds");
    return true;
  }

  /** Nothing can happen any more: who has not come to rest waits for something of the host. */
  lookForStuck(): void {
    for (const { node } of this.lives.values()) {
      for (const pid of busyProcesses(node)) {
        const initialCall = node.processInfo(pid)?.initialCall ?? "it";
        const why = `${initialCall} awaits something that the simulation does not know of`;
        const error = new EscapeError("an await", keyOf(pid), why);
        this.fail(ESCAPE_CHECK, error.message, error);
      }
    }
  }

  // ── running ─────────────────────────────────────────────────────────────────────────────────

  /** Runs tasks and microtasks until none is left. */
  settle(drain: () => void): void {
    do {
      drain();
    } while (this.runTasks());
  }

  /** Runs what waits to be run after the code that ran; `false` when nothing did. */
  runTasks(): boolean {
    if (this.#taskCount === 0) return false;
    for (let i = 0; i < this.#taskCount; i++) (this.#tasks[i] as () => void)();
    this.#taskCount = 0;
    return true;
  }

  /** Lets what was spawned by the program itself start, in order; `false` when there was nothing. */
  startNext(): boolean {
    this.#takes = undefined;
    const start = this.#starts.shift();
    this.current = start?.actorPid;
    if (start === undefined) return false;
    const before = this.phase;
    this.phase = "set-up";
    start.run();
    this.phase = before;
    return true;
  }

  /** What could happen next, oldest first; faults last. Those alone, or nothing: the run is at rest. */
  enabled(): Transition[] {
    const { faults, ready } = this;
    const heads = ready.heads as Transition[];
    if (this.timers.length === 0 && faults === undefined) return heads.slice();
    const happenings =
      faults === undefined
        ? ready.heads.slice()
        : ready.heads.filter((happening) => faults.lets(happening));
    const enabled = this.#withTimers(happenings) as Transition[];
    if (faults !== undefined) enabled.push(...faults.enabled());
    return enabled;
  }

  #withTimers(heads: Happening[]): Happening[] {
    const { clock, horizonMs } = this.options;
    const due: DueTimer[] = [];
    let holds = heads.length > 0;
    for (const timer of this.timers) {
      const node = timer.actorPid.node;
      const dueMs = Math.max(
        this.nowMs,
        (this.lives.get(node) as Life).time.trueMs(timer.atMs as number),
      );
      if (dueMs > horizonMs) continue;
      if (!this.#daemons?.has(timer.task as object)) holds = true;
      if (this.faults !== undefined && !this.faults.lets(timer)) continue;
      // Under `instant` what was sent is in the mailbox already.
      if (this.ready.isQueued(timer.actorPid)) continue;
      due.push({ timer, node, dueMs });
    }
    if (!holds || due.length === 0) return heads;
    if (typeof clock === "object") return this.#inBounds(heads, due, clock);
    if (clock === "quiet" && heads.length > 0) return heads;
    const first = clock === "quiet" ? firstOfAll(due) : firstOfEachNode(due);
    for (const { timer } of first) heads.push(timer);
    return heads;
  }

  #inBounds(heads: readonly Happening[], due: readonly DueTimer[], bounds: object): Happening[] {
    const all = [
      ...heads.map((happening) => ({ happening, dueMs: 0 })),
      ...due.map(({ timer, dueMs }) => ({ happening: timer, dueMs })),
    ].map(({ happening, dueMs }) => ({
      happening,
      ...windowOf(this.#possibleMs?.get(happening) ?? 0, happening.kind, dueMs, bounds as never),
    }));
    let latestMs = Infinity;
    for (const one of all) latestMs = Math.min(latestMs, one.latestMs);
    latestMs = Math.max(latestMs, this.nowMs);
    return all.filter(({ earliestMs }) => earliestMs <= latestMs).map(({ happening }) => happening);
  }

  /** Makes a transition happen. The code that it wakes has still to run: then `finish`. */
  begin(transition: Transition): void {
    this.current = transition.actorPid;
    if (transition.kind === "fault") {
      const fault = transition as OwnTransition;
      this.#accesses = [...fault.accesses];
      fault.run();
    } else {
      this.#accesses = [transition.access];
      const happening = transition as unknown as Happening;
      if (transition.kind === "timer" || typeof this.options.clock === "object") {
        this.#moveTime(happening);
      }
      if (transition.kind === "signal" && this.options.profile === "instant") {
        this.#noteTaking(happening);
      }
      this.#forget(happening);
      const daemon = transition.kind === "timer" && this.#daemons?.has(happening.task as object);
      if (daemon) this.daemon(() => happening.run());
      else happening.run();
    }
    this.runTasks();
  }

  /** The transition and all that it woke are over. */
  finish(transition: Transition, enabled: readonly Transition[]): void {
    const accesses = this.#accesses as Access[];
    this.current = undefined;
    this.#accesses = undefined;
    const takes = this.#takes;
    this.#takes = undefined;
    if (this.phase !== "run") return;
    this.looks?.note(accesses);
    const step: Step = { transition, creator: transition.creator, accesses, enabled, takes };
    if (this.always.length > 0) this.check("always");
    this.steps.push(step);
    for (const observer of this.observers) observer(step);
  }

  /** It is lost. */
  drop(happening: Happening): void {
    this.#forget(happening);
    happening.drop();
  }

  /** All that could have happened to a life of a node never will. */
  dropAllOf(node: Node): void {
    const isOf = ({ actorPid }: Happening): boolean =>
      actorPid.node === node.name && actorPid.incarnation === node.incarnation;
    for (const timer of this.timers.filter(isOf)) this.drop(timer);
    for (let some = this.ready.heads.filter(isOf); some.length > 0;) {
      for (const head of some) this.drop(head);
      some = this.ready.heads.filter(isOf);
    }
  }

  /** Stands for nobody in particular. */
  get anyPid(): AnyPid {
    const [life] = this.lives.values();
    return (life as Life).node.pid;
  }

  #moveTime(happening: Happening): void {
    const { clock } = this.options;
    const before = this.nowMs;
    if (happening.kind === "timer") {
      const life = this.lives.get(happening.actorPid.node) as Life;
      this.nowMs = Math.max(before, life.time.trueMs(happening.atMs as number));
      if (clock !== "quiet") this.#noteUse("timers", "write");
      if (this.options.profile === "instant") this.#note(this.#queueOf(happening, "read"));
    } else if (typeof clock === "object" && happening.kind === "signal") {
      const sentMs = this.#possibleMs?.get(happening) ?? 0;
      this.nowMs = Math.max(before, sentMs + (clock.minLatencyMs ?? 0));
    }
    if (this.nowMs === before) return;
    this.#movedAt = this.steps.length;
    this.#noteUse("clock", "write");
  }

  #forget(happening: Happening): void {
    this.#possibleMs?.delete(happening);
    if (happening.kind !== "timer") {
      this.ready.remove(happening);
      if (this.#starts.length > 0) this.#unstart(happening);
      return;
    }
    const place = this.timers.indexOf(happening);
    if (place !== -1) this.timers.splice(place, 1);
  }

  #unstart(happening: Happening): void {
    const place = this.#starts.indexOf(happening);
    if (place !== -1) this.#starts.splice(place, 1);
  }

  #touchTimers(): void {
    const { clock, profile } = this.options;
    // When it is due depends on what time it is; under a quiet clock a jump alone can make a difference there.
    if (clock === "quiet") this.#noteUse("clock", "read");
    else this.#noteUse("timers", profile === "instant" ? "write" : "read");
  }

  /**
   * Under `"instant"` a timer waits until its owner has taken what was sent to it: so what is sent, and
   * what is taken, has an order with all that is done to timers.
   */
  #noteTaking(signal: Happening): void {
    if (this.options.clock === "quiet") return;
    this.#noteUse("timers", "read");
    const { actorPid } = signal;
    if (this.timers.some((timer) => timer.actorPid === actorPid)) {
      this.#note(this.#queueOf(signal, "read"));
    }
  }

  #noteQueueing(signal: Happening): void {
    this.#note(this.#queueOf(signal, "write"));
    if (this.options.clock !== "quiet") this.#noteUse("timers", "read");
  }

  #queueOf({ actor }: Happening, mode: Access["mode"]): Access {
    return this.keySpace.access(`queue:${actor}`, mode);
  }

  #noteUse(object: "clock" | "timers", mode: "read" | "write"): void {
    if (this.#accesses !== undefined) this.#note(this.keySpace.access(object, mode));
  }

  #note(access: Access): void {
    const accesses = this.#accesses;
    if (accesses === undefined) return;
    for (let i = 0; i < accesses.length; i++) if (accesses[i] === access) return;
    // Nearly always these are few, and an array that grows takes room for many.
    if (accesses.length === 1) this.#accesses = [accesses[0] as Access, access];
    else accesses.push(access);
  }

  /** What the strategy decides on: it is `picked` next, or the run is over. */
  choose(strategy: Strategy): Choice {
    const enabled = this.enabled();
    const { faults, steps } = this;
    let forced = faults?.forced(steps.at(-1)?.transition, steps.length);
    if (forced === undefined && faults !== undefined && enabled.every(isFault)) {
      forced = faults.relief();
    }
    if (enabled.length === 0 && forced === undefined) return { outcome: "quiescent" };
    if (this.steps.length >= this.options.stepLimit) return { outcome: this.cutOff() };
    const picked = forced ?? strategy.pick(enabled, this);
    if (picked !== undefined) {
      const isOffered = picked !== forced || enabled.includes(picked);
      return { picked, enabled: isOffered ? enabled : [...enabled, picked] };
    }
    return { outcome: enabled.every(isFault) ? "quiescent" : "stopped" };
  }

  /** The timer that is due next, daemons included, if it is due by `endMs`; of several the oldest. */
  nextTimer(endMs: number): Transition | undefined {
    let next: Happening | undefined;
    let nextMs = endMs;
    for (const timer of this.timers) {
      const { node } = timer.actorPid;
      const dueMs = (this.lives.get(node) as Life).time.trueMs(timer.atMs as number);
      if (this.faults?.lets(timer) === false) continue;
      if (dueMs < nextMs || (dueMs === nextMs && next === undefined)) {
        next = timer;
        nextMs = dueMs;
      }
    }
    return next;
  }

  cutOff(): RunOutcome {
    return this.steps.length - this.#movedAt > this.options.stepLimit / 2 ? "zeno" : "stepLimit";
  }

  get step(): number {
    return this.steps.length;
  }

  result(outcome: RunOutcome): Run {
    const { steps, violations, nowMs, seen = NONE_SEEN } = this;
    const loop = outcome === "zeno" ? loopAtEnd(steps) : [];
    const looks = this.looks?.unfocused(seen) ?? NO_LOOKS;
    const until = steps.length;
    const left = this.timers.map((timer): Unfired => ({ transition: timer as Transition, until }));
    const unfired = left.length === 0 ? this.#withdrawn : [...this.#withdrawn, ...left];
    const hash = (): string => hashOfKeys(steps);
    return { steps, violations, outcome, nowMs, seen, looks, unfired, loop, hash };
  }
}
