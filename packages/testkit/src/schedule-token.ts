/**
 * A schedule as one line: ASCII, safe in a shell between single quotes, readable, and parsed back.
 *
 * ```
 * v1:p=pairFifo;h=wr>db#1<rd>db#1,rd>cache#2<wr>cache#1
 * ```
 *
 * | field | what it says | when absent |
 * | --- | --- | --- |
 * | `p=PROFILE` | how signals travel | never absent |
 * | `s=STRATEGY@SEED` | how what is open is decided; no `@SEED` for `fifo`, `lifo`, `eager` | `fifo` |
 * | `s=pct2@SEED/LENGTH` | the same, and how many transitions PCT takes the run to have | the seed guesses |
 * | `h=A<B,…` | holds: A happens after B | none |
 * | `f=A+B,…` | forces: A happens right after B; B is `^` for the start | none |
 * | `k=TEXT,…` | long pieces of keys, which the keys call `$0`, `$1`, … | nothing is abbreviated |
 *
 * In keys `→` is written `>`; whatever else is no letter, digit or one of `-_.:/#@` is written as `%` and two
 * hex digits for each byte of its UTF-8.
 */
import { CoppiceError, InvalidArgumentError } from "@coppice/core";
import {
  AT_START,
  createSchedule,
  profileNames,
  strategyNames,
  usesLength,
  usesSeed,
  type Constraint,
  type ProfileName,
  type Schedule,
  type StrategyName,
} from "./schedule.js";

/** The text is no schedule; the message says where, and what was expected there. */
export class ScheduleTokenError extends CoppiceError {
  override readonly name = "ScheduleTokenError";
  readonly code = "SCHEDULE_TOKEN";
  readonly token: string;
  constructor(token: string, why: string) {
    super(`no schedule: ${why}, in ${JSON.stringify(token)}`);
    this.token = token;
  }
}

/**
 * Writes a schedule as one line.
 *
 * @throws InvalidArgumentError `schedule` is none
 * @example
 * import { createSchedule, formatSchedule } from "@coppice/testkit";
 * const constraints = [{ type: "hold", key: "wr→db#1", until: "rd→db#1" }] as const;
 * formatSchedule(createSchedule({ constraints })); // => "v1:p=pairFifo;h=wr>db#1<rd>db#1"
 */
export function formatSchedule(schedule: Schedule): string {
  if (!Array.isArray((schedule as Schedule | undefined)?.constraints)) {
    const expected = "a schedule, as createSchedule makes it";
    throw new InvalidArgumentError("formatSchedule: schedule", expected, schedule);
  }
  const plain = formatWith(schedule, []);
  if (plain.length <= MAX_PLAIN) return plain;
  const pieces = piecesOf(schedule);
  if (pieces.length === 0) return plain;
  const short = formatWith(schedule, pieces);
  return short.length < plain.length ? short : plain;
}

/** Up to here, what is written out is read more easily. */
const MAX_PLAIN = 200;

/**
 * Reads what `formatSchedule` wrote. Accepts `→` in keys, white space around it all, and the quotes of
 * a shell.
 *
 * @throws ScheduleTokenError the text is no schedule
 */
export function parseSchedule(token: string): Schedule {
  const refuse = (why: string): never => {
    throw new ScheduleTokenError(token, why);
  };
  if (typeof token !== "string") {
    throw new InvalidArgumentError("parseSchedule: token", "a token, as v1:p=pairFifo", token);
  }
  const text = token.trim().replace(/^'(.*)'$/, "$1");
  const [, version, rest] = /^(v\d+):(.*)$/s.exec(text) ?? refuse("it does not begin with v1:");
  if (version !== "v1") refuse(`its version is ${version}, and this testkit reads v1`);

  const fields = new Map<string, string>();
  for (const field of (rest as string).split(";")) {
    const [, name = "", value = ""] =
      /^([a-z])=(.*)$/s.exec(field) ?? refuse(`"${field}" is no field like h=A<B`);
    if (!"pshfk".includes(name)) refuse(`there is no field ${name}, only p, s, h, f and k`);
    if (fields.has(name)) refuse(`the field ${name} is there twice`);
    fields.set(name, value);
  }
  const profile = fields.get("p") ?? refuse("it has no profile, p=pairFifo");
  if (!profileNames.includes(profile as ProfileName)) {
    refuse(`there is no profile ${profile}, only ${profileNames.join(", ")}`);
  }
  const decided = parseStrategy(fields.get("s") ?? "fifo", refuse);
  const pieces = listOf(fields.get("k")).map((piece) => unescapeKey(piece, [], refuse));
  const constraints = [
    ...listOf(fields.get("h")).map((text) => parseConstraint("hold", text, pieces, refuse)),
    ...listOf(fields.get("f")).map((text) => parseConstraint("force", text, pieces, refuse)),
  ];
  return createSchedule({ profile: profile as ProfileName, ...decided, constraints });
}

type Refuse = (why: string) => never;

type Decided = Pick<Schedule, "strategy" | "seed" | "length">;

function parseStrategy(text: string, refuse: Refuse): Decided {
  const [strategy, numbers, ...more] = text.split("@");
  if (!strategyNames.includes(strategy as StrategyName) || more.length > 0) {
    refuse(`there is no strategy ${text}, only ${strategyNames.join(", ")}`);
  }
  const [seed, length, ...others] = numbers?.split("/") ?? [];
  if (others.length > 0) refuse(`"${text}" is no strategy like pct2@7/64`);
  const seeded = usesSeed(strategy as StrategyName);
  if (!seeded && seed !== undefined) refuse(`${strategy} takes no seed`);
  if (seeded && seed === undefined) refuse(`${strategy} needs a seed, as in ${strategy}@7`);
  if (seed !== undefined && !(/^\d{1,10}$/.test(seed) && Number(seed) < 2 ** 32)) {
    refuse(`${seed} is no seed: a whole number from 0 to 4294967295`);
  }
  if (length !== undefined && !usesLength(strategy as StrategyName)) {
    refuse(`${strategy} takes no length, as pct2@7/64 does`);
  }
  if (length !== undefined && !(/^[1-9]\d{0,9}$/.test(length) && Number(length) < 2 ** 32)) {
    refuse(`${length} is no length: a whole number from 1 to 4294967295`);
  }
  return {
    strategy: strategy as StrategyName,
    seed: Number(seed ?? 0),
    ...(length !== undefined && { length: Number(length) }),
  };
}

function parseConstraint(
  type: Constraint["type"],
  text: string,
  pieces: readonly string[],
  refuse: Refuse,
): Constraint {
  const separator = type === "hold" ? "<" : "+";
  const [key = "", other = "", ...more] = text.split(separator);
  if (key === "" || other === "" || more.length > 0) {
    refuse(`"${text}" is no ${type} like ${type === "hold" ? "A<B" : "A+B"}`);
  }
  const [mine, others] = [key, other].map((part) => unescapeKey(part, pieces, refuse)) as [
    string,
    string,
  ];
  if (mine === others) refuse(`"${text}" makes a key wait for itself`);
  return type === "hold" ? { type, key: mine, until: others } : { type, key: mine, after: others };
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(",");
}

function formatWith(schedule: Schedule, pieces: readonly string[]): string {
  const { profile, strategy, seed, length, constraints } = schedule;
  const write = (key: string): string => escapeKey(key, pieces);
  const holds: string[] = [];
  const forces: string[] = [];
  for (const constraint of constraints) {
    if (constraint.type === "hold") {
      holds.push(`${write(constraint.key)}<${write(constraint.until)}`);
    } else {
      const after = constraint.after === AT_START ? AT_START : write(constraint.after);
      forces.push(`${write(constraint.key)}+${after}`);
    }
  }
  const fields = [`p=${profile}`];
  const ofLength = length === undefined ? "" : `/${length}`;
  if (usesSeed(strategy)) fields.push(`s=${strategy}@${seed}${ofLength}`);
  else if (strategy !== "fifo") fields.push(`s=${strategy}`);
  if (pieces.length > 0) fields.push(`k=${pieces.map((piece) => escapeKey(piece, [])).join(",")}`);
  if (holds.length > 0) fields.push(`h=${holds.join(",")}`);
  if (forces.length > 0) fields.push(`f=${forces.join(",")}`);
  return `v1:${fields.join(";")}`;
}

/** Names of processes that come more than once and are longer than what stands for them. */
function piecesOf({ constraints }: Schedule): readonly string[] {
  const uses = new Map<string, number>();
  for (const constraint of constraints) {
    const keys = [constraint.key, constraint.type === "hold" ? constraint.until : constraint.after];
    for (const name of keys.flatMap(namesIn)) uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return [...uses]
    .filter(([name, count]) => {
      const { length } = escapeKey(name, []);
      return count * length > length + 1 + count * 2;
    })
    .map(([name]) => name)
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .slice(0, 36);
}

/** The names of processes in a key, which stand between `→`, `:` and `#`. */
function namesIn(key: string): readonly string[] {
  return key.split(/[→:#]/).filter((name) => name.length > 2 && !/^\d+$/.test(name));
}

function escapeKey(key: string, pieces: readonly string[]): string {
  return key
    .split(/([→:#])/)
    .map((part) => {
      const place = pieces.indexOf(part);
      if (place !== -1) return `$${place.toString(36)}`;
      if (part === "→") return ">";
      return [...part].map((char) => (SAFE.test(char) ? char : percent(char))).join("");
    })
    .join("");
}

const SAFE = /^[A-Za-z0-9_.:#/@-]$/;

function percent(char: string): string {
  return [...new TextEncoder().encode(char)]
    .map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`)
    .join("");
}

function unescapeKey(text: string, pieces: readonly string[], refuse: Refuse): string {
  const whole = text
    .replace(/\$(.?)/g, (_, digit: string) => {
      const piece = /^[0-9a-z]$/.test(digit) ? pieces[Number.parseInt(digit, 36)] : undefined;
      // Escaped, so that what stands in a piece is not read twice.
      return encodeURIComponent(piece ?? refuse(`nothing is abbreviated $${digit}`));
    })
    .replaceAll(">", "→");
  try {
    return decodeURIComponent(whole);
  } catch {
    return refuse(`"${text}" has a % that is not followed by the two hex digits of UTF-8`);
  }
}
