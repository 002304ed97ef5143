import { describe, expect, test } from "@jest/globals";
import {
  CallCycleError,
  InvalidArgumentError,
  name,
  StartError,
  type Call,
  type Exit,
  type ExitReason,
  type InitAck,
  type Pid,
  type Self,
  type Startable,
  type StartResult,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { spawnPuppet, createWorld } from "./world.js";

/** A behaviour that acknowledges as it is told, and then waits. */
const program: Startable<string, [ack: InitAck | "nothing" | Error, exitReason?: ExitReason]> = {
  start: (starter, options, ack, exitReason) =>
    starter.spawnAndWait<string>(options, async (self) => {
      if (ack instanceof Error) throw ack;
      if (ack !== "nothing") self.initAck(ack);
      if (exitReason !== undefined) self.exit(exitReason);
      await self.receive();
    }),
};

describe("starting a behaviour", () => {
  test("waits until it has acknowledged its start", async () => {
    const { node, clock } = createWorld();
    let started = false;
    const slow: Startable<string> = {
      start: (starter, options) =>
        starter.spawnAndWait<string>(options, async (self) => {
          await self.sleep(100);
          self.initAck({ info: "warm" });
          await self.receive();
        }),
    };
    void node.start(slow).then(() => (started = true));
    await quiesce();
    expect(started).toBe(false);
    await clock.advance(100, quiesce);
    expect(started).toBe(true);
    await node.stop();
  });

  test.each<
    [string, Parameters<(typeof program)["start"]>[2], ExitReason | undefined, StartResult]
  >([
    ["says that it ignores", "ignore", "normal", "ignore"],
    ["gives a reason", { error: "no disk" }, "normal", { error: "no disk" }],
    [
      "ends before it says anything",
      "nothing",
      { shutdown: "early" },
      { error: { shutdown: "early" } },
    ],
    ["returns before it says anything", "nothing", "normal", { error: "normal" }],
  ])("that %s is told so to its starter", async (_what, ack, exitReason, expected) => {
    const { node } = createWorld();
    const starting = program.start(node, {}, ack, exitReason);
    expect(await starting).toEqual(expected);
  });

  test("that throws is told to its starter, with the error", async () => {
    const { node } = createWorld();
    const error = new Error("boom");
    expect(await program.start(node, {}, error)).toEqual({ error: { error } });
    await expect(node.start(program, error)).rejects.toMatchObject({
      name: "StartError",
      reason: { error },
      cause: error,
    });
  });

  test("that failed has freed its name when its starter hears of it", async () => {
    const { node } = createWorld();
    const Server = name<string>("server");
    await expect(
      node.startOpt({ name: Server }, program, { error: "no disk" }, "normal"),
    ).rejects.toThrow('"server" did not start: no disk');
    expect(node.whereis(Server)).toBeUndefined();
    const pid = await node.startOpt({ name: Server }, program, {});
    expect(node.whereis(Server)).toBe(pid);
    await node.stop();
  });

  test("under a name that is taken is told who holds it, and spawns nothing", async () => {
    const { node } = createWorld();
    const Server = name<string>("server");
    const pid = await node.startOpt({ name: Server }, program, {});
    expect(await program.start(node, { name: Server }, {})).toEqual({
      error: { alreadyStarted: pid },
    });
    await expect(node.startOpt({ name: Server }, program, {})).rejects.toThrow(
      `it runs already, as ${String(pid)}`,
    );
    expect(node.counts.processes).toBe(1);
    await node.stop();
  });

  test("that takes too long is killed, and its name is free", async () => {
    const { node, clock } = createWorld();
    const Server = name<string>("server");
    const starting = program.start(node, { name: Server, timeoutMs: 50 }, "nothing");
    await clock.advance(49, quiesce);
    expect(node.counts.processes).toBe(1);
    await clock.advance(1, quiesce);
    expect(await starting).toEqual({ error: "timeout" });
    expect(node.counts.processes).toBe(0);
    expect(node.whereis(Server)).toBeUndefined();
  });

  test("only the first acknowledgement counts", async () => {
    const { node } = createWorld();
    const told: boolean[] = [];
    const pid = await node.start<string>({
      start: (starter, options) =>
        starter.spawnAndWait<string>(options, async (self) => {
          told.push(self.initAck({}), self.initAck("ignore"), self.initAck({}));
          await self.receive();
        }),
    });
    expect(told).toEqual([true, false, false]);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("an acknowledgement for which nobody waits does nothing", async () => {
    const { node } = createWorld();
    let told: boolean | undefined;
    node.spawn(async (self) => void (told = self.initAck({})));
    await quiesce();
    expect(told).toBe(false);
  });

  test.each([undefined, null, "ok", { pid: 1 }, { info: 1, error: 2 }])(
    "an acknowledgement cannot be %j",
    async (ack) => {
      const { node } = createWorld();
      const result = await program.start(node, {}, ack as never);
      expect(result).toMatchObject({
        error: { error: expect.any(InvalidArgumentError) as unknown },
      });
    },
  );

  test.each([
    ["timeoutMs", -1],
    ["timeoutMs", "5"],
    ["timeoutMS", 5],
    ["link", true],
  ])("the option %s of a node's start cannot be %j", async (option, value) => {
    const { node } = createWorld();
    const options = { [option]: value };
    await expect(node.startOpt(options, program, {})).rejects.toThrow(InvalidArgumentError);
  });

  test("what is no behaviour is refused", async () => {
    const { node } = createWorld();
    await expect(node.start((() => undefined) as never)).rejects.toThrow(
      "start: behaviour must be a behaviour",
    );
  });
});

describe("starting with a link", () => {
  test("leaves no Exit of a process that ended before it said anything", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    await puppet.do((self) => self.trapExits());
    const result = await puppet.do((self) =>
      program.start(self, { link: true }, "nothing", "early"),
    );
    expect(result).toEqual({ error: "early" });
    await quiesce();
    expect(node.mailboxOf(puppet.pid)).toEqual([]);
  });

  test("as in OTP leaves the Exit of one that said why it did not start", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    await puppet.do((self) => self.trapExits());
    const result = await puppet.do((self) =>
      program.start(self, { link: true }, { error: "no disk" }, "no disk"),
    );
    expect(result).toEqual({ error: "no disk" });
    await quiesce();
    expect(node.mailboxOf(puppet.pid)).toMatchObject([{ type: "exit", reason: "no disk" }]);
  });

  test("leaves no Exit of one that took too long", async () => {
    const { node, clock } = createWorld();
    const puppet = spawnPuppet(node);
    await puppet.do((self) => self.trapExits());
    const starting = puppet.do((self) =>
      program.start(self, { link: true, timeoutMs: 10 }, "nothing"),
    );
    await clock.advance(10, quiesce);
    expect(await starting).toEqual({ error: "timeout" });
    await quiesce();
    expect(node.mailboxOf(puppet.pid)).toEqual([]);
  });

  test("ends a starter that does not trap exits with the process it starts", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    void puppet.do((self) => self.startLink(program, "nothing", "early")).catch(() => undefined);
    expect(await node.whenExited(puppet.pid)).toBe("early");
  });

  test("ends the process when its starter ends while it starts", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    void puppet.do((self) => self.startLink(program, "nothing")).catch(() => undefined);
    await quiesce();
    expect(node.counts.processes).toBe(2);
    node.exit(puppet.pid, "over");
    await quiesce();
    expect(node.counts.processes).toBe(0);
  });
});

describe("starting with a monitor", () => {
  test("returns its reference, and the Down comes once", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    const { pid, ref } = await puppet.do((self) =>
      self.startMonitor((down) => ["down", down.ref, down.reason], program, {}),
    );
    node.exit(pid, "over");
    await quiesce();
    expect(node.mailboxOf(puppet.pid)).toEqual([["down", ref, "over"]]);
  });

  test("leaves no Down of a process that did not start", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    await expect(
      puppet.do((self) => self.startMonitor((down) => down, program, { error: "no disk" }, "over")),
    ).rejects.toThrow(StartError);
    await quiesce();
    expect(node.mailboxOf(puppet.pid)).toEqual([]);
  });
});

test("a process that asks its starter while it starts is refused at once", async () => {
  const { node } = createWorld();
  type Question = Call<"name", string>;
  const asking: Startable<string, [starter: Pid<Question>]> = {
    start: (starter, options, asked) =>
      starter.spawnAndWait<string>(options, async (self) => {
        self.initAck({ info: await self.call(asked, "name") });
        await self.receive();
      }),
  };
  const puppet = spawnPuppet(node);
  const starting = puppet.do((self) => self.start(asking, self.pid as Pid<never> as Pid<Question>));
  await expect(starting).rejects.toMatchObject({
    reason: { error: expect.any(CallCycleError) as unknown },
  });
});

test("unlink with flush removes the Exit that is in the mailbox, and no other", async () => {
  const { node } = createWorld();
  const exits = await new Promise<Exit[]>((told) => {
    node.spawn<Exit>(async (self: Self<Exit>) => {
      self.trapExits();
      const [first, second] = ["first", "second"].map((reason) =>
        self.spawnLink(async (child) => child.exit(reason)),
      );
      await self.sleep(0);
      await new Promise((turned) => queueMicrotask(() => turned(undefined)));
      await self.sleep(0);
      self.unlink(first as Pid<never>, { flush: true });
      told([await self.receive()]);
      void second;
    });
  });
  expect(exits).toMatchObject([{ reason: "second" }]);
});
