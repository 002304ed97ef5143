/**
 * P02: a lost wake-up.
 *
 * Who finds an event not yet fired subscribes to it. If it fires in between, nobody tells them.
 */
import type { Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Event = Ask<"get", boolean> | Tell<"subscribe", { who: Pid<Fired> }> | Tell<"fire">;
type Fired = Tell<"fired">;

export const p02: Entry = {
  id: "P02",
  title: "lost wake-up: get, then subscribe",
  source: "the condition variable's classic",
  optimum: { base: "lifo", constraints: 2 },
  classes: { all: 3, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let isFired = false;
    const subscribers: Pid<Fired>[] = [];
    const event = spawn(
      "ev",
      server<Event>({
        get: (self, _request, from) => self.reply(from, isFired),
        subscribe: (self, { who }) => {
          if (variant === "fixed" && isFired) self.send(who, { type: "fired" });
          else subscribers.push(who);
        },
        fire: (self) => {
          isFired = true;
          for (const who of subscribers.splice(0)) self.send(who, { type: "fired" });
        },
      }),
    );
    let isAwake = false;
    spawn<Fired>("waiter", async (self) => {
      if (!(await ask(self, event, { type: "get" }))) {
        self.send(event, { type: "subscribe", who: self.pid });
        await self.receive();
      }
      isAwake = true;
    });
    spawn<never>("sig", (self) => self.send(event, { type: "fire" }));
    sim.finally("nobody sleeps through it", () => isAwake);
  },
};
