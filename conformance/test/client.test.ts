import { describe, expect, test } from "@jest/globals";
import {
  CallCycleError,
  CallTimeoutError,
  createNode,
  InvalidArgumentError,
  NoProcessError,
  ServerExitError,
} from "@coppice/core";
import { asClient, failureOfCall } from "../src/client.js";
import type { Value } from "../src/term.js";

const node = createNode({ logger: false });
const [a, b] = [node.spawn(() => undefined), node.spawn(() => undefined)];

describe("a call that fails", () => {
  test.each<[Error, Value | undefined]>([
    [new NoProcessError("x"), "noproc"],
    [new CallTimeoutError("x", "y", 50), "timeout"],
    [new ServerExitError("x", "y", { shutdown: "z" }), ["shutdown", "z"]],
    [new CallCycleError([a, a], ["a", "a"]), "calling_self"],
    [new CallCycleError([a, b, a], ["a", "b", "a"]), undefined],
    [new InvalidArgumentError("x", "y", "z"), undefined],
  ])("with %o says %j in Erlang", (error, failure) => {
    expect(failureOfCall(error)).toEqual(failure);
  });

  test("is an exit of its client that tells what was called", async () => {
    const call = asClient("sys", "suspend", () => Promise.reject(new NoProcessError("x")));
    await expect(call).rejects.toMatchObject({
      class: "exit",
      reason: ["noproc", { mfa: ["sys", "suspend"] }],
    });
  });

  test("for want of a connection tells the node", async () => {
    const fail = (): Promise<never> =>
      Promise.reject(new ServerExitError("x", "y", "noconnection"));
    await expect(asClient("m", "f", fail, ["na", "other@host"])).rejects.toMatchObject({
      reason: [["nodedown", "other@host"], { mfa: ["m", "f"] }],
    });
  });

  test("for another reason is left as it is", async () => {
    const error = new InvalidArgumentError("x", "y", "z");
    await expect(asClient("m", "f", () => Promise.reject(error))).rejects.toBe(error);
  });
});
