/** What the command line asks for: `npm run bench -- [names] [--json FILE] [--rounds N]`. */
import { parseArgs } from "node:util";

export interface Arguments {
  /** Which benchmarks, in the order of `known`; all of them when none is named. */
  readonly names: readonly string[];
  /** How often each contender is measured. */
  readonly rounds: number;
  readonly jsonFile: string | undefined;
}

const DEFAULT_ROUNDS = 5;
const OPTIONS = { json: { type: "string" }, rounds: { type: "string" } } as const;
const USAGE = "--json FILE, --rounds N";

/** The command line cannot be understood. Its message says what would be. */
export class ArgumentsError extends Error {
  override readonly name = "ArgumentsError";
}

/** @throws ArgumentsError an option or a name is unknown, or a value is of the wrong kind */
export function parseArguments(args: readonly string[], known: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ArgumentsError(`no benchmark is called "${unknown}"; there are ${known.join(", ")}`);
  }
  const names = positionals.length === 0 ? known : known.filter((n) => positionals.includes(n));
  const rounds = values.rounds === undefined ? DEFAULT_ROUNDS : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new ArgumentsError(`--rounds takes a whole number of at least 1, not "${values.rounds}"`);
  }
  return { names, rounds, jsonFile: values.json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Node explains what is wrong at length; its first sentence is enough beside what is right.
    const [problem] = String((error as Error).message).split(/\.\s/);
    throw new ArgumentsError(`${problem}; the options are ${USAGE}`);
  }
}
