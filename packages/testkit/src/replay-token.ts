/**
 * A failing case of a test as one line: its schedule, and what the program was made from.
 *
 * ```
 * v1:p=pairFifo;h=a>c#1<b>c#1;v=[2,%22x%22]
 * ```
 *
 * | field | what it says |
 * | --- | --- |
 * | `v=JSON` | the values, when JSON can say them; percent-encoded |
 * | `c=SEED:PATH` | else: where fast-check finds them, see its `seed` and `path` |
 */
import { isDeepStrictEqual } from "node:util";
import type { Schedule } from "./schedule.js";
import { formatSchedule, parseSchedule, ScheduleTokenError } from "./schedule-token.js";

export interface Replay {
  readonly schedule: Schedule;
  readonly values: ReplayValues;
}

/** What a program is made from. */
export type ReplayValues =
  | { readonly type: "none" }
  | { readonly type: "json"; readonly values: readonly unknown[] }
  | { readonly type: "path"; readonly seed: number; readonly path: string };

export function formatReplay({ schedule, values }: Replay): string {
  const token = formatSchedule(schedule);
  switch (values.type) {
    case "none":
      return token;
    case "json":
      return `${token};v=${encodeValues(values.values)}`;
    case "path":
      return `${token};c=${values.seed}:${values.path}`;
  }
  return values satisfies never;
}

/** @throws ScheduleTokenError the text is no replay */
export function parseReplay(token: string): Replay {
  const text = token.trim().replace(/^'(.*)'$/, "$1");
  const match = /^(.*?);([vc])=([^;]*)$/s.exec(text);
  if (match === null) return { schedule: parseSchedule(text), values: { type: "none" } };
  const [, schedule = "", field, value = ""] = match;
  return {
    schedule: parseSchedule(schedule),
    values: field === "v" ? parseValues(token, value) : parsePath(token, value),
  };
}

/** Values that JSON brings back as they are; `undefined` for others, and for those that are too long for a line. */
export function asJsonValues(values: readonly unknown[]): ReplayValues | undefined {
  if (values.length === 0) return { type: "none" };
  let back: unknown;
  try {
    back = JSON.parse(JSON.stringify(values));
  } catch {
    return undefined;
  }
  return isDeepStrictEqual(back, values) && encodeValues(values).length <= MAX_VALUES
    ? { type: "json", values }
    : undefined;
}

const MAX_VALUES = 2_000;

function encodeValues(values: readonly unknown[]): string {
  // Readable where a shell lets it be: between single quotes, everything but the quote itself.
  return JSON.stringify(values).replace(/[^A-Za-z0-9_.:#/@,[\]{}+*=<>()!?&|"\\ -]/gu, (char) =>
    char === "'" ? "%27" : encodeURIComponent(char),
  );
}

function parseValues(token: string, text: string): ReplayValues {
  try {
    const values: unknown = JSON.parse(decodeURIComponent(text));
    if (Array.isArray(values)) return { type: "json", values };
  } catch {
    // Said below.
  }
  throw new ScheduleTokenError(token, `v=${text} is no list of values in JSON`);
}

function parsePath(token: string, text: string): ReplayValues {
  const [, seed, path] = /^(-?\d+):([\d:]+)$/.exec(text) ?? [];
  if (seed === undefined || path === undefined) {
    throw new ScheduleTokenError(token, `c=${text} is no seed and path of fast-check`);
  }
  return { type: "path", seed: Number(seed), path };
}
