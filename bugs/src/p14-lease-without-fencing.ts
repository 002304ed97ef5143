/**
 * P14: who held a lease and paused writes after it has moved on.
 */
import type { From, HandlerSelf } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Lock = Ask<"acquire", number> | Tell<"expired", { token: number }>;
type Store = Tell<"write", { token: number }>;

export const p14: Entry = {
  id: "P14",
  title: "a lease and a pause, without a fencing token",
  source: "Kleppmann, How to do distributed locking, 2016",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let isHeld = false;
    let token = 0;
    const waiting: From<number>[] = [];
    const grant = (self: HandlerSelf<Lock>, from: From<number>): void => {
      isHeld = true;
      self.reply(from, ++token);
      self.sendAfter(self.pid, 10, { type: "expired", token });
    };
    const lock = spawn(
      "lock",
      server<Lock>({
        acquire: (self, _request, from) => {
          if (isHeld) waiting.push(from);
          else grant(self, from);
        },
        expired: (self, message) => {
          if (!isHeld || message.token !== token) return;
          isHeld = false;
          const next = waiting.shift();
          if (next !== undefined) grant(self, next);
        },
      }),
    );
    let highest = 0;
    const store = spawn(
      "store",
      server<Store>({
        write: (_self, message) => {
          if (message.token >= highest) highest = message.token;
          else if (variant === "buggy") {
            sim.fail("tokens grow", `${message.token} wrote after ${highest}`);
          }
        },
      }),
    );
    for (const client of ["c1", "c2"]) {
      spawn<never>(client, async (self) => {
        const own = await ask(self, lock, { type: "acquire" });
        await self.yield();
        self.send(store, { type: "write", token: own });
      });
    }
  },
};
