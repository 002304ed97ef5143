/** How runs of a program are made, as its user says it and as the kernel of a simulation takes it. */
import { checkKeys, InvalidArgumentError, KeySpace } from "@coppice/core";
import { checkStormOptions, type StormOptions } from "./calm.js";
import type { PlannedFault } from "./fault.js";
import type { Profile } from "./ready-set.js";
import {
  checkBoolean,
  checkNumber,
  checkOneOf,
  checkOptionalList,
  checkSeed,
  checkTimes,
} from "./arguments.js";
import { profileNames } from "./schedule.js";
import type { Bounds, ClockMode } from "./sim-time.js";

export interface SimulationOptions {
  /** Decides what processes draw from `self.random`; 1 by default. */
  readonly seed?: number;
  /** How signals travel; `"pairFifo"` by default. */
  readonly profile?: Profile;
  /** When timers may fire; `"async"` by default. */
  readonly clock?: ClockMode;
  /** After how many steps a run is cut off; 10 000 by default. */
  readonly stepLimit?: number;
  /** What is due later does not happen; never by default. */
  readonly horizonMs?: number;
  /** Whether a strategy decides on the starts of what the program itself spawns; `"inOrder"` by default. */
  readonly starts?: "inOrder" | "explored";
  /** How many faults of each kind may happen in a run, e.g. `{ crash: 1 }`; what the program says by default. */
  readonly faults?: Readonly<Record<string, number>>;
  /** Faults that happen at times that are said beforehand. */
  readonly plan?: readonly PlannedFault[];
  /** Whether an error about a message that was changed says where it was sent; slow, so `false` by default. */
  readonly traceSends?: boolean;
  /** Whether steps tell what their processes received; `false` by default. */
  readonly notesTakes?: boolean;
  /**
   * Each run has a storm, in which the strategy and faults do as they like, of so many steps; and then a calm, for
   * liveness to be judged in: see `checkLiveness`. None by default.
   */
  readonly calm?: StormOptions;
  /** Where keys are made; give the same to all runs of one program, for speed and for equal `keyId`s. */
  readonly keySpace?: KeySpace;
}

export interface KernelOptions {
  readonly seed: number;
  readonly profile: Profile;
  readonly clock: ClockMode;
  readonly stepLimit: number;
  readonly horizonMs: number;
  readonly calm: StormOptions | undefined;
  readonly keySpace: KeySpace;
  readonly explored: boolean;
  readonly notesTakes: boolean;
  readonly traceSends: boolean;
}

const STEP_LIMIT = 10_000;

/** @throws InvalidArgumentError an option is unknown or of the wrong kind */
export function kernelOptionsOf(options: SimulationOptions): KernelOptions {
  checkOptions(options);
  const { seed = 1, profile = "pairFifo", clock = "async", stepLimit = STEP_LIMIT } = options;
  const {
    horizonMs = Infinity,
    calm,
    starts = "inOrder",
    notesTakes = false,
    traceSends = false,
  } = options;
  const keySpace = options.keySpace ?? new KeySpace({ interns: true });
  const explored = starts === "explored";
  return {
    seed,
    profile,
    clock,
    stepLimit,
    horizonMs,
    calm,
    keySpace,
    explored,
    notesTakes,
    traceSends,
  };
}

const KEYS = [
  "seed",
  "profile",
  "clock",
  "stepLimit",
  "horizonMs",
  "calm",
  "starts",
  "notesTakes",
  "traceSends",
  "keySpace",
  "faults",
  "plan",
];

function checkOptions(options: SimulationOptions): void {
  checkKeys("simulation: options", options, KEYS);
  const refuse = (option: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`simulation: options.${option}`, expected, received);
  };
  const { profile, clock, stepLimit, horizonMs, calm, starts, seed } = options;
  const { faults, plan, traceSends, keySpace } = options;
  checkBoolean("simulation: options.traceSends", traceSends);
  if (keySpace !== undefined && !(keySpace instanceof KeySpace)) {
    refuse("keySpace", "a KeySpace", keySpace);
  }
  if (faults !== undefined && (typeof faults !== "object" || faults === null)) {
    refuse("faults", "how many there may be of each kind, as { crash: 1 }", faults);
  }
  for (const [kind, times] of Object.entries(faults ?? {})) {
    checkTimes(`simulation: options.faults.${kind}`, times);
  }
  checkOptionalList("simulation: options.plan", plan, PLANNED, isPlanned);
  checkSeed("simulation: options.seed", seed);
  checkOneOf("simulation: options.profile", profile, profileNames);
  if (clock !== undefined && clock !== "quiet" && clock !== "async") checkBounds(clock);
  if (!isPositive(stepLimit)) refuse("stepLimit", "a number greater than 0", stepLimit);
  if (!isPositive(horizonMs)) refuse("horizonMs", "a number greater than 0", horizonMs);
  if (calm !== undefined) {
    checkStormOptions("simulation: options.calm", calm);
    const { stepLimit: limit = STEP_LIMIT } = options;
    if (calm.stormSteps >= limit) {
      refuse("calm.stormSteps", `fewer than the stepLimit, which is ${limit}`, calm.stormSteps);
    }
  }
  checkOneOf("simulation: options.starts", starts, ["inOrder", "explored"]);
}

const PLANNED = `{ fault: "KIND:TARGET", at: { step } or { after } or { when } }`;

function isPlanned(value: unknown): boolean {
  const { fault, at } = (value ?? {}) as { fault?: unknown; at?: Record<string, unknown> | null };
  if (typeof fault !== "string" || typeof at !== "object" || at === null) return false;
  const { step, after, when, ...others } = at;
  if (Object.keys(others).length > 0 || Object.keys(at).length !== 1) return false;
  if ("step" in at) return Number.isInteger(step) && (step as number) >= 0;
  return "after" in at ? typeof after === "string" : typeof when === "function";
}

function isPositive(value: unknown): boolean {
  return value === undefined || (typeof value === "number" && value > 0);
}

function checkBounds(bounds: Bounds): void {
  const argument = "simulation: options.clock";
  if (typeof bounds !== "object" || bounds === null) {
    const expected = `"quiet", "async" or bounds with a maxLatencyMs`;
    throw new InvalidArgumentError(argument, expected, bounds);
  }
  checkKeys(argument, bounds, ["minLatencyMs", "maxLatencyMs", "maxPauseMs", "drift"]);
  const { minLatencyMs = 0, maxLatencyMs, maxPauseMs = 0, drift = 0 } = bounds;
  const numbers = { minLatencyMs, maxLatencyMs, maxPauseMs, drift };
  for (const [option, value] of Object.entries(numbers)) {
    checkNumber(`${argument}.${option}`, value);
  }
  if (minLatencyMs <= maxLatencyMs) return;
  const expected = `at most maxLatencyMs, which is ${maxLatencyMs}`;
  throw new InvalidArgumentError(`${argument}.minLatencyMs`, expected, minLatencyMs);
}
