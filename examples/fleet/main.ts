// A supervised fleet hashes every file under a directory while chaos crashes its workers. Nothing is lost.
// Try: npm start -- /usr --chaos 20 --seed 7 --out usr.sums && sha256sum --check --quiet usr.sums
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createNode, type Node } from "@coppice/core";
import { parseArguments, type CommandLine } from "./cli.js";
import { startCluster, type Cluster } from "./cluster.js";
import { EXIT } from "./exit-code.js";
import { Interrupted, listenForInterruption } from "./interruption.js";
import { OutFile } from "./out-file.js";
import { Problem } from "./problem.js";
import { showPath, type RawPath } from "./raw-path.js";
import { reasonOf } from "./reason.js";
import { exitCodeOf, failuresText, interruptedText, reportTable } from "./report.js";
import { resolveRoot } from "./root.js";
import { runFleet } from "./run.js";
import { screenFor } from "./screen.js";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

const NODE_PROGRAM = new URL("./node-main.js", import.meta.url);

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
    const cluster = await clusterOf(node, commandLine.nodes);
    const screen = screenFor(process.stdout, process.env);
    const ending = await runFleet(node, options, screen, interruption, cluster);
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

/** `undefined` when all is to be done here, or cannot be done elsewhere. */
async function clusterOf(node: Node, size: number): Promise<Cluster | undefined> {
  if (size === 0) return undefined;
  try {
    await canStartProcesses();
    return await startCluster(node, size, NODE_PROGRAM);
  } catch (error) {
    print(`No other processes here (${reasonOf(error)}): all workers run in this one.\n\n`);
    return undefined;
  }
}

/** Rejects with the system's reason when no process can be started. */
async function canStartProcesses(): Promise<void> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
}

function headline(root: RawPath, { chaosPerSecond, seed, workers, nodes }: CommandLine): string {
  const options = `--chaos ${chaosPerSecond} --seed ${seed} --workers ${workers} --nodes ${nodes}`;
  return `SHA-256 of every file under ${showPath(root)}\n${options}`;
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
