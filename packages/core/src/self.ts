/** What a process can do: the object its code is given. */
import type { AliasMode } from "./alias.js";
import type { Body, Handler } from "./body.js";
import type { ProcessSignal } from "./host.js";
import type { Exit } from "./exit-signal.js";
import type { UnlinkOptions } from "./link.js";
import type {
  InitAck,
  Startable,
  StartMonitorOptions,
  StartOptions,
  StartResult,
} from "./start.js";
import type { ExitReason } from "./exit-reason.js";
import type { MailboxOptions } from "./mailbox.js";
import type { DemonitorOptions, Down, MonitorOptions } from "./monitor.js";
import type { AnyName, Name, RemoteName } from "./name.js";
import type { Node } from "./node.js";
import type { Operations } from "./operations.js";
import type { Owned } from "./own.js";
import type { AnyPid, Pid } from "./pid.js";
import type { Alias, From, MonitorRef } from "./reference.js";
import type { Report } from "./report.js";

/** What `receive` returns when no message came in time. */
export const TIMEOUT: unique symbol = Symbol("coppice.timeout");

export interface ReceiveOptions {
  /** How long to wait; for ever by default. 0 takes what is there already. */
  readonly timeoutMs?: number;
}

/** A translation of signal `S` into the process's own messages; may be left out where `M` has `S` in it. */
export type Translation<M, S> = [S] extends [M]
  ? [map?: (signal: S) => M]
  : [map: (signal: S) => M];

/** How a process is spawned. `M` is what its name promises, which may be less than it understands. */
export interface SpawnOptions<M = never> {
  /** Links it to the spawning process, atomically. Not outside a process. */
  readonly link?: boolean;
  /** What people call it, in reports; shown beside the pid. `""` leaves it out of paths. */
  readonly label?: string;
  /** Registers it before it runs. */
  readonly name?: Name<M>;
  readonly mailbox?: MailboxOptions;
  /** How long it may unwind after an exit signal before it is declared dead; 5000 by default. */
  readonly unwindMs?: number;
  /**
   * Names its place among its parent's children, instead of the number of the spawn, so that a child
   * that is started again keeps its place in every schedule. Give a new incarnation another key: no
   * two children that are alive share one.
   */
  readonly key?: string;
}

/**
 * Refuses the options of a spawn whose name promises more than the process understands: `P` is what the
 * name promises, `M` what the process understands.
 */
export type Understood<P, M> = [P] extends [M]
  ? unknown
  : { readonly name: "a name that promises no more than the process understands" };

export interface SpawnMonitorOptions<P, M = never> extends SpawnOptions<M> {
  /** Monitors it, atomically; `true` where the spawning process understands `Down`. */
  readonly monitor: ((down: Down) => P) | ([Down] extends [P] ? true : never);
  readonly monitorOptions?: MonitorOptions;
}

/**
 * A process as seen by its own code. `M` is what it understands: nothing else arrives in its mailbox.
 *
 * Everything throws `DeadProcessError` once the process is dead.
 */
export interface Self<in out M> extends Operations {
  readonly pid: Pid<M>;
  readonly node: Node;
  /** Aborts when the process has to exit; give it to `fetch` and its like. */
  readonly signal: ProcessSignal;

  /**
   * Takes the oldest message that `guard` accepts, and waits for it if need be. What the guard
   * refuses stays in the mailbox, in order. `timeoutMs: 0` polls.
   *
   * An error of the guard rejects, and the message stays. A guard has to answer alike and change
   * nothing: about a message that has to wait for the event loop to turn it may be asked twice.
   *
   * @throws InvalidArgumentError the guard is no function, or the time is negative
   * @throws ReceiveError the process is waiting in another `receive`, or is a handler
   * @throws ExitSignal the process has to exit; catching it changes nothing
   * @see https://www.erlang.org/doc/system/expressions.html#receive
   */
  receive(): Promise<M>;
  receive(options: { readonly timeoutMs?: undefined }): Promise<M>;
  receive(options: ReceiveOptions): Promise<M | typeof TIMEOUT>;
  receive<N extends M>(guard: (message: M) => message is N): Promise<N>;
  receive<N extends M>(
    guard: (message: M) => message is N,
    options: ReceiveOptions,
  ): Promise<N | typeof TIMEOUT>;
  receive(guard: (message: M) => boolean): Promise<M>;
  receive(guard: (message: M) => boolean, options: ReceiveOptions): Promise<M | typeof TIMEOUT>;

  /** Spawns a process. It starts after the code that runs now. */
  spawn<N, A extends readonly unknown[] = []>(body: Body<N, A>, ...args: A): Pid<N>;
  spawn<N, S = unknown, A extends readonly unknown[] = []>(
    handler: Handler<N, S, A>,
    ...args: A
  ): Pid<N>;
  /** Spawns and links, atomically. */
  spawnLink<N, A extends readonly unknown[] = []>(body: Body<N, A>, ...args: A): Pid<N>;
  spawnLink<N, S = unknown, A extends readonly unknown[] = []>(
    handler: Handler<N, S, A>,
    ...args: A
  ): Pid<N>;
  /** Spawns and monitors, atomically; `map` makes the `Down` a message of this process. */
  spawnMonitor<N, A extends readonly unknown[] = [], S = unknown>(
    map: (down: Down) => M,
    body: Body<N, A> | Handler<N, S, A>,
    ...args: A
  ): { readonly pid: Pid<N>; readonly ref: MonitorRef };
  /**
   * Spawns with options.
   *
   * @throws NameTakenError somebody holds `options.name`; nothing is spawned
   * @throws NodeStoppedError the node is stopping
   */
  spawnOpt<N, A extends readonly unknown[] = [], S = unknown, P = N>(
    options: SpawnMonitorOptions<M, P> & Understood<P, N>,
    body: Body<N, A> | Handler<N, S, A>,
    ...args: A
  ): { readonly pid: Pid<N>; readonly ref: MonitorRef & Alias<M> };
  spawnOpt<N, A extends readonly unknown[] = [], S = unknown, P = N>(
    options: SpawnOptions<P> & Understood<P, N>,
    body: Body<N, A> | Handler<N, S, A>,
    ...args: A
  ): Pid<N>;

  /**
   * Spawns a process and waits until it says by `initAck` that it has started, or has ended. OTP's
   * `proc_lib:start` and `start_link`; what behaviours are started with.
   *
   * If it ends before it says anything, this result is all that is heard of it: even where it is
   * linked and exits are trapped, no `Exit` of it is left in the mailbox.
   */
  spawnAndWait<N, A extends readonly unknown[] = [], S = unknown, P = N>(
    options: StartOptions<P> & Understood<P, N>,
    body: Body<N, A> | Handler<N, S, A>,
    ...args: A
  ): Promise<StartResult<N>>;
  /**
   * Tells whoever spawned this process with `spawnAndWait` how its start went; only the first time
   * counts. What did not start has to end next: its starter hears of it when it has, and its name is
   * free. Returns whether somebody waited for it.
   *
   * @see https://www.erlang.org/doc/man/proc_lib.html#init_ack-2
   */
  initAck(result: InitAck): boolean;

  /** As `start`, linked from the beginning. */
  startLink<N, A extends readonly unknown[] = []>(
    behaviour: Startable<N, A>,
    ...args: A
  ): Promise<Pid<N>>;
  /** As `start`, monitored from the beginning; `map` makes the `Down` a message of this process. */
  startMonitor<N, A extends readonly unknown[] = []>(
    map: (down: Down) => M,
    behaviour: Startable<N, A>,
    ...args: A
  ): Promise<{ readonly pid: Pid<N>; readonly ref: MonitorRef }>;
  /** As `start`, with options. */
  startOpt<N, A extends readonly unknown[] = [], P = N>(
    options: StartMonitorOptions<M, P> & Understood<P, N>,
    behaviour: Startable<N, A>,
    ...args: A
  ): Promise<{ readonly pid: Pid<N>; readonly ref: MonitorRef & Alias<M> }>;
  startOpt<N, A extends readonly unknown[] = [], P = N>(
    options: StartOptions<P> & Understood<P, N>,
    behaviour: Startable<N, A>,
    ...args: A
  ): Promise<Pid<N>>;

  /**
   * Links this process and another: when one ends, the other gets an exit signal. Linking twice is
   * linking once.
   *
   * @throws NoProcessError it is dead, and this process does not trap exits; if it does, an `Exit`
   * with `"noproc"` comes instead
   * @see https://www.erlang.org/doc/man/erlang.html#link-1
   */
  link(pid: AnyPid): void;
  /**
   * Removes the link, if there is one. No exit signal of it arrives afterwards; with `flush`, an `Exit`
   * of it that is in the mailbox already is removed, too.
   */
  unlink(pid: AnyPid, options?: UnlinkOptions): void;

  /**
   * Asks to be told, once, when `target` ends: with its exit reason, or with `"noproc"` when it is
   * not there (any more).
   *
   * @see https://www.erlang.org/doc/man/erlang.html#monitor-2
   */
  monitor(
    target: AnyPid | AnyName | RemoteName<never>,
    ...args: [...Translation<M, Down>, options?: MonitorOptions]
  ): MonitorRef & Alias<M>;
  /**
   * Takes a monitor back: no `Down` arrives afterwards. One that is in the mailbox stays there, unless
   * `flush`. Returns `true`; with `info`, whether the monitor was still there.
   */
  demonitor(ref: MonitorRef, options?: DemonitorOptions): boolean;

  /** Makes an address of this process that can be taken back. `"reply"` is good for one message. */
  alias(mode?: AliasMode): Alias<M>;
  /** Returns whether it was an active alias of this process. */
  unalias(alias: Alias<M> | MonitorRef): boolean;

  /**
   * From now on exit signals arrive as messages, translated by `map`; `false` ends that. Signals that
   * arrived before stay what they became. Returns whether exits were trapped before.
   *
   * @see https://www.erlang.org/doc/man/erlang.html#process_flag-2 (trap_exit)
   */
  trapExits(off: false): boolean;
  trapExits(...map: Translation<M, Exit>): boolean;

  /**
   * Ends this process with `reason`, running its `finally` blocks. Nothing that catches it can keep it
   * alive. Where one of them exits again, or throws an error, that is the reason, as in OTP; the reason
   * of an exit signal is kept.
   */
  exit(reason: ExitReason): never;
  /** Sends an exit signal; see `exitEffect` for what it does. To oneself it takes effect at once. */
  exit(pid: AnyPid, reason: ExitReason): void;

  /** Answers a call. A caller that does not wait any more is not disturbed; see `Operations.reply`. */
  reply<R>(from: From<R>, value: R): void;

  /** Lets others run, and take what waits for them; for long computations, and for loops that send much. */
  yield(): Promise<void>;

  /**
   * Gives a resource to the process: it is disposed when the process ends, last given first, however
   * it ends. Returns the resource. To a dead process nothing can be given: it is disposed at once, and
   * `DeadProcessError` thrown.
   *
   * @throws InvalidArgumentError it cannot be disposed
   */
  own<R extends Owned>(resource: R): R;
  own<R>(resource: R, dispose: (resource: R) => void | PromiseLike<void>): R;

  /** Takes a resource back, undisposed. Returns whether it was owned. */
  disown(resource: unknown): boolean;

  /** Tells those who run the node: as a `report` event in `node.events`, and to its logger. */
  report(report: Report): void;
  /** What people call it, in reports. */
  setLabel(label: string): void;
  /** Registers this process. */
  register<N>(
    name: Name<N> &
      ([N] extends [M] ? unknown : "a name that promises no more than the process understands"),
  ): void;
  register<N>(name: Name<N>, pid: Pid<NoInfer<N>>): void;
}
