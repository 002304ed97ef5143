import { describe, expect, test } from "@jest/globals";
import {
  choose,
  nodeStrikes,
  STRIKE_KINDS,
  strikes,
  type NodeStrike,
  type Strike,
} from "./strike.js";

function first(count: number, seed: number, perSecond = 10): Strike[] {
  const all = strikes(seed, perSecond);
  return Array.from({ length: count }, () => all.next().value);
}

describe("strikes", () => {
  test("are the same for the same seed, and others for another", () => {
    expect(first(100, 7)).toEqual(first(100, 7));
    expect(first(100, 7)).not.toEqual(first(100, 8));
  });

  test("are the same whatever this version of the program", () => {
    const [strike] = first(1, 42, 10);
    expect(strike).toEqual({
      pauseMs: expect.closeTo(91.905, 2),
      kind: "killed",
      pick: expect.closeTo(0.8525, 3),
    });
  });

  test("come as often as was asked for, on average", () => {
    const totalMs = first(10_000, 1, 20).reduce((sum, { pauseMs }) => sum + pauseMs, 0);
    expect(10_000 / (totalMs / 1_000)).toBeCloseTo(20, 0);
  });

  test("are of all kinds alike", () => {
    const kinds = first(9_000, 1).map(({ kind }) => kind);
    for (const kind of STRIKE_KINDS) {
      const count = kinds.filter((other) => other === kind).length;
      expect(Math.abs(count - 3_000)).toBeLessThan(200);
    }
  });
});

describe("strikes at nodes", () => {
  test("are the same for the same seed, of both kinds, and last from no time to too long", () => {
    const all = (seed: number): NodeStrike[] => {
      const strikesAtNodes = nodeStrikes(seed, 1);
      return Array.from({ length: 1_000 }, () => strikesAtNodes.next().value);
    };
    expect(all(1)).toEqual(all(1));
    expect(all(1)).not.toEqual(all(2));
    const killed = all(1).filter(({ kind }) => kind === "killed").length;
    expect(Math.abs(killed - 500)).toBeLessThan(80);
    const lasting = all(1).map(({ lastingMs }) => lastingMs);
    expect(Math.min(...lasting)).toBeLessThan(100);
    expect(Math.max(...lasting)).toBeGreaterThan(1_900);
  });

  test("only kill where nothing else can be done", () => {
    const kinds = nodeStrikes(1, 1, ["killed"]);
    for (let i = 0; i < 100; i++) expect(kinds.next().value.kind).toBe("killed");
  });
});

describe("choose", () => {
  test.each([
    [0, "a"],
    [0.499, "a"],
    [0.5, "b"],
    [0.999, "b"],
  ])("takes what is at %d of the way", (pick, item) => {
    expect(choose(["a", "b"], pick)).toBe(item);
  });

  test("refuses to choose among nothing", () => {
    expect(() => choose([], 0.5)).toThrow(RangeError);
  });
});
