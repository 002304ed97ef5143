/** Looks for the bugs of the catalogue. */
import { bugs } from "./command-line.js";

// npm runs scripts in the directory of the workspace; files are named from where the user is.
const directory = process.env["INIT_CWD"] ?? process.cwd();

process.exitCode = await bugs(process.argv.slice(2), directory, {
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
