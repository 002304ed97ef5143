/** What is written of a failure; the failure is told whether that succeeds or not. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CoppiceError } from "@coppice/core";
import type { FailureReport } from "./failure-report.js";

/** Writes what tools read beside each other: `NAME.mmd`, `NAME.dot`, `NAME.json`, `NAME.txt`. */
export function writeReport(folder: string, name: string, report: FailureReport): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 80));
  writeFileSync(`${path}.txt`, `${report.text}\n`);
  writeFileSync(`${path}.mmd`, report.mermaid);
  writeFileSync(`${path}.dot`, report.dot);
  writeFileSync(`${path}.json`, `${JSON.stringify(report.trace, undefined, 2)}\n`);
}

/** What failed is to be told whatever the disk says. */
export function tryToWrite(folder: string, write: () => void, unwritten: string[]): void {
  try {
    write();
  } catch (error) {
    if ((error as { code?: unknown }).code === undefined || error instanceof CoppiceError)
      throw error;
    unwritten.push(`not written to ${folder}: ${(error as Error).message}`);
  }
}

/** The line that replays stays where it is sought. */
export function withNotes(text: string, notes: readonly string[]): string {
  if (notes.length === 0) return text;
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith("replay: "));
  return lines.toSpliced(at === -1 ? lines.length : at, 0, ...notes).join("\n");
}
