import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import {
  checkLimits,
  createBreachCounts,
  DEFAULT_LIMITS,
  FRAME_OVERHEAD_BYTES,
  negotiateLimits,
  type Limits,
} from "../src/limits.js";

const UNITS = { "": 1, KiB: 1024, MiB: 1024 ** 2 };

/** The rows of a table `| limits | defaults | … |`, of one limit each or of several. */
function tabled(page: string): [name: string, byDefault: number][] {
  return [...page.matchAll(/^[ *]*\| (`[^|]*) \| ([^|]+?) *\|/gm)].flatMap(
    ([, named = "", defaults = ""]) => {
      const names = [...named.matchAll(/`(\w+)`/g)];
      return defaults.split(", ").map((text, at): [string, number] => {
        const [, digits = "", unit = ""] = /^([\d ]*\d) ?(.*)$/.exec(text) ?? [];
        const size = UNITS[unit as keyof typeof UNITS];
        return [names[at]?.[1] ?? "", Number(digits.replaceAll(" ", "")) * size];
      });
    },
  );
}

describe("limits", () => {
  test.each(["../src/limits.ts", "../../../docs/remote.md"])(
    "each has its default in the table of %s, and there is no other",
    (path) => {
      const page = readFileSync(new URL(path, import.meta.url), "utf8");
      const [, table = page] = page.split(/^## Limits$/m);
      const rows = tabled(table.split(/^## /m, 1)[0] as string);
      expect(rows).toHaveLength(Object.keys(DEFAULT_LIMITS).length);
      expect(Object.fromEntries(rows)).toEqual(DEFAULT_LIMITS);
    },
  );

  test("those not given have their defaults", () => {
    expect(checkLimits("limits")).toEqual(DEFAULT_LIMITS);
    expect(checkLimits("limits", { maxDepth: 32 })).toEqual({ ...DEFAULT_LIMITS, maxDepth: 32 });
  });

  test.each(Object.keys(DEFAULT_LIMITS) as (keyof Limits)[])(
    "%s is refused when it is no positive integer",
    (name) => {
      for (const value of [0, -1, 1.5, NaN, Infinity, "1", null]) {
        expect(() => checkLimits("limits", { [name]: value })).toThrow(
          expect.objectContaining({ code: "INVALID_ARGUMENT", argument: `limits.${name}` }),
        );
      }
    },
  );

  test("a limit nobody knows is refused", () => {
    expect(() => checkLimits("limits", { maxFrames: 1 } as never)).toThrow(
      /limits must be made of/,
    );
  });

  test.each<[Partial<Limits>, string]>([
    [{ softQueueBytes: 17 * 1024 * 1024 }, "limits.softQueueBytes"],
    [{ maxMessageBytes: 64 * 1024 * 1024 }, "limits.maxMessageBytes"],
    [{ maxHandshakes: 4 }, "limits.maxHandshakesPerAddress"],
    [{ maxFrameBytes: 65_536 }, "limits.fragmentBytes"],
  ])("%j contradicts another limit", (given, argument) => {
    expect(() => checkLimits("limits", given)).toThrow(expect.objectContaining({ argument }));
  });

  test("two sides agree on what both can take", () => {
    const small = { ...DEFAULT_LIMITS, maxFrameBytes: 8192, windowSignals: 99 };
    const agreed = {
      maxFrameBytes: 8192,
      maxMessageBytes: DEFAULT_LIMITS.maxMessageBytes,
      fragmentBytes: 8192 - FRAME_OVERHEAD_BYTES,
      windowBytes: DEFAULT_LIMITS.windowBytes,
      windowSignals: 99,
    };
    expect(negotiateLimits(DEFAULT_LIMITS, small)).toEqual(agreed);
    expect(negotiateLimits(small, DEFAULT_LIMITS)).toEqual(agreed);
  });

  test("breaches are counted under the name of their limit", () => {
    const breaches = createBreachCounts();
    breaches.count("maxDepth");
    breaches.count("maxDepth");
    breaches.count("maxItems");
    expect(breaches.snapshot()).toEqual({ maxDepth: 2, maxItems: 1 });
  });
});
