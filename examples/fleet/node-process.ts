/**
 * The process that stands for a node of the fleet, which is a process of the system: it starts that, and
 * ends when that has ended or is not heard any more. Then it kills it for certain: a node that was given up
 * does not come back.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { name, TIMEOUT, type ExitReason, type Name, type Self } from "@coppice/core";
import { nodeName, type Cluster } from "./cluster.js";
import { Dispatcher } from "./dispatcher.js";

export type NodeMessage =
  | { readonly type: "up" }
  | { readonly type: "gone"; readonly reason: ExitReason }
  /** From chaos. */
  | { readonly type: "kill" }
  | { readonly type: "pause"; readonly lastingMs: number }
  | { readonly type: "resume" };

/** So long a process may take until it is connected, on a machine that has much to do. */
const CONNECT_MS = 30_000;

/** The name of the process that stands for a node. */
export function nodeProcessName(node: string): Name<NodeMessage> {
  return name<NodeMessage>(`process of ${node}`);
}

export async function nodeProcess(
  self: Self<NodeMessage>,
  cluster: Cluster,
  number: number,
): Promise<void> {
  const { pid } = self;
  const { remote, program } = cluster;
  const node = nodeName(number);
  const tell = (message: NodeMessage): void => remote.node.send(pid, message);
  const system = self.own(
    fork(fileURLToPath(program), { stdio: ["ignore", "ignore", "inherit", "ipc"] }),
    (running) => void running.kill("SIGKILL"),
  );
  system.on("error", (error) => tell({ type: "gone", reason: { error } }));
  system.on("exit", (code, signal) => {
    tell({ type: "gone", reason: { processExited: signal ?? code } });
  });
  const events = remote.events.subscribe((event) => {
    if (event.type === "up" && event.node === node) tell({ type: "up" });
    if (event.type === "down" && event.node === node)
      tell({ type: "gone", reason: "noconnection" });
  });
  self.own(events, () => events.unsubscribe());
  // Not in its environment, where others may look. Had it ended already, that is told.
  system.send(cluster.introduction(number), () => undefined);
  for (let isUp = false; ;) {
    const message: NodeMessage | typeof TIMEOUT = await self.receive({
      timeoutMs: isUp ? Infinity : CONNECT_MS,
    });
    if (message === TIMEOUT) self.exit("timeout");
    switch (message.type) {
      case "up":
        isUp = true;
        break;
      case "gone":
        self.exit(message.reason);
        break;
      case "kill":
        system.kill("SIGKILL");
        break;
      case "pause":
        system.kill("SIGSTOP");
        self.sendAfter(pid, message.lastingMs, { type: "resume" });
        break;
      case "resume":
        system.kill("SIGCONT");
        self.send(Dispatcher, { type: "resumed", node });
        break;
      default:
        message satisfies never;
    }
  }
}
