/**
 * Wishes: somebody has something to say to a node that is not connected. It is dialled, what is said waits
 * meanwhile, and is lost when no session comes of it.
 */
import type { Clock } from "@coppice/core";
import type { Attempts } from "./attempts.js";
import type { Connection } from "./connection.js";
import type { UnreachableError } from "./errors.js";
import type { RemotePeer } from "./remote-peer.js";
import { CLOSE_CODES } from "./wire-signal.js";

export interface WishesPort {
  readonly clock: Clock;
  readonly attempts: Attempts;
  /** So long one who dials us himself may take until the session is open. */
  readonly patienceMs: number;
  /** @throws UnreachableError nobody knows */
  readonly whereIs: (name: string) => string | Promise<string>;
  /** What is said to that node waits from now on. */
  readonly begin: (name: string) => RemotePeer;
  /** Is it the one of its name still? */
  readonly isCurrent: (peer: RemotePeer) => boolean;
  /** `undefined`: nobody can dial that, which was told. */
  readonly dial: (address: string, expected: string) => Connection | undefined;
  readonly lost: (peer: RemotePeer) => void;
}

export class Wishes {
  readonly #port: WishesPort;

  constructor(port: WishesPort) {
    this.#port = port;
  }

  /** `undefined`: it is not dialled now. */
  wanted(name: string): RemotePeer | undefined {
    const { attempts, whereIs, begin, isCurrent, lost } = this.#port;
    if (!attempts.mayTry(name)) return undefined;
    let address: string | Promise<string>;
    try {
      address = whereIs(name);
    } catch (error) {
      attempts.notDialled(name, "", (error as UnreachableError).why);
      return undefined;
    }
    const peer = begin(name);
    if (typeof address === "string") return this.#dialFor(peer, address) ? peer : undefined;
    const isWanted = (): boolean => isCurrent(peer) && peer.connection === undefined;
    address.then(
      (found) => void (isWanted() && this.#dialFor(peer, found)),
      (error: UnreachableError) => {
        if (!isWanted()) return;
        attempts.failed(name, CLOSE_CODES.NORMAL);
        lost(peer);
        attempts.notDialled(name, "", error.why);
      },
    );
    return peer;
  }

  /** Is it being dialled now? What cannot be dialled is lost. */
  #dialFor(peer: RemotePeer, address: string): boolean {
    const { attempts, dial, lost } = this.#port;
    const connection = dial(address, peer.name);
    if (connection !== undefined && !connection.isDown) {
      peer.dialling = connection;
      return true;
    }
    // What was over at once has been counted as a failure.
    if (connection === undefined) attempts.failed(peer.name, CLOSE_CODES.NORMAL);
    lost(peer);
    return false;
  }

  /** A dial did not become a session. When it was one too many, the other is about to be there. */
  dialFailed(peer: RemotePeer, code: number): void {
    const { clock, isCurrent, lost, patienceMs } = this.#port;
    peer.dialling = undefined;
    if (peer.connection !== undefined) return;
    if (code !== CLOSE_CODES.DUPLICATE) {
      lost(peer);
      return;
    }
    clock.set(() => {
      const isWaiting = isCurrent(peer) && peer.connection === undefined;
      if (isWaiting && peer.dialling === undefined) lost(peer);
    }, patienceMs);
  }

  /** Too much waits for a session that is not open. */
  overloaded(peer: RemotePeer): void {
    const { attempts, isCurrent, lost } = this.#port;
    const { name, dialling } = peer;
    const [code, text] = [CLOSE_CODES.OVERLOAD, "too much waits to be sent"];
    if (dialling !== undefined) {
      dialling.close(code, text);
      return;
    }
    // Where it is, is being looked up.
    if (!isCurrent(peer)) return;
    attempts.failed(name, code);
    lost(peer);
    attempts.refused({ node: name, address: "", code, text });
  }
}
