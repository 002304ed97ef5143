/**
 * A run as a sequence chart: what was sent to whom, in the order in which it arrived. One list of
 * events, drawn as text and as Mermaid.
 *
 * Mermaid: https://mermaid.js.org/syntax/sequenceDiagram.html
 */
import type { Run } from "./run.js";
import type { Transition } from "./transition.js";

/** One line of a chart. */
export interface ChartEvent {
  /** Position in the run. */
  readonly step: number;
  /** `"arrow"` from one lifeline to another, `"self"` on one, `"fault"` on one. */
  readonly type: "arrow" | "self" | "fault";
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** Numbers of the constraints that say when this happens. */
  readonly marks: readonly number[];
}

export interface Chart {
  /** Names of the lifelines, from left to right. */
  readonly lifelines: readonly string[];
  readonly events: readonly ChartEvent[];
  /** What went wrong after which step, and on whose lifeline; none when it is nobody's. */
  readonly verdict?: {
    readonly text: string;
    readonly step: number;
    readonly on: string | undefined;
  };
}

/** What tells how a run is drawn. */
export interface ChartOptions {
  /** Positions of the steps that are drawn, in order; all by default. */
  readonly steps?: readonly number[];
  /** What a process is called; its key by default. */
  readonly nameOf?: (actor: string) => string;
  /** Keys that carry numbers. */
  readonly marks?: ReadonlyMap<string, readonly number[]>;
}

/** The chart of a run. */
export function chartOf(run: Run, options: ChartOptions = {}): Chart {
  const { nameOf = (actor) => actor, marks } = options;
  const lifelines = new Set<string>();
  const events = (options.steps ?? [...run.steps.keys()]).flatMap((step): ChartEvent[] => {
    const transition = run.steps[step]?.transition;
    if (transition === undefined) return [];
    const to = nameOf(transition.actor);
    const from = nameOf(senderOf(transition) ?? transition.actor);
    lifelines.add(from).add(to);
    const type = transition.kind === "fault" ? "fault" : from === to ? "self" : "arrow";
    const text = oneLine(wordsFor(transition));
    return [{ step, type, from, to, text, marks: marks?.get(transition.key) ?? [] }];
  });
  return { lifelines: [...lifelines], events };
}

/** What a transition is, in words; a call by its request alone. */
export function wordsFor(transition: Transition): string {
  const text = transition.describe();
  const [, request] = /^message \{"type":"call","request":(.*),"from":"[^"]*"\}$/s.exec(text) ?? [];
  return request === undefined ? text : `call ${request}`;
}

/** Key of the process that sent a signal. */
export function senderOf({ kind, channel, actor }: Transition): string | undefined {
  const end = `→${actor}`;
  return kind === "signal" && channel.endsWith(end) ? channel.slice(0, -end.length) : undefined;
}

/** As text, one line for the names and one for each event, in characters that every terminal has. */
export function drawChart(chart: Chart): readonly string[] {
  const { lifelines } = chart;
  const centres: number[] = [];
  let width = 0;
  for (const name of lifelines) {
    const left = Math.max(width + 2, (centres.at(-1) ?? -LEAST_GAP) + LEAST_GAP - half(name));
    centres.push(left + half(name));
    width = left + name.length;
  }
  const shift = 2 - ((centres[0] ?? 0) - half(lifelines[0] ?? ""));
  for (const index of centres.keys()) (centres[index] as number) += shift;
  const centreOf = (name: string): number => centres[lifelines.indexOf(name)] as number;

  const header = row(width + shift);
  for (const name of lifelines) put(header, centreOf(name) - half(name), name);
  const lines = [header.join("").trimEnd()];
  const draw = (text: string, paint: (line: string[]) => void): void => {
    const line = row(width + shift);
    for (const centre of centres) line[centre] = "|";
    paint(line);
    lines.push(`${line.join("")}  ${text}`);
  };
  for (const item of inTurn(chart)) {
    if ("on" in item) {
      draw(item.text, (line) => {
        if (item.on !== undefined) line[centreOf(item.on)] = "!";
      });
      continue;
    }
    const { type, from, to, text, marks } = item;
    draw([text, ...marks.map((mark) => `(${mark})`)].join(" "), (line) => {
      const [a, b] = [centreOf(from), centreOf(to)];
      if (type !== "arrow") {
        line[b] = type === "fault" ? "X" : "*";
        return;
      }
      for (let at = Math.min(a, b) + 1; at < Math.max(a, b); at++) line[at] = "-";
      line[a < b ? b - 1 : b + 1] = a < b ? ">" : "<";
    });
  }
  return lines;
}

/** The events, and the verdict among them where it was reached. */
function inTurn({
  events,
  verdict,
}: Chart): readonly (ChartEvent | NonNullable<Chart["verdict"]>)[] {
  if (verdict === undefined) return events;
  const before = events.filter(({ step }) => step <= verdict.step);
  return [...before, verdict, ...events.slice(before.length)];
}

/** Room for an arrow between two lifelines. */
const LEAST_GAP = 8;

function half(name: string): number {
  return Math.floor(name.length / 2);
}

function row(width: number): string[] {
  return Array.from({ length: width }, () => " ");
}

function put(line: string[], at: number, text: string): void {
  for (const [index, char] of [...text].entries()) line[at + index] = char;
}

/** As a Mermaid sequence diagram. */
export function mermaidOf(chart: Chart): string {
  const { lifelines } = chart;
  const idOf = (name: string): string => `p${lifelines.indexOf(name)}`;
  const lines = ["sequenceDiagram"];
  for (const name of lifelines) lines.push(`  participant ${idOf(name)} as ${escapeMermaid(name)}`);
  const noteOn = (on: string | undefined): string => {
    if (on !== undefined) return idOf(on);
    const last = lifelines.length - 1;
    return last === 0 ? "p0" : `p0,p${last}`;
  };
  for (const item of inTurn(chart)) {
    if ("on" in item) {
      if (lifelines.length === 0) continue;
      lines.push(`  Note over ${noteOn(item.on)}: ${escapeMermaid(item.text)}`);
      continue;
    }
    const { type, from, to, text, marks } = item;
    const said = [escapeMermaid(text), ...marks.map(circled)].join(" ");
    if (type === "fault") lines.push(`  Note over ${idOf(to)}: ✗ ${said}`);
    else lines.push(`  ${idOf(from)}->>${idOf(to)}: ${said}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Everything that means something to Mermaid, as its entity codes. */
function escapeMermaid(text: string): string {
  const escaped = oneLine(text).replace(
    /[^\p{L}\p{N} .,!?_/→✗…="'()[\]{}-]/gu,
    (char) => `#${char.codePointAt(0)};`,
  );
  return escaped === "" ? "#32;" : escaped;
}

/** ① to ⑳, and (21) from there. */
export function circled(number: number): string {
  return number <= 20 ? String.fromCodePoint(0x245f + number) : `(${number})`;
}

/** What people say on one line, and no longer than that. */
export function oneLine(text: string, maxLength = 80): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
