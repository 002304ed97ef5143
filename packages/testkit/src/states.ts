/** The states that a program exposes, and what they were before and after one step of a run. */
import { errorText } from "@coppice/core";
import fc from "fast-check";
import type { Program } from "./run-program.js";

/** What a state was; the two are the same when the step did not change it. */
export interface StateAround {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export interface WatchedProgram {
  readonly program: Program;
  /** Of the run made last: around the step with this number; at rest for those that were never made. */
  around(step: number): readonly StateAround[];
}

interface Watched {
  readonly read: () => unknown;
  /** What it was from a step on, where that is something else than before. */
  readonly changes: { readonly from: number; readonly text: string }[];
}

/** The same program, with an eye on what it shares and on what it calls a state. */
export function withStates(program: Program): WatchedProgram {
  let states = new Map<string, Watched>();
  return {
    program(sim) {
      states = new Map();
      let steps = 0;
      const look = (): void => {
        for (const { read, changes } of states.values()) {
          const text = textOf(read);
          if (changes.at(-1)?.text !== text) changes.push({ from: steps, text });
        }
      };
      const add = (name: string, read: () => unknown): void => {
        states.set(name, { read, changes: [{ from: -1, text: textOf(read) }] });
      };
      const { shared, state } = sim;
      sim.shared = (name, initial) => {
        const made = shared.call(sim, name, initial) as ReturnType<typeof sim.shared>;
        add(name, () => made.now);
        return made as never;
      };
      sim.state = (name, read) => {
        state.call(sim, name, read);
        add(name, read);
      };
      sim.observe(() => {
        look();
        steps++;
      });
      return program(sim);
    },
    around(step) {
      const textAt = ({ changes }: Watched, at: number): string =>
        changes.findLast(({ from }) => from <= at)?.text ?? "";
      return [...states].map(([name, watched]) => ({
        name,
        before: textAt(watched, step - 1),
        after: textAt(watched, step),
      }));
    },
  };
}

/** As it is now: it may be changed later. */
export function textOf(read: () => unknown): string {
  try {
    return fc.stringify(read());
  } catch (error) {
    return `cannot be read: ${errorText(error, { named: true })}`;
  }
}
