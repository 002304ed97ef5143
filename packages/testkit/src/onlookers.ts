/** Those who look on in a run: what they look at, what they are to see sometimes, and who is told of each step. */
import type { Access } from "@coppice/core";
import type { Kernel } from "./kernel.js";
import { Looks, type Look, type Reads } from "./looks.js";
import type { Step } from "./run.js";

export class Onlookers {
  /** What was to be seen at least sometimes, and was. */
  readonly seen: Set<string> = new Set();
  /** What is to be seen at least sometimes. */
  readonly asked: Set<string> = new Set();
  /** How many may remember what they were told. */
  remembering = 0;
  readonly #kernel: Kernel;
  readonly #looks: Looks;
  readonly #told: ((step: Step) => void)[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#looks = new Looks(kernel.keySpace);
  }

  /** @returns the object that stands for all that it reads; `undefined` for what reads everything */
  look(look: Look, reads: Reads | undefined): string | undefined {
    return this.#looks.add(look, reads);
  }

  sometimes(name: string, holds: () => unknown): void {
    const { checks } = this.#kernel;
    this.asked.add(name);
    this.#told.push(() => {
      if (this.seen.has(name)) return;
      const held = this.#ask(name, holds);
      if (checks.isPromise(name, held, this.#kernel.stepNow) || !held) return;
      this.seen.add(name);
    });
  }

  observe(observer: (step: Step) => void): void {
    this.remembering++;
    this.#told.push((step) => this.#ask("what an observer says", () => observer(step)));
  }

  /** What is thrown where somebody looks is wrong with the program, or with who looks: the run goes on. */
  #ask(check: string, look: () => unknown): unknown {
    try {
      return look();
    } catch (error) {
      this.#kernel.checks.threw(check, this.#kernel.stepNow, error);
      return undefined;
    }
  }

  /** A step made these accesses; more may be made of them by who looks. */
  note(accesses: Access[]): void {
    this.#looks.note(accesses);
  }

  /** A step is over. */
  tell(step: Step): void {
    for (let i = 0; i < this.#told.length; i++) (this.#told[i] as (step: Step) => void)(step);
  }

  /** Those of whom nothing is known; but not those who have seen what they were to see. */
  get unfocused(): readonly Look[] {
    return this.#looks.unfocused(this.seen);
  }
}
