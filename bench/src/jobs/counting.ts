/** One process floods the mailbox of another, which counts and tells in the end. */
import type { Pid } from "@coppice/core";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import { dispatch, query, spawn, start, stop, type Ref } from "nact";
import { assign, createActor, sendTo, setup, type AnyActorRef } from "xstate";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

type Count =
  | { readonly type: "increment"; readonly by: number }
  | { readonly type: "retrieve"; readonly from: Pid<number> };

export async function coppice(count: number): Promise<Measurement> {
  return flood(count, Infinity);
}

/** Floods a mailbox with `count` messages, and gives way to others after so many each. */
export async function flood(count: number, stretch: number): Promise<Measurement> {
  const node = startNode();
  let total = 0;
  const startMs = performance.now();
  const counter = node.spawn<Count>(async (self) => {
    for (let counted = 0; ;) {
      const message = await self.receive();
      if (message.type === "increment") counted += message.by;
      else self.send(message.from, counted);
    }
  });
  const sender = node.spawn<number>(async (self) => {
    for (let i = 1; i <= count; i++) {
      self.send(counter, { type: "increment", by: 1 });
      if (i % stretch === 0) await self.yield();
    }
    self.send(counter, { type: "retrieve", from: self.pid });
    total = await self.receive();
  });
  await node.whenExited(sender);
  const value = perSecond(total, startMs);
  await node.stop();
  return { count: total, value };
}

/** The least that any runtime in JavaScript has to do: make the messages, keep them all, look at each. */
export async function node(count: number): Promise<Measurement> {
  const startMs = performance.now();
  const chunks: { readonly type: "increment"; readonly by: number }[][] = [[]];
  for (let i = 0; i < count; i++) {
    if (i % 256 === 255) chunks.push([]);
    chunks[chunks.length - 1]?.push({ type: "increment", by: 1 });
  }
  let total = 0;
  for (const chunk of chunks) {
    for (const message of chunk) if (message.type === "increment") total += message.by;
  }
  return { count: total, value: perSecond(total, startMs) };
}

export async function nact(count: number): Promise<Measurement> {
  type Message =
    | { readonly type: "increment"; readonly by: number }
    | { readonly type: "retrieve"; readonly sender: Ref<number> };
  const system = start();
  const startMs = performance.now();
  const counter = spawn(
    system,
    (counted: number, message: Message) => {
      if (message.type === "increment") return counted + message.by;
      dispatch(message.sender, counted);
      return counted;
    },
    "counter",
    { initialState: 0 },
  );
  for (let i = 0; i < count; i++) dispatch(counter, { type: "increment", by: 1 });
  const retrieve = (sender: Ref<number>): Message => ({ type: "retrieve", sender });
  const total = await query(counter, retrieve, 600_000);
  const value = perSecond(total, startMs);
  stop(system);
  return { count: total, value };
}

export async function xstate(count: number): Promise<Measurement> {
  const counterMachine = setup({
    types: {
      context: {} as { counted: number },
      events: {} as { type: "increment"; by: number } | { type: "retrieve"; sender: AnyActorRef },
    },
  }).createMachine({
    context: { counted: 0 },
    on: {
      increment: {
        actions: assign({ counted: ({ context, event }) => context.counted + event.by }),
      },
      retrieve: {
        actions: sendTo(
          ({ event }) => event.sender,
          ({ context }) => ({ type: "total", total: context.counted }),
        ),
      },
    },
  });
  const startMs = performance.now();
  const counter = createActor(counterMachine).start();
  const total = await new Promise<number>((done) => {
    const senderMachine = setup({
      types: { events: {} as { type: "total"; total: number } },
    }).createMachine({ on: { total: { actions: ({ event }) => done(event.total) } } });
    const sender = createActor(senderMachine).start();
    for (let i = 0; i < count; i++) counter.send({ type: "increment", by: 1 });
    counter.send({ type: "retrieve", sender });
  });
  const value = perSecond(total, startMs);
  counter.stop();
  return { count: total, value };
}

export async function effect(count: number): Promise<Measurement> {
  type Message =
    | { readonly type: "increment"; readonly by: number }
    | { readonly type: "retrieve"; readonly reply: Deferred.Deferred<number> };
  const program = Effect.gen(function* () {
    const counts = yield* Queue.unbounded<Message>();
    yield* Effect.forkChild(
      Effect.gen(function* () {
        for (let counted = 0; ;) {
          const message = yield* Queue.take(counts);
          if (message.type === "increment") counted += message.by;
          else yield* Deferred.succeed(message.reply, counted);
        }
      }),
    );
    for (let i = 0; i < count; i++) yield* Queue.offer(counts, { type: "increment", by: 1 });
    const reply = yield* Deferred.make<number>();
    yield* Queue.offer(counts, { type: "retrieve", reply });
    return yield* Deferred.await(reply);
  });
  const startMs = performance.now();
  const total = await Effect.runPromise(program);
  return { count: total, value: perSecond(total, startMs) };
}
