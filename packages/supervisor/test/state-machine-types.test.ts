import { describe, expect, test } from "@jest/globals";
import type { Call, Cast, Node, Pid } from "@coppice/core";
import {
  child,
  defineStateMachine,
  replyTo,
  type CallSelf,
  type EnterCall,
  type EventOf,
  type ProtocolOf,
  type StateMachineEvent,
  type StateMachineSelf,
} from "@coppice/supervisor";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the type is `true`. */
function holds<T extends true>(): T | undefined {
  return undefined;
}

/** What is in it is compiled, and never run. */
function compiled(_code: (node: Node, self: StateMachineSelf) => unknown): void {
  expect(_code).toBeInstanceOf(Function);
}

const door = defineStateMachine({
  init: (code: readonly string[]) => ({ state: "locked", data: { code, typed: [] as string[] } }),
  states: {
    locked: {
      enter: (data, { from }, self) => {
        holds<Equal<typeof from, "locked" | "open">>();
        void self.now();
        return { data: { ...data, typed: [] }, stateTimeout: { ms: 5 } };
      },
      call: {
        press: (data, digit: string) =>
          data.typed.length > 3
            ? { next: "open", reply: "ok" as const }
            : { data: { ...data, typed: [...data.typed, digit] }, reply: 3 },
        later: (_data, self: CallSelf<Date>) => self.reply(self.from, new Date()),
        wait: () => ({ postpone: true }),
      },
      stateTimeout: () => ({ next: "open" }),
    },
    open: {
      call: { press: () => ({ reply: null }), wait: async () => ({ reply: true }) },
      cast: {
        slam: async (_data, hard: boolean, self: StateMachineSelf) => ({
          next: "locked",
          actions: [{ stateTimeout: { ms: hard ? self.now() : 5 } }],
        }),
      },
      info: (_data, message: { readonly hello: string }) => {
        void message.hello;
        return { next: "locked" };
      },
      down: (_data, { reason }) => ({ stop: reason }),
    },
  },
  anyState: {
    call: { size: (data) => ({ reply: data.code.length }) },
    cast: { fix: (data) => ({ data, next: "open" }) },
    info: (_data, anything: unknown) => void anything,
  },
  terminate: ({ state, data }, reason) => {
    holds<Equal<typeof state, "locked" | "open">>();
    void [data.typed, reason];
  },
  status: ({ state, data, postponed }) => ({ state, typed: data.typed.length, postponed }),
});

interface Locked {
  readonly state: "locked";
  readonly data: { readonly code: string };
}
interface Open {
  readonly state: "open";
  readonly data: { readonly code: string; readonly by: string };
}

describe("the types of a state machine", () => {
  test("the protocol follows from the callbacks of all states", () => {
    type Expected =
      | Call<readonly ["press", string], "ok" | number>
      | Call<readonly ["press"], null>
      | Call<readonly ["later"], Date>
      | Call<readonly ["wait"], never>
      | Call<readonly ["wait"], boolean>
      | Call<readonly ["size"], number>
      | Cast<readonly ["slam", boolean]>
      | Cast<readonly ["fix"]>
      | { readonly hello: string };
    holds<Equal<ProtocolOf<typeof door>, Expected>>();
    compiled(async (node) => {
      const pid: Pid<ProtocolOf<typeof door>> = await node.start(door, ["1"]);
      const pressed: "ok" | number = await node.call(pid, ["press", "1"]);
      const waited: boolean = await node.call(pid, ["wait"]);
      node.cast(pid, ["slam", true]);
      node.send(pid, { hello: "x" });
      // @ts-expect-error -- no state knows it
      await node.call(pid, ["pres", "1"]);
      // @ts-expect-error -- a wrong argument
      await node.call(pid, ["press", 1]);
      // @ts-expect-error -- no cast
      node.cast(pid, ["press", "1"]);
      // @ts-expect-error -- no message
      node.send(pid, { hell: "x" });
      // @ts-expect-error -- what it is started with
      await node.start(door, "1");
      return [pressed, waited];
    });
  });

  test("each state may have data of its own", () => {
    const two = defineStateMachine({
      init: (code: string): Locked | Open => ({ state: "locked", data: { code } }),
      states: {
        locked: {
          call: {
            enter: (data, by: string) => ({ next: "open", data: { ...data, by }, reply: 1 }),
          },
        },
        open: {
          cast: {
            leave: (data) => ({ next: "locked", data: { code: data.by } }),
            // Data of `open` are data of `locked`.
            close: () => ({ next: "locked" }),
          },
        },
      },
      anyState: {
        cast: {
          lock: ({ code }) => ({ next: "locked", data: { code } }),
          both: ({ code }) => ({ data: { code, by: "somebody" } }),
        },
      },
      terminate: (at) => (at.state === "open" ? void at.data.by : undefined),
    });
    expect(two.behaviour).toBe("gen_statem");
  });

  test("a state that needs more data cannot be gone to without", () => {
    compiled(() =>
      defineStateMachine({
        init: (code: string): Locked | Open => ({ state: "locked", data: { code } }),
        states: {
          locked: {
            // @ts-expect-error -- open needs `by`
            stateTimeout: () => ({ next: "open" }),
            // @ts-expect-error -- open needs `by`
            eventTimeout: (data) => ({ next: "open", data }),
          },
          open: {},
        },
      }),
    );
    compiled(() =>
      defineStateMachine({
        init: (code: string): Locked | Open => ({ state: "locked", data: { code } }),
        states: { locked: {}, open: {} },
        // @ts-expect-error -- no data for open
        anyState: { stateTimeout: ({ code }) => ({ data: { code } }) },
      }),
    );
  });

  test("states are known by name", () => {
    compiled(() =>
      defineStateMachine({
        init: (code: string): Locked | Open => ({ state: "locked", data: { code } }),
        // @ts-expect-error -- open is missing
        states: { locked: {} },
      }),
    );
    compiled(() =>
      defineStateMachine({
        init: () => ({ state: "c", data: 0 }),
        // @ts-expect-error -- c is missing
        states: { locked: {} },
      }),
    );
    compiled(() =>
      defineStateMachine({
        init: () => ({ state: "a", data: 0 }),
        // @ts-expect-error -- there is no b
        states: { a: { info: () => ({ next: "b" }) } },
      }),
    );
  });

  test("results are checked", () => {
    compiled(() =>
      defineStateMachine({
        init: () => ({ state: "a", data: { n: 0 } }),
        states: {
          a: {
            // @ts-expect-error -- other data
            stateTimeout: () => ({ data: { n: "0" } }),
            // @ts-expect-error -- it cannot go elsewhere while it stops
            eventTimeout: () => ({ stop: "normal", next: "a" }),
            // @ts-expect-error -- nor from an enter call
            enter: () => ({ next: "a" }),
            // @ts-expect-error -- a bare time
            down: () => ({ stateTimeout: 5 }),
            // @ts-expect-error -- nobody to reply to
            info: () => ({ actions: [{ reply: 1 }], data: { n: 1 } }),
          },
        },
      }),
    );
    compiled((_node, self) => {
      const reply = (from: NonNullable<CallSelf<number>["from"]>): unknown => [
        replyTo(from, 1),
        // @ts-expect-error -- the caller waits for a number
        replyTo(from, "1"),
      ];
      return [reply, self];
    });
  });

  test("init may be async, stop, ignore, act, and do without data", () => {
    const picky = defineStateMachine({
      init: async (n: number) =>
        n > 0 ? { state: "a", data: { n }, stateTimeout: { ms: 3 } } : { stop: "no" },
      states: { a: { stateTimeout: ({ n }) => ({ data: { n: n + 1 } }) } },
    });
    const light = defineStateMachine({
      init: () => ({ state: "off" }),
      states: {
        off: { cast: { flip: () => ({ next: "on" }) } },
        on: { cast: { flip: () => ({ next: "off" }) } },
      },
    });
    holds<Equal<ProtocolOf<typeof light>, Cast<readonly ["flip"]>>>();
    compiled((node) => [node.start(picky, 1), node.start(light)]);
  });

  test("one callback for all events has the protocol of its events", () => {
    type Protocol =
      | Call<readonly ["press", string], boolean>
      | Cast<readonly ["slam"]>
      | { readonly hello: string };
    const one = defineStateMachine({
      init: (code: string): Locked | Open => ({ state: "locked", data: { code } }),
      enterCalls: true,
      handleEvent: (event: EventOf<Protocol> | EnterCall, at, self) => {
        switch (event.type) {
          case "call":
            return { next: "open", data: { code: "", by: "" }, reply: event.request[1] === "x" };
          case "cast":
            return { next: "locked", data: { code: "" } };
          case "info":
            return self.exit(event.message.hello);
          case "enter":
            return { stateTimeout: { ms: 5 } };
          default:
            return at.state === "open" ? { data: { code: "", by: at.data.by } } : undefined;
        }
      },
    });
    holds<Equal<ProtocolOf<typeof one>, Protocol>>();
    const free = defineStateMachine({
      init: () => ({ state: "a", data: 0 }),
      handleEvent: (event, { data }) => {
        holds<Equal<typeof event, StateMachineEvent | EnterCall<"a">>>();
        return event.type === "call" ? { reply: event.request, data: data + 1 } : undefined;
      },
    });
    compiled(async (node) => {
      const answer: unknown = await node.call(await node.start(free), "anything");
      return answer;
    });
  });

  test("a machine is a child like any other behaviour", () => {
    expect(child("door", door, ["1"])).toMatchObject({ id: "door" });
    // @ts-expect-error -- what it is started with
    compiled(() => child("door", door, 1));
  });
});
