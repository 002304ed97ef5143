/** The timers of a simulation that are set: which of them may fire now, and which fires next. */
import type { Happening } from "@coppice/core";
import type { Kernel } from "./kernel.js";
import type { Life } from "./lives.js";
import type { Unfired } from "./run.js";
import { firstOfAll, firstOfEachNode, type Bounds, type DueTimer } from "./sim-time.js";

export class SimTimers {
  readonly #kernel: Kernel;
  readonly #set: Happening[] = [];
  readonly #withdrawn: Unfired[] = [];
  /** Those that do not keep a run going; ticks of one interval are one. */
  #daemons: WeakSet<object> | undefined = undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get all(): readonly Happening[] {
    return this.#set;
  }

  add(timer: Happening, isDaemon: boolean): void {
    this.#set.push(timer);
    if (isDaemon) (this.#daemons ??= new WeakSet()).add(timer.task as object);
  }

  remove(timer: Happening): void {
    const place = this.#set.indexOf(timer);
    if (place !== -1) this.#set.splice(place, 1);
  }

  /** It was taken back in the course of that step. */
  withdrawn(timer: Happening, step: number): void {
    this.#withdrawn.push({ transition: timer, until: step });
  }

  /** Those that were taken back, and those that are left after that step. */
  unfired(step: number): readonly Unfired[] {
    const left = this.#set.map((timer): Unfired => ({
      transition: timer,
      until: step,
    }));
    return [...this.#withdrawn, ...left];
  }

  isDaemon(timer: Happening): boolean {
    return this.#daemons?.has(timer.task as object) === true;
  }

  /** When a timer is due, in true time. */
  dueMs(timer: Happening): number {
    const life = this.#kernel.lives.get(timer.actorPid.node) as Life;
    const dueMs = life.time.trueMs(timer.atMs as number);
    return this.#kernel.agenda.slow?.notBeforeMs(life.name, dueMs) ?? dueMs;
  }

  /** Adds those that may fire to what else could happen; under bounds it may have to wait for them. */
  addTo(heads: Happening[]): Happening[] {
    const kernel = this.#kernel;
    const { agenda } = kernel;
    const { clock, horizonMs } = kernel.options;
    const due: DueTimer[] = [];
    let holds = heads.length > 0;
    for (const timer of this.#set) {
      const dueMs = Math.max(kernel.nowMs, this.dueMs(timer));
      if (dueMs > horizonMs) continue;
      if (!this.isDaemon(timer)) holds = true;
      if (kernel.faults !== undefined && !kernel.faults.lets(timer)) continue;
      // Under `instant` what was sent is in the mailbox already.
      if (agenda.ready.isQueued(timer.actorPid)) continue;
      due.push({ timer, node: timer.actorPid.node, dueMs });
    }
    if (!holds) return heads;
    if (due.length === 0 && agenda.slow === undefined && typeof clock !== "object") return heads;
    if (typeof clock === "object") return this.#inBounds(heads, due, clock);
    if (clock === "quiet") return this.#whenQuiet(heads, due);
    for (const { timer } of firstOfEachNode(due)) heads.push(timer);
    return heads;
  }

  /** What is late at a slow node waits for its time as timers do. */
  #whenQuiet(heads: readonly Happening[], due: readonly DueTimer[]): Happening[] {
    const { agenda } = this.#kernel;
    const atOnce = heads.filter((head) => !agenda.isLate(head));
    if (atOnce.length > 0) return atOnce;
    const late = heads.map((timer): DueTimer => {
      return { timer, node: timer.actorPid.node, dueMs: agenda.possibleMs(timer) };
    });
    return firstOfAll([...late, ...due]).map(({ timer }) => timer);
  }

  #inBounds(heads: readonly Happening[], due: readonly DueTimer[], bounds: Bounds): Happening[] {
    const { agenda, nowMs } = this.#kernel;
    const all = [...heads, ...due.map(({ timer }) => timer)].map((happening) => ({
      happening,
      ...agenda.windowOf(happening, bounds),
    }));
    let latestMs = Infinity;
    for (const one of all) latestMs = Math.min(latestMs, one.latestMs);
    latestMs = Math.max(latestMs, nowMs);
    return all.filter(({ earliestMs }) => earliestMs <= latestMs).map(({ happening }) => happening);
  }

  /** The one that is due next, daemons included, if it is due by `endMs`; of several the oldest. */
  next(endMs: number): Happening | undefined {
    let next: Happening | undefined;
    let nextMs = endMs;
    for (const timer of this.#set) {
      const dueMs = this.dueMs(timer);
      if (this.#kernel.faults?.lets(timer) === false) continue;
      if (dueMs < nextMs || (dueMs === nextMs && next === undefined)) {
        next = timer;
        nextMs = dueMs;
      }
    }
    return next;
  }
}
