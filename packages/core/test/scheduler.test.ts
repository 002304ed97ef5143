import { describe, expect, test } from "@jest/globals";
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  at,
  createNode,
  keyOf,
  name,
  TIMEOUT,
  type Access,
  type AnyPid,
  type Body,
  type Call,
  type Clock,
  type Down,
  type Exit,
  type Handler,
  type Happening,
  type Node,
  type NodeEvent,
  type Pid,
  type Scheduler,
  type Self,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock } from "@coppice/testkit";
import { idle } from "./world.js";

/** Decides everything: nothing happens until the test says so, and time stands still till then. */
class Decider implements Scheduler, Clock {
  nowMs = 0;
  /** All that was ever offered. */
  readonly offered: Happening[] = [];
  /** What could happen now, oldest first. */
  readonly pending: Happening[] = [];
  readonly withdrawn: Happening[] = [];
  readonly accesses: { actor: string; object: string; mode: "read" | "write" }[] = [];
  turns = 0;

  now(): number {
    return this.nowMs;
  }

  set(): unknown {
    throw new Error("a deciding scheduler is offered timers; the clock is not asked to set any");
  }

  clear(): void {
    // Nothing is set.
  }

  soon(task: () => void): void {
    queueMicrotask(task);
  }

  afterTurn(task: () => void): void {
    this.turns++;
    queueMicrotask(task);
  }

  offer(happening: Happening): void {
    this.offered.push(happening);
    this.pending.push(happening);
  }

  withdraw(happening: Happening): void {
    this.withdrawn.push(happening);
    const index = this.pending.indexOf(happening);
    if (index !== -1) this.pending.splice(index, 1);
  }

  access({ object, mode }: Access, actor: AnyPid): void {
    this.accesses.push({ actor: keyOf(actor), object, mode });
  }

  keys(): string[] {
    return this.pending.map(({ key }) => key);
  }

  /** Makes one thing happen, and lets the code it woke come to rest. */
  async happen(key: string): Promise<void> {
    const index = this.pending.findIndex((happening) => happening.key === key);
    if (index === -1) throw new Error(`no ${key} among ${this.keys().join(", ")}`);
    const [happening] = this.pending.splice(index, 1) as [Happening];
    this.nowMs = Math.max(this.nowMs, happening.atMs ?? 0);
    happening.run();
    await rest();
  }

  /** Makes everything happen but timers, in the order that `choose` takes from what may come next. */
  async settle(
    choose: (enabled: readonly Happening[]) => Happening = ([first]) => first as Happening,
  ): Promise<void> {
    await rest();
    for (;;) {
      const channels = new Set<string>();
      const enabled = this.pending.filter(
        ({ kind, channel }) => kind !== "timer" && !channels.has(channel) && channels.add(channel),
      );
      if (enabled.length === 0) return;
      await this.happen(choose(enabled).key);
    }
  }

  /** Makes everything happen, the next timer when nothing else is left. */
  async all(): Promise<void> {
    for (;;) {
      await this.settle();
      const [next] = this.pending.toSorted((a, b) => (a.atMs as number) - (b.atMs as number));
      if (next === undefined) return;
      await this.happen(next.key);
    }
  }
}

async function rest(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

function createDecided(): { node: Node; decider: Decider; events: NodeEvent[] } {
  const decider = new Decider();
  const node = createNode({ name: "n", clock: decider, scheduler: decider, logger: false });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return { node, decider, events };
}

/** A process that does what `act` says once it is sent anything, and then waits for ever. */
function spawnActor(node: Node, act: (self: Self<unknown>) => unknown): Pid<unknown> {
  return node.spawn<unknown>(async (self) => {
    await self.receive();
    await act(self);
    for (;;) await self.receive();
  });
}

describe("with a scheduler that decides", () => {
  test("nothing happens by itself: no start, no message, no signal, no timer, no yield", async () => {
    const { node, decider, events } = createDecided();
    const log: string[] = [];
    const pid = node.spawn<string>(async (self) => {
      log.push("started");
      log.push(await self.receive());
      await self.yield();
      log.push("after the yield");
      await self.sleep(10);
      log.push("after the sleep");
    });
    node.send(pid, "hello");
    await rest();
    decider.nowMs = 1_000;
    await rest();
    expect(log).toEqual([]);
    await decider.happen("start:n/1");
    expect(log).toEqual(["started"]);
    await decider.happen("n→n/1#1");
    expect(log).toEqual(["started", "hello"]);
    await decider.happen("resume:n/1#1");
    expect(log).toEqual(["started", "hello", "after the yield"]);
    decider.nowMs = 1_000_000;
    await rest();
    expect(log).toHaveLength(3);
    await decider.happen("timer:n/1#1");
    expect(log).toHaveLength(4);
    expect(events.at(-1)).toEqual({ type: "exited", pid, reason: "normal" });
    expect(decider.pending).toEqual([]);
  });

  test("an exit signal, a link, a monitor and the news of a death travel as well", async () => {
    const { node, decider } = createDecided();
    const log: unknown[] = [];
    const target = node.spawn<unknown>(idle);
    node.spawn<Down | Exit>(async (self) => {
      self.trapExits();
      self.link(target);
      self.monitor(target);
      for (;;) log.push((await self.receive()).type);
    });
    await decider.happen("start:n/1");
    await decider.happen("start:n/2");
    expect(decider.keys()).toEqual(["n/2→n/1#1", "n/2→n/1#2"]);
    expect(node.processInfo(target)).toMatchObject({ monitoredBy: [], links: [] });
    await decider.happen("n/2→n/1#1");
    await decider.happen("n/2→n/1#2");
    node.exit(target, "shutdown");
    await rest();
    expect(node.mailboxOf(target)).toEqual([]);
    await decider.happen("n→n/1#1");
    expect(log).toEqual([]);
    expect(decider.keys().toSorted()).toEqual(["n/1→n/2#1", "n/1→n/2#2"]);
    await decider.happen("n/1→n/2#1");
    expect(log).toHaveLength(1);
    await decider.happen("n/1→n/2#2");
    expect(log.toSorted()).toEqual(["down", "exit"]);
  });

  test("a call is one signal, monitor and message, and its reply another", async () => {
    const { node, decider } = createDecided();
    const server = node.spawn<Call<"x", "y">>(async (self) => {
      self.reply((await self.receive()).from, "y");
      await self.receive();
    });
    const replies: string[] = [];
    node.spawn<never>(async (self) => {
      replies.push(await self.call(server, "x"));
    });
    await decider.happen("start:n/1");
    await decider.happen("start:n/2");
    expect(decider.keys()).toEqual(["timer:n/2#1", "n/2→n/1#1"]);
    await decider.happen("n/2→n/1#1");
    expect(replies).toEqual([]);
    await decider.happen("n/1→n/2#1");
    expect(replies).toEqual(["y"]);
  });

  test("the code that is woken runs to its next wait, handlers included, before anything else happens", async () => {
    const { node, decider } = createDecided();
    const log: string[] = [];
    const handler: Handler<string, null> = {
      init: () => (log.push("init"), null),
      message: (state, message) => (log.push(message), state),
    };
    const pid = node.spawn(handler);
    for (const word of ["a", "b"]) node.send(pid, word);
    await decider.happen("start:n/1");
    expect(log).toEqual(["init"]);
    await decider.happen("n→n/1#1");
    expect(log).toEqual(["init", "a"]);
    await decider.happen("n→n/1#2");
    expect(log).toEqual(["init", "a", "b"]);
  });

  test("no turn of the event loop is asked for: that is for the scheduler to decide as well", async () => {
    const { node, decider } = createDecided();
    const body: Body<number> = async (self) => {
      for (;;) {
        const n = await self.receive();
        decider.nowMs += 10;
        if (n > 0) self.send(self.pid, n - 1);
      }
    };
    node.send(node.spawn(body), 2_000);
    await decider.settle();
    expect(decider.turns).toBe(0);
  });

  test("withdraw and access may be left out", async () => {
    const pending: Happening[] = [];
    const node = createNode({
      clock: createVirtualClock(),
      logger: false,
      scheduler: {
        soon: queueMicrotask,
        afterTurn: queueMicrotask,
        offer: (happening) => void pending.push(happening),
      },
    });
    const pid = node.spawnOpt<string>({ name: name<string>("x") }, async (self) => {
      self.whereis(name("x"));
      await self.receive({ timeoutMs: 10 });
    });
    node.send(pid, "hello");
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      next.run();
      await rest();
    }
    expect(node.isAlive(pid)).toBe(false);
  });
});

describe("a happening", () => {
  test("says what it is, who will act, on which channel, when, and in words", async () => {
    const { node, decider } = createDecided();
    const pid = node.spawn<unknown>(async function worker(self) {
      await self.receive({ timeoutMs: 50 });
      await self.yield();
    });
    node.send(pid, { type: "ping" });
    node.exit(pid, { shutdown: "enough" });
    await decider.happen("start:n/1");
    const [start] = decider.offered as [Happening];
    expect(start).toMatchObject({ kind: "start", key: "start:n/1", channel: "n/1", actor: "n/1" });
    expect(start.describe()).toBe("start worker");
    expect(start.atMs).toBeUndefined();
    const [message, exit, timer] = decider.pending as [Happening, Happening, Happening];
    expect(message).toMatchObject({
      kind: "signal",
      key: "n→n/1#1",
      channel: "n→n/1",
      actor: "n/1",
    });
    expect(message.describe()).toBe('message {"type":"ping"}');
    expect(exit).toMatchObject({ kind: "signal", key: "n→n/1#2", channel: "n→n/1", actor: "n/1" });
    expect(exit.describe()).toBe('exit {"shutdown":"enough"}');
    expect(timer).toMatchObject({ kind: "timer", key: "timer:n/1#1", actor: "n/1", atMs: 50 });
    await decider.happen("n→n/1#1");
    const resume = decider.pending.find(({ kind }) => kind === "resume") as Happening;
    expect(resume).toMatchObject({ key: "resume:n/1#1", channel: "n/1", actor: "n/1" });
  });

  test("has the place of its process in its key: the positions of all spawns on the way down", async () => {
    const { node, decider } = createDecided();
    const nest = async (self: Self<never>, depth: number): Promise<void> => {
      if (depth === 0) return;
      self.spawn<never, [number]>(nest, depth - 1);
      self.spawn<never, [number]>(nest, 0);
    };
    node.spawn<never, [number]>(nest, 2);
    node.spawn<never, [number]>(nest, 1);
    await decider.settle();
    expect(decider.offered.map(({ key }) => key).toSorted()).toEqual([
      "start:n/1",
      "start:n/1/1",
      "start:n/1/1/1",
      "start:n/1/1/2",
      "start:n/1/2",
      "start:n/2",
      "start:n/2/1",
      "start:n/2/2",
    ]);
  });

  test("has the key of the spawn in its place, when one was given", async () => {
    const { node, decider } = createDecided();
    const supervisor = node.spawnOpt<unknown>({ key: "sup" }, async (self) => {
      for (let life = 1; life <= 2; life++) {
        self.spawnOpt<unknown>({ key: `worker.${life}` }, idle);
      }
      self.spawn(idle);
      await self.receive();
    });
    node.send(supervisor, "x");
    await decider.happen("start:n/sup");
    expect(decider.keys()).toEqual([
      "n→n/sup#1",
      "start:n/sup/worker.1",
      "start:n/sup/worker.2",
      "start:n/sup/3",
    ]);
  });

  test("is numbered on its channel, whatever travels there; other channels do not count", async () => {
    const { node, decider } = createDecided();
    const target = node.spawn<unknown>(idle);
    const act = (self: Self<unknown>): void => {
      self.send(target, 1);
      self.link(target);
      const ref = self.monitor(target, () => null);
      // To itself a process sends without a way in between; a monitor is taken back at once.
      self.send(self.pid, "to myself");
      self.demonitor(ref);
      self.unlink(target);
      self.exit(target, "shutdown");
      self.send(target, 2);
    };
    const [a, b] = [spawnActor(node, act), spawnActor(node, act)];
    await decider.settle();
    for (const pid of [a, b]) node.send(pid, "go");
    decider.offered.length = 0;
    await decider.happen("n→n/2#1");
    await decider.happen("n→n/3#1");
    const keys = decider.offered.map(({ key }) => key);
    for (const from of ["n/2", "n/3"]) {
      expect(keys.filter((key) => key.startsWith(`${from}→n/1#`))).toEqual(
        [1, 2, 3, 4, 5, 6].map((n) => `${from}→n/1#${n}`),
      );
    }
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("is numbered on when an end is dead, in its place too, and when it is out of reach", async () => {
    const { node, decider } = createDecided();
    const dead = node.spawn<unknown>(() => undefined);
    const actor = spawnActor(node, async (self) => {
      self.trapExits(() => null);
      for (let round = 0; round < 3; round++) {
        self.monitor(dead, () => null);
        self.monitor(at("elsewhere", name("someone")), () => null);
        self.exit(dead, "shutdown");
        await self.receive();
        await self.yield();
      }
    });
    await decider.settle();
    node.send(actor, "go");
    node.send(actor, "and again");
    node.send(actor, "and again");
    await decider.settle();
    const keys = decider.offered.map(({ key }) => key);
    const numbersOf = (channel: string): string[] =>
      keys.filter((key) => key.startsWith(`${channel}#`)).map((key) => key.split("#")[1] as string);
    // Monitor and exit signal in each round; in its place nobody answers but by noproc.
    expect(numbersOf("n/2→n/1")).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(numbersOf("n/1→n/2")).toEqual(["1", "2", "3"]);
    expect(numbersOf("someone@elsewhere→n/2")).toEqual(["1", "2", "3"]);
    expect(numbersOf("resume:n/2")).toEqual(["1", "2", "3"]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("is forgotten with the processes it is of: numbers take no room for the dead", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock });
    const node = createNode({ name: "n", clock, scheduler, logger: false });
    const heap = async (processes: number): Promise<number> => {
      for (let i = 0; i < processes; i++) {
        const pid = node.spawn<unknown>(async (self) => {
          await self.yield();
          await self.receive({ timeoutMs: 10 });
        });
        node.send(pid, "go");
        if (i % 1000 === 999) await scheduler.runAll();
      }
      collect();
      return memoryUsage().heapUsed;
    };
    const before = await heap(20_000);
    const growth = (await heap(20_000)) - before;
    expect(node.processes()).toEqual([]);
    // Three numbers for each, under keys of text, would be 4 MB.
    expect(growth).toBeLessThan(1_500_000);
  });

  test("of a timer is numbered for its owner, by whatever it was set", async () => {
    const { node, decider } = createDecided();
    const target = node.spawn<unknown>(idle);
    spawnActor(node, () => undefined);
    const owner = spawnActor(node, async (self) => {
      self.sendAfter(target, 10, "x");
      self.startTimer(target, 20, "y");
      await self.sleep(30);
      await self.receive({ timeoutMs: 40 });
    });
    node.sendAfter(target, 5, "from outside");
    await decider.settle();
    node.send(owner, "go");
    await decider.happen("n→n/3#1");
    await decider.happen("timer:n/3#3");
    const timers = decider.offered.filter(({ kind }) => kind === "timer");
    expect(timers.map(({ key, atMs }) => [key, atMs])).toEqual([
      ["timer:n#1", 5],
      ["timer:n/3#1", 10],
      ["timer:n/3#2", 20],
      ["timer:n/3#3", 30],
      ["timer:n/3#4", 70],
    ]);
  });

  test("of an interval stays that of its owner, tick by tick", async () => {
    const { node, decider } = createDecided();
    const target = node.spawn<unknown>(async (self) => {
      for (;;) await self.receive();
    });
    const owner = spawnActor(node, (self) => void self.sendInterval(target, 10, "tick"));
    await decider.settle();
    node.send(owner, "go");
    await decider.settle();
    for (let tick = 1; tick <= 3; tick++) {
      expect(decider.keys()).toEqual([`timer:n/2#${tick}`]);
      expect(decider.pending[0]).toMatchObject({ actor: "n/2", atMs: 10 * tick });
      await decider.happen(`timer:n/2#${tick}`);
      await decider.settle();
    }
  });

  test("happens once: to run it again does nothing", async () => {
    const { node, decider } = createDecided();
    const log: unknown[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      log.push("started");
      for (;;) log.push(await self.receive());
    });
    node.send(pid, "message");
    node.sendAfter(pid, 10, "timer");
    const offered = [...decider.offered];
    for (const key of ["start:n/1", "n→n/1#1", "timer:n#1"]) await decider.happen(key);
    await decider.settle();
    expect(log).toEqual(["started", "message", "timer"]);
    for (const happening of offered) happening.run();
    await rest();
    await decider.settle();
    expect(log).toEqual(["started", "message", "timer"]);
  });

  test("of a channel arrives behind those before it, in whatever order processes run", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const node = createNode({ clock, scheduler, logger: false });
      const received: Record<string, number[]> = {};
      const receiver: Body<[string, number]> = async (self) => {
        for (;;) {
          const [from, n] = await self.receive();
          (received[`${from} to ${self.pid.serial}`] ??= []).push(n);
        }
      };
      const receivers = [node.spawn(receiver), node.spawn(receiver)];
      for (const sender of ["a", "b", "c"]) {
        node.spawn<never>(async (self) => {
          for (let n = 0; n < 5; n++) {
            for (const to of receivers) self.send(to, [sender, n]);
            await self.yield();
          }
        });
      }
      await scheduler.runAll();
      expect(Object.keys(received)).toHaveLength(6);
      for (const numbers of Object.values(received)) expect(numbers).toEqual([0, 1, 2, 3, 4]);
    }
  });
});

describe("the keys of a program", () => {
  /** Two clients that call a server and have a helper each, of whose end they are told. */
  function startProgram(node: Node, log: (line: string) => void): void {
    const server = node.spawnOpt<Call<string, string>>({ key: "server" }, async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        await self.yield();
        self.reply(from, request.toUpperCase());
      }
    });
    for (const client of ["a", "b"]) {
      node.spawnOpt<Down>({ key: client }, async (self) => {
        for (const n of [1, 2]) log(await self.call(server, `${client}${n}`));
        const { pid } = self.spawnOpt({ monitor: true }, async (own: Self<string>) => {
          own.exit(await own.receive());
        });
        self.send(pid, "done");
        log(`${client}: ${String((await self.receive()).reason)}`);
      });
    }
  }

  function startNoise(node: Node): void {
    node.spawnOpt({ key: "noise" }, async (self: Self<number>) => {
      self.spawn(idle);
      self.sendAfter(self.pid, 10, 1);
      for (let n = 0; n < 3; n++) self.send(self.pid, n);
      for (;;) {
        await self.receive();
        await self.yield();
      }
    });
  }

  /** A choice that depends on the seed alone. */
  function chooser(seed: number): (enabled: readonly Happening[]) => Happening {
    let state = seed;
    return (enabled) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return enabled[(state >>> 8) % enabled.length] as Happening;
    };
  }

  async function keysOf(options: {
    seed: number;
    noise: boolean;
  }): Promise<{ keys: string[]; log: string[] }> {
    const { node, decider } = createDecided();
    const log: string[] = [];
    if (options.noise) startNoise(node);
    startProgram(node, (line) => log.push(line));
    await decider.settle(chooser(options.seed));
    const keys = decider.offered.map(({ key }) => key).filter((key) => !key.includes("noise"));
    return { keys: keys.toSorted(), log: log.toSorted() };
  }

  test("are the same in whatever order its processes run", async () => {
    const expected = await keysOf({ seed: 1, noise: false });
    expect(expected.keys).toContain("start:n/a/1");
    expect(expected.keys).toContain("n/server→n/b#2");
    expect(expected.log).toEqual(["A1", "A2", "B1", "B2", "a: done", "b: done"]);
    for (let seed = 2; seed <= 20; seed++) {
      expect(await keysOf({ seed, noise: false })).toEqual(expected);
    }
  });

  test("are the same when an unrelated process is added", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      expect(await keysOf({ seed, noise: true })).toEqual(await keysOf({ seed, noise: false }));
    }
  });

  test("come in the same order in the same schedule", async () => {
    const runs = [1, 1].map(async (seed) => {
      const { node, decider } = createDecided();
      startProgram(node, () => undefined);
      await decider.settle(chooser(seed));
      return decider.offered.map(({ key }) => key);
    });
    const [first, second] = await Promise.all(runs);
    expect(first).toEqual(second);
  });
});

describe("who asks about a process hears of it as it is after its own signals", () => {
  async function ask<T>(
    act: (self: Self<unknown>, other: Pid<unknown>) => void,
    question: (self: Self<unknown>, other: Pid<unknown>) => T,
  ): Promise<{ answer: T; withdrawn: string[]; pending: string[] }> {
    const { node, decider } = createDecided();
    const other = node.spawn<unknown>((self) => self.sleep(1_000));
    const answers: T[] = [];
    const actor = spawnActor(node, (self) => {
      act(self, other);
      answers.push(question(self, other));
    });
    await decider.settle();
    node.send(actor, "go");
    await decider.happen("n→n/2#1");
    return {
      answer: answers[0] as T,
      withdrawn: decider.withdrawn.map(({ key }) => key),
      pending: decider.keys().filter((key) => !key.startsWith("timer")),
    };
  }

  test("isAlive lets the exit signals it sent arrive at once, and what was sent before them", async () => {
    const { answer, withdrawn, pending } = await ask(
      (self, other) => {
        self.send(other, "before");
        self.exit(other, "kill");
        self.send(other, "after");
      },
      (self, other) => self.isAlive(other),
    );
    expect(answer).toBe(false);
    expect(withdrawn).toEqual(expect.arrayContaining(["n/2→n/1#1", "n/2→n/1#2"]));
    expect(pending).toEqual(["n/2→n/1#3"]);
  });

  test("isAlive lets messages travel on: they change nothing about it", async () => {
    const { answer, withdrawn, pending } = await ask(
      (self, other) => self.send(other, "x"),
      (self, other) => self.isAlive(other),
    );
    expect(answer).toBe(true);
    expect(withdrawn).toEqual([]);
    expect(pending).toEqual(["n/2→n/1#1"]);
  });

  test("processInfo lets all arrive that it sent", async () => {
    const { answer, pending } = await ask(
      (self, other) => {
        self.send(other, "x");
        self.link(other);
      },
      (self, other) => self.processInfo(other),
    );
    expect(answer).toMatchObject({ mailboxSize: 1, links: [expect.anything()] });
    expect(pending).toEqual([]);
  });
});

describe("a message to oneself", () => {
  test("is a signal like any other, so that others come between", async () => {
    const { node, decider } = createDecided();
    const seen: string[] = [];
    const looper = node.spawn<string>({
      init: (self) => self.send(self.pid, "again"),
      message(_state, message, self) {
        seen.push(message);
        if (message === "again" && seen.length < 3) self.send(self.pid, "again");
      },
    });
    await decider.happen("start:n/1");
    node.send(looper, "other");
    expect(decider.keys()).toEqual(["n/1→n/1#1", "n→n/1#1"]);
    await decider.happen("n/1→n/1#1");
    await decider.happen("n→n/1#1");
    await decider.happen("n/1→n/1#2");
    expect(seen).toEqual(["again", "other", "again"]);
  });

  test("is found by who only looks, as in OTP: by a receive that does not wait, and when idle at once", async () => {
    const { node, decider } = createDecided();
    const found: unknown[] = [];
    node.spawn<string>(async (self) => {
      self.send(self.pid, "mine");
      found.push(await self.receive({ timeoutMs: 0 }));
      found.push(await self.receive({ timeoutMs: 0 }));
    });
    await decider.happen("start:n/1");
    expect(found).toEqual(["mine"]);
    await decider.happen("resume:n/1#2");
    expect(found).toEqual(["mine", TIMEOUT]);

    const handled: string[] = [];
    node.spawn<string>({
      init(self) {
        self.send(self.pid, "mine");
        self.idleAfter(0);
      },
      message: (_state, message) => void handled.push(message),
      idle: () => void handled.push("idle"),
    });
    await decider.happen("start:n/2");
    expect(handled).toEqual(["mine"]);
    expect(decider.keys()).toEqual([]);
  });
});

describe("who only looks whether a message is there", () => {
  const looking = (
    decider: Partial<Scheduler> = {},
  ): { found: unknown[]; decider: Decider; send: (...words: string[]) => void } => {
    const decided = createDecided();
    Object.assign(decided.decider, decider);
    const found: unknown[] = [];
    const pid = decided.node.spawn<string>(async (self) => {
      found.push(await self.receive());
      found.push(await self.receive((word) => word === "stop", { timeoutMs: 0 }));
    });
    const send = (...words: string[]): void => {
      for (const word of words) decided.node.send(pid, word);
    };
    return { found, decider: decided.decider, send };
  };

  test("does so in a happening of its own: what arrives before that is found, what comes later is not", async () => {
    const { found, decider, send } = looking();
    send("go", "stop");
    await decider.happen("start:n/1");
    await decider.happen("n→n/1#1");
    expect([found, decider.keys()]).toEqual([["go"], ["n→n/1#2", "resume:n/1#1"]]);
    await decider.happen("n→n/1#2");
    expect([found, decider.keys()]).toEqual([["go", "stop"], []]);

    const late = looking();
    late.send("go", "stop");
    await late.decider.happen("start:n/1");
    await late.decider.happen("n→n/1#1");
    await late.decider.happen("resume:n/1#1");
    expect([late.found, late.decider.keys()]).toEqual([["go", TIMEOUT], ["n→n/1#2"]]);
  });

  test("so does a handler that is idle at once", async () => {
    for (const [last, handled] of [
      ["n→n/1#2", ["go", "more"]],
      ["resume:n/1#1", ["go", "idle"]],
    ] as const) {
      const { node, decider } = createDecided();
      const seen: string[] = [];
      const pid = node.spawn<string>({
        init: () => undefined,
        message(_state, message, self) {
          seen.push(message);
          if (message === "go") self.idleAfter(0);
        },
        idle: () => void seen.push("idle"),
      });
      for (const word of ["go", "more"]) node.send(pid, word);
      await decider.happen("start:n/1");
      await decider.happen("n→n/1#1");
      expect([seen, decider.keys()]).toEqual([["go"], ["n→n/1#2", "resume:n/1#1"]]);
      await decider.happen(last);
      expect(seen).toEqual(handled);
    }
  });

  test("waits for no other happening where all that was sent is there at once", async () => {
    const { found, decider, send } = looking({ deliverAll: () => true });
    send("go", "stop");
    await decider.happen("start:n/1");
    await decider.happen("n→n/1#1");
    expect([found, decider.keys()]).toEqual([["go", TIMEOUT], ["n→n/1#2"]]);
  });
});

describe("what will not take place any more is withdrawn", () => {
  async function withdrawnBy(
    act: (node: Node, decider: Decider) => Promise<void>,
  ): Promise<{ withdrawn: string[]; pending: string[]; decider: Decider }> {
    const { node, decider } = createDecided();
    await act(node, decider);
    return { withdrawn: decider.withdrawn.map(({ key }) => key), pending: decider.keys(), decider };
  }

  test("a timer that is cancelled", async () => {
    const { withdrawn, pending } = await withdrawnBy(async (node) => {
      const timer = node.sendAfter(node.spawn(idle), 10, "x" as never);
      expect(node.readTimer(timer)).toBe(10);
      expect(node.cancelTimer(timer)).toBe(10);
      expect(node.cancelTimer(timer)).toBe(false);
    });
    expect(withdrawn).toEqual(["timer:n#1"]);
    expect(pending).toEqual(["start:n/1"]);
  });

  test("the timeout of a receive that got its message, of a call that got its reply", async () => {
    const { withdrawn, pending } = await withdrawnBy(async (node, decider) => {
      const server = node.spawn<Call<"x", "y">>(async (self) => {
        for (;;) self.reply(((await self.receive({ timeoutMs: 50 })) as Call<"x", "y">).from, "y");
      });
      node.spawn<never>(async (self) => {
        await self.call(server, "x");
        await self.call(server, "x");
      });
      await decider.settle();
    });
    expect(withdrawn.toSorted()).toEqual([
      "timer:n/1#1",
      "timer:n/1#2",
      "timer:n/2#1",
      "timer:n/2#2",
    ]);
    expect(pending).toEqual(["timer:n/1#3"]);
  });

  test("the start of a process that is killed before", async () => {
    const { withdrawn, pending } = await withdrawnBy(async (node, decider) => {
      const pid = node.spawn(idle);
      node.exit(pid, "kill");
      await decider.happen("n→n/1#1");
      expect(node.isAlive(pid)).toBe(false);
    });
    expect(withdrawn).toEqual(["start:n/1"]);
    expect(pending).toEqual([]);
  });

  test.each<["shutdown" | "kill"]>([["shutdown"], ["kill"]])(
    "what a process waits for that ends by %s: sleep, receive, call, its own timers",
    async (reason) => {
      const { withdrawn, pending } = await withdrawnBy(async (node, decider) => {
        const server = node.spawn<Call<"x", "y">>(async (self) => {
          for (;;) await self.receive();
        });
        const pids = [
          node.spawn<never>((self) => self.sleep(10)),
          node.spawn<never>(async (self) => void (await self.receive({ timeoutMs: 20 }))),
          node.spawn<never>(async (self) => void (await self.call(server, "x"))),
        ];
        await decider.settle();
        for (const pid of pids) node.sendAfter(pid, 40, "x" as never);
        for (const pid of pids) node.exit(pid, reason);
        await decider.settle();
        expect(node.processes()).toEqual([server]);
      });
      expect(withdrawn).toEqual(
        expect.arrayContaining([
          "timer:n/2#1",
          "timer:n/3#1",
          "timer:n/4#1",
          "timer:n#1",
          "timer:n#2",
          "timer:n#3",
        ]),
      );
      expect(pending).toEqual([]);
    },
  );

  test("the resumption of a process that ends while it yields", async () => {
    const { withdrawn, pending } = await withdrawnBy(async (node, decider) => {
      const pid = node.spawn<never>((self) => self.yield());
      await decider.happen("start:n/1");
      node.exit(pid, "kill");
      await decider.happen("n→n/1#1");
      expect(node.processes()).toEqual([]);
    });
    expect(withdrawn).toEqual(["resume:n/1#1"]);
    expect(pending).toEqual([]);
  });

  test("the unwind limit of a process that has unwound", async () => {
    const { pending } = await withdrawnBy(async (node, decider) => {
      const pid = node.spawn<never>(async (self) => {
        try {
          await self.sleep(1_000);
        } finally {
          await Promise.resolve();
        }
      });
      await decider.settle();
      node.exit(pid, "shutdown");
      await decider.settle();
      expect(node.processes()).toEqual([]);
    });
    expect(pending).toEqual([]);
  });

  test("and does nothing when it is run all the same", async () => {
    const log: unknown[] = [];
    const { decider } = await withdrawnBy(async (node, own) => {
      const target = node.spawn<unknown>(async (self) => {
        for (;;) log.push(await self.receive());
      });
      await own.settle();
      node.cancelTimer(node.sendAfter(target, 10, "cancelled"));
      node.cancelTimer(node.sendInterval(target, 10, "cancelled"));
      const sleeper = node.spawn<never>((self) => self.sleep(10));
      const unborn = node.spawn<never>(() => void log.push("started"));
      await own.happen("start:n/2");
      for (const pid of [sleeper, unborn]) node.exit(pid, "kill");
      await own.happen("n→n/2#1");
      await own.happen("n→n/3#1");
      expect(own.withdrawn).toHaveLength(4);
      for (const happening of [...own.withdrawn]) happening.run();
      await own.settle();
    });
    expect(log).toEqual([]);
    expect(decider.pending).toEqual([]);
  });
});

describe("an access to something shared is told", () => {
  const Server = name<unknown>("server");

  /** The accesses of a process in the course of what it does. */
  async function accessesOf(
    act: (self: Self<unknown>, other: Pid<unknown>) => unknown,
  ): Promise<string[]> {
    const { node, decider } = createDecided();
    const other = node.spawn<unknown>(idle);
    const actor = spawnActor(node, (self) => act(self, other));
    await decider.settle();
    node.send(actor, "go");
    decider.accesses.length = 0;
    await decider.happen("n→n/2#1");
    return decider.accesses.map(({ actor: by, object, mode }) => `${by} ${mode}s ${object}`);
  }

  test.each<[string, (self: Self<unknown>, other: Pid<unknown>) => unknown, string[]]>([
    ["whereis", (self) => self.whereis(Server), ["n/2 reads name:server@n"]],
    ["register", (self) => self.register(Server), ["n/2 writes name:server@n"]],
    [
      "register of another",
      (self, other) => self.register(Server, other),
      ["n/2 writes name:server@n", "n/2 reads alive:n/1"],
    ],
    [
      "unregister",
      (self) => (self.register(Server), self.unregister(Server)),
      ["n/2 writes name:server@n", "n/2 reads alive:n/2"],
    ],
    [
      "send to a name",
      (self) => (self.register(Server), self.send(Server, "x")),
      ["n/2 writes name:server@n", "n/2 reads name:server@n"],
    ],
    [
      "call to a name",
      (self) => self.call(Server as never, "x" as never).catch(() => undefined),
      ["n/2 reads name:server@n"],
    ],
    ["monitor of a name", (self) => self.monitor(Server, () => null), ["n/2 reads name:server@n"]],
    [
      "isAlive",
      (self, other) => self.isAlive(other),
      ["n/2 reads alive:n/1", "n/2 writes exits:n/2→n/1"],
    ],
    [
      "processInfo: what it does, and who begins to monitor it, which reads its life",
      (self, other) => self.processInfo(other),
      ["n/2 reads mailbox:n/1", "n/2 writes alive:n/1"],
    ],
    ["now", (self) => self.now(), ["n/2 reads clock"]],
    ["send to a pid: none", (self, other) => self.send(other, "x"), []],
    ["spawn: none", (self) => self.spawn(idle), []],
    ["monitor of a pid: none", (self, other) => self.monitor(other, () => null), []],
  ])("%s", async (_what, act, expected) => {
    const accesses = await accessesOf(act);
    // Twice the same is no more than once.
    expect([...new Set(accesses)]).toEqual([...new Set(expected)]);
  });

  test("a spawn under a name", async () => {
    const { node, decider } = createDecided();
    node.spawnOpt<unknown>({ name: Server }, idle);
    expect(decider.accesses).toContainEqual({ actor: "n", object: "name:server@n", mode: "write" });
  });

  test("outside any process, by the node", () => {
    const { node, decider } = createDecided();
    node.whereis(Server);
    node.isAlive(node.pid);
    node.now();
    expect(decider.accesses).toEqual([
      { actor: "n", object: "name:server@n", mode: "read" },
      { actor: "n", object: "alive:n", mode: "read" },
      { actor: "n", object: "clock", mode: "read" },
    ]);
  });

  test("a death, and the name that becomes free by it", async () => {
    const { node, decider } = createDecided();
    const pid = node.spawnOpt<unknown>({ name: Server }, idle);
    await decider.settle();
    decider.accesses.length = 0;
    node.exit(pid, "kill");
    expect(decider.accesses).toEqual([]);
    await decider.happen("n→n/1#1");
    expect(decider.accesses).toEqual([
      { actor: "n", object: "exits:n→n/1", mode: "read" },
      { actor: "n/1", object: "alive:n/1", mode: "write" },
      { actor: "n/1", object: "name:server@n", mode: "write" },
    ]);
  });

  test("that a process exits: from then on isAlive answers differently, although it still unwinds", async () => {
    const { node, decider } = createDecided();
    const pid = node.spawn<never>(async (self) => {
      await self.sleep(1_000).catch(() => undefined);
      await new Promise(() => undefined);
    });
    await decider.settle();
    expect(node.isAlive(pid)).toBe(true);
    node.exit(pid, "shutdown");
    decider.accesses.length = 0;
    await decider.happen("n→n/1#1");
    const accesses = [...decider.accesses];
    expect(node.isAlive(pid)).toBe(false);
    expect(accesses).toContainEqual({ actor: "n/1", object: "alive:n/1", mode: "write" });
  });
});

describe("a program gives the same result under a FIFO scheduler as without one", () => {
  type Log = Record<string, unknown[]>;
  /** Spawns processes on `node`; each notes under its own name what it sees. */
  type Program = (node: Node, note: (who: string, what: unknown) => void) => void;

  const programs: [string, Program][] = [
    [
      "ping and pong",
      (node, note) => {
        interface Ball {
          readonly n: number;
          readonly from: Pid<Ball>;
        }
        const player: Body<Ball, [string]> = async (self, who) => {
          for (;;) {
            const { n, from } = await self.receive();
            note(who, n);
            if (n < 10) self.send(from, { n: n + 1, from: self.pid });
          }
        };
        const [a, b] = [node.spawn(player, "a"), node.spawn(player, "b")];
        node.send(a, { n: 0, from: b });
      },
    ],
    [
      "calls with replies in another order, timeouts and a dead server",
      (node, note) => {
        const server = node.spawn<Call<number, number>>(async (self) => {
          const first = await self.receive();
          const second = await self.receive();
          self.reply(second.from, second.request * 10);
          self.reply(first.from, first.request * 10);
          await self.receive();
          await self.sleep(10);
          self.exit("tired");
        });
        node.spawn<never>(async (self) => {
          note("client", await Promise.all([self.call(server, 1), self.call(server, 2)]));
          note("client", await self.call(server, 3, { timeoutMs: 5 }).catch((e) => e.message));
          note("client", await self.call(server, 4).catch((e) => e.message));
          note("client", await self.call(server, 5).catch((e) => e.message));
        });
      },
    ],
    [
      "links, monitors and traps",
      (node, note) => {
        const child: Body<unknown> = async (self) => void (await self.receive());
        node.spawn<Down | Exit>(async (self) => {
          self.trapExits();
          const linked = self.spawnLink(child);
          const watched = self.spawn(child);
          self.monitor(watched);
          self.monitor(watched);
          self.exit(linked, "boom");
          const noteNext = async (): Promise<void> => {
            const { type, reason } = await self.receive();
            note("parent", [type, reason]);
          };
          await noteNext();
          self.exit(watched, "kill");
          for (let i = 0; i < 2; i++) await noteNext();
          self.link(watched);
          await noteNext();
        });
        node.spawn<unknown>(async (self) => {
          for (let i = 0; i < 3; i++) self.spawnLink(child);
          throw new Error("takes them all down");
        });
      },
    ],
    [
      "timers, intervals and cancellation",
      (node, note) => {
        node.spawn<string>(async (self) => {
          self.sendAfter(self.pid, 30, "later");
          const tick = self.sendInterval(self.pid, 10, "tick");
          const never = self.sendAfter(self.pid, 25, "never");
          note("timers", node.counts.timers);
          for (let i = 0; i < 4; i++) {
            note("timers", [await self.receive(), self.now()]);
            if (i === 0) note("timers", self.cancelTimer(never));
          }
          note("timers", self.cancelTimer(tick) !== false);
          note("timers", (await self.receive({ timeoutMs: 100 })) === TIMEOUT);
        });
      },
    ],
    [
      "names, aliases and selective receive",
      (node, note) => {
        const Server = name<string>("server");
        const server: Body<string> = async (self) => {
          note("server", await self.receive((word) => word.startsWith("b")));
          note("server", await self.receive());
        };
        node.spawnOpt({ name: Server }, server);
        node.spawn<string>(async (self) => {
          self.send(Server, "apple");
          self.send(Server, "banana");
          const once = self.alias("reply");
          self.send(once, "first");
          self.send(once, "second");
          note("sender", await self.receive());
          note("sender", (await self.receive({ timeoutMs: 10 })) === TIMEOUT);
          note("sender", self.whereis(Server) === undefined);
        });
      },
    ],
    [
      "handlers, mailboxes with limits and crashes",
      (node, note) => {
        const counter: Handler<number, number> = {
          init: () => 0,
          message(sum, n) {
            note("handler", sum);
            if (n === 3) throw new Error("three");
            return sum + n;
          },
        };
        const pid = node.spawn(counter);
        const full = node.spawnOpt<number>({ mailbox: { limit: 2 } }, async (self) => {
          await self.sleep(10);
          for (let i = 0; i < 3; i++) {
            const word = await self.receive({ timeoutMs: 0 });
            note("full", word === TIMEOUT ? "nothing" : word);
          }
          await self.sleep(1_000);
        });
        for (const n of [1, 2, 3, 4]) {
          node.send(pid, n);
        }
        node.spawn<never>(async (self) => {
          await self.sleep(5);
          for (const n of [1, 2, 3]) self.send(full, n);
          await self.sleep(10);
          self.exit(full, "kill");
        });
      },
    ],
    [
      "a node that stops",
      (node, note) => {
        for (const who of ["first", "second"]) {
          node.spawn<Exit>(async (self) => {
            self.trapExits();
            note(who, await self.receive());
            await self.sleep(10);
            self.exit("shutdown");
          });
        }
        node.spawn<never>(async (self) => {
          await self.sleep(5);
          void node.stop().then((result) => note("node", result));
        });
      },
    ],
  ];

  interface Result {
    readonly log: Log;
    readonly counts: unknown;
    readonly events: unknown[];
  }

  async function resultOf(
    program: Program,
    options: { readonly decided: boolean; readonly seed?: number },
  ): Promise<Result> {
    const clock = createVirtualClock();
    const fifo = createFifoScheduler(
      options.seed === undefined ? { clock } : { clock, seed: options.seed },
    );
    const node = createNode({
      name: "n",
      clock,
      logger: false,
      random: { next: () => 0.5 },
      ...(options.decided && { scheduler: fifo }),
    });
    const log: Log = {};
    const events: unknown[] = [];
    node.events.subscribe((event) => {
      if (event.type === "undelivered") events.push(`undelivered ${event.why}`);
      if (event.type === "crashed") events.push(`crashed ${event.report.reason.error.message}`);
      if (event.type === "exited") events.push(`${String(event.pid)} exited`);
    });
    program(node, (who, what) => (log[who] ??= []).push(JSON.stringify(what) ?? String(what)));
    await clock.advance(60_000, options.decided ? () => fifo.runAll() : undefined);
    return { log, counts: node.counts, events: events.toSorted() };
  }

  test.each(programs)("%s", async (_what, program) => {
    const direct = await resultOf(program, { decided: false });
    const decided = await resultOf(program, { decided: true });
    expect(Object.keys(direct.log).length).toBeGreaterThan(0);
    expect(decided).toEqual(direct);
  });

  test.each(programs.filter(([what]) => !what.startsWith("names")))(
    "and under any other order, as it leaves nothing to chance: %s",
    async (_what, program) => {
      const direct = await resultOf(program, { decided: false });
      for (let seed = 1; seed <= 10; seed++) {
        expect((await resultOf(program, { decided: true, seed })).log).toEqual(direct.log);
      }
    },
  );
});
