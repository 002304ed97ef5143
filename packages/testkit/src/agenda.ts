/** The agenda of a run: all that could happen, now or when its turn has come. */
import { processKeyOf, type Happening, type Node } from "@coppice/core";
import type { Kernel } from "./kernel.js";
import { ReadySet } from "./ready-set.js";
import { SimTimers } from "./sim-timers.js";
import { windowOf, type Bounds, type Window } from "./sim-time.js";
import { SlowNodes } from "./slow-nodes.js";

export class Agenda {
  readonly #kernel: Kernel;
  readonly #bounds: Bounds | undefined;
  readonly ready: ReadySet;
  /** Made when the first is set. */
  timers: SimTimers | undefined = undefined;
  /** Made when the first node is slow. */
  slow: SlowNodes | undefined = undefined;
  /** Under bounds, and where a node is slow: since when each could happen, in true time. */
  #possibleMs: Map<Happening, number> | undefined;
  /** Under bounds: what takes as long as it may. */
  #delayed: Set<Happening> | undefined;
  /** What was spawned by the program itself, to be started in order; those before `#head` have started. */
  readonly #starts: Happening[] = [];
  #head = 0;

  constructor(kernel: Kernel) {
    const { profile, clock } = kernel.options;
    this.#kernel = kernel;
    this.#bounds = typeof clock === "object" ? clock : undefined;
    this.ready = new ReadySet(profile);
    this.#possibleMs = this.#bounds && new Map();
  }

  add(happening: Happening, isDaemon: boolean): void {
    const { kind } = happening;
    this.#possibleMs?.set(happening, this.#kernel.nowMs);
    if (kind === "timer") this.#timersOf().add(happening, isDaemon);
    else if (kind === "start" && this.#isInOrder(happening)) this.#starts.push(happening);
    else this.ready.add(happening);
  }

  #isInOrder({ actorPid }: Happening): boolean {
    const { phase, options } = this.#kernel;
    if (phase === "run" || options.explored) return false;
    const parent = processKeyOf(actorPid)?.parent;
    return parent !== undefined && parent.parent === undefined;
  }

  /** Takes out what is to start next. */
  takeStart(): Happening | undefined {
    return this.#head === this.#starts.length ? undefined : this.#starts[this.#head++];
  }

  /** It happens now, or never will. */
  remove(happening: Happening): void {
    this.#possibleMs?.delete(happening);
    this.#delayed?.delete(happening);
    if (happening.kind === "timer") {
      this.timers?.remove(happening);
      return;
    }
    this.ready.remove(happening);
    if (this.#head === this.#starts.length) return;
    const place = this.#starts.indexOf(happening, this.#head);
    if (place !== -1) this.#starts.splice(place, 1);
  }

  /** What may happen by its own rules and those of time, oldest first; `lets` says what else is in the way. */
  enabled(lets: ((happening: Happening) => boolean) | undefined): Happening[] {
    const { timers, slow } = this;
    const heads = lets === undefined ? this.ready.heads.slice() : this.ready.heads.filter(lets);
    if (slow?.isOn(this.#kernel.nowMs) === true) return this.#timersOf().addTo(heads);
    if (this.#bounds !== undefined && heads.length > 1) return this.#timersOf().addTo(heads);
    return timers === undefined || timers.all.length === 0 ? heads : timers.addTo(heads);
  }

  #timersOf(): SimTimers {
    return (this.timers ??= new SimTimers(this.#kernel));
  }

  /** From now on a node is late by `byMs` with all that it does, for a while. */
  slowDown(node: string, byMs: number, forMs: number): void {
    const fromMs = this.#kernel.nowMs;
    this.#possibleMs ??= new Map();
    (this.slow ??= new SlowNodes()).add({ node, fromMs, untilMs: fromMs + forMs, byMs });
  }

  /** Since when it could happen, in true time, as late as its node is. */
  possibleMs(happening: Happening): number {
    const sinceMs = this.#possibleMs?.get(happening) ?? 0;
    return this.slow?.notBeforeMs(happening.actorPid.node, sinceMs) ?? sinceMs;
  }

  /** Where nodes are or were slow, the time and since when all could happen; then no two states are alike. */
  outline(): Record<string, unknown> | undefined {
    if (this.slow === undefined) return undefined;
    const since = [...this.ready.signals()].map((one) => [one.key, this.possibleMs(one)]);
    return { slow: [this.#kernel.nowMs, since] };
  }

  /** Whether it, which is no timer, cannot happen before some time has passed. */
  isLate(happening: Happening): boolean {
    return this.slow !== undefined && this.possibleMs(happening) > this.#kernel.nowMs;
  }

  /** What time has to pass for, of that which is due by `endMs` the first: a timer, or what is late. */
  next(endMs: number): Happening | undefined {
    const timer = this.timers?.next(endMs);
    const firstMs = timer === undefined ? endMs : this.timeOf(timer);
    const late = this.slow === undefined ? [] : this.ready.heads.filter((one) => this.isLate(one));
    const isBefore = (one: Happening): boolean =>
      this.#kernel.faults?.lets(one) !== false && this.possibleMs(one) <= firstMs;
    return (
      late.filter(isBefore).sort((a, b) => this.possibleMs(a) - this.possibleMs(b))[0] ?? timer
    );
  }

  /** When a timer is due, in true time. */
  dueMs(timer: Happening): number {
    return (this.timers as SimTimers).dueMs(timer);
  }

  /** How long a timer has to go. */
  leftMs(timer: Happening): number {
    return this.dueMs(timer) - this.#kernel.nowMs;
  }

  /** Since when it could happen; of a timer, when it is due. */
  #sinceMs(happening: Happening): number {
    return happening.kind === "timer" ? this.dueMs(happening) : this.possibleMs(happening);
  }

  /** The true time when it happens, should it happen now: it may have been under way, or set, for so long. */
  timeOf(happening: Happening): number {
    const { nowMs } = this.#kernel;
    const bounds = this.#bounds;
    const earliestMs =
      bounds === undefined ? this.#sinceMs(happening) : this.windowOf(happening, bounds).earliestMs;
    return Math.max(nowMs, earliestMs);
  }

  /** From when until when it happens, within bounds, in true time. */
  windowOf(happening: Happening, bounds: Bounds): Window {
    const window = windowOf(this.#sinceMs(happening), happening.kind, bounds);
    if (this.#delayed?.has(happening) !== true) return window;
    return { earliestMs: window.latestMs, latestMs: window.latestMs };
  }

  /** It takes as long as bounds allow. */
  delay(happening: Happening): void {
    (this.#delayed ??= new Set()).add(happening);
  }

  /** What could happen next and, within bounds, may take longer than it does. */
  delayable(): Happening[] {
    const bounds = this.#bounds;
    if (bounds === undefined) return [];
    const { faults } = this.#kernel;
    return [...this.ready.heads, ...(this.timers?.all ?? [])].filter((one) => {
      if (faults?.lets(one) === false) return false;
      const { earliestMs, latestMs } = this.windowOf(one, bounds);
      return earliestMs < latestMs;
    });
  }

  /** All that could have happened to a life of a node never will. */
  dropAllOf(node: Node): void {
    const isOf = ({ actorPid }: Happening): boolean =>
      actorPid.node === node.name && actorPid.incarnation === node.incarnation;
    for (const timer of this.timers?.all.filter(isOf) ?? []) this.drop(timer);
    for (let some = this.ready.heads.filter(isOf); some.length > 0;) {
      for (const head of some) this.drop(head);
      some = this.ready.heads.filter(isOf);
    }
  }

  /** It is lost. */
  drop(happening: Happening): void {
    this.remove(happening);
    happening.drop();
  }
}
