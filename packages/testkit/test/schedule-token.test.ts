import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  createSchedule,
  profileNames,
  strategyNames,
  usesLength,
  usesSeed,
  type Constraint,
  type Schedule,
} from "../src/schedule.js";
import { formatSchedule, parseSchedule } from "../src/schedule-token.js";

const hold = (key: string, until: string): Constraint => ({ type: "hold", key, until });
const force = (key: string, after: string): Constraint => ({ type: "force", key, after });

/** Keys as they are, and keys as nobody would want them. */
const key = fc.oneof(
  fc
    .tuple(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), fc.nat({ max: 9 }))
    .map(([name, n]) => `${name}/1→${name}/2#${n}`),
  fc.string({ unit: "binary", minLength: 1 }),
  fc.constantFrom("$0", "%41", ">", "→", "a>>b", "^x", ",", ";", "'", "h=A<B", "~", "#", ":"),
);
const constraint: fc.Arbitrary<Constraint> = fc
  .tuple(fc.constantFrom("hold", "force"), key, key)
  .filter(([, a, b]) => a !== b)
  .map(([type, a, b]) => (type === "hold" ? hold(a, b) : force(a, b)));
const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    profile: fc.constantFrom(...profileNames),
    strategy: fc.constantFrom(...strategyNames),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    constraints: fc.array(constraint, { maxLength: 6 }),
    length: fc.option(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  })
  .map(({ seed, length, ...fields }) =>
    createSchedule({
      ...fields,
      ...(usesSeed(fields.strategy) && { seed }),
      ...(usesLength(fields.strategy) && length !== null && { length }),
    }),
  );

/** A token has room for all holds before all forces; among themselves they keep their order. */
function sorted(value: Schedule): Schedule {
  const of = (type: string): readonly Constraint[] =>
    value.constraints.filter((each) => each.type === type);
  return { ...value, constraints: [...of("hold"), ...of("force")] };
}

describe("the token of a schedule", () => {
  test("says what it is", () => {
    const constraints = [hold("wr→db#1", "rd→db#1"), hold("rd→cache#2", "wr→cache#1")];
    expect(formatSchedule(createSchedule({ constraints }))).toBe(
      "v1:p=pairFifo;h=wr>db#1<rd>db#1,rd>cache#2<wr>cache#1",
    );
    const crash = force("fault:crash:srv#1", "srv→cli#1");
    expect(formatSchedule(createSchedule({ strategy: "lifo", constraints: [crash] }))).toBe(
      "v1:p=pairFifo;s=lifo;f=fault:crash:srv#1+srv>cli#1",
    );
    expect(formatSchedule(createSchedule({ constraints: [force("fault:crash:srv#1", "^")] }))).toBe(
      "v1:p=pairFifo;f=fault:crash:srv#1+^",
    );
    expect(formatSchedule(createSchedule({ profile: "instant", strategy: "pct3", seed: 7 }))).toBe(
      "v1:p=instant;s=pct3@7",
    );
    expect(formatSchedule(createSchedule({ strategy: "pct2", seed: 7, length: 64 }))).toBe(
      "v1:p=pairFifo;s=pct2@7/64",
    );
  });

  test("is read back as it was", () => {
    fc.assert(
      fc.property(schedule, (value) => {
        expect(parseSchedule(formatSchedule(value))).toEqual(sorted(value));
      }),
      { numRuns: 500 },
    );
  });

  test("needs nothing but its single quotes in a shell", () => {
    fc.assert(
      fc.property(schedule, (value) => {
        expect(formatSchedule(value)).toMatch(/^v1:[A-Za-z0-9_.:#/@$%^<>+,;=-]+$/);
      }),
      { numRuns: 500 },
    );
  });

  test("calls long names of processes by a number when they come often, and stays below 200 bytes", () => {
    const [shop, store] = ["checkout-service-eu-1/3/1", "inventory-service-eu-1/2/4/1"];
    const constraints = [
      hold(`${shop}→${store}#1`, `${store}→${shop}#2`),
      hold(`timer:${shop}#3`, `${shop}→${store}#2`),
      hold(`${store}→${shop}#5`, `resume:${shop}#3`),
      hold(`${shop}→${store}#7`, `${store}→${shop}#9`),
    ];
    // What is short enough is written out.
    const short = formatSchedule(createSchedule({ constraints: constraints.slice(0, 1) }));
    expect(short).toBe(`v1:p=pairFifo;h=${shop}>${store}#1<${store}>${shop}#2`);
    const token = formatSchedule(createSchedule({ constraints }));
    expect(token).toBe(
      "v1:p=pairFifo;k=inventory-service-eu-1/2/4/1,checkout-service-eu-1/3/1;" +
        "h=$1>$0#1<$0>$1#2,timer:$1#3<$1>$0#2,$0>$1#5<resume:$1#3,$1>$0#7<$0>$1#9",
    );
    expect(token.length).toBeLessThanOrEqual(200);
    expect(parseSchedule(token).constraints).toEqual(constraints);
  });

  test("may be pasted with its quotes, with white space around it, and with arrows", () => {
    const constraints = [hold("a→b#1", "c→b#1")];
    for (const text of ["'v1:p=pairFifo;h=a>b#1<c>b#1'", " v1:p=pairFifo;h=a→b#1<c→b#1\n"]) {
      expect(parseSchedule(text)).toEqual(createSchedule({ constraints }));
    }
  });

  test.each([
    ["", "it does not begin with v1:"],
    ["pairFifo", "it does not begin with v1:"],
    ["v2:p=pairFifo", "its version is v2, and this testkit reads v1"],
    ["v1:", '"" is no field like h=A<B'],
    ["v1:s=fifo", "it has no profile, p=pairFifo"],
    ["v1:p=udp", "there is no profile udp, only instant, pairFifo, erlDist, datagram"],
    ["v1:p=pairFifo;p=instant", "the field p is there twice"],
    ["v1:p=pairFifo;x=1", "there is no field x, only p, s, h, f and k"],
    [
      "v1:p=pairFifo;s=best",
      "there is no strategy best, only fifo, lifo, eager, walk, pct2, pct3, pos, surw",
    ],
    ["v1:p=pairFifo;s=fifo@3", "fifo takes no seed"],
    ["v1:p=pairFifo;s=pos", "pos needs a seed, as in pos@7"],
    ["v1:p=pairFifo;s=pos@-1", "-1 is no seed: a whole number from 0 to 4294967295"],
    [
      "v1:p=pairFifo;s=pos@4294967296",
      "4294967296 is no seed: a whole number from 0 to 4294967295",
    ],
    ["v1:p=pairFifo;s=pos@7/64", "pos takes no length, as pct2@7/64 does"],
    ["v1:p=pairFifo;s=pct2@7/0", "0 is no length: a whole number from 1 to 4294967295"],
    [
      "v1:p=pairFifo;s=pct2@7/4294967296",
      "4294967296 is no length: a whole number from 1 to 4294967295",
    ],
    ["v1:p=pairFifo;s=pct2@7/", " is no length: a whole number from 1 to 4294967295"],
    ["v1:p=pairFifo;s=pct2@7/6/4", '"pct2@7/6/4" is no strategy like pct2@7/64'],
    ["v1:p=pairFifo;h=a>b#1", '"a>b#1" is no hold like A<B'],
    ["v1:p=pairFifo;h=a<b<c", '"a<b<c" is no hold like A<B'],
    ["v1:p=pairFifo;h=a<a", '"a<a" makes a key wait for itself'],
    ["v1:p=pairFifo;h=a<%61", '"a<%61" makes a key wait for itself'],
    ["v1:p=pairFifo;f=a<b", '"a<b" is no force like A+B'],
    ["v1:p=pairFifo;h=a<$0", "nothing is abbreviated $0"],
    ["v1:p=pairFifo;h=a<%zz", '"%zz" has a % that is not followed by the two hex digits of UTF-8'],
  ])("%j is refused: %s", (token, why) => {
    expect(() => parseSchedule(token)).toThrow(
      expect.objectContaining({
        name: "ScheduleTokenError",
        code: "SCHEDULE_TOKEN",
        message: `no schedule: ${why}, in ${JSON.stringify(token)}`,
      }),
    );
  });
});

test("a schedule survives JSON", () => {
  fc.assert(
    fc.property(schedule, (value) => {
      expect(createSchedule(JSON.parse(JSON.stringify(value)))).toEqual(value);
    }),
  );
});

test.each<[unknown, string]>([
  [
    { base: "fifo" },
    'createSchedule: fields must be made of profile, strategy, seed, length, constraints, but is {"base":"fifo"}',
  ],
  [
    { profile: "udp" },
    'createSchedule: fields.profile must be "instant", "pairFifo", "erlDist", "datagram", but is "udp"',
  ],
  [
    { seed: 0.5 },
    "createSchedule: fields.seed must be a whole number from 0 to 4294967295, but is 0.5",
  ],
  [
    { strategy: "pos", length: 64 },
    "createSchedule: fields.length must be a whole number from 1 to 4294967295, for pct2 and pct3, but is 64",
  ],
  [
    { strategy: "pct2", length: 0 },
    "createSchedule: fields.length must be a whole number from 1 to 4294967295, for pct2 and pct3, but is 0",
  ],
  [
    { constraints: [{ type: "hold", key: "a", until: "a" }] },
    'createSchedule: fields.constraints[0] must be { type: "hold", key, until } or { type: "force", key, after }, with keys of what happens, but is {"type":"hold","key":"a","until":"a"}',
  ],
])("createSchedule refuses %j", (fields, message) => {
  expect(() => createSchedule(fields as Partial<Schedule>)).toThrow(message);
});
