/** What our tools ask of a TypeScript source: its imports, its names, its comments. */

import { parseSync } from "oxc-parser";

/**
 * @typedef {object} Source
 * @property {string} text
 * @property {import("oxc-parser").Program} program
 * @property {readonly import("oxc-parser").Comment[]} comments
 * @property {string | undefined} error why it does not parse
 */

/**
 * A node of the syntax tree, as far as a walk over all kinds needs to know it.
 *
 * @typedef {{ type: string, start: number, end: number, [field: string]: any }} SyntaxNode
 */

/**
 * @param {string} file its name; the ending tells the language
 * @param {string} text
 * @returns {Source}
 */
export function parseSource(file, text) {
  const { program, comments, errors } = parseSync(file, text);
  return { text, program, comments, error: errors[0]?.message };
}

/**
 * Every import of a source: static, dynamic, re-exported, and those of types.
 *
 * @param {Source} source
 * @returns {{ specifier: string, line: number }[]}
 */
export function importsOf(source) {
  /** @type {{ specifier: string, line: number }[]} */
  const imports = [];
  walk(source.program, (node) => {
    const specifier =
      node["source"] ?? (node.type === "TSExternalModuleReference" && node["expression"]);
    if (typeof specifier?.value === "string") {
      imports.push({ specifier: specifier.value, line: lineAt(source.text, specifier.start) });
    }
  });
  return imports;
}

/**
 * Every place that uses the identifier `name`; comments and strings do not count.
 *
 * @param {Source} source
 * @param {string} name
 * @returns {{ line: number }[]}
 */
export function mentionsOf(source, name) {
  /** @type {{ line: number }[]} */
  const mentions = [];
  walk(source.program, (node) => {
    if (node.type === "Identifier" && node["name"] === name) {
      mentions.push({ line: lineAt(source.text, node.start) });
    }
  });
  return mentions;
}

/**
 * Calls `visit` with every node below `node` and itself, parents first.
 *
 * @param {unknown} node
 * @param {(node: SyntaxNode, ancestors: readonly SyntaxNode[]) => void} visit
 * @param {readonly SyntaxNode[]} [ancestors]
 */
export function walk(node, visit, ancestors = []) {
  if (Array.isArray(node)) {
    for (const element of node) walk(element, visit, ancestors);
  } else if (isSyntaxNode(node)) {
    visit(node, ancestors);
    const path = [...ancestors, node];
    for (const child of Object.values(node)) walk(child, visit, path);
  }
}

/**
 * The line of an offset, the first being 1.
 *
 * @param {string} text
 * @param {number} offset
 */
export function lineAt(text, offset) {
  return text.slice(0, offset).split("\n").length;
}

/**
 * @param {unknown} value
 * @returns {value is SyntaxNode}
 */
function isSyntaxNode(value) {
  return typeof value === "object" && value !== null && "type" in value;
}
