/**
 * Supervisors whose children crash, and which are stopped, at every point: all schedules are explored,
 * and what comes of them is compared with all that OTP allows.
 */
import { describe, expect, test } from "@jest/globals";
import {
  formatReason,
  name,
  type AnyPid,
  type ExitReason,
  type Node,
  type Self,
} from "@coppice/core";
import { explore, inMacrotask, type SimulationOptions } from "@coppice/testkit";
import {
  child,
  defineSupervisor,
  startSupervisor,
  terminateChild,
  whichChildren,
  type ChildOptions,
  type ChildSpec,
  type SupervisorPid,
  type SupervisorSpec,
} from "@coppice/supervisor";

interface Stage {
  readonly node: Node;
  /** A child that says when it starts, and waits for ever. */
  worker(
    idOrOptions: string | ChildOptions<never>,
    started?: (life: number, self: Self<never>) => unknown,
  ): ChildSpec;
  start(spec: SupervisorSpec): Promise<SupervisorPid>;
  /** The child as it is now, or was last. */
  pidOf(id: string): AnyPid;
  /** Ends the child as it is now, at some time. */
  crash(id: string, reason?: ExitReason): void;
  /** All lives that have begun, in order: `a1 b1 a2`. One that is stopped before its first step is none. */
  lives(): string;
  /** Those that live now: `a2 b1`. */
  alive(): string;
  /** `alive`, or why it ended. */
  fate(pid: AnyPid): string;
  /** Everything that was set up has come to rest. */
  ready(): Promise<void>;
}

type Race = (stage: Stage) => Promise<() => string>;

function createStage(node: Node): Stage {
  const lives: { readonly id: string; readonly life: number; readonly pid: AnyPid }[] = [];
  const fates = new Map<AnyPid, ExitReason>();
  node.events.subscribe((event) => {
    if (event.type === "exited") fates.set(event.pid, event.reason);
  });
  const pidOf = (id: string): AnyPid => lives.findLast((one) => one.id === id)?.pid as AnyPid;
  const show = (those: typeof lives): string =>
    those.map(({ id, life }) => `${id}${life}`).join(" ") || "none";
  return {
    node,
    worker: (idOrOptions, started) => {
      const options = typeof idOrOptions === "string" ? { id: idOrOptions } : idOrOptions;
      const { id } = options;
      return child<never>({ shutdown: "infinity", ...options }, async (self: Self<never>) => {
        const life = lives.filter((one) => one.id === id).length + 1;
        lives.push({ id, life, pid: self.pid });
        await started?.(life, self);
        for (;;) await self.receive();
      });
    },
    start: (spec) => startSupervisor(node, defineSupervisor(spec)),
    pidOf,
    crash: (id, reason = "boom") => node.exit(pidOf(id), reason),
    lives: () => show(lives),
    alive: () =>
      show(
        lives
          .filter(({ pid }) => node.isAlive(pid))
          .toSorted((one, other) => one.id.localeCompare(other.id)),
      ),
    fate: (pid) => (node.isAlive(pid) ? "alive" : formatReason(fates.get(pid) ?? "unknown")),
    ready: () => node.sleep(1),
  };
}

const MOST_RUNS = 20_000;

async function outcomesOf(
  race: Race,
  simulation: SimulationOptions,
): Promise<{ readonly outcomes: readonly string[]; readonly statement: string }> {
  const outcomes = new Set<string>();
  const { statement, failures } = await inMacrotask(() =>
    explore(
      async (sim) => {
        const outcome = await race(createStage(sim.node()));
        sim.finally("it comes to rest", () => void outcomes.add(outcome()));
      },
      { runs: MOST_RUNS, dporRuns: MOST_RUNS, simulation },
    ),
  );
  const [failure] = failures;
  if (failure !== undefined) throw new Error(JSON.stringify(failure.violations));
  return { outcomes: [...outcomes].toSorted(), statement: statement.text };
}

interface Row {
  readonly title: string;
  readonly outcomes: readonly string[];
  readonly schedules: number;
  readonly timers?: number;
  readonly simulation?: SimulationOptions;
  readonly race: Race;
}

function explored(rows: readonly Row[]): void {
  test.each(rows)("$title", async ({ race, outcomes, schedules, timers = 0, simulation = {} }) => {
    const circumstances = `(profile pairFifo, faults 0, timers ${timers}, 0 violations)`;
    const count = schedules.toLocaleString("en-US");
    const many = schedules === 1 ? "schedule" : "schedules";
    expect(await outcomesOf(race, simulation)).toEqual({
      outcomes: outcomes.toSorted(),
      statement: `exhaustive: ${count} of ${count} inequivalent ${many} ${circumstances}`,
    });
  });
}

/** Starts `keys`, crashes some of them, and tells which lives there are at rest. */
const crashing =
  (spec: Omit<SupervisorSpec, "children">, keys: string, crashes: string): Race =>
  async (stage) => {
    const children = [...keys].map((id) => stage.worker(id));
    const supervisor = await stage.start({ intensity: 10, ...spec, children });
    await stage.ready();
    for (const id of crashes) stage.crash(id);
    return () => `${stage.alive()}, supervisor ${stage.fate(supervisor)}`;
  };

describe("children that crash at once", () => {
  explored([
    {
      title: "are each restarted once under one_for_one",
      outcomes: ["a2 b2 c1, supervisor alive"],
      schedules: 2,
      race: crashing({}, "abc", "ab"),
    },
    {
      title: "are restarted together, and once, under one_for_all",
      outcomes: ["a2 b2 c2, supervisor alive"],
      schedules: 10,
      race: crashing({ strategy: "one_for_all" }, "abc", "ab"),
    },
    {
      title:
        "are restarted with those after them under rest_for_one: the last twice if it was known first",
      outcomes: ["a2 b2 c2, supervisor alive", "a2 b2 c3, supervisor alive"],
      schedules: 5,
      race: crashing({ strategy: "rest_for_one" }, "abc", "ac"),
    },
    {
      title: "end their supervisor, and all others, when these are too many",
      outcomes: ["none, supervisor shutdown"],
      schedules: 4,
      race: crashing({ intensity: 1 }, "abc", "ab"),
    },
    {
      title: "count as one restart under one_for_all, however many",
      outcomes: ["a2 b2 c2, supervisor alive"],
      schedules: 45,
      race: crashing({ strategy: "one_for_all", intensity: 1 }, "abc", "abc"),
    },
  ]);
});

describe("a child that crashes again", () => {
  /** The second life of `id` is ended at some time after it has begun. */
  const again =
    (spec: Omit<SupervisorSpec, "children">, keys: string, id: string): Race =>
    async (stage) => {
      const children = [...keys].map((key) =>
        stage.worker(key, (life, self) => {
          if (key === id && life === 2) stage.node.exit(self.pid, "boom again");
        }),
      );
      const supervisor = await stage.start({ intensity: 10, ...spec, children });
      await stage.ready();
      stage.crash(id);
      return () => `${stage.alive()}, supervisor ${stage.fate(supervisor)}`;
    };
  explored([
    {
      title: "is restarted again under one_for_one",
      outcomes: ["a3 b1, supervisor alive"],
      schedules: 1,
      race: again({}, "ab", "a"),
    },
    {
      title:
        "takes all others along again under one_for_all, also those that are only just starting",
      outcomes: ["a3 b3, supervisor alive", "a3 b2, supervisor alive"],
      schedules: 2,
      race: again({ strategy: "one_for_all" }, "ab", "a"),
    },
    {
      title: "takes those after it along again under rest_for_one",
      outcomes: ["a1 b3 c3, supervisor alive", "a1 b3 c2, supervisor alive"],
      schedules: 2,
      race: again({ strategy: "rest_for_one" }, "abc", "b"),
    },
    {
      title: "ends its supervisor where one restart is all there may be",
      outcomes: ["none, supervisor shutdown"],
      schedules: 2,
      race: again({ strategy: "one_for_all", intensity: 1 }, "ab", "a"),
    },
  ]);
});

describe("a supervisor that is told to end while a child crashes", () => {
  const stopping =
    (spec: Omit<SupervisorSpec, "children">, reason: ExitReason): Race =>
    async (stage) => {
      const children = ["a", "b"].map((id) => stage.worker(id));
      const supervisor = await stage.start({ intensity: 10, ...spec, children });
      await stage.ready();
      stage.crash("a");
      stage.node.exit(supervisor, reason);
      return () =>
        `${stage.alive()}, supervisor ${stage.fate(supervisor)}, ${stage.node.counts.processes} processes`;
    };
  explored([
    ...(
      [
        ["one_for_one", 7, 4],
        ["one_for_all", 17, 9],
        ["rest_for_one", 17, 9],
      ] as const
    ).flatMap(([strategy, whenTold, whenKilled]): Row[] => [
      {
        title: `leaves nobody behind under ${strategy}`,
        outcomes: ["none, supervisor shutdown, 0 processes"],
        schedules: whenTold,
        race: stopping({ strategy }, "shutdown"),
      },
      {
        title: `leaves nobody behind under ${strategy} when it is killed, in whichever step of the restart`,
        outcomes: ["none, supervisor killed, 0 processes"],
        schedules: whenKilled,
        race: stopping({ strategy }, "kill"),
      },
    ]),
  ]);
});

describe("a restart that waits", () => {
  const backoff = { initialMs: 10, factor: 1, jitter: 0 };
  explored([
    {
      title: "comes once",
      outcomes: ["a1 b1 a2"],
      schedules: 1,
      timers: 1,
      race: async (stage) => {
        const children = [stage.worker({ id: "a", backoff }), stage.worker("b")];
        await stage.start({ children });
        await stage.ready();
        stage.crash("a");
        return stage.lives;
      },
    },
    {
      title: "comes to nothing when its supervisor is told to end",
      outcomes: ["a1 b1, none, 0 timers", "a1 b1 a2, none, 0 timers"],
      schedules: 10,
      timers: 1,
      race: async (stage) => {
        const children = [stage.worker({ id: "a", backoff }), stage.worker("b")];
        const supervisor = await stage.start({ children });
        await stage.ready();
        stage.crash("a");
        stage.node.exit(supervisor, "shutdown");
        return () => `${stage.lives()}, ${stage.alive()}, ${stage.node.counts.timers} timers`;
      },
    },
    {
      title: "never comes after the child was terminated by hand",
      outcomes: ["b1"],
      schedules: 6,
      timers: 1,
      race: async (stage) => {
        const children = [stage.worker({ id: "a", backoff }), stage.worker("b")];
        const supervisor = await stage.start({ children });
        await stage.ready();
        stage.crash("a");
        stage.node.spawn(async (self: Self<never>) => {
          await terminateChild(self, supervisor, "a", { timeoutMs: Infinity });
        });
        return stage.alive;
      },
    },
    {
      title:
        "never comes after the child was terminated by hand, though it was due while another one stopped",
      outcomes: ["b1"],
      schedules: 31,
      timers: 1,
      race: async (stage) => {
        const children = [stage.worker({ id: "a", backoff }), stage.worker("b"), stage.worker("c")];
        const supervisor = await stage.start({ children });
        await stage.ready();
        stage.crash("a");
        await stage.ready();
        for (const id of ["c", "a"]) {
          stage.node.spawn(async (self: Self<never>) => {
            await terminateChild(self, supervisor, id, { timeoutMs: Infinity });
          });
        }
        return stage.alive;
      },
    },
    {
      title:
        "and another one before it under rest_for_one become one: all come back, in start order",
      outcomes: ["a2 b2 c2", "a2 b2 c3", "a2 b3 c2", "a2 b3 c3"],
      schedules: 12,
      timers: 2,
      race: async (stage) => {
        const children = [stage.worker("a"), stage.worker({ id: "b", backoff }), stage.worker("c")];
        await stage.start({ strategy: "rest_for_one", intensity: 10, children });
        await stage.ready();
        stage.crash("b");
        stage.crash("a");
        return stage.alive;
      },
    },
    {
      title: "and another one under one_for_all become one: all come back, in start order",
      outcomes: ["a2 b2"],
      schedules: 6,
      timers: 1,
      race: async (stage) => {
        const children = [stage.worker({ id: "a", backoff }), stage.worker({ id: "b", backoff })];
        await stage.start({ strategy: "one_for_all", intensity: 10, children });
        await stage.ready();
        stage.crash("b");
        stage.crash("a");
        return stage.alive;
      },
    },
  ]);
});

describe("a child", () => {
  explored([
    {
      title: "that is terminated by hand while it crashes never comes back",
      outcomes: ["b1, a is not running"],
      schedules: 5,
      race: async (stage) => {
        const supervisor = await stage.start({ children: [stage.worker("a"), stage.worker("b")] });
        let state = "";
        await stage.ready();
        stage.crash("a");
        stage.node.spawn(async (self: Self<never>) => {
          await terminateChild(self, supervisor, "a", { timeoutMs: Infinity });
          const [first] = await whichChildren(self, supervisor, { timeoutMs: Infinity });
          state = first?.pid === undefined ? "is not running" : "runs";
        });
        return () => `${stage.alive()}, a ${state}`;
      },
    },
    {
      title: "has its name again in each life, at once",
      outcomes: ["a3, named"],
      schedules: 1,
      race: async (stage) => {
        const token = name<never>("a");
        const children = [
          stage.worker({ id: "a", name: token }, (life, self) => {
            if (life === 2) stage.node.exit(self.pid, "kill");
          }),
        ];
        await stage.start({ intensity: 10, children });
        await stage.ready();
        stage.crash("a", "kill");
        return () =>
          `${stage.alive()}, ${stage.node.whereis(token) === stage.pidOf("a") ? "named" : "nameless"}`;
      },
    },
  ]);
});
