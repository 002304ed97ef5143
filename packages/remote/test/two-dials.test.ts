/** Two nodes dial each other at the same time: one of the two connections is to stay, and may come to nothing as well. */
import { expect, test } from "@jest/globals";
import { at, name, type Down } from "@coppice/core";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const Door = name<string>("door");
const LATENCY_MS = 100;
/** As long as a handshake may take. */
const HANDSHAKE_MS = 5_000;

interface Dialled extends RemoteWorld {
  readonly a: Member;
  readonly b: Member;
  /** What became of `connect` at `b`, if anything has. */
  readonly outcome: () => unknown;
  /** The dial that is to stay is lost. */
  cut(): void;
}

/** `a` has dialled, and is not through; `b` has dialled meanwhile, and was told that one is enough. */
async function dialBoth(): Promise<Dialled> {
  const world = createRemoteWorld();
  const { network, settle, advance } = world;
  const dial = (address: string) => network.dial("a-dials", address);
  const accepts = (address: string): boolean => address.startsWith("memory://");
  const a = await world.start("a", { diallers: [{ accepts, dial }] });
  const b = await world.start("b");
  network.fault("a-dials", "b", { latencyMs: LATENCY_MS });
  a.remote.connect("b").catch(() => undefined);
  // Now it knows whom it has reached, and has not proved who it is.
  await advance(2.5 * LATENCY_MS);
  let outcome: unknown;
  b.remote.connect("a").then(
    (life) => (outcome = life),
    (error: unknown) => (outcome = error),
  );
  await settle();
  expect([outcome, a.remote.nodes(), b.remote.nodes()]).toEqual([undefined, [], []]);
  expect(b.events).toMatchObject([{ type: "refused", node: "a", byPeer: true }]);
  return { ...world, a, b, outcome: () => outcome, cut: () => network.sever("a-dials", "b") };
}

test("who was told that one dial is enough has the session of that one", async () => {
  const { a, b, outcome, advance } = await dialBoth();
  await advance(LATENCY_MS);
  expect(outcome()).toEqual({ name: "a", incarnation: a.node.incarnation });
  expect(b.remote.nodes()).toMatchObject([{ name: "a" }]);
  expect(a.remote.nodes()).toMatchObject([{ name: "b" }]);
});

test("who was told that one dial is enough is told when that one came to nothing, after the time of a handshake", async () => {
  const { b, outcome, advance, cut } = await dialBoth();
  cut();
  await advance(HANDSHAKE_MS - 1);
  expect(outcome()).toBeUndefined();
  await advance(1);
  expect(outcome()).toMatchObject({ code: "UNREACHABLE", target: "a" });
  expect(b.node.counts.timers).toBe(0);
});

test("what waits for a session meanwhile goes out over the dial that stays", async () => {
  const { a, b, advance } = await dialBoth();
  const heard: unknown[] = [];
  a.node.spawnOpt<string>({ name: Door }, async (self) => void heard.push(await self.receive()));
  b.node.send(at("a", Door), "hello");
  await advance(LATENCY_MS);
  expect(heard).toEqual(["hello"]);
  // When it would have been given up, it is there, and stays.
  await advance(HANDSHAKE_MS);
  expect(b.remote.nodes()).toMatchObject([{ name: "a" }]);
  expect(b.events.map(({ type }) => type)).not.toContain("down");
});

test("what waits for a session meanwhile is lost when none comes about", async () => {
  const { b, settle, advance, cut } = await dialBoth();
  const told: string[] = [];
  b.node.spawn<Down>(async (self) => {
    self.monitor(at("a", Door));
    told.push(String((await self.receive()).reason));
  });
  b.node.send(at("a", Door), "hello");
  await settle();
  cut();
  await advance(HANDSHAKE_MS - 1);
  expect(told).toEqual([]);
  await advance(1);
  expect(told).toEqual(["noconnection"]);
  expect(b.nodeEvents).toContainEqual(
    expect.objectContaining({ type: "undelivered", message: "hello", why: "noconnection" }),
  );
});

test("who waits for the dial that stays is told when remoting is stopped", async () => {
  const { b, outcome, settle } = await dialBoth();
  const stopped = b.remote.stop();
  await settle();
  await stopped;
  expect(outcome()).toMatchObject({ code: "REMOTE_STOPPED" });
});

test("who comes for the name of a session that ends while it is asked whether it lives is let in at once", async () => {
  const world = createRemoteWorld();
  const { network, settle } = world;
  const a = await world.start("a");
  const b = await world.start("b");
  await Promise.all([a.remote.connect("b"), settle()]);
  // Nothing comes from it any more.
  network.fault("a", "b", { mode: "hold" });
  const dial = (address: string) => network.dial("next", address);
  const accepts = (address: string): boolean => address.startsWith("memory://");
  const next = await world.start("a", {
    diallers: [{ accepts, dial }],
    listen: undefined as never,
  });
  let life: unknown;
  next.remote.connect("b").then(
    (found) => (life = found),
    () => undefined,
  );
  await settle();
  expect([life, b.remote.nodes()]).toMatchObject([
    undefined,
    [{ incarnation: a.node.incarnation }],
  ]);
  network.sever("a", "b");
  await settle();
  expect(life).toMatchObject({ name: "b" });
  expect(b.remote.nodes()).toMatchObject([{ name: "a", incarnation: next.node.incarnation }]);
});
