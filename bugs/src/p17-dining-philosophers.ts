/** P17: philosophers who all hold one fork. Mended by an order of the forks. */
import type { From, Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Fork = Ask<"take", "ok"> | Tell<"put">;

function dining(seats: number, rounds: number, comesLater: boolean): Entry["program"] {
  return (variant) => (sim) => {
    const { spawn } = stage(sim);
    const forks: Pid<Fork>[] = [];
    for (let seat = 0; seat < seats; seat++) {
      let isTaken = false;
      const waiting: From<"ok">[] = [];
      forks.push(
        spawn(
          `f${seat}`,
          server<Fork>({
            take: (self, _request, from) => {
              if (isTaken) waiting.push(from);
              else self.reply(from, "ok");
              isTaken = true;
            },
            put: (self) => {
              const next = waiting.shift();
              isTaken = next !== undefined;
              if (next !== undefined) self.reply(next, "ok");
            },
          }),
        ),
      );
    }
    let finished = 0;
    for (let seat = 0; seat < seats; seat++) {
      const sides = [seat, (seat + 1) % seats];
      if (variant === "fixed") sides.sort((a, b) => a - b);
      const [first, second] = sides.map((side) => forks[side]) as [Pid<Fork>, Pid<Fork>];
      spawn<never>(`p${seat}`, async (self) => {
        if (comesLater) await self.yield();
        for (let round = 0; round < rounds; round++) {
          await ask(self, first, { type: "take" });
          await ask(self, second, { type: "take" });
          self.send(first, { type: "put" });
          self.send(second, { type: "put" });
        }
        finished++;
      });
    }
    sim.finally("all eat", () => finished === seats);
  };
}

export const p17: Entry = {
  id: "P17",
  title: "dining philosophers",
  source: "Dijkstra, Hierarchical ordering of sequential processes, 1971",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 49, failing: 1 },
  program: dining(3, 1, false),
};

export const p17h: Entry = {
  id: "P17h",
  title: "dining philosophers: six, two rounds",
  source: "P17, hardened",
  optimum: { base: "lifo", constraints: 1 },
  program: dining(6, 2, true),
};
