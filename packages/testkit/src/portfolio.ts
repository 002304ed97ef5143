/**
 * Several strategies in turn: each is ten to a thousand times worse than another on some bug, and together
 * they are at most as many times worse than the best as there are of them.
 */
import { drawFaults, withFaults, type DrawnFault } from "./fault-plan.js";
import { hashText, hashWith } from "./key-hash.js";
import type { ProgramModel } from "./program-model.js";
import type { Strategy } from "./strategy.js";
import { drawChanges, pct } from "./strategy-pct.js";
import { partialOrderSampling } from "./strategy-pos.js";
import { surw } from "./strategy-surw.js";
import { walk } from "./strategy-walk.js";

/** Strategies that are drawn by a seed. */
export const samplers = ["walk", "pct2", "pct3", "pos", "surw"] as const;
export type Sampler = (typeof samplers)[number];

/** All that one run of a sampler is decided by, as plain data: the same plan makes the same run. */
export interface SamplePlan {
  readonly strategy: Sampler;
  readonly seed: number;
  /** PCT: the change points, as hashes of keys. */
  readonly changes?: readonly number[] | undefined;
  /** SURW: the process whose arrivals are ordered uniformly, and how many each channel to it carries. */
  readonly process?: string | undefined;
  readonly lengths?: readonly (readonly [channel: string, length: number])[] | undefined;
  readonly faults?: readonly DrawnFault[] | undefined;
}

/** Draws the plan of the run that is `turn`-th of all. */
export function drawPlan(
  seed: number,
  turn: number,
  model: ProgramModel,
  options: { readonly strategies: readonly Sampler[]; readonly faultBudget: number },
): SamplePlan {
  const { strategies, faultBudget } = options;
  const strategy = strategies[turn % strategies.length] as Sampler;
  const drawn = hashWith(seed, turn);
  const plan: SamplePlan = { strategy, seed: drawn, ...drawOwn(strategy, drawn, model) };
  if (model.faults.size === 0 || faultBudget === 0) return plan;
  const faults = drawFaults({
    seed: drawn,
    faults: [...model.faults],
    budget: faultBudget,
    keys: model.keys,
  });
  return { ...plan, faults };
}

function drawOwn(strategy: Sampler, seed: number, model: ProgramModel): Partial<SamplePlan> {
  switch (strategy) {
    case "pct2":
      return { changes: drawChanges(seed, 2, model.changeable) };
    case "pct3":
      return { changes: drawChanges(seed, 3, model.changeable) };
    case "surw":
      return drawReceiver(seed, model);
    case "walk":
    case "pos":
      return {};
    default:
      return strategy satisfies never;
  }
}

/** Of the processes at which something can come in more than one order, the one the seed likes best. */
function drawReceiver(seed: number, model: ProgramModel): Partial<SamplePlan> {
  let process: string | undefined;
  let least = Infinity;
  for (const [actor, channels] of model.receivers) {
    if (channels.size < 2) continue;
    const rank = hashWith(seed, hashText(actor));
    if (rank < least) {
      process = actor;
      least = rank;
    }
  }
  const channels = process === undefined ? undefined : model.receivers.get(process);
  const lengths = [...(channels ?? [])].map(
    (channel) => [channel, model.lengths.get(channel) ?? 1] as const,
  );
  return { process, lengths };
}

/** The strategy of a plan, for one run. */
export function strategyOfPlan(plan: SamplePlan): Strategy {
  return withFaults(ownStrategy(plan), plan.faults ?? []);
}

function ownStrategy({ strategy, seed, changes, process, lengths }: SamplePlan): Strategy {
  switch (strategy) {
    case "walk":
      return walk(seed);
    case "pct2":
      return pct({ seed, depth: 2, changes });
    case "pct3":
      return pct({ seed, depth: 3, changes });
    case "pos":
      return partialOrderSampling(seed);
    case "surw":
      return surw({ seed, process, lengths: new Map(lengths) });
    default:
      return strategy satisfies never;
  }
}
