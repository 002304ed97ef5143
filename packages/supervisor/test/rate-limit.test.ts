import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  ExitSignal,
  InvalidArgumentError,
  name,
  NoProcessError,
  type Node,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  rateLimit,
  RateLimitError,
  sys,
  type RateLimitMessage,
  type RateLimitSettings,
} from "@coppice/supervisor";
import { isSettled, within } from "./world.js";

const Mails = name<RateLimitMessage>("mails");

interface World {
  readonly node: Node;
  advance(ms: number): Promise<void>;
}

async function createWorld(settings: Partial<RateLimitSettings> = {}): Promise<World> {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  await node.startOpt({ name: Mails }, rateLimit.define({ permits: 1, perMs: 100, ...settings }));
  return { node, advance: (ms) => clock.advance(ms, quiesce) };
}

describe("rateLimit.acquire", () => {
  test("lets through what the limit allows, and has the rest wait its turn", async () => {
    const { node, advance } = await createWorld();
    const at: number[] = [];
    for (let i = 0; i < 3; i++) {
      void within(node, async (self) => {
        await rateLimit.acquire(self, Mails);
        at.push(self.now());
      });
    }
    await advance(1_000);
    expect(at).toEqual([0, 100, 200]);
    expect(node.counts.timers).toBe(0);
  });

  test("counts each key by itself", async () => {
    const { node } = await createWorld();
    await rateLimit.acquire(node, Mails, { key: "ann" });
    await rateLimit.acquire(node, Mails, { key: 1 });
    await rateLimit.acquire(node, Mails);
    expect(await isSettled(rateLimit.acquire(node, Mails, { key: "ann" }))).toBe(false);
  });

  test("fails at once when it would have to wait too long, 5000 ms by default", async () => {
    const { node } = await createWorld({ perMs: 5_001 });
    await rateLimit.acquire(node, Mails, { key: "ann" });
    const acquired = rateLimit.acquire(node, Mails, { key: "ann" });
    const error = await acquired.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({
      code: "RATE_LIMIT",
      key: "ann",
      why: "time",
      retryAfterMs: 5_001,
    });
    expect((error as Error).message).toBe(
      `the rate limit "mails" has no permit for "ann" for another 5001 ms, and that would take too long`,
    );
  });

  test("fails at once when too many wait", async () => {
    const { node } = await createWorld({ maxWaiting: 1 });
    await rateLimit.acquire(node, Mails);
    void rateLimit.acquire(node, Mails);
    const error = await rateLimit.acquire(node, Mails).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ why: "waiting", retryAfterMs: 200 });
    expect((error as Error).message).toBe(
      `the rate limit "mails" has no permit for another 200 ms, and too many wait already`,
    );
  });

  test("takes several permits at once", async () => {
    const { node } = await createWorld({ permits: 3 });
    await rateLimit.acquire(node, Mails, { permits: 2 });
    expect(await rateLimit.tryAcquire(node, Mails, { permits: 2 })).toMatchObject({ ok: false });
    expect(await rateLimit.tryAcquire(node, Mails)).toEqual({ ok: true });
  });

  test("gives up when its signal aborts", async () => {
    const { node, advance } = await createWorld();
    await rateLimit.acquire(node, Mails);
    const controller = new AbortController();
    const acquired = rateLimit.acquire(node, Mails, { signal: controller.signal });
    acquired.catch(() => undefined);
    await advance(10);
    controller.abort("enough");
    await expect(acquired).rejects.toBe("enough");
  });

  test("ends with the process that waits", async () => {
    const { node } = await createWorld();
    await rateLimit.acquire(node, Mails);
    let thrown: unknown;
    const { pid } = within(node, async (self) => {
      await rateLimit.acquire(self, Mails).catch((error: unknown) => (thrown = error));
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect(thrown).toBeInstanceOf(ExitSignal);
  });

  test("fails without its limit: nothing is let through unseen", async () => {
    const node = createNode({ logger: false, clock: createVirtualClock() });
    await expect(rateLimit.acquire(node, Mails)).rejects.toThrow(NoProcessError);
  });
});

describe("rateLimit.tryAcquire", () => {
  test("tells whether it may be done now, and when to try again", async () => {
    const { node, advance } = await createWorld();
    expect(await rateLimit.tryAcquire(node, Mails)).toEqual({ ok: true });
    await advance(30);
    expect(await rateLimit.tryAcquire(node, Mails)).toEqual({ ok: false, retryAfterMs: 70 });
    await advance(70);
    expect(await rateLimit.tryAcquire(node, Mails)).toEqual({ ok: true });
  });
});

test("a rate limit keeps no keys that nobody uses any more", async () => {
  const { node, advance } = await createWorld();
  const sizes: number[] = [];
  for (let round = 0; round < 10; round++) {
    for (let key = 0; key < 100; key++) {
      await rateLimit.tryAcquire(node, Mails, { key: `${round}/${key}` });
    }
    await advance(100);
    const { accounts } = await sys.getState<{ accounts: Map<string, unknown> }>(node, Mails);
    sizes.push(accounts.size);
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(300);
});

describe("bad input", () => {
  test("of one who does not ask by these functions is answered as data", async () => {
    const { node } = await createWorld();
    expect(await node.call(Mails, ["reserve", "x", 1, "soon" as never])).toEqual({
      type: "wrong",
      what: "maxWaitMs",
      expected: "a number of at least 0",
      received: "soon",
    });
  });

  test.each<[string, (node: Node) => unknown, string]>([
    [
      "settings",
      () => rateLimit.define({ permits: 0, perMs: 1 }),
      "rateLimit.define: settings.permits",
    ],
    [
      "a negative time",
      (node) => rateLimit.acquire(node, Mails, { timeoutMs: -1 }),
      "rateLimit.acquire: options.timeoutMs must be a number of at least 0",
    ],
    [
      "an unknown option",
      (node) => rateLimit.acquire(node, Mails, { wait: 1 } as never),
      "rateLimit.acquire: options must be made of key, permits, timeoutMs, signal",
    ],
    [
      "an unknown option of tryAcquire",
      (node) => rateLimit.tryAcquire(node, Mails, { timeoutMs: 1 } as never),
      "rateLimit.tryAcquire: options must be made of key, permits",
    ],
    [
      "a key that is none",
      (node) => rateLimit.acquire(node, Mails, { key: NaN }),
      "rateLimit: options.key must be a string or a finite number",
    ],
    [
      "more permits than there ever are",
      (node) => rateLimit.acquire(node, Mails, { permits: 2 }),
      "rateLimit: options.permits must be a whole number from 1 to 1",
    ],
  ])("%s is refused, and the limit goes on", async (_, act, message) => {
    const { node } = await createWorld();
    const error = await Promise.resolve()
      .then(() => act(node))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(message);
    expect(await rateLimit.tryAcquire(node, Mails)).toEqual({ ok: true });
  });
});
