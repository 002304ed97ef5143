/** What waits to be run after the code that runs now. */
export class Tasks {
  /** The first `#count` wait; what is behind them was run. */
  readonly #tasks: (() => void)[] = [];
  #count = 0;

  add(task: () => void): void {
    this.#tasks[this.#count++] = task;
  }

  /** Runs all, and those that come of it; `false` when there was none. */
  run(): boolean {
    if (this.#count === 0) return false;
    for (let i = 0; i < this.#count; i++) (this.#tasks[i] as () => void)();
    this.#count = 0;
    return true;
  }

  /** Runs tasks and microtasks until none is left. */
  settle(drain: () => void): void {
    do {
      drain();
    } while (this.run());
  }
}
