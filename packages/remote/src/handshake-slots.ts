/** How many handshakes go on at once, in all and from each address. */
import type { Limits } from "./limits.js";

type SlotLimits = Pick<Limits, "maxHandshakes" | "maxHandshakesPerAddress">;

export class HandshakeSlots {
  readonly #limits: SlotLimits;
  readonly #counts = new Map<string, number>();
  #all = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /** The limit that one more from there would exceed. */
  exceeded(address: string): keyof SlotLimits | undefined {
    if (this.#all >= this.#limits.maxHandshakes) return "maxHandshakes";
    const here = this.#counts.get(address) ?? 0;
    return here >= this.#limits.maxHandshakesPerAddress ? "maxHandshakesPerAddress" : undefined;
  }

  begin(address: string): void {
    this.#all++;
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
  }

  /** One that was begun is over, whether it opened or not. */
  over(address: string): void {
    const here = this.#counts.get(address);
    if (here === undefined) return;
    this.#all--;
    if (here === 1) this.#counts.delete(address);
    else this.#counts.set(address, here - 1);
  }
}
