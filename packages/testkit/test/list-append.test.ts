import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  checkListAppend,
  type ListAppendOptions,
  type Micro,
  type Transaction,
} from "@coppice/testkit";

const append = (key: string, value: number): Micro => ({ append: key, value });
const read = (key: string, ...list: number[]): Micro => ({ read: key, list });
/** Concurrent with all others, unless it is said when it ran. */
const transaction = (
  id: string,
  operations: Micro[],
  more: Partial<Transaction> = {},
): Transaction => ({
  id,
  client: id,
  operations,
  status: "committed",
  invokedAt: 0,
  returnedAt: 1_000,
  ...more,
});
const anomalies = (transactions: Transaction[], options?: ListAppendOptions): string[] =>
  checkListAppend(transactions, options).map(({ type }) => type);

/** Is there an order, of those that committed, that respects real time and in which each read is right? */
function hasOrder(transactions: readonly Transaction[]): boolean {
  const extend = (
    lists: ReadonlyMap<string, readonly unknown[]>,
    rest: readonly Transaction[],
  ): boolean =>
    rest.length === 0 ||
    rest.some((next) => {
      if (rest.some((each) => (each.returnedAt as number) < next.invokedAt)) return false;
      const after = new Map(lists);
      for (const each of next.operations) {
        if ("append" in each)
          after.set(each.append, [...(after.get(each.append) ?? []), each.value]);
        else if (JSON.stringify(after.get(each.read) ?? []) !== JSON.stringify(each.list))
          return false;
      }
      return extend(
        after,
        rest.filter((each) => each !== next),
      );
    });
  return extend(new Map(), transactions);
}

/** What a database without isolation might answer: transactions run step by step among each other. */
const histories = fc
  .record({
    programs: fc.array(
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom("x", "y")), { minLength: 1, maxLength: 3 }),
      { minLength: 1, maxLength: 4 },
    ),
    schedule: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
    stale: fc.array(fc.nat({ max: 5 }), { minLength: 12, maxLength: 12 }),
  })
  .map(({ programs, schedule, stale }) => {
    const lists = new Map<string, number[]>();
    const done = programs.map((): Micro[] => []);
    const times = programs.map(() => ({ invokedAt: -1, returnedAt: -1 }));
    let value = 0;
    for (let at = 0; ; at++) {
      const open = programs.flatMap((program, index) =>
        (done[index] as Micro[]).length < program.length ? [index] : [],
      );
      if (open.length === 0) break;
      const index = open[(schedule[at] as number) % open.length] as number;
      const mine = done[index] as Micro[];
      const [isRead, key] = (programs[index] as [boolean, string][])[mine.length] as [
        boolean,
        string,
      ];
      const list = lists.get(key) ?? [];
      const time = times[index] as { invokedAt: number; returnedAt: number };
      if (time.invokedAt === -1) time.invokedAt = at;
      time.returnedAt = at;
      if (isRead) mine.push({ read: key, list: stale[at] === 0 ? list.slice(0, -1) : list });
      else {
        lists.set(key, [...list, ++value]);
        mine.push({ append: key, value });
      }
    }
    return done.map((operations, index) => transaction(`t${index}`, operations, times[index]));
  });

describe("lists that transactions append to", () => {
  test("one after the other leaves no anomaly", () => {
    const one = transaction("one", [append("x", 1), read("x", 1)], { returnedAt: 1 });
    const two = transaction("two", [read("x", 1), append("x", 2)], { invokedAt: 2 });
    expect(anomalies([one, two, transaction("three", [read("x", 1, 2)])])).toEqual([]);
  });

  test.each<[string, Transaction[]]>([
    [
      "G0",
      [
        transaction("a", [append("x", 1), append("y", 1)]),
        transaction("b", [append("x", 2), append("y", 2)]),
        transaction("c", [read("x", 1, 2), read("y", 2, 1)]),
      ],
    ],
    [
      "G1c",
      [
        transaction("a", [append("x", 1), read("y", 1)]),
        transaction("b", [append("y", 1), read("x", 1)]),
      ],
    ],
    [
      "G-single",
      [
        transaction("a", [read("x", 1), read("y")]),
        transaction("b", [append("x", 1), append("y", 1)]),
        transaction("c", [read("y", 1)]),
      ],
    ],
    [
      "G2",
      [
        transaction("a", [read("x"), append("y", 1)]),
        transaction("b", [read("y"), append("x", 1)]),
        transaction("c", [read("x", 1), read("y", 1)]),
      ],
    ],
    [
      "G1a",
      [transaction("a", [append("x", 1)], { status: "aborted" }), transaction("b", [read("x", 1)])],
    ],
    ["G1b", [transaction("a", [append("x", 1), append("x", 2)]), transaction("b", [read("x", 1)])]],
    [
      "incompatible-order",
      [
        transaction("a", [append("x", 1)]),
        transaction("b", [append("x", 2)]),
        transaction("c", [read("x", 1, 2)]),
        transaction("d", [read("x", 2, 1)]),
      ],
    ],
    ["internal", [transaction("a", [append("x", 1), read("x")])]],
    ["duplicate", [transaction("a", [append("x", 1)]), transaction("b", [read("x", 1, 1)])]],
    ["unwritten", [transaction("b", [read("x", 7)])]],
  ])("%s is found", (type, transactions) => {
    expect(anomalies(transactions)).toContain(type);
    expect(hasOrder(transactions.filter(({ status }) => status === "committed"))).toBe(false);
  });

  test("the order of a client, and real time, count where the level says so", () => {
    const first = transaction("first", [append("x", 1)], { client: "c", returnedAt: 1 });
    const second = transaction("second", [read("x")], { client: "c", invokedAt: 2 });
    expect(anomalies([first, second], { level: "serializable" })).toEqual([]);
    expect(anomalies([first, second], { level: "sessionSerializable" })).toEqual([
      "G-single-process",
    ]);
    const elsewhere = { ...second, client: "d" };
    expect(anomalies([first, elsewhere], { level: "sessionSerializable" })).toEqual([]);
    expect(anomalies([first, elsewhere])).toEqual(["G-single-realtime"]);
  });

  test("a transaction that nobody knows the end of may have happened", () => {
    const unknown = transaction("a", [append("x", 1)], {
      status: "unknown",
      returnedAt: undefined,
    });
    expect(
      anomalies([
        unknown,
        transaction("b", [read("x")]),
        transaction("c", [read("x")], { invokedAt: 2_000 }),
      ]),
    ).toEqual([]);
    expect(anomalies([unknown, transaction("b", [read("x", 1)])])).toEqual([]);
  });

  test("a cycle is told edge by edge", () => {
    const [anomaly] = checkListAppend([
      transaction("a", [append("x", 1), read("y", 1)]),
      transaction("b", [append("y", 1), read("x", 1)]),
    ]);
    expect(anomaly?.transactions).toEqual(["b", "a"]);
    expect(anomaly?.message).toBe(
      "b → a: b appended 1 to y, which was read; a → b: a appended 1 to x, which was read",
    );
  });

  test("it is never wrong about an anomaly, and finds all of them where every list was read to its end", () => {
    const counts = { clean: 0, anomalous: 0 };
    fc.assert(
      fc.property(histories, (history) => {
        const last = { invokedAt: 1_000, returnedAt: 1_001 };
        const lists = history.flatMap(({ operations }) => operations);
        const orderOf = (key: string): number[] =>
          lists
            .flatMap((each) =>
              "append" in each && each.append === key ? [each.value as number] : [],
            )
            .sort((a, b) => a - b);
        const all = [
          ...history,
          transaction("last", [read("x", ...orderOf("x")), read("y", ...orderOf("y"))], last),
        ];
        const expected = hasOrder(all);
        counts[expected ? "clean" : "anomalous"]++;
        expect({ history: all, clean: anomalies(all).length === 0 }).toEqual({
          history: all,
          clean: expected,
        });
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(200);
  });
});
