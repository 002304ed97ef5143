/** All layers that can be replayed. */
import type { Layer } from "./layer.js";
import { processOps } from "./process-ops.js";
import { supervisorOps } from "./supervisor-ops.js";

export const LAYERS: ReadonlyMap<string, Layer> = new Map(
  [
    { name: "process", ops: processOps },
    { name: "supervisor", ops: supervisorOps },
  ].map((layer) => [layer.name, layer]),
);
