import { describe, expect, test } from "@jest/globals";
import {
  at,
  CallCycleError,
  CallTimeoutError,
  createNode,
  ExitSignal,
  InvalidArgumentError,
  name,
  NoProcessError,
  ServerExitError,
  UncloneableMessageError,
  type AbortSignalLike,
  type AnyPid,
  type Call,
  type ExitReason,
  type From,
  type Handler,
  type Node,
  type Pid,
  type ReplyOf,
  type RequestOf,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { createHosted, type FakeHost } from "./fake-host.js";
import { createWorld, idle, spawnDead, spawnPuppet, type World } from "./world.js";

type Echo = Call<string, string>;

/** Answers every request with itself. */
async function echo(self: Self<Echo>): Promise<void> {
  for (;;) {
    const { from, request } = await self.receive();
    self.reply(from, request);
  }
}

/** A server that keeps its requests until the test answers them. */
function spawnKeeper(node: Node): { pid: Pid<Echo>; requests: Echo[] } {
  const requests: Echo[] = [];
  const pid = node.spawn<Echo>(async (self) => {
    for (;;) requests.push(await self.receive());
  });
  return { pid, requests };
}

/** What has become of a promise by now. */
function outcomeOf(promise: Promise<unknown>): { state: string; value?: unknown } {
  const outcome: { state: string; value?: unknown } = { state: "pending" };
  promise.then(
    (value) => Object.assign(outcome, { state: "fulfilled", value }),
    (value: unknown) => Object.assign(outcome, { state: "rejected", value }),
  );
  return outcome;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect("a result").toBe("an error"),
    (error: unknown) => error,
  );
}

function undelivered(events: World["events"]) {
  return events.flatMap((event) => (event.type === "undelivered" ? [event] : []));
}

/** An abort signal that counts its listeners. */
class CountingSignal implements AbortSignalLike {
  aborted = false;
  reason: unknown;
  readonly listeners = new Set<() => void>();

  addEventListener(_type: "abort", listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.listeners) listener();
  }
}

describe("a call", () => {
  test("resolves to what the server replies", async () => {
    const { node } = createWorld();
    const server = node.spawn(echo);
    const caller = spawnPuppet(node);
    expect(await caller.do((self) => self.call(server, "hello"))).toBe("hello");
  });

  test("arrives as a message with the request and a reference of the caller", async () => {
    const { node } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    void caller.do((self) => self.call(pid, "hello"));
    await quiesce();
    expect(requests).toEqual([{ type: "call", request: "hello", from: expect.anything() }]);
    expect(requests[0]?.from.owner).toBe(caller.pid);
  });

  test("can be made outside any process; the node's own pid is then the caller", async () => {
    const { node } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const reply = node.call(pid, "hello");
    await quiesce();
    const { from } = requests[0] as Echo;
    expect(from.owner).toBe(node.pid);
    node.reply(from, "hi");
    expect(await reply).toBe("hi");
  });

  test("can be made by a handler, which takes no other message meanwhile", async () => {
    const { node } = createWorld();
    const { pid: server, requests } = spawnKeeper(node);
    const log: string[] = [];
    const asker: Handler<string, null> = {
      init: () => null,
      async message(_state, message, self) {
        log.push(`${message} asks`, `${message} got ${await self.call(server, message)}`);
        return null;
      },
    };
    const pid = node.spawn(asker);
    node.send(pid, "first");
    node.send(pid, "second");
    await quiesce();
    expect(log).toEqual([]);
    expect(requests.map(({ request }) => request)).toEqual(["first"]);
    node.reply((requests[0] as Echo).from, "1");
    await quiesce();
    expect(log).toEqual(["first asks", "first got 1"]);
    expect(requests.map(({ request }) => request)).toEqual(["first", "second"]);
  });

  test("leaves nothing behind once it is answered: no monitor, no timer, no listener", async () => {
    const { node } = createWorld();
    const server = node.spawn(echo);
    const caller = spawnPuppet(node);
    const signal = new CountingSignal();
    await caller.do((self) => self.call(server, "hello", { signal }));
    expect(node.processInfo(server)?.monitoredBy).toEqual([]);
    expect(node.processInfo(caller.pid)).toMatchObject({ monitors: [], mailboxSize: 0 });
    expect(node.counts.timers).toBe(0);
    expect(signal.listeners.size).toBe(0);
  });

  test("shows in processInfo while it waits: the caller waits, and monitors the server", async () => {
    const { node } = createWorld();
    const { pid } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    void caller.do((self) => self.call(pid, "hello"));
    await quiesce();
    expect(node.processInfo(caller.pid)).toMatchObject({ status: "waiting", monitors: [pid] });
    expect(node.processInfo(pid)?.monitoredBy).toEqual([caller.pid]);
    const other = spawnPuppet(node);
    const Keeper = name<Echo>("keeper");
    node.register(Keeper, pid);
    await other.do((self) => {
      self.monitor(Keeper, () => null);
      void self.call(Keeper, "hello");
    });
    // As OTP has it: the name where it monitors by name, the pid where it calls by name.
    expect(node.processInfo(other.pid)?.monitors).toEqual([Keeper, pid]);
  });

  test("by name reaches whoever holds it, at this node also by its remote name", async () => {
    const { node } = createWorld();
    const Server = name<Echo>("server");
    node.spawnOpt({ name: Server }, echo);
    const caller = spawnPuppet(node);
    expect(await caller.do((self) => self.call(Server, "by name"))).toBe("by name");
    expect(await caller.do((self) => self.call(at("demo", Server), "at"))).toBe("at");
    expect(await node.call(Server, "outside")).toBe("outside");
    expect(await node.call(at("demo", Server), "outside at")).toBe("outside at");
  });

  test("finds what the server sent before its reply in the mailbox already", async () => {
    const { node } = createWorld();
    const caller = spawnPuppet(node);
    const server = node.spawn<Call<string, string>>(async (self) => {
      const { from } = await self.receive();
      self.send(caller.pid, "first");
      self.send(caller.pid, "second");
      self.reply(from, "done");
      self.send(caller.pid, "third");
    });
    const seen = await caller.do(async (self) => {
      await self.call(server, "go");
      return [...node.mailboxOf(self.pid)];
    });
    expect(seen.slice(0, 2)).toEqual(["first", "second"]);
  });
});

describe("the reply of a call", () => {
  test("is matched by its reference: of 100 000 unreceived messages not one is looked at", async () => {
    const { node } = createWorld();
    let looks = 0;
    const noticing = new Proxy(
      {},
      {
        get: () => void looks++,
        has: () => (looks++, false),
        ownKeys: () => (looks++, []),
        getPrototypeOf: () => (looks++, null),
      },
    );
    const server = node.spawn(echo);
    const caller = spawnPuppet(node);
    await caller.do(() => undefined);
    for (let i = 0; i < 100_000; i++) node.send(caller.pid, noticing);
    const done = outcomeOf(
      new Promise((resolve) => {
        // An order would have to be searched for, past all of them, so the code is under way already.
        const late = node.spawn<unknown>(async (self) => {
          while (node.mailboxOf(self.pid).length < 100_000) await self.sleep(1);
          looks = 0;
          for (let i = 0; i < 10; i++) await self.call(server, "hello");
          resolve(looks);
        });
        for (let i = 0; i < 100_000; i++) node.send(late, noticing);
      }),
    );
    await quiesce();
    expect(done).toEqual({ state: "fulfilled", value: 0 });
  });

  test("leaves the order of the unreceived messages as it was", async () => {
    const { node } = createWorld();
    const server = node.spawn(echo);
    const got = await spawnPuppet(node).do(async (self) => {
      const sent = Array.from({ length: 1_000 }, (_, i) => i);
      for (const i of sent) self.send(self.pid, i);
      await self.call(server, "hello");
      const received: unknown[] = [];
      for (let i = 0; i < sent.length; i++) received.push(await self.receive());
      return received;
    });
    expect(got).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test("never reaches the mailbox, not even that of a process which receives anything", async () => {
    const { node } = createWorld();
    const server = node.spawn(echo);
    const received: unknown[] = [];
    const caller = node.spawn<unknown>(async (self) => {
      void self.call(server, "hello").then((reply) => received.push(`reply ${reply}`));
      for (;;) received.push(await self.receive());
    });
    await quiesce();
    expect(received).toEqual(["reply hello"]);
    expect(node.mailboxOf(caller)).toEqual([]);
  });

  test("goes to its own call when several wait at once, in whatever order replies come", async () => {
    const { node } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const replies = spawnPuppet(node).do((self) =>
      Promise.all(["a", "b", "c"].map((request) => self.call(pid, request))),
    );
    await quiesce();
    for (const { from, request } of requests.toReversed()) node.reply(from, request.toUpperCase());
    expect(await replies).toEqual(["A", "B", "C"]);
  });

  test("goes to its own caller when several call one server", async () => {
    const { node } = createWorld();
    const server = node.spawn(echo);
    const callers = Array.from({ length: 50 }, () => spawnPuppet(node));
    const replies = await Promise.all(
      callers.map((caller, i) => caller.do((self) => self.call(server, `request ${i}`))),
    );
    expect(replies).toEqual(callers.map((_, i) => `request ${i}`));
  });

  test("may come from another process than the one that was called", async () => {
    const { node } = createWorld();
    const worker = node.spawn<From<string>>(async (self) => {
      self.reply(await self.receive(), "from the worker");
    });
    const front = node.spawn<Echo>(async (self) => {
      self.send(worker, (await self.receive()).from);
      await self.receive();
    });
    expect(await spawnPuppet(node).do((self) => self.call(front, "x"))).toBe("from the worker");
  });

  test("counts when the server ends right after it", async () => {
    const { node } = createWorld();
    const server = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      self.reply(from, "last words");
      self.exit("shutdown");
    });
    expect(await spawnPuppet(node).do((self) => self.call(server, "x"))).toBe("last words");
  });

  test("may be undefined", async () => {
    const { node } = createWorld();
    const server = node.spawn<Call<"x", undefined>>(async (self) => {
      self.reply((await self.receive()).from, undefined);
    });
    expect(await node.call(server, "x")).toBeUndefined();
  });

  test("given twice counts once; the second is undelivered", async () => {
    const { node, events } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    const reply = caller.do((self) => self.call(pid, "x"));
    await quiesce();
    const { from } = requests[0] as Echo;
    node.reply(from, "first");
    node.reply(from, "second");
    expect(await reply).toBe("first");
    expect(undelivered(events)).toEqual([
      { type: "undelivered", to: caller.pid, from: node.pid, message: "second", why: "alias" },
    ]);
    expect(node.mailboxOf(caller.pid)).toEqual([]);
  });

  test("that comes after the timeout vanishes, as an undelivered event with why alias", async () => {
    const { node, clock, events } = createWorld();
    const caller = spawnPuppet(node);
    const server = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      await self.sleep(101);
      self.reply(from, "too late");
      await self.receive();
    });
    const error = errorOf(caller.do((self) => self.call(server, "x", { timeoutMs: 100 })));
    await clock.advance(200);
    expect(await error).toBeInstanceOf(CallTimeoutError);
    expect(undelivered(events)).toEqual([
      { type: "undelivered", to: caller.pid, from: server, message: "too late", why: "alias" },
    ]);
    expect(node.counts.undelivered).toBe(1);
    expect(node.mailboxOf(caller.pid)).toEqual([]);
    expect(node.isAlive(server)).toBe(true);
  });

  test("that comes after the caller's death vanishes in the same way", async () => {
    const { node, events } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    void caller.do((self) => self.call(pid, "x"));
    await quiesce();
    node.exit(caller.pid, "kill");
    node.reply((requests[0] as Echo).from, "to nobody");
    await quiesce();
    expect(undelivered(events)).toEqual([
      { type: "undelivered", to: caller.pid, from: node.pid, message: "to nobody", why: "alias" },
    ]);
    expect(node.isAlive(pid)).toBe(true);
  });

  test("is no promise: that is refused, and the caller still waits", async () => {
    const { node } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const outcome = outcomeOf(node.call(pid, "x"));
    await quiesce();
    const { from } = requests[0] as Call<string, unknown>;
    expect(() => node.reply(from, Promise.resolve("x"))).toThrow(InvalidArgumentError);
    await quiesce();
    expect(outcome.state).toBe("pending");
    node.reply(from, "y");
    await quiesce();
    expect(outcome).toEqual({ state: "fulfilled", value: "y" });
  });
});

describe("a call that gets no reply", () => {
  test("with a timeout of 0 is sent, and given up at once: that takes no timer", async () => {
    const { node } = createWorld();
    const server = spawnKeeper(node);
    const outcome = outcomeOf(node.call(server.pid, "x", { timeoutMs: 0 }));
    expect(node.counts.timers).toBe(0);
    await quiesce();
    expect(outcome).toMatchObject({ state: "rejected", value: { name: "CallTimeoutError" } });
    expect(server.requests).toHaveLength(1);
  });

  test("rejects with CallTimeoutError after its timeoutMs, saying who, what and how long", async () => {
    const { node, clock } = createWorld();
    const { pid } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    const outcome = outcomeOf(caller.do((self) => self.call(pid, "size", { timeoutMs: 250 })));
    await clock.advance(249);
    expect(outcome.state).toBe("pending");
    await clock.advance(1);
    expect(outcome.value).toBeInstanceOf(CallTimeoutError);
    expect(outcome.value).toMatchObject({
      code: "CALL_TIMEOUT",
      timeoutMs: 250,
      message: '<demo.1> did not reply to "size" within 250 ms',
    });
    expect(node.processInfo(pid)?.monitoredBy).toEqual([]);
  });

  test("waits 5000 ms when nothing else is said", async () => {
    const { node, clock } = createWorld();
    const { pid } = spawnKeeper(node);
    const inside = outcomeOf(spawnPuppet(node).do((self) => self.call(pid, "x")));
    const outside = outcomeOf(node.call(pid, "x", {}));
    await clock.advance(4_999);
    expect([inside.state, outside.state]).toEqual(["pending", "pending"]);
    await clock.advance(1);
    expect([inside.value, outside.value]).toMatchObject([{ timeoutMs: 5000 }, { timeoutMs: 5000 }]);
  });

  test("waits for ever with Infinity, and sets no timer for it", async () => {
    const { node, clock } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const outcome = outcomeOf(node.call(pid, "x", { timeoutMs: Infinity }));
    await quiesce();
    expect(node.counts.timers).toBe(0);
    await clock.advance(365 * 24 * 60 * 60 * 1000);
    expect(outcome.state).toBe("pending");
    node.reply((requests[0] as Echo).from, "at last");
    await quiesce();
    expect(outcome).toEqual({ state: "fulfilled", value: "at last" });
  });

  test("says nothing about the request: the server handles it all the same", async () => {
    const { node, clock } = createWorld();
    const handled: string[] = [];
    const server = node.spawn<Echo>(async (self) => {
      await self.sleep(1_000);
      for (;;) handled.push((await self.receive()).request);
    });
    const outcome = outcomeOf(node.call(server, "x", { timeoutMs: 10 }));
    await clock.advance(1_000);
    expect(outcome.state).toBe("rejected");
    expect(handled).toEqual(["x"]);
  });

  test("does not end its caller when the caller catches the error", async () => {
    const { node, clock } = createWorld();
    const { pid } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    const error = errorOf(caller.do((self) => self.call(pid, "x", { timeoutMs: 1 })));
    await clock.advance(1);
    await error;
    expect(await caller.do(() => "still here")).toBe("still here");
  });

  test("crashes its caller when the caller does not catch the error", async () => {
    const { node, clock } = createWorld();
    const { pid } = spawnKeeper(node);
    const caller = node.spawn<never>(async (self) => {
      await self.call(pid, "x", { timeoutMs: 1 });
    });
    const reason = node.whenExited(caller);
    await clock.advance(1);
    expect(await reason).toMatchObject({ error: { name: "CallTimeoutError" } });
  });
});

describe("a call to nobody", () => {
  test("rejects with NoProcessError for a pid that has ended", async () => {
    const { node } = createWorld();
    const dead = (await spawnDead(node)) as Pid<Echo>;
    for (const call of [
      node.call(dead, "x"),
      spawnPuppet(node).do((self) => self.call(dead, "x")),
    ]) {
      expect(await errorOf(call)).toMatchObject({
        name: "NoProcessError",
        code: "NO_PROCESS",
        target: String(dead),
      });
    }
  });

  test("rejects with NoProcessError for a name that nobody holds", async () => {
    const { node } = createWorld();
    const Nobody = name<Echo>("nobody");
    for (const target of [Nobody, at("demo", Nobody)]) {
      const error = await errorOf(spawnPuppet(node).do((self) => self.call(target, "x")));
      expect(error).toBeInstanceOf(NoProcessError);
      expect((error as Error).message).toContain("nobody");
      expect(await errorOf(node.call(target, "x"))).toBeInstanceOf(NoProcessError);
    }
  });

  test("rejects with ServerExitError and noconnection for a pid or a name of another node", async () => {
    const { node } = createWorld();
    const other = createNode({ name: "other", clock: createVirtualClock(), logger: false });
    const far = other.spawn(echo);
    const farName = at("elsewhere", name<Echo>("nobody"));
    for (const call of [
      node.call(far, "x"),
      node.call(farName, "x"),
      spawnPuppet(node).do((self) => self.call(far, "x")),
    ]) {
      expect(await errorOf(call)).toMatchObject({
        name: "ServerExitError",
        reason: "noconnection",
      });
    }
  });
});

describe("a call whose server ends first", () => {
  test.each<[string, (self: Self<Echo>) => void, ExitReason]>([
    ["returns", () => undefined, "normal"],
    ["exits with shutdown", (self) => self.exit("shutdown"), "shutdown"],
    ["exits with a term", (self) => self.exit({ shutdown: "full" }), { shutdown: "full" }],
    ["exits with a word of its own", (self) => self.exit("tired"), "tired"],
    ["kills itself", (self) => self.exit(self.pid, "kill"), "killed"],
  ])("rejects with its exit reason when the server %s", async (_how, end, reason) => {
    const { node } = createWorld();
    const server = node.spawn<Echo>(async (self) => {
      await self.receive();
      end(self);
    });
    const error = await errorOf(spawnPuppet(node).do((self) => self.call(server, "x")));
    expect(error).toBeInstanceOf(ServerExitError);
    expect(error).toMatchObject({ code: "SERVER_EXIT", reason, cause: reason });
  });

  test("carries the very error the server crashed with", async () => {
    const { node } = createWorld();
    const boom = new RangeError("boom");
    const server = node.spawn<Echo>(async (self) => {
      await self.receive();
      throw boom;
    });
    const error = (await errorOf(node.call(server, "size"))) as ServerExitError;
    expect((error.reason as { error: Error }).error).toBe(boom);
    expect(error.message).toBe('<demo.1> ended before it replied to "size": RangeError: boom');
  });

  test("rejects when the server is killed while the request is still in its mailbox", async () => {
    const { node, events } = createWorld();
    const server = node.spawn<Echo>(async (self) => self.sleep(1_000));
    const error = errorOf(spawnPuppet(node).do((self) => self.call(server, "x")));
    await quiesce();
    node.exit(server, "kill");
    expect(await error).toMatchObject({ name: "ServerExitError", reason: "killed" });
    expect(undelivered(events)).toMatchObject([{ to: server, why: "dead" }]);
  });

  test("leaves no timer and no listener behind", async () => {
    const { node } = createWorld();
    const { pid } = spawnKeeper(node);
    const signal = new CountingSignal();
    const error = errorOf(node.call(pid, "x", { signal }));
    await quiesce();
    node.exit(pid, "shutdown");
    await error;
    expect(signal.listeners.size).toBe(0);
    expect(node.counts.timers).toBe(0);
  });
});

describe("the error of a call", () => {
  test("is made when its caller goes on, not for all callers at the end of the server", async () => {
    for (const [how, end] of [
      ["end", (node: Node, pid: AnyPid) => node.exit(pid, "kill")],
      ["timeout", (_node: Node, _pid: AnyPid, host: FakeHost) => (host.nowMs += 100)],
    ] as const) {
      const { node, host } = createHosted();
      const { pid } = spawnKeeper(node);
      await host.rest();
      let printed = 0;
      const request = { toJSON: () => `request ${++printed}` } as unknown as string;
      const outcomes = Array.from({ length: 50 }, () =>
        outcomeOf(node.call(pid, request, { timeoutMs: 100 })),
      );
      await host.turns(3);
      // From here on each look at the clock takes a whole turn.
      host.lookMs = 1;
      end(node, pid, host);
      await host.turn();
      const madeAtOnce = printed;
      await host.turns(200);
      expect([how, printed]).toEqual([how, 50]);
      expect([how, madeAtOnce < 10]).toEqual([how, true]);
      expect(new Set(outcomes.map(({ state }) => state))).toEqual(new Set(["rejected"]));
    }
  });

  test("has the stack of the caller where that is running, else none of the runtime's", async () => {
    const { node, clock } = createWorld();
    const { pid } = spawnKeeper(node);
    const dead = await spawnDead(node);
    const far = at("elsewhere", name<Echo>("echo"));
    const running = [errorOf(node.call(dead as Pid<Echo>, "x")), errorOf(node.call(far, "x"))];
    for (const error of await Promise.all(running)) {
      expect((error as Error).stack).toContain("call.test.ts");
    }
    const later = [errorOf(node.call(pid, "x", { timeoutMs: 10 })), errorOf(node.call(pid, "y"))];
    await clock.advance(10);
    node.exit(pid, "kill");
    for (const error of await Promise.all(later)) {
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).stack).not.toContain("    at ");
      expect((error as Error).stack).toContain((error as Error).message);
    }
    expect(Error.stackTraceLimit).toBeGreaterThan(0);
  });
});

describe("a call with an AbortSignal", () => {
  test("that has aborted already rejects with its reason, and nothing is sent", async () => {
    const { node } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const reason = new Error("no longer wanted");
    const signal = AbortSignal.abort(reason);
    const caller = spawnPuppet(node);
    expect(await errorOf(caller.do((self) => self.call(pid, "x", { signal })))).toBe(reason);
    expect(await errorOf(node.call(pid, "x", { signal }))).toBe(reason);
    await quiesce();
    expect(requests).toEqual([]);
    expect(node.processInfo(pid)?.monitoredBy).toEqual([]);
  });

  test("that aborts meanwhile rejects with its reason, and the reply is dropped", async () => {
    const { node, events } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    const signal = new CountingSignal();
    const outcome = outcomeOf(caller.do((self) => self.call(pid, "x", { signal })));
    await quiesce();
    signal.abort("changed my mind");
    await quiesce();
    expect(outcome).toEqual({ state: "rejected", value: "changed my mind" });
    expect(signal.listeners.size).toBe(0);
    expect(node.counts.timers).toBe(0);
    expect(node.processInfo(pid)?.monitoredBy).toEqual([]);
    node.reply((requests[0] as Echo).from, "too late");
    expect(undelivered(events)).toMatchObject([{ message: "too late", why: "alias" }]);
  });

  test("that aborts after the reply is not disturbed", async () => {
    const { node } = createWorld();
    const server = node.spawn(echo);
    const abort = new AbortController();
    const caller = spawnPuppet(node);
    const reply = caller.do((self) => self.call(server, "x", { signal: abort.signal }));
    expect(await reply).toBe("x");
    abort.abort();
    expect(await caller.do(() => "still here")).toBe("still here");
  });

  test("ends when the process of that signal does", async () => {
    const { node } = createWorld();
    const { pid } = spawnKeeper(node);
    const owner = spawnPuppet(node);
    const signal = await owner.do((self) => self.signal);
    const outcome = outcomeOf(node.call(pid, "x", { signal }));
    node.exit(owner.pid, "shutdown");
    await quiesce();
    expect(outcome.value).toBeInstanceOf(ExitSignal);
  });
});

describe("a caller that ends while it waits for a reply", () => {
  test("unwinds at once on an exit signal: the call rejects, finally runs", async () => {
    const { node } = createWorld();
    const { pid } = spawnKeeper(node);
    const log: unknown[] = [];
    const caller = node.spawn<never>(async (self) => {
      try {
        await self.call(pid, "x");
      } catch (error) {
        log.push(error);
      } finally {
        log.push("finally");
      }
    });
    await quiesce();
    node.exit(caller, "shutdown");
    expect(await node.whenExited(caller)).toBe("shutdown");
    expect(log).toEqual([expect.any(ExitSignal), "finally"]);
    expect(node.processInfo(pid)?.monitoredBy).toEqual([]);
    expect(node.counts.timers).toBe(0);
  });

  test("is dead at once when it is killed, and its code still unwinds", async () => {
    const { node } = createWorld();
    const { pid } = spawnKeeper(node);
    const log: string[] = [];
    const caller = node.spawn<never>(async (self) => {
      try {
        await self.call(pid, "x");
      } finally {
        log.push("finally");
      }
    });
    await quiesce();
    node.exit(caller, "kill");
    expect(node.isAlive(caller)).toBe(false);
    expect(node.processInfo(pid)?.monitoredBy).toEqual([]);
    await quiesce();
    expect(log).toEqual(["finally"]);
    expect(node.counts.timers).toBe(0);
  });

  test("starts no other call: that rejects with its exit signal", async () => {
    const { node } = createWorld();
    const { pid, requests } = spawnKeeper(node);
    const errors: unknown[] = [];
    const caller = node.spawn<never>(async (self) => {
      await self.sleep(1_000).catch(() => undefined);
      await self.call(pid, "x").catch((error: unknown) => errors.push(error));
    });
    await quiesce();
    node.exit(caller, "shutdown");
    await node.whenExited(caller);
    expect(errors).toEqual([expect.any(ExitSignal)]);
    expect(requests).toEqual([]);
  });
});

describe("a reply that cannot be sent", () => {
  test("rejects the call, is told, and is no error of who replies", async () => {
    const { node, events } = createWorld({ messages: "clone" });
    const server = node.spawn<Call<string, () => void>>(async (self) => {
      for (;;) self.reply((await self.receive()).from, () => undefined);
    });
    for (let i = 0; i < 2; i++) {
      await expect(node.call(server, "x")).rejects.toMatchObject({
        name: "UnsendableReplyError",
        code: "UNSENDABLE_REPLY",
        message: expect.stringMatching(/^the reply of <.*> cannot be sent: message is a function/),
      });
    }
    const error = expect.any(UncloneableMessageError);
    expect(events.filter(({ type }) => type === "undelivered")).toMatchObject([
      { from: server, to: node.pid, why: "unsendable", error },
      { from: server, to: node.pid, why: "unsendable", error },
    ]);
    expect(node.isAlive(server)).toBe(true);
  });
});

describe("a reply that throws where it is touched", () => {
  const failing = (trap: keyof ProxyHandler<object>): object =>
    new Proxy(
      {},
      {
        [trap]() {
          throw new Error(`${trap} trap`);
        },
      },
    );
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };

  test.each<[string, () => object, string]>([
    ["a proxy that was revoked", revoked, "UnsendableReplyError"],
    ["what has a getter then that throws", () => failing("get"), "UnsendableReplyError"],
    ["a proxy whose prototype nobody may ask for", () => failing("getPrototypeOf"), "no error"],
    ["a proxy whose keys nobody may ask for", () => failing("ownKeys"), "no error"],
  ])("is told to who asks, and ends nobody: %s", async (_, reply, expected) => {
    const { node } = createWorld();
    const server = node.spawn<Call<string, object>>(async (self) => {
      for (;;) self.reply((await self.receive()).from, reply());
    });
    const outcome = await node.call(server, "x").then(
      () => "no error",
      (error: unknown) => (error as Error).name,
    );
    expect(outcome).toBe(expected);
    expect(node.counts.timers).toBe(0);
    expect(node.isAlive(server)).toBe(true);
  });
});

describe("a request that cannot be sent", () => {
  test("throws at once and leaves nothing behind: nobody waits, no monitor, no timer", async () => {
    const { node, clock } = createWorld({ messages: "clone" });
    const server = node.spawn<Call<() => void, string>>(idle);
    const errors: unknown[] = [];
    const caller = node.spawn<string>(async (self) => {
      try {
        void self.call(server, () => undefined);
      } catch (error) {
        errors.push(error);
      }
      await self.sleep(10_000);
    });
    await quiesce();
    expect(errors).toEqual([expect.any(UncloneableMessageError)]);
    expect(() => node.call(server, () => undefined)).toThrow(UncloneableMessageError);
    expect(node.processInfo(server)?.monitoredBy).toEqual([]);
    // The caller's own sleep.
    expect(node.counts.timers).toBe(1);
    await clock.advance(5_000);
    expect(node.isAlive(caller)).toBe(true);
  });
});

describe("a call that would close a cycle", () => {
  test("is refused at once when a process calls itself", async () => {
    const { node } = createWorld();
    const Server = name<unknown>("server");
    const puppet = spawnPuppet(node, { name: Server });
    const self = puppet.pid as Pid<Echo>;
    for (const target of [self, Server as never, at("demo", Server) as never]) {
      const error = (await errorOf(
        puppet.do((own) => own.call<Echo, string>(target, "x")),
      )) as CallCycleError;
      expect(error).toBeInstanceOf(CallCycleError);
      expect(error.code).toBe("CALL_CYCLE");
      expect(error.path).toEqual([puppet.pid, puppet.pid]);
      expect(error.message).toContain("server → server");
    }
    expect(node.counts.timers).toBe(0);
  });

  test("is refused at once when A calls B and B calls A", async () => {
    const { node, clock } = createWorld();
    const a = spawnPuppet(node);
    const b = spawnPuppet(node);
    const first = outcomeOf(a.do((self) => self.call(b.pid as Pid<Echo>, "x")));
    await quiesce();
    const error = (await errorOf(
      b.do((self) => self.call(a.pid as Pid<Echo>, "y")),
    )) as CallCycleError;
    expect(error).toBeInstanceOf(CallCycleError);
    expect(error.path).toEqual([b.pid, a.pid, b.pid]);
    expect(clock.now()).toBe(0);
    // Nobody but the one who closed it is disturbed.
    expect(first.state).toBe("pending");
    expect(node.mailboxOf(a.pid)).toEqual([]);
  });

  test("names everyone on the path, by registered name, else by label, else by pid", async () => {
    const { node } = createWorld();
    const a = spawnPuppet(node, { name: name<unknown>("accounts"), label: "not shown" });
    const b = spawnPuppet(node, { label: "the bank" });
    const c = spawnPuppet(node);
    void a.do((self) => self.call(b.pid as Pid<Echo>, "x"));
    await quiesce();
    void b.do((self) => self.call(c.pid as Pid<Echo>, "y"));
    await quiesce();
    const error = (await errorOf(
      c.do((self) => self.call(a.pid as Pid<Echo>, "z")),
    )) as CallCycleError;
    expect(error.path).toEqual([c.pid, a.pid, b.pid, c.pid]);
    expect(error.message).toContain(`${String(c.pid)} → accounts → the bank → ${String(c.pid)}`);
  });

  test("is found through the latest of several calls of a process", async () => {
    const { node } = createWorld();
    const [hub, other, target] = [spawnPuppet(node), spawnPuppet(node), spawnPuppet(node)];
    const aside = spawnKeeper(node);
    void hub.do((self) =>
      Promise.all([
        self.call(aside.pid, "x"),
        self.call(other.pid as Pid<Echo>, "x"),
        self.call(target.pid as Pid<Echo>, "x"),
      ]),
    );
    await quiesce();
    const error = (await errorOf(
      target.do((self) => self.call(hub.pid as Pid<Echo>, "y")),
    )) as CallCycleError;
    expect(error.path).toEqual([target.pid, hub.pid, target.pid]);
  });

  test("is found through handlers that wait for a reply", async () => {
    const { node } = createWorld();
    const errors: unknown[] = [];
    /** Passes every request on to `next`, and the reply back. */
    const relay = (next: () => Pid<Echo>): Handler<Echo, null> => ({
      init: () => null,
      async message(_state, { from, request }, self) {
        try {
          self.reply(from, await self.call(next(), request));
        } catch (error) {
          errors.push(error);
        }
        return null;
      },
    });
    const first: Pid<Echo> = node.spawn(relay(() => second));
    const second: Pid<Echo> = node.spawn(relay(() => third));
    const third: Pid<Echo> = node.spawn(relay(() => first));
    void node.call(first, "round");
    await quiesce();
    expect(errors).toEqual([expect.any(CallCycleError)]);
    expect((errors[0] as CallCycleError).path).toEqual([third, first, second, third]);
  });

  test("is found through a chain of 20 000 who wait", async () => {
    const { node } = createWorld();
    const length = 20_000;
    const chain: Pid<Echo>[] = [];
    const ends: unknown[] = [];
    /** Each calls the next; the last one calls the first. */
    const link = async (self: Self<Echo>, index: number): Promise<void> => {
      await self.receive();
      const next = chain[(index + 1) % length] as Pid<Echo>;
      await self.call(next, "x", { timeoutMs: Infinity }).catch((error) => ends.push(error));
      await self.receive();
    };
    for (let i = 0; i < length; i++) chain.push(node.spawn<Echo, [number]>(link, i));
    void node.call(chain[0] as Pid<Echo>, "x", { timeoutMs: Infinity });
    await quiesce();
    expect(ends).toHaveLength(1);
    expect(ends[0]).toBeInstanceOf(CallCycleError);
    expect((ends[0] as CallCycleError).path).toHaveLength(length + 1);
  });

  test("is possible again once the first call has been answered", async () => {
    const { node } = createWorld();
    const a = node.spawn(echo);
    const { pid: b, requests } = spawnKeeper(node);
    const caller = spawnPuppet(node);
    const first = caller.do((self) => self.call(b, "x"));
    await quiesce();
    node.reply((requests[0] as Echo).from, "done");
    await first;
    expect(await caller.do((self) => self.call(a, "y"))).toBe("y");
  });

  test("is possible again once the first call has timed out", async () => {
    const { node, clock } = createWorld();
    const a = spawnPuppet(node);
    const b = spawnPuppet(node);
    const first = errorOf(a.do((self) => self.call(b.pid as Pid<Echo>, "x", { timeoutMs: 10 })));
    await clock.advance(10);
    await first;
    const second = outcomeOf(b.do((self) => self.call(a.pid as Pid<Echo>, "y")));
    await quiesce();
    expect(second.state).toBe("pending");
  });
});

describe("a call that closes no cycle", () => {
  test("is one to a process whose own call may be given up: it may have gone on to other things", async () => {
    const { node } = createWorld();
    const a = spawnPuppet(node);
    const b = spawnPuppet(node);
    const { signal } = new AbortController();
    void a.do((self) => self.call(b.pid as Pid<Echo>, "x", { signal }));
    await quiesce();
    const reply = outcomeOf(b.do((self) => self.call(a.pid as Pid<Echo>, "y")));
    await quiesce();
    expect(reply.state).toBe("pending");
    expect(node.mailboxOf(a.pid)).toMatchObject([{ type: "call", request: "y" }]);
  });

  test("is one that may be given up, also to a server that waits for the caller: it may answer first", async () => {
    const { node } = createWorld();
    const b = spawnPuppet(node);
    const replies: unknown[] = [];
    const a = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      const later = self.call(b.pid as Pid<Echo>, "from a", { signal: self.signal });
      const mine = self.call(self.pid, "to myself", { signal: self.signal });
      self.reply(from, "a answers");
      self.reply((await self.receive()).from, "I answer myself");
      replies.push(await mine, await later);
    });
    expect(await b.do((self) => self.call(a, "from b"))).toBe("a answers");
    const [request] = node.mailboxOf(b.pid) as [Echo];
    await b.do((self) => self.reply(request.from, "b answers"));
    await quiesce();
    expect(replies).toEqual(["I answer myself", "b answers"]);
  });

  test("is let through to a server that waits for someone else", async () => {
    const { node } = createWorld();
    const { pid: slow } = spawnKeeper(node);
    const server = spawnPuppet(node);
    void server.do((self) => self.call(slow, "x"));
    await quiesce();
    const outcome = outcomeOf(node.call(server.pid as Pid<Echo>, "y"));
    const second = outcomeOf(
      spawnPuppet(node).do((self) => self.call(server.pid as Pid<Echo>, "y")),
    );
    await quiesce();
    expect([outcome.state, second.state]).toEqual(["pending", "pending"]);
  });

  test("is answered by a server that receives while a call of its own is under way", async () => {
    const { node } = createWorld();
    const a: Pid<Echo> = node.spawn<Echo>(async (self) => {
      void self.call(b, "from a");
      const { from } = await self.receive();
      self.reply(from, "a answers");
      await self.receive();
    });
    const replies: string[] = [];
    const b: Pid<Echo> = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      replies.push(await self.call(a, "from b"));
      self.reply(from, "b answers");
      await self.receive();
    });
    await quiesce();
    expect(replies).toEqual(["a answers"]);
  });

  test("is answered by a handler whose own call is under way while it is idle", async () => {
    const { node } = createWorld();
    const log: string[] = [];
    const a: Pid<Echo | "start"> = node.spawn<Echo | "start", null>({
      init: () => null,
      message(_state, message, self) {
        if (message === "start") void self.call(b, "from a").then((reply) => log.push(reply));
        else self.reply(message.from, "a answers");
        return null;
      },
    });
    const b: Pid<Echo> = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      log.push(await self.call<Echo, string>(a as Pid<Echo>, "from b"));
      self.reply(from, "b answers");
      await self.receive();
    });
    node.send(a, "start");
    await quiesce();
    expect(log).toEqual(["a answers", "b answers"]);
  });

  test("is answered by a server that was sent something just before", async () => {
    const { node } = createWorld();
    type Inbox = Echo | { type: "note" };
    const a: Pid<Inbox> = node.spawn<Inbox>(async (self) => {
      void self.call(b, "from a");
      for (;;) {
        const message = await self.receive();
        if (message.type === "call") self.reply(message.from, "a answers");
      }
    });
    const log: unknown[] = [];
    const b: Pid<Echo> = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      self.send(a, { type: "note" });
      const reply = self.call<Inbox, string>(a, "from b");
      log.push(await reply.catch((error: unknown) => error));
      self.reply(from, "b answers");
      await self.receive();
    });
    await quiesce();
    expect(log).toEqual(["a answers"]);
  });

  test("is answered by a server that sleeps while a call of its own is under way", async () => {
    const { node, clock } = createWorld();
    const a: Pid<Echo> = node.spawn<Echo>(async (self) => {
      void self.call(b, "from a");
      await self.sleep(10);
      const { from } = await self.receive();
      self.reply(from, "a answers");
      await self.receive();
    });
    const log: unknown[] = [];
    const b: Pid<Echo> = node.spawn<Echo>(async (self) => {
      const { from } = await self.receive();
      log.push(await self.call(a, "from b").catch((error: unknown) => error));
      self.reply(from, "b answers");
      await self.receive();
    });
    await clock.advance(20);
    expect(log).toEqual(["a answers"]);
  });

  test.each<[string, (self: Self<Echo>) => Promise<unknown>]>([
    ["a message", (self) => self.receive()],
    ["the end of a sleep", (self) => self.sleep(10).then(() => self.receive())],
  ])(
    "is answered by a server that waited for %s already when it made its call",
    async (_what, wait) => {
      const { node, clock } = createWorld();
      const b = spawnPuppet(node);
      const a = node.spawn<Echo>(async (self) => {
        const waited = wait(self);
        void self.call(b.pid as Pid<Echo>, "from a");
        const { from } = (await waited) as Echo;
        self.reply(from, "a answers");
        await self.receive();
      });
      await quiesce();
      const outcome = outcomeOf(b.do((self) => self.call(a, "from b")));
      await clock.advance(20);
      expect(outcome).toEqual({ state: "fulfilled", value: "a answers" });
    },
  );

  test("is let through to one whose earlier call leads back: it may not be awaiting that one", async () => {
    const { node } = createWorld();
    const [hub, target] = [spawnPuppet(node), spawnPuppet(node)];
    const aside = spawnKeeper(node);
    void hub.do(async (self) => {
      void self.call(target.pid as Pid<Echo>, "x");
      await self.call(aside.pid, "x");
    });
    await quiesce();
    const outcome = outcomeOf(target.do((self) => self.call(hub.pid as Pid<Echo>, "y")));
    await quiesce();
    expect(outcome.state).toBe("pending");
  });

  test("is answered by a handler that left a call under way and works on another message", async () => {
    const { node } = createWorld();
    let foreign!: () => void;
    const b = spawnPuppet(node);
    const a = node.spawn<Echo | "call" | "wait", null>({
      init: () => null,
      async message(_state, message, self) {
        if (message === "call") void self.call(b.pid as Pid<Echo>, "from a");
        else if (message === "wait") await new Promise<void>((resolve) => (foreign = resolve));
        else self.reply(message.from, "a answers");
        return null;
      },
    });
    node.send(a, "call");
    node.send(a, "wait");
    await quiesce();
    const outcome = outcomeOf(b.do((self) => self.call<Echo, string>(a, "from b")));
    await quiesce();
    foreign();
    await quiesce();
    expect(outcome).toEqual({ state: "fulfilled", value: "a answers" });
  });
});

describe("the type of a call", () => {
  type Equal<A, B> =
    (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  const holds = <T extends true>(): T => true as T;

  type Stack =
    | Call<readonly ["pop"], string | undefined>
    | Call<readonly ["push", string], number>
    | { readonly type: "clear" };

  test("lets only the requests of the server's inbox through", () => {
    holds<Equal<RequestOf<Stack>, readonly ["pop"] | readonly ["push", string]>>();
    holds<Equal<RequestOf<{ type: "clear" }>, never>>();
    const misuse = (node: Node, stack: Pid<Stack>, ended: AnyPid): void => {
      // @ts-expect-error there is no such request
      void node.call(stack, ["peek"]);
      // @ts-expect-error push needs a string
      void node.call(stack, ["push", 1]);
      // @ts-expect-error a pid of unknown protocol cannot be called
      void node.call(ended, ["pop"]);
    };
    expect(misuse).toBeInstanceOf(Function);
  });

  test("is that of the reply to this very request", async () => {
    holds<Equal<ReplyOf<Stack, readonly ["pop"]>, string | undefined>>();
    holds<Equal<ReplyOf<Stack, readonly ["push", string]>, number>>();
    const { node } = createWorld();
    const stack = node.spawn<Stack>(async (self) => {
      const items: string[] = [];
      for (;;) {
        const message = await self.receive();
        if (message.type === "clear") items.length = 0;
        else if (message.request[0] === "pop")
          self.reply(message.from as From<unknown>, items.pop());
        else self.reply(message.from as From<unknown>, items.push(message.request[1]));
      }
    });
    const pushed = await node.call(stack, ["push", "a"]);
    const popped = await node.call(stack, ["pop"]);
    holds<Equal<typeof pushed, number>>();
    holds<Equal<typeof popped, string | undefined>>();
    expect([pushed, popped]).toEqual([1, "a"]);
  });

  test("is the same by pid, name and remote name", () => {
    const Stack = name<Stack>("stack");
    const types = (node: Node): void => {
      const byName = node.call(Stack, ["pop"]);
      const far = node.call(at("b", Stack), ["push", "x"]);
      holds<Equal<typeof byName, Promise<string | undefined>>>();
      holds<Equal<typeof far, Promise<number>>>();
    };
    expect(types).toBeInstanceOf(Function);
  });

  test("makes reply take what the caller expects", () => {
    const types = (self: Self<Call<"size", number>>, message: Call<"size", number>): void => {
      self.reply(message.from, 1);
      // @ts-expect-error the caller expects a number
      self.reply(message.from, "one");
    };
    expect(types).toBeInstanceOf(Function);
  });
});
