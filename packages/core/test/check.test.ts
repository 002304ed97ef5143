/** Checks for packages that build on this one; how core itself uses them is in bad-input.test.ts. */
import { describe, expect, test } from "@jest/globals";
import { checkFunction, checkKeys, InvalidArgumentError, isErrorLike } from "@coppice/core";
import { runInNewContext } from "node:vm";

describe("checkKeys", () => {
  test("lets known options through, whatever their values, and those that are left out", () => {
    checkKeys("serve: options", { port: undefined }, ["port", "host"]);
    checkKeys("serve: options", {}, ["port", "host"]);
  });

  test("refuses an unknown one, and says which there are", () => {
    const check = (): void => checkKeys("serve: options", { prot: 80 }, ["port", "host"]);
    expect(check).toThrow(InvalidArgumentError);
    expect(check).toThrow('serve: options must be made of port, host, but is {"prot":80}');
  });

  test.each([[undefined], [null], ["port"], [80]])("refuses %j", (options) => {
    const check = (): void => checkKeys("serve: options", options as never, ["port"]);
    expect(check).toThrow(InvalidArgumentError);
  });
});

describe("checkFunction", () => {
  test("lets functions through and refuses all else", () => {
    checkFunction("retry: when", () => true);
    for (const other of [undefined, null, "when", {}]) {
      expect(() => checkFunction("retry: when", other)).toThrow("retry: when must be a function");
    }
  });
});

describe("isErrorLike", () => {
  test("knows errors of this realm and of others", () => {
    class Own extends TypeError {}
    const foreign: unknown = runInNewContext("new RangeError('far')");
    expect([new Error("near"), new Own("own"), foreign].map(isErrorLike)).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("takes nothing else for one, and never throws", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = {
      get message(): string {
        throw new Error("no");
      },
    };
    const others = [undefined, null, "Error", { name: "Error", message: "no" }, proxy, hostile];
    expect(others.map(isErrorLike)).toEqual(others.map(() => false));
  });
});
