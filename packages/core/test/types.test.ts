/**
 * What the compiler promises. Each `@ts-expect-error` is a line that must not compile: the type check
 * of the tests fails when one does. What is told apart at run time as well is in `bad-input.test.ts`.
 */
import { describe, expect, test } from "@jest/globals";
import {
  at,
  createNode,
  name,
  TIMEOUT,
  type Alias,
  type AnyPid,
  type Body,
  type Down,
  type Exit,
  type ExitReason,
  type From,
  type Handler,
  type HandlerSelf,
  type MonitorRef,
  type Name,
  type Node,
  type Pid,
  type Self,
  type Startable,
  type Starter,
  type Timeout,
  type TimerRef,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, idle } from "./world.js";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles if `T` is true. */
function holds<_T extends true>(): void {
  // Nothing to do: the type is the test.
}

/** Code that is compiled and never runs. */
function compiles(code: (...values: never[]) => unknown): void {
  expect(code).toBeInstanceOf(Function);
}

interface Ping {
  readonly type: "ping";
  readonly from: Pid<Pong>;
}
interface Pong {
  readonly type: "pong";
}
interface Tick {
  readonly type: "tick";
}

describe("a message", () => {
  test("compiles only when the receiver understands it", () => {
    compiles((self: Self<Pong>, node: Node, ponger: Pid<Ping>, ping: Ping) => {
      self.send(ponger, ping);
      node.send(ponger, ping);
      // @ts-expect-error a ponger understands no pong
      self.send(ponger, { type: "pong" });
      // @ts-expect-error a ping says whom to answer
      node.send(ponger, { type: "ping" });
      // @ts-expect-error the pinger must understand pong
      self.send(ponger, { type: "ping", from: node.spawn<Tick>(idle) });
      self.sendAfter(ponger, 1, ping);
      // @ts-expect-error neither later
      self.sendAfter(ponger, 1, { type: "pong" });
      // @ts-expect-error nor again and again
      self.sendInterval(ponger, 1, { type: "pong" });
    });
  });

  test("cannot be sent to a pid of unknown protocol", () => {
    compiles((self: Self<Pong>, anyone: AnyPid) => {
      // @ts-expect-error nobody knows what it understands
      self.send(anyone, { type: "pong" });
      self.exit(anyone, "shutdown");
      self.link(anyone);
    });
  });

  test("is checked by name, remote name and alias as well", () => {
    const Ponger = name<Ping>("ponger");
    compiles((self: Self<Pong>, alias: Alias<Ping>, ping: Ping) => {
      self.send(Ponger, ping);
      self.send(at("b", Ponger), ping);
      self.send(alias, ping);
      // @ts-expect-error not understood by the holder of the name
      self.send(Ponger, { type: "pong" });
      // @ts-expect-error not at another node either
      self.send(at("b", Ponger), { type: "pong" });
      // @ts-expect-error nor by the owner of the alias
      self.send(alias, { type: "pong" });
    });
  });

  test("of startTimer arrives wrapped, so the receiver must understand the wrapping", () => {
    compiles((self: Self<never>, bare: Pid<string>, wrapped: Pid<Timeout<string>>) => {
      self.startTimer(wrapped, 1, "go");
      // @ts-expect-error it would get a Timeout
      self.startTimer(bare, 1, "go");
    });
  });
});

describe("a pid", () => {
  test("of a process that understands more serves where less is asked for", () => {
    compiles((both: Pid<Ping | Pong>, pong: Pid<Pong>) => {
      const asPong: Pid<Pong> = both;
      const asPing: Pid<Ping> = both;
      const asAny: AnyPid = both;
      // @ts-expect-error one that understands only pong does not understand ping
      const asBoth: Pid<Ping | Pong> = pong;
      return [asPong, asPing, asAny, asBoth];
    });
    holds<Equal<Pid<Ping | Pong> extends Pid<Ping> ? true : false, true>>();
    holds<Equal<Pid<Ping> extends Pid<Ping | Pong> ? true : false, false>>();
  });

  test("is contravariant as a name and as an alias, too", () => {
    holds<Equal<Name<Ping | Pong> extends Name<Pong> ? true : false, true>>();
    holds<Equal<Name<Pong> extends Name<Ping | Pong> ? true : false, false>>();
    holds<Equal<Alias<Ping | Pong> extends Alias<Pong> ? true : false, true>>();
    holds<Equal<Alias<Pong> extends Alias<Ping | Pong> ? true : false, false>>();
  });

  test("has no method: who sends is always said", () => {
    compiles((pid: Pid<Pong>) => {
      // @ts-expect-error a pid cannot act
      pid.send({ type: "pong" });
    });
    holds<Equal<keyof AnyPid & string, "node" | "incarnation" | "serial">>();
  });

  test("has the type of the body it was spawned with", () => {
    const { node } = createWorld();
    const inferred = node.spawn(async (self: Self<Ping>) => void (await self.receive()));
    holds<Equal<typeof inferred, Pid<Ping>>>();
    const given = node.spawn<Pong>(async (self) => {
      const message = await self.receive();
      holds<Equal<typeof message, Pong>>();
    });
    holds<Equal<typeof given, Pid<Pong>>>();
    const handler = node.spawn<Tick, number>({ init: () => 0, message: (count) => count + 1 });
    holds<Equal<typeof handler, Pid<Tick>>>();
    expect(node.processes()).toEqual([inferred, given, handler]);
  });

  test("is given the arguments of its body, checked", () => {
    const body: Body<never, [number, string]> = () => undefined;
    compiles((node: Node, self: Self<never>) => {
      node.spawn(body, 1, "two");
      // @ts-expect-error an argument is missing
      node.spawn(body, 1);
      // @ts-expect-error an argument has the wrong type
      self.spawn(body, "one", 2);
      // @ts-expect-error there is one too many
      self.spawnLink(body, 1, "two", 3);
    });
  });
});

describe("receive", () => {
  test("returns what a type guard accepts, narrowed", async () => {
    const { node } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<Ping | Pong | Tick>(async (self) => {
      const pong = await self.receive((m) => m.type === "pong");
      holds<Equal<typeof pong, Pong>>();
      const rest = await self.receive((m) => m.type !== "pong");
      holds<Equal<typeof rest, Ping | Tick>>();
      const named = await self.receive((m): m is Tick => m.type === "tick");
      holds<Equal<typeof named, Tick>>();
      seen.push(pong.type, rest.type, named.type);
    });
    node.send(pid, { type: "tick" });
    node.send(pid, { type: "pong" });
    node.send(pid, { type: "tick" });
    await quiesce();
    expect(seen).toEqual(["pong", "tick", "tick"]);
  });

  test("returns any message when the guard says nothing about types", () => {
    compiles(async (self: Self<number>) => {
      const large = await self.receive((n) => n > 10);
      holds<Equal<typeof large, number>>();
    });
  });

  test("returns TIMEOUT only with a timeout", () => {
    compiles(async (self: Self<Pong | Tick>) => {
      const any = await self.receive();
      holds<Equal<typeof any, Pong | Tick>>();
      const timed = await self.receive({ timeoutMs: 1 });
      holds<Equal<typeof timed, Pong | Tick | typeof TIMEOUT>>();
      const guarded = await self.receive((m) => m.type === "pong", { timeoutMs: 1 });
      holds<Equal<typeof guarded, Pong | typeof TIMEOUT>>();
      // @ts-expect-error it may have timed out
      void guarded.type;
      if (guarded !== TIMEOUT) void guarded.type;
    });
  });

  test("has no guard for messages that never come", () => {
    compiles(async (self: Self<Pong>) => {
      // @ts-expect-error a Pong is never a ping
      await self.receive((m) => m.type === "ping");
    });
  });

  test("is there for a handler, which has select and idleAfter besides", () => {
    holds<Equal<"receive" extends keyof HandlerSelf<Pong> ? true : false, true>>();
    holds<Equal<"select" extends keyof Self<Pong> ? true : false, false>>();
  });
});

describe("a signal that was not asked for in the type", () => {
  type Inbox = Pong | { readonly type: "pongerDown"; readonly reason: ExitReason };

  test("of a monitor needs a map, unless the inbox has Down in it", () => {
    compiles((plain: Self<Pong>, mapped: Self<Inbox>, direct: Self<Pong | Down>, pid: AnyPid) => {
      // @ts-expect-error Pong has no Down
      plain.monitor(pid);
      // @ts-expect-error nor is it made one by options
      plain.monitor(pid, undefined, { alias: "demonitor" });
      mapped.monitor(pid, ({ reason }) => ({ type: "pongerDown", reason }));
      // @ts-expect-error the map makes something the inbox does not have
      mapped.monitor(pid, ({ reason }) => ({ type: "down?", reason }));
      direct.monitor(pid);
      direct.monitor(pid, undefined, { alias: "demonitor" });
      const ref = direct.monitor(pid);
      holds<Equal<typeof ref, MonitorRef & Alias<Pong | Down>>>();
    });
  });

  test("of a trapped exit needs a map, unless the inbox has Exit in it", () => {
    compiles((plain: Self<Pong>, mapped: Self<Inbox>, direct: Self<Pong | Exit>) => {
      // @ts-expect-error Pong has no Exit
      plain.trapExits();
      plain.trapExits(false);
      mapped.trapExits(({ reason }) => ({ type: "pongerDown", reason }));
      // @ts-expect-error the map makes something the inbox does not have
      mapped.trapExits(({ reason }) => ({ type: "exit?", reason }));
      direct.trapExits();
    });
  });

  test("of a child needs a map in spawnMonitor, or true where the inbox has Down in it", () => {
    compiles((plain: Self<Pong>, mapped: Self<Inbox>, direct: Self<Pong | Down>) => {
      mapped.spawnMonitor(({ reason }) => ({ type: "pongerDown", reason }), idle);
      // @ts-expect-error a map is needed
      plain.spawnMonitor(undefined, idle);
      direct.spawnOpt({ monitor: true }, idle);
      // @ts-expect-error Pong has no Down
      plain.spawnOpt({ monitor: true }, idle);
      mapped.spawnOpt({ monitor: ({ reason }) => ({ type: "pongerDown", reason }) }, idle);
    });
  });
});

describe("spawnOpt", () => {
  test("returns a pid, or pid and reference when it monitors", async () => {
    const { node } = createWorld();
    const results: unknown[] = [];
    const ponger: Body<Ping> = idle;
    const pid = node.spawn<Down>(async (self) => {
      const alone = self.spawnOpt({ label: "alone", link: true }, ponger);
      holds<Equal<typeof alone, Pid<Ping>>>();
      const watched = self.spawnOpt({ monitor: true, label: "watched" }, ponger);
      holds<Equal<typeof watched.pid, Pid<Ping>>>();
      holds<Equal<typeof watched.ref, MonitorRef & Alias<Down>>>();
      results.push(alone, watched);
      await self.receive();
    });
    await quiesce();
    expect(results).toMatchObject([{ serial: pid.serial + 1 }, { pid: { serial: 3 }, ref: {} }]);
  });

  test("registers only under a name of the same protocol", () => {
    const Ponger = name<Ping>("ponger");
    compiles((self: Self<never>, node: Node) => {
      const ponger: Body<Ping> = idle;
      const pong: Body<Pong> = idle;
      self.spawnOpt({ name: Ponger }, ponger);
      node.spawnOpt({ name: Ponger }, ponger);
      // @ts-expect-error who sends a ping to that name would not be understood
      self.spawnOpt({ name: Ponger }, pong);
      // @ts-expect-error the same outside
      node.spawnOpt({ name: Ponger }, pong);
    });
  });

  test("outside a process neither links nor monitors", () => {
    compiles((node: Node) => {
      // @ts-expect-error there is nobody to link to
      node.spawnOpt({ link: true }, idle);
      // @ts-expect-error there is nobody to tell
      node.spawnOpt({ monitor: true }, idle);
    });
  });

  test("knows its options", () => {
    compiles((node: Node) => {
      // @ts-expect-error it is called label
      node.spawnOpt({ lable: "x" }, idle);
      // @ts-expect-error there is no such policy
      node.spawnOpt({ mailbox: { limit: 1, overflow: "drop-all" } }, idle);
      // @ts-expect-error a node has no such option
      createNode({ turn: 1 });
    });
  });
});

describe("a name", () => {
  test("may be held by a process that understands more than the name promises", () => {
    const Ponger = name<Ping>("ponger");
    compiles((self: Self<Ping | Tick>, node: Node, pid: Pid<Ping | Tick>) => {
      self.register(Ponger);
      self.register(Ponger, pid);
      node.register(Ponger, pid);
      const both: Body<Ping | Tick> = idle;
      const spawned = self.spawnOpt({ name: Ponger }, both);
      holds<Equal<typeof spawned, Pid<Ping | Tick>>>();
    });
  });

  test("is registered only for a process that understands what the name promises", () => {
    const Ponger = name<Ping>("ponger");
    compiles((self: Self<Ping>, stranger: Self<Tick>, node: Node, pid: Pid<Tick>) => {
      self.register(Ponger);
      // @ts-expect-error it does not understand a ping
      stranger.register(Ponger);
      // @ts-expect-error nor does that one
      node.register(Ponger, pid);
      const found = node.whereis(Ponger);
      holds<Equal<typeof found, Pid<Ping> | undefined>>();
    });
  });
});

describe("a name that promises more than a process understands", () => {
  const Both = name<Ping | Tick>("both");

  test("is refused by register", () => {
    compiles((self: Self<Ping>, node: Node, ping: Pid<Ping>) => {
      // @ts-expect-error who sends a tick to that name would not be understood
      self.register(Both);
      // @ts-expect-error the same for another process
      self.register(Both, ping);
      // @ts-expect-error and outside
      node.register(Both, ping);
    });
  });

  test("is refused in each way of spawning with options", () => {
    compiles((self: Self<Down>, node: Node, starter: Starter, ping: Body<Ping>) => {
      // @ts-expect-error a tick would not be understood
      self.spawnOpt({ name: Both }, ping);
      // @ts-expect-error nor with a monitor
      self.spawnOpt({ name: Both, monitor: true }, ping);
      // @ts-expect-error nor outside
      node.spawnOpt({ name: Both }, ping);
      // @ts-expect-error nor when it is waited for
      self.spawnAndWait({ name: Both }, ping);
      // @ts-expect-error the same outside
      node.spawnAndWait({ name: Both }, ping);
      // @ts-expect-error and in a behaviour
      starter.spawnAndWait({ name: Both }, ping);
      // @ts-expect-error
      starter.spawnOpt({ name: Both }, ping);
    });
  });

  test("is refused in each way of starting with options", () => {
    compiles(
      (self: Self<Down>, node: Node, ping: Startable<Ping>, both: Startable<Ping | Tick>) => {
        // @ts-expect-error a tick would not be understood
        self.startOpt({ name: Both }, ping);
        // @ts-expect-error nor with a monitor
        self.startOpt({ name: Both, monitor: true }, ping);
        // @ts-expect-error nor outside
        node.startOpt({ name: Both }, ping);
        void self.startOpt({ name: Both }, both);
        void node.startOpt({ name: Both }, both);
      },
    );
  });

  test("is refused for a handler, too", () => {
    compiles((node: Node, handler: Handler<Ping, { readonly count: number }>) => {
      // @ts-expect-error a tick would not be understood
      node.spawnOpt({ name: Both }, handler);
      node.spawnOpt({ name: name<Ping>("one") }, handler);
    });
  });
});

describe("a handler", () => {
  interface Count {
    readonly count: number;
  }

  test("may have a state of any type, in each way of spawning it", () => {
    compiles((node: Node, self: Self<Down>, starter: Starter, handler: Handler<Tick, Count>) => {
      holds<Equal<ReturnType<typeof all>, Pid<Tick>[]>>();
      function all(): Pid<Tick>[] {
        return [
          node.spawn(handler),
          node.spawnOpt({ label: "x" }, handler),
          self.spawn(handler),
          self.spawnLink(handler),
          self.spawnOpt({ link: true }, handler),
          self.spawnOpt({ monitor: true }, handler).pid,
          self.spawnMonitor((down) => down, handler).pid,
          starter.spawnOpt({}, handler),
        ];
      }
      void node.spawnAndWait({}, handler);
      void self.spawnAndWait({}, handler);
      return all;
    });
  });

  test("has its state inferred from init", () => {
    compiles((node: Node) => {
      const pid = node.spawnOpt(
        {},
        {
          init: () => ({ count: 0 }),
          message: (state, message: Tick) => {
            holds<Equal<typeof state, { count: number }>>();
            return message.type === "tick" ? { count: state.count + 1 } : state;
          },
        },
      );
      holds<Equal<typeof pid, Pid<Tick>>>();
    });
  });

  test("understands what it is said to understand, not only a part of it", () => {
    compiles(() => {
      const partial: Handler<Ping | Tick, null> = {
        init: () => null,
        // @ts-expect-error a tick would come to a function that takes pings only
        message: (_state: null, _message: Ping) => null,
      };
      const wrong: Handler<Tick, number | string> = {
        init: () => "none",
        // @ts-expect-error its state is a count, which init does not make
        message: (count: number) => count + 1,
      };
      const idle: Handler<Tick, number | string> = {
        init: () => "none",
        message: (state) => state,
        // @ts-expect-error nor does idle take all states
        idle: (count: number) => count + 1,
      };
      return [partial, wrong, idle];
    });
  });
});

describe("a reference", () => {
  test("of a timer is none of a monitor, and neither is an alias or the caller of a request", () => {
    compiles(
      (self: Self<Down>, pid: Pid<string>, alias: Alias<Down>, from: From<string>, down: Down) => {
        const timer = self.sendAfter(pid, 1, "go");
        const monitor = self.monitor(pid);
        self.cancelTimer(timer);
        self.readTimer(timer);
        self.demonitor(monitor);
        self.unalias(monitor);
        // @ts-expect-error a timer
        self.demonitor(timer);
        // @ts-expect-error a monitor
        self.cancelTimer(monitor);
        // @ts-expect-error a monitor
        self.readTimer(monitor);
        // @ts-expect-error a timer
        self.unalias(timer);
        // @ts-expect-error a monitor that is told of by its Down, and may be no alias
        self.send(down.ref, "go");
        // @ts-expect-error an alias that is no monitor
        self.demonitor(alias);
        // @ts-expect-error where a reply goes
        self.cancelTimer(from);
      },
    );
    holds<Equal<Timeout<string>["timer"], TimerRef>>();
    holds<Equal<Down["ref"], MonitorRef>>();
  });
});

describe("exit", () => {
  test("ends the code that calls it, for the compiler as well", () => {
    compiles((self: Self<string>, input: string | undefined): string => {
      if (input === undefined) self.exit("shutdown");
      return input;
    });
  });

  test("to another process lets the code go on", () => {
    compiles((self: Self<string>, pid: AnyPid) => {
      const nothing: void = self.exit(pid, "shutdown");
      return nothing;
    });
  });
});

describe("an exit reason", () => {
  test("is a term or a crash, never a function or a bare error", () => {
    compiles((self: Self<never>, error: Error) => {
      self.exit({ error });
      self.exit({ shutdown: ["full", 3] });
      // @ts-expect-error code cannot be a reason
      self.exit(() => undefined);
      // @ts-expect-error a symbol cannot travel
      self.exit(Symbol("x"));
    });
  });
});
