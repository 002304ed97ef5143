import { describe, expect, test } from "@jest/globals";
import { at, name, type Call } from "@coppice/core";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

type Echo = Call<string, string>;
const EchoName = name<Echo>("echo");
const Hidden = name<Echo>("hidden");

const cookie = "the secret of the nodes";
const clientCookie = "the secret of the clients";

/** A node that has both secrets, and exports one of its two names. */
async function createServer(): Promise<RemoteWorld & { server: Member }> {
  const world = createRemoteWorld();
  const options = { insecure: false, cookie, clientCookie, exports: [EchoName] };
  const server = await world.start("server", options);
  for (const token of [EchoName, Hidden]) {
    const pid = server.node.spawn<Echo>(async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        self.reply(from, request);
      }
    });
    server.node.register(token, pid);
  }
  return { ...world, server };
}

/** Calls the server: the answer, or the error's reason. */
async function callFrom(world: RemoteWorld, peer: Member, to: typeof EchoName): Promise<unknown> {
  const answer = peer.node
    .call(at("server", to), "hello")
    .catch((error: unknown) => (error as { reason?: unknown }).reason ?? error);
  await world.settle();
  await world.advance(10_000);
  return answer;
}

describe("the secret of clients", () => {
  test("lets a client in, which then is one", async () => {
    const world = await createServer();
    const page = await world.start("page", { insecure: false, role: "client", clientCookie });
    expect(await callFrom(world, page, EchoName)).toBe("hello");
    expect(world.server.remote.nodes()).toMatchObject([{ name: "page", role: "client" }]);
    expect(await callFrom(world, page, Hidden)).not.toBe("hello");
  });

  test("may be one of several, of which each lets in a client", async () => {
    const world = createRemoteWorld();
    const secrets = { cookie, clientCookie: [clientCookie, "their next one, from May on"] };
    const server = await world.start("server", {
      insecure: false,
      ...secrets,
      exports: [EchoName],
    });
    for (const [i, secret] of secrets.clientCookie.entries()) {
      const options = { insecure: false, role: "client", clientCookie: secret } as const;
      const page = await world.start(`page-${i}`, options);
      await Promise.all([page.remote.connect("server"), world.settle()]);
    }
    expect(server.remote.nodes().map(({ name: node, role }) => [node, role])).toEqual([
      ["page-0", "client"],
      ["page-1", "client"],
    ]);
  });

  test("lets nobody in as a node", async () => {
    const world = await createServer();
    // It dials with what it has, under the name of the other secret, too.
    for (const secrets of [
      { cookie: clientCookie },
      { cookie: "of no meaning here", clientCookie },
    ]) {
      const liar = await world.start(`liar-${Object.keys(secrets).length}`, {
        insecure: false,
        ...secrets,
      });
      expect(await callFrom(world, liar, EchoName)).not.toBe("hello");
      expect(liar.events).toMatchObject([{ type: "refused", code: 4002 }]);
    }
    expect(world.server.remote.nodes()).toEqual([]);
  });

  test("is not needed by a client that has the secret of the nodes", async () => {
    const world = await createServer();
    const tool = await world.start("tool", { insecure: false, role: "client", cookie });
    expect(await callFrom(world, tool, EchoName)).toBe("hello");
    expect(world.server.remote.nodes()).toMatchObject([{ name: "tool", role: "client" }]);
  });

  test("is refused where it is that of the nodes, or could be guessed", async () => {
    const { start } = createRemoteWorld();
    await expect(start("a", { cookie, clientCookie: cookie })).rejects.toThrow("clientCookie");
    await expect(start("b", { cookie, clientCookie: "short" })).rejects.toThrow("at least 16");
    await expect(start("c", { insecure: false, clientCookie })).rejects.toThrow("options.cookie");
  });
});
