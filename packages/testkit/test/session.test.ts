import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "@coppice/core";
import fc from "fast-check";
import {
  checkCrossing,
  dual,
  followSession,
  sessionAutomaton,
  type SessionType,
} from "@coppice/testkit";

const client: SessionType = {
  rec: "again",
  body: { send: { ask: { receive: { answer: { jump: "again" } } }, bye: "end" }, final: true },
};

const follow = (type: SessionType, acts: string[]): (string | undefined)[] => {
  const follower = followSession(sessionAutomaton(type));
  const said = acts.map((act) => {
    const [kind, label] = act.split(" ") as ["send" | "receive", string];
    return follower.act({ type: kind, label });
  });
  return [...said, follower.atRest()].filter((each) => each !== undefined);
};

describe("following one side of a conversation", () => {
  test("what the type allows is not remarked on, as often as it comes round", () => {
    expect(
      follow(client, ["send ask", "receive answer", "send ask", "receive answer", "send bye"]),
    ).toEqual([]);
    expect(follow(client, [])).toEqual([]);
  });

  test("the first act out of order is told with what was allowed, and no other", () => {
    expect(follow(client, ["receive answer", "send no"])).toEqual([
      "receive answer, where it may: send ask, send bye",
    ]);
    expect(follow(client, ["send bye", "send ask"])).toEqual([
      "send ask, where it may: nothing more",
    ]);
  });

  test("an answer that never comes is told at rest", () => {
    expect(follow(client, ["send ask"])).toEqual(["at rest, where it should: receive answer"]);
  });

  test("a timeout may have passed unseen", () => {
    const impatient: SessionType = {
      send: { ask: { receive: { answer: "end" }, timeout: { send: { bye: "end" } } } },
    };
    expect(follow(impatient, ["send ask", "receive answer"])).toEqual([]);
    expect(follow(impatient, ["send ask", "send bye"])).toEqual([]);
    expect(follow(impatient, ["send ask", "send bye", "receive answer"])).toHaveLength(1);
    expect(follow(impatient, ["send ask"])).toEqual([
      "at rest, where it should: receive answer, send bye",
    ]);
  });

  test("a jump has to lead somewhere, and not in a circle of jumps", () => {
    expect(() => sessionAutomaton({ jump: "nowhere" })).toThrow(InvalidArgumentError);
    expect(() => sessionAutomaton({ rec: "x", body: { jump: "x" } })).toThrow(InvalidArgumentError);
    expect(() => sessionAutomaton({ rec: "x", body: { rec: "y", body: { jump: "x" } } })).toThrow(
      InvalidArgumentError,
    );
  });
});

/** Conversations in which one side speaks at a time. */
const { type: types } = fc.letrec<{ type: SessionType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4 },
    fc.constant<SessionType>("end"),
    fc
      .tuple(
        fc.boolean(),
        fc.dictionary(fc.constantFrom("p", "q", "r"), tie("type") as fc.Arbitrary<SessionType>, {
          minKeys: 1,
          maxKeys: 2,
        }),
      )
      .map(([sends, branches]): SessionType =>
        sends ? { send: branches } : { receive: branches },
      ),
  ),
}));

describe("two sides against each other", () => {
  test("whatever a conversation is, its dual fits, and has it as its own dual", () => {
    fc.assert(
      fc.property(types, (type) => {
        expect(checkCrossing(type, dual(type)).problems).toEqual([]);
        expect(dual(dual(type))).toEqual(type);
      }),
    );
    expect(checkCrossing(client, dual(client))).toEqual({ problems: [], complete: true });
  });

  test("a side that lacks one branch is found out by the message that nobody expects there", () => {
    const server: SessionType = { receive: { ask: { send: { answer: "end" } } } };
    const { problems } = checkCrossing(client, server, { names: ["client", "server"] });
    expect(problems.map(({ type, trace }) => [type, trace.at(-1)])).toContainEqual([
      "unexpected",
      "server gets bye",
    ]);
    expect(problems[0]?.trace).toEqual(["client sends bye", "server gets bye"]);
  });

  test("two sides that both wait are a deadlock", () => {
    const both: SessionType = { receive: { go: "end" } };
    expect(checkCrossing(both, both)).toEqual({
      problems: [{ type: "deadlock", trace: [] }],
      complete: true,
    });
  });

  test("calls of both sides that cross are found, and are no problem where both allow for them", () => {
    const rude: SessionType = {
      send: { call: { receive: { reply: "end" } } },
      receive: { call: { send: { reply: "end" } } },
    };
    const { problems } = checkCrossing(rude, rude);
    expect(problems.map(({ type }) => type)).toEqual(["unexpected", "unexpected"]);
    expect(problems[0]?.trace).toEqual(["a sends call", "b sends call", "a gets call"]);
    const polite: SessionType = {
      send: {
        call: {
          receive: { reply: "end", call: { send: { reply: { receive: { reply: "end" } } } } },
        },
      },
      receive: { call: { send: { reply: "end" } } },
    };
    const crossings = checkCrossing(polite, polite);
    expect(crossings.problems).toEqual([]);
  });

  test("a late answer after a timeout crosses what comes next", () => {
    const impatient: SessionType = {
      rec: "again",
      body: {
        send: {
          ask: { receive: { answer: { jump: "again" } }, timeout: { receive: { sorry: "end" } } },
        },
      },
    };
    const server: SessionType = {
      rec: "again",
      body: { receive: { ask: { send: { answer: { jump: "again" } } } }, final: true },
    };
    expect(checkCrossing(impatient, server).problems).toContainEqual({
      type: "unexpected",
      trace: ["a sends ask", "a times out", "b receives ask", "b sends answer", "a gets answer"],
    });
  });

  test("a side that floods the other is not said to be looked at completely", () => {
    const flood: SessionType = { rec: "x", body: { send: { m: { jump: "x" } }, final: true } };
    const sink: SessionType = { rec: "x", body: { receive: { m: { jump: "x" } }, final: true } };
    expect(checkCrossing(flood, sink)).toEqual({ problems: [], complete: false });
    expect(() => checkCrossing(flood, sink, { bound: 0 })).toThrow(InvalidArgumentError);
  });
});
