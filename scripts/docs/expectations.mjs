/**
 * Turns what a block promises in comments into code that checks it, line for line:
 * `expression; // => value` and `expression; // throws Name`.
 */

import { lineAt, parseSource, walk } from "../source.mjs";

/** @typedef {import("../source.mjs").Source} Source */
/** @typedef {import("../source.mjs").SyntaxNode} SyntaxNode */
/** @typedef {{ code: string, expectations: string[] } | { error: string }} Checked */
/** @typedef {{ statement: SyntaxNode, mayAwait: boolean }} Subject what a comment speaks of */
/** @typedef {{ value: string } | { error: string }} Promised an expression, or the name of an error */
/** @typedef {{ start: number, end: number, text: string }} Edit puts `text` in place of what is there */

/**
 * The declarations of what the code calls; `runtime.mjs` defines it.
 * `at` names an expectation: the line it is written on.
 */
export const declarations = `
declare const $docs: {
  equal(at: string, actual: unknown, expected: unknown): void;
  throws(at: string, name: string, act: () => unknown): void;
  rejects(at: string, name: string, act: () => unknown): Promise<void>;
};
`;

/**
 * Code that does what `code` does and checks its promises.
 *
 * A promise on a line that is never reached is broken too, hence the list of them.
 *
 * @param {string} code
 * @param {(line: number) => string} locate names a line of the code, the first being 1
 * @returns {Checked}
 */
export function checkExpectations(code, locate) {
  const source = parseSource("block.ts", code);
  // The compiler explains a syntax error better.
  if (source.error !== undefined) return { code, expectations: [] };

  const subjects = subjectsOf(source);
  /** @type {Edit[]} */
  const edits = [];
  /** @type {string[]} */
  const expectations = [];
  for (const comment of source.comments) {
    const promise = readPromise(comment.value);
    if (promise === undefined) continue;
    const at = locate(lineAt(code, comment.start));
    const subject = subjects.find(
      ({ statement: { end } }) =>
        end <= comment.start && code.slice(end, comment.start).trim() === "",
    );
    const added = subject && expectation(subject, promise, at);
    if (added === undefined || expectations.includes(at)) {
      return { error: `${at}: cannot check "//${comment.value}"` };
    }
    edits.push(...added);
    expectations.push(at);
  }
  return { code: applyEdits(code, edits), expectations };
}

/**
 * @param {string} comment
 * @returns {Promised | undefined}
 */
function readPromise(comment) {
  const [, value, error = ""] = /^\s*(?:=>\s*(.*?)|throws\s+(\w+))\s*$/s.exec(comment) ?? [];
  if (value !== undefined) return { value };
  return error === "" ? undefined : { error };
}

/**
 * The statements a comment may speak of, innermost first.
 *
 * @param {Source} source
 * @returns {Subject[]}
 */
function subjectsOf(source) {
  /** @type {Subject[]} */
  const subjects = [];
  walk(source.program, (node, ancestors) => {
    if (!/^(ExpressionStatement|VariableDeclaration|ThrowStatement)$/.test(node.type)) return;
    const enclosing = ancestors.findLast(({ type }) => /Function|StaticBlock/.test(type));
    subjects.unshift({
      statement: node,
      mayAwait: enclosing === undefined || enclosing["async"] === true,
    });
  });
  return subjects;
}

/**
 * @param {Subject} subject
 * @param {Promised} promise
 * @param {string} at
 * @returns {Edit[] | undefined} undefined when it cannot be checked
 */
function expectation(subject, promise, at) {
  return "value" in promise
    ? expectValue(subject, promise.value, at)
    : expectError(subject, promise.error, at);
}

/**
 * @param {Subject} subject
 * @param {string} value
 * @param {string} at
 * @returns {Edit[] | undefined} undefined when it cannot be checked
 */
function expectValue({ statement }, value, at) {
  if (parseSource("value.ts", `(${value})`).error !== undefined) return undefined;
  const { start, end } = statement;
  const check = (/** @type {string} */ actual) =>
    `$docs.equal(${JSON.stringify(at)}, ${actual}, (${value}));`;

  if (statement.type === "VariableDeclaration") {
    const variable = statement["declarations"].at(-1).id;
    return variable.type === "Identifier"
      ? [{ start: end, end, text: `; ${check(variable.name)}` }]
      : undefined;
  }
  if (statement.type !== "ExpressionStatement") return undefined;
  const expression = printedBy(statement["expression"]) ?? statement["expression"];
  return [
    // In a variable of its own: as an argument it would be inferred with `unknown` in mind.
    { start, end: expression.start, text: "{ const $actual = (" },
    { start: expression.end, end, text: `); ${check("$actual")} }` },
  ];
}

/**
 * @param {Subject} subject
 * @param {string} name
 * @param {string} at
 * @returns {Edit[]}
 */
function expectError({ statement, mayAwait }, name, at) {
  const args = `${JSON.stringify(at)}, ${JSON.stringify(name)}`;
  const before = mayAwait
    ? `await $docs.rejects(${args}, async () => `
    : `$docs.throws(${args}, () => `;
  const { start, end } = statement;
  if (statement.type !== "ExpressionStatement") {
    return [
      { start, end: start, text: `${before}{ ` },
      { start: end, end, text: " });" },
    ];
  }
  const expression = statement["expression"];
  return [
    { start, end: expression.start, text: `${before}(` },
    { start: expression.end, end, text: "));" },
  ];
}

/**
 * What `console.log(x)` prints.
 *
 * @param {SyntaxNode} expression
 * @returns {SyntaxNode | undefined}
 */
function printedBy(expression) {
  const { callee, arguments: args } = expression;
  const logs = callee?.object?.name === "console" && callee.property.name === "log";
  return logs && args.length === 1 ? args[0] : undefined;
}

/**
 * @param {string} code
 * @param {readonly Edit[]} edits that do not overlap
 */
function applyEdits(code, edits) {
  let result = code;
  // From the last to the first, so that an edit leaves the offsets of the others alone.
  for (const { start, end, text } of edits.toSorted((a, b) => b.start - a.start)) {
    const lineBreaks = result.slice(start, end).replaceAll(/[^\n]/g, "");
    result = result.slice(0, start) + text + lineBreaks + result.slice(end);
  }
  return result;
}
