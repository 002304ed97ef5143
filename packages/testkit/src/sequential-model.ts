/** What an object does when nobody else uses it: the specification that histories are compared with. */
import { isDeepStrictEqual } from "node:util";
import { stringify } from "fast-check";
import { InvalidArgumentError } from "@coppice/core";
import { checkList, has } from "./arguments.js";
import type { Operation } from "./history.js";

/** What an operation does to a state. */
export interface Outcome<S, O> {
  readonly state: S;
  readonly output: O;
}

/** An object used by one client at a time. States are plain data, and are not changed in place. */
export interface SequentialModel<S, I, O> {
  readonly initial: S;
  /**
   * What the operation does. More than one outcome: any of them may happen. None: it cannot happen in
   * this state.
   */
  readonly apply: (state: S, input: I) => Outcome<S, O> | readonly Outcome<S, O>[];
  /** Is what was returned what the model says? Equal structure, by default. */
  readonly accepts?: (returned: O, modelled: O) => boolean;
  /**
   * Which object an operation is about, where the state consists of objects that know nothing of each
   * other: each has `initial` as its first state, and is checked by itself, which is much faster.
   */
  readonly partition?: (input: I) => string | number;
  /** Equal for equal states alone; the structure of plain data, by default. */
  readonly stateKey?: (state: S) => string | number;
}

/** @throws InvalidArgumentError it is no model, or these are no operations */
export function checkModelled(
  operation: string,
  model: SequentialModel<never, never, never>,
  history: readonly Operation[],
): void {
  checkModel(operation, model);
  checkList(`${operation}: history`, history, "operations", (each) => {
    const { client, invokedAt, returnedAt } = (each ?? {}) as Partial<Operation>;
    if (typeof client !== "string" || typeof invokedAt !== "number") return false;
    return returnedAt === undefined || (typeof returnedAt === "number" && returnedAt >= invokedAt);
  });
}

export function checkModel(operation: string, model: unknown): void {
  if (has(model, "apply") && "initial" in (model as object)) return;
  const expected = "a model, with `initial` and `apply`, as register(0) is";
  throw new InvalidArgumentError(`${operation}: model`, expected, model);
}

/** Which states an operation leads to, given what it returned; the checkers need nothing else. */
export type Successors<S, I, O> = (state: S, operation: Operation<I, O>) => readonly S[];

export function successorsOf<S, I, O>(model: SequentialModel<S, I, O>): Successors<S, I, O> {
  const { accepts = sameValue } = model;
  const fits = (operation: Operation<I, O>, outcome: Outcome<S, O>): boolean =>
    operation.returnedAt === undefined || accepts(operation.output as O, outcome.output);
  return (state, operation) => {
    const outcomes = model.apply(state, operation.input);
    if (!isList(outcomes)) return fits(operation, outcomes) ? [outcomes.state] : [];
    return outcomes.filter((outcome) => fits(operation, outcome)).map((outcome) => outcome.state);
  };
}

/** The states of all parts that are not in their first state. */
export type Parts<S> = ReadonlyMap<string | number, S>;

/** The model of all parts together, for properties that do not hold part by part. */
export function wholeOf<S, I, O>(
  model: SequentialModel<S, I, O>,
): SequentialModel<Parts<S>, I, O> & { readonly stateKey: (states: Parts<S>) => string } {
  const { partition = () => "all", stateKey = structureOf } = model;
  return {
    ...(model.accepts === undefined ? {} : { accepts: model.accepts }),
    initial: new Map<string | number, S>(),
    apply: (states, input) => {
      const part = partition(input);
      const outcomes = model.apply(
        states.has(part) ? (states.get(part) as S) : model.initial,
        input,
      );
      const put = ({ state, output }: Outcome<S, O>): Outcome<Parts<S>, O> => ({
        state: new Map(states).set(part, state),
        output,
      });
      return isList(outcomes) ? outcomes.map(put) : put(outcomes);
    },
    stateKey: (states) =>
      [...states]
        .map(([part, state]) => `${typeof part} ${part}: ${String(stateKey(state))}`)
        .sort()
        .join("\n"),
  };
}

function isList<T extends object>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

export function sameValue(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || (typeof a === "object" && isDeepStrictEqual(a, b));
}

/** A primitive that is equal for equal states alone. */
export function structureOf(state: unknown): unknown {
  if (typeof state === "object" && state !== null) return stringify(state);
  // A state that is a string must not be taken for the structure of another.
  return typeof state === "string" ? `"${state}` : state;
}
