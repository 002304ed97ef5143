/** By how much memory grows, from when this is made until it is stopped, at most. */
import { collectGarbage } from "./garbage.js";

/** Between two looks. */
const SAMPLE_MS = 50;

export class MemoryGrowth {
  readonly #before: Sample;
  readonly #timer: NodeJS.Timeout;
  #residentBytes = 0;
  #heapBytes = 0;

  constructor() {
    collectGarbage();
    this.#before = sample();
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
  }

  /** Of the resident memory or of what is in use in and beside the heap, whichever has grown more. */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return Math.max(this.#residentBytes, this.#heapBytes);
  }

  #look(): void {
    const { residentBytes, heapBytes } = sample();
    this.#residentBytes = Math.max(this.#residentBytes, residentBytes - this.#before.residentBytes);
    this.#heapBytes = Math.max(this.#heapBytes, heapBytes - this.#before.heapBytes);
  }
}

interface Sample {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

function sample(): Sample {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { residentBytes: rss, heapBytes: heapUsed + external };
}
