/**
 * Schedules as values: which order a run takes, said in keys of what happens and never in positions.
 *
 * A schedule fills in everything by its strategy; its constraints come before that. Because a key
 * names the same happening in every run, a schedule keeps its meaning when the program around it
 * grows or shrinks.
 */
import { checkKeys, InvalidArgumentError } from "@coppice/core";

/** How what the constraints leave open is decided. All but `fifo`, `lifo` and `eager` go by the seed. */
export const strategyNames = [
  "fifo",
  "lifo",
  "eager",
  "walk",
  "pct2",
  "pct3",
  "pos",
  "surw",
] as const;
export type StrategyName = (typeof strategyNames)[number];

/** How signals travel: see the guide on delivery profiles. */
export const profileNames = ["instant", "pairFifo", "erlDist", "datagram"] as const;
export type ProfileName = (typeof profileNames)[number];

/**
 * One sentence about an order. A hold lets `key` not happen before `until` has; a force makes `key`
 * happen as soon as it can once `after` has, before anything else: it is how a fault gets its place.
 */
export type Constraint =
  | { readonly type: "hold"; readonly key: string; readonly until: string }
  | { readonly type: "force"; readonly key: string; readonly after: string };

/** `after` of a force that takes place before everything else. */
export const AT_START = "^";

export interface Schedule {
  readonly profile: ProfileName;
  readonly strategy: StrategyName;
  /** A whole number from 0 to 2³² − 1. */
  readonly seed: number;
  /**
   * For `pct2` and `pct3`: how many transitions the run is taken to have, a whole number from 1 to 2³² − 1. In a
   * run of that length one or two changes are expected. Without it, the seed guesses.
   */
  readonly length?: number;
  readonly constraints: readonly Constraint[];
}

/** First in, first out, under `pairFifo`: what every schedule deviates from. */
export const fifoSchedule: Schedule = {
  profile: "pairFifo",
  strategy: "fifo",
  seed: 0,
  constraints: [],
};

/**
 * A schedule from what differs from FIFO under `pairFifo`.
 *
 * @throws InvalidArgumentError a field is unknown or of the wrong kind
 * @example
 * import { createSchedule, formatSchedule } from "@coppice/testkit";
 * formatSchedule(createSchedule({ strategy: "pos", seed: 7 })); // => "v1:p=pairFifo;s=pos@7"
 */
export function createSchedule(fields: Partial<Schedule> = {}): Schedule {
  checkKeys("createSchedule: fields", fields, [
    "profile",
    "strategy",
    "seed",
    "length",
    "constraints",
  ]);
  const { profile, strategy, seed, length, constraints } = { ...fifoSchedule, ...fields };
  const refuse = (field: string, expected: string, value: unknown): never => {
    throw new InvalidArgumentError(`createSchedule: fields.${field}`, expected, value);
  };
  if (!isOneOf(profileNames, profile)) refuse("profile", oneOf(profileNames), profile);
  if (!isOneOf(strategyNames, strategy)) refuse("strategy", oneOf(strategyNames), strategy);
  if (!isSeed(seed)) refuse("seed", "a whole number from 0 to 4294967295", seed);
  if (length !== undefined && !isLength(strategy, length)) {
    refuse("length", "a whole number from 1 to 4294967295, for pct2 and pct3", length);
  }
  if (!Array.isArray(constraints)) refuse("constraints", "an array", constraints);
  for (const [index, constraint] of constraints.entries()) {
    if (!isConstraint(constraint)) {
      const expected =
        '{ type: "hold", key, until } or { type: "force", key, after }, with keys of what happens';
      refuse(`constraints[${index}]`, expected, constraint);
    }
  }
  return { profile, strategy, seed, ...(length !== undefined && { length }), constraints };
}

/** Whether `value` is a whole and well-formed schedule. */
export function isSchedule(value: unknown): value is Schedule {
  if (typeof value !== "object" || value === null) return false;
  const { profile, strategy, seed, length, constraints, ...rest } = value as Record<
    string,
    unknown
  >;
  return (
    Object.keys(rest).length === 0 &&
    isOneOf(profileNames, profile) &&
    isOneOf(strategyNames, strategy) &&
    isSeed(seed) &&
    (length === undefined || isLength(strategy, length)) &&
    Array.isArray(constraints) &&
    constraints.every(isConstraint)
  );
}

/** Whether the seed of a schedule with this strategy means anything. */
export function usesSeed(strategy: StrategyName): boolean {
  return strategy !== "fifo" && strategy !== "lifo" && strategy !== "eager";
}

/** Whether a schedule with this strategy may say how long its run is. */
export function usesLength(strategy: StrategyName): boolean {
  return strategy === "pct2" || strategy === "pct3";
}

export function isSameConstraint(a: Constraint, b: Constraint): boolean {
  return a.type === b.type && a.key === b.key && otherKeyOf(a) === otherKeyOf(b);
}

/** The key that the constraint's own waits for, or follows. */
export function otherKeyOf(constraint: Constraint): string {
  return constraint.type === "hold" ? constraint.until : constraint.after;
}

function isConstraint(value: unknown): value is Constraint {
  if (typeof value !== "object" || value === null) return false;
  const { type, key, until, after, ...rest } = value as Record<string, unknown>;
  if (Object.keys(rest).length > 0 || !isKey(key)) return false;
  if (type === "hold") return isKey(until) && after === undefined && key !== until;
  return type === "force" && isKey(after) && until === undefined && key !== after;
}

function isKey(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isSeed(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

function isLength(strategy: StrategyName, value: unknown): boolean {
  return usesLength(strategy) && isSeed(value) && value !== 0;
}

function isOneOf<T extends string>(names: readonly T[], value: unknown): value is T {
  return names.includes(value as T);
}

function oneOf(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
