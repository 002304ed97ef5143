/** One run of a program under a strategy. */
import { checkKeys, InvalidArgumentError, KeySpace } from "@coppice/core";
import { drainHere, findDrain, inMacrotask, type Drain } from "./drain.js";
import { onNextTurn } from "./host-time.js";
import { Kernel, type Choice, type KernelOptions } from "./kernel.js";
import type { Profile } from "./ready-set.js";
import type { RunOutcome, Run } from "./run.js";
import type { Bounds, ClockMode } from "./sim-time.js";
import type { PlannedFault } from "./fault.js";
import { KernelSimulation, type Simulation } from "./simulation.js";
import { nets, within } from "./escape-nets.js";
import { FIFO, type Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

/**
 * Makes nodes, spawns processes, registers checks. What it awaits is set-up, and happens in the order it
 * became possible; what is on its way when it returns is what a strategy decides on.
 */
export type Program = (sim: Simulation) => void | PromiseLike<void>;

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
  /** Where keys are made; give the same to all runs of one program, for speed and for equal `keyId`s. */
  readonly keySpace?: KeySpace;
}

export function createKernel(options: SimulationOptions): Kernel {
  return new Kernel(kernelOptionsOf(options));
}

/** @throws InvalidArgumentError an option is unknown or of the wrong kind */
function kernelOptionsOf(options: SimulationOptions): KernelOptions {
  checkOptions(options);
  const { seed = 1, profile = "pairFifo", clock = "async", stepLimit = 10_000 } = options;
  const {
    horizonMs = Infinity,
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
  "starts",
  "notesTakes",
  "traceSends",
  "keySpace",
  "faults",
  "plan",
];

const PROFILES: readonly unknown[] = ["instant", "pairFifo", "erlDist", "datagram"];

function checkOptions(options: SimulationOptions): void {
  checkKeys("simulation: options", options, KEYS);
  const refuse = (option: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`simulation: options.${option}`, expected, received);
  };
  const { profile, clock, stepLimit, horizonMs, starts, seed } = options;
  if (seed !== undefined && !Number.isInteger(seed)) refuse("seed", "a whole number", seed);
  if (profile !== undefined && !PROFILES.includes(profile)) {
    refuse("profile", `"instant", "pairFifo", "erlDist" or "datagram"`, profile);
  }
  if (clock !== undefined && clock !== "quiet" && clock !== "async") checkBounds(clock);
  if (!isPositive(stepLimit)) refuse("stepLimit", "a number greater than 0", stepLimit);
  if (!isPositive(horizonMs)) refuse("horizonMs", "a number greater than 0", horizonMs);
  if (starts !== undefined && starts !== "inOrder" && starts !== "explored") {
    refuse("starts", `"inOrder" or "explored"`, starts);
  }
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
    if (typeof value === "number" && value >= 0) continue;
    throw new InvalidArgumentError(`${argument}.${option}`, "a number of at least 0", value);
  }
  if (minLatencyMs <= maxLatencyMs) return;
  const expected = `at most maxLatencyMs, which is ${maxLatencyMs}`;
  throw new InvalidArgumentError(`${argument}.minLatencyMs`, expected, minLatencyMs);
}

/**
 * Runs a program once, in one go. Only from a macrotask: see `inMacrotask`.
 *
 * @throws NotInMacrotaskError this is a microtask, as all code after an `await`
 */
export function runProgram(
  program: Program,
  strategy: Strategy,
  options: SimulationOptions = {},
): Run {
  return programRunner(program, options)(strategy);
}

/**
 * As `runProgram`, for many runs in one go: options are checked, and the way to drain found, once.
 *
 * @throws NotInMacrotaskError this is a microtask, as all code after an `await`
 */
export function programRunner(
  program: Program,
  options: SimulationOptions,
): (strategy: Strategy) => Run {
  const kernelOptions = kernelOptionsOf(options);
  const drain = drainHere();
  return (strategy) => runIn(new Kernel(kernelOptions), drain, program, strategy, options);
}

function runIn(
  kernel: Kernel,
  drain: Drain,
  program: Program,
  strategy: Strategy,
  options: SimulationOptions,
): Run {
  const before = nets.enter(kernel);
  try {
    setUp(kernel, program, drain, options);
    kernel.check("always");
    const outcome = runOn(kernel, strategy, drain);
    if (outcome === "quiescent") atRest(kernel);
    return kernel.result(outcome);
  } finally {
    nets.enter(before);
  }
}

function atRest(kernel: Kernel): void {
  kernel.check("finally");
  kernel.lookForStuck();
}

function runOn(kernel: Kernel, strategy: Strategy, drain: Drain): RunOutcome {
  kernel.phase = "run";
  for (;;) {
    const choice = kernel.choose(strategy);
    if ("outcome" in choice) return choice.outcome;
    kernel.begin(choice.picked);
    kernel.settle(drain);
    kernel.finish(choice.picked, choice.enabled);
  }
}

/** Runs the program itself, and all that it waits for. */
function setUp(kernel: Kernel, program: Program, drain: Drain, options: SimulationOptions): void {
  const set = beginSetUp(kernel, program, options);
  do {
    kernel.settle(drain);
  } while (set.goOn());
  set.end();
}

/** The program itself, step by step. */
function beginSetUp(
  kernel: Kernel,
  program: Program,
  { faults = {}, plan = [] }: SimulationOptions,
): { goOn(): boolean; end(): void } {
  let happening: Transition | undefined;
  let state: { readonly done: boolean; readonly error?: unknown } = { done: false };
  kernel.phase = "program";
  const returned = program(new KernelSimulation(kernel, faults, plan));
  if (returned === undefined) state = { done: true };
  else {
    returned.then(
      () => (state = { done: true }),
      (error: unknown) => (state = { done: true, error }),
    );
  }
  return {
    goOn() {
      if (happening !== undefined) kernel.finish(happening, []);
      happening = undefined;
      kernel.phase = "program";
      if (kernel.startNext()) return true;
      if (state.done) return false;
      happening = FIFO.pick(kernel.enabled(), kernel);
      if (happening === undefined) return false;
      kernel.phase = "set-up";
      kernel.begin(happening);
      return true;
    },
    end() {
      if ("error" in state) throw state.error;
      if (!state.done) kernel.fail("set-up", "the program waits for something that never happens");
    },
  };
}

/** As `runProgram`, from anywhere; where the engine gives no drain, one turn of the event loop per step. */
export async function runProgramAsync(
  program: Program,
  strategy: Strategy,
  options: SimulationOptions = {},
): Promise<Run> {
  if (findDrain() !== undefined) return inMacrotask(() => runProgram(program, strategy, options));
  return runByTurns(program, strategy, options);
}

/** One turn of the event loop per step: it drains what a synchronous run drains by itself. */
export async function runByTurns(
  program: Program,
  strategy: Strategy,
  options: SimulationOptions = {},
): Promise<Run> {
  const kernel = createKernel(options);
  const before = nets.enter(kernel);
  try {
    const turn = async (): Promise<void> => {
      do {
        const immediate = within(
          undefined,
          () => new Promise<void>((resolve) => onNextTurn(resolve)),
        );
        await immediate;
      } while (kernel.runTasks());
    };
    const set = beginSetUp(kernel, program, options);
    do {
      await turn();
    } while (set.goOn());
    set.end();
    kernel.check("always");
    kernel.phase = "run";
    let choice: Choice;
    for (choice = kernel.choose(strategy); "picked" in choice; choice = kernel.choose(strategy)) {
      kernel.begin(choice.picked);
      await turn();
      kernel.finish(choice.picked, choice.enabled);
    }
    const { outcome } = choice;
    if (outcome === "quiescent") atRest(kernel);
    return kernel.result(outcome);
  } finally {
    nets.enter(before);
  }
}
