/**
 * A connection: one transport with the session that runs over it. The thin shell around `session.ts`,
 * the handshake, the inbox and the outbox: bytes and time come in here, bytes and signals go out.
 */
import type { Clock } from "@coppice/core";
import { MalformedError } from "./cbor-reader.js";
import { Codec } from "./codec.js";
import {
  accept,
  dial,
  handshake,
  type AcceptorOptions,
  type Handshaken,
  type HandshakeState,
  type HandshakeStep,
  type Role,
} from "./handshake.js";
import { FrameMac, withoutMac } from "./frame-mac.js";
import type { ReceivedSignal } from "./frame.js";
import { Inbox, type Accepted } from "./inbox.js";
import type { BreachCounts, Limits } from "./limits.js";
import { NONCE_BYTES } from "./handshake-message.js";
import { Outbox } from "./outbox.js";
import type { HandshakeCrypto, Key } from "./secret.js";
import { nextSession, openingSession, type SessionEnd, type SessionEvent } from "./session.js";
import type { SessionState } from "./session.js";
import type { Identities, NodeLife } from "./term.js";
import { fullBucket, takeTokens, type Bucket } from "./token-bucket.js";
import type { Transport } from "./transport.js";
import { admit, isBusy, type OverflowPolicy } from "./watermark.js";
import { CLOSE_CODES, isCounted, type CloseCode, type WireSignal } from "./wire-signal.js";

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
  challenged(connection: Connection, peer: NodeLife): Admission;
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
  /** How the codec of the session makes pids and references. */
  readonly identities: (peer: SessionPeer) => Identities;
}

/**
 * So many signals of one peer are taken in before the event loop turns: however much it says, others are
 * heard in between.
 */
const SLICE = 128;

/** Fewer signals in a turn than this are not counted at all. */
const COUNTED_FROM = 32;

/** Beside what is counted against the window: heads of frames, and signals that keep the session alive. */
const MAX_UNCOUNTED = 1 << 20;

/** So much may wait in the transport before the rest waits in the outbox, where it can still be dropped. */
const TRANSPORT_BYTES = 256 * 1024;

export class Connection {
  readonly isDialler: boolean;
  readonly transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  #session: SessionState;
  /** `undefined` until the transport is open. */
  #handshake: HandshakeState | undefined = undefined;
  /** Who the other side is, once the session is open. */
  #peer: SessionPeer | undefined = undefined;
  #codec: Codec | undefined = undefined;
  #inbox: Inbox | undefined = undefined;
  #outbox: Outbox | undefined = undefined;
  #sealer: FrameMac | undefined = undefined;
  #timer: unknown;
  #flushing = false;
  #busy = false;
  /** Frames that came and were not looked at, those from `#arrivedAt` on. */
  #arrived: Uint8Array[] = [];
  #arrivedAt = 0;
  #arrivedBytes = 0;
  /** Of the frame under way, the signals from `#takenAt` on are not taken in. */
  #taking: Accepted["signals"] = [];
  #takenAt = 0;
  /** How many were taken in since the event loop turned. */
  #slice = 0;
  #resting = false;
  /** The last PING that is not answered. */
  #pinged: number | undefined = undefined;
  /** Up to which of our frames the peer has taken in. */
  #acked = 0;
  /** The transport is over; what came before is still to be taken in. */
  #gone: Extract<SessionEvent, { type: "gone" }> | undefined = undefined;
  readonly #turned = (): void => {
    this.#slice = 0;
  };
  /** Those who want to know whether the peer is there. */
  #probes: ((alive: boolean) => void)[] = [];

  /** @param known called before anything is told */
  constructor(
    isDialler: boolean,
    transport: Transport,
    options: ConnectionOptions,
    events: ConnectionEvents,
    known: (connection: Connection) => void,
  ) {
    this.isDialler = isDialler;
    this.transport = transport;
    this.#options = options;
    this.#events = events;
    const { clock, limits } = options;
    const opening = openingSession(clock.now(), limits.handshakeMs);
    this.#session = opening.state;
    this.#carryOut(opening.effects);
    known(this);
    transport.start({
      opened: () => this.#begin(),
      frame: (bytes) => this.#received(bytes),
      drained: () => this.#flush(),
      closed: (code, text) => {
        this.#gone = { type: "gone", code, text };
        if (this.#isTakenIn) this.#next(this.#gone);
      },
    });
  }

  get isOpen(): boolean {
    return this.#session.phase === "open";
  }

  get isDown(): boolean {
    return this.#session.phase === "down";
  }

  /** Who the other side is, once the session is open. */
  get peer(): SessionPeer | undefined {
    return this.#peer;
  }

  /** Of an open session. */
  get codec(): Codec {
    return this.#codec as Codec;
  }

  /** How many bytes wait to be sent, here and in the transport. */
  get queuedBytes(): number {
    return (this.#outbox?.bytes ?? 0) + this.transport.bufferedBytes;
  }

  get isBusy(): boolean {
    return this.#busy;
  }

  /**
   * Sends a signal over the open session; its term is encoded now. `false`: it was dropped, as the
   * overflow policy says.
   *
   * @param sender the process that says it: what it says keeps its order
   * @throws UnsendableTermError the term cannot be sent
   */
  push(sender: number, signal: WireSignal<unknown>): boolean {
    const outbox = this.#outbox;
    if (outbox === undefined || this.#session.phase !== "open") return false;
    const verdict = admit(
      signal.op,
      0,
      this.queuedBytes - outbox.bigBytes,
      this.#options.limits,
      this.#options.overflow,
    );
    if (verdict === "close") {
      this.#options.breaches.count("hardQueueBytes");
      this.close(CLOSE_CODES.OVERLOAD, "too much waits to be sent");
      return false;
    }
    if (verdict === "drop") {
      this.#options.breaches.count("hardQueueBytes");
      return false;
    }
    outbox.push(sender, signal);
    this.#sendSoon(outbox);
    return true;
  }

  /** As `push`, of a signal that was encoded before the session was open. */
  pushEncoded(sender: number, bytes: Uint8Array): void {
    const outbox = this.#outbox;
    if (outbox === undefined) return;
    outbox.pushEncoded(sender, bytes);
    this.#sendSoon(outbox);
  }

  /** Is the peer there? Asks it, and waits so long for anything to be heard. */
  probe(timeoutMs: number): Promise<boolean> {
    if (this.#session.phase !== "open") return Promise.resolve(false);
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.set(() => settle(false), timeoutMs);
      const settle = (alive: boolean): void => {
        clock.clear(timer);
        this.#probes = this.#probes.filter((other) => other !== settle);
        resolve(alive);
      };
      this.#probes.push(settle);
      this.#next({ type: "probe", nowMs: clock.now() });
    });
  }

  /** Ends it; the peer is told why. */
  close(code: CloseCode, text: string): void {
    this.#next({ type: "close", code, text });
  }

  /** Nothing that came waits. */
  get #isTakenIn(): boolean {
    return this.#arrivedAt === this.#arrived.length && this.#takenAt === this.#taking.length;
  }

  // ── what comes in ───────────────────────────────────────────────────────────────────────────

  #received(bytes: Uint8Array): void {
    if (this.#session.phase === "opening") {
      if (this.#handshake === undefined) return;
      this.#shake(handshake(this.#handshake, { type: "frame", bytes }));
      return;
    }
    if (this.#session.phase !== "open") return;
    const frame = this.#sealer === undefined ? bytes : this.#sealer.open(bytes);
    if (frame === undefined) {
      this.close(CLOSE_CODES.PROTOCOL, "a frame that the peer did not make");
      return;
    }
    // Whatever comes is life, also when it has to wait.
    this.#next({ type: "heard", nowMs: this.#options.clock.now() });
    for (const settle of this.#probes) settle(true);
    this.#arrived.push(frame);
    this.#arrivedBytes += frame.length;
    if (this.#arrivedBytes > 2 * this.#options.limits.windowBytes + MAX_UNCOUNTED) {
      // Nobody who keeps to his credit gets there.
      this.#options.breaches.count("windowBytes");
      this.close(CLOSE_CODES.LIMIT, "more than was granted waits to be taken in");
    } else this.#takeIn();
  }

  /** Takes in what has come, until it is all or the slice is used up. */
  #takeIn(): void {
    if (this.#resting) return;
    const inbox = this.#inbox;
    const outbox = this.#outbox;
    if (inbox === undefined || outbox === undefined) return;
    while (!this.isDown) {
      if (this.#takenAt === this.#taking.length && !this.#nextFrame(inbox, outbox)) break;
      if (!this.#takeSome(inbox, outbox)) return;
    }
    const gone = this.#gone;
    if (gone !== undefined) this.#next(gone);
  }

  /** Looks at the frame that has waited longest. */
  #nextFrame(inbox: Inbox, outbox: Outbox): boolean {
    const bytes = this.#arrived[this.#arrivedAt];
    if (bytes === undefined) {
      this.#arrived.length = this.#arrivedAt = 0;
      return false;
    }
    this.#arrivedAt++;
    this.#arrivedBytes -= bytes.length;
    try {
      const { signals, dropped, ack, idle } = inbox.accept(bytes, outbox.seq);
      if (idle > 0 && !this.#withinRate(idle)) return false;
      this.#taking = signals;
      this.#takenAt = 0;
      for (let i = 0; i < dropped; i++) this.#options.breaches.count("maxMessageBytes");
      if (ack > this.#acked) {
        this.#acked = ack;
        this.#next({ type: "acked", nowMs: this.#options.clock.now() });
      }
      return true;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      if (error.limit !== undefined) this.#options.breaches.count(error.limit);
      this.close(
        error.limit === undefined ? CLOSE_CODES.PROTOCOL : CLOSE_CODES.LIMIT,
        error.message,
      );
      return false;
    }
  }

  /** Takes in signals of the frame under way; `false` when the rest has to wait. */
  #takeSome(inbox: Inbox, outbox: Outbox): boolean {
    const signals = this.#taking;
    let takenBytes = 0;
    let taken = 0;
    while (this.#takenAt < signals.length && this.#slice < SLICE) {
      const { signal, bytes } = signals[this.#takenAt++] as ReceivedSignal;
      if (!this.#withinRate(1)) return false;
      if (++this.#slice === COUNTED_FROM) this.#options.nextTurn(this.#turned);
      if (isCounted(signal.op)) {
        this.#events.signal(this, signal);
        takenBytes += bytes;
        taken++;
      } else this.#control(signal);
      // It may have ended it.
      if (this.isDown) return false;
    }
    inbox.takenIn(takenBytes, taken);
    if (this.#takenAt < signals.length) {
      this.#rest(inbox, outbox);
      return false;
    }
    outbox.ack = inbox.seq;
    this.#answer();
    this.#grant(inbox, outbox);
    return true;
  }

  /**
   * Answers the last PING; that of others it says as well. Not while much waits in the transport: of a peer
   * that asks and does not read, no heap of answers is kept.
   */
  #answer(): void {
    const n = this.#pinged;
    if (n === undefined || this.transport.bufferedBytes >= TRANSPORT_BYTES) return;
    this.#pinged = undefined;
    this.#next({ type: "ping", n });
  }

  #rest(inbox: Inbox, outbox: Outbox): void {
    this.#resting = true;
    this.#options.nextTurn(() => {
      this.#resting = false;
      this.#slice = 0;
      this.#takeIn();
    });
    this.#answer();
    this.#grant(inbox, outbox);
  }

  #grant(inbox: Inbox, outbox: Outbox): void {
    const granted = inbox.due();
    if (granted === undefined) return;
    outbox.push(0, { op: "credit", ...granted });
    this.#sendSoon(outbox);
  }

  #control(signal: WireSignal): void {
    switch (signal.op) {
      case "ping":
        this.#pinged = signal.n;
        return;
      case "pong":
        this.#next({ type: "pong", n: signal.n });
        return;
      case "credit":
        if (this.#outbox?.grant(signal.bytes, signal.signals) === false) {
          this.close(CLOSE_CODES.PROTOCOL, "more credit than there is");
        } else this.#flush();
        return;
      case "goaway":
        this.#next({ type: "goaway", code: signal.code, text: signal.text });
        return;
      default:
    }
  }

  /** A client may say only so much, whatever it is. */
  #withinRate(wanted: number): boolean {
    if (this.#peer?.role !== "client") return true;
    const { clientSignalsPerSecond: perSecond, clientSignalsBurst: burst } = this.#options.limits;
    const rate = { perSecond, burst };
    const nowMs = this.#options.clock.now();
    const said = this.#options.said(this.#peer);
    const before = said.bucket ?? fullBucket(nowMs, rate);
    const { bucket, taken } = takeTokens(before, nowMs, wanted, rate);
    said.bucket = bucket;
    if (taken) return true;
    this.#options.breaches.count("clientSignalsPerSecond");
    this.close(CLOSE_CODES.RATE, "more than a client may say");
    return false;
  }

  // ── the handshake ───────────────────────────────────────────────────────────────────────────

  /** The transport is open: the dialler says who it is, the acceptor listens. */
  #begin(): void {
    if (this.#session.phase !== "opening" || this.#handshake !== undefined) return;
    const {
      home,
      cluster,
      role,
      expected,
      keys,
      crypto,
      limits,
      hearMs,
      frameMac = false,
    } = this.#options;
    const { channelBinding } = this.transport;
    const common: AcceptorOptions = {
      home,
      cluster,
      limits,
      hearMs,
      channelBinding,
      nonce: crypto.randomBytes(NONCE_BYTES),
      crypto,
      keys,
      frameMac,
    };
    if (!this.isDialler) {
      this.#handshake = accept(common);
      return;
    }
    const key = keys[0];
    this.#shake(
      dial({ ...common, key, role, ...(expected !== undefined && { expectNode: expected }) }),
    );
  }

  #shake(step: HandshakeStep): void {
    const before = this.#handshake?.phase;
    const { state, effects } = step;
    this.#handshake = state;
    if (before === "challenge" && state.phase === "accept") {
      // It says who it is; before it is told more.
      const admission = this.#events.challenged(this, state.result.peer);
      if (admission !== "accept") {
        this.close(admission.code, admission.text);
        return;
      }
    }
    for (const effect of effects) {
      if (this.#session.phase !== "opening") return;
      switch (effect.type) {
        case "send":
          this.transport.send(effect.bytes);
          break;
        case "authenticated":
          this.#admit(effect.result);
          break;
        case "open":
          this.#open(effect.result);
          break;
        case "close":
          this.close(effect.code, effect.why);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #admit(result: Handshaken): void {
    const decide = (admission: Admission): void => {
      if (this.#session.phase !== "opening" || this.#handshake === undefined) return;
      if (admission === "accept") this.#shake(handshake(this.#handshake, { type: "admit" }));
      else this.close(admission.code, admission.text);
    };
    const admission = this.#events.admit(this, this.#peerOf(result));
    if (admission instanceof Promise) void admission.then(decide);
    else decide(admission);
  }

  /** What is said of a role is that of the dialler; an acceptor is a node. */
  #peerOf({ peer, role, auth }: Handshaken): SessionPeer {
    return {
      node: peer,
      role: this.isDialler ? "node" : role,
      isAuthenticated: auth !== "none",
    };
  }

  #open(result: Handshaken): void {
    const { clock, limits, hearMs, identities } = this.#options;
    const peer = this.#peerOf(result);
    this.#peer = peer;
    this.#codec = new Codec({
      identities: identities(peer),
      limits,
      errorDetail: peer.role === "client" ? "message" : "full",
    });
    const { frameKeys } = result;
    this.#sealer = frameKeys && new FrameMac(frameKeys, this.#options.crypto);
    const agreed = this.#sealer === undefined ? result.limits : withoutMac(result.limits);
    this.#inbox = new Inbox(limits, agreed);
    this.#outbox = new Outbox(this.#codec, agreed);
    this.#next({
      type: "handshaken",
      nowMs: clock.now(),
      hearMs,
      peerHearMs: result.peerHearMs,
    });
    this.#events.opened(this, peer);
  }

  // ── what goes out ───────────────────────────────────────────────────────────────────────────

  #sendSoon(outbox: Outbox): void {
    if (outbox.full) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      this.#options.soon(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
    this.#watch();
  }

  /** Gives the transport what it may have. */
  #flush(): void {
    const outbox = this.#outbox;
    if (outbox === undefined || this.#session.phase !== "open") return;
    this.#answer();
    let sent = false;
    while (this.transport.bufferedBytes < TRANSPORT_BYTES) {
      const frame = outbox.take();
      if (frame === undefined) break;
      this.#sendFrame(frame);
      sent = true;
    }
    if (sent) this.#next({ type: "spoke", nowMs: this.#options.clock.now() });
    this.#watch();
  }

  #sendFrame(frame: Uint8Array): void {
    this.transport.send(this.#sealer === undefined ? frame : this.#sealer.seal(frame));
  }

  #watch(): void {
    if (this.#session.phase !== "open") return;
    const busy = isBusy(this.#busy, this.queuedBytes, this.#options.limits);
    if (busy === this.#busy) return;
    this.#busy = busy;
    if (busy) this.#options.breaches.count("softQueueBytes");
    this.#events.busy(this, busy);
  }

  // ── the session ─────────────────────────────────────────────────────────────────────────────

  #next(event: SessionEvent): void {
    const { state, effects } = nextSession(this.#session, event);
    const wasOpen = this.#session.phase === "open";
    // What is said last is said over what is still open.
    for (const effect of effects) if (effect.type === "goaway" && wasOpen) this.#say(effect);
    this.#session = state;
    this.#carryOut(effects);
  }

  #carryOut(effects: ReturnType<typeof nextSession>["effects"]): void {
    const { clock } = this.#options;
    for (const effect of effects) {
      switch (effect.type) {
        case "ping":
          this.#say({ type: "ping", n: effect.n });
          break;
        case "pong":
          this.#say({ type: "pong", n: effect.n });
          break;
        case "goaway":
          // Said above.
          break;
        case "timer": {
          clock.clear(this.#timer);
          // Whole milliseconds: by what is lost in adding fractions it would be due for ever.
          this.#timer = clock.set(
            () => this.#tick(),
            Math.max(0, Math.ceil(effect.atMs - clock.now())),
          );
          // A connection alone keeps no program alive; its socket may.
          clock.hold?.(this.#timer, false);
          break;
        }
        case "stalled":
          this.#events.stalled(this, effect.lateMs);
          break;
        case "down":
          clock.clear(this.#timer);
          for (const settle of this.#probes) settle(false);
          if (!effect.end.byPeer || effect.end.code >= 4000) {
            this.transport.close(effect.end.code, effect.end.text);
          }
          this.#outbox = this.#inbox = undefined;
          this.#arrived = [];
          this.#taking = [];
          this.#arrivedAt = this.#takenAt = this.#arrivedBytes = 0;
          this.#events.down(this, effect.end);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  /** After the host has read what has come: it may be life. */
  #tick(): void {
    this.#options.afterTurn(() => {
      if (!this.isDown) this.#next({ type: "tick", nowMs: this.#options.clock.now() });
    });
  }

  /** Something that passes all that waits. */
  #say(
    what:
      | { readonly type: "ping" | "pong"; readonly n: number }
      | { readonly type: "goaway"; readonly code: CloseCode; readonly text: string },
  ): void {
    const outbox = this.#outbox;
    if (outbox === undefined) return;
    const { type, ...rest } = what;
    outbox.push(0, { op: type, ...rest } as WireSignal);
    // Not held back by what waits in the transport: a frame more makes no difference.
    const frame = outbox.take();
    if (frame !== undefined) this.#sendFrame(frame);
    this.#flush();
  }
}
