/** Every order of a program, one by one: what cleverer ways of counting have to agree with. */
import type { Run, Strategy } from "@coppice/testkit";
import { classOf } from "../src/trace-class.js";

/** Runs a program in each of its orders, faults in it or not; `undefined` when there are more than `limit`. */
export function countAll(
  run: (strategy: Strategy) => Run,
  limit: number,
): { readonly orders: number; readonly classes: number } | undefined {
  const classes = new Set<number>();
  const taken: number[] = [];
  const widths: number[] = [];
  for (let orders = 1; orders <= limit; orders++) {
    let depth = 0;
    const made = run({
      pick(enabled) {
        const mayStop = enabled.every(({ kind }) => kind === "fault");
        const place = depth++;
        widths[place] = enabled.length + (mayStop ? 1 : 0);
        return enabled[(taken[place] ??= 0)];
      },
    });
    classes.add(classOf(made.steps));
    taken.length = widths.length = depth;
    while (
      taken.length > 0 &&
      (taken.at(-1) as number) + 1 >= (widths[taken.length - 1] as number)
    ) {
      taken.pop();
    }
    if (taken.length === 0) return { orders, classes: classes.size };
    (taken[taken.length - 1] as number)++;
  }
  return undefined;
}
