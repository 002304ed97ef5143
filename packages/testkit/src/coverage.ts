/**
 * How much of a program its runs have shown, and how much there may be that they have not.
 *
 * The chance that the next run is of a class not seen before is estimated by Good and Turing: the share
 * of runs drawn at random whose class was seen once only.
 */
import { messageKindOf } from "./message-kind.js";
import type { Run, Step } from "./run.js";
import { StrikeTable } from "./strike-table.js";
import { traceClass } from "./trace-class.js";

export interface Coverage {
  readonly runs: number;
  /** How many classes of schedules they were of, at least: no more are told apart than 1,000,000. */
  readonly classes: number;
  /** Estimated chance that a run drawn at random is of a class not seen; 0 when all were explored. */
  readonly unseenMass: number;
  /** Pairs of kinds of messages that came to a process right after each other from different senders. */
  readonly races: {
    readonly seen: number;
    /** Came in the other order as well. */
    readonly bothOrders: number;
    /** Those that did not, as `PROCESS: FIRST before SECOND`; up to 20. */
    readonly oneOrder: readonly string[];
  };
  /**
   * Kinds of faults, and the states that they struck in: what `sim.state` exposes, or else what the process did that
   * was struck. No more are told apart than 1,000.
   */
  readonly faults: {
    readonly kinds: number;
    /** In which any fault struck. */
    readonly states: number;
    /** Pairs of a kind and a state. */
    readonly seen: number;
    /** Those that were not seen, as `KIND in STATE`; up to 20. */
    readonly missing: readonly string[];
  };
  /** How many messages waited for each process at the most, by its key; those for whom none did are left out. */
  readonly mailboxes: Readonly<Record<string, number>>;
  /** What `sometimes` asked for and was seen. */
  readonly seen: readonly string[];
  /** What it asked for and never was. */
  readonly unseen: readonly string[];
  readonly longestRun: number;
  /** Bugs of this depth were found with a probability of 95 % at least, by the bound of PCT; 0 for none. */
  readonly pctDepth: number;
}

const MOST_CLASSES = 1_000_000;
const MOST_LISTED = 20;

/** Takes in runs one by one; constant work for each step. */
export class CoverageMeter {
  #runs = 0;
  #samples = 0;
  #longest = 0;
  /** How often each class was seen: once, or more often. */
  readonly #classes = new Map<number, boolean>();
  #onceOnly = 0;
  /** By process: the pairs in the order they came. */
  readonly #pairs = new Map<string, Set<string>>();
  readonly #seen = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #kinds = new Map<number, string>();
  readonly #channels = new Set<string>();
  readonly #mailboxes = new Map<string, number>();
  readonly #strikes = new StrikeTable();
  readonly #pctRuns = new Map<number, number>();

  /**
   * @param isSample it was drawn at random; of others nothing follows for what was not seen
   * @returns the class of the run
   */
  add(run: Run, isSample: boolean): number {
    const id = traceClass(run);
    this.#runs++;
    this.#longest = Math.max(this.#longest, run.steps.length);
    // What was given up on its way may be the beginning of any of several.
    if (run.outcome !== "stopped") this.#count(id, isSample);
    for (const name of run.seen) this.#seen.add(name);
    for (const name of run.asked ?? []) this.#asked.add(name);
    this.#notePairs(run.steps);
    for (const [process, size] of run.mailboxes ?? []) {
      if (size > (this.#mailboxes.get(process) ?? 0)) this.#mailboxes.set(process, size);
    }
    for (const strike of run.strikes ?? []) this.#strikes.add(strike);
    return id;
  }

  /** The run added last was one of PCT for this depth. */
  addPct(depth: number): void {
    for (let at = 1; at <= depth; at++) this.#pctRuns.set(at, (this.#pctRuns.get(at) ?? 0) + 1);
  }

  report(exhausted = false): Coverage {
    const oneOrder: string[] = [];
    let pairs = 0;
    let bothOrders = 0;
    for (const [process, orders] of this.#pairs) {
      for (const order of orders) {
        const [first, second] = order.split("\0") as [string, string];
        const isBoth = orders.has(`${second}\0${first}`);
        // A pair that came in both orders stands there twice.
        if (isBoth && first > second) continue;
        pairs++;
        if (isBoth) bothOrders++;
        else if (oneOrder.length < MOST_LISTED)
          oneOrder.push(`${process}: ${first} before ${second}`);
      }
    }
    return {
      runs: this.#runs,
      classes: this.#classes.size,
      unseenMass: this.#unseenMass(exhausted),
      races: { seen: pairs, bothOrders, oneOrder },
      faults: this.#strikes.report(MOST_LISTED),
      mailboxes: Object.fromEntries(this.#mailboxes),
      seen: [...this.#seen],
      unseen: [...this.#asked].filter((name) => !this.#seen.has(name)),
      longestRun: this.#longest,
      pctDepth: this.#pctDepth(),
    };
  }

  #count(id: number, isSample: boolean): void {
    if (isSample) this.#samples++;
    const often = this.#classes.get(id);
    if (often === undefined) {
      if (this.#classes.size >= MOST_CLASSES) return;
      this.#classes.set(id, !isSample);
      if (isSample) this.#onceOnly++;
    } else if (!often) {
      this.#classes.set(id, true);
      this.#onceOnly--;
    }
  }

  #unseenMass(exhausted: boolean): number {
    if (exhausted) return 0;
    return this.#samples === 0 ? 1 : this.#onceOnly / this.#samples;
  }

  #notePairs(steps: readonly Step[]): void {
    const last = new Map<string, Step>();
    for (const step of steps) {
      const { transition } = step;
      if (transition.kind !== "signal") continue;
      this.#channels.add(transition.channel);
      const before = last.get(transition.actor);
      last.set(transition.actor, step);
      if (before === undefined || before.transition.channel === transition.channel) continue;
      const pair = `${this.#kindOf(before)}\0${this.#kindOf(step)}`;
      const pairs = this.#pairs.get(transition.actor);
      if (pairs === undefined) this.#pairs.set(transition.actor, new Set([pair]));
      else pairs.add(pair);
    }
  }

  #kindOf({ transition }: Step): string {
    let kind = this.#kinds.get(transition.keyId);
    if (kind === undefined) this.#kinds.set(transition.keyId, (kind = messageKindOf(transition)));
    return kind;
  }

  /** A bug of depth d is missed by one run with a chance of at most 1 − 1/(n·k^(d−1)). */
  #pctDepth(): number {
    let covered = 0;
    const channels = Math.max(1, this.#channels.size);
    for (const [depth, runs] of this.#pctRuns) {
      const hit = 1 / (channels * Math.max(1, this.#longest) ** (depth - 1));
      if ((1 - hit) ** runs <= 0.05) covered = Math.max(covered, depth);
    }
    return covered;
  }
}
