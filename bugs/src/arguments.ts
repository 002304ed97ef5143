/** The arguments of `npm run bugs`. */
import { parseArgs } from "node:util";
import { catalogue, further, hardened } from "./catalogue.js";
import type { Entry } from "./entry.js";

export const USAGE = `npm run bugs -- [ID ...] [--budget N] [--seeds N] [--alarms N] [--json FILE]

Looks for each bug of the catalogue, explains what it finds, replays the explanation in a process of its
own, and looks for false alarms in the mended variant.

  ID         P01 to P44, or a hardened one: ${hardened.map(({ id }) => id).join(", ")}; P01 to P36 by default
  --budget   how many schedules a search may take; 200000 by default
  --seeds    how many searches are made, each with a seed of its own; 20 by default
  --alarms   under how many schedules the mended variant is run; 75000 by default
  --json     a file for all figures`;

export interface Request {
  readonly entries: readonly Entry[];
  readonly budget: number;
  readonly seeds: number;
  readonly alarms: number;
  readonly json: string | undefined;
}

/** Misuse: the message says what was expected and what came. */
export class UsageError extends Error {}

/** @throws UsageError an argument is unknown or of the wrong kind */
export function readArguments(args: readonly string[]): Request | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const entries = positionals.map(findEntry);
  return {
    entries: entries.length === 0 ? catalogue : entries,
    budget: count("--budget", values.budget, 200_000, 1),
    seeds: count("--seeds", values.seeds, 20, 1),
    alarms: count("--alarms", values.alarms, 75_000, 0),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        budget: { type: "string" },
        seeds: { type: "string" },
        alarms: { type: "string" },
        json: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

export function findEntry(id: string): Entry {
  const all = [...catalogue, ...further, ...hardened];
  const entry = all.find((each) => each.id.toLowerCase() === id.toLowerCase());
  if (entry !== undefined) return entry;
  throw new UsageError(`no bug "${id}"; there are ${all.map((each) => each.id).join(", ")}`);
}

function count(option: string, text: string | undefined, usual: number, least: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${option} takes a whole number of at least ${least}, and got "${text}"`);
}
