/** What a connection is made of, and what it tells: the ports of `Connection`. */
import type { Clock } from "@coppice/core";
import type { Connection } from "./connection.js";
import type { Role } from "./handshake-message.js";
import type { BreachCounts, Limits } from "./limits.js";
import type { HandshakeCrypto, Key } from "./secret.js";
import type { SessionEnd } from "./session.js";
import type { SharedBytes } from "./shared-bytes.js";
import type { SharedQueues } from "./shared-queues.js";
import type { Identities, NodeLife } from "./term.js";
import type { Bucket } from "./token-bucket.js";
import type { OverflowPolicy } from "./watermark.js";
import type { CloseCode, WireSignal } from "./wire-signal.js";

/** How the acceptor answers one who has proved who it is. */
export type Admission = "accept" | { readonly code: CloseCode; readonly text: string };

/** Who the other side of a session is. */
export interface SessionPeer {
  readonly node: NodeLife;
  readonly role: Role;
  /** It has proved to know a key. */
  readonly isAuthenticated: boolean;
}

/** What a connection tells the node it belongs to. */
export interface ConnectionEvents {
  /** An acceptor's peer has proved who it is: may it come in? */
  admit(connection: Connection, peer: SessionPeer): Admission | Promise<Admission>;
  /** A dialler's peer has said who it is, and has proved nothing yet. A code ends it. */
  challenged(connection: Connection, peer: NodeLife): Admission | Promise<Admission>;
  /** The session is open. Signals come from now on. */
  opened(connection: Connection, peer: SessionPeer): void;
  /** A signal came, in the order it was sent. */
  signal(connection: Connection, signal: WireSignal): void;
  /** More, or not so much any more, is waiting than goes out. */
  busy(connection: Connection, isBusy: boolean): void;
  /** This side was stopped for so long. */
  stalled(connection: Connection, lateMs: number): void;
  /** It is over. Told once; nothing is told after it. */
  down(connection: Connection, end: SessionEnd): void;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly home: NodeLife;
  readonly cluster: string;
  /** What this node wants to be where it dials. */
  readonly role: Role;
  /** Whom it has to find there. */
  readonly expected: string | undefined;
  /** None: without authentication. */
  readonly keys: readonly Key[];
  /** Every frame has to prove that the peer made it. */
  readonly frameMac?: boolean;
  readonly crypto: HandshakeCrypto;
  readonly limits: Limits;
  readonly hearMs: number;
  readonly overflow: OverflowPolicy;
  readonly breaches: BreachCounts;
  /** Runs `task` when the code that runs now, and what it has made ready, is done. */
  readonly soon: (task: () => void) => void;
  /** Runs `task` after the host has done its I/O. */
  readonly afterTurn: (task: () => void) => void;
  /** Runs `task` when the event loop has turned, and others had theirs. */
  readonly nextTurn: (task: () => void) => void;
  /** How much a client has said lately, in this session or those before. */
  readonly said: (peer: SessionPeer) => { bucket: Bucket | undefined };
  /** What all clients together have sent in part. */
  readonly clientAssembly?: SharedBytes;
  /** What waits to be sent to all clients. */
  readonly clientQueues?: SharedQueues;
  /** How the codec of the session makes pids and references. */
  readonly identities: (peer: SessionPeer) => Identities;
}
