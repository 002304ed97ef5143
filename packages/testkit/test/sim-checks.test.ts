import { describe, expect, test } from "@jest/globals";
import { createNode, name, type Call, type Node, type Self } from "@coppice/core";
import {
  calmAfter,
  checkConversations,
  checkDeadlock,
  checkLeaks,
  checkLiveness,
  checkStrictly,
  createLedger,
  createVirtualClock,
  explore,
  findLeaks,
  FIFO,
  inMacrotask,
  leadsTo,
  LedgerError,
  LIFO,
  precedes,
  quiesce,
  runProgramAsync,
  takeInventory,
  type Program,
  type SessionType,
  type Reads,
  type SimEvent,
  type SimulationOptions,
  type Strategy,
} from "@coppice/testkit";

const violations = async (
  program: Program,
  strategy: Strategy = FIFO,
  options: SimulationOptions = {},
): Promise<string[]> => {
  const run = await runProgramAsync(program, strategy, options);
  return run.violations.map(({ check, message }) => `${check}: ${message}`);
};

describe("deadlock", () => {
  type Fork = Call<"take", true>;
  const fork = (node: Node, label: string) =>
    node.spawnOpt<Fork>({ label }, async (self) => {
      // Each take is answered when it is given back, which here it never is.
      const { from } = await self.receive();
      self.reply(from, true);
      await self.sleep(0);
      for (;;) await self.receive((message) => message === undefined);
    });

  test("processes that wait for each other's replies are told with the circle", async () => {
    const found = await violations((sim) => {
      const node = sim.node();
      const forks = [fork(node, "left"), fork(node, "right")] as const;
      for (const [first, second] of [
        [0, 1],
        [1, 0],
      ] as const) {
        node.spawnOpt<never>({ label: `philosopher ${first}` }, async (self) => {
          await self.call(forks[first], "take", { timeoutMs: Infinity });
          await self.call(forks[second], "take", { timeoutMs: Infinity });
        });
      }
      checkDeadlock(sim, [node], { idle: ["left", "right"] });
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("deadlock: philosopher 0 <n.3> waits for a reply of <n.2>");
  });

  test("a circle of monitors that wait is told as one", async () => {
    const found = await violations((sim) => {
      const node = sim.node();
      const body = async (self: Self<unknown>): Promise<void> => {
        self.monitor(((await self.receive()) as { peer: never }).peer);
        await self.receive((message) => message === "never");
      };
      const a = node.spawnOpt<unknown>({ label: "a" }, body);
      const b = node.spawnOpt<unknown>({ label: "b" }, body);
      node.send(a, { peer: b });
      node.send(b, { peer: a });
      checkDeadlock(sim, [node]);
    });
    expect(found[0]).toContain("each waits for the next: a <n.1> → b <n.2> → a <n.1>");
  });

  test("who is idle waits for nothing, and a handler is idle by itself", async () => {
    const found = await violations((sim) => {
      const node = sim.node();
      node.spawnOpt<string>({ label: "server" }, async (self) => void (await self.receive()));
      node.spawn<string>({ init: () => 0, message: (state) => state });
      checkDeadlock(sim, [node], { idle: ({ label }) => label === "server" });
    });
    expect(found).toEqual([]);
  });
});

describe("leaks", () => {
  const leaks = (act: (node: Node) => void): Promise<string[]> =>
    violations(async (sim) => {
      const node = sim.node();
      const stays = node.spawnOpt<string>({ label: "stays" }, async (self) => {
        for (;;) await self.receive((message) => message !== "odd");
      });
      await node.sleep(0);
      checkLeaks(sim, node);
      node.send(stays, "taken");
      act(node);
    });

  test("a node that is as before has none", async () => {
    expect(await leaks((node) => node.spawn(async () => undefined))).toEqual([]);
  });

  test("processes, monitors and messages that are left are told", async () => {
    expect(
      await leaks((node) =>
        node.spawnOpt<string>({ label: "left" }, async (self) => void (await self.receive())),
      ),
    ).toEqual(["leaks: the process left <n.2> is still there"]);
    const [stays] = await leaks((node) => node.send(node.processes()[0] as never, "odd" as never));
    expect(stays).toBe('leaks: 1 message is left to stays <n.1>: ["odd"]');
    const monitors = await leaks((node) => {
      node.spawnOpt<unknown>({ label: "watcher" }, async (self) => {
        self.monitor(node.processes()[0] as never);
        await self.receive();
      });
    });
    expect(monitors[0]).toContain("1 monitor of watcher <n.2>: on <n.1>");
  });

  test("an alias that was made and not taken back is told, also one of a monitor that has fired", async () => {
    const aliases = (act: (self: Self<unknown>) => void): Promise<string[]> =>
      violations(async (sim) => {
        const node = sim.node();
        const holder = node.spawnOpt<unknown>({ label: "holder" }, async (self) => {
          await self.receive();
          act(self);
          for (;;) await self.receive();
        });
        await node.sleep(0);
        checkLeaks(sim, node);
        node.send(holder, "go");
      });
    const dead = (self: Self<unknown>) => self.spawn(async () => undefined);
    expect(await aliases((self) => void self.alias())).toEqual(["leaks: 1 alias of holder <n.1>"]);
    expect(
      await aliases(
        (self) => void self.monitor(dead(self), (down) => down, { alias: "explicit_unalias" }),
      ),
    ).toEqual(["leaks: 1 alias of holder <n.1>"]);
    expect(
      await aliases(
        (self) => void self.monitor(dead(self), (down) => down, { alias: "demonitor" }),
      ),
    ).toEqual([]);
    expect(await aliases((self) => void self.unalias(self.alias()))).toEqual([]);
    expect(await aliases((self) => self.send(self.alias("reply"), "once"))).toEqual([]);
  });

  test("a timer that is set, and a name that is held, are told, and what is expected is not", async () => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    const before = takeInventory(node);
    const pid = node.spawnOpt<string>(
      { label: "holder" },
      async (self) => void (await self.receive()),
    );
    node.register(name<string>("held"), pid);
    node.sendAfter(pid, 1_000, "later");
    await quiesce();
    expect(findLeaks(node, before).map(({ message }) => message)).toEqual([
      "the process holder <node.1> is still there",
      "1 timer set",
      "the name held is still held",
    ]);
    expect(
      findLeaks(node, before, { expected: ["holder", "held"] }).map(({ type }) => type),
    ).toEqual(["timer"]);
    await node.stop();
  });

  test("what a ledger says is outstanding at rest, or given back twice, is a violation", async () => {
    const found = await violations((sim) => {
      const credits = createLedger("credits", sim);
      credits.take("a", 2);
      credits.give("a");
      credits.take("b");
      credits.give("b");
      expect(() => credits.give("b")).toThrow(LedgerError);
    });
    expect(found).toEqual([
      "credits given twice: b gave back 1 of credits that it did not have",
      "credits leaked: a still has 1",
    ]);
  });
});

describe("strict mode", () => {
  const strictly = (act: (node: Node) => void, options = {}): Promise<string[]> =>
    violations((sim) => {
      const node = sim.node();
      checkStrictly(sim, node, options);
      act(node);
    });

  test("a message to the dead is a violation, unless that is allowed or the message is ignored", async () => {
    const act = (node: Node): void => {
      const pid = node.spawn<string>(async () => undefined);
      node.spawn<never>(async (self) => {
        await self.sleep(1);
        self.send(pid, "late");
      });
    };
    expect(await strictly(act)).toEqual(['strict: dead: "late" from <n.2> to <n.1>']);
    expect(await strictly(act, { allow: ["dead"] })).toEqual([]);
    expect(await strictly(act, { ignore: (message: unknown) => message === "late" })).toEqual([]);
  });

  test("a second reply to one call is a violation", async () => {
    const found = await strictly((node) => {
      const server = node.spawn<Call<"ask", number>>(async (self) => {
        const { from } = await self.receive();
        self.reply(from, 1);
        self.reply(from, 2);
      });
      node.spawn<never>(async (self) => {
        await self.call(server, "ask");
        await self.sleep(10);
      });
    });
    expect(found).toEqual(["strict: alias: 2 from <n.1> to <n.2>"]);
  });

  test("a message that a handler has no use for, and a crash that nobody watched, are violations", async () => {
    expect(
      await strictly((node) => {
        const pid = node.spawn<string>({
          init: () => 0,
          message: (state, message, self) => (self.unhandled(message), state),
        });
        node.send(pid, "what");
      }),
    ).toEqual(['strict: unhandled: "what" from <n.0> to <n.1>']);
    expect(
      await strictly((node) => {
        node.spawn(async () => {
          throw new Error("boom");
        });
      }),
    ).toEqual(["strict: crashed: <n.1> crashed, and nobody watched"]);
  });

  test("a mailbox may not grow over its limit", async () => {
    const flood = (node: Node): void => {
      const pid = node.spawn<number>(
        async (self) => void (await self.receive((message) => message === 3)),
      );
      for (const message of [1, 2, 3]) node.send(pid, message);
    };
    expect(await strictly(flood, { mailboxLimit: 1, allow: ["dead"] })).toEqual([
      "strict: mailbox: 2 messages wait for <n.1>: [1,2]",
    ]);
    expect(await strictly(flood, { mailboxLimit: 2, allow: ["dead"] })).toEqual([]);
  });
});

describe("liveness", () => {
  const answered = leadsTo<SimEvent>("each ping is answered", {
    from: (event) => event.type === "step" && event.step.transition.describe() === 'message "ping"',
    to: (event) => event.type === "step" && event.step.transition.describe() === 'message "pong"',
  });

  test("what is owed at rest is a violation", async () => {
    const program =
      (answers: boolean): Program =>
      (sim) => {
        const node = sim.node();
        checkLiveness(sim, [answered]);
        const asker = node.spawn<string>(async (self) => void (await self.receive()));
        const server = node.spawn<string>(async (self) => {
          await self.receive();
          if (answers) self.send(asker, "pong");
        });
        node.send(server, "ping");
      };
    expect(await violations(program(true))).toEqual([]);
    expect(await violations(program(false))).toEqual([
      "each ping is answered: something is still owed",
    ]);
  });

  test("an exploration tries all orders that a monitor can tell apart", async () => {
    const program =
      (reads: Reads | undefined): Program =>
      (sim) => {
        const node = sim.node();
        const isStep = (text: string) => (event: SimEvent) =>
          event.type === "step" && event.step.transition.describe() === `message "${text}"`;
        const order = precedes<SimEvent>("one comes before two", {
          first: isStep("one"),
          second: isStep("two"),
        });
        checkLiveness(sim, [order], { reads });
        for (const message of ["one", "two"]) {
          const pid = node.spawn<string>(async (self) => void (await self.receive()));
          node.send(pid, message);
        }
      };
    const search = (reads?: Reads): Promise<[string, number, boolean]> =>
      inMacrotask(() => {
        const { statement, failing } = explore(program(reads), { strategies: [], all: true });
        return [statement.kind, statement.classes, failing > 0];
      });
    expect(await search()).toEqual(["exhaustive", 1, true]);
    expect(await search(["mailbox:n/1", "mailbox:n/2"])).toEqual(["exhaustive", 2, true]);
  });

  test("a strategy that keeps a message back proves nothing in the storm, and the calm lets it arrive", async () => {
    const program =
      (stormSteps: number): Program =>
      (sim) => {
        const node = sim.node();
        checkLiveness(sim, [answered], { stormSteps, factor: 1, atLeast: 20 });
        const busy = (): void => {
          const pid = node.spawn<string>(async (self) => {
            for (;;) {
              self.send(other, "more");
              await self.receive();
            }
          });
          const other = node.spawn<string>(async (self) => {
            for (;;) {
              await self.receive();
              self.send(pid, "more");
            }
          });
        };
        const asker = node.spawn<string>(async (self) => void (await self.receive()));
        const server = node.spawn<string>(async (self) => {
          await self.receive();
          self.send(asker, "pong");
        });
        node.send(server, "ping");
        busy();
      };
    // LIFO starves all but the two that talk to each other.
    expect(await violations(program(100), LIFO, { stepLimit: 90 })).toEqual([]);
    expect(await violations(program(100), calmAfter(LIFO, 100), { stepLimit: 400 })).toEqual([]);
    const unanswered: Program = (sim) => {
      const node = sim.node();
      checkLiveness(sim, [answered], { stormSteps: 10, factor: 1, atLeast: 20 });
      const a = node.spawn<string>(async (self) => {
        for (;;) self.send(b, await self.receive());
      });
      const b = node.spawn<string>(async (self) => {
        for (;;) self.send(a, await self.receive());
      });
      node.send(a, "ping");
    };
    expect(await violations(unanswered, calmAfter(LIFO, 10), { stepLimit: 200 })).toEqual([
      "each ping is answered: something is still owed, for 20 events of calm",
    ]);
  });

  test("in the calm a timer has its turn although messages never end", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      sim.always("never", () => !fired);
      let fired = false;
      const a = node.spawn<string>(async (self) => {
        for (;;) self.send(b, await self.receive());
      });
      const b = node.spawn<string>(async (self) => {
        for (;;) self.send(a, await self.receive());
      });
      node.spawn<never>(async (self) => {
        await self.sleep(5);
        fired = true;
      });
      node.send(a, "ball");
    };
    expect(await violations(program, FIFO, { stepLimit: 500 })).toEqual([]);
    expect(await violations(program, calmAfter(FIFO, 0), { stepLimit: 500 })).toEqual([
      "never: it does not hold",
    ]);
  });
});

describe("conversations", () => {
  const client: SessionType = {
    rec: "again",
    body: { send: { ask: { receive: { answer: { jump: "again" } } } }, final: true },
  };
  const server: SessionType = {
    rec: "again",
    body: { receive: { ask: { send: { answer: { jump: "again" } } } }, final: true },
  };
  const converse = (
    serve: (self: Self<string>, client: never) => Promise<void>,
  ): Promise<string[]> =>
    violations((sim) => {
      const node = sim.node();
      const asker = node.spawn<string>(async (self) => {
        for (let i = 0; i < 2; i++) {
          self.send(answerer, "ask");
          await self.receive();
        }
      });
      const answerer = node.spawn<string>((self) => serve(self, asker as never));
      checkConversations(sim, {
        name: "asking",
        types: [client, server],
        sideOf: (pid) => (pid === asker ? 0 : pid === answerer ? 1 : undefined),
        labelOf: (message) => (message === "aside" ? undefined : String(message)),
      });
    });
  const send = (self: Self<string>, to: never, message: string): void =>
    self.send(to, message as never);

  test("one by the types is not remarked on, nor what is no part of it", async () => {
    expect(
      await converse(async (self, asker) => {
        for (;;) {
          await self.receive();
          send(self, asker, "answer");
          send(self, asker, "aside");
        }
      }),
    ).toEqual([]);
  });

  test("a second answer, and one that never comes, are told of the side at fault", async () => {
    expect(
      await converse(async (self, asker) => {
        await self.receive();
        send(self, asker, "answer");
        send(self, asker, "answer");
      }),
    ).toEqual(["asking: <n.2> did send answer, where it may: receive ask"]);
    expect(await converse(async (self) => void (await self.receive()))).toEqual([
      "asking: <n.1> is at rest, where it should: receive answer",
    ]);
  });
});
