/**
 * Nets for what escapes from a simulation: globals that are replaced while it runs, and a hook that hears
 * of all that code begins to wait for.
 *
 * Clock, randomness and timers are redirected to the simulation; what cannot be is an error, thrown where
 * it is used and held against the run, for a handler may catch it.
 *
 * The globals are one for all: so are the nets. They are put up for the first run and taken down when the
 * event loop turns; in between they let code through that belongs to no run.
 */
import { keyOf, SIMULATED_HOST } from "@coppice/core";
import { createHook, type AsyncHook } from "node:async_hooks";
import { syncBuiltinESMExports } from "node:module";
import nodeProcess from "node:process";
import { ESCAPE_CHECK, EscapeError } from "./escape-error.js";
import { onceDrained, onNextTurn } from "./host-time.js";
import type { Kernel } from "./kernel.js";
import { redirectClock, redirectRandom, redirectTimers, type PatchOne } from "./redirects.js";

/** How many runs of a program are heard, all of them; and of the others every how-manieth. */
const ALL_RUNS = 100;
const SOME_RUNS = 50;

interface Patch {
  readonly on: object;
  readonly name: string;
  readonly before: PropertyDescriptor | undefined;
  readonly value: unknown;
}

interface RunCount {
  readonly keySpace: object;
  runs: number;
}

class Nets {
  /** Whose code runs now. */
  kernel: Kernel | undefined = undefined;
  #patches: Patch[] | undefined = undefined;
  #hook: AsyncHook | undefined = undefined;
  #listens = false;
  /** How often each program ran, by where its keys are made. */
  readonly #counts = new WeakMap<object, RunCount>();
  /** That of the program that ran last: most often it is the next, too. */
  #latest: RunCount | undefined = undefined;
  /** A call of the simulation's own, which nobody is to blame for. */
  #own = false;
  /** How many runs go on when the event loop has turned. */
  #turning = 0;

  /** The code that runs from now on is that of `kernel`; of nobody when `undefined`. */
  enter(kernel: Kernel | undefined): Kernel | undefined {
    const before = this.kernel;
    if (kernel !== undefined) {
      if (this.#patches === undefined) this.#putUp();
      if (before === undefined) this.#listen(kernel);
    }
    this.kernel = kernel;
    return before;
  }

  /**
   * A run of which each step takes a turn of the event loop: in between what runs is the host's, who may begin
   * what it likes. Returns what ends it.
   */
  turning(): () => void {
    this.#turning++;
    return () => this.#turning--;
  }

  /** Between two steps of such a run. */
  async turn(kernel: Kernel): Promise<void> {
    // From here on it is in a microtask, whoever has called it.
    await undefined;
    const turned = this.#mine(() => new Promise<void>((resolve) => onNextTurn(resolve)));
    this.#mine(() => onceDrained(() => (this.kernel = undefined)));
    await turned;
    this.kernel = kernel;
  }

  #mine<T>(act: () => T): T {
    this.#own = true;
    try {
      return act();
    } finally {
      this.#own = false;
    }
  }

  /**
   * The hook slows promises down by half. Of a program that runs many thousand times it hears the first
   * runs, and some of the others.
   */
  #listen({ keySpace }: Kernel): void {
    if (this.#latest?.keySpace !== keySpace) this.#latest = this.#countOf(keySpace);
    const runs = this.#latest.runs++;
    const listens = runs < ALL_RUNS || runs % SOME_RUNS === 0;
    if (listens === this.#listens) return;
    this.#listens = listens;
    if (listens) this.#hook?.enable();
    else this.#hook?.disable();
  }

  #countOf(keySpace: object): RunCount {
    let count = this.#counts.get(keySpace);
    if (count === undefined) this.#counts.set(keySpace, (count = { keySpace, runs: 0 }));
    return count;
  }

  escaped(kernel: Kernel, what: string, why: string): EscapeError {
    const { current } = kernel;
    const who = current === undefined ? undefined : keyOf(current);
    const error = withDeepStack(() => new EscapeError(what, who, why));
    kernel.fail(ESCAPE_CHECK, error.message, error);
    return error;
  }

  #putUp(): void {
    const patches: Patch[] = (this.#patches = []);
    const patch = (on: unknown, name: string, make: (original: never) => unknown): void => {
      if ((typeof on !== "object" && typeof on !== "function") || on === null) return;
      const original = (on as Record<string, unknown>)[name];
      if (original === undefined) return;
      const before = Object.getOwnPropertyDescriptor(on, name);
      if (before !== undefined && !before.configurable) return;
      const value = make(original as never);
      Object.defineProperty(on, name, {
        value,
        writable: true,
        configurable: true,
        enumerable: before?.enumerable ?? false,
      });
      patches.push({ on, name, before, value });
    };
    const running = (): Kernel | undefined => this.kernel;
    redirectClock(patch, running);
    redirectRandom(patch, running);
    redirectTimers(patch, running);
    this.#refuse(patch);
    this.#refuseNodes();
    // What was imported by its name from a module of the host, too.
    syncBuiltinESMExports();
    this.#hook = createHook({ init: (_id, type) => this.#began(type) });
    this.#listens = false;
    onNextTurn(() => this.#takeDown());
  }

  #takeDown(): void {
    if (this.#turning > 0) {
      this.#mine(() => onNextTurn(() => this.#takeDown()));
      return;
    }
    this.#hook?.disable();
    for (const { on, name, before, value } of (this.#patches ?? []).reverse()) {
      // Whoever has replaced it since then is left alone.
      if ((on as Record<string, unknown>)[name] !== value) continue;
      if (before === undefined) delete (on as Record<string, unknown>)[name];
      else Object.defineProperty(on, name, before);
    }
    Reflect.deleteProperty(globalThis, SIMULATED_HOST);
    syncBuiltinESMExports();
    this.#patches = undefined;
    this.#hook = undefined;
    this.#latest = undefined;
  }

  #refuse(patch: PatchOne): void {
    const refuse = (on: unknown, name: string, what: string, instead: string): void =>
      patch(
        on,
        name,
        (original: object) =>
          new Proxy(original, {
            apply: (target, self, args) => {
              const { kernel } = this;
              if (kernel !== undefined && !isPrinting()) throw this.escaped(kernel, what, instead);
              return Reflect.apply(target as never, self, args) as unknown;
            },
            construct: (target, args, newTarget) => {
              const { kernel } = this;
              if (kernel !== undefined && !isPrinting()) throw this.escaped(kernel, what, instead);
              return Reflect.construct(target as never, args, newTarget) as object;
            },
          }),
      );
    const network =
      "what others answer is not the simulation's to decide; let a process stand for them";
    for (const name of ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"]) {
      refuse(globalThis, name, name, network);
    }
    const channel =
      "what arrives when is not the simulation's to decide; send messages to processes";
    for (const name of ["MessageChannel", "BroadcastChannel", "Worker"]) {
      refuse(globalThis, name, name, channel);
    }
    refuse(
      globalThis.AbortSignal,
      "timeout",
      "AbortSignal.timeout",
      "use self.signal, or a timer of the process",
    );
    refuse(Atomics, "waitAsync", "Atomics.waitAsync", channel);
    for (const process of new Set([globalThis.process, nodeProcess])) {
      refuse(process, "nextTick", "process.nextTick", "use queueMicrotask, or self.yield()");
    }
  }

  /** A node that is on the host itself would neither go by the simulation nor ever come to rest in it. */
  #refuseNodes(): void {
    const value = (): void => {
      if (this.kernel !== undefined) {
        throw this.escaped(this.kernel, "createNode", "make the node with sim.node()");
      }
    };
    Object.defineProperty(globalThis, SIMULATED_HOST, { value, configurable: true });
  }

  /** Code began something that it can wait for. */
  #began(type: string): void {
    const { kernel } = this;
    if (kernel === undefined || this.#own || type === "PROMISE" || type === "Microtask") return;
    this.#own = true;
    // Printing decides nothing.
    if (!isPrinting()) {
      this.escaped(kernel, type, "what comes of it is not the simulation's to decide");
    }
    this.#own = false;
  }
}

function isPrinting(): boolean {
  const { stack = "" } = withDeepStack(() => new Error());
  return stack.includes("node:internal/console/");
}

/** The code that is to blame may be below much of the host's own. */
function withDeepStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** There is one of each global, so there is one of these. */
export const nets: Pick<Nets, "enter" | "turning" | "turn"> = new Nets();

/** Runs code that belongs to a simulation. */
export function within<T>(kernel: Kernel | undefined, run: () => T): T {
  const before = nets.enter(kernel);
  try {
    return run();
  } finally {
    nets.enter(before);
  }
}
