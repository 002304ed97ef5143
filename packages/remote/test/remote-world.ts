/** Nodes on a network in memory, in virtual time. */
import { createNode, type Node, type NodeEvent, type NodeOptions } from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";
import { createMemoryNetwork, type MemoryNetwork } from "../src/memory-transport.js";
import { nodeCrypto } from "../src/node-crypto.js";
import type { Remote } from "../src/remote.js";
import type { RemoteEvent } from "../src/remote-event.js";
import type { RemoteHost } from "../src/remote-host.js";
import type { RemoteOptions } from "../src/remote-options.js";
import { startRemote } from "../src/start-remote.js";

export interface Member {
  readonly node: Node;
  readonly remote: Remote;
  readonly events: RemoteEvent[];
  readonly nodeEvents: NodeEvent[];
}

export interface RemoteWorld {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  /** Starts a node that listens at `memory://NAME`, and finds others there; by a clock of its own, if it is given one. */
  start(
    name: string,
    options?: Partial<RemoteOptions>,
    nodeOptions?: Partial<NodeOptions>,
  ): Promise<Member>;
  /** Lets all happen that needs no time. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
}

export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await quiesce();
}

export function createRemoteWorld(): RemoteWorld {
  const clock = createVirtualClock();
  const network = createMemoryNetwork(clock);
  return {
    clock,
    network,
    start: async (name, options = {}, nodeOptions = {}) => {
      const node = createNode({ name, clock, logger: false, ...nodeOptions });
      const nodeEvents: NodeEvent[] = [];
      node.events.subscribe((event) => void nodeEvents.push(event));
      const host: RemoteHost = {
        crypto: nodeCrypto,
        soon: (task) => void process.nextTick(task),
        nextTurn: (task) => void setImmediate(task),
        dialler: () => ({
          accepts: (address) => address.startsWith("memory://"),
          dial: (address) => network.dial(name, address),
        }),
        listen: undefined,
      };
      const remote = await startRemote(
        node,
        {
          insecure: true,
          resolve: (other) => `memory://${other}`,
          listen: { listen: (accept) => network.listen(name, accept) },
          ...options,
        },
        { clock: nodeOptions.clock ?? clock, host },
      );
      const events: RemoteEvent[] = [];
      remote.events.subscribe((event) => void events.push(event));
      return { node, remote, events, nodeEvents };
    },
    settle,
    advance: (ms) => clock.advance(ms, settle),
  };
}
