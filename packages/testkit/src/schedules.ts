/**
 * Schedules as values of fast-check, which shrink to an explanation.
 *
 * What a schedule shrinks to depends on the schedule alone: the program is run again inside `shrink`. So
 * a schedule that was pasted shrinks as one that was drawn, and fast-check's `path` stays true.
 */
import { checkFunction, checkKeys } from "@coppice/core";
import { checkOneOf, checkSome } from "./arguments.js";
import fc from "fast-check";
import type { Run } from "./run.js";
import type { Strategy } from "./strategy.js";
import { explain } from "./explain.js";
import {
  fifoSchedule,
  isSchedule,
  profileNames,
  strategyNames,
  usesSeed,
  type ProfileName,
  type Schedule,
  type StrategyName,
} from "./schedule.js";
import { strategyOf } from "./strategy-of.js";

export interface SchedulesOptions {
  /** Runs the program that is tested, by a strategy: what a failing schedule shrinks to needs it. */
  readonly run?: (strategy: Strategy) => Run;
  /** From which strategies is drawn; all by default. */
  readonly strategies?: readonly StrategyName[];
  /** `"pairFifo"` by default. */
  readonly profile?: ProfileName;
}

/** How often each is drawn; those without a seed are worth one run each. */
const defaultStrategies: readonly StrategyName[] = [
  "fifo",
  "lifo",
  "eager",
  ...(["walk", "pct2", "pct3", "pos", "surw"] as const).flatMap((name) => [name, name, name]),
];

/**
 * Schedules. Without `run` they shrink towards FIFO by losing constraints, with it to the fewest that
 * still fail.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 */
export function schedules(options: SchedulesOptions = {}): fc.Arbitrary<Schedule> {
  checkKeys("schedules: options", options, ["run", "strategies", "profile"]);
  if (options.run !== undefined) checkFunction("schedules: options.run", options.run);
  const { strategies, profile } = options;
  if (strategies !== undefined) {
    checkSome("schedules: options.strategies", strategies, strategyNames.join(", "), (each) =>
      strategyNames.includes(each as StrategyName),
    );
  }
  checkOneOf("schedules: options.profile", profile, profileNames);
  return new ScheduleArbitrary(options);
}

class ScheduleArbitrary extends fc.Arbitrary<Schedule> {
  readonly #run: ((strategy: Strategy) => Run) | undefined;
  readonly #strategies: readonly StrategyName[];
  readonly #profile: ProfileName;

  constructor({
    run,
    strategies = defaultStrategies,
    profile = fifoSchedule.profile,
  }: SchedulesOptions) {
    super();
    this.#run = run;
    this.#strategies = strategies;
    this.#profile = profile;
  }

  override generate(random: fc.Random): fc.Value<Schedule> {
    const strategy = this.#strategies[random.nextInt(0, this.#strategies.length - 1)];
    const seed = random.nextInt(0, 2 ** 31 - 1);
    const drawn: Schedule = {
      profile: this.#profile,
      strategy: strategy as StrategyName,
      seed: usesSeed(strategy as StrategyName) ? seed : 0,
      constraints: [],
    };
    return new fc.Value(drawn, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Schedule {
    return isSchedule(value);
  }

  override shrink(value: Schedule): fc.Stream<fc.Value<Schedule>> {
    return fc
      .stream(simplerThan(value, this.#run))
      .map((schedule) => new fc.Value(schedule, undefined));
  }
}

/** Schedules that say less than `schedule`, the plainest first. */
export function* simplerThan(
  schedule: Schedule,
  run: ((strategy: Strategy) => Run) | undefined,
): IterableIterator<Schedule> {
  const { profile, constraints, strategy } = schedule;
  const plain = (name: StrategyName): Schedule => ({ ...fifoSchedule, profile, strategy: name });
  for (const name of ["fifo", "lifo", "eager"] as const) {
    if (isSimpler(plain(name), schedule)) yield plain(name);
  }
  if (run !== undefined && usesSeed(strategy)) {
    const explained = explainSchedule(schedule, run);
    if (explained !== undefined && isSimpler(explained, schedule)) yield explained;
  }
  for (const index of constraints.keys()) {
    yield { ...schedule, constraints: constraints.toSpliced(index, 1) };
  }
}

/** The explanation of why a schedule fails, as a schedule. */
function explainSchedule(
  schedule: Schedule,
  run: (strategy: Strategy) => Run,
): Schedule | undefined {
  const failing = run(strategyOf(schedule));
  if (failing.violations.length === 0) return undefined;
  const explanation = explain(run, failing);
  if (explanation === undefined) return undefined;
  const { base, constraints } = explanation;
  return { ...fifoSchedule, profile: schedule.profile, strategy: base, constraints };
}

/** No seed before a seed, then fewer constraints, then FIFO before LIFO before eager timers. */
function isSimpler(a: Schedule, b: Schedule): boolean {
  const order: readonly StrategyName[] = ["fifo", "lifo", "eager"];
  const rank = ({ strategy, constraints }: Schedule): readonly number[] => [
    usesSeed(strategy) ? 1 : 0,
    constraints.length,
    order.indexOf(strategy),
  ];
  const [ranksA, ranksB] = [rank(a), rank(b)];
  const index = ranksA.findIndex((each, at) => each !== ranksB[at]);
  return index !== -1 && (ranksA[index] as number) < (ranksB[index] as number);
}
