/**
 * Measures Coppice and its peers in the same run, round by round, so that what else the machine does
 * meanwhile is the same for all.
 *
 *     npm run bench -- [names] [--json FILE] [--rounds N]
 */
import { writeFileSync } from "node:fs";
import { ArgumentsError, parseArguments, type Arguments } from "./arguments.js";
import { findBeam, type Beam } from "./beam.js";
import { contendersOf, type Benchmark, type Contender } from "./benchmark.js";
import { BENCHMARKS } from "./benchmarks.js";
import { measure, nodeCommandFor } from "./contender-process.js";
import { describeEnvironment } from "./environment.js";
import { natsVersion } from "./nats-server.js";
import { resultOf, type Result } from "./result.js";
import { formatTable } from "./table.js";

try {
  const names = BENCHMARKS.map((benchmark) => benchmark.name);
  await runBenchmarks(parseArguments(process.argv.slice(2), names));
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = error instanceof ArgumentsError ? 2 : 1;
}

async function runBenchmarks({ names, rounds, jsonFile }: Arguments): Promise<void> {
  const results: Result[] = [];
  // After each benchmark, so that a run that is broken off was not for nothing; and before the first,
  // so that a file that cannot be written is known at once.
  const save = (): void => {
    if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  };
  save();
  const beam = findBeam();
  if (beam === undefined) console.log("erl is not installed: no column for the BEAM");
  const nats = natsVersion();
  if (nats === undefined) console.log("NATS: not installed");
  try {
    console.log(`${describeEnvironment(beam?.version, nats)}\nmedians of ${rounds} rounds\n`);
    for (const benchmark of BENCHMARKS) {
      if (!names.includes(benchmark.name)) continue;
      results.push(await runBenchmark(benchmark, rounds, beam, nats !== undefined));
      save();
    }
  } finally {
    beam?.dispose();
  }
  console.log(formatTable(results));
}

async function runBenchmark(
  benchmark: Benchmark,
  rounds: number,
  beam: Beam | undefined,
  hasNats: boolean,
): Promise<Result> {
  const contenders = contendersOf(benchmark).filter(
    (contender) =>
      (contender !== "beam" || beam !== undefined) && (contender !== "nats" || hasNats),
  );
  const values = new Map(contenders.map((contender): [Contender, number[]] => [contender, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      console.error(`${benchmark.name} ${contender} ${round}/${rounds}`);
      values.get(contender)?.push(await measureContender(benchmark, contender, beam));
    }
  }
  return resultOf(benchmark, values);
}

async function measureContender(
  benchmark: Benchmark,
  contender: Contender,
  beam: Beam | undefined,
): Promise<number> {
  const count = benchmark.counts[contender] as number;
  const command =
    contender === "beam"
      ? (beam as Beam).commandFor(benchmark, count)
      : nodeCommandFor(benchmark, contender, count);
  try {
    return await measure(command, count);
  } catch (error) {
    throw new Error(`${benchmark.name}, ${contender}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
