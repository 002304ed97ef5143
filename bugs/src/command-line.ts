/** The command `npm run bugs`. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { readArguments, USAGE, UsageError, type Request } from "./arguments.js";
import { formatVerdict, HEADING } from "./table.js";
import { judge, type Verdict } from "./verdict.js";

export interface Output {
  print(line: string): void;
  complain(line: string): void;
}

/**
 * Runs the command.
 *
 * @param directory what the names of files are relative to
 * @returns the exit code: 0 all passed, 1 some failed, 2 there was nothing sensible to do
 */
export async function bugs(
  args: readonly string[],
  directory: string,
  { print, complain }: Output,
): Promise<number> {
  let request: Request | "help";
  try {
    request = readArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return 2;
  }
  if (request === "help") {
    print(USAGE);
    return 0;
  }
  print(HEADING);
  const verdicts: Verdict[] = [];
  for (const entry of request.entries) {
    const verdict = await judge(entry, request);
    verdicts.push(verdict);
    print(formatVerdict(verdict));
  }
  if (request.json !== undefined) {
    writeFileSync(resolve(directory, request.json), `${JSON.stringify(verdicts, undefined, 2)}\n`);
  }
  const first = (limit: number): number =>
    verdicts.filter(({ schedules }) => (schedules[schedules.length >> 1] ?? Infinity) <= limit)
      .length;
  print(`found by half of the searches in 3 schedules: ${first(3)}, in 100: ${first(100)}`);
  const failed = verdicts.filter(({ complaints }) => complaints.length > 0).length;
  print(`${verdicts.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
