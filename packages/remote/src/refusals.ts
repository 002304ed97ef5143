/**
 * Which of the connections that did not become sessions are told to whoever runs the node, and not by an event
 * alone: those that will fail again until somebody changes something.
 */
import type { Report } from "@coppice/core";
import { forgetOldest } from "./forget-oldest.js";
import { shownAddress } from "./shown-address.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** What the two sides do not agree on. */
const DISAGREEMENTS: ReadonlyMap<number, string> = new Map([
  [CLOSE_CODES.AUTH, "is the cookie the same at both?"],
  [CLOSE_CODES.CLUSTER, "is `cluster` the same at both?"],
  [CLOSE_CODES.VERSION, "are both of the same version?"],
  [CLOSE_CODES.NAME_TAKEN, "is there another node of that name?"],
]);

/** So many are remembered, in order to tell each once. */
const MAX_TOLD = 1_000;

/** What is told, as data. */
export interface Refusal {
  readonly type: "connectionRefused";
  /** The node, or the address, that was dialled. */
  readonly target: string;
  readonly address: string;
  readonly code: number;
  readonly text: string;
}

export class Refusals {
  readonly #told = new Map<string, number>();

  /** What to report of one that we dialled; `undefined` of what may pass, and of what was told already. */
  refused(
    target: string,
    { address, code, text }: Pick<Refusal, "address" | "code" | "text">,
  ): Report | undefined {
    const question = DISAGREEMENTS.get(code);
    if (question === undefined || this.#told.get(target) === code) return undefined;
    this.#told.set(target, code);
    forgetOldest(this.#told, MAX_TOLD);
    const shown = shownAddress(target);
    const where = shownAddress(address);
    const data: Refusal = { type: "connectionRefused", target: shown, address: where, code, text };
    const at = target === address ? "" : ` at ${where}`;
    return {
      level: "warning",
      data,
      format: () => `no connection with ${shown}${at}: ${text} (${code}); ${question}`,
    };
  }

  /** It was reached: the next refusal is told again. */
  reached(target: string): void {
    this.#told.delete(target);
  }
}
