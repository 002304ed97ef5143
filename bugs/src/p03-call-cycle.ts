/**
 * P03: two servers that call each other.
 *
 * Each account asks the other to take in the money while it waits for the answer. Core refuses the call that
 * closes the circle, so that what would be a deadlock is a transfer that fails.
 */
import { CallCycleError, type From, type Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Account =
  | Ask<"transfer", "ok" | "failed", { to: string; amount: number }>
  | Ask<"credit", "ok", { amount: number }>
  | Tell<"creditFor", { amount: number; client: From<"ok" | "failed"> }>;

export const p03: Entry = {
  id: "P03",
  title: "servers that call each other",
  source: "Christakis and Sagonas, Static detection of deadlocks in Erlang, 2011",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 3, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const accounts: Record<string, Pid<Account>> = {};
    for (const name of ["A", "B"]) {
      accounts[name] = spawn(
        name,
        server<Account>({
          transfer: async (self, { to, amount }, from) => {
            const target = accounts[to] as Pid<Account>;
            if (variant === "fixed") {
              self.send(target, { type: "creditFor", amount, client: from });
              return;
            }
            try {
              self.reply(from, await ask(self, target, { type: "credit", amount }));
            } catch (error) {
              if (!(error instanceof CallCycleError)) throw error;
              self.reply(from, "failed");
            }
          },
          credit: (self, _request, from) => self.reply(from, "ok"),
          creditFor: (self, { client }) => self.reply(client, "ok"),
        }),
      );
    }
    let answered = 0;
    for (const [client, own, to] of [
      ["c1", "A", "B"],
      ["c2", "B", "A"],
    ] as const) {
      spawn<never>(client, async (self) => {
        const request = { type: "transfer", to, amount: 1 } as const;
        if ((await ask(self, accounts[own] as Pid<Account>, request)) === "ok") answered++;
      });
    }
    sim.finally("both transfers succeed", () => answered === 2);
  },
};
