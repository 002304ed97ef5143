/**
 * P05: a message through a third process overtakes the direct one.
 *
 * Order is kept between two processes, and nothing is promised across pairs.
 */
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Configured = Tell<"configure"> | Ask<"configureNow", "ok"> | Tell<"use">;

export const p05: Entry = {
  id: "P05",
  title: "use before configure, across pairs",
  source: "the guarantee of order is per pair: Erlang, Akka",
  optimum: { base: "fifo", constraints: 1 },
  classes: { all: 2, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let isConfigured = false;
    const user = spawn(
      "B",
      server<Configured>({
        configure: () => void (isConfigured = true),
        configureNow: (self, _request, from) => {
          isConfigured = true;
          self.reply(from, "ok");
        },
        use: () => {
          if (!isConfigured) sim.fail("configured first", "used before it was configured");
        },
      }),
    );
    const third = spawn(
      "C",
      server<Tell<"go">>({ go: (self) => self.send(user, { type: "use" }) }),
    );
    spawn<never>("A", async (self) => {
      if (variant === "fixed") await ask(self, user, { type: "configureNow" });
      else self.send(user, { type: "configure" });
      self.send(third, { type: "go" });
    });
  },
};
