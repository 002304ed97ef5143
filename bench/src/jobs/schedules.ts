/** Schedules of three processes and eight deliveries: two clients read a counter and set it to one more. */
import { KeySpace, type Call } from "@coppice/core";
import { inMacrotask, runProgram, walk, type Program } from "@coppice/testkit";
import fc from "fast-check";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

type Request = "get" | { readonly set: number };

/** Each of `clients` reads and sets. */
export function readModifyWrite(clients: number): Program {
  return (sim) => {
    const node = sim.node();
    let value = 0;
    const counter = node.spawnOpt<Call<Request, number>>({ key: "counter" }, async (self) => {
      for (;;) {
        const { request, from } = await self.receive();
        if (request !== "get") value = request.set;
        self.reply(from, value);
      }
    });
    for (let c = 1; c <= clients; c++) {
      node.spawnOpt<never>({ key: `c${c}` }, async (self) => {
        const seen = await self.call(counter, "get", { timeoutMs: Infinity });
        await self.call(counter, { set: seen + 1 }, { timeoutMs: Infinity });
      });
    }
  };
}

export function coppice(count: number): Promise<Measurement> {
  return inMacrotask(() => {
    const program = readModifyWrite(2);
    const keySpace = new KeySpace({ interns: true });
    let runs = 0;
    const startMs = performance.now();
    for (let seed = 0; seed < count; seed++) {
      const run = runProgram(program, walk(seed), { keySpace });
      if (run.steps.length === 8) runs++;
    }
    return { count: runs, value: perSecond(runs, startMs) };
  });
}

async function fastCheck(count: number): Promise<Measurement> {
  let runs = 0;
  const startMs = performance.now();
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    let value = 0;
    let deliveries = 0;
    const deliver = async <T>(act: () => T): Promise<T> => {
      await scheduler.schedule(Promise.resolve());
      deliveries++;
      return act();
    };
    const client = async (): Promise<void> => {
      const asked = await deliver(() => value);
      const seen = await deliver(() => asked);
      await deliver(() => (value = seen + 1));
      await deliver(() => "ok");
    };
    const clients = Promise.all([client(), client()]);
    await scheduler.waitFor(clients);
    if (deliveries === 8) runs++;
  });
  await fc.assert(property, { numRuns: count, seed: 1 });
  return { count: runs, value: perSecond(runs, startMs) };
}

export { fastCheck as "fast-check" };
