/**
 * The handshake: who are you? Pure: `(state, event) → { state, effects }`.
 *
 * ```text
 * dialler                          acceptor
 *   HELLO      ───────────────────►
 *              ◄───────────────────  CHALLENGE
 *   PROOF      ───────────────────►  verified, then admitted or refused
 *              ◄───────────────────  ACCEPT
 * ```
 *
 * A proof is an HMAC over a label of the role and over all that was said, byte for byte, in both
 * directions: the labels keep it from being sent back, the nonces from being sent again, the names and
 * incarnations from being used elsewhere, and nothing of what was agreed can have been changed on the
 * way. The dialler proves first: who knows no key is told nothing that was made with one.
 */
import { MalformedError } from "./cbor-reader.js";
import {
  encodeChallenge,
  encodeHello,
  encodeProof,
  NONCE_BYTES,
  parseChallenge,
  parseHello,
  parseProof,
  VERSION,
  VersionError,
  type Auth,
  type Challenge,
  type Hello,
  type Role,
} from "./handshake-message.js";
import { negotiateLimits, type Limits, type NegotiatedLimits } from "./limits.js";
import type { HandshakeCrypto, Key } from "./secret.js";
import type { NodeLife } from "./term.js";
import { CLOSE_CODES, type CloseCode } from "./wire-signal.js";

export type { Auth, Role } from "./handshake-message.js";

interface CommonOptions {
  readonly cluster: string;
  readonly home: NodeLife;
  readonly limits: Limits;
  /** Silence of this length is death, for us. In ms. */
  readonly hearMs: number;
  /** What we can do beyond version 1, and the keys of frames that go without saying. */
  readonly caps?: readonly string[];
  /** Every frame has to prove that the peer made it; who cannot do that is refused. */
  readonly frameMac?: boolean;
  /** What both ends of this connection know and nobody else: see RFC 9266. */
  readonly channelBinding?: Uint8Array | undefined;
  /** Used once: 32 random bytes. */
  readonly nonce: Uint8Array;
  readonly crypto: Pick<HandshakeCrypto, "hmac" | "equal">;
}

export interface DiallerOptions extends CommonOptions {
  /** `undefined`: without authentication, which the acceptor has to want too. */
  readonly key: Key | undefined;
  /** What we want to be. @default "node" */
  readonly role?: Role;
  /** Nobody else will do. */
  readonly expectNode?: string;
}

export interface AcceptorOptions extends CommonOptions {
  /** Those that open the door; none: without authentication. */
  readonly keys: readonly Key[];
}

/** Who the peer is, and what was agreed. */
export interface Handshaken {
  readonly peer: NodeLife;
  /** What the dialler is. An acceptor is always a node. */
  readonly role: Role;
  readonly keyId: string;
  readonly auth: Auth;
  /** What both can do. */
  readonly caps: readonly string[];
  readonly limits: NegotiatedLimits;
  /** How often the peer wants to hear us: four times within this. */
  readonly peerHearMs: number;
  /** One of the two wants frames to be proved. */
  readonly frameMac: boolean;
  /** With what; there once the session is open. */
  readonly frameKeys?: FrameKeys;
}

/** A key for each direction, of this session alone. */
export interface FrameKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

export type HandshakeState =
  | { readonly phase: "challenge"; readonly options: DiallerOptions; readonly hello: Uint8Array }
  | {
      readonly phase: "accept";
      readonly options: DiallerOptions;
      readonly transcript: readonly Uint8Array[];
      readonly result: Handshaken;
    }
  | { readonly phase: "hello"; readonly options: AcceptorOptions }
  | {
      readonly phase: "proof";
      readonly options: AcceptorOptions;
      readonly key: Key | undefined;
      /** There is no such key, or not for that role: no proof will do. */
      readonly barred: boolean;
      readonly transcript: readonly Uint8Array[];
      readonly result: Handshaken;
    }
  /** The peer has proved who it is; whether it may come in is decided elsewhere. */
  | {
      readonly phase: "admission";
      readonly options: AcceptorOptions;
      readonly key: Key | undefined;
      readonly transcript: readonly Uint8Array[];
      readonly result: Handshaken;
    }
  | { readonly phase: "over" };

export type HandshakeEvent =
  | { readonly type: "frame"; readonly bytes: Uint8Array }
  /** `handshakeMs` are over. */
  | { readonly type: "timeout" }
  /** The answer to `authenticated`. */
  | { readonly type: "admit" }
  | { readonly type: "refuse"; readonly code: CloseCode };

export type HandshakeEffect =
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** The acceptor has to `admit` or to `refuse` it. */
  | { readonly type: "authenticated"; readonly result: Handshaken }
  /** The session is open. */
  | { readonly type: "open"; readonly result: Handshaken }
  /** No explanation beyond the code goes to the peer; `why` is for our own log. */
  | { readonly type: "close"; readonly code: CloseCode; readonly why: string };

export interface HandshakeStep {
  readonly state: HandshakeState;
  readonly effects: readonly HandshakeEffect[];
}

const DIALLER_LABEL = "coppice/1 dialler";
const ACCEPTOR_LABEL = "coppice/1 acceptor";
const DIALLER_FRAMES = "coppice/1 frames of the dialler";
const ACCEPTOR_FRAMES = "coppice/1 frames of the acceptor";

/** It can prove its frames. */
const FRAME_MAC = "frame-mac";
/** It wants frames to be proved. */
const WANTS_FRAME_MAC = "want-frame-mac";

/** Where a key is shared by none: HMAC with it proves nothing. */
const NO_KEY = new Uint8Array(32);

/** The dialler begins. */
export function dial(options: DiallerOptions): HandshakeStep {
  const { cluster, key, role = "node" } = options;
  const auths: Auth[] =
    key === undefined
      ? ["none"]
      : options.channelBinding === undefined
        ? ["psk"]
        : ["psk-tls", "psk"];
  const isKeyed = key !== undefined;
  const hello = encodeHello({
    ...introduction(options, key?.id ?? "", isKeyed),
    cluster,
    auths,
    role,
  });
  return {
    state: { phase: "challenge", options, hello },
    effects: [{ type: "send", bytes: hello }],
  };
}

/** The acceptor waits. */
export function accept(options: AcceptorOptions): HandshakeState {
  return { phase: "hello", options };
}

export function handshake(state: HandshakeState, event: HandshakeEvent): HandshakeStep {
  if (state.phase === "over") return { state, effects: [] };
  switch (event.type) {
    case "timeout":
      return close(CLOSE_CODES.HANDSHAKE, "the handshake took too long");
    case "admit":
      return state.phase === "admission" ? admitted(state) : outOfTurn(event.type);
    case "refuse":
      return state.phase === "admission" ? close(event.code, "refused") : outOfTurn(event.type);
    case "frame":
      try {
        return frame(state, event.bytes);
      } catch (error) {
        if (error instanceof VersionError) return close(CLOSE_CODES.VERSION, error.message);
        if (!(error instanceof MalformedError)) throw error;
        return close(CLOSE_CODES.PROTOCOL, error.message);
      }
    default:
      return event satisfies never;
  }
}

function frame(
  state: Exclude<HandshakeState, { phase: "over" }>,
  bytes: Uint8Array,
): HandshakeStep {
  switch (state.phase) {
    case "hello":
      return challenged(state, copy(bytes));
    case "challenge":
      return proved(state, copy(bytes));
    case "proof":
      return verified(state, copy(bytes));
    case "accept":
      return accepted(state, bytes);
    case "admission":
      return close(CLOSE_CODES.PROTOCOL, "a message out of turn");
    default:
      return state satisfies never;
  }
}

/** A HELLO came. */
function challenged(
  { options }: Extract<HandshakeState, { phase: "hello" }>,
  helloBytes: Uint8Array,
): HandshakeStep {
  const hello = parseHello(helloBytes, options.limits);
  if (hello.cluster !== options.cluster) return close(CLOSE_CODES.CLUSTER, "another cluster");
  if (hello.node === options.home.name) return close(CLOSE_CODES.NAME_TAKEN, "my own name");
  const auth = chooseAuth(options, hello);
  if (auth === undefined) return close(CLOSE_CODES.AUTH, "no authentication in common");
  if (lacksFrameMac(options, hello)) return close(CLOSE_CODES.AUTH, NO_FRAME_MAC);
  const key = options.keys.find(({ id }) => id === hello.keyId);
  // One that nobody has gets a challenge too: who asks shall not learn which keys there are.
  const isKeyed = auth !== "none";
  const challenge = encodeChallenge({ ...introduction(options, hello.keyId, isKeyed), auth });
  const barred = auth !== "none" && !(key !== undefined && allows(key, hello.role));
  return {
    state: {
      phase: "proof",
      options,
      key,
      barred,
      transcript: [helloBytes, challenge],
      result: resultOf(options, hello, auth, hello.role),
    },
    effects: [{ type: "send", bytes: challenge }],
  };
}

/** A CHALLENGE came. */
function proved(
  { options, hello }: Extract<HandshakeState, { phase: "challenge" }>,
  challengeBytes: Uint8Array,
): HandshakeStep {
  const challenge = parseChallenge(challengeBytes, options.limits);
  const { key, channelBinding, expectNode, home, role = "node" } = options;
  const { auth } = challenge;
  if (expectNode !== undefined && challenge.node !== expectNode) {
    return close(CLOSE_CODES.NAME_TAKEN, `it is "${challenge.node}", not "${expectNode}"`);
  }
  if (challenge.node === home.name) return close(CLOSE_CODES.NAME_TAKEN, "my own name");
  if (lacksFrameMac(options, challenge)) return close(CLOSE_CODES.AUTH, NO_FRAME_MAC);
  const offered =
    key === undefined
      ? auth === "none"
      : auth === "psk" || (auth === "psk-tls" && channelBinding !== undefined);
  if (!offered || challenge.keyId !== (key?.id ?? "")) {
    return close(CLOSE_CODES.AUTH, "an authentication that was not offered");
  }
  const mac = macOf(options, key, auth as Auth, DIALLER_LABEL, [hello, challengeBytes]);
  const proof = encodeProof({ type: "proof", mac });
  return {
    state: {
      phase: "accept",
      options,
      transcript: [hello, challengeBytes, proof],
      result: resultOf(options, challenge, auth as Auth, role),
    },
    effects: [{ type: "send", bytes: proof }],
  };
}

/** A PROOF came. */
function verified(
  state: Extract<HandshakeState, { phase: "proof" }>,
  proofBytes: Uint8Array,
): HandshakeStep {
  const { options, key, barred, result, transcript } = state;
  const { mac } = parseProof(proofBytes, "proof", options.limits);
  const expected = macOf(options, key, result.auth, DIALLER_LABEL, transcript);
  if (!options.crypto.equal(mac, expected) || barred) {
    return close(CLOSE_CODES.AUTH, barred ? "no such key, or not for that role" : "a wrong proof");
  }
  return {
    state: {
      phase: "admission",
      options,
      key,
      transcript: [...transcript, proofBytes],
      result,
    },
    effects: [{ type: "authenticated", result }],
  };
}

function admitted({
  options,
  key,
  result,
  transcript,
}: Extract<HandshakeState, { phase: "admission" }>): HandshakeStep {
  const mac = macOf(options, key, result.auth, ACCEPTOR_LABEL, transcript);
  return {
    state: { phase: "over" },
    effects: [
      { type: "send", bytes: encodeProof({ type: "accept", mac }) },
      { type: "open", result: withFrameKeys(result, options, key, transcript, false) },
    ],
  };
}

/** An ACCEPT came. */
function accepted(
  { options, result, transcript }: Extract<HandshakeState, { phase: "accept" }>,
  bytes: Uint8Array,
): HandshakeStep {
  const { mac } = parseProof(bytes, "accept", options.limits);
  const expected = macOf(options, options.key, result.auth, ACCEPTOR_LABEL, transcript);
  if (!options.crypto.equal(mac, expected)) return close(CLOSE_CODES.AUTH, "a wrong proof");
  const opened = withFrameKeys(result, options, options.key, transcript, true);
  return { state: { phase: "over" }, effects: [{ type: "open", result: opened }] };
}

const NO_FRAME_MAC = "its frames cannot be proved";

function lacksFrameMac({ frameMac = false }: CommonOptions, said: Hello | Challenge): boolean {
  return frameMac && !said.caps.includes(FRAME_MAC);
}

function withFrameKeys(
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

function introduction(options: CommonOptions, keyId: string, isKeyed: boolean) {
  const { home, limits, nonce, hearMs, frameMac = false } = options;
  const caps = [...(options.caps ?? [])];
  if (isKeyed) caps.push(FRAME_MAC);
  if (isKeyed && frameMac) caps.push(WANTS_FRAME_MAC);
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce of ${nonce.length} bytes`);
  const { name: node, incarnation } = home;
  return { version: VERSION, node, incarnation, nonce, caps, limits, keyId, hearMs };
}

/** The best that both can; never without a key where there are keys. */
function chooseAuth(options: AcceptorOptions, hello: Hello): Auth | undefined {
  const wanted: readonly Auth[] =
    options.keys.length === 0
      ? ["none"]
      : options.channelBinding === undefined
        ? ["psk"]
        : ["psk-tls", "psk"];
  return wanted.find((auth) => hello.auths.includes(auth));
}

function allows(key: Key, role: Role): boolean {
  return key.role === "node" || role === "client";
}

function resultOf(
  options: CommonOptions,
  said: Hello | Challenge,
  auth: Auth,
  role: Role,
): Handshaken {
  const { caps = [], limits, frameMac = false } = options;
  const areProved = said.caps.includes(FRAME_MAC) && auth !== "none";
  return {
    peer: { name: said.node, incarnation: said.incarnation },
    role,
    keyId: said.keyId,
    auth,
    caps: caps.filter((cap) => said.caps.includes(cap)),
    limits: negotiateLimits(limits, said.limits),
    peerHearMs: said.hearMs,
    frameMac: areProved && (frameMac || said.caps.includes(WANTS_FRAME_MAC)),
  };
}

/** HMAC over the parts, each behind its length: no two lists of parts give the same bytes. */
function macOf(
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

/** The transport may use its memory again. */
function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

function close(code: CloseCode, why: string): HandshakeStep {
  return { state: { phase: "over" }, effects: [{ type: "close", code, why }] };
}

function outOfTurn(what: string): never {
  throw new Error(`${what} where the handshake does not wait for it`);
}
