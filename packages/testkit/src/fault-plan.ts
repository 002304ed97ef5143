/**
 * Which faults happen in a run, and when: drawn before it, apart from everything else.
 *
 * Faults among the transitions of a strategy would happen too early, too late, or not at all. So their
 * number, the kind, the target and the moment of each are drawn one by one. The moment is the key of a
 * transition, right after which it happens.
 */
import { hashText, hashWith } from "./key-hash.js";
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

export interface DrawnFault {
  /** `crash:srv`: kind and target, the key of the fault without what numbers it. */
  readonly fault: string;
  /** Key of the transition right after which it happens; `undefined` for at once. */
  readonly after?: string | undefined;
}

/** What a plan is drawn from. */
export interface FaultChoice {
  readonly seed: number;
  /** `kind:target`, all that can happen. */
  readonly faults: readonly string[];
  /** At most so many. */
  readonly budget: number;
  /** Keys of what happens in a run of the program. */
  readonly keys: readonly string[];
}

/** Draws up to `budget` faults. Each plan leaves out some kinds altogether. */
export function drawFaults({ seed, faults, budget, keys }: FaultChoice): DrawnFault[] {
  const number = hashWith(seed, 1) % (budget + 1);
  const kinds = [...new Set(faults.map(kindOf))].sort();
  let enabled = kinds.filter((kind) => hashWith(seed, hashText(kind), 2) % 2 === 0);
  if (enabled.length === 0) enabled = kinds;
  const plan: DrawnFault[] = [];
  for (let place = 0; place < number && enabled.length > 0; place++) {
    const kind = enabled[hashWith(seed, place, 3) % enabled.length];
    const targets = faults.filter((fault) => kindOf(fault) === kind);
    const fault = targets[hashWith(seed, place, 4) % targets.length] as string;
    const moment = hashWith(seed, place, 5) % (keys.length + 1);
    plan.push({ fault, after: moment === 0 ? undefined : keys[moment - 1] });
  }
  return plan;
}

/** `fault:crash:srv#1` is a `crash:srv`. */
export function nameOfFault({ key }: Transition): string {
  return key.replace(/^fault:/, "").replace(/#\d+$/, "");
}

function kindOf(fault: string): string {
  return fault.slice(0, Math.max(0, fault.indexOf(":"))) || fault;
}

/** Lets the planned faults happen, and leaves everything else to `strategy`. */
export function withFaults(strategy: Strategy, plan: readonly DrawnFault[]): Strategy {
  if (plan.length === 0) return strategy;
  const left = [...plan];
  const happened = new Set<string | undefined>([undefined]);
  return {
    pick(enabled, view) {
      const place = left.findIndex(({ fault, after }) => {
        return happened.has(after) && enabled.some((one) => isFault(one, fault));
      });
      if (place !== -1) {
        const [{ fault }] = left.splice(place, 1) as [DrawnFault];
        return enabled.find((one) => isFault(one, fault));
      }
      const picked = strategy.pick(enabled, view);
      if (picked !== undefined) happened.add(picked.key);
      return picked;
    },
  };
}

function isFault(transition: Transition, fault: string): boolean {
  return transition.kind === "fault" && nameOfFault(transition) === fault;
}
