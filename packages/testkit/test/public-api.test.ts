/**
 * Random programs over the public API, with faults, under each profile and clock: whatever some order of all
 * brings about, source-DPOR brings about as well, and nothing else.
 *
 * `PUBLIC_API_MS=600000 PUBLIC_API_SEED=2 npm test -- public-api` searches for so long, from another seed;
 * `PUBLIC_API_RUNS` says how large programs may be.
 */
import { expect, test } from "@jest/globals";
import { KeySpace, name, type Node, type Pid } from "@coppice/core";
import fc from "fast-check";
import {
  exploreStates,
  inMacrotask,
  runProgram,
  SourceDpor,
  type Faults,
  type Program,
  type Run,
  type SimulationOptions,
  type Strategy,
} from "@coppice/testkit";
import { countAll } from "./all-orders.js";
import { acts, serve, Served, type Actor } from "./public-api-acts.js";
import { traceClass } from "../src/trace-class.js";

const BUDGET_MS = Number(process.env["PUBLIC_API_MS"] ?? Infinity);
const MOST_PROGRAMS = BUDGET_MS === Infinity ? 100 : 1_000_000;
const SEED = Number(process.env["PUBLIC_API_SEED"] ?? 1);
/** Where there are more orders, or classes, the program is too large: so many of its orders are tried. */
const MOST_RUNS = Number(process.env["PUBLIC_API_RUNS"] ?? 400);

const MOST_STATES = 400;

interface Line {
  readonly act: keyof typeof acts;
  readonly to: 0 | 1;
}

interface Spec {
  readonly bodies: readonly (readonly Line[])[];
  readonly nodes: 1 | 2;
  readonly serves: boolean;
  /** Whether processes receive on when they are through. */
  readonly stays: boolean;
  readonly overflow: "drop-newest" | "drop-oldest" | "exit" | undefined;
  readonly fault: FaultName | undefined;
}

const faults = {
  crash: (sim, _, pids) => sim.crash("p0", pids[0] as Pid<unknown>),
  crashAny: (sim) => sim.crashAny(),
  partition: (sim, [a, b]) => b && sim.partition([a as Node], [b]),
  oneWay: (sim, [a, b]) => b && sim.partition([a as Node], [b], { oneWay: true }),
  disconnect: (sim, [a, b]) => b && sim.disconnect(a as Node, b),
  pause: (sim, [a]) => sim.pause(a as Node),
  slow: (sim, [a]) => sim.slow(a as Node, { byMs: 7, forMs: 9 }),
  down: (sim, nodes) => sim.nodeDown(nodes.at(-1) as Node),
  jump: (sim, [a]) => sim.clockJump(a as Node, 7),
  disk: (sim, [a]) => sim.diskError(a as Node),
  drop: (sim) => sim.drop(),
  duplicate: (sim) => sim.duplicate(),
} satisfies Record<
  string,
  (faults: Faults, nodes: readonly Node[], pids: readonly Pid<unknown>[]) => unknown
>;
type FaultName = keyof typeof faults;

const NAMES = [name<unknown>("one"), name<unknown>("two")] as const;

/** `tell` is told at rest all that can be told one end of a run from another by. */
function programOf(spec: Spec, tell: (outcome: string) => void): Program {
  return (sim) => {
    const nodes = Array.from({ length: spec.nodes }, (_, place) => sim.node(`n${place}`));
    const [first] = nodes as [Node];
    const shared = sim.shared("x", 0);
    const logs = spec.bodies.map((): string[] => []);
    const asides = spec.bodies.map((): string[] => []);
    const pids: Pid<unknown>[] = [];
    const known = { value: 0 };
    sim.state("server", () => known);
    const server = spec.serves
      ? first.spawnOpt({ key: "server", name: Served }, serve(known))
      : undefined;
    for (const [index, body] of spec.bodies.entries()) {
      const node = nodes[index % nodes.length] as Node;
      const disk = sim.durable(node, "disk", 0);
      const log = (seen: unknown): void => {
        // What stands for whom is numbered, and says nothing.
        const text = typeof seen === "string" ? seen : Object.keys(Object(seen)).join(" ");
        logs[index]?.push(text);
      };
      const { overflow } = spec;
      // How far its code has come, and what it holds: nobody else can see that.
      let place: { begun: number; readonly held: Actor["held"] } | undefined;
      sim.state(`p${index}`, () => [place, logs[index], asides[index]]);
      const mailbox = overflow === undefined ? {} : { mailbox: { limit: 1, overflow } };
      const pid = node.spawnOpt<unknown>({ key: `p${index}`, ...mailbox }, async (self) => {
        // Everybody is there before anyone begins.
        await self.yield();
        const held: Actor["held"] = {};
        place = { begun: 0, held };
        for (const { act, to } of body) {
          place.begun++;
          const other = pids[(index + 1 + to) % pids.length] as Pid<unknown>;
          await acts[act]({
            self,
            index,
            node,
            nodes: nodes.map((each) => each.name),
            other,
            named: NAMES[to],
            server: server ?? (other as never),
            shared,
            disk,
            held,
            log,
            logAside: (seen) => asides[index]?.push(seen),
          });
        }
        place.begun++;
        while (spec.stays) log(await self.receive());
      });
      pids.push(pid);
    }
    if (spec.fault !== undefined) faults[spec.fault](sim.faults, nodes, pids);
    sim.finally("told", () => {
      const alive = pids.map((pid, index) => nodes[index % nodes.length]?.isAlive(pid));
      const disks = nodes.map((node) => sim.durable(node, "disk", 0).read());
      tell(JSON.stringify([logs, asides, alive, shared.now, disks]));
    });
  };
}

/** Runs a program of a spec, and says what came of it. */
function runnerOf(
  spec: Spec,
  simulation: SimulationOptions,
): (strategy: Strategy) => [Run, string] {
  const keySpace = new KeySpace({ interns: true });
  let told = "";
  const program = programOf(spec, (text) => {
    told = text;
  });
  return (strategy) => {
    told = "not at rest";
    const run = runProgram(program, strategy, { ...simulation, keySpace });
    const violations = run.violations.map(({ check, message }) => `${check}: ${message}`);
    const isAtRest = run.outcome === "quiescent" || run.outcome === "stopped";
    return [run, [told, ...violations, ...(isAtRest ? [] : [run.outcome])].join("\n")];
  };
}

/** All that source-DPOR brings about; `undefined` where that takes too long. */
function bySourceDpor(spec: Spec, simulation: SimulationOptions): Set<string> | undefined {
  const run = runnerOf(spec, simulation);
  const outcomes = new Set<string>();
  const dpor = new SourceDpor({ profile: simulation.profile });
  for (let runs = 0; !dpor.done; runs++) {
    if (runs === MOST_RUNS) return undefined;
    const [made, outcome] = run(dpor);
    const isClass = dpor.learn(made) === "class";
    if (made.outcome === "stepLimit" || made.outcome === "zeno") return undefined;
    if (isClass) outcomes.add(outcome);
  }
  return outcomes;
}

/** What came of orders, each with the keys of one that does it. */
type Outcomes = ReadonlyMap<string, readonly string[]>;

/** All that orders bring about, each with the keys of one that does; of all orders, or of the first ones. */
function byBruteForce(
  spec: Spec,
  simulation: SimulationOptions,
): { readonly outcomes: Outcomes; readonly isAll: boolean } {
  const run = runnerOf(spec, simulation);
  const outcomes = new Map<string, readonly string[]>();
  const all = countAll((strategy) => {
    const [made, outcome] = run(strategy);
    if (!outcomes.has(outcome)) {
      outcomes.set(
        outcome,
        made.steps.map(({ transition }) => transition.key),
      );
    }
    return made;
  }, MOST_RUNS);
  return { outcomes, isAll: all !== undefined };
}

const line = fc.record({
  act: fc.constantFrom(...(Object.keys(acts) as (keyof typeof acts)[])),
  to: fc.constantFrom<0 | 1>(0, 1),
});

const specs: fc.Arbitrary<Spec> = fc.record({
  bodies: fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 }),
  nodes: fc.constantFrom<1 | 2>(1, 1, 2),
  serves: fc.boolean(),
  stays: fc.boolean(),
  overflow: fc.option(fc.constantFrom("drop-newest", "drop-oldest", "exit"), {
    nil: undefined,
    freq: 1,
  }),
  fault: fc.option(fc.constantFrom(...(Object.keys(faults) as FaultName[])), {
    nil: undefined,
    freq: 1,
  }),
});

const simulations: fc.Arbitrary<SimulationOptions> = fc.record({
  profile: fc.constantFrom("pairFifo", "instant", "erlDist", "datagram"),
  clock: fc.constantFrom("async", "quiet"),
  starts: fc.constantFrom("inOrder", "explored"),
  stepLimit: fc.constant(80),
});

/** Of programs that are drawn: all that comes of them in some order is found, and nothing else. */
async function compare(
  numRuns: number,
  find: (spec: Spec, simulation: SimulationOptions) => ReadonlySet<string> | undefined,
  toldApart: (outcomes: Outcomes) => Outcomes = (outcomes) => outcomes,
): Promise<void> {
  let checked = 0;
  await inMacrotask(() =>
    fc.assert(
      fc.property(specs, simulations, (spec, simulation) => {
        const found = find(spec, simulation);
        if (found === undefined) return;
        const tried = byBruteForce(spec, simulation);
        const outcomes = toldApart(tried.outcomes);
        expect([...outcomes].filter(([outcome]) => !found.has(outcome))).toEqual([]);
        if (!tried.isAll) return;
        checked++;
        expect([...found].filter((outcome) => !outcomes.has(outcome))).toEqual([]);
      }),
      {
        seed: SEED,
        numRuns,
        ...(BUDGET_MS < Infinity && { interruptAfterTimeLimit: BUDGET_MS }),
      },
    ),
  );
  // Of the rest some orders were tried.
  expect(checked).toBeGreaterThan(10);
}

const TIMEOUT_MS = (BUDGET_MS < Infinity ? BUDGET_MS : 0) + 120_000;

test(
  "whatever comes of a program in some order comes of it by source-DPOR, and nothing else does",
  () => compare(MOST_PROGRAMS, bySourceDpor),
  TIMEOUT_MS,
);

/** The classes that source-DPOR runs; `undefined` where that takes too long. */
function classesOf(run: (strategy: Strategy) => readonly [Run, string]): Set<number> | undefined {
  const classes = new Set<number>();
  const dpor = new SourceDpor();
  for (let runs = 0; !dpor.done; runs++) {
    if (runs === MOST_RUNS) return undefined;
    const [made] = run(dpor);
    if (dpor.learn(made) === "cut") return undefined;
    classes.add(traceClass(made));
  }
  return classes;
}

// Elsewhere what a step uses may depend on the order of others that are independent of it.
test.each(["pairFifo", "erlDist"] as const)(
  "under %s each order of a program without faults is of a class that source-DPOR runs",
  async (profile) => {
    let checked = 0;
    await inMacrotask(() =>
      fc.assert(
        fc.property(specs, simulations, (drawn, simulation) => {
          const run = runnerOf({ ...drawn, fault: undefined }, { ...simulation, profile });
          const classes = classesOf(run);
          if (classes === undefined) return;
          checked++;
          const unknown: string[] = [];
          countAll((strategy) => {
            const [made] = run(strategy);
            if (!classes.has(traceClass(made)))
              unknown.push(made.steps.map(({ transition }) => transition.key).join(" "));
            return made;
          }, MOST_RUNS);
          expect(unknown).toEqual([]);
        }),
        {
          seed: SEED,
          numRuns: MOST_PROGRAMS / 2,
          ...(BUDGET_MS < Infinity && { interruptAfterTimeLimit: BUDGET_MS }),
        },
      ),
    );
    expect(checked).toBeGreaterThan(20);
  },
  TIMEOUT_MS,
);

/** All that can be told at rest, as a search through states finds it; `undefined` where that takes too long. */
function byStates(spec: Spec, simulation: SimulationOptions): Set<string> | undefined {
  const told = new Set<string>();
  const program = programOf(spec, (text) => void told.add(text));
  const { statement } = exploreStates(program, { states: MOST_STATES, all: true, simulation });
  return statement.bounds.some((bound) => !bound.startsWith("faults")) ? undefined : told;
}

/** As far as they can be told apart at rest; runs without end go through few states. */
function atRest(outcomes: Outcomes): Outcomes {
  const told = [...outcomes].map(
    ([outcome, by]) => [outcome.split("\n")[0] as string, by] as const,
  );
  return new Map(told.filter(([outcome]) => outcome !== "not at rest"));
}

test(
  "whatever comes of a program in some order comes of it by its states, and nothing else does",
  () => compare(MOST_PROGRAMS / 2, byStates, atRest),
  TIMEOUT_MS,
);
