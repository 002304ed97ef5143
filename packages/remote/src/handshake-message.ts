/**
 * The messages of the handshake, to bytes and back. Each is one frame of the transport, an array whose
 * first element says which it is.
 *
 * ```text
 * HELLO     [1, version, cluster, node, incarnation, nonce, auths, caps, limits, key, hear, role]
 * CHALLENGE [2, version, node, incarnation, nonce, auth, caps, limits, key, hear]
 * PROOF     [3, mac]
 * ACCEPT    [4, mac]
 * ```
 */
import { ARRAY, CborWriter } from "./cbor-writer.js";
import { CborReader, MalformedError } from "./cbor-reader.js";
import type { Limits, NegotiatedLimits } from "./limits.js";
import { isNodeName } from "./node-name.js";

export const VERSION = 1;
export const NONCE_BYTES = 32;
export const MAC_BYTES = 32;

/** How a proof is made: over the transcript, and over what the TLS of this connection makes secret. */
export type Auth =
  /** With a shared key. */
  | "psk"
  /** Likewise, bound to the TLS connection that both ends see. */
  | "psk-tls"
  /** With no key at all: proves nothing. Only where both sides say `insecure`. */
  | "none";

export type Role = "node" | "client";

/** What both say of themselves. */
interface Introduction {
  readonly version: number;
  readonly node: string;
  readonly incarnation: number;
  readonly nonce: Uint8Array;
  readonly caps: readonly string[];
  readonly limits: NegotiatedLimits;
  readonly keyId: string;
  /** Silence of this length is death, for who says it. In ms. */
  readonly hearMs: number;
}

export interface Hello extends Introduction {
  readonly type: "hello";
  readonly cluster: string;
  /** What the dialler can do. */
  readonly auths: readonly string[];
  readonly role: Role;
}

export interface Challenge extends Introduction {
  readonly type: "challenge";
  /** What the acceptor chose. */
  readonly auth: string;
}

export interface Proof {
  readonly type: "proof" | "accept";
  readonly mac: Uint8Array;
}

const MAX_LIST = 16;
const MAX_WORD_BYTES = 64;
const MAX_CLUSTER_BYTES = 128;

/** Nobody has to say something more often than every quarter of this. */
const MIN_HEAR_MS = 100;
const MAX_HEAR_MS = 24 * 3_600_000;

/** Our own lower bounds of what a peer may offer: below them nothing would work. */
const MIN_NEGOTIATED: NegotiatedLimits = {
  maxFrameBytes: 4096,
  maxMessageBytes: 1024,
  fragmentBytes: 1024,
  windowBytes: 65_536,
  windowSignals: 16,
};

const NEGOTIATED = Object.keys(MIN_NEGOTIATED) as (keyof NegotiatedLimits)[];

export function encodeHello(hello: Omit<Hello, "type">): Uint8Array {
  const writer = start(1, 12);
  writer.integer(hello.version);
  writer.text(hello.cluster);
  writer.text(hello.node);
  writer.integer(hello.incarnation);
  writer.byteString(hello.nonce);
  words(writer, hello.auths);
  words(writer, hello.caps);
  limits(writer, hello.limits);
  writer.text(hello.keyId);
  writer.integer(hello.hearMs);
  writer.text(hello.role);
  return writer.cut();
}

export function encodeChallenge(challenge: Omit<Challenge, "type">): Uint8Array {
  const writer = start(2, 10);
  writer.integer(challenge.version);
  writer.text(challenge.node);
  writer.integer(challenge.incarnation);
  writer.byteString(challenge.nonce);
  writer.text(challenge.auth);
  words(writer, challenge.caps);
  limits(writer, challenge.limits);
  writer.text(challenge.keyId);
  writer.integer(challenge.hearMs);
  return writer.cut();
}

export function encodeProof({ type, mac }: Proof): Uint8Array {
  const writer = start(type === "proof" ? 3 : 4, 2);
  writer.byteString(mac);
  return writer.cut();
}

/** Another version: what follows the version may have any form. */
export class VersionError extends Error {
  override readonly name = "VersionError";
}

type HandshakeLimits = Pick<Limits, "maxHandshakeBytes" | "maxNodeNameBytes">;

/** @throws MalformedError, VersionError */
export function parseHello(bytes: Uint8Array, limits: HandshakeLimits): Hello {
  const reader = open(bytes, 1, 12, limits);
  const version = readVersion(reader);
  const cluster = reader.text(MAX_CLUSTER_BYTES, "maxHandshakeBytes");
  const node = readNode(reader, limits);
  const incarnation = reader.unsigned();
  const nonce = readBytes(reader, NONCE_BYTES);
  const auths = readWords(reader);
  const caps = readWords(reader);
  const negotiated = readLimits(reader);
  const keyId = word(reader);
  const hearMs = readHear(reader);
  const role = word(reader);
  reader.finish();
  if (role !== "node" && role !== "client") throw new MalformedError("a role that is none");
  const common = { version, node, incarnation, nonce, caps, limits: negotiated, keyId, hearMs };
  return { type: "hello", ...common, cluster, auths, role };
}

/** @throws MalformedError, VersionError */
export function parseChallenge(bytes: Uint8Array, limits: HandshakeLimits): Challenge {
  const reader = open(bytes, 2, 10, limits);
  const version = readVersion(reader);
  const node = readNode(reader, limits);
  const incarnation = reader.unsigned();
  const nonce = readBytes(reader, NONCE_BYTES);
  const auth = word(reader);
  const caps = readWords(reader);
  const negotiated = readLimits(reader);
  const keyId = word(reader);
  const hearMs = readHear(reader);
  reader.finish();
  const common = { version, node, incarnation, nonce, caps, limits: negotiated, keyId, hearMs };
  return { type: "challenge", ...common, auth };
}

/** @throws MalformedError */
export function parseProof(bytes: Uint8Array, type: Proof["type"], limits: HandshakeLimits): Proof {
  const reader = open(bytes, type === "proof" ? 3 : 4, 2, limits);
  const mac = readBytes(reader, MAC_BYTES);
  reader.finish();
  return { type, mac };
}

function start(code: number, count: number): CborWriter {
  const writer = new CborWriter(512, Number.MAX_SAFE_INTEGER);
  writer.begin(0, 0);
  writer.head(ARRAY, count);
  writer.integer(code);
  return writer;
}

function words(writer: CborWriter, texts: readonly string[]): void {
  writer.head(ARRAY, texts.length);
  for (const text of texts) writer.text(text);
}

function limits(writer: CborWriter, negotiated: NegotiatedLimits): void {
  writer.head(ARRAY, NEGOTIATED.length);
  for (const name of NEGOTIATED) writer.integer(negotiated[name]);
}

function open(
  bytes: Uint8Array,
  code: number,
  count: number,
  { maxHandshakeBytes }: HandshakeLimits,
): CborReader {
  if (bytes.length > maxHandshakeBytes) {
    throw new MalformedError("a frame before the session that is too long", "maxHandshakeBytes");
  }
  const reader = new CborReader(bytes);
  const came = reader.arrayHead();
  if (reader.unsigned() !== code) throw new MalformedError("a message out of turn");
  // Another version may have another length.
  if (came !== count && code <= 2) readVersion(reader);
  if (came !== count) throw new MalformedError("a message of a wrong length");
  return reader;
}

function readVersion(reader: CborReader): number {
  const version = reader.unsigned();
  if (version !== VERSION) throw new VersionError(`version ${version}`);
  return version;
}

function readNode(reader: CborReader, { maxNodeNameBytes }: HandshakeLimits): string {
  const node = reader.text(maxNodeNameBytes, "maxNodeNameBytes");
  if (!isNodeName(node)) throw new MalformedError("no name of a node");
  return node;
}

function readBytes(reader: CborReader, count: number): Uint8Array {
  const bytes = reader.byteString();
  if (bytes.length !== count) throw new MalformedError("bytes of a wrong length");
  return bytes;
}

function word(reader: CborReader): string {
  return reader.text(MAX_WORD_BYTES, "maxHandshakeBytes");
}

function readWords(reader: CborReader): string[] {
  const count = reader.arrayHead();
  if (count > MAX_LIST) throw new MalformedError("a list that is too long");
  return Array.from({ length: count }, () => word(reader));
}

function readHear(reader: CborReader): number {
  const hearMs = reader.unsigned();
  if (hearMs < MIN_HEAR_MS || hearMs > MAX_HEAR_MS) {
    throw new MalformedError("a time to be heard in that nobody can keep");
  }
  return hearMs;
}

function readLimits(reader: CborReader): NegotiatedLimits {
  reader.arrayOf(NEGOTIATED.length);
  const negotiated: Record<keyof NegotiatedLimits, number> = { ...MIN_NEGOTIATED };
  for (const name of NEGOTIATED) {
    const value = reader.unsigned();
    if (value < MIN_NEGOTIATED[name]) throw new MalformedError(`a ${name} that is too small`);
    negotiated[name] = value;
  }
  return negotiated;
}
