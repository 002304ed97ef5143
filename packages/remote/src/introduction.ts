/**
 * The introduction: the handshake carried out over a transport, up to the session that comes of it.
 */
import type { Admission, ConnectionOptions, SessionPeer } from "./connection-options.js";
import { NONCE_BYTES } from "./handshake-message.js";
import { accept, dial, handshake } from "./handshake.js";
import type {
  AcceptorOptions,
  Handshaken,
  HandshakeState,
  HandshakeStep,
} from "./handshake-state.js";
import type { NodeLife } from "./term.js";
import type { Transport } from "./transport.js";
import type { CloseCode } from "./wire-signal.js";

/** What it needs of its connection. */
export interface IntroductionPort {
  readonly isDialler: boolean;
  readonly transport: Transport;
  /** The connection has neither become a session nor ended. */
  readonly isOpening: () => boolean;
  readonly challenged: (peer: NodeLife) => Admission | Promise<Admission>;
  readonly admit: (peer: SessionPeer) => Admission | Promise<Admission>;
  readonly opened: (result: Handshaken, peer: SessionPeer) => void;
  readonly close: (code: CloseCode, text: string) => void;
}

export class Introduction {
  readonly #options: ConnectionOptions;
  readonly #port: IntroductionPort;
  /** `undefined` until the transport is open. */
  #state: HandshakeState | undefined = undefined;

  constructor(options: ConnectionOptions, port: IntroductionPort) {
    this.#options = options;
    this.#port = port;
  }

  /** The transport is open: the dialler says who it is, the acceptor listens. */
  begin(): void {
    if (!this.#port.isOpening() || this.#state !== undefined) return;
    const { home, cluster, role, expected, keys, crypto, limits, hearMs } = this.#options;
    const { frameMac = false } = this.#options;
    const { channelBinding } = this.#port.transport;
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
    if (!this.#port.isDialler) {
      this.#state = accept(common);
      return;
    }
    const key = keys[0];
    this.#shake(
      dial({ ...common, key, role, ...(expected !== undefined && { expectNode: expected }) }),
    );
  }

  /** The other side says something. */
  frame(bytes: Uint8Array): void {
    if (this.#state !== undefined) this.#shake(handshake(this.#state, { type: "frame", bytes }));
  }

  #shake({ state, effects }: HandshakeStep): void {
    const before = this.#state?.phase;
    this.#state = state;
    if (before === "challenge" && state.phase === "accept") {
      // It says who it is; before it is told more.
      this.#decide(this.#port.challenged(state.result.peer), () => this.#carryOut(effects));
    } else this.#carryOut(effects);
  }

  #carryOut(effects: HandshakeStep["effects"]): void {
    const { isOpening, transport, opened, close } = this.#port;
    for (const effect of effects) {
      if (!isOpening()) return;
      switch (effect.type) {
        case "send":
          transport.send(effect.bytes);
          break;
        case "authenticated":
          this.#admit(effect.result);
          break;
        case "open":
          opened(effect.result, this.#peerOf(effect.result));
          break;
        case "close":
          if (effect.limit !== undefined) this.#options.breaches.count(effect.limit);
          close(effect.code, effect.why);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #admit(result: Handshaken): void {
    this.#decide(this.#port.admit(this.#peerOf(result)), () => {
      if (this.#state !== undefined) this.#shake(handshake(this.#state, { type: "admit" }));
    });
  }

  /** Goes on when it may. */
  #decide(admission: Admission | Promise<Admission>, goOn: () => void): void {
    const { isOpening, close } = this.#port;
    const decide = (decided: Admission): void => {
      if (!isOpening()) return;
      if (decided === "accept") goOn();
      else close(decided.code, decided.text);
    };
    if (admission instanceof Promise) void admission.then(decide);
    else decide(admission);
  }

  /** What is said of a role is that of the dialler; an acceptor is a node. */
  #peerOf({ peer, role, auth }: Handshaken): SessionPeer {
    return {
      node: peer,
      role: this.#port.isDialler ? "node" : role,
      isAuthenticated: auth !== "none",
    };
  }
}
