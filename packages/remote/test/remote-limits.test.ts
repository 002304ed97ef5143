import { describe, expect, test } from "@jest/globals";
import { at, createNode, name, type AnyPid, type Down, type Exit } from "@coppice/core";
import { startRemote } from "../src/start-remote.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createRemoteWorld } from "./remote-world.js";

const Target = name<never>("target");

async function createPair(limits: object) {
  const world = createRemoteWorld();
  const a = await world.start("a");
  const b = await world.start("b", { limits });
  const pid = b.node.spawn<never>(async (self) => self.sleep(1e9));
  b.node.register(Target, pid);
  await Promise.all([a.remote.connect("b"), world.settle()]);
  return { ...world, a, b, pid };
}

describe("the tables of a session", () => {
  test("hold so many monitors: one more is told limit; what is taken back makes room", async () => {
    const { a, b, settle } = await createPair({ maxMonitors: 4, maxMonitorsPerProcess: 3 });
    const reasons: unknown[] = [];
    const refs: unknown[] = [];
    const watch = (count: number) =>
      a.node.spawn<Down | "free">(async (self) => {
        for (let i = 0; i < count; i++) refs.push(self.monitor(at("b", Target)));
        for (;;) {
          const message = await self.receive();
          if (message === "free") {
            self.demonitor(refs[0] as never);
            self.monitor(at("b", Target));
          } else reasons.push(message.reason);
        }
      });
    const first = watch(5);
    await settle();
    expect(reasons).toEqual(["limit", "limit"]);
    watch(3);
    await settle();
    expect(reasons).toEqual(["limit", "limit", "limit", "limit"]);
    expect(b.remote.breaches).toEqual({ maxMonitorsPerProcess: 2, maxMonitors: 2 });
    a.node.send(first, "free");
    await settle();
    expect([reasons.length, b.remote.nodes()[0]?.monitors]).toEqual([4, 4]);
  });

  test("hold so many links, and are empty when the session is over", async () => {
    const { a, b, pid, settle, network } = await createPair({ maxLinks: 2 });
    const Told = name<unknown>("told");
    let target: AnyPid | undefined;
    const teller = a.node.spawn<unknown>(async (self) => {
      target = (await self.receive()) as AnyPid;
    });
    a.node.register(Told, teller);
    b.node.send(at("a", Told), pid);
    await settle();
    const reasons: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      a.node.spawn<Exit>(async (self) => {
        self.trapExits();
        self.link(target as AnyPid);
        reasons.push((await self.receive()).reason);
      });
    }
    await settle();
    expect(reasons).toEqual(["limit"]);
    expect(b.remote.breaches).toEqual({ maxLinks: 1 });
    network.sever("a", "b");
    await settle();
    expect(reasons).toEqual(["limit", "noconnection", "noconnection"]);
    expect([a.remote.nodes(), b.remote.nodes()]).toEqual([[], []]);
  });
});

test("a half-open session gives way to who has its name, when it does not answer", async () => {
  const { a, network, advance } = await createPair({});
  // The cable to b is pulled; another b, elsewhere, comes meanwhile.
  network.fault("a", "b", { mode: "hold" });
  network.fault("b", "a", { mode: "hold" });
  const other = createNode({ name: "b", logger: false });
  const remote = await startRemote(
    other,
    {
      insecure: true,
      diallers: [{ accepts: () => true, dial: () => network.dial("elsewhere", "memory://a") }],
    },
    {},
  );
  const connected = remote.connect("memory://a").catch((error: unknown) => error);
  await advance(1_500);
  expect(await connected).toEqual({ name: "a", incarnation: a.node.incarnation });
  expect(a.events.map(({ type }) => type)).toEqual(["up", "down", "up"]);
  expect(a.remote.nodes()).toMatchObject([{ name: "b", incarnation: other.incarnation }]);
  await other.stop();
});

test("a frame that is altered on its way closes the session with a code, and hurts nobody", async () => {
  let closed = 0;
  for (let at = 0; at < 12; at++) {
    const { a, b, pid, network, settle } = await createPair({});
    network.fault("a", "b", {
      alter: (frame) => frame.map((byte, index) => (index === at ? byte ^ 0xff : byte)),
    });
    a.node.send(pid as never, "x" as never);
    const call = a.node.whenExited(pid);
    await settle();
    void call;
    expect(b.node.isAlive(pid)).toBe(true);
    const codes = b.events.flatMap((event) => (event.type === "down" ? [event.code] : []));
    closed += codes.length;
    for (const code of codes) {
      expect([CLOSE_CODES.PROTOCOL, CLOSE_CODES.LIMIT]).toContain(code);
    }
  }
  // In front are the heads and numbers of the frame: of them every byte counts.
  expect(closed).toBeGreaterThan(5);
});
