import { describe, expect, test } from "@jest/globals";
import {
  explore,
  inMacrotask,
  type Exploration,
  type ExploreOptions,
  type Program,
  type SimulationOptions,
} from "@coppice/testkit";
import { countOrders } from "../src/order-count.js";
import {
  boundedBuffer,
  cacheFill,
  combinationLock,
  disjointPairs,
  fanOutFanIn,
  independentReceivers,
  lastZero,
  looksAfter,
  lostWakeUp,
  philosophers,
  poplExample,
  proxies,
  readersAndWriter,
  replyOrTimeout,
  startAgain,
  stealFromDeque,
  takesFirst,
  takesInOrder,
  useBeforeConfigure,
  workers,
  workersAgain,
  wrappedGeneration,
} from "./counted-programs.js";
import { fanIn, readModifyWrite } from "./programs.js";

const INSTANT: SimulationOptions = { profile: "instant" };

function exhaust(
  program: Program,
  options: ExploreOptions & { readonly simulation?: SimulationOptions } = {},
): Promise<Exploration> {
  return inMacrotask(() =>
    explore(program, { all: true, dporRuns: 20_000, runs: 20_000, ...options }),
  );
}

describe("exhaustive exploration", () => {
  test.each<[string, Program, number, number, SimulationOptions?]>([
    ["2 senders of one message", fanIn(2, 1), 2, 0],
    ["3 senders of one message", fanIn(3, 1), 6, 0],
    ["4 senders of one message", fanIn(4, 1), 24, 0],
    ["2 senders of two messages", fanIn(2, 2), 6, 0],
    ["2 senders of three messages", fanIn(2, 3), 20, 0],
    ["3 senders of two messages", fanIn(3, 2), 90, 0],
    ["3 senders to one that takes the first", takesFirst(3), 6, 0],
    ["3 senders to one that takes them in order", takesInOrder(3), 6, 0],
    ["3 pairs that have nothing to do with each other", disjointPairs(3), 1, 0],
    ["5 pairs that have nothing to do with each other", disjointPairs(5), 1, 0],
    ["3 relays between a source and a sink", fanOutFanIn(3), 6, 0],
    ["4 relays between a source and a sink", fanOutFanIn(4), 24, 0],
    ["a deque that is stolen from in two messages", stealFromDeque, 9, 4],
    ["a generation that wraps", wrappedGeneration, 252, 10],
    ["2 clients that get and set", readModifyWrite(2), 6, 4],
    ["3 clients that get and set", readModifyWrite(3), 90, 84],
    ["a wake-up that is lost", lostWakeUp, 3, 1],
    ["a cache that is filled with what was invalidated", cacheFill, 5, 1],
    ["a bounded buffer that wakes the wrong kind of waiter", boundedBuffer, 30, 2],
    ["three philosophers who begin on the left", philosophers("leftFirst"), 49, 1],
    ["three philosophers who take the lower fork first", philosophers("lowerFirst"), 48, 0],
    ["philosophers, as on one node of Erlang", philosophers("leftFirst", "later"), 37, 1, INSTANT],
    [
      "ordered forks, as on one node of Erlang",
      philosophers("lowerFirst", "later"),
      44,
      0,
      INSTANT,
    ],
    ["a use before the configuration", useBeforeConfigure, 2, 1],
    ["the same on one node of Erlang", useBeforeConfigure, 1, 0, INSTANT],
    ["3 readers and a writer", readersAndWriter(3), 24, 0],
    ["a monitor of a child that ends", looksAfter("monitor"), 2, 0],
    ["a reply and its timeout", replyOrTimeout, 2, 0],
    ["3 who look for the last zero", lastZero(3), 12, 0],
    ["4 who look for the last zero", lastZero(4), 28, 0],
    ["5 who look for the last zero", lastZero(5), 64, 0],
    ["6 who look for the last zero", lastZero(6), 144, 0],
    ["races that depend on what was read", poplExample, 5, 0],
    ["a combination lock", combinationLock, 6, 0],
    ["a message past a hundred relays", proxies, 2, 0],
    ["2 receivers that report to one", independentReceivers, 2, 0],
  ])("of %s finds the known classes", async (_, program, classes, failing, simulation = {}) => {
    const { statement } = await exhaust(program, { simulation });
    expect(statement).toMatchObject({ kind: "exhaustive", classes, violations: failing });
  });

  test("of 4 clients that get and set finds 2,520 classes, of which 2,496 lose an update", async () => {
    const { statement, runs } = await exhaust(readModifyWrite(4), { strategies: [] });
    expect(statement).toMatchObject({ kind: "exhaustive", classes: 2_520, violations: 2_496 });
    // Three baselines, and not one run that was cut short.
    expect(runs).toBe(2_523);
  }, 60_000);

  test.each([
    [3, 8],
    [6, 64],
  ])("of a writer and %d readers finds %d classes when reads commute", async (readers, classes) => {
    const commutes = [["read", "read"]] as const;
    const { statement } = await exhaust(readersAndWriter(readers), { commutes });
    expect(statement).toMatchObject({ kind: "exhaustive", classes });
  });

  test.each<[string, Program, number]>([
    ["3 senders to one that takes the first", takesFirst(3), 3],
    ["3 senders to one that takes them in order", takesInOrder(3), 1],
    ["3 senders to one that takes all", fanIn(3, 1), 6],
    ["3 clients that get and set", readModifyWrite(3), 90],
    ["a bounded buffer", boundedBuffer, 30],
    // The server looks for results: a step of its own, which races with each that comes.
    ["two workers whose results are taken before requests", workers, 200],
    ["two workers whose results are worked on again", workersAgain, 1_296],
  ])(
    "of %s finds the known classes when only what is observed counts",
    async (_, program, classes) => {
      const { statement } = await exhaust(program, { observers: true });
      expect(statement).toMatchObject({ kind: "exhaustive", classes });
    },
  );

  test("does not tell orders of what nobody received", async () => {
    // Where old answers are left in the mailbox, their order was seen by nobody.
    const { statement } = await exhaust(wrappedGeneration, { observers: true });
    expect(statement).toMatchObject({ kind: "exhaustive", classes: 244, violations: 2 });
  });

  // Concuerror has 2 classes here; ours are more by where what is left of the first call arrives.
  test.each([
    ["twoSteps", 1],
    ["oneStep", 0],
  ] as const)(
    "of a start after a stop with reply and end in %s finds %d that meet the old name",
    async (how, failing) => {
      const { statement } = await exhaust(startAgain(how));
      expect(statement).toMatchObject({ kind: "exhaustive", violations: failing });
    },
  );

  // A link asks whether the other is there at once, and arrives later: OTP since 23. Where linking is one
  // step, the second and the third are the same.
  test("of a link to a child that ends tells death before the call, before the arrival, and after", async () => {
    const { statement } = await exhaust(looksAfter("link"));
    expect(statement).toMatchObject({ kind: "exhaustive", classes: 3 });
  });

  test.each<[string, Program, number, number]>([
    ["relays", fanOutFanIn(4), 2_520, 0],
    ["a deque", stealFromDeque, 165, 120],
    ["2 clients that get and set", readModifyWrite(2), 70, 60],
    ["3 clients that get and set", readModifyWrite(3), 34_650, 34_380],
    ["a wake-up", lostWakeUp, 4, 2],
    ["a cache", cacheFill, 126, 9],
    ["a bounded buffer", boundedBuffer, 78_598, 4_636],
    ["a use before the configuration", useBeforeConfigure, 3, 1],
  ])("counts all orders of %s without making them", async (_, program, orders, failing) => {
    const { statement, failures } = await exhaust(program, { countOrders: true });
    expect(statement.orders).toBe(orders);
    const byDpor = failures.filter(({ strategy }) => strategy === "dpor");
    const failingOrders = byDpor.map(({ run }) => countOrders(run.steps) as number);
    expect(failingOrders.reduce((sum, more) => sum + more, 0)).toBe(failing);
  });
});
