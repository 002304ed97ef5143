import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "./ledger.js";
import { rawPath } from "./raw-path.js";
import { exitCodeOf, failuresText, interruptedText, reportTable, verdict } from "./report.js";

const outcome: Outcome = {
  found: 1_002,
  walked: true,
  left: 0,
  hashed: 1_001,
  unreadable: 1,
  unreadableDirectories: 2,
  bytes: 12_345_678,
  crashes: { thrown: 4, killed: 5, hung: 3, withNode: 0, unprovoked: 0 },
  nodeStrikes: { killed: 0, paused: 0 },
  retriedFiles: 11,
  retries: 12,
  files: Array.from({ length: 1_001 }, (_, index) => {
    return { path: rawPath(`/${index}`), sha256: "5u", bytes: 1 };
  }),
  failures: [{ path: rawPath("/secret"), reason: "permission denied (EACCES)" }],
  skipped: { "symbolic link": 2, fifo: 1 },
  lost: 0,
  twice: 0,
};

describe("the report", () => {
  test("is a table", () => {
    expect(reportTable({ outcome, restarts: 12, elapsedMs: 3_456 })).toBe(
      [
        "┌───────────────┬───────────────────────────────────────────────────────────────────────────┐",
        "│ files         │ 1,001                                                                     │",
        "│ bytes         │ 12,345,678 (12.3 MB)                                                      │",
        "│ unreadable    │ 1, and 2 directories                                                      │",
        "│ left alone    │ 2 symbolic links, 1 fifo                                                  │",
        "│ crashes       │ 12: 4 thrown, 5 killed, 3 hung                                            │",
        "│ restarts      │ 12                                                                        │",
        "│ retried files │ 11 (12 times)                                                             │",
        "│ time          │ 3.5 s                                                                     │",
        "│ verdict       │ every file once: 1,002 found, 1,001 hashed, 1 unreadable, 0 lost, 0 twice │",
        "└───────────────┴───────────────────────────────────────────────────────────────────────────┘",
      ].join("\n"),
    );
  });

  test("tells of nodes that chaos struck, when there are any", () => {
    const crashes = { ...outcome.crashes, withNode: 6 };
    const struck = { ...outcome, crashes, nodeStrikes: { killed: 2, paused: 1 } };
    const text = reportTable({ outcome: struck, restarts: 18, elapsedMs: 1 });
    expect(text).toMatch(/crashes +│ 18: 4 thrown, 5 killed, 3 hung, 6 with their node /);
    expect(text).toMatch(/nodes +│ 2 killed, 1 paused /);
  });

  test("names what could not be read, and why", () => {
    expect(failuresText(outcome)).toBe("unreadable:\n  /secret: permission denied (EACCES)\n");
  });
});

describe("the verdict", () => {
  test.each([
    [{ lost: 1 }, "NOT every file once"],
    [{ twice: 1 }, "NOT every file once"],
    [{}, "every file once"],
  ])("with %j begins with %j", (wrong, beginning) => {
    expect(verdict({ ...outcome, ...wrong })).toMatch(new RegExp(`^${beginning}:`));
  });
});

describe("the exit code", () => {
  test.each([
    ["all is well", { failures: [] }, 0],
    ["something could not be read", {}, 2],
    ["something is lost", { failures: [], lost: 1 }, 1],
    ["something is there twice", { twice: 1 }, 1],
  ])("when %s", (_when, change, code) => {
    expect(exitCodeOf({ ...outcome, ...change })).toBe(code);
  });
});

test("an interrupted run says what was left", () => {
  const status = { ...outcome, walked: false, left: 3, hands: new Map() };
  const text = interruptedText({ status, left: [rawPath("/a"), rawPath("/b\n")] });
  expect(text).toBe(
    [
      "Stopped in order: 1,001 files hashed, 1 unreadable, 3 left:",
      "  /a",
      "  /b\\n",
      "  and 1 more",
      "The walk had not ended: there may be more files than that.",
      "",
    ].join("\n"),
  );
});
