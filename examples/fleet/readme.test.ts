import { readFile, readdir } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { parseArguments } from "./cli.js";
import { EXIT } from "./exit-code.js";

const here = new URL("./", import.meta.url);

/** Without indentation. */
function flat(code: string): string {
  return code.replace(/^ +/gm, "");
}

test("the README's code is the program's", async () => {
  const readme = await readFile(new URL("README.md", here), "utf8");
  const names = (await readdir(here)).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const sources = await Promise.all(names.map((name) => readFile(new URL(name, here), "utf8")));
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) {
    const holders = sources.filter((source) => flat(source).includes(flat(block)));
    expect(holders).toHaveLength(1);
  }
});

test("the README and --help name every exit code", async () => {
  const readme = await readFile(new URL("README.md", here), "utf8");
  const help = parseArguments(["--help"], "");
  if (help.type !== "help") throw new Error("no help");
  for (const code of [EXIT.ok, EXIT.failed, EXIT.unreadable, EXIT.usage, EXIT.signal + 2]) {
    expect(readme).toMatch(new RegExp(`^\\| ${code} +\\|`, "m"));
    expect(help.text).toMatch(new RegExp(`^  ${code} `, "m"));
  }
});
