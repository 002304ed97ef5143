/** What a search for an order of operations has been through: from there it need not go on a second time. */
import type { Open } from "./history-order.js";

/** Operations as bits; for one list always of one kind. */
type Bits = number | bigint;

/** By state and by those that had their moment and return later: which pending ones were used up. */
type Seen = Map<number | string, Bits[]>;

/** States that were seen at returns, with what had had its moment: `done` has a 1 for each of those. */
export class SeenStates<S> {
  readonly #stateKey: (state: S) => unknown;
  /** Numbers for states, by structure. */
  readonly #states = new Map<unknown, number>();
  /** By return. */
  readonly #seen: (Seen | undefined)[] = [];

  constructor(stateKey: (state: S) => unknown) {
    this.#stateKey = stateKey;
  }

  clear(): void {
    this.#seen.length = 0;
  }

  /** Was anything seen there? */
  isAny(at: number): boolean {
    return this.#seen[at] !== undefined;
  }

  add(at: number, state: S, { returning, pending }: Open, done: Uint8Array): void {
    const seen = (this.#seen[at] ??= new Map<number | string, Bits[]>());
    const key = this.#keyOf(state, returning, done);
    const used = seen.get(key);
    if (used === undefined) seen.set(key, [bitsOf(pending, done)]);
    else used.push(bitsOf(pending, done));
  }

  /** Was that state seen there, with no more of the pending operations used up? What it cannot do, this cannot. */
  has(at: number, state: S, { returning, pending }: Open, done: Uint8Array): boolean {
    const used = this.#seen[at]?.get(this.#keyOf(state, returning, done));
    if (used === undefined) return false;
    const now = bitsOf(pending, done);
    return used.some((before) => isSubset(before, now));
  }

  /** Of a state, and of those operations that return later and had their moment. */
  #keyOf(state: S, returning: readonly number[], done: Uint8Array): number | string {
    const structure = this.#stateKey(state);
    let id = this.#states.get(structure);
    if (id === undefined) this.#states.set(structure, (id = this.#states.size));
    const bits = bitsOf(returning, done);
    // Two numbers in one, while that is exact.
    return typeof bits === "number" && id < 2 ** 21 ? id * 2 ** 32 + (bits >>> 0) : `${id} ${bits}`;
  }
}

/** Which of the operations have had their moment: one bit each. */
function bitsOf(ops: readonly number[], done: Uint8Array): Bits {
  if (ops.length <= 31) {
    let bits = 0;
    for (const op of ops) bits = (bits << 1) | (done[op] as number);
    return bits;
  }
  let bits = 0n;
  for (const op of ops) bits = (bits << 1n) | BigInt(done[op] as number);
  return bits;
}

function isSubset(part: Bits, whole: Bits): boolean {
  return typeof part === "bigint"
    ? (part & (whole as bigint)) === part
    : (part & (whole as number)) === part;
}
