/** Very many processes, all alive at the same time; each answers one message. */
import type { Pid } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";

interface Question {
  readonly from: Pid<"here">;
}

export async function coppice(count: number): Promise<Measurement> {
  const { answers, seconds } = await ask(count);
  return { count: answers, value: seconds };
}

/** Spawns `count` processes and asks each; `rssBytes` is what they all need of the machine's memory. */
export async function ask(
  count: number,
): Promise<{ answers: number; seconds: number; rssBytes: number }> {
  const node = startNode();
  let answers = 0;
  const startMs = performance.now();
  const asker = node.spawn<"here">(async (self) => {
    const asked: Pid<Question>[] = [];
    for (let i = 0; i < count; i++) {
      const pid = self.spawn<Question>(async (one) => {
        for (;;) {
          const { from } = await one.receive();
          one.send(from, "here");
        }
      });
      asked.push(pid);
    }
    for (const pid of asked) self.send(pid, { from: self.pid });
    while (answers < count) {
      await self.receive();
      answers++;
    }
    const { processes } = node.counts;
    if (processes !== count + 1) throw new Error(`${processes} processes are alive`);
  });
  await node.whenExited(asker);
  const seconds = (performance.now() - startMs) / 1_000;
  const rssBytes = process.memoryUsage.rss();
  await node.stop({ timeoutMs: 0 });
  return { answers, seconds, rssBytes };
}
