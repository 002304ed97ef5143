/**
 * The calm after the storm: the second part of a run, in which nothing is broken any more and nobody waits for
 * ever. What is owed is judged here, as an unfair schedule can keep anything from happening.
 */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import { canonicalText } from "./canonical-text.js";
import type { Kernel } from "./kernel.js";
import { RedirectedTimer } from "./redirected-timer.js";
import type { RunView, Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

export interface CalmOptions {
  /** A timer that could fire goes first after so many steps, although there are messages; 100 by default. */
  readonly timerSteps?: number;
}

export interface StormOptions extends CalmOptions {
  /** How many steps the storm has at the most: it is over earlier when nothing but faults could happen. */
  readonly stormSteps: number;
}

/** What those who judge a run know of its calm. */
export interface Calm {
  readonly hasBegun: boolean;
  /** All that is under way or waits, as text. What processes know besides is not in it. */
  situation(): string;
  /** The run is over when each of those who said this has seen enough. */
  until(hasSeenEnough: () => boolean): void;
}

/** @throws InvalidArgumentError an option is unknown or of the wrong kind */
export function checkStormOptions(argument: string, options: StormOptions): void {
  checkKeys(argument, options, ["stormSteps", "timerSteps"]);
  const { stormSteps, timerSteps = 0 } = options;
  for (const [option, value] of Object.entries({ stormSteps, timerSteps })) {
    if (Number.isInteger(value) && value >= 0) continue;
    throw new InvalidArgumentError(`${argument}.${option}`, "a whole number of at least 0", value);
  }
}

/** The calm of one run, as its kernel leads it. */
export class KernelCalm implements Calm {
  readonly #kernel: Kernel;
  readonly #options: StormOptions;
  readonly #judges: (() => boolean)[] = [];
  /** The step with which it began. */
  from: number | undefined = undefined;

  constructor(kernel: Kernel, options: StormOptions) {
    this.#kernel = kernel;
    this.#options = options;
  }

  get hasBegun(): boolean {
    return this.from !== undefined;
  }

  /** Whether it is there by now: then it has begun. */
  isDue(): boolean {
    if (this.#kernel.step >= this.#options.stormSteps) this.from ??= this.#kernel.step;
    return this.hasBegun;
  }

  until(hasSeenEnough: () => boolean): void {
    this.#judges.push(hasSeenEnough);
  }

  situation(): string {
    const { agenda, steps, lives } = this.#kernel;
    const underWay = [...new Set([...agenda.ready.heads, ...agenda.ready.signals()])];
    // In lists: in the calm it is by age whose turn it is.
    return canonicalText([
      underWay.map(({ kind, senderPid, actor, content }) => [kind, senderPid, actor, content]),
      (agenda.timers?.all ?? []).map((timer) => {
        // Timers of the host are numbered, as nobody knows what they do.
        const content = timer instanceof RedirectedTimer ? "timeout" : timer.content;
        return [timer.actor, content, agenda.leftMs(timer), steps.length - timer.creator];
      }),
      lives.all
        .filter(({ isUp }) => isUp)
        .map(({ node }) => [...node.processes()].map((pid) => node.mailboxOf(pid))),
    ]);
  }

  /** What comes next: in the storm what `storm` picks, then what is fair; nothing when all have seen enough. */
  pick(storm: Strategy, enabled: readonly Transition[]): Transition | undefined {
    const kernel = this.#kernel;
    const { timerSteps = TIMER_STEPS } = this.#options;
    if (!this.isDue()) {
      const picked = storm.pick(enabled, kernel);
      if (picked !== undefined) return picked;
      this.from = kernel.step;
    }
    if (this.#judges.length > 0 && this.#judges.every((hasSeenEnough) => hasSeenEnough()))
      return undefined;
    return pickFairly(enabled, kernel, timerSteps);
  }
}

const TIMER_STEPS = 100;

/** What puts an end to a fault. */
const MENDS = /^fault:(heal|resume|up):/;

/**
 * The strategy `storm` for so many steps, and then a fair one: what is broken is mended, no fault happens
 * any more, and what became possible first happens first. Nothing waits for ever. For runs that you make yourself:
 * the option `calm` of a simulation does the same for all its runs.
 *
 * @example
 * import { calmAfter, seeded } from "@coppice/testkit";
 * const strategy = calmAfter(seeded(7), 100);
 * strategy.pick([], { steps: [], step: 0, nowMs: 0 }); // => undefined
 */
export function calmAfter(
  storm: Strategy,
  stormSteps: number,
  options: CalmOptions = {},
): Strategy {
  const { timerSteps = TIMER_STEPS } = options;
  return {
    pick(enabled, view) {
      const picked = view.step < stormSteps ? storm.pick(enabled, view) : undefined;
      return picked ?? pickFairly(enabled, view, timerSteps);
    },
  };
}

function pickFairly(
  enabled: readonly Transition[],
  { step }: RunView,
  timerSteps: number,
): Transition | undefined {
  const mend = enabled.find(({ key }) => MENDS.test(key));
  if (mend !== undefined) return mend;
  let first: Transition | undefined;
  let timer: Transition | undefined;
  for (const transition of enabled) {
    if (transition.kind === "fault") continue;
    if (transition.kind === "timer") timer = isEarlier(transition, timer) ? transition : timer;
    else first = isEarlier(transition, first) ? transition : first;
  }
  const isOverdue = timer !== undefined && step - timer.creator >= timerSteps;
  return isOverdue ? timer : (first ?? timer);
}

function isEarlier(one: Transition, other: Transition | undefined): boolean {
  if (other === undefined) return true;
  const [at, otherAt] = [one.atMs ?? 0, other.atMs ?? 0];
  return at === otherAt ? one.order < other.order : at < otherAt;
}
