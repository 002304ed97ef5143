import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { bytesOf, joinPath, rawPath, showPath } from "./raw-path.js";

describe("a raw path", () => {
  test("keeps every byte, UTF-8 or not", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(Buffer.compare(bytesOf(rawPath(bytes)), bytes)).toBe(0);
      }),
    );
  });

  test("has one character for each byte of its text", () => {
    expect(rawPath("/ü")).toBe("/\u00c3\u00bc");
  });

  test("is joined with a slash, but not with a second one", () => {
    expect(joinPath(rawPath("/a"), Buffer.from("b"))).toBe("/a/b");
    expect(joinPath(rawPath("/"), Buffer.from("b"))).toBe("/b");
  });

  test("is shown as text, and cannot do anything to a terminal", () => {
    expect(showPath(rawPath("/tmp/ünï"))).toBe("/tmp/ünï");
    expect(showPath(rawPath("a\nb\r\t\x1b[31m\u202e"))).toBe("a\\nb\\r\\t\\u{1b}[31m\\u{202e}");
    expect(showPath(rawPath(Buffer.from([0x61, 0xff])))).toBe("a\ufffd");
  });
});
