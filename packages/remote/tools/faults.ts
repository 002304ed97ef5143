/**
 * `npm run faults [-- NAME …]`: what happens between real processes when processors, cables and clocks fail.
 *
 * Each row is one fault: what was held and what was measured. All is bound to loopback or to network
 * namespaces that are made for it, and taken away again; what this machine cannot do is skipped, and says
 * why. The last line is `N passed, M failed`.
 */
import { LOOPBACK_ROWS, type Row } from "./fault-rows.js";
import { NETWORK_ROWS } from "./fault-rows-net.js";
import { now, Skipped, World } from "./fault-world.js";

/** No row takes longer. */
const ROW_MS = 60_000;

const rows: readonly Row[] = [...LOOPBACK_ROWS, ...NETWORK_ROWS];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((text) => !rows.some(({ name }) => name.includes(text)));
if (unknown.length > 0) {
  console.error(
    `Nothing is called "${unknown.join('", "')}". Rows: ${rows.map(({ name }) => name).join(", ")}`,
  );
  process.exit(1);
}

let current: World | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void (current?.end() ?? Promise.resolve()).then(() => process.exit(1));
  });
}

let [passed, failed] = [0, 0];
for (const row of rows) {
  if (wanted.length > 0 && !wanted.some((text) => row.name.includes(text))) continue;
  const why = row.missing?.();
  if (why !== undefined) {
    console.log(`skipped  ${row.name}: ${why}`);
    continue;
  }
  const world = (current = new World());
  const startMs = now();
  try {
    const held = await within(row.run(world));
    passed++;
    console.log(`ok       ${row.name}: ${held} [${((now() - startMs) / 1000).toFixed(1)} s]`);
  } catch (error) {
    if (error instanceof Skipped) {
      console.log(`skipped  ${row.name}: ${error.message}`);
      continue;
    }
    failed++;
    console.log(`FAILED   ${row.name}: ${(error as Error).message}`);
  } finally {
    await world.end();
    current = undefined;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function within(run: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ROW_MS} ms`)), ROW_MS);
  });
  return Promise.race([run, late]).finally(() => clearTimeout(timer));
}
