/** A process sends 100 bytes to a process of a node in a worker thread, again and again. */
import type { Measurement } from "../benchmark.js";
import { castMany } from "../remote-load.js";
import { overPort, overWebSocket } from "../thread-setting.js";

/** Over a MessagePort. */
export function coppice(count: number): Promise<Measurement> {
  return overPort((node, remote) => castMany(node, remote, count));
}

function overWs(count: number): Promise<Measurement> {
  return overWebSocket((node, remote) => castMany(node, remote, count));
}

export { overWs as "coppice-ws" };
