/**
 * Races: a few processes, and every order in which what they do to each other can take place.
 *
 * All schedules are explored, so what is observed is all that can be observed, and can be compared with
 * all that OTP's rules allow.
 */
import {
  formatReason,
  KeySpace,
  type AnyPid,
  type Down,
  type Exit,
  type ExitReason,
  type Node,
  type Pid,
  type Self,
  type SpawnOptions,
} from "@coppice/core";
import {
  explore,
  inMacrotask,
  runProgram,
  traceClass,
  type Program,
  type Simulation,
  type SimulationOptions,
  type Step,
  type Strategy,
  type Transition,
} from "@coppice/testkit";

/** Sets a race up; what it returns tells, at rest, what came of it. What it awaits is over before. */
export type Race = (stage: Stage) => (() => string) | Promise<() => string>;

/** What a process does. */
export type Act = (self: Self<unknown>) => unknown;

export interface Stage {
  readonly node: Node;
  /**
   * A process that does `first` before the race begins and, when it is told to `go`, the next of `acts`.
   * All else that it is sent stays in its mailbox.
   */
  actor(
    key: string,
    acts?: { readonly first?: Act; readonly onGo?: Act | readonly Act[] },
    options?: SpawnOptions<unknown>,
  ): Pid<unknown>;
  /** Everything that was set up has arrived. */
  ready(): Promise<void>;
  /** Tells a process to do what it is there for. */
  go(pid: Pid<unknown>): void;
  /** `alive`, or why it ended. */
  fate(pid: AnyPid): string;
  /** What is in its mailbox. */
  told(pid: AnyPid): string;
}

const GO = "go";

/** Waits for ever, and takes nothing. */
export async function waitForEver(self: Self<unknown>): Promise<never> {
  for (;;) await self.receive(() => false);
}

function createStage(sim: Simulation): Stage {
  const node = sim.node();
  const fates = new Map<AnyPid, ExitReason>();
  node.events.subscribe((event) => {
    if (event.type === "exited") fates.set(event.pid, event.reason);
  });
  return {
    node,
    actor(key, { first, onGo = [] } = {}, options = {}) {
      const acts = typeof onGo === "function" ? [onGo] : onGo;
      return node.spawnOpt<unknown>({ key, ...options }, async (self) => {
        await first?.(self);
        for (const act of acts) {
          await self.receive((message) => message === GO);
          await act(self);
        }
        await waitForEver(self);
      });
    },
    ready: () => node.sleep(1),
    go: (pid) => node.send(pid, GO),
    fate: (pid) => (node.isAlive(pid) ? "alive" : formatReason(fates.get(pid) ?? "unknown")),
    told: (pid) => node.mailboxOf(pid).map(show).join(", ") || "nothing",
  };
}

/** A message in a few words. */
export function show(message: unknown): string {
  if (typeof message === "string") return message;
  const { type, reason } = message as Down | Exit;
  return `${type} ${formatReason(reason)}`;
}

/** All that may come of a race. */
export interface Outcomes {
  readonly outcomes: readonly string[];
  readonly statement: string;
}

const MOST_RUNS = 50_000;

/** Runs a race once for each class of schedules: what may come of it, and how many classes there are. */
export async function outcomesOf(
  race: Race,
  simulation: SimulationOptions = {},
): Promise<Outcomes> {
  const outcomes = new Set<string>();
  const { statement, failures } = await inMacrotask(() =>
    explore(programOf(race, outcomes), { runs: MOST_RUNS, dporRuns: MOST_RUNS, simulation }),
  );
  const [failure] = failures;
  if (failure !== undefined) throw new Error(JSON.stringify(failure.violations));
  return { outcomes: [...outcomes].toSorted(), statement: statement.text };
}

/**
 * Explores all schedules of a program: `setUp` spawns, and that is over before `act` sends what races;
 * `check` is called when nothing can happen any more, and can ask for the order it was. Returns the
 * number of classes.
 *
 * @throws Error what `check` throws, or that not all could be explored
 */
export async function exploreAll<P>(program: {
  readonly setUp: (node: Node) => P;
  readonly act: (processes: P, node: Node) => void;
  readonly check: (processes: P, node: Node, order: () => string) => void;
}): Promise<number> {
  const { statement, failures } = await inMacrotask(() =>
    explore(
      async (sim) => {
        const node = sim.node();
        const processes = program.setUp(node);
        await node.sleep(1);
        program.act(processes, node);
        const order: string[] = [];
        const note = ({ transition }: Step): void =>
          void order.push(`${transition.key} ${transition.describe()}`);
        sim.observe(note, { reads: [] });
        sim.finally("all is well", () => {
          program.check(processes, node, () => order.join("\n"));
        });
      },
      { runs: MOST_RUNS, dporRuns: MOST_RUNS },
    ),
  );
  const [failure] = failures;
  if (failure !== undefined) throw failure.violations[0]?.error;
  if (statement.kind !== "exhaustive") throw new Error(statement.text);
  return statement.classes;
}

/** Runs a race in every order there is, however much alike, of which there may be `mostOrders`. */
export async function outcomesOfAllOrders(
  race: Race,
  mostOrders: number,
): Promise<{ readonly outcomes: readonly string[]; readonly classes: number }> {
  const outcomes = new Set<string>();
  const classes = new Set<number>();
  await inMacrotask(() => {
    const program = programOf(race, outcomes);
    const keySpace = new KeySpace({ interns: true });
    const paths = new Paths();
    let orders = 0;
    do {
      if (++orders > mostOrders) throw new Error(`more than ${mostOrders} orders`);
      const run = runProgram(program, paths, { keySpace });
      if (run.violations.length > 0) throw new Error(JSON.stringify(run.violations));
      classes.add(traceClass(run));
    } while (paths.next());
  });
  return { outcomes: [...outcomes].toSorted(), classes: classes.size };
}

function programOf(race: Race, outcomes: Set<string>): Program {
  return async (sim) => {
    const outcome = await race(createStage(sim));
    sim.finally("it comes to an end", () => void outcomes.add(outcome()));
  };
}

/** Takes every path, depth first. */
class Paths implements Strategy {
  /** Which of the enabled happenings to take, by step; and how many there were. */
  readonly #choices: number[] = [];
  readonly #widths: number[] = [];
  #step = 0;

  pick(enabled: readonly Transition[]): Transition | undefined {
    const step = this.#step++;
    this.#widths[step] = enabled.length;
    return enabled[(this.#choices[step] ??= 0)];
  }

  /** Turns to the next path, if there is one. */
  next(): boolean {
    const choices = this.#choices;
    choices.length = this.#step;
    this.#step = 0;
    while (choices.length > 0) {
      const last = choices.length - 1;
      const choice = (choices[last] as number) + 1;
      choices[last] = choice;
      if (choice < (this.#widths[last] as number)) return true;
      choices.pop();
    }
    return false;
  }
}
