/** All 2,520 classes of schedules of four clients that read a counter and set it, again and again. */
import { KeySpace } from "@coppice/core";
import { inMacrotask, runProgram, SourceDpor } from "@coppice/testkit";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";
import { readModifyWrite } from "./schedules.js";

export function coppice(count: number): Promise<Measurement> {
  return inMacrotask(() => {
    const program = readModifyWrite(4);
    let keySpace = new KeySpace({ interns: true });
    let dpor = new SourceDpor();
    let runs = 0;
    const startMs = performance.now();
    while (runs < count) {
      const explored = dpor.learn(runProgram(program, dpor, { keySpace }));
      // A run that was cut short for nothing new would not count.
      if (explored === "class") runs++;
      if (!dpor.done) continue;
      if (dpor.classes !== 2_520 || dpor.blocked > 0) {
        throw new Error(`${dpor.classes} classes, ${dpor.blocked} runs were blocked`);
      }
      keySpace = new KeySpace({ interns: true });
      dpor = new SourceDpor();
    }
    return { count: runs, value: perSecond(runs, startMs) };
  });
}
