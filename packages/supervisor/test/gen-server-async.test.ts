/** Async callbacks: one at a time, and nothing in between but what they ask for. */
import { describe, expect, test } from "@jest/globals";
import { CallCycleError, ExitSignal, TIMEOUT, type Pid } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  defineServer,
  sys,
  type CallSelf,
  type ProtocolOf,
  type ServerSelf,
} from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  errorOf,
  outcomeOf,
  puppet,
  settle,
  THEN,
  thenable,
} from "./server-world.js";

describe("an async callback", () => {
  test("has the next message wait until it has settled, and changes the state then", async () => {
    const { node, clock } = createServerWorld();
    const seen: unknown[] = [];
    const pid = await node.start(puppet(), () => 0);
    for (const step of [1, 2, 3]) {
      node.cast(pid, [
        "do",
        async (state, self) => {
          seen.push([step, state, clock.now()]);
          await self.sleep(100);
          return { state: step };
        },
      ]);
    }
    await clock.advance(300, quiesce);
    expect(seen).toEqual([
      [1, 0, 0],
      [2, 1, 100],
      [3, 2, 200],
    ]);
    expect(await sys.getState(node, pid)).toBe(3);
    await node.stop();
  });

  test("that returns nothing leaves the state as it is", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => "state");
    node.cast(pid, ["do", async () => undefined]);
    expect(await sys.getState(node, pid)).toBe("state");
    await node.stop();
  });

  test("may receive what it waits for; what else comes stays in order", async () => {
    const { node } = createServerWorld();
    const messages: unknown[] = [];
    const server = puppet({
      info: (_state: unknown, message: unknown) => void messages.push(message),
    });
    const pid = await node.start(server, () => 0);
    const reply = node.call(pid, [
      "do",
      async (_state, self) => ({ reply: await self.receive((message) => message === "the one") }),
    ]);
    for (const message of ["a", "b", "the one", "c"]) node.send(pid as never, message as never);
    expect(await reply).toBe("the one");
    await quiesce();
    expect(messages).toEqual(["a", "b", "c"]);
    await node.stop();
  });

  test("may receive with a time limit", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const reply = outcomeOf(
      node.call(pid, [
        "do",
        async (_state, self) => ({
          reply: (await self.receive(() => false, { timeoutMs: 100 })) === TIMEOUT,
        }),
      ]),
    );
    await clock.advance(100, quiesce);
    expect(reply).toEqual({ state: "fulfilled", value: true });
    await node.stop();
  });

  test("knows its caller all along", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const reply = outcomeOf(
      node.call(pid, [
        "do",
        async (_state, self) => {
          await self.sleep(50);
          self.reply(self.from, "mine");
        },
      ]),
    );
    await clock.advance(50, quiesce);
    expect(reply).toEqual({ state: "fulfilled", value: "mine" });
    await node.stop();
  });

  test("may call other servers; a call that leads back to it is refused", async () => {
    const { node } = createServerWorld();
    const back = defineServer({
      init: (first: Pid<ProtocolOf<typeof front>>) => first,
      call: {
        ask: async (first, self: CallSelf<string> & ServerSelf) => {
          const reply = await self.call(first, ["answer"]).catch((error: unknown) => error);
          return { reply: reply instanceof CallCycleError ? "refused" : "answered" };
        },
      },
    });
    const front = defineServer({
      init: () => null,
      call: {
        go: async (
          _state: null,
          self: CallSelf<string> & ServerSelf,
        ): Promise<{ reply: string }> => ({
          reply: await self.call(await self.start(back, self.pid as never), ["ask"]),
        }),
        answer: () => ({ reply: "never" }),
      },
    });
    const pid = await node.start(front);
    expect(await node.call(pid, ["go"])).toBe("refused");
    await node.stop();
  });

  test("that rejects ends the server with its error, after terminate", async () => {
    const { node, eventsOf } = createServerWorld();
    const reasons: unknown[] = [];
    const server = puppet({
      terminate: (_s: unknown, reason: unknown) => void reasons.push(reason),
    });
    const pid = await node.start(server, () => 0);
    const call = node.call(pid, [
      "do",
      async (_state, self) => {
        await self.yield();
        throw boom;
      },
    ]);
    expect(await errorOf(call)).toMatchObject({ reason: { error: boom } });
    expect(reasons).toEqual([{ error: boom }]);
    expect(eventsOf("crashed")).toHaveLength(1);
  });

  test("that an exit signal interrupts unwinds: finally runs, terminate does not", async () => {
    const { node, eventsOf } = createServerWorld();
    const seen: unknown[] = [];
    const server = puppet({ terminate: () => void seen.push("terminate") });
    const pid = await node.start(server, () => 0);
    const call = outcomeOf(
      node.call(pid, [
        "do",
        async (_state, self) => {
          try {
            await self.sleep(1_000);
          } catch (error) {
            seen.push(error instanceof ExitSignal && error.reason);
            throw error;
          } finally {
            seen.push("finally");
          }
        },
      ]),
    );
    await quiesce();
    node.exit(pid, "over");
    await quiesce();
    expect(seen).toEqual(["over", "finally"]);
    expect(call).toMatchObject({ state: "rejected", value: { reason: "over" } });
    expect(eventsOf("crashed")).toEqual([]);
  });

  test("that catches the exit signal and returns ends all the same, and nothing of its result is done", async () => {
    const { node } = createServerWorld();
    const continued: unknown[] = [];
    const server = puppet({ continue: () => void continued.push("continued") });
    const pid = await node.start(server, () => 0);
    const call = outcomeOf(
      node.call(pid, [
        "do",
        async (_state, self) => {
          await self.sleep(1_000).catch(() => undefined);
          return { reply: "alive", continue: 1 };
        },
      ]),
    );
    const ended = node.whenExited(pid);
    await quiesce();
    node.exit(pid, "over");
    expect(await ended).toBe("over");
    await quiesce();
    expect(call).toMatchObject({ state: "rejected", value: { reason: "over" } });
    expect(continued).toEqual([]);
  });

  test("that is killed in its midst has no effect any more", async () => {
    const { node, clock, eventsOf } = createServerWorld();
    let done!: () => void;
    const foreign = new Promise<void>((resolve) => (done = resolve));
    const pid = await node.start(puppet(), () => 0);
    const call = outcomeOf(
      node.call(pid, [
        "do",
        async () => {
          await foreign;
          return { reply: "from the grave", state: 1, timeoutMs: undefined };
        },
      ]),
    );
    await quiesce();
    node.exit(pid, "kill");
    done();
    await clock.advance(1_000, quiesce);
    expect(call).toMatchObject({ state: "rejected", value: { reason: "killed" } });
    expect(eventsOf("fenced")).toEqual([]);
  });

  test("has the exit of the parent wait until it has settled, when exits are trapped", async () => {
    const { node, clock } = createServerWorld();
    const seen: unknown[] = [];
    const server = puppet({ terminate: (state: unknown) => void seen.push(state) });
    const pid = await node.start(server, (self) => void self.trapExits());
    node.cast(pid, [
      "do",
      async (_state, self) => {
        await self.sleep(100);
        return { state: "done" };
      },
    ]);
    await quiesce();
    const ended = settle(node.whenExited(pid));
    node.exit(pid, "shutdown");
    await clock.advance(99, quiesce);
    expect(node.isAlive(pid)).toBe(true);
    await clock.advance(1, quiesce);
    expect((await ended).state).toBe("fulfilled");
    expect(seen).toEqual(["done"]);
  });

  test.each<[string, () => PromiseLike<unknown>, unknown]>([
    ["calls back at once", () => thenable((done) => done({ reply: "yes" })), "yes"],
    [
      "calls back twice",
      () =>
        thenable((done) => {
          done({ reply: "first", state: 1 });
          done({ reply: "second", state: 2 });
        }),
      "first",
    ],
    [
      "calls back and throws",
      () =>
        thenable((done) => {
          done({ reply: "yes" });
          throw boom;
        }),
      "yes",
    ],
  ])("may return a thenable that %s", async (_what, result, reply) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    expect(await node.call(pid, ["do", result])).toBe(reply);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test.each<[string, () => PromiseLike<unknown>]>([
    [
      "throws",
      () =>
        thenable(() => {
          throw boom;
        }),
    ],
    ["rejects", () => thenable((_done, failed) => failed(boom))],
    [
      "cannot be looked at",
      () =>
        Object.defineProperty({}, THEN, {
          get: () => {
            throw boom;
          },
        }) as PromiseLike<unknown>,
    ],
  ])("crashes with what its thenable %s with", async (_what, result) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const ended = node.whenExited(pid);
    node.cast(pid, ["do", result]);
    expect(await ended).toEqual({ error: boom });
  });

  test("whose thenable never calls back keeps the server busy, until a signal ends it", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    node.cast(pid, ["do", () => thenable(() => undefined)]);
    const ended = outcomeOf(node.whenExited(pid));
    await quiesce();
    node.exit(pid, "over");
    // Nothing of its code unwinds: it is declared dead when its time for that is over.
    await clock.advance(5_000, quiesce);
    expect(ended).toEqual({ state: "fulfilled", value: "over" });
  });
});
