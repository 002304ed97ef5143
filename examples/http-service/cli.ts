/** The command line: options, their defaults and checks. */
import { Command, CommanderError, InvalidArgumentError } from "commander";

export interface CommandLine {
  /** 0 for any that is free. */
  readonly port: number;
  /** Where the counters are kept between two runs, as it was typed. */
  readonly file: string | undefined;
  /** Starts a child that does not stop. */
  readonly stuck: boolean;
  readonly deadlineMs: number;
}

/** What the arguments ask for: a run, or something to print. */
export type Parsed =
  | { readonly type: "run"; readonly commandLine: CommandLine }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "usageError"; readonly text: string };

/** The command line is wrong. */
export const EXIT_USAGE = 64;

export const DEFAULTS = { port: 8080, deadlineMs: 9_000 } as const;

const AFTERWORD = `
Exit codes:
  0    stopped in order, after SIGTERM or Ctrl-C
  1    did not start, gave up, or something had to be killed; what and why is printed
  64   wrong usage
  143  a second SIGTERM (128 + the number of the signal) ended it at once`;

/** Understands the arguments (without the program's own name). */
export function parseArguments(args: readonly string[]): Parsed {
  let text = "";
  const command = new Command("npm run example -- http-service")
    .description("Counts things over HTTP, below a supervisor.")
    .option("--port <N>", "0 for any that is free", wholeNumber(0, 65_535), DEFAULTS.port)
    .option("--file <FILE>", "keeps the counters there from one run to the next")
    .option(
      "--deadline <MS>",
      "how long it may take to stop",
      wholeNumber(1, 2 ** 31 - 1),
      DEFAULTS.deadlineMs,
    )
    .option("--stuck", "starts a child that never stops, to see what happens then", false)
    .helpOption("-h, --help", "show this")
    .addHelpText("after", AFTERWORD)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (part) => (text += part), writeErr: (part) => (text += part) });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { type: "help", text };
    return { type: "usageError", text: `${text}Try --help.\n` };
  }
  const { port, file, deadline, stuck } = command.opts<{
    port: number;
    file?: string;
    deadline: number;
    stuck: boolean;
  }>();
  return { type: "run", commandLine: { port, file, stuck, deadlineMs: deadline } };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
