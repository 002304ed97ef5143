import { describe, expect, test } from "@jest/globals";
import {
  at,
  name,
  type Call,
  type From,
  type Pid,
  type RemoteName,
  type Self,
} from "@coppice/core";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

type Echo = Call<unknown, unknown>;
const Public = name<Echo>("public");
const Private = name<Echo>("private");

async function echo(self: Self<Echo>): Promise<void> {
  for (;;) {
    const { from, request } = await self.receive();
    self.reply(from, request === "pid" ? self.pid : request);
  }
}

/** A server and a client of it. */
async function createServed(
  options: object = {},
): Promise<RemoteWorld & { server: Member; client: Member; shown: Pid<Echo>; hidden: Pid<Echo> }> {
  const world = createRemoteWorld();
  const server = await world.start("server", { exports: [Public], ...options });
  const client = await world.start("client", { role: "client", listen: [] });
  const shown = server.node.spawn(echo);
  const hidden = server.node.spawn(echo);
  server.node.register(Public, shown);
  server.node.register(Private, hidden);
  return { ...world, server, client, shown, hidden };
}

async function call(
  { settle, client }: RemoteWorld & { client: Member },
  target: Parameters<typeof at<Echo>>[1] | Pid<Echo>,
  request: unknown,
): Promise<unknown> {
  const to = "kind" in target ? at("server", target) : target;
  const reply = client.node.call(to, request).catch((error: unknown) => error);
  await settle();
  return reply;
}

describe("a client", () => {
  test("reaches the names that are exported, and what it is told of", async () => {
    const world = await createServed();
    expect(await call(world, Public, 1)).toBe(1);
    const pid = (await call(world, Public, "pid")) as Pid<Echo>;
    expect(await call(world, pid, 2)).toBe(2);
    expect(world.server.remote.nodes()).toMatchObject([{ name: "client", role: "client" }]);
  });

  test("that takes as little as one may is told in short what could not be read, however long that is", async () => {
    const limits = { maxMessageBytes: 1_024, maxReasonBytes: 1_024, fragmentBytes: 1_024 };
    const world = await createServed({ limits });
    const { server } = world;
    expect(await call(world, Public, 1)).toBe(1);
    for (const letter of ["\u0001", "x"]) {
      const error = await call(world, Public, name(letter.repeat(255)));
      expect(error).toMatchObject({
        code: "UNREADABLE",
        message: expect.stringMatching(/^the request cannot be read at "server": the name "/),
      });
    }
    expect([await call(world, Public, 2), server.remote.nodes().length]).toEqual([2, 1]);
  });

  test("finds nobody under other names, nor by a number it was not told in this session", async () => {
    const world = await createServed();
    const { server, client, network, settle, advance, shown, hidden } = world;
    const pid = (await call(world, Public, "pid")) as Pid<Echo>;
    expect(await call(world, Private, 1)).toMatchObject({ code: "NO_PROCESS" });
    network.sever("client", "server");
    await advance(10_000);
    expect(await call(world, pid, 2)).toMatchObject({ code: "NO_PROCESS" });
    client.node.send(pid as Pid<unknown>, "x");
    const links = client.node.spawn<never>(async (other) => {
      other.link(pid);
      await other.receive();
    });
    await settle();
    expect(client.node.isAlive(links)).toBe(false);
    expect(server.events.filter(({ type }) => type === "denied").length).toBeGreaterThan(3);
    expect([server.node.isAlive(hidden), server.node.mailboxOf(shown)]).toEqual([true, []]);
  });

  test("ends nobody by an exit signal, unless that is allowed", async () => {
    for (const [allowExit, alive] of [
      ["nodes", true],
      ["all", false],
    ] as const) {
      const world = await createServed({ allowExit });
      const pid = (await call(world, Public, "pid")) as Pid<Echo>;
      world.client.node.exit(pid, "kill");
      await world.settle();
      expect(world.server.node.isAlive(world.shown)).toBe(alive);
    }
  });

  test("may link and monitor what it knows, and is told of its end", async () => {
    const world = await createServed();
    const { client, server, shown, settle } = world;
    const pid = (await call(world, Public, "pid")) as Pid<Echo>;
    const ended = client.node.whenExited(pid);
    await settle();
    server.node.exit(shown, { shutdown: "done" });
    await settle();
    expect(await ended).toEqual({ shutdown: "done" });
  });

  test("that says too much is shut out", async () => {
    const limits = { clientSignalsPerSecond: 10, clientSignalsBurst: 20 };
    const world = await createServed({ limits });
    const { client, server, settle } = world;
    for (let i = 0; i < 40; i++) client.node.cast(at("server", Public) as never, i as never);
    await settle();
    expect(client.events.at(-1)).toMatchObject({ type: "down", code: CLOSE_CODES.RATE });
    expect(server.remote.breaches).toMatchObject({ clientSignalsPerSecond: 1 });
  });

  test("may pass on what it was told of: a reference to be answered, a process to be sent to", async () => {
    const world = await createServed();
    const { client, server, settle } = world;
    // The client keeps the caller's reference, and has a server over there answer it.
    const Deputy = name<From<string>>("public");
    server.node.unregister(Public);
    server.node.spawnOpt<From<string>>({ name: Deputy }, async (self) => {
      for (;;) self.reply(await self.receive(), "by the deputy");
    });
    const Asked = name<Call<string, string>>("asked");
    client.node.spawnOpt<Call<string, string>>({ name: Asked }, async (self) => {
      for (;;) self.send(at("server", Deputy), (await self.receive()).from);
    });
    await Promise.all([client.remote.connect("server"), settle()]);
    await settle();
    const answer = server.node.call(at("client", Asked), "who?");
    await settle();
    expect(await answer).toBe("by the deputy");
  });

  test("may name what it may reach, itself, and a process of another node that it was told of", async () => {
    const world = await createServed();
    const { client, server, settle } = world;
    const third = await world.start("third");
    const heard: string[] = [];
    const ear = (node: typeof third.node): Pid<string> =>
      node.spawn<string>(async (self) => {
        for (;;) heard.push(`${self.pid.node}: ${await self.receive()}`);
      });
    const Ear = name<string>("ear");
    third.node.register(Ear, ear(third.node));
    client.node.register(Ear, ear(client.node));
    // The server forwards to whom it is told to, and tells of a process of the third node.
    type Said = { readonly to: Pid<string> | RemoteName<string> };
    const Forwarder = name<Said>("public");
    server.node.unregister(Public);
    server.node.spawnOpt<Said>({ name: Forwarder }, async (self) => {
      for (;;) self.send((await self.receive()).to, "forwarded");
    });
    const Told = name<Pid<string>>("told");
    const told: Pid<string>[] = [];
    client.node.spawnOpt<Pid<string>>({ name: Told }, async (self) => {
      for (;;) told.push(await self.receive());
    });
    await Promise.all([client.remote.connect("server"), settle()]);
    const Teller = name<Call<null, Pid<string>>>("teller");
    third.node.spawnOpt<Call<null, Pid<string>>>({ name: Teller }, async (self) => {
      for (;;) self.reply((await self.receive()).from, third.node.whereis(Ear) as Pid<string>);
    });
    const whom = server.node.call(at("third", Teller), null);
    await settle();
    server.node.send(at("client", Told), await whom);
    await settle();
    client.node.send(at("server", Forwarder), { to: told[0] as Pid<string> });
    client.node.send(at("server", Forwarder), { to: at("client", Ear) });
    await settle();
    expect(heard.sort()).toEqual(["client: forwarded", "third: forwarded"]);
    expect(server.events.filter(({ type }) => type === "denied")).toEqual([]);
  });
});
