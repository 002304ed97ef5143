/**
 * The wire alone: terms and frames to bytes and back, the handshake, the limits. For tools that speak to a
 * node without being one; docs/wire.md says the same for other languages.
 */
export { CborReader, MalformedError } from "./cbor-reader.js";
export { Codec, type CodecOptions } from "./codec.js";
export { parseFrame, type Frame, type ReceivedSignal } from "./frame.js";
export { FrameWriter } from "./frame-writer.js";
export { FrameMac } from "./frame-mac.js";
export { accept, dial, handshake } from "./handshake.js";
export type {
  AcceptorOptions,
  DiallerOptions,
  FrameKeys,
  Handshaken,
  HandshakeEffect,
  HandshakeEvent,
  HandshakeState,
  HandshakeStep,
} from "./handshake-state.js";
export { Inbox, type Accepted } from "./inbox.js";
export {
  checkLimits,
  DEFAULT_LIMITS,
  negotiateLimits,
  type LimitName,
  type Limits,
  type NegotiatedLimits,
} from "./limits.js";
export { nodeCrypto } from "./node-crypto.js";
export { Outbox } from "./outbox.js";
export { RemoteError } from "./remote-error.js";
export { deriveKey, genCookie, type HandshakeCrypto, type Key } from "./secret.js";
export { parseSignal } from "./signal-reader.js";
export { encodeSignal } from "./signal-writer.js";
export { UnsendableTermError, type Identities, type NodeLife } from "./term.js";
export { CLOSE_CODES, OP_CODES, type WireOp, type WireSignal } from "./wire-signal.js";
