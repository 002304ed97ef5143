import { describe, expect, test } from "@jest/globals";
import {
  formatCrashReport,
  name,
  type CrashReport,
  type ExitReason,
  type Handler,
  type Happening,
  type HandlerSelf,
  type NodeEvent,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, obey, puppetOf, spawnPuppet } from "./world.js";

const boom = new Error("boom");

function reportsOf(events: readonly NodeEvent[]): CrashReport[] {
  return events.flatMap((event) => (event.type === "crashed" ? [event.report] : []));
}

function reasonsOf(events: readonly NodeEvent[]): ExitReason[] {
  return events.flatMap((event) => (event.type === "exited" ? [event.reason] : []));
}

/** Keeps what it is sent, in its state and in `seen`. */
function collector<M>(seen: M[]): Handler<M, number> {
  return {
    init: () => 0,
    message: (count, message) => {
      seen.push(message);
      return count + 1;
    },
  };
}

describe("a handler", () => {
  test("is called with each message, in order of arrival", async () => {
    const { node } = createWorld();
    const seen: number[] = [];
    const pid = node.spawn(collector(seen));
    for (let i = 0; i < 1000; i++) node.send(pid, i);
    await quiesce();
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  test("is called with the state that the call before returned, first that of init", async () => {
    const { node } = createWorld();
    const states: string[] = [];
    const pid = node.spawn<string, string, [first: string]>(
      {
        init: (_self, first) => first,
        message: (state, message) => {
          states.push(state);
          return state + message;
        },
      },
      "a",
    );
    for (const message of ["b", "c", "d"]) node.send(pid, message);
    await quiesce();
    expect(states).toEqual(["a", "ab", "abc"]);
  });

  test("is not called by the sender: it runs after the code that sends", async () => {
    const { node } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: (state, message) => {
        steps.push(message);
        return state;
      },
    });
    await quiesce();
    node.send(pid, "handled");
    steps.push("sent");
    await quiesce();
    expect(steps).toEqual(["sent", "handled"]);
  });

  test("makes no promise for a message unless it returns one: sixty are handled in one go", async () => {
    const { node } = createWorld();
    const seen: unknown[] = [];
    const pid = node.spawn(collector(seen));
    await quiesce();
    for (let i = 0; i < 60; i++) node.send(pid, i);
    // One microtask is not enough for sixty awaits one after the other.
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toHaveLength(60);
  });

  test("that is sent ever more lets other handlers have their turn", async () => {
    const { node } = createWorld();
    const seen: string[] = [];
    const busy = node.spawn<string, null>({
      init: () => null,
      message: (state, message, self) => {
        seen.push(message);
        if (seen.length < 10_000) self.send(self.pid, message);
        return state;
      },
    });
    const other = node.spawn(collector(seen));
    await quiesce();
    node.send(busy, "busy");
    node.send(other, "other");
    await quiesce();
    expect(seen).toHaveLength(10_000);
    expect(seen.indexOf("other")).toBeLessThan(100);
  });

  test("takes messages that came before it started", async () => {
    const { node } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn(collector(seen));
    node.send(pid, "early");
    expect(node.processInfo(pid)?.status).toBe("starting");
    await quiesce();
    expect([seen, node.processInfo(pid)?.status]).toEqual([["early"], "idle"]);
  });

  test("starts when a scheduler that decides says so, not when its first message arrives", async () => {
    const happenings: Happening[] = [];
    const { node } = createWorld({
      scheduler: {
        soon: (task) => queueMicrotask(task),
        afterTurn: (task) => void setImmediate(task),
        offer: (happening) => void happenings.push(happening),
      },
    });
    const steps: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => {
        steps.push("init");
        return null;
      },
      message: (state, message) => {
        steps.push(message);
        return state;
      },
    });
    node.send(pid, "early");
    const [start, signal] = happenings;
    signal?.run();
    await quiesce();
    expect(steps).toEqual([]);
    start?.run();
    await quiesce();
    expect(steps).toEqual(["init", "early"]);
  });

  test("ends with the reason it exits with, and takes no more messages", async () => {
    const { node, events } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: (state, message, self) => {
        seen.push(message);
        if (message === "stop") self.exit({ shutdown: "as told" });
        return state;
      },
    });
    for (const message of ["a", "stop", "b"]) node.send(pid, message);
    await quiesce();
    expect([seen, reasonsOf(events)]).toEqual([["a", "stop"], [{ shutdown: "as told" }]]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "undelivered", message: "b", why: "dead" }),
    );
    expect(node.counts.crashes).toBe(0);
  });

  test("ends although it catches its own exit", async () => {
    const { node, events } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: (state, message, self) => {
        seen.push(message);
        try {
          self.exit("boom");
        } catch {
          // Not today.
        }
        return state;
      },
    });
    node.send(pid, "a");
    node.send(pid, "b");
    await quiesce();
    expect([seen, reasonsOf(events)]).toEqual([["a"], ["boom"]]);
  });

  test("can exit in init; init may say that by throwing its ExitSignal alone", async () => {
    const { node, events } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: (self) => self.exit("not today"),
      message: (state, message) => {
        seen.push(message);
        return state;
      },
    });
    node.send(pid, "a");
    await quiesce();
    expect([seen, reasonsOf(events), node.counts.crashes]).toEqual([[], ["not today"], 0]);
  });

  test("that is idle ends at once by an exit signal", async () => {
    const { node, events } = createWorld();
    const pid = node.spawn(collector([]));
    await quiesce();
    node.exit(pid, "shutdown");
    expect([reasonsOf(events), node.counts.timers]).toEqual([["shutdown"], 0]);
  });

  test("that kills itself goes no further", async () => {
    const { node, events } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: (state, message, self) => {
        self.exit(self.pid, "kill");
        seen.push(message);
        return state;
      },
    });
    node.send(pid, "a");
    await quiesce();
    expect([seen, reasonsOf(events)]).toEqual([[], ["killed"]]);
  });

  test("can do what a body can but receive", async () => {
    const { node } = createWorld();
    const outcome: unknown[] = [];
    const server = puppetOf(node, node.spawn(obey));
    const pid = node.spawn<string, null>({
      init: (self: HandlerSelf<string>) => {
        self.sendAfter(self.pid, 10, "timer");
        self.monitor(server.pid, () => "down");
        self.register(name<string>("handler"));
        return null;
      },
      message: (state, message, self) => {
        outcome.push(message, self.whereis(name("handler")) === self.pid);
        return state;
      },
    });
    await quiesce();
    node.exit(server.pid, "kill");
    await quiesce();
    expect([outcome, node.counts.timers]).toEqual([["down", true], 1]);
    expect(node.whereis(name("handler"))).toBe(pid);
  });
});

describe("an async handler", () => {
  test("takes one message at a time: the next waits until the promise has settled", async () => {
    const { node, clock } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: async (state, message, self) => {
        steps.push(`${message} begins`);
        await self.sleep(10);
        steps.push(`${message} ends`);
        return state;
      },
    });
    node.send(pid, "a");
    node.send(pid, "b");
    await clock.advance(8);
    node.send(pid, "c");
    await clock.advance(1);
    expect([steps, node.mailboxOf(pid)]).toEqual([["a begins"], ["b", "c"]]);
    await clock.advance(100);
    const inTurn = ["a", "b", "c"].flatMap((message) => [`${message} begins`, `${message} ends`]);
    expect(steps).toEqual(inTurn);
  });

  test("can await in init: messages wait", async () => {
    const { node, clock } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<string, string>({
      init: async (self) => {
        await self.sleep(10);
        return "initial";
      },
      message: (state, message) => {
        steps.push(state, message);
        return state;
      },
    });
    node.send(pid, "a");
    await clock.advance(9);
    expect(steps).toEqual([]);
    await clock.advance(1);
    expect(steps).toEqual(["initial", "a"]);
  });

  test("may answer now with a value, now with a promise", async () => {
    const { node } = createWorld();
    const states: number[] = [];
    const pid = node.spawn<number, number>({
      init: () => 0,
      message: (sum, n) => {
        states.push(sum);
        return n % 2 === 0 ? sum + n : Promise.resolve(sum + n);
      },
    });
    for (const n of [1, 2, 3, 4, 5]) node.send(pid, n);
    await quiesce();
    expect(states).toEqual([0, 1, 3, 6, 10]);
  });

  test("that has to exit leaves what it awaits on the runtime, then is dead", async () => {
    const { node, events } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: async (state, _message, self) => {
        try {
          await self.sleep(1000);
        } finally {
          steps.push("finally");
        }
        return state;
      },
    });
    node.send(pid, "a");
    node.send(pid, "b");
    await quiesce();
    node.exit(pid, "shutdown");
    expect(reasonsOf(events)).toEqual([]);
    await quiesce();
    expect([steps, reasonsOf(events), node.counts.timers]).toEqual([["finally"], ["shutdown"], 0]);
  });
});

describe("an error", () => {
  const failing: Record<string, Handler<{ type: string }, null>> = {
    "in init": {
      init: () => {
        throw boom;
      },
      message: (state) => state,
    },
    "in an async init": {
      init: () => Promise.reject(boom),
      message: (state) => state,
    },
    "in message": {
      init: () => null,
      message: () => {
        throw boom;
      },
    },
    "in an async message": {
      init: () => null,
      message: () => Promise.reject(boom),
    },
  };

  test.each<[where: string, during: string, lastMessageType: string | undefined]>([
    ["in init", "starting", undefined],
    ["in an async init", "starting", undefined],
    ["in message", "handling message increment", "increment"],
    ["in an async message", "handling message increment", "increment"],
  ])("%s crashes the process; the report says %j", async (where, during, lastMessageType) => {
    const { node, events } = createWorld();
    const pid = node.spawn(failing[where] as Handler<{ type: string }, null>);
    node.send(pid, { type: "increment" });
    node.send(pid, { type: "next" });
    await quiesce();
    expect(reasonsOf(events)).toEqual([{ error: boom }]);
    expect(reportsOf(events)).toMatchObject([{ pid, during, lastMessageType }]);
    expect(node.counts.crashes).toBe(1);
  });

  test("of one handler hurts no other that has messages waiting", async () => {
    const { node, events } = createWorld();
    const seen: string[] = [];
    const bad = node.spawn(failing["in message"] as Handler<{ type: string }, null>);
    const good = node.spawn(collector(seen));
    await quiesce();
    node.send(bad, { type: "a" });
    node.send(good, "b");
    await quiesce();
    expect([seen, reasonsOf(events).length]).toEqual([["b"], 1]);
  });

  test("on a message that cannot be looked at is reported all the same, and hurts no other", async () => {
    const { node, events } = createWorld();
    const seen: string[] = [];
    const bad = node.spawn<unknown, null>({
      init: () => null,
      message: () => {
        throw boom;
      },
    });
    const good = node.spawn(collector(seen));
    await quiesce();
    node.send(bad, {
      get type(): string {
        throw new Error("do not look");
      },
    });
    node.send(good, "b");
    await quiesce();
    expect([seen, reasonsOf(events), reportsOf(events).length]).toEqual([
      ["b"],
      [{ error: boom }],
      1,
    ]);
  });
});

describe("a crash report", () => {
  test("says who crashed, why, in what, from whom it stems and what was left", async () => {
    const { node, events } = createWorld();
    const grandparent = spawnPuppet(node);
    const parent = puppetOf(node, await grandparent.do((self) => self.spawn(obey)));
    const tally: Handler<{ type: string }, null> = {
      init: () => null,
      message: function tally(state, message) {
        if (message.type === "bad") throw boom;
        return state;
      },
    };
    const pid = await parent.do((self) =>
      self.spawnOpt(
        { name: name<{ type: string }>("tally"), label: "of the week", link: true },
        tally,
      ),
    );
    for (const type of ["good", "bad", "left", "left too"]) node.send(pid, { type });
    await quiesce();
    expect(reportsOf(events)).toEqual([
      {
        pid,
        name: "tally",
        label: "of the week",
        initialCall: "tally",
        path: expect.any(String),
        ancestors: [parent.pid, grandparent.pid, node.pid],
        reason: { error: boom },
        stack: expect.stringContaining("handler.test.ts"),
        during: "handling message bad",
        mailboxSize: 2,
        lastMessageType: "bad",
        links: [parent.pid],
        watched: false,
      },
    ]);
  });

  test("prints for people", async () => {
    const { node, events } = createWorld();
    const Tally = name<string>("tally");
    const pid = node.spawnOpt({ name: Tally, label: "of the week" }, async function tally(self) {
      await self.receive();
      throw boom;
    });
    node.send(pid, "hello");
    await quiesce();
    const text = formatCrashReport(reportsOf(events)[0] as CrashReport);
    expect(text.split("\n")[0]).toBe(
      'process <demo.1> "tally" (of the week) crashed while handling message "hello"',
    );
    expect(text).toContain("Error: boom");
    expect(text).toContain("initial call: tally; ancestors: <demo.0>");
    expect(text).toContain("mailbox: 0 messages; links: none");
  });

  test.each<[message: unknown, type: string]>([
    [{ type: "ping", n: 1 }, "ping"],
    [{ type: "call", request: ["pop"] }, 'call ["pop"]'],
    [["pop", 1], '"pop"'],
    ["hello", '"hello"'],
    [42, "42"],
    [{ n: 1 }, '{"n":1}'],
  ])("names the type of the last message of a body: %j is %j", async (message, type) => {
    const { node, events } = createWorld();
    const pid = node.spawn<unknown>(async (self) => {
      await self.receive();
      await Promise.resolve();
      throw boom;
    });
    node.send(pid, message);
    await quiesce();
    expect(reportsOf(events)).toMatchObject([
      { lastMessageType: type, during: `handling message ${type}` },
    ]);
  });

  test("of a body that has received nothing yet says running, or starting before its first await", async () => {
    const { node, events } = createWorld();
    node.spawn(async () => {
      await Promise.resolve();
      throw boom;
    });
    node.spawn(() => {
      throw boom;
    });
    await quiesce();
    expect(reportsOf(events).map(({ during }) => during)).toEqual(["starting", "running"]);
  });

  test.each<[how: string, watched: boolean]>([
    ["nobody", false],
    ["a monitor", true],
    ["a link that traps exits", true],
    ["a link that does not", false],
  ])("says whether the end is told to someone: with %s %s", async (how, watched) => {
    const { node, events } = createWorld();
    const other = spawnPuppet(node);
    const pid = node.spawn<string>(async (self) => {
      await self.receive();
      throw boom;
    });
    await other.do((self) => {
      if (how === "a monitor") self.monitor(pid);
      if (how === "a link that traps exits") self.trapExits();
      if (how.startsWith("a link")) self.link(pid);
    });
    node.send(pid, "crash");
    await quiesce();
    // Who dies of the link is no crash of its own.
    expect(reportsOf(events).map((report) => [report.pid, report.watched])).toEqual([
      [pid, watched],
    ]);
  });

  test.each<[ExitReason]>([["normal"], ["shutdown"], [{ shutdown: 1 }], ["boom"], ["kill"]])(
    "is not made for an exit with %j",
    async (reason) => {
      const { node, events } = createWorld();
      node.spawn(async (self) => self.exit(reason));
      await quiesce();
      expect([reportsOf(events), node.counts.crashes]).toEqual([[], 0]);
    },
  );
});
