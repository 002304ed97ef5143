/**
 * P15: a cache is filled with the old value after it was invalidated.
 */
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Database = Ask<"get", number> | Ask<"set", "ok", { value: number }>;
type Cached = { readonly value: number | undefined; readonly generation: number };
type Cache =
  | Ask<"get", Cached>
  | Ask<"invalidate", "ok">
  | Tell<"fill", { value: number; generation: number }>;

export const p15: Entry = {
  id: "P15",
  title: "cache fill after the invalidation",
  source: "Nishtala et al., Scaling Memcache at Facebook, NSDI 2013",
  optimum: { base: "fifo", constraints: 2 },
  classes: { all: 5, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let stored = 0;
    const database = spawn(
      "db",
      server<Database>({
        get: (self, _request, from) => self.reply(from, stored),
        set: (self, { value }, from) => {
          stored = value;
          self.reply(from, "ok");
        },
      }),
    );
    let value: number | undefined;
    let generation = 0;
    const cache = spawn(
      "cache",
      server<Cache>({
        get: (self, _request, from) => self.reply(from, { value, generation }),
        fill: (_self, message) => {
          if (variant === "buggy" || message.generation === generation) value = message.value;
        },
        invalidate: (self, _request, from) => {
          value = undefined;
          generation++;
          self.reply(from, "ok");
        },
      }),
    );
    spawn<never>("rd", async (self) => {
      const cached = await ask(self, cache, { type: "get" });
      if (cached.value !== undefined) return;
      const read = await ask(self, database, { type: "get" });
      self.send(cache, { type: "fill", value: read, generation: cached.generation });
    });
    spawn<never>("wr", async (self) => {
      await ask(self, database, { type: "set", value: 1 });
      await ask(self, cache, { type: "invalidate" });
    });
    sim.finally("the cache is empty or right", () => value === undefined || value === 1);
  },
};
