import { describe, expect, test } from "@jest/globals";
import { isEndless } from "./hash-worker.js";

const MIB = 1024 * 1024;

describe("whether a file goes on without end", () => {
  test.each([
    ["of size 0 that gives 64 MiB and more, as /proc/self/pagemap does", 0, 64 * MIB + 1, true],
    ["of size 0 that has something in it, as all of /proc have", 0, 11 * MIB, false],
    ["of size 0 with nothing in it", 0, 0, false],
    ["that is as large as it says", 9_000 * MIB, 8_999 * MIB, false],
    ["that grew while it was read", 1, 65 * MIB, false],
  ])("%s", (_what, size, bytesRead, endless) => {
    expect(isEndless(size, bytesRead)).toBe(endless);
  });
});
