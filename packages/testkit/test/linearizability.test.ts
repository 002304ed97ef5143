import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { InvalidArgumentError } from "@coppice/core";
import {
  checkLinearizability,
  formatVerdict,
  keyValues,
  mutex,
  queue,
  register,
  type Operation,
  type RegisterInput,
  type SequentialModel,
} from "@coppice/testkit";

type Output = number | boolean | undefined;
type Op = Operation<RegisterInput<number>, Output>;

const op = (
  client: string,
  input: RegisterInput<number>,
  output: Output,
  invokedAt: number,
  returnedAt?: number,
): Op => ({ client, input, output, invokedAt, returnedAt });

const check = (...history: Op[]): boolean | undefined =>
  checkLinearizability(register(0), history).ok;

/**
 * By the definition: any subset with all that returned by `until`, in any order that respects the
 * returns. What was invoked after `until` is no part of it.
 */
function bruteForce<S, I, O>(
  { initial, apply }: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  until: (at: number, operation: Operation<I, O>) => boolean = (at) => at < Infinity,
): boolean {
  const extend = (state: S, rest: readonly Operation<I, O>[]): boolean => {
    if (rest.every((each) => !until(each.returnedAt ?? Infinity, each))) return true;
    return rest.some((next) => {
      const others = rest.filter((other) => other !== next);
      if (others.some(({ returnedAt = Infinity }) => returnedAt < next.invokedAt)) return false;
      const outcome = apply(state, next.input) as { state: S; output: O };
      if (next.returnedAt !== undefined && outcome.output !== next.output) return false;
      return extend(outcome.state, others);
    });
  };
  return extend(
    initial,
    history.filter((each) => until(each.invokedAt, each)),
  );
}

/** Clients in sequence each; outputs that are often right. */
const histories = fc
  .array(
    fc.record({
      client: fc.integer({ min: 0, max: 2 }),
      input: fc.oneof(
        fc.constant("read" as const),
        fc.record({ write: fc.integer({ min: 0, max: 2 }) }),
        fc.record({ from: fc.integer({ min: 0, max: 2 }), to: fc.integer({ min: 0, max: 2 }) }),
      ),
      value: fc.integer({ min: 0, max: 2 }),
      gap: fc.integer({ min: 0, max: 4 }),
      length: fc.integer({ min: 0, max: 6 }),
      pending: fc.boolean(),
    }),
    { maxLength: 7 },
  )
  .map((steps) => {
    const freeAt = [0, 0, 0];
    return steps.flatMap(({ client, input, value, gap, length, pending }, index): Op[] => {
      const from = freeAt[client] as number;
      if (from === Infinity) return [];
      const invokedAt = from + gap;
      const returnedAt = invokedAt + length;
      // Some positions are shared, as two hosts would have them.
      freeAt[client] = pending && index % 3 === 0 ? Infinity : returnedAt + 1;
      const output = input === "read" ? value : "write" in input ? undefined : value === 0;
      return [
        op(
          String(client),
          input,
          output,
          invokedAt,
          freeAt[client] === Infinity ? undefined : returnedAt,
        ),
      ];
    });
  });

describe("linearizability", () => {
  test("a read after a write sees it, a read beside it may see either value", () => {
    expect(check(op("a", { write: 1 }, undefined, 0, 1), op("b", "read", 1, 2, 3))).toBe(true);
    expect(check(op("a", { write: 1 }, undefined, 0, 1), op("b", "read", 0, 2, 3))).toBe(false);
    expect(check(op("a", { write: 1 }, undefined, 0, 3), op("b", "read", 0, 1, 2))).toBe(true);
    expect(check(op("a", { write: 1 }, undefined, 0, 3), op("b", "read", 1, 1, 2))).toBe(true);
  });

  test("a value that was read is not unread by a later read of another client", () => {
    const write = op("a", { write: 1 }, undefined, 0, 9);
    expect(check(write, op("b", "read", 1, 1, 2), op("c", "read", 0, 3, 4))).toBe(false);
    expect(check(write, op("b", "read", 0, 1, 2), op("c", "read", 1, 3, 4))).toBe(true);
  });

  test("a pending write may take effect at any later time, or never", () => {
    const pending = op("a", { write: 1 }, undefined, 0);
    expect(check(pending, op("b", "read", 0, 1, 2), op("b", "read", 1, 30, 31))).toBe(true);
    expect(check(pending, op("b", "read", 0, 1, 2), op("b", "read", 0, 30, 31))).toBe(true);
    expect(check(pending, op("b", "read", 1, 1, 2), op("b", "read", 0, 30, 31))).toBe(false);
    expect(check(op("b", "read", 1, 1, 2), op("a", { write: 1 }, undefined, 3))).toBe(false);
  });

  test("it agrees with the definition on small histories", () => {
    let linearizable = 0;
    let others = 0;
    fc.assert(
      fc.property(histories, (history) => {
        const expected = bruteForce(register(0), history);
        if (expected) linearizable++;
        else others++;
        expect(checkLinearizability(register<number>(0), history).ok).toBe(expected);
      }),
      { numRuns: 3_000 },
    );
    // Both answers were asked for, often.
    expect(linearizable).toBeGreaterThan(300);
    expect(others).toBeGreaterThan(300);
  });

  test("what it calls the longest prefix has an order, and with the blocked return has none", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const model = register<number>(0);
        const verdict = checkLinearizability(model, history);
        if (verdict.ok !== false) return;
        const { blocked } = verdict;
        const last = blocked.returnedAt as number;
        // Of several returns at one position some may still be explained.
        expect(bruteForce(model, history, (at) => at < last)).toBe(true);
        expect(bruteForce(model, history, (at) => at <= last)).toBe(false);
        expect(verdict.states.length).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("the order it gives runs on the model and respects every return", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const model = register<number>(0);
        const verdict = checkLinearizability(model, history);
        if (!verdict.ok) return;
        const order = verdict.orders.get("all") ?? [];
        expect(
          history.filter((each) => each.returnedAt !== undefined && !order.includes(each)),
        ).toEqual([]);
        order.reduce((state, each, index) => {
          for (const later of order.slice(index + 1)) {
            expect((later.returnedAt ?? Infinity) < each.invokedAt).toBe(false);
          }
          const outcome = model.apply(state, each.input) as { state: number; output: Output };
          if (each.returnedAt !== undefined) expect(outcome.output).toBe(each.output);
          return outcome.state;
        }, 0);
      }),
      { numRuns: 1_000 },
    );
  });

  test("keys are checked one by one, and the verdict names the key", () => {
    const put = {
      client: "a",
      input: { put: "x", value: 1 },
      invokedAt: 0,
      returnedAt: 1,
    } as const;
    const get = {
      client: "b",
      input: { get: "x" },
      output: undefined,
      invokedAt: 2,
      returnedAt: 3,
    };
    const other = {
      client: "b",
      input: { get: "y" },
      output: undefined,
      invokedAt: 4,
      returnedAt: 5,
    };
    const verdict = checkLinearizability(keyValues<number>(), [put, get, other]);
    expect(verdict).toMatchObject({
      ok: false,
      part: "x",
      blocked: get,
      prefix: [put],
      states: [1],
    });
    expect(checkLinearizability(keyValues<number>(), [put, other]).ok).toBe(true);
  });

  test("a queue that gives one item twice is found out", () => {
    const enqueue = { client: "a", input: { enqueue: 1 }, invokedAt: 0, returnedAt: 1 };
    const first = {
      client: "b",
      input: "dequeue",
      output: 1,
      invokedAt: 2,
      returnedAt: 5,
    } as const;
    const second = {
      client: "c",
      input: "dequeue",
      output: 1,
      invokedAt: 3,
      returnedAt: 4,
    } as const;
    expect(checkLinearizability(queue<number>(), [enqueue, first]).ok).toBe(true);
    expect(checkLinearizability(queue<number>(), [enqueue, first, second]).ok).toBe(false);
  });

  test("an operation that is impossible in a state waits until it is possible", () => {
    const acquire = (client: string, invokedAt: number, returnedAt: number) =>
      ({ client, input: { acquire: client }, output: undefined, invokedAt, returnedAt }) as const;
    const release = {
      client: "a",
      input: { release: "a" },
      output: undefined,
      invokedAt: 3,
      returnedAt: 5,
    };
    expect(
      checkLinearizability(mutex(), [acquire("a", 0, 1), acquire("b", 2, 4), release]).ok,
    ).toBe(true);
    expect(checkLinearizability(mutex(), [acquire("a", 0, 1), acquire("b", 2, 4)]).ok).toBe(false);
  });

  test("a model may leave it open what happens", () => {
    const lossy: SequentialModel<
      readonly number[],
      { add: number } | "all",
      readonly number[] | undefined
    > = {
      initial: [],
      apply: (state, input) =>
        input === "all"
          ? { state, output: state }
          : [
              { state: [...state, input.add], output: undefined },
              { state, output: undefined },
            ],
    };
    const add = { client: "a", input: { add: 1 }, output: undefined, invokedAt: 0, returnedAt: 1 };
    const all = (output: number[]) =>
      ({ client: "a", input: "all", output, invokedAt: 2, returnedAt: 3 }) as const;
    expect(checkLinearizability(lossy, [add, all([])]).ok).toBe(true);
    expect(checkLinearizability(lossy, [add, all([1])]).ok).toBe(true);
    expect(checkLinearizability(lossy, [add, all([2])]).ok).toBe(false);
  });

  test("forty pending writes beside a wrong read are decided, and so is a history of ten thousand operations", () => {
    const pending = Array.from({ length: 40 }, (_, i) =>
      op(`w${i}`, { write: 1 + (i % 3) }, undefined, i),
    );
    expect(check(...pending, op("r", "read", 7, 50, 51))).toBe(false);
    const long = Array.from({ length: 10_000 }, (_, i) =>
      i % 2 === 0
        ? op("a", { write: i }, undefined, 2 * i, 2 * i + 1)
        : op("b", "read", i - 1, 2 * i, 2 * i + 1),
    );
    expect(check(...long)).toBe(true);
    expect(check(...long, op("c", "read", 1, 50_000, 50_001))).toBe(false);
  });

  test("the verdict is told with the prefix and the states", () => {
    const history = [op("a", { write: 1 }, undefined, 0, 1), op("b", "read", 0, 2, 3)];
    expect(formatVerdict(checkLinearizability(register<number>(0), history))).toBe(
      [
        "not linearizable: no order explains b: read → 0",
        "longest prefix that has an order:",
        '  a: {"write":1} → undefined',
        "states it may lead to: 1",
      ].join("\n"),
    );
    expect(formatVerdict(checkLinearizability(register<number>(0), []))).toBe("linearizable");
  });

  test("says that it does not know, when there is more to try than it may", () => {
    // Any of many writes at once may come first, and what was read was never written.
    const history = Array.from({ length: 14 }, (_, i) =>
      op(`w${i}`, { write: i + 1 }, undefined, 0, 9),
    );
    const verdict = checkLinearizability(
      register<number>(0),
      [...history, op("r", "read", -1, 1, 8)],
      {
        maxConfigurations: 500,
      },
    );
    expect(verdict).toEqual({ ok: undefined, part: "all", configurations: 500 });
    expect(formatVerdict(verdict)).toBe(
      "undecided: no order found in 500 configurations, and there are more",
    );
    expect(() => checkLinearizability(register<number>(0), [], { maxConfigurations: 0 })).toThrow(
      InvalidArgumentError,
    );
  });

  test("does not need to know of one part, when another cannot be explained", () => {
    const put = (key: string, value: number, at: number) =>
      op(`${key}${value}`, { put: key, value } as never, undefined, at, at + 9) as never;
    const get = (key: string, output: number) =>
      op(`get ${key}`, { get: key } as never, output, 20, 21) as never;
    const many = Array.from({ length: 14 }, (_, i) => put("x", i + 1, 0));
    const options = { maxConfigurations: 500 };
    const model = keyValues<number>();
    expect(checkLinearizability(model, [...many, get("x", -1)], options).ok).toBe(undefined);
    const wrong = [...many, get("x", -1), put("y", 1, 0), get("y", 2)];
    expect(checkLinearizability(model, wrong, options)).toMatchObject({ ok: false, part: "y" });
  });
});
