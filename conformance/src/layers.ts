/** All layers that can be replayed. */
import { genEventOps } from "./gen-event-ops.js";
import { genServerOps } from "./gen-server-ops.js";
import { genStatemOps } from "./gen-statem-ops.js";
import type { Layer } from "./layer.js";
import { processOps } from "./process-ops.js";
import { supervisorOps } from "./supervisor-ops.js";

export const LAYERS: ReadonlyMap<string, Layer> = new Map(
  [
    { name: "process", ops: processOps },
    { name: "gen_server", ops: genServerOps },
    { name: "gen_statem", ops: genStatemOps },
    { name: "supervisor", ops: supervisorOps },
    { name: "gen_event", ops: genEventOps },
  ].map((layer) => [layer.name, layer]),
);
