/**
 * What a failure says: the violation, the program, why it fails, the chart of what happened, and the line
 * that replays it; at most 25 lines. Beside it, for tools: the trace as JSON and the
 * happens-before graph as DOT.
 */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import { checkOptionalFunction } from "./arguments.js";
import { causalPast } from "./causality.js";
import type { Run, Step } from "./run.js";
import type { Transition } from "./transition.js";
import type { Explanation, Twin } from "./explain.js";
import type { Base } from "./replayer.js";
import { AT_START, otherKeyOf, type Constraint } from "./schedule.js";
import type { StateAround } from "./states.js";
import { dotOf, traceJsonOf, type TraceJson } from "./trace-json.js";
import { chartOf, drawChart, mermaidOf, oneLine, wordsFor, type Chart } from "./sequence-chart.js";

export interface FailureReportOptions {
  /** Where it was found, e.g. `"schedule 38 (pct3)"`. */
  readonly foundBy?: string;
  /** What was run, e.g. `"reader.get(k) ‖ writer.put(k, 1)"`. */
  readonly program?: string;
  /** States that the program exposes, before and after the step of the violation. */
  readonly states?: readonly StateAround[];
  /** The line that replays it. */
  readonly replay?: string;
  /** Shows the run that passes, too; 25 lines are no limit then. `false` by default. */
  readonly twin?: boolean;
  /** What a process is called; its key by default. */
  readonly nameOf?: (actor: string) => string;
}

const KEYS = ["foundBy", "program", "states", "replay", "twin", "nameOf"];

export interface FailureReport {
  readonly text: string;
  /** The chart, for a page that draws Mermaid. */
  readonly mermaid: string;
  /** The happens-before graph, for Graphviz. */
  readonly dot: string;
  /** All steps. */
  readonly trace: TraceJson;
}

/**
 * Puts everything that is known of a failure together.
 *
 * @throws InvalidArgumentError `explanation` is none, or an option is unknown or of the wrong kind
 */
export function reportFailure(
  explanation: Explanation,
  options: FailureReportOptions = {},
): FailureReport {
  if (typeof (explanation as Explanation | undefined)?.run !== "object") {
    const expected = "what explain returns, and where that is undefined there is none";
    throw new InvalidArgumentError("reportFailure: explanation", expected, explanation);
  }
  checkKeys("reportFailure: options", options, KEYS);
  checkOptionalFunction("reportFailure: options.nameOf", options.nameOf);
  const { run, constraints, violation } = explanation;
  const chart = chartOfFailure(explanation, options);
  const head = headOf(explanation, options);
  const foot = footOf(explanation, options);
  const room = MAX_LINES - head.length - foot.length - 2;
  const drawn = chart.lifelines.length === 0 ? [] : drawChart(fit(chart, room));
  const lines = [...head, ...drawn, ...foot];
  if (options.twin === true && explanation.twin !== undefined) {
    lines.push(...twinOf(explanation, explanation.twin, options));
  }
  return {
    text: lines.join("\n"),
    mermaid: mermaidOf(chart),
    dot: dotOf(run, violation.step),
    trace: traceJsonOf(run, constraints),
  };
}

const MAX_LINES = 25;

function headOf(explanation: Explanation, options: FailureReportOptions): readonly string[] {
  const { violation, constraints, failingBases, base, run, minimal } = explanation;
  const { check, message } = violation;
  const lines = whatFailed(check === message ? message : `${check}: ${message}`);
  const { calmFrom } = run;
  if (calmFrom !== undefined && violation.step >= calmFrom) {
    lines.push(
      `assumes: from step ${calmFrom} on no more faults, and what was possible first goes first`,
    );
  }
  if (options.foundBy !== undefined) lines.push(`found: ${options.foundBy}`);
  if (options.program !== undefined) lines.push(`program: ${oneLine(options.program, 160)}`);
  if (constraints.length === 0) {
    const tried = listed(failingBases.map((each) => baseWords[each]));
    lines.push(
      tried === ""
        ? "fails under this schedule; constraints alone do not bring it back"
        : `fails under ${tried}: no order of what happens is needed`,
    );
    return lines;
  }
  const need = minimal ? "drop any one → passes" : "not all may be needed";
  const one = minimal ? "drop it → passes" : "it may not be needed";
  const these = constraints.length === 1 ? "this constraint" : "these constraints";
  const also =
    failingBases.length === 0
      ? ""
      : `, and under ${listed(failingBases.map((each) => baseWords[each]))} as it is`;
  lines.push(
    `fails under ${baseWords[base]} plus ${these} (${constraints.length === 1 ? one : need})${also}:`,
  );
  const transitions = transitionsOf(run);
  const shown = constraints.slice(0, MAX_CONSTRAINTS);
  const keyWidth = Math.max(...shown.map(({ key }) => key.length));
  const otherWidth = Math.max(...shown.map((each) => otherText(each).length));
  for (const [index, constraint] of shown.entries()) {
    const relation = constraint.type === "hold" ? "after" : "right after";
    const keys = `${constraint.key.padEnd(keyWidth)} ${relation} ${otherText(constraint).padEnd(otherWidth)}`;
    lines.push(`  ${index + 1}. ${keys}  ${inWords(constraint, transitions, options)}`.trimEnd());
  }
  if (constraints.length > shown.length) {
    lines.push(`  and ${constraints.length - shown.length} more`);
  }
  return lines;
}

/** A message of several lines keeps them, as long as there is room for all the rest. */
function whatFailed(text: string): string[] {
  const [first = "", ...others] = text.split("\n").filter((line) => line.trim() !== "");
  const shown = others.length > MAX_MORE_LINES ? others.slice(0, MAX_MORE_LINES - 1) : others;
  const left = others.length - shown.length;
  return [
    `✗ ${oneLine(first, 160)}`,
    ...shown.map((line) => `  ${/^ */u.exec(line)?.[0]}${oneLine(line.trim(), 160)}`),
    ...(left === 0 ? [] : [`  … ${left} lines more`]),
  ];
}

const MAX_MORE_LINES = 4;
const MAX_CONSTRAINTS = 8;

const baseWords: Readonly<Record<Base, string>> = {
  fifo: "FIFO",
  lifo: "LIFO",
  eager: "eager timers",
};

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function otherText(constraint: Constraint): string {
  const other = otherKeyOf(constraint);
  return other === AT_START ? "the start" : other;
}

function footOf(
  { twin, constraints, run, violation }: Explanation,
  { replay, states = [] }: FailureReportOptions,
): readonly string[] {
  const lines: string[] = [];
  if (states.length > 0) {
    const isAtRest = violation.step >= run.steps.length;
    lines.push(`state${isAtRest ? " at rest" : ""}: ${oneLine(statesInWords(states), 160)}`);
  }
  if (twin !== undefined) {
    const number = constraints.length === 1 ? "" : ` ${twin.index + 1}`;
    lines.push(
      twin.how === "flipped"
        ? `passes with${number === "" ? " it" : number} flipped: ${changedIn(twin)}`
        : `passes without${number === "" ? " it" : number}`,
    );
  }
  if (replay !== undefined) lines.push(`replay: ${replay}`);
  return lines;
}

/** What changed first. */
function statesInWords(states: readonly StateAround[]): string {
  const isChanged = ({ before, after }: StateAround): boolean => before !== after;
  return [...states.filter(isChanged), ...states.filter((each) => !isChanged(each))]
    .map(({ name, before, after }) =>
      before === after
        ? `${name} ${oneLine(after, 40)}`
        : `${name} ${oneLine(before, 40)} → ${oneLine(after, 40)}`,
    )
    .join(", ");
}

function changedIn({ constraints, index }: Twin): string {
  const changed = constraints[index] as Constraint;
  return `${changed.key} after ${otherKeyOf(changed)}`;
}

function twinOf(
  { constraints }: Explanation,
  twin: Twin,
  options: FailureReportOptions,
): readonly string[] {
  const keys = new Set(constraints.flatMap((each) => [each.key, otherKeyOf(each)]));
  const chart = chartOf(twin.run, { ...options, steps: pastOfKeys(twin.run, keys) });
  return ["the twin that passes:", ...drawChart(chart)];
}

/** What a constraint says, for people. */
function inWords(
  constraint: Constraint,
  transitions: ReadonlyMap<string, Transition>,
  { nameOf = (actor) => actor }: FailureReportOptions,
): string {
  const phrase = (key: string): string => {
    const transition = transitions.get(key);
    if (transition === undefined) return key;
    const name = nameOf(transition.actor);
    const text = oneLine(wordsFor(transition), 40);
    switch (transition.kind) {
      case "signal":
        return `${text} reaches ${name}`;
      case "timer":
        return `a timer of ${name} fires`;
      case "start":
        return `${name} starts`;
      case "resume":
        return `${name} goes on`;
      case "fault":
        return `${text} strikes`;
    }
    return transition.kind satisfies never;
  };
  if (constraint.type === "force") {
    const after =
      constraint.after === AT_START
        ? "before anything else"
        : `as soon as ${phrase(constraint.after)}`;
    return `${phrase(constraint.key)} ${after}`;
  }
  const [own, other] = [constraint.key, constraint.until].map((key) => transitions.get(key));
  const together =
    own?.kind === "signal" && other?.kind === "signal" && own.actor === other.actor
      ? oneLine(wordsFor(other), 40)
      : phrase(constraint.until);
  return `${phrase(constraint.key)} after ${together}`;
}

function transitionsOf(run: Run): ReadonlyMap<string, Transition> {
  const transitions = new Map<string, Transition>();
  for (const { transition, enabled } of run.steps) {
    for (const each of [transition, ...enabled]) transitions.set(each.key, each);
  }
  return transitions;
}

/** Only what could have had a say in the violation. */
function chartOfFailure(
  { run, constraints, violation }: Explanation,
  { nameOf = (actor) => actor }: FailureReportOptions,
): Chart {
  const keys = new Set(constraints.flatMap((each) => [each.key, otherKeyOf(each)]));
  const happened = run.steps[violation.step];
  const past =
    happened !== undefined
      ? causalPast(run, [violation.step])
      : keys.size > 0
        ? pastOfKeys(run, keys)
        : [...run.steps.keys()];
  // What a constraint put off may come after the violation, and is what it is about.
  const named = [...run.steps.keys()].filter((step) => keys.has(keyAt(run, step)));
  const steps = [...new Set([...past, ...named])].sort((a, b) => a - b);
  const marks = new Map<string, number[]>();
  for (const [index, { key }] of constraints.entries()) {
    marks.set(key, [...(marks.get(key) ?? []), index + 1]);
  }
  // That a process starts is worth a line only when its time matters.
  const drawn = steps.filter((step) => {
    const { kind, key } = (run.steps[step] as Step).transition;
    return kind !== "start" || keys.has(key);
  });
  const chart = chartOf(run, { steps: drawn, nameOf, marks });
  const on = happened === undefined ? undefined : nameOf(happened.transition.actor);
  const verdict = {
    text: `✗ ${oneLine(violation.message)}`,
    step: violation.step,
    on: on !== undefined && chart.lifelines.includes(on) ? on : undefined,
  };
  return { ...chart, verdict };
}

function keyAt(run: Run, step: number): string {
  return (run.steps[step] as Step).transition.key;
}

/** The past of all that the processes do in which the keys happen. */
function pastOfKeys(run: Run, keys: ReadonlySet<string>): readonly number[] {
  const actors = new Set(
    run.steps
      .filter(({ transition }) => keys.has(transition.key))
      .map(({ transition }) => transition.actor),
  );
  const roots = [...run.steps.keys()].filter((step) =>
    actors.has((run.steps[step] as Step).transition.actor),
  );
  return causalPast(run, roots);
}

/** Leaves out the oldest lines that no constraint speaks of, until the chart has at most `room` events. */
function fit(chart: Chart, room: number): Chart {
  const spare = chart.events.length - Math.max(room, 3);
  if (spare <= 0) return chart;
  let toDrop = spare + 1;
  const dropped = new Set<number>();
  for (const { step, marks } of chart.events) {
    if (toDrop === 0) break;
    if (marks.length > 0) continue;
    dropped.add(step);
    toDrop--;
  }
  const kept = chart.events.filter(({ step }) => !dropped.has(step));
  const [first] = kept;
  const on = first?.to ?? (chart.lifelines[0] as string);
  return {
    ...chart,
    events: [
      {
        step: -1,
        type: "self",
        from: on,
        to: on,
        text: `… ${dropped.size} steps not shown`,
        marks: [],
      },
      ...kept,
    ],
  };
}
