/**
 * Races between signals, with all that may come of them.
 *
 * OTP promises that signals of one process to one other arrive in the order they were sent, and nothing
 * across pairs; what that allows is written down here for each race, and what is observed over all
 * schedules has to be the same: nothing else, and nothing less.
 *
 * Run 1,500 times each on OTP 25, the races of monitors, links, aliases and ends of a row showed these
 * outcomes and no others; one of who links again alone was too rare to be seen.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
 */
import { describe, expect, test } from "@jest/globals";
import {
  at,
  CallCycleError,
  CallTimeoutError,
  createNode,
  name,
  NoProcessError,
  ServerExitError,
  TIMEOUT,
  type Alias,
  type AnyPid,
  type Call,
  type ExitReason,
  type MonitorAlias,
  type MonitorRef,
  type Pid,
  type Self,
} from "@coppice/core";
import {
  outcomesOf,
  outcomesOfAllOrders,
  show,
  waitForEver,
  type Act,
  type Race,
} from "./races.js";

interface Row {
  readonly title: string;
  /** All that OTP's rules allow. */
  readonly outcomes: readonly string[];
  /** How many inequivalent schedules there are. */
  readonly schedules: number;
  readonly timers?: number;
  readonly race: Race;
}

const trap: Act = (self) => self.trapExits();
const thrown = (act: () => unknown): string => {
  try {
    return String(act() ?? "done");
  } catch (error) {
    return (error as Error).name;
  }
};

/** As many orders as a small race has: each is run, to see that leaving out those that are alike leaves out nothing else. */
const MOST_ORDERS = 10_000;

function explored(rows: readonly Row[]): void {
  test.each(rows)("$title", async ({ race, outcomes, schedules, timers = 0 }) => {
    const circumstances = `(profile pairFifo, faults 0, timers ${timers}, 0 violations)`;
    const many = schedules === 1 ? "schedule" : "schedules";
    expect(await outcomesOf(race)).toEqual({
      outcomes: outcomes.toSorted(),
      statement: `exhaustive: ${schedules} of ${schedules} inequivalent ${many} ${circumstances}`,
    });
    expect(await outcomesOfAllOrders(race, MOST_ORDERS)).toEqual({
      outcomes: outcomes.toSorted(),
      classes: schedules,
    });
  });
}

describe("in a race of a monitor with the end of what it watches", () => {
  explored([
    {
      title: "the Down tells the reason when the monitor came first, and noproc when it came last",
      outcomes: ["down boom", "down noproc"],
      schedules: 2,
      race: ({ node, actor, told }) => {
        const target = actor("target");
        const watcher = actor("watcher", { first: (self) => self.monitor(target) });
        node.exit(target, "boom");
        return () => told(watcher);
      },
    },
    {
      title: "the Down tells noproc when the watcher itself has sent the exit signal before",
      outcomes: ["down noproc"],
      schedules: 1,
      race: ({ actor, told }) => {
        const target = actor("target");
        const watcher = actor("watcher", {
          first: (self) => {
            self.exit(target, "boom");
            self.monitor(target);
          },
        });
        return () => told(watcher);
      },
    },
    {
      title: "each of two monitors tells once, and the later one knows no more than the earlier",
      outcomes: ["down boom, down boom", "down boom, down noproc", "down noproc, down noproc"],
      schedules: 3,
      race: ({ node, actor, told }) => {
        const target = actor("target");
        const watcher = actor("watcher", {
          first: (self) => {
            self.monitor(target);
            self.monitor(target);
          },
        });
        node.exit(target, "boom");
        return () => told(watcher);
      },
    },
    {
      title:
        "what the process sent before its end comes before the Down, what another sent anywhere",
      outcomes: [
        "last words, other, down boom",
        "last words, down boom, other",
        "other, last words, down boom",
      ],
      schedules: 3,
      race: async ({ actor, told, go, ready }) => {
        const watcher: Pid<unknown> = actor("watcher", { first: (self) => self.monitor(target) });
        const target: Pid<unknown> = actor("target", {
          onGo: (self) => {
            self.send(watcher, "last words");
            self.exit("boom");
          },
        });
        const other = actor("other", { onGo: (self) => self.send(watcher, "other") });
        await ready();
        go(target);
        go(other);
        return () => told(watcher);
      },
    },
    ...[false, true].flatMap((flush): Row[] => [
      {
        title: `demonitor ${flush ? "with flush leaves nothing" : "leaves the Down that has arrived"}, and lets none arrive any more`,
        outcomes: flush
          ? ["false: nothing", "true: nothing"]
          : ["false: down boom", "true: nothing"],
        schedules: 3,
        race: async ({ node, actor, told, go, ready }) => {
          const target = actor("target");
          let ref!: MonitorRef;
          let was: boolean | undefined;
          const watcher = actor("watcher", {
            first: (self) => (ref = self.monitor(target)),
            onGo: (self) => (was = self.demonitor(ref, { info: true, flush })),
          });
          await ready();
          node.exit(target, "boom");
          go(watcher);
          return () => `${was}: ${told(watcher)}`;
        },
      },
      {
        title: `demonitor ${flush ? "with" : "without"} flush of a monitor that is still on its way`,
        outcomes: flush
          ? ["false: nothing", "true: nothing"]
          : ["false: down boom", "false: down noproc", "true: nothing"],
        schedules: 7,
        race: ({ node, actor, told, go }) => {
          const target = actor("target");
          let ref!: MonitorRef;
          let was: boolean | undefined;
          const watcher = actor("watcher", {
            first: (self) => (ref = self.monitor(target)),
            onGo: (self) => (was = self.demonitor(ref, { info: true, flush })),
          });
          node.exit(target, "boom");
          go(watcher);
          return () => `${was}: ${told(watcher)}`;
        },
      },
    ]),
    {
      title: "taking one of two monitors back leaves the other, which tells once",
      outcomes: ["down boom", "down boom, down boom"],
      schedules: 4,
      race: async ({ node, actor, told, go, ready }) => {
        const target = actor("target");
        let ref!: MonitorRef;
        const watcher = actor("watcher", {
          first: (self) => {
            ref = self.monitor(target);
            self.monitor(target);
          },
          onGo: (self) => self.demonitor(ref),
        });
        await ready();
        node.exit(target, "boom");
        go(watcher);
        return () => told(watcher);
      },
    },
  ]);
});

describe("in a race of a link with the end of the other", () => {
  explored([
    {
      title:
        "who does not trap exits is refused, or ends with noproc, or with the reason of the other",
      outcomes: ["refused, alive", "linked, noproc", "linked, boom"],
      schedules: 3,
      race: ({ node, actor, go, fate }) => {
        const target = actor("target");
        let link = "";
        const linker = actor("linker", {
          onGo: (self) =>
            void (link = thrown(() => self.link(target)) === "done" ? "linked" : "refused"),
        });
        node.exit(target, "boom");
        go(linker);
        return () => `${link}, ${fate(linker)}`;
      },
    },
    {
      title: "who traps exits is told noproc, or the reason of the other, once",
      outcomes: ["exit noproc", "exit boom"],
      schedules: 3,
      race: ({ node, actor, go, told }) => {
        const target = actor("target");
        const linker = actor("linker", { first: trap, onGo: (self) => self.link(target) });
        node.exit(target, "boom");
        go(linker);
        return () => told(linker);
      },
    },
    {
      title: "who does not trap exits and unlinks dies before it does, or not at all",
      outcomes: ["boom", "unlinked, alive"],
      schedules: 3,
      race: async ({ node, actor, go, fate, ready }) => {
        const target = actor("target");
        let unlinked = "";
        const linker = actor("linker", {
          first: (self) => self.link(target),
          onGo: (self) => {
            self.unlink(target);
            unlinked = "unlinked, ";
          },
        });
        await ready();
        node.exit(target, "boom");
        go(linker);
        return () => unlinked + fate(linker);
      },
    },
    ...[false, true].map((flush): Row => ({
      title: `who traps exits and unlinks ${flush ? "with flush keeps nothing" : "keeps what has arrived"}, and gets nothing afterwards`,
      outcomes: flush
        ? ["had exit boom, has nothing", "had nothing, has nothing"]
        : ["had exit boom, has exit boom", "had nothing, has nothing"],
      schedules: 3,
      race: async ({ node, actor, go, told, ready }) => {
        const target = actor("target");
        let had = "";
        const linker: Pid<unknown> = actor("linker", {
          first: (self) => {
            self.trapExits();
            self.link(target);
          },
          onGo: (self) => {
            had = told(linker);
            self.unlink(target, { flush });
          },
        });
        await ready();
        node.exit(target, "boom");
        go(linker);
        return () => `had ${had}, has ${told(linker)}`;
      },
    })),
    {
      title:
        "who unlinks and links again is told of the new link alone, unless the end came before",
      outcomes: ["exit boom", "exit noproc", "exit boom, exit noproc"],
      schedules: 5,
      race: async ({ node, actor, go, told, ready }) => {
        const target = actor("target");
        const linker = actor("linker", {
          first: (self) => {
            self.trapExits();
            self.link(target);
          },
          onGo: (self) => {
            self.unlink(target);
            self.link(target);
          },
        });
        await ready();
        node.exit(target, "boom");
        go(linker);
        return () => told(linker);
      },
    },
    {
      title:
        "two that link each other at once are linked once, unless one is gone before the other tries",
      outcomes: ["boom, boom", "NoProcessError, boom"],
      schedules: 7,
      race: ({ actor, go, fate }) => {
        const a: Pid<unknown> = actor("a", { onGo: (self) => self.link(b) });
        const b: Pid<unknown> = actor("b", {
          onGo: [(self) => self.link(a), (self) => self.exit("boom")],
        });
        go(a);
        go(b);
        go(b);
        return () => `${fate(a).split(":", 1)[0]}, ${fate(b)}`;
      },
    },
    {
      title: "one that unlinks while the other does too leaves neither linked",
      outcomes: ["alive, boom"],
      schedules: 6,
      race: async ({ node, actor, go, fate, ready }) => {
        const a: Pid<unknown> = actor("a", {
          first: (self) => self.link(b),
          onGo: (self) => self.unlink(b),
        });
        const b: Pid<unknown> = actor("b", {
          onGo: [(self) => self.unlink(a), (self) => self.exit("boom")],
        });
        await ready();
        go(a);
        go(b);
        go(b);
        return () => {
          const links = node.processInfo(a)?.links.length;
          return `${fate(a)}, ${fate(b)}${links === 0 ? "" : `, ${links} links`}`;
        };
      },
    },
  ]);
});

describe("spawn with a link or a monitor is one step", () => {
  const fails = (self: Self<never>): void => self.exit("boom");
  explored([
    {
      title:
        "a child that ends at once ends its parent with its reason, when it was spawned linked",
      outcomes: ["boom"],
      schedules: 1,
      race: ({ actor, go, fate }) => {
        const parent = actor("parent", { onGo: (self) => self.spawnLink(fails) });
        go(parent);
        return () => fate(parent);
      },
    },
    {
      title: "and may be gone when the parent links it afterwards",
      outcomes: ["boom", "noproc"],
      schedules: 2,
      race: ({ actor, go, fate }) => {
        const parent = actor("parent", { onGo: (self) => self.link(self.spawn(fails)) });
        go(parent);
        return () => fate(parent);
      },
    },
    {
      title: "a child that ends at once is told of with its reason, when it was spawned monitored",
      outcomes: ["down boom"],
      schedules: 1,
      race: ({ actor, go, told }) => {
        const parent = actor("parent", {
          onGo: (self) => self.spawnMonitor((down) => down, fails),
        });
        go(parent);
        return () => told(parent);
      },
    },
    {
      title: "and may be gone when the parent monitors it afterwards",
      outcomes: ["down boom", "down noproc"],
      schedules: 2,
      race: ({ actor, go, told }) => {
        const parent = actor("parent", { onGo: (self) => self.monitor(self.spawn(fails)) });
        go(parent);
        return () => told(parent);
      },
    },
    {
      title: "a parent that is killed leaves no linked child behind, whenever that is",
      outcomes: ["no child", "child killed"],
      schedules: 3,
      race: ({ actor, go, fate }) => {
        let child: AnyPid | undefined;
        const parent = actor("parent", { onGo: (self) => (child = self.spawnLink(waitForEver)) });
        actor("killer", { first: (self) => self.exit(parent, "kill") });
        go(parent);
        return () => (child === undefined ? "no child" : `child ${fate(child)}`);
      },
    },
  ]);
});

describe("an end passes from link to link", () => {
  /** Links the actors in a row. */
  const row = (actor: Parameters<Race>[0]["actor"], keys: string, first?: Act): Pid<unknown>[] => {
    const pids: Pid<unknown>[] = [];
    for (const [at, key] of [...keys].entries()) {
      const before = pids[at - 1];
      pids.push(
        actor(key, {
          first: (self) => {
            if (key === "t") self.trapExits();
            if (before !== undefined) self.link(before);
            return first?.(self);
          },
        }),
      );
    }
    return pids;
  };
  /** A row of processes whose first and last end, each with a reason of its own. */
  const fromBothEnds =
    (keys: string): Race =>
    async ({ node, actor, fate, told, ready }) => {
      const pids = row(actor, keys);
      await ready();
      node.exit(pids[0] as AnyPid, "x");
      node.exit(pids.at(-1) as AnyPid, "y");
      return () => pids.map((pid) => (node.isAlive(pid) ? `(${told(pid)})` : fate(pid))).join(" ");
    };
  const fromTheMiddle =
    (reason: ExitReason): Race =>
    async ({ node, actor, fate, told, ready }) => {
      const pids = row(actor, "abc");
      await ready();
      node.exit(pids[1] as AnyPid, reason);
      return () => pids.map((pid) => fate(pid) + (told(pid) === "nothing" ? "" : "!")).join(" ");
    };
  explored([
    {
      title: "of two ends at once each takes a part of the row, or all of it",
      outcomes: ["x x x", "x x y", "x y y", "y y y"],
      schedules: 4,
      race: fromBothEnds("abc"),
    },
    {
      title: "of two ends at once each takes a part of a longer row",
      outcomes: ["x x x x", "x x x y", "x x y y", "x y y y", "y y y y"],
      schedules: 5,
      race: fromBothEnds("abcd"),
    },
    {
      title: "and stop at one that traps exits, which is told of both in either order",
      outcomes: ["x (exit x, exit y) y", "x (exit y, exit x) y"],
      schedules: 2,
      race: fromBothEnds("atc"),
    },
    {
      title: "to both sides, with the reason of the first",
      outcomes: ["boom boom boom"],
      schedules: 1,
      race: fromTheMiddle("boom"),
    },
    {
      title: "as killed when it was a kill",
      outcomes: ["killed killed killed"],
      schedules: 1,
      race: fromTheMiddle("kill"),
    },
    {
      title: "not at all when it is normal",
      outcomes: ["alive normal alive"],
      schedules: 1,
      race: async ({ actor, fate, ready, go }) => {
        const a = actor("a");
        const b = actor("b", {
          first: (self) => self.link(a),
          onGo: (self) => self.exit("normal"),
        });
        const c = actor("c", { first: (self) => self.link(b) });
        await ready();
        go(b);
        return () => [a, b, c].map(fate).join(" ");
      },
    },
    {
      title: "round a circle, and ends there",
      outcomes: ["boom boom boom"],
      schedules: 3,
      race: async ({ node, actor, fate, go, ready }) => {
        const pids = row(actor, "ab");
        const [a, b] = pids as [Pid<unknown>, Pid<unknown>];
        const c = actor("c", {
          onGo: (self) => {
            self.link(a);
            self.link(b);
          },
        });
        go(c);
        await ready();
        node.exit(a, "boom");
        return () => [a, b, c].map(fate).join(" ");
      },
    },
  ]);
});

describe("what an exit signal does to a process that begins to trap exits meanwhile", () => {
  /** OTP's table: what it does to who does not trap exits, and to who does. */
  const table: readonly [
    how: "exit" | "link",
    reason: ExitReason,
    plain: string,
    trapping: string,
  ][] = [
    ["exit", "normal", "alive: nothing", "alive: exit normal"],
    ["exit", "shutdown", "shutdown: nothing", "alive: exit shutdown"],
    ["exit", "boom", "boom: nothing", "alive: exit boom"],
    ["exit", "killed", "killed: nothing", "alive: exit killed"],
    ["exit", "kill", "killed: nothing", "killed: nothing"],
    ["link", "normal", "alive: nothing", "alive: exit normal"],
    ["link", "shutdown", "shutdown: nothing", "alive: exit shutdown"],
    ["link", "boom", "boom: nothing", "alive: exit boom"],
    ["link", "kill", "kill: nothing", "alive: exit kill"],
  ];
  explored(
    table.map(([how, reason, plain, trapping]) => ({
      title: `${how === "exit" ? "sent by exit" : "of a link"}, with reason ${String(reason)}`,
      outcomes: [...new Set([plain, trapping])],
      schedules: 2,
      race: async ({ actor, go, fate, told, ready }) => {
        const target = actor("target", { onGo: trap });
        const other = actor("other", {
          first: (self) => (how === "link" ? self.link(target) : undefined),
          onGo: (self) => (how === "link" ? self.exit(reason) : self.exit(target, reason)),
        });
        await ready();
        go(other);
        go(target);
        return () => `${fate(target)}: ${told(target)}`;
      },
    })),
  );
  explored([
    {
      title: "two of different senders: the first to arrive counts",
      outcomes: ["x", "y"],
      schedules: 2,
      race: ({ actor, fate }) => {
        const target = actor("target");
        for (const reason of "xy") actor(reason, { first: (self) => self.exit(target, reason) });
        return () => fate(target);
      },
    },
    {
      title: "two of the same sender: the first that was sent counts, be the second a kill",
      outcomes: ["x"],
      schedules: 1,
      race: ({ actor, fate }) => {
        const target = actor("target");
        actor("sender", {
          first: (self) => {
            self.exit(target, "x");
            self.exit(target, "kill");
          },
        });
        return () => fate(target);
      },
    },
    {
      title: "one that it traps, and then a kill of the same sender",
      outcomes: ["killed"],
      schedules: 1,
      race: ({ actor, fate }) => {
        const target = actor("target", { first: trap });
        actor("sender", {
          first: (self) => {
            self.exit(target, "x");
            self.exit(target, "kill");
          },
        });
        return () => fate(target);
      },
    },
  ]);
});

describe("a name is free before anybody is told of the end of who held it", () => {
  const token = name<unknown>("db");
  const claim = (self: Self<unknown>): string => thrown(() => self.register(token, self.pid));
  /** Waits until it is told that the server has ended, then claims the name. */
  const succeeding =
    (said: (result: string) => void): Act =>
    async (self) => {
      await self.receive((message) => /^(down|exit) /.test(show(message)));
      said(claim(self));
    };
  const taking =
    (how: "monitor" | "link", kill: boolean): Race =>
    async ({ node, actor, ready }) => {
      const server = actor("server", {}, { name: token });
      let said = "";
      const next = actor("successor", {
        first: (self) => {
          self.trapExits();
          if (how === "monitor") self.monitor(server);
          else self.link(server);
        },
        onGo: succeeding((result) => (said = result)),
      });
      node.send(next, "go");
      await ready();
      node.exit(server, kill ? "kill" : "boom");
      return () => `${said}, held by ${node.whereis(token) === next ? "it" : "another"}`;
    };
  explored([
    ...(["monitor", "link"] as const).flatMap((how) =>
      [false, true].map((kill): Row => ({
        title: `so a successor that is told by a ${how} takes it over at once${kill ? ", after a kill too" : ""}`,
        outcomes: ["done, held by it"],
        schedules: 1,
        race: taking(how, kill),
      })),
    ),
    {
      title: "of a successor and of one who tries at any time exactly one has it",
      outcomes: [
        "successor done, contender NameTakenError",
        "successor NameTakenError, contender done",
      ],
      schedules: 3,
      race: async ({ node, actor, go, ready }) => {
        const server = actor("server", {}, { name: token });
        let said = "";
        let contended = "";
        const next = actor("successor", {
          first: (self) => self.monitor(server),
          onGo: succeeding((result) => (said = result)),
        });
        const contender = actor("contender", { onGo: (self) => (contended = claim(self)) });
        go(next);
        await ready();
        node.exit(server, "boom");
        go(contender);
        return () => `successor ${said}, contender ${contended}`;
      },
    },
    {
      title: "of two who try at once exactly one has it",
      outcomes: ["done, NameTakenError", "NameTakenError, done"],
      schedules: 2,
      race: ({ actor, go }) => {
        const said: string[] = [];
        for (const at of [0, 1]) go(actor(`p${at}`, { onGo: (self) => (said[at] = claim(self)) }));
        return () => said.join(", ");
      },
    },
    {
      title: "it can be taken away by another from when it is taken until its holder ends",
      outcomes: ["done", "NameNotRegisteredError"],
      schedules: 3,
      race: ({ actor, go }) => {
        let said = "";
        const server = actor("server", { onGo: [claim, (self) => self.exit("boom")] });
        const other = actor("other", {
          onGo: (self) => (said = thrown(() => self.unregister(token))),
        });
        go(other);
        go(server);
        go(server);
        return () => said;
      },
    },
    {
      title: "it can be given to another as long as that lives",
      outcomes: ["done", "NoProcessError"],
      schedules: 2,
      race: async ({ node, actor, go, ready }) => {
        const server = actor("server");
        let said = "";
        const other = actor("other", {
          onGo: (self) => (said = thrown(() => self.register(token, server))),
        });
        await ready();
        node.exit(server, "boom");
        go(other);
        return () => said;
      },
    },
    {
      title: "what is sent to a name goes to who holds it then, and is refused when nobody does",
      outcomes: [
        "sent: old has nothing, new has job",
        "sent: old has nothing, new has nothing",
        "NameNotRegisteredError: old has nothing, new has nothing",
      ],
      schedules: 4,
      race: async ({ node, actor, go, told, ready }) => {
        const server = actor("server", {}, { name: token });
        let said = "";
        const next = actor("successor", {
          first: (self) => self.monitor(server),
          onGo: succeeding(() => undefined),
        });
        const client = actor("client", {
          onGo: (self) => (said = thrown(() => self.send(token, "job")).replace("done", "sent")),
        });
        go(next);
        await ready();
        node.exit(server, "boom");
        go(client);
        return () => `${said}: old has ${told(server)}, new has ${told(next)}`;
      },
    },
  ]);
});

describe("a call", () => {
  type Asked = Call<string, string>;
  /** Answers each request with itself, when it was told to. */
  const slow = async (self: Self<Asked | "answer">): Promise<void> => {
    for (;;) {
      const { from, request } = await self.receive(
        (message): message is Asked => message !== "answer",
      );
      await self.receive((message) => message === "answer");
      self.reply(from, request);
    }
  };
  const failure = (error: unknown): string =>
    error instanceof ServerExitError
      ? `ended: ${String(error.reason)}`
      : error instanceof CallTimeoutError
        ? "timeout"
        : error instanceof NoProcessError
          ? "noproc"
          : String(error);
  /** A client calls; the server is told to answer, and to end. */
  const asking =
    (timeoutMs: number, ends: boolean): Race =>
    ({ node, actor, told }) => {
      const server = node.spawnOpt<Asked | "answer">({ key: "server" }, slow);
      let said = "";
      const client = actor("client", {
        first: async (self) => {
          said = await self.call(server as Pid<Asked>, "hello", { timeoutMs }).catch(failure);
        },
      });
      actor("clock", { first: (self) => self.send(server, "answer") });
      if (ends) node.exit(server, "boom");
      return () => {
        const left = node.processInfo(server)?.monitoredBy.length ?? 0;
        return `${said}, left: ${told(client)}${left === 0 ? "" : ` and ${left} monitors`}`;
      };
    };
  explored([
    {
      title: "ends with its reply, with the end of the server, or with nobody there",
      outcomes: ["hello, left: nothing", "ended: boom, left: nothing", "noproc, left: nothing"],
      schedules: 8,
      race: asking(Infinity, true),
    },
    {
      title: "with a timeout ends with its reply or with that, and leaves nothing behind",
      outcomes: ["hello, left: nothing", "timeout, left: nothing"],
      schedules: 4,
      timers: 1,
      race: asking(10, false),
    },
    {
      title: "ends once, whatever comes of reply, end and timeout",
      outcomes: [
        "hello, left: nothing",
        "ended: boom, left: nothing",
        "noproc, left: nothing",
        "timeout, left: nothing",
      ],
      schedules: 23,
      timers: 1,
      race: asking(10, true),
    },
    {
      title: "after one that has timed out gets its own reply, and never the late one",
      outcomes: ["first, second", "timeout, second"],
      schedules: 2,
      timers: 1,
      race: ({ node, actor }) => {
        const server = node.spawnOpt<Asked>({ key: "server" }, async (self) => {
          for (;;) {
            const { from, request } = await self.receive();
            self.reply(from, request);
          }
        });
        const said: string[] = [];
        actor("client", {
          first: async (self) => {
            said.push(await self.call(server, "first", { timeoutMs: 10 }).catch(failure));
            said.push(await self.call(server, "second", { timeoutMs: Infinity }).catch(failure));
          },
        });
        return () => said.join(", ");
      },
    },
    {
      title: "that closes a circle is refused, and one that does not because of a timeout is not",
      outcomes: [
        "timeout, nothing to answer; refused; 0 left",
        "timeout, nothing to answer; timeout; 1 left",
        "timeout, answered; hello; 0 left",
        "timeout, answered; timeout; 0 left",
        "refused, answered; hello; 0 left",
        "refused, answered; timeout; 0 left",
        "refused, nothing to answer; timeout; 1 left",
      ],
      schedules: 42,
      timers: 2,
      race: async ({ node, actor, go, ready }) => {
        const said: string[] = [];
        const asks =
          (me: number): Act =>
          async (self) => {
            const other = servers[1 - me] as Pid<Asked>;
            const refused = (error: unknown): string =>
              error instanceof CallCycleError ? "refused" : failure(error);
            said[me] = await self.call(other, "hello", { timeoutMs: 10 }).catch(refused);
          };
        const answers: Act = async (self) => {
          const isCall = (message: unknown): message is Asked => typeof message === "object";
          const asked = await self.receive(isCall, { timeoutMs: 0 });
          if (asked !== TIMEOUT) self.reply(asked.from, asked.request);
          said[0] += asked === TIMEOUT ? ", nothing to answer" : ", answered";
        };
        const servers = [
          actor("a", { onGo: [asks(0), answers] }),
          actor("b", { onGo: asks(1) }),
        ] as const;
        await ready();
        go(servers[0]);
        go(servers[1]);
        go(servers[0]);
        return () => `${said.join("; ")}; ${node.mailboxOf(servers[0]).length} left`;
      },
    },
    {
      title: "of a client that is killed meanwhile leaves nothing behind at the server",
      outcomes: ["0 monitors, server alive"],
      schedules: 4,
      race: ({ node, actor, fate }) => {
        const server = node.spawnOpt<Asked | "answer">({ key: "server" }, slow);
        const client = actor("client", {
          first: (self) => self.call(server as Pid<Asked>, "hello", { timeoutMs: Infinity }),
        });
        actor("clock", { first: (self) => self.send(server, "answer") });
        node.exit(client, "kill");
        return () =>
          `${node.processInfo(server)?.monitoredBy.length} monitors, server ${fate(server)}`;
      },
    },
  ]);
});

describe("an alias", () => {
  const modes: readonly [MonitorAlias, outcomes: string[], schedules: number][] = [
    ["explicit_unalias", ["answer, down boom", "down boom, answer"], 2],
    ["demonitor", ["answer, down boom", "down boom"], 2],
    // The Down may be on its way when the answer arrives.
    ["reply_demonitor", ["answer", "down boom"], 3],
  ];
  explored([
    {
      title: "for one reply lets the first of two through, and no other",
      outcomes: ["x", "y"],
      schedules: 2,
      race: ({ actor, told }) => {
        let to!: Alias<unknown>;
        const owner = actor("owner", { first: (self) => (to = self.alias("reply")) });
        for (const word of "xy") actor(word, { first: (self) => self.send(to, word) });
        return () => told(owner);
      },
    },
    {
      title: "that is taken back lets nothing through any more",
      outcomes: ["had hello, has hello", "had nothing, has nothing"],
      schedules: 2,
      race: ({ actor, told, go }) => {
        let to!: Alias<unknown>;
        let had = "";
        const owner: Pid<unknown> = actor("owner", {
          first: (self) => (to = self.alias()),
          onGo: (self) => {
            had = told(owner);
            self.unalias(to);
          },
        });
        actor("other", { first: (self) => self.send(to, "hello") });
        go(owner);
        return () => `had ${had}, has ${told(owner)}`;
      },
    },
    ...modes.map(([alias, outcomes, schedules]): Row => ({
      title: `that is a monitor too, with ${alias}, against the end of what is watched`,
      outcomes,
      schedules,
      race: async ({ node, actor, told, go, ready }) => {
        const target = actor("target");
        let ref!: MonitorRef;
        const owner = actor("owner", {
          first: (self) => (ref = self.monitor(target, undefined, { alias })),
        });
        const other = actor("other", {
          onGo: (self) => self.send(ref as Alias<unknown>, "answer"),
        });
        await ready();
        node.exit(target, "boom");
        go(other);
        return () => told(owner);
      },
    })),
  ]);
});

describe("a timer", () => {
  explored([
    {
      title: "that is cancelled sends nothing, or has sent already",
      outcomes: ["number: nothing", "boolean: tick"],
      schedules: 2,
      timers: 1,
      race: ({ actor, told, go }) => {
        let cancel!: () => unknown;
        let left: unknown;
        const owner = actor("owner", {
          first: (self) => {
            const timer = self.sendAfter(self.pid, 10, "tick");
            cancel = () => self.cancelTimer(timer);
          },
          onGo: () => (left = cancel()),
        });
        go(owner);
        return () => `${typeof left}: ${told(owner)}`;
      },
    },
    {
      title: "never fires before one that is due earlier",
      outcomes: ["10, 20, 30"],
      schedules: 1,
      timers: 3,
      race: ({ actor, told }) => {
        const owner = actor("owner", {
          first: (self) => {
            for (const ms of [30, 10, 20]) self.sendAfter(self.pid, ms, `${ms}`);
          },
        });
        return () => told(owner);
      },
    },
    {
      title: "of a receive loses against the message, or leaves it in the mailbox",
      outcomes: ["hello, left: nothing", "timeout, left: hello"],
      schedules: 2,
      timers: 1,
      race: ({ actor, told }) => {
        let said = "";
        const owner = actor("owner", {
          first: async (self) => {
            const message = await self.receive({ timeoutMs: 10 });
            said = message === TIMEOUT ? "timeout" : String(message);
          },
        });
        actor("other", { first: (self) => self.send(owner, "hello") });
        return () => `${said}, left: ${told(owner)}`;
      },
    },
    {
      title:
        "that is set while another one is pending comes before it, when that has not fired yet",
      outcomes: ["early, late", "late, early"],
      schedules: 2,
      timers: 2,
      race: ({ actor, go }) => {
        const fired: string[] = [];
        const sleeping =
          (ms: number, what: string): Act =>
          async (self) => {
            await self.sleep(ms);
            fired.push(what);
          };
        actor("late", { first: sleeping(20, "late") });
        go(actor("early", { onGo: sleeping(10, "early") }));
        return () => fired.join(", ");
      },
    },
    {
      title: "for another can be cancelled until that one ends, or it fires",
      outcomes: ["number: nothing", "boolean: nothing"],
      schedules: 3,
      timers: 1,
      race: async ({ node, actor, told, go, ready }) => {
        const target = actor("target");
        let cancel!: () => unknown;
        let left: unknown;
        const owner = actor("owner", {
          first: (self) => {
            const timer = self.sendAfter(target, 10, "tick");
            cancel = () => self.cancelTimer(timer);
          },
          onGo: () => (left = cancel()),
        });
        await ready();
        node.exit(target, "boom");
        go(owner);
        return () => `${typeof left}: ${told(target)}`;
      },
    },
    {
      title: "is forgotten with the process that it is for",
      outcomes: ["boom, 0 timers"],
      schedules: 2,
      timers: 1,
      race: ({ node, actor, fate }) => {
        const owner = actor("owner", { first: (self) => self.sendAfter(self.pid, 10, "tick") });
        node.exit(owner, "boom");
        return () => `${fate(owner)}, ${node.counts.timers} timers`;
      },
    },
  ]);
});

describe("what is said to a node out of reach", () => {
  const Door = name<Call<string, string>>("door");
  const far = createNode({ name: "far", logger: false }).spawn<unknown>(waitForEver);
  explored([
    {
      title: "by a call: it fails with noconnection, and what it asked is told as undelivered",
      outcomes: ["SERVER_EXIT noconnection; undelivered hello: noconnection"],
      schedules: 1,
      race: ({ node, actor }) => {
        const undelivered: string[] = [];
        node.events.subscribe((event) => {
          if (event.type !== "undelivered") return;
          const { request } = event.message as { readonly request?: unknown };
          undelivered.push(`${String(request)}: ${event.why}`);
        });
        let said = "";
        actor("client", {
          first: async (self) => {
            const error: ServerExitError = await self
              .call(at("nowhere", Door), "hello", { timeoutMs: Infinity })
              .then(String, (thrown) => thrown);
            said = `${error.code} ${String(error.reason)}`;
          },
        });
        return () => `${said}; undelivered ${undelivered.join()}`;
      },
    },
    {
      title:
        "by a link that is taken back at once: nothing is told, and the next link is one like the first",
      outcomes: ["nothing, then exit noconnection"],
      schedules: 1,
      race: async ({ actor, go, told, ready }) => {
        const linker = actor("linker", {
          first: trap,
          onGo: [
            (self) => {
              self.link(far);
              self.unlink(far);
            },
            (self) => self.link(far),
          ],
        });
        go(linker);
        await ready();
        const before = told(linker);
        go(linker);
        return () => `${before}, then ${told(linker)}`;
      },
    },
  ]);
});
