import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, MutationAfterSendError, type Call, type Pid } from "@coppice/core";
import { simulate, type InteractiveSimulation } from "@coppice/testkit";

function echo(sim: ReturnType<typeof simulate>): {
  node: ReturnType<typeof sim.node>;
  server: Pid<Call<string, string>>;
} {
  const node = sim.node("n");
  const server = node.spawnOpt<Call<string, string>>({ key: "server" }, async (self) => {
    for (;;) {
      const { request, from } = await self.receive();
      await self.sleep(100);
      self.reply(from, request.toUpperCase());
    }
  });
  return { node, server };
}

describe("a simulation that a test drives", () => {
  test("says so when it never comes to rest, where something must hold", async () => {
    const beating = (stepLimit: number): InteractiveSimulation => {
      const sim = simulate({ stepLimit });
      sim.node().spawn<never>(async (self) => {
        for (;;) await self.sleep(10);
      });
      return sim;
    };
    expect((await beating(100).rest()).outcome).toBe("stepLimit");
    const demanding = beating(100);
    demanding.finally("it is tidy", () => true);
    await expect(demanding.rest()).rejects.toThrow(
      'nobody looked whether "it is tidy" holds there',
    );
  });

  test("does nothing by itself, and what can be done without time when it is told to settle", async () => {
    const sim = simulate();
    const { node, server } = echo(sim);
    const answer = node.call(server, "hello");
    expect(sim.trace).toEqual([]);
    await sim.settle();
    expect(sim.trace).toEqual(["start:n/server", "n→n/server#1"]);
    expect(sim.nowMs).toBe(0);
    await sim.advance(100);
    await expect(answer).resolves.toBe("HELLO");
    expect(sim.nowMs).toBe(100);
  });

  test("makes one step at a time, the one whose key is given or what its strategy picks", async () => {
    const sim = simulate();
    const node = sim.node("n");
    const log: string[] = [];
    const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
      for (;;) log.push(await self.receive());
    });
    await sim.settle();
    for (const key of ["a", "b"]) {
      node.spawnOpt<never>({ key }, (self) => self.send(sink, key));
    }
    await sim.settle();
    expect(log).toEqual(["a", "b"]);
    for (const key of ["c", "d"]) {
      node.spawnOpt<never>({ key }, (self) => self.send(sink, key));
    }
    await sim.step("start:n/c");
    await sim.step("start:n/d");
    expect((await sim.step("n/d→n/sink#1"))?.describe()).toBe('message "d"');
    expect((await sim.step())?.key).toBe("n/c→n/sink#1");
    expect(await sim.step()).toBeUndefined();
    expect(log).toEqual(["a", "b", "d", "c"]);
    await expect(sim.step("n/d→n/sink#1")).rejects.toThrow(InvalidArgumentError);
  });

  test("goes on until something holds, or says that it never does", async () => {
    const sim = simulate();
    const { node, server } = echo(sim);
    let answer = "";
    void node.call(server, "x").then((reply) => (answer = reply));
    await sim.until(() => answer !== "");
    expect(sim.nowMs).toBe(100);
    await expect(sim.until(() => answer === "y")).rejects.toThrow("nothing can happen any more");
    await expect(sim.until(() => answer === "y")).rejects.toThrow(
      'at 100 ms, and it does not hold: ()=>answer === "y"',
    );
  });

  test("fires what is due, intervals included, and no more", async () => {
    const sim = simulate();
    const node = sim.node();
    let ticks = 0;
    const pid = node.spawn<string>(async (self) => {
      for (;;) {
        await self.receive();
        ticks++;
      }
    });
    sim.daemon(() => node.sendInterval(pid, 10, "tick"));
    await sim.advance(35);
    expect(ticks).toBe(3);
    await sim.advance(4.9);
    expect(ticks).toBe(3);
    await sim.advance(0.1);
    expect(ticks).toBe(4);
    await expect(sim.advance(-1)).rejects.toThrow(InvalidArgumentError);
  });

  test("looks at what must hold after each step, and at rest", async () => {
    const sim = simulate();
    const node = sim.node();
    let n = 0;
    const pid = node.spawn<number>(async (self) => {
      for (;;) n = await self.receive();
    });
    sim.always("n is small", () => n < 5);
    sim.finally("n is 1", () => n === 1);
    sim.sometimes("n is 7", () => n === 7);
    for (const m of [3, 7, 2]) node.send(pid, m);
    const run = await sim.rest();
    expect(run.violations.map(({ check, step }) => [check, step])).toEqual([
      ["n is small", 2],
      ["n is 1", 4],
    ]);
    expect([...run.seen]).toEqual(["n is 7"]);
  });

  test("cuts the power of a node, and lets it live again", async () => {
    const sim = simulate();
    const log: string[] = [];
    const b = sim.boot("b", (node) => {
      const disk = sim.durable(node, "lives", 0);
      disk.write(disk.read() + 1);
      disk.sync();
      log.push(`life ${disk.read()}`);
    });
    const first = b.node;
    sim.crash("b");
    expect(b.isUp).toBe(false);
    sim.restart("b");
    expect(b.isUp).toBe(true);
    expect(b.node).not.toBe(first);
    expect(b.node.incarnation).not.toBe(first.incarnation);
    await sim.rest();
    expect(log).toEqual(["life 1", "life 2"]);
  });

  test("says where a message was sent that was changed afterwards", async () => {
    const sim = simulate();
    const node = sim.node();
    const sink = node.spawn<{ n: number }>(async (self) => {
      const message = await self.receive();
      message.n++;
    });
    let reason: unknown;
    void node.whenExited(sink).then((why) => (reason = why));
    node.send(sink, { n: 1 });
    await sim.settle();
    const { error } = reason as { error: MutationAfterSendError };
    expect(error).toBeInstanceOf(MutationAfterSendError);
    expect(error.sentAt).toContain("simulate.test.ts");
  });

  test("takes another course with another seed", async () => {
    const courses = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const sim = simulate({ seed });
      const node = sim.node();
      const sink = node.spawn<number>(async (self) => {
        for (;;) await self.receive();
      });
      for (let s = 0; s < 3; s++) node.spawn<never>((self) => self.send(sink, s));
      courses.add((await sim.rest()).hash());
    }
    expect(courses.size).toBeGreaterThan(10);
  });

  test("refuses options that it does not know, and values of the wrong kind", () => {
    for (const options of [
      { sed: 1 },
      { seed: 1.5 },
      { profile: "udp" },
      { clock: "fast" },
      { clock: { maxLatencyMs: -1 } },
      { stepLimit: 0 },
      { starts: "never" },
    ]) {
      expect(() => simulate(options as never)).toThrow(InvalidArgumentError);
    }
    const sim = simulate();
    sim.node("a");
    expect(() => sim.node("a")).toThrow(InvalidArgumentError);
    expect(() => sim.crash("b")).toThrow(InvalidArgumentError);
  });
});
