import { describe, expect, test } from "@jest/globals";
import { createNode, type AnyPid } from "@coppice/core";
import type { SupervisionTree } from "@coppice/supervisor";
import picocolors from "picocolors";
import type { Frame } from "./frame.js";
import type { WorkerPid } from "./hash-worker.js";
import { rawPath } from "./raw-path.js";
import { lineOf, screenOf, treeOf } from "./view.js";

const node = createNode({ name: "fleet", blockedMs: Infinity });
const pids = Array.from({ length: 20 }, () => node.spawn(async () => undefined));

function tree(id: string, pid: AnyPid, more: Partial<SupervisionTree> = {}): SupervisionTree {
  return {
    id,
    pid,
    type: "worker",
    state: "running",
    restarts: 0,
    restartInMs: undefined,
    incarnation: 1,
    lastExit: undefined,
    mailboxSize: 0,
    label: undefined,
    name: undefined,
    strategy: undefined,
    waitingFor: undefined,
    children: [],
    ...more,
  };
}

function frameOf(workers: number, bytes = 2_500_000): Frame {
  const crew = pids.slice(1, workers + 1).map((pid, index) => tree(`worker ${index + 1}`, pid));
  const path = rawPath("/usr/lib/a rather long name of a file.so");
  const hand = { number: 1, path, bytes };
  return {
    elapsedMs: 1_234,
    tree: tree("fleet", pids[0] as AnyPid, {
      type: "supervisor",
      strategy: "one_for_one",
      children: crew.map((worker, index) => (index === 0 ? { ...worker, restarts: 2 } : worker)),
    }),
    status: {
      found: 12_345,
      walked: false,
      left: 6_000,
      hashed: 6_344,
      unreadable: 1,
      unreadableDirectories: 0,
      bytes: 1_234_567,
      crashes: { thrown: 1, killed: 2, hung: 0, withNode: 0, unprovoked: 0 },
      nodeStrikes: { killed: 0, paused: 0 },
      retriedFiles: 1,
      retries: 2,
      hands: new Map([[pids[1] as WorkerPid, hand]]),
    },
  };
}

const plain = picocolors.createColors(false);

describe("a frame", () => {
  test("is a line in a log", () => {
    expect(lineOf(frameOf(2))).toBe(
      "1.2 s  6,345 of 12,345 files found so far  1.2 MB  3 crashes (1 thrown, 2 killed, 0 hung)  2 restarts  1 file retried",
    );
  });

  test("is a bar and a tree on a terminal, with what each worker does", () => {
    expect(screenOf(frameOf(2), plain, 60, 24)).toBe(
      [
        "██████████░░░░░░░░░░ 6,345 of 12,345 files found so far",
        "1.2 s  1.2 MB  3 crashes (1 thrown, 2 killed, 0 hung)  2 re…",
        "",
        "fleet <fleet.1> one_for_one",
        "├─ worker 1 <fleet.2> 2 restarts …g name of a file.so 2.5 MB",
        "└─ worker 2 <fleet.3>",
      ].join("\n"),
    );
  });

  test.each([
    [80, 24],
    [30, 10],
    [12, 5],
  ])("fits a terminal of %d columns and %d rows", (columns, rows) => {
    const lines = screenOf(frameOf(12), plain, columns, rows).split("\n");
    expect(lines.length).toBeLessThan(rows);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  });

  test("that does not fit says how much is missing", () => {
    expect(screenOf(frameOf(12), plain, 80, 10)).toMatch(/\n… 8 more$/);
  });

  test("has the whole tree where nothing is drawn", () => {
    expect(treeOf(frameOf(12)).split("\n")).toHaveLength(13);
  });
});
