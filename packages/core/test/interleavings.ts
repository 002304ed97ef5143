/** Every order in which the happenings of a small program can take place. */
import { createNode, type Happening, type Node, type Scheduler } from "@coppice/core";
import { createVirtualClock } from "@coppice/testkit";

/** Collects what could happen; nothing happens by itself. */
class Chooser implements Scheduler {
  readonly #tasks: (() => void)[] = [];
  readonly #waiting: Happening[] = [];

  soon(task: () => void): void {
    this.#tasks.push(task);
  }

  afterTurn(task: () => void): void {
    this.#tasks.push(task);
  }

  offer(happening: Happening): void {
    this.#waiting.push(happening);
  }

  withdraw(happening: Happening): void {
    const index = this.#waiting.indexOf(happening);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  /** What may happen next: the first of each channel. */
  enabled(): Happening[] {
    const channels = new Set<string>();
    return this.#waiting.filter(({ channel }) => !channels.has(channel) && channels.add(channel));
  }

  run(happening: Happening): void {
    this.#waiting.splice(this.#waiting.indexOf(happening), 1);
    happening.run();
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task();
  }
}

/**
 * Runs a program once for each possible order of its happenings, and returns how many there are.
 *
 * The program's processes have to be handlers that make no promises, so that a happening is over when
 * it returns. `setUp` spawns them, and they start; then `act` sends what is to interleave; `check` is
 * called when nothing can happen any more, and can ask for the order it was.
 */
export function forEachInterleaving<P>(program: {
  readonly setUp: (node: Node) => P;
  readonly act: (processes: P, node: Node) => void;
  readonly check: (processes: P, node: Node, order: () => string) => void;
}): number {
  /** Which of the enabled happenings to take, by step; and how many there were. */
  const choices: number[] = [];
  const widths: number[] = [];
  for (let count = 1; ; count++) {
    const scheduler = new Chooser();
    const node = createNode({ name: "n", clock: createVirtualClock(), logger: false, scheduler });
    const processes = program.setUp(node);
    for (let [first] = scheduler.enabled(); first !== undefined; [first] = scheduler.enabled()) {
      scheduler.run(first);
    }
    program.act(processes, node);
    const order: Happening[] = [];
    for (let step = 0; ; step++) {
      const enabled = scheduler.enabled();
      const next = enabled[(choices[step] ??= 0)];
      if (next === undefined) {
        choices.length = widths.length = step;
        break;
      }
      widths[step] = enabled.length;
      order.push(next);
      scheduler.run(next);
    }
    program.check(processes, node, () =>
      order.map((happening) => `${happening.key} ${happening.describe()}`).join("\n"),
    );
    // The next path in depth-first order.
    while (choices.length > 0 && (choices.at(-1) as number) + 1 === widths[choices.length - 1]) {
      choices.pop();
    }
    if (choices.length === 0) return count;
    (choices[choices.length - 1] as number)++;
  }
}
