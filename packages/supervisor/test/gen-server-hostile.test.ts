/** Definitions and requests that mean no good, or were made by mistake. */
import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, type Call, type From, type Pid } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { defineServer, sys, UnknownRequestError } from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  errorOf,
  puppet,
  settle,
  THEN,
  type ServerWorld,
} from "./server-world.js";

function throwing(): never {
  throw boom;
}

function revoked<T extends object>(target: T): T {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

describe("defineServer", () => {
  test.each<[string, unknown, string]>([
    ["nothing", undefined, "definition"],
    ["null", null, "definition"],
    ["a string", "server", "definition"],
    ["a function", () => 0, "definition"],
    ["no init", {}, "init"],
    ["an init that is none", { init: 5 }, "init"],
    ["an init that is undefined", { init: undefined }, "init"],
    ["a misspelt field", { init: () => 0, calls: {} }, "calls"],
    ["a name of OTP", { init: () => 0, handle_call: () => 0 }, "handle_call"],
    ["an own field __proto__", JSON.parse(`{ "__proto__": {} }`), "__proto__"],
    ["a call table that is none", { init: () => 0, call: () => 0 }, "call"],
    ["a call table that is an array", { init: () => 0, call: [() => 0] }, "call"],
    ["a call table that is null", { init: () => 0, call: null }, "call"],
    ["a call that is no function", { init: () => 0, call: { get: 5 } }, "call.get"],
    ["a cast that is undefined", { init: () => 0, cast: { set: undefined } }, "cast.set"],
    ["an info that is no function", { init: () => 0, info: {} }, "info"],
    ["a terminate that is null", { init: () => 0, terminate: null }, "terminate"],
  ])("refuses %s, and says where", (_what, definition, where) => {
    let error: unknown;
    try {
      defineServer(definition as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as InvalidArgumentError).argument).toBe(`defineServer: ${where}`);
  });

  test("takes fields that are undefined as not there", async () => {
    const { node } = createServerWorld();
    const definition = { init: () => 0, call: undefined, info: undefined, terminate: undefined };
    const pid = await node.start(defineServer(definition as never) as typeof silent);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });
  const silent = defineServer({ init: () => 0 });

  test("refuses callbacks that an object only inherits: they would go unchecked", () => {
    class Stack {
      init(): number {
        return 0;
      }
    }
    expect(() => defineServer(new Stack())).toThrow(InvalidArgumentError);
  });

  test("takes the callbacks as they are: what changes later is not seen", async () => {
    const { node } = createServerWorld();
    const definition = {
      init: () => "first",
      call: { get: (state: string) => ({ reply: state }) },
      info: (): void => undefined,
    };
    const server = defineServer(definition);
    definition.init = () => "second";
    definition.call.get = throwing;
    definition.info = throwing;
    const pid = await node.start(server);
    expect(await node.call(pid, ["get"])).toBe("first");
    node.send(pid as never, "x" as never);
    await quiesce();
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("asks a getter once", async () => {
    let asked = 0;
    const server = defineServer({
      get init() {
        asked++;
        return () => 0;
      },
    });
    const { node } = createServerWorld();
    await node.start(server);
    await node.start(server);
    expect(asked).toBe(1);
    await node.stop();
  });

  test("throws what a getter throws", () => {
    expect(() =>
      defineServer({
        get init(): () => number {
          return throwing();
        },
      }),
    ).toThrow(boom);
  });

  test("calls callbacks without this", async () => {
    const { node } = createServerWorld();
    const seen: unknown[] = [];
    const callback = function (this: unknown): void {
      seen.push(this);
    };
    const server = puppet({
      init: callback,
      call: { ask: callback },
      cast: { tell: callback },
      info: callback,
      status: callback,
      terminate: callback,
    });
    const pid = await node.start(server as unknown as typeof silent);
    node.cast(pid as never, ["tell"] as never);
    node.send(pid as never, "x" as never);
    await sys.getStatus(node, pid);
    await sys.terminate(node, pid, "normal");
    await quiesce();
    expect(seen).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});

describe("names of requests", () => {
  const inherited = Object.getOwnPropertyNames(Object.prototype);

  test.each(inherited)("do not find %s, which every object has", async (name) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    expect(await errorOf(node.call(pid, [name] as never))).toBeInstanceOf(UnknownRequestError);
    node.cast(pid, [name] as never);
    await quiesce();
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test.each(inherited)("may be %s, too", async (name) => {
    const { node } = createServerWorld();
    // Not by a literal: `__proto__` would be the prototype.
    const call = JSON.parse(`{ "${name}": 0 }`) as Record<string, unknown>;
    Object.defineProperty(call, name, { value: () => ({ reply: name }) });
    const pid = await node.start(puppet({ call }), () => 0);
    expect(await node.call(pid, [name] as never)).toBe(name);
    await node.stop();
  });

  test.each(inherited)("of fields of a result do not find %s", async (name) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const result = JSON.parse(`{ "${name}": 1 }`) as unknown;
    expect(await errorOf(node.call(pid, ["do", () => result]))).toMatchObject({
      reason: { error: { name: "InvalidCallbackResultError" } },
    });
  });
});

describe("a request that does harm to who looks at it", () => {
  async function start(): Promise<ServerWorld & { pid: Pid<Call<readonly ["get"], string>> }> {
    const world = createServerWorld();
    const server = puppet({
      call: {
        get: () => ({ reply: "fine" }),
        two: (_s: unknown, _a: unknown, _b: unknown) => ({ reply: "two" }),
      },
    });
    return { ...world, pid: (await world.node.start(server, () => 0)) as never };
  }

  const hostile: [string, () => unknown][] = [
    ["a revoked proxy", () => revoked({})],
    ["a revoked proxy of an array", () => revoked(["get"])],
    ["a revoked proxy of a function", () => revoked(() => 0)],
    ["an object whose type throws", () => Object.defineProperty({}, "type", { get: throwing })],
    ["an array whose name throws", () => Object.defineProperty(["get"], 0, { get: throwing })],
    [
      "an array whose argument throws",
      () => Object.defineProperty(["two", 1, 2], 1, { get: throwing }),
    ],
    [
      "an array whose length lies",
      () =>
        new Proxy(["get"], {
          get: (target, key) =>
            key === "length" ? throwing() : (Reflect.get(target, key) as unknown),
        }),
    ],
    ["an array that has holes", () => [, "get"]], // oxlint-disable-line no-sparse-arrays -- that is it
    ["a tuple of a million", () => ["two", ...Array.from({ length: 1_000_000 }, () => 0)]],
    [
      "a tuple that holds itself",
      () => {
        const tuple: unknown[] = ["two"];
        tuple.push(tuple, tuple, tuple);
        return tuple;
      },
    ],
    ["a bigint", () => 10n],
    ["a symbol", () => Symbol("get")],
  ];

  test.each(hostile)("is refused when it is called with: %s", async (_what, request) => {
    const { node, pid } = await start();
    expect(await errorOf(node.call(pid, request() as never))).toBeInstanceOf(UnknownRequestError);
    expect(await node.call(pid, ["get"])).toBe("fine");
    await node.stop();
  });

  test.each(hostile)("is told as undelivered when it is cast: %s", async (_what, request) => {
    const { node, pid, eventsOf } = await start();
    node.cast(pid as never, request() as never);
    await quiesce();
    expect(eventsOf("undelivered")).toMatchObject([{ why: "unhandled" }]);
    expect(await node.call(pid, ["get"])).toBe("fine");
    await node.stop();
  });

  test.each<[string, () => unknown]>([
    ["whose type throws", () => Object.defineProperty({}, "type", { get: throwing })],
    [
      "whose request throws",
      () => Object.defineProperty({ type: "cast" }, "request", { get: throwing }),
    ],
    [
      "whose caller throws",
      () => Object.defineProperty({ type: "call", request: ["get"] }, "from", { get: throwing }),
    ],
    [
      "of a monitor whose reference throws",
      () => Object.defineProperty({ type: "down" }, "ref", { get: throwing }),
    ],
    [
      "of an exit whose sender throws",
      () => Object.defineProperty({ type: "exit" }, "from", { get: throwing }),
    ],
  ])("is a message like any other %s", async (_what, message) => {
    const { node, eventsOf } = createServerWorld();
    const seen: unknown[] = [];
    const server = puppet({
      call: { get: () => ({ reply: "fine" }) },
      info: (_s: unknown, message: unknown) => void seen.push(message),
      down: throwing,
      exit: throwing,
    });
    const pid = await node.start(server, () => 0);
    const sent = message();
    node.send(pid as never, sent as never);
    await quiesce();
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBe(sent);
    expect(eventsOf("crashed")).toEqual([]);
    expect(await node.call(pid, ["get"] as never)).toBe("fine");
    await node.stop();
  });

  test("does not reach those who are suspended either", async () => {
    const { node, pid } = await start();
    await sys.suspend(node, pid);
    node.send(pid as never, Object.defineProperty({}, "type", { get: throwing }) as never);
    node.cast(pid as never, revoked(["get"]) as never);
    await quiesce();
    await sys.resume(node, pid);
    expect(await node.call(pid, ["get"])).toBe("fine");
    await node.stop();
  });
});

describe("a system request that is forged", () => {
  test.each<[string, unknown]>([
    ["without an action", { type: "system" }],
    ["with null", { type: "system", action: null }],
    ["with an unknown action", { type: "system", action: { type: "explode" } }],
    ["with an action that every object has", { type: "system", action: { type: "constructor" } }],
    [
      "to replace the state by no function",
      { type: "system", action: { type: "replaceState", replace: 5 } },
    ],
    ["to replace the state by nothing", { type: "system", action: { type: "replaceState" } }],
    ["to trace for nobody", { type: "system", action: { type: "trace" } }],
    ["to count somehow", { type: "system", action: { type: "statistics", flag: "maybe" } }],
    [
      "to terminate for a promise",
      {
        type: "system",
        action: { type: "terminate", reason: { [THEN]: () => 0 } },
      },
    ],
    ["whose action throws", Object.defineProperty({ type: "system" }, "action", { get: throwing })],
  ])("is refused %s, and the server goes on", async (_what, request) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => "state");
    expect(await errorOf(node.call(pid, request as never))).toBeInstanceOf(Error);
    expect(await sys.getState(node, pid)).toBe("state");
    await node.stop();
  });

  test("from nobody is a message like any other", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(puppet(), () => "state");
    const request = { type: "system", action: { type: "suspend" } };
    const from = "me" as unknown as From<never>;
    node.send(pid as never, { type: "call", request, from } as never);
    await quiesce();
    expect(eventsOf("undelivered")).toHaveLength(1);
    expect((await sys.getStatus(node, pid)).activity).toBe("running");
    await node.stop();
  });
});

test("what a server throws may be anything", async () => {
  for (const thrown of [
    undefined,
    null,
    5,
    "text",
    Symbol("s"),
    revoked({}),
    revoked(() => 0),
    { [THEN]: 1 },
  ]) {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const ended = settle(node.whenExited(pid));
    node.cast(pid, [
      "do",
      () => {
        throw thrown;
      },
    ]);
    expect((await ended).value).toMatchObject({ error: { name: "ThrownValueError" } });
    const start = node.start(puppet(), () => {
      throw thrown;
    });
    expect(await errorOf(start)).toMatchObject({ reason: { error: { name: "ThrownValueError" } } });
  }
});
