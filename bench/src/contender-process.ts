/** Measures in a process of its own, so that the heap and the compiled code of one do not hurt another. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Benchmark, Measurement, NodeContender } from "./benchmark.js";

/** A program to run. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** Longer than any job takes; one that takes longer hangs. */
const TIMEOUT_MS = 300_000;
const CHILD = fileURLToPath(new URL("child.js", import.meta.url));

export function nodeCommandFor(
  benchmark: Benchmark,
  contender: NodeContender,
  count: number,
): Command {
  return {
    file: process.execPath,
    args: ["--expose-gc", CHILD, benchmark.name, contender, String(count)],
  };
}

/**
 * Runs a job and returns what it measured.
 *
 * @throws Error the job failed, hung, or did not do `count` of what it measures
 */
export async function measure(command: Command, count: number): Promise<number> {
  const { stdout } = await promisify(execFile)(command.file, command.args, {
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  return checkedValue(stdout, count);
}

/**
 * What the last line says: some frameworks cannot be kept from printing others before.
 *
 * @throws Error it is no measurement of `count`
 */
export function checkedValue(stdout: string, count: number): number {
  let measurement: Measurement;
  try {
    measurement = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Measurement;
  } catch {
    throw new Error(`printed no measurement but ${JSON.stringify(stdout)}`);
  }
  if (measurement.count !== count) {
    throw new Error(`did ${measurement.count} in place of ${count}`);
  }
  if (!Number.isFinite(measurement.value)) throw new Error(`measured ${measurement.value}`);
  return measurement.value;
}
