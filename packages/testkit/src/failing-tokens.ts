/**
 * The tokens of cases that failed before, in a file beside the test, to be committed with it: they run first
 * from then on, as a snapshot would be compared.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CoppiceError } from "@coppice/core";

/** What a test remembers. */
export interface FailingToken {
  readonly token: string;
  /** What went wrong then, for people. */
  readonly violation: string;
}

/** The file of failing tokens is no such file. */
export class FailingTokensError extends CoppiceError {
  override readonly name = "FailingTokensError";
  readonly code = "FAILING_TOKENS";
  readonly file: string;
  constructor(file: string, why: string) {
    super(`${file} holds no failing tokens: ${why}; correct it, or delete it`);
    this.file = file;
  }
}

/**
 * The tokens of a test, oldest first; none when there is no file.
 *
 * @throws FailingTokensError the file is something else
 */
export function readFailingTokens(file: string, test: string): readonly FailingToken[] {
  return readAll(file)[test] ?? [];
}

/** Adds a token to those of a test, unless it is there. The newest 20 are kept. */
export function addFailingToken(file: string, test: string, token: FailingToken): void {
  const all = readAll(file);
  const known = all[test] ?? [];
  if (known.some((each) => each.token === token.token)) return;
  const tests = { ...all, [test]: [...known, token].slice(-20) };
  // In order of names, so that a new one changes one place of the file.
  const sorted = Object.fromEntries(Object.entries(tests).sort(([a], [b]) => (a < b ? -1 : 1)));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(sorted, undefined, 2)}\n`);
}

function readAll(file: string): Readonly<Record<string, readonly FailingToken[]>> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    // A folder that is a file holds nothing either; who writes there is told.
    if (["ENOENT", "ENOTDIR"].includes((error as { code?: string }).code ?? "")) return {};
    throw error;
  }
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch (error) {
    throw new FailingTokensError(file, String(error));
  }
  const isToken = (each: unknown): boolean =>
    typeof (each as FailingToken | null)?.token === "string" &&
    typeof (each as FailingToken).violation === "string";
  const isList = (each: unknown): boolean => Array.isArray(each) && each.every(isToken);
  if (typeof all !== "object" || all === null || !Object.values(all).every(isList)) {
    throw new FailingTokensError(file, "expected lists of { token, violation } by name of test");
  }
  return all as Readonly<Record<string, readonly FailingToken[]>>;
}
