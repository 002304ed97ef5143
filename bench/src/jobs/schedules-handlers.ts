/** As `schedules`, by processes that are plain handlers: nothing of a schedule is asynchronous. */
import { KeySpace, type Handler, type Pid } from "@coppice/core";
import { inMacrotask, runProgram, walk, type Program } from "@coppice/testkit";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

interface Request {
  readonly from: Pid<number>;
  readonly set?: number;
}

/** Each of `clients` reads and sets. */
function readModifyWrite(clients: number): Program {
  return (sim) => {
    const node = sim.node();
    let value = 0;
    const counter = node.spawnOpt<Request, [], void>(
      { key: "counter" },
      {
        init: () => undefined,
        message(_state, { from, set }, self) {
          if (set !== undefined) value = set;
          self.send(from, value);
        },
      },
    );
    const client: Handler<number, boolean> = {
      init(self) {
        self.send(counter, { from: self.pid });
        return false;
      },
      message(hasSet, seen, self) {
        if (!hasSet) self.send(counter, { from: self.pid, set: seen + 1 });
        return true;
      },
    };
    for (let c = 1; c <= clients; c++) node.spawnOpt({ key: `c${c}` }, client);
  };
}

export function coppice(count: number): Promise<Measurement> {
  return inMacrotask(() => {
    const program = readModifyWrite(2);
    const keySpace = new KeySpace({ interns: true });
    let runs = 0;
    const startMs = performance.now();
    for (let seed = 0; seed < count; seed++) {
      const run = runProgram(program, walk(seed), { keySpace });
      if (run.steps.length === 8) runs++;
    }
    return { count: runs, value: perSecond(runs, startMs) };
  });
}
