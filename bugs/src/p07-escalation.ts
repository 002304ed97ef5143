/**
 * P07: one crash takes the supervisor down.
 *
 * A supervisor puts up with one restart. Its child B calls its child A, and dies of A's absence: looked up
 * between A's crash and its restart, one crash becomes two.
 */
import { name, type AnyPid, type Down } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask } from "./server.js";
import { stage } from "./stage.js";

type Service = Ask<"ping", "pong">;
const A = name<Service>("A");

export const p07: Entry = {
  id: "P07",
  title: "one crash escalates until the supervisor gives up",
  source: "OTP supervision: children that depend on each other, restart intensity 1",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    let isUp = true;
    spawn<Down>("sup", async (self) => {
      const lives = { A: 0, B: 0 };
      const children = new Map<AnyPid, "A" | "B">();
      const keyOf = (id: "A" | "B"): string => {
        const life = ++lives[id];
        return life === 1 ? id : `${id}~${life}`;
      };
      const startA = (): AnyPid =>
        self.spawnOpt(
          { key: keyOf("A"), name: A },
          server<Service>({ ping: (own, _request, from) => own.reply(from, "pong") }),
        );
      const startB = (): AnyPid =>
        self.spawnOpt<never>({ key: keyOf("B") }, async (own) => {
          for (let rounds = 0; rounds < 2;) {
            await own.yield();
            const a = node.whereis(A);
            const reply =
              a === undefined
                ? undefined
                : await ask(own, a, { type: "ping" }).catch(() => undefined);
            if (reply !== undefined) rounds++;
            else if (variant === "buggy") own.exit({ error: "A is not there" });
            else if (a === undefined) await own.sleep(5);
          }
          await own.receive({ timeoutMs: Infinity });
        });
      const start = (id: "A" | "B"): void => {
        const pid = id === "A" ? startA() : startB();
        children.set(pid, id);
        self.monitor(pid);
      };
      start("A");
      start("B");
      for (let restarts = 1; ; restarts++) {
        const { process, reason } = await self.receive();
        if (reason === "normal") continue;
        if (restarts > 1) break;
        await self.yield();
        start(children.get(process as AnyPid) as "A" | "B");
      }
      isUp = false;
      self.exit("shutdown");
    });
    sim.faults.crash("A", () => node.whereis(A));
    sim.finally("one crash is survived", () => isUp);
  },
};
