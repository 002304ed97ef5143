import { describe, expect, test } from "@jest/globals";
import {
  formatReason,
  formatTerm,
  isCrash,
  isOrderly,
  ThrownValueError,
  type ExitReason,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { runInNewContext } from "node:vm";
import { createWorld, idle } from "./world.js";

const boom = new Error("boom");

/** Whatever is done with it throws. */
const revoked = Proxy.revocable({}, {});
revoked.revoke();

describe("an exit reason", () => {
  test.each<[ExitReason, boolean, boolean]>([
    // reason, is it orderly, is it a crash
    ["normal", true, false],
    ["shutdown", true, false],
    [{ shutdown: "no pong" }, true, false],
    [{ shutdown: undefined }, true, false],
    ["kill", false, false],
    ["killed", false, false],
    ["noproc", false, false],
    ["noconnection", false, false],
    ["whatever", false, false],
    [{ error: boom }, false, true],
    [{ error: new TypeError("x") }, false, true],
    [{ error: "no Error" }, false, false],
    [undefined, false, false],
    [null, false, false],
    [42, false, false],
    [["badmatch", 1], false, false],
  ])("%j is orderly: %s, a crash: %s", (reason, orderly, crash) => {
    expect([isOrderly(reason), isCrash(reason)]).toEqual([orderly, crash]);
  });

  test("is a crash also with an error of another realm", () => {
    expect(isCrash({ error: runInNewContext('new Error("far away")') as Error })).toBe(true);
  });

  test.each<[ExitReason, string]>([
    ["shutdown", "shutdown"],
    [{ shutdown: "no pong" }, '{"shutdown":"no pong"}'],
    [{ error: new TypeError("x is not a function") }, "TypeError: x is not a function"],
    [{ error: "no Error" }, '{"error":"no Error"}'],
    [["badmatch", 12n], '["badmatch","12n"]'],
    [undefined, "undefined"],
    [null, "null"],
  ])("%j prints as %j", (reason, text) => {
    expect(formatReason(reason)).toBe(text);
  });
});

describe("formatTerm", () => {
  test("prints pids in messages as everywhere", () => {
    const { node } = createWorld();
    expect(formatTerm({ from: node.spawn(idle) })).toBe('{"from":"<demo.1>"}');
  });

  test("cuts what is long", () => {
    expect(formatTerm("x".repeat(1000))).toHaveLength(200);
    expect(formatTerm("x".repeat(1000), 10)).toBe('"xxxxxxxx…');
  });

  const circular: { self?: unknown } = {};
  circular.self = circular;
  test.each<[what: string, value: unknown]>([
    ["a circular object", circular],
    [
      "a getter that throws",
      {
        get type(): string {
          throw boom;
        },
      },
    ],
    [
      "a toJSON that throws",
      {
        toJSON: () => {
          throw boom;
        },
      },
    ],
    ["a revoked proxy", revoked.proxy],
    ["a symbol", Symbol("s")],
    ["a function", () => 1],
    ["a big integer", 1n],
    ["an object without prototype", Object.create(null)],
  ])("never throws: %s", (_what, value) => {
    expect(typeof formatTerm(value)).toBe("string");
  });
});

describe("what a process throws becomes its exit reason", () => {
  async function reasonOf(thrown: unknown): Promise<ExitReason> {
    const { node, events } = createWorld();
    node.spawn(async () => {
      throw thrown;
    });
    await quiesce();
    const [exited] = events.filter((event) => event.type === "exited");
    return exited?.reason;
  }

  test("as the very error, with its stack", async () => {
    const { stack } = boom;
    const reason = (await reasonOf(boom)) as { error: Error };
    expect(reason.error).toBe(boom);
    expect(reason.error.stack).toBe(stack);
  });

  test.each([["a string"], [42], [undefined], [null], [{ code: 1 }]])(
    "wrapped in a ThrownValueError when it is no Error: %j",
    async (thrown) => {
      const reason = (await reasonOf(thrown)) as { error: ThrownValueError };
      expect(reason.error).toBeInstanceOf(ThrownValueError);
      expect(reason.error).toMatchObject({ code: "THROWN_VALUE", value: thrown });
    },
  );

  test("unchanged when it is an error of another realm", async () => {
    const foreign = runInNewContext('new RangeError("far away")') as Error;
    expect(await reasonOf(foreign)).toEqual({ error: foreign });
  });

  test.each<[what: string, thrown: unknown]>([
    ["a revoked proxy", revoked.proxy],
    [
      "an object whose message throws",
      {
        get message(): string {
          throw boom;
        },
      },
    ],
    [
      "an error whose message throws",
      Object.defineProperty(new Error("lazy"), "message", {
        get: () => {
          throw boom;
        },
      }),
    ],
  ])("also when looking at it throws: %s", async (_what, thrown) => {
    expect(isCrash(await reasonOf(thrown))).toBe(true);
  });
});
