/** All benchmarks there are. */
import type { Benchmark } from "./benchmark.js";

const THOUSAND = 1_000;
const MILLION = 1_000_000;
/** Erlang's table of processes holds 262 144 by default. */
const MANY_PROCESSES = ["+P", "2000000"];

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "ping-pong",
    unit: "messages/s",
    better: "higher",
    counts: {
      coppice: 6 * MILLION,
      beam: 4 * MILLION,
      nact: MILLION,
      xstate: 100 * THOUSAND,
      effect: 500 * THOUSAND,
    },
  },
  {
    name: "ping-pong-handlers",
    unit: "messages/s",
    better: "higher",
    counts: { coppice: 6 * MILLION, beam: 4 * MILLION, nact: MILLION },
  },
  {
    name: "counting",
    unit: "messages/s",
    better: "higher",
    counts: {
      coppice: MILLION,
      beam: MILLION,
      nact: MILLION,
      xstate: 100 * THOUSAND,
      effect: MILLION,
      // An array and no runtime.
      node: MILLION,
    },
  },
  {
    name: "counting-handlers",
    unit: "messages/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION, nact: MILLION },
  },
  {
    // The receiver keeps up; `counting` measures a backlog of all messages as well.
    name: "counting-yielding",
    unit: "messages/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION },
  },
  {
    name: "ring",
    unit: "messages/s",
    better: "higher",
    counts: { coppice: 4 * MILLION, beam: 4 * MILLION, effect: 500 * THOUSAND },
  },
  {
    name: "call",
    unit: "calls/s",
    better: "higher",
    counts: { coppice: MILLION, beam: 500 * THOUSAND },
  },
  {
    // As `call`, by a process that has not taken 100 000 messages: compare the two.
    name: "selective-call",
    unit: "calls/s",
    better: "higher",
    counts: { coppice: MILLION, beam: 500 * THOUSAND },
  },
  {
    name: "server-call",
    unit: "calls/s",
    better: "higher",
    counts: { coppice: MILLION, beam: 500 * THOUSAND },
  },
  {
    name: "server-cast",
    unit: "casts/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION },
  },
  {
    name: "server-cast-yielding",
    unit: "casts/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION },
  },
  {
    name: "crash-to-served",
    unit: "us (median)",
    better: "lower",
    counts: { coppice: 2 * THOUSAND, beam: 2 * THOUSAND },
  },
  {
    name: "one-for-all-1000",
    unit: "ms",
    better: "lower",
    counts: { coppice: 50 * THOUSAND, beam: 50 * THOUSAND },
  },
  {
    name: "escalation-10",
    unit: "us",
    better: "lower",
    counts: { coppice: 2 * THOUSAND, beam: 2 * THOUSAND },
  },
  {
    name: "dynamic-start",
    unit: "children/s",
    better: "higher",
    counts: { coppice: 100 * THOUSAND, beam: 100 * THOUSAND },
  },
  {
    name: "dynamic-stop",
    unit: "children/s",
    better: "higher",
    counts: { coppice: 100 * THOUSAND, beam: 100 * THOUSAND },
  },
  {
    name: "server-memory",
    unit: "bytes/server",
    better: "lower",
    counts: { coppice: 100 * THOUSAND, beam: 100 * THOUSAND },
  },
  {
    name: "mailbox-drain-100k",
    unit: "messages/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION },
  },
  {
    name: "mailbox-drain-1m",
    unit: "messages/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION },
  },
  {
    name: "spawn-monitor-exit",
    unit: "sequences/s",
    better: "higher",
    counts: { coppice: 500 * THOUSAND, beam: 500 * THOUSAND },
  },
  {
    name: "link-chain-100k",
    unit: "ns/process",
    better: "lower",
    counts: { coppice: 500 * THOUSAND, beam: 500 * THOUSAND },
  },
  {
    name: "link-chain-1m",
    unit: "ns/process",
    better: "lower",
    counts: { coppice: MILLION, beam: MILLION },
    beamFlags: MANY_PROCESSES,
  },
  {
    name: "idle-memory",
    unit: "bytes/process",
    better: "lower",
    counts: { coppice: 100 * THOUSAND, beam: 100 * THOUSAND, nact: 100 * THOUSAND },
  },
  {
    name: "million",
    unit: "s",
    better: "lower",
    counts: { coppice: MILLION, beam: MILLION },
    beamFlags: MANY_PROCESSES,
  },
  {
    name: "million-memory",
    unit: "MB",
    better: "lower",
    counts: { coppice: MILLION, beam: MILLION },
    beamFlags: MANY_PROCESSES,
  },
  {
    name: "timers",
    unit: "pairs/s",
    better: "higher",
    counts: { coppice: MILLION, beam: MILLION, node: MILLION },
  },
  {
    name: "timer-fire",
    unit: "timers/s",
    better: "higher",
    counts: { coppice: 500 * THOUSAND, beam: 500 * THOUSAND, node: 500 * THOUSAND },
  },
  {
    name: "timer-latency",
    unit: "ms (p99)",
    better: "lower",
    counts: { coppice: 450, beam: 450 },
  },
  {
    name: "timer-latency-handlers",
    unit: "ms (p99)",
    better: "lower",
    counts: { coppice: 450, beam: 450 },
  },
  {
    // In the column `node`: the library `ws`, one message to a frame. The other process is new in each
    // measurement; for seconds, so that its compiling is a part of no weight with any of them.
    name: "remote-cast",
    unit: "casts/s",
    better: "higher",
    counts: {
      coppice: 3 * MILLION,
      beam: 2 * MILLION,
      node: 800 * THOUSAND,
      moleculer: 40 * THOUSAND,
      comedy: 40 * THOUSAND,
      nats: 400 * THOUSAND,
    },
    target: { ratio: { node: 3, beam: 1.5 } },
  },
  {
    name: "remote-call",
    unit: "us (median)",
    better: "lower",
    counts: {
      coppice: 20 * THOUSAND,
      beam: 20 * THOUSAND,
      node: 20 * THOUSAND,
      moleculer: 10 * THOUSAND,
      comedy: 10 * THOUSAND,
      nats: 20 * THOUSAND,
    },
    target: { ratio: { node: 1.5 } },
  },
  {
    name: "thread-cast",
    unit: "casts/s",
    better: "higher",
    counts: { coppice: 3 * MILLION, "coppice-ws": 3 * MILLION },
    target: { ratio: { "coppice-ws": 1 } },
  },
  {
    name: "thread-call",
    unit: "us (median)",
    better: "lower",
    counts: { coppice: 20 * THOUSAND, "coppice-ws": 20 * THOUSAND },
    target: { ratio: { "coppice-ws": 1 } },
  },
  {
    name: "monitors-cut",
    unit: "ms",
    better: "lower",
    counts: { coppice: 100 * THOUSAND },
    target: { value: 1_000 },
  },
  {
    name: "monitors-cut-turn",
    unit: "ms (longest)",
    better: "lower",
    counts: { coppice: 100 * THOUSAND },
    target: { value: 50 },
  },
  // 30 seconds, in tenths.
  ...(["await", "close", "drop"] as const).map((manner): Benchmark => ({
    name: `paused-${manner}`,
    unit: "MB (growth)",
    better: "lower",
    counts: { coppice: 300 },
    target: { value: 64 },
    warmsUp: true,
  })),
  // Of terms on the wire; the smaller ones more often.
  ...(["record", "list", "bytes", "text"] as const).flatMap((kind) =>
    (["encode", "decode"] as const).map((way): Benchmark => {
      const count = kind === "list" ? 20 * THOUSAND : 500 * THOUSAND;
      return {
        name: `codec-${way}-${kind}`,
        unit: "terms/s",
        better: "higher",
        counts: { coppice: count, "cbor-x": count, "cbor-x-fenced": count },
      };
    }),
  ),
  {
    name: "schedules",
    unit: "schedules/s",
    better: "higher",
    counts: { coppice: 200 * THOUSAND, "fast-check": 20 * THOUSAND },
  },
  {
    name: "schedules-handlers",
    unit: "schedules/s",
    better: "higher",
    counts: { coppice: 200 * THOUSAND },
  },
  {
    name: "exhaustive",
    unit: "classes/s",
    better: "higher",
    counts: { coppice: 50 * THOUSAND },
  },
];
