/**
 * A connection: one transport with the session that runs over it. The thin shell around `session.ts`,
 * the handshake, the inbox and the outbox: bytes and time come in here, bytes and signals go out.
 */
import { Codec } from "./codec.js";
import type { ConnectionEvents, ConnectionOptions, SessionPeer } from "./connection-options.js";
import { FrameMac, withoutMac } from "./frame-mac.js";
import type { Handshaken } from "./handshake-state.js";
import { Inbox } from "./inbox.js";
import { Intake } from "./intake.js";
import { Introduction } from "./introduction.js";
import { Outbox } from "./outbox.js";
import { Outlet } from "./outlet.js";
import { nextSession, openingSession, type SessionEvent, type SessionState } from "./session.js";
import { fullBucket, takeTokens } from "./token-bucket.js";
import type { Transport } from "./transport.js";
import { CLOSE_CODES, type CloseCode, type WireSignal } from "./wire-signal.js";

/** To read so many items costs a client what another signal does: they are what takes the time. */
const ITEMS_AS_SIGNAL = 64;

export class Connection {
  readonly isDialler: boolean;
  readonly transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  #session: SessionState;
  readonly #introduction: Introduction;
  /** Who the other side is, once the session is open. */
  #peer: SessionPeer | undefined = undefined;
  #codec: Codec | undefined = undefined;
  #inbox: Inbox | undefined = undefined;
  #intake: Intake | undefined = undefined;
  #outlet: Outlet | undefined = undefined;
  #sealer: FrameMac | undefined = undefined;
  #timer: unknown;
  /** The last PING that is not answered. */
  #pinged: number | undefined = undefined;
  /** The transport is over; what came before is still to be taken in. */
  #gone: Extract<SessionEvent, { type: "gone" }> | undefined = undefined;
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
    this.#introduction = new Introduction(options, {
      isDialler,
      transport,
      isOpening: () => this.#session.phase === "opening",
      challenged: (peer) => events.challenged(this, peer),
      admit: (peer) => events.admit(this, peer),
      opened: (result, peer) => this.#open(result, peer),
      close: (code, text) => this.close(code, text),
    });
    this.#carryOut(opening.effects);
    known(this);
    transport.start({
      opened: () => this.#introduction.begin(),
      frame: (bytes) => this.#received(bytes),
      drained: () => this.#outlet?.flush(),
      closed: (code, text, breached) => {
        if (breached !== undefined) options.breaches.count(breached);
        this.#gone = { type: "gone", code, text };
        if (this.#intake?.isEmpty !== false) this.#next(this.#gone);
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
    return this.#outlet?.queuedBytes ?? this.transport.bufferedBytes;
  }

  get isBusy(): boolean {
    return this.#outlet?.isBusy ?? false;
  }

  /**
   * Sends a signal over the open session; its term is encoded now. `false`: it was dropped, as the
   * overflow policy says.
   *
   * @param sender the process that says it: what it says keeps its order
   * @throws UnsendableTermError the term cannot be sent
   */
  push(sender: number, signal: WireSignal<unknown>): boolean {
    return this.#outlet?.push(sender, signal) ?? false;
  }

  /** As `push`, of a signal that was encoded before the session was open. */
  pushEncoded(sender: number, bytes: Uint8Array): void {
    this.#outlet?.pushEncoded(sender, bytes);
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

  /** The handshake is over. */
  #open(result: Handshaken, peer: SessionPeer): void {
    const { clock, limits, hearMs, identities, overflow, breaches, soon, nextTurn } = this.#options;
    const { transport } = this;
    this.#peer = peer;
    const { maxMessageBytes } = result.limits;
    const maxReasonBytes = Math.min(limits.maxReasonBytes, maxMessageBytes);
    this.#codec = new Codec({
      identities: identities(peer),
      // What the peer would not take is refused where it is sent.
      limits: { ...limits, maxMessageBytes, maxReasonBytes },
      errorDetail: peer.role === "client" ? "message" : "full",
      ...(peer.role === "client" && { maxNumberKeys: limits.clientNumberKeys }),
      breached: breaches.count,
    });
    const { frameKeys } = result;
    this.#sealer = frameKeys && new FrameMac(frameKeys, this.#options.crypto);
    const agreed = this.#sealer === undefined ? result.limits : withoutMac(result.limits);
    const { clientAssembly, clientQueues } = this.#options;
    const isClient = peer.role === "client";
    const inbox = (this.#inbox = new Inbox(limits, agreed, isClient ? clientAssembly : undefined));
    const outbox = new Outbox(this.#codec, agreed);
    this.#outlet = new Outlet(transport, outbox, this.#sealer, {
      limits,
      overflow,
      breaches,
      soon,
      isOpen: () => this.isOpen,
      flushing: () => this.#answer(),
      spoke: () => this.#next({ type: "spoke", nowMs: clock.now() }),
      busy: (busy) => this.#events.busy(this, busy),
      shared: isClient ? clientQueues : undefined,
      close: (code, text) => this.close(code, text),
    });
    const window = { bytes: limits.windowBytes, signals: limits.windowSignals };
    this.#intake = new Intake(inbox, window, {
      breaches,
      outbox,
      nextTurn,
      isDown: () => this.isDown,
      // Only clients have one.
      withinRate: peer.role === "client" ? (signals) => this.#withinRate(peer, signals) : always,
      signal: (signal) => {
        this.#events.signal(this, signal);
        if (peer.role === "client") this.#weigh(peer);
      },
      control: (signal) => this.#control(signal),
      acked: () => this.#next({ type: "acked", nowMs: clock.now() }),
      tookIn: () => {
        this.#answer();
        this.#grant(inbox);
      },
      emptied: () => {
        if (this.#gone !== undefined) this.#next(this.#gone);
      },
      close: (code, text) => this.close(code, text),
    });
    this.#next({
      type: "handshaken",
      nowMs: clock.now(),
      hearMs,
      peerHearMs: result.peerHearMs,
    });
    this.#events.opened(this, peer);
  }

  // ── what comes in ───────────────────────────────────────────────────────────────────────────

  #received(bytes: Uint8Array): void {
    if (this.#session.phase === "opening") {
      this.#introduction.frame(bytes);
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
    this.#intake?.arrive(frame);
  }

  /**
   * Answers the last PING; that of others it says as well. Not while much waits in the transport: of a peer
   * that asks and does not read, no heap of answers is kept.
   */
  #answer(): void {
    const n = this.#pinged;
    if (n === undefined || this.#outlet?.isBlocked === true) return;
    this.#pinged = undefined;
    this.#next({ type: "ping", n });
  }

  #grant(inbox: Inbox): void {
    const granted = inbox.due();
    if (granted !== undefined) this.#outlet?.add({ op: "credit", ...granted });
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
        if (this.#outlet?.grant(signal.bytes, signal.signals) === false) {
          this.close(CLOSE_CODES.PROTOCOL, "more credit than there is");
        }
        return;
      case "goaway":
        this.#next({ type: "goaway", code: signal.code, text: signal.text });
        return;
      default:
    }
  }

  /** What was read of a client's terms counts as well. */
  #weigh(client: SessionPeer): void {
    const signals = Math.floor(this.codec.takeItemsRead() / ITEMS_AS_SIGNAL);
    if (signals > 0 && this.isOpen) this.#withinRate(client, signals);
  }

  /** A client may say only so much, whatever it is. */
  #withinRate(client: SessionPeer, wanted: number): boolean {
    const { clientSignalsPerSecond: perSecond, clientSignalsBurst: burst } = this.#options.limits;
    const rate = { perSecond, burst };
    const nowMs = this.#options.clock.now();
    const said = this.#options.said(client);
    const before = said.bucket ?? fullBucket(nowMs, rate);
    const { bucket, taken } = takeTokens(before, nowMs, wanted, rate);
    said.bucket = bucket;
    if (taken) return true;
    this.#options.breaches.count("clientSignalsPerSecond");
    this.close(CLOSE_CODES.RATE, "more than a client may say");
    return false;
  }

  // ── the session ─────────────────────────────────────────────────────────────────────────────

  #next(event: SessionEvent): void {
    const { state, effects } = nextSession(this.#session, event);
    const wasOpen = this.#session.phase === "open";
    // What is said last is said over what is still open.
    for (const effect of effects) {
      if (effect.type !== "goaway" || !wasOpen) continue;
      this.#outlet?.say({ op: "goaway", code: effect.code, text: effect.text });
    }
    this.#session = state;
    this.#carryOut(effects);
  }

  #carryOut(effects: ReturnType<typeof nextSession>["effects"]): void {
    const { clock } = this.#options;
    for (const effect of effects) {
      switch (effect.type) {
        case "ping":
          this.#outlet?.say({ op: "ping", n: effect.n });
          break;
        case "pong":
          this.#outlet?.say({ op: "pong", n: effect.n });
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
          // Also where the peer has said goodbye: it may keep its end open. What is closed already takes no notice.
          this.transport.close(effect.end.code, effect.end.text);
          this.#outlet?.end();
          this.#outlet = this.#intake = undefined;
          this.#inbox?.end();
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
      if (this.isDown) return;
      const wasOpen = this.isOpen;
      this.#next({ type: "tick", nowMs: this.#options.clock.now() });
      if (this.isDown && !wasOpen) this.#options.breaches.count("handshakeMs");
    });
  }
}

function always(): boolean {
  return true;
}
