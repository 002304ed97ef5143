import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  DeadProcessError,
  ExitSignal,
  InvalidArgumentError,
  type AnyPid,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  ApplicationRunningError,
  child,
  defineApplication,
  defineSupervisor,
  runApplication,
  startApplication,
  startWith,
  type ApplicationReport,
  type ChildSpec,
  type ProcessTracker,
  type RunApplicationOptions,
  type SupervisorDefinition,
  type SupervisorSpec,
} from "@coppice/supervisor";
import { createFakeProgram, type FakeProgram } from "./fake-program.js";
import { boom, createWorld, type World } from "./world.js";

interface Running extends World {
  readonly host: FakeProgram;
  /** The exit code, once it is known. */
  code(): number | undefined;
  /** What the operator read, the first line of each entry, without pids; since it was last asked. */
  lines(): string[];
}

function treeOf(
  children: readonly ChildSpec[],
  flags: Omit<SupervisorSpec, "children"> = {},
): SupervisorDefinition {
  return defineSupervisor({ intensity: 100, ...flags, children });
}

/** Runs the tree that `treeIn` makes as application "shop", and waits until it runs. */
async function run(
  treeIn: (world: World) => SupervisorDefinition,
  options: Omit<RunApplicationOptions, "host" | "node"> = {},
  world = createWorld(),
): Promise<Running> {
  const host = createFakeProgram(world.clock);
  const application = defineApplication({ name: "shop", start: () => treeIn(world) });
  let code: number | undefined;
  void runApplication(application, { host, node: world.node, ...options }).then(
    (exitCode) => (code = exitCode),
  );
  await quiesce();
  const lines = (): string[] =>
    host.printed
      .splice(0)
      .map((text) => text.split("\n", 1)[0]?.replaceAll(/ <[^>]*>/g, "") as string);
  return { ...world, host, code: () => code, lines };
}

const STOPS = "[coppice] SIGTERM: shop stops, within 9000 ms; again to end it at once";

describe("a signal", () => {
  test.each(["SIGTERM", "SIGINT"])(
    "%s stops the tree in order, and the code is 0",
    async (signal) => {
      const { host, code, lines, news, node } = await run(({ worker }) =>
        treeOf([worker("a"), worker("b")]),
      );
      expect(host.isListening).toBe(true);
      host.signal(signal);
      await quiesce();
      expect(code()).toBe(0);
      expect(host.ends).toEqual(["set 0"]);
      expect(news()).toEqual(["+a", "+b", "-b shutdown", "-a shutdown"]);
      expect(lines()).toEqual([`[coppice] ${signal}: shop stops, within 9000 ms; again to end it at once`]); // prettier-ignore
      // From now on signals do what they do to any program.
      expect(host.isListening).toBe(false);
      expect(() => node.spawn(async () => undefined)).toThrow("is stopped");
    },
  );

  test("is one of those that were asked for", async () => {
    const { host } = await run(() => treeOf([]), { signals: ["SIGHUP"] });
    expect(host.signals).toEqual(["SIGHUP"]);
  });

  test("stops what runs on the node outside the tree, too, when the tree has stopped", async () => {
    const { host, node, journal, code } = await run(({ worker }) => treeOf([worker("a")]));
    node.spawn(async (self) => {
      self.trapExits(() => "exit");
      await self.receive();
    });
    node.events.subscribe((event) => {
      if (event.type === "stopping") journal.push("the rest");
    });
    host.signal("SIGTERM");
    await quiesce();
    expect(code()).toBe(0);
    expect(journal).toEqual(["+a", "-a shutdown", "the rest"]);
    expect(node.processes()).toEqual([]);
  });

  test("gives the tree and the rest one deadline, and what is killed outside the tree is named", async () => {
    const { host, node, clock, lines, code } = await run(
      ({ worker }) => treeOf([worker("a", { endsAfterMs: 60 })]),
      { deadlineMs: 100 },
    );
    node.spawnOpt({ label: "stray", unwindMs: Infinity }, () => new Promise(() => undefined));
    host.signal("SIGTERM");
    await clock.advance(99);
    expect(code()).toBeUndefined();
    await clock.advance(1);
    expect(code()).toBe(1);
    expect(host.ends).toEqual(["set 1", "exit 1"]);
    expect(lines().at(-1)).toBe(
      "[coppice] killed at the deadline, outside the tree of shop: stray",
    );
  });

  test("during the start stops what has started, when the child that starts has started", async () => {
    const started: (() => void)[] = [];
    const slow = startWith(async (starter, options) => {
      await new Promise<void>((resolve) => started.push(resolve));
      return { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) };
    });
    const { host, code, news } = await run(({ worker }) => treeOf([worker("a"), child("slow", slow)])); // prettier-ignore
    host.signal("SIGTERM");
    await quiesce();
    expect(code()).toBeUndefined();
    started[0]?.();
    await quiesce();
    expect(code()).toBe(0);
    expect(news()).toEqual(["+a", "-a shutdown"]);
  });

  test("during a start that never ends is code 1 at the deadline, and names the child", async () => {
    const stuck = startWith(() => new Promise<never>(() => undefined));
    const { host, clock, code, lines } = await run(({ worker }) =>
      treeOf([worker("a"), child("inner", treeOf([child("slow", stuck)]))]),
    );
    host.signal("SIGTERM");
    await clock.advance(8_999);
    expect(code()).toBeUndefined();
    await clock.advance(1);
    expect(code()).toBe(1);
    expect(host.ends).toEqual(["set 1", "exit 1"]);
    expect(lines()).toEqual([
      STOPS,
      "[coppice] half of the time to stop is over: shop waits for shop/inner and its start; its code is busy, or waits for something that is not of this runtime",
      "[coppice] killed at the deadline: shop/inner has not ended: its code is busy, or waits for something that is not of this runtime, with 1 message before it",
    ]);
  });

  test("a second one ends the program at once, with 128 and its number, and names who is stuck", async () => {
    const stuck = { id: "b", shutdown: "infinity" } as const;
    const { host, clock, lines } = await run(({ worker }) =>
      treeOf([worker("a"), child("inner", treeOf([worker(stuck, "ignores")])), worker("c")]),
    );
    host.signal("SIGTERM");
    await clock.advance(5);
    expect(host.ends).toEqual([]);
    host.signal("SIGINT");
    expect(host.ends).toEqual(["exit 130"]);
    expect(lines()).toEqual([
      STOPS,
      "[coppice] SIGINT again: shop is ended at once; shop/inner/b has not ended: it traps exits, was asked to end, and goes on waiting for messages",
    ]);
  });

  test("twice the same without delay ends the program, too", async () => {
    const { host } = await run(({ worker }) => treeOf([worker("a", "ignores")]));
    host.signal("SIGTERM");
    host.signal("SIGTERM");
    expect(host.ends).toEqual(["exit 143"]);
  });

  test("Ctrl-C that npm passes on is one, and a second Ctrl-C a second", async () => {
    const { host, clock } = await run(({ worker }) => treeOf([worker("a", "ignores")]));
    host.signal("SIGINT");
    host.signal("SIGINT");
    await clock.advance(99);
    host.signal("SIGINT");
    expect(host.ends).toEqual([]);
    await clock.advance(100);
    host.signal("SIGINT");
    expect(host.ends).toEqual(["exit 130"]);
  });

  test("while it stops for another reason joins in; the next one ends it", async () => {
    const { host, clock, node, code, news } = await run(({ worker }) =>
      treeOf([worker("a", { endsAfterMs: 50 })]),
    );
    const application = node.processes()[0] as AnyPid;
    node.exit(application, "shutdown");
    await clock.advance(10);
    host.signal("SIGTERM");
    await clock.advance(10);
    expect({ ends: host.ends, code: code() }).toEqual({ ends: [], code: undefined });
    await clock.advance(30);
    expect(code()).toBe(0);
    expect(news()).toEqual(["+a", "-a shutdown"]);
  });

  test("a second one while what is outside the tree stops names that", async () => {
    const { host, node, clock, lines } = await run(({ worker }) => treeOf([worker("a")]));
    node.spawnOpt({ unwindMs: Infinity }, () => new Promise(() => undefined));
    host.signal("SIGTERM");
    await clock.advance(10);
    host.signal("SIGTERM");
    expect(host.ends).toEqual(["exit 143"]);
    expect(lines()[1]).toMatch(
      /^\[coppice\] SIGTERM again: shop is ended at once; .*has not ended: its code unwinds/,
    );
  });
});

describe("the exit code is 1", () => {
  test("when a child has to be killed as its own time is over", async () => {
    const { host, clock, code, lines, news } = await run(({ worker }) =>
      treeOf([worker("a"), worker({ id: "b", shutdown: 500 }, "ignores")]),
    );
    host.signal("SIGTERM");
    await clock.advance(500);
    expect(code()).toBe(1);
    // What was killed may keep the program running.
    expect(host.ends).toEqual(["set 1", "exit 1"]);
    expect(news()).toEqual(["+a", "+b", "-b killed", "-a shutdown"]);
    expect(lines()).toEqual([
      STOPS,
      "[coppice] child shop/b was killed: it had not ended in its time",
    ]);
  });

  test("when a child is stuck at the deadline", async () => {
    const { host, clock, code, lines } = await run(
      ({ worker }) => treeOf([worker({ id: "b", shutdown: "infinity" }, "ignores")]),
      { deadlineMs: 300 },
    );
    host.signal("SIGTERM");
    await clock.advance(300);
    expect(code()).toBe(1);
    expect(host.ends).toEqual(["set 1", "exit 1"]);
    expect(lines()).toEqual([
      STOPS.replace("9000", "300"),
      "[coppice] half of the time to stop is over: shop waits for shop/b and its end; for 150 ms by now; it traps exits, was asked to end, and goes on waiting for messages",
      "[coppice] killed at the deadline: shop/b has not ended: it traps exits, was asked to end, and goes on waiting for messages",
    ]);
  });

  test("when a child crashes while it is stopped", async () => {
    const clumsy = child("clumsy", async (self) => {
      self.trapExits(() => "exit" as never);
      await self.receive();
      throw boom;
    });
    const { host, code, lines } = await run(() => treeOf([clumsy]));
    host.signal("SIGTERM");
    await quiesce();
    expect(code()).toBe(1);
    expect(host.ends).toEqual(["set 1"]);
    expect(lines()[1]).toBe(
      "[coppice] child shop/clumsy was stopped, but ended otherwise: Error: boom",
    );
  });

  test("when a child does not start: it is named, and why", async () => {
    const failing = startWith(() => ({ error: { error: boom } }));
    const { host, code, lines, news } = await run(({ worker }) =>
      treeOf([worker("a"), child("inner", treeOf([child("db", failing)]))]),
    );
    expect(code()).toBe(1);
    expect(host.ends).toEqual(["set 1"]);
    expect(news()).toEqual(["+a", "-a shutdown"]);
    expect(lines()).toEqual([
      "[coppice] shop did not start: its child shop/inner/db failed: Error: boom",
    ]);
    expect(host.isListening).toBe(false);
  });

  test("when the tree gives up", async () => {
    const { host, node, code, lines } = await run(() => {
      const failing = child("a", async () => {
        throw boom;
      });
      return treeOf([failing], { intensity: 2 });
    });
    expect(code()).toBe(1);
    expect(host.ends).toEqual(["set 1"]);
    expect(node.processes()).toEqual([]);
    expect(lines()).toEqual([
      ...Array<string>(2).fill("[coppice] child shop/a ended: Error: boom; it is restarted"),
      "[coppice] child shop/a ended: Error: boom; its supervisor gives up",
      "[coppice] supervisor shop gives up: child shop/a needed more than 2 restarts in 5000 ms",
      "[coppice] shop has failed: shop gave up, as its child a failed more than 2 times in 5000 ms, last by Error: boom",
    ]);
  });
});

describe("a tree that ends in order by itself", () => {
  test("ends the program with 0", async () => {
    const options = { id: "a", restart: "transient", significant: true } as const;
    const { host, clock, code, lines } = await run(() => {
      const work = child(options, async (self) => self.sleep(10));
      return treeOf([work], { autoShutdown: "any_significant" });
    });
    expect(code()).toBeUndefined();
    await clock.advance(10);
    expect(code()).toBe(0);
    expect(host.ends).toEqual(["set 0"]);
    expect(lines()).toEqual(["[coppice] shop has ended by itself: shutdown"]);
  });
});

describe("when all has stopped", () => {
  test("the program ends by itself, at the latest at the deadline", async () => {
    const { host, clock, lines } = await run(
      ({ worker }) => treeOf([worker("a", { endsAfterMs: 300 })]),
      { deadlineMs: 1_000 },
    );
    host.signal("SIGTERM");
    await clock.advance(300);
    expect(host.ends).toEqual(["set 0"]);
    lines();
    await clock.advance(699);
    expect(host.ends).toEqual(["set 0"]);
    await clock.advance(1);
    expect(host.ends).toEqual(["set 0", "exit 1"]);
    expect(lines()).toEqual([
      "[coppice] shop has stopped, but something outside its processes kept the program running until the deadline: a timer, a socket, a file",
    ]);
  });

  test("it may take for ever when there is no deadline", async () => {
    const { host, clock, code } = await run(() => treeOf([]), { deadlineMs: Infinity });
    host.signal("SIGTERM");
    await quiesce();
    expect(code()).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe("an unhandled rejection", () => {
  test("is reported, and the program goes on", async () => {
    const { host, code, lines } = await run(({ worker }) => treeOf([worker("a")]));
    host.reject(boom);
    host.reject("no error");
    await quiesce();
    expect(code()).toBeUndefined();
    expect(lines()).toEqual([
      "[coppice] unhandled rejection in an unknown process: Error: boom",
      `[coppice] unhandled rejection in an unknown process: "no error"`,
    ]);
  });

  test("stops the program in order where that is the policy, with code 1", async () => {
    const { host, code, lines, news } = await run(({ worker }) => treeOf([worker("a")]), {
      onUnhandledRejection: "stop",
    });
    host.reject(boom);
    await quiesce();
    expect(code()).toBe(1);
    expect(news()).toEqual(["+a", "-a shutdown"]);
    expect(lines()).toEqual([
      "[coppice] unhandled rejection in an unknown process: Error: boom",
      "[coppice] shop stops, within 9000 ms, because of the unhandled rejection",
    ]);
  });

  test("that follows from the end of a process is none", async () => {
    const { host, node, code, lines } = await run(({ worker }) => treeOf([worker("a")]), {
      onUnhandledRejection: "stop",
    });
    host.reject(new ExitSignal(node.pid, "shutdown"));
    host.reject(new DeadProcessError(node.pid, "send"));
    await quiesce();
    expect({ code: code(), lines: lines() }).toEqual({ code: undefined, lines: [] });
  });

  test("of an error that knows its process is put down to that", async () => {
    const { host, node, lines } = await run(({ worker }) => treeOf([worker("a")]));
    const [, , pid] = node.processes();
    host.reject(Object.assign(new Error("mine"), { pid }));
    const hostile = { get pid(): never { throw boom; } }; // prettier-ignore
    host.reject(hostile);
    await quiesce();
    expect(lines()).toEqual([
      "[coppice] unhandled rejection in process shop/a: Error: mine",
      "[coppice] unhandled rejection in an unknown process: [object that cannot be printed]",
    ]);
  });

  test("is put down to the process whose code it follows from, where that is tracked", async () => {
    const clock = createVirtualClock();
    let current: AnyPid | undefined;
    const tracker: ProcessTracker = {
      enter: (pid, act) => {
        current = pid;
        act();
        current = undefined;
      },
      current: () => current,
    };
    const host = createFakeProgram(clock, tracker);
    const renamed = child("renamed", async (self) => {
      self.setLabel("not its place");
      host.reject(boom);
      await self.receive();
    });
    const clumsy = child("clumsy", async (self) => {
      host.reject(boom);
      self.spawnOpt({ label: "below" }, async () => host.reject(boom));
      await self.receive();
    });
    void runApplication(treeOf([renamed, clumsy]), { host, trackProcesses: true });
    await quiesce();
    host.reject(boom);
    host.signal("SIGTERM");
    await quiesce();
    expect(host.printed.map((text) => text.split(": ", 1)[0])).toEqual([
      expect.stringMatching(/in process application\/renamed <application\.\d+>$/),
      expect.stringMatching(/in process application\/clumsy <application\.\d+>$/),
      expect.stringMatching(/in process application\/clumsy\/below <application\.\d+>$/),
      "[coppice] unhandled rejection in an unknown process",
      "[coppice] SIGTERM",
    ]);
  });
});

describe("a program", () => {
  test("is one application: a second is refused, and the first goes on", async () => {
    const { host, code, news } = await run(({ worker }) => treeOf([worker("a")]));
    const second = runApplication(treeOf([]), { host });
    await expect(second).rejects.toThrow(ApplicationRunningError);
    expect(host.isListening).toBe(true);
    host.signal("SIGTERM");
    await quiesce();
    expect(code()).toBe(0);
    expect(news()).toEqual(["+a", "-a shutdown"]);
  });

  test("that cannot start as the application runs on its node already leaves that alone", async () => {
    const { node, worker, clock, news } = createWorld();
    const tree = treeOf([worker("a")]);
    await startApplication(node, tree);
    const host = createFakeProgram(clock);
    expect(await runApplication(tree, { host, node })).toBe(1);
    expect(host.printed[0]).toMatch(/^\[coppice\] application did not start: it runs already, as <demo/); // prettier-ignore
    expect(news()).toEqual(["+a"]);
  });

  test("can run another application when the first has stopped", async () => {
    const host = createFakeProgram(createVirtualClock());
    for (const _ of [1, 2]) {
      const code = runApplication(treeOf([]), { host, logger: false });
      await quiesce();
      host.signal("SIGTERM");
      expect(await code).toBe(0);
    }
  });

  test("on a node of its own has the name of the application, and prints what nobody hears of", async () => {
    const host = createFakeProgram(createVirtualClock());
    const seen: string[] = [];
    const tree = treeOf([
      child("a", async (self) => {
        seen.push(self.node.name);
        self.spawn(async () => {
          throw boom;
        });
        await self.receive();
      }),
    ]);
    const application = defineApplication({ name: "shop", start: () => tree });
    const code = runApplication(application, { host });
    await quiesce();
    host.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(seen).toEqual(["shop"]);
    expect(host.printed[0]).toMatch(/^\[coppice\] process <shop\.\d+> .*crashed while running/);
  });

  test("tells its logger all there is, and prints nothing then", async () => {
    const reports: ApplicationReport[] = [];
    const { host } = await run(({ worker }) => treeOf([worker("a")]), {
      logger: (report) => void reports.push(report),
    });
    host.signal("SIGTERM");
    await quiesce();
    expect(reports.map(({ type }) => type)).toEqual([
      "supervisorReport",
      "started",
      "stopping",
      "stopped",
    ]);
    expect(new Set(reports.map(({ application }) => application))).toEqual(new Set(["shop"]));
    expect(host.printed).toEqual([]);
  });

  test("goes on when its logger fails, and says so", async () => {
    const { host, code, lines } = await run(({ worker }) => treeOf([worker("a")]), {
      logger: () => {
        throw boom;
      },
    });
    host.reject(new Error("another"));
    host.signal("SIGTERM");
    await quiesce();
    expect(code()).toBe(0);
    expect(new Set(lines())).toEqual(
      new Set(["[coppice] a subscriber of the node's events failed: Error: boom"]),
    );
  });

  test.each<[object, string]>([
    [
      { deadlineMS: 1 },
      `options must be made of node, env, deadlineMs, signals, onUnhandledRejection, trackProcesses, logger, host, but is {"deadlineMS":1}`,
    ],
    [{ deadlineMs: -1 }, "options.deadlineMs must be a number greater than 0, but is -1"],
    [{ node: {} }, "options.node must be a node that createNode made, but is {}"],
    [{ signals: "SIGTERM" }, "options.signals must be an array of names of signals"],
    [{ signals: ["SIGKILL"] }, "options.signals must be an array of names of signals"],
    [{ signals: ["sigterm"] }, "options.signals must be an array of names of signals"],
    [
      { onUnhandledRejection: "ignore" },
      `options.onUnhandledRejection must be "report" or "stop", but is "ignore"`,
    ],
    [{ trackProcesses: 1 }, "options.trackProcesses must be true or false, but is 1"],
    [
      { trackProcesses: true },
      "options.trackProcesses must be left out where the host cannot tell",
    ],
    [
      { trackProcesses: true, node: createNode() },
      "options.trackProcesses must be left out where a node is given",
    ],
    [{ host: {} }, "options.host must be an ApplicationHost, but is {}"],
    [{ env: { port: 1 } }, "options.env must be left out: the application has no env"],
  ])("refuses the options %#, and runs nothing", async (options, message) => {
    // prettier-ignore
    const host = createFakeProgram(createVirtualClock());
    const running = runApplication(treeOf([]), { host, ...options });
    await expect(running).rejects.toThrow(InvalidArgumentError);
    await expect(running).rejects.toThrow(`runApplication: ${message}`);
    expect(host.isListening).toBe(false);
  });
});
