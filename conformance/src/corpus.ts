/** Where programs come from: the corpus of this workspace, or files of the user. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { vocabularyOf } from "./layer.js";
import { LAYERS } from "./layers.js";
import { checkProgram, MalformedProgramError, type Program, type Vocabulary } from "./program.js";

const CORPUS = new URL("../corpus/", import.meta.url);

/** A file that cannot be read as programs. The message names the file and the line. */
export class CorpusError extends Error {
  override readonly name = "CorpusError";
}

/** The programs that come with this workspace: first those written by hand, then the random ones. */
export function builtInPrograms(layer: string): Program[] {
  return ["cases", "random"].flatMap((kind) =>
    readPrograms(fileURLToPath(new URL(`${kind}/${layer}.jsonl.gz`, CORPUS))),
  );
}

/**
 * Reads a file: a JSON array of programs, or one program a line; gzipped or not.
 *
 * @param options.layers what layers its programs may be of; all by default. With just one, programs
 * need not name it.
 * @throws CorpusError it cannot be read, or is not made of programs of these layers
 */
export function readPrograms(
  file: string,
  options: { readonly directory?: string; readonly layers?: readonly string[] } = {},
): Program[] {
  const { directory = ".", layers = [...LAYERS.keys()] } = options;
  const vocabularies = new Map(
    layers.map((name): [string, Vocabulary | undefined] => {
      const layer = LAYERS.get(name);
      return [name, layer === undefined ? undefined : vocabularyOf(layer)];
    }),
  );
  const defaultLayer = layers.length === 1 ? layers[0] : undefined;
  const programs = elements(file, readText(resolve(directory, file), file)).map(
    ({ text, line }) => {
      try {
        const value: unknown = JSON.parse(text);
        return checkProgram(value, (layer) => vocabularies.get(layer), defaultLayer);
      } catch (error) {
        throw new CorpusError(`${file}:${line + lineWithin(text, error)}: ${explain(error)}`);
      }
    },
  );
  if (programs.length === 0) throw new CorpusError(`${file}:1: there are no programs in it`);
  return programs;
}

function readText(path: string, shown: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new CorpusError(`${shown}: cannot be read: ${(error as Error).message}`);
  }
  return bytes.toString("utf8").replace(/^\uFEFF/, "");
}

interface Element {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** The programs of a file, not yet parsed, so that each can be reported with its line. */
function elements(file: string, text: string): Element[] {
  if (/^\s*\[/.test(text)) return arrayElements(file, text);
  return text
    .split("\n")
    .map((line, index) => ({ text: line, line: index + 1 }))
    .filter((element) => element.text.trim() !== "");
}

function arrayElements(file: string, text: string): Element[] {
  const found: Element[] = [];
  const lineAt = (offset: number): number => text.slice(0, offset).split("\n").length;
  const from = text.indexOf("[") + 1;
  let depth = 0;
  let start = from;
  let lines = lineAt(start);
  const take = (end: number): void => {
    const raw = text.slice(start, end);
    const lead = (/^\s*/.exec(raw) as RegExpExecArray)[0];
    found.push({ text: raw.trim(), line: lines + lead.split("\n").length - 1 });
    lines += raw.split("\n").length - 1;
    start = end + 1;
  };
  // A token is a string, or one of the characters that structure is made of.
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{},]/g;
  tokens.lastIndex = from;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const [symbol] = token;
    if (symbol === "[" || symbol === "{") depth++;
    else if (symbol === "]" || symbol === "}") depth--;
    else if (symbol === "," && depth === 0) take(token.index);
    if (depth < 0) {
      const isEmpty = found.length === 0 && text.slice(start, token.index).trim() === "";
      if (!isEmpty) take(token.index);
      const rest = text.slice(token.index + 1).trimStart();
      if (symbol === "]" && rest === "") return found;
      const line = lineAt(text.length - rest.length);
      throw new CorpusError(`${file}:${line}: something follows the array`);
    }
  }
  throw new CorpusError(`${file}:${lineAt(text.length)}: the array does not end`);
}

/** How far into the text JSON.parse got, in lines. */
function lineWithin(text: string, error: unknown): number {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  return position === undefined ? 0 : text.slice(0, Number(position)).split("\n").length - 1;
}

function explain(error: unknown): string {
  if (error instanceof MalformedProgramError) return error.message;
  if ((error as Error).name === "SyntaxError") {
    return `not JSON: ${(error as Error).message}; expected an array of programs, or one program a line`;
  }
  throw error;
}
