import { describe, expect, test } from "@jest/globals";
import type { Call, Cast, Down, Exit, ExitReason, Name, Node, Pid, Startable } from "@coppice/core";
import { name } from "@coppice/core";
import {
  child,
  childTemplate,
  defineDynamicSupervisor,
  defineServer,
  startChild,
  sys,
  type CallbackResult,
  type CallResult,
  type CallSelf,
  type InitResult,
  type ProtocolOf,
  type ServerSelf,
} from "@coppice/supervisor";
import { Counter } from "./server-names.js";

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

  test("a server whose init has optional or rest parameters cannot be started", () => {
    const optional = defineServer({ init: (n: number, label?: string) => ({ n, label }) });
    const rest = defineServer({ init: (...all: number[]) => all });
    compiled(async (node) => {
      // @ts-expect-error optional
      await node.start(optional);
      // @ts-expect-error optional
      await node.start(optional, 1, "x");
      // @ts-expect-error rest
      await node.start(rest, 1, 2);
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

describe("the state of a server", () => {
  test("is what an async init resolves to, bare or as { state }", () => {
    defineServer({
      init: async (count: number) => ({ count }),
      cast: { add: (state) => void holds<Equal<typeof state, { count: number }>>() },
    });
    defineServer({
      init: async (count: number) =>
        count > 0 ? { state: count } : { stop: { shutdown: "nothing to count" } },
      cast: { add: (state) => void holds<Equal<typeof state, number>>() },
    });
    expect(holds()).toBeUndefined();
  });

  test("is that of an init which is annotated with InitResult", () => {
    defineServer({
      init: (count: number): InitResult<{ count: number }> => ({ state: { count }, timeoutMs: 5 }),
      cast: { add: (state) => void holds<Equal<typeof state, { count: number }>>() },
      timeout: (state) => void holds<Equal<typeof state, { count: number }>>(),
    });
    defineServer({
      init: async (): Promise<InitResult<string>> => ({ ignore: true }),
      cast: { add: (state) => void holds<Equal<typeof state, string>>() },
    });
    expect(holds()).toBeUndefined();
  });

  type Door = { readonly kind: "open"; readonly since: number } | { readonly kind: "closed" };

  test("may be a union: what callbacks return is not widened", () => {
    const door = defineServer({
      init: (): Door => ({ kind: "closed" }),
      call: {
        open: (door) => {
          holds<Equal<typeof door, Door>>();
          return door.kind === "open"
            ? { reply: door.since }
            : { reply: 0, state: { kind: "open", since: 1 } };
        },
        later: async (_door, at: number) => ({ reply: at, state: { kind: "open", since: at } }),
      },
      cast: { close: () => ({ state: { kind: "closed" } }) },
      info: (_door, _message: "slam") => ({ state: { kind: "closed" } }),
    });
    type Expected =
      | Call<readonly ["open"], number>
      | Call<readonly ["later", number], number>
      | Cast<readonly ["close"]>
      | "slam";
    holds<Equal<ProtocolOf<typeof door>, Expected>>();
    defineServer({
      init: (): Door => ({ kind: "closed" }),
      cast: {
        // @ts-expect-error no such kind
        ajar: () => ({ state: { kind: "ajar" } }),
        // @ts-expect-error a field is missing
        open: () => ({ state: { kind: "open" } }),
        // @ts-expect-error no such kind, as a promise
        later: async () => ({ state: { kind: "ajar" } }),
      },
    });
    expect(door.behaviour).toBe("gen_server");
  });

  test("may have tuples and literals in it, however deep", () => {
    defineServer({
      init: (): [number, string] => [1, "a"],
      cast: {
        set: ([count], text: string) => ({ state: [count + 1, text] }),
        later: async ([count], text: string) => ({ state: [count + 1, text] }),
      },
    });
    type Deep = { list: readonly ("a" | "b")[]; at: "x" | "y"; deep: { pair: [number, "q"] } };
    defineServer({
      init: (): Deep => ({ list: [], at: "x", deep: { pair: [1, "q"] } }),
      cast: {
        set: (state) => ({
          state: { ...state, list: [...state.list, "a"], at: "y", deep: { pair: [2, "q"] } },
        }),
      },
    });
    expect(holds()).toBeUndefined();
  });

  test("may be anything else that has a type", () => {
    class Box {
      value = 0;
    }
    defineServer({
      init: (): string | null => null,
      cast: { set: (_old, to: string) => ({ state: to }) },
    });
    defineServer({ init: () => false, cast: { toggle: (on) => ({ state: !on }) } });
    defineServer({ init: () => "a", cast: { set: (_old, to: string) => ({ state: to }) } });
    defineServer({ init: () => new Box(), cast: { fresh: () => ({ state: new Box() }) } });
    defineServer({
      init: () => new Map<string, 1>(),
      cast: { clear: () => ({ state: new Map() }) },
    });
    defineServer({ init: () => undefined, cast: { nothing: (state) => ({ state }) } });
    defineServer({
      init: (): { name: string; nick?: string } => ({ name: "a" }),
      cast: {
        call: (person, nick: string) => ({ state: { ...person, nick } }),
        forget: ({ name }) => ({ state: { name } }),
      },
    });
    defineServer({
      init: (): readonly string[] => [],
      cast: {
        add: (items, item: string) => ({ state: [...items, item] }),
        // @ts-expect-error the items are not to be changed
        change: (items) => void items.push("x"),
        clear: () => ({ state: [] }),
      },
    });
    expect(holds()).toBeUndefined();
  });

  test("may be of a type that the code around the server has still to tell", () => {
    function cache<K, V>() {
      return defineServer({
        init: (load: (key: K) => V) => ({ load, known: new Map<K, V>() }),
        call: { get: ({ known, load }, key: K) => ({ reply: known.get(key) ?? load(key) }) },
        cast: { set: ({ known }, key: K, value: V) => void known.set(key, value) },
      });
    }
    function box<T>(first: T) {
      return defineServer({
        init: () => ({ state: first }),
        call: { swap: (value, next: T) => ({ reply: value, state: next }) },
      });
    }
    const lengths = cache<string, number>();
    type Expected = Call<readonly ["get", string], number> | Cast<readonly ["set", string, number]>;
    holds<Equal<ProtocolOf<typeof lengths>, Expected>>();
    const flag = box<boolean>(true);
    holds<Equal<ProtocolOf<typeof flag>, Call<readonly ["swap", boolean], boolean>>>();
    compiled(async (node) => {
      const pid = await node.start(lengths, (key) => key.length);
      node.cast(pid, ["set", "a", 1]);
      // @ts-expect-error keys are strings
      node.cast(pid, ["set", 1, 1]);
    });
  });
});

describe("the reply of a call", () => {
  const server = defineServer({
    init: () => 0,
    call: {
      undefined: () => ({ reply: undefined }),
      nothing: () => {},
      literal: () => ({ reply: "ok" as const }),
      union: (state) => (state > 1 ? { reply: "a" } : { reply: 1 }),
      maybe: (state) => ({ reply: state > 1 ? "a" : undefined }),
      stateOrReply: (state) => {
        if (state > 1) return { reply: "a" };
        return { state: 5 };
      },
      replyOrNothing: (state) => {
        if (state > 1) return { reply: "a" };
        return;
      },
      later: async (state) => {
        if (state > 1) return { reply: "a" };
        return undefined;
      },
      nowOrLater: (state, self: CallSelf<"late">) => {
        if (state > 1) return { reply: 5 };
        self.reply(self.from, "late");
        return;
      },
      deep: () => ({ reply: { a: 1, b: ["x"] }, state: 1 }),
      annotated: (state): CallResult<number> & { reply: number } => ({ reply: state }),
    },
  });

  test("follows from what the callback returns, in whichever branch, and from what it may reply later", () => {
    compiled(async (node) => {
      const pid = await node.start(server);
      const replies = {
        undefined: await node.call(pid, ["undefined"]),
        nothing: await node.call(pid, ["nothing"]),
        literal: await node.call(pid, ["literal"]),
        union: await node.call(pid, ["union"]),
        maybe: await node.call(pid, ["maybe"]),
        stateOrReply: await node.call(pid, ["stateOrReply"]),
        replyOrNothing: await node.call(pid, ["replyOrNothing"]),
        later: await node.call(pid, ["later"]),
        nowOrLater: await node.call(pid, ["nowOrLater"]),
        deep: await node.call(pid, ["deep"]),
        annotated: await node.call(pid, ["annotated"]),
      };
      holds<
        Equal<
          typeof replies,
          {
            undefined: undefined;
            nothing: never;
            literal: "ok";
            union: string | number;
            maybe: string | undefined;
            stateOrReply: string;
            replyOrNothing: string;
            later: string;
            nowOrLater: number | "late";
            deep: { a: number; b: string[] };
            annotated: number;
          }
        >
      >();
    });
    expect(server.behaviour).toBe("gen_server");
  });
});

describe("the callbacks of a server", () => {
  test("return nothing that means nothing", () => {
    compiled(() => {
      defineServer({
        init: () => 0,
        call: {
          // @ts-expect-error no such field
          get: (state) => ({ repl: state }),
        },
      });
      defineServer({
        init: () => 0,
        cast: {
          // @ts-expect-error a cast has no reply
          put: () => ({ reply: 1 }),
        },
      });
      defineServer({
        init: () => 0,
        // @ts-expect-error nor has another message
        info: (state: number, _message: string) => ({ reply: state }),
      });
      defineServer({
        init: () => 0,
        // @ts-expect-error no such callback
        inof: () => undefined,
      });
    });
  });

  test("take what they are told of, and may be annotated", () => {
    const server = defineServer({
      init: () => ({ count: 0 }),
      info: ({ count }, message: "tick" | "tock"): CallbackResult<{ count: number }> | undefined =>
        message === "tick" ? { state: { count: count + 1 } } : undefined,
      continue: (state, _step: "load" | "save") => ({ state, continue: "save" }),
      down: (state, { reason }: Down) => ({ state, stop: reason }),
      exit: (_state, { from, reason }: Exit) => ({ stop: { from, reason } as never }),
      terminate: async ({ count }, reason: ExitReason, self: ServerSelf) => {
        if (reason !== "normal") await self.sleep(count);
      },
      status: ({ count }) => ({ count }),
    });
    holds<Equal<ProtocolOf<typeof server>, "tick" | "tock">>();
    expect(server.behaviour).toBe("gen_server");
  });
});

describe("the protocol of a server", () => {
  test("may be promised in part: a pid serves as one that understands less, and not more", () => {
    compiled((_node) => {
      const pid = {} as Pid<StackProtocol>;
      const popped: Pid<Call<readonly ["pop"], string | undefined>> = pid;
      const pushed: Pid<Cast<readonly ["push", string]>> = pid;
      const wider: Pid<Call<readonly ["pop"], string | number | undefined>> = pid;
      // @ts-expect-error it does not understand that
      const more: Pid<StackProtocol | Call<readonly ["peek"], string>> = pid;
      // @ts-expect-error the reply may be undefined
      const narrower: Pid<Call<readonly ["pop"], string>> = pid;
      return [popped, pushed, wider, more, narrower];
    });
  });

  test("is that of any behaviour, of supervisors and of one's own, too", () => {
    const rooms = defineDynamicSupervisor({ child: childTemplate("room", stack) });
    const Rooms: Name<ProtocolOf<typeof rooms>> = name("rooms");
    holds<
      Equal<[ProtocolOf<typeof rooms>] extends [never] ? "nothing" : "something", "something">
    >();
    type Own = Startable<Call<"ping", "pong">, [port: number]>;
    holds<Equal<ProtocolOf<Own>, Call<"ping", "pong">>>();
    holds<Equal<ProtocolOf<{ no: "behaviour" }>, never>>();
    compiled((node) => [
      startChild(node, Rooms, [["a"]]),
      // @ts-expect-error the items are strings
      startChild(node, Rooms, [[1]]),
      // Of whatever protocol, also of none.
      sys.changeCode(node, {} as Pid<never>, defineServer({ init: () => 0 })),
    ]);
    expect(String(Rooms)).toBe("rooms");
  });

  test("comes with a name from a module that does not load the server", () => {
    holds<
      Equal<typeof Counter, Name<Call<readonly ["next"], number> | Cast<readonly ["add", number]>>>
    >();
    compiled(async (node) => {
      const next = await node.call(Counter, ["next"]);
      holds<Equal<typeof next, number>>();
      node.cast(Counter, ["add", 5]);
      // @ts-expect-error no such call
      await node.call(Counter, ["previous"]);
    });
    expect(String(Counter)).toBe("counter");
  });
});
