/** P22: a thief looks at a task and then removes it; its owner runs it in between. */
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask } from "./server.js";
import { stage } from "./stage.js";

type Task = string | undefined;
type Deque =
  | Ask<"popBottom", Task>
  | Ask<"peekTop", Task>
  | Ask<"remove", "ok", { task: string }>
  | Ask<"steal", Task>;

export const p22: Entry = {
  id: "P22",
  title: "work stealing runs a task twice",
  source: "Chase and Lev, Dynamic circular work-stealing deque, 2005, done wrong",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 9, failing: 4 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let tasks = ["t1", "t2"];
    const deque = spawn(
      "dq",
      server<Deque>({
        popBottom: (self, _request, from) => self.reply(from, tasks.pop()),
        peekTop: (self, _request, from) => self.reply(from, tasks[0]),
        remove: (self, { task }, from) => {
          tasks = tasks.filter((other) => other !== task);
          self.reply(from, "ok");
        },
        steal: (self, _request, from) => self.reply(from, tasks.shift()),
      }),
    );
    const done = new Set<string>();
    const run = (task: string): void => {
      if (done.has(task)) sim.fail("each task runs once", `${task} ran twice`);
      done.add(task);
    };
    spawn<never>("own", async (self) => {
      for (;;) {
        const task = await ask(self, deque, { type: "popBottom" });
        if (task === undefined) return;
        run(task);
      }
    });
    spawn<never>("thief", async (self) => {
      const request = { type: variant === "fixed" ? "steal" : "peekTop" } as const;
      const task = await ask(self, deque, request);
      if (task === undefined) return;
      if (variant === "buggy") await ask(self, deque, { type: "remove", task });
      run(task);
    });
  },
};
