import { connect, createServer, type AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { at, createNode, name, type Call, type Node, type Self } from "@coppice/core";
import { startRemote } from "../src/start-remote.js";
import { nodeDialler } from "../src/node-web-socket.js";
import type { RemoteOptions } from "../src/remote-options.js";
import type { Dialler } from "../src/transport.js";

type Echo = Call<unknown, unknown>;
const EchoName = name<Echo>("echo");

async function echo(self: Self<Echo>): Promise<void> {
  for (;;) {
    const { from, request } = await self.receive();
    self.reply(from, request);
  }
}

const cookie = "a cookie that nobody guesses";

async function withNodes(act: (a: Node, b: Node) => Promise<void>): Promise<void> {
  const [a, b] = [
    createNode({ name: "a", logger: false }),
    createNode({ name: "b", logger: false }),
  ];
  try {
    await act(a, b);
  } finally {
    await Promise.all([a.stop(), b.stop()]);
  }
}

describe("startRemote over WebSockets", () => {
  test("connects two nodes that share a cookie; calls, monitors and the end of a node work", async () => {
    await withNodes(async (a, b) => {
      const server = await startRemote(b, { cookie, listen: { port: 0 } });
      const [address = ""] = server.addresses;
      expect(address).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/coppice\/1$/);
      const remote = await startRemote(a, { cookie, resolve: () => address });
      b.register(EchoName, b.spawn(echo));
      const blob = new Uint8Array(2_000_000).fill(7);
      const back = (await a.call(at("b", EchoName), { blob })) as { blob: Uint8Array };
      expect([back.blob.length, back.blob.every((byte) => byte === 7)]).toEqual([2_000_000, true]);
      const replies = Array.from({ length: 500 }, (_, n) => a.call(at("b", EchoName), n));
      expect(await Promise.all(replies)).toEqual(Array.from({ length: 500 }, (_, n) => n));
      const down = new Promise((resolve) => {
        a.spawn<{ reason: unknown }>(async (self) => {
          self.monitor(at("b", EchoName), ({ reason }) => ({ reason }));
          resolve((await self.receive()).reason);
        });
      });
      await a.call(at("b", EchoName), "the monitor is there");
      await server.stop();
      expect(await down).toBe("noconnection");
      await remote.stop();
    });
  });

  test("what one says because of a message that came goes out with all that others say because of it", async () => {
    await withNodes(async (a, b) => {
      const server = await startRemote(b, { cookie, listen: { port: 0 } });
      const [address = ""] = server.addresses;
      let frames = 0;
      const sockets = nodeDialler({ maxFrameBytes: 1 << 20, handshakeMs: 5_000 });
      const counting: Dialler = {
        accepts: sockets.accepts,
        dial: (target) => {
          const transport = sockets.dial(target);
          const { send } = transport;
          transport.send = (frame) => {
            frames++;
            send.call(transport, frame);
          };
          return transport;
        },
      };
      const remote = await startRemote(a, { cookie, diallers: [counting], resolve: () => address });
      b.register(EchoName, b.spawn(echo));
      await remote.connect("b");
      frames = 0;
      const caller = a.spawn(async (self) => {
        for (let i = 0; i < 100; i++) await self.call(at("b", EchoName), i);
      });
      await a.whenExited(caller);
      // That a monitor is over, and the monitor and the request of the next call, are one frame.
      expect(frames).toBeGreaterThanOrEqual(100);
      expect(frames).toBeLessThan(110);
    });
  });

  test("refuses a node with another cookie", async () => {
    await withNodes(async (a, b) => {
      const server = await startRemote(b, { cookie, listen: { port: 0 } });
      const [address = ""] = server.addresses;
      const remote = await startRemote(a, { cookie: "another cookie of that length" });
      await expect(remote.connect(address)).rejects.toMatchObject({
        code: "UNREACHABLE",
        closeCode: 4002,
      });
      await expect(remote.connect("b")).rejects.toThrow("nobody knows its address");
      await expect(remote.connect("ws://127.0.0.1:1")).rejects.toThrow("ECONNREFUSED");
      await expect(remote.connect("pigeon://b")).rejects.toThrow("nobody knows how to dial");
    });
  });

  test("tells of a page that is turned away for its origin, which itself is not told why", async () => {
    await withNodes(async (a) => {
      const listen = { port: 0, allowedOrigins: ["https://good.example"] };
      const server = await startRemote(a, { cookie, listen });
      const seen: unknown[] = [];
      server.events.subscribe((event) => void seen.push(event));
      const { port } = new URL(server.addresses[0] ?? "");
      const socket = connect(Number(port), "127.0.0.1");
      const lines = ["Host: x", "Upgrade: websocket", "Connection: Upgrade"];
      const request = ["GET /coppice/1 HTTP/1.1", ...lines, "Origin: https://other.example"];
      socket.write(`${request.join("\r\n")}\r\n\r\n`);
      let answer = "";
      socket.on("data", (data) => (answer += data.toString()));
      await new Promise((resolve) => socket.on("close", resolve));
      expect(answer).toMatch(/^HTTP\/1.1 403 /);
      const text = 'the origin "https://other.example" is not among allowedOrigins';
      expect(seen).toMatchObject([{ type: "refused", address: "127.0.0.1", code: 1006, text }]);
    });
  });

  test("tells when it cannot listen", async () => {
    await withNodes(async (a, b) => {
      const server = await startRemote(b, { cookie, listen: { port: 0 } });
      const port = Number(new URL(server.addresses[0] ?? "").port);
      await expect(startRemote(a, { cookie, listen: { port } })).rejects.toMatchObject({
        code: "EADDRINUSE",
      });
    });
  });
});

describe("a start that failed", () => {
  test("because a port is taken, leaves nothing behind: the node can be started again, and is then as any other", async () => {
    await withNodes(async (a, b) => {
      const server = await startRemote(b, { cookie, listen: { port: 0 } });
      b.register(EchoName, b.spawn(echo));
      const [address = ""] = server.addresses;
      const port = Number(new URL(address).port);
      // It listens at one, and is to join, when the other fails.
      const failing = startRemote(a, { cookie, listen: [{ port: 0 }, { port }], join: [address] });
      await expect(failing).rejects.toMatchObject({ code: "EADDRINUSE" });
      await expect(a.call(at("b", EchoName), 1)).rejects.toMatchObject({ reason: "noconnection" });
      const remote = await startRemote(a, {
        cookie,
        listen: { port: 0 },
        resolve: () => address,
      });
      expect(await a.call(at("b", EchoName), 2)).toBe(2);
      expect([remote.addresses.length, server.nodes().length]).toEqual([1, 1]);
      // One that has started is not started beside itself, nor again, and goes on.
      await expect(startRemote(a, { cookie })).rejects.toThrow("without a router so far");
      expect(await a.call(at("b", EchoName), 3)).toBe(3);
      await remote.stop();
      await expect(startRemote(a, { cookie })).rejects.toThrow("once in the life of a node");
    });
  });

  test.each([
    ["before it began", 0],
    ["while it began", 1],
  ])("because the node stopped %s, says so, and listens nowhere", async (_when, begins) => {
    await withNodes(async (a, b) => {
      const port = await freePort();
      if (begins === 0) await a.stop();
      const failing = startRemote(a, { cookie, listen: { port } }).catch((error: unknown) => error);
      if (begins === 1) await a.stop();
      expect(await failing).toMatchObject({ code: "REMOTE_STOPPED" });
      const remote = await startRemote(b, { cookie, listen: { port } });
      expect(remote.addresses).toHaveLength(1);
    });
  });

  test("because names cannot be kept, after it was listening, leaves the port free", async () => {
    await withNodes(async (a) => {
      const port = await freePort();
      const names = { members: ["b"] };
      await expect(startRemote(a, { cookie, listen: { port }, names })).rejects.toThrow(
        "options.names.members",
      );
      const remote = await startRemote(a, { cookie, listen: { port } });
      expect(remote.addresses).toEqual([`ws://127.0.0.1:${port}/coppice/1`]);
    });
  });
});

/** One that nobody listens at just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

describe("the options of startRemote", () => {
  test.each<[string, RemoteOptions, string]>([
    ["no cookie", {}, "options.cookie"],
    ["a short cookie", { cookie: "short" }, "options.cookie"],
    ["no cookie in a list", { cookie: [] }, "a list of 0"],
    ["a short one among others", { cookie: [cookie, "short"] }, "a shorter one"],
    ["one twice", { cookie: [cookie, cookie] }, "each of them once"],
    ["too many of them", { cookie: [1, 2, 3, 4, 5].map((n) => cookie + n) }, "a list of 5"],
    [
      "one that is of nodes and of clients",
      { cookie: [cookie, `${cookie}2`], clientCookie: [`${cookie}3`, `${cookie}2`] },
      "options.clientCookie",
    ],
    [
      "others could connect without TLS",
      { cookie, listen: { host: "0.0.0.0", port: 0 } },
      "insecure: true",
    ],
    [
      "others could connect without TLS, by IPv6",
      { cookie, listen: [{ host: "::", port: 0 }] },
      "insecure: true",
    ],
    ["an unknown one", { cookie, cokie: 1 } as never, "made of cluster"],
    ["a port that is none", { cookie, listen: { port: 1e6 } }, "listen.port"],
    ["an unknown limit", { cookie, limits: { maxFrames: 1 } as never }, "limits"],
    ["another policy", { cookie, overflow: "wait" as never }, "options.overflow"],
    ["no time to be heard in", { cookie, hearMs: 0 }, "options.hearMs"],
    ["exports that are no names", { cookie, exports: ["echo" as never] }, "options.exports"],
    [
      "a behaviour without a check of its arguments",
      { cookie, behaviours: { x: { behaviour: { start: () => "ignore" } } as never } },
      "behaviours.x.args",
    ],
    ["an address to join that nobody dials", { cookie, join: ["http://b"] }, '"http://b"'],
    ["an address to join without a scheme", { cookie, join: ["b:7000"] }, '"b:7000"'],
    ["an address to join without a host", { cookie, join: ["ws://"] }, '"ws://"'],
    ["an address to join with a part too many", { cookie, join: ["ws://b/#x"] }, '"ws://b/#x"'],
    ["one address to join that is in no list", { cookie, join: "ws://b" as never }, "an array"],
    ["a dialler that dials nothing", { cookie, diallers: [{}] as never }, "diallers: accepts"],
    ["diallers in no list", { cookie, diallers: {} as never }, "options.diallers"],
    ["nowhere to listen", { cookie, listen: null as never }, "options.listen"],
    [
      "trust in a number",
      { cookie, tls: { ca: 5 as never } },
      "options.tls.ca must be a text in PEM",
    ],
    ["trust in a path", { cookie, tls: { ca: "ca.pem" } }, "options.tls.ca must be a text in PEM"],
    [
      "a key that is none",
      { cookie, tls: { key: "secret" } },
      `("-----BEGIN …"), but is "another text"`,
    ],
    ["a server name that is none", { cookie, tls: { servername: 1 as never } }, "tls.servername"],
    [
      "a yes for rejectUnauthorized",
      { cookie, tls: { rejectUnauthorized: "yes" as never } },
      "tls.rejectUnauthorized must be true or false",
    ],
    ["a port alone", { cookie, listen: 7000 as never }, "options.listen"],
    [
      "a certificate without a key",
      { cookie, listen: { host: "0.0.0.0", port: 0, certificate: { cert: "x" } as never } },
      "certificate.key",
    ],
    [
      "a certificate that is none",
      { cookie, listen: { port: 0, certificate: {} as never } },
      "cert",
    ],
    [
      "origins in no list",
      { cookie, listen: { port: 0, allowedOrigins: "https://a" as never } },
      "allowedOrigins",
    ],
    ...["https://a/", "https://a/page", "*", "a.example", "https://A", "https://a:443"].map(
      (origin): [string, RemoteOptions, string] => [
        `an origin that no browser sends, ${origin}`,
        { cookie, listen: { port: 0, allowedOrigins: [origin] } },
        `"https://example.org", without a path or a "/" at the end, but is "${origin}"`,
      ],
    ),
    [
      "a way to listen that nobody can end",
      { cookie, listen: { listen: () => 5 as never } },
      "what listen returned: close must be a function",
    ],
    [
      "a cluster of too many bytes",
      { cookie, cluster: "\u00e4".repeat(65) },
      "options.cluster must be a text of 1 to 128 bytes",
    ],
    ["a cluster that is no text", { cookie, cluster: "\ud800" }, "options.cluster must be a text"],
    ["behaviours in a list", { cookie, behaviours: [] as never }, "options.behaviours"],
    [
      "a behaviour without a name",
      { cookie, behaviours: { "": { behaviour: { start: () => "ignore" } } as never } },
      "a name of 1 to 255 bytes",
    ],
    ["TLS with an unknown option", { cookie, tls: { verify: false } as never }, "options.tls"],
    ["no names", { cookie, names: null as never }, "options.names"],
    [
      "a store of names that tells nothing",
      { cookie, names: { store: { claim() {}, release() {}, find() {} } as never } },
      "store.events",
    ],
    ["a role that is none", { cookie, role: "god" as never }, "options.role"],
    ["another way to connect", { cookie, connect: "maybe" as never }, "options.connect"],
    [
      "a cookie whose characters are few, and its code units many",
      { cookie: "\u{1f600}".repeat(15) },
      "options.cookie must be a string of at least 16 characters",
    ],
    ["a word in place of insecure", { cookie, insecure: "yes" as never }, "options.insecure"],
    [
      "a code for each frame without a cookie",
      { insecure: true, frameMac: true },
      "true with a cookie alone",
    ],
    ["a word in place of frameMac", { cookie, frameMac: 1 as never }, "options.frameMac"],
    ["exits that some may send", { cookie, allowExit: "some" as never }, "options.allowExit"],
    [
      "an address to join that is no text",
      { cookie, join: [7 as never] },
      "options.join must be strings, but is 7",
    ],
    [
      "a rule for what overflows that is none",
      { cookie, overflow: "keep" as never },
      "options.overflow",
    ],
    [
      "a way to dial that cannot",
      { cookie, diallers: [{ accepts: () => true } as never] },
      "diallers: dial",
    ],
  ])("are refused: %s", async (_, options, message) => {
    await withNodes(async (a) => {
      await expect(startRemote(a, options)).rejects.toThrow(message);
      // Nothing is left behind: the node can still be given its way.
      await startRemote(a, { cookie });
    });
  });

  test.each(["https://a.example", "http://a.example:8080", "null", "chrome-extension://abcdef"])(
    "allow an origin as browsers send it: %s",
    async (origin) => {
      await withNodes(async (a) => {
        await startRemote(a, { cookie, listen: { port: 0, allowedOrigins: [origin] } });
      });
    },
  );

  test.each(["a".repeat(129), "\u00e4".repeat(65), "a\u0000b", "a\u202eb", "\ud800"])(
    "do not help a node under whose name no other would connect: %j",
    async (nodeName) => {
      const node = createNode({ name: nodeName, logger: false });
      await expect(startRemote(node, { cookie })).rejects.toThrow(
        "startRemote: the node's name must be 1 to 128 bytes without white space",
      );
      await node.stop();
    },
  );

  test("refuse what is no node", async () => {
    for (const node of [undefined, null, 5, {}]) {
      await expect(startRemote(node as never, { cookie })).rejects.toThrow("createNode");
    }
  });

  test("may have a password in an address, which no error, event or report shows", async () => {
    await withNodes(async (a, b) => {
      const server = await startRemote(b, { cookie, listen: { port: 0 } });
      const { host } = new URL(server.addresses[0] ?? "");
      const seen: unknown[] = [];
      a.events.subscribe((event) => {
        if (event.type === "report") seen.push(event.report.format(), event.report.data);
      });
      const remote = await startRemote(a, { cookie: "another cookie of that length" });
      remote.events.subscribe((event) => void seen.push(event));
      for (const rest of [host, `${host}/#x`, "127.0.0.1:1"]) {
        await remote.connect(`ws://user:secret@${rest}`).catch((error: unknown) => {
          seen.push(String(error), { ...(error as object) });
        });
      }
      expect(seen.length).toBeGreaterThan(8);
      expect(JSON.stringify(seen)).toContain(`ws://${host}`);
      expect(JSON.stringify(seen)).not.toContain("secret");
    });
  });

  test("never show the cookie in an error", async () => {
    await withNodes(async (a) => {
      for (const secret of ["tellnobody", ["tellnobody"], [cookie, "tellnobody"]]) {
        const error = await startRemote(a, { cookie: secret }).catch((e: unknown) => e);
        expect(String(error)).toMatch(/options.cookie/);
        expect(String(error)).not.toContain("tellnobody");
      }
    });
  });
});
