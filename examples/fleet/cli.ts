/** The command line: options, their defaults and checks. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { EXIT } from "./exit-code.js";

export interface CommandLine {
  /** As it was typed. */
  readonly directory: string;
  readonly chaosPerSecond: number;
  readonly seed: number;
  readonly workers: number;
  /** 0: all in this process. */
  readonly nodes: number;
  readonly out: string | undefined;
}

/** What the arguments ask for: a run, or something to print and an exit code. */
export type Parsed =
  | { readonly type: "run"; readonly commandLine: CommandLine }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "usageError"; readonly text: string };

const LIMITS = { chaos: 1_000, seed: 2 ** 32 - 1, workers: 256, nodes: 16 } as const;

const AFTERWORD = `
Symbolic links are not followed; sockets, fifos and devices are left alone. The same seed gives the
same strikes at the same moments. Chaos strikes no file more than three times; it kills and stops nodes, too. FILE appears when all
is done, and only then; after Ctrl-C it is as it was before.

Exit codes:
  0    every file is in the result
  1    the run could not begin, or failed
  2    some files could not be read; they are listed, and all others are in the result
  64   wrong usage
  130  stopped by Ctrl-C (128 + the number of the signal); what was left is listed

Check the result with: sha256sum --check --quiet FILE`;

/** Understands the arguments (without the program's own name). */
export function parseArguments(args: readonly string[], defaultDirectory: string): Parsed {
  let text = "";
  const command = new Command("npm start --")
    .description(
      "Computes the SHA-256 of every file under DIR with a supervised fleet of workers, while chaos crashes them.",
    )
    .argument("[DIR]", "directory; this repository by default", named("a directory"))
    .option(
      "--chaos <PER_SECOND>",
      `how many workers to crash a second, on average: 0 to ${LIMITS.chaos}`,
      number(0, LIMITS.chaos),
      DEFAULTS.chaosPerSecond,
    )
    .option(
      "--seed <N>",
      `chooses the strikes: a whole number from 0 to ${LIMITS.seed}`,
      wholeNumber(0, LIMITS.seed),
      DEFAULTS.seed,
    )
    .option(
      "--workers <N>",
      `how many workers: 1 to ${LIMITS.workers}`,
      wholeNumber(1, LIMITS.workers),
      DEFAULTS.workers,
    )
    .option(
      "--nodes <N>",
      `how many processes of the system they are spread over: 0 to ${LIMITS.nodes}; 0 is this one alone`,
      wholeNumber(0, LIMITS.nodes),
      DEFAULTS.nodes,
    )
    .option("--out <FILE>", "write the result there, in the format of sha256sum", named("a file"))
    .helpOption("-h, --help", "show this")
    .addHelpText("after", AFTERWORD)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (part) => (text += part), writeErr: (part) => (text += part) });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === EXIT.ok) return { type: "help", text };
    return { type: "usageError", text: `${text}Try --help.\n` };
  }
  const { chaos, seed, workers, nodes, out } = command.opts<{
    chaos: number;
    seed: number;
    workers: number;
    nodes: number;
    out?: string;
  }>();
  const [directory = defaultDirectory] = command.processedArgs as [string?];
  const commandLine = { directory, chaosPerSecond: chaos, seed, workers, nodes, out };
  return { type: "run", commandLine };
}

/** Chosen for a run over this repository that is long enough to watch and short enough to like. */
export const DEFAULTS = { chaosPerSecond: 10, seed: 42, workers: 8, nodes: 2 } as const;

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function named(what: string): (text: string) => string {
  return (text) => {
    if (text !== "") return text;
    throw new InvalidArgumentError(`It must be the name of ${what}.`);
  };
}
