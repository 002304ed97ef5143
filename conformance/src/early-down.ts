/** The end of a server that is in the mailbox of its client before its reply, which was sent before. */
import type { Down } from "@coppice/core";

/**
 * A reply becomes known to the client's code a little after it has arrived, and its `Down` may be in the
 * mailbox by then. In Erlang both are messages, in the order they were sent; so it takes the place of
 * the reply when there turns out to be one.
 */
export class EarlyDown {
  readonly down: Down;
  /** What a program sees in this place. */
  shown: unknown;

  constructor(down: Down) {
    this.down = down;
    this.shown = down;
  }
}
