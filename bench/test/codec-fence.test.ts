import { describe, expect, test } from "@jest/globals";
import { cborX, decodeFenced, encodeFenced } from "../src/codec-fence.js";
import { TERMS } from "../src/codec-terms.js";

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

describe("cbor-x behind a fence", () => {
  test.each(Object.entries(TERMS))("reads and writes the term %s", (_, term) => {
    const came = decodeFenced(encodeFenced(term));
    expect(JSON.stringify([came])).toBe(JSON.stringify([cborX.decode(cborX.encode(term))]));
  });

  test.each([
    ["9f01ff", "an indefinite or reserved length"],
    ["9a06b00000", "a count beyond the end"],
    [`${"81".repeat(100)}00`, "nested too deeply"],
    // It would make a regular expression.
    ["d81b83665265674578706361616160", "a tag that is not allowed"],
    ["d81c80", "a tag that is not allowed"],
    [`c25900ff${"ff".repeat(255)}`, "a bigint"],
    ["62c328", "no UTF-8"],
    ["0000", "bytes behind the end"],
  ])("refuses %s: %s", (bytes, why) => {
    expect(() => decodeFenced(unhex(bytes))).toThrow(why);
  });

  test("gives bytes memory of their own", () => {
    const frame = encodeFenced(new Uint8Array(100));
    const came = decodeFenced(frame) as Uint8Array;
    expect(came.length).toBe(100);
    expect(came.buffer === frame.buffer).toBe(false);
  });

  test.each([
    ["half a surrogate pair", "\ud800"],
    ["an integer that would become a float", 2 ** 40],
    ["an instance", new URL("http://localhost")],
  ])("does not write %s", (_, term) => {
    expect(() => encodeFenced({ term })).toThrow(TypeError);
  });
});
