import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import * as testkit from "@coppice/testkit";
import { coppiceMatchers } from "@coppice/testkit/jest";

/** As somebody without types uses it. */
// oxlint-disable-next-line typescript/no-explicit-any -- wrong arguments are what this is about
const kit = testkit as any;
// oxlint-disable-next-line typescript/no-explicit-any -- the same
type Any = any;

/** What a program throws, or what it finds wrong. */
async function refusalIn(act: (sim: Any, node: Any) => unknown): Promise<string> {
  const run = await testkit
    .runProgramAsync((sim) => void act(sim, sim.node("n")), testkit.FIFO)
    .catch((error: unknown) => error);
  if (run instanceof Error) return `${run.name}: ${run.message}`;
  const [violation] = (run as testkit.Run).violations;
  return String(violation?.error ?? violation?.message);
}

const step = { client: "a", input: "read", output: 0, invokedAt: 0, returnedAt: 1 };
const suite = { initial: 0, commands: { add: { gen: () => fc.nat(), run: () => 1 } } };

describe("what would pass in silence is refused", () => {
  test.each<[string, (sim: Any, node: Any) => unknown, string]>([
    [
      "a consistency that is none",
      (sim) => kit.checkHistory(sim, kit.register(0), { consistency: "causal" }),
      'checkHistory: options.consistency must be "linearizable" or "sequential", but is "causal"',
    ],
    [
      "a model that is none",
      (sim) => kit.checkHistory(sim, {}),
      "checkHistory: model must be a model, with `initial` and `apply`, as register(0) is",
    ],
    [
      "a guarantee that is none",
      () => kit.checkSessions([], { guarantees: ["ryw"] }),
      'checkSessions: options.guarantees[0] must be one that fits a list of readYourWrites, monotonicReads, monotonicWrites, writesFollowReads, but is "ryw"',
    ],
    [
      "an operation that is none",
      () => kit.checkLinearizability(kit.register(0), [{}]),
      "checkLinearizability: history[0] must be one that fits a list of operations, but is {}",
    ],
    [
      "an operation that returned before it began",
      () => kit.checkLinearizability(kit.register(0), [{ ...step, invokedAt: 2 }]),
      "checkLinearizability: history[0] must be one that fits a list of operations",
    ],
    [
      "an input that the model does not know",
      () => kit.checkLinearizability(kit.keyValues(), [{ ...step, input: { gett: "x" } }]),
      'keyValues: input must be { get }, { put, value } or { delete }, but is {"gett":"x"}',
    ],
    [
      "a level that is none",
      () => kit.checkListAppend([], { level: "snapshot" }),
      "checkListAppend: options.level must be",
    ],
    [
      "a label in place of a list of labels",
      (sim, node) => kit.checkDeadlock(sim, [node], { idle: "locks" }),
      'checkDeadlock: options.idle must be a list of names and labels, but is "locks"',
    ],
    [
      "a node in place of a list of nodes",
      (sim, node) => kit.checkDeadlock(sim, node),
      "checkDeadlock: nodes must be a list of nodes",
    ],
    [
      "a pid in place of the node of checkLeaks",
      (sim, node) => kit.checkLeaks(sim, node.pid as never),
      "checkLeaks: node must be",
    ],
    [
      "an option of checkLeaks that is none",
      (sim, node) => kit.checkLeaks(sim, node, { expect: [] }),
      "checkLeaks: options must be made of expected",
    ],
    [
      "a rule that is none",
      (sim, node) => kit.checkStrictly(sim, node, { allow: ["ded"] }),
      "checkStrictly: options.allow[0] must be one that fits a list of unhandled, dead,",
    ],
    [
      "a limit that is none",
      (sim, node) => kit.checkStrictly(sim, node, { mailboxLimit: -1 }),
      "checkStrictly: options.mailboxLimit must be a whole number of at least 0, but is -1",
    ],
    [
      "a monitor of nothing",
      () => kit.eventually("it ends"),
      "eventually: happens must be a function, but is undefined",
    ],
    [
      "what is owed by nothing",
      () => kit.leadsTo("it ends", { from: () => true, too: () => true }),
      "leadsTo: options must be made of from, to, key",
    ],
    [
      "a limit in words",
      () => kit.within("it ends", { from: () => true, to: () => true, limit: "5" }),
      'within: options.limit must be a number of at least 0, but is "5"',
    ],
    [
      "how long a watch waits, misspelt",
      () => kit.createWatch([], { atleast: 5 }),
      "createWatch: options must be made of factor, atLeast",
    ],
    [
      "monitors that are none",
      (sim) => kit.checkLiveness(sim, [{}]),
      "checkLiveness: monitors[0] must be one that fits a list of monitors, as eventually(…) is, but is {}",
    ],
    [
      "no list of transactions",
      () => kit.checkListAppend(),
      "checkListAppend: transactions must be a list of transactions, but is undefined",
    ],
    [
      "a session that is misspelt",
      () => kit.checkCrossing({ snd: { a: "end" } }, "end"),
      "session: type must be made of send, receive, timeout, final",
    ],
    [
      "an option of checkCrossing that is none",
      () => kit.checkCrossing("end", "end", { bounds: 4 }),
      "checkCrossing: options must be made of bound, names",
    ],
    [
      "how many messages may be under way, as a text",
      () => kit.checkCrossing("end", "end", { bound: "4" }),
      "checkCrossing: options.bound must be a whole number greater than 0",
    ],
    [
      "what one of two sides is called, and the other not",
      () => kit.checkCrossing("end", "end", { names: ["client"] }),
      'checkCrossing: options.names must be two names, but is ["client"]',
    ],
    [
      "what explain is to run, left out",
      () => kit.explain(undefined, { violations: [{ check: "x" }] }),
      "explain: run must be a function, but is undefined",
    ],
    [
      "an option of reportFailure that is none",
      () => kit.reportFailure({ run: {} }, { found: "x" }),
      "reportFailure: options must be made of foundBy, program, states, replay, twin, nameOf",
    ],
    [
      "a session without a word",
      () => kit.dual({ final: true }),
      'session: type must be "end", or something to send or to receive',
    ],
    [
      "a conversation of one",
      (sim) =>
        kit.checkConversations(sim, {
          name: "x",
          types: ["end"],
          sideOf: () => 0,
          labelOf: () => "x",
        }),
      "checkConversations: options.types must be two session types, one for each side",
    ],
    [
      "losses where nothing is lost",
      (sim) => sim.faults.drop(),
      'faults.drop must be used under the profile "datagram", as no other loses or repeats single messages, but is "pairFifo"',
    ],
    [
      "an option of a fault that is none",
      (sim, node) =>
        sim.faults.crash(
          "x",
          node.spawn(async () => {}),
          { tims: 2 },
        ),
      "fault crash:x: options must be made of times, when, reads, target, uses",
    ],
    [
      "a partition one way, misspelt",
      (sim) => {
        sim.node("m");
        sim.faults.partition(["n"], ["m"], { oneway: true });
      },
      "fault partition:n|m: options must be made of",
    ],
    [
      "a partition from itself",
      (sim) => sim.partition(["n"], ["n"]),
      'partition: b must be nodes that are not on the other side, but is "n"',
    ],
    [
      "names in place of lists of names",
      (sim) => {
        sim.node("m");
        sim.faults.partition("n", "m");
      },
      'faults.partition: a must be a list of nodes, or of their names, with at least one, but is "n"',
    ],
    [
      "a fault so often",
      (sim) => sim.fault("a:b", () => {}, { times: -1 }),
      "fault a:b: options.times must be a whole number of at least 0, but is -1",
    ],
    [
      "a disk of nobody",
      (sim) => sim.durable("m", "log", []),
      'durable: node must be the name of a node, but is "m"',
    ],
    [
      "a node to resume that there is none of",
      (sim) => sim.resume("m"),
      'resume: node must be the name of a node, but is "m"',
    ],
    [
      "how a torn write is read, misspelt",
      (sim) => sim.durable("n", "log", [], { tear: () => [] }),
      "durable: options must be made of torn",
    ],
    [
      "what becomes of a disk",
      (sim) => sim.crash("n", "burnt"),
      'crash: unsynced must be "lost", "kept" or "torn", but is "burnt"',
    ],
    [
      "a jump to nowhere",
      (sim) => sim.jump("n"),
      "jump: byMs must be a finite number, but is undefined",
    ],
    [
      "a failure without words",
      (sim) => sim.fail("it is right"),
      "fail: message must be text that says why, but is undefined",
    ],
    [
      "a boot of nothing",
      (sim) => sim.boot("m"),
      "boot: boot must be a function, but is undefined",
    ],
    [
      "reads that are no list",
      (sim) => sim.always("x", () => true, { reads: "n" }),
      'always "x": options.reads must be a list of pids',
    ],
    [
      "commands that are made by no function",
      () => kit.defineCommands(suite),
      "defineCommands: commands must be a function, but is",
    ],
    [
      "commands that are misspelt",
      () =>
        kit.defineCommands({
          initial: 0,
          commands: () => ({ add: { ...suite.commands.add, postt: () => false } }),
        }),
      "defineCommands: commands.add must be made of gen, pre, run, post, next",
    ],
    [
      "a command that the suite has not",
      (_sim, node) =>
        kit.runCommands(
          node,
          suite,
          { prefix: [{ token: kit.tokenOf(0), command: "sub", input: 1 }], clients: [] },
          {},
        ),
      'runCommands: program must be made of the suite\'s commands, add, but is "sub"',
    ],
    [
      "inputs that are no arbitrary",
      () =>
        fc.sample(
          kit.commandPrograms({ initial: 0, commands: { add: { gen: () => 5, run: () => 1 } } }),
          5,
        ),
      "what gen of add returns must be an arbitrary of fast-check, or undefined, but is 5",
    ],
    [
      "a strategy that is none",
      () => kit.schedules({ strategies: ["dfs"] }),
      "schedules: options.strategies[0] must be one that fits a list of fifo, lifo,",
    ],
    [
      "a token in place of a schedule",
      () => kit.strategyOf("v1:p=pairFifo"),
      'strategyOf: schedule must be a schedule, as createSchedule and parseSchedule make them, but is "v1:p=pairFifo"',
    ],
    [
      "a kind in place of a list of kinds",
      () => [...kit.ignoreKinds(async () => {}, "inc")],
      'ignoreKinds: kinds must be a list of kinds of messages, but is "inc"',
    ],
    [
      "a field that no tree has",
      () => kit.matchTree({ id: "x", children: [] }, { id: "x", childs: [] }),
      "matchTree: shape must be made of id, pid,",
    ],
    [
      "a pattern that is none, under not",
      () => coppiceMatchers.toHaveTrace.call(undefined, { steps: [] }, [5 as never]),
      "matchTrace: patterns[0] must be one that fits a list of keys, patterns and functions, but is 5",
    ],
    [
      "a probe that waits for words",
      (_sim, node) => kit.createProbe(node, { withinMs: "5" }),
      'createProbe: options.withinMs must be a number of at least 0, but is "5"',
    ],
  ])("%s", async (_, act, message) => {
    expect(await refusalIn(act)).toContain(`InvalidArgumentError: ${message}`);
  });

  test.each<[object, string]>([
    [
      { faults: { crash: -1 } },
      "simulation: options.faults.crash must be a whole number of at least 0, but is -1",
    ],
    [
      { faults: 3 },
      "simulation: options.faults must be how many there may be of each kind, as { crash: 1 }, but is 3",
    ],
    [
      { plan: [{ fault: "crash:x", at: { stp: 1 } }] },
      'simulation: options.plan[0] must be one that fits a list of { fault: "KIND:TARGET", at: { step } or { after } or { when } }',
    ],
    [
      { plan: [{ fault: "crash:x", at: { step: 0 } }] },
      'simulation: options.plan must be a fault that the program declares: strike, but is "crash:x"',
    ],
    [{ traceSends: 1 }, "simulation: options.traceSends must be true or false, but is 1"],
  ])("the options %j of a simulation", async (options, message) => {
    const run = testkit.runProgramAsync(
      (sim) => {
        sim.node();
        sim.fault("strike", () => {});
      },
      testkit.FIFO,
      options,
    );
    await expect(run).rejects.toThrow(message);
  });

  test.each<[string, (sim: Any) => void]>([
    ["x:y", (sim) => sim.faults.declare("x:y", () => undefined)],
    ["strike", (sim) => sim.fault("strike", () => undefined)],
    ["partition:a|b", (sim) => sim.faults.partition(["a"], ["b"])],
    ["disconnect:a|b", (sim) => sim.faults.disconnect("a", "b")],
    ["jump:a", (sim) => sim.faults.clockJump("a", 5)],
  ])("the fault %s of a program that has no node, planned or not", async (fault, declare) => {
    const message = `InvalidArgumentError: sim.faults: nodes must be at least one by the time that ${fault} can happen, but is []`;
    for (const plan of [[], [{ fault, at: { step: 0 } }]]) {
      const run = testkit.runProgramAsync(declare, testkit.FIFO, { plan });
      expect(String(await run.catch((error: unknown) => error))).toBe(message);
    }
    const sim = testkit.simulate();
    declare(sim);
    expect(String(await sim.settle().catch((error: unknown) => error))).toBe(message);
  });

  test.each<[object, string]>([
    [{ all: 1 }, "explore: options.all must be true or false, but is 1"],
    [
      { commutes: ["get", "get"] },
      "explore: options.commutes[0] must be one that fits a list of pairs of kinds",
    ],
    [
      { strategies: "walk" },
      'explore: options.strategies must be names of walk, pct2, pct3, pos, surw, but is "walk"',
    ],
    [{ simulation: 5 }, "explore: options.simulation must be an object, but is 5"],
  ])("the options %j of an exploration", async (options, message) => {
    await expect(testkit.inMacrotask(() => kit.explore(() => {}, options))).rejects.toThrow(
      message,
    );
  });

  test("a promise, where it has to be said at once", async () => {
    const sim = testkit.simulate();
    await expect(sim.until((async () => false) as Any)).rejects.toThrow(
      "until: holds must be a function that says at once",
    );
    const node = sim.node();
    const run = kit.runCommands(
      node,
      { initial: 0, commands: { add: { ...suite.commands.add, post: async () => false } } },
      { prefix: [{ token: kit.tokenOf(0), command: "add", input: 1 }], clients: [] },
      {},
    );
    await sim.settle();
    expect(() => run.verdict()).toThrow("post of add returns a promise, but has to say at once");
  });

  test("a guard that is none", async () => {
    const sim = testkit.simulate();
    const probe = testkit.createProbe<string>(sim.node(), { sim }) as Any;
    await expect(probe.expect("hello")).rejects.toThrow(
      'expect: guard must be a function, but is "hello"',
    );
    await expect(probe.expect({ within: 5 })).rejects.toThrow(
      "expect: options must be made of withinMs",
    );
    await expect(probe.fishFor(() => true, { withinMs: "5" })).rejects.toThrow(
      'fishFor: options.withinMs must be a number of at least 0, but is "5"',
    );
  });
});
