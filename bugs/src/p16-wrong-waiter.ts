/**
 * P16: a bounded buffer wakes the wrong waiter.
 *
 * Producers and consumers wait in one queue, and each success wakes one of them, of whatever kind it is.
 */
import type { From, HandlerSelf, Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask } from "./server.js";
import { stage } from "./stage.js";

type Woken = { readonly type: "wake" };
type Buffer =
  Ask<"put", "ok" | "wait", { who: Pid<Woken> }> | Ask<"get", "ok" | "wait", { who: Pid<Woken> }>;

export const p16: Entry = {
  id: "P16",
  title: "bounded buffer: the wrong waiter is woken",
  source: "Cargill's challenge, in the Coyote and Shuttle samples",
  optimum: { base: "fifo", constraints: 1 },
  classes: { all: 30, failing: 2 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let isFull = false;
    const waiting: Pid<Woken>[] = [];
    const serve =
      (fills: boolean) =>
      (
        self: HandlerSelf<Buffer>,
        { who }: { readonly who: Pid<Woken> },
        from: From<"ok" | "wait">,
      ): void => {
        if (isFull === fills) {
          waiting.push(who);
          self.reply(from, "wait");
          return;
        }
        isFull = fills;
        self.reply(from, "ok");
        const woken = waiting.splice(0, variant === "fixed" ? waiting.length : 1);
        for (const pid of woken) self.send(pid, { type: "wake" });
      };
    const buffer = spawn("buf", server<Buffer>({ put: serve(true), get: serve(false) }));
    let finished = 0;
    const client = (key: string, type: "put" | "get", times: number): void => {
      spawn<Woken>(key, async (self) => {
        for (let done = 0; done < times;) {
          if ((await ask(self, buffer, { type, who: self.pid })) === "ok") done++;
          else await self.receive();
        }
        finished++;
      });
    };
    client("pr1", "put", 2);
    client("co1", "get", 1);
    client("co2", "get", 1);
    sim.finally("all get through", () => finished === 3);
  },
};
