/**
 * Sequential consistency: could each client's operations have happened in the order of its program, in
 * one order for all? Unlike linearizability it does not ask when an operation returned.
 *
 * Lamport, How to make a multiprocessor computer that correctly executes multiprocess programs (1979).
 */
import { checkKeys, formatTerm } from "@coppice/core";
import { describeOperation, type Operation } from "./history.js";
import {
  checkMostConfigurations,
  MOST_CONFIGURATIONS,
  type LinearizabilityOptions,
} from "./linearizability.js";
import {
  checkModelled,
  successorsOf,
  wholeOf,
  type Parts,
  type SequentialModel,
} from "./sequential-model.js";

export type SequentialVerdict<S, I, O> =
  | { readonly ok: true; readonly order: readonly Operation<I, O>[] }
  /** There was more to try than `maxConfigurations`: nobody knows. */
  | { readonly ok: undefined; readonly configurations: number }
  | {
      readonly ok: false;
      /** A longest sequence that the clients' programs allow. */
      readonly prefix: readonly Operation<I, O>[];
      /** What each client would do next; none of it is possible then. */
      readonly blocked: readonly Operation<I, O>[];
      /** The states then, by part of the model; under `"all"` where it has no parts. */
      readonly states: Parts<S>;
    };

/**
 * Checks that a history is sequentially consistent. The parts of a model are not looked at one by one:
 * this property is not one of the parts.
 *
 * A pending operation may take effect at any time after those that its client invoked before it, or
 * not at all; what its client does later does not wait for it. Where there is too much to try, `ok` is
 * `undefined`.
 *
 * @throws InvalidArgumentError an option is of the wrong kind
 * @example
 * import { checkSequentialConsistency, register } from "@coppice/testkit";
 * const write = { client: "a", input: { write: 1 }, output: undefined, invokedAt: 0, returnedAt: 1 };
 * const read = (output: number, at: number) =>
 *   ({ client: "b", input: "read", output, invokedAt: at, returnedAt: at + 1 }) as const;
 * checkSequentialConsistency(register(0), [write, read(0, 2), read(1, 4)]).ok; // => true
 * checkSequentialConsistency(register(0), [write, read(1, 2), read(0, 4)]).ok; // => false
 */
export function checkSequentialConsistency<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  options: LinearizabilityOptions = {},
): SequentialVerdict<S, I, O> {
  checkModelled("checkSequentialConsistency", model as never, history);
  checkKeys("checkSequentialConsistency: options", options, ["maxConfigurations"]);
  const { maxConfigurations = MOST_CONFIGURATIONS } = options;
  checkMostConfigurations("checkSequentialConsistency", maxConfigurations);
  const whole = wholeOf(model);
  const successors = successorsOf(whole);
  const programs = programsOf(history);
  const seen = new Set<string>();
  let longest: Place<S, I, O> = {
    states: whole.initial,
    done: programs.map(() => 0),
    path: undefined,
    length: 0,
  };
  const stack = [longest];
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    if (seen.size > maxConfigurations) return { ok: undefined, configurations: maxConfigurations };
    const { states, done, path, length } = place;
    if (
      programs.every((program, at) => program.optional || done[at] === program.operations.length)
    ) {
      return { ok: true, order: orderOf(path) };
    }
    if (length > longest.length) longest = place;
    programs.forEach((program, at) => {
      const operation = program.operations[done[at] as number];
      if (operation === undefined || !isReady(program, done)) return;
      const doneThen = done.with(at, (done[at] as number) + 1);
      for (const next of successors(states, operation)) {
        const key = `${doneThen.join()}|${whole.stateKey(next)}`;
        if (seen.has(key)) continue;
        seen.add(key);
        stack.push({
          states: next,
          done: doneThen,
          path: { operation, before: path },
          length: length + 1,
        });
      }
    });
  }
  const { done, states, path } = longest;
  const blocked = programs.flatMap((program, at) =>
    program.optional || !isReady(program, done)
      ? []
      : program.operations.slice(done[at], (done[at] as number) + 1),
  );
  return { ok: false, prefix: orderOf(path), blocked, states };
}

/** Says what no order explains: the longest sequence, and what would have to come next but cannot. */
export function formatSequentialVerdict<S, I, O>(
  verdict: SequentialVerdict<S, I, O>,
  describe: (operation: Operation<I, O>) => string = describeOperation,
): string {
  if (verdict.ok) return "sequentially consistent";
  if (verdict.ok === undefined) {
    return `undecided: no order found in ${verdict.configurations} configurations, and there are more`;
  }
  const line = (operation: Operation<I, O>): string =>
    `  ${operation.client}: ${describe(operation)}`;
  return [
    "not sequentially consistent: none of these can come next",
    ...verdict.blocked.map(line),
    "after the longest sequence that the programs allow:",
    ...verdict.prefix.map(line),
    `with the states ${formatTerm([...verdict.states])}`,
  ].join("\n");
}

/** How much of each program was done, which states that led to, and by which way. */
interface Place<S, I, O> {
  readonly states: Parts<S>;
  readonly done: readonly number[];
  readonly path: Path<I, O> | undefined;
  readonly length: number;
}

interface Path<I, O> {
  readonly operation: Operation<I, O>;
  readonly before: Path<I, O> | undefined;
}

function orderOf<I, O>(path: Path<I, O> | undefined): Operation<I, O>[] {
  const order: Operation<I, O>[] = [];
  for (let at = path; at !== undefined; at = at.before) order.push(at.operation);
  return order.reverse();
}

/** What one client did and was answered; a pending operation is a program of its own. */
interface Program<I, O> {
  readonly operations: readonly Operation<I, O>[];
  /** It need not happen. */
  readonly optional: boolean;
  /** Of which program how much must have been done before. */
  readonly after: { readonly program: number; readonly done: number } | undefined;
}

function isReady({ after }: Program<unknown, unknown>, done: readonly number[]): boolean {
  return after === undefined || (done[after.program] as number) >= after.done;
}

function programsOf<I, O>(history: readonly Operation<I, O>[]): Program<I, O>[] {
  const byClient = new Map<string, Operation<I, O>[]>();
  const inOrder = [...history].sort((a, b) => a.invokedAt - b.invokedAt);
  for (const operation of inOrder) {
    const program = byClient.get(operation.client);
    if (program === undefined) byClient.set(operation.client, [operation]);
    else program.push(operation);
  }
  const answered: Program<I, O>[] = [];
  const pending: Program<I, O>[] = [];
  for (const operations of byClient.values()) {
    let done = 0;
    const program = answered.length;
    for (const operation of operations) {
      if (operation.returnedAt !== undefined) done++;
      else pending.push({ operations: [operation], optional: true, after: { program, done } });
    }
    answered.push({
      operations: operations.filter(({ returnedAt }) => returnedAt !== undefined),
      optional: false,
      after: undefined,
    });
  }
  return [...answered, ...pending];
}
