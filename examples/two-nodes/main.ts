// Two operating-system processes, connected by a WebSocket, play ping-pong; then one of them is killed.
// Who monitored its player is told, without a message of its own.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { at, createNode, name, type Call, type ExitReason } from "@coppice/core";
import { startRemote } from "@coppice/remote";

/** A real one is as long, and is read from where secrets are kept. */
const cookie = "only-for-this-example";

const Ponger = name<Call<"ping", "pong">>("ponger");

const ROUNDS = 1_000;

/** The other process: serves the name "ponger", and tells where it listens. */
async function serve(): Promise<void> {
  const node = createNode({ name: "b" });
  const { addresses } = await startRemote(node, { cookie, listen: { port: 0 } });
  const ponger = node.spawn<Call<"ping", "pong">>(async (self) => {
    for (;;) {
      const { from } = await self.receive();
      self.reply(from, "pong");
    }
  });
  node.register(Ponger, ponger);
  process.send?.(addresses[0]);
}

async function play(): Promise<void> {
  const other = fork(fileURLToPath(import.meta.url), ["serve"]);
  const [address] = (await once(other, "message")) as [string];
  const node = createNode({ name: "a" });
  await startRemote(node, { cookie, resolve: () => address });

  const down = new Promise<ExitReason>((resolve) => {
    node.spawn<{ reason: ExitReason }>(async (self) => {
      self.monitor(at("b", Ponger), ({ reason }) => ({ reason }));
      resolve((await self.receive()).reason);
    });
  });
  for (let round = 0; round < ROUNDS; round++) await node.call(at("b", Ponger), "ping");
  console.log(`${ROUNDS} times: ping, pong`);

  other.kill("SIGKILL");
  console.log(`the other process was killed: ${String(await down)}`);
  await node.stop();
}

await (process.argv[2] === "serve" ? serve() : play());
