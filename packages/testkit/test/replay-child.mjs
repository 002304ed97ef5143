/**
 * A process of its own that replays failing schedules, for `replay.test.ts`: reads what to do as JSON from its
 * standard input and prints, as JSON, for each program and token the digest of the run.
 */
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { name } from "@coppice/core";
import {
  createSchedule,
  explain,
  formatSchedule,
  parseSchedule,
  runProgram,
  strategyOf,
} from "@coppice/testkit";

/** @typedef {import("@coppice/testkit").Program} Program */
/** @typedef {{ program: string, token: string, hash: string }} Failing */

/**
 * Clients that read a counter and write it back, each after some random turns; beside them processes that have nothing to do with it.
 *
 * @param {number} clients
 * @returns {Program}
 */
const counter = (clients) => (sim) => {
  const node = sim.node();
  let count = 0;
  const server = node.spawnOpt({ key: "zähler" }, async (self) => {
    for (;;) {
      const { request, from } = await self.receive();
      if (request !== "get") count = request.set;
      self.reply(from, count);
    }
  });
  for (let c = 1; c <= clients; c++) {
    node.spawnOpt({ key: `client ${c}` }, async (self) => {
      for (let i = self.random() * 3; i > 0; i--) await self.yield();
      const seen = await self.call(server, "get", { timeoutMs: Infinity });
      await self.call(server, { set: seen + 1 }, { timeoutMs: Infinity });
    });
    node.spawnOpt({ key: `beside ${c}` }, async (self) => {
      for (let i = 0; i < 3; i++) {
        self.send(self.pid, new Date(i).toLocaleString());
        await self.receive({ timeoutMs: Math.ceil(self.random() * 5) });
      }
    });
  }
  sim.finally("no update is lost", () => count === clients);
};

/**
 * A parent that monitors its child when that may be over, and others that seek a name.
 *
 * @type {Program}
 */
const names = (sim) => {
  const node = sim.node();
  const chair = name("chair");
  /** @type {string[]} */
  const reasons = [];
  for (const key of ["a", "b"]) {
    node.spawnOpt({ key }, async (self) => {
      const child = self.spawn(async (inner) => {
        if (inner.whereis(chair) === undefined) inner.register(chair);
        inner.exit("disk_full");
      });
      await self.yield();
      self.monitor(child);
      const { reason } = await self.receive();
      reasons.push(reason);
    });
  }
  sim.finally("no reason is lost", () => !reasons.includes("noproc"));
};

/** @type {Readonly<Record<string, Program>>} */
export const programs = { two: counter(2), three: counter(3), names };

/**
 * @param {string} name
 * @param {string} token
 */
export function replay(name, token) {
  const program = /** @type {Program} */ (programs[name]);
  const run = runProgram(program, strategyOf(parseSchedule(token)));
  return { hash: run.hash(), fails: run.violations.length > 0 };
}

/**
 * Failing schedules of a program, as they were found, and each tenth as it is explained.
 *
 * @param {string} name
 * @param {number} count
 * @returns {Failing[]}
 */
export function findFailing(name, count) {
  const program = /** @type {Program} */ (programs[name]);
  /** @type {Failing[]} */
  const found = [];
  for (let seed = 0; found.length < count && seed < count * 100; seed++) {
    const schedule = createSchedule({ strategy: "pos", seed });
    const run = runProgram(program, strategyOf(schedule));
    if (run.violations.length === 0) continue;
    found.push({ program: name, token: formatSchedule(schedule), hash: run.hash() });
    if (found.length % 10 !== 0) continue;
    const explanation = explain((strategy) => runProgram(program, strategy), run);
    if (explanation === undefined) continue;
    const { base: strategy, constraints } = explanation;
    const token = formatSchedule(createSchedule({ strategy, constraints }));
    found.push({ program: name, token, hash: explanation.run.hash() });
  }
  return found;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { find, replays } = JSON.parse(await text(process.stdin));
  setImmediate(() => {
    const answer =
      find === undefined
        ? replays.map((/** @type {Failing} */ { program, token }) => replay(program, token))
        : findFailing(find.program, find.count);
    process.stdout.write(JSON.stringify(answer));
  });
}
