import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import mermaid from "mermaid";
import {
  chartOf,
  circled,
  drawChart,
  mermaidOf,
  oneLine,
  type Chart,
} from "../src/sequence-chart.js";
import { FIFO } from "../src/strategy.js";
import { runToy } from "./toy-kernel.js";
import { lateReply } from "./toy-programs.js";

const name = fc.oneof(
  fc.constantFrom("a", "shop/1", "shop/1/2", "end", "participant", "A;B", "#", "loop"),
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((text) => text.trim() !== ""),
);
const chart: fc.Arbitrary<Chart> = fc
  .uniqueArray(name, { minLength: 1, maxLength: 6 })
  .chain((lifelines) => {
    const one = fc.constantFrom(...lifelines);
    const event = fc.record({
      step: fc.constant(0),
      type: fc.constantFrom("arrow", "self", "fault"),
      from: one,
      to: one,
      text: fc.oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom("end", "a->>b: c", "%% x", 'm {"t":1}'),
      ),
      marks: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 2 }),
    });
    const verdict = fc.record({
      text: fc.string(),
      step: fc.nat({ max: 1 }),
      on: fc.option(one, { nil: undefined }),
    });
    return fc.record(
      {
        lifelines: fc.constant(lifelines),
        events: fc.array(event as never, { maxLength: 8 }),
        verdict,
      },
      { requiredKeys: ["lifelines", "events"] },
    );
  }) as fc.Arbitrary<Chart>;

describe("a sequence chart", () => {
  const late = chartOf(runToy(lateReply, FIFO), { marks: new Map([["srv→cli#1", [1]]]) });

  test("is drawn with a lifeline for each process and an arrow for each message", () => {
    expect(drawChart(late).join("\n")).toBe(
      [
        "  cli     srv",
        "   |------>|   cli→srv#1",
        "   |<------|   srv→cli#1 (1)",
        "   |------>|   cli→srv#2",
        "   |<------|   srv→cli#2",
      ].join("\n"),
    );
  });

  test("is the same as a Mermaid diagram", () => {
    expect(mermaidOf(late)).toBe(
      [
        "sequenceDiagram",
        "  participant p0 as cli",
        "  participant p1 as srv",
        "  p0->>p1: cli→srv#35;1",
        "  p1->>p0: srv→cli#35;1 ①",
        "  p0->>p1: cli→srv#35;2",
        "  p1->>p0: srv→cli#35;2",
        "",
      ].join("\n"),
    );
  });

  test("calls processes as it is told to", () => {
    const named = chartOf(runToy(lateReply, FIFO), { nameOf: (actor) => actor.toUpperCase() });
    expect(named.lifelines).toEqual(["CLI", "SRV"]);
  });

  test("is understood by Mermaid whatever is said and whoever says it", async () => {
    await fc.assert(
      fc.asyncProperty(chart, async (value) => {
        expect(await mermaid.parse(mermaidOf(value))).toMatchObject({ diagramType: "sequence" });
      }),
      { numRuns: 60 },
    );
    await expect(mermaid.parse("sequenceDiagram\n  a->>: x")).rejects.toThrow("Parse error");
  });

  test("has one line for each event, one for the names and one for the verdict", () => {
    fc.assert(
      fc.property(chart, (value) => {
        const lines = value.events.length + 1 + (value.verdict === undefined ? 0 : 1);
        expect(drawChart(value)).toHaveLength(lines);
      }),
    );
  });
});

test("texts are put on one line, and cut when they are long", () => {
  expect(oneLine("  a\n\tb  ")).toBe("a b");
  expect(oneLine("abcdef", 4)).toBe("abc…");
});

test("numbers are circled as far as there are such characters", () => {
  expect([1, 20, 21].map(circled)).toEqual(["①", "⑳", "(21)"]);
});
