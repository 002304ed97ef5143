/** What remoting takes of its host: how to dial and listen, cryptography, when to send. */
import type { WebSocketListen } from "./listen-options.js";
import type { CheckedOptions } from "./remote-options.js";
import type { HandshakeCrypto } from "./secret.js";
import type { Dialler, Listener, Transport } from "./transport.js";

export interface RemoteHost {
  readonly dialler: (options: CheckedOptions) => Dialler | undefined;
  /** `undefined` where nobody can listen. */
  readonly listen:
    | ((
        listen: WebSocketListen,
        options: CheckedOptions,
        admit: (remoteAddress: string) => boolean,
        accept: (transport: Transport) => void,
        refused: (remoteAddress: string, why: string) => void,
      ) => Promise<Listener>)
    | undefined;
  readonly crypto: HandshakeCrypto;
  /** Runs `task` when the code that runs now, and what it has made ready, is done. */
  readonly soon: (task: () => void) => void;
  /** Runs `task` when the event loop has turned; by a timer of nothing where that is not said. */
  readonly nextTurn?: (task: () => void) => void;
}
