/** P24: a retry with a new idempotency key charges twice. */
import { TIMEOUT } from "@coppice/core";
import { askWithin } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask } from "./server.js";
import { stage } from "./stage.js";

type Bank = Ask<"charge", "ok", { key: string }>;

export const p24: Entry = {
  id: "P24",
  title: "retry with a new idempotency key",
  source: "idempotency keys of payment APIs",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const charged = new Set<string>();
    const bank = spawn(
      "bank",
      server<Bank>({
        charge: (self, { key }, from) => {
          charged.add(key);
          self.reply(from, "ok");
        },
      }),
    );
    spawn<never>("shop", async (self) => {
      for (let attempt = 0; attempt < 2; attempt++) {
        const key = variant === "fixed" ? "order" : `order-${attempt}`;
        if ((await askWithin(self, 10, bank, { type: "charge", key })) !== TIMEOUT) return;
      }
    });
    sim.finally("charged at most once", () => charged.size <= 1);
  },
};
