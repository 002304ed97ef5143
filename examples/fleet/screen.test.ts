import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { screenFor } from "./screen.js";

const PICTURE_MS = 100;
const LINES_MS = 1_000;

const terminal = { isTTY: true, columns: 80, rows: 24 };

function everyMsOn(properties: object, env: Record<string, string> = {}): number {
  const out = Object.assign(new PassThrough(), properties) as unknown as NodeJS.WriteStream;
  return screenFor(out, env).everyMs;
}

describe("the screen", () => {
  test("is a picture that is drawn again and again on a terminal, with colors or without", () => {
    expect(everyMsOn(terminal)).toBe(PICTURE_MS);
    expect(everyMsOn(terminal, { TERM: "xterm", NO_COLOR: "1" })).toBe(PICTURE_MS);
  });

  test.each<[string, object, Record<string, string>]>([
    ["what is no terminal", { isTTY: false }, {}],
    ["a terminal that cannot move its cursor", terminal, { TERM: "dumb" }],
    ["a terminal without a size", { ...terminal, columns: 0, rows: 0 }, {}],
  ])("is a line now and then on %s", (_what, properties, env) => {
    expect(everyMsOn(properties, env)).toBe(LINES_MS);
  });
});
