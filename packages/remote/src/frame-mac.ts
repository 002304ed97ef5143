/**
 * Frames that prove who made them: behind each stands an HMAC over it, with a key of the session and of
 * the direction. The number in the frame keeps it from being sent again or out of turn, so that who sits
 * between two nodes without TLS may read and end their session, and say nothing in it.
 */
import type { FrameKeys } from "./handshake-state.js";
import { MAC_BYTES } from "./handshake-message.js";
import { FRAME_OVERHEAD_BYTES, type NegotiatedLimits } from "./limits.js";
import type { HandshakeCrypto } from "./secret.js";

export class FrameMac {
  readonly #keys: FrameKeys;
  readonly #crypto: Pick<HandshakeCrypto, "hmac" | "equal">;

  constructor(keys: FrameKeys, crypto: Pick<HandshakeCrypto, "hmac" | "equal">) {
    this.#keys = keys;
    this.#crypto = crypto;
  }

  /** The frame and its proof. */
  seal(frame: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(frame.length + MAC_BYTES);
    sealed.set(frame);
    sealed.set(this.#crypto.hmac(this.#keys.send, frame), frame.length);
    return sealed;
  }

  /** The frame without its proof; `undefined` when the proof is wrong. */
  open(sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < MAC_BYTES) return undefined;
    const frame = sealed.subarray(0, -MAC_BYTES);
    const mac = sealed.subarray(-MAC_BYTES);
    const { hmac, equal } = this.#crypto;
    return equal(mac, hmac(this.#keys.receive, frame)) ? frame : undefined;
  }
}

/** What is left of the limits for the frames themselves. */
export function withoutMac(limits: NegotiatedLimits): NegotiatedLimits {
  const maxFrameBytes = limits.maxFrameBytes - MAC_BYTES;
  const room = maxFrameBytes - FRAME_OVERHEAD_BYTES;
  return { ...limits, maxFrameBytes, fragmentBytes: Math.min(limits.fragmentBytes, room) };
}
