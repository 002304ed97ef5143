/** Attempts to connect: what is told of those that fail, and when the next may be. */
import { reportFor, type Clock, type Node } from "@coppice/core";
import { Failures } from "./failures.js";
import { Refusals } from "./refusals.js";
import type { RemoteEvent } from "./remote-event.js";
import { shownAddress } from "./shown-address.js";
import { CLOSED_ABNORMALLY } from "./transport.js";

/** Whom it was to reach, where, and why it did not. */
export interface FailedAttempt {
  /** The node that was expected there. */
  readonly node: string | undefined;
  readonly address: string;
  readonly code: number;
  readonly text: string;
  readonly byPeer?: boolean;
}

export class Attempts {
  readonly #node: Node;
  readonly #clock: Clock;
  readonly #emit: (event: RemoteEvent) => void;
  readonly #failures = new Failures();
  readonly #refusals = new Refusals();

  constructor(node: Node, clock: Clock, emit: (event: RemoteEvent) => void) {
    this.#node = node;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** May a node be dialled now? */
  mayTry(name: string): boolean {
    return this.#failures.mayTry(name, this.#clock.now());
  }

  /** The next waits for a while. */
  failed(name: string, code: number): void {
    this.#failures.failed(name, code, this.#clock.now(), this.#node.random());
  }

  /** A session with the node is open; `target` is what was dialled for it: the node, or an address. */
  reached(name: string, target: string): void {
    this.#failures.reached(name);
    this.#refusals.reached(target);
  }

  /** It came to nothing: an event says so. */
  refused({ node, address, code, text, byPeer = false }: FailedAttempt): void {
    this.#emit({ type: "refused", node, address: shownAddress(address), code, text, byPeer });
  }

  /** It came to nothing before anybody had said a word. */
  notDialled(node: string | undefined, address: string, text: string): void {
    this.refused({ node, address, code: CLOSED_ABNORMALLY, text });
  }

  /** We have dialled: whoever runs the node is told of what will fail again until somebody changes something. */
  warn({ node, address, code, text }: FailedAttempt): void {
    const report = this.#refusals.refused(node ?? address, { address, code, text });
    if (report !== undefined) reportFor(this.#node, report);
  }
}
