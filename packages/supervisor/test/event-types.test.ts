import { describe, expect, test } from "@jest/globals";
import type { Call, Cast, Node, Pid, Self } from "@coppice/core";
import { name } from "@coppice/core";
import {
  addHandler,
  addSupervisedHandler,
  callHandler,
  child,
  defineEventHandler,
  defineEventManager,
  deleteHandler,
  eventHandler,
  notify,
  swapHandler,
  syncNotify,
  type EventHandler,
  type EventHandlerExit,
  type EventHandlerSelf,
  type ProtocolOf,
} from "@coppice/supervisor";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the type is `true`. */
function holds<T extends true>(): T | undefined {
  return undefined;
}

/** What is in it is compiled, and never run. */
function compiled(
  _code: (node: Node, self: Self<EventHandlerExit>, deaf: Self<"other">) => unknown,
): void {
  expect(_code).toBeInstanceOf(Function);
}

type Fire = { readonly type: "fire"; readonly floor: number };
type Flood = { readonly type: "flood" };
type Tick = { readonly type: "tick" };

const alarms = defineEventManager<Fire | Flood, Tick>();
type Alarms = ProtocolOf<typeof alarms>;
const Alarms = name<Alarms>("alarms");

const counter = defineEventHandler({
  name: "counter",
  init: (first: number) => ({ count: first }),
  event: ({ count }, event: Fire | Flood, self) => {
    holds<Equal<typeof event, Fire | Flood>>();
    holds<Equal<typeof self, EventHandlerSelf>>();
    return { state: { count: count + 1 } };
  },
  info: (state, message: Tick) => {
    holds<Equal<typeof state, { count: number }>>();
    void message;
  },
  call: {
    count: ({ count }) => ({ reply: count }),
    add: async ({ count }, by: number, self: EventHandlerSelf) => ({
      reply: `at ${self.now()}`,
      state: { count: count + by },
    }),
    reset: () => ({ state: { count: 0 } }),
    forget: () => {},
    leave: ({ count }) => ({ remove: true, reply: [count] as const }),
    some: ({ count }) => (count > 0 ? { reply: count } : { state: { count: 1 } }),
  },
  terminate: ({ count }, why) => [count, why.type],
});

const fires = defineEventHandler({
  name: "fires",
  init: () => [] as readonly number[],
  event: (floors, { floor }: Fire) => ({ state: [...floors, floor] }),
});

const anything = defineEventHandler({ name: "anything", init: () => null, event: () => {} });

describe("the types of event managers and handlers", () => {
  test("the protocol of a manager are its events and its other messages", () => {
    type Expected =
      | Cast<readonly ["notify", Fire | Flood]>
      | Call<readonly ["notify", Fire | Flood], undefined>
      | Tick;
    holds<Equal<Alarms, Expected>>();
    expect(alarms.behaviour).toBe("gen_event");
  });

  test("the calls of a handler follow from its callbacks", () => {
    type Expected =
      | Call<readonly ["count"], number>
      | Call<readonly ["add", number], string>
      | Call<readonly ["reset"], undefined>
      | Call<readonly ["forget"], undefined>
      | Call<readonly ["leave"], readonly [number]>
      | Call<readonly ["some"], number | undefined>;
    type CallsOf<H> = H extends EventHandler<never, never, infer P, infer _A> ? P : never;
    holds<Equal<CallsOf<typeof counter>, Expected>>();
    compiled(async (node) => {
      const pid = await node.start(alarms);
      holds<Equal<typeof pid, Pid<Alarms>>>();
      const count = await callHandler(node, pid, counter, ["count"]);
      holds<Equal<typeof count, number>>();
      const added = await callHandler(node, Alarms, counter.as("second"), ["add", 2]);
      holds<Equal<typeof added, string>>();
      const remote = await callHandler(node, pid, eventHandler<typeof counter>("counter"), [
        "count",
      ]);
      holds<Equal<typeof remote, number>>();
      // @ts-expect-error -- no such call
      await callHandler(node, pid, counter, ["subtract", 1]);
      // @ts-expect-error -- an argument too few
      await callHandler(node, pid, counter, ["add"]);
      // @ts-expect-error -- of another type
      await callHandler(node, pid, counter, ["add", "2"]);
    });
  });

  test("a manager is notified of its events only", () => {
    compiled(async (node) => {
      const pid = await node.start(alarms);
      notify(node, pid, { type: "fire", floor: 3 });
      notify(node, Alarms, { type: "flood" });
      node.cast(pid, ["notify", { type: "flood" }]);
      node.send(pid, { type: "tick" });
      const answer = await node.call(pid, ["notify", { type: "flood" }]);
      holds<Equal<typeof answer, undefined>>();
      await syncNotify(node, pid, { type: "fire", floor: 3 }, { timeoutMs: 10 });
      // @ts-expect-error -- no such event
      notify(node, pid, { type: "quake" });
      // @ts-expect-error -- a floor is missing
      await syncNotify(node, pid, { type: "fire" });
      // @ts-expect-error -- no message of this manager
      node.send(pid, { type: "tock" });
    });
  });

  test("a handler is added with the arguments of its init, to managers whose events it knows", () => {
    compiled(async (node) => {
      const pid = await node.start(alarms);
      const onlyFires = await node.start(defineEventManager<Fire>());
      await addHandler(node, pid, counter.with(0));
      await addHandler(node, pid, counter.as("second").with(0));
      await addHandler(node, pid, counter.with(0).as("third"), { timeoutMs: 10 });
      await addHandler(node, onlyFires, counter.with(0));
      await addHandler(node, onlyFires, fires);
      await addHandler(node, onlyFires, fires.with());
      await addHandler(node, pid, anything);
      // @ts-expect-error -- without its argument
      await addHandler(node, pid, counter);
      // @ts-expect-error -- of another type
      counter.with("0");
      // @ts-expect-error -- it knows no floods
      await addHandler(node, pid, fires);
      // @ts-expect-error -- it knows no tocks
      await addHandler(node, await node.start(defineEventManager<Fire, "tock">()), counter.with(0));
      // @ts-expect-error -- it knows no floods
      await swapHandler(node, pid, counter, fires);
      await swapHandler(node, pid, fires, counter.with(0), { argument: "bye" });
      await swapHandler(node, pid, ["counter", 7], anything);
      const last: unknown = await deleteHandler(node, pid, "fires");
      void last;
    });
  });

  test("an owner understands what it will be told", () => {
    compiled(async (node, self, deaf) => {
      const pid = await node.start(alarms);
      await addSupervisedHandler(self, pid, anything);
      // @ts-expect-error -- it has no use for an EventHandlerExit
      await addSupervisedHandler(deaf, pid, anything);
      // @ts-expect-error -- nobody who could be told
      await addSupervisedHandler(node, pid, anything);
    });
  });

  test("a callback returns what its handler can do, and a swap goes to a handler of the same events", () => {
    compiled(() => {
      defineEventHandler({
        name: "swaps",
        init: (id: string) => id,
        takeOver: (from, id) => (from.type === "handover" ? `${id}${String(from.result)}` : id),
        event: (id, event: Fire) =>
          event.floor > 3 ? { swap: { to: fires.as(id), argument: id } } : { remove: true },
      });
      defineEventHandler({
        name: "wrong",
        init: () => 0,
        // @ts-expect-error -- of another type than the state
        event: () => ({ state: "0" }),
      });
      defineEventHandler({
        name: "wrong",
        init: () => 0,
        // @ts-expect-error -- it knows no floods
        event: (_count, _event: Fire | Flood) => ({ swap: { to: fires } }),
      });
      defineEventHandler({
        name: "wrong",
        init: () => 0,
        // @ts-expect-error -- events are not answered
        event: () => ({ reply: 1 }),
      });
      // @ts-expect-error -- there is no handler without events
      defineEventHandler({ name: "wrong", init: () => 0 });
      defineEventManager<Fire | Flood, Tick>({ handlers: [counter, anything] });
      // @ts-expect-error -- it knows no floods
      defineEventManager<Fire | Flood, Tick>({ handlers: [fires] });
    });
  });

  test("a manager is a child like others", () => {
    const spec = child("alarms", alarms);
    expect(spec.id).toBe("alarms");
  });
});
