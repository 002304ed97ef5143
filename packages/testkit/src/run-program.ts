/** One run of a program under a strategy. */
import { checkFunction } from "@coppice/core";
import { actPicked, type Act } from "./act.js";
import { drainHere, findDrain, type Drain } from "./drain.js";
import { lookForStuck } from "./checks.js";
import { choose, type Choice } from "./choice.js";
import { Kernel } from "./kernel.js";
import { kernelOptionsOf, type SimulationOptions } from "./kernel-options.js";
import type { RunOutcome, Run } from "./run.js";
import type { PlannedFault } from "./fault.js";
import { KernelSimulation } from "./kernel-simulation.js";
import type { Simulation } from "./simulation.js";
import { nets } from "./escape-nets.js";
import { checkStrategy, FIFO, type Strategy } from "./strategy.js";
import { inWatchedMacrotask, sayOf } from "./stray-rejections.js";

/**
 * Makes nodes, spawns processes, registers checks. What it awaits is set-up, and happens in the order it
 * became possible; what is on its way when it returns is what a strategy decides on.
 */
export type Program = (sim: Simulation) => void | PromiseLike<void>;

export function createKernel(options: SimulationOptions): Kernel {
  return new Kernel(kernelOptionsOf(options));
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
  checkStrategy("runProgram: strategy", strategy);
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
  checkFunction("runProgram: program", program);
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
    const set = new SetUp(kernel, program, options);
    do {
      kernel.tasks.settle(drain);
    } while (set.goOn());
    set.end();
    kernel.check("always");
    const outcome = runOn(kernel, strategy, drain);
    kernel.faults?.checkPlan();
    if (outcome === "quiescent") atRest(kernel);
    kept = set;
    return kernel.result(outcome);
  } finally {
    nets.enter(before);
  }
}

function atRest(kernel: Kernel): void {
  kernel.check("finally");
  lookForStuck(kernel);
}

function runOn(kernel: Kernel, strategy: Strategy, drain: Drain): RunOutcome {
  kernel.phase = "run";
  for (;;) {
    const choice = choose(kernel, strategy);
    if ("outcome" in choice) return choice.outcome;
    kernel.begin(choice.picked);
    kernel.tasks.settle(drain);
    kernel.finish(choice.picked, choice.enabled);
  }
}

/**
 * The run that came to its end last, until another has. Of a class of which no object is left at a collection of
 * garbage V8 forgets all that it has learned, and compiles anew, and worse, what deals with it: to begin again takes
 * as long as thousands of runs.
 */
// oxlint-disable-next-line no-unused-vars -- nobody reads it
let kept: SetUp | undefined;

/** The program itself, and all that it waits for, step by step. */
class SetUp {
  readonly #kernel: Kernel;
  readonly #sim: KernelSimulation;
  #happening: Act | undefined = undefined;
  #isDone = false;
  #failure: { readonly error: unknown } | undefined = undefined;

  constructor(
    kernel: Kernel,
    program: Program,
    { faults = NO_BUDGETS, plan = NO_PLAN }: SimulationOptions,
  ) {
    this.#kernel = kernel;
    this.#sim = new KernelSimulation(kernel, faults, plan);
    kernel.phase = "program";
    const returned = program(this.#sim);
    if (returned === undefined) this.#isDone = true;
    else this.#await(returned);
  }

  #await(returned: PromiseLike<void>): void {
    returned.then(
      () => (this.#isDone = true),
      (error: unknown) => {
        this.#isDone = true;
        this.#failure = { error };
      },
    );
  }

  /** Begins what comes next, to be settled; `false` when there is nothing. */
  goOn(): boolean {
    const kernel = this.#kernel;
    if (this.#happening !== undefined) kernel.finish(this.#happening, []);
    this.#happening = undefined;
    kernel.phase = "program";
    if (kernel.startNext()) return true;
    if (this.#isDone) return false;
    const enabled = kernel.enabled();
    const happening = actPicked(FIFO.pick(enabled, kernel), enabled);
    if (happening === undefined) return false;
    this.#happening = happening;
    kernel.phase = "set-up";
    kernel.begin(happening);
    return true;
  }

  end(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isDone) return;
    this.#kernel.fail("set-up", "the program waits for something that never happens");
  }
}

const NO_BUDGETS: Readonly<Record<string, number>> = {};
const NO_PLAN: readonly PlannedFault[] = [];

/** As `runProgram`, from anywhere; where the engine gives no drain, one turn of the event loop per step. */
export async function runProgramAsync(
  program: Program,
  strategy: Strategy,
  options: SimulationOptions = {},
): Promise<Run> {
  if (findDrain() !== undefined) {
    return inWatchedMacrotask(() => runProgram(program, strategy, options), withStray);
  }
  return runByTurns(program, strategy, options);
}

function withStray(run: Run, strays: readonly unknown[]): Run {
  if (strays.length === 0) return run;
  const [error] = strays;
  const step = run.steps.length;
  const violation = { check: "stray rejection", message: sayOf(error), step, error };
  return { ...run, violations: [...run.violations, violation] };
}

/** One turn of the event loop per step: it drains what a synchronous run drains by itself. */
export async function runByTurns(
  program: Program,
  strategy: Strategy,
  options: SimulationOptions = {},
): Promise<Run> {
  checkFunction("runProgram: program", program);
  checkStrategy("runProgram: strategy", strategy);
  const kernel = createKernel(options);
  const before = nets.enter(kernel);
  const turned = nets.turning();
  try {
    const turn = async (): Promise<void> => {
      do await nets.turn(kernel);
      while (kernel.tasks.run());
    };
    const set = new SetUp(kernel, program, options);
    do {
      await turn();
    } while (set.goOn());
    set.end();
    kernel.check("always");
    kernel.phase = "run";
    let choice: Choice;
    for (choice = choose(kernel, strategy); "picked" in choice; choice = choose(kernel, strategy)) {
      kernel.begin(choice.picked);
      await turn();
      kernel.finish(choice.picked, choice.enabled);
    }
    const { outcome } = choice;
    kernel.faults?.checkPlan();
    if (outcome === "quiescent") atRest(kernel);
    return kernel.result(outcome);
  } finally {
    turned();
    nets.enter(before);
  }
}
