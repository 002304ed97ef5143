/** `multiCall`: one request to the servers of one name at many nodes. */
import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  InvalidArgumentError,
  InvalidNameError,
  name,
  NoProcessError,
  ServerExitError,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { defineServer, multiCall, UnknownRequestError, type ProtocolOf } from "@coppice/supervisor";
import { boom, createServerWorld, errorOf, outcomeOf } from "./server-world.js";

const server = defineServer({
  init: () => 0,
  call: {
    size: (count) => ({ reply: count }),
    never: (): { reply: string } | undefined => undefined,
    crash: (): { reply: string } => {
      throw boom;
    },
  },
});
const Server = name<ProtocolOf<typeof server>>("server");

describe("multiCall", () => {
  test("asks the server of the name at the own node", async () => {
    const { node } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    expect(await multiCall(node, ["demo"], Server, ["size"])).toEqual({
      replies: [{ node: "demo", reply: 0 }],
      failures: [],
    });
    await node.stop();
  });

  test("tells who did not answer and why, in the order of the nodes", async () => {
    const { node } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    const { replies, failures } = await multiCall(node, ["x", "demo", "y", "demo"], Server, [
      "size",
    ]);
    expect(replies).toEqual([
      { node: "demo", reply: 0 },
      { node: "demo", reply: 0 },
    ]);
    expect(failures.map((failure) => failure.node)).toEqual(["x", "y"]);
    for (const { error } of failures) {
      expect(error).toBeInstanceOf(ServerExitError);
      expect(error).toMatchObject({ reason: "noconnection" });
    }
    await node.stop();
  });

  test("tells of a name that nobody holds", async () => {
    const { node } = createServerWorld();
    expect(await multiCall(node, ["demo"], Server, ["size"])).toEqual({
      replies: [],
      failures: [{ node: "demo", error: expect.any(NoProcessError) }],
    });
  });

  test("tells of a server that crashes, or does not know the request", async () => {
    const { node } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    const unknown = await multiCall(node, ["demo"], Server, ["nope"] as never);
    expect(unknown.failures).toEqual([{ node: "demo", error: expect.any(UnknownRequestError) }]);
    const crash = await multiCall(node, ["demo"], Server, ["crash"]);
    expect(crash.failures).toMatchObject([{ node: "demo", error: { reason: { error: boom } } }]);
  });

  test("waits for each as long as it is told", async () => {
    const { node, clock } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    const called = outcomeOf(multiCall(node, ["demo", "x"], Server, ["never"], { timeoutMs: 100 }));
    await clock.advance(99, quiesce);
    expect(called.state).toBe("pending");
    await clock.advance(1, quiesce);
    expect(called.value).toMatchObject({
      replies: [],
      failures: [{ node: "demo" }, { node: "x" }],
    });
    const { failures } = called.value as { failures: { error: unknown }[] };
    expect(failures[0]?.error).toBeInstanceOf(CallTimeoutError);
    await node.stop();
  });

  // `gen_server:multi_call/3` has no time limit, unlike `gen_server:call/2`.
  test("waits for ever when nothing is said of time", async () => {
    const { node, clock } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    const called = outcomeOf(multiCall(node, ["demo"], Server, ["never"]));
    await clock.advance(60_000, quiesce);
    expect(called.state).toBe("pending");
    await node.stop();
    await quiesce();
    expect(called.value).toMatchObject({ failures: [{ error: { reason: "shutdown" } }] });
  });

  test("of no nodes asks nobody", async () => {
    const { node } = createServerWorld();
    expect(await multiCall(node, [], Server, ["size"])).toEqual({ replies: [], failures: [] });
  });

  test.each<[string, unknown[], new (...args: never[]) => Error]>([
    ["nodes that are no array", ["demo", Server, ["size"]], InvalidArgumentError],
    ["a node that has no name", [["demo", ""], Server, ["size"]], InvalidNameError],
    ["a node that is no string", [[5], Server, ["size"]], InvalidNameError],
    ["a name as a mere string", [["demo"], "server", ["size"]], InvalidArgumentError],
    ["an unknown option", [["demo"], Server, ["size"], { timeout: 5 }], InvalidArgumentError],
    ["a negative timeout", [["demo"], Server, ["size"], { timeoutMs: -1 }], InvalidArgumentError],
  ])("refuses %s", async (_what, args, expected) => {
    const { node } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    const call = multiCall as unknown as (...all: unknown[]) => Promise<unknown>;
    expect(await errorOf(call(node, ...args))).toBeInstanceOf(expected);
    await node.stop();
  });

  test("unwinds when an exit signal comes to the process that waits", async () => {
    const { node } = createServerWorld();
    await node.startOpt({ name: Server }, server);
    const seen: string[] = [];
    const client = node.spawn(async (self) => {
      try {
        await multiCall(self, ["demo"], Server, ["never"]);
        seen.push("went on");
      } finally {
        seen.push("finally");
      }
    });
    await quiesce();
    node.exit(client, "over");
    await quiesce();
    expect(seen).toEqual(["finally"]);
    await node.stop();
  });
});
