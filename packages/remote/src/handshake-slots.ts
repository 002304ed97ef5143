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

  /** One begins. Gives what to call when it is over, whether it opened or not; again, that does nothing. */
  begin(address: string): () => void {
    this.#all++;
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#all--;
      const here = this.#counts.get(address) as number;
      if (here === 1) this.#counts.delete(address);
      else this.#counts.set(address, here - 1);
    };
  }
}
