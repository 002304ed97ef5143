/** Names of a cluster in all schedules: who asks first, who is told when, and what a partition does. */
import { describe, expect, test } from "@jest/globals";
import { at, type AnyPid, type Node } from "@coppice/core";
import { explore, inMacrotask, type Program, type SimulationOptions } from "@coppice/testkit";
import { registrarOf } from "../src/rendezvous.js";
import {
  createNamesLog,
  NamesService,
  startMember,
  type NamesLog,
  type SimulatedMember,
} from "./names-sim.js";

const TIMES = { graceMs: 1000, patienceMs: 500, retryMs: 300, retries: 8 };

function nameAt(members: readonly string[], registrar: string): string {
  for (let n = 0; ; n++) if (registrarOf(members, `n${n}`) === registrar) return `n${n}`;
}

/** A process that asks for a name, for itself. */
function claimant(
  node: Node,
  key: string,
  globalName: string,
  { after, isBrief = false }: { readonly after?: AnyPid; readonly isBrief?: boolean } = {},
): AnyPid {
  return node.spawnOpt<unknown>({ key }, async (self) => {
    if (after !== undefined) {
      self.monitor(after);
      await self.receive();
    }
    self.send(at(node.name, NamesService), { type: "claim", name: globalName, holder: self.pid });
    while ((await self.receive()) !== "granted" || !isBrief);
  });
}

/** Those that hold the name now, as their nodes see it. */
function holders({ tenures }: NamesLog): string[] {
  const held = tenures.filter(({ over, isAlive }) => !over && isAlive());
  return held.map(({ pid, token }) => `${String(pid)}#${token}`);
}

function checkTokens(sim: Parameters<Program>[0], log: NamesLog): void {
  sim.finally("no two tenures have one token", () => {
    const tokens = log.tenures.map(({ token }) => token);
    return new Set(tokens).size === tokens.length;
  });
}

/** All members know the same of the name. */
function checkViews(sim: Parameters<Program>[0], log: NamesLog, globalName: string): void {
  sim.finally("all members know who has the name", () => {
    const [holder] = holders(log);
    for (const [home, member] of log.members) {
      const found = member.find(globalName);
      const shown = found && `${String(found.pid)}#${found.token}`;
      if (shown !== holder) throw new Error(`${home} knows ${shown}, but it is ${holder}`);
    }
  });
}

function cluster(
  sim: Parameters<Program>[0],
  members: readonly string[],
  times: Omit<SimulatedMember, "members"> = TIMES,
): { readonly log: NamesLog; readonly nodes: Node[] } {
  const log = createNamesLog();
  return { log, nodes: members.map((home) => startMember(sim, home, { members, ...times }, log)) };
}

const search = (program: Program, simulation: SimulationOptions, runs: number, dporRuns = runs) =>
  inMacrotask(() => explore(program, { runs, dporRuns, simulation }));

describe("in all schedules", () => {
  test.each(["a", "b"])(
    "two that ask for a name kept by %s: one has it, and the other is told so",
    async (registrar) => {
      const members = ["a", "b"];
      const globalName = nameAt(members, registrar);
      const program: Program = (sim) => {
        const { log, nodes } = cluster(sim, members);
        const [a, b] = nodes as [Node, Node];
        claimant(a, "one", globalName);
        claimant(b, "two", globalName);
        checkTokens(sim, log);
        checkViews(sim, log, globalName);
        sim.finally(
          "both are answered",
          () =>
            log.answers
              .map((answer) => Object.keys(answer)[0])
              .sort()
              .join() === "takenBy,token",
        );
      };
      const { statement, failures } = await search(program, { clock: "quiet" }, 20_000);
      expect(failures.flatMap(({ violations }) => violations)).toEqual([]);
      expect(statement.text).toMatch(/^exhaustive: /);
    },
    60_000,
  );

  test.each(["a", "b"])(
    "whoever is told that the holder of a name kept by %s ended can have it",
    async (registrar) => {
      const members = ["a", "b"];
      const globalName = nameAt(members, registrar);
      const program: Program = (sim) => {
        const { log, nodes } = cluster(sim, members);
        const [a, b] = nodes as [Node, Node];
        const first = claimant(a, "one", globalName, { isBrief: true });
        claimant(b, "two", globalName, { after: first });
        checkTokens(sim, log);
        checkViews(sim, log, globalName);
        sim.finally(
          "the successor has it",
          () => log.tenures.map(({ token }) => token).join() === "1,2" && holders(log).length === 1,
        );
      };
      const { statement, failures } = await search(program, { clock: "quiet" }, 20_000);
      expect(failures.flatMap(({ violations }) => violations)).toEqual([]);
      expect(statement.text).toMatch(/^exhaustive: /);
    },
    60_000,
  );

  const partitioned =
    (hasOneHolder: boolean, cutMs: number): Program =>
    (sim) => {
      const members = ["a", "b"];
      const globalName = nameAt(members, "b");
      const { log, nodes } = cluster(sim, members);
      const [a, b] = nodes as [Node, Node];
      claimant(a, "one", globalName);
      const once = { when: () => log.tenures.length > 0 };
      sim.fault("rival", () => void claimant(b, "two", globalName), once);
      const cut = (): void => {
        sim.disconnect("a", "b");
        log.isCut = true;
        // As a timer, so that all may happen before it that takes less time.
        b.spawnOpt<never>({ key: "weather" }, async (self) => {
          await self.sleep(cutMs);
          log.isCut = false;
        });
      };
      sim.fault("cut", cut, once);
      checkTokens(sim, log);
      if (hasOneHolder) sim.always("one has it", () => holders(log).length <= 1);
      else sim.finally("one has it in the end", () => holders(log).length <= 1);
      sim.sometimes("the holder loses it", () => log.lost.includes("unreachable"));
      sim.sometimes("the holder is told of another", () => log.lost.includes("conflict"));
      sim.sometimes("another has it", () => log.tenures.length > 1 && holders(log).length > 0);
      sim.sometimes("the partition was short", () => {
        const [first] = log.tenures;
        return log.answers.length > 1 && first?.over === false;
      });
    };

  const simulation = { profile: "erlDist" } as const;

  test.each<[string, number, string[]]>([
    ["short", 200, ["the partition was short"]],
    ["long", 2000, ["another has it", "the holder loses it"]],
  ])(
    "a %s partition, at any time: while clocks run right, one at most has the name",
    async (_, cutMs, seen) => {
      const quiet = { ...simulation, clock: "quiet" } as const;
      const report = await search(partitioned(true, cutMs), quiet, 2000, 500);
      expect(report.failures.flatMap(({ violations }) => violations)).toEqual([]);
      expect(report.coverage.seen).toEqual(expect.arrayContaining(seen));
    },
    60_000,
  );

  test("where timers come at any time two may have it meanwhile, with different tokens, and one in the end", async () => {
    const late = { ...simulation, clock: "async" } as const;
    const report = await search(partitioned(false, 2000), late, 2000, 500);
    expect(report.failures.flatMap(({ violations }) => violations)).toEqual([]);
    expect(report.coverage.seen).toContain("the holder is told of another");
    // That it is found at all says that the other statements could fail.
    const overlap = await search(partitioned(true, 2000), late, 2000, 500);
    expect(overlap.failures.map(({ violations }) => violations[0]?.check)).toEqual(["one has it"]);
  }, 60_000);
});
