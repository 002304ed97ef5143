import { describe, expect, test } from "@jest/globals";
import mermaid from "mermaid";
import type { Run } from "../src/run.js";
import { explain, type Explanation } from "../src/explain.js";
import { reportFailure } from "../src/failure-report.js";
import { keyedOrder } from "./keyed.js";
import { runToy, type Message, type Toy } from "./toy-kernel.js";
import {
  ackBeforePersist,
  cacheFill,
  lateReply,
  lostUpdate,
  useBeforeConfigure,
  withNoise,
} from "./toy-programs.js";

function explained(program: (toy: Toy) => void): Explanation {
  for (let seed = 0; seed < 1_000; seed++) {
    const run: Run = runToy(program, keyedOrder(seed));
    if (run.violations.length === 0) continue;
    return explain((strategy) => runToy(program, strategy), run) as Explanation;
  }
  throw new Error("no failing schedule was found");
}

describe("the report of a failure", () => {
  test("says what went wrong, why, how it came and how to see it again", () => {
    const { text } = reportFailure(explained(cacheFill), {
      foundBy: "schedule 38 (pct3)",
      program: "reader.get(k) ‖ writer.put(k, 1)",
      replay: "COPPICE_REPLAY='v1:p=pairFifo' npx jest cache.test.ts",
    });
    expect(text).toBe(
      `✗ toy: cache has 0, db has 1
found: schedule 38 (pct3)
program: reader.get(k) ‖ writer.put(k, 1)
fails under FIFO plus these constraints (drop any one → passes):
  1. wr→db#1    after rd→db#1     wr→db#1 reaches db after rd→db#1
  2. rd→cache#2 after wr→cache#1  rd→cache#2 reaches cache after wr→cache#1
  rd     cache    db      wr
   |------>|       |       |  rd→cache#1
   |<------|       |       |  cache→rd#1
   |-------------->|       |  rd→db#1
   |       |       |<------|  wr→db#1 (1)
   |<--------------|       |  db→rd#1
   |       |       |------>|  db→wr#1
   |       |<--------------|  wr→cache#1
   |------>|       |       |  rd→cache#2 (2)
   |       |       |       |  ✗ cache has 0, db has 1
passes with 1 flipped: rd→db#1 after wr→db#1
replay: COPPICE_REPLAY='v1:p=pairFifo' npx jest cache.test.ts`,
    );
  });

  test("keeps the first lines of a message that has several", () => {
    const explanation = explained(cacheFill);
    const linesOf = (message: string): readonly string[] =>
      reportFailure({
        ...explanation,
        violation: { ...explanation.violation, check: "leaks", message },
      }).text.split("\n");
    expect(linesOf("1 monitor\n\n  1 message  is left\n").slice(0, 3)).toEqual([
      "✗ leaks: 1 monitor",
      "    1 message is left",
      "fails under FIFO plus these constraints (drop any one → passes):",
    ]);
    const many = linesOf(Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n"));
    expect(many.slice(0, 5)).toEqual([
      "✗ leaks: line 0",
      "  line 1",
      "  line 2",
      "  line 3",
      "  … 26 lines more",
    ]);
    expect(many.length).toBeLessThanOrEqual(25);
  });

  test("explains against LIFO what fails under FIFO", () => {
    expect(reportFailure(explained(lostUpdate)).text).toBe(
      `✗ toy: 1 after two increments
fails under LIFO plus this constraint (drop it → passes), and under FIFO and eager timers as it is:
  1. c2→ctr#2 after c1→ctr#1  c2→ctr#2 reaches ctr after c1→ctr#1
  c2      ctr     c1
   |------>|       |  c2→ctr#1
   |<------|       |  ctr→c2#1
   |       |<------|  c1→ctr#1
   |       |------>|  ctr→c1#1
   |       |<------|  c1→ctr#2
   |------>|       |  c2→ctr#2 (1)
   |       |       |  ✗ 1 after two increments
passes with it flipped: c1→ctr#1 after c2→ctr#2`,
    );
  });

  test("places a crash", () => {
    expect(reportFailure(explained(ackBeforePersist)).text).toBe(
      `✗ toy: 2 acknowledged, 1 on disk
fails under FIFO plus this constraint (drop it → passes):
  1. f:crash:srv right after cli→srv#1  f:crash:srv strikes as soon as cli→srv#1 reaches srv
  cli     srv
   |------>|   cli→srv#1
   |       X   f:crash:srv (1)
   |<------|   srv→cli#1
   |       *   srv→srv#1
   |------>|   cli→srv#2
   |       *   srv→srv#2
   |       |   ✗ 2 acknowledged, 1 on disk
passes without it`,
    );
  });

  test("shows where a step went wrong, and what came too late for it", () => {
    expect(reportFailure(explained(useBeforeConfigure)).text).toBe(
      `✗ toy: use came before cfg
fails under FIFO plus this constraint (drop it → passes), and under LIFO as it is:
  1. A→B#1 after C→B#1  A→B#1 reaches B after C→B#1
  A       C       B
  |------>|       |  A→C#1
  |       |------>|  C→B#1
  |       |       !  ✗ use came before cfg
  |-------------->|  A→B#1 (1)
passes with it flipped: C→B#1 after A→B#1`,
    );
  });

  test("says that nothing is needed for what fails in every order", () => {
    const always = (toy: Toy): void => toy.atRest(() => toy.fail("always"));
    expect(reportFailure(explained(always)).text).toBe(
      `✗ toy: always
fails under FIFO, LIFO and eager timers: no order of what happens is needed`,
    );
  });

  test("shows nobody who had no part in it", () => {
    const [alone, noisy] = [cacheFill, withNoise(cacheFill, 8)].map(
      (program) => reportFailure(explained(program)).text,
    );
    expect(noisy).toBe(alone);
  });

  test("has 25 lines at most, however long the run was", () => {
    const long = (toy: Toy): void => {
      toy.spawn("a", function* (self) {
        for (let i = 0; i < 50; i++) {
          self.send("b", "ping", i);
          yield self.receive();
        }
      });
      toy.spawn("b", function* (self) {
        for (;;) {
          const { v } = (yield self.receive()) as Message;
          if (v === 49) self.fail("far enough");
          self.send("a", "pong");
        }
      });
    };
    const options = { foundBy: "f", program: "p", replay: "r" };
    const lines = reportFailure(explained(long), options).text.split("\n");
    expect(lines).toHaveLength(25);
    expect(lines.slice(0, 8)).toEqual([
      "✗ toy: far enough",
      "found: f",
      "program: p",
      "fails under FIFO, LIFO and eager timers: no order of what happens is needed",
      "  a       b",
      "  |       *  … 82 steps not shown",
      "  |------>|  a→b#42",
      "  |<------|  b→a#42",
    ]);
    expect(lines.slice(-4)).toEqual([
      "  |<------|  b→a#49",
      "  |------>|  a→b#50",
      "  |       !  ✗ far enough",
      "replay: r",
    ]);
  });

  test("shows the run that passes when it is asked to", () => {
    const { text } = reportFailure(explained(lateReply), { twin: true });
    expect(text.split("\n").slice(-7)).toEqual([
      "passes with it flipped: t:cli#1 after srv→cli#1",
      "the twin that passes:",
      "  cli     srv",
      "   |------>|   cli→srv#1",
      "   |<------|   srv→cli#1",
      "   |------>|   cli→srv#2",
      "   |<------|   srv→cli#2",
    ]);
  });

  test("comes as a Mermaid diagram of the same events", async () => {
    for (const program of [cacheFill, lostUpdate, ackBeforePersist, lateReply]) {
      const report = reportFailure(explained(program));
      await expect(mermaid.parse(report.mermaid)).resolves.toMatchObject({
        diagramType: "sequence",
      });
    }
    expect(reportFailure(explained(lateReply)).mermaid).toBe(
      `sequenceDiagram
  participant p0 as cli
  participant p1 as srv
  p0->>p1: cli→srv#35;1
  p0->>p0: t#58;cli#35;1
  p1->>p0: srv→cli#35;1 ①
  Note over p0: ✗ 10 is no answer to 2
`,
    );
  });

  test("comes as a happens-before graph and as a trace", () => {
    const explanation = explained(lateReply);
    const { dot, trace } = reportFailure(explanation);
    expect(dot).toBe(
      `digraph run {
  rankdir=TB;
  node [shape=box];
  subgraph cluster_0 {
    label="srv";
    s0 [label="cli→srv#1"];
    s3 [label="cli→srv#2"];
  }
  subgraph cluster_1 {
    label="cli";
    s1 [label="t:cli#1"];
    s2 [label="srv→cli#1", color=red];
    s4 [label="srv→cli#2"];
  }
  s0 -> s2;
  s1 -> s2 [style=dashed];
  s1 -> s3;
  s0 -> s3 [style=dashed];
  s3 -> s4;
  s2 -> s4 [style=dashed];
}
`,
    );
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
    expect(trace.hash).toBe(explanation.run.hash());
    expect(trace.constraints).toEqual(explanation.constraints);
    expect(trace.steps[1]).toEqual({
      key: "t:cli#1",
      kind: "timer",
      actor: "cli",
      text: "t:cli#1",
      creator: -1,
      atMs: 10,
      accesses: [
        { object: "mailbox:cli", mode: "write" },
        { object: "timers", mode: "write" },
        { object: "timers", mode: "read" },
      ],
    });
  });
});
