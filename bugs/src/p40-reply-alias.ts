/**
 * P40: a reply never arrives, as the alias for it was used up by a notice.
 *
 * An alias in mode `"reply"` lets one message through. Who has to wait is told so by it; that was the one.
 */
import type { Alias } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Printer = Tell<"print", { reply: Alias<string> }> | Tell<"ready">;

export const p40: Entry = {
  id: "P40",
  title: "a notice uses up the alias for the reply",
  source: "process aliases of OTP 24: the option reply",
  optimum: { base: "lifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const queue: Alias<string>[] = [];
    const printer = spawn(
      "printer",
      server<Printer>({
        print: (self, { reply }) => {
          queue.push(reply);
          if (queue.length === 1) self.send(self.pid, { type: "ready" });
          else self.send(reply, "queued");
        },
        ready: (self) => {
          self.send(queue.shift() as Alias<string>, "printed");
          if (queue.length > 0) self.send(self.pid, { type: "ready" });
        },
      }),
    );
    let printed = 0;
    for (const key of ["a", "b"]) {
      spawn<string>(key, async (self) => {
        const reply = self.alias(variant === "fixed" ? "explicit_unalias" : "reply");
        self.send(printer, { type: "print", reply });
        while ((await self.receive()) !== "printed");
        self.unalias(reply);
        printed++;
      });
    }
    sim.finally("everybody hears of the end", () => printed === 2);
  },
};
