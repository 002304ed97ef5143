/** A recorded crash as a test file that people read, run and keep. */
import { oneLine } from "./sequence-chart.js";
import { isInput, type Recording } from "./recording.js";

export interface CrashTestOptions {
  /** The name under which the module exports the function that `recordNode` was given; `"start"` by default. */
  readonly start?: string;
  /** What the test imports it from, e.g. `"../src/shop.js"`. */
  readonly from: string;
  /** For which runner; `"node:test"` by default. */
  readonly runner?: "node:test" | "jest" | "vitest";
}

const runners = {
  "node:test": 'import { test } from "node:test";',
  jest: 'import { test } from "@jest/globals";',
  vitest: 'import { test } from "vitest";',
} as const;

/** The text of a test file that replays a recording. It is TypeScript, and JavaScript as well. */
export function formatCrashTest(
  recording: Recording,
  { start = "start", from, runner = "node:test" }: CrashTestOptions,
): string {
  const { process, error } = recording.crash;
  const what = oneLine(error.replaceAll("*/", "* /"), 100);
  const lost = recording.log.filter((entry) => isInput(entry) && entry.args === undefined);
  const notes = [
    recording.forgotten > 0
      ? ` *\n * The beginning was forgotten: a fresh node is given what came from outside at last, one thing after the other.\n`
      : "",
    lost.length > 0
      ? ` *\n * ${lost.length} of the things that came from outside could not be written down, and are missing.\n`
      : "",
  ];
  return `/**
 * ${process} crashed: ${what}
 * This replays it, and fails as long as the crash comes back.
${notes.join("")} */
${runners[runner]}
import { replayCrash } from "@coppice/testkit";
import { ${start} } from ${JSON.stringify(from)};

test(${JSON.stringify(`${process} does not crash with ${what}`)}, () => replayCrash(${start}, recording()));

function recording() {
  return JSON.parse(String.raw\`${rawJson(recording)}\`);
}
`;
}

/** JSON that can stand in a raw template. */
function rawJson(recording: Recording): string {
  return JSON.stringify(recording, undefined, 1)
    .replaceAll("`", String.raw`\u0060`)
    .replaceAll("${", String.raw`\u0024{`);
}
