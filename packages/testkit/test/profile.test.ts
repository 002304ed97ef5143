import { describe, expect, test } from "@jest/globals";
import { TIMEOUT, type Call, type Pid } from "@coppice/core";
import { explore, inMacrotask, type Profile, type Program, type Run } from "@coppice/testkit";
import { fanIn, runAll } from "./programs.js";

/** A tells B first and then C, who tells B: what B hears, in order, over all runs. */
function overtaking(heard: Set<string>): Program {
  return (sim) => {
    const node = sim.node();
    const log: string[] = [];
    const b = node.spawnOpt<string>({ key: "b" }, async (self) => {
      for (;;) log.push(await self.receive());
    });
    const c = node.spawnOpt<string>({ key: "c" }, async (self) => {
      await self.receive();
      self.send(b, "use");
    });
    node.spawnOpt<never>({ key: "a" }, (self) => {
      self.send(b, "configure");
      self.send(c, "go");
    });
    sim.finally("it is noted", () => heard.add(log.join(" ")) !== undefined);
  };
}

describe("a profile of delivery", () => {
  test("pairFifo lets a message overtake one of another pair", async () => {
    const heard = new Set<string>();
    expect(await runAll(overtaking(heard), { profile: "pairFifo" })).toHaveLength(3);
    expect([...heard].sort()).toEqual(["configure use", "use configure"]);
  });

  test("instant does not: what is sent is in the mailbox", async () => {
    const heard = new Set<string>();
    expect(await runAll(overtaking(heard), { profile: "instant" })).toHaveLength(2);
    expect([...heard]).toEqual(["configure use"]);
  });

  test("instant decides at the sending, not at the arrival, who is first", async () => {
    // Both senders have sent in set-up: there is one order left.
    expect(await runAll(fanIn(2, 2), { profile: "instant" })).toHaveLength(1);
    expect(await runAll(fanIn(2, 1), { profile: "instant", starts: "explored" })).toHaveLength(20);
  });

  test("datagram keeps no order at all, not even of a pair", async () => {
    expect(await runAll(fanIn(1, 3), { profile: "pairFifo" })).toHaveLength(1);
    expect(await runAll(fanIn(1, 3), { profile: "datagram" })).toHaveLength(6);
    expect(await runAll(fanIn(2, 2), { profile: "datagram" })).toHaveLength(24);
  });

  test.each<[Profile, readonly string[]]>([
    ["pairFifo", ["work cancel", "work nothing"]],
    ["erlDist", ["work cancel", "work nothing"]],
    ["instant", ["work cancel"]],
    ["datagram", ["cancel nothing", "work cancel", "work nothing"]],
  ])("%s says what is found by who only looks for what was sent next", async (profile, all) => {
    const seen = new Set<string>();
    const program: Program = (sim) => {
      const node = sim.node();
      const server = node.spawnOpt<string>({ key: "server" }, async (self) => {
        const first = await self.receive();
        const next = await self.receive((word) => word === "cancel", { timeoutMs: 0 });
        seen.add(`${first} ${next === TIMEOUT ? "nothing" : next}`);
      });
      node.spawnOpt<never>({ key: "client" }, (self) => {
        self.send(server, "work");
        self.send(server, "cancel");
      });
    };
    await runAll(program, { profile });
    expect([...seen].sort()).toEqual(all);
  });

  test("datagram loses and repeats messages within a budget", async () => {
    const heard = new Set<string>();
    const program: Program = (sim) => {
      const node = sim.node();
      const log: number[] = [];
      const sink = node.spawnOpt<number>({ key: "sink" }, async (self) => {
        for (;;) log.push(await self.receive());
      });
      node.spawn<never>((self) => {
        for (const n of [1, 2]) self.send(sink, n);
      });
      sim.faults.drop();
      sim.faults.duplicate();
      sim.observe(() => heard.add(log.join("")));
    };
    const runs = await runAll(program, { profile: "datagram" });
    const lengths = new Set([...heard].map((text) => text.length));
    expect([...lengths].sort()).toEqual([0, 1, 2, 3]);
    expect(heard).toContain("112");
    expect(heard).toContain("212");
    expect(
      runs.flatMap(keysOf).filter((key) => /^fault:drop:.*#1$/.test(key)).length,
    ).toBeGreaterThan(0);
    // Not more often than it may.
    for (const run of runs) {
      for (const kind of ["drop", "duplicate"]) {
        expect(keysOf(run).filter((key) => key.startsWith(`fault:${kind}:`)).length).toBeLessThan(
          2,
        );
      }
    }
  });

  test("datagram loses and repeats those messages alone that a fault is for", async () => {
    const heard = new Set<string>();
    const program: Program = (sim) => {
      const node = sim.node();
      let log = "";
      const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) log += await self.receive();
      });
      for (const key of ["a", "b"]) {
        node.spawnOpt<never>({ key }, (self) => {
          for (const word of ["x", "y"]) self.send(sink, `${key}${word} `);
        });
      }
      sim.faults.drop({ only: ({ message }) => message === "ax " });
      sim.faults.duplicate({ only: ({ message }) => String(message).startsWith("b"), times: 2 });
      sim.finally("heard", () => heard.add(log.trim().split(" ").toSorted().join(" ")));
    };
    await inMacrotask(() => explore(program, { simulation: { profile: "datagram" }, runs: 2_000 }));
    const lost = ["ax ay", "ay"];
    const twice = ["bx by", "bx bx by", "bx by by", "bx bx by by", "bx bx bx by", "bx by by by"];
    for (const each of heard) {
      expect(lost.flatMap((some) => twice.map((more) => `${some} ${more}`))).toContain(each);
    }
    expect(heard).toContain("ay bx bx by");
    expect(heard).toContain("ax ay bx bx by by");
  });

  test("datagram loses no link, exit or Down, and keeps their order", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const target = node.spawnOpt<never>({ key: "target" }, async (self) => {
        await self.receive();
      });
      let told = 0;
      node.spawnOpt<{ type: "down" }>({ key: "watcher" }, async (self) => {
        self.monitor(target, () => ({ type: "down" }));
        self.exit(target, "shutdown");
        await self.receive();
        told++;
      });
      sim.faults.drop({ times: 5 });
      sim.finally("the watcher is told once", () => told === 1);
    };
    const runs = await runAll(program, { profile: "datagram" });
    expect(runs.flatMap(({ violations }) => violations)).toEqual([]);
  });
});

function keysOf({ steps }: Run): string[] {
  return steps.map(({ transition }) => transition.key);
}

describe("nodes of one simulation", () => {
  /** A client at `a` that calls a server at `b` twice; what it got. */
  function client(results: Set<string>): Program {
    return (sim) => {
      const [a, b] = [sim.node("a"), sim.node("b")];
      const got: string[] = [];
      const server: Pid<Call<number, number>> = b.spawnOpt({ key: "server" }, async (self) => {
        for (;;) {
          const { request, from } = await self.receive();
          self.reply(from, request * 10);
        }
      });
      a.spawnOpt<never>({ key: "client" }, async (self) => {
        for (const n of [1, 2]) {
          got.push(
            await self
              .call(server, n, { timeoutMs: Infinity })
              .then(String, (error: Error) => error.name),
          );
        }
      });
      sim.faults.disconnect("a", "b");
      sim.finally("noted", () => results.add(got.join(" ")) !== undefined);
    };
  }

  test("talk to each other under the same keys as processes of one node", async () => {
    const results = new Set<string>();
    const runs = await runAll(client(results), { faults: { disconnect: 0 } });
    expect([...results]).toEqual(["10 20"]);
    expect(new Set(runs.flatMap(keysOf))).toContain("a/client→b/server#1");
    expect(new Set(runs.flatMap(keysOf))).toContain("b/server→a/client#1");
  });

  test("with erlDist lose what is on its way from some signal on, and are told noconnection", async () => {
    const results = new Set<string>();
    await runAll(client(results), { profile: "erlDist" });
    expect([...results].sort()).toEqual(["10 20", "10 ServerExitError", "ServerExitError 20"]);
  });
});
