/**
 * The search for an order that explains a history: that of Wing and Gong, with the memory of Lowe.
 *
 * An operation is given its moment just in time, before a return that needs it, and what was seen once
 * is not tried again. Wing and Gong, Testing and verifying concurrent objects (1993); Lowe, Testing for
 * linearizability (2017).
 */
import type { Operation } from "./history.js";
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
  /** The operations in the order of their invocation, and of their return. */
  readonly #invocations: readonly number[];
  readonly #returns: readonly number[];
  /** How many invocations come before each return. */
  readonly #invokedBefore: Int32Array;
  /** Where among the returns each operation stands; that of a pending one is after all. */
  readonly #rank: Int32Array;
  /** Which operations have had their moment, in which order. */
  readonly #done: Uint8Array;
  readonly #path: number[] = [];
  /** Numbers for states, by structure. */
  readonly #states = new Map<unknown, number>();
  /** By return: what was seen there. */
  readonly #seen: (Seen | undefined)[] = [];
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
    const invokedAt = operations.map((operation) => operation.invokedAt);
    const returnedAt = operations.map((operation) => operation.returnedAt ?? Infinity);
    const invocations: number[] = [];
    const returns: number[] = [];
    for (let op = 0; op < operations.length; op++) {
      insert(invocations, op, invokedAt);
      if (returnedAt[op] !== Infinity) insert(returns, op, returnedAt);
    }
    this.#invocations = invocations;
    this.#returns = returns;
    this.#rank = new Int32Array(operations.length).fill(returns.length);
    this.#invokedBefore = new Int32Array(returns.length);
    let invoked = 0;
    returns.forEach((op, place) => {
      this.#rank[op] = place;
      const at = returnedAt[op] as number;
      // What is invoked at the very position of the return is concurrent.
      while (
        invoked < invocations.length &&
        (invokedAt[invocations[invoked] as number] as number) <= at
      ) {
        invoked++;
      }
      this.#invokedBefore[place] = invoked;
    });
    this.#done = new Uint8Array(operations.length);
  }

  /** An order that explains the history, if there is one. */
  run(): readonly Operation<I, O>[] | "undecided" | undefined {
    const found = this.#search(() => undefined);
    return found === true ? this.#order() : found === false ? undefined : "undecided";
  }

  /** After a `run` that found nothing: how far one gets. */
  explain(): Unexplained<S, I, O> {
    const furthest = this.#furthest;
    const states = new Map<unknown, S>();
    let prefix: readonly Operation<I, O>[] | undefined;
    this.#seen.length = 0;
    this.#search((at, state) => {
      if (at !== furthest) return;
      prefix ??= this.#order();
      states.set(this.#stateKey(state), state);
    });
    return {
      prefix: prefix ?? [],
      blocked: this.#operations[this.#returns[furthest] as number] as Operation<I, O>,
      states: [...states.values()],
    };
  }

  #order(): readonly Operation<I, O>[] {
    return this.#path.map((op) => this.#operations[op] as Operation<I, O>);
  }

  /** `undefined` when there was more than may be looked at. */
  #search(reached: (at: number, state: S) => void): boolean | undefined {
    const stack: Frame<S>[] = [];
    let looked = 0;
    /** Tells whether this is the end. */
    const enter = (at: number, state: S): boolean => {
      if (at === this.#returns.length) return true;
      if (at > this.#furthest) this.#furthest = at;
      // Where nothing failed yet there is nothing to remember: most histories have an order.
      if (this.#seen[at] !== undefined && this.#isSeen(at, state)) return false;
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
      const returning = this.#returns[at] as number;
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
    while (at < this.#returns.length && this.#done[this.#returns[at] as number] === 1) at++;
    return at;
  }

  /** Pending, with one like it that can go first: which of them it is makes no difference. */
  #isSpare(op: number): boolean {
    if (this.#rank[op] !== this.#returns.length) return false;
    const earlier = (this.#alike[op] ??= this.#earlierAlike(op));
    return earlier !== -1 && this.#done[earlier] === 0;
  }

  #earlierAlike(op: number): number {
    const { input, invokedAt } = this.#operations[op] as Operation<I, O>;
    const key = structureOf(input);
    let latest = -1;
    for (const other of this.#invocations) {
      if (other === op) break;
      if (this.#rank[other] !== this.#returns.length) continue;
      const earlier = this.#operations[other] as Operation<I, O>;
      if (earlier.invokedAt <= invokedAt && structureOf(earlier.input) === key) latest = other;
    }
    return latest;
  }

  /** What is invoked before that return and has not returned before it. */
  #openAt(at: number): Open {
    return (this.#open[at] ??= this.#findOpen(at));
  }

  #findOpen(at: number): Open {
    const all = this.#invocations
      .slice(0, this.#invokedBefore[at])
      .filter((op) => (this.#rank[op] as number) >= at);
    const isPending = (op: number): boolean => this.#rank[op] === this.#returns.length;
    return {
      all,
      returning: all.filter((op) => !isPending(op)),
      pending: all.filter(isPending),
    };
  }

  #remember(at: number, state: S): void {
    const seen = (this.#seen[at] ??= new Map<number | string, Bits[]>());
    const key = this.#keyAt(at, state);
    const used = seen.get(key);
    if (used === undefined) seen.set(key, [this.#bitsOf(this.#openAt(at).pending)]);
    else used.push(this.#bitsOf(this.#openAt(at).pending));
  }

  /** Was that state seen here, with no more of the pending operations used up? What it cannot do, this cannot. */
  #isSeen(at: number, state: S): boolean {
    const used = this.#seen[at]?.get(this.#keyAt(at, state));
    if (used === undefined) return false;
    const now = this.#bitsOf(this.#openAt(at).pending);
    return used.some((before) => isSubset(before, now));
  }

  /** Of a state, and of those operations that return later and had their moment. */
  #keyAt(at: number, state: S): number | string {
    const structure = this.#stateKey(state);
    let id = this.#states.get(structure);
    if (id === undefined) this.#states.set(structure, (id = this.#states.size));
    const done = this.#bitsOf(this.#openAt(at).returning);
    // Two numbers in one, while that is exact.
    return typeof done === "number" && id < 2 ** 21 ? id * 2 ** 32 + (done >>> 0) : `${id} ${done}`;
  }

  /** Which of the operations have had their moment: one bit each. */
  #bitsOf(ops: readonly number[]): Bits {
    if (ops.length <= 31) {
      let bits = 0;
      for (const op of ops) bits = (bits << 1) | (this.#done[op] as number);
      return bits;
    }
    let bits = 0n;
    for (const op of ops) bits = (bits << 1n) | BigInt(this.#done[op] as number);
    return bits;
  }
}

/** Operations as bits; for one list always of one kind. */
type Bits = number | bigint;

function isSubset(part: Bits, whole: Bits): boolean {
  return typeof part === "bigint"
    ? (part & (whole as bigint)) === part
    : (part & (whole as number)) === part;
}

/** By state and by those that had their moment and return later: which pending ones were used up. */
type Seen = Map<number | string, Bits[]>;

interface Open {
  readonly all: readonly number[];
  /** In the order of `all`: those that return later, and those that never do. */
  readonly returning: readonly number[];
  readonly pending: readonly number[];
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

/** Histories are nearly in order: from the end it is not far. */
function insert(sorted: number[], op: number, positions: readonly number[]): void {
  const own = positions[op] as number;
  let place = sorted.length;
  while (place > 0 && (positions[sorted[place - 1] as number] as number) > own) {
    sorted[place] = sorted[place - 1] as number;
    place--;
  }
  sorted[place] = op;
}
