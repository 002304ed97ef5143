import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  checkLinearizability,
  checkSequentialConsistency,
  formatSequentialVerdict,
  keyValues,
  register,
  type Operation,
  type RegisterInput,
} from "@coppice/testkit";

type Op = Operation<RegisterInput<number>, number | boolean | undefined>;

const write = (
  client: string,
  value: number,
  at: number,
  returnedAt: number | undefined = at + 1,
): Op => ({
  client,
  input: { write: value },
  output: undefined,
  invokedAt: at,
  returnedAt,
});
const read = (client: string, output: number, at: number): Op => ({
  client,
  input: "read",
  output,
  invokedAt: at,
  returnedAt: at + 1,
});
const check = (...history: Op[]): boolean | undefined =>
  checkSequentialConsistency(register<number>(0), history).ok;

/** By the definition: interleavings of the programs, a pending write being left out or moved back at will. */
function bruteForce(history: readonly Op[]): boolean {
  const extend = (state: number, rest: readonly Op[]): boolean =>
    rest.every(({ returnedAt }) => returnedAt === undefined) ||
    rest.some((next) => {
      const before = rest.filter(
        (each) =>
          each.client === next.client &&
          each.invokedAt < next.invokedAt &&
          each.returnedAt !== undefined,
      );
      if (before.length > 0) return false;
      const others = rest.filter((each) => each !== next);
      if (next.input === "read") return next.output === state && extend(state, others);
      return extend((next.input as { write: number }).write, others);
    });
  return extend(0, history);
}

const histories = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 2 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 3 }),
    ),
    { maxLength: 7 },
  )
  .map((steps) =>
    steps.map(([client, isRead, value, pending], at) =>
      isRead
        ? read(String(client), value, 2 * at)
        : {
            ...write(String(client), value, 2 * at),
            ...(pending === 0 ? { returnedAt: undefined } : {}),
          },
    ),
  );

describe("sequential consistency", () => {
  test("a client may be behind, but not go back", () => {
    expect(check(write("a", 1, 0), read("b", 0, 2), read("b", 1, 4))).toBe(true);
    expect(check(write("a", 1, 0), read("b", 1, 2), read("b", 0, 4))).toBe(false);
  });

  test("all clients see one order of the writes", () => {
    const writes = [write("a", 1, 0), write("b", 2, 0)];
    const sees = (client: string, first: number, second: number): Op[] => [
      read(client, first, 2),
      read(client, second, 4),
    ];
    expect(check(...writes, ...sees("c", 1, 2), ...sees("d", 1, 2))).toBe(true);
    expect(check(...writes, ...sees("c", 1, 2), ...sees("d", 2, 1))).toBe(false);
  });

  test("a pending write may happen after what its client does later, and not before what it did earlier", () => {
    const pending: Op = { ...write("a", 1, 2), returnedAt: undefined };
    expect(check(pending, read("a", 0, 4), read("a", 1, 6))).toBe(true);
    expect(check(read("a", 1, 0), pending)).toBe(false);
  });

  test("it holds for all keys together, where key by key each would pass", () => {
    const put = (client: string, key: string, at: number) =>
      ({
        client,
        input: { put: key, value: 1 },
        output: undefined,
        invokedAt: at,
        returnedAt: at + 1,
      }) as const;
    const get = (client: string, key: string, at: number) =>
      ({
        client,
        input: { get: key },
        output: undefined,
        invokedAt: at,
        returnedAt: at + 1,
      }) as const;
    const dekker = [put("a", "x", 0), get("a", "y", 2), put("b", "y", 0), get("b", "x", 2)];
    const model = keyValues<number>();
    expect(
      checkSequentialConsistency(
        model,
        dekker.filter(({ input }) => JSON.stringify(input).includes("x")),
      ).ok,
    ).toBe(true);
    const verdict = checkSequentialConsistency(model, dekker);
    expect(verdict.ok).toBe(false);
    if (verdict.ok !== false) return;
    expect(verdict.prefix).toHaveLength(3);
    expect(verdict.blocked).toHaveLength(1);
    expect(verdict.states).toEqual(
      new Map([
        ["x", 1],
        ["y", 1],
      ]),
    );
  });

  test("it agrees with the definition, and what is linearizable is sequentially consistent", () => {
    const counts = { consistent: 0, inconsistent: 0, linearizable: 0 };
    fc.assert(
      fc.property(histories, (history) => {
        const expected = bruteForce(history);
        counts[expected ? "consistent" : "inconsistent"]++;
        expect(check(...history)).toBe(expected);
        if (!checkLinearizability(register<number>(0), history).ok) return;
        counts.linearizable++;
        expect(expected).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(100);
  });

  test("says that it does not know, when there is more to try than it may", () => {
    const writes = Array.from({ length: 12 }, (_, i) => write(`w${i}`, i + 1, 0));
    const history = [...writes, read("r", -1, 0)];
    const verdict = checkSequentialConsistency(register<number>(0), history, {
      maxConfigurations: 300,
    });
    expect(verdict).toEqual({ ok: undefined, configurations: 300 });
    expect(formatSequentialVerdict(verdict)).toMatch(/^undecided: no order found in 300/);
  });
});
