/**
 * Probes: processes that remember what they are sent, for tests to ask.
 *
 * Akka's TestProbe: https://doc.akka.io/libraries/akka-core/current/typed/testing-async.html
 */
import {
  checkFunction,
  checkKeys,
  CoppiceError,
  formatTerm,
  InvalidArgumentError,
  type Address,
  type Call,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import { checkNode, checkNumber, has } from "./arguments.js";
import { driverOf } from "./driven.js";
import type { InteractiveSimulation } from "./simulate.js";

export interface ProbeOptions {
  /** What people call it, in reports; `"probe"` by default. */
  readonly label?: string;
  /** How long it waits when nothing else is said, in ms of the node's clock; 3000 by default. */
  readonly withinMs?: number;
  /**
   * The simulation that the node is in, if a test drives it: then the probe makes it go on while it
   * waits. Elsewhere the node goes on by itself. By default, that which made the node by `simulate`.
   */
  readonly sim?: InteractiveSimulation;
}

export interface Within {
  readonly withinMs?: number;
}

/** What a probe does about a message by itself. `"stop"`: for the last time. */
export type Autopilot<M> = (message: M, self: Self<M>) => "stop" | void;

/** A process with a test as its mind. */
export interface Probe<M> {
  readonly pid: Pid<M>;
  /** What has arrived and nobody asked for yet, oldest first. */
  readonly messages: readonly M[];
  /**
   * The next message, which the guard has to accept.
   *
   * @throws ProbeError none came in time, or another one came; that one is taken
   */
  expect(options?: Within): Promise<M>;
  expect<N extends M>(guard: (message: M) => message is N, options?: Within): Promise<N>;
  expect(guard: (message: M) => boolean, options?: Within): Promise<M>;
  /**
   * Waits, and sees that nothing has come.
   *
   * @throws ProbeError something had come before, or did; it is left
   */
  expectNone(ms: number): Promise<void>;
  /**
   * The next message that the guard accepts, and those before it that it did not.
   *
   * @throws ProbeError none came in time; what came is taken
   */
  fishFor<N extends M>(
    guard: (message: M) => message is N,
    options?: Within,
  ): Promise<{ readonly message: N; readonly skipped: readonly M[] }>;
  fishFor(
    guard: (message: M) => boolean,
    options?: Within,
  ): Promise<{ readonly message: M; readonly skipped: readonly M[] }>;
  /** Messages as long as the guard accepts them; ends with one that it does not, which is left, or with time. */
  receiveWhile(guard: (message: M) => boolean, options?: Within): Promise<readonly M[]>;
  /** From now on it does this with each message that arrives; the message can be asked for all the same. */
  autopilot(pilot: Autopilot<M>): void;
  /** From now on it answers all calls. */
  autoReply(answer: (request: unknown) => unknown): void;
  /** Sends a message in the name of the probe. */
  send<T>(to: Address<T>, message: T): void;
  /** Ends its process. */
  stop(): void;
}

/** A probe did not see what it should. */
export class ProbeError extends CoppiceError {
  override readonly name = "ProbeError";
  readonly code = "PROBE";
}

/**
 * Makes a probe on a node.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { createProbe } from "@coppice/testkit";
 * const node = createNode();
 * const probe = createProbe<string>(node);
 * node.spawn(async (self) => self.send(probe.pid, "hello"));
 * await probe.expect(); // => "hello"
 * await probe.expectNone(10);
 * await node.stop();
 */
export function createProbe<M>(node: Node, options: ProbeOptions = {}): Probe<M> {
  checkKeys("createProbe: options", options, ["label", "withinMs", "sim"]);
  const { withinMs = 3_000 } = options;
  checkNode("createProbe: node", node);
  if (options.sim !== undefined && !has(options.sim, "advance", "settle")) {
    const expected = "the simulation that the node is in, as simulate() makes it";
    throw new InvalidArgumentError("createProbe: options.sim", expected, options.sim);
  }
  checkNumber("createProbe: options.withinMs", withinMs);
  return new ProbeProcess<M>(node, options, withinMs);
}

class ProbeProcess<M> implements Probe<M> {
  readonly pid: Pid<M>;
  readonly #node: Node;
  readonly #sim: InteractiveSimulation | undefined;
  readonly #withinMs: number;
  readonly #inbox: M[] = [];
  #self: Self<M> | undefined;
  #pilot: Autopilot<M> | undefined;
  #wake: (() => void) | undefined;

  constructor(
    node: Node,
    { label = "probe", sim = driverOf(node) }: ProbeOptions,
    withinMs: number,
  ) {
    this.#node = node;
    this.#sim = sim;
    this.#withinMs = withinMs;
    this.pid = node.spawnOpt<M>({ label }, async (self) => {
      this.#self = self;
      for (;;) {
        const message = await self.receive();
        this.#inbox.push(message);
        this.#wake?.();
        if (this.#pilot?.(message, self) === "stop") this.#pilot = undefined;
      }
    });
  }

  get messages(): readonly M[] {
    return [...this.#inbox];
  }

  async expect(
    guardOrOptions: ((message: M) => boolean) | Within = {},
    more: Within = {},
  ): Promise<never> {
    const hasGuard = typeof guardOrOptions === "function";
    if (!hasGuard && (typeof guardOrOptions !== "object" || guardOrOptions === null)) {
      throw new InvalidArgumentError("expect: guard", "a function", guardOrOptions);
    }
    const limitMs = this.#limitOf("expect", hasGuard ? more : guardOrOptions);
    if (!(await this.#arrival(limitMs))) {
      throw new ProbeError(`no message came to ${String(this.pid)} within ${limitMs} ms`);
    }
    const message = this.#inbox.shift() as M;
    if (hasGuard && !guardOrOptions(message)) {
      throw new ProbeError(
        `${String(this.pid)} got ${formatTerm(message)}, which is not what was expected`,
      );
    }
    return message as never;
  }

  async expectNone(ms: number): Promise<void> {
    checkNumber("expectNone: ms", ms);
    if (this.#sim !== undefined) await this.#sim.advance(ms);
    else await this.#node.sleep(ms);
    if (this.#inbox.length > 0) {
      throw new ProbeError(
        `${String(this.pid)} got ${formatTerm(this.#inbox)}, where nothing was expected`,
      );
    }
  }

  async fishFor(
    guard: (message: M) => boolean,
    options: Within = {},
  ): Promise<{ readonly message: never; readonly skipped: readonly M[] }> {
    checkFunction("fishFor: guard", guard);
    const limitMs = this.#limitOf("fishFor", options);
    const endMs = this.#node.now() + limitMs;
    const skipped: M[] = [];
    while (await this.#arrival(endMs - this.#node.now())) {
      const message = this.#inbox.shift() as M;
      if (guard(message)) return { message: message as never, skipped };
      skipped.push(message);
    }
    const seen = skipped.length === 0 ? "nothing" : formatTerm(skipped);
    throw new ProbeError(`${String(this.pid)} fished for ${limitMs} ms and caught ${seen}`);
  }

  async receiveWhile(guard: (message: M) => boolean, options: Within = {}): Promise<readonly M[]> {
    checkFunction("receiveWhile: guard", guard);
    const endMs = this.#node.now() + this.#limitOf("receiveWhile", options);
    const taken: M[] = [];
    while (await this.#arrival(endMs - this.#node.now())) {
      if (!guard(this.#inbox[0] as M)) break;
      taken.push(this.#inbox.shift() as M);
    }
    return taken;
  }

  autopilot(pilot: Autopilot<M>): void {
    checkFunction("autopilot: pilot", pilot);
    this.#pilot = pilot;
  }

  autoReply(answer: (request: unknown) => unknown): void {
    checkFunction("autoReply: answer", answer);
    this.#pilot = (message, self) => {
      const call = message as Partial<Call<unknown, unknown>>;
      if (call.type === "call" && call.from !== undefined)
        self.reply(call.from, answer(call.request));
    };
  }

  send<T>(to: Address<T>, message: T): void {
    if (this.#self === undefined) throw new ProbeError(`${String(this.pid)} has not started yet`);
    this.#self.send(to, message);
  }

  stop(): void {
    this.#node.exit(this.pid, "shutdown");
  }

  #limitOf(operation: string, options: Within): number {
    checkKeys(`${operation}: options`, options, ["withinMs"]);
    const { withinMs = this.#withinMs } = options;
    checkNumber(`${operation}: options.withinMs`, withinMs);
    return withinMs;
  }

  /** Waits until there is a message; `false` when there is none in time. */
  async #arrival(limitMs: number): Promise<boolean> {
    if (this.#inbox.length > 0) return true;
    const alarm = new AbortController();
    let isOver = false;
    const arrived = new Promise<void>((resolve) => (this.#wake = resolve));
    const timeUp = this.#node.sleep(Math.max(0, limitMs), { signal: alarm.signal }).then(
      () => (isOver = true),
      () => undefined,
    );
    await Promise.all([
      Promise.race([arrived, timeUp]),
      this.#sim?.until(() => isOver || this.#inbox.length > 0),
    ]);
    this.#wake = undefined;
    alarm.abort();
    return this.#inbox.length > 0;
  }
}
