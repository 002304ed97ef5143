/**
 * P18: a barber who goes to sleep just after the bell has rung.
 *
 * The waiting room and the bell are two processes. Mended by one that owns both.
 */
import type { Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Customer = Tell<"cut">;
type Barber = Tell<"wake">;
type Room = Ask<"next", Pid<Customer> | undefined> | Ask<"sit", "seated", { who: Pid<Customer> }>;
type Bell = Tell<"sleep"> | Tell<"ring">;

export const p18: Entry = {
  id: "P18",
  title: "sleeping barber",
  source: "Dijkstra, Cooperating sequential processes, 1965",
  optimum: { base: "fifo", constraints: 1 },
  classes: { all: 212, failing: 18 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    const seated: Pid<Customer>[] = [];
    let barber: Pid<Barber>;
    let sleepsInRoom = false;
    const room = spawn(
      "room",
      server<Room>({
        next: (self, _request, from) => {
          const who = seated.shift();
          if (who === undefined && variant === "fixed") sleepsInRoom = true;
          self.reply(from, who);
        },
        sit: (self, { who }, from) => {
          seated.push(who);
          if (sleepsInRoom) {
            sleepsInRoom = false;
            self.send(barber, { type: "wake" });
          }
          self.reply(from, "seated");
        },
      }),
    );
    let sleeps = false;
    const bell = spawn(
      "bell",
      server<Bell>({
        sleep: () => void (sleeps = true),
        ring: (self) => {
          if (sleeps) self.send(barber, { type: "wake" });
          sleeps = false;
        },
      }),
    );
    barber = node.spawnOpt<Barber>({ key: "barber" }, async (self) => {
      for (;;) {
        const who = await ask(self, room, { type: "next" });
        if (who !== undefined) {
          self.send(who, { type: "cut" });
          continue;
        }
        if (variant === "buggy") self.send(bell, { type: "sleep" });
        await self.receive();
      }
    });
    let served = 0;
    for (const customer of ["c1", "c2"]) {
      spawn<Customer>(customer, async (self) => {
        await ask(self, room, { type: "sit", who: self.pid });
        if (variant === "buggy") self.send(bell, { type: "ring" });
        await self.receive();
        served++;
      });
    }
    sim.finally("every customer is served", () => served === 2);
  },
};
