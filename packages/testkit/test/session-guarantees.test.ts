import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "@coppice/core";
import { checkSessions, type Operation, type SessionInput } from "@coppice/testkit";

type Op = Operation<SessionInput<number>, number | undefined>;

/** Operations one after the other, as `["a", "write", 1]` and `["a", "read", undefined]`, of key `x`. */
const history = (
  ...steps: [client: string, what: "read" | "write", value: number | undefined][]
): Op[] =>
  steps.map(([client, what, value], at) => ({
    client,
    input: what === "read" ? { read: "x" } : { write: "x", value: value as number },
    output: what === "read" ? value : undefined,
    invokedAt: 2 * at,
    returnedAt: 2 * at + 1,
  }));
const broken = (operations: Op[]): string[] =>
  checkSessions<number>(operations).map(({ guarantee }) => guarantee);

describe("session guarantees", () => {
  test("a client reads what it wrote, or something newer", () => {
    expect(broken(history(["a", "write", 1], ["a", "read", 1]))).toEqual([]);
    expect(broken(history(["a", "write", 1], ["a", "read", undefined]))).toEqual([
      "readYourWrites",
    ]);
    expect(broken(history(["a", "write", 1], ["a", "write", 2], ["a", "read", 1]))).toEqual([
      "readYourWrites",
    ]);
    expect(
      broken(history(["a", "write", 1], ["b", "read", 1], ["b", "write", 2], ["a", "read", 2])),
    ).toEqual([]);
  });

  test("another client owes nothing to a write it never saw", () => {
    expect(broken(history(["a", "write", 1], ["b", "read", undefined], ["b", "read", 1]))).toEqual(
      [],
    );
  });

  test("reads of a client do not go back", () => {
    expect(broken(history(["a", "write", 1], ["b", "read", 1], ["b", "read", undefined]))).toEqual([
      "monotonicReads",
    ]);
  });

  test("the writes of a client are seen in their order", () => {
    const found = broken(
      history(["a", "write", 1], ["a", "write", 2], ["b", "read", 2], ["b", "read", 1]),
    );
    expect(found).toEqual(["monotonicReads", "monotonicWrites"]);
    expect(
      checkSessions(
        history(["a", "write", 1], ["a", "write", 2], ["b", "read", 2], ["b", "read", 1]),
        {
          guarantees: ["monotonicWrites"],
        },
      ),
    ).toHaveLength(1);
  });

  test("who sees a write sees what its writer had read before it", () => {
    const steps = history(
      ["a", "write", 1],
      ["b", "read", 1],
      ["b", "write", 2],
      ["c", "read", 2],
      ["c", "read", 1],
    );
    expect(broken(steps)).toEqual(["monotonicReads", "writesFollowReads"]);
  });

  test("of two writes of which nobody knows which is older each may be read after the other, unless it is said", () => {
    const steps = history(["a", "write", 1], ["b", "write", 2], ["c", "read", 2], ["c", "read", 1]);
    expect(broken(steps)).toEqual([]);
    const [violation] = checkSessions(steps, { isOlder: (_key, one, other) => one < other });
    expect(violation).toMatchObject({
      guarantee: "monotonicReads",
      client: "c",
      message: "c read x = 1, which is older than 2: it had read that before",
    });
  });

  test("a write that is pending need not be read", () => {
    const steps = history(["a", "write", 1], ["a", "read", undefined]).map((each, at) =>
      at === 0 ? { ...each, returnedAt: undefined } : each,
    );
    expect(broken(steps)).toEqual([]);
  });

  test("values have to tell writes apart", () => {
    expect(() => checkSessions(history(["a", "write", 1], ["b", "write", 1]))).toThrow(
      InvalidArgumentError,
    );
    expect(() => checkSessions(history(["a", "write", 1]), { initial: 1 })).toThrow(
      InvalidArgumentError,
    );
  });
});
