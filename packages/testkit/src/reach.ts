/**
 * Reach: what a suite says it sometimes sees has to be seen, at least once in all its runs. A test that
 * never comes to where it could fail is green for no reason.
 */
import { checkFunction, CoppiceError } from "@coppice/core";
import type { LookOptions } from "./looks.js";
import type { Program } from "./run-program.js";

/** Something that a suite should have seen was not. */
export class UnreachedError extends CoppiceError {
  override readonly name = "UnreachedError";
  readonly code = "UNREACHED";
  /** What was not seen. */
  readonly names: readonly string[];
  constructor(names: readonly string[]) {
    super(`never seen in any run: ${names.join(", ")}`);
    this.names = names;
  }
}

/** Keeps account of `sim.sometimes` over many runs, of one program or of several. */
export interface Reach {
  /** The program, with its `sometimes` on account. */
  watch(program: Program): Program;
  /** In how many runs each was seen, of all that were asked for. */
  readonly hits: ReadonlyMap<string, number>;
  readonly unreached: readonly string[];
  /**
   * At the end of a suite.
   *
   * @throws UnreachedError something was never seen
   */
  check(): void;
}

/**
 * Makes an empty account.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 * @example
 * import { createReach, FIFO, runProgramAsync } from "@coppice/testkit";
 * const reach = createReach();
 * const program = reach.watch((sim) => {
 *   const node = sim.node();
 *   node.spawn(async (self) => void (await self.receive({ timeoutMs: 5 })));
 *   sim.sometimes("time passes", () => sim.nowMs >= 5);
 *   sim.sometimes("an hour passes", () => sim.nowMs >= 3_600_000);
 * });
 * await runProgramAsync(program, FIFO);
 * [...reach.hits]; // => [["time passes", 1], ["an hour passes", 0]]
 * reach.unreached; // => ["an hour passes"]
 */
export function createReach(): Reach {
  const hits = new Map<string, number>();
  const unreached = (): string[] =>
    [...hits].filter(([, count]) => count === 0).map(([name]) => name);
  return {
    watch(program) {
      checkFunction("watch: program", program);
      return (sim) => {
        const sometimes = (name: string, holds: () => boolean, options?: LookOptions): void => {
          hits.set(name, hits.get(name) ?? 0);
          let isSeen = false;
          sim.sometimes(
            name,
            () => {
              const holdsNow = holds();
              if (holdsNow && !isSeen) hits.set(name, (hits.get(name) as number) + 1);
              isSeen ||= holdsNow;
              return holdsNow;
            },
            options,
          );
        };
        const counting = new Proxy(sim, {
          get: (target, key) => {
            if (key === "sometimes") return sometimes;
            const value: unknown = Reflect.get(target, key, target);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
        return program(counting);
      };
    },
    hits,
    get unreached() {
      return unreached();
    },
    check() {
      const names = unreached();
      if (names.length > 0) throw new UnreachedError(names);
    },
  };
}
