import { describe, expect, test } from "@jest/globals";
import { at, InvalidArgumentError, InvalidNameError, isName, name, type Name } from "@coppice/core";

describe("a name", () => {
  test.each(["a", "undefined ", "Ünïcode 名前", "x".repeat(255)])("can be %j", (text) => {
    expect(name(text).name).toBe(text);
  });

  test.each([[""], ["undefined"], ["x".repeat(256)], [undefined], [null], [7], [{ name: "a" }]])(
    "cannot be %j",
    (text) => {
      expect(() => name(text as string)).toThrow(InvalidNameError);
    },
  );

  test("that is refused is told back in the error", () => {
    const refused = (): unknown => name("undefined");
    expect(refused).toThrow(
      'a registered name must be a string of 1 to 255 characters other than "undefined", but is "undefined"',
    );
    expect(refused).toThrow(
      expect.objectContaining({ code: "INVALID_NAME", received: "undefined" }),
    );
  });

  test("prints as its text", () => {
    expect(String(name("counter"))).toBe("counter");
  });

  test("is told from everything else by isName", () => {
    expect(isName(name("a"))).toBe(true);
    for (const other of ["a", undefined, null, { kind: "name", name: "a" }, at("b", name("a"))]) {
      expect(isName(other)).toBe(false);
    }
  });

  test("has the type of its holder's messages: one for more serves where less is sent", () => {
    const both: Name<"a" | "b"> = name<"a" | "b">("both");
    const onlyA: Name<"a"> = both;
    // @ts-expect-error: its holder may not understand "b"
    const wrong: Name<"a" | "b"> = onlyA;
    expect(wrong).toBe(both);
  });
});

describe("a name at a node", () => {
  test("prints as name@node", () => {
    expect(String(at("b", name("stack")))).toBe("stack@b");
  });

  test.each([
    ["", name("a"), InvalidNameError],
    [undefined, name("a"), InvalidNameError],
    ["b", "a", InvalidArgumentError],
    ["b", at("b", name("a")), InvalidArgumentError],
    ["a b", name("a"), InvalidNameError],
  ])("needs a node and a name: at(%j, %s) is refused", (node, token, error) => {
    expect(() => at(node as string, token as Name<unknown>)).toThrow(error);
  });

  test("says what a node can be called, which may be undefined", () => {
    expect(() => at("a b", name("a"))).toThrow(
      'at: the name of a node must be a string of 1 to 255 characters without "<", ">", "/" and white space, but is "a b"',
    );
    expect(String(at("undefined", name("a")))).toBe("a@undefined");
  });
});
