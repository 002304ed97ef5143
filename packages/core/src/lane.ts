/** Lanes: what has to keep its order, a chain of offers, oldest first. */
import type { KeyStem } from "./happening-key.js";
import type { OfferedPid } from "./offered-pid.js";
import type { Offer } from "./offer.js";

export class Lane {
  readonly from: OfferedPid | undefined;
  readonly stem: KeyStem | undefined;
  /** How many signals were sent on it. */
  sent = 0;
  first: Offer | undefined = undefined;
  last: Offer | undefined = undefined;
  /** One more to the same receiver. */
  other: Lane | undefined = undefined;

  constructor(from: OfferedPid | undefined, stem: KeyStem | undefined) {
    this.from = from;
    this.stem = stem;
  }

  add(offer: Offer): void {
    offer.previous = this.last;
    if (this.last === undefined) this.first = offer;
    else this.last.next = offer;
    this.last = offer;
  }

  remove(offer: Offer): void {
    const { next, previous } = offer;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
  }
}
