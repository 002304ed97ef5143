/**
 * P09: an update is lost between a get and a set.
 *
 * The hardened variant has four clients of three rounds, and fails only when all rounds but one are lost.
 */
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask } from "./server.js";
import { stage } from "./stage.js";

type Counter = Ask<"get", number> | Ask<"set", "ok", { value: number }> | Ask<"increment", number>;

function lostUpdate(clients: number, rounds: number, floor: number): Entry["program"] {
  return (variant) => (sim) => {
    const { spawn } = stage(sim);
    let count = 0;
    const counter = spawn(
      "ctr",
      server<Counter>({
        get: (self, _request, from) => self.reply(from, count),
        set: (self, { value }, from) => {
          count = value;
          self.reply(from, "ok");
        },
        increment: (self, _request, from) => self.reply(from, ++count),
      }),
    );
    for (let client = 1; client <= clients; client++) {
      spawn<never>(`c${client}`, async (self) => {
        for (let round = 0; round < rounds; round++) {
          if (variant === "fixed") {
            await ask(self, counter, { type: "increment" });
          } else {
            const value = await ask(self, counter, { type: "get" });
            await ask(self, counter, { type: "set", value: value + 1 });
          }
        }
      });
    }
    sim.finally("updates count", () => count > floor);
  };
}

export const p09: Entry = {
  id: "P09",
  title: "lost update through two messages",
  source: "the textbook's read-modify-write",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 6, failing: 4 },
  program: lostUpdate(2, 1, 1),
};

export const p09h: Entry = {
  id: "P09h",
  title: "lost updates: four clients, three rounds, all but one lost",
  source: "P09, hardened",
  optimum: { base: "fifo", constraints: 9 },
  program: lostUpdate(4, 3, 3),
};
