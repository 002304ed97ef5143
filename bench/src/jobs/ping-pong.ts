/** Two processes send one message back and forth. */
import type { Pid } from "@coppice/core";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import { dispatch, spawn, start, stop, type Ref } from "nact";
import { createActor, sendTo, setup, type AnyActorRef } from "xstate";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

interface Ping {
  readonly type: "ping";
  readonly from: Pid<Pong>;
}

interface Pong {
  readonly type: "pong";
}

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let messages = 0;
  const startMs = performance.now();
  const ponger = node.spawn<Ping>(async (self) => {
    for (;;) {
      const { from } = await self.receive();
      messages++;
      self.send(from, { type: "pong" });
    }
  });
  const pinger = node.spawn<Pong>(async (self) => {
    for (let left = count / 2; left > 0; left--) {
      self.send(ponger, { type: "ping", from: self.pid });
      await self.receive();
      messages++;
    }
  });
  await node.whenExited(pinger);
  const value = perSecond(messages, startMs);
  await node.stop();
  return { count: messages, value };
}

export async function nact(count: number): Promise<Measurement> {
  interface Message {
    readonly value: string;
    readonly sender: Ref<Message>;
  }
  const system = start();
  let messages = 0;
  const startMs = performance.now();
  const ponger = spawn(
    system,
    (_state: undefined, message: Message, context) => {
      messages++;
      dispatch(message.sender, { value: context.name, sender: context.self });
    },
    "ponger",
  );
  await new Promise<void>((done) => {
    const pinger = spawn(
      system,
      (left: number, message: Message, context) => {
        messages++;
        if (left === 1) done();
        else dispatch(message.sender, { value: context.name, sender: context.self });
        return left - 1;
      },
      "pinger",
      { initialState: count / 2 },
    );
    dispatch(ponger, { value: "begin", sender: pinger });
  });
  const value = perSecond(messages, startMs);
  stop(system);
  return { count: messages, value };
}

export async function xstate(count: number): Promise<Measurement> {
  let messages = 0;
  const pongMachine = setup({
    types: { events: {} as { type: "ping"; sender: AnyActorRef } },
  }).createMachine({
    on: {
      ping: {
        actions: [() => messages++, sendTo(({ event }) => event.sender, { type: "pong" })],
      },
    },
  });
  const ponger = createActor(pongMachine).start();
  const startMs = performance.now();
  await new Promise<void>((done) => {
    const pingMachine = setup({
      types: { events: {} as { type: "pong" } },
      guards: { isLast: () => messages === count - 1 },
      actions: {
        count: () => messages++,
        done: () => done(),
        ping: sendTo(ponger, ({ self }) => ({ type: "ping", sender: self })),
      },
    }).createMachine({
      entry: "ping",
      on: {
        pong: [{ guard: "isLast", actions: ["count", "done"] }, { actions: ["count", "ping"] }],
      },
    });
    createActor(pingMachine).start();
  });
  const value = perSecond(messages, startMs);
  ponger.stop();
  return { count: messages, value };
}

export async function effect(count: number): Promise<Measurement> {
  let messages = 0;
  const program = Effect.gen(function* () {
    const pongs = yield* Queue.unbounded<"pong">();
    const pings = yield* Queue.unbounded<{ readonly from: typeof pongs }>();
    yield* Effect.forkChild(
      Effect.gen(function* () {
        for (;;) {
          const { from } = yield* Queue.take(pings);
          messages++;
          yield* Queue.offer(from, "pong");
        }
      }),
    );
    for (let left = count / 2; left > 0; left--) {
      yield* Queue.offer(pings, { from: pongs });
      yield* Queue.take(pongs);
      messages++;
    }
  });
  const startMs = performance.now();
  await Effect.runPromise(program);
  return { count: messages, value: perSecond(messages, startMs) };
}
