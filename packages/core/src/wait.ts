/** What a process waits for besides messages and replies. */
import type { AbortSignalLike } from "./abort-signal.js";
import type { Process } from "./process.js";
import { lookAgain } from "./run.js";
import type { Runtime } from "./runtime.js";
import { TIMEOUT } from "./self.js";
import { Deadline } from "./timer-queue.js";

export interface SleepOptions {
  /** Ends the sleep early when it aborts: it rejects with its reason. */
  readonly signal?: AbortSignalLike;
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
    this.process.extra?.waits?.delete(this);
    this.resolve(value);
  }
}

/** The timeout of a receive. */
export class ReceiveLimit extends Deadline {
  readonly #process: Process;

  constructor(process: Process) {
    super();
    this.#process = process;
  }

  override fire(): void {
    const process = this.#process;
    process.waitLimit = undefined;
    // A message that is held up by the event loop came in time.
    if (process.queued) lookAgain(process);
    const { wake } = process;
    if (wake === undefined) return;
    process.wake = undefined;
    process.node.turn.resume(process, wake, TIMEOUT);
  }
}
