/** Remoting in Node: what `@coppice/remote` gives to most. */
import type { Node } from "@coppice/core";
import { nodeCrypto } from "./node-crypto.js";
import { listenWebSocket, nodeDialler, type NodeListenOptions } from "./node-web-socket.js";
import type { Remote } from "./remote.js";
import type { RemoteHost } from "./remote-host.js";
import type { RemoteOptions } from "./remote-options.js";
import { genCookie } from "./secret.js";
import { startOn, type RemotePorts } from "./start-on.js";

/**
 * Connects a node with others: from now on pids of other nodes are used like one's own.
 *
 * Resolves when it listens where it is to listen. Whom it is to join it tries to reach again and again.
 *
 * @param options.cookie the secret that all nodes of the cluster share; `generateCookie` makes one
 * @param options.listen where others can connect; nowhere by default
 * @param options.join addresses to be connected with
 * @throws InvalidArgumentError an option is wrong; the cookie is missing or short; others than this machine
 *   could connect without TLS, and `insecure` is not true; the certificate or its key cannot be used; the node has, or
 *   had, remoting already (one that could not be started does not count)
 * @throws RemoteStoppedError the node has stopped, or stops meanwhile
 * @throws the host's error where it cannot listen, such as EADDRINUSE
 */
export function startRemote(
  node: Node,
  options: RemoteOptions,
  ports: RemotePorts = {},
): Promise<Remote> {
  return startOn(nodeHost, node, options, ports);
}

/** A cookie that nobody guesses: 256 random bits, as 43 letters. */
export function generateCookie(): string {
  return genCookie(nodeCrypto);
}

/**
 * A batch goes out when all that is ready has run: later than promises, sooner than timers and I/O. A tick
 * alone would be sooner than promises in a callback of I/O: what is said because of a message that came
 * would go out in a batch of its own, before who got the message has said anything.
 */
const { nextTick } = process;
const settled = Promise.resolve();

// Where Node takes a `Uint8Array` its types ask for a `Buffer`.
const nodeHost: RemoteHost = {
  crypto: nodeCrypto,
  soon: (task) => void settled.then(() => nextTick(task)),
  nextTurn: (task) => void setImmediate(task),
  dialler: ({ limits, tls }) =>
    nodeDialler({
      maxFrameBytes: limits.maxFrameBytes,
      handshakeMs: limits.handshakeMs,
      ...(tls && { tls: tls as NonNullable<NodeListenOptions["tls"]> }),
    }),
  listen: (listen, { limits }, admit, accept, refused) => {
    const { host = "127.0.0.1", port, certificate, allowedOrigins } = listen;
    const options: NodeListenOptions = {
      host,
      port,
      maxFrameBytes: limits.maxFrameBytes,
      handshakeMs: limits.handshakeMs,
      maxEarlySockets: limits.maxSessions,
      admit,
      refused,
      ...(certificate && {
        certificate: certificate as NonNullable<NodeListenOptions["certificate"]>,
      }),
      ...(allowedOrigins && { allowedOrigins }),
    };
    return listenWebSocket(options, accept);
  },
};
