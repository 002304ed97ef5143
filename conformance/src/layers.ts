/** All layers that can be replayed. */
import type { Layer } from "./layer.js";
import { processOps } from "./process-ops.js";

export const LAYERS: ReadonlyMap<string, Layer> = new Map(
  [{ name: "process", ops: processOps }].map((layer) => [layer.name, layer]),
);
