/** Remoting in Node: what `@coppice/remote` gives to most. */
import { hostClock, type Clock, type Node } from "@coppice/core";
import { nodeCrypto } from "./node-crypto.js";
import { listenWebSocket, nodeDialler, type NodeListenOptions } from "./node-web-socket.js";
import { RemoteNode, type Remote } from "./remote.js";
import type { RemoteHost } from "./remote-host.js";
import { checkRemoteOptions, type RemoteOptions } from "./remote-options.js";
import { genCookie, keysOf, type Key } from "./secret.js";

/** What only tests replace. */
export interface RemotePorts {
  readonly clock?: Clock;
  readonly host?: RemoteHost;
  /** In place of a cookie, in threads: what the program made of it already. */
  readonly keys?: readonly Key[];
}

/**
 * Connects a node with others: from now on pids of other nodes are used like one's own.
 *
 * Resolves when it listens where it is to listen. Whom it is to join it tries to reach again and again.
 *
 * @param options.cookie the secret that all nodes of the cluster share; `generateCookie` makes one
 * @param options.listen where others can connect; nowhere by default
 * @param options.join addresses to be connected with
 * @throws InvalidArgumentError an option is wrong; the cookie is missing or short; others than this machine
 *   could connect without TLS, and `insecure` is not true
 */
export async function startRemote(
  node: Node,
  options: RemoteOptions,
  ports: RemotePorts = {},
): Promise<Remote> {
  const checked = checkRemoteOptions(options);
  const { clock = hostClock(), host = nodeHost } = ports;
  const keys = ports.keys ?? (await keysOf(host.crypto, checked));
  const remote = new RemoteNode(node, checked, host, clock, keys);
  try {
    await remote.begin();
  } catch (error) {
    await remote.stop();
    throw error;
  }
  return remote;
}

/** A cookie that nobody guesses: 256 random bits, as 43 letters. */
export function generateCookie(): string {
  return genCookie(nodeCrypto);
}

/** A batch goes out when all that is ready has run: later than promises, sooner than timers and I/O. */
const { nextTick } = process;

const nodeHost: RemoteHost = {
  crypto: nodeCrypto,
  soon: (task) => nextTick(task),
  dialler: ({ limits, tls }) =>
    nodeDialler({
      maxFrameBytes: limits.maxFrameBytes,
      handshakeMs: limits.handshakeMs,
      ...(tls && { tls: tls as never }),
    }),
  listen: (listen, { limits }, admit, accept) => {
    const { host = "127.0.0.1", port, certificate, allowedOrigins } = listen;
    const options: NodeListenOptions = {
      host,
      port,
      maxFrameBytes: limits.maxFrameBytes,
      handshakeMs: limits.handshakeMs,
      admit,
      ...(certificate && { certificate: certificate as never }),
      ...(allowedOrigins && { allowedOrigins }),
    };
    return listenWebSocket(options, accept);
  },
};
