/**
 * What happens between nodes when networks and machines fail, in virtual time and under many seeds. What
 * only real processes, cables and clocks show is in `npm run faults`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import {
  at,
  name,
  type Call,
  type Clock,
  type Down,
  type Exit,
  type Node,
  type Pid,
} from "@coppice/core";
import { LOOPBACK_ROWS } from "../tools/fault-rows.js";
import { NETWORK_ROWS } from "../tools/fault-rows-net.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

type Echo = Call<unknown, unknown>;
const EchoName = name<Echo>("echo");
const Order = name<readonly [string, number]>("order");

function startEcho(node: Node): Pid<Echo> {
  const pid = node.spawn<Echo>(async (self) => {
    self.trapExits(() => ({ type: "call", request: "exit", from: undefined }) as never);
    for (;;) {
      const { from, request } = await self.receive();
      if (request !== "exit") self.reply(from, request === "pid" ? self.pid : request);
    }
  });
  node.register(EchoName, pid);
  return pid;
}

/** Keeps what came of each sender, in order. */
function startOrder(node: Node): Map<string, number[]> {
  const got = new Map<string, number[]>();
  const pid = node.spawn<readonly [string, number]>(async (self) => {
    for (;;) {
      const [sender, n] = await self.receive();
      const list = got.get(sender);
      if (list === undefined) got.set(sender, [n]);
      else list.push(n);
    }
  });
  node.register(Order, pid);
  return got;
}

/** Numbers from 0 to below 1, the same for a seed each time (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function createPair(): Promise<RemoteWorld & { a: Member; b: Member }> {
  const world = createRemoteWorld();
  const a = await world.start("a");
  const b = await world.start("b");
  startEcho(a.node);
  startEcho(b.node);
  await Promise.all([a.remote.connect("b"), world.settle()]);
  return { ...world, a, b };
}

/** So many monitors and links of the echo at `b`, each with what it was told. */
async function watch(
  { settle, a }: Pick<RemoteWorld, "settle"> & { readonly a: Member },
  count: number,
): Promise<unknown[][]> {
  const asked = a.node.call(at("b", EchoName), "pid");
  await settle();
  const pid = (await asked) as Pid<Echo>;
  const told = Array.from({ length: 2 * count }, (): unknown[] => []);
  for (const [i, mine] of told.entries()) {
    a.node.spawn<Down | Exit>(async (self) => {
      self.trapExits();
      if (i < count) self.monitor(i % 2 === 0 ? pid : at("b", EchoName));
      else self.link(pid);
      for (;;) mine.push((await self.receive()).reason);
    });
  }
  await settle();
  return told;
}

describe("kill -9 peer", () => {
  test("each watcher is told noconnection once, no table keeps anything, and the next life answers", async () => {
    const world = await createPair();
    const { a, network, settle, advance } = world;
    const told = await watch(world, 2_000);
    network.crash("b");
    await settle();
    expect(told.every((mine) => mine.length === 1 && mine[0] === "noconnection")).toBe(true);
    const next = await world.start("b");
    startEcho(next.node);
    await advance(10_000);
    const asked = a.node.call(at("b", EchoName), 1);
    await settle();
    expect(await asked).toBe(1);
    expect(a.remote.nodes()).toMatchObject([{ links: 0, monitors: 0 }]);
    expect(told.every((mine) => mine.length === 1)).toBe(true);
  });
});

describe("pause shorter and longer than hear", () => {
  test.each([
    [15_000, false],
    [30_000, true],
  ])("of %i ms: the session is lost: %s", async (pauseMs, isLost) => {
    const world = await createPair();
    const { a, b, network, settle, advance } = world;
    const told = await watch(world, 10);
    network.fault("a", "b", { mode: "hold" });
    network.fault("b", "a", { mode: "hold" });
    await advance(pauseMs);
    network.fault("a", "b", {});
    network.fault("b", "a", {});
    await advance(1_000);
    expect(told.every((mine) => mine.length === (isLost ? 1 : 0))).toBe(true);
    expect(a.events.filter(({ type }) => type === "down")).toHaveLength(isLost ? 1 : 0);
    expect(b.events.filter(({ type }) => type === "down")).toHaveLength(isLost ? 1 : 0);
    const asked = a.node.call(at("b", EchoName), 1);
    await settle();
    expect(await asked).toBe(1);
  });
});

/** The clock of a node that can stand still while time goes on: what was due meanwhile is late. */
function stoppable(clock: Clock): Clock & { stop(): void; go(): void } {
  const late = new Map<unknown, () => void>();
  let isStopped = false;
  return {
    now: () => clock.now(),
    set: (wake, delayMs) => {
      const handle: unknown = clock.set(() => {
        if (isStopped) late.set(handle, wake);
        else wake();
      }, delayMs);
      return handle;
    },
    clear: (handle) => {
      late.delete(handle);
      clock.clear(handle);
    },
    stop: () => (isStopped = true),
    go: () => {
      isStopped = false;
      for (const [handle, wake] of late) if (late.delete(handle)) wake();
    },
  };
}

describe("loop stall", () => {
  test.each([
    [3_000, []],
    [15_000, ["stalled"]],
  ])(
    "of %i ms, of one side: nobody is given up, and that node tells: %j",
    async (stallMs, told) => {
      const world = createRemoteWorld();
      const { network, settle, advance } = world;
      const clock = stoppable(world.clock);
      const a = await world.start("a");
      const b = await world.start("b", {}, { clock });
      startEcho(b.node);
      // With however many nodes it is connected, it tells of one stall once.
      for (const name of ["c", "d"]) {
        const other = await world.start(name);
        await Promise.all([other.remote.connect("b"), settle()]);
      }
      await Promise.all([a.remote.connect("b"), settle()]);
      const watched = await watch({ ...world, a }, 10);
      await advance(1_000);
      // It runs nothing and reads nothing: what is said to it waits.
      clock.stop();
      for (const name of ["a", "c", "d"]) network.fault(name, "b", { mode: "hold" });
      await advance(stallMs);
      for (const name of ["a", "c", "d"]) network.fault(name, "b", {});
      clock.go();
      await advance(1_000);
      expect(b.events.slice(3).map(({ type }) => type)).toEqual(told);
      await advance(60_000);
      expect([a.remote.nodes().length, a.events.length, watched.flat()]).toEqual([1, 1, []]);
      const asked = a.node.call(at("b", EchoName), 1);
      await settle();
      expect(await asked).toBe(1);
    },
  );
});

describe("big beside small", () => {
  test("calls are answered in the first of what a big message takes, and each pair keeps its order", async () => {
    const world = await createPair();
    const { a, b, network, settle, advance } = world;
    const got = startOrder(b.node);
    // Each frame takes a while on its way: a message of 6 MiB has 96 of them.
    network.fault("a", "b", { latencyMs: 20 });
    const sender = a.node.spawn<never>(async (self) => {
      for (let n = 0; n < 2; n++) {
        self.send(at("b", Order), ["a", n, new Uint8Array(6 << 20)] as never);
        self.send(at("b", Order), ["a", n + 0.5]);
      }
      await self.sleep(1e9);
    });
    await settle();
    const answers: number[] = [];
    for (let i = 0; i < 10; i++) {
      const before = a.node.now();
      const asked = a.node.call(at("b", EchoName), i);
      void asked.then(() => answers.push(a.node.now() - before));
      await advance(50);
    }
    expect(answers).toHaveLength(10);
    expect(Math.max(...answers)).toBeLessThanOrEqual(40);
    await advance(60_000);
    expect([got.get("a"), a.node.isAlive(sender)]).toEqual([[0, 0.5, 1, 1.5], true]);
  });
});

describe("simultaneous dial", () => {
  test("of a thousand, at all sorts of delays, each is one session, and both sides agree which", async () => {
    for (let seed = 0; seed < 1_000; seed++) {
      const random = chance(seed);
      const world = createRemoteWorld();
      const [a, b] = [await world.start("a"), await world.start("b")];
      world.network.fault("a", "b", { latencyMs: Math.floor(random() * 4) });
      world.network.fault("b", "a", { latencyMs: Math.floor(random() * 4) });
      const both = Promise.allSettled([
        a.remote.connect("b"),
        random() < 0.5 ? world.settle() : undefined,
        b.remote.connect("a"),
      ]);
      await world.advance(50);
      await both;
      const sessions = [
        a.remote.nodes().length,
        b.remote.nodes().length,
        world.network.connections,
      ];
      expect([seed, ...sessions]).toEqual([seed, 1, 1, 1]);
      const ups = [a, b].map(({ events }) => events.filter(({ type }) => type === "up").length);
      expect([seed, ...ups]).toEqual([seed, 1, 1]);
    }
  }, 60_000);
});

describe("mid-handshake death", () => {
  test.each([0, 1, 2, 3])(
    "after %i messages: the slot is free in time, and who dials tries again",
    async (messages) => {
      for (const end of ["cut", "silent"] as const) {
        const world = createRemoteWorld();
        const b = await world.start("b", {
          limits: { handshakeMs: 1_000, maxHandshakes: 1, maxHandshakesPerAddress: 1 },
        });
        let passed = 0;
        const alter = (frame: Uint8Array): Uint8Array | undefined => {
          if (passed++ < messages) return frame;
          if (end === "cut") queueMicrotask(() => world.network.sever("a", "b"));
          return undefined;
        };
        world.network.fault("a", "b", { alter });
        world.network.fault("b", "a", { alter });
        const a = await world.start("a", { join: ["memory://b"], limits: { handshakeMs: 1_000 } });
        await world.advance(900);
        expect(a.remote.nodes()).toEqual([]);
        world.network.fault("a", "b", {});
        world.network.fault("b", "a", {});
        await world.advance(8_000);
        expect(a.remote.nodes()).toMatchObject([{ name: "b" }]);
        expect(b.remote.nodes()).toMatchObject([{ name: "a" }]);
      }
    },
  );
});

describe("truncated or corrupted frame", () => {
  test("at every offset, cut or changed in any way: nothing of it is dispatched, or all of it; the node goes on", async () => {
    const frameBytes = 60;
    for (let offset = 0; offset < frameBytes; offset++) {
      for (const how of ["cut", "flip", "zero"] as const) {
        const { a, b, network, settle } = await createPair();
        const got: unknown[] = [];
        const Pair = name<unknown>("pair");
        b.node.register(
          Pair,
          b.node.spawn<unknown>(async (self) => {
            for (;;) got.push(await self.receive());
          }),
        );
        network.fault("a", "b", {
          alter: (frame) => {
            if (offset >= frame.length) return frame;
            if (how === "cut") return frame.subarray(0, offset);
            const changed = Uint8Array.from(frame);
            changed[offset] = how === "zero" ? 0 : (changed[offset] as number) ^ 0xff;
            return changed;
          },
        });
        // Two signals of one turn are one frame.
        a.node.send(at("b", Pair), "first message");
        a.node.send(at("b", Pair), "second message");
        await settle();
        const ended = b.events.find(({ type }) => type === "down");
        if (ended !== undefined) {
          expect([how, offset, got]).toEqual([how, offset, []]);
          expect([CLOSE_CODES.PROTOCOL, CLOSE_CODES.LIMIT]).toContain(
            (ended as { code: number }).code,
          );
        }
        if (how === "cut" && offset < 40)
          expect([offset, ended === undefined]).toEqual([offset, false]);
        expect(b.node.counts.crashes).toBe(0);
      }
    }
  }, 60_000);
});

describe("flapping, cuts and crashes, at the will of a seed", () => {
  test.each([0, 1, 2, 3])(
    "order is never inverted, nothing comes twice, each watch is answered once, and all is well again (%i)",
    async (part) => {
      for (let seed = part * 75; seed < part * 75 + 75; seed++) {
        const random = chance(seed + 1);
        const world = createRemoteWorld();
        const members = [await world.start("a"), await world.start("b"), await world.start("c")];
        const orders = members.map(({ node }) => startOrder(node));
        for (const { node } of members) startEcho(node);
        const watches: unknown[][] = [];
        const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
        const numbers = new Map<string, number>();
        for (let step = 0; step < 60; step++) {
          const from = pick(members);
          const to = pick(members.filter((other) => other !== from));
          const [x, y] = [from.node.name, to.node.name];
          const what = random();
          if (what < 0.5) {
            for (let i = Math.floor(random() * 5); i >= 0; i--) {
              const n = numbers.get(x + y) ?? 0;
              numbers.set(x + y, n + 1);
              from.node.send(at(y, Order), [x, n]);
            }
          } else if (what < 0.65) {
            const mine: unknown[] = [];
            watches.push(mine);
            from.node.spawn<Down>(async (self) => {
              self.monitor(at(y, EchoName));
              for (;;) mine.push((await self.receive()).reason);
            });
          } else if (what < 0.75) world.network.fault(x, y, { mode: "hold" });
          else if (what < 0.85) world.network.fault(x, y, { latencyMs: random() * 30 });
          else if (what < 0.95) world.network.sever(x, y);
          else world.network.fault(x, y, { mode: "lose" });
          if (random() < 0.5) await world.settle();
          else await world.advance(Math.floor(random() * 3_000));
        }
        for (const x of ["a", "b", "c"]) {
          for (const y of ["a", "b", "c"]) if (x !== y) world.network.fault(x, y, {});
        }
        await world.advance(60_000);
        for (const got of orders) {
          for (const list of got.values()) {
            const isRising = list.every((n, i) => i === 0 || n > (list[i - 1] as number));
            expect([seed, isRising, list]).toEqual([seed, true, list]);
          }
        }
        for (const { node } of members) {
          for (const other of members) {
            if (other.node === node) continue;
            const asked = node.call(at(other.node.name, EchoName), seed);
            await world.advance(20_000);
            expect([seed, await asked.catch((error: unknown) => String(error))]).toEqual([
              seed,
              seed,
            ]);
          }
        }
        for (const { remote } of members)
          for (const { name: node } of remote.nodes()) remote.disconnect(node);
        await world.settle();
        const answers = watches.map((mine) => mine.join());
        expect([seed, answers]).toEqual([seed, watches.map(() => "noconnection")]);
      }
    },
    60_000,
  );
});

test("each fault of docs/faults.md has its test and its row, and each row is on that page", () => {
  const folder = new URL(".", import.meta.url);
  const read = (path: string): string => readFileSync(new URL(path, folder), "utf8");
  const cells = (line: string): string[] => line.split("|").map((cell) => cell.trim());
  const [, , ...lines] = read("../../../docs/faults.md")
    .split("\n")
    .filter((line) => line.startsWith("|"));
  const faults = lines.map(cells);
  const tests = readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts"))
    .map(read)
    .join("\n");
  for (const [, , , title = ""] of faults) expect(tests).toContain(`"${title}`);
  const rows = [...LOOPBACK_ROWS, ...NETWORK_ROWS].map(({ name: row }) => row);
  const named = faults.flatMap(([, , , , row]) => (row === "–" ? [] : [row]));
  expect(named.toSorted()).toEqual(rows.toSorted());
});
