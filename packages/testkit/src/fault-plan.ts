/**
 * Which faults happen in a run, and when: drawn before it, apart from everything else.
 *
 * Faults among the transitions of a strategy would happen too early, too late, or not at all. So their
 * number, the kind, the target and the moment of each are drawn one by one. The moment is the key of a
 * transition, right after which it happens.
 */
import { hashText, hashWith } from "./key-hash.js";
import { isLeewayName } from "./leeway.js";
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

/** What mends what such a fault breaks. */
const MENDED_BY: Readonly<Record<string, string>> = {
  down: "up",
  downKeeping: "up",
  downTearing: "up",
  partition: "heal",
  pause: "resume",
};
const MENDING = new Set(Object.values(MENDED_BY));

/** What befalls one message, or one thing that may happen, when that is there; at another moment there is nothing. */
const OF_ONE_THING: ReadonlySet<string> = new Set(["drop", "duplicate", "late"]);

/**
 * Draws up to `budget` faults. Each plan leaves out some kinds altogether.
 *
 * What a fault breaks is mended in three plans of four, which is no fault and not counted: with the node away for good,
 * most of what may go wrong after its fall is never seen. Nor is it counted how fast clocks run, and what takes long.
 */
export function drawFaults(choice: FaultChoice): DrawnFault[] {
  const leeway = choice.faults.filter(isLeewayName);
  const faults = choice.faults.filter((name) => !isLeewayName(name) && !MENDING.has(kindOf(name)));
  const plan: DrawnFault[] = [];
  for (const [place, drawn] of drawAmong({ ...choice, faults }).entries()) {
    plan.push(drawn);
    const mending = MENDED_BY[kindOf(drawn.fault)];
    if (mending === undefined || hashWith(choice.seed, place, 6) % 4 === 0) continue;
    const fault = `${mending}${drawn.fault.slice(drawn.fault.indexOf(":"))}`;
    plan.push({ fault, after: momentOf(choice, hashWith(choice.seed, place, 7)) });
  }
  return leeway.length === 0 ? plan : [...plan, ...drawLeeway({ ...choice, faults: leeway })];
}

function drawAmong(choice: FaultChoice): DrawnFault[] {
  const { seed, faults, budget } = choice;
  const number = hashWith(seed, 1) % (budget + 1);
  const kinds = [...new Set(faults.map(kindOf))].sort();
  let enabled = kinds.filter((kind) => hashWith(seed, hashText(kind), 2) % 2 === 0);
  if (enabled.length === 0) enabled = kinds;
  const plan: DrawnFault[] = [];
  for (let place = 0; place < number && enabled.length > 0; place++) {
    const kind = enabled[hashWith(seed, place, 3) % enabled.length];
    const targets = faults.filter((fault) => kindOf(fault) === kind);
    const fault = targets[hashWith(seed, place, 4) % targets.length] as string;
    const isAtOnce = OF_ONE_THING.has(kind as string);
    plan.push({ fault, after: isAtOnce ? undefined : momentOf(choice, hashWith(seed, place, 5)) });
  }
  return plan;
}

function momentOf({ keys }: FaultChoice, drawn: number): string | undefined {
  const moment = drawn % (keys.length + 1);
  return moment === 0 ? undefined : keys[moment - 1];
}

/**
 * In every second plan each clock runs as it may: neither way, too fast or too slowly, most from the beginning, as a
 * clock does that is wrong. What takes long is drawn as faults are.
 */
function drawLeeway(choice: FaultChoice): DrawnFault[] {
  const { seed, faults } = choice;
  const late = drawAmong({ ...choice, faults: faults.filter((name) => kindOf(name) === "late") });
  if (hashWith(seed, 8) % 2 === 0) return late;
  const clocks = faults.filter((name) => kindOf(name) !== "late");
  const nodes = [...new Set(clocks.map((name) => name.slice(name.indexOf(":"))))];
  const rates = nodes.flatMap((node) => {
    const drawn = hashWith(seed, hashText(node), 9);
    const fault = [undefined, `fast${node}`, `lagging${node}`][drawn % 3];
    if (fault === undefined || !clocks.includes(fault)) return [];
    const isSudden = hashWith(seed, hashText(node), 10) % 4 === 0;
    const moment = isSudden ? momentOf(choice, hashWith(seed, hashText(node), 11)) : undefined;
    return [{ fault, after: moment }];
  });
  return [...rates, ...late];
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
