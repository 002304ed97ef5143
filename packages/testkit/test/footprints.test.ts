/**
 * What steps say they use is all that matters: for each thing that a process can look at, all that can be seen
 * under any order of all steps is seen under the orders that source-DPOR picks.
 */
import { describe, expect, test } from "@jest/globals";
import {
  keyOf,
  KeySpace,
  name,
  TIMEOUT,
  type Call,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import {
  inMacrotask,
  runProgram,
  SourceDpor,
  type Program,
  type Simulation,
  type SimulationOptions,
} from "@coppice/testkit";
import { runAll } from "./programs.js";

/** Makes a program that notes what it saw. */
type Looking = (note: (seen: unknown) => void) => Program;

const byAllOrders = async (looking: Looking, options: SimulationOptions): Promise<string[]> => {
  const seen = new Set<string>();
  await runAll(noting(looking, seen), options);
  return [...seen].toSorted();
};

const byClasses = (looking: Looking, options: SimulationOptions): Promise<string[]> =>
  inMacrotask(() => {
    const seen = new Set<string>();
    const program = noting(looking, seen);
    const dpor = new SourceDpor({ profile: options.profile });
    const keySpace = new KeySpace({ interns: true });
    while (!dpor.done) dpor.learn(runProgram(program, dpor, { ...options, keySpace }));
    return [...seen].toSorted();
  });

function noting(looking: Looking, seen: Set<string>): Program {
  return (sim) => {
    const notes: unknown[] = [];
    const program = looking((what) => notes.push(what))(sim);
    sim.finally("noted", () => seen.add(JSON.stringify(notes)));
    return program;
  };
}

const Known = name<string>("known");

/** One process does something, and another looks on: with each look, what may be seen. */
const looks: [string, (node: Node, other: Pid<string>, self: Self<string>) => unknown, number][] = [
  ["the facts of another", (_node, other, self) => self.processInfo(other)?.mailboxSize, 3],
  ["who monitors another", (_node, other, self) => self.processInfo(other)?.monitoredBy.length, 2],
  ["a mailbox", (node, other) => node.mailboxOf(other), 2],
  ["which processes there are", (node) => node.processes().length, 2],
  ["the counts of the node", (node) => node.counts.processes, 2],
  ["which names there are", (node) => node.registered(), 2],
];

describe("what somebody sees", () => {
  test.each(looks)(
    "who looks at %s is seen in every order that matters",
    async (_what, look, different) => {
      const looking: Looking = (note) => (sim) => {
        const node = sim.node();
        const other = node.spawnOpt<string>({ key: "other" }, async (self) => {
          await self.receive((message) => message === "end");
          self.register(Known);
          await self.yield();
        });
        node.spawnOpt<string>({ key: "friend" }, async (self) => {
          self.monitor(other, () => "down");
          await self.receive({ timeoutMs: 0 });
          self.send(other, "first");
          self.send(other, "end");
        });
        node.spawnOpt<string>({ key: "onlooker" }, async (self) => {
          await self.yield();
          note(look(node, other, self));
        });
      };
      const all = await byAllOrders(looking, {});
      expect(all.length).toBeGreaterThanOrEqual(different);
      expect(await byClasses(looking, {})).toEqual(all);
    },
  );

  test("a disk may fail before and after any use of it, wherever it is opened", async () => {
    const write = async (sim: Simulation, node: Node, note: (seen: unknown) => void) => {
      const disk = sim.durable(node, "count", 0);
      try {
        disk.write(1);
        disk.sync();
        note(disk.read());
      } catch (error) {
        note((error as Error).name);
      }
    };
    const looking: Looking = (note) => (sim) => {
      const node = sim.node();
      node.spawnOpt<string>({ key: "writer" }, async (self) => {
        await self.yield();
        await write(sim, node, note);
        await self.yield();
        await write(sim, node, note);
      });
      const idle = node.spawnOpt<string>({ key: "idle" }, async (self) => {
        await self.receive();
      });
      node.send(idle, "go");
      sim.faults.diskError(node);
    };
    const all = await byAllOrders(looking, {});
    expect(all).toEqual(['[1,"DiskError"]', "[1,1]"]);
    expect(await byClasses(looking, {})).toEqual(all);
  });

  test("a call that a network repeats is over once, when nobody answers it and the other side ends", async () => {
    const looking: Looking = (note) => (sim) => {
      const node = sim.node();
      const server = node.spawnOpt<Call<"get", number>>({ key: "server" }, async (self) => {
        await self.receive();
        await self.yield();
        if ((await self.receive({ timeoutMs: 0 })) !== TIMEOUT) note("twice");
      });
      node.spawnOpt<never>({ key: "client" }, async (self) => {
        await self.call(server, "get", { timeoutMs: Infinity }).catch((error: Error) => {
          note(error.name);
        });
      });
      sim.faults.duplicate();
    };
    const all = await byAllOrders(looking, { profile: "datagram" });
    expect(all).toEqual(['["ServerExitError"]', '["twice","ServerExitError"]']);
    expect(await byClasses(looking, { profile: "datagram" })).toEqual(all);
  });

  test.each(["pairFifo", "erlDist", "datagram"] as const)(
    "under %s what is sent over a connection that is lost arrives up to any point, both ways",
    async (profile) => {
      const looking: Looking = (note) => (sim) => {
        const here = sim.node("here").spawnOpt<string>({ key: "p" }, async (self) => {
          await self.receive();
          self.send(there, "b");
          note("a");
        });
        const there = sim.node("there").spawnOpt<string>({ key: "p" }, async (self) => {
          self.send(here, "a");
          await self.receive();
          note("b");
        });
        sim.faults.disconnect("here", "there");
      };
      const all = await byAllOrders(looking, { profile });
      expect(all).toEqual(['["a","b"]', '["a"]', "[]"]);
      expect(await byClasses(looking, { profile })).toEqual(all);
    },
  );

  test("what several processes do in the name of their node has an order", async () => {
    const looking: Looking = (note) => (sim) => {
      const node = sim.node();
      const ear = node.spawnOpt<string>({ key: "ear" }, async (self) => {
        for (;;) note(await self.receive());
      });
      for (const key of ["a", "b"]) {
        node.spawnOpt<never>({ key }, async (self) => {
          await self.yield();
          const pid = node.spawn<never>(async () => undefined);
          node.send(ear, `${key} spawned ${keyOf(pid)}`);
        });
      }
    };
    const all = await byAllOrders(looking, {});
    expect(all).toEqual(['["a spawned n/4","b spawned n/5"]', '["b spawned n/4","a spawned n/5"]']);
    expect(await byClasses(looking, {})).toEqual(all);
  });

  test.each(["quiet", "async"] as const)(
    "a clock may jump before and after a timer is armed, when it is %s",
    async (clock) => {
      const looking: Looking = (note) => (sim) => {
        const node = sim.node();
        node.spawnOpt<never>({ key: "sleeper" }, async (self) => {
          await self.yield();
          await self.sleep(5);
          note(self.now());
        });
        sim.faults.clockJump(node, 7);
      };
      const all = await byAllOrders(looking, { clock });
      expect(all).toEqual(["[12]", "[5]", "[7]"]);
      expect(await byClasses(looking, { clock })).toEqual(all);
    },
  );
});
