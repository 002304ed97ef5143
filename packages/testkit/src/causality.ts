/**
 * Which steps of a run depend on each other, and what that says about its past.
 *
 * Two steps depend when the same process acts in both, or when both use the same object and one
 * writes it. The order of steps that do not depend cannot be told from their effects: runs that
 * differ in nothing else are the same (Mazurkiewicz, "Trace theory", 1987).
 */
import type { Access } from "@coppice/core";
import type { Run, Step } from "./run.js";

/**
 * Whether the order of the two can matter, and a schedule can decide it. That timers fire in the order
 * of their deadlines is no choice.
 */
export function depend(a: Step, b: Step): boolean {
  return (
    a.transition.actor === b.transition.actor || a.accesses.some((access) => conflicts(access, b))
  );
}

function conflicts({ object, mode }: Access, step: Step): boolean {
  if (object === "timers") return false;
  // Of some faults nobody knows what they change.
  return step.accesses.some(
    (other) =>
      object === "*" ||
      other.object === "*" ||
      (object === other.object && (mode === "write" || other.mode === "write")),
  );
}

/** What everybody uses, so that it says nothing about who has to do with whom. */
const EVERYBODYS: ReadonlySet<string> = new Set(["timers", "clock", "*"]);

/** Positions in a run, one bit each. */
export class Positions {
  readonly #bits: Uint32Array;

  constructor(length: number) {
    this.#bits = new Uint32Array(Math.ceil(length / 32));
  }

  add(position: number): void {
    (this.#bits[position >>> 5] as number) |= 1 << (position & 31);
  }

  addAll(others: Positions): void {
    for (let at = 0; at < others.#bits.length; at++) {
      (this.#bits[at] as number) |= others.#bits[at] as number;
    }
  }

  has(position: number): boolean {
    return (((this.#bits[position >>> 5] as number) >>> (position & 31)) & 1) === 1;
  }
}

/**
 * For each step, the steps that had to be there before it under every schedule: what made it possible,
 * and what came before it on its channel.
 */
export function necessaryPasts(steps: readonly Step[]): readonly Positions[] {
  const pasts: Positions[] = [];
  const lastOfChannel = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    const past = new Positions(index + 1);
    const { channel } = step.transition;
    for (const before of [creatorOf(step), lastOfChannel.get(channel) ?? -1]) {
      if (before < 0 || before >= index) continue;
      past.add(before);
      past.addAll(pasts[before] as Positions);
    }
    pasts.push(past);
    lastOfChannel.set(channel, index);
  }
  return pasts;
}

/** The step that made it possible; -1 for what was possible from the beginning. Nothing makes a fault possible. */
function creatorOf({ creator, transition }: Step): number {
  return transition.kind === "fault" ? -1 : creator;
}

/** An edge of the happens-before graph, between positions in the run. */
export interface Edge {
  readonly from: number;
  readonly to: number;
  /** `made`: made it possible. `order`: both depend on each other, and this was their order. */
  readonly why: "made" | "order";
}

/** The happens-before graph, without edges that follow from others of the same process. */
export function happensBefore(steps: readonly Step[]): readonly Edge[] {
  const edges: Edge[] = [];
  const lastOfActor = new Map<string, number>();
  const lastWrite = new Map<string, number>();
  const readsSince = new Map<string, number[]>();
  for (const [to, step] of steps.entries()) {
    const { transition, accesses } = step;
    const creator = creatorOf(step);
    const sources = new Map<number, Edge["why"]>();
    const order = (from: number | undefined): void => {
      if (from !== undefined && from !== to && !sources.has(from)) sources.set(from, "order");
    };
    if (creator >= 0 && creator < to) sources.set(creator, "made");
    order(lastOfActor.get(transition.actor));
    const shared = accesses.filter(({ object }) => !EVERYBODYS.has(object));
    for (const { object, mode } of shared) {
      order(lastWrite.get(object));
      if (mode === "write") for (const read of readsSince.get(object) ?? []) order(read);
    }
    for (const { object, mode } of shared) {
      if (mode === "write") {
        lastWrite.set(object, to);
        readsSince.delete(object);
      } else readsSince.set(object, [...(readsSince.get(object) ?? []), to]);
    }
    lastOfActor.set(transition.actor, to);
    for (const [from, why] of sources) edges.push({ from, to, why });
  }
  return edges;
}

/** The steps that could have had an influence on any of `positions`, those included, in order. */
export function causalPast(run: Run, positions: readonly number[]): readonly number[] {
  const before = new Map<number, number[]>();
  for (const { from, to } of happensBefore(run.steps)) {
    before.set(to, [...(before.get(to) ?? []), from]);
  }
  const past = new Set<number>();
  const open = positions.filter((position) => position >= 0 && position < run.steps.length);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (past.has(at)) continue;
    past.add(at);
    open.push(...(before.get(at) ?? []));
  }
  return [...past].sort((a, b) => a - b);
}
