/** Requests that are sent now and waited for later. */
import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  name,
  NoProcessError,
  ServerExitError,
  TIMEOUT,
  type From,
  type Node,
  type Operations,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  defineServer,
  RequestAbandonedError,
  RequestCollection,
  sendRequest,
  type CallSelf,
  type ProtocolOf,
  type Request,
  type ServerSelf,
} from "@coppice/supervisor";
import { boom, createServerWorld, outcomeOf, settle, type ServerWorld } from "./server-world.js";

/** Answers when it is told to. */
const keeper = defineServer({
  init: (): Readonly<Record<string, From<string>>> => ({}),
  call: {
    keep: (kept, key: string, self: CallSelf<string>) => ({ state: { ...kept, [key]: self.from } }),
    echo: (_kept, what: string) => ({ reply: what }),
    crash: (): { reply: string } => {
      throw boom;
    },
  },
  cast: {
    answer: (kept, key: string, self: ServerSelf) =>
      self.reply(kept[key] as From<string>, `for ${key}`),
  },
});
type KeeperProtocol = ProtocolOf<typeof keeper>;

async function createKeeper(): Promise<ServerWorld & { pid: Pid<KeeperProtocol> }> {
  const world = createServerWorld();
  return { ...world, pid: await world.node.start(keeper) };
}

/** Does something in a process of its own, and hands out its `self`. */
function spawnClient(node: Node): { self: Promise<Self<unknown>>; pid: Pid<unknown> } {
  let got!: (self: Self<unknown>) => void;
  const self = new Promise<Self<unknown>>((resolve) => (got = resolve));
  const pid = node.spawn<unknown>(async (own) => {
    // Wrapped, as it must not be taken for a promise.
    got(own);
    await own.receive((message) => message === "end");
  });
  return { self, pid };
}

/** Who asks: the node, or a process. */
async function callerOf(where: string, node: Node): Promise<Operations> {
  return where === "a node" ? node : spawnClient(node).self;
}

describe.each(["a node", "a process"])("a request of %s", (where) => {
  test("is answered like a call, but its sender goes on meanwhile", async () => {
    const { node, pid } = await createKeeper();
    const caller = await callerOf(where, node);
    const request = sendRequest(caller, pid, ["keep", "a"]);
    await quiesce();
    expect(request.response).toBeUndefined();
    node.cast(pid, ["answer", "a"]);
    await quiesce();
    expect(request.response).toEqual({ reply: "for a" });
    expect(await request.wait()).toEqual({ reply: "for a" });
    // It stays there.
    expect(await request.receive({ timeoutMs: 0 })).toEqual({ reply: "for a" });
  });

  test("is waited for as long as it is told, and may be waited for again", async () => {
    const { node, clock, pid } = await createKeeper();
    const caller = await callerOf(where, node);
    const request = sendRequest(caller, pid, ["keep", "a"]);
    const first = outcomeOf(request.wait({ timeoutMs: 100 }));
    await clock.advance(99, quiesce);
    expect(first.state).toBe("pending");
    await clock.advance(1, quiesce);
    expect(first.value).toBe(TIMEOUT);
    const second = outcomeOf(request.wait({ timeoutMs: 100 }));
    node.cast(pid, ["answer", "a"]);
    await quiesce();
    expect(second.value).toEqual({ reply: "for a" });
    expect(node.counts.timers).toBe(0);
  });

  test("is abandoned when receive takes too long: a late reply finds nobody", async () => {
    const { node, clock, pid, eventsOf } = await createKeeper();
    const caller = await callerOf(where, node);
    const request = sendRequest(caller, pid, ["keep", "a"]);
    const received = outcomeOf(request.receive({ timeoutMs: 100 }));
    await clock.advance(100, quiesce);
    expect(received.value).toBe(TIMEOUT);
    expect(request.response).toEqual({ error: expect.any(RequestAbandonedError) });
    node.cast(pid, ["answer", "a"]);
    await quiesce();
    expect(eventsOf("undelivered")).toMatchObject([{ why: "alias" }]);
  });

  test("with a timeout of 0 takes what is there, and no timer", async () => {
    const { node, pid } = await createKeeper();
    const caller = await callerOf(where, node);
    const request = sendRequest(caller, pid, ["keep", "a"]);
    expect((await settle(request.wait({ timeoutMs: 0 }))).value).toBe(TIMEOUT);
    expect(node.counts.timers).toBe(0);
  });

  test("fails as a call does, as its response", async () => {
    const { node, pid } = await createKeeper();
    const caller = await callerOf(where, node);
    const crashing = sendRequest(caller, pid, ["crash"]);
    const waiting = sendRequest(caller, pid, ["keep", "a"]);
    await quiesce();
    for (const { response } of [crashing, waiting]) {
      const { error } = response as { error: unknown };
      expect(error).toBeInstanceOf(ServerExitError);
      expect(error).toMatchObject({ reason: { error: boom } });
    }
    const late = sendRequest(caller, pid, ["echo", "x"]);
    await quiesce();
    expect(late.response).toEqual({ error: expect.any(NoProcessError) });
    const lost = sendRequest(caller, name<KeeperProtocol>("nobody"), ["echo", "x"]);
    expect(await lost.wait()).toEqual({ error: expect.any(NoProcessError) });
  });

  test("does not time out by itself", async () => {
    const { node, clock, pid } = await createKeeper();
    const request = sendRequest(await callerOf(where, node), pid, ["keep", "a"]);
    await clock.advance(1e9, quiesce);
    expect(request.response).toBeUndefined();
  });

  test("tells those who listen, once, in the order they came", async () => {
    const { node, pid } = await createKeeper();
    const request = sendRequest(await callerOf(where, node), pid, ["keep", "a"]);
    const heard: string[] = [];
    request.onResponse(() => heard.push("first"));
    const forget = request.onResponse(() => heard.push("never"));
    request.onResponse(() => heard.push("last"));
    forget();
    node.cast(pid, ["answer", "a"]);
    await quiesce();
    request.abandon();
    await quiesce();
    expect(heard).toEqual(["first", "last"]);
    expect(request.response).toEqual({ reply: "for a" });
  });

  test("is given up by abandon, more than once is as good as once", async () => {
    const { node, pid } = await createKeeper();
    const request = sendRequest(await callerOf(where, node), pid, ["keep", "a"]);
    request.abandon();
    request.abandon();
    expect(await request.wait()).toEqual({ error: expect.any(RequestAbandonedError) });
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["an unknown option", { timeout: 5 }],
    ["a negative timeout", { timeoutMs: -1 }],
    ["a timeout that is NaN", { timeoutMs: Number.NaN }],
    ["a timeout that is no number", { timeoutMs: "5" }],
  ])("refuses to wait with %s", async (_what, options) => {
    const { node, pid } = await createKeeper();
    const caller = await callerOf(where, node);
    const request = sendRequest(caller, pid, ["keep", "a"]);
    const collection = new RequestCollection(caller).add("a", request);
    for (const waiter of [request, collection]) {
      for (const wait of ["wait", "receive"] as const) {
        const { value } = await settle(waiter[wait](options as never));
        expect(value).toBeInstanceOf(InvalidArgumentError);
      }
    }
    expect(collection.size).toBe(1);
  });

  test("throws at once for what is no target", async () => {
    const { node } = await createKeeper();
    const caller = await callerOf(where, node);
    expect(() => sendRequest(caller, "keeper" as never, ["x"] as never)).toThrow(
      InvalidArgumentError,
    );
  });
});

describe("a request of a process", () => {
  test("does not keep the server that it waits for from calling back: no cycle is closed", async () => {
    const { node } = createServerWorld();
    const client = await node.start(
      defineServer({
        init: () => null,
        call: { name: () => ({ reply: "the client" }) },
        cast: {
          ask: async (_state, server: Pid<ProtocolOf<typeof asking>>, self: ServerSelf) => {
            // It has sent, and goes on to something else.
            const request = sendRequest(self, server, ["who", self.pid as never]);
            await new Promise<void>((resolve) => void setImmediate(resolve));
            replies.push(request);
          },
        },
      }),
    );
    const replies: Request<string>[] = [];
    const asking = defineServer({
      init: () => null,
      call: {
        who: async (_state, who: Pid<never>, self: CallSelf<string> & ServerSelf) => ({
          reply: `called by ${String(await self.call(who as never, ["name"] as never))}`,
        }),
      },
    });
    node.cast(client, ["ask", await node.start(asking)]);
    await quiesce();
    await quiesce();
    expect(replies[0]?.response).toEqual({ reply: "called by the client" });
    await node.stop();
  });

  test.each<[string, (request: Request<string>, self: Self<unknown>) => Promise<unknown>]>([
    ["wait", (request) => request.wait()],
    ["wait with a limit", (request) => request.wait({ timeoutMs: 1_000 })],
    ["receive with a limit", (request) => request.receive({ timeoutMs: 1_000 })],
    [
      "wait in a collection",
      (request, self) => new RequestCollection(self).add("a", request).wait(),
    ],
    [
      "receive in a collection with a limit",
      (request, self) =>
        new RequestCollection(self).add("a", request).receive({ timeoutMs: 1_000 }),
    ],
  ])("unwinds in the midst of %s when an exit signal comes", async (_what, wait) => {
    const { node, pid, eventsOf, clock } = await createKeeper();
    const seen: string[] = [];
    const client = node.spawn(async (self) => {
      try {
        await wait(sendRequest(self, pid, ["keep", "a"]), self as never);
        seen.push("went on");
      } finally {
        seen.push("finally");
      }
    });
    const ended = outcomeOf(node.whenExited(client));
    await quiesce();
    node.exit(client, "over");
    await quiesce();
    expect(seen).toEqual(["finally"]);
    expect(ended.value).toBe("over");
    await clock.advance(10_000, quiesce);
    expect([...eventsOf("crashed"), ...eventsOf("zombie")]).toEqual([]);
    await node.stop();
  });
});

describe("a collection of requests", () => {
  async function createCollection(...keys: string[]): Promise<
    ServerWorld & {
      pid: Pid<KeeperProtocol>;
      collection: RequestCollection<string>;
      answer: (...keys: string[]) => Promise<void>;
    }
  > {
    const world = await createKeeper();
    const { node, pid } = world;
    const collection = new RequestCollection<string>(node);
    for (const key of keys) collection.add(key, sendRequest(node, pid, ["keep", key]));
    const answer = async (...answered: string[]): Promise<void> => {
      for (const key of answered) node.cast(pid, ["answer", key]);
      await quiesce();
    };
    await quiesce();
    return { ...world, collection, answer };
  }

  test("gives the responses as they come, each with its label", async () => {
    const { collection, answer } = await createCollection("a", "b", "c");
    await answer("b", "c", "a");
    const responses = [
      await collection.wait(),
      await collection.receive(),
      await collection.wait(),
    ];
    expect(responses).toEqual(["b", "c", "a"].map((key) => ({ label: key, reply: `for ${key}` })));
    expect(await collection.wait()).toBe("no_request");
    expect(await collection.receive({ timeoutMs: 0 })).toBe("no_request");
  });

  test("waits for the first response", async () => {
    const { collection, answer } = await createCollection("a", "b");
    const first = outcomeOf(collection.wait());
    await quiesce();
    expect(first.state).toBe("pending");
    await answer("b");
    expect(first.value).toEqual({ label: "b", reply: "for b" });
    expect(collection.size).toBe(1);
  });

  test("gives errors with their labels, too", async () => {
    const { collection, node, pid } = await createCollection("a");
    node.exit(pid, "over");
    expect(await collection.wait()).toMatchObject({ label: "a", error: { reason: "over" } });
  });

  test("keeps all after a wait that took too long, and abandons all after a receive that did", async () => {
    const { collection, answer, clock, node, eventsOf } = await createCollection("a", "b");
    const waited = outcomeOf(collection.wait({ timeoutMs: 100 }));
    await clock.advance(100, quiesce);
    expect(waited.value).toBe(TIMEOUT);
    expect(collection.size).toBe(2);
    const requests = collection.entries().map(([, request]) => request);
    const received = outcomeOf(collection.receive({ timeoutMs: 100 }));
    await clock.advance(100, quiesce);
    expect(received.value).toBe(TIMEOUT);
    expect(collection.size).toBe(0);
    for (const { response } of requests) {
      expect(response).toEqual({ error: expect.any(RequestAbandonedError) });
    }
    await answer("a", "b");
    expect(await collection.wait()).toBe("no_request");
    expect(eventsOf("undelivered")).toHaveLength(2);
    expect(node.counts.timers).toBe(0);
  });

  test("loses no response that comes when the time is over", async () => {
    const { collection, answer, clock } = await createCollection("a");
    const waited = outcomeOf(collection.wait({ timeoutMs: 100 }));
    // Both in one turn.
    await clock.advance(100, () => Promise.resolve());
    await answer("a");
    const second = waited.value === TIMEOUT ? await collection.wait() : waited.value;
    expect(second).toEqual({ label: "a", reply: "for a" });
  });

  test("serves those who wait one after the other, each with a response of its own", async () => {
    const { collection, answer } = await createCollection("a", "b");
    const first = outcomeOf(collection.wait());
    const second = outcomeOf(collection.wait({ timeoutMs: 1_000 }));
    const third = outcomeOf(collection.wait());
    await answer("a");
    expect([first.state, second.state, third.state]).toEqual(["fulfilled", "pending", "pending"]);
    await answer("b");
    // Nothing is left for the third.
    expect([first.value, second.value, third.value]).toEqual([
      { label: "a", reply: "for a" },
      { label: "b", reply: "for b" },
      "no_request",
    ]);
  });

  test("sends away those who wait when a receive has abandoned all", async () => {
    const { collection, clock } = await createCollection("a");
    const patient = outcomeOf(collection.wait());
    const hasty = outcomeOf(collection.receive({ timeoutMs: 100 }));
    await clock.advance(100, quiesce);
    expect([patient.value, hasty.value]).toEqual(["no_request", TIMEOUT]);
  });

  test("wakes who waits also by a request that is added meanwhile, answered or not", async () => {
    const { collection, node, pid, answer } = await createCollection("a");
    const first = outcomeOf(collection.wait());
    const second = outcomeOf(collection.wait());
    const done = sendRequest(node, pid, ["echo", "at once"]);
    await quiesce();
    collection.add("done", done);
    collection.add("late", sendRequest(node, pid, ["keep", "late"]));
    await answer("late");
    expect(first.value).toEqual({ label: "done", reply: "at once" });
    expect(second.value).toEqual({ label: "late", reply: "for late" });
  });

  test("holds a request once: added again it has the new label", async () => {
    const { node, pid, answer } = await createCollection();
    const collection = new RequestCollection<string, number>(node);
    const request = sendRequest(node, pid, ["keep", "a"]);
    collection.add(1, request).add(2, request);
    expect(collection.entries()).toEqual([[2, request]]);
    await quiesce();
    await answer("a");
    expect(await collection.wait()).toEqual({ label: 2, reply: "for a" });
    expect(await collection.wait()).toBe("no_request");
  });

  test("gives the response of a request that somebody has abandoned", async () => {
    const { collection } = await createCollection("a");
    collection.entries()[0]?.[1].abandon();
    expect(await collection.wait()).toEqual({
      label: "a",
      error: expect.any(RequestAbandonedError),
    });
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a promise", Promise.resolve()],
    ["an object like one", { response: undefined, onResponse: () => () => undefined }],
  ])("refuses %s in place of a request", async (_what, request) => {
    const { collection } = await createCollection();
    expect(() => collection.add("x", request as never)).toThrow(InvalidArgumentError);
  });
});
