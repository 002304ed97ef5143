import { expect, test } from "@jest/globals";
import { errorText, formatReason, formatThrown, stackOf } from "@coppice/core";

/** An error whose message can be read so often, and then throws. */
function shyError(times: number): Error {
  let left = times;
  return Object.defineProperty(new Error(), "message", {
    get: () => {
      if (left-- === 0) throw new Error("not again");
      return "shy";
    },
  });
}

test("what an error says is put into words however it behaves when it is looked at", () => {
  expect(errorText(new TypeError("no"), { named: true })).toBe("TypeError: no");
  const texts = Array.from({ length: 5 }, (_, times) => errorText(shyError(times)));
  expect(new Set(texts)).toEqual(new Set(["{}", "an error that cannot be shown", "shy"]));
  for (let times = 0; times < 8; times++) {
    expect(formatThrown(shyError(times))).toMatch(/shy|cannot be shown|\{\}/);
    expect(formatReason({ error: shyError(times) })).toMatch(/shy|cannot be shown|\{\}/);
    expect(stackOf(shyError(times))).toMatch(/^(\{\}$|Error|an error that cannot be shown)/);
  }
});

test("what an error says is cut, and of a character that was cut in two nothing is left", () => {
  expect(errorText(new Error("abcdef"), { most: 3 })).toBe("abc");
  expect(errorText(new Error("ab\u{1f600}"), { most: 3 })).toBe("ab\ufffd");
});
