/** How servers end: stop, crash, exit signals, and when `terminate` is called. */
import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  ServerExitError,
  ThrownValueError,
  type AnyPid,
  type Exit,
  type ExitReason,
  type Node,
  type Pid,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { defineServer, stop, sys, type ServerSelf } from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  errorOf,
  journalling,
  outcomeOf,
  puppet,
  settle,
  terminating,
  thenable,
  type Act,
  type Journal,
  type OtherCallbacks,
} from "./server-world.js";

/** Starts a server by a process that links it, and that ends when it is told to. */
async function startByParent(
  node: Node,
  callbacks: OtherCallbacks,
  init: (self: ServerSelf) => unknown,
): Promise<{ parent: Pid<ExitReason>; pid: Pid<never> }> {
  let pid: Pid<never> | undefined;
  const parent = node.spawn<ExitReason>(async (self) => {
    pid = (await self.startLink(puppet(callbacks), init)) as never;
    const reason = await self.receive();
    self.exit(reason);
  });
  await quiesce();
  return { parent, pid: pid as never };
}

describe("stop", () => {
  const request = (act: Act) => ["do", act] as const;

  test.each<[string, (node: Node, pid: Pid<never>) => void]>([
    [
      "a call",
      (node, pid) => void errorOf(node.call(pid, request(() => ({ stop: "done" })) as never)),
    ],
    ["a cast", (node, pid) => node.cast(pid, request(() => ({ stop: "done" })) as never)],
    [
      "an async call",
      (node, pid) => void errorOf(node.call(pid, request(async () => ({ stop: "done" })) as never)),
    ],
    ["info", (node, pid) => node.send(pid, "stop" as never)],
    ["timeout", (node, pid) => node.cast(pid, request(() => ({ timeoutMs: 0 })) as never)],
    ["continue", (node, pid) => node.cast(pid, request(() => ({ continue: 1 })) as never)],
    [
      "down",
      (node, pid) =>
        node.cast(
          pid,
          request((_, self) => void self.monitor(self.spawn(() => undefined))) as never,
        ),
    ],
    [
      "exit",
      (node, pid) =>
        node.cast(
          pid,
          request((_, self) => {
            self.trapExits();
            self.spawnLink(() => undefined);
          }) as never,
        ),
    ],
  ])("from %s ends the server with its reason, after terminate", async (_what, act) => {
    const { node, eventsOf } = createServerWorld();
    const journal: Journal = [];
    const stops = (): unknown => ({ stop: "done" });
    const callbacks = { info: stops, timeout: stops, continue: stops, down: stops, exit: stops };
    const pid = await node.start(puppet({ ...callbacks, ...terminating(journal) }), () => "state");
    const ended = node.whenExited(pid);
    act(node, pid as never);
    expect(await ended).toBe("done");
    expect(journal).toEqual([["terminate", "state", "done"]]);
    expect(eventsOf("crashed")).toEqual([]);
  });

  test("with a state gives that to terminate", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(terminating(journal)), () => "old");
    node.cast(pid, ["do", () => ({ state: "new", stop: "done" })]);
    await quiesce();
    expect(journal).toEqual([["terminate", "new", "done"]]);
  });

  test("of undefined is none", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    expect(await node.call(pid, ["do", () => ({ reply: 1, stop: undefined })])).toBe(1);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test.each<[string, ExitReason]>([
    ["a string", "normal"],
    ["a shutdown with a word", { shutdown: "drained" }],
    ["a number", 0],
    ["null", null],
    ["an empty string", ""],
    ["a crash of one's own making", { error: boom }],
  ])("may have any reason: %s", async (_what, reason) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const ended = node.whenExited(pid);
    node.cast(pid, ["do", () => ({ stop: reason })]);
    expect(await ended).toEqual(reason);
  });

  test("with a promise as reason crashes instead: that is a forgotten await", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const ended = node.whenExited(pid);
    node.cast(pid, ["do", () => ({ stop: Promise.resolve("x") })]);
    expect(await ended).toMatchObject({ error: expect.any(InvalidArgumentError) as unknown });
  });

  test("leaves what has come meanwhile unhandled, and its callers hear of the end", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    node.cast(pid, ["do", () => ({ stop: "done" })]);
    node.cast(pid, ["do", () => ({ state: "never" })]);
    const call = errorOf(node.call(pid, ["do", () => ({ reply: "never" })]));
    expect(await call).toMatchObject({ reason: "done" });
    expect(eventsOf("undelivered")).toMatchObject([
      { why: "dead", message: { type: "cast" } },
      { why: "dead", message: { type: "call" } },
    ]);
  });
});

describe("stop with a reply", () => {
  test("sends the reply after terminate", async () => {
    const { node, clock } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: unknown, self: ServerSelf) => self.sleep(100),
    });
    const pid = await node.start(server, () => 0);
    const reply = outcomeOf(node.call(pid, ["do", () => ({ reply: "bye", stop: "done" })]));
    await clock.advance(99, quiesce);
    expect(reply).toEqual({ state: "pending" });
    await clock.advance(1, quiesce);
    expect(reply).toEqual({ state: "fulfilled", value: "bye" });
    expect(node.isAlive(pid)).toBe(false);
  });

  test.each<[string, (self: ServerSelf) => unknown, ExitReason]>([
    [
      "throws",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["rejects", () => Promise.reject(boom), { error: boom }],
    ["exits", (self) => self.exit("otherwise"), "otherwise"],
    [
      "exits when it has waited",
      async (self) => {
        await self.yield();
        self.exit("otherwise");
      },
      "otherwise",
    ],
  ])(
    "sends the reply also when terminate %s, which is the reason then",
    async (_what, act, reason) => {
      const { node } = createServerWorld();
      const server = puppet({
        terminate: (_s: unknown, _r: unknown, self: ServerSelf) => act(self),
      });
      const pid = await node.start(server, () => 0);
      const ended = node.whenExited(pid);
      expect(await node.call(pid, ["do", () => ({ reply: "bye", stop: "done" })])).toBe("bye");
      expect(await ended).toEqual(reason);
    },
  );

  test("sends no reply when an exit signal ends terminate", async () => {
    const { node } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: unknown, self: ServerSelf) => self.sleep(100),
    });
    const pid = await node.start(server, () => 0);
    const reply = outcomeOf(node.call(pid, ["do", () => ({ reply: "bye", stop: "done" })]));
    await quiesce();
    node.exit(pid, "over");
    await quiesce();
    expect(reply).toMatchObject({ state: "rejected", value: { reason: "over" } });
    expect(reply.value).toBeInstanceOf(ServerExitError);
  });

  test("sends no reply when it is killed while it terminates, and attempts nothing when dead", async () => {
    const { node, clock, eventsOf } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: unknown, self: ServerSelf) => self.sleep(100),
    });
    const pid = await node.start(server, () => 0);
    const reply = outcomeOf(node.call(pid, ["do", () => ({ reply: "bye", stop: "done" })]));
    await quiesce();
    node.exit(pid, "kill");
    await clock.advance(100, quiesce);
    expect(reply).toMatchObject({ state: "rejected", value: { reason: "killed" } });
    expect(eventsOf("fenced")).toEqual([]);
  });
});

describe("terminate", () => {
  test.each<[string, (node: Node, pid: Pid<never>) => unknown, ExitReason]>([
    [
      "it exits",
      (node, pid) =>
        node.cast(pid, ["do", (_: unknown, self: ServerSelf) => self.exit("x")] as never),
      "x",
    ],
    [
      "it exits in an async callback",
      (node, pid) =>
        node.cast(pid, [
          "do",
          async (_: unknown, self: ServerSelf) => {
            await self.yield();
            self.exit("x");
          },
        ] as never),
      "x",
    ],
    [
      "it exits normally",
      (node, pid) =>
        node.cast(pid, ["do", (_: unknown, self: ServerSelf) => self.exit("normal")] as never),
      "normal",
    ],
    [
      "it throws",
      (node, pid) =>
        node.cast(pid, [
          "do",
          () => {
            throw boom;
          },
        ] as never),
      { error: boom },
    ],
    [
      "it throws what is no Error",
      (node, pid) =>
        node.cast(pid, [
          "do",
          () => {
            throw 5;
          },
        ] as never),
      { error: new ThrownValueError(5) },
    ],
    [
      "it rejects",
      (node, pid) => node.cast(pid, ["do", () => Promise.reject(boom)] as never),
      { error: boom },
    ],
    ["sys.terminate is called", (node, pid) => sys.terminate(node, pid, "x"), "x"],
    ["it is stopped", (node, pid) => stop(node, pid, { reason: "x" }), "x"],
  ])("is called when %s, with the reason", async (_what, act, reason) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(terminating(journal)), () => "state");
    const ended = node.whenExited(pid);
    await act(node, pid as never);
    expect(await ended).toEqual(reason);
    expect(journal).toEqual([["terminate", "state", reason]]);
  });

  test.each<[string, ExitReason]>([
    ["shutdown", "shutdown"],
    ["another reason", { shutdown: "x" }],
    ["normal", "normal"],
    ["a crash", { error: boom }],
  ])("is called when its parent exits with %s and it traps exits", async (_what, reason) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const callbacks = { ...terminating(journal), exit: () => void journal.push(["exit"]) };
    const { parent, pid } = await startByParent(node, callbacks, (self) => {
      self.trapExits();
      return "state";
    });
    const ended = node.whenExited(pid);
    node.send(parent, reason);
    expect(await ended).toEqual(reason);
    // Without asking `exit`.
    expect(journal).toEqual([["terminate", "state", reason]]);
  });

  test.each<[string, ExitReason, ExitReason]>([
    ["exits", "over", "over"],
    ["is killed", "kill", "kill"],
  ])("is not called when its parent %s and it does not trap exits", async (_what, how, reason) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const { parent, pid } = await startByParent(node, terminating(journal), () => "state");
    const ended = node.whenExited(pid);
    node.send(parent, how);
    expect(await ended).toEqual(reason);
    expect(journal).toEqual([]);
  });

  test.each<[string, ExitReason, ExitReason, boolean]>([
    ["an exit signal", "over", "over", false],
    ["shutdown, which it does not trap,", "shutdown", "shutdown", false],
    ["kill", "kill", "killed", false],
    ["kill, which nobody can trap,", "kill", "killed", true],
  ])("is not called when %s ends it", async (_what, signal, reason, traps) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const server = puppet(terminating(journal));
    const pid = await node.start(server, (self) => (traps ? self.trapExits() : 0));
    const ended = node.whenExited(pid);
    node.exit(pid, signal);
    expect(await ended).toBe(reason);
    expect(journal).toEqual([]);
  });

  test("is called with the state as it was, when a callback changed it and threw", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(terminating(journal)), () => "old");
    node.cast(pid, ["do", () => ({ state: "new" })]);
    node.cast(pid, ["do", () => Promise.reject(boom)]);
    await quiesce();
    expect(journal).toEqual([["terminate", "new", { error: boom }]]);
  });

  test("may do all that a process may: send, call, reply to those who wait", async () => {
    const { node } = createServerWorld();
    const echo = await node.start(
      defineServer({ init: () => 0, call: { ask: () => ({ reply: "echo" }) } }),
    );
    const heard: unknown[] = [];
    const listener = node.spawn<unknown>(async (self) => {
      for (;;) heard.push(await self.receive());
    });
    const server = puppet({
      terminate: async (state: unknown, _reason: ExitReason, self: ServerSelf) => {
        self.send(listener, await self.call(echo, ["ask"]));
        self.reply(state as never, "at last");
      },
    });
    const pid = await node.start(server, () => 0);
    const reply = node.call(pid, ["do", (_state, self) => ({ state: self.from })]);
    node.cast(pid, ["do", () => ({ stop: "done" })]);
    expect(await reply).toBe("at last");
    expect(heard).toEqual(["echo"]);
    await node.stop();
  });

  test("keeps the name until it has returned", async () => {
    const { node, clock } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: unknown, self: ServerSelf) => self.sleep(100),
    });
    const pid = await node.start(server, (self) => void self.setLabel("slow"));
    const ended = settle(node.whenExited(pid));
    node.cast(pid, ["do", () => ({ stop: "done" })]);
    await clock.advance(99, quiesce);
    expect(node.isAlive(pid)).toBe(true);
    expect(await ended).toEqual({ state: "pending" });
    await clock.advance(1, quiesce);
    expect(await ended).toEqual({ state: "fulfilled", value: "done" });
  });

  test("that never returns is ended by an exit signal, or by kill", async () => {
    const { node } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: unknown, self: ServerSelf) => self.receive(() => false),
    });
    for (const [signal, reason] of [
      ["over", "over"],
      ["kill", "killed"],
    ]) {
      const pid = await node.start(server, () => 0);
      const ended = node.whenExited(pid);
      node.cast(pid, ["do", () => ({ stop: "done" })]);
      await quiesce();
      expect(node.isAlive(pid)).toBe(true);
      node.exit(pid, signal as string);
      expect(await ended).toBe(reason);
    }
  });

  test("whose thenable keeps calling back is done once", async () => {
    const { node } = createServerWorld();
    const server = puppet({
      terminate: () =>
        thenable((done, failed) => {
          done(undefined);
          done(undefined);
          failed(boom);
        }),
    });
    const pid = await node.start(server, () => 0);
    const ended = node.whenExited(pid);
    node.cast(pid, ["do", () => ({ stop: "done" })]);
    expect(await ended).toBe("done");
  });
});

describe("the exit of another", () => {
  test.each<[string, (self: ServerSelf, other: AnyPid) => void]>([
    ["is a link", (self, other) => self.link(other)],
    ["sends it", () => undefined],
  ])("that %s goes to the callback exit, and the server goes on", async (_what, act) => {
    const { node } = createServerWorld();
    const exits: unknown[] = [];
    const server = puppet({ exit: (_state: unknown, exit: Exit) => void exits.push(exit) });
    const { pid } = await startByParent(node, {}, () => 0);
    const target = await node.start(server, (self) => void self.trapExits());
    const other = node.spawn<unknown>(async (self) => {
      await self.receive();
      self.exit(target, "over");
      self.exit("over");
    });
    await node.call(target, ["do", (_s, self) => ({ reply: act(self, other) })]);
    node.send(other, "go");
    await quiesce();
    expect(exits[0]).toEqual({ type: "exit", from: other, reason: "over" });
    expect([node.isAlive(target), node.isAlive(pid)]).toEqual([true, true]);
    await node.stop();
  });

  test("that is forged in the name of the parent ends it as that would", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const { parent, pid } = await startByParent(node, terminating(journal), () => "state");
    const ended = node.whenExited(pid);
    node.send(pid, { type: "exit", from: parent, reason: "forged" } as never);
    expect(await ended).toBe("forged");
    expect(journal).toEqual([["terminate", "state", "forged"]]);
  });

  test("of the node ends a server that traps exits when code outside has started it", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(terminating(journal)), (self) => {
      self.trapExits();
      return "state";
    });
    const ended = node.whenExited(pid);
    node.exit(pid, "shutdown");
    expect(await ended).toBe("shutdown");
    expect(journal).toEqual([["terminate", "state", "shutdown"]]);
  });

  test("of the node is that of any other to a server whose parent lives", async () => {
    const { node } = createServerWorld();
    const exits: unknown[] = [];
    const callbacks = { exit: (_state: unknown, { reason }: Exit) => void exits.push(reason) };
    const { pid } = await startByParent(node, callbacks, (self) => void self.trapExits());
    node.exit(pid, "tease");
    await quiesce();
    expect(exits).toEqual(["tease"]);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("of its starter means nothing to a server that was started without a link or a monitor", async () => {
    const { node } = createServerWorld();
    let pid: AnyPid | undefined;
    node.spawn(async (self) => {
      pid = await self.start(puppet(), (server) => void server.trapExits());
      self.exit("over");
    });
    await quiesce();
    expect(node.isAlive(pid as AnyPid)).toBe(true);
    await node.stop();
  });
});

describe("an exit signal to oneself", () => {
  // OTP: `gen_server:start` makes a server its own parent; with start_link and start_monitor it is the starter.
  test("ends a server that has no parent, with terminate, and is a message to one that has", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const callbacks = { ...terminating(journal), ...journalling(journal, "exit") };
    const trapping = (self: ServerSelf): string => {
      self.trapExits();
      return "state";
    };
    const exitItself: Act = (_state, self) => void self.exit(self.pid, "normal");
    const orphan = await node.start(puppet(callbacks), trapping);
    node.cast(orphan, ["do", exitItself]);
    await quiesce();
    expect(journal).toEqual([["terminate", "state", "normal"]]);
    expect(node.isAlive(orphan)).toBe(false);
    const { pid } = await startByParent(node, callbacks, trapping);
    node.cast(pid as typeof orphan, ["do", exitItself]);
    await quiesce();
    expect(journal[1]).toMatchObject(["exit", "state", { from: pid, reason: "normal" }]);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });
});

describe("a node that stops", () => {
  test("has servers that trap exits terminate, and kills none", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const trapping = (self: ServerSelf): string => {
      self.trapExits();
      return "state";
    };
    await node.start(puppet(terminating(journal)), trapping);
    await startByParent(node, terminating(journal), trapping);
    // One whose parent has ended normally, and which did not trap exits at that time.
    const orphan = await startByParent(node, terminating(journal), () => "orphan");
    node.send(orphan.parent, "normal");
    await quiesce();
    await node.call(orphan.pid, [
      "do",
      (_: unknown, self: ServerSelf) => ({ reply: self.trapExits() }),
    ] as never);
    expect(await node.stop()).toEqual({ killed: [] });
    expect(journal).toEqual([
      ["terminate", "state", "shutdown"],
      ["terminate", "state", "shutdown"],
      ["terminate", "orphan", "shutdown"],
    ]);
  });

  test("waits for those that take their time", async () => {
    const { node, clock } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: unknown, self: ServerSelf) => self.sleep(100),
    });
    await node.start(server, (self) => void self.trapExits());
    const stopped = outcomeOf(node.stop());
    await clock.advance(99, quiesce);
    expect(stopped).toEqual({ state: "pending" });
    await clock.advance(1, quiesce);
    expect(stopped).toEqual({ state: "fulfilled", value: { killed: [] } });
  });
});
