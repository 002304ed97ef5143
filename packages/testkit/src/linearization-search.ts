/**
 * The search for an order that explains a history: that of Wing and Gong, with the memory of Lowe.
 *
 * An operation is given its moment just in time, before a return that needs it, and what was seen once
 * is not tried again. Wing and Gong, Testing and verifying concurrent objects (1993); Lowe, Testing for
 * linearizability (2017).
 */
import { openAt, orderOf, type HistoryOrder, type Open } from "./history-order.js";
import type { Operation } from "./history.js";
import { SeenStates } from "./seen-states.js";
import { structureOf, type Successors } from "./sequential-model.js";

export interface Explained<I, O> {
  readonly order: readonly Operation<I, O>[];
}

/** There was more to try than it was allowed to. */
export interface Undecided {
  readonly order: "undecided";
}

export interface NotExplained<S, I, O> {
  readonly order: undefined;
  /** How far one gets. It searches again, so it is worth its time only when somebody wants to know. */
  readonly explain: () => Unexplained<S, I, O>;
}

/**
 * An order in which each operation leads from state to state, and that respects every return. It looks at no
 * more than `limit` configurations.
 */
export function searchOrder<S, I, O>(
  history: readonly Operation<I, O>[],
  initial: S,
  { successors, stateKey, limit }: SearchOptions<S, I, O>,
): Explained<I, O> | NotExplained<S, I, O> | Undecided {
  const search = new Search(history, initial, successors, limit, stateKey);
  const order = search.run();
  return order === undefined
    ? { order, explain: () => search.explain() }
    : ({ order } as Explained<I, O> | Undecided);
}

export interface SearchOptions<S, I, O> {
  readonly successors: Successors<S, I, O>;
  readonly stateKey: ((state: S) => unknown) | undefined;
  readonly limit: number;
}

export interface Unexplained<S, I, O> {
  readonly prefix: readonly Operation<I, O>[];
  readonly blocked: Operation<I, O>;
  readonly states: readonly S[];
}

/**
 * A search over configurations: a return that is next, which operations have had their moment before
 * it, and a state. It goes from return to return, depth first; between two returns it is breadth
 * first, so that what uses fewest operations is seen first. Its stack is a list: histories may be long.
 */
class Search<S, I, O> {
  readonly #operations: readonly Operation<I, O>[];
  readonly #initial: S;
  readonly #successors: Successors<S, I, O>;
  readonly #stateKey: (state: S) => unknown;
  readonly #order: HistoryOrder;
  /** Which operations have had their moment, in which order. */
  readonly #done: Uint8Array;
  readonly #path: number[] = [];
  /** What was seen at each return. */
  readonly #seen: SeenStates<S>;
  readonly #open: (Open | undefined)[] = [];
  readonly #alike: (number | undefined)[] = [];
  /** The furthest return that was reached. */
  #furthest = 0;
  readonly #limit: number;

  constructor(
    operations: readonly Operation<I, O>[],
    initial: S,
    successors: Successors<S, I, O>,
    limit: number,
    stateKey: (state: S) => unknown = structureOf,
  ) {
    this.#limit = limit;
    this.#operations = operations;
    this.#initial = initial;
    this.#successors = successors;
    this.#stateKey = stateKey;
    this.#order = orderOf(operations);
    this.#seen = new SeenStates(stateKey);
    this.#done = new Uint8Array(operations.length);
  }

  /** An order that explains the history, if there is one. */
  run(): readonly Operation<I, O>[] | "undecided" | undefined {
    const found = this.#search(() => undefined);
    return found === true ? this.#explanation() : found === false ? undefined : "undecided";
  }

  /** After a `run` that found nothing: how far one gets. */
  explain(): Unexplained<S, I, O> {
    const furthest = this.#furthest;
    const states = new Map<unknown, S>();
    let prefix: readonly Operation<I, O>[] | undefined;
    this.#seen.clear();
    this.#search((at, state) => {
      if (at !== furthest) return;
      prefix ??= this.#explanation();
      states.set(this.#stateKey(state), state);
    });
    return {
      prefix: prefix ?? [],
      blocked: this.#operations[this.#order.returns[furthest] as number] as Operation<I, O>,
      states: [...states.values()],
    };
  }

  #explanation(): readonly Operation<I, O>[] {
    return this.#path.map((op) => this.#operations[op] as Operation<I, O>);
  }

  /** `undefined` when there was more than may be looked at. */
  #search(reached: (at: number, state: S) => void): boolean | undefined {
    const stack: Frame<S>[] = [];
    let looked = 0;
    /** Tells whether this is the end. */
    const enter = (at: number, state: S): boolean => {
      if (at === this.#order.returns.length) return true;
      if (at > this.#furthest) this.#furthest = at;
      // Where nothing failed yet there is nothing to remember: most histories have an order.
      if (this.#seen.isAny(at) && this.#isSeen(at, state)) return false;
      reached(at, state);
      stack.push({
        at,
        state,
        ops: NONE,
        depth: this.#path.length,
        tries: undefined,
        next: 0,
        results: NONE,
        nextResult: 0,
      });
      return false;
    };
    if (enter(0, this.#initial)) return true;
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (looked++ >= this.#limit) return undefined;
      const { at } = top;
      const returning = this.#order.returns[at] as number;
      if (top.nextResult < top.results.length) {
        const state = top.results[top.nextResult++] as S;
        if (enter(this.#passed(at + 1), state)) return true;
        continue;
      }
      // The return at once; where that leads nowhere, after one more of the other operations.
      if (top.next > 0) {
        const tried = top.next === 1 ? top : (top.tries?.[top.next - 2] as Try<S>);
        this.#rewind(top.depth);
        if (tried !== top) this.#take(tried.ops);
        else if (!this.#isSeen(at, top.state)) this.#remember(at, top.state);
        this.#widen(top, tried, returning, reached);
        this.#rewind(top.depth);
      }
      const next = top.next === 0 ? top : top.tries?.[top.next - 1];
      top.next++;
      if (next === undefined) {
        stack.pop();
        continue;
      }
      if (next !== top) this.#take(next.ops);
      top.results = this.#successors(next.state, this.#operations[returning] as Operation<I, O>);
      top.nextResult = 0;
      this.#done[returning] = 1;
      this.#path.push(returning);
    }
    return false;
  }

  /** The return cannot come yet: one more of the other operations may have had its moment before. */
  #widen(
    top: Frame<S>,
    { state, ops }: Try<S>,
    returning: number,
    reached: (at: number, state: S) => void,
  ): void {
    for (const op of this.#openAt(top.at).all) {
      if (this.#done[op] === 1 || op === returning || this.#isSpare(op)) continue;
      const after = this.#successors(state, this.#operations[op] as Operation<I, O>);
      if (after.length === 0) continue;
      this.#take([op]);
      for (const next of after) {
        if (this.#isSeen(top.at, next)) continue;
        this.#remember(top.at, next);
        reached(top.at, next);
        (top.tries ??= []).push({ state: next, ops: [...ops, op] });
      }
      this.#rewind(this.#path.length - 1);
    }
  }

  #take(ops: readonly number[]): void {
    for (const op of ops) {
      this.#done[op] = 1;
      this.#path.push(op);
    }
  }

  #rewind(depth: number): void {
    while (this.#path.length > depth) this.#done[this.#path.pop() as number] = 0;
  }

  /** The first return from `at` on whose operation has not had its moment. */
  #passed(at: number): number {
    while (at < this.#order.returns.length && this.#done[this.#order.returns[at] as number] === 1)
      at++;
    return at;
  }

  /** Pending, with one like it that can go first: which of them it is makes no difference. */
  #isSpare(op: number): boolean {
    if (this.#order.rank[op] !== this.#order.returns.length) return false;
    const earlier = (this.#alike[op] ??= this.#earlierAlike(op));
    return earlier !== -1 && this.#done[earlier] === 0;
  }

  #earlierAlike(op: number): number {
    const { input, invokedAt } = this.#operations[op] as Operation<I, O>;
    const key = structureOf(input);
    let latest = -1;
    for (const other of this.#order.invocations) {
      if (other === op) break;
      if (this.#order.rank[other] !== this.#order.returns.length) continue;
      const earlier = this.#operations[other] as Operation<I, O>;
      if (earlier.invokedAt <= invokedAt && structureOf(earlier.input) === key) latest = other;
    }
    return latest;
  }

  /** What is invoked before that return and has not returned before it. */
  #openAt(at: number): Open {
    return (this.#open[at] ??= openAt(this.#order, at));
  }

  #remember(at: number, state: S): void {
    this.#seen.add(at, state, this.#openAt(at), this.#done);
  }

  #isSeen(at: number, state: S): boolean {
    return this.#seen.has(at, state, this.#openAt(at), this.#done);
  }
}

/** A state, and the operations that had their moment since the last return. */
interface Try<S> {
  readonly state: S;
  readonly ops: readonly number[];
}

/**
 * A return, and how far the search before it has come: first it is tried as it is, without any other
 * operation.
 */
interface Frame<S> extends Try<S> {
  readonly at: number;
  /** How long the path was before. */
  readonly depth: number;
  tries: Try<S>[] | undefined;
  next: number;
  /** Where the return leads to in the try before `next`. */
  results: readonly S[];
  nextResult: number;
}

const NONE: readonly never[] = [];
