/** A Coppice node as anybody would make it, except that a crash ends the whole measurement. */
import { createNode, formatCrashReport, type Node } from "@coppice/core";

export function startNode(): Node {
  return createNode({
    name: "bench",
    logger: (event) => {
      if (event.type !== "crashed") return;
      const failure = new Error(formatCrashReport(event.report));
      queueMicrotask(() => {
        throw failure;
      });
    },
  });
}
