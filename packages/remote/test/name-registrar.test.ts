import { describe, expect, test } from "@jest/globals";
import type { AnyPid } from "@coppice/core";
import type { NameMessage } from "../src/name-message.js";
import { NameRegistrar } from "../src/name-registrar.js";
import type { NodeLife } from "../src/term.js";

const lifeOf = (name: string): NodeLife => ({ name, incarnation: 1 });
const pidOf = (node: string, serial = 1): AnyPid => ({ node, incarnation: 1, serial }) as AnyPid;

/** The registrar of a cluster of three, to which the two others are connected. */
function createRegistrar(graceMs = 1000) {
  const said: [to: string, message: NameMessage][] = [];
  let over: (() => void)[] = [];
  const registrar = new NameRegistrar({
    home: "r",
    members: ["r", "a", "b"],
    graceMs,
    keeps: () => true,
    tell: (member, message) => void said.push([member, message]),
    tellAll: () => {},
    after: (_, task) => {
      over.push(task);
      return () => void (over = over.filter((other) => other !== task));
    },
    maxNames: 10,
    breached: () => {},
  });
  registrar.up(lifeOf("a"));
  registrar.up(lifeOf("b"));
  said.length = 0;
  return {
    registrar,
    said,
    say: (node: string, message: NameMessage) => registrar.received(lifeOf(node), message),
    waitGrace: () => over.splice(0).forEach((task) => task()),
  };
}

describe("the registrar of a name", () => {
  test.each<["a" | "b", "a" | "b"]>([
    ["a", "b"],
    ["b", "a"],
  ])(
    "that begins anew: of two that hold it the greater token stays, whoever says so first",
    (first, second) => {
      const { registrar, said, say } = createRegistrar();
      const tokens = { a: 4, b: 7 };
      for (const node of [first, second]) {
        say(node, ["claims", tokens[node], [["n", pidOf(node), tokens[node]]], true]);
      }
      expect(registrar.entries()).toEqual([["n", pidOf("b"), 7]]);
      expect(said).toEqual([["a", ["lost", "n", 4]]]);
      // What it gives next is greater than all that was.
      say("a", ["claim", 1, "other", pidOf("a")]);
      expect(said.at(-1)).toEqual(["a", ["granted", 1, "other", 8]]);
    },
  );

  test("gives no names before all have said what they hold, or the grace is over", () => {
    for (const hear of [true, false]) {
      const { said, say, waitGrace } = createRegistrar();
      say("a", ["claims", 0, [], true]);
      say("a", ["claim", 1, "n", pidOf("a")]);
      expect(said).toEqual([]);
      if (hear) say("b", ["claims", 41, [], true]);
      else waitGrace();
      expect(said).toEqual([["a", ["granted", 1, "n", hear ? 42 : 1]]]);
    }
  });

  test("that has begun does not take back what it does not know: somebody else may have had it since", () => {
    const { registrar, said, say, waitGrace } = createRegistrar();
    waitGrace();
    say("a", ["claims", 3, [["n", pidOf("a"), 3]], true]);
    expect([registrar.entries(), said]).toEqual([[], [["a", ["lost", "n", 3]]]]);
  });

  test("gives a name away at the end of the grace, to who waited first; who comes back then has lost it", () => {
    const { registrar, said, say, waitGrace } = createRegistrar();
    waitGrace();
    say("a", ["claim", 1, "n", pidOf("a")]);
    registrar.down("a");
    say("b", ["claim", 2, "n", pidOf("b", 1)]);
    say("b", ["claim", 3, "n", pidOf("b", 2)]);
    expect(said).toEqual([["a", ["granted", 1, "n", 1]]]);
    waitGrace();
    say("b", ["checked", "n", 2, true]);
    expect(said.slice(1)).toEqual([
      ["b", ["granted", 2, "n", 2]],
      ["b", ["check", "n", 2]],
      ["b", ["refused", 3, pidOf("b", 1)]],
    ]);
    registrar.up(lifeOf("a"));
    say("a", ["claims", 1, [["n", pidOf("a"), 1]], true]);
    expect(said.at(-1)).toEqual(["a", ["lost", "n", 1]]);
    expect(registrar.entries()).toEqual([["n", pidOf("b", 1), 2]]);
  });

  test("releases at once what a node that comes back does not name: the grant did not get there", () => {
    const { registrar, said, say, waitGrace } = createRegistrar();
    waitGrace();
    say("a", ["claim", 1, "n", pidOf("a")]);
    registrar.down("a");
    say("b", ["claim", 2, "n", pidOf("b")]);
    registrar.up(lifeOf("a"));
    say("a", ["claims", 0, [], true]);
    expect(said.at(-1)).toEqual(["b", ["granted", 2, "n", 2]]);
  });

  test("asks about a holder once for all that want its name", () => {
    const { said, say, waitGrace } = createRegistrar();
    waitGrace();
    say("a", ["claim", 1, "n", pidOf("a")]);
    said.length = 0;
    const rival = pidOf("b");
    say("b", ["claim", 2, "n", rival]);
    say("b", ["claim", 3, "n", rival]);
    expect(said).toEqual([["a", ["check", "n", 1]]]);
    // Only its node can say so, and only of this tenure.
    say("b", ["checked", "n", 1, false]);
    say("a", ["checked", "n", 9, false]);
    expect(said.length).toBe(1);
    say("a", ["checked", "n", 1, false]);
    expect(said.slice(1)).toEqual([
      ["b", ["granted", 2, "n", 2]],
      ["b", ["granted", 3, "n", 2]],
    ]);
  });
});
