/** What the tests of the layers above processes have in common: all built-in programs, in each order. */
import { expect, test } from "@jest/globals";
import { builtInPrograms } from "../src/corpus.js";
import { replay } from "../src/replay.js";
import type { Mode } from "../src/schedule.js";

/** Tests of a layer: its programs leave the traces of Erlang, whatever the order of signals. */
export function testPrograms(layer: string): void {
  test.each<[string, Mode]>([
    ["", "direct"],
    [" when each signal waits its turn", "fifo"],
    [" in an order of their own", 1],
  ])(
    "do what they do in Erlang%s",
    async (_, mode) => {
      const reports: string[] = [];
      for (const program of builtInPrograms(layer)) {
        const failure = await replay(program, mode);
        if (failure !== undefined) reports.push(failure.report);
      }
      expect(reports).toEqual([]);
    },
    120_000,
  );
}
