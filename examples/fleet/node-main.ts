// What a process of the fleet runs that is a node: it joins the node that started it, and lists the hash
// worker, to be started from there.
import { at, createNode } from "@coppice/core";
import { remoteBehaviour, startRemote } from "@coppice/remote";
import { startWith } from "@coppice/supervisor";
import { WORKER, type Introduction } from "./cluster.js";
import { Dispatcher } from "./dispatcher.js";
import { hashWorker, type WorkerMessage } from "./hash-worker.js";

// Ctrl-C reaches all processes of a terminal; who stops this one is who started it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
process.once("disconnect", () => process.exit());
process.once("message", (message) => void join(message as Introduction));

async function join({ name, home, address, cookie }: Introduction): Promise<void> {
  const node = createNode({ name, logger: false });
  const worker = startWith<WorkerMessage, [number]>((starter, options, number) => {
    const { timeoutMs: _timeoutMs, ...spawnOptions } = options;
    return { pid: starter.spawnOpt(spawnOptions, hashWorker, number, at(home, Dispatcher)) };
  });
  const oneNumber = (args: readonly unknown[]): [number] => {
    const [number] = args;
    if (args.length !== 1 || typeof number !== "number") throw new TypeError("one number");
    return [number];
  };
  await startRemote(node, {
    cookie,
    join: [address],
    connect: "never",
    behaviours: { [WORKER]: remoteBehaviour(worker, oneNumber) },
  });
}
