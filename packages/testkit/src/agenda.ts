/** The agenda of a run: all that could happen, now or when its turn has come. */
import { processKeyOf, type Happening, type Node } from "@coppice/core";
import type { Kernel } from "./kernel.js";
import { ReadySet } from "./ready-set.js";
import { SimTimers } from "./sim-timers.js";

export class Agenda {
  readonly #kernel: Kernel;
  readonly ready: ReadySet;
  /** Made when the first is set. */
  timers: SimTimers | undefined = undefined;
  /** Under bounds: since when each could happen, in true time. */
  readonly possibleMs: Map<Happening, number> | undefined;
  /** What was spawned by the program itself, to be started in order; those before `#head` have started. */
  readonly #starts: Happening[] = [];
  #head = 0;

  constructor(kernel: Kernel) {
    const { profile, clock } = kernel.options;
    this.#kernel = kernel;
    this.ready = new ReadySet(profile);
    this.possibleMs = typeof clock === "object" ? new Map() : undefined;
  }

  add(happening: Happening, isDaemon: boolean): void {
    const { kind } = happening;
    this.possibleMs?.set(happening, this.#kernel.nowMs);
    if (kind === "timer") (this.timers ??= new SimTimers(this.#kernel)).add(happening, isDaemon);
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
    this.possibleMs?.delete(happening);
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
    const { timers } = this;
    const heads = lets === undefined ? this.ready.heads.slice() : this.ready.heads.filter(lets);
    return timers === undefined || timers.all.length === 0 ? heads : timers.addTo(heads);
  }

  /** The true time when it happens, should it happen now: it may have been under way, or set, for so long. */
  timeOf(happening: Happening): number {
    const { nowMs, options } = this.#kernel;
    if (happening.kind === "timer") {
      return Math.max(nowMs, (this.timers as SimTimers).dueMs(happening));
    }
    if (happening.kind !== "signal" || typeof options.clock !== "object") return nowMs;
    const sentMs = this.possibleMs?.get(happening) ?? 0;
    return Math.max(nowMs, sentMs + (options.clock.minLatencyMs ?? 0));
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
