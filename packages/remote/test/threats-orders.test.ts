/** Who may send to a server, and would have it do more than answer. */
import { expect, test } from "@jest/globals";
import { at, name, type Pid } from "@coppice/core";
import { defineServer, sys } from "@coppice/supervisor";
import { Hostile } from "./hostile.js";
import { createRemoteWorld } from "./remote-world.js";

const Secret = name<unknown>("secret");
const secretive = defineServer({
  init: () => ({ secret: 42 }),
  call: { ping: () => ({ reply: "pong" }) },
});

test("Orders to a server: no client has one show its state, stand still or end, by whatever message", async () => {
  for (const [role, allowExit] of [
    ["client", "all"],
    ["node", "none"],
    ["node", "nodes"],
  ] as const) {
    const isRefused = allowExit !== "nodes";
    const world = createRemoteWorld();
    const b = await world.start("b", { exports: [Secret], allowExit });
    const a = await world.start("a", { role, listen: [] });
    const server = await b.node.start(secretive);
    b.node.register(Secret, server as Pid<unknown>);
    const there = at("b", Secret) as never;
    const come = async (asked: Promise<unknown>): Promise<unknown> => {
      const outcome = asked.catch((error: unknown) => error);
      await world.settle();
      return outcome;
    };
    const outcomes = [
      await come(sys.getState(a.node, there)),
      await come(sys.statistics(a.node, there, "on")),
      await come(sys.suspend(a.node, there)),
      await come(sys.resume(a.node, there)),
      // No tracer comes from elsewhere: what is none is refused to nodes, too.
      await come(
        a.node.call(there, {
          type: "system",
          action: { type: "trace", tracer: { value: { closed: false } } },
        } as never),
      ),
    ];
    expect(await come(a.node.call(there, ["ping"] as never))).toBe("pong");
    const refused = expect.objectContaining({ code: "NOT_ALLOWED" });
    const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(outcomes).toEqual(
      isRefused
        ? Array(5).fill(refused)
        : [{ secret: 42 }, undefined, undefined, undefined, invalid],
    );
    const ended = await come(sys.terminate(a.node, there, "over"));
    expect([ended, b.node.isAlive(server)]).toEqual(
      isRefused ? [refused, true] : [undefined, false],
    );
    const denied = b.events.filter(({ type }) => type === "denied").length;
    expect(denied).toBe(isRefused ? 6 : 0);
  }
});

test("Orders to a server: no client says by a message that somebody else's process has ended, be it the server's parent", async () => {
  const world = createRemoteWorld();
  const b = await world.start("b", { exports: [Secret] });
  let child: Pid<unknown> | undefined;
  const parent = b.node.spawn<unknown>(async (self) => {
    child = (await self.startLink(secretive)) as Pid<unknown>;
    self.register(Secret, child);
    await self.sleep(1e9);
  });
  await world.settle();
  const peer = await Hostile.open(world, "a", "b", { role: "client" });
  b.node.send(at("a", name<unknown>("any")), parent);
  await world.settle();
  const exit = (whose: Uint8Array): Uint8Array =>
    Uint8Array.from([
      ...[0xa3, 0x64, ...Buffer.from("type"), 0x64, ...Buffer.from("exit")],
      ...[0x64, ...Buffer.from("from"), ...whose],
      ...[0x66, ...Buffer.from("reason"), 0x61, 0x78],
    ]);
  const ofParent = Uint8Array.from([0xd9, 0x9f, 0xc4, 0x81, parent.serial]);
  const ofItself = Uint8Array.from([0xd9, 0x9f, 0xc4, 7]);
  for (const payload of [exit(ofParent), exit(ofItself)]) {
    peer.sayRaw({ op: "send-name", name: "secret", from: 7, payload });
  }
  await world.settle();
  expect([b.node.isAlive(child as Pid<unknown>), peer.end]).toEqual([true, undefined]);
  expect(b.events.filter(({ type }) => type === "denied")).toHaveLength(1);
});
