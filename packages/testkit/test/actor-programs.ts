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

/** A server that acknowledges what it asks another to keep, and may crash before that is done. */
export function acknowledgeFirst(sim: Simulation): void {
  const node = sim.node();
  let kept = 0;
  let acknowledged = 0;
  const keeper = node.spawnOpt<Call<"keep", "ok">>({ key: "keeper" }, async (self) => {
    for (;;) {
      const { from } = await self.receive();
      kept++;
      self.reply(from, "ok");
    }
  });
  const server = node.spawnOpt<Call<"add", "ok">>({ key: "server" }, async (self) => {
    for (;;) {
      const { from } = await self.receive();
      self.reply(from, "ok");
      await self.yield();
      await self.call(keeper, "keep", { timeoutMs: Infinity });
    }
  });
  node.spawnOpt<never>({ key: "client" }, async (self) => {
    await self.call(server, "add", { timeoutMs: Infinity });
    acknowledged++;
  });
  sim.faults.crash("server", server);
  sim.finally("what was acknowledged is kept", () => {
    if (kept < acknowledged) throw new Error(`${acknowledged} acknowledged, ${kept} kept`);
  });
}

/** As many processes as there are in a crowd, all of which say something to one. */
export function crowd(sim: Simulation, size: number): void {
  const node = sim.node();
  const ear = node.spawnOpt<number>({ key: "ear" }, async (self) => {
    for (;;) await self.receive();
  });
  for (let i = 0; i < size; i++) node.spawn<never>((self) => self.send(ear, i));
}
