import { describe, expect, test } from "@jest/globals";
import { NoProcessError, type AnyPid, type Exit, type Handler, type Pid } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { exploreAll } from "./races.js";
import { createWorld, idle, obey, puppetOf, spawnDead, spawnPuppet, type World } from "./world.js";

/** Two puppets, the first of which traps exits. */
async function twoPuppets(): Promise<World & Record<"a" | "b", ReturnType<typeof spawnPuppet>>> {
  const world = createWorld();
  const a = spawnPuppet(world.node);
  const b = spawnPuppet(world.node);
  await a.do((self) => self.trapExits());
  return { ...world, a, b };
}

describe("a link", () => {
  test("ends both: when one ends, the other gets an exit signal with its reason", async () => {
    const { node } = createWorld();
    const [a, b] = [spawnPuppet(node), spawnPuppet(node)];
    await a.do((self) => self.link(b.pid));
    const ended = node.whenExited(a.pid);
    node.exit(b.pid, { shutdown: "enough" });
    await quiesce();
    expect(await ended).toEqual({ shutdown: "enough" });
  });

  test.each(["a", "b"] as const)(
    "has two ends alike: it does not matter that %s ends",
    async (who) => {
      const { node } = createWorld();
      const puppets = { a: spawnPuppet(node), b: spawnPuppet(node) };
      await puppets.a.do((self) => self.link(puppets.b.pid));
      node.exit(puppets[who].pid, "boom");
      await quiesce();
      expect(node.processes()).toEqual([]);
    },
  );

  test("with a process that ends normally does not end the other", async () => {
    const { node } = createWorld();
    const [a, b] = [spawnPuppet(node), spawnPuppet(node)];
    await a.do((self) => self.link(b.pid));
    await b.do((self) => self.exit("normal")).catch(() => undefined);
    await quiesce();
    expect([node.processes(), node.processInfo(a.pid)?.links]).toEqual([[a.pid], []]);
  });

  test("of a process that traps exits becomes a message from the one that ended", async () => {
    const { node, a, b } = await twoPuppets();
    await a.do((self) => self.link(b.pid));
    node.exit(b.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(a.pid)).toEqual([{ type: "exit", from: b.pid, reason: "boom" }]);
  });

  test("tells its exit reason once, however often it was made, by whom ever", async () => {
    const { node, a, b } = await twoPuppets();
    await a.do((self) => void (self.link(b.pid), self.link(b.pid)));
    await b.do((self) => void (self.link(a.pid), self.link(a.pid)));
    expect([a, b].map(({ pid }) => node.processInfo(pid)?.links)).toEqual([[b.pid], [a.pid]]);
    node.exit(b.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(a.pid)).toHaveLength(1);
  });

  test("is there on both sides as soon as it is made", async () => {
    const { node, a, b } = await twoPuppets();
    await a.do((self) => self.link(b.pid));
    expect([a, b].map(({ pid }) => node.processInfo(pid)?.links)).toEqual([[b.pid], [a.pid]]);
  });

  test("with oneself is nothing", async () => {
    const { node, a } = await twoPuppets();
    await a.do((self) => self.link(self.pid));
    expect(node.processInfo(a.pid)?.links).toEqual([]);
    node.exit(a.pid, "kill");
    expect(node.processes()).toHaveLength(1);
  });

  test("with the dead throws NoProcessError where exits are not trapped", async () => {
    const { node } = createWorld();
    const dead = await spawnDead(node);
    const a = spawnPuppet(node);
    const linking = a.do((self) => self.link(dead));
    await expect(linking).rejects.toThrow(NoProcessError);
    await expect(linking).rejects.toMatchObject({ code: "NO_PROCESS", target: "<demo.1>" });
    expect([node.isAlive(a.pid), node.processInfo(a.pid)?.links]).toEqual([true, []]);
  });

  test("with the dead is told as noproc where exits are trapped", async () => {
    const { node, a } = await twoPuppets();
    const dead = await spawnDead(node);
    await a.do((self) => self.link(dead));
    expect(node.mailboxOf(a.pid)).toEqual([{ type: "exit", from: dead, reason: "noproc" }]);
    expect(node.processInfo(a.pid)?.links).toEqual([]);
  });

  test("with a process of a node that is out of reach is told as noconnection", async () => {
    const { node, a } = await twoPuppets();
    const far = createWorld({ name: "far" }).node.spawn(idle);
    await a.do((self) => self.link(far));
    expect(node.mailboxOf(a.pid)).toEqual([{ type: "exit", from: far, reason: "noconnection" }]);
    expect(node.processInfo(a.pid)?.links).toEqual([]);
  });

  /** Unwinds for 10 ms when it is told to exit. */
  function spawnSlow({ node, clock }: Pick<World, "node" | "clock">): Pid<unknown> {
    return node.spawn<unknown>(async (self) => {
      try {
        await self.receive();
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 10));
      }
    });
  }

  test("with a process that is exiting finds nobody: noproc, as in OTP", async () => {
    const world = await twoPuppets();
    const { node, clock, a } = world;
    const slow = spawnSlow(world);
    await quiesce();
    node.exit(slow, "boom");
    await a.do((self) => self.link(slow));
    const noproc = [{ type: "exit", from: slow, reason: "noproc" }];
    expect(node.mailboxOf(a.pid)).toEqual(noproc);
    await expect(spawnPuppet(node).do((self) => self.link(slow))).rejects.toThrow(NoProcessError);
    await clock.advance(10);
    expect(node.mailboxOf(a.pid)).toEqual(noproc);
  });

  test("that is there already stays when it is made again while the other is exiting; that finds nobody", async () => {
    const world = await twoPuppets();
    const { node, clock, a } = world;
    const slow = spawnSlow(world);
    await a.do((self) => self.link(slow));
    node.exit(slow, "boom");
    // OTP looks for the process before it looks for the link.
    await a.do((self) => self.link(slow));
    await clock.advance(10);
    expect(node.mailboxOf(a.pid)).toEqual([
      { type: "exit", from: slow, reason: "noproc" },
      { type: "exit", from: slow, reason: "boom" },
    ]);
  });

  test("passes a crash on with the very error", async () => {
    const { node, a } = await twoPuppets();
    const boom = new Error("boom");
    await a.do((self) =>
      self.spawnLink(async () => {
        throw boom;
      }),
    );
    await quiesce();
    const [exit] = node.mailboxOf(a.pid) as Exit[];
    expect((exit?.reason as { error: Error }).error).toBe(boom);
  });

  test("passes an end on from process to process, with the reason of the first", async () => {
    const { node } = createWorld();
    const puppets = [1, 2, 3, 4].map(() => spawnPuppet(node));
    for (const [i, puppet] of puppets.slice(1).entries()) {
      await puppet.do((self) => self.link(puppets[i]?.pid as AnyPid));
    }
    const ended = node.whenExited(puppets[3]?.pid as AnyPid);
    node.exit(puppets[0]?.pid as AnyPid, "boom");
    await quiesce();
    expect([await ended, node.processes()]).toEqual(["boom", []]);
  });

  test("in a ring ends all once, and with one reason", async () => {
    const { node, events } = createWorld();
    const puppets = [1, 2, 3, 4, 5].map(() => spawnPuppet(node));
    for (const [i, puppet] of puppets.entries()) {
      await puppet.do((self) => self.link(puppets[(i + 1) % 5]?.pid as AnyPid));
    }
    node.exit(puppets[2]?.pid as AnyPid, "boom");
    await quiesce();
    const exited = events.filter((event) => event.type === "exited");
    expect(exited.map(({ reason }) => reason)).toEqual(Array(5).fill("boom"));
  });
});

describe("unlink", () => {
  test("takes the link away on both sides: neither end tells the other any more", async () => {
    const { node, a, b } = await twoPuppets();
    await b.do((self) => self.link(a.pid));
    await a.do((self) => self.unlink(b.pid));
    expect([a, b].map(({ pid }) => node.processInfo(pid)?.links)).toEqual([[], []]);
    node.exit(b.pid, "boom");
    await quiesce();
    expect([node.mailboxOf(a.pid), node.isAlive(a.pid)]).toEqual([[], true]);
  });

  test("of what is not linked is nothing", async () => {
    const { node, a, b } = await twoPuppets();
    const dead = await spawnDead(node);
    await a.do((self) => {
      self.unlink(b.pid);
      self.unlink(dead);
      self.unlink(self.pid);
    });
    expect(node.isAlive(a.pid)).toBe(true);
  });

  test("leaves an Exit that is in the mailbox already", async () => {
    const { node, a, b } = await twoPuppets();
    await a.do((self) => self.link(b.pid));
    node.exit(b.pid, "boom");
    await quiesce();
    await a.do((self) => self.unlink(b.pid));
    expect(node.mailboxOf(a.pid)).toHaveLength(1);
  });

  test("and link again makes a link like the first", async () => {
    const { node, a, b } = await twoPuppets();
    await a.do((self) => {
      self.link(b.pid);
      self.unlink(b.pid);
      self.link(b.pid);
    });
    expect([a, b].map(({ pid }) => node.processInfo(pid)?.links)).toEqual([[b.pid], [a.pid]]);
    node.exit(b.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(a.pid)).toHaveLength(1);
  });

  test("of one of many leaves the others", async () => {
    const { node, a } = await twoPuppets();
    const others = await a.do((self) => [1, 2, 3].map(() => self.spawnLink(obey)));
    await a.do((self) => self.unlink(others[0] as AnyPid));
    expect(node.processInfo(a.pid)?.links).toEqual(others.slice(1));
    await puppetOf(node, others[1] as Pid<unknown>).do((self) => self.unlink(a.pid));
    expect(node.processInfo(a.pid)?.links).toEqual(others.slice(2));
    for (const pid of others) node.exit(pid, "boom");
    await quiesce();
    expect((node.mailboxOf(a.pid) as Exit[]).map(({ from }) => from)).toEqual(others.slice(2));
  });
});

describe("many links", () => {
  test("a chain of 100 000 dies from end to end without overflowing the stack", async () => {
    const { node, events } = createWorld();
    const member: Handler<AnyPid, null> = {
      init: () => null,
      message: (state, next, self) => {
        self.link(next);
        return state;
      },
    };
    const chain = Array.from({ length: 100_000 }, () => node.spawn(member));
    await quiesce();
    for (const [i, pid] of chain.slice(1).entries()) node.send(pid, chain[i] as AnyPid);
    await quiesce();
    expect(node.processInfo(chain[5] as AnyPid)?.links).toEqual([chain[4], chain[6]]);
    node.exit(chain[0] as AnyPid, "boom");
    await quiesce();
    const exited = events.filter((event) => event.type === "exited");
    expect([node.counts.processes, exited.length]).toEqual([0, 100_000]);
    expect(exited.every(({ reason }) => reason === "boom")).toBe(true);
  });

  test("a chain of 10 000 bodies unwinds from end to end", async () => {
    const { node } = createWorld();
    let unwound = 0;
    let previous: AnyPid | undefined;
    for (let i = 0; i < 10_000; i++) {
      const before = previous;
      previous = node.spawn(async (self) => {
        if (before !== undefined) self.link(before);
        try {
          await self.receive();
        } finally {
          unwound++;
        }
      });
    }
    await quiesce();
    node.exit(previous as AnyPid, "shutdown");
    await quiesce();
    expect([node.counts.processes, unwound]).toEqual([0, 10_000]);
  });

  test("a process with 10 000 links tells each of them", async () => {
    const { node, a } = await twoPuppets();
    const others = await a.do((self) => Array.from({ length: 10_000 }, () => self.spawnLink(idle)));
    expect(node.processInfo(a.pid)?.links).toEqual(others);
    node.exit(a.pid, "kill");
    await quiesce();
    expect(node.counts.processes).toBe(1);
  });
});

describe("crossing links, unlinks and ends, in every order in which their signals can arrive", () => {
  type Act = "link" | "unlink" | "exit";

  /** What one side did and was told, in order. */
  type Log = (Act | "told boom" | "told noproc")[];

  interface Side {
    readonly pid: Pid<Act>;
    readonly log: Log;
  }

  /** Does what it is sent to the other side, and remembers the exits it is told of. */
  function side(log: Log, peer: () => AnyPid, linkAtOnce: boolean): Handler<Act | Exit, null> {
    return {
      init: (self) => {
        self.trapExits();
        if (linkAtOnce) self.link(peer());
        return null;
      },
      message: (state, message, self) => {
        if (typeof message !== "string") {
          log.push(message.reason === "noproc" ? "told noproc" : "told boom");
          return state;
        }
        log.push(message);
        if (message === "link") self.link(peer());
        else if (message === "unlink") self.unlink(peer());
        else self.exit("boom");
        return state;
      },
    };
  }

  interface Case {
    readonly linked: boolean;
    readonly scripts: readonly [readonly Act[], readonly Act[]];
  }

  function explore(
    { linked, scripts }: Case,
    check: (
      sides: [Side, Side],
      links: (readonly AnyPid[] | undefined)[],
      run: () => string,
    ) => void,
  ): Promise<number> {
    return exploreAll<[Side, Side]>({
      setUp: (node) => {
        const sides: Side[] = [];
        for (const other of [1, 0]) {
          const log: Log = [];
          const handler = side(log, () => sides[other]?.pid as AnyPid, linked && other === 1);
          sides.push({ pid: node.spawn(handler), log });
        }
        return sides as [Side, Side];
      },
      act: (sides, node) => {
        for (const [i, { pid }] of sides.entries()) {
          for (const act of scripts[i] ?? []) node.send(pid, act);
        }
      },
      check: (sides, node, order) => {
        const links = sides.map(({ pid }) => node.processInfo(pid)?.links);
        check(sides, links, () => `${JSON.stringify(sides.map(({ log }) => log))}\n${order()}`);
      },
    });
  }

  const acts: Act[] = ["link", "unlink", "exit"];
  const scripts: Act[][] = [
    [],
    ...acts.map((act) => [act]),
    ...(["link", "unlink"] as const).flatMap((first) => acts.map((act) => [first, act])),
  ];
  const cases: Case[] = [true, false].flatMap((linked) => [
    // Who is first makes no difference.
    ...scripts.flatMap((a, i) => scripts.slice(i).map((b): Case => ({ linked, scripts: [a, b] }))),
    ...scripts.map((a): Case => ({ linked, scripts: [a, ["unlink", "link", "unlink"]] })),
    ...scripts.map((a): Case => ({ linked, scripts: [a, ["link", "unlink", "exit"]] })),
  ]);

  test("both sides agree at the end whether they are linked, and nobody is linked to the dead", async () => {
    let schedules = 0;
    for (const each of cases) {
      schedules += await explore(each, ([a, b], [ofA, ofB], run) => {
        const agree = (ofA?.includes(b.pid) ?? false) === (ofB?.includes(a.pid) ?? false);
        if (!agree) throw new Error(`one side alone is linked: ${run()}`);
      });
    }
    expect(schedules).toBe(1_895);
  });

  test("after unlink has returned nothing of the link arrives, unless one of them links again", async () => {
    let schedules = 0;
    for (const { linked, scripts } of cases) {
      for (const [mine, others] of [scripts, scripts.toReversed()] as [Act[], Act[]][]) {
        // What the other links by itself is another link.
        if (!mine.includes("unlink") || others.includes("link")) continue;
        schedules += await explore(
          { linked, scripts: [mine, others] },
          ([{ log }], _links, run) => {
            const unlinked = log.lastIndexOf("unlink");
            const told = Math.max(log.lastIndexOf("told boom"), log.lastIndexOf("told noproc"));
            const linkedAgain = log.lastIndexOf("link") > unlinked;
            if (unlinked !== -1 && told > unlinked && !linkedAgain) {
              throw new Error(`told after unlink: ${run()}`);
            }
          },
        );
      }
    }
    expect(schedules).toBe(689);
  });

  test("a link that nobody takes away tells of the end exactly once", async () => {
    for (const { linked, scripts } of cases) {
      const [mine, others] = scripts;
      if ([...mine, ...others].includes("unlink")) continue;
      if (mine.includes("exit") || !others.includes("exit")) continue;
      await explore({ linked, scripts }, ([{ log }], _links, run) => {
        let isLinked = linked;
        // Made by the other: one more, when ours was over before it arrived.
        let linksOfOther = others.includes("link") ? 1 : 0;
        for (const [i, entry] of log.entries()) {
          const isRefused = entry === "link" && log[i + 1] === "told noproc";
          const saysRefused = entry === "told noproc" && log[i - 1] === "link";
          // To look for the dead once more is told at once, and changes nothing.
          if (isRefused || saysRefused) continue;
          if (entry === "link") isLinked = true;
          else if (isLinked) isLinked = false;
          else if (linksOfOther-- === 0) throw new Error(`told once too often: ${run()}`);
        }
        if (isLinked) throw new Error(`not told: ${run()}`);
      });
    }
  });

  test("a process that traps no exits survives the end of what it has unlinked", async () => {
    const count = await exploreAll<Record<"a" | "b", Pid<string>>>({
      setUp: (node) => {
        const b = node.spawn<string>({
          init: () => null,
          message: (_state, _exit, self) => self.exit("boom"),
        });
        const a = node.spawn<string>({
          init: (self) => self.link(b),
          message: (_state, _unlink, self) => {
            self.unlink(b);
            self.setLabel("unlinked");
          },
        });
        return { a, b };
      },
      act: ({ a, b }, node) => {
        node.send(a, "unlink");
        node.send(b, "exit");
      },
      check: ({ a }, node, order) => {
        // Either it died of the link before it could unlink, or it lives.
        const hasUnlinked = node.processInfo(a)?.label === "unlinked";
        if (node.isAlive(a) !== hasUnlinked) throw new Error(order());
      },
    });
    expect(count).toBe(3);
  });
});
