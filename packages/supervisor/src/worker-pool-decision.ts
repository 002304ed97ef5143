/**
 * What a worker pool decides, as a pure function: who gets which worker, who waits, and who does not.
 *
 * Workers are lent to those who have waited longest; of those that are idle, the one that has been so
 * longest is lent first.
 */

/** What to do with one who asks when as many wait as may. */
export type PoolOverflow = "refuse-newest" | "drop-oldest";

export interface PoolLimits {
  readonly maxWaiting: number;
  readonly overflow: PoolOverflow;
}

/** `W` is what stands for a worker. Who asks is known by a number of its own. */
export interface PoolState<W> {
  /** Longest idle first. */
  readonly idle: readonly W[];
  readonly loans: ReadonlyMap<number, W>;
  /** Longest waiting first. */
  readonly waiting: readonly number[];
}

export type PoolEvent<W> =
  /** A worker has started. */
  | { readonly type: "joined"; readonly worker: W }
  /** A worker has ended. */
  | { readonly type: "left"; readonly worker: W }
  /** Somebody wants a worker; `mayWait` for it, or not. */
  | { readonly type: "asked"; readonly id: number; readonly mayWait: boolean }
  /** The worker is given back, or who has it or waits for one has ended. */
  | { readonly type: "done"; readonly id: number }
  /** Somebody has waited long enough. */
  | { readonly type: "expired"; readonly id: number };

/** Why somebody gets no worker. */
export type PoolRefusal = "full" | "dropped" | "timeout";

export type PoolAction<W> =
  | { readonly type: "lend"; readonly id: number; readonly worker: W }
  | { readonly type: "refuse"; readonly id: number; readonly why: PoolRefusal }
  /** It has no worker any more, and waits for none. */
  | { readonly type: "forget"; readonly id: number };

export interface PoolDecision<W> {
  readonly state: PoolState<W>;
  readonly actions: readonly PoolAction<W>[];
}

export function initialPool<W>(): PoolState<W> {
  return { idle: [], loans: new Map(), waiting: [] };
}

export function decidePool<W>(
  limits: PoolLimits,
  state: PoolState<W>,
  event: PoolEvent<W>,
): PoolDecision<W> {
  switch (event.type) {
    case "joined":
      return lendOrKeep(state, event.worker, []);
    case "left":
      return left(state, event.worker);
    case "asked":
      return asked(limits, state, event.id, event.mayWait);
    case "done":
      return done(state, event.id);
    case "expired":
      if (!state.waiting.includes(event.id)) return { state, actions: [] };
      return refused(state, event.id, "timeout");
    default:
      return event satisfies never;
  }
}

/** A worker is free. */
function lendOrKeep<W>(
  state: PoolState<W>,
  worker: W,
  before: readonly PoolAction<W>[],
): PoolDecision<W> {
  const [next, ...waiting] = state.waiting;
  if (next === undefined) {
    return { state: { ...state, idle: [...state.idle, worker] }, actions: before };
  }
  const loans = new Map(state.loans).set(next, worker);
  const lend: PoolAction<W> = { type: "lend", id: next, worker };
  return { state: { ...state, waiting, loans }, actions: [...before, lend] };
}

function left<W>(state: PoolState<W>, worker: W): PoolDecision<W> {
  const idle = state.idle.filter((other) => other !== worker);
  const [loan] = [...state.loans].find(([, lent]) => lent === worker) ?? [];
  if (loan === undefined) return { state: { ...state, idle }, actions: [] };
  const loans = without(state.loans, loan);
  return { state: { ...state, idle, loans }, actions: [{ type: "forget", id: loan }] };
}

function asked<W>(
  { maxWaiting, overflow }: PoolLimits,
  state: PoolState<W>,
  id: number,
  mayWait: boolean,
): PoolDecision<W> {
  const [worker, ...idle] = state.idle;
  if (worker !== undefined) {
    const loans = new Map(state.loans).set(id, worker);
    return { state: { ...state, idle, loans }, actions: [{ type: "lend", id, worker }] };
  }
  if (!mayWait) return { state, actions: [{ type: "refuse", id, why: "timeout" }] };
  if (state.waiting.length < maxWaiting) {
    return { state: { ...state, waiting: [...state.waiting, id] }, actions: [] };
  }
  const [oldest] = state.waiting;
  if (overflow === "refuse-newest" || oldest === undefined) {
    return { state, actions: [{ type: "refuse", id, why: "full" }] };
  }
  const dropped = refused(state, oldest, "dropped");
  const waiting = [...dropped.state.waiting, id];
  return { state: { ...dropped.state, waiting }, actions: dropped.actions };
}

function done<W>(state: PoolState<W>, id: number): PoolDecision<W> {
  const worker = state.loans.get(id);
  const forget: PoolAction<W> = { type: "forget", id };
  if (worker !== undefined) {
    return lendOrKeep({ ...state, loans: without(state.loans, id) }, worker, [forget]);
  }
  if (!state.waiting.includes(id)) return { state, actions: [] };
  const waiting = state.waiting.filter((other) => other !== id);
  return { state: { ...state, waiting }, actions: [forget] };
}

function refused<W>(state: PoolState<W>, id: number, why: PoolRefusal): PoolDecision<W> {
  const waiting = state.waiting.filter((other) => other !== id);
  return { state: { ...state, waiting }, actions: [{ type: "refuse", id, why }] };
}

function without<W>(loans: ReadonlyMap<number, W>, id: number): ReadonlyMap<number, W> {
  const rest = new Map(loans);
  rest.delete(id);
  return rest;
}
