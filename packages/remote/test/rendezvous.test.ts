import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { registrarOf } from "../src/rendezvous.js";

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 8,
});

describe("the member that keeps a name", () => {
  test("is one of them, and the same in whatever order they are listed", () => {
    fc.assert(
      fc.property(members, fc.string(), (all, name) => {
        const chosen = registrarOf(all, name);
        expect(all).toContain(chosen);
        expect(registrarOf([...all].reverse(), name)).toBe(chosen);
        expect(registrarOf([...all].sort(), name)).toBe(chosen);
      }),
    );
  });

  test("stays the same when another member is taken off the list", () => {
    fc.assert(
      fc.property(members, fc.string(), fc.nat(), (all, name, index) => {
        const chosen = registrarOf(all, name);
        const gone = all[index % all.length];
        fc.pre(gone !== chosen);
        expect(
          registrarOf(
            all.filter((member) => member !== gone),
            name,
          ),
        ).toBe(chosen);
      }),
    );
  });

  test("each member keeps about its share", () => {
    const all = ["a", "b", "c", "d"];
    const counts = new Map(all.map((member) => [member, 0]));
    for (let n = 0; n < 4000; n++) {
      const chosen = registrarOf(all, `worker-${n}`);
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    for (const count of counts.values()) expect([count > 850, count < 1150]).toEqual([true, true]);
  });
});
