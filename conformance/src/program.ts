/**
 * Programs with the traces that a real Erlang produced for them, as JSON. The README has the format.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Something that one process of a program does; as a step of the program it says who by. */
export interface Op extends JsonObject {
  readonly op: string;
}

/** What a step came to, as far as it is not empty. */
export interface TraceEntry {
  readonly r: Json;
  readonly log?: readonly (readonly Json[])[];
  readonly done?: readonly Done[];
  readonly st?: { readonly [name: string]: JsonObject };
  readonly tree?: { readonly [supervisor: string]: Json };
  readonly unordered?: readonly string[];
}

/** A step that had been pending and returned. */
export interface Done {
  readonly step: number;
  readonly by: string;
  readonly r: Json;
}

export interface Program {
  readonly id: string;
  readonly layer: string;
  /** How many puppets it begins with. */
  readonly procs: number;
  readonly steps: readonly Op[];
  readonly trace: readonly TraceEntry[];
  /** From this step on a difference may be legitimate. */
  readonly racy: number | undefined;
  /** Named rule tables of state machines. */
  readonly machines: JsonObject;
}

/** Not a program. The message says what is wrong with it, in the terms of the README. */
export class MalformedProgramError extends Error {
  override readonly name = "MalformedProgramError";
}

/** The fields without which an op makes no sense, by op. */
export type Vocabulary = ReadonlyMap<string, readonly string[]>;

/** The fields that hold ops in turn. */
const NESTED = ["ops", "body", "do"];

/**
 * Checks that a value is a program with its trace.
 *
 * @param vocabularyOf what can be said in a layer; `undefined` when there is no such layer
 * @param defaultLayer the layer of a program that does not name it
 * @throws MalformedProgramError it is not
 */
export function checkProgram(
  value: unknown,
  vocabularyOf: (layer: string) => Vocabulary | undefined,
  defaultLayer?: string,
): Program {
  const program = object("a program", value);
  const { id, layer = defaultLayer, procs = 2, steps, trace, racy, machines = {} } = program;
  if (typeof id !== "string") throw malformed(`"id"`, "a string", id);
  if (typeof layer !== "string") throw malformed(`"layer" of ${id}`, "a string", layer);
  const vocabulary = vocabularyOf(layer);
  if (vocabulary === undefined) {
    throw new MalformedProgramError(`${id} is of a layer that was not asked for: "${layer}"`);
  }
  if (!isCount(procs)) throw malformed(`"procs" of ${id}`, "a whole number", procs);
  if (!Array.isArray(steps)) throw malformed(`"steps" of ${id}`, "an array", steps);
  if (!Array.isArray(trace)) throw malformed(`"trace" of ${id}`, "an array", trace);
  if (trace.length !== steps.length) {
    throw malformed(`"trace" of ${id}`, `as long as its ${steps.length} steps`, trace.length);
  }
  if (racy !== undefined && !(isCount(racy) && racy < steps.length)) {
    throw malformed(`"racy" of ${id}`, "the index of a step", racy);
  }
  steps.forEach((step, index) => checkStep(`step ${index} of ${id}`, step, vocabulary));
  trace.forEach((entry, index) => {
    const place = `entry ${index} in the trace of ${id}`;
    if (object(place, entry).r === undefined) throw malformed(place, `an object with "r"`, entry);
  });
  return {
    id,
    layer,
    procs,
    steps: steps as Op[],
    trace: trace as unknown as TraceEntry[],
    racy,
    machines: object(`"machines" of ${id}`, machines),
  };
}

function checkStep(place: string, value: unknown, vocabulary: Vocabulary): void {
  const step = object(place, value);
  if (step.op === "advance") {
    if (!isCount(step.ms)) throw malformed(`"ms" of ${place}`, "a whole number", step.ms);
    return;
  }
  if (typeof step.by !== "string") throw malformed(`"by" of ${place}`, "a name", step.by);
  checkOp(place, step, vocabulary);
}

function checkOp(place: string, value: unknown, vocabulary: Vocabulary): void {
  const op = object(place, value);
  const needs = typeof op.op === "string" ? vocabulary.get(op.op) : undefined;
  if (needs === undefined) {
    throw malformed(`"op" of ${place}`, [...vocabulary.keys()].join(", "), op.op);
  }
  for (const field of needs) {
    if (op[field] === undefined) throw malformed(`"${field}" of ${place}`, "given", undefined);
  }
  for (const field of NESTED) {
    const ops = op[field];
    if (!Array.isArray(ops) || typeof ops[0] === "string") continue;
    ops.forEach((nested, index) => checkOp(`${field}[${index}] of ${place}`, nested, vocabulary));
  }
}

function object(place: string, value: unknown): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw malformed(place, "an object", value);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function malformed(place: string, expected: string, received: unknown): MalformedProgramError {
  const shown = received === undefined ? "missing" : JSON.stringify(received);
  return new MalformedProgramError(`${place} must be ${expected}, but is ${shown}`);
}
