/** Giving up a wait: what an AbortController is where the platform may have none. */
import type { AbortSignalLike } from "@coppice/core";

/** A signal that aborts when `abandon` is called. A call or a sleep that has it blocks nobody. */
export class Abandonment implements AbortSignalLike {
  aborted = false;
  readonly reason: unknown;
  readonly #listeners = new Set<() => void>();

  /** @param reason what those who wait are rejected with */
  constructor(reason: unknown) {
    this.reason = reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abandon(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.#listeners]) listener();
  }
}
