/** The pages of `docs/` that number what is guaranteed promise nothing that no test proves. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";

interface Guarantee {
  readonly id: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
}

/**
 * The items `- **subject-n** …` of a page, each followed by lines that name its tests.
 *
 * @param folder where tests are that are named without a path
 */
function guaranteesIn(text: string, folder: string): Guarantee[] {
  return text
    .split(/^- \*\*(?=[a-z]+-\d+\*\*)/m)
    .slice(1)
    .map((item) => ({
      id: item.slice(0, item.indexOf("*")),
      proofs: [...item.matchAll(/^ {2}`([\w./-]+\.test\.ts)` › `(.+)`$/gm)].map(
        ([, file = "", title = ""]) => ({
          file: file.includes("/") ? resolve(file) : join(folder, file),
          title,
        }),
      ),
    }));
}

/** The full titles of a test file, `describe › test`, read from its text: its layout shows what is in what. */
function titlesOf(file: string): ReadonlySet<string> {
  const source = readFileSync(file, "utf8");
  const titles = new Set<string>();
  const open: { readonly indent: number; readonly title: string }[] = [];
  let kind = "";
  const pattern = /^( *)(?:(describe|test)\b.*?\(|[^\n]*\)\()(?:\s*("(?:[^"\\\n]|\\.)*"),|\[?$)/gm;
  for (const [, spaces = "", opener, literal] of source.matchAll(pattern)) {
    kind = opener ?? kind;
    if (literal === undefined) continue;
    while ((open.at(-1)?.indent ?? -1) >= spaces.length) open.pop();
    open.push({ indent: spaces.length, title: JSON.parse(literal) as string });
    if (kind === "test") titles.add(open.map(({ title }) => title).join(" › "));
  }
  return titles;
}

describe.each([
  ["semantics", "core", 100],
  ["semantics-supervision", "supervisor", 100],
  ["semantics-remote", "remote", 40],
  ["semantics-testing", "testkit", 50],
])("each guarantee in docs/%s.md", (page, name, atLeast) => {
  const text = readFileSync(resolve("docs", `${page}.md`), "utf8");
  const guarantees = guaranteesIn(text, resolve("packages", name, "test"));

  test("is found: there are many, numbered from 1 within their subject", () => {
    const bySubject = new Map<string, number>();
    for (const { id } of guarantees) {
      const [subject = "", number] = id.split("-");
      const expected = (bySubject.get(subject) ?? 0) + 1;
      expect(`${subject}-${number}`).toBe(`${subject}-${expected}`);
      bySubject.set(subject, expected);
    }
    expect(guarantees.length).toBeGreaterThan(atLeast);
  });

  test.each(guarantees)("$id names a test that exists", ({ proofs }) => {
    expect(proofs).not.toEqual([]);
    for (const { file, title } of proofs) {
      expect([file, existsSync(file)]).toEqual([file, true]);
      expect([...titlesOf(file)]).toContain(title);
    }
  });

  test("that the text refers to exists", () => {
    const ids = guarantees.map(({ id }) => id);
    const referred = [...text.matchAll(/\(([a-z]+-\d+)/g)].map(([, id]) => id);
    expect(referred.filter((id) => !ids.includes(id as string))).toEqual([]);
  });
});
