/** Starting remoting on a host, whichever it is: `start-remote.ts` does so in Node, `browser.ts` in browsers. */
import { hostClock, type Clock, type Node } from "@coppice/core";
import { checkNodeName } from "./node-name.js";
import type { Remote } from "./remote.js";
import type { RemoteHost } from "./remote-host.js";
import { RemoteNode } from "./remote-node.js";
import { checkRemoteOptions, type RemoteOptions } from "./remote-options.js";
import { keysOf, type Key } from "./secret.js";

/** What only tests replace. */
export interface RemotePorts {
  readonly clock?: Clock;
  readonly host?: RemoteHost;
  /** In place of a cookie, in threads: what the program made of it already. */
  readonly keys?: readonly Key[];
}

/** @throws InvalidArgumentError as `startRemote` */
export async function startOn(
  ownHost: RemoteHost,
  node: Node,
  options: RemoteOptions,
  ports: RemotePorts,
): Promise<Remote> {
  const checked = checkRemoteOptions(options);
  const { name } = Object(node) as Partial<Node>;
  // What is no node at all is refused below.
  if (name !== undefined) {
    checkNodeName("startRemote: the node's name", name, checked.limits.maxNodeNameBytes);
  }
  const { clock = hostClock(), host = ownHost } = ports;
  const keys = ports.keys ?? (await keysOf(host.crypto, checked));
  const remote = new RemoteNode(node, checked, host, clock, keys);
  try {
    await remote.begin();
  } catch (error) {
    await remote.undo();
    throw error;
  }
  return remote;
}
