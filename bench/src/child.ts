/** One measurement in a process of its own: `node --expose-gc child.js BENCHMARK CONTENDER COUNT`. */
import type { Job, NodeContender } from "./benchmark.js";
import { BENCHMARKS } from "./benchmarks.js";
import { collectGarbage } from "./garbage.js";

const WARM_UPS = 2;
/** What part of the work a warm-up does. */
const WARM_UP_SHARE = 0.1;

const [name, contender, count] = process.argv.slice(2) as [string, NodeContender, string];
const module = (await import(`./jobs/${name}.js`)) as Record<NodeContender, Job>;
const job = module[contender];
const { warmsUp = false } = BENCHMARKS.find((benchmark) => benchmark.name === name) ?? {};

for (let i = 0; i < WARM_UPS && !warmsUp; i++)
  await job(2 * Math.ceil((Number(count) * WARM_UP_SHARE) / 2));
collectGarbage();
process.stdout.write(`${JSON.stringify(await job(Number(count)))}\n`);
