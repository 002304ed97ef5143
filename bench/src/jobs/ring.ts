/** A thousand processes in a ring pass a token on until it has been passed `count` times. */
import type { Pid, Self } from "@coppice/core";
import { Effect, Queue } from "effect";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

const PROCESSES = 1_000;

/** How often the token has yet to be passed. */
type Token = number;

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let messages = 0;
  let startMs = 0;
  await new Promise<void>((done) => {
    const pass = async (self: Self<Token>, next: Pid<Token>): Promise<void> => {
      for (;;) {
        const left = await self.receive();
        messages++;
        if (left > 0) self.send(next, left - 1);
        else done();
      }
    };
    node.spawn<Token>(async (self) => {
      let next = self.pid;
      for (let i = 1; i < PROCESSES; i++) next = self.spawnLink(pass, next);
      startMs = performance.now();
      self.send(next, count - 1);
      await pass(self, next);
    });
  });
  const value = perSecond(messages, startMs);
  await node.stop();
  return { count: messages, value };
}

export async function effect(count: number): Promise<Measurement> {
  let messages = 0;
  let startMs = 0;
  const pass = Effect.fnUntraced(function* (own: Queue.Queue<Token>, next: Queue.Queue<Token>) {
    for (;;) {
      const left = yield* Queue.take(own);
      messages++;
      if (left === 0) return;
      yield* Queue.offer(next, left - 1);
    }
  });
  const program = Effect.gen(function* () {
    const queues: Queue.Queue<Token>[] = [];
    for (let i = 0; i < PROCESSES; i++) queues.push(yield* Queue.unbounded<Token>());
    const [first] = queues as [Queue.Queue<Token>];
    const passing = queues.map((own, i) => pass(own, queues[i + 1] ?? first));
    startMs = performance.now();
    yield* Queue.offer(first, count - 1);
    yield* Effect.raceAll(passing);
  });
  await Effect.runPromise(program);
  return { count: messages, value: perSecond(messages, startMs) };
}
