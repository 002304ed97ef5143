/** How much clients have said lately, by name: a new session does not make it more. */
import { forgetOldest } from "./forget-oldest.js";
import type { Bucket } from "./token-bucket.js";

export class ClientRates {
  readonly #said = new Map<string, { bucket: Bucket | undefined }>();
  readonly #most: number;

  /** @param most how many clients are remembered */
  constructor(most: number) {
    this.#most = most;
  }

  by(name: string): { bucket: Bucket | undefined } {
    let said = this.#said.get(name);
    if (said === undefined) {
      this.#said.set(name, (said = { bucket: undefined }));
      forgetOldest(this.#said, this.#most);
    }
    return said;
  }
}
