/**
 * What waits to be sent to many peers together, such as all clients. Each counts its own in, and out when it goes; who
 * has the most makes way when it is more than may be.
 */
import type { SharedBytes } from "./shared-bytes.js";

/** The queue of one of them. */
export interface SharedQueue {
  /** Its session ends, and with it all that waits there. */
  giveWay(): void;
}

export class SharedQueues implements SharedBytes {
  readonly maxBytes: number;
  readonly #waiting = new Map<SharedQueue, number>();
  #bytes = 0;
  #isRelieving = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** So much waits in this one now. */
  count(queue: SharedQueue, bytes: number): void {
    this.#bytes += bytes - (this.#waiting.get(queue) ?? 0);
    if (bytes === 0) this.#waiting.delete(queue);
    else this.#waiting.set(queue, bytes);
  }

  /** As long as more waits than may, who has the most makes way; who has no more than `keptBytes` stays. */
  relieve(keptBytes: number): void {
    // Who makes way says goodbye, and others are told of it: that comes by here as well.
    if (this.#isRelieving || this.#bytes <= this.maxBytes) return;
    this.#isRelieving = true;
    try {
      for (let queue; (queue = this.#longest(keptBytes)) !== undefined;) {
        queue.giveWay();
        this.count(queue, 0);
      }
    } finally {
      this.#isRelieving = false;
    }
  }

  #longest(keptBytes: number): SharedQueue | undefined {
    let longest: SharedQueue | undefined;
    let most = keptBytes;
    if (this.#bytes <= this.maxBytes) return undefined;
    for (const [queue, bytes] of this.#waiting) {
      if (bytes > most) [longest, most] = [queue, bytes];
    }
    return longest;
  }
}
