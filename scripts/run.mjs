/**
 * `node scripts/run.mjs <task> [args]`: what every npm script goes through.
 *
 * Needs nothing but Node: checks its version, installs the dependencies if that is due, and runs the task.
 */

const WANTED = { major: 20, minor: 19 };

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < WANTED.major || (major === WANTED.major && minor < WANTED.minor)) {
  console.error(
    `Coppice needs Node ${WANTED.major}.${WANTED.minor} or newer; this is Node ${process.versions.node}.`,
  );
  process.exit(1);
}

// Imported only now: an old Node would fail on their syntax before it could print the line above.
const { bootstrap } = await import("./bootstrap.mjs");
const { runTask, taskNames } = await import("./tasks.mjs");

const [task = "", ...args] = process.argv.slice(2);
if (!taskNames.includes(task)) {
  console.error(`Unknown task "${task}". Tasks: ${taskNames.join(", ")}.`);
  process.exit(1);
}
process.exitCode = (await bootstrap()) ? await runTask(task, args) : 1;
