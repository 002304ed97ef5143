// A supervised fleet hashes every file under a directory while chaos crashes its workers. Nothing is lost.
// Try: npm start -- /usr --chaos 20 --seed 7 --out usr.sums && sha256sum --check --quiet usr.sums
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { createNode } from "@coppice/core";
import { parseArguments, type CommandLine } from "./cli.js";
import { EXIT } from "./exit-code.js";
import { Interrupted, listenForInterruption } from "./interruption.js";
import { OutFile } from "./out-file.js";
import { Problem } from "./problem.js";
import { showPath, type RawPath } from "./raw-path.js";
import { exitCodeOf, failuresText, interruptedText, reportTable } from "./report.js";
import { resolveRoot } from "./root.js";
import { runFleet } from "./run.js";
import { screenFor } from "./screen.js";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** Returns the exit code. */
async function main(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2), REPOSITORY);
  switch (parsed.type) {
    case "help":
      print(parsed.text);
      return EXIT.ok;
    case "usageError":
      process.stderr.write(parsed.text);
      return EXIT.usage;
    case "run":
      return run(parsed.commandLine);
    default:
      return parsed satisfies never;
  }
}

async function run(commandLine: CommandLine): Promise<number> {
  const interruption = listenForInterruption();
  const root = await resolveRoot(fromHere(commandLine.directory));
  const out =
    commandLine.out === undefined ? undefined : await OutFile.open(fromHere(commandLine.out));
  try {
    print(`${headline(root, commandLine)}\n\n`);
    const options = { ...commandLine, root, except: out?.ownPaths ?? [] };
    // Crashes are the screen's business: nothing is to be printed in the middle of the picture.
    const node = createNode({ name: "fleet", logger: false, blockedMs: 1_000 });
    const ending = await runFleet(
      node,
      options,
      screenFor(process.stdout, process.env),
      interruption,
    );
    if (ending.type === "interrupted") {
      print(`\n${interruptedText(ending)}`);
      if (out !== undefined) print(`${out.path} was not written.\n`);
      return (interruption.reason as Interrupted).exitCode;
    }
    const { outcome } = ending.report;
    print(`\n${reportTable(ending.report)}\n`);
    if (outcome.failures.length > 0) print(`\n${failuresText(outcome)}`);
    if (out !== undefined) {
      await out.keep(outcome.files);
      print(`\n${out.path} is written.\n`);
    }
    return exitCodeOf(outcome);
  } finally {
    await out?.discard();
  }
}

function headline(root: RawPath, { chaosPerSecond, seed, workers }: CommandLine): string {
  return `SHA-256 of every file under ${showPath(root)}\n--chaos ${chaosPerSecond} --seed ${seed} --workers ${workers}`;
}

function print(text: string): void {
  process.stdout.write(text);
}

/** npm runs scripts in the repository, and says in INIT_CWD where its user is. */
function fromHere(path: string): string {
  return isAbsolute(path) ? path : `${process.env["INIT_CWD"] ?? process.cwd()}/${path}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT.failed;
}
