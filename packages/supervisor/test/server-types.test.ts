import { describe, expect, test } from "@jest/globals";
import type { Call, Cast, Down, Name, Node, Pid } from "@coppice/core";
import { name } from "@coppice/core";
import {
  child,
  defineServer,
  type CallSelf,
  type ProtocolOf,
  type ServerSelf,
} from "@coppice/supervisor";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the type is `true`. */
function holds<T extends true>(): T | undefined {
  return undefined;
}

/** What is in it is compiled, and never run. */
function compiled(_code: (node: Node, self: ServerSelf) => unknown): void {
  expect(_code).toBeInstanceOf(Function);
}

const stack = defineServer({
  init: (items: readonly string[]) => items,
  call: {
    pop: ([top, ...rest]) => ({ reply: top, state: rest }),
    size: (items) => ({ reply: items.length }),
    swap: (items, at: number, item: string, self: ServerSelf) => {
      self.now();
      return { reply: items[at] === item };
    },
    wait: (_items, self: CallSelf<"later">) => {
      self.reply(self.from, "later");
    },
    drain: async (items) => ({ reply: items, state: [] }),
  },
  cast: {
    push: (items, item: string) => ({ state: [item, ...items] }),
    clear: () => ({ state: [] }),
  },
  info: (items, message: { readonly type: "tick" }) => {
    holds<Equal<typeof items, readonly string[]>>();
    void message;
  },
  down: (items, { reason }) => ({ state: items, stop: reason }),
  terminate: (items, reason, self) => {
    void [items.length, reason, self.pid];
  },
});
type StackProtocol = ProtocolOf<typeof stack>;

describe("the types of a server", () => {
  test("the protocol follows from the callbacks", () => {
    type Expected =
      | Call<readonly ["pop"], string | undefined>
      | Call<readonly ["size"], number>
      | Call<readonly ["swap", number, string], boolean>
      | Call<readonly ["wait"], "later">
      | Call<readonly ["drain"], readonly string[]>
      | Cast<readonly ["push", string]>
      | Cast<readonly ["clear"]>
      | { readonly type: "tick" };
    holds<Equal<StackProtocol, Expected>>();
    expect(stack.behaviour).toBe("gen_server");
  });

  test("what it is started with, what it is asked and what it answers is checked to the last argument", () => {
    compiled(async (node) => {
      const pid = await node.start(stack, ["hello"]);
      holds<Equal<typeof pid, Pid<StackProtocol>>>();
      const top = await node.call(pid, ["pop"], { timeoutMs: 500 });
      holds<Equal<typeof top, string | undefined>>();
      const swapped = await node.call(pid, ["swap", 1, "x"]);
      holds<Equal<typeof swapped, boolean>>();
      const later = await node.call(pid, ["wait"]);
      holds<Equal<typeof later, "later">>();
      node.cast(pid, ["push", "x"]);
      node.send(pid, { type: "tick" });
      // @ts-expect-error its init takes strings
      await node.start(stack, [1]);
      // @ts-expect-error its init takes an argument
      await node.start(stack);
      // @ts-expect-error no such call
      await node.call(pid, ["pup"]);
      // @ts-expect-error an argument too many
      await node.call(pid, ["pop", 1]);
      // @ts-expect-error the last argument is a string
      await node.call(pid, ["swap", 1, 2]);
      // @ts-expect-error an argument is missing
      await node.call(pid, ["swap", 1]);
      // @ts-expect-error that is a cast
      await node.call(pid, ["push", "x"]);
      // @ts-expect-error it is a string
      node.cast(pid, ["push", 1]);
      // @ts-expect-error that is a call
      node.cast(pid, ["pop"]);
      // @ts-expect-error no such message
      node.send(pid, { type: "tock" });
    });
  });

  test("a name carries the protocol, and survives the process", () => {
    compiled(async (node) => {
      const Stack: Name<StackProtocol> = name("stack");
      await node.startOpt({ name: Stack }, stack, []);
      const size = await node.call(Stack, ["size"]);
      holds<Equal<typeof size, number>>();
      child({ id: "stack", name: Stack }, stack, ["a"]);
      // @ts-expect-error the items are strings
      child("stack", stack, [1]);
    });
  });

  test("the state is that of init, whatever else that may return", () => {
    const counter = defineServer({
      init: (from: number, self: ServerSelf) => {
        self.trapExits();
        if (from < 0) return { stop: "negative" };
        if (from === 0) return { ignore: true as const };
        return { state: { count: from }, continue: "load" };
      },
      call: {
        get: (state) => {
          holds<Equal<typeof state, { count: number }>>();
          return { reply: state.count };
        },
      },
      continue: (state, argument: string) => ({ state: { count: state.count + argument.length } }),
    });
    compiled(async (node) => {
      const pid = await node.start(counter, 5);
      const count = await node.call(pid, ["get"]);
      holds<Equal<typeof count, number>>();
      // @ts-expect-error it is started with a number
      await node.start(counter, "5");
    });
  });

  test("a state that looks like no result is a state", () => {
    const door = defineServer({
      init: () => ({ state: "open", since: 0 }),
      call: {
        look: (door) => {
          holds<Equal<typeof door, { state: string; since: number }>>();
          return { reply: door.since };
        },
      },
    });
    expect(door.behaviour).toBe("gen_server");
  });

  test("a new state has to be one", () => {
    compiled(() => {
      defineServer({
        init: () => 0,
        call: {
          // @ts-expect-error the state is a number
          set: () => ({ state: "five", reply: 1 }),
        },
      });
      defineServer({
        init: () => 0,
        // @ts-expect-error the state is a number
        down: (_state, _down: Down) => ({ state: "five" }),
      });
    });
  });

  test("a callback with optional or rest parameters cannot be asked for, as nobody could tell self from an argument", () => {
    const server = defineServer({
      init: () => 0,
      call: {
        optional: (_state, by?: number) => ({ reply: by }),
        rest: (_state, ...all: number[]) => ({ reply: all }),
        fixed: (_state, by: number | undefined) => ({ reply: by }),
      },
    });
    compiled(async (node) => {
      const pid = await node.start(server);
      // @ts-expect-error optional
      await node.call(pid, ["optional"]);
      // @ts-expect-error rest
      await node.call(pid, ["rest", 1, 2]);
      await node.call(pid, ["fixed", undefined]);
    });
  });

  test("a parameter beyond the state has to say what it is", () => {
    compiled(() =>
      defineServer({
        init: () => 0,
        call: {
          get: (state, self) => {
            // @ts-expect-error not annotated, so nothing can be done with it
            self.now();
            return { reply: state };
          },
        },
      }),
    );
  });

  test("a server without calls and casts understands nothing", () => {
    const silent = defineServer({ init: () => null });
    holds<Equal<ProtocolOf<typeof silent>, never>>();
    expect(silent.behaviour).toBe("gen_server");
  });
});
