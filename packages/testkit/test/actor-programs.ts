/** Programs of real processes that go wrong under some schedules. */
import type { Call } from "@coppice/core";
import type { Simulation } from "@coppice/testkit";

/** A client for each of `increments`, which it adds to a counter by a get and a set. */
export function counter(sim: Simulation, increments: readonly number[]): void {
  const node = sim.node();
  let count = 0;
  const server = node.spawnOpt<Call<"get" | { readonly set: number }, number>>(
    { key: "counter" },
    async (self) => {
      for (;;) {
        const { request, from } = await self.receive();
        if (request !== "get") count = request.set;
        self.reply(from, count);
      }
    },
  );
  for (const [index, increment] of increments.entries()) {
    node.spawnOpt<never>({ key: `client${index + 1}` }, async (self) => {
      const seen = await self.call(server, "get", { timeoutMs: Infinity });
      await self.call(server, { set: seen + increment }, { timeoutMs: Infinity });
    });
  }
  const sum = increments.reduce((total, each) => total + each, 0);
  sim.finally("no update is lost", () => {
    if (count !== sum) throw new Error(`the counter has ${count}, not ${sum}`);
  });
}

/** The reader may fill the cache with what it read before the writer invalidated it. */
export function cacheFill(sim: Simulation): void {
  const node = sim.node("shop");
  let stored = 0;
  let cached: number | undefined;
  type CacheCall = Call<"get", number | undefined>;
  const cache = node.spawnOpt<CacheCall | { readonly fill: number } | "invalidate">(
    { key: "cache" },
    async (self) => {
      for (;;) {
        const message = await self.receive();
        if (message === "invalidate") cached = undefined;
        else if ("fill" in message) cached = message.fill;
        else self.reply(message.from, cached);
      }
    },
  );
  const db = node.spawnOpt<Call<"get" | { readonly set: number }, number>>(
    { key: "db" },
    async (self) => {
      for (;;) {
        const { request, from } = await self.receive();
        if (request !== "get") stored = request.set;
        self.reply(from, stored);
      }
    },
  );
  node.spawnOpt<never>({ key: "reader" }, async (self) => {
    if ((await self.call(cache, "get", { timeoutMs: Infinity })) !== undefined) return;
    self.send(cache, { fill: await self.call(db, "get", { timeoutMs: Infinity }) });
  });
  node.spawnOpt<never>({ key: "writer" }, async (self) => {
    await self.call(db, { set: 1 }, { timeoutMs: Infinity });
    self.send(cache, "invalidate");
  });
  sim.finally("the cache is empty or right", () => {
    if (cached !== undefined && cached !== stored) {
      throw new Error(`the cache has ${cached}, the db ${stored}`);
    }
  });
}
