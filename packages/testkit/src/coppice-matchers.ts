/** The matchers that jest and vitest have in common: what they do, without what either is told of their types. */
import { InvalidArgumentError, type AnyPid, type ExitReason, type Node } from "@coppice/core";
import { has } from "./arguments.js";
import type { SupervisionTree } from "@coppice/supervisor";
import { matchMarbles, type MarbleRecord } from "./marbles.js";
import {
  matchExit,
  matchMailbox,
  matchTrace,
  matchTree,
  type ExpectedReason,
  type MatchResult,
  type TransitionPattern,
  type TreeShape,
} from "./matchers.js";
import type { Run } from "./run.js";

export interface CoppiceMatchers<R> {
  /** Of an exit reason, or a promise of one, as `node.whenExited` gives: see `matchExit`. */
  toExitWith(reason: ExpectedReason): R;
  /** Of a supervision tree: see `matchTree`. */
  toHaveTree(shape: TreeShape): R;
  /** Of `{ node, pid }`: see `matchMailbox`. */
  toHaveMailbox(messages: readonly unknown[]): R;
  /** Of a run: see `matchTrace`. */
  toHaveTrace(patterns: readonly TransitionPattern[]): R;
  /** Of what `recordMarbles` recorded: see `matchMarbles`. */
  toHaveMarbles(marbles: string, values?: Readonly<Record<string, unknown>>): R;
}

/** What of the runner's own the matchers use. */
interface Context {
  readonly equals?: (one: unknown, other: unknown) => boolean;
}

/**
 * For `expect.extend`. A promise of a reason makes `toExitWith` a promise, too: wait for it. What is none of the things
 * that a matcher is for is an `InvalidArgumentError`, also under `not`.
 *
 * With vitest, import it from `@coppice/testkit/vitest`.
 *
 * ```ts no-run
 * import { expect } from "@jest/globals";
 * import { createNode } from "@coppice/core";
 * import { coppiceMatchers } from "@coppice/testkit/jest";
 * expect.extend(coppiceMatchers);
 * const node = createNode();
 * const pid = node.spawn(async (self) => self.exit("shutdown"));
 * await expect(node.whenExited(pid)).toExitWith("shutdown");
 * ```
 */
export const coppiceMatchers: {
  toExitWith(
    this: Context | void,
    received: unknown,
    reason: ExpectedReason,
  ): MatchResult | Promise<MatchResult>;
  toHaveTree(this: Context | void, received: unknown, shape: TreeShape): MatchResult;
  toHaveMailbox(this: Context | void, received: unknown, messages: readonly unknown[]): MatchResult;
  toHaveTrace(
    this: Context | void,
    received: unknown,
    patterns: readonly TransitionPattern[],
  ): MatchResult;
  toHaveMarbles(
    this: Context | void,
    received: unknown,
    marbles: string,
    values?: Readonly<Record<string, unknown>>,
  ): MatchResult;
} = {
  toExitWith(received, reason) {
    const match = (actual: ExitReason): MatchResult => matchExit(actual, reason, this?.equals);
    return has(received, "then")
      ? (received as Promise<ExitReason>).then(match)
      : match(received as ExitReason);
  },
  toHaveTree(received, shape) {
    const tree = given<SupervisionTree>(
      "toHaveTree",
      received,
      "what supervisionTree resolves to",
      "id",
    );
    return matchTree(tree, shape, this?.equals);
  },
  toHaveMailbox(received, messages) {
    type Place = { readonly node: Node; readonly pid: AnyPid };
    const place = given<Place>("toHaveMailbox", received, "{ node, pid }", "node", "pid");
    return matchMailbox(place, messages, this?.equals);
  },
  toHaveTrace(received, patterns) {
    return matchTrace(given<Run>("toHaveTrace", received, "a run", "steps"), patterns);
  },
  toHaveMarbles(received, marbles, values) {
    const expected = "what recordMarbles returns";
    const record = given<MarbleRecord<unknown>>("toHaveMarbles", received, expected, "emissions");
    return matchMarbles(record, marbles, values, this?.equals);
  },
};

/** `expect` takes anything; most often it is a promise that nobody waited for. */
function given<T>(
  matcher: string,
  received: unknown,
  expected: string,
  ...keys: readonly (keyof T & string)[]
): T {
  if (keys.every((key) => Object(received)[key] !== undefined)) return received as T;
  const hint = has(received, "then") ? `${expected} (await the promise)` : expected;
  throw new InvalidArgumentError(`${matcher}: what expect is given`, hint, received);
}
