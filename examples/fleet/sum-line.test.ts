import { describe, expect, test } from "@jest/globals";
import { rawPath } from "./raw-path.js";
import { sumLine } from "./sum-line.js";

describe("a sum line", () => {
  test.each([
    ["/a b", "SUM  /a b\n"],
    ["/back\\slash", "\\SUM  /back\\\\slash\n"],
    ["/line\nfeed", "\\SUM  /line\\nfeed\n"],
    ["/carriage\rreturn", "\\SUM  /carriage\\rreturn\n"],
    ["/\\n", "\\SUM  /\\\\n\n"],
  ])("for %j is %j, as sha256sum writes it", (path, line) => {
    expect(sumLine("SUM", rawPath(path))).toBe(line);
  });

  test("keeps bytes that are no UTF-8", () => {
    const path = rawPath(Buffer.from([0x2f, 0xff]));
    expect(Buffer.from(sumLine("SUM", path), "latin1").subarray(-3)).toEqual(
      Buffer.from([0x2f, 0xff, 0x0a]),
    );
  });
});
