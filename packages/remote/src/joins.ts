/** Addresses that are to be connected with always: tried again and again, in ever longer intervals. */
import type { Clock } from "@coppice/core";
import { waitMs } from "./failures.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** One such address. */
export class Join {
  readonly address: string;
  failures = 0;
  timer: unknown = undefined;
  /** Who was there last. */
  node: string | undefined = undefined;

  constructor(address: string) {
    this.address = address;
  }
}

/** What joining needs of remoting. */
export interface JoinsPort {
  readonly clock: Clock;
  readonly random: () => number;
  /** Is a session with that node open? */
  readonly isOpen: (node: string) => boolean;
  readonly dial: (join: Join) => void;
}

export class Joins {
  readonly #joins: readonly Join[];
  readonly #port: JoinsPort;
  #stopped = false;

  constructor(addresses: readonly string[], port: JoinsPort) {
    this.#joins = addresses.map((address) => new Join(address));
    this.#port = port;
  }

  begin(): void {
    for (const join of this.#joins) this.#now(join);
  }

  stop(): void {
    this.#stopped = true;
    for (const join of this.#joins) this.#port.clock.clear(join.timer);
  }

  /** A session with `node` is open there. */
  opened(join: Join, node: string): void {
    join.failures = 0;
    join.node = node;
  }

  /** It did not come about, or is over. */
  later(join: Join, code: number): void {
    if (this.#stopped) return;
    join.failures++;
    const delayMs = waitMs(join.failures, code, this.#port.random());
    join.timer = this.#port.clock.set(() => this.#now(join), delayMs);
  }

  #now(join: Join): void {
    join.timer = undefined;
    if (this.#stopped) return;
    const isThere = join.node !== undefined && this.#port.isOpen(join.node);
    // It may have connected with us. Look again when that could be over.
    if (isThere) this.later(join, CLOSE_CODES.NORMAL);
    else this.#port.dial(join);
  }
}
