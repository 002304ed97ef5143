/** What a client was told of in a session: it can address nothing else. */
import { isPid, type AnyPid, type Ref } from "@coppice/core";

export class ExportTable {
  readonly pids: Set<number> = new Set();
  readonly refs: Set<number> = new Set();
  readonly #most: number;

  /** @param most how many of each are kept: the oldest are forgotten */
  constructor(most: number) {
    this.#most = most;
  }

  add(what: AnyPid | Ref): void {
    const serials = isPid(what) ? this.pids : this.refs;
    serials.add(what.serial);
    if (serials.size <= this.#most) return;
    for (const oldest of serials) {
      serials.delete(oldest);
      break;
    }
  }
}
