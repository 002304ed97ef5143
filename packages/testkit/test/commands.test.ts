import { describe, expect, test } from "@jest/globals";
import { createNode, InvalidArgumentError, type Self } from "@coppice/core";
import fc from "fast-check";
import {
  activeSteps,
  commandPrograms,
  CommandsError,
  defineCommands,
  FIFO,
  formatProgram,
  inMacrotask,
  runCommands,
  runProgramAsync,
  seeded,
  tokenOf,
  type CommandProgram,
  type CommandSuite,
  type ProgramStep,
  type Simulation,
  type Token,
} from "@coppice/testkit";
import { searchCases } from "../src/actor-test.js";

/** Tickets: taken, used once each, given back. */
interface Desk {
  next: number;
  readonly open: Set<number>;
  /** Gives way between look and leap. */
  readonly pause: (self: Self<never>) => Promise<void> | void;
}
interface DeskModel {
  readonly open: readonly (number | Token)[];
}
const desk = (pause: Desk["pause"] = () => undefined): Desk => ({
  next: 1,
  open: new Set(),
  pause,
});

const suite = defineCommands<DeskModel, Desk>({
  initial: { open: [] },
  commands: (command) => ({
    take: command({
      gen: () => fc.constant(undefined),
      run: async (real, _input, self) => {
        const ticket = real.next;
        await real.pause(self);
        real.next = ticket + 1;
        real.open.add(ticket);
        return ticket;
      },
      post: ({ open }, _input, ticket) => !open.includes(ticket),
      next: ({ open }, _input, ticket) => ({ open: [...open, ticket] }),
    }),
    use: command({
      gen: ({ open }) =>
        open.length === 0 ? undefined : fc.record({ ticket: fc.constantFrom(...open) }),
      pre: ({ open }, { ticket }) => open.includes(ticket),
      run: (real, { ticket }) => real.open.delete(ticket as number),
      post: (_model, _input, wasOpen) => wasOpen,
      next: ({ open }, { ticket }) => ({ open: open.filter((each) => each !== ticket) }),
    }),
  }),
});

const tokens = Array.from({ length: 9 }, (_, step) => tokenOf(step));
const take = (step: number): ProgramStep => ({
  token: tokens[step] as Token,
  command: "take",
  input: undefined,
});
const use = (step: number, ticket: number): ProgramStep => ({
  token: tokens[step] as Token,
  command: "use",
  input: { ticket: tokens[ticket] },
});
const active = (program: CommandProgram): number[] =>
  [...activeSteps(suite as CommandSuite<DeskModel, never>, program)].sort((a, b) => a - b);

describe("programs of commands", () => {
  test("each program that is made is all active as far as one client goes, with results used before they are known", () => {
    let uses = 0;
    fc.assert(
      fc.property(commandPrograms(suite, { clients: 0 }), (program) => {
        expect(program.clients).toEqual([]);
        expect(active(program)).toHaveLength(program.prefix.length);
        uses += program.prefix.filter(({ command }) => command === "use").length;
      }),
      { numRuns: 300 },
    );
    expect(uses).toBeGreaterThan(50);
  });

  test("there are as many clients as were asked for", () => {
    fc.assert(
      fc.property(commandPrograms(suite, { clients: 5, maxSteps: 2 }), ({ clients }) => {
        expect(clients).toHaveLength(5);
        expect(Math.max(...clients.map((steps) => steps.length))).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("small programs come first", () => {
    const lengths: number[] = [];
    const many = commandPrograms(suite, { clients: 2, maxPrefix: 12, maxSteps: 12 });
    fc.assert(
      fc.property(many, ({ prefix, clients }) => {
        lengths.push(prefix.length + clients.flat().length);
      }),
      { numRuns: 2_000, seed: 1 },
    );
    expect(Math.max(...lengths.slice(0, 8))).toBeLessThanOrEqual(12);
    expect(Math.max(...lengths)).toBeGreaterThan(24);
  });

  test("a step whose precondition some order breaks does nothing, and the others stay", () => {
    expect(active({ prefix: [take(0)], clients: [[use(1, 0)], [take(2)]] })).toEqual([0, 1, 2]);
    // Both want the one ticket: only one of them is left.
    expect(active({ prefix: [take(0)], clients: [[use(1, 0)], [use(2, 0)]] })).toHaveLength(2);
    expect(active({ prefix: [take(0), take(1)], clients: [[use(2, 0)], [use(3, 1)]] })).toEqual([
      0, 1, 2, 3,
    ]);
  });

  test("a step that wants the result of another client, or of a step that is gone, does nothing", () => {
    expect(active({ prefix: [], clients: [[take(0)], [use(1, 0)]] })).toEqual([0]);
    expect(active({ prefix: [], clients: [[take(0), use(1, 0)], [take(2)]] })).toEqual([0, 1, 2]);
    expect(active({ prefix: [use(1, 0)], clients: [] })).toEqual([]);
  });

  test("it is written with the steps that do nothing marked", () => {
    const program = { prefix: [take(0)], clients: [[use(1, 0)], [use(2, 7)]] };
    expect(
      formatProgram(program, activeSteps(suite as CommandSuite<DeskModel, never>, program)),
    ).toBe(
      [
        "result0 = take()",
        "client 1:",
        '  result1 = use({"ticket":"result0"})',
        "client 2:",
        '  - result2 = use({"ticket":"result7"})',
      ].join("\n"),
    );
  });

  test("a wrong suite is refused", () => {
    expect(() => defineCommands({ initial: 0, commands: () => ({}) })).toThrow(
      InvalidArgumentError,
    );
    expect(() => commandPrograms(suite, { clients: -1 })).toThrow(InvalidArgumentError);
  });
});

test("what a command draws is what all of it takes, and what it returns is judged", () => {
  const compiled = (_never: () => unknown): void => undefined;
  compiled(() =>
    defineCommands<string[], Set<string>>({
      initial: [],
      commands: (command) => ({
        good: command({
          gen: (words) => (words.length === 0 ? undefined : fc.constantFrom(...words)),
          pre: (words, word) => words.includes(word),
          run: async (set, word) => set.delete(word),
          post: (_words, word, was) => was && word.length > 0,
          // What returned before it ran stands for what it returns.
          next: (words, word, was: boolean | Token) => (was === true ? [word] : words),
        }),
        wider: command({
          gen: () => fc.nat(),
          run: (_set, input: number | string) => input,
          post: (_words, input: unknown, result: number | string | undefined) => input === result,
        }),
        // @ts-expect-error -- run takes other inputs than are drawn
        run: command({ gen: () => fc.nat(), run: (set, word: string) => set.has(word) }),
        pre: command({
          gen: () => fc.nat(),
          // @ts-expect-error -- pre takes others
          pre: (_words, word: string) => word.length > 0,
          run: () => 1,
        }),
        post: command({
          gen: () => fc.nat(),
          run: () => 1,
          // @ts-expect-error -- post takes others
          post: (_words, word: string) => word.length > 0,
        }),
        next: command({
          gen: () => fc.nat(),
          run: () => 1,
          // @ts-expect-error -- next takes others
          next: (words, word: string) => [...words, word],
        }),
        result: command({
          gen: () => fc.nat(),
          run: async () => 1,
          // @ts-expect-error -- run returns a number
          post: (_words, _input, result: string) => result === "1",
        }),
        early: command({
          gen: () => fc.nat(),
          run: () => "word",
          // @ts-expect-error -- it may be a token that stands for the word
          next: (words, _input, word) => [...words, word],
        }),
        model: command({
          gen: () => fc.nat(),
          run: () => 1,
          // @ts-expect-error -- that is no model
          next: () => 5,
        }),
        // @ts-expect-error -- it acts upon something else
        real: command({ gen: () => fc.nat(), run: (map: Map<string, number>) => map.size }),
        // @ts-expect-error -- nobody has looked whether it fits
        loose: { gen: () => fc.nat(), run: () => 1 },
      }),
    }),
  );
});

describe("running them", () => {
  const run = async (program: CommandProgram, real: Desk, strategy = FIFO): Promise<string[]> => {
    const { violations } = await runProgramAsync((sim) => {
      const going = runCommands(sim.node(), suite, program, real, { sim });
      sim.finally("the results have an order", () => going.check());
    }, strategy);
    return violations.map(({ message }) => message);
  };

  test("an object that does what the model says passes under every schedule tried", async () => {
    await fc.assert(
      fc.asyncProperty(commandPrograms(suite, { clients: 3 }), fc.nat(), async (program, seed) => {
        expect(await run(program, desk(), seeded(seed))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("a race between two clients is found, and shrunk to the two commands of it", async () => {
    const result = await fc.check(
      fc.asyncProperty(commandPrograms(suite, { clients: 3 }), async (program) => {
        expect(
          await run(
            program,
            desk((self) => self.yield()),
          ),
        ).toEqual([]);
      }),
      { seed: 7, numRuns: 200 },
    );
    expect(result.failed).toBe(true);
    const [program] = result.counterexample as [CommandProgram];
    expect(program.prefix).toEqual([]);
    expect(
      program.clients
        .filter((steps) => steps.length > 0)
        .map((steps) => steps.map(({ command }) => command)),
    ).toEqual([["take"], ["take"]]);
  });

  test("they are tests of actors like others: programs are drawn, schedules explored, and both shrunk", async () => {
    const body = (pause: Desk["pause"]) => (sim: Simulation, program: CommandProgram) => {
      const going = runCommands(sim.node(), suite, program, desk(pause), { sim });
      sim.finally("the results have an order", () => going.check());
    };
    const search = (pause: Desk["pause"]): Promise<ReturnType<typeof searchCases>> =>
      inMacrotask(() =>
        searchCases({
          arbitraries: [commandPrograms(suite)],
          body: body(pause),
          runs: 20,
          schedules: 20,
          seed: 1,
          budgetMs: 15_000,
          simulation: {},
        }),
      );
    expect(await search(() => undefined)).toMatchObject({ programs: 20 });
    const failure = await search((self) => self.yield());
    expect(failure).toMatchObject({
      violation: expect.stringMatching(
        /^the results have an order: .*\nclient 1:\n {2}result\d = take\(\)\nclient 2:\n {2}result\d = take\(\)\nlongest/,
      ) as unknown,
    });
  });

  test("a result that the model refuses is told with the program, the prefix and the states", async () => {
    const broken = { ...desk(), open: new Set<number>() };
    broken.open.delete = () => false;
    const [message] = await run({ prefix: [take(0), use(1, 0)], clients: [] }, broken);
    expect(message).toContain('no order explains that use({"ticket":1}) returned false');
    expect(message).toContain("result0 = take() → 1");
    expect(message).toContain('states it may lead to: {"open":[1]}');
  });

  test("an error is a failure, unless it is said what it means", async () => {
    const failing = defineCommands<number, { calls: number }>({
      initial: 0,
      commands: (command) => ({
        add: command({
          gen: () => fc.constant(undefined),
          run: (real) => {
            if (++real.calls === 1) throw new Error("timeout");
            return real.calls;
          },
          post: (sum, _input, result) => result === sum + 1,
          next: (sum) => sum + 1,
        }),
      }),
    });
    const add = (step: number): ProgramStep => ({
      token: tokens[step] as Token,
      command: "add",
      input: undefined,
    });
    const program = { prefix: [add(0), add(1)], clients: [] };
    const node = createNode({ logger: false });
    const verdictOf = async (meaning: "pending" | "refused" | "crash"): Promise<boolean> => {
      const going = runCommands(node, failing, program, { calls: 0 }, { onError: () => meaning });
      await going.done;
      return going.verdict().ok;
    };
    expect(await verdictOf("crash")).toBe(false);
    expect(await verdictOf("pending")).toBe(true);
    expect(await verdictOf("refused")).toBe(false);
    const going = runCommands(node, failing, program, { calls: 0 });
    await going.done;
    expect(() => going.check()).toThrow(CommandsError);
    expect(going.counts).toEqual({ add: 1 });
    await node.stop();
  });
});
