/** The mailbox by itself; what processes make of it is in receive.test.ts. */
import { describe, expect, test } from "@jest/globals";
import type { AnyPid } from "@coppice/core";
import fc from "fast-check";
import { ExitOrigin, Mailbox, type Origin } from "../src/mailbox.js";
import { createWorld, idle } from "./world.js";

const NONE = Symbol("none");
const [anna, ben, carl] = ["anna", "ben", "carl"].map((label) =>
  createWorld().node.spawnOpt({ label }, idle),
) as AnyPid[] as [AnyPid, AnyPid, AnyPid];
/** Where signals come from. */
const endOfCarl = new ExitOrigin(carl);

function filled(count: number, origin: Origin = anna): Mailbox {
  const mailbox = new Mailbox();
  for (let i = 0; i < count; i++) mailbox.push(i, origin);
  return mailbox;
}

function contents(mailbox: Mailbox): unknown[] {
  return mailbox.entries().map(([message]) => message);
}

function emptied(mailbox: Mailbox): unknown[] {
  const messages: unknown[] = [];
  while (mailbox.size > 0) messages.push(mailbox.shift());
  return messages;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe("a mailbox", () => {
  // One stands in front; then around the sizes of the first chunk (8 messages) and of the others (256).
  test.each([0, 1, 2, 7, 8, 9, 10, 263, 264, 265, 266, 520, 521, 5000])(
    "gives %d messages back in the order in which they came",
    (count) => {
      const mailbox = filled(count);
      expect(mailbox.size).toBe(count);
      expect(emptied(mailbox)).toEqual(upTo(count));
      expect(mailbox.size).toBe(0);
    },
  );

  test("keeps the order when it is filled and emptied by turns", () => {
    const mailbox = new Mailbox();
    const taken: unknown[] = [];
    let next = 0;
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 1 + ((round * 7) % 40); i++) mailbox.push(next++, anna);
      for (let i = 0; i < (round * 11) % 30 && mailbox.size > 0; i++) taken.push(mailbox.shift());
    }
    expect([...taken, ...emptied(mailbox)]).toEqual(upTo(next));
  });

  test("carries any value, undefined and null too", () => {
    const mailbox = new Mailbox();
    const values = [undefined, null, false, 0, "", Number.NaN];
    for (const value of values) mailbox.push(value, anna);
    expect(mailbox.take((message) => message === undefined, NONE)).toBeUndefined();
    expect(emptied(mailbox)).toEqual(values.slice(1));
    for (const value of values) mailbox.push(value, anna);
    for (const value of values) expect(mailbox.take(() => true, NONE)).toBe(value);
  });

  test("knows where each message came from", () => {
    const mailbox = new Mailbox();
    mailbox.push("a", anna);
    mailbox.push("b", ben);
    expect(mailbox.entries()).toEqual([
      ["a", anna],
      ["b", ben],
    ]);
  });
});

describe("taking selectively", () => {
  test("takes the oldest message that is accepted and leaves the others in order", () => {
    const mailbox = filled(6);
    expect(mailbox.take((i) => (i as number) % 2 === 1, NONE)).toBe(1);
    expect(mailbox.take((i) => (i as number) % 2 === 1, NONE)).toBe(3);
    expect(mailbox.size).toBe(4);
    expect(contents(mailbox)).toEqual([0, 2, 4, 5]);
    expect(emptied(mailbox)).toEqual([0, 2, 4, 5]);
  });

  test("takes nothing when nothing is accepted", () => {
    const mailbox = filled(300);
    expect(mailbox.take(() => false, NONE)).toBe(NONE);
    expect(contents(mailbox)).toEqual(upTo(300));
  });

  test("asks about each message once, oldest first, and not beyond the accepted one", () => {
    const asked: unknown[] = [];
    filled(300).take((message) => asked.push(message) === 280, NONE);
    expect(asked).toEqual(upTo(280));
  });

  test("of an empty mailbox asks nothing", () => {
    expect(
      new Mailbox().take(() => {
        throw new Error("asked");
      }, NONE),
    ).toBe(NONE);
  });

  test("leaves all as it was when the question throws", () => {
    const mailbox = filled(3);
    const asking = (): unknown =>
      mailbox.take((message) => {
        if (message === 1) throw new Error("no idea");
        return false;
      }, NONE);
    expect(asking).toThrow("no idea");
    expect(contents(mailbox)).toEqual([0, 1, 2]);
  });

  test("asks again when the question itself has taken something, and takes nothing twice", () => {
    for (const count of [1, 2, 9, 300]) {
      const mailbox = filled(count);
      const taken: unknown[] = [];
      const greedy = (): boolean => {
        if (mailbox.size === 0 || taken.length >= count / 2) return true;
        taken.push(mailbox.shift());
        // As many come as go.
        mailbox.push(count + taken.length, ben);
        return true;
      };
      taken.push(mailbox.take(greedy, NONE));
      const all = [...taken, ...emptied(mailbox)].filter((message) => message !== NONE);
      const came = upTo(all.length - count).map((i) => count + i + 1);
      expect([count, all]).toEqual([count, [...upTo(count), ...came]]);
      expect(mailbox.size).toBe(0);
    }
  });

  test("goes on with what is left when the question has taken all around it and says no", () => {
    // The one in front, a first chunk of 8, and one of the others.
    for (const gone of [4, 9, 265, 266]) {
      const mailbox = filled(400);
      const asked: unknown[] = [];
      const found = mailbox.take((message) => {
        asked.push(message);
        while (message === 3 && mailbox.size > 400 - gone) mailbox.shift();
        return message === 399;
      }, NONE);
      expect([gone, found]).toEqual([gone, 399]);
      expect(emptied(mailbox)).toEqual(upTo(399).slice(gone));
      expect(asked).toEqual([0, 1, 2, 3, ...upTo(400).slice(gone)]);
    }
  });

  test("of many from the middle leaves the rest in order, however many were taken", () => {
    const mailbox = filled(5000);
    const isKept = (i: number): boolean => i % 10 === 0;
    for (let i = 0; i < 4500; i++) mailbox.take((message) => !isKept(message as number), NONE);
    expect(mailbox.size).toBe(500);
    mailbox.push(5000, anna);
    expect(emptied(mailbox)).toEqual([...upTo(5000), 5000].filter(isKept));
  });

  test("of all but the oldest leaves the oldest", () => {
    const mailbox = filled(1000);
    for (let i = 1; i < 1000; i++) expect(mailbox.take((m) => m !== 0, NONE)).toBe(i);
    expect(emptied(mailbox)).toEqual([0]);
  });

  test("of the newest again and again leaves the rest in order", () => {
    const mailbox = filled(10);
    for (let i = 0; i < 2000; i++) {
      mailbox.push("newest", ben);
      expect(mailbox.take((message) => message === "newest", NONE)).toBe("newest");
    }
    expect(emptied(mailbox)).toEqual(upTo(10));
  });

  test("of the last one makes it as good as new", () => {
    const mailbox = filled(600);
    for (let i = 599; i >= 0; i--) expect(mailbox.take((m) => m === i, NONE)).toBe(i);
    expect([mailbox.size, contents(mailbox), mailbox.take(() => true, NONE)]).toEqual([
      0,
      [],
      NONE,
    ]);
    mailbox.push("next", anna);
    expect(emptied(mailbox)).toEqual(["next"]);
  });
});

describe("removing by origin", () => {
  test("removes all that came from there and leaves the rest in order", () => {
    const mailbox = new Mailbox();
    for (let i = 0; i < 600; i++) mailbox.push(i, i % 3 === 0 ? ben : anna);
    mailbox.take((message) => message === 1, NONE);
    mailbox.remove(ben);
    const rest = upTo(600).filter((i) => i % 3 !== 0 && i !== 1);
    expect(mailbox.size).toBe(rest.length);
    expect(emptied(mailbox)).toEqual(rest);
  });

  test("from where nothing came changes nothing", () => {
    const mailbox = filled(20);
    mailbox.remove(ben);
    expect(contents(mailbox)).toEqual(upTo(20));
  });
});

describe("dropping the oldest", () => {
  test("takes the oldest that a process sent, with its sender, and leaves signals where they are", () => {
    const mailbox = new Mailbox();
    mailbox.push("exit", endOfCarl);
    mailbox.push(1, anna);
    mailbox.push("exit again", endOfCarl);
    mailbox.push(2, ben);
    expect(mailbox.dropOldest()).toEqual([1, anna]);
    expect(mailbox.dropOldest()).toEqual([2, ben]);
    expect(mailbox.dropOldest()).toBeUndefined();
    mailbox.push(3, anna);
    expect(mailbox.dropOldest()).toEqual([3, anna]);
    expect(contents(mailbox)).toEqual(["exit", "exit again"]);
  });

  test("takes the next one, too, when one stood alone behind as many signals as a chunk holds", () => {
    const mailbox = filled(9, endOfCarl);
    for (const message of ["first", "second"]) {
      mailbox.push(message, anna);
      expect(mailbox.dropOldest()).toEqual([message, anna]);
    }
    expect(contents(mailbox)).toEqual(upTo(9));
  });
});

describe("a large mailbox", () => {
  test("gives a million messages back in order", () => {
    const mailbox = filled(1_000_000);
    for (let i = 0; i < 1_000_000; i++) {
      if (mailbox.shift() !== i) throw new Error(`out of order at ${i}`);
    }
    expect(mailbox.size).toBe(0);
  });

  test("asks one question per message when a million are taken in order", () => {
    const mailbox = filled(1_000_000);
    let asked = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const taken = mailbox.take((message) => ++asked > 0 && message === i, NONE);
      if (taken !== i) throw new Error(`out of order at ${i}`);
    }
    expect([asked, mailbox.size]).toEqual([1_000_000, 0]);
  });

  test("asks two questions per message when 100 000 are taken from behind one that stays", () => {
    const mailbox = filled(100_001);
    let asked = 0;
    for (let i = 1; i <= 100_000; i++) {
      const taken = mailbox.take((message) => ++asked > 0 && message !== 0, NONE);
      if (taken !== i) throw new Error(`out of order at ${i}`);
    }
    expect([asked, mailbox.size]).toEqual([200_000, 1]);
  });

  test("asks about those that stay alone when the newest is taken past them again and again", () => {
    const mailbox = filled(1000);
    let asked = 0;
    for (let i = 0; i < 1000; i++) {
      mailbox.push("newest", ben);
      mailbox.take((message) => ++asked > 0 && message === "newest", NONE);
    }
    expect(asked).toBe(1000 * 1001);
  });

  test.each<[how: string, use: (mailbox: Mailbox, count: number) => void]>([
    [
      "taken in order",
      (mailbox, count) => {
        for (let i = 0; i < count; i++) mailbox.shift();
      },
    ],
    [
      "taken in order by a question",
      (mailbox, count) => {
        for (let i = 0; i < count; i++) mailbox.take(() => true, NONE);
      },
    ],
    [
      "taken from behind one that stays",
      (mailbox, count) => {
        for (let i = 1; i < count; i++) mailbox.take((message) => message !== 0, NONE);
      },
    ],
    [
      "taken from behind one that stays while as many come",
      (mailbox, count) => {
        for (let i = 1; i < count; i++) {
          mailbox.take((message) => message !== 0, NONE);
          mailbox.push(i, ben);
        }
      },
    ],
    [
      "dropped, oldest first",
      (mailbox, count) => {
        for (let i = 0; i < count; i++) mailbox.dropOldest();
      },
    ],
    [
      "dropped as others come, past as many signals",
      (mailbox, count) => {
        mailbox.remove(anna);
        for (let i = 0; i < count; i++) mailbox.push("signal", endOfCarl);
        for (let i = 0; i < count; i++) {
          mailbox.push(i, ben);
          mailbox.dropOldest();
        }
      },
    ],
    [
      "dropped as others come, with signals among them, one in two",
      (mailbox, count) => {
        for (let i = 0; i < count; i++) {
          mailbox.push("signal", endOfCarl);
          mailbox.push(i, ben);
          mailbox.dropOldest();
        }
      },
    ],
    [
      "dropped while signals are taken from before them",
      (mailbox, count) => {
        mailbox.remove(anna);
        for (let i = 0; i < count; i++) mailbox.push("signal", endOfCarl);
        for (let i = 0; i < count; i++) {
          mailbox.push(i, ben);
          mailbox.dropOldest();
          mailbox.take(() => true, NONE);
        }
      },
    ],
    [
      "taken as they come, past one that stays",
      (mailbox, count) => {
        mailbox.remove(anna);
        mailbox.push(0, anna);
        for (let i = 1; i < count; i++) {
          mailbox.push(i, ben);
          mailbox.take((message) => message !== 0, NONE);
        }
      },
    ],
  ])("costs as many steps per message as a small one when messages are %s", (_how, use) => {
    const stepsPerMessage = (count: number): number =>
      countReads(() => use(filled(count), count)) / count;
    expect(stepsPerMessage(4000)).toBeLessThan(1.5 * stepsPerMessage(1000));
  });
});

/** How often the slots of mailboxes are read: a mailbox gets them from `Array.prototype.fill`. */
function countReads(run: () => void): number {
  let reads = 0;
  const { fill } = Array.prototype;
  Array.prototype.fill = function (this: unknown[], value: unknown) {
    return new Proxy(fill.call(this, value), {
      get: (slots, key) => {
        reads++;
        return Reflect.get(slots, key) as unknown;
      },
    });
  };
  try {
    run();
  } finally {
    Array.prototype.fill = fill;
  }
  expect(reads).toBeGreaterThan(0);
  return reads;
}

describe("a mailbox and a plain array", () => {
  type Step =
    | { readonly do: "push"; readonly count: number; readonly from: number }
    | { readonly do: "shift"; readonly count: number }
    | {
        readonly do: "take";
        readonly count: number;
        readonly modulus: number;
        readonly rest: number;
      }
    | { readonly do: "remove"; readonly from: number }
    | { readonly do: "drop"; readonly count: number };

  // Enough at a time to fill chunks and to set off sweeps.
  const many = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 200, max: 900 }));
  const from = fc.nat({ max: 2 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("push"), count: many, from }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("shift"), count: many }) },
    {
      weight: 4,
      arbitrary: fc
        .record({
          count: many,
          modulus: fc.integer({ min: 1, max: 9 }),
          offset: fc.nat({ max: 8 }),
        })
        .map(({ count, modulus, offset }) => {
          return { do: "take" as const, count, modulus, rest: offset % modulus };
        }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("remove"), from }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("drop"), count: many }) },
  ) as fc.Arbitrary<Step>;

  // Jest's `expect` a million times would take longer than all the rest.
  function agree(actual: unknown, expected: unknown): void {
    if (actual !== expected) expect(actual).toBe(expected);
  }

  test("do the same, whatever is put in, taken and removed", () => {
    const origins: Origin[] = [anna, ben, endOfCarl];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const mailbox = new Mailbox();
        let model: [message: number, origin: Origin][] = [];
        let next = 0;
        for (const step of steps) {
          switch (step.do) {
            case "push":
              for (let i = 0; i < step.count; i++) {
                const origin = origins[step.from] as Origin;
                mailbox.push(next, origin);
                model.push([next++, origin]);
              }
              break;
            case "shift":
              for (let i = 0; i < step.count && model.length > 0; i++) {
                agree(mailbox.shift(), model.shift()?.[0]);
              }
              break;
            case "take":
              for (let i = 0; i < step.count; i++) {
                const accepts = (n: number): boolean => n % step.modulus === step.rest;
                const index = model.findIndex(([message]) => accepts(message));
                const expected = index === -1 ? NONE : model.splice(index, 1)[0]?.[0];
                agree(mailbox.take(accepts as never, NONE), expected);
              }
              break;
            case "remove":
              mailbox.remove(origins[step.from] as Origin);
              model = model.filter(([, origin]) => origin !== origins[step.from]);
              break;
            case "drop":
              for (let i = 0; i < step.count; i++) {
                const index = model.findIndex(([, origin]) => origin !== endOfCarl);
                const expected = index === -1 ? undefined : model.splice(index, 1)[0];
                const dropped = mailbox.dropOldest();
                agree(dropped?.[0], expected?.[0]);
                agree(dropped?.[1], expected?.[1]);
              }
              break;
            default:
              step satisfies never;
          }
          agree(mailbox.size, model.length);
        }
        expect(mailbox.entries()).toEqual(model);
        expect(emptied(mailbox)).toEqual(model.map(([message]) => message));
      }),
      { seed: 2024, numRuns: 100 },
    );
  });
});
