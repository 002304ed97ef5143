/** A thousand processes in a ring pass a token on until it has been passed `count` times. */
import type { Pid, Self } from "@coppice/core";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

const PROCESSES = 1_000;

/** How often the token has been passed. */
type Token = number;

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let startMs = 0;
  const passed = await new Promise<Token>((done) => {
    const pass = async (self: Self<Token>, next: Pid<Token>): Promise<void> => {
      for (;;) {
        const token = await self.receive();
        if (token < count) self.send(next, token + 1);
        else done(token);
      }
    };
    node.spawn<Token>(async (self) => {
      let next = self.pid;
      for (let i = 1; i < PROCESSES; i++) next = self.spawnLink(pass, next);
      startMs = performance.now();
      self.send(next, 1);
      await pass(self, next);
    });
  });
  const value = perSecond(passed, startMs);
  await node.stop();
  return { count: passed, value };
}

export async function effect(count: number): Promise<Measurement> {
  let startMs = 0;
  const pass = Effect.fnUntraced(function* (own: Queue.Queue<Token>, next: Queue.Queue<Token>) {
    for (;;) {
      const token = yield* Queue.take(own);
      if (token === count) return token;
      yield* Queue.offer(next, token + 1);
    }
  });
  const program = Effect.gen(function* () {
    const queues: Queue.Queue<Token>[] = [];
    for (let i = 0; i < PROCESSES; i++) queues.push(yield* Queue.unbounded<Token>());
    const [first] = queues as [Queue.Queue<Token>];
    const passing = queues.map((own, i) => pass(own, queues[i + 1] ?? first));
    startMs = performance.now();
    yield* Queue.offer(first, 1);
    return yield* Effect.raceAll(passing);
  });
  const passed = await Effect.runPromise(program);
  return { count: passed, value: perSecond(passed, startMs) };
}
