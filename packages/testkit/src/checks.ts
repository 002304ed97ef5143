/** The checks of one run, and what they found. */
import { busyProcesses, errorText, keyOf } from "@coppice/core";
import { has } from "./arguments.js";
import { ESCAPE_CHECK, EscapeError } from "./escape-error.js";
import type { Kernel } from "./kernel.js";
import type { Violation } from "./run.js";

/** Something to be looked at after each step, or at rest. */
export interface Check {
  readonly name: string;
  readonly holds: () => unknown;
}

export class Checks {
  readonly violations: Violation[] = [];
  /** Looked at after each step. */
  readonly always: Check[] = [];
  /** Looked at when nothing can happen any more. */
  readonly finally: Check[] = [];

  /** Of each check the first counts. */
  fail(check: string, message: string, step: number, error: unknown): void {
    if (this.#hasFailed(check)) return;
    this.violations.push({ check, message, step, ...(error !== undefined && { error }) });
  }

  /** Who looks found an error instead of an answer. */
  threw(check: string, step: number, error: unknown): void {
    this.fail(check, errorText(error, { most: Infinity }), step, error);
  }

  #hasFailed(check: string): boolean {
    return this.violations.some((violation) => violation.check === check);
  }

  /** Looks at all that has not failed yet. */
  look(when: "always" | "finally", step: number): void {
    for (const { name, holds } of when === "always" ? this.always : this.finally) {
      if (this.#hasFailed(name)) continue;
      try {
        const held = holds();
        if (held === false) this.fail(name, "it does not hold", step, undefined);
        else this.isPromise(name, held, step);
      } catch (error) {
        this.threw(name, step, error);
      }
    }
  }

  /** Does anything not hold now that did not hold before, and is therefore not told a second time? */
  get stillFails(): boolean {
    if (this.violations.length === 0) return false;
    return this.always.some(({ name, holds }) => {
      if (!this.#hasFailed(name)) return false;
      try {
        return holds() === false;
      } catch {
        return true;
      }
    });
  }

  /** Did a check answer with a promise? What comes of that is not known at the step that was looked at. */
  isPromise(check: string, held: unknown, step: number): boolean {
    if (!has(held, "then")) return false;
    // It may reject, and nobody else waits for it.
    void (held as Promise<unknown>).then(undefined, () => undefined);
    const why = "it returns a promise, but a check has to say at once whether it holds";
    this.fail(check, why, step, undefined);
    return true;
  }
}

/** Nothing can happen any more: who has not come to rest waits for something of the host. */
export function lookForStuck(kernel: Kernel): void {
  for (const { node } of kernel.lives.all) {
    for (const pid of busyProcesses(node)) {
      const initialCall = node.processInfo(pid)?.initialCall ?? "it";
      const why = `${initialCall} awaits something that the simulation does not know of`;
      const error = new EscapeError("an await", keyOf(pid), why);
      kernel.fail(ESCAPE_CHECK, error.message, error);
    }
  }
}
