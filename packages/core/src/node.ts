/**
 * A node: one runtime, with its processes, names, clock and events.
 *
 * OTP: https://www.erlang.org/doc/system/distributed.html#nodes
 */
import type { Body, Handler } from "./body.js";
import { checkFunction, checkKeys } from "./check.js";
import type { Clock } from "./clock.js";
import { InvalidArgumentError } from "./errors.js";
import type { NodeEvent, NodeEvents } from "./event.js";
import type { ExitReason } from "./exit-reason.js";
import type { WhenExitedOptions } from "./exit-watch.js";
import type { Isolation } from "./isolation.js";
import { LocalNode } from "./local-node.js";
import type { MailboxOptions } from "./mailbox.js";
import { checkNodeName } from "./name.js";
import type { Operations } from "./operations.js";
import type { AnyPid, Pid } from "./pid.js";
import type { Random } from "./random.js";
import type { Scheduler } from "./scheduler.js";
import type { SpawnOptions, Understood } from "./self.js";
import { checkMailboxOptions } from "./spawn.js";
import type { Startable, StartOptions, StartResult } from "./start.js";

export interface NodeOptions {
  /** Part of every pid and report; `"node"` by default. */
  readonly name?: string;
  /** What sender and receiver share of a message; `"share"` by default. */
  readonly messages?: Isolation;
  /**
   * Whether an error about a message that was changed after it was sent says where it was sent; `true`
   * by default. With `messages: "freeze"` this costs far more than all else of a send.
   */
  readonly traceSends?: boolean;
  /** For all mailboxes whose process does not say otherwise. */
  readonly mailbox?: Pick<MailboxOptions, "highWater">;
  /** For how long processes may run before timers and I/O of the host get a turn; 1 by default. */
  readonly turnMs?: number;
  /**
   * From how long on a `blocked` event names who held the event loop; `Infinity` for never. 100 by
   * default on the host's clock, never on another.
   */
  readonly blockedMs?: number;
  /**
   * Told what nobody else would hear of; by default prints it, of messages that processes have no use for
   * ten a second. `false` for silence.
   */
  readonly logger?: ((event: NodeEvent) => void) | false;
  readonly clock?: Clock;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
  /**
   * Has to call `run` once, at once: it starts the code of process `pid`, or a step of its handler.
   * Where the host can tell what follows from what (Node's `AsyncLocalStorage`), this is how to know
   * whose code runs. It costs something at each step; by default nobody is told.
   */
  readonly enter?: (pid: AnyPid, run: () => void) => void;
}

export interface StopOptions {
  /** How long processes may take to end before they are killed, in all; 5000 by default. */
  readonly timeoutMs?: number;
}

export interface Node extends Operations {
  readonly name: string;
  /** Which life of this node: a random whole number; compare for equality only. */
  readonly incarnation: number;
  /** Stands for the code outside any process, as sender and as parent; number 0. */
  readonly pid: AnyPid;
  /** What goes on. An error of a subscriber is reported, and hurts nobody. */
  readonly events: NodeEvents;

  /**
   * Spawns a process. It starts after the code that runs now.
   *
   * @throws NodeStoppedError the node is stopping
   * @example
   * import { createNode } from "@coppice/core";
   * const node = createNode();
   * const greeter = node.spawn<string>(async (self) => {
   *   const who = await self.receive();
   *   self.exit({ shutdown: `hello ${who}` });
   * });
   * node.send(greeter, "world");
   * await node.whenExited(greeter); // => { shutdown: "hello world" }
   * await node.stop();
   */
  spawn<M, A extends readonly unknown[] = []>(body: Body<M, A>, ...args: A): Pid<M>;
  spawn<M, S = unknown, A extends readonly unknown[] = []>(
    handler: Handler<M, S, A>,
    ...args: A
  ): Pid<M>;
  /** Spawns with options; there is nobody to link to or to monitor for. */
  spawnOpt<M, A extends readonly unknown[] = [], S = unknown, P = M>(
    options: Omit<SpawnOptions<P>, "link"> & Understood<P, M>,
    body: Body<M, A> | Handler<M, S, A>,
    ...args: A
  ): Pid<M>;

  /** As `Self.spawnAndWait`, outside any process. */
  spawnAndWait<M, A extends readonly unknown[] = [], S = unknown, P = M>(
    options: Omit<StartOptions<P>, "link"> & Understood<P, M>,
    body: Body<M, A> | Handler<M, S, A>,
    ...args: A
  ): Promise<StartResult<M>>;
  /** As `start`, with options; there is nobody to link to or to monitor for. */
  startOpt<M, A extends readonly unknown[] = [], P = M>(
    options: Omit<StartOptions<P>, "link"> & Understood<P, M>,
    behaviour: Startable<M, A>,
    ...args: A
  ): Promise<Pid<M>>;

  /** Sends an exit signal. */
  exit(pid: AnyPid, reason: ExitReason): void;
  /**
   * Resolves to the reason when the process ends; to `"noproc"` when it is not there (any more). Rejects
   * only when `options.signal` aborts before, with its reason.
   *
   * @throws InvalidArgumentError no pid, or an option is unknown or of the wrong kind
   */
  whenExited(pid: AnyPid, options?: WhenExitedOptions): Promise<ExitReason>;

  /** All that are not dead, in order of spawning. */
  processes(): AnyPid[];
  /** All names that are held. */
  registered(): string[];
  /** The messages that wait in a mailbox, oldest first. @throws InvalidArgumentError it is of another node */
  mailboxOf(pid: AnyPid): readonly unknown[];
  readonly counts: NodeCounts;

  /**
   * Stops in order: the processes spawned from outside get `"shutdown"` one after the other, last
   * first, each when the one before has ended; then those that are left. What has not ended after
   * `timeoutMs` is killed. Resolves when none is alive; `events` completes.
   */
  stop(options?: StopOptions): Promise<{ readonly killed: readonly AnyPid[] }>;
}

/** How much there is of what. */
export interface NodeCounts {
  readonly processes: number;
  readonly timers: number;
  /** Messages that nobody handled, since the node was made. */
  readonly undelivered: number;
  readonly crashes: number;
}

/**
 * Makes a node.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 * @throws InvalidNameError `name` is no string of 1 to 255 characters, or has `<`, `>`, `/` or white space in it
 */
export function createNode(options: NodeOptions = {}): Node {
  checkOptions(options);
  return new LocalNode(options);
}

/** What a node gets from whoever makes nodes by the thousand. */
export interface NodePorts {
  readonly name: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Where its user does not say. */
  readonly messages: Isolation;
  /** Where its user does not say. */
  readonly traceSends: boolean;
  /** Told in place of the user's, which it may pass on to. */
  readonly logger: (event: NodeEvent) => void;
}

/**
 * Makes a node on ports that are taken as they are. For packages that simulate: they make a node for each run.
 *
 * @param options what a user said of the node; of these none may be a port
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 * @throws InvalidNameError as `createNode`
 */
export function createNodeOn(
  ports: NodePorts,
  options: Omit<NodeOptions, "name" | "clock" | "scheduler" | "random">,
): Node {
  checkOptions(options);
  checkNodeName("the name of a node", ports.name);
  return new LocalNode(options, ports);
}

const ISOLATIONS: readonly string[] = ["share", "freeze", "clone"];
const CLOCK = ["now", "set", "clear"];
const CLOCK_MAY = ["hold", "cpuMs"];
const RANDOM = ["next"];
const SCHEDULER = ["soon", "afterTurn"];
const SCHEDULER_MAY = ["offer", "withdraw", "access", "clockRead", "took", "deliverAll", "nodeKey"];
const KEYS: readonly string[] = [
  "name",
  "messages",
  "traceSends",
  "mailbox",
  "turnMs",
  "blockedMs",
  "logger",
  "clock",
  "scheduler",
  "random",
  "enter",
];

function checkOptions(options: NodeOptions): void {
  checkKeys("createNode: options", options, KEYS);
  const { name, messages, traceSends, mailbox, logger, clock, scheduler, random, enter } = options;
  if (name !== undefined) checkNodeName("the name of a node", name);
  if (messages !== undefined && !ISOLATIONS.includes(messages)) {
    refuse("messages", `"share", "freeze" or "clone"`, messages);
  }
  if (traceSends !== undefined && typeof traceSends !== "boolean") {
    refuse("traceSends", "true or false", traceSends);
  }
  checkPositive("turnMs", options.turnMs);
  checkPositive("blockedMs", options.blockedMs);
  if (mailbox !== undefined) {
    checkKeys("createNode: options.mailbox", mailbox, ["highWater"]);
    checkMailboxOptions("createNode: options.mailbox", mailbox);
  }
  if (logger !== undefined && logger !== false && typeof logger !== "function") {
    refuse("logger", "a function, or false", logger);
  }
  if (enter !== undefined) checkFunction("createNode: options.enter", enter);
  if (clock !== undefined) checkPort("clock", clock, CLOCK, CLOCK_MAY);
  if (scheduler !== undefined) checkPort("scheduler", scheduler, SCHEDULER, SCHEDULER_MAY);
  if (random !== undefined) checkPort("random", random, RANDOM, []);
}

function checkPositive(option: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  refuse(option, "a number greater than 0", value);
}

function checkPort(
  option: string,
  value: object,
  methods: readonly string[],
  optional: readonly string[],
): void {
  const has = Object(value) as Record<string, unknown>;
  let fits = true;
  for (const method of methods) fits &&= typeof has[method] === "function";
  for (const method of optional) {
    fits &&= has[method] === undefined || typeof has[method] === "function";
  }
  if (fits) return;
  const maybe = optional.length === 0 ? "" : `, and if you like ${optional.join(", ")}`;
  refuse(option, `an object with the functions ${methods.join(", ")}${maybe}`, value);
}

function refuse(option: string, expected: string, received: unknown): never {
  throw new InvalidArgumentError(`createNode: options.${option}`, expected, received);
}
