/** A simulation that a test drives itself, step by step. */
import { checkFunction, checkKeys, InvalidArgumentError, type Node } from "@coppice/core";
import type { Act } from "./act.js";
import { checkNumber, has } from "./arguments.js";
import { choose } from "./choice.js";
import { markDriven } from "./driven.js";
import { drainHere, inMacrotask, type Drain } from "./drain.js";
import { lookForStuck } from "./checks.js";
import type { Kernel } from "./kernel.js";
import { within } from "./escape-nets.js";
import type { SimulationOptions } from "./kernel-options.js";
import type { Boot, SimNodeOptions } from "./lives.js";
import { NeverAtRestError } from "./never-at-rest.js";
import { createKernel } from "./run-program.js";
import type { Run } from "./run.js";
import { KernelSimulation } from "./kernel-simulation.js";
import type { SimNode, Simulation } from "./simulation.js";
import { checkStrategy, FIFO, seeded, type RunView, type Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

export interface InteractiveOptions extends SimulationOptions {
  /** Who decides; what became possible first by default, or what `seed` likes best when one is given. */
  readonly strategy?: Strategy;
}

/** A simulation in the hands of a test. Nothing happens in it but through these. */
export interface InteractiveSimulation extends Simulation {
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>;
  /** Makes one transition: that with the key, or what the strategy picks. What it was; `undefined` at rest. */
  step(key?: string): Promise<Transition | undefined>;
  /**
   * Makes transitions, and lets time pass, until it holds.
   *
   * @throws Error it never does
   */
  until(holds: () => boolean): Promise<void>;
  /** Lets `ms` milliseconds pass: all timers fire that are due by then, each when all else is at rest. */
  advance(ms: number): Promise<void>;
  /**
   * Makes transitions, and lets time pass, until nothing can happen any more. Then looks at what must hold.
   *
   * @throws NeverAtRestError something must hold at rest, and it never came to rest
   */
  rest(): Promise<Run>;
  /** What could happen next. */
  readonly enabled: readonly Transition[];
  /** The keys of what happened. */
  readonly trace: readonly string[];
  /** What happened so far. */
  readonly run: Run;
}

/**
 * Makes a simulation for a plain test.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function simulate(options: InteractiveOptions = {}): InteractiveSimulation {
  if (typeof options !== "object" || options === null) checkKeys("simulate: options", options, []);
  const { strategy, ...rest } = options;
  if (strategy !== undefined) checkStrategy("simulate: options.strategy", strategy);
  const chosen = strategy ?? (options.seed === undefined ? FIFO : seeded(options.seed));
  const { faults = {}, plan = [] } = options;
  const kernel = createKernel({ clock: "quiet", traceSends: true, ...rest });
  return new Interactive(kernel, chosen, faults, plan);
}

class Interactive extends KernelSimulation implements InteractiveSimulation {
  readonly #strategy: Strategy;

  constructor(
    kernel: Kernel,
    strategy: Strategy,
    ...rest: [Readonly<Record<string, number>>, NonNullable<SimulationOptions["plan"]>]
  ) {
    super(kernel, ...rest);
    this.#strategy = strategy;
    kernel.phase = "run";
  }

  override node(name?: string, options?: SimNodeOptions): Node {
    return markDriven(super.node(name, options), this);
  }

  override boot(name: string, boot: Boot, options?: SimNodeOptions): SimNode {
    checkFunction("boot: boot", boot);
    return super.boot(name, (node) => boot(markDriven(node, this)), options);
  }

  settle(): Promise<void> {
    return this.#go((go) => {
      while (go((act) => this.#needsNoTime(act))) {
        // On to the next.
      }
    });
  }

  step(key?: string): Promise<Transition | undefined> {
    return this.#go((go) => {
      const made = go(key === undefined ? undefined : (act) => act.key === key);
      if (made === undefined && key !== undefined) {
        const expected = `the key of what could happen: ${this.enabled.map((one) => one.key).join(", ")}`;
        throw new InvalidArgumentError("step: key", expected, key);
      }
      return made;
    });
  }

  until(holds: () => boolean): Promise<void> {
    return this.#go((go) => {
      checkFunction("until: holds", holds);
      while (!this.#holdsNow(holds)) {
        if (go() === undefined)
          throw new Error(
            `until: nothing can happen any more at ${this.kernel.nowMs} ms, and it does not hold: ${String(holds).slice(0, 200)}`,
          );
      }
    });
  }

  #holdsNow(holds: () => boolean): boolean {
    const held: unknown = holds();
    if (has(held, "then")) {
      throw new InvalidArgumentError(
        "until: holds",
        "a function that says at once whether it holds",
        held,
      );
    }
    return Boolean(held);
  }

  async advance(ms: number): Promise<void> {
    checkNumber("advance: ms", ms);
    const { kernel } = this;
    const endMs = kernel.nowMs + ms;
    await this.#go((go) => {
      for (;;) {
        if (go((act) => this.#needsNoTime(act)) !== undefined) continue;
        // Daemons too: here it is the test that lets time pass.
        const next = kernel.nextTimer(endMs);
        if (next === undefined) break;
        go(undefined, next);
      }
    });
    kernel.nowMs = Math.max(kernel.nowMs, endMs);
  }

  async rest(): Promise<Run> {
    const { kernel } = this;
    const outcome = await this.#go((go) => {
      while (go() !== undefined) {
        if (kernel.steps.length >= kernel.options.stepLimit) return kernel.cutOff();
      }
      return "quiescent" as const;
    });
    if (outcome === "quiescent") {
      kernel.check("finally");
      lookForStuck(kernel);
    }
    const run = kernel.result(outcome);
    if ((run.unjudged?.length ?? 0) > 0) throw new NeverAtRestError(run);
    return run;
  }

  get enabled(): readonly Transition[] {
    return this.kernel.enabled();
  }

  get trace(): readonly string[] {
    return this.kernel.steps.map(({ transition }) => transition.key);
  }

  get run(): Run {
    return this.kernel.result("stopped");
  }

  #needsNoTime(act: Act): boolean {
    return act.kind !== "timer" && act.kind !== "fault" && !this.kernel.agenda.isLate(act);
  }

  /** Makes transitions in a macrotask, where each can be drained at once. */
  #go<T>(act: (go: Go) => T): Promise<T> {
    return inMacrotask(() => {
      const drain = drainHere();
      return within(this.kernel, () => {
        this.kernel.tasks.settle(drain);
        return act((isEligible, next) => this.#one(drain, isEligible, next));
      });
    }) as Promise<T>;
  }

  #one(
    drain: Drain,
    isEligible: ((act: Act) => boolean) | undefined,
    next: Act | undefined,
  ): Act | undefined {
    if (next !== undefined) return this.#make(drain, next, this.kernel.enabled());
    const strategy: Strategy =
      isEligible === undefined
        ? this.#strategy
        : {
            pick: (enabled: readonly Act[], view) =>
              this.#strategyOf(enabled.filter(isEligible), view),
          };
    const choice = choose(this.kernel, strategy);
    return "outcome" in choice ? undefined : this.#make(drain, choice.picked, choice.enabled);
  }

  #make(drain: Drain, picked: Act, enabled: readonly Act[]): Act {
    const { kernel } = this;
    kernel.begin(picked);
    kernel.tasks.settle(drain);
    kernel.finish(picked, enabled.includes(picked) ? enabled : [...enabled, picked]);
    return picked;
  }

  #strategyOf(enabled: readonly Transition[], view: RunView): Transition | undefined {
    // A fault that a test asks for by its key is no matter of taste.
    if (enabled.length === 1) return enabled[0];
    return this.#strategy.pick(enabled, view);
  }
}

type Go = (isEligible?: (act: Act) => boolean, next?: Act) => Act | undefined;
