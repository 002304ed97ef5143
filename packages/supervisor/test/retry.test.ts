import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  createNode,
  ExitSignal,
  InvalidArgumentError,
  name,
  NoProcessError,
  ServerExitError,
  type Call,
  type Node,
  type Pid,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  callWithRetry,
  child,
  defineServer,
  defineSupervisor,
  retry,
  startSupervisor,
  type ProtocolOf,
  type Retry,
} from "@coppice/supervisor";
import { boom, isSettled, within } from "./world.js";

interface World {
  readonly node: Node;
  advance(ms: number): Promise<void>;
}

function createWorld(): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock, random: { next: () => 0 } });
  return { node, advance: (ms) => clock.advance(ms, quiesce) };
}

describe("retry", () => {
  test("gives what the first attempt gives, at once, when that succeeds", async () => {
    const { node } = createWorld();
    expect(await retry(node, (attempt) => attempt)).toEqual({ number: 1, leftMs: Infinity });
    expect(node.counts.timers).toBe(0);
  });

  test("tries again after growing delays, on the node's clock", async () => {
    const { node, advance } = createWorld();
    const at: number[] = [];
    const done = retry(node, () => {
      at.push(node.now());
      if (at.length < 4) throw boom;
      return "done";
    });
    await advance(1_000);
    expect(await done).toBe("done");
    expect(at).toEqual([0, 20, 60, 140]);
  });

  test("takes the jitter from the node's randomness", async () => {
    const clock = createVirtualClock();
    const node = createNode({ logger: false, clock, random: { next: () => 0.5 } });
    const retries: Retry[] = [];
    const options = { attempts: 2, onRetry: (next: Retry) => retries.push(next) };
    const failing = retry(node, () => Promise.reject(boom), options).catch(
      (error: unknown) => error,
    );
    await clock.advance(15, quiesce);
    expect(await failing).toBe(boom);
    expect(retries).toEqual([{ error: boom, attempt: 1, delayMs: 15 }]);
  });

  test("throws the error of the last attempt", async () => {
    const { node, advance } = createWorld();
    const failing = retry(node, ({ number }) => Promise.reject(new Error(`failure ${number}`)), {
      attempts: 3,
    });
    failing.catch(() => undefined);
    await advance(60);
    await expect(failing).rejects.toThrow("failure 3");
  });

  test("tries as often as there is time for, and tells how much is left", async () => {
    const { node, advance } = createWorld();
    const left: number[] = [];
    const options = { forMs: 100, backoff: { initialMs: 30, factor: 1, jitter: 0 } };
    const failing = retry(
      node,
      ({ leftMs }) => {
        left.push(leftMs);
        throw boom;
      },
      options,
    );
    failing.catch(() => undefined);
    await advance(90);
    await expect(failing).rejects.toBe(boom);
    expect(left).toEqual([100, 70, 40, 10]);
  });

  test("tries again only after errors it is to", async () => {
    const { node } = createWorld();
    let attempts = 0;
    const act = (): never => {
      attempts++;
      throw boom;
    };
    await expect(retry(node, act, { retryOn: (error) => error !== boom })).rejects.toBe(boom);
    expect(attempts).toBe(1);
  });

  test("tries nothing more when its signal aborts", async () => {
    const { node, advance } = createWorld();
    const controller = new AbortController();
    let attempts = 0;
    const act = (): never => {
      attempts++;
      throw boom;
    };
    const failing = retry(node, act, { signal: controller.signal });
    failing.catch(() => undefined);
    await advance(10);
    const enough = new Error("enough");
    controller.abort(enough);
    await expect(failing).rejects.toBe(enough);
    await advance(1_000);
    expect(attempts).toBe(1);
  });

  test("tries nothing more when its process has to end", async () => {
    const { node, advance } = createWorld();
    let attempts = 0;
    let thrown: unknown;
    const { pid } = within(node, async (self) => {
      await retry(self, () => {
        attempts++;
        return self.receive(() => false);
      }).catch((error: unknown) => (thrown = error));
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await advance(10_000);
    expect(attempts).toBe(1);
    expect(thrown).toBeInstanceOf(ExitSignal);
  });
});

const counter = defineServer({
  init: () => 0,
  call: {
    next: (count) => ({ reply: count + 1, state: count + 1 }),
    crash: () => {
      throw boom;
    },
  },
});
const Counter = name<ProtocolOf<typeof counter>>("counter");

describe("callWithRetry", () => {
  test("waits until somebody holds the name", async () => {
    const { node, advance } = createWorld();
    const called = callWithRetry(node, Counter, ["next"]);
    expect(await isSettled(called)).toBe(false);
    await node.startOpt({ name: Counter }, counter);
    await advance(20);
    expect(await called).toBe(1);
  });

  test("bridges the time between two incarnations of a supervised server", async () => {
    const { node, advance } = createWorld();
    const backoff = { initialMs: 500, jitter: 0 };
    const children = [child({ id: "counter", name: Counter, backoff }, counter)];
    await startSupervisor(node, defineSupervisor({ children }));
    await node.call(Counter, ["crash"]).catch(() => undefined);
    await expect(node.call(Counter, ["next"])).rejects.toThrow(NoProcessError);
    const called = within(node, (self) => callWithRetry(self, Counter, ["next"], { forMs: 5_000 }));
    await advance(1_000);
    expect(await called.result).toBe(1);
  });

  test.each([
    [false, 1],
    [true, 3],
  ])(
    "sends a request that may have been carried out again only when it is idempotent: %s",
    async (idempotent, requests) => {
      const { node, advance } = createWorld();
      let received = 0;
      const serve = async (): Promise<void> => {
        const pid = node.spawnOpt<Call<"work", string>>({ name: Work }, async (self) => {
          const { from } = await self.receive();
          if (++received < 3) self.exit("tired");
          self.reply(from, "done");
        });
        await node.whenExited(pid);
      };
      const Work = name<Call<"work", string>>("work");
      const called = callWithRetry(node, Work, "work", { idempotent }).catch(
        (error: unknown) => error,
      );
      const serving = (async (): Promise<void> => {
        for (let i = 0; i < requests; i++) await serve();
      })();
      await advance(1_000);
      await serving;
      const outcome = await called;
      expect(received).toBe(requests);
      if (idempotent) expect(outcome).toBe("done");
      else expect(outcome).toBeInstanceOf(ServerExitError);
    },
  );

  test("does not try again after a timeout, unless it is told to", async () => {
    const { node, advance } = createWorld();
    let received = 0;
    const deaf = node.spawn<Call<"work", string>>(async (self) => {
      for (;;) {
        await self.receive();
        received++;
      }
    });
    const options = { timeoutMs: 50, attempts: 2 };
    const once = callWithRetry(node, deaf, "work", options);
    once.catch(() => undefined);
    await advance(1_000);
    await expect(once).rejects.toThrow(CallTimeoutError);
    expect(received).toBe(1);
    const retryOn = (error: unknown): boolean => error instanceof CallTimeoutError;
    const twice = callWithRetry(node, deaf, "work", { ...options, retryOn });
    twice.catch(() => undefined);
    await advance(1_000);
    await expect(twice).rejects.toThrow(CallTimeoutError);
    expect(received).toBe(3);
  });

  test("gives an attempt no more time than there is left", async () => {
    const { node, advance } = createWorld();
    const deaf = node.spawn<Call<"work", string>>(async (self) => {
      for (;;) await self.receive();
    });
    const called = callWithRetry(node, deaf, "work", { forMs: 300 });
    called.catch(() => undefined);
    await advance(300);
    await expect(called).rejects.toMatchObject({ code: "CALL_TIMEOUT", timeoutMs: 300 });
  });

  test("gives up a call when its signal aborts", async () => {
    const { node } = createWorld();
    const deaf = node.spawn<Call<"work", string>>(async (self) => {
      for (;;) await self.receive();
    });
    const controller = new AbortController();
    const called = callWithRetry(node, deaf, "work", { signal: controller.signal });
    called.catch(() => undefined);
    await quiesce();
    controller.abort("enough");
    await expect(called).rejects.toBe("enough");
  });
});

describe("bad input", () => {
  test.each<[string, (node: Node) => Promise<unknown>, string]>([
    ["retry: no function", (node) => retry(node, 1 as never), "retry: act must be a function"],
    [
      "retry: an unknown option",
      (node) => retry(node, () => 1, { times: 3 } as never),
      "retry: options must be made of attempts, forMs, backoff, retryOn, onRetry, signal",
    ],
    [
      "callWithRetry: a negative time",
      (node) => callWithRetry(node, Counter, ["next"], { timeoutMs: -1 }),
      "callWithRetry: options.timeoutMs must be a number of at least 0",
    ],
    [
      "callWithRetry: no attempt",
      (node) => callWithRetry(node, Counter, ["next"], { attempts: 0 }),
      "callWithRetry: options.attempts must be a whole number",
    ],
    [
      "callWithRetry: no address",
      (node) => callWithRetry(node, {} as Pid<Call<string, string>>, "x"),
      "must be a pid, a name",
    ],
  ])("%s is refused at once", async (_, act, message) => {
    const { node } = createWorld();
    const error = await act(node).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(message);
    expect(node.counts.timers).toBe(0);
  });
});
