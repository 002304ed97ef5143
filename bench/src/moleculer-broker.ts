/** A broker of moleculer on this machine: its TCP transporter, both addresses said, no discovery. */
import { ServiceBroker } from "moleculer";

export type Ports = Readonly<Record<"main" | "peer", number>>;

export function brokerOf(nodeID: "main" | "peer", ports: Ports): ServiceBroker {
  const urls = Object.entries(ports)
    .map(([name, port]) => `tcp://127.0.0.1:${port}/${name}`)
    .join(",");
  return new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, port: ports[nodeID], urls } },
  });
}
