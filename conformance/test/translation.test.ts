import { describe, expect, test } from "@jest/globals";
import { at, createNode, name, ThrownValueError, type ExitReason } from "@coppice/core";
import { InvalidCallbackResultError, InvalidStartResultError } from "@coppice/supervisor";
import { Raised } from "../src/raised.js";
import type { Value } from "../src/term.js";
import { messageOfTerm, reasonOfTerm, termOfMessage, termOfReason } from "../src/translation.js";

const node = createNode({ logger: false });
const pid = node.spawn(() => undefined);
const ref = node.sendAfter(pid, 1e9, "x");
node.cancelTimer(ref);

describe("exit reasons", () => {
  test.each<[ExitReason, Value]>([
    ["boom", "boom"],
    [
      ["t", 1],
      ["t", 1],
    ],
    [{ error: new Raised("error", ["t", 1]) }, { crash: ["t", 1] }],
    [{ error: new ThrownValueError("x") }, { crash: ["nocatch", "x"] }],
    [{ shutdown: "x" }, ["shutdown", "x"]],
    [{ alreadyStarted: pid }, ["already_started", pid]],
    [
      { shutdown: { type: "failed_to_start_child", id: "a", reason: { shutdown: "x" } } },
      ["shutdown", ["failed_to_start_child", "a", ["shutdown", "x"]]],
    ],
    [{ error: new InvalidCallbackResultError("call", "x", "junk") }, ["bad_return_value", "junk"]],
    [{ error: new InvalidStartResultError("junk") }, "junk"],
  ])("%o is %j in Erlang", (reason, term) => {
    expect(termOfReason(reason)).toEqual(term);
  });

  test.each<[Value, ExitReason]>([
    ["boom", "boom"],
    [["shutdown", "x"], { shutdown: "x" }],
    [
      ["shutdown", "x", "y"],
      ["shutdown", "x", "y"],
    ],
  ])("%j of Erlang is %j", (term, reason) => {
    expect(reasonOfTerm(term)).toEqual(reason);
  });

  test("an error that no program raised is no reason", () => {
    expect(() => termOfReason({ error: new RangeError("ours") })).toThrow("ours");
  });
});

describe("messages", () => {
  test.each<[Value, unknown]>([
    ["boom", "boom"],
    [["EXIT", pid, ["shutdown", 1]], { type: "exit", from: pid, reason: { shutdown: 1 } }],
    [["DOWN", ref, "process", pid, "boom"], { type: "down", ref, process: pid, reason: "boom" }],
    [
      ["DOWN", ref, "process", ["na", "nonode@nohost"], "boom"],
      { type: "down", ref, process: at("nonode@nohost", name("na")), reason: "boom" },
    ],
  ])("%o is sent as what Coppice itself sends, and read back", (term, message) => {
    expect(messageOfTerm(term)).toEqual(message);
    expect(termOfMessage(message)).toEqual(term);
  });

  test.each<[Value]>([
    [["EXIT", "nobody", "boom"]],
    [["EXIT", pid]],
    [["DOWN", "r", "process", pid, "boom"]],
    [["DOWN", ref, "port", pid, "boom"]],
    [["DOWN", ref, "process", "na", "boom"]],
  ])("%o is a tuple and nothing more", (term) => {
    expect(messageOfTerm(term)).toBe(term);
  });

  test("requests at a puppet are told with their caller", () => {
    const request = ["follow", { msg: 3 }];
    expect(termOfMessage({ type: "call", request, from: ref })).toEqual({
      gen_call: [ref.owner, { msg: 3 }],
    });
    expect(termOfMessage({ type: "cast", request })).toEqual({ gen_cast: { msg: 3 } });
  });

  test("a timeout of startTimer is a tuple", () => {
    expect(termOfMessage({ type: "timeout", timer: ref, message: "x" })).toEqual([
      "timeout",
      ref,
      "x",
    ]);
  });
});
