/** The handshake as data: what each side begins with, what it waits for, and what comes of it. */
import type { Auth, Role } from "./handshake-message.js";
import type { LimitName, Limits, NegotiatedLimits } from "./limits.js";
import type { HandshakeCrypto, Key } from "./secret.js";
import type { NodeLife } from "./term.js";
import type { CloseCode } from "./wire-signal.js";

/** What both sides need. */
export interface CommonOptions {
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
      /** Those that may be meant. */
      readonly keys: readonly Key[];
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
  | {
      readonly type: "close";
      readonly code: CloseCode;
      readonly why: string;
      /** What was exceeded, if it was a limit. */
      readonly limit?: LimitName;
    };

export interface HandshakeStep {
  readonly state: HandshakeState;
  readonly effects: readonly HandshakeEffect[];
}
