import { describe, expect, test } from "@jest/globals";
import { blocksOfMarkdown, blocksOfSource } from "../docs/blocks.mjs";

describe("blocks of Markdown", () => {
  test("ts blocks are found, with the line of their first line of code", () => {
    const text = ["# Title", "", "```ts", "a();", "b();", "```", "", "```ts", "c();", "```"];
    expect(blocksOfMarkdown("a.md", text.join("\n"))).toEqual([
      { file: "a.md", line: 4, code: "a();\nb();", run: true },
      { file: "a.md", line: 9, code: "c();", run: true },
    ]);
  });

  test("a block marked no-run is not run", () => {
    expect(blocksOfMarkdown("a.md", "```ts no-run\na();\n```")).toMatchObject([{ run: false }]);
  });

  test.each(["", "js", "tsx", "text"])("blocks in %j are left alone", (language) => {
    expect(blocksOfMarkdown("a.md", `\`\`\`${language}\na();\n\`\`\``)).toEqual([]);
  });

  test("a block shown inside another is left alone", () => {
    expect(blocksOfMarkdown("a.md", "````md\n```ts\na();\n```\n````")).toEqual([]);
  });

  test("the indentation of a fence is not part of its code", () => {
    expect(blocksOfMarkdown("a.md", "- x\n  ```ts\n  a(\n    1);\n  ```")).toMatchObject([
      { code: "a(\n  1);" },
    ]);
  });
});

describe("blocks of sources", () => {
  test("@example reaches to the next tag or the end of the comment", () => {
    const text = `
      /**
       * Adds.
       *
       * @example
       * add(1, 2); // => 3
       *
       * add(
       *   1,
       * );
       * @see elsewhere
       */
      function add() {}

      /** @example
       * last(); */
    `;
    expect(blocksOfSource("a.ts", text)).toEqual([
      { file: "a.ts", line: 6, code: "add(1, 2); // => 3\n\nadd(\n  1,\n);", run: true },
      { file: "a.ts", line: 16, code: "last();", run: true },
    ]);
  });

  test("of an @example with fences only the fenced code counts", () => {
    const text = "/**\n * @example\n * Say:\n * ```ts no-run\n * a();\n * ```\n */";
    expect(blocksOfSource("a.ts", text)).toEqual([
      { file: "a.ts", line: 5, code: "a();", run: false },
    ]);
  });

  test("a comment that is no doc comment has no examples", () => {
    expect(blocksOfSource("a.ts", "/*\n * @example\n * a();\n */")).toEqual([]);
  });
});
