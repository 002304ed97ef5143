import { describe, expect, test } from "@jest/globals";
import { capture } from "../child.mjs";
import { exampleNames, root } from "../workspace.mjs";

describe("npm run example", () => {
  test("knows the examples by their folders", () => {
    expect(exampleNames(root)).toEqual(expect.arrayContaining(["fleet", "http-service"]));
  });

  test.each([
    [[], /^Usage: npm run example -- NAME \[args\]\. Examples: browser, fleet, http-service/m],
    [["nope"], /^Unknown example "nope"\. Usage: .* Examples: browser, fleet, http-service/m],
    [["../bench"], /^Unknown example "\.\.\/bench"\./m],
  ])("with %j lists them and fails", async (args, said) => {
    const { code, output } = await capture(process.execPath, [
      "scripts/run.mjs",
      "example",
      ...args,
    ]);
    expect(code).toBe(1);
    expect(output).toMatch(said);
  });
});
