/** What tests ask of exit reasons, trees, mailboxes and runs, as plain functions. */
import { isDeepStrictEqual } from "node:util";
import {
  checkKeys,
  formatReason,
  formatTerm,
  isCrash,
  type AnyPid,
  type ExitReason,
  type Node,
} from "@coppice/core";
import { checkList, checkText } from "./arguments.js";
import { renderTree, type SupervisionTree } from "@coppice/supervisor";
import type { Run } from "./run.js";
import type { Transition } from "./transition.js";

/** The answer of a matcher: what jest and vitest take, and anybody else may. */
export interface MatchResult {
  readonly pass: boolean;
  /** Why it does not match; or, where it does, what it should not have matched. */
  readonly message: () => string;
}

/** Are two values equal? Structure, by default; jest's own also knows `expect.any` and the like. */
export type Equals = (a: unknown, b: unknown) => boolean;

// ── exit reasons ────────────────────────────────────────────────────────────────────────────────

/**
 * A reason, or of a crash: its message or part of it, a pattern, the class of its error, or an error
 * that has the same name and message.
 */
export type ExpectedReason =
  | ExitReason
  | { readonly error: string | RegExp | Error | (abstract new (...args: never[]) => Error) };

/**
 * Is it that reason?
 *
 * @example
 * import { matchExit } from "@coppice/testkit";
 * matchExit("shutdown", "shutdown").pass; // => true
 * matchExit({ error: new RangeError("too far") }, { error: "far" }).pass; // => true
 * matchExit({ error: new RangeError("too far") }, { error: TypeError }).message();
 * // => "expected an exit with a crash with TypeError, but it was RangeError: too far"
 */
export function matchExit(
  reason: ExitReason,
  expected: ExpectedReason,
  equals: Equals = isDeepStrictEqual,
): MatchResult {
  const pass = isReason(reason, expected, equals);
  const wanted = describeExpected(expected);
  return {
    pass,
    message: () =>
      pass
        ? `expected no exit with ${wanted}`
        : `expected an exit with ${wanted}, but it was ${formatReason(reason)}`,
  };
}

function isReason(reason: ExitReason, expected: ExpectedReason, equals: Equals): boolean {
  if (!isExpectedCrash(expected)) return equals(reason, expected);
  if (!isCrash(reason)) return false;
  const { error } = reason;
  const wanted = expected.error;
  if (typeof wanted === "string") return error.message.includes(wanted);
  if (wanted instanceof RegExp) return wanted.test(error.message);
  if (typeof wanted === "function") {
    // Of another realm, as a jest context is, it is another class of the same name.
    return error.name === nameOf(wanted) || error instanceof (wanted as new () => Error);
  }
  const other = wanted as Error;
  return error.name === other.name && error.message === other.message;
}

function isExpectedCrash(
  expected: ExpectedReason,
): expected is Extract<ExpectedReason, { readonly error: unknown }> {
  return typeof expected === "object" && expected !== null && "error" in expected;
}

function nameOf(value: unknown): string {
  return (value as { readonly name: string }).name;
}

function describeExpected(expected: ExpectedReason): string {
  if (!isExpectedCrash(expected)) return formatReason(expected as ExitReason);
  const { error } = expected;
  const what =
    typeof error === "function"
      ? error.name
      : typeof error === "string"
        ? JSON.stringify(error)
        : String(error);
  return `a crash with ${what}`;
}

// ── trees ───────────────────────────────────────────────────────────────────────────────────────

/**
 * What a tree looks like: an id alone for what has no children, or an object in which what is there is
 * compared. Where `children` is there, it names all of them, in order.
 */
export type TreeShape =
  | string
  | (Partial<Omit<SupervisionTree, "children" | "id">> & {
      readonly id: string;
      readonly children?: readonly TreeShape[];
    });

/**
 * Has the tree that shape?
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, defineSupervisor, startSupervisor, supervisionTree } from "@coppice/supervisor";
 * import { matchTree } from "@coppice/testkit";
 * const node = createNode();
 * const worker = child("a", async (self) => void (await self.receive()));
 * const app = await startSupervisor(node, defineSupervisor({ children: [worker] }), { label: "app" });
 * const tree = await supervisionTree(node, app);
 * matchTree(tree, { id: "app", children: ["a"] }).pass; // => true
 * matchTree(tree, { id: "app", children: [{ id: "a", restarts: 1 }] }).message().split("\n")[0];
 * // => "app/a: restarts is 0, not 1"
 * await node.stop();
 */
export function matchTree(
  tree: SupervisionTree,
  shape: TreeShape,
  equals: Equals = isDeepStrictEqual,
): MatchResult {
  checkShape(shape);
  const differences = [...differencesOf(tree, shape, equals, "")];
  const pass = differences.length === 0;
  return {
    pass,
    message: () =>
      pass ? "expected another tree" : `${differences.join("\n")}\n\n${renderTree(tree)}`,
  };
}

function* differencesOf(
  tree: SupervisionTree,
  shape: TreeShape,
  equals: Equals,
  above: string,
): Generator<string> {
  const { id, children, ...facts } =
    typeof shape === "string" ? { id: shape, children: [] } : shape;
  const path = above === "" ? tree.id : `${above}/${tree.id}`;
  if (tree.id !== id) yield `${path}: id is ${formatTerm(tree.id)}, not ${formatTerm(id)}`;
  for (const [key, expected] of Object.entries(facts)) {
    const actual = tree[key as keyof SupervisionTree];
    if (!equals(actual, expected))
      yield `${path}: ${key} is ${formatTerm(actual)}, not ${formatTerm(expected)}`;
  }
  if (children === undefined) return;
  const [ids, expectedIds] = [
    tree.children.map((each) => each.id),
    children.map((each) => (typeof each === "string" ? each : each.id)),
  ];
  if (!isDeepStrictEqual(ids, expectedIds)) {
    yield `${path}: children are ${formatTerm(ids)}, not ${formatTerm(expectedIds)}`;
    return;
  }
  for (const [at, each] of children.entries()) {
    yield* differencesOf(tree.children[at] as SupervisionTree, each, equals, path);
  }
}

// ── mailboxes ───────────────────────────────────────────────────────────────────────────────────

/** Do these messages wait for the process, oldest first, and no others? */
export function matchMailbox(
  { node, pid }: { readonly node: Node; readonly pid: AnyPid },
  messages: readonly unknown[],
  equals: Equals = isDeepStrictEqual,
): MatchResult {
  const waiting = node.mailboxOf(pid);
  const pass = equals([...waiting], [...messages]);
  return {
    pass,
    message: () =>
      pass
        ? `expected other messages for ${String(pid)} than ${formatTerm(messages)}`
        : `expected that ${formatTerm(messages)} wait for ${String(pid)}, but it was ${formatTerm(waiting)}`,
  };
}

// ── runs ────────────────────────────────────────────────────────────────────────────────────────

/** A transition: its key, a pattern for its key or its description, or a function that knows it. */
export type TransitionPattern = string | RegExp | ((transition: Transition) => boolean);

/** A field that no tree has would never match, and never be missed. */
function checkShape(shape: TreeShape): void {
  if (typeof shape === "string") return;
  checkKeys("matchTree: shape", shape, FIELDS);
  checkText("matchTree: shape.id", shape.id);
  for (const each of shape.children ?? []) checkShape(each);
}

const FIELDS: readonly (keyof SupervisionTree)[] = [
  "id",
  "pid",
  "type",
  "state",
  "restarts",
  "restartInMs",
  "incarnation",
  "lastExit",
  "mailboxSize",
  "label",
  "name",
  "strategy",
  "waitingFor",
  "children",
];

/**
 * Did these happen, in this order, whatever came between?
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function matchTrace(
  { steps }: Pick<Run, "steps">,
  patterns: readonly TransitionPattern[],
): MatchResult {
  checkList(
    "matchTrace: patterns",
    patterns,
    "keys, patterns and functions",
    (each) => typeof each === "string" || typeof each === "function" || each instanceof RegExp,
  );
  let found = 0;
  for (const { transition } of steps) {
    const wanted = patterns[found];
    if (wanted !== undefined && fits(transition, wanted)) found++;
  }
  const pass = found === patterns.length;
  const describe = (pattern: TransitionPattern | undefined): string =>
    typeof pattern === "function" ? pattern.name || "a function" : String(pattern);
  return {
    pass,
    message: () =>
      pass
        ? `expected that not all of these happen in this order: ${patterns.map(describe).join(", ")}`
        : [
            `expected ${describe(patterns[found])}${found === 0 ? "" : ` after ${describe(patterns[found - 1])}`}, but what happened was:`,
            ...steps.map(({ transition }) => `  ${transition.key} ${transition.describe()}`),
          ].join("\n"),
  };
}

function fits(transition: Transition, pattern: TransitionPattern): boolean {
  if (typeof pattern === "function") return pattern(transition);
  if (typeof pattern === "string") return transition.key === pattern;
  return pattern.test(transition.key) || pattern.test(transition.describe());
}
