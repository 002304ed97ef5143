/**
 * P26: the timeout of the state before is handled in the state after.
 *
 * The timer has fired while the machine waited for something else; to cancel it comes too late.
 */
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Machine = Tell<"log"> | Tell<"a"> | Tell<"timeout", { generation: number }>;
type Auxiliary = Ask<"log", "ok">;

export const p26: Entry = {
  id: "P26",
  title: "stale timeout of the previous state",
  source: "gen_fsm's timers, before gen_statem cancelled them for good",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const auxiliary = spawn(
      "aux",
      server<Auxiliary>({ log: (self, _request, from) => self.reply(from, "ok") }),
    );
    const machine = spawn<Machine>("fsm", async (self) => {
      let generation = 1;
      let timer = self.sendAfter(self.pid, 10, { type: "timeout", generation });
      for (;;) {
        const message = await self.receive();
        if (message.type === "log") await ask(self, auxiliary, { type: "log" });
        else if (message.type === "a" && generation === 1) {
          self.cancelTimer(timer);
          generation = 2;
          timer = self.sendAfter(self.pid, 30, { type: "timeout", generation });
        } else if (message.type === "timeout") {
          if (message.generation === generation) return;
          if (variant === "fixed") continue;
          sim.fail("timeouts of this state only", "a timeout of the state before was handled");
          return;
        }
      }
    });
    spawn<never>("peer", (self) => {
      self.send(machine, { type: "log" });
      self.send(machine, { type: "a" });
    });
  },
};
