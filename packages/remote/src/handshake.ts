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
import {
  ACCEPTOR_LABEL,
  DIALLER_LABEL,
  FRAME_MAC,
  lacksFrameMac,
  macOf,
  NO_FRAME_MAC,
  WANTS_FRAME_MAC,
  withFrameKeys,
} from "./handshake-proof.js";
import type {
  AcceptorOptions,
  CommonOptions,
  DiallerOptions,
  Handshaken,
  HandshakeEvent,
  HandshakeState,
  HandshakeStep,
} from "./handshake-state.js";
import { negotiateLimits, type LimitName } from "./limits.js";
import type { Key } from "./secret.js";
import { CLOSE_CODES, type CloseCode } from "./wire-signal.js";

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
        return close(CLOSE_CODES.PROTOCOL, error.message, error.limit);
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
  const keys = options.keys.filter((key) => key.id === hello.keyId && allows(key, hello.role));
  // One that nobody has gets a challenge too: who asks shall not learn which keys there are.
  const isKeyed = auth !== "none";
  const challenge = encodeChallenge({ ...introduction(options, hello.keyId, isKeyed), auth });
  const barred = auth !== "none" && keys.length === 0;
  return {
    state: {
      phase: "proof",
      options,
      keys,
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
  const { options, keys, barred, result, transcript } = state;
  const { mac } = parseProof(proofBytes, "proof", options.limits);
  const proves = (key: Key | undefined): boolean =>
    options.crypto.equal(mac, macOf(options, key, result.auth, DIALLER_LABEL, transcript));
  // All are tried, so that the time does not tell which it was. Where none is meant, it is none that proves nothing.
  const [key] = keys.filter(proves);
  const isProved = keys.length === 0 ? proves(undefined) : key !== undefined;
  if (!isProved || barred) {
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

/** The transport may use its memory again. */
function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

function close(code: CloseCode, why: string, limit?: LimitName): HandshakeStep {
  const effect = { type: "close", code, why, ...(limit !== undefined && { limit }) } as const;
  return { state: { phase: "over" }, effects: [effect] };
}

function outOfTurn(what: string): never {
  throw new Error(`${what} where the handshake does not wait for it`);
}
