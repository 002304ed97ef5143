import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { checkExpectations } from "../docs/expectations.mjs";

/** What a block prints that is run with its promises checked; "" when they are kept. */
function complaintsOf(code: string): string {
  const checked = checkExpectations(code, (line) => `line ${line}`);
  if ("error" in checked) return checked.error;
  const { stderr } = spawnSync(
    process.execPath,
    [
      ...["--import", resolve("scripts/docs/runtime.mjs")],
      ...["--input-type=module", "--eval", checked.code],
    ],
    {
      encoding: "utf8",
      env: { ...process.env, COPPICE_EXPECTATIONS: JSON.stringify(checked.expectations) },
    },
  );
  return stderr.trim();
}

const fail =
  'class OddError extends Error { name = "OddError"; } const fail = () => { throw new OddError(); };\n';

describe("promises in comments", () => {
  test.each<[code: string]>([
    ["1 + 1; // => 2"],
    ["1 + 1 // => 2"],
    ['({ a: [1, "x"] }); // => { a: [1, "x"] }'],
    ["await Promise.resolve(1); // => 1"],
    ["const two = 2; // => 2\ntwo + 1; // => 3"],
    ["let x; x = 5; // => 5"],
    ["[3, 1].toSorted(\n  (a, b) => a - b,\n); // => [1, 3]"],
    ["1 + 1;\n// => 2"],
    ['console.log(["a"]); // => ["a"]'],
    ["const run = (f) => f(1);\nrun((x) => {\n  x; // => 1\n  return 2;\n}); // => 2"],
    ["for (const x of [1, 2]) {\n  x * x; // => x ** 2\n}"],
    [`${fail}fail(); // throws OddError`],
    [`${fail}const x = fail(); // throws OddError`],
    [`${fail}Promise.resolve().then(fail); // throws OddError`],
    [`${fail}await Promise.resolve().then(fail); // throws OddError`],
    [`${fail}function f() {\n  fail(); // throws OddError\n}\nf();`],
    [`${fail}throw new OddError(); // throws OddError`],
    ["1; // an ordinary comment about => and throws"],
  ])("%j keeps them", (code) => {
    expect(complaintsOf(code)).toBe("");
  });

  test.each<[code: string, complaint: string]>([
    ["\n1 + 1; // => 3", "line 2: expected 3, got 2"],
    ["const x = [1]; // => [2]", "line 1: expected [ 2 ], got [ 1 ]"],
    ["try {\n  1; // => 2\n} catch {}", "line 2: expected 2, got 1"],
    ["console.log(\n  1,\n);\n2; // => 3", "line 4: expected 3, got 2"],
    ["if (false) {\n  1; // => 1\n}", "line 2: was not reached"],
    ["1; // throws Error", "line 1: expected Error, but nothing was thrown"],
    ["1; // => one and a half", 'line 1: cannot check "// => one and a half"'],
    ["const { a } = { a: 1 }; // => 1", 'line 1: cannot check "// => 1"'],
    ["// => 1", 'line 1: cannot check "// => 1"'],
  ])("%j breaks them: %s", (code, complaint) => {
    expect(complaintsOf(code)).toBe(complaint);
  });

  test("an error of another name is shown with its stack", () => {
    expect(complaintsOf(`${fail}fail(); // throws RangeError`)).toMatch(
      /^line 2: expected RangeError, got OddError\n.* at fail /s,
    );
  });

  test("lines stay where they are", () => {
    const code = "console.log(\n  1,\n); // => 1\n\nf(); // throws Error\n";
    const checked = checkExpectations(code, String);
    expect(checked).toHaveProperty("code");
    if ("code" in checked) expect(checked.code.split("\n")).toHaveLength(code.split("\n").length);
  });
});
