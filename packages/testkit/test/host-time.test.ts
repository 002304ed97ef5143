import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import {
  explore,
  inMacrotask,
  simulate,
  testActors,
  type Program,
  type ScheduleFailureError,
} from "@coppice/testkit";

const hour: Program = (sim) => {
  const started = Date.now();
  sim.node().spawn(async (self) => {
    await self.sleep(3_600_000);
    await new Promise<void>((resolve) => void setTimeout(resolve, 5));
    sim.fail("later", `${Date.now() - started} ms`);
  });
};

describe("under fake timers of the test runner", () => {
  beforeEach(() => void jest.useFakeTimers({ now: 7 }));
  afterEach(() => void jest.useRealTimers());

  test("programs are explored on the simulation's clock", async () => {
    const { failures } = await inMacrotask(() => explore(hour));
    expect(failures[0]?.violations[0]?.message).toBe("3600005 ms");
    expect(Date.now()).toBe(7);
  });

  test("a budget is of real time", async () => {
    const { statement } = await inMacrotask(() =>
      explore(
        (sim) => {
          for (let i = 0; i < 9; i++) {
            const to = sim.node(`n${i}`).spawn<string>(async (self) => void (await self.receive()));
            sim.node(`m${i}`).spawn((self) => self.send(to, "x"));
          }
          sim.always("each order counts", () => true);
        },
        { ms: 50 },
      ),
    );
    expect(statement.kind).toBe("bounded");
  });

  test("a simulation is driven, and tests of actors run", async () => {
    const sim = simulate();
    let isOver = false;
    sim.node().spawn(async (self) => {
      await self.sleep(1_000);
      isOver = true;
    });
    await sim.advance(1_000);
    expect(isOver).toBe(true);
    const tests: (() => Promise<void>)[] = [];
    testActors.with((_name, run) => tests.push(run))("an hour", [], hour, { store: false });
    const error = await tests[0]?.().catch((reason: unknown) => reason as ScheduleFailureError);
    expect(error?.message.split("\n")[0]).toBe("✗ later: 3600005 ms");
  });

  test("the globals are the fake ones again when the run is over", async () => {
    const { setTimeout, setImmediate, Date } = globalThis;
    await inMacrotask(() => explore(hour));
    await inMacrotask(() => undefined);
    await inMacrotask(() => undefined);
    expect([globalThis.setTimeout, globalThis.setImmediate, globalThis.Date]).toEqual([
      setTimeout,
      setImmediate,
      Date,
    ]);
  });
});
