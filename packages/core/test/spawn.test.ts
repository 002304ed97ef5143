import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  keyOf,
  name,
  NameTakenError,
  type AnyPid,
  type Body,
  type Down,
  type Handler,
  type MonitorRef,
  type Pid,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, idle, obey, puppetOf, spawnPuppet } from "./world.js";

const Counter = name<unknown>("counter");

/** Ends before anyone could do anything to it. */
async function diesAtOnce(): Promise<void> {
  throw new Error("stillborn");
}
const stillborn = { error: expect.objectContaining({ message: "stillborn" }) };

describe("spawn", () => {
  test("starts the process after the code that runs now", async () => {
    const { node } = createWorld();
    const steps: string[] = [];
    node.spawn(async () => void steps.push("process"));
    steps.push("spawned");
    await quiesce();
    expect(steps).toEqual(["spawned", "process"]);
  });

  test("starts processes in the order in which they were spawned", async () => {
    const { node } = createWorld();
    const started: number[] = [];
    for (let i = 0; i < 100; i++) node.spawn(async () => void started.push(i));
    await quiesce();
    expect(started).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test("passes arguments, and their types are checked", async () => {
    const { node } = createWorld();
    const seen: unknown[] = [];
    const body: Body<string, [first: number, second: string]> = async (_self, first, second) => {
      seen.push(first, second);
    };
    node.spawn(body, 1, "two");
    // @ts-expect-error: the first is a number
    const wrong = (): unknown => node.spawn(body, "one", "two");
    await quiesce();
    expect([seen, typeof wrong]).toEqual([[1, "two"], "function"]);
  });

  test("takes a function that makes no promise", async () => {
    const { node } = createWorld();
    expect(await node.whenExited(node.spawn(() => undefined))).toBe("normal");
  });

  test("in a process makes it the parent: ancestors are told nearest first", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const child = puppetOf(node, await parent.do((self) => self.spawn(obey)));
    const grandchild = await child.do((self) => self.spawn(idle));
    expect(node.processInfo(grandchild)?.ancestors).toEqual([child.pid, parent.pid, node.pid]);
  });

  test("alone neither links nor monitors", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    await parent.do((self) => self.spawn(diesAtOnce));
    await quiesce();
    expect([node.isAlive(parent.pid), node.mailboxOf(parent.pid)]).toEqual([true, []]);
  });

  test("of a child does not end it when the parent ends", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const child = await parent.do((self) => self.spawn(idle));
    node.exit(parent.pid, "kill");
    await quiesce();
    expect(node.isAlive(child)).toBe(true);
  });

  test("is told as an event, with the name of the function", async () => {
    const { node, events } = createWorld();
    const pid = node.spawn(diesAtOnce);
    expect(events).toContainEqual({
      type: "spawned",
      pid,
      parent: node.pid,
      initialCall: "diesAtOnce",
    });
  });
});

describe("spawnLink", () => {
  test("links before the child can run: its end is told even if it dies at once", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const child = await parent.do((self) => {
      self.trapExits();
      return self.spawnLink(diesAtOnce);
    });
    await quiesce();
    expect(node.mailboxOf(parent.pid)).toEqual([{ type: "exit", from: child, reason: stillborn }]);
  });

  test("ends the parent with the child, and the child with the parent", async () => {
    const { node } = createWorld();
    const first = spawnPuppet(node);
    await first.do((self) => self.spawnLink(diesAtOnce));
    const second = spawnPuppet(node);
    await second.do((self) => self.spawnLink(idle));
    node.exit(second.pid, "shutdown");
    await quiesce();
    expect(node.processes()).toEqual([]);
  });

  test("holds also for a parent that is unwinding: the child ends with it", async () => {
    const { node, events } = createWorld();
    const pid = node.spawn(async (self) => {
      await self.receive().catch(() => self.spawnLink(idle));
      await quiesce();
    });
    await quiesce();
    node.exit(pid, "boom");
    await quiesce();
    await quiesce();
    const ends = events.flatMap((event) => (event.type === "exited" ? [event.reason] : []));
    expect([node.processes(), ends]).toEqual([[], ["boom", "boom"]]);
  });

  test("holds when the parent is killed before the child has started", async () => {
    const { node } = createWorld();
    let ran = false;
    node.spawn(async (self) => {
      self.spawnLink(async () => void (ran = true));
      self.exit(self.pid, "kill");
    });
    await quiesce();
    expect([node.processes(), ran]).toEqual([[], false]);
  });
});

describe("spawnMonitor", () => {
  test("monitors before the child can run: its end is told even if it dies at once", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const { pid, ref } = await parent.do((self) =>
      self.spawnMonitor((down: Down) => down, diesAtOnce),
    );
    await quiesce();
    expect(node.mailboxOf(parent.pid)).toEqual([
      { type: "down", ref, process: pid, reason: stillborn },
    ]);
  });

  test("makes the Down a message of the parent's own", async () => {
    type Inbox = { readonly type: "childGone"; readonly who: Pid<never> };
    const { node } = createWorld();
    const taken: Inbox[] = [];
    node.spawn<Inbox>(async (self) => {
      self.spawnMonitor(
        (down) => ({ type: "childGone", who: down.process as Pid<never> }),
        diesAtOnce,
      );
      taken.push(await self.receive());
    });
    await quiesce();
    expect(taken).toEqual([{ type: "childGone", who: expect.anything() }]);
  });
});

describe("spawnOpt", () => {
  test("links, monitors, names and labels at once", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const options = { link: true, monitor: true, name: Counter, label: "tally" } as const;
    const { pid, ref } = await parent.do((self) => self.spawnOpt(options, idle));
    expect(node.processInfo(pid)).toMatchObject({
      name: "counter",
      label: "tally",
      links: [parent.pid],
      monitoredBy: [parent.pid],
    });
    await parent.do((self) => self.trapExits());
    node.exit(pid, "boom");
    await quiesce();
    expect(new Set(node.mailboxOf(parent.pid))).toEqual(
      new Set([
        { type: "exit", from: pid, reason: "boom" },
        { type: "down", ref, process: pid, reason: "boom" },
      ]),
    );
  });

  test("registers the name before the process runs", async () => {
    const { node } = createWorld();
    const seen: unknown[] = [];
    const pid = node.spawnOpt<unknown>({ name: Counter }, async (self) => {
      seen.push(self.whereis(Counter) === self.pid);
    });
    expect(node.whereis(Counter)).toBe(pid);
    await quiesce();
    expect(seen).toEqual([true]);
  });

  test("with a name that is held throws NameTakenError and spawns nothing", async () => {
    const { node, events } = createWorld();
    spawnPuppet(node, { name: Counter });
    const parent = spawnPuppet(node);
    const spawning = parent.do((self) =>
      self.spawnOpt({ name: Counter, link: true, monitor: true }, diesAtOnce),
    );
    await expect(spawning).rejects.toThrow(NameTakenError);
    await quiesce();
    expect(node.processes()).toHaveLength(2);
    expect(node.processInfo(parent.pid)).toMatchObject({ links: [], monitors: [] });
    expect(events.filter(({ type }) => type === "spawned")).toHaveLength(2);
    expect(node.mailboxOf(parent.pid)).toEqual([]);
  });

  test("with a refused name takes no place among the parent's children", async () => {
    const { node } = createWorld();
    spawnPuppet(node, { name: Counter });
    const parent = spawnPuppet(node);
    await parent.do((self) => self.spawnOpt({ name: Counter }, idle)).catch(() => undefined);
    const child = await parent.do((self) => self.spawn(idle));
    expect(keyOf(child as never)).toBe("demo/2/1");
  });

  test("refuses a key that another child has, as long as that is alive", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const spawnKeyed = (): Promise<AnyPid> =>
      parent.do((self) => self.spawnOpt({ key: "a#1" }, async (own) => void (await own.receive())));
    const first = await spawnKeyed();
    await expect(spawnKeyed()).rejects.toThrow(InvalidArgumentError);
    // Another parent's children have places of their own.
    const other = spawnPuppet(node);
    await other.do((self) => self.spawnOpt({ key: "a#1" }, idle));
    node.spawnOpt({ key: "a#1" }, idle);
    node.exit(first, "kill");
    await quiesce();
    expect(keyOf(await spawnKeyed())).toBe("demo/1/a#1");
  });

  test("with a monitor can make its reference an alias", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const { ref } = await parent.do((self) =>
      self.spawnOpt({ monitor: true, monitorOptions: { alias: "reply_demonitor" } }, idle),
    );
    node.send(ref, "reply");
    node.send(ref, "late");
    expect(node.mailboxOf(parent.pid)).toEqual(["reply"]);
  });

  test("returns the pid alone where no monitor is asked for", async () => {
    const { node } = createWorld();
    const pid = await spawnPuppet(node).do((self) => self.spawnOpt({ label: "x" }, idle));
    expect(node.isAlive(pid)).toBe(true);
  });

  test("spawns handlers too", async () => {
    const { node } = createWorld();
    const parent = spawnPuppet(node);
    const echo: Handler<string, null, [prefix: string]> = {
      init: (self, prefix) => {
        self.send(parent.pid, `${prefix} started`);
        return null;
      },
      message: (state) => state,
    };
    const { pid, ref } = await parent.do((self) => self.spawnOpt({ monitor: true }, echo, "echo"));
    expect([node.isAlive(pid), typeof (ref satisfies MonitorRef)]).toEqual([true, "object"]);
    expect(node.mailboxOf(parent.pid)).toEqual(["echo started"]);
  });

  test("from outside any process can neither link nor monitor", () => {
    const { node } = createWorld();
    // @ts-expect-error: there is nobody to link to
    expect(() => node.spawnOpt({ link: true }, idle)).toThrow("spawnOpt: options must be made of");
    // @ts-expect-error: there is nobody to be told
    expect(() => node.spawnOpt({ monitor: true }, idle)).toThrow("spawnOpt: options must be made");
    expect(node.processes()).toEqual([]);
  });
});

describe("a label", () => {
  test("is what people call a process: it can be set and changed, and leads nowhere", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node, { label: "first" });
    expect(node.processInfo(puppet.pid)?.label).toBe("first");
    await puppet.do((self) => self.setLabel("second"));
    expect(node.processInfo(puppet.pid)?.label).toBe("second");
    expect(node.registered()).toEqual([]);
  });
});

describe("the initial call", () => {
  test.each<[string, Parameters<ReturnType<typeof createWorld>["node"]["spawn"]>[0]]>([
    ["idle", idle as never],
    [
      "(anonymous function)",
      (
        () => async () =>
          undefined
      )() as never,
    ],
    ["(handler)", { init: () => null, message: () => null } as never],
    ["tally", { init: () => null, message: function tally() {} } as never],
  ])("is %j", (expected, body) => {
    const { node } = createWorld();
    expect(node.processInfo(node.spawn(body))?.initialCall).toBe(expected);
  });
});
