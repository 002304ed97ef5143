/** Names of a cluster, over real sessions in virtual time. */
import { describe, expect, test } from "@jest/globals";
import { at, name, type ExitReason, type Name, type Node, type Pid } from "@coppice/core";
import { EMPTY, Subject } from "rxjs";
import type { NameEvent, NameHolder, NameStore } from "../src/name-store.js";
import { registrarOf } from "../src/rendezvous.js";
import type { RemoteOptions } from "../src/remote-options.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const MEMBERS = ["a", "b", "c"];
const HEAR_MS = 1000;
const GRACE_MS = 4000;

/** The first name of that kind which that member keeps. */
function nameAt(registrar: string, prefix = "n"): Name<string> {
  for (let n = 0; ; n++) {
    if (registrarOf(MEMBERS, `${prefix}${n}`) === registrar) return name<string>(`${prefix}${n}`);
  }
}

function raise(error: Error): never {
  throw error;
}

function spawnIdle(node: Node): Pid<string> {
  return node.spawn<string>(async (self) => {
    for (;;) if ((await self.receive()) === "stop") return;
  });
}

interface Cluster extends RemoteWorld {
  readonly a: Member;
  readonly b: Member;
  readonly c: Member;
  startMember(name: string, more?: Partial<RemoteOptions>): Promise<Member>;
  /** Nothing gets from one of `from` to one of `to`, or back. */
  cut(from: readonly string[], to: readonly string[]): void;
  heal(): void;
}

async function createCluster(more: Partial<RemoteOptions> = {}): Promise<Cluster> {
  const world = createRemoteWorld();
  const names = { members: MEMBERS, graceMs: GRACE_MS };
  const startMember = (node: string, own: Partial<RemoteOptions> = {}): Promise<Member> =>
    world.start(node, { hearMs: HEAR_MS, names, ...more, ...own });
  const a = await startMember("a");
  const b = await startMember("b");
  const c = await startMember("c");
  // Whoever was there first tried to connect with those that were not.
  await world.advance(1000);
  let cuts: [string, string][] = [];
  const fault = (mode: "pass" | "lose"): void => {
    for (const [from, to] of cuts) {
      world.network.fault(from, to, { mode });
      world.network.fault(to, from, { mode });
    }
  };
  return {
    ...world,
    a,
    b,
    c,
    startMember,
    cut(from, to) {
      cuts = from.flatMap((one) => to.map((other): [string, string] => [one, other]));
      fault("lose");
    },
    heal() {
      fault("pass");
      cuts = [];
    },
  };
}

type Outcome =
  { readonly token: number } | { readonly takenBy: unknown } | { readonly code: string };

/** What comes of it, once it is known. */
function register(member: Member, token: Name<string>, pid: Pid<string>, timeoutMs = 60_000) {
  const box: { outcome: Outcome | undefined } = { outcome: undefined };
  member.remote.names.register(token, pid, { timeoutMs }).then(
    (claim) => void (box.outcome = claim),
    (error: { code: string }) => void (box.outcome = { code: error.code }),
  );
  return box;
}

describe("the members", () => {
  test("are connected with each other, again and again, also where nodes do not connect by themselves", async () => {
    const { a, b, c, advance, network } = await createCluster({ connect: "never" });
    const seen = (): unknown[] =>
      [a, b, c].map(({ remote }) =>
        remote
          .nodes()
          .map((node) => node.name)
          .toSorted(),
      );
    const all = [
      ["b", "c"],
      ["a", "c"],
      ["a", "b"],
    ];
    expect(seen()).toEqual(all);
    network.sever("a", "b");
    network.sever("b", "c");
    await advance(1);
    expect(seen()).not.toEqual(all);
    await advance(20_000);
    expect(seen()).toEqual(all);
  });
});

describe("a name of the cluster", () => {
  test.each(MEMBERS)("kept by %s is known to all members, with its token", async (registrar) => {
    const { a, b, c, settle } = await createCluster();
    const Leader = nameAt(registrar);
    const pid = spawnIdle(a.node);
    const events: NameEvent[] = [];
    c.remote.names.events.subscribe((event) => events.push(event));
    const asked = register(a, Leader, pid);
    await settle();
    expect(asked.outcome).toEqual({ token: 1 });
    for (const { remote } of [a, b, c]) {
      expect([String(remote.names.whereis(Leader)), remote.names.holder(Leader)?.token]).toEqual([
        String(pid),
        1,
      ]);
    }
    expect(events.map(({ type, name: key }) => [type, key])).toEqual([["registered", Leader.name]]);
    // What was found is used like one's own.
    c.node.send(c.remote.names.whereis(Leader) as Pid<string>, "stop");
    await settle();
    expect([a, b, c].map(({ remote }) => remote.names.whereis(Leader))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(events.map(({ type }) => type)).toEqual(["registered", "unregistered"]);
  });

  test("has one holder: others are told who it is", async () => {
    const { a, b, c, settle } = await createCluster();
    const Leader = nameAt("b");
    const [one, two, three] = [spawnIdle(a.node), spawnIdle(b.node), spawnIdle(c.node)];
    const asked = [register(a, Leader, one), register(b, Leader, two), register(c, Leader, three)];
    await settle();
    const outcomes = asked.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome !== undefined && "token" in outcome)).toEqual([
      { token: 1 },
    ]);
    const holder = String(a.remote.names.whereis(Leader));
    expect(
      outcomes.flatMap((outcome) =>
        outcome && "takenBy" in outcome ? [String(outcome.takenBy)] : [],
      ),
    ).toEqual([holder, holder]);
    // Who has it already is given it again.
    const again = register(b, Leader, two);
    await settle();
    expect(again.outcome).toEqual({ token: 1 });
  });

  test.each(MEMBERS)(
    "kept by %s can be had by whoever was told that the holder ended, and has a greater token then",
    async (registrar) => {
      const { a, b, c, settle } = await createCluster();
      const Leader = nameAt(registrar);
      const first = spawnIdle(a.node);
      register(a, Leader, first);
      await settle();
      // Each asks as soon as it is told: at home, and elsewhere.
      const boxes: { outcome: Outcome | undefined }[] = [];
      for (const member of [b, c, a]) {
        member.node.spawn<unknown>(async (self) => {
          self.monitor(first);
          await self.receive();
          boxes.push(register(member, Leader, self.pid));
          await self.receive();
        });
      }
      await settle();
      a.node.exit(first, "boom");
      await settle();
      const granted = boxes.filter(({ outcome }) => outcome !== undefined && "token" in outcome);
      expect([boxes.length, granted.length, granted[0]?.outcome]).toEqual([3, 1, { token: 2 }]);
    },
  );

  test("is given back on demand, by the node of its holder alone", async () => {
    const { a, b, settle } = await createCluster();
    const Leader = nameAt("b");
    const pid = spawnIdle(a.node);
    register(a, Leader, pid);
    await settle();
    expect([b.remote.names.unregister(Leader), a.remote.names.unregister(Leader)]).toEqual([
      false,
      true,
    ]);
    expect(a.remote.names.unregister(Leader)).toBe(false);
    await settle();
    expect([a.node.isAlive(pid), b.remote.names.whereis(Leader)]).toEqual([true, undefined]);
  });

  test("a process may have several, and gives all back at its end", async () => {
    const { a, b, settle } = await createCluster();
    const all = MEMBERS.map((member) => nameAt(member));
    const pid = spawnIdle(a.node);
    for (const one of all) register(a, one, pid);
    await settle();
    expect(all.map((one) => String(b.remote.names.whereis(one)))).toEqual(
      all.map(() => String(pid)),
    );
    a.node.exit(pid, "kill");
    await settle();
    expect(all.map((one) => b.remote.names.whereis(one))).toEqual(all.map(() => undefined));
  });
});

describe("under a partition", () => {
  test("the side of the registrar can have the name when the grace is over; before that the holder has lost it", async () => {
    const { a, b, c, cut, heal, advance, settle } = await createCluster();
    const Leader = nameAt("c");
    const holder = spawnIdle(a.node);
    const told: [number, ExitReason][] = [];
    const world = { now: 0 };
    void a.node.whenExited(holder).then((reason) => told.push([world.now, reason]));
    register(a, Leader, holder);
    await settle();
    cut(["a"], ["b", "c"]);
    const successor = register(b, Leader, spawnIdle(b.node));
    const cutOff = register(a, nameAt("b"), spawnIdle(a.node));
    let grantedAtMs: number | undefined;
    for (; world.now < 2 * GRACE_MS; world.now += 50) {
      await advance(50);
      if (successor.outcome !== undefined) grantedAtMs ??= world.now;
    }
    expect(successor.outcome).toEqual({ token: 2 });
    expect(cutOff.outcome).toMatchObject({ code: expect.stringMatching(/UNREACHABLE/) });
    expect(told.map(([, reason]) => reason)).toEqual([{ nameLost: Leader.name }]);
    expect(told[0]?.[0]).toBeLessThan(grantedAtMs as number);
    expect(told[0]?.[0]).toBeGreaterThan(GRACE_MS - 1.5 * HEAR_MS);
    expect(a.remote.names.whereis(Leader)).toBe(undefined);
    heal();
    await advance(11_000);
    for (const { remote } of [a, b, c]) expect(remote.names.holder(Leader)?.token).toBe(2);
  });

  test("that is over soon the holder keeps its name, and who waited is told so", async () => {
    const { a, b, cut, heal, advance, settle } = await createCluster({
      names: { members: MEMBERS, graceMs: 60_000 },
    });
    await advance(60_000);
    const Leader = nameAt("c");
    const holder = spawnIdle(a.node);
    register(a, Leader, holder);
    await settle();
    cut(["a"], ["b", "c"]);
    const other = register(b, Leader, spawnIdle(b.node), 100_000);
    await advance(10_000);
    expect(other.outcome).toBe(undefined);
    heal();
    await advance(12_000);
    expect(other.outcome).toEqual({ takenBy: expect.anything() });
    await advance(120_000);
    expect([a.node.isAlive(holder), b.remote.names.holder(Leader)?.token]).toEqual([true, 1]);
  });

  test("two may have it where their nodes differ about the grace; once they see each other the greater token stays, and the other is told", async () => {
    const names = { members: MEMBERS, graceMs: 0 };
    const cluster = await createCluster({ names });
    const { b, c, cut, heal, advance, settle } = cluster;
    await cluster.a.node.stop();
    const patient = await cluster.startMember("a", {
      names: { members: MEMBERS, graceMs: 60_000 },
    });
    await advance(11_000);
    const Leader = nameAt("c");
    const holder = spawnIdle(patient.node);
    const events: NameEvent[] = [];
    patient.remote.names.events.subscribe((event) => event.type === "lost" && events.push(event));
    const ended = patient.node.whenExited(holder);
    register(patient, Leader, holder);
    await settle();
    cut(["a"], ["b", "c"]);
    const successor = register(b, Leader, spawnIdle(b.node));
    await advance(2 * HEAR_MS);
    expect([successor.outcome, patient.node.isAlive(holder)]).toEqual([{ token: 2 }, true]);
    heal();
    await advance(11_000);
    expect(await ended).toEqual({ nameConflict: Leader.name });
    expect(events).toMatchObject([{ holder: { token: 1 }, why: "conflict" }]);
    for (const { remote } of [patient, b, c]) {
      expect(remote.names.holder(Leader)?.token).toBe(2);
    }
  });

  test("the names of a registrar that is down can be had by nobody; it learns from the others what they hold", async () => {
    const cluster = await createCluster();
    const { a, b, c, network, advance, settle, startMember } = cluster;
    const Leader = nameAt("c");
    const Other = nameAt("c", "m");
    const holder = spawnIdle(a.node);
    register(a, Leader, holder);
    await settle();
    network.crash("c");
    await c.node.stop();
    await settle();
    const inVain = register(b, Leader, spawnIdle(b.node));
    await advance(100);
    expect(inVain.outcome).toEqual({ code: "UNREACHABLE" });
    expect(String(b.remote.names.whereis(Leader))).toBe(String(holder));
    const again = await startMember("c");
    const early = register(again, Other, spawnIdle(again.node));
    const rival = register(again, Leader, spawnIdle(again.node));
    // A and B come back with their back-off; the new one asks them at once.
    await advance(50);
    expect(rival.outcome).toEqual({ takenBy: expect.anything() });
    // Greater than any that its former life gave.
    expect(early.outcome).toEqual({ token: 2 });
    expect([a.node.isAlive(holder), again.remote.names.holder(Leader)?.token]).toEqual([true, 1]);
  });

  test("the next life of a registrar gives greater tokens than any that was given before, released ones too", async () => {
    const cluster = await createCluster();
    const { a, b, c, settle, advance, network, startMember } = cluster;
    // Kept by b.
    const [one, two] = [nameAt("b", "one"), nameAt("b", "two")];
    const outcomes: unknown[] = [];
    for (const token of [one, two]) {
      const asked = register(a, token, spawnIdle(a.node));
      await settle();
      outcomes.push(asked.outcome);
      a.remote.names.unregister(token);
      await settle();
    }
    expect(outcomes).toEqual([{ token: 1 }, { token: 2 }]);
    network.crash("b");
    await b.node.stop();
    await startMember("b");
    await advance(GRACE_MS);
    const next = register(c, one, spawnIdle(c.node));
    await settle();
    expect(next.outcome).toEqual({ token: 3 });
  });

  test("a registrar that hears of no other member gives no names until the grace is over", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", { names: { members: MEMBERS, graceMs: GRACE_MS } });
    const asked = register(a, nameAt("a"), spawnIdle(a.node));
    await world.advance(GRACE_MS - 1);
    expect(asked.outcome).toBe(undefined);
    await world.advance(1);
    expect(asked.outcome).toEqual({ token: 1 });
  });
});

describe("the end of a holder's node", () => {
  test("releases the name when its next life shows, before the grace is over", async () => {
    const { a, b, network, advance, settle, startMember } = await createCluster();
    const Leader = nameAt("b");
    register(a, Leader, spawnIdle(a.node));
    await settle();
    network.crash("a");
    await a.node.stop();
    const successor = register(b, Leader, spawnIdle(b.node));
    await advance(100);
    expect(successor.outcome).toBe(undefined);
    await startMember("a");
    await advance(100);
    expect(successor.outcome).toEqual({ token: 2 });
  });
});

describe("asking for a name", () => {
  test("that is not answered in time is an error, and what is granted later is given back", async () => {
    const { a, b, cut, heal, advance, settle } = await createCluster();
    const Leader = nameAt("c");
    cut(["a"], ["c"]);
    const asked = register(a, Leader, spawnIdle(a.node), 500);
    await advance(500);
    expect(asked.outcome).toEqual({ code: "NAME_TIMEOUT" });
    heal();
    await advance(12_000);
    expect(b.remote.names.whereis(Leader)).toBe(undefined);
    const next = register(b, Leader, spawnIdle(b.node));
    await settle();
    expect(next.outcome).toMatchObject({ token: expect.any(Number) });
  });

  test("is refused when the node has as many as it may", async () => {
    const { a, c, settle } = await createCluster({ limits: { maxNames: 2 } });
    const pid = spawnIdle(a.node);
    const asked = [0, 1, 2].map((n) => register(a, nameAt("c", `x${n}-`), pid));
    await settle();
    expect(asked.map(({ outcome }) => outcome)).toEqual([
      { token: 1 },
      { token: 2 },
      { code: "NAME_REFUSED" },
    ]);
    expect(c.remote.breaches).toEqual({ maxNames: 1 });
    a.node.exit(pid, "kill");
    await settle();
    const again = register(a, nameAt("c", "y"), spawnIdle(a.node));
    await settle();
    expect(again.outcome).toEqual({ token: 3 });
  });

  test("is refused between nodes that have different lists of members", async () => {
    const world = createRemoteWorld();
    const lists = { a: ["a", "b", "c"], b: ["a", "b"] };
    const a = await world.start("a", { names: { members: lists.a, graceMs: 0 } });
    await world.start("b", { names: { members: lists.b, graceMs: 0 } });
    await world.advance(1000);
    // By A's list B keeps it, by B's A does.
    let n = 0;
    while (registrarOf(lists.a, `n${n}`) !== "b" || registrarOf(lists.b, `n${n}`) !== "b") n++;
    const fine = register(a, name<string>(`n${n}`), spawnIdle(a.node));
    await world.settle();
    expect(fine.outcome).toEqual({ token: 1 });
    // A third member that is on B's list alone would be the same: whom B does not know it does not hear.
    const c = await world.start("c", { names: { members: lists.a, graceMs: 0 } });
    await world.advance(1000);
    const unheard = register(c, name<string>(`n${n}`), spawnIdle(c.node), 300);
    await world.advance(300);
    expect(unheard.outcome).toEqual({ code: "NAME_TIMEOUT" });
  });

  test("for what is no process of this node, or not alive, is misuse", async () => {
    const { a, b, settle } = await createCluster();
    const Leader = nameAt("a");
    const { names } = a.remote;
    await expect(names.register(Leader, spawnIdle(b.node))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "names.register: pid",
    });
    await expect(
      names.register("leader" as never, spawnIdle(a.node) as never),
    ).rejects.toMatchObject({
      argument: "names.register: name",
    });
    const pid = spawnIdle(a.node);
    a.node.exit(pid, "kill");
    await settle();
    await expect(names.register(Leader, pid)).rejects.toMatchObject({ code: "NO_PROCESS" });
    expect(() => names.whereis({} as never)).toThrow(/names.whereis: name/);
  });
});

describe("the end of remoting", () => {
  const Names = ["leader", "one", "two", "three"].map((one) => name<string>(one));

  test("loses the names of processes that live on, so that no other can have them beside", async () => {
    const { a, b, advance } = await createCluster();
    const pids = Names.map(() => spawnIdle(a.node));
    for (const [index, one] of Names.entries()) register(a, one, pids[index] as Pid<string>);
    await advance(100);
    const seen: unknown[] = [];
    a.remote.names.events.subscribe((event) => seen.push([event.type, event.name]));
    const reasons = pids.map((pid) => a.node.whenExited(pid));
    await Promise.all([a.remote.stop(), advance(0)]);
    expect(await Promise.all(reasons)).toEqual(Names.map((one) => ({ nameLost: one.name })));
    expect(seen.filter((one) => (one as string[])[0] === "lost")).toHaveLength(Names.length);
    expect(Names.map((one) => a.remote.names.whereis(one))).toEqual(Names.map(() => undefined));
    // Those that others keep can be had when the grace is over.
    const others = Names.map((one) => register(b, one, spawnIdle(b.node)));
    await advance(3 * GRACE_MS);
    expect(others.some(({ outcome }) => outcome !== undefined && "token" in outcome)).toBe(true);
  });

  test("is told to whoever waits for a name, whoever keeps it, and who asks later", async () => {
    const cluster = await createCluster();
    const { a, advance } = cluster;
    // Nobody answers, and some names this very node gives only after a while.
    cluster.cut(["a"], ["b", "c"]);
    const asked = Names.map((one) => register(a, one, spawnIdle(a.node)));
    await advance(10);
    const waiting = asked.filter(({ outcome }) => outcome === undefined);
    expect(waiting.length).toBeGreaterThan(0);
    await Promise.all([a.remote.stop(), advance(0)]);
    for (const { outcome } of waiting) {
      expect(["REMOTE_STOPPED", "UNREACHABLE"]).toContain((outcome as { code: string }).code);
    }
    const later = Names.map((one) => register(a, one, spawnIdle(a.node)));
    await advance(0);
    expect(later.map(({ outcome }) => outcome)).toEqual(
      Names.map(() => ({ code: "REMOTE_STOPPED" })),
    );
  });

  test("is told to who waits for what this node itself does not give yet", async () => {
    const world = createRemoteWorld();
    const names = { members: MEMBERS, graceMs: GRACE_MS };
    // Nobody else is there: it knows not what they hold, and waits.
    const a = await world.start("a", { hearMs: HEAR_MS, names });
    const asked = Array.from({ length: 20 }, (_, i) =>
      register(a, name<string>(`name ${i}`), spawnIdle(a.node)),
    );
    await world.advance(10);
    const waiting = asked.filter(({ outcome }) => outcome === undefined);
    expect(waiting.length).toBeGreaterThan(0);
    await Promise.all([a.remote.stop(), world.advance(0)]);
    expect(waiting.map(({ outcome }) => outcome)).toEqual(
      waiting.map(() => ({ code: "REMOTE_STOPPED" })),
    );
  });
});

describe("a message that is none of ours", () => {
  test("about names is ignored, and what a member says of another's names is not believed", async () => {
    const { a, b, c, settle } = await createCluster();
    const Leader = nameAt("c");
    const holder = spawnIdle(a.node);
    register(a, Leader, holder);
    await settle();
    const Service = name<unknown>("coppice:names");
    const say = (message: unknown): void => b.node.send(at("a", Service), message);
    const liar = spawnIdle(b.node);
    for (const message of [
      null,
      [],
      ["set"],
      ["toString"],
      ["set", Leader.name, liar, 99],
      ["lost", Leader.name, 1],
      ["granted", 1, Leader.name, 5],
      ["table", [[Leader.name, liar, 2 ** 53]], true],
      ["claims", -1, [], true],
    ]) {
      say(message);
    }
    // To the registrar, of another's process.
    b.node.send(at("c", Service), ["claim", 7, Leader.name, holder]);
    b.node.send(at("c", Service), ["release", Leader.name, 1]);
    await settle();
    for (const { remote } of [a, c])
      expect(String(remote.names.whereis(Leader))).toBe(String(holder));
    expect(a.node.isAlive(holder)).toBe(true);
  });
});

describe("a store of one's own", () => {
  function createStore(): NameStore & {
    readonly lost: Subject<NameEvent>;
    readonly released: string[];
  } {
    const held = new Map<string, NameHolder>();
    const lost = new Subject<NameEvent>();
    const released: string[] = [];
    return {
      lost,
      released,
      events: lost,
      claim: (key, pid) => {
        held.set(key, { pid, token: 7 });
        return Promise.resolve({ token: 7 });
      },
      release: (key) => void (released.push(key), held.delete(key)),
      find: (key) => held.get(key),
    };
  }

  test.each<["exit" | "event", boolean]>([
    ["exit", false],
    ["event", true],
  ])(
    "is asked, and says who lost a name; with %j the process lives then: %s",
    async (whenLost, lives) => {
      const { start, settle } = createRemoteWorld();
      const store = createStore();
      const { node, remote } = await start("a", { names: { store, whenLost } });
      const Leader = name<string>("leader");
      const [one, two] = [spawnIdle(node), spawnIdle(node)];
      const asked = [await remote.names.register(Leader, one), remote.names.holder(Leader)];
      expect(asked).toEqual([{ token: 7 }, { pid: one, token: 7 }]);
      node.exit(one, "kill");
      await settle();
      expect(store.released).toEqual(["leader"]);
      await remote.names.register(Leader, two);
      store.lost.next({
        type: "lost",
        name: "leader",
        holder: { pid: two, token: 7 },
        why: "conflict",
      });
      await settle();
      expect([node.isAlive(two), store.released]).toEqual([lives, ["leader"]]);
    },
  );

  const Leader = name<string>("leader");
  const failures = ({ nodeEvents }: Member): string[] =>
    nodeEvents.flatMap((event) => (event.type === "report" ? [event.report.format()] : []));

  test.each<[string, () => unknown, string]>([
    ["throws", () => raise(new RangeError("no database")), "no database"],
    ["rejects", () => Promise.reject(new RangeError("no database")), "no database"],
    ["says nothing", () => Promise.resolve(), "what claim gave"],
    ["says nonsense", () => Promise.resolve({ token: "first" }), "what claim gave"],
    ["says that nobody has it", () => Promise.resolve({ takenBy: "bob" }), "what claim gave"],
  ])("that %s when it is asked: who asks is told so", async (_, claim, why) => {
    const { start } = createRemoteWorld();
    const store = { ...createStore(), claim: claim as never };
    const { node, remote } = await start("a", { names: { store } });
    await expect(remote.names.register(Leader, spawnIdle(node))).rejects.toThrow(why);
  });

  test("that does not answer in time: who asks is told, and what is granted later is given back", async () => {
    const { start, advance } = createRemoteWorld();
    const own = createStore();
    const grants: ((claim: { token: number }) => void)[] = [];
    const store = {
      ...own,
      claim: () => new Promise<never>((grant) => grants.push(grant as never)),
    };
    const { node, remote } = await start("a", { names: { store } });
    const pid = spawnIdle(node);
    const register = (): Promise<unknown> =>
      remote.names.register(Leader, pid, { timeoutMs: 100 }).catch((error: unknown) => error);
    const first = register();
    await advance(100);
    expect(await first).toMatchObject({ code: "NAME_TIMEOUT" });
    grants.shift()?.({ token: 1 });
    await advance(0);
    expect(own.released).toEqual(["leader"]);
    // One that is given again what it has by then keeps it.
    const second = register();
    await advance(100);
    expect(await second).toMatchObject({ code: "NAME_TIMEOUT" });
    const third = register();
    grants.pop()?.({ token: 2 });
    expect(await third).toEqual({ token: 2 });
    grants.pop()?.({ token: 2 });
    await advance(0);
    expect(own.released).toEqual(["leader"]);
  });

  test("that fails to release is told of, and neither ends who gave the name back nor keeps other names", async () => {
    const { start, settle } = createRemoteWorld();
    const own = createStore();
    const release = (key: string): unknown => {
      own.released.push(key);
      if (key === "throws") throw new Error("no database");
      return key === "rejects" ? Promise.reject(new Error("no network")) : undefined;
    };
    const member = await start("a", { names: { store: { ...own, release } } });
    const { node, remote } = member;
    const pid = spawnIdle(node);
    for (const key of ["throws", "rejects", "fine"])
      await remote.names.register(name<string>(key), pid);
    node.exit(pid, "kill");
    await settle();
    expect(own.released).toEqual(["throws", "rejects", "fine"]);
    expect(failures(member)).toEqual([
      'the store of names did not release "throws": Error: no database',
      'the store of names did not release "rejects": Error: no network',
    ]);
  });

  test("whose events are nonsense, or break, is told of, and nobody ends of it", async () => {
    const { start, settle } = createRemoteWorld();
    const store = createStore();
    const member = await start("a", { names: { store } });
    const { node, remote } = member;
    const seen: unknown[] = [];
    remote.names.events.subscribe({
      next: (event) => seen.push(event),
      complete: () => seen.push("complete"),
    });
    const pid = spawnIdle(node);
    await remote.names.register(Leader, pid);
    for (const event of [null, 5, { type: "lost" }, { type: "lost", name: "leader", holder: 1 }]) {
      store.lost.next(event as never);
    }
    store.lost.error(new Error("no stream"));
    await settle();
    expect([node.isAlive(pid), seen]).toEqual([true, ["complete"]]);
    expect(failures(member)).toEqual([
      "the store of names said what is no event of a name: null",
      "the store of names said what is no event of a name: 5",
      'the store of names said what is no event of a name: {"type":"lost"}',
      'the store of names said what is no event of a name: {"type":"lost","name":"leader","holder":1}',
      "the store of names tells no more who has lost a name: Error: no stream",
    ]);
    const silly = { ...store, find: () => 5 as never };
    const other = await start("b", { names: { store: { ...silly, events: EMPTY } } });
    expect(() => other.remote.names.whereis(Leader)).toThrow("what find returned");
  });

  test.each<[string, object | undefined]>([
    ["names", undefined],
    ["names.members", { members: [] }],
    ["names.members", { members: ["a", "a"] }],
    ["names.members", { members: ["b", "c"] }],
    ["names.graceMs", { members: ["a"], graceMs: -1 }],
    ["names.whenLost", { members: ["a"], whenLost: "kill" }],
    ["names.store.find", { store: { claim: () => {}, release: () => {}, events: EMPTY } }],
    ["names", { members: ["a"], more: 1 }],
  ])("or members are needed: options.%s is refused in %j", async (option, names) => {
    const { start } = createRemoteWorld();
    const begun = (async () =>
      (await start("a", names && { names: names as never })).remote.names)();
    await expect(begun).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: `startRemote: options.${option}`,
    });
  });
});
