/** P25: the database is stopped before the writer that still has something for it. */
import type { Down, Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Database =
  Tell<"insert", { x: number }> | Ask<"insertNow", "ok", { x: number }> | Tell<"stop">;
type Writer = Ask<"put", "accepted", { x: number }> | Tell<"stop">;

export const p25: Entry = {
  id: "P25",
  title: "shutdown in start order",
  source: "why OTP's supervisors stop their children in reverse order",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 2, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const rows: number[] = [];
    const database = spawn(
      "db",
      server<Database>({
        insert: (_self, { x }) => void rows.push(x),
        insertNow: (self, { x }, from) => {
          rows.push(x);
          self.reply(from, "ok");
        },
        stop: (self) => self.exit("normal"),
      }),
    );
    const buffered: number[] = [];
    const writer = spawn(
      "wr",
      server<Writer>({
        put: (self, { x }, from) => {
          buffered.push(x);
          self.reply(from, "accepted");
        },
        stop: async (self) => {
          for (const x of buffered) {
            if (variant === "fixed") await ask(self, database, { type: "insertNow", x });
            else self.send(database, { type: "insert", x });
          }
          self.exit("normal");
        },
      }),
    );
    let isAccepted = false;
    spawn<never>("cli", async (self) => {
      await ask(self, writer, { type: "put", x: 1 }).then(
        () => (isAccepted = true),
        () => undefined,
      );
    });
    spawn<Down>("sup", async (self) => {
      const inOrder: Pid<Tell<"stop">>[] = [database, writer];
      if (variant === "fixed") inOrder.reverse();
      for (const pid of inOrder) {
        self.monitor(pid);
        self.send(pid, { type: "stop" });
        await self.receive();
      }
    });
    sim.finally("what was accepted is stored", () => !isAccepted || rows.length === 1);
  },
};
