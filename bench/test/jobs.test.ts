import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Benchmark, Contender, Job } from "../src/benchmark.js";
import { contendersOf } from "../src/benchmark.js";
import { BENCHMARKS } from "../src/benchmarks.js";

const COUNT = 20;
const each = BENCHMARKS.map((benchmark): [string, Benchmark] => [benchmark.name, benchmark]);

async function loadJobs(benchmark: Benchmark): Promise<Partial<Record<Contender, Job>>> {
  return (await import(`../src/jobs/${benchmark.name}.js`)) as Partial<Record<Contender, Job>>;
}

beforeAll(() => {
  // Present in the processes that measure; here memory is not looked at.
  globalThis.gc ??= (() => undefined) as typeof globalThis.gc & {};
});

describe("jobs", () => {
  test("no two benchmarks have the same name", () => {
    expect(new Set(BENCHMARKS.map(({ name }) => name)).size).toBe(BENCHMARKS.length);
  });

  test.each(each)("%s has a job for each contender", async (_, benchmark) => {
    const jobs = await loadJobs(benchmark);
    const erlang = readFileSync(new URL("../beam/bench.erl", import.meta.url), "utf8");
    const missing = contendersOf(benchmark).filter((contender) =>
      contender === "beam"
        ? !erlang.includes(`\njob("${benchmark.name}", N) ->`)
        : typeof jobs[contender] !== "function",
    );
    expect(missing).toEqual([]);
  });

  test.each(each)("%s does on Coppice as many as it is asked for", async (_, benchmark) => {
    const { coppice } = await loadJobs(benchmark);
    const { count, value } = await (coppice as Job)(COUNT);
    expect(count).toBe(COUNT);
    expect(value).not.toBeNaN();
  });
});
