/**
 * Comparing what a program did here with what it did in Erlang.
 *
 * Erlang orders signals between two processes only; where its trace says that an order was the VM's
 * choice, any other is as good.
 */
import type { Done, Json, JsonObject, Program, TraceEntry } from "./program.js";

/** Layers in which callbacks of different processes log: between those there is no order. */
const LOG_BY_PROCESS: ReadonlySet<string> = new Set(["gen_server", "gen_statem"]);

/** How many steps of the program are to be compared: up to and with the first racy one. */
export function comparable(program: Program): number {
  return program.racy === undefined ? program.steps.length : program.racy + 1;
}

/** The index of the first step at which a trace differs from the recorded one; `undefined` if none does. */
export function firstDifference(program: Program, got: readonly TraceEntry[]): number | undefined {
  const states = new Map<string, JsonObject>();
  for (let index = 0; index < comparable(program); index++) {
    const expected = program.trace[index] as TraceEntry;
    const entry = got[index];
    if (entry === undefined) return index;
    const free = new Set(index === program.racy ? (expected.unordered ?? []) : []);
    const form = (which: TraceEntry): string =>
      canonical(comparableForm(which, { layer: program.layer, free, before: states }));
    if (form(expected) !== form(entry)) return index;
    for (const [name, state] of Object.entries(expected.st ?? {})) states.set(name, state);
  }
  return undefined;
}

interface Circumstances {
  readonly layer: string;
  /** The puppets whose new messages have no order. */
  readonly free: ReadonlySet<string>;
  /** The states before the step. */
  readonly before: ReadonlyMap<string, JsonObject>;
}

/** The entry with everything in one order that may have any. */
function comparableForm(entry: TraceEntry, circumstances: Circumstances): Json {
  const { layer, free, before } = circumstances;
  const { r, log = [], done = [], st = {}, tree = {} } = entry;
  const news: { [puppet: string]: Json[] } = {};
  const states: { [name: string]: Json } = { ...st };
  for (const name of free) {
    const { kept, added } = splitMailbox(before.get(name), st[name]);
    const taken = done.filter((each) => each.by === name).map(messageTaken);
    news[name] = inAnyOrder([...added, ...taken.filter((message) => message !== undefined)]);
    if (st[name]?.["mbox"] !== undefined) states[name] = { ...st[name], mbox: kept };
  }
  return {
    r,
    log: LOG_BY_PROCESS.has(layer) ? groupByProcess(log) : log,
    done: done.map((each) => (free.has(each.by) ? withoutMessage(each) : each)) as unknown as Json,
    st: states,
    tree,
    news,
  };
}

/** What was in the mailbox before the step, and what came in it. */
function splitMailbox(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): { kept: Json[]; added: Json[] } {
  const old = [...((before?.["mbox"] ?? []) as readonly Json[])].map(canonical);
  const mailbox = (after?.["mbox"] ?? []) as readonly Json[];
  const kept: Json[] = [];
  for (const message of mailbox) {
    const place = old.indexOf(canonical(message));
    if (place === -1) break;
    old.splice(0, place + 1);
    kept.push(message);
  }
  return { kept, added: mailbox.slice(kept.length) };
}

/** The message that a `recv` took which had waited for it. */
function messageTaken({ r }: Done): Json | undefined {
  const ok = typeof r === "object" && r !== null && "ok" in r ? r.ok : undefined;
  return Array.isArray(ok) && ok.length === 2 && ok[0] === "msg" ? (ok[1] as Json) : undefined;
}

function withoutMessage(done: Done): Done {
  return messageTaken(done) === undefined ? done : { ...done, r: "a new message" };
}

function groupByProcess(log: readonly (readonly Json[])[]): { [process: string]: Json[] } {
  const groups: { [process: string]: Json[] } = {};
  for (const entry of log) (groups[entry[0] as string] ??= []).push(entry);
  return groups;
}

function inAnyOrder(values: readonly Json[]): Json[] {
  return [...values].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
}

/** One text for one value, whatever the order of its keys. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, part: Json) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
