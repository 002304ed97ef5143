/**
 * Starting: how one process starts another, and learns whether that has started.
 *
 * A plain body has started as soon as it is spawned. A behaviour has an `init`, and its starter waits
 * until the new process acknowledges it, or has ended.
 *
 * OTP: https://www.erlang.org/doc/man/proc_lib.html (start_link, init_ack)
 */
import type { Body, Handler } from "./body.js";
import { checkKeys } from "./check.js";
import type { Erased, ErasedProgram, ErasedStartable } from "./erased.js";
import { InvalidArgumentError, NameTakenError, StartError } from "./errors.js";
import type { ExitReason, Term } from "./exit-reason.js";
import { flushExits, unlink } from "./link.js";
import { demonitor } from "./monitor.js";
import type { Operations } from "./operations.js";
import { PendingCall } from "./pending-call.js";
import { ProcessId, type AnyPid, type Pid } from "./pid.js";
import type { Process } from "./process.js";
import type { Alias, MonitorRef } from "./reference.js";
import type { Runtime } from "./runtime.js";
import type { SpawnMonitorOptions, SpawnOptions, Understood } from "./self.js";
import { transmit, type Signal } from "./signal.js";
import { checkSpawnOptions, spawn, spawnOptionKeys, type Spawned } from "./spawn.js";
import { watchAtSpawn } from "./watching.js";

/**
 * What came of a start.
 *
 * | result | meaning | OTP |
 * | --- | --- | --- |
 * | `{ pid }` | it runs | `{ok, Pid}` |
 * | `{ pid, info }` | it runs, and has something to tell | `{ok, Pid, Info}` |
 * | `"ignore"` | it decided not to run, which is no failure | `ignore` |
 * | `{ error }` | it failed | `{error, Reason}` |
 *
 * `error` is `{ alreadyStarted: pid }` when its name is taken, `"timeout"` when it took too long, else
 * the reason it gave, or ended with.
 */
export type StartResult<M = never> =
  | { readonly pid: Pid<M>; readonly info?: Term; readonly ref?: MonitorRef & Alias<never> }
  | "ignore"
  | { readonly error: ExitReason };

/** What a new process says of its start; see `Self.initAck`. */
export type InitAck = { readonly info?: Term } | "ignore" | { readonly error: ExitReason };

/** How a behaviour is started: as a process is spawned, and how long its `init` may take. */
export interface StartOptions<M = never> extends SpawnOptions<M> {
  /** How long `init` may take; for ever by default. When it takes longer the process is killed. */
  readonly timeoutMs?: number;
}

/** As `StartOptions`, with a monitor that is there before the process runs. */
export interface StartMonitorOptions<P, M = never> extends SpawnMonitorOptions<P, M> {
  readonly timeoutMs?: number;
}

/** Who starts a process: the `self` of a process, or a node for the code outside any. */
export interface Starter extends Operations {
  readonly pid: AnyPid;
  spawnOpt<M, A extends readonly unknown[] = [], S = unknown, P = M>(
    options: SpawnOptions<P> & Understood<P, M>,
    body: Body<M, A> | Handler<M, S, A>,
    ...args: A
  ): Pid<M>;
  /** Spawns a process and waits until it says by `initAck` that it has started, or has ended. */
  spawnAndWait<M, A extends readonly unknown[] = [], S = unknown, P = M>(
    options: StartOptions<P> & Understood<P, M>,
    body: Body<M, A> | Handler<M, S, A>,
    ...args: A
  ): Promise<StartResult<M>>;
}

/** A behaviour, and anything else that knows how to start a process of its kind. */
export interface Startable<M = never, A extends readonly unknown[] = []> {
  /** What a child is that runs it, when its spec does not say. */
  readonly childType?: "worker" | "supervisor";
  /**
   * Starts a process.
   *
   * @param starter who starts it, and becomes its parent
   * @param options for `starter.spawnAndWait` or `spawnOpt`: they link it, give it its name and place
   */
  start(
    starter: Starter,
    options: StartOptions<M>,
    ...args: A
  ): StartResult<M> | PromiseLike<StartResult<M>>;
}

/** A start that waits for its acknowledgement. Its outcome is a `StartResult`, never an error. */
export class PendingStart extends PendingCall {
  /** What the process said of a start that did not come about; told when it has ended and its name is free. */
  refusal: Exclude<InitAck, { readonly info?: Term }> | undefined = undefined;
  readonly #linked: boolean;

  constructor(
    node: Runtime,
    starter: Process | undefined,
    target: ProcessId<Process>,
    linked: boolean,
    resolve: (result: unknown) => void,
  ) {
    super(node, starter, target, target, "its start", resolve);
    this.#linked = linked;
  }

  override ended(reason: ExitReason): void {
    if (this.refusal === undefined) this.#forgetLink();
    super.ended(reason);
  }

  protected override whenEnded(reason: ExitReason): unknown {
    return this.refusal ?? { error: reason };
  }

  override timedOut(timeoutMs: number): void {
    this.#forgetLink();
    super.timedOut(timeoutMs);
    const { runtime, ownerPid, target } = this;
    transmit(runtime, ownerPid, target, { type: "exit", from: ownerPid, reason: "kill" });
  }

  protected override whenTimedOut(): unknown {
    return { error: "timeout" };
  }

  /** As in OTP: of a process that ended before it said anything the starter alone hears, by the result. */
  #forgetLink(): void {
    const { owner, target } = this;
    if (!this.#linked || owner === undefined) return;
    unlink(owner, target);
    flushExits(owner, target);
  }
}

type Options = Partial<StartMonitorOptions<unknown, never>>;

/**
 * What `spawnAndWait` asks of its options, for behaviours that start a process in another way.
 *
 * @param inProcess somebody is there to link it to, and to monitor for
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 */
export function checkStartOptions(operation: string, options: Options, inProcess = true): void {
  checkKeys(`${operation}: options`, options, [...spawnOptionKeys(inProcess), "timeoutMs"]);
  const { timeoutMs, ...spawnOptions } = options;
  checkSpawnOptions(operation, spawnOptions, inProcess);
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    const expected = "a number of at least 0";
    throw new InvalidArgumentError(`${operation}: options.timeoutMs`, expected, timeoutMs);
  }
}

/** Spawns a process and waits for its acknowledgement. The options are checked. */
export function spawnAndWait(
  node: Runtime,
  starter: Process | undefined,
  { timeoutMs = Infinity, ...options }: Options,
  program: ErasedProgram,
  args: readonly unknown[],
): Promise<StartResult<Erased>> {
  let resolve!: (result: unknown) => void;
  const promise = new Promise<unknown>((settle) => (resolve = settle));
  let spawned: Spawned;
  try {
    spawned = spawn(node, starter, options, program, args);
  } catch (error) {
    if (!(error instanceof NameTakenError)) throw error;
    node.turn.resume(starter, resolve, { error: { alreadyStarted: error.holder } });
    return promise as Promise<StartResult<Erased>>;
  }
  const { pid, ref } = spawned;
  const process = ProcessId.processOf(pid);
  // Somebody who heard of it killed it before it ran.
  if (process === undefined) return Promise.resolve({ error: "killed" });
  const pending = new PendingStart(node, starter, pid, options.link === true, resolve);
  pending.bind(promise, { timeoutMs });
  watchAtSpawn(pending, process);
  (process.extra ??= {}).start = pending;
  if (starter !== undefined) {
    starter.awaiting = pending;
    starter.noteWaiting();
  }
  return promise.then((result) => {
    if (result instanceof Started) return startedAs(pid, ref, result.info);
    // As in OTP: the result is all that is heard of one that did not start.
    if (ref !== undefined && starter !== undefined) demonitor(starter, ref, true);
    return result as StartResult<Erased>;
  });
}

/** What goes to the starter when all is well. */
class Started {
  readonly info: Term | undefined;

  constructor(info: Term | undefined) {
    this.info = info;
  }
}

function startedAs(pid: unknown, ref: unknown, info: Term | undefined): StartResult<Erased> {
  const more = { ...(info !== undefined && { info }), ...(ref !== undefined && { ref }) };
  return { pid, ...more } as StartResult<Erased>;
}

/** A process tells its starter how its start went. Only the first time counts. */
export function acknowledge(process: Process, ack: InitAck): boolean {
  checkAck(ack);
  const pending = process.extra?.start;
  if (pending === undefined || !pending.active) return false;
  if (pending.refusal !== undefined) return false;
  if (ack === "ignore" || "error" in ack) {
    pending.refusal = ack;
    return true;
  }
  (process.extra as { start: undefined }).start = undefined;
  const { node } = process;
  const started = new Started(
    ack.info === undefined ? undefined : (node.prepare(ack.info) as Term),
  );
  if (node.direct && !node.travelling && pending.runtime === node) pending.reply(started);
  else {
    const signal: Signal = { type: "alias", ref: pending.ref, message: started };
    transmit(node, process.pid, pending.ownerPid, signal);
  }
  return true;
}

function checkAck(ack: InitAck): void {
  if (ack === "ignore") return;
  const keys = typeof ack === "object" && ack !== null ? Object.keys(ack) : undefined;
  if (keys === undefined || keys.length > 1 || !["info", "error", undefined].includes(keys[0])) {
    throw new InvalidArgumentError("initAck: result", `{}, { info }, "ignore" or { error }`, ack);
  }
}

/** Has a behaviour start a process, and insists on a pid. */
export async function start(
  starter: Starter,
  options: StartOptions<Erased>,
  behaviour: ErasedStartable,
  args: readonly unknown[],
): Promise<Exclude<StartResult<Erased>, "ignore" | { readonly error: ExitReason }>> {
  if (typeof (behaviour as { start?: unknown } | null | undefined)?.start !== "function") {
    throw new InvalidArgumentError(
      "start: behaviour",
      "a behaviour, such as defineServer makes",
      behaviour,
    );
  }
  const result = await behaviour.start(starter, options, ...args);
  if (result === "ignore") throw new StartError(labelOf(options), "ignore");
  if ("error" in result) throw new StartError(labelOf(options), result.error);
  return result;
}

function labelOf({ label, name }: StartOptions<never>): string {
  return label ?? (name === undefined ? "the process" : `"${name.name}"`);
}
