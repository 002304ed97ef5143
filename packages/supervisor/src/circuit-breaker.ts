/**
 * Circuit breakers: what fails and fails is not asked for a while.
 *
 * A breaker belongs to one process, as an object (`create`), or to all that know its name, as a server
 * in a supervision tree (`define`). It lets calls through while they succeed. After too many failures
 * it is open: calls are refused at once. After `resetMs` it is half-open, and lets a few through as
 * probes; when they succeed it closes.
 */
import {
  checkFunction,
  checkKeys,
  formatTerm,
  guardedObservable,
  isName,
  type AnyPid,
  type Call,
  type CallOptions,
  type Cast,
  type MonitorRef,
  type Node,
  type Operations,
  type Target,
} from "@coppice/core";
import type { Observable, Subscriber } from "rxjs";
import { checkActor } from "./actor-check.js";
import {
  askCircuit,
  checkCircuitBreakerSettings,
  endCircuitCall,
  INITIAL_CIRCUIT,
  type CheckedCircuitBreakerSettings,
  type CircuitAnswer,
  type CircuitBreakerSettings,
  type CircuitOutcome,
  type CircuitPermit,
  type CircuitState,
} from "./circuit-breaker-decision.js";
import { CircuitOpenError } from "./circuit-breaker-errors.js";
import { defineServer } from "./gen-server.js";
import { isOwnEnd } from "./own-end.js";
import type { CallSelf, Server, ServerSelf } from "./server-definition.js";

/** How a circuit breaker is: it lets calls through, refuses them, or tries a few. */
export type CircuitPosition = CircuitState["type"];

/** A circuit breaker has opened, closed, or begun to try. A shared one reports it in `node.events`. */
export interface CircuitChange {
  readonly type: "circuitChange";
  readonly from: CircuitPosition;
  readonly to: CircuitPosition;
  /** On the node's clock. */
  readonly atMs: number;
}

export interface RunOptions {
  /** Which errors count against what is called; all by default. An error that does not counts as a success. */
  readonly isFailure?: (error: unknown) => boolean;
}

export interface SharedRunOptions extends RunOptions, Pick<CallOptions, "timeoutMs"> {}

/** A circuit breaker of one process, or of code outside any. */
export interface CircuitBreaker {
  readonly position: CircuitPosition;
  /** Tells when it changes. What a subscriber throws hurts nobody. */
  readonly changes: Observable<CircuitChange>;
  /**
   * Calls `act` unless the circuit is open, and counts what comes of it.
   *
   * @throws CircuitOpenError it is open, or half-open with all probes under way; `act` was not called
   * @throws what `act` throws
   */
  run<T>(act: () => T | PromiseLike<T>, options?: RunOptions): Promise<T>;
}

/** Who uses a circuit breaker: the `self` of a process, or a node. */
export type CircuitOwner = Operations & { readonly pid: AnyPid; readonly node?: Node };

/**
 * Makes a circuit breaker for one process.
 *
 * @param owner the `self` of the process, or the node: for its clock
 * @throws InvalidArgumentError a setting is unknown or not as it has to be
 * @example
 * import { createNode } from "@coppice/core";
 * import { circuitBreaker } from "@coppice/supervisor";
 * const node = createNode();
 * const breaker = circuitBreaker.create(node, { openAfter: { failures: 2, withinMs: 1_000 } });
 * const fails = () => Promise.reject(new Error("out of order"));
 * await breaker.run(fails).catch((error) => error.message); // => "out of order"
 * await breaker.run(fails).catch((error) => error.message); // => "out of order"
 * breaker.position; // => "open"
 * await breaker.run(fails).catch((error) => error.code); // => "CIRCUIT_OPEN"
 * await node.stop();
 */
export function create(owner: CircuitOwner, settings: CircuitBreakerSettings = {}): CircuitBreaker {
  checkActor("circuitBreaker.create: owner", owner);
  return new LocalBreaker(
    owner,
    checkCircuitBreakerSettings("circuitBreaker.create: settings", settings),
  );
}

class LocalBreaker implements CircuitBreaker {
  readonly changes: Observable<CircuitChange>;
  readonly #owner: CircuitOwner;
  readonly #settings: CheckedCircuitBreakerSettings;
  #state = INITIAL_CIRCUIT;
  readonly #subscribers = new Set<Subscriber<CircuitChange>>();

  constructor(owner: CircuitOwner, settings: CheckedCircuitBreakerSettings) {
    this.#owner = owner;
    this.#settings = settings;
    this.changes = guardedObservable(owner.node ?? (owner as Node), (subscriber) => {
      this.#subscribers.add(subscriber);
      return () => this.#subscribers.delete(subscriber);
    });
  }

  get position(): CircuitPosition {
    return this.#state.type;
  }

  async run<T>(act: () => T | PromiseLike<T>, options: RunOptions = {}): Promise<T> {
    checkRun("run", act, options, ["isFailure"]);
    const nowMs = this.#owner.now();
    const { state, answer } = askCircuit(this.#settings, this.#state, nowMs);
    this.#become(state, nowMs);
    if (!("permit" in answer)) throw new CircuitOpenError("the circuit", answer.retryAfterMs);
    return attempt(this.#owner.pid, act, options, (outcome) => {
      // One who is dead has no clock any more, and nothing to protect.
      if (outcome === "abandoned") this.#end(answer.permit, outcome, nowMs);
      else this.#end(answer.permit, outcome, this.#owner.now());
    });
  }

  #end(permit: CircuitPermit, outcome: CircuitOutcome, nowMs: number): void {
    this.#become(endCircuitCall(this.#settings, this.#state, permit, outcome, nowMs), nowMs);
  }

  #become(state: CircuitState, atMs: number): void {
    const from = this.#state.type;
    this.#state = state;
    const to = state.type;
    if (from === to) return;
    for (const subscriber of [...this.#subscribers]) {
      subscriber.next({ type: "circuitChange", from, to, atMs });
    }
  }
}

/** Calls `act`, and tells what became of it. */
async function attempt<T>(
  caller: AnyPid,
  act: () => T | PromiseLike<T>,
  { isFailure = () => true }: RunOptions,
  ended: (outcome: CircuitOutcome) => void,
): Promise<T> {
  // It stays so when `isFailure` throws.
  let outcome: CircuitOutcome = "failed";
  try {
    const result = await act();
    outcome = "succeeded";
    return result;
  } catch (error) {
    // Whoever has to end says nothing about what it called.
    if (isOwnEnd(caller, error)) outcome = "abandoned";
    else if (!isFailure(error)) outcome = "succeeded";
    throw error;
  } finally {
    ended(outcome);
  }
}

function checkRun(what: string, act: unknown, options: RunOptions, known: readonly string[]): void {
  checkFunction(`circuitBreaker.${what}: act`, act);
  checkKeys(`circuitBreaker.${what}: options`, options, known);
  const { isFailure } = options;
  if (isFailure !== undefined) {
    checkFunction(`circuitBreaker.${what}: options.isFailure`, isFailure);
  }
}

/** What a shared circuit breaker understands; the functions that take its pid or name send that. */
export type CircuitBreakerMessage =
  | Call<readonly ["ask"], CircuitAnswer>
  | Call<readonly ["position"], CircuitPosition>
  | Cast<readonly ["ended", CircuitPermit, CircuitOutcome]>;

/** A shared circuit breaker, and the probes under way whose callers it watches. */
interface SharedState {
  readonly circuit: CircuitState;
  readonly watched: readonly { readonly permit: CircuitPermit; readonly ref: MonitorRef }[];
}

/**
 * Defines a circuit breaker that many processes share by its name. It is a server, and a child of some
 * supervisor; when it is started again it is closed.
 *
 * Each change is reported in `node.events`, with a `CircuitChange` as data: as a warning when it opens,
 * else as information.
 *
 * @throws InvalidArgumentError a setting is unknown or not as it has to be
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { child, circuitBreaker, defineSupervisor, startSupervisor, type CircuitBreakerMessage } from "@coppice/supervisor";
 * const Mail = name<CircuitBreakerMessage>("mail-circuit");
 * const node = createNode();
 * const breaker = circuitBreaker.define({ resetMs: 10_000 });
 * await startSupervisor(node, defineSupervisor({ children: [child({ id: "mail", name: Mail }, breaker)] }));
 * await circuitBreaker.run(node, Mail, async () => "sent"); // => "sent"
 * await node.stop();
 */
export function define(
  settings: CircuitBreakerSettings = {},
): Server<CircuitBreakerMessage, SharedState, []> {
  const checked = checkCircuitBreakerSettings("circuitBreaker.define: settings", settings);
  const become = (
    { circuit, watched }: SharedState,
    next: CircuitState,
    self: Pick<ServerSelf, "now" | "report" | "demonitor">,
  ): SharedState => {
    if (next.type !== circuit.type) report(self, circuit.type, next.type);
    if (next.generation === circuit.generation) return { circuit: next, watched };
    for (const { ref } of watched) self.demonitor(ref, { flush: true });
    return { circuit: next, watched: [] };
  };
  const server = defineServer({
    init: (): { readonly state: SharedState } => ({
      state: { circuit: INITIAL_CIRCUIT, watched: [] },
    }),
    call: {
      ask: (state: SharedState, self: CallSelf<CircuitAnswer>) => {
        const { state: circuit, answer } = askCircuit(checked, state.circuit, self.now());
        const next = become(state, circuit, self);
        const permit = "permit" in answer ? answer.permit : undefined;
        const caller = self.from.owner;
        // Number 0 is code outside any process, which does not end.
        if (permit?.probe === undefined || caller.serial === 0)
          return { reply: answer, state: next };
        const ref = self.monitor(caller);
        return { reply: answer, state: { ...next, watched: [...next.watched, { permit, ref }] } };
      },
      position: ({ circuit }: SharedState) => ({ reply: circuit.type }),
    },
    cast: {
      ended: (
        state: SharedState,
        permit: CircuitPermit,
        outcome: CircuitOutcome,
        self: ServerSelf,
      ) => {
        const isIt = (entry: SharedState["watched"][number]): boolean =>
          entry.permit.generation === permit.generation && entry.permit.probe === permit.probe;
        for (const { ref } of state.watched.filter(isIt)) {
          self.demonitor(ref, { flush: true });
        }
        const watched = state.watched.filter((entry) => !isIt(entry));
        const circuit = endCircuitCall(checked, state.circuit, permit, outcome, self.now());
        return { state: become({ ...state, watched }, circuit, self) };
      },
    },
    down: (state, { ref }, self) => {
      const lost = state.watched.find((entry) => entry.ref === ref);
      if (lost === undefined) return undefined;
      const watched = state.watched.filter((entry) => entry !== lost);
      const { permit } = lost;
      const circuit = endCircuitCall(checked, state.circuit, permit, "abandoned", self.now());
      return { state: become({ ...state, watched }, circuit, self) };
    },
    status: ({ circuit }) => circuit,
  });
  return server;
}

function report(
  self: Pick<ServerSelf, "now" | "report">,
  from: CircuitPosition,
  to: CircuitPosition,
): void {
  const data: CircuitChange = { type: "circuitChange", from, to, atMs: self.now() };
  const format = (): string => `a circuit that was ${inWords(from)} is ${inWords(to)}`;
  self.report({ level: to === "open" ? "warning" : "info", data, format });
}

function inWords(position: CircuitPosition): string {
  return position === "halfOpen" ? "half-open" : position;
}

/**
 * Calls `act` unless a shared circuit is open, and tells the breaker what came of it. `act` runs in the
 * process that calls this; when that ends first, the call counts for nothing.
 *
 * @param options.timeoutMs How long to wait for the breaker's permission; 5000 by default
 * @throws CircuitOpenError it is open, or half-open with all probes under way; `act` was not called
 * @throws what `act` throws
 * @throws NoProcessError, ServerExitError, CallTimeoutError of the call to the breaker; `act` was not called
 */
export async function run<T>(
  caller: CircuitOwner,
  breaker: Target<CircuitBreakerMessage>,
  act: () => T | PromiseLike<T>,
  options: SharedRunOptions = {},
): Promise<T> {
  checkActor("circuitBreaker.run: caller", caller);
  checkRun("run", act, options, ["isFailure", "timeoutMs"]);
  const { timeoutMs, ...runOptions } = options;
  const answer = await caller.call(breaker, ["ask"], timeoutMs === undefined ? {} : { timeoutMs });
  if (!("permit" in answer)) {
    throw new CircuitOpenError(`the circuit ${nameOf(breaker)}`, answer.retryAfterMs);
  }
  return attempt(caller.pid, act, runOptions, (outcome) => {
    // Who has to end need not say so: the breaker watches it.
    if (outcome !== "abandoned") caller.cast(breaker, ["ended", answer.permit, outcome]);
  });
}

function nameOf(breaker: Target<CircuitBreakerMessage>): string {
  return isName(breaker) ? formatTerm(breaker.name) : String(breaker);
}

/**
 * How a shared circuit breaker is.
 *
 * @throws NoProcessError, ServerExitError, CallTimeoutError as any call does
 */
export function position(
  caller: Operations,
  breaker: Target<CircuitBreakerMessage>,
  options?: CallOptions,
): Promise<CircuitPosition> {
  checkActor("circuitBreaker.position: caller", caller);
  return caller.call(breaker, ["position"], options);
}
