import { describe, expect, test } from "@jest/globals";
import {
  AlreadyNamedError,
  at,
  name,
  NameNotRegisteredError,
  NameTakenError,
  NoProcessError,
  type Down,
  type Exit,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, idle, spawnDead, spawnPuppet } from "./world.js";

const Counter = name<unknown>("counter");
const Clerk = name<unknown>("clerk");

describe("register", () => {
  test("gives a process a name by which it is found and sent to", async () => {
    const { node, events } = createWorld();
    const { pid } = spawnPuppet(node);
    expect(node.whereis(Counter)).toBeUndefined();
    node.register(Counter, pid);
    expect(node.whereis(Counter)).toBe(pid);
    expect(node.registered()).toEqual(["counter"]);
    expect(node.processInfo(pid)?.name).toBe("counter");
    node.send(Counter, "hello");
    await quiesce();
    expect(node.mailboxOf(pid)).toEqual(["hello"]);
    expect(events).toContainEqual({ type: "registered", name: "counter", pid });
  });

  test("without a pid names the process itself", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    await puppet.do((self) => self.register(Counter));
    expect(node.whereis(Counter)).toBe(puppet.pid);
  });

  test("takes two tokens with one text for one name", () => {
    const { node } = createWorld();
    const { pid } = spawnPuppet(node);
    node.register(name<unknown>("counter"), pid);
    expect(node.whereis(name<unknown>("counter"))).toBe(pid);
  });

  test("refuses a name that is held, names the holder, and changes nothing", () => {
    const { node, events } = createWorld();
    const holder = spawnPuppet(node).pid;
    const other = spawnPuppet(node).pid;
    node.register(Counter, holder);
    const registering = (): void => node.register(Counter, other);
    expect(registering).toThrow(NameTakenError);
    expect(registering).toThrow(
      expect.objectContaining({ code: "NAME_TAKEN", takenName: "counter", holder }),
    );
    expect(registering).toThrow('the name "counter" is held by <demo.1>; unregister it first');
    expect(node.whereis(Counter)).toBe(holder);
    expect(node.processInfo(other)?.name).toBeUndefined();
    expect(events).toContainEqual({ type: "nameTaken", name: "counter", pid: other, holder });
  });

  test("refuses the name that the process holds already, as any name that is held", () => {
    const { node } = createWorld();
    const { pid } = spawnPuppet(node);
    node.register(Counter, pid);
    expect(() => node.register(Counter, pid)).toThrow(NameTakenError);
  });

  test("refuses a second name for a process that has one", () => {
    const { node } = createWorld();
    const { pid } = spawnPuppet(node);
    node.register(Counter, pid);
    const registering = (): void => node.register(Clerk, pid);
    expect(registering).toThrow(AlreadyNamedError);
    expect(registering).toThrow(
      '<demo.1> cannot be registered as "clerk": it is registered as "counter"',
    );
    expect(node.whereis(Clerk)).toBeUndefined();
  });

  test("refuses a dead process", async () => {
    const { node } = createWorld();
    const dead = await spawnDead(node);
    expect(() => node.register(Counter, dead)).toThrow(NoProcessError);
    expect(node.registered()).toEqual([]);
  });

  test("refuses a process that is exiting", async () => {
    const { node } = createWorld();
    const exiting = node.spawn<unknown>(async (self) => {
      await self.receive().catch(() => undefined);
      await new Promise(() => undefined);
    });
    await quiesce();
    node.exit(exiting, "shutdown");
    await quiesce();
    expect(node.processes()).toEqual([exiting]);
    expect(() => node.register(Counter, exiting)).toThrow(NoProcessError);
  });

  test("knows the names of its own node alone", () => {
    const [a, b] = [createWorld({ name: "a" }).node, createWorld({ name: "b" }).node];
    a.register(Counter, spawnPuppet(a).pid);
    expect(b.whereis(Counter)).toBeUndefined();
    const { pid } = spawnPuppet(b);
    b.register(Counter, pid);
    expect(b.whereis(Counter)).toBe(pid);
  });

  test("does not compile for a process that does not understand what the name promises", () => {
    const { node } = createWorld();
    const pid: Pid<string> = node.spawn<string>(idle);
    // @ts-expect-error: the holder of Numbers is sent numbers
    node.register(name<number>("numbers"), pid);
    expect(node.registered()).toEqual(["numbers"]);
  });
});

describe("unregister", () => {
  test("frees the name, which another process can take; the former holder can take another", () => {
    const { node, events } = createWorld();
    const first = spawnPuppet(node).pid;
    const second = spawnPuppet(node).pid;
    node.register(Counter, first);
    node.unregister(Counter);
    expect(node.whereis(Counter)).toBeUndefined();
    expect(events).toContainEqual({ type: "unregistered", name: "counter", pid: first });
    node.register(Counter, second);
    node.register(Clerk, first);
    expect([node.whereis(Counter), node.whereis(Clerk)]).toEqual([second, first]);
  });

  test("is open to any process, as in OTP", async () => {
    const { node } = createWorld();
    node.register(Counter, spawnPuppet(node).pid);
    await spawnPuppet(node).do((self) => self.unregister(Counter));
    expect(node.registered()).toEqual([]);
  });

  test("refuses a name that nobody holds", () => {
    const { node } = createWorld();
    expect(() => node.unregister(Counter)).toThrow(NameNotRegisteredError);
    expect(() => node.unregister(Counter)).toThrow('no process is registered as "counter"');
  });
});

describe("sending to a name", () => {
  test("reaches whoever holds it when the message is sent", async () => {
    const { node } = createWorld();
    const [first, second] = [spawnPuppet(node).pid, spawnPuppet(node).pid];
    node.register(Counter, first);
    node.send(Counter, 1);
    node.unregister(Counter);
    node.register(Counter, second);
    node.send(Counter, 2);
    await quiesce();
    expect([node.mailboxOf(first), node.mailboxOf(second)]).toEqual([[1], [2]]);
  });

  test("that nobody holds throws NameNotRegisteredError", async () => {
    const { node } = createWorld();
    expect(() => node.send(Counter, 1)).toThrow(NameNotRegisteredError);
    const sending = spawnPuppet(node).do((self) => self.send(Counter, 1));
    await expect(sending).rejects.toThrow(NameNotRegisteredError);
  });

  test("at a node never throws: with nobody there the message is reported as undelivered", async () => {
    const { node, events } = createWorld();
    const { pid } = spawnPuppet(node);
    node.send(at("demo", Counter), 1);
    node.send(at("elsewhere", Counter), 2);
    node.register(Counter, pid);
    node.send(at("demo", Counter), 3);
    await quiesce();
    expect(node.mailboxOf(pid)).toEqual([3]);
    expect(
      events.flatMap((event) => (event.type === "undelivered" ? [[event.message, event.why]] : [])),
    ).toEqual([
      [1, "unregistered"],
      [2, "noconnection"],
    ]);
  });
});

describe("the name of a process that ends", () => {
  test("is free before any Down arrives, so that a successor can take it on hearing of the end", async () => {
    const { node } = createWorld();
    const holder = spawnPuppet(node).pid;
    node.register(Counter, holder);
    const successor = node.spawn<Down>(async (self) => {
      // The map runs as the signal arrives, before any other.
      self.monitor(holder, (down) => {
        self.register(Counter as never);
        return down;
      });
      await self.receive();
      await self.receive();
    });
    await quiesce();
    node.exit(holder, "shutdown");
    await quiesce();
    expect(node.whereis(Counter)).toBe(successor);
  });

  test("is free before any exit signal of its links arrives", async () => {
    const { node } = createWorld();
    const holder = spawnPuppet(node).pid;
    node.register(Counter, holder);
    const successor = node.spawn<Exit>(async (self) => {
      self.trapExits((exit) => {
        self.register(Counter as never);
        return exit;
      });
      self.link(holder);
      await self.receive();
      await self.receive();
    });
    await quiesce();
    node.exit(holder, "kill");
    await quiesce();
    expect(node.whereis(Counter)).toBe(successor);
  });

  test("stays with it while it unwinds, and is free when it is dead", async () => {
    const { node, clock } = createWorld();
    const holder = node.spawnOpt<unknown>({ name: Counter }, async (self) => {
      try {
        await self.receive();
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 100));
      }
    });
    await quiesce();
    node.exit(holder, "shutdown");
    await clock.advance(99);
    expect(node.whereis(Counter)).toBe(holder);
    await clock.advance(1);
    expect(node.whereis(Counter)).toBeUndefined();
  });

  test.each([["normal"], ["shutdown"], ["kill"]])("is free after the end by %j", async (reason) => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node, { name: Counter });
    await puppet.do((self: Self<unknown>) => self.exit(self.pid, reason)).catch(() => undefined);
    await quiesce();
    expect([node.processes(), node.registered()]).toEqual([[], []]);
  });
});
