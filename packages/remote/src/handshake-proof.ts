/**
 * Proofs: HMACs over all that was said in a handshake, under a label that says whose they are; and the keys
 * of frames, which are made in the same way.
 */
import type { Auth, Challenge, Hello } from "./handshake-message.js";
import type { CommonOptions, Handshaken } from "./handshake-state.js";
import type { Key } from "./secret.js";

export const DIALLER_LABEL = "coppice/1 dialler";
export const ACCEPTOR_LABEL = "coppice/1 acceptor";
const DIALLER_FRAMES = "coppice/1 frames of the dialler";
const ACCEPTOR_FRAMES = "coppice/1 frames of the acceptor";

/** It can prove its frames. */
export const FRAME_MAC = "frame-mac";
/** It wants frames to be proved. */
export const WANTS_FRAME_MAC = "want-frame-mac";

/** Where a key is shared by none: HMAC with it proves nothing. */
const NO_KEY = new Uint8Array(32);

/** HMAC over the parts, each behind its length: no two lists of parts give the same bytes. */
export function macOf(
  { crypto, channelBinding }: CommonOptions,
  key: Key | undefined,
  auth: Auth,
  label: string,
  transcript: readonly Uint8Array[],
): Uint8Array {
  const parts = [new TextEncoder().encode(label), ...transcript];
  if (auth === "psk-tls" && channelBinding !== undefined) parts.push(channelBinding);
  const message = new Uint8Array(parts.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(message.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    message.set(part, at + 4);
    at += 4 + part.length;
  }
  return crypto.hmac(key?.bytes ?? NO_KEY, message);
}

export const NO_FRAME_MAC = "its frames cannot be proved";

export function lacksFrameMac(
  { frameMac = false }: CommonOptions,
  said: Hello | Challenge,
): boolean {
  return frameMac && !said.caps.includes(FRAME_MAC);
}

/** The session's keys of frames, when they are proved. */
export function withFrameKeys(
  result: Handshaken,
  options: CommonOptions,
  key: Key | undefined,
  transcript: readonly Uint8Array[],
  isDialler: boolean,
): Handshaken {
  if (!result.frameMac || key === undefined) return { ...result, frameMac: false };
  const keyOf = (label: string): Uint8Array => macOf(options, key, result.auth, label, transcript);
  const [ofDialler, ofAcceptor] = [keyOf(DIALLER_FRAMES), keyOf(ACCEPTOR_FRAMES)];
  const frameKeys = isDialler
    ? { send: ofDialler, receive: ofAcceptor }
    : { send: ofAcceptor, receive: ofDialler };
  return { ...result, frameKeys };
}
