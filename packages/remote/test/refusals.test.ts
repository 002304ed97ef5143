import { describe, expect, test } from "@jest/globals";
import { Refusals } from "../src/refusals.js";
import { CLOSE_CODES } from "../src/wire-signal.js";

const { AUTH, CLUSTER, SILENCE } = CLOSE_CODES;

describe("a connection that will fail again until somebody changes something", () => {
  test("is told once, with what to look at, and again when something else is wrong, or it was reached", () => {
    const refusals = new Refusals();
    const refused = (code: number): string | undefined =>
      refusals.refused("b", { address: "ws://user:secret@b", code, text: "no" })?.format();
    expect(refused(AUTH)).toMatch(
      /^no connection with b at .*: no \(\d+\); is the cookie the same/,
    );
    expect(refused(AUTH)).toBeUndefined();
    expect(refused(CLUSTER)).toContain("`cluster`");
    refusals.reached("b");
    expect(refused(CLUSTER)).toContain("`cluster`");
    refusals.reached("b");
    expect(refused(CLUSTER)).not.toContain("secret");
  });

  test("is not one that may pass by itself", () => {
    const silence = { address: "ws://b", code: SILENCE, text: "silent" };
    expect(new Refusals().refused("b", silence)).toBeUndefined();
  });

  test("is remembered of so many, the oldest forgotten first", () => {
    const refusals = new Refusals();
    const isTold = (target: string): boolean =>
      refusals.refused(target, { address: target, code: AUTH, text: "no" }) !== undefined;
    for (let i = 0; i <= 1_000; i++) expect(isTold(`n${i}`)).toBe(true);
    expect([isTold("n1000"), isTold("n1"), isTold("n0")]).toEqual([false, false, true]);
  });
});
