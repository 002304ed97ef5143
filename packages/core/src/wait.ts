/** Sleeping and giving way: what a process waits for besides messages and replies. */
import type { AbortSignalLike } from "./abort-signal.js";
import type { Process } from "./process.js";
import { rejection } from "./rejection.js";
import type { Runtime } from "./runtime.js";
import { Deadline } from "./timer-queue.js";

export interface SleepOptions {
  /** Ends the sleep early when it aborts: it rejects with its reason. */
  readonly signal?: AbortSignalLike;
}

/** A body that catches what ends it and waits again would spin for ever. */
const MAX_LATE_WAITS = 100;

/** A wait of a process that has to exit, whatever for: it rejects, so that the code unwinds. */
export function endedWait(process: Process, operation: string): Promise<never> {
  const extra = (process.extra ??= {});
  extra.lateWaits = (extra.lateWaits ?? 0) + 1;
  if (extra.lateWaits > MAX_LATE_WAITS) return new Promise(() => undefined);
  return rejection(process.life === "dead" ? process.fenced(operation) : process.exitSignal());
}

export function sleep(process: Process, ms: number): Promise<void> {
  // As `receive after 0`: not a timer.
  if (ms === 0) return giveWay(process);
  return begin(process, (wait) => process.node.timers.arm(wait, ms, process));
}

export async function sleepUnless(
  process: Process,
  signal: AbortSignalLike,
  ms: number,
): Promise<void> {
  if (signal.aborted) throw signal.reason;
  const { timers } = process.node;
  let wait: Wait | undefined;
  const slept = begin(process, (started) => {
    wait = started;
    timers.arm(started, ms, process);
  });
  const aborted = (): void => {
    if (wait === undefined || !process.extra?.waits?.has(wait)) return;
    timers.disarm(wait);
    wait.fire();
  };
  signal.addEventListener("abort", aborted);
  try {
    await slept;
  } finally {
    signal.removeEventListener("abort", aborted);
  }
  if (signal.aborted) throw signal.reason;
}

/** Goes on when others have had their turn. */
export function giveWay(process: Process): Promise<void> {
  return begin(process, (wait) => {
    const { offers, turn } = process.node;
    if (offers !== undefined) offers.resume(process, wait);
    else turn.giveWay(wait);
  });
}

function begin(process: Process, arrange: (wait: Wait) => void): Promise<void> {
  process.node.turn.ran(process);
  process.noteWaiting();
  process.awaiting = undefined;
  let wait!: Wait;
  const promise = new Promise<void>((resolve) => {
    wait = new Wait(process, resolve as (value: unknown) => void);
  });
  wait.promise = promise;
  ((process.extra ??= {}).waits ??= new Set()).add(wait);
  arrange(wait);
  return promise;
}

/** A sleep of code outside any process. */
export class OutsideSleep extends Deadline {
  readonly #node: Runtime;
  readonly #resolve: (value: unknown) => void;

  constructor(node: Runtime, resolve: (value: unknown) => void) {
    super();
    this.#node = node;
    this.#resolve = resolve;
  }

  override fire(): void {
    this.#node.turn.resume(undefined, this.#resolve, undefined);
  }
}

/** A sleep or a yield under way. */
export class Wait extends Deadline {
  readonly process: Process;
  readonly resolve: (value: unknown) => void;
  promise: Promise<unknown> | undefined = undefined;

  constructor(process: Process, resolve: (value: unknown) => void) {
    super();
    this.process = process;
    this.resolve = resolve;
  }

  /** Over: now, or when the event loop has turned. */
  override fire(): void {
    const { process, promise } = this;
    process.node.turn.resume(process, (value) => this.#end(value), undefined, promise);
  }

  #end(value: unknown): void {
    const { process } = this;
    process.extra?.waits?.delete(this);
    process.noteWaiting();
    this.resolve(value);
  }
}
