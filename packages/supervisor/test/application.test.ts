import { describe, expect, test } from "@jest/globals";
import {
  formatFailure,
  formatReason,
  InvalidArgumentError,
  StartError,
  type ExitReason,
  type Isolation,
  type Self,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import {
  child,
  childTemplate,
  defineApplication,
  defineDynamicSupervisor,
  defineSupervisor,
  formatApplicationReport,
  startApplication,
  startChild,
  startWith,
  whichChildren,
  type ApplicationDefinition,
  type ApplicationEnd,
  type ApplicationHandle,
  type ApplicationReport,
  type ChildSpec,
  type StartApplicationOptions,
  type SupervisorDefinition,
  type SupervisorSpec,
} from "@coppice/supervisor";
import { boom, createWorld, isSettled, within, type World } from "./world.js";

interface Running extends World {
  readonly handle: ApplicationHandle;
  /** What its logger was told that an operator has to know. */
  readonly told: string[];
  /** How it ended, once it has. */
  ended(): ApplicationEnd | undefined;
}

const HANGS = (): Promise<never> => new Promise(() => undefined);

function treeOf(
  children: readonly ChildSpec[],
  flags: Omit<SupervisorSpec, "children"> = {},
): SupervisorDefinition {
  return defineSupervisor({ intensity: 100, ...flags, children });
}

/** A logger that keeps the first line of what an operator has to know. */
function createLog(): { told: string[]; logger: (report: ApplicationReport) => void } {
  const told: string[] = [];
  const logger = (report: ApplicationReport): void => {
    const text = formatApplicationReport(report);
    if (text !== undefined) told.push(text.split("\n", 1)[0] as string);
  };
  return { told, logger };
}

/** Starts an application on a node in virtual time, and forgets what its start did. */
async function start(
  world: World,
  application: SupervisorDefinition | ApplicationDefinition,
  options: StartApplicationOptions = {},
): Promise<Running> {
  const { told, logger } = createLog();
  const handle = await startApplication(world.node, application, { logger, ...options });
  let end: ApplicationEnd | undefined;
  void handle.whenStopped.then((ended) => (end = ended));
  return { ...world, handle, told, ended: () => end };
}

async function startError(
  world: World,
  application: SupervisorDefinition | ApplicationDefinition,
  options: StartApplicationOptions = {},
): Promise<StartError> {
  const error: unknown = await startApplication(world.node, application, options).catch(
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StartError)) throw new Error(`no StartError: ${String(error)}`);
  return error;
}

describe("an application", () => {
  test("starts its tree in order and stops it in the reverse", async () => {
    const world = createWorld();
    const inner = treeOf([world.worker("b"), world.worker("c")]);
    const tree = treeOf([world.worker("a"), child("inner", inner), world.worker("d")]);
    const { handle, news, told } = await start(world, tree);
    expect(news()).toEqual(["+a", "+b", "+c", "+d"]);
    expect((await whichChildren(world.node, handle.supervisor)).map(({ id }) => id)).toEqual(["a", "inner", "d"]); // prettier-ignore
    expect(await handle.stop()).toEqual({ cause: { type: "requested" }, problems: [] });
    expect(news()).toEqual(["-d shutdown", "-c shutdown", "-b shutdown", "-a shutdown"]);
    expect(told).toEqual(["application stops"]);
    expect(world.node.processes()).toEqual([]);
    await quiesce();
    expect(world.clock.pending).toBe(0);
  });

  test("stops once, however often it is asked to", async () => {
    const world = createWorld();
    const { handle, news } = await start(world, treeOf([world.worker("a", { endsAfterMs: 50 })]));
    news();
    const stops = [handle.stop(), handle.stop()];
    await world.clock.advance(20);
    stops.push(handle.stop());
    await world.clock.advance(30);
    const ends = await Promise.all([...stops, handle.stop(), handle.whenStopped]);
    expect(new Set(ends).size).toBe(1);
    expect(news()).toEqual(["-a shutdown"]);
  });

  test("leaves the node and what else runs on it alone", async () => {
    const world = createWorld();
    const other = world.node.spawn(async (self) => void (await self.receive()));
    const { handle } = await start(world, treeOf([world.worker("a")]));
    await handle.stop();
    expect(world.node.processes()).toEqual([other]);
  });

  test("does not end with the process that started it, for it is nobody's child", async () => {
    const world = createWorld();
    const { handle } = await start(world, treeOf([world.worker("a")]));
    expect(world.node.processInfo(handle.pid)?.ancestors).toEqual([world.node.pid]);
    expect(world.node.processInfo(handle.supervisor)?.ancestors).toEqual([
      handle.pid,
      world.node.pid,
    ]);
  });

  test("stops in order when its node stops", async () => {
    const world = createWorld();
    const { news, ended } = await start(world, treeOf([world.worker("a"), world.worker("b")]));
    news();
    await world.node.stop();
    expect(news()).toEqual(["-b shutdown", "-a shutdown"]);
    expect(ended()).toEqual({ cause: { type: "requested" }, problems: [] });
  });

  test("says so when its own process was killed", async () => {
    const world = createWorld();
    const { handle, news, ended } = await start(world, treeOf([world.worker("a")]));
    news();
    world.node.exit(handle.pid, "kill");
    await quiesce();
    expect(ended()).toEqual({
      cause: { type: "failed", reason: "killed", gaveUp: [] },
      problems: [],
    });
    expect(news()).toEqual(["-a shutdown"]);
  });

  test("does not mind what strangers send it", async () => {
    const world = createWorld();
    const { handle, node } = await start(world, treeOf([world.worker("a")]));
    for (const junk of [
      null,
      1,
      "exit",
      { type: "nonsense" },
      { type: "supervisorReport" },
      { type: "exit", from: null, reason: "shutdown" },
      { type: "applicationEvent" },
      { type: "applicationDeadline" },
    ]) {
      node.send(handle.pid as never, junk as never);
    }
    const stranger = within(node, (self) => self.exit(handle.pid, "shutdown"));
    await stranger.result;
    await quiesce();
    expect(node.isAlive(handle.pid)).toBe(true);
    expect(await handle.stop()).toEqual({ cause: { type: "requested" }, problems: [] });
  });

  test("goes on when its logger fails", async () => {
    const world = createWorld();
    const logger = (): never => {
      throw boom;
    };
    const errors: unknown[] = [];
    const { error } = console;
    console.error = (line: unknown) => errors.push(line);
    try {
      const { handle } = await start(world, treeOf([world.worker("a")]), { logger });
      expect(await handle.stop()).toEqual({ cause: { type: "requested" }, problems: [] });
    } finally {
      console.error = error;
    }
    expect(errors.join()).toContain("boom");
  });

  test.each<Isolation>(["share", "freeze", "clone"])("runs with messages: %s", async (messages) => {
    const world = createWorld({ messages });
    const tree = treeOf([world.worker("a"), world.worker("b")]);
    const { handle, news, ended } = await start(world, tree);
    await world.tell(handle.supervisor, "a", { type: "throw", error: boom });
    expect(news()).toEqual(["+a", "+b", "-a Error: boom", "+a"]);
    await handle.stop();
    expect(ended()?.problems).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5])(
    "stops in the reverse of its start under schedule %i, too",
    async (seed) => {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const world = createWorld({ clock, scheduler });
      const starting = start(world, treeOf(["a", "b", "c"].map((id) => world.worker(id))));
      await scheduler.runAll();
      const { handle, news, ended } = await starting;
      expect(news().toSorted()).toEqual(["+a", "+b", "+c"]);
      void handle.stop();
      await scheduler.runAll();
      expect(news()).toEqual(["-c shutdown", "-b shutdown", "-a shutdown"]);
      expect(ended()).toEqual({ cause: { type: "requested" }, problems: [] });
    },
  );
});

describe("the start of an application", () => {
  test("fails when a child does not start, names it, and stops those before it", async () => {
    const world = createWorld();
    const failing = startWith(async () => {
      await quiesce();
      return { error: { error: boom } };
    });
    const inner = treeOf([world.worker("b"), child("c", failing)]);
    const tree = treeOf([world.worker("a"), child("inner", inner)]);
    const { told, logger } = createLog();
    const error = await startError(world, tree, { logger });
    expect(error.message).toMatch(/^application did not start: child "inner" did not start: child "c" did not start: Error: boom/); // prettier-ignore
    expect(told).toEqual([
      "application did not start: its child application/inner/c failed: Error: boom",
    ]);
    expect(world.news()).toEqual(["+a", "+b", "-b shutdown", "-a shutdown"]);
    expect(world.node.processes()).toEqual([]);
  });

  test.each<[string, () => SupervisorDefinition | Promise<SupervisorDefinition>, string]>([
    ["throws", () => { throw boom; }, "Error: boom"], // prettier-ignore
    ["rejects", () => Promise.reject(boom), "Error: boom"],
    ["throws what is no error", () => { throw "no"; }, `ThrownValueError: thrown: "no"`], // prettier-ignore
    ["returns a tree that ignores its start", () => defineSupervisor(() => "ignore"), "ignore"],
  ])("fails when its start function %s", async (_, startTree, reason) => {
    const world = createWorld();
    const application = defineApplication({ name: "shop", start: startTree });
    const error = await startError(world, application);
    expect(formatReason(error.reason)).toBe(reason);
    expect(world.node.processes()).toEqual([]);
  });

  test("is refused while it runs on this node already, and not afterwards", async () => {
    const world = createWorld();
    const tree = treeOf([world.worker("a")]);
    const { handle } = await start(world, tree);
    const error = await startError(world, tree);
    expect(error.reason).toEqual({ alreadyStarted: handle.pid });
    expect(world.node.isAlive(handle.pid)).toBe(true);
    await handle.stop();
    const again = await start(world, tree);
    await again.handle.stop();
  });

  test("is possible beside another application, and on another node", async () => {
    const world = createWorld();
    const shop = defineApplication({ name: "shop", start: () => treeOf([world.worker("a")]) });
    const first = await start(world, shop);
    const second = await start(world, treeOf([world.worker("b")]));
    const elsewhere = await start(createWorld({ name: "other" }), shop);
    for (const { handle } of [first, second, elsewhere]) {
      expect((await handle.stop()).problems).toEqual([]);
    }
  });

  test("is stopped by the end of its node, when the child that starts has started", async () => {
    const world = createWorld();
    const slow = startWith(async (starter, options) => {
      await world.node.sleep(50);
      return { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) };
    });
    const tree = treeOf([world.worker("a"), child("slow", slow), world.worker("c")]);
    const starting = startApplication(world.node, tree);
    starting.catch(() => undefined);
    await quiesce();
    const stopping = world.node.stop();
    expect(await isSettled(starting)).toBe(false);
    await world.clock.advance(50);
    await expect(starting).rejects.toMatchObject({ reason: "shutdown" });
    // What a supervisor has begun to start it starts, as in OTP.
    expect(world.news()).toEqual(["+a", "+c", "-c shutdown", "-a shutdown"]);
    expect(await stopping).toEqual({ killed: [] });
  });
});

describe("the callbacks of an application", () => {
  interface Env {
    readonly greeting: string;
    readonly times: number;
  }

  test("get the configuration, the state, and a process of their own", async () => {
    const world = createWorld();
    const application = defineApplication({
      name: "shop",
      env: { greeting: "hello", times: 1 } as Env,
      start: (env) => {
        world.journal.push(`start ${JSON.stringify(env)}`);
        return { tree: treeOf([world.worker("a")]), state: ["started"] as readonly string[] };
      },
      prepStop: async (state, self) => {
        await self.sleep(10);
        world.journal.push(`prepStop ${state.join()}`);
        return [...state, "prepared"];
      },
      stop: (state, self) => {
        const info = self.node.processInfo(self.pid);
        world.journal.push(`stop ${state.join()} in ${info?.label}`);
      },
    });
    const { handle, news } = await start(world, application as ApplicationDefinition, {
      env: { times: 3 } as object,
    });
    expect(news()).toEqual([`start {"greeting":"hello","times":3}`, "+a"]);
    const stopped = handle.stop();
    await world.clock.advance(10);
    expect(news()).toEqual(["prepStop started", "-a shutdown", "stop started,prepared in stop"]);
    expect((await stopped).problems).toEqual([]);
  });

  test("a state that prepStop does not return stays", async () => {
    const world = createWorld();
    const states: unknown[] = [];
    const application = defineApplication({
      name: "shop",
      start: () => ({ tree: treeOf([]), state: 7 }),
      prepStop: (state) => void states.push(state),
      stop: (state) => void states.push(state),
    });
    const { handle } = await start(world, application);
    await handle.stop();
    expect(states).toEqual([7, 7]);
  });

  // OTP's application_master, loop_it: `{'EXIT', Child, Reason} -> NewAppState = prep_stop(…), Mod:stop(NewAppState)`.
  test("are called one after the other also when the tree ends by itself, as in OTP", async () => {
    const world = createWorld();
    const application = defineApplication({
      name: "shop",
      start: () => ({ tree: treeOf([world.worker("a")]), state: "running" }),
      prepStop: async (state, self) => {
        world.journal.push(`prepStop ${state}`);
        await self.sleep(10);
        return "prepared";
      },
      stop: (state) => void world.journal.push(`stop ${state}`),
    });
    const { handle, news, clock, ended } = await start(world, application);
    news();
    world.node.exit(handle.supervisor, "kill");
    await quiesce();
    expect(news().toSorted()).toEqual(["-a killed", "prepStop running"]);
    await clock.advance(10);
    expect(news()).toEqual(["stop prepared"]);
    expect(ended()?.cause).toMatchObject({ type: "failed", reason: "killed" });
  });

  test("stop waits for prepStop, and gets its state, when the tree ends meanwhile", async () => {
    const world = createWorld();
    const application = defineApplication({
      name: "shop",
      start: () => ({ tree: treeOf([world.worker("a")]), state: "running" }),
      prepStop: async (_state, self) => {
        await self.sleep(10);
        world.journal.push("prepStop has returned");
        return "prepared";
      },
      stop: (state) => void world.journal.push(`stop ${state}`),
    });
    const { handle, news, clock } = await start(world, application);
    news();
    const stopped = handle.stop();
    await quiesce();
    world.node.exit(handle.supervisor, "kill");
    await quiesce();
    expect(news()).toEqual(["-a killed"]);
    await clock.advance(10);
    expect(news()).toEqual(["prepStop has returned", "stop prepared"]);
    expect(await stopped).toMatchObject({
      cause: { type: "requested" },
      problems: [{ type: "shutdownFailed", path: "shop", reason: "killed" }],
    });
  });

  test.each<"prepStop" | "stop">(["prepStop", "stop"])(
    "an error of %s is a problem, and the rest goes on",
    async (callback) => {
      const world = createWorld();
      const application = defineApplication({
        name: "shop",
        start: () => treeOf([world.worker("a")]),
        [callback]: () => {
          throw boom;
        },
      });
      const { handle, news, told } = await start(world, application);
      news();
      const { problems } = await handle.stop();
      expect(problems).toEqual([{ type: "callbackFailed", callback, reason: { error: boom } }]);
      expect(told).toEqual(["shop stops", `${callback} of shop failed: Error: boom`]);
      expect(news()).toEqual(["-a shutdown"]);
    },
  );

  test.each<["prepStop" | "stop", ExitReason]>([
    ["prepStop", "killed"],
    ["stop", "shutdown"],
  ])("%s that never returns is named and killed at the deadline", async (callback, reason) => {
    const world = createWorld();
    const application = defineApplication({
      name: "shop",
      start: () => treeOf([world.worker("a")]),
      [callback]: HANGS,
    });
    const { handle, clock, ended, news, node, told } = await start(world, application, {
      deadlineMs: 1_000,
    });
    news();
    void handle.stop();
    await clock.advance(999);
    expect(ended()).toBeUndefined();
    await clock.advance(1);
    expect(ended()?.problems).toMatchObject([{ type: "stuck", path: `shop ${callback}` }]);
    const held = `shop ${callback} <demo.\\d+> has not ended: its code is busy`;
    expect(told.slice(1)).toEqual([
      expect.stringMatching(new RegExp(`^half of the time to stop is over: ${held}`)),
      expect.stringMatching(new RegExp(`^killed at the deadline: ${held}`)),
    ]);
    expect(news()).toEqual([`-a ${formatReason(reason)}`]);
    expect(node.processes()).toEqual([]);
  });

  test.each([
    [
      { env: { greetings: "hi" } },
      `startApplication: options.env must be made of greeting, times, but is {"greetings":"hi"}`,
    ],
    [{ env: null }, "startApplication: options.env must be an object, but is null"],
    [
      { deadlineMs: 0 },
      "startApplication: options.deadlineMs must be a number greater than 0, but is 0",
    ],
    [
      { deadlineMs: "1s" },
      `startApplication: options.deadlineMs must be a number greater than 0, but is "1s"`,
    ],
    [
      { logger: "console" },
      `startApplication: options.logger must be a function, but is "console"`,
    ],
    [
      { deadline: 1 },
      `startApplication: options must be made of env, deadlineMs, logger, but is {"deadline":1}`,
    ],
  ])("the options %j are refused, and nothing is started", async (options, message) => {
    // prettier-ignore
    const world = createWorld();
    const application = defineApplication({
      name: "shop",
      env: { greeting: "hello", times: 1 },
      start: () => treeOf([world.worker("a")]),
    });
    const starting = startApplication(world.node, application, options as object);
    await expect(starting).rejects.toThrow(InvalidArgumentError);
    await expect(starting).rejects.toThrow(message);
    expect(world.journal).toEqual([]);
  });

  test("a tree alone has no env", async () => {
    const world = createWorld();
    const starting = startApplication(world.node, treeOf([]), { env: { port: 1 } as object });
    await expect(starting).rejects.toThrow("options.env must be left out");
  });

  test.each([
    [null, "application must be an object of name, env, start, prepStop, stop, but is null"],
    [{}, "name must be a string"],
    [{ name: "a b" }, "name must be a string"],
    [{ name: "" }, "name must be a string"],
    [{ name: "shop" }, "start must be a function, but is undefined"],
    [{ name: "shop", start: HANGS, env: 1 }, "env must be an object, but is 1"],
    [{ name: "shop", start: HANGS, stop: 1 }, "stop must be a function, but is 1"],
    [{ name: "shop", start: HANGS, prep_stop: HANGS }, "prep_stop must be one of name, env"],
  ])("%j is no application", (spec, message) => {
    expect(() => defineApplication(spec as never)).toThrow(InvalidArgumentError);
    expect(() => defineApplication(spec as never)).toThrow(`defineApplication: ${message}`);
  });

  test.each([null, undefined, "shop", {}, { children: [] }])(
    "%j cannot be started",
    async (what) => {
      const { node } = createWorld();
      await expect(startApplication(node, what as never)).rejects.toThrow(
        "startApplication: application must be an application, or a tree that defineSupervisor made",
      );
    },
  );
});

describe("the deadlines of an application", () => {
  test("a child has what its spec says, and the others stop all the same", async () => {
    const world = createWorld();
    const stuck = world.worker({ id: "b", shutdown: 200 }, "ignores");
    const tree = treeOf([world.worker("a"), stuck, world.worker("c")]);
    const { handle, clock, news, ended, told } = await start(world, tree);
    news();
    void handle.stop();
    await clock.advance(199);
    expect(news()).toEqual(["-c shutdown"]);
    await clock.advance(1);
    expect(news()).toEqual(["-b killed", "-a shutdown"]);
    expect(ended()).toMatchObject({
      cause: { type: "requested" },
      problems: [{ type: "shutdownFailed", path: "application/b", reason: "killed" }],
    });
    expect(told[1]).toMatch(/^child application\/b <demo.\d+> was killed: it had not ended in its time/); // prettier-ignore
  });

  test("what has not ended at the deadline is named by its place and killed, with all else", async () => {
    const world = createWorld();
    const options = { id: "deep", shutdown: "infinity" } as const;
    const workers = treeOf([world.worker("b"), world.worker(options, "ignores")]);
    const inner = treeOf([child("workers", workers), world.worker("c")]);
    const tree = treeOf([world.worker("a"), child("inner", inner), world.worker("d")]);
    const shop = defineApplication({ name: "shop", start: () => tree });
    const { handle, clock, news, ended, node, told } = await start(world, shop, {
      deadlineMs: 3_000,
    });
    news();
    void handle.stop();
    await clock.advance(2_999);
    expect(news()).toEqual(["-d shutdown", "-c shutdown"]);
    expect(ended()).toBeUndefined();
    await clock.advance(1);
    expect(ended()?.problems).toMatchObject([{ type: "stuck", path: "shop/inner/workers/deep" }]);
    expect(told.slice(1)).toEqual([
      expect.stringMatching(/^half of the time to stop is over: shop waits for shop\/inner\/workers\/deep <demo.\d+> and its end; for 1500 ms by now; it traps exits/),
      expect.stringMatching(/^killed at the deadline: shop\/inner\/workers\/deep <demo.\d+> has not ended: it traps exits/),
    ]); // prettier-ignore
    expect(news().toSorted()).toEqual(["-a killed", "-b killed", "-deep killed"]);
    expect(node.processes()).toEqual([]);
  });

  test("a child that was restarted, and so is the youngest, is not taken for the one that is stuck", async () => {
    const world = createWorld();
    const tree = treeOf([
      world.worker("a"),
      world.worker({ id: "b", shutdown: "infinity" }, "ignores"),
    ]);
    const { handle, clock, ended } = await start(world, tree, { deadlineMs: 100 });
    await world.tell(handle.supervisor, "a", { type: "throw", error: boom });
    void handle.stop();
    await clock.advance(100);
    expect(ended()?.problems).toMatchObject([{ type: "stuck", path: "application/b" }]);
  });

  test("all children of a dynamic supervisor that are stuck are named, up to ten", async () => {
    const world = createWorld();
    const stubborn = async (self: Self<unknown>): Promise<void> => {
      self.trapExits();
      for (;;) await self.receive();
    };
    const template = childTemplate({ id: "one", shutdown: "infinity" }, stubborn);
    const many = child("many", defineDynamicSupervisor({ child: template }));
    const { handle, clock, ended, told } = await start(world, treeOf([many]), { deadlineMs: 100 });
    const [only] = await whichChildren(world.node, handle.supervisor);
    for (let i = 0; i < 12; i++) await startChild(world.node, only?.pid as never, [] as never);
    void handle.stop();
    await clock.advance(100);
    const stuck = { type: "stuck", path: "application/many/one" };
    expect(ended()?.problems).toMatchObject(Array.from({ length: 12 }, () => stuck));
    expect(told.at(-1)).toMatch(/^killed at the deadline: application\/many\/one <demo.\d+>/);
    const text = formatApplicationReport({
      type: "stopped",
      application: "application",
      end: ended() as ApplicationEnd,
    });
    expect(text?.split("\n")).toHaveLength(11);
    expect(text).toMatch(/and 2 more$/);
  });

  test("a child whose code hangs is named with what it does", async () => {
    const world = createWorld();
    const tree = treeOf([world.worker({ id: "a", shutdown: "infinity" })]);
    const { handle, clock, told } = await start(world, tree, { deadlineMs: 100 });
    await world.tell(handle.supervisor, "a", { type: "hang" });
    void handle.stop();
    await clock.advance(100);
    expect(told[2]).toMatch(/application\/a <demo.\d+> has not ended: its code unwinds/);
  });

  test("a child that is still starting at the deadline is named, too", async () => {
    const world = createWorld();
    const starting = startWith<never>((starter, options) =>
      (starter as unknown as Self<never>).spawnAndWait(options, HANGS),
    );
    const inner = treeOf([world.worker("a"), child("slow", starting)]);
    const shop = defineApplication({
      name: "shop",
      start: () => treeOf([child("inner", inner)]),
    });
    const { told, logger } = createLog();
    const failing = startError(world, shop, { deadlineMs: 500, logger });
    await quiesce();
    const stopped = world.node.stop({ timeoutMs: 1_000 });
    await world.clock.advance(500);
    expect((await failing).reason).toBe("killed");
    expect(told.at(-1)).toMatch(
      /^killed at the deadline: shop\/inner\/slow <demo.\d+> has not ended/,
    );
    expect(await stopped).toEqual({ killed: [] });
  });

  test("where no process is known to be starting, its supervisor is named", async () => {
    const world = createWorld();
    const inner = treeOf([child("slow", startWith(HANGS))]);
    const { told, logger } = createLog();
    const failing = startError(world, treeOf([child("inner", inner)]), { deadlineMs: 500, logger });
    await quiesce();
    void world.node.stop();
    await world.clock.advance(500);
    await failing;
    expect(told.at(-1)).toMatch(
      /^killed at the deadline: application\/inner <demo.\d+> has not ended/,
    );
  });

  test("a start function of the application that hangs is named", async () => {
    const world = createWorld();
    const { told, logger } = createLog();
    const shop = defineApplication({ name: "shop", start: HANGS });
    const failing = startError(world, shop, { deadlineMs: 500, logger });
    await quiesce();
    void world.node.stop();
    await world.clock.advance(500);
    await failing;
    expect(told.at(-1)).toBe("killed at the deadline: shop start has not ended");
  });

  test("there is none when it is Infinity", async () => {
    const world = createWorld();
    const worker = world.worker({ id: "a", shutdown: "infinity" }, { endsAfterMs: 1_000_000 });
    const { handle, clock, ended } = await start(world, treeOf([worker]), { deadlineMs: Infinity });
    void handle.stop();
    await clock.advance(999_999);
    expect(ended()).toBeUndefined();
    await clock.advance(1);
    expect(ended()?.problems).toEqual([]);
  });
});

describe("a tree that ends by itself", () => {
  test("has ended in order when its significant children are done", async () => {
    const world = createWorld();
    const done = world.worker({ id: "a", restart: "transient", significant: true });
    const tree = treeOf([done, world.worker("b")], { autoShutdown: "any_significant" });
    const { handle, ended, told } = await start(world, tree);
    await world.end(handle.supervisor, "a", "normal");
    expect(ended()).toEqual({ cause: { type: "ended", reason: "shutdown" }, problems: [] });
    expect(told).toEqual(["application has ended by itself: shutdown"]);
  });

  test("has failed when it gave up, and the chain of causes is told", async () => {
    const world = createWorld();
    const inner = treeOf([world.worker("b")], { intensity: 1 });
    const tree = treeOf([world.worker("a"), child("inner", inner)], { intensity: 0 });
    const { handle, ended, news, told } = await start(world, tree);
    const [, { pid }] = (await whichChildren(world.node, handle.supervisor)) as never as [
      unknown,
      { readonly pid: ApplicationHandle["supervisor"] },
    ];
    news();
    await world.tell(pid, "b", { type: "throw", error: boom });
    expect(ended()).toBeUndefined();
    await world.tell(pid, "b", { type: "throw", error: boom });
    expect(news()).toEqual(["-b Error: boom", "+b", "-b Error: boom", "-a shutdown"]);
    expect(ended()).toMatchObject({
      cause: {
        type: "failed",
        reason: "shutdown",
        gaveUp: [
          { path: "application", child: "inner", intensity: 0, reason: "shutdown" },
          { path: "application/inner", child: "b", intensity: 1, reason: { error: boom } },
        ],
      },
      problems: [],
    });
    expect(told.at(-1)).toBe(
      "application has failed: application gave up, as its child inner failed more than 0 times in 5000 ms; application/inner gave up, as its child b failed more than once in 5000 ms, last by Error: boom",
    );
  });

  test("has failed when a significant supervisor gave up, although it ends with shutdown", async () => {
    const world = createWorld();
    const inner = treeOf([world.worker("b")], { intensity: 0 });
    const significant = { id: "inner", restart: "transient", significant: true } as const;
    const tree = treeOf([child(significant, inner)], { autoShutdown: "any_significant" });
    const { handle, ended } = await start(world, tree);
    const [only] = await whichChildren(world.node, handle.supervisor);
    await world.tell(only?.pid as never, "b", { type: "throw", error: boom });
    expect(ended()?.cause).toMatchObject({
      type: "failed",
      gaveUp: [{ path: "application/inner", child: "b" }],
    });
  });

  test("has not failed by a supervisor that gave up, and was restarted long ago", async () => {
    const world = createWorld();
    const inner = treeOf([world.worker("b")], { intensity: 0 });
    const done = world.worker({ id: "a", restart: "transient", significant: true });
    const tree = treeOf([done, child("inner", inner)], { autoShutdown: "any_significant" });
    const { handle, ended } = await start(world, tree);
    const [, below] = await whichChildren(world.node, handle.supervisor);
    await world.tell(below?.pid as never, "b", { type: "throw", error: boom });
    await world.end(handle.supervisor, "a", "normal");
    expect(ended()?.cause).toEqual({ type: "ended", reason: "shutdown" });
  });

  test("has failed when its topmost supervisor was killed", async () => {
    const world = createWorld();
    const { handle, ended, told } = await start(world, treeOf([world.worker("a")]));
    world.node.exit(handle.supervisor, "kill");
    await quiesce();
    expect(ended()?.cause).toEqual({ type: "failed", reason: "killed", gaveUp: [] });
    expect(told).toEqual(["application has failed: killed"]);
  });

  test("by force, while it stops, is a problem of the stop", async () => {
    const world = createWorld();
    const tree = treeOf([world.worker("a", { endsAfterMs: 100 })]);
    const { handle, ended, clock } = await start(world, tree);
    void handle.stop();
    await clock.advance(50);
    world.node.exit(handle.supervisor, "kill");
    await quiesce();
    expect(ended()).toMatchObject({
      cause: { type: "requested" },
      problems: [{ type: "shutdownFailed", path: "application", reason: "killed" }],
    });
  });
});

describe("what an application tells", () => {
  test("are reports of its node when it has no logger", async () => {
    const lines: string[] = [];
    const world = createWorld({
      logger: (event) => void lines.push(formatFailure(event)?.split("\n", 1)[0] ?? event.type),
    });
    const seen: string[] = [];
    world.node.events.subscribe((event) => {
      if (event.type === "report") seen.push(`${event.report.level} ${event.report.format()}`);
    });
    const tree = treeOf([world.worker("a"), world.worker({ id: "b", shutdown: 10 }, "ignores")]);
    const shop = defineApplication({ name: "shop", start: () => tree });
    const handle = await startApplication(world.node, shop);
    await world.tell(handle.supervisor, "a", { type: "throw", error: boom });
    const stopped = handle.stop();
    await world.clock.advance(10);
    expect((await stopped).problems).toHaveLength(1);
    expect(lines.filter((line) => line.includes("shop"))).toEqual([
      expect.stringMatching(/shop\/a <demo.\d+> .*boom/),
      expect.stringMatching(/shop\/b <demo.\d+> /),
    ]);
    expect(seen).toContain("info started");
    expect(seen).toContain("info shop stops");
  });

  test("names children that crash, and whose code it was", async () => {
    const world = createWorld();
    const inner = treeOf([world.worker("b")]);
    const tree = treeOf([world.worker("a"), child("inner", inner)]);
    const { handle, told } = await start(world, tree);
    const [, below] = await whichChildren(world.node, handle.supervisor);
    await world.tell(below?.pid as never, "b", { type: "throw", error: boom });
    await world.end(handle.supervisor, "a", "tired");
    expect(told).toEqual([
      expect.stringMatching(
        /^child application\/inner\/b <demo.\d+> ended: Error: boom; it is restarted$/,
      ),
      expect.stringMatching(/^child application\/a <demo.\d+> ended: tired; it is restarted$/),
    ]);
  });

  test("does not take the stop of siblings for a restart for a problem of its own end", async () => {
    const world = createWorld();
    const tree = treeOf([world.worker("a"), world.worker({ id: "b", shutdown: 10 }, "ignores")], {
      strategy: "one_for_all",
    });
    const { handle, clock, ended, told } = await start(world, tree);
    await world.tell(handle.supervisor, "a", { type: "throw", error: boom });
    await clock.advance(10);
    expect(told[1]).toMatch(/^child application\/b .* was killed/);
    await world.tell(handle.supervisor, "b", { type: "exit", reason: "shutdown" } as never);
    void handle.stop();
    await clock.advance(20);
    expect(ended()?.problems).toMatchObject([{ path: "application/b" }]);
    expect(ended()?.problems).toHaveLength(1);
  });

  test("a child that ends normally where it is shut down has done no harm", async () => {
    const world = createWorld();
    const polite = child("polite", async (self: Self<unknown>) => {
      self.trapExits();
      await self.receive();
    });
    const { handle, told } = await start(world, treeOf([polite]));
    expect(await handle.stop()).toEqual({ cause: { type: "requested" }, problems: [] });
    expect(told).toEqual(["application stops"]);
  });

  test("a child that crashes while it is stopped is a problem", async () => {
    const world = createWorld();
    const clumsy = child("clumsy", async (self: Self<unknown>) => {
      self.trapExits();
      await self.receive();
      throw boom;
    });
    const { handle, told } = await start(world, treeOf([clumsy]));
    expect((await handle.stop()).problems).toMatchObject([
      { type: "shutdownFailed", path: "application/clumsy", reason: { error: boom } },
    ]);
    expect(told[1]).toMatch(/^child application\/clumsy <demo.\d+> was stopped, but ended otherwise: Error: boom/); // prettier-ignore
  });
});
