/**
 * Worker pools: a number of supervised workers, each lent to one who asks at a time.
 *
 * ```text
 * pool (supervisor, rest_for_one)
 * ├── manager   the server with the pool's name: who has which worker, who waits
 * └── workers   (supervisor) worker-1, worker-2, …: restarted as any children are
 * ```
 *
 * Nothing that ends takes a worker out of the pool for good: one whose borrower ends is lent to the next,
 * one that ends is replaced by its next incarnation, and when the manager ends all begin anew.
 */
import {
  checkFunction,
  checkKeys,
  formatTerm,
  InvalidArgumentError,
  isName,
  type AnyPid,
  type Call,
  type CallOptions,
  type Cast,
  type From,
  type MonitorRef,
  type Name,
  type Operations,
  type Pid,
  type Startable,
  type Target,
  type TimerRef,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { whenSettled } from "./maybe-promise.js";
import { checkChildSpec } from "./child-spec-check.js";
import { launchProgram } from "./child-start.js";
import { child, type CheckedChildSpec, type ChildSpec } from "./child-spec.js";
import { defineServer } from "./gen-server.js";
import { checkCount, checkTimeout } from "./option-check.js";
import { isOwnEnd } from "./own-end.js";
import type { CallSelf, ServerSelf } from "./server-definition.js";
import { defineSupervisor, type SupervisorDefinition } from "./supervisor.js";
import {
  decidePool,
  initialPool,
  type PoolEvent,
  type PoolLimits,
  type PoolOverflow,
  type PoolRefusal,
  type PoolState,
} from "./worker-pool-decision.js";
import { PoolFullError, PoolTimeoutError } from "./worker-pool-errors.js";

/** What a pool is made of. `W` is what its workers understand. */
export interface WorkerPoolSettings<W> {
  /** Where workers are asked for. */
  readonly name: Name<WorkerPoolMessage<W>>;
  /** How many workers there are. */
  readonly size: number;
  /** What each of them runs, made by `child`; to its id a number is added. It cannot have a name. */
  readonly worker: ChildSpec<W>;
  /** How many may wait for a worker; as many as want to by default. */
  readonly maxWaiting?: number;
  /**
   * What happens when one more wants to: it is refused, or the one that has waited longest is.
   * `"refuse-newest"` by default.
   */
  readonly overflow?: PoolOverflow;
  /** How many restarts of workers within `periodMs` are not too many; `size` by default. */
  readonly intensity?: number;
  /** 5000 by default. */
  readonly periodMs?: number;
}

/** A worker, until it is given back. */
export interface Loan<W> {
  readonly worker: Pid<W>;
  /** The manager that lent it. */
  readonly pool: Pid<WorkerPoolMessage<W>>;
  /** Its number. */
  readonly id: number;
}

/** What a pool understands at its name; the functions that take it send that. */
export type WorkerPoolMessage<W> =
  | Call<readonly ["checkOut", timeoutMs: number], Loan<W> | { readonly refused: PoolRefusal }>
  | Call<readonly ["status"], PoolStatus>
  | Cast<readonly ["checkIn", id: number]>
  | Cast<readonly ["joined", worker: Pid<W>]>;

/** How many there are of what. */
export interface PoolStatus {
  /** Workers that nobody has. */
  readonly idle: number;
  /** Workers that somebody has. */
  readonly lent: number;
  /** Those who wait for one. */
  readonly waiting: number;
}

export interface CheckOutOptions {
  /** How long to wait for a worker; 5000 by default, `Infinity` to wait for ever. 0 takes one that is idle. */
  readonly timeoutMs?: number;
}

const SETTINGS = ["name", "size", "worker", "maxWaiting", "overflow", "intensity", "periodMs"];

/**
 * Defines a pool of workers, as a supervisor.
 *
 * @throws InvalidArgumentError, InvalidChildSpecError a setting is unknown or not as it has to be
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { child, defineServer, startSupervisor, workerPool, type ProtocolOf, type WorkerPoolMessage } from "@coppice/supervisor";
 * const parser = defineServer({ init: () => null, call: { parse: (_, text: string) => ({ reply: JSON.parse(text) as unknown }) } });
 * const Parsers = name<WorkerPoolMessage<ProtocolOf<typeof parser>>>("parsers");
 * const pool = workerPool.define({ name: Parsers, size: 2, maxWaiting: 100, worker: child("parser", parser) });
 * const node = createNode();
 * await startSupervisor(node, pool);
 * await workerPool.use(node, Parsers, (worker) => node.call(worker, ["parse", "[1]"])); // => [1]
 * await workerPool.status(node, Parsers); // => { idle: 2, lent: 0, waiting: 0 }
 * await node.stop();
 */
export function define<W>(settings: WorkerPoolSettings<W>): SupervisorDefinition {
  const { name, size, worker, limits, intensity, periodMs } = checkSettings(settings);
  const workers = Array.from({ length: size }, (_, index): ChildSpec => {
    const { args: _args, program: _program, backoff, ...spec } = worker;
    const id = `${worker.id}-${index + 1}`;
    const label = worker.label === worker.id ? id : worker.label;
    return { ...spec, id, label, ...(backoff && { backoff }), start: joining(worker, name) };
  });
  return defineSupervisor({
    strategy: "rest_for_one",
    children: [
      child({ id: "manager", name }, managerOf<W>(limits)),
      child("workers", defineSupervisor({ intensity, periodMs, children: workers })),
    ],
  });
}

interface CheckedSettings<W> {
  readonly name: Name<WorkerPoolMessage<W>>;
  readonly size: number;
  readonly worker: CheckedChildSpec;
  readonly limits: PoolLimits;
  readonly intensity: number;
  readonly periodMs: number | undefined;
}

function checkSettings<W>(settings: WorkerPoolSettings<W>): CheckedSettings<W> {
  const what = "workerPool.define: settings";
  checkKeys(what, settings, SETTINGS);
  const { name, size, maxWaiting = Infinity, overflow = "refuse-newest", periodMs } = settings;
  const { intensity = size } = settings;
  if (!isName(name)) throw new InvalidArgumentError(`${what}.name`, "a name made by name()", name);
  if (!(Number.isInteger(size) && size >= 1)) {
    throw new InvalidArgumentError(`${what}.size`, "a whole number of at least 1", size);
  }
  checkCount(`${what}.maxWaiting`, maxWaiting, 0);
  if (overflow !== "refuse-newest" && overflow !== "drop-oldest") {
    const expected = `"refuse-newest" or "drop-oldest"`;
    throw new InvalidArgumentError(`${what}.overflow`, expected, overflow);
  }
  const worker = checkChildSpec(settings.worker, `${what}.worker`);
  if (worker.name !== undefined) {
    const expected = "left out: several workers could not have it";
    throw new InvalidArgumentError(`${what}.worker.name`, expected, worker.name);
  }
  return { name, size, worker, limits: { maxWaiting, overflow }, intensity, periodMs };
}

/** Starts a worker, and tells the manager of it. */
function joining<W>(worker: CheckedChildSpec, manager: Name<WorkerPoolMessage<W>>): Startable {
  return {
    start: (starter, options) => {
      const tell = <R>(result: R): R => {
        const { pid } = Object(result) as { readonly pid?: Pid<W> };
        if (pid !== undefined) starter.cast(manager, ["joined", pid]);
        return result;
      };
      return whenSettled(launchProgram(starter, worker, options), tell);
    },
  };
}

/** One who has a worker, or waits for one. */
interface Client {
  readonly from: From<unknown>;
  /** Tells of its end. */
  readonly ref: MonitorRef | undefined;
  /** Ends its wait. */
  readonly timer: TimerRef | undefined;
}

interface ManagerState {
  readonly pool: PoolState<AnyPid>;
  readonly clients: ReadonlyMap<number, Client>;
  readonly nextId: number;
}

type Expired = { readonly type: "expired"; readonly id: number };

function managerOf<W>(limits: PoolLimits): Startable<WorkerPoolMessage<W>> {
  const handle = (
    state: ManagerState,
    event: PoolEvent<AnyPid>,
    self: Omit<ServerSelf, "from">,
  ): ManagerState => {
    const { state: pool, actions } = decidePool(limits, state.pool, event);
    const clients = new Map(state.clients);
    for (const { id, ...action } of actions) {
      const { from, ref, timer } = clients.get(id) as Client;
      if (timer !== undefined) self.cancelTimer(timer);
      if (action.type === "lend") {
        self.reply(from, { worker: action.worker, pool: self.pid, id });
        continue;
      }
      clients.delete(id);
      if (ref !== undefined) self.demonitor(ref, { flush: true });
      if (action.type === "refuse") self.reply(from, { refused: action.why });
    }
    return { ...state, pool, clients };
  };
  const server = defineServer({
    init: (): { readonly state: ManagerState } => ({
      state: { pool: initialPool(), clients: new Map(), nextId: 1 },
    }),
    call: {
      checkOut: (state: ManagerState, timeoutMs: number, self: CallSelf<unknown>) => {
        const id = state.nextId;
        const { from } = self;
        const borrower = from.owner;
        // Number 0 is code outside any process, which does not end.
        const ref = borrower.serial === 0 ? undefined : self.monitor(borrower);
        const timer =
          timeoutMs > 0 && timeoutMs < Infinity
            ? self.sendAfter(self.pid, timeoutMs, { type: "expired", id } satisfies Expired)
            : undefined;
        const clients = new Map(state.clients).set(id, { from, ref, timer });
        const asked = { type: "asked", id, mayWait: timeoutMs > 0 } as const;
        return { state: handle({ ...state, clients, nextId: id + 1 }, asked, self) };
      },
      status: ({ pool: { idle, loans, waiting } }: ManagerState) => ({
        reply: { idle: idle.length, lent: loans.size, waiting: waiting.length },
      }),
    },
    cast: {
      checkIn: (state: ManagerState, id: number, self: ServerSelf) => ({
        state: handle(state, { type: "done", id }, self),
      }),
      joined: (state: ManagerState, worker: AnyPid, self: ServerSelf) => {
        self.monitor(worker);
        return { state: handle(state, { type: "joined", worker }, self) };
      },
    },
    down: (state, { ref, process }, self) => {
      for (const [id, client] of state.clients) {
        if (client.ref === ref) return { state: handle(state, { type: "done", id }, self) };
      }
      return { state: handle(state, { type: "left", worker: process as AnyPid }, self) };
    },
    info: (state, message: Expired, self) => {
      const { type, id } = Object(message) as Partial<Expired>;
      if (type === "expired" && id !== undefined)
        return { state: handle(state, { type, id }, self) };
      self.unhandled(message);
      return undefined;
    },
    status: ({ pool }) => pool,
  });
  // Which workers they are is known to who starts them: the pool only hands them out.
  return server as Startable<WorkerPoolMessage<W>>;
}

/**
 * Borrows a worker, and waits until one is free. It belongs to the process that asks until that gives it
 * back by `checkIn`, or ends. Code outside any process has to give it back: `use` sees to that.
 *
 * The worker may end while it is lent: calls to it fail then as they do with any process.
 *
 * @throws PoolTimeoutError none was free in time
 * @throws PoolFullError as many wait as may
 * @throws NoProcessError, ServerExitError there is no pool, or it ended meanwhile
 * @throws InvalidArgumentError an option is unknown, or the time is negative
 */
export async function checkOut<W>(
  caller: Operations,
  pool: Target<WorkerPoolMessage<W>>,
  options: CheckOutOptions = {},
): Promise<Loan<W>> {
  checkActor("workerPool.checkOut: caller", caller);
  checkKeys("workerPool.checkOut: options", options, ["timeoutMs"]);
  const { timeoutMs = 5_000 } = options;
  checkTimeout("workerPool.checkOut: options.timeoutMs", timeoutMs);
  // The manager ends the wait: a call that gave up by itself could be lent a worker it does not know of.
  const answer = await caller.call(pool, ["checkOut", timeoutMs], { timeoutMs: Infinity });
  if (!("refused" in answer)) return answer;
  const which = isName(pool) ? formatTerm(pool.name) : String(pool);
  if (answer.refused === "timeout") throw new PoolTimeoutError(which, timeoutMs);
  throw new PoolFullError(which, answer.refused === "dropped");
}

/** Gives a worker back. Of a loan that is over, nothing comes. */
export function checkIn<W>(caller: Operations, loan: Loan<W>): void {
  checkActor("workerPool.checkIn: caller", caller);
  caller.cast(loan.pool, ["checkIn", loan.id]);
}

/**
 * Borrows a worker while `act` runs, and gives it back, however that ends.
 *
 * @returns what `act` returns
 * @throws what `act` throws
 * @throws PoolTimeoutError, PoolFullError, NoProcessError, ServerExitError, InvalidArgumentError as
 * `checkOut` does; `act` was not called
 */
export async function use<W, T>(
  caller: Operations & { readonly pid: AnyPid },
  pool: Target<WorkerPoolMessage<W>>,
  act: (worker: Pid<W>) => T | PromiseLike<T>,
  options?: CheckOutOptions,
): Promise<T> {
  checkActor("workerPool.use: caller", caller);
  checkFunction("workerPool.use: act", act);
  const loan = await checkOut(caller, pool, options);
  let ending = false;
  try {
    return await act(loan.worker);
  } catch (error) {
    // The manager hears of it: who is dead cannot give anything back.
    ending = isOwnEnd(caller.pid, error);
    throw error;
  } finally {
    if (!ending) checkIn(caller, loan);
  }
}

/**
 * How many workers are idle and lent, and how many wait for one.
 *
 * @throws NoProcessError, ServerExitError, CallTimeoutError as any call does
 */
export function status<W>(
  caller: Operations,
  pool: Target<WorkerPoolMessage<W>>,
  options?: CallOptions,
): Promise<PoolStatus> {
  checkActor("workerPool.status: caller", caller);
  return caller.call(pool, ["status"], options) as Promise<PoolStatus>;
}
