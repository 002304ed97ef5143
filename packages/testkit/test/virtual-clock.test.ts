import { describe, expect, test } from "@jest/globals";
import { createNode, InvalidArgumentError, TIMEOUT } from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";

/** Sets timers that note their names and the time. */
function recorder(clock: VirtualClock): {
  set: (name: string, ms: number) => unknown;
  log: string[];
} {
  const log: string[] = [];
  return { log, set: (name, ms) => clock.set(() => log.push(`${name}@${clock.now()}`), ms) };
}

describe("a virtual clock", () => {
  test("shows 0 at first, and moves only when it is told to", async () => {
    const clock = createVirtualClock();
    expect(clock.now()).toBe(0);
    // However little it is, time passes for the host.
    for (const atMs = performance.now(); performance.now() === atMs;) await quiesce();
    expect(clock.now()).toBe(0);
    await clock.advance(250);
    expect(clock.now()).toBe(250);
  });

  test("fires what is due in order of deadline, and equal deadlines in order of arming", async () => {
    const clock = createVirtualClock();
    const { set, log } = recorder(clock);
    set("late", 300);
    set("second", 100);
    set("third", 100);
    set("first", 50);
    await clock.advance(100);
    expect(log).toEqual(["first@50", "second@100", "third@100"]);
    expect(clock.nextAt()).toBe(300);
  });

  test("fires what is set on the way, too, if it is due by then", async () => {
    const clock = createVirtualClock();
    const log: number[] = [];
    const again = (): void => {
      log.push(clock.now());
      clock.set(again, 40);
    };
    clock.set(again, 40);
    await clock.advance(100);
    expect(log).toEqual([40, 80]);
    expect(clock.now()).toBe(100);
    expect(clock.nextAt()).toBe(120);
  });

  test("lets things come to rest before the first timer and after each", async () => {
    const clock = createVirtualClock();
    const { set, log } = recorder(clock);
    set("a", 10);
    set("b", 10);
    await clock.advance(10, async () => void log.push("rest"));
    expect(log).toEqual(["rest", "a@10", "rest", "b@10", "rest"]);
  });

  test("does not fire what was cleared", async () => {
    const clock = createVirtualClock();
    const { set, log } = recorder(clock);
    const handle = set("a", 10);
    set("b", 10);
    clock.clear(handle);
    clock.clear(handle);
    await clock.advance(10);
    expect(log).toEqual(["b@10"]);
  });

  test("fires one timer at a time on request", () => {
    const clock = createVirtualClock();
    const { set, log } = recorder(clock);
    set("a", 10);
    set("b", 30);
    expect(clock.fireNext()).toBe(true);
    expect(log).toEqual(["a@10"]);
    expect(clock.fireNext()).toBe(true);
    expect(clock.now()).toBe(30);
    expect(clock.fireNext()).toBe(false);
    expect(clock.nextAt()).toBeUndefined();
  });

  test("runs out when nothing is pending but what is not held, and fires that on the way", async () => {
    const clock = createVirtualClock();
    const { set, log } = recorder(clock);
    const beat = (): void => {
      log.push(`beat@${clock.now()}`);
      clock.hold?.(clock.set(beat, 30), false);
    };
    clock.hold?.(clock.set(beat, 30), false);
    set("work", 70);
    expect(clock.pending).toBe(1);
    await clock.runOut();
    expect(log).toEqual(["beat@30", "beat@60", "work@70"]);
    expect(clock.pending).toBe(0);
    expect(clock.nextAt()).toBe(90);
  });

  test("does not go back, nor by what is no number", async () => {
    const clock = createVirtualClock();
    await expect(clock.advance(-1)).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(clock.advance(Number.NaN)).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe("a node on a virtual clock", () => {
  test("sleeps, times out and sends later without waiting", async () => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    const log: string[] = [];
    node.spawn<string>(async (self) => {
      self.sendAfter(self.pid, 3_600_000, "tick");
      await self.sleep(1_000);
      log.push(`slept until ${self.now()}`);
      if ((await self.receive({ timeoutMs: 5_000 })) === TIMEOUT)
        log.push(`gave up at ${self.now()}`);
      log.push(`${await self.receive()} at ${self.now()}`);
    });
    await clock.advance(10_000_000);
    expect(log).toEqual(["slept until 1000", "gave up at 6000", "tick at 3600000"]);
    expect(node.counts.processes).toBe(0);
  });

  test("has come to rest after quiesce, however long its processes talk", async () => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    let turns = 0;
    const other = node.spawn<number>(async (self) => {
      for (;;) {
        const left = await self.receive();
        turns++;
        if (left > 0) self.send(self.pid, left - 1);
      }
    });
    node.send(other, 20_000);
    await quiesce();
    expect(turns).toBe(20_001);
  });

  test("has come to rest after quiesce even if the clock was moved in the middle of a turn", async () => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    let turns = 0;
    const other = node.spawn<number>(async (self) => {
      for (;;) {
        const left = await self.receive();
        turns++;
        clock.set(() => undefined, 10);
        clock.fireNext();
        if (left > 0) self.send(self.pid, left - 1);
      }
    });
    node.send(other, 1);
    await quiesce();
    expect(turns).toBe(2);
  });
});
