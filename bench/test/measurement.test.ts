import { describe, expect, test } from "@jest/globals";
import { checkedValue, measure } from "../src/contender-process.js";

describe("measurement", () => {
  test("what a job measured counts when it did all of its work", () => {
    expect(checkedValue('{"count":100,"value":2.5}\n', 100)).toBe(2.5);
  });

  test.each<[string, string, string]>([
    ["did less", '{"count":99,"value":2.5}', "did 99 in place of 100"],
    ["measured nothing", '{"count":100,"value":null}', "measured null"],
    ["printed something else", "done", 'printed no measurement but "done"'],
    ["printed nothing", "", 'printed no measurement but ""'],
  ])("a job that %s fails", (_, stdout, message) => {
    expect(() => checkedValue(stdout, 100)).toThrow(message);
  });

  test("a job whose process fails, fails with what that said", async () => {
    const script = "console.error('the job is ill'); process.exit(3)";
    const command = { file: process.execPath, args: ["-e", script] };
    await expect(measure(command, 1)).rejects.toThrow("the job is ill");
  });
});
