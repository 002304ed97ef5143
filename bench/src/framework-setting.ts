/** Peers of other frameworks in another operating-system process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { connect } from "@nats-io/transport-node";
import comedy from "comedy";
import { TEXT, type Link } from "./link.js";
import { brokerOf, type Ports } from "./moleculer-broker.js";
import { startNats } from "./nats-server.js";
import { MESSAGE } from "./remote-load.js";

const PEER = fileURLToPath(new URL("../dist/framework-peer.js", import.meta.url));

type Act<T> = (link: Link) => Promise<T>;

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** moleculer: an event for a cast, an action for a call; its payloads are JSON, so 100 characters for bytes. */
export async function withMoleculer<T>(act: Act<T>): Promise<T> {
  const ports: Ports = { main: await freePort(), peer: await freePort() };
  const child = fork(PEER, ["moleculer", JSON.stringify(ports)]);
  const broker = brokerOf("main", ports);
  try {
    await once(child, "message");
    await broker.start();
    await broker.waitForServices("peer", 20_000, 50);
    return await act({
      send: () => void broker.emit("cast", { text: TEXT }),
      ready: turn,
      taken: () => broker.call("peer.taken"),
      ask: (value) => broker.call("peer.echo", { value }),
    });
  } finally {
    await broker.stop();
    child.kill("SIGKILL");
  }
}

/** NATS: publish for a cast, request for a call, by way of its server. */
export async function withNats<T>(act: Act<T>): Promise<T> {
  const port = await freePort();
  const server = await startNats(port);
  const child = fork(PEER, ["nats", JSON.stringify({ main: port })]);
  try {
    await once(child, "message");
    const connection = await connect({ port });
    const done = await act({
      send: () => connection.publish("cast", MESSAGE),
      ready: () => connection.flush(),
      taken: async () => (await connection.request("taken")).json<number>(),
      ask: async (value) => (await connection.request("echo", JSON.stringify(value))).json(),
    });
    await connection.close();
    return done;
  } finally {
    child.kill("SIGKILL");
    server.kill("SIGKILL");
  }
}

/** comedy: a forked actor. What defines it is sent as source, so it uses nothing from here. */
export async function withComedy<T>(act: Act<T>): Promise<T> {
  const system = comedy.createSystem({ loggerConfig: { categories: { Default: "Silent" } } });
  try {
    const root = await system.rootActor();
    const actor = await root.createChild(
      {
        cast: function (this: { count?: number }) {
          this.count = (this.count ?? 0) + 1;
        },
        taken: function (this: { count?: number }) {
          return this.count ?? 0;
        },
        echo: (value: number) => value,
      },
      { mode: "forked" },
    );
    return await act({
      send: () => void actor.send("cast", TEXT),
      ready: turn,
      taken: () => actor.sendAndReceive("taken") as Promise<number>,
      ask: (value) => actor.sendAndReceive("echo", value),
    });
  } finally {
    await system.destroy();
  }
}
