/**
 * A peer: one other node by name, as long as something connects us, be it only the attempt. What is said
 * to it before the session is open is encoded at once, and waits here.
 */
import {
  isRef,
  type AnyPid,
  type Gateway,
  type Peer,
  type Ref,
  type RemoteSignal,
} from "@coppice/core";
import { TooManyCallsError, UnreadableError } from "./errors.js";
import type { Codec } from "./codec.js";
import type { Connection } from "./connection.js";
import type { Incoming } from "./incoming.js";
import type { BreachCounts, Limits } from "./limits.js";
import { lifeOf, messageOf, senderOf, wireOf } from "./outgoing.js";
import { FrameWriter } from "./frame-writer.js";
import { encodeSignal } from "./signal-writer.js";
import type { OverflowPolicy } from "./watermark.js";
import { admit, exceededBy } from "./watermark.js";
import { UnsendableTermError } from "./term.js";
import type { WireOp, WireSignal } from "./wire-signal.js";

/** What a signal takes besides its bytes while it waits for a session: it is there as it was said, too. */
const AS_SAID_BYTES = 1024;

/**
 * What waits for a session. Made by a constructor: of what is written as a literal, and was seen to live long,
 * an engine makes all that follows where it looks for garbage last, and there each keeps its message when it
 * waits no longer. Into a node that is paused, full load took 100 MB more so.
 */
class Waiting {
  /** `undefined` for what no life of the other node is particular to. */
  readonly signal: RemoteSignal | undefined;
  readonly sender: number;
  readonly bytes: Uint8Array;

  constructor(signal: RemoteSignal | undefined, sender: number, bytes: Uint8Array) {
    this.signal = signal;
    this.sender = sender;
    this.bytes = bytes;
  }
}

export interface RemotePeerOptions {
  readonly gateway: Gateway;
  readonly name: string;
  readonly limits: Limits;
  readonly overflow: OverflowPolicy;
  readonly breaches: BreachCounts;
  /** Encodes for a peer whose life is not known yet. */
  readonly codec: Codec;
  /** Too much waits for a session that is not open. */
  readonly overloaded: () => void;
}

export class RemotePeer {
  readonly name: string;
  readonly core: Peer;
  /** The open session. */
  connection: Connection | undefined = undefined;
  incoming: Incoming | undefined = undefined;
  /** A connection that is to become the session. */
  dialling: Connection | undefined = undefined;
  readonly #options: RemotePeerOptions;
  #waiting: Waiting[] = [];
  /** Writes what waits, many into one allocation. */
  #writer: FrameWriter | undefined = undefined;
  #waitingBytes = 0;
  /** Those who wait until it is not busy. */
  #whenReady: (() => void)[] = [];

  constructor(options: RemotePeerOptions) {
    this.name = options.name;
    this.#options = options;
    this.core = options.gateway.open(options.name, (signal) => this.#send(signal));
  }

  get isBusy(): boolean {
    const { connection } = this;
    if (connection !== undefined) return connection.isBusy;
    return this.#waitingBytes >= this.#options.limits.softQueueBytes;
  }

  get queuedBytes(): number {
    return this.connection?.queuedBytes ?? this.#waitingBytes;
  }

  /** Resolves when it is not busy, or is lost. */
  ready(): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    return new Promise((resolve) => void this.#whenReady.push(resolve));
  }

  /** It is not busy any more. */
  wake(): void {
    const waiting = this.#whenReady;
    this.#whenReady = [];
    for (const resolve of waiting) resolve();
  }

  /** The session is open: what waited goes out, but what was for another life of the node. */
  attach(connection: Connection, incoming: Incoming, incarnation: number): void {
    this.connection = connection;
    this.incoming = incoming;
    if (this.dialling === connection) this.dialling = undefined;
    this.core.up(incarnation);
    const waiting = this.#takeWaiting();
    for (const { signal, sender, bytes } of waiting) {
      const life = signal === undefined ? undefined : lifeOf(signal);
      if (life !== undefined && life !== incarnation) this.#dropped(signal);
      else connection.pushEncoded(sender, bytes);
    }
    this.wake();
  }

  /** A process of that life of it which the session is with. */
  pid(serial: number): AnyPid {
    return this.#options.gateway.pid(this.name, this.core.incarnation ?? -1, serial);
  }

  /** Something else is said over the session, such as a request to start a process. */
  say(sender: AnyPid, signal: WireSignal<unknown>): void {
    this.#options.gateway.export(sender);
    if (this.connection !== undefined) {
      this.connection.push(sender.serial, signal);
      return;
    }
    const bytes = this.#encode(signal);
    if (this.#isAdmitted(signal.op, bytes)) this.#wait(undefined, sender.serial, bytes);
  }

  /** It is over, or did not come about. */
  lost(): void {
    this.connection = this.incoming = this.dialling = undefined;
    const waiting = this.#takeWaiting();
    for (const { signal } of waiting) this.#dropped(signal);
    this.core.lost();
    this.wake();
  }

  #send(signal: RemoteSignal): void {
    this.#checkCalls(signal);
    this.#export(signal);
    const { connection } = this;
    if (signal.type === "down") this.incoming?.monitorEnded(signal.ref.serial);
    if (connection !== undefined) {
      if (!this.#push(connection, signal)) this.#dropped(signal);
      return;
    }
    const wire = wireOf(signal);
    const bytes = this.#encode(wire);
    if (this.#isAdmitted(wire.op, bytes)) this.#wait(signal, senderOf(signal), bytes);
    else this.#dropped(signal);
  }

  /** May it wait for the session? What is too much may end the attempt. */
  #isAdmitted(op: WireOp, bytes: Uint8Array): boolean {
    const { limits, overflow, breaches } = this.#options;
    const verdict = admit(op, costOf(bytes), this.#waitingBytes, limits, overflow);
    if (verdict === "queue") return true;
    breaches.count(exceededBy(op));
    if (verdict === "close") this.#options.overloaded();
    return false;
  }

  /** `false`: it was dropped. What is more than the other node takes is told to whom it concerns. */
  #push(connection: Connection, signal: RemoteSignal): boolean {
    const sender = senderOf(signal);
    const wire = wireOf(signal);
    const message = messageOf(signal);
    if (message === undefined) return connection.push(sender, wire);
    try {
      return connection.push(sender, wire);
    } catch (error) {
      if (!(error instanceof UnsendableTermError)) throw error;
      // What could be sent to nobody is the sender's error.
      encodeSignal(wire, this.#options.codec);
    }
    this.#tooBig(connection, signal);
    return true;
  }

  /**
   * Who sends does not know how little the other node takes, and is no worse for it: who waits for a reply
   * is told, be it the reply or the request that is too big; of any other message the node is.
   */
  #tooBig(connection: Connection, signal: RemoteSignal): void {
    const { gateway, breaches } = this.#options;
    breaches.count("maxMessageBytes");
    const unreadable = (what: "request" | "reply" | "message"): UnreadableError =>
      new UnreadableError(what, this.name, "it is bigger than was agreed on");
    if (signal.type === "alias" || signal.type === "refusal") {
      const [ref, from] = [signal.ref.serial, signal.from.serial];
      connection.push(from, { op: "refuse", ref, from, payload: unreadable("reply") });
      return;
    }
    const asked = askedBy(signal);
    if (asked !== undefined) {
      gateway.refuse(asked, unreadable("request"));
      return;
    }
    const message = messageOf(signal);
    if (message === undefined) return;
    gateway.unsendable(
      this.#whom(message.to),
      message.message,
      message.from,
      unreadable("message"),
    );
  }

  /** Each call holds what its reply is to find; who calls without waiting is told so. */
  #checkCalls(signal: RemoteSignal): void {
    if (askedBy(signal) === undefined) return;
    const { limits, breaches } = this.#options;
    if (this.core.counts.watching <= limits.maxPendingCalls) return;
    breaches.count("maxPendingCalls");
    throw new TooManyCallsError(this.name, limits.maxPendingCalls);
  }

  /** What waits, and does so no longer. */
  #takeWaiting(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writer = undefined;
    return waiting;
  }

  #encode(signal: WireSignal<unknown>): Uint8Array {
    const { codec } = this.#options;
    const writer = (this.#writer ??= new FrameWriter(codec));
    // A getter in the term that is being written may send something itself.
    return writer.writing ? encodeSignal(signal, codec) : writer.aside(signal);
  }

  #wait(signal: RemoteSignal | undefined, sender: number, bytes: Uint8Array): void {
    this.#waiting.push(new Waiting(signal, sender, bytes));
    this.#waitingBytes += costOf(bytes);
  }

  /** Whom the other node may have to name to us is found again by its number. */
  #export(signal: RemoteSignal): void {
    switch (signal.type) {
      case "message":
      case "named":
      case "alias":
      case "refusal":
      case "demonitor":
      case "down":
        return;
      default:
        this.#options.gateway.export(signal.from);
    }
  }

  /** A message that will not arrive is counted; of all else the end of the session tells. */
  #dropped(signal: RemoteSignal | undefined): void {
    const message = signal === undefined ? undefined : messageOf(signal);
    if (message === undefined) return;
    const { to, from } = message;
    this.#options.gateway.undelivered(this.#whom(to), message.message, from);
  }

  #whom(to: AnyPid | string): AnyPid {
    return typeof to === "string" ? this.#options.gateway.place(this.name, to) : to;
  }
}

/** Where the reply goes, if it is a request that waits for one. */
function askedBy(signal: RemoteSignal): Ref | undefined {
  if (signal.type !== "message" && signal.type !== "named") return undefined;
  const { type, from } = Object(signal.message) as {
    readonly type?: unknown;
    readonly from?: unknown;
  };
  return type === "call" && isRef(from) ? from : undefined;
}

/** How much memory a signal takes while it waits: its bytes, what they were made of, and what holds both. */
function costOf(bytes: Uint8Array): number {
  return 2 * bytes.length + AS_SAID_BYTES;
}
