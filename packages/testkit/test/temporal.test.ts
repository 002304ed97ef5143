import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "@coppice/core";
import {
  createWatch,
  eventually,
  leadsTo,
  never,
  precedes,
  within,
  type AnyMonitor,
  type WatchOptions,
} from "@coppice/testkit";

const is = (wanted: string) => (event: string) => event === wanted;
const messages = (monitor: AnyMonitor<string>, events: string[]): string[] => {
  const watch = createWatch([monitor]);
  const found = events.flatMap((event) => watch.observe(event));
  return [...found, ...watch.atRest()].map(({ message }) => message);
};

describe("temporal properties", () => {
  test("eventually: it happens at least once", () => {
    expect(messages(eventually("e", is("x")), ["a", "x", "a"])).toEqual([]);
    expect(messages(eventually("e", is("x")), ["a"])).toEqual(["it has not happened"]);
  });

  test("never: it is broken when it happens, and told once", () => {
    expect(messages(never("n", is("x")), ["a"])).toEqual([]);
    expect(messages(never("n", is("x")), ["x", "x"])).toEqual(["it happened"]);
  });

  test("leadsTo: each request is answered under its own key, also one that comes again", () => {
    const answered = leadsTo<string>("l", {
      from: (event) => event.startsWith("ask"),
      to: (event) => event.startsWith("ok"),
      key: (event) => event.slice(-1),
    });
    expect(messages(answered, ["ask1", "ask2", "ok2", "ok1"])).toEqual([]);
    expect(messages(answered, ["ask1", "ok2"])).toEqual(["1 is still owed"]);
    expect(messages(answered, ["ok1", "ask1"])).toEqual(["1 is still owed"]);
    expect(messages(answered, ["ask1", "ok1", "ask1"])).toEqual(["1 is still owed"]);
  });

  test("an event that is answer and question at once settles the old and owes anew", () => {
    const beat = leadsTo<string>("beat", { from: is("tick"), to: is("tick") });
    expect(messages(beat, ["tick", "tick"])).toEqual(["something is still owed"]);
  });

  test("precedes: the second does not come before the first", () => {
    const order = precedes<string>("p", { first: is("open"), second: is("write") });
    expect(messages(order, ["open", "write"])).toEqual([]);
    expect(messages(order, [])).toEqual([]);
    expect(messages(order, ["write", "open"])).toEqual(["it came first"]);
  });

  test("within: it counts only what counts, and the limit itself is allowed", () => {
    const fed = within<string>("w", {
      from: is("hungry"),
      to: is("eats"),
      limit: 2,
      counts: is("delivery"),
    });
    expect(messages(fed, ["hungry", "delivery", "other", "delivery", "eats"])).toEqual([]);
    expect(messages(fed, ["hungry", "delivery", "delivery", "delivery", "eats"])).toEqual([
      "it waited for more than 2",
    ]);
    expect(messages(fed, ["hungry"])).toEqual(["something is still owed"]);
    expect(() => within("w", { from: is("a"), to: is("b"), limit: -1 })).toThrow(
      InvalidArgumentError,
    );
  });
});

describe("storm and calm", () => {
  const owed = leadsTo<string>("owed", { from: is("ask"), to: is("ok") });
  const calmAfter = (
    storm: string[],
    options: WatchOptions,
  ): ReturnType<typeof createWatch<string>> => {
    const watch = createWatch([owed], options);
    expect(storm.flatMap((event) => watch.observe(event))).toEqual([]);
    watch.calm();
    return watch;
  };

  test("however long the storm is, what it owes is no violation", () => {
    const watch = createWatch([owed], { factor: 1, atLeast: 1 });
    for (let i = 0; i < 1_000; i++) expect(watch.observe("ask")).toEqual([]);
  });

  test("what stays hot all through the calm is a violation, when it has lasted its factor of the storm", () => {
    const watch = calmAfter(["ask", "x", "x"], { factor: 2, atLeast: 1 });
    expect(watch.calmLeft).toBe(6);
    for (let i = 0; i < 5; i++) expect(watch.observe("x")).toEqual([]);
    expect(watch.observe("x")).toEqual([
      { check: "owed", message: "something is still owed, for 6 events of calm" },
    ]);
    expect(watch.observe("x")).toEqual([]);
    expect(watch.atRest()).toEqual([]);
  });

  test("what cools down in between has its time anew", () => {
    const watch = calmAfter(["ask"], { factor: 1, atLeast: 4 });
    const events = ["x", "x", "x", "ok", "ask", "x", "x", "x", "ok", "x", "x"];
    expect(events.flatMap((event) => watch.observe(event))).toEqual([]);
    expect(watch.atRest()).toEqual([]);
  });

  test("monitors are told apart by their names", () => {
    expect(() => createWatch([owed, owed])).toThrow(InvalidArgumentError);
  });
});
