import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { findViolations } from "../layers.mjs";

let repository: string | undefined;

afterEach(() => {
  if (repository !== undefined) rmSync(repository, { recursive: true });
  repository = undefined;
});

/** What is wrong in a repository of these files, as `file:line`. Paths start below `packages`. */
function violationsIn(files: Record<string, string>): string[] {
  repository = mkdtempSync(join(tmpdir(), "coppice-layers-"));
  for (const [path, text] of Object.entries(files)) {
    const file = join(repository, "packages", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    writeFileSync(join(repository, "packages", path.split("/")[0] ?? "", "package.json"), "{}");
  }
  return findViolations(repository).map(({ file, line }) => `${file}:${line}`);
}

describe("layers", () => {
  test.each<[file: string, text: string]>([
    ["core/src/pid.ts", 'import { x } from "./node.js";'],
    ["core/src/event.ts", 'import { Observable } from "rxjs";'],
    ["core/src/to-observable.ts", 'import { map } from "rxjs/operators";'],
    ["core/src/rx-scheduler.ts", 'import type { SchedulerLike } from "rxjs";'],
    ["core/src/host.ts", "export const now = globalThis.performance;"],
    ["core/src/pid.ts", '// never globalThis, nor import "ws"\nexport const text = "globalThis";'],
    ["supervisor/src/task.ts", 'import { x } from "@coppice/core"; import { of } from "rxjs";'],
    ["supervisor/src/node/run-application.ts", 'import process from "node:process";'],
    ["remote/src/transport.ts", 'import { WebSocket } from "ws"; import net from "node:net";'],
    ["testkit/src/probe.ts", 'import fc from "fast-check";'],
  ])("%s may contain %j", (file, text) => {
    expect(violationsIn({ [file]: text })).toEqual([]);
  });

  test.each<[file: string, text: string]>([
    ["core/src/pid.ts", 'import fc from "fast-check";'],
    ["core/src/pid.ts", 'import { of } from "rxjs";'],
    ["core/src/pid.ts", 'export * from "@coppice/supervisor";'],
    ["core/src/pid.ts", 'import type { x } from "../../remote/src/index.js";'],
    ["core/src/pid.ts", 'import process from "node:process";'],
    ["core/src/pid.ts", 'import fs from "fs";'],
    ["core/src/pid.ts", "export const now = globalThis.performance;"],
    ["core/src/pid.ts", "export type Global = typeof globalThis;"],
    ["core/src/pid.ts", 'export type Socket = import("ws").WebSocket;'],
    ["core/src/pid.ts", 'export const later = import("ws");'],
    ["supervisor/src/task.ts", 'import { x } from "@coppice/remote";'],
    ["supervisor/src/task.ts", 'import process from "node:process";'],
    ["remote/src/frame.ts", 'import { probe } from "@coppice/testkit";'],
  ])("%s may not contain %j", (file, text) => {
    expect(violationsIn({ [file]: `\n${text}\n` })).toEqual([`packages/${file}:2`]);
  });

  test.each(["ws", "cbor-x"])("one file of remote imports %s", (name) => {
    const files = {
      "remote/src/a.ts": `import x from "${name}";\nimport type { Y } from "${name}/sub";`,
      "remote/src/b.ts": `import x from "${name}";`,
    };
    expect(violationsIn(files)).toEqual(["packages/remote/src/b.ts:1"]);
  });

  test("a violation says what is allowed", () => {
    violationsIn({ "core/src/pid.ts": 'import x from "ws";' });
    expect(findViolations(repository ?? "")[0]?.message).toBe(
      'core may not import "ws", only rxjs',
    );
  });
});
