/** Replays recorded programs of a real Erlang and compares what happened. */
import { conformance } from "./command-line.js";

// npm runs scripts in the directory of the workspace; files are named from where the user is.
const directory = process.env["INIT_CWD"] ?? process.cwd();

process.exitCode = await conformance(process.argv.slice(2), directory, {
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
