import { describe, expect, jest, test } from "@jest/globals";
import { connectRouter, createNode, name, type AnyPid, type Node, type Pid } from "@coppice/core";
import { Subject } from "rxjs";
import { Groups, type GroupEvent } from "../src/groups.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const Workers = name<string>("workers");

function spawnIdle(node: Node): Pid<string> {
  return node.spawn<string>(async (self) => {
    for (;;) if ((await self.receive()) === "stop") return;
  });
}

/** Two connected nodes. */
async function createPair(): Promise<RemoteWorld & { a: Member; b: Member }> {
  const world = createRemoteWorld();
  const a = await world.start("a");
  const b = await world.start("b");
  await Promise.all([a.remote.connect("b"), world.settle()]);
  return { ...world, a, b };
}

const shown = (pids: readonly AnyPid[]): string[] => pids.map(String);

describe("a process group", () => {
  test("has the members of all connected nodes, those of one's own first", async () => {
    const { a, b, settle } = await createPair();
    const [one, two] = [spawnIdle(a.node), spawnIdle(b.node)];
    a.remote.groups().join(Workers, one);
    b.remote.groups().join(Workers, two);
    await settle();
    expect(shown(a.remote.groups().members(Workers))).toEqual(["<a.1>", "<b.1>"]);
    expect(shown(b.remote.groups().members(Workers))).toEqual(["<b.1>", "<a.1>"]);
    expect(shown(b.remote.groups().localMembers(Workers))).toEqual(["<b.1>"]);
    expect([a.remote.groups().groups(), a.remote.groups("other").groups()]).toEqual([
      ["workers"],
      [],
    ]);
    // What was found is used like one's own.
    const [, far] = a.remote.groups().members(Workers);
    a.node.send(far as Pid<string>, "stop");
    await settle();
    expect([b.node.isAlive(two), shown(a.remote.groups().members(Workers))]).toEqual([
      false,
      ["<a.1>"],
    ]);
  });

  test("tells a node that connects later of all its members", async () => {
    const world = await createPair();
    const { a, start, settle } = world;
    a.remote.groups().join(Workers, spawnIdle(a.node));
    const c = await start("c");
    const groups = c.remote.groups();
    const events: GroupEvent[] = [];
    groups.events.subscribe((event) => events.push(event));
    await Promise.all([c.remote.connect("a"), settle()]);
    expect(shown(groups.members(Workers))).toEqual(["<a.1>"]);
    expect(events.map(({ type, group }) => [type, group])).toEqual([["join", "workers"]]);
  });

  test("loses members by leave, by their end, and with their node", async () => {
    const { a, b, settle, network } = await createPair();
    const here = b.remote.groups();
    const events: string[] = [];
    here.events.subscribe(({ type, pids }) => events.push(`${type} ${shown(pids).join()}`));
    const groups = a.remote.groups();
    const [one, two, three] = [spawnIdle(a.node), spawnIdle(a.node), spawnIdle(a.node)];
    for (const pid of [one, two, two, three]) groups.join(Workers, pid);
    await settle();
    expect(here.members(Workers)).toHaveLength(4);
    expect([groups.leave(Workers, one), groups.leave(Workers, one)]).toEqual([true, false]);
    a.node.exit(two, "kill");
    await settle();
    expect(shown(here.members(Workers))).toEqual(["<a.3>"]);
    network.sever("a", "b");
    await settle();
    expect(here.members(Workers)).toEqual([]);
    expect(events).toEqual([
      "join <a.1>",
      "join <a.2>",
      "join <a.2>",
      "join <a.3>",
      "leave <a.1>",
      "leave <a.2>,<a.2>",
      "leave <a.3>",
    ]);
  });

  test("of several memberships of one process loses one at a time, and all with its end", async () => {
    const { a, b, settle } = await createPair();
    const [here, there] = [a.remote.groups(), b.remote.groups()];
    const pid = spawnIdle(a.node);
    for (let i = 0; i < 3; i++) here.join(Workers, pid);
    expect([here.leave(Workers, pid), here.localMembers(Workers).length]).toEqual([true, 2]);
    await settle();
    expect(there.members(Workers)).toHaveLength(2);
    a.node.exit(pid, "kill");
    await settle();
    expect([here.members(Workers), there.members(Workers)]).toEqual([[], []]);
  });

  test("that is told anew is what is told then: who is missing has left", async () => {
    const { a, b, settle } = await createPair();
    const groups = b.remote.groups();
    const [one, two] = [spawnIdle(a.node), spawnIdle(a.node)];
    for (const pid of [one, two, two]) a.remote.groups().join(Workers, pid);
    await settle();
    const events: string[] = [];
    groups.events.subscribe(({ type, pids }) => events.push(`${type} ${shown(pids).join()}`));
    const life = { name: "a", incarnation: a.node.incarnation };
    const [far] = groups.members(Workers);
    groups.received(life, ["sync", [["workers", [far]]]]);
    expect(shown(groups.members(Workers))).toEqual(["<a.1>"]);
    expect(events).toEqual(["leave <a.2>,<a.2>"]);
    groups.received(life, ["sync", []]);
    expect(groups.members(Workers)).toEqual([]);
    expect(events.slice(1)).toEqual(["leave <a.1>"]);
  });

  test("has left with its node when remoting is stopped here, and no event comes any more", async () => {
    const { a, b, settle } = await createPair();
    const groups = b.remote.groups();
    a.remote.groups().join(Workers, spawnIdle(a.node));
    await settle();
    const events: string[] = [];
    groups.events.subscribe({
      next: ({ type, pids }) => events.push(`${type} ${shown(pids).join()}`),
      complete: () => events.push("complete"),
    });
    await Promise.all([b.remote.stop(), settle()]);
    expect(events).toEqual(["leave <a.1>", "complete"]);
  });

  test("is picked from at home first", async () => {
    const { a, b, settle } = await createPair();
    b.remote.groups().join(Workers, spawnIdle(b.node));
    await settle();
    // It learns also of those who joined before it knew of the scope.
    const groups = a.remote.groups();
    await settle();
    expect(groups.pick(name<string>("none"))).toBeUndefined();
    const own = spawnIdle(a.node);
    groups.join(Workers, own);
    for (let i = 0; i < 20; i++) expect(groups.pick(Workers)).toBe(own);
    groups.leave(Workers, own);
    expect(groups.pick(Workers)?.node).toBe("b");
  });

  test("believes a node of its own processes alone, and ignores what it does not understand", async () => {
    const world = await createPair();
    const { a, b, start, settle } = world;
    const c = await start("c");
    await Promise.all([c.remote.connect("a"), c.remote.connect("b"), settle()]);
    const groups = a.remote.groups();
    const life = { name: "c", incarnation: c.node.incarnation };
    const foreign = spawnIdle(b.node);
    const own = spawnIdle(c.node);
    groups.received(life, ["join", "workers", [foreign, own, "x", null]]);
    for (const odd of [null, 7, [], ["sync", 1], ["sync", [[1, 2]]], ["leave", "workers", 3]]) {
      groups.received(life, odd);
    }
    expect(groups.members(Workers)).toEqual([own]);
    groups.received({ ...life, incarnation: 1 }, ["join", "workers", [own]]);
    expect(groups.members(Workers)).toEqual([own]);
  });

  test("takes only so many members of one peer", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", { limits: { maxGroupJoins: 3 } });
    const b = await world.start("b");
    await Promise.all([a.remote.connect("b"), world.settle()]);
    const pid = spawnIdle(b.node);
    a.remote.groups();
    b.remote.groups();
    await world.settle();
    for (let i = 0; i < 5; i++) b.remote.groups().join(Workers, pid);
    await world.settle();
    expect(a.remote.groups().members(Workers)).toHaveLength(3);
    expect(a.remote.breaches).toEqual({ maxGroupJoins: 2 });
  });

  test("whose members come and go all the time is watched once for each, and notices their end", async () => {
    const { a, b, settle } = await createPair();
    const watched = jest.spyOn(a.node, "whenExited");
    const pid = spawnIdle(a.node);
    const [groups, Others] = [a.remote.groups(), name<string>("others")];
    for (let i = 0; i < 100; i++) {
      groups.join(Workers, pid);
      groups.leave(Workers, pid);
    }
    expect(watched).toHaveBeenCalledTimes(1);
    groups.join(Workers, pid);
    groups.join(Others, pid);
    groups.join(Others, pid);
    await settle();
    const theirs = b.remote.groups();
    await settle();
    expect(shown(theirs.members(Others))).toEqual(["<a.1>", "<a.1>"]);
    a.node.send(pid, "stop");
    await settle();
    expect([groups.groups(), theirs.groups()]).toEqual([[], []]);
  });

  test("that is told anew tells who came and who went, be it ever so big and in another order", () => {
    const node = createNode({ name: "a" });
    const gateway = connectRouter(node, { connect: () => undefined });
    const peer = { name: "b", incarnation: 1 };
    const theirs = (from: number, to: number): AnyPid[] =>
      Array.from({ length: to - from }, (_, i) => gateway.pid("b", 1, from + i));
    let breaches = 0;
    const groups = new Groups(node, {
      connected: () => [],
      tell: () => undefined,
      maxJoins: 60_000,
      breached: () => breaches++,
      changes: new Subject(),
    });
    const events: unknown[] = [];
    groups.events.subscribe(({ type, group, pids }) => events.push([type, group, pids.length]));
    const sync = (...entries: readonly (readonly [string, readonly AnyPid[]])[]): unknown[] => {
      groups.received(peer, ["sync", entries]);
      return events.splice(0);
    };
    const [one] = theirs(0, 1) as [AnyPid];
    expect(sync(["g", [one, one, ...theirs(1, 3)]])).toEqual([["join", "g", 4]]);
    // One of two memberships is left, two have come, one has gone; a group may be named twice.
    expect(sync(["g", [one, ...theirs(2, 4)]], ["h", [one]], ["g", theirs(4, 5)])).toEqual([
      ["join", "g", 1],
      ["join", "h", 1],
      ["join", "g", 1],
      ["leave", "g", 2],
    ]);
    const all = theirs(0, 60_000);
    expect(sync(["g", all])).toEqual([
      ["join", "g", 59_996],
      ["leave", "h", 1],
    ]);
    const before = process.cpuUsage();
    expect([sync(["g", all.toReversed()]), groups.members(Workers).length]).toEqual([[], 0]);
    const { user, system } = process.cpuUsage(before);
    // Each looked for among all others, it was seconds.
    expect((user + system) / 1000).toBeLessThan(200);
    // There is room for so many, and after a leave for one more.
    const [more, still] = theirs(60_000, 60_002) as [AnyPid, AnyPid];
    groups.received(peer, ["leave", "g", [one]]);
    groups.received(peer, ["join", "h", [more, still]]);
    expect([events, breaches]).toEqual([
      [
        ["leave", "g", 1],
        ["join", "h", 1],
      ],
      1,
    ]);
  });

  test("is not told to a node that takes too little for it: the session with that ends, and no other", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a");
    const b = await world.start("b");
    await Promise.all([a.remote.connect("b"), world.settle()]);
    const pids = Array.from({ length: 300 }, () => spawnIdle(a.node));
    for (const pid of pids) a.remote.groups().join(Workers, pid);
    b.remote.groups();
    await world.settle();
    const limits = { maxMessageBytes: 1_024, maxReasonBytes: 1_024, fragmentBytes: 1_024 };
    const small = await world.start("small", { limits });
    await Promise.all([small.remote.connect("a").catch(() => undefined), world.settle()]);
    await world.settle();
    expect(small.events.at(-1)).toMatchObject({
      type: "down",
      node: "a",
      code: CLOSE_CODES.LIMIT,
      text: "it takes too little for what coppice:groups/default has to say",
    });
    expect(a.remote.nodes().map(({ name: node }) => node)).toEqual(["b"]);
    expect(b.remote.groups().members(Workers)).toHaveLength(300);
  });

  test("tells a process who comes and who goes, of one group or of all, until that is taken back or it ends", async () => {
    const { a, b, network, settle } = await createPair();
    const Others = name<string>("others");
    const groups = a.remote.groups();
    const spawnWatcher = (options?: { readonly group: typeof Workers }) => {
      const told: string[] = [];
      const pid = a.node.spawn<string>(async (self) => {
        for (;;) {
          const message = await self.receive();
          if (message === "stop") return;
          told.push(message);
        }
      });
      const map = ({ type, group, pids }: GroupEvent): string => `${type} ${group} ${String(pids)}`;
      return { told, pid, over: groups.monitor(pid, map, options) };
    };
    const [all, workers, brief, ended] = [
      spawnWatcher(),
      spawnWatcher({ group: Workers }),
      spawnWatcher(),
      spawnWatcher(),
    ];
    const theirs = spawnIdle(b.node);
    b.remote.groups().join(Workers, theirs);
    await settle();
    brief.over();
    a.node.send(ended.pid, "stop");
    await settle();
    groups.join(Others, spawnIdle(a.node));
    await settle();
    network.sever("a", "b");
    await settle();
    const joined = `join workers ${String(theirs)}`;
    const left = `leave workers ${String(theirs)}`;
    expect(all.told).toEqual([joined, expect.stringMatching(/^join others <a/), left]);
    expect([workers.told, brief.told, ended.told]).toEqual([[joined, left], [joined], [joined]]);
    expect(a.nodeEvents.filter(({ type }) => type === "undelivered")).toEqual([]);

    // What its translation throws is its own crash.
    const careless = spawnIdle(a.node);
    const error = new Error("careless");
    groups.monitor(careless, () => {
      throw error;
    });
    groups.join(Workers, spawnIdle(a.node));
    await settle();
    expect(a.nodeEvents).toContainEqual(
      expect.objectContaining({ type: "exited", pid: careless, reason: { error } }),
    );
    const wrong = { group: "workers" } as never;
    expect(() => groups.monitor(all.pid, String, wrong)).toThrow(/groups.monitor: group/);
    expect(() => groups.monitor(theirs, String)).toThrow(/groups.monitor: pid/);
    expect(() => groups.monitor(all.pid, "x" as never)).toThrow(/groups.monitor: map/);
    expect(() => groups.monitor(all.pid, String, { name: Workers } as never)).toThrow(/options/);
  });

  test("takes processes of its own node, and names", async () => {
    const { a, b } = await createPair();
    const far = spawnIdle(b.node);
    const groups = a.remote.groups();
    expect(() => groups.join(Workers, far)).toThrow("a pid of this node");
    expect(() => groups.join("workers" as never, far as never)).toThrow("made by name()");
    expect(() => a.remote.groups("")).toThrow("groups: scope");
  });
});
