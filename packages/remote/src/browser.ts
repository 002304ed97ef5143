/**
 * Remoting in browsers and their workers: a peer like any other, usually in the role `client`. It dials
 * with the WebSocket of the platform, cannot listen, and makes no code from strings.
 */
import { hostScheduler, type Node } from "@coppice/core";
import { browserDialler } from "./browser-dialler.js";
import { portableCrypto } from "./portable-crypto.js";
import type { Remote } from "./remote.js";
import type { RemoteHost } from "./remote-host.js";
import type { RemoteOptions } from "./remote-options.js";
import { startOn } from "./start-on.js";

export { remoteBehaviour, type RemoteBehaviour, type RemoteBehaviours } from "./behaviours.js";
export {
  NotAllowedError,
  RemoteStoppedError,
  UnreachableError,
  UnreadableError,
} from "./errors.js";
export type { GroupEvent, Groups } from "./groups.js";
export type { Role } from "./handshake-message.js";
export { DEFAULT_LIMITS, type LimitName, type Limits } from "./limits.js";
export { messagePortTransport, type PortLike } from "./message-port-transport.js";
export type { ConnectedNode, Remote } from "./remote.js";
export { RemoteError } from "./remote-error.js";
export type { RemoteEvent } from "./remote-event.js";
export type { RemoteOptions } from "./remote-options.js";
export type { Place } from "./remote-start.js";
export { UnsendableTermError, type NodeLife } from "./term.js";
export type { Dialler, Transport, TransportEvents } from "./transport.js";
export { CLOSE_CODES, type CloseCode } from "./wire-signal.js";

/**
 * Connects the node of a page with others. What it is given, `clientCookie` included, the user of the page
 * can read; so be it, for that secret lets in clients alone.
 *
 * @param options as for Node, but that a page cannot `listen`
 * @throws InvalidArgumentError an option is wrong; a secret is missing or short
 */
export function startRemote(
  node: Node,
  options: Omit<RemoteOptions, "listen" | "tls">,
): Promise<Remote> {
  return startOn(browserHost(), node, options, {});
}

function browserHost(): RemoteHost {
  return {
    crypto: portableCrypto,
    // A batch goes out when all that is ready has run. A timer would wait for 4 ms.
    soon: hostScheduler().afterTurn,
    dialler: () => browserDialler(),
    listen: undefined,
  };
}
