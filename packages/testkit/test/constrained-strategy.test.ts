import { describe, expect, test } from "@jest/globals";
import { constrained, EAGER } from "../src/constrained-strategy.js";
import { FIFO, LIFO, type Strategy } from "../src/strategy.js";
import type { Constraint } from "../src/schedule.js";
import { runToy, type Toy } from "./toy-kernel.js";

/** Three senders, one receiver; a timer; a fault that may strike once. */
function program(toy: Toy): void {
  toy.spawn("r", function* (self) {
    self.after(5, "tick");
    for (;;) yield self.receive();
  });
  for (const sender of ["a", "b", "c"]) {
    toy.spawn(sender, function* (self) {
      self.send("r", "m");
      self.send("r", "m");
      yield self.receive();
    });
  }
  toy.fault("crash:r", "r", () => undefined);
  toy.budget(1);
}

function order(strategy: Strategy): string {
  return runToy(program, strategy)
    .steps.map(({ transition }) => transition.key.replace("→r", ""))
    .join(" ");
}

const hold = (key: string, until: string): Constraint => ({ type: "hold", key, until });
const force = (key: string, after: string): Constraint => ({ type: "force", key, after });

describe("an order to start from", () => {
  test.each<[string, Strategy, string]>([
    ["fifo", FIFO, "a#1 a#2 b#1 b#2 c#1 c#2 t:r#1"],
    ["lifo", LIFO, "c#1 c#2 b#1 b#2 a#1 a#2 t:r#1"],
    ["eager", EAGER, "t:r#1 a#1 a#2 b#1 b#2 c#1 c#2"],
  ])("is %s, and no fault strikes", (_, strategy, expected) => {
    expect(order(strategy)).toBe(expected);
  });
});

describe("a constraint", () => {
  const under = (...constraints: readonly Constraint[]): string =>
    order(constrained(constraints, FIFO));

  test("holds a step until another has happened", () => {
    expect(under(hold("a→r#1", "b→r#1"))).toBe("b#1 a#1 a#2 b#2 c#1 c#2 t:r#1");
    expect(under(hold("a→r#2", "t:r#1"))).toBe("a#1 b#1 b#2 c#1 c#2 t:r#1 a#2");
    expect(under(hold("a→r#1", "b→r#1"), hold("b→r#1", "c→r#2"))).toBe(
      "c#1 c#2 b#1 a#1 a#2 b#2 t:r#1",
    );
  });

  test("gives way when nothing else can happen", () => {
    expect(under(hold("a→r#1", "nobody→r#1"))).toBe("b#1 b#2 c#1 c#2 t:r#1 a#1 a#2");
    expect(under(hold("a→r#1", "b→r#1"), hold("b→r#1", "a→r#1"))).toBe(
      "c#1 c#2 t:r#1 a#1 a#2 b#1 b#2",
    );
  });

  test("forces a step right after another, faults too", () => {
    expect(under(force("f:crash:r", "b→r#1"))).toBe("a#1 a#2 b#1 f:crash:r b#2 c#1 c#2 t:r#1");
    expect(under(force("f:crash:r", "^"))).toBe("f:crash:r a#1 a#2 b#1 b#2 c#1 c#2 t:r#1");
    expect(under(force("c→r#1", "a→r#1"))).toBe("a#1 c#1 a#2 b#1 b#2 c#2 t:r#1");
  });

  test("is forced later when a hold does not let it yet, or when it is not there yet", () => {
    expect(under(force("f:crash:r", "a→r#1"), hold("f:crash:r", "b→r#1"))).toBe(
      "a#1 a#2 b#1 f:crash:r b#2 c#1 c#2 t:r#1",
    );
    expect(under(force("c→r#2", "a→r#1"))).toBe("a#1 a#2 b#1 b#2 c#1 c#2 t:r#1");
  });
});
