// oxlint-disable unicorn/no-thenable -- thenables are what is tested here
import { describe, expect, test } from "@jest/globals";
import {
  ExitSignal,
  InvalidArgumentError,
  UncloneableMessageError,
  isCrash,
  type Exit,
  type ExitReason,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld } from "./world.js";

function ring(): Error {
  const first = new Error("first");
  first.cause = new Error("second", { cause: first });
  return first;
}

function chain(length: number): Error {
  let error = new Error("innermost");
  for (let i = 0; i < length; i++) error = new Error(`level ${i}`, { cause: error });
  return error;
}

function withGetter(field: "stack" | "cause"): Error {
  const error = new Error("boom");
  Object.defineProperty(error, field, {
    get: () => {
      throw new Error("not to be looked at");
    },
  });
  return error;
}

/** What has a `then` that throws when it is called, or when it is looked at. */
const thenables: [string, () => object][] = [
  [
    "throws when it is called",
    () =>
      Object.defineProperty({}, "then", {
        value: () => {
          throw new Error("boom");
        },
      }),
  ],
  [
    "throws when it is looked at",
    () =>
      Object.defineProperty({}, "then", {
        get: () => {
          throw new Error("boom");
        },
      }),
  ],
];

describe("an error that is made to do harm", () => {
  test.each<[string, () => Error]>([
    ["whose causes form a ring", ring],
    ["whose causes are 20 000 deep", () => chain(20_000)],
    ["whose stack throws", () => withGetter("stack")],
    ["whose cause throws", () => withGetter("cause")],
  ])("%s ends its process and is reported, like any other", async (_what, make) => {
    const { node } = createWorld();
    const thrown = make();
    const pid = node.spawn(async () => {
      throw thrown;
    });
    const reason = await node.whenExited(pid);
    expect(isCrash(reason) && reason.error).toBe(thrown);
    expect(node.counts).toMatchObject({ crashes: 1, processes: 0 });
  });

  test.each<[string, () => Error]>([
    ["whose causes form a ring", ring],
    ["whose cause throws", () => withGetter("cause")],
  ])("%s thrown while unwinding does not keep its process", async (_what, make) => {
    const { node } = createWorld();
    const pid = node.spawn(async (self) => {
      await self.receive().catch(() => {
        throw make();
      });
    });
    await quiesce();
    node.exit(pid, "shutdown");
    expect(await node.whenExited(pid)).toBe("shutdown");
  });
});

describe("a thenable", () => {
  test.each(thenables)("that %s, returned by a body, is a crash", async (_what, make) => {
    const { node } = createWorld();
    const pid = node.spawn((() => make()) as () => void);
    expect(isCrash(await node.whenExited(pid))).toBe(true);
  });

  test.each(thenables)(
    "that %s, as the first state of a handler, is a crash",
    async (_what, make) => {
      const { node } = createWorld();
      const pid = node.spawn({ init: () => make(), message: (state: object) => state });
      expect(isCrash(await node.whenExited(pid))).toBe(true);
    },
  );

  test.each(thenables)(
    "that %s, as the next state of a handler, is a crash",
    async (_what, make) => {
      const { node } = createWorld();
      const pid = node.spawn({
        init: (): object => ({}),
        message: (_state, _message: string) => make(),
      });
      node.send(pid, "go");
      expect(isCrash(await node.whenExited(pid))).toBe(true);
    },
  );

  test.each([
    ...thenables,
    ["never settles", () => new Promise(() => undefined)] satisfies [string, () => object],
  ])("that %s is refused as an exit reason, and the node can stop", async (_what, make) => {
    const { node } = createWorld();
    const reason = make() as unknown as ExitReason;
    const refusals: unknown[] = [];
    const pid = node.spawn<Exit>(async (self: Self<Exit>) => {
      self.trapExits();
      const { reason: told } = await self.receive();
      try {
        self.exit(reason);
      } catch (error) {
        refusals.push(error);
      }
      self.exit(told);
    });
    expect(() => node.exit(pid, reason)).toThrow(InvalidArgumentError);
    await quiesce();
    expect(await node.stop()).toEqual({ killed: [] });
    expect(refusals).toEqual([expect.any(InvalidArgumentError)]);
  });
});

test("an ExitSignal that is made by hand and thrown is a crash, not an orderly end", async () => {
  const { node } = createWorld();
  const pid = node.spawn(async (self) => {
    throw new ExitSignal(self.pid, "shutdown");
  });
  expect(isCrash(await node.whenExited(pid))).toBe(true);
  expect(node.counts.crashes).toBe(1);
});

test.each(["freeze", "clone"] as const)(
  "with messages: %s, what is nested too deeply is refused",
  (messages) => {
    const { node } = createWorld({ messages });
    let deep: object = {};
    for (let i = 0; i < 200_000; i++) deep = { deep };
    const pid = node.spawn<object>(async (self) => void (await self.receive()));
    expect(() => node.send(pid, deep)).toThrow(UncloneableMessageError);
  },
);

test.each<[string, () => object]>([
  ["an object", () => ({})],
  ["a function", () => () => undefined],
])(
  "a proxy of %s that is revoked, when it is thrown, ends its process alone",
  async (_what, target) => {
    const { node, events } = createWorld();
    const { proxy, revoke } = Proxy.revocable(target(), {});
    revoke();
    const throws = (): never => {
      throw proxy;
    };
    const body = node.spawn<unknown>(throws);
    const handler = node.spawn<string, null>({
      init: () => null,
      message: throws,
      failed: () => undefined,
    });
    node.send(handler, "go");
    await quiesce();
    expect(node.counts.processes).toBe(0);
    for (const pid of [body, handler]) {
      const exit = events.find((event) => event.type === "exited" && event.pid === pid);
      expect(exit).toMatchObject({ reason: { error: { name: "ThrownValueError" } } });
    }
  },
);

test.each<[string, () => unknown]>([
  [
    "whose sender throws when it is looked at",
    () =>
      Object.defineProperty({}, "from", {
        get: () => {
          throw new Error("boom");
        },
      }),
  ],
  [
    "whose sender cannot be looked at",
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return { from: proxy };
    },
  ],
])("a message %s can be told as unhandled", async (_what, message) => {
  const { node, events } = createWorld();
  const pid = node.spawn<unknown, null>({
    init: () => null,
    message: (state, unknown, self) => {
      self.unhandled(unknown);
      return state;
    },
  });
  node.send(pid, message());
  await quiesce();
  expect(events).toContainEqual(expect.objectContaining({ to: pid, why: "unhandled" }));
  expect(node.isAlive(pid)).toBe(true);
});
