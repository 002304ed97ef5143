/** `docs/semantics-remote.md` promises nothing that no test proves. */
import { describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const text = readFileSync(join(here, "../../../docs/semantics-remote.md"), "utf8");

interface Guarantee {
  readonly id: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
}

/** The items `- **subject-n** …`, each followed by lines that name its tests. */
const guarantees: Guarantee[] = text
  .split(/^- \*\*(?=[a-z]+-\d+\*\*)/m)
  .slice(1)
  .map((item) => ({
    id: item.slice(0, item.indexOf("*")),
    proofs: [...item.matchAll(/^ {2}`([\w-]+\.test\.ts)` › `(.+)`$/gm)].map(
      ([, file = "", title = ""]) => ({ file, title }),
    ),
  }));

/** The full titles of a test file, `describe › test`, read from its text: its layout shows what is in what. */
function titlesOf(file: string): ReadonlySet<string> {
  const source = readFileSync(join(here, file), "utf8");
  const titles = new Set<string>();
  const open: { readonly indent: number; readonly title: string }[] = [];
  let kind = "";
  const pattern = /^( *)(?:(describe|test)\b.*?\(|\]\)\()(?:\s*("(?:[^"\\\n]|\\.)*"),|\[?$)/gm;
  for (const [, spaces = "", opener, literal] of source.matchAll(pattern)) {
    kind = opener ?? kind;
    if (literal === undefined) continue;
    while ((open.at(-1)?.indent ?? -1) >= spaces.length) open.pop();
    open.push({ indent: spaces.length, title: JSON.parse(literal) as string });
    if (kind === "test") titles.add(open.map(({ title }) => title).join(" › "));
  }
  return titles;
}

describe("each guarantee in docs/semantics-remote.md", () => {
  test("is found: there are many, numbered from 1 within their subject", () => {
    const bySubject = new Map<string, number>();
    for (const { id } of guarantees) {
      const [subject = "", number] = id.split("-");
      const expected = (bySubject.get(subject) ?? 0) + 1;
      expect(`${subject}-${number}`).toBe(`${subject}-${expected}`);
      bySubject.set(subject, expected);
    }
    expect(guarantees.length).toBeGreaterThan(40);
  });

  test.each(guarantees)("$id names a test that exists", ({ proofs }) => {
    expect(proofs).not.toEqual([]);
    for (const { file, title } of proofs) {
      expect([file, existsSync(join(here, file))]).toEqual([file, true]);
      expect([...titlesOf(file)]).toContain(title);
    }
  });

  test("that the text refers to exists", () => {
    const ids = guarantees.map(({ id }) => id);
    const referred = [...text.matchAll(/\(([a-z]+-\d+)/g)].map(([, id]) => id);
    expect(referred.filter((id) => !ids.includes(id as string))).toEqual([]);
  });
});
