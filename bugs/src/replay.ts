/** `node replay.js ID TOKEN`: replays an explanation, and prints which checks fail and the hash of the trace. */
import { inMacrotask, parseSchedule } from "@coppice/testkit";
import { findEntry } from "./arguments.js";
import { replay } from "./search.js";

const [id = "", token = ""] = process.argv.slice(2);
const run = await inMacrotask(() => replay(findEntry(id), parseSchedule(token)));
const checks = run.violations.map(({ check }) => check);
process.stdout.write(`${JSON.stringify({ checks, hash: run.hash() })}\n`);
