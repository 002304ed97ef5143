/** Waiting, outside any process, for the end of one. */
import type { AbortSignalLike } from "./abort-signal.js";
import type { ExitReason } from "./exit-reason.js";
import type { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";
import { Watch } from "./watch.js";
import { unwatch, watch } from "./watching.js";

export interface WhenExitedOptions {
  /** Gives up when it aborts: the promise rejects with its reason, and nothing waits any more. */
  readonly signal?: AbortSignalLike;
}

/** Tells code outside any process of an end. */
class ExitWatch extends Watch {
  // It asks how things came out, and is often asked for right after `node.exit`.
  override get comesInTime(): boolean {
    return true;
  }
  readonly #told: (reason: ExitReason) => void;
  readonly #number: number;
  #ref: Reference | undefined = undefined;

  constructor(node: Runtime, target: ProcessId<Process>, told: (reason: ExitReason) => void) {
    super(node, undefined, target);
    this.#told = told;
    this.#number = ++node.exitWatches;
  }

  override ended(reason: ExitReason): void {
    this.#told(reason);
  }

  override abandon(): void {
    // Nobody owns it.
  }

  override get token(): unknown {
    return ["whenExited", this.#number];
  }

  override get wireRef(): Reference {
    return (this.#ref ??= new Reference(this.ownerPid, this.runtime.nextSerial(), undefined));
  }
}

/** Resolves to the reason when the process ends; rejects when `signal` aborts before. */
export function whenExited(
  node: Runtime,
  target: ProcessId<Process>,
  signal: AbortSignalLike | undefined,
): Promise<ExitReason> {
  if (signal === undefined) return new Promise((told) => watch(new ExitWatch(node, target, told)));
  return new Promise((told, failed) => {
    if (signal.aborted) {
      failed(signal.reason);
      return;
    }
    const exit = new ExitWatch(node, target, (reason) => {
      signal.removeEventListener("abort", aborted);
      told(reason);
    });
    function aborted(): void {
      unwatch(exit);
      signal?.removeEventListener("abort", aborted);
      failed(signal?.reason);
    }
    signal.addEventListener("abort", aborted);
    watch(exit);
  });
}
