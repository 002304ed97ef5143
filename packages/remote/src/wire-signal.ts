/**
 * Wire signals: all that two nodes say to each other once their session is open.
 *
 * On the wire each is an array whose first element is its op. A `Serial` is the number of a process
 * of the node that the field belongs to: `from` of the sender's, `to` of the receiver's, so that a
 * peer can speak only as itself; 0 is the node itself. What users say (messages, exit reasons,
 * arguments) travels as a byte string with CBOR in it and is decoded later, by the one it is for.
 */

/** The number of a process on its node. */
export type Serial = number;

/** The number of a monitor, an alias or a request, given by the node that made it. */
export type RefSerial = number;

/** What is watched or was watched: a process, or whoever holds a name. */
export type WireTarget = Serial | string;

/** How to start a process for a peer. */
export interface WireSpawnOptions {
  /** Linked to the one who asks, from its first moment. */
  readonly link?: boolean;
  /** Monitored by the one who asks, under this number. */
  readonly monitor?: RefSerial;
  /** The reply waits until the process has initialised, at most this long. */
  readonly startTimeoutMs?: number;
  /** What people call it; at most 255 bytes. */
  readonly label?: string;
  /** How long it may unwind after an exit signal; `null`: for ever. */
  readonly unwindMs?: number | null;
}

/**
 * Every signal. `P` is what a payload is: a `Uint8Array` with CBOR in what came in and in what waits
 * to be sent; the term itself in what `FrameWriter` takes.
 */
export type WireSignal<P = Uint8Array> =
  | { readonly op: "send"; readonly to: Serial; readonly from: Serial; readonly payload: P }
  | { readonly op: "send-name"; readonly name: string; readonly from: Serial; readonly payload: P }
  | {
      readonly op: "send-alias";
      readonly ref: RefSerial;
      readonly from: Serial;
      readonly payload: P;
    }
  /** In place of a reply: the call fails with the error in the payload. */
  | {
      readonly op: "refuse";
      readonly ref: RefSerial;
      readonly from: Serial;
      readonly payload: P;
    }
  | { readonly op: "link"; readonly from: Serial; readonly to: Serial }
  | { readonly op: "unlink"; readonly id: number; readonly from: Serial; readonly to: Serial }
  | { readonly op: "unlink-ack"; readonly id: number; readonly from: Serial; readonly to: Serial }
  | { readonly op: "link-exit"; readonly from: Serial; readonly to: Serial; readonly payload: P }
  | { readonly op: "exit"; readonly from: Serial; readonly to: Serial; readonly payload: P }
  | {
      readonly op: "monitor";
      readonly ref: RefSerial;
      readonly from: Serial;
      readonly target: WireTarget;
    }
  | { readonly op: "demonitor"; readonly ref: RefSerial }
  | {
      readonly op: "down";
      readonly ref: RefSerial;
      readonly to: Serial;
      readonly target: WireTarget;
      readonly payload: P;
    }
  | {
      readonly op: "spawn";
      readonly request: RefSerial;
      readonly from: Serial;
      readonly name: string;
      /** An array of arguments. */
      readonly payload: P;
      readonly options: WireSpawnOptions;
    }
  | {
      readonly op: "spawn-reply";
      readonly request: RefSerial;
      readonly to: Serial;
      /** The new process; `null` when there is none, for the reason in `payload`. */
      readonly pid: Serial | null;
      readonly payload: P;
    }
  | { readonly op: "ping"; readonly n: number }
  | { readonly op: "pong"; readonly n: number }
  | { readonly op: "credit"; readonly bytes: number; readonly signals: number }
  | { readonly op: "goaway"; readonly code: number; readonly text: string }
  | {
      readonly op: "frag";
      readonly stream: number;
      readonly last: boolean;
      /** The next piece of a signal that is too big for one frame. */
      readonly bytes: Uint8Array;
    };

export type WireOp = WireSignal["op"];

/** The numbers of the ops. Those from 64 on are ignored by who does not know them; others close the session. */
export const OP_CODES: { readonly [O in WireOp]: number } = {
  send: 1,
  "send-name": 2,
  "send-alias": 3,
  link: 4,
  unlink: 5,
  "unlink-ack": 6,
  "link-exit": 7,
  exit: 8,
  monitor: 9,
  demonitor: 10,
  down: 11,
  spawn: 12,
  "spawn-reply": 13,
  refuse: 14,
  ping: 16,
  pong: 17,
  credit: 18,
  goaway: 19,
  frag: 20,
};

/** The first op that may be ignored by who does not know it. */
export const FIRST_OPTIONAL_OP = 64;

/**
 * Does the signal count against the credit window? Those that keep the session itself alive do not:
 * they must pass when nothing else can.
 */
export function isCounted(op: WireOp): boolean {
  return op !== "ping" && op !== "pong" && op !== "credit" && op !== "goaway";
}

/** May the signal be dropped when too much is waiting? Only what a user sent as a message. */
export function isDroppable(op: WireOp): boolean {
  return op === "send" || op === "send-name" || op === "send-alias" || op === "refuse";
}

/** Why a session or a connection was closed: the code of its GOAWAY and of its WebSocket close. */
export const CLOSE_CODES = {
  /** In order: the node stops, or the session is not wanted any more. */
  NORMAL: 4000,
  /** Not the same version of the protocol. */
  VERSION: 4001,
  /** The proof is wrong, or there is none. */
  AUTH: 4002,
  /** The handshake took too long, or too many are going on. */
  HANDSHAKE: 4003,
  /** Not the same cluster. */
  CLUSTER: 4004,
  /** What came breaks the protocol. */
  PROTOCOL: 4007,
  /** A limit was exceeded. */
  LIMIT: 4008,
  /** More is waiting to be sent than can be kept. */
  OVERLOAD: 4009,
  /** Nothing was heard for too long. */
  SILENCE: 4010,
  /** The peer asked for more than its role allows, again and again. */
  RATE: 4011,
  /** Both dialled each other: this is the connection of the two that goes. */
  DUPLICATE: 4020,
  /** A live session has that name. */
  NAME_TAKEN: 4021,
} as const;

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES];
