/** Results as a table for people. */
import { CONTENDERS } from "./benchmark.js";
import { aimsOf, type Result } from "./result.js";

/**
 * A row per benchmark, a column per contender; in brackets Coppice's figure divided by the peer's. Last comes
 * what is aimed at, where something is.
 */
export function formatTable(results: readonly Result[]): string {
  const columns = CONTENDERS.filter((contender) =>
    results.some((result) => result.median[contender] !== undefined),
  );
  const hasTargets = results.some((result) => result.target !== undefined);
  const rows = [
    ["benchmark", "unit", "better", ...columns, ...(hasTargets ? ["target"] : [])],
    ...results.map((result) => [
      result.name,
      result.unit,
      result.better,
      ...columns.map((contender) => formatCell(result.median[contender], result.ratio[contender])),
      ...(hasTargets ? [formatAims(result)] : []),
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] as string).length)),
  );
  return rows
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i] as number)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/** As in `≥ 3× node: met`. */
function formatAims(result: Result): string {
  const sign = result.better === "higher" ? "≥" : "≤";
  return aimsOf(result)
    .map(({ peer, bound, isMet }) => {
      const what = peer === undefined ? formatFigure(bound) : `${bound}× ${peer}`;
      return `${sign} ${what}: ${isMet ? "met" : "missed"}`;
    })
    .join(", ");
}

function formatCell(median: number | undefined, ratio: number | undefined): string {
  if (median === undefined) return "";
  const figure = formatFigure(median);
  return ratio === undefined ? figure : `${figure} (${ratio.toPrecision(3)}×)`;
}

/** Three digits that count, and thousands or millions as a letter: `12.3k`, `4.56M`. */
export function formatFigure(value: number): string {
  if (value >= 999_500) return `${threeDigits(value / 1_000_000)}M`;
  if (value >= 9_999.5) return `${threeDigits(value / 1_000)}k`;
  return threeDigits(value);
}

function threeDigits(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
