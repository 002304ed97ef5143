/** The code blocks of the documentation: ```ts in Markdown, `@example` in sources. */

import { lineAt, parseSource } from "../source.mjs";

/**
 * @typedef {object} Block
 * @property {string} file where it is written
 * @property {number} line where its first line of code is
 * @property {string} code
 * @property {boolean} run false for `ts no-run`, which is compiled only
 */

/**
 * The blocks of a Markdown file that are fenced as `ts` or `ts no-run`.
 *
 * @param {string} file
 * @param {string} text
 * @param {number} [firstLine] where the text starts in its file
 * @returns {Block[]}
 */
export function blocksOfMarkdown(file, text, firstLine = 1) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {{ fence: string, indent: string, info: string, lines: string[], line: number } | undefined} */
  let open;
  for (const [index, line] of text.split("\n").entries()) {
    const [, indent = "", fence = "", info = ""] =
      /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== "") open = { fence, indent, info, lines: [], line: firstLine + index + 1 };
    } else if (fence.startsWith(open.fence) && info === "") {
      const { lines, line: start } = open;
      if (/^ts( no-run)?$/.test(open.info)) {
        blocks.push({ file, line: start, code: lines.join("\n"), run: open.info === "ts" });
      }
      open = undefined;
    } else {
      open.lines.push(
        line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart(),
      );
    }
  }
  return blocks;
}

/**
 * The `@example` blocks in the doc comments of a source. The code is all that follows the tag, or,
 * where there are any, the fenced blocks in it. `@example no-run` is compiled only.
 *
 * @param {string} file
 * @param {string} text
 * @returns {Block[]}
 */
export function blocksOfSource(file, text) {
  return parseSource(file, text)
    .comments.filter(({ type, value }) => type === "Block" && value.startsWith("*"))
    .flatMap(({ start, value }) => blocksOfComment(file, value, lineAt(text, start)));
}

/**
 * @param {string} file
 * @param {string} comment
 * @param {number} firstLine
 * @returns {Block[]}
 */
function blocksOfComment(file, comment, firstLine) {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
  return lines.flatMap((line, index) => {
    const [, title] = /^\s*@example\b\s*(.*?)\s*$/.exec(line) ?? [];
    if (title === undefined) return [];
    const from = index + 1;
    const length = lines.slice(from).findIndex((next) => /^\s*@\w/.test(next));
    const code = lines
      .slice(from, length === -1 ? undefined : from + length)
      .join("\n")
      .trimEnd();
    const fenced = blocksOfMarkdown(file, code, firstLine + from);
    return fenced.length > 0
      ? fenced
      : [{ file, line: firstLine + from, code, run: title !== "no-run" }];
  });
}
