import { describe, expect, test } from "@jest/globals";
import { createVirtualClock } from "@coppice/testkit";
import { Awaiting } from "../src/awaiting.js";
import type { NodeLife } from "../src/term.js";

const B: NodeLife = { name: "b", incarnation: 7 };

function setUp() {
  const clock = createVirtualClock();
  const awaiting = new Awaiting(clock, 1_000);
  const heard: string[] = [];
  const waiter = (who: string) => ({
    resolve: ({ name, incarnation }: NodeLife) => heard.push(`${who}: ${name}/${incarnation}`),
    reject: (error: Error) => heard.push(`${who}: ${error.message}`),
  });
  return { clock, awaiting, heard, waiter };
}

describe("who waits for the one of two connections that stays", () => {
  test("is told of its session, and of nothing after that", async () => {
    const { clock, awaiting, heard, waiter } = setUp();
    awaiting.add("b", [waiter("one"), waiter("two")], new Error("late"));
    awaiting.add("b", [waiter("three")], new Error("late"));
    awaiting.add("c", [waiter("other")], new Error("nobody"));
    await clock.advance(999);
    for (const { resolve } of awaiting.take("b")) resolve(B);
    expect(heard).toEqual(["one: b/7", "two: b/7", "three: b/7"]);
    expect(awaiting.take("b")).toEqual([]);
    await clock.advance(1);
    expect(heard.slice(3)).toEqual(["other: nobody"]);
  });

  test("is told of the error when as long as a handshake may take is over, each from when it came", async () => {
    const { clock, awaiting, heard, waiter } = setUp();
    awaiting.add("b", [waiter("one")], new Error("first"));
    await clock.advance(400);
    awaiting.add("b", [waiter("two")], new Error("second"));
    await clock.advance(599);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual(["one: first"]);
    await clock.advance(400);
    expect(heard).toEqual(["one: first", "two: second"]);
    expect(awaiting.take("b")).toEqual([]);
  });

  test("is no longer known of when it was told, nor is the node", async () => {
    const { clock, awaiting, waiter } = setUp();
    awaiting.add("nobody", [], new Error("no"));
    expect(awaiting.size).toBe(0);
    awaiting.add("b", [waiter("one")], new Error("late"));
    awaiting.add("c", [waiter("two")], new Error("late"));
    expect(awaiting.size).toBe(2);
    await clock.advance(1_000);
    expect(awaiting.size).toBe(0);
  });

  test("is found at the end, whomever it waits for", async () => {
    const { clock, awaiting, heard, waiter } = setUp();
    awaiting.add("b", [waiter("one")], new Error("late"));
    awaiting.add("c", [waiter("two")], new Error("late"));
    for (const { reject } of awaiting.takeAll()) reject(new Error("stopped"));
    await clock.advance(1_000);
    expect(heard).toEqual(["one: stopped", "two: stopped"]);
  });
});
