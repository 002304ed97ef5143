// A web service below a supervisor: crashes heal, SIGTERM finishes what is under way and ends with 0.
// Try: npm run example -- http-service, then curl -X POST http://localhost:8080/counters/visits
import { isAbsolute } from "node:path";
import { runApplication } from "@coppice/supervisor";
import { EXIT_USAGE, parseArguments, type CommandLine } from "./cli.js";
import { service } from "./service.js";

async function main(): Promise<void> {
  const parsed = parseArguments(process.argv.slice(2));
  switch (parsed.type) {
    case "help":
      process.stdout.write(parsed.text);
      return;
    case "usageError":
      process.stderr.write(parsed.text);
      process.exitCode = EXIT_USAGE;
      return;
    case "run":
      return run(parsed.commandLine);
    default:
      parsed satisfies never;
  }
}

async function run({ port, file, stuck, deadlineMs }: CommandLine): Promise<void> {
  const env = { port, stuck, file: file && fromHere(file) };
  // Sets the exit code, too.
  await runApplication(service, { env, deadlineMs, trackProcesses: true });
}

/** npm runs scripts in the repository, and says in INIT_CWD where its user is. */
function fromHere(path: string): string {
  return isAbsolute(path) ? path : `${process.env["INIT_CWD"] ?? process.cwd()}/${path}`;
}

await main();
