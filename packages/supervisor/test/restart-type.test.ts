import { describe, expect, test } from "@jest/globals";
import type { ExitReason } from "@coppice/core";
import { shouldRestart, type Restart } from "../src/restart-type.js";

const crash: ExitReason = { error: new Error("boom") };

describe("restart", () => {
  test.each<[Restart, ExitReason, boolean]>([
    ["permanent", "normal", true],
    ["permanent", "shutdown", true],
    ["permanent", { shutdown: "done" }, true],
    ["permanent", "killed", true],
    ["permanent", crash, true],
    ["transient", "normal", false],
    ["transient", "shutdown", false],
    ["transient", { shutdown: "done" }, false],
    ["transient", "killed", true],
    ["transient", "noproc", true],
    ["transient", ["shutdown", "done"], true],
    ["transient", crash, true],
    ["temporary", "normal", false],
    ["temporary", "killed", false],
    ["temporary", crash, false],
  ])("a %s child that exits with %j is restarted: %s", (restart, reason, restarted) => {
    expect(shouldRestart(restart, reason)).toBe(restarted);
  });
});
