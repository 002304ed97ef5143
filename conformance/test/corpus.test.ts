import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { builtInPrograms, readPrograms } from "../src/corpus.js";
import { LAYERS } from "../src/layers.js";

const readHere = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

function programsIn(kind: string, layer: string): number {
  const file = new URL(`../corpus/${kind}/${layer}.jsonl.gz`, import.meta.url);
  return readPrograms(fileURLToPath(file)).length;
}

test.each([
  ["process", 140, 1040],
  ["gen_server", 129, 424],
  ["gen_statem", 139, 425],
  ["supervisor", 162, 632],
  ["gen_event", 56, 175],
])("of %s there are %d programs by hand and %d random ones", (layer, byHand, random) => {
  expect([programsIn("cases", layer), programsIn("random", layer)]).toEqual([byHand, random]);
  expect(readHere("../README.md")).toMatch(
    new RegExp(`^\\| \`${layer}\` *\\| ${byHand} *\\| ${random} *\\|$`, "m"),
  );
});

test("each has an id of its own, and the first page says how many there are", () => {
  const ids = [...LAYERS.keys()].flatMap((layer) => builtInPrograms(layer).map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
  expect(readHere("../../README.md")).toContain(
    `measured: ${ids.length.toLocaleString("en")} programs`,
  );
});
