/** A process calls a process of a node in a worker thread, one call after the other. */
import type { Measurement } from "../benchmark.js";
import { callMany } from "../remote-load.js";
import { overPort, overWebSocket } from "../thread-setting.js";

/** Over a MessagePort. */
export function coppice(count: number): Promise<Measurement> {
  return overPort((node) => callMany(node, count));
}

function overWs(count: number): Promise<Measurement> {
  return overWebSocket((node) => callMany(node, count));
}

export { overWs as "coppice-ws" };
