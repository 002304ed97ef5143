/** The BEAM, if it is installed: the jobs of `beam/bench.erl`, compiled for this run. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Benchmark } from "./benchmark.js";
import type { Command } from "./contender-process.js";

const SOURCE = fileURLToPath(new URL("../beam/bench.erl", import.meta.url));
const TELL_VERSION = `io:format("OTP ~s (erts ~s)", [erlang:system_info(K) || K <- [otp_release, version]]), halt().`;

export interface Beam {
  readonly version: string;
  commandFor(benchmark: Benchmark, count: number): Command;
  /** Removes what was compiled. */
  dispose(): void;
}

/** `undefined` when `erl` or `erlc` is not installed. */
export function findBeam(): Beam | undefined {
  const version = versionOf("erl");
  if (version === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "coppice-bench-"));
  const dispose = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    execFileSync("erlc", ["-o", directory, SOURCE], { stdio: ["ignore", "inherit", "inherit"] });
  } catch (error) {
    dispose();
    if (isMissing(error)) return undefined;
    throw error;
  }
  return {
    version,
    commandFor(benchmark, count) {
      const main = ["bench", "main", benchmark.name, String(count)];
      const flags = benchmark.beamFlags ?? [];
      return { file: "erl", args: ["-noinput", ...flags, "-pa", directory, "-run", ...main] };
    },
    dispose,
  };
}

function versionOf(erl: string): string | undefined {
  try {
    return execFileSync(erl, ["-noinput", "-eval", TELL_VERSION], { encoding: "utf8" });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ENOENT";
}
