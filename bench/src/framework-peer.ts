/** The other process where moleculer and NATS are measured: `node framework-peer.js moleculer|nats PORTS`. */
import { connect } from "@nats-io/transport-node";
import { brokerOf, type Ports } from "./moleculer-broker.js";

const [kind, ports = "{}"] = process.argv.slice(2);
let taken = 0;

async function moleculer(): Promise<void> {
  const broker = brokerOf("peer", JSON.parse(ports) as Ports);
  broker.createService({
    name: "peer",
    actions: { echo: ({ params }) => params.value, taken: () => taken },
    events: { cast: () => void taken++ },
  });
  await broker.start();
}

async function nats(): Promise<void> {
  const connection = await connect({ port: (JSON.parse(ports) as Ports).main });
  connection.subscribe("cast", { callback: () => void taken++ });
  connection.subscribe("echo", { callback: (_, message) => void message.respond(message.data) });
  connection.subscribe("taken", {
    callback: (_, message) => void message.respond(JSON.stringify(taken)),
  });
  await connection.flush();
}

await (kind === "nats" ? nats() : moleculer());
process.send?.("ready");
process.on("disconnect", () => process.exit());
