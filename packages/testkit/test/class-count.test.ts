import { describe, expect, test } from "@jest/globals";
import { inMacrotask, type Program } from "@coppice/testkit";
import { countClasses } from "../src/class-count.js";

/** So many words reach one ear; the one that comes first, or last, must not be `refused`. */
function words(count: number, which: "first" | "last" = "first", refused = "1"): Program {
  return (sim) => {
    const node = sim.node();
    let first = "";
    let last = "";
    const ear = node.spawn<string>(async (self) => {
      for (;;) {
        const word = await self.receive();
        if (first === "") first = word;
        last = word;
      }
    });
    for (let each = 0; each < count; each++) node.spawn((self) => self.send(ear, `${each}`));
    sim.finally(`the ${which}`, () => (which === "first" ? first : last) !== refused);
  };
}

describe("how many classes there are and fail is told", () => {
  test.each([
    [1, "1 class exists, 0 fail"],
    [2, "2 classes exist, 1 fails"],
    [4, "24 classes exist, 6 fail"],
  ])("exactly where %d messages race", async (count, text) => {
    expect(await inMacrotask(() => countClasses(words(count), {}))).toBe(text);
  });

  test("and where no class fails although a run does, that it is not classes that decide", async () => {
    const text = await inMacrotask(() => countClasses(words(1), {}, true));
    expect(text).toBe(
      "1 class exists, 0 fail: what decides is shared where the simulation does not see it, see `sim.shared`",
    );
  });

  test("as what is there at least, where there are too many, with how many of these fail if any does", async () => {
    const numberOf = (digits = ""): number => Number(digits.replaceAll(",", ""));
    const told = await inMacrotask(() => countClasses(words(9, "last", "7"), {}));
    const [, exist, of, fail] =
      /^at least ([\d,]+) classes exist, and of ([\d,]+) schedules ([\d,]+) fail$/.exec(told) ?? [];
    expect(numberOf(of)).toBeGreaterThan(10);
    expect(numberOf(of)).toBeLessThanOrEqual(1_000);
    expect(numberOf(exist)).toBeLessThanOrEqual(numberOf(of));
    expect(numberOf(fail)).toBeGreaterThan(0);
    expect(numberOf(fail)).toBeLessThan(numberOf(of));
    // Source-DPOR changes what comes first last of all.
    const untold = await inMacrotask(() => countClasses(words(9), {}, true));
    expect(untold).toMatch(/^at least [\d,]+ classes exist$/);
  });

  test("within the budget of faults, and says so", async () => {
    const crashing: Program = (sim) => {
      const node = sim.node("a");
      const ear = node.spawn(async (self) => void (await self.receive()));
      sim.faults.crash("ear", ear);
      node.spawn((self) => self.send(ear, "x"));
      sim.finally("it lives or heard", () => true);
    };
    const text = await inMacrotask(() => countClasses(crashing, {}));
    expect(text).toMatch(/^\d+ classes exist with faults ≤ 1, 0 fail$/);
  });
});
