/** The command `npm run conformance`. */
import { parseArgs } from "node:util";
import { builtInPrograms, CorpusError, readPrograms } from "./corpus.js";
import { LAYERS } from "./layers.js";
import type { Program } from "./program.js";
import { replay } from "./replay.js";
import type { Mode } from "./schedule.js";
import { canSpread, isOrderedByPairs } from "./spread.js";

export const USAGE = `npm run conformance -- [LAYER ...] [FILE ...] [--scheduler direct|fifo|SEED] [--nodes 1|2]

Replays programs that were recorded in a real Erlang, and compares.

  LAYER        one of ${[...LAYERS.keys()].join(", ")}; all of them by default
  FILE         programs to replay in place of the built-in ones: a JSON array, or one a line;
               may be gzipped. Its name has a "." or a "/" in it
  --scheduler  direct: as in production (default); fifo: every signal waits its turn;
               a whole number: any order that the semantics allow, picked by this seed
  --nodes      2: the processes are on two nodes by turns; replays those programs of the layer
               process that do not ask for what belongs to one node. With the scheduler direct
               they talk over a session of @coppice/remote, in memory`;

export interface Output {
  print(line: string): void;
  complain(line: string): void;
}

/** Misuse: the message says what was expected. */
class UsageError extends Error {}

/**
 * Runs the command.
 *
 * @param directory what the names of files are relative to
 * @param output takes the lines that are printed, and those that are errors
 * @returns the exit code: 0 all passed, 1 some failed, 2 there was nothing sensible to run
 */
export async function conformance(
  args: readonly string[],
  directory: string,
  output: Output,
): Promise<number> {
  const { print, complain } = output;
  let request: { programs: Program[]; mode: Mode } | "help";
  try {
    request = readRequest(args, directory);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof CorpusError)) throw error;
    complain(error.message);
    return 2;
  }
  if (request === "help") {
    print(USAGE);
    return 0;
  }
  let failed = 0;
  for (const program of request.programs) {
    const failure = await replay(program, request.mode);
    if (failure === undefined) continue;
    failed++;
    print(failure.report);
  }
  print(`${request.programs.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function readRequest(
  args: readonly string[],
  directory: string,
): { programs: Program[]; mode: Mode } | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const isFile = (text: string): boolean => /[./\\]/.test(text);
  const files = positionals.filter(isFile);
  const named = positionals.filter((text) => !isFile(text));
  for (const layer of named) {
    if (LAYERS.has(layer)) continue;
    const known = [...LAYERS.keys()].join(", ");
    throw new UsageError(`there is no layer "${layer}"; layers: ${known}`);
  }
  const layers = named.length > 0 ? [...new Set(named)] : [...LAYERS.keys()];
  const spread = readNodes(values.nodes);
  const order = readOrder(values.scheduler);
  const mode: Mode = spread ? { spread: order } : order;
  const programs =
    files.length > 0
      ? files.flatMap((file) => readPrograms(file, { directory, layers }))
      : layers.flatMap(builtInPrograms);
  if (!spread) return { programs, mode };
  const spreadable = programs.filter(canSpread);
  return { programs: order === "direct" ? spreadable : spreadable.filter(isOrderedByPairs), mode };
}

function parse(args: readonly string[]): {
  values: { help: boolean; scheduler: string; nodes: string };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        scheduler: { type: "string", default: "direct" },
        nodes: { type: "string", default: "1" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function readNodes(text: string): boolean {
  if (text !== "1" && text !== "2") {
    throw new UsageError(`--nodes must be 1 or 2, but is "${text}"`);
  }
  return text === "2";
}

function readOrder(text: string): "direct" | "fifo" | number {
  if (text === "direct" || text === "fifo") return text;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`--scheduler must be direct, fifo or a whole number, but is "${text}"`);
}
