/** What browsers get, with the WebSocket of a library in place of theirs; `examples/browser` runs in a real one. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { at, createNode, name, type Call, type Node } from "@coppice/core";
import { WebSocket } from "ws";
import { startRemote as startInBrowser } from "../src/browser.js";
import { startRemote } from "../src/start-remote.js";

type Echo = Call<unknown, unknown>;
const EchoName = name<Echo>("echo");

const cookie = "the secret of the nodes";
const clientCookie = "the secret of the clients";

const host = globalThis as { WebSocket?: unknown };
const own = host.WebSocket;

let nodes: Node[];
let address: string;

beforeEach(async () => {
  host.WebSocket = WebSocket;
  const server = createNode({ name: "server", logger: false });
  nodes = [server];
  const echo = server.spawn<Echo>(async (self) => {
    for (;;) {
      const { from, request } = await self.receive();
      if (request === "crash") throw new Error("on purpose");
      self.reply(from, request);
    }
  });
  server.register(EchoName, echo);
  const remote = await startRemote(server, {
    cookie,
    clientCookie,
    listen: { port: 0 },
    exports: [EchoName],
  });
  address = remote.addresses[0] ?? "";
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  if (own === undefined) delete host.WebSocket;
  else host.WebSocket = own;
});

function createPage(): Node {
  const page = createNode({ name: "page", logger: false });
  nodes.push(page);
  return page;
}

describe("remoting in a browser", () => {
  test("calls, watches, and is told of an end, with cryptography of its own", async () => {
    const page = createPage();
    // An address without a path is good enough.
    const short = new URL(address).origin;
    await startInBrowser(page, { role: "client", clientCookie, resolve: () => short });
    const request = { text: "é".repeat(100_000), bytes: new Uint8Array([1, 2]), big: 2n ** 70n };
    expect(await page.call(at("server", EchoName), request)).toEqual(request);
    const reason = new Promise<unknown>((resolve) => {
      page.spawn<unknown>(async (self) => {
        self.monitor(at("server", EchoName), (down) => down.reason);
        await self.call(at("server", EchoName), "crash").catch(() => undefined);
        resolve(await self.receive());
      });
    });
    expect(await reason).toMatchObject({ error: { name: "Error", message: "on purpose" } });
  });

  test("cannot listen, and says so", async () => {
    const options = { clientCookie, role: "client" as const, listen: { port: 0 } };
    await expect(startInBrowser(createPage(), options)).rejects.toThrow("cannot listen");
  });

  test("needs a WebSocket of the platform", async () => {
    delete host.WebSocket;
    const options = { role: "client" as const, clientCookie };
    await expect(startInBrowser(createPage(), options)).rejects.toThrow("a WebSocket");
  });
});
