/** Nodes over TLS, with certificates that are made here. */
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { at, createNode, name, type Call, type Node } from "@coppice/core";
import { generate } from "selfsigned";
import { CLOSE_CODES } from "../src/wire-signal.js";
import type { Remote } from "../src/remote.js";
import type { RemoteOptions } from "../src/remote-options.js";
import { generateCookie, startRemote } from "../src/start-remote.js";

type Echo = Call<string, string>;
const EchoName = name<Echo>("echo");

const cookie = generateCookie();

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** For this machine alone, or for another. */
async function makeCertificate(ip: string): Promise<Certificate> {
  const altNames = [{ type: 7 as const, ip }];
  const { cert, private: key } = await generate([{ name: "commonName", value: ip }], {
    keySize: 2048,
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames },
    ],
  });
  return { cert, key };
}

let certificate: Certificate;
let other: Certificate;

beforeAll(async () => {
  [certificate, other] = await Promise.all([
    makeCertificate("127.0.0.1"),
    makeCertificate("127.0.0.1"),
  ]);
});

interface Pair {
  readonly server: Remote;
  readonly client: Remote;
  readonly address: string;
}

/** A node that listens with a certificate and answers, and one that has begun nothing. */
async function withPair(
  options: { readonly server?: Partial<RemoteOptions>; readonly client?: Partial<RemoteOptions> },
  act: (pair: Pair) => Promise<void>,
): Promise<void> {
  const nodes: Node[] = ["server", "client"].map((one) => createNode({ name: one, logger: false }));
  const [serverNode, clientNode] = nodes as [Node, Node];
  try {
    const server = await startRemote(serverNode, {
      cookie,
      listen: { port: 0, certificate },
      ...options.server,
    });
    const echo = serverNode.spawn<Echo>(async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        self.reply(from, request);
      }
    });
    serverNode.register(EchoName, echo);
    const client = await startRemote(clientNode, {
      cookie,
      tls: { ca: certificate.cert },
      ...options.client,
    });
    await act({ server, client, address: server.addresses[0] ?? "" });
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

describe("nodes over TLS", () => {
  test("talk when the dialler trusts the certificate", async () => {
    await withPair({}, async ({ client, address }) => {
      expect(address).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/coppice\/1$/);
      await client.connect(address);
      const big = "x".repeat(3_000_000);
      expect(await client.node.call(at("server", EchoName), big)).toBe(big);
    });
  });

  test.each<[string, () => Partial<RemoteOptions>]>([
    ["one that nobody signed", () => ({ tls: {} })],
    ["another's", () => ({ tls: { ca: other.cert } })],
    ["one for another host", () => ({ tls: { ca: certificate.cert, servername: "example.org" } })],
  ])("do not when the certificate is %s", async (_what, options) => {
    await withPair({ client: options() }, async ({ server, client, address }) => {
      await expect(client.connect(address)).rejects.toMatchObject({ code: "UNREACHABLE" });
      expect([server.nodes(), client.nodes()]).toEqual([[], []]);
    });
  });

  test("do not when the one who dials has none and is asked for one, of which both sides hear", async () => {
    const asking = { ...certificate, ca: other.cert, requestCert: true, rejectUnauthorized: true };
    const server = { listen: { port: 0, certificate: asking } };
    const told = async (
      options: Partial<RemoteOptions>,
      shown: Partial<Certificate>,
    ): Promise<unknown[]> => {
      const seen: unknown[] = [];
      const client = { tls: { ca: certificate.cert, ...shown } };
      await withPair({ server: options, client }, async (pair) => {
        pair.server.events.subscribe((event) => {
          if (event.type === "refused" || event.type === "up") seen.push(event);
        });
        await pair.client.connect(pair.address).catch((error: unknown) => seen.push(error));
      });
      return seen;
    };
    expect(await told(server, other)).toMatchObject([{ type: "up", node: "client" }]);
    expect(await told(server, {})).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: "UNREACHABLE" }),
        expect.objectContaining({
          type: "refused",
          text: expect.stringMatching(/^TLS: .*did not return a certificate/),
        }),
      ]),
    );
  });

  test("do not begin with a key that is another's", async () => {
    const client = { tls: { cert: certificate.cert, key: other.key } };
    await expect(withPair({ client }, async () => undefined)).rejects.toThrow(
      /^startRemote: options.tls must be a certificate and the key to it.*mismatch/,
    );
  });

  test("do not without the secret, whatever the certificate", async () => {
    const client = { cookie: generateCookie() };
    await withPair({ client }, async ({ client: stranger, address }) => {
      await expect(stranger.connect(address)).rejects.toMatchObject({
        closeCode: CLOSE_CODES.AUTH,
      });
    });
  });

  test("may ask for a certificate of the dialler", async () => {
    const asking = { ...certificate, ca: other.cert, requestCert: true, rejectUnauthorized: true };
    const server = { listen: { port: 0, certificate: asking } };
    await withPair({ server }, async ({ client, address }) => {
      await expect(client.connect(address)).rejects.toMatchObject({ code: "UNREACHABLE" });
    });
    const shown = { tls: { ca: certificate.cert, ...other } };
    await withPair({ server, client: shown }, async ({ client, address }) => {
      await expect(client.connect(address)).resolves.toMatchObject({ name: "server" });
    });
  });

  test("are not reached by plain connections, and survive their bytes", async () => {
    await withPair({}, async ({ client, address }) => {
      const plain = address.replace("wss:", "ws:");
      await expect(client.connect(plain)).rejects.toMatchObject({ code: "UNREACHABLE" });
      await expect(client.connect(address)).resolves.toMatchObject({ name: "server" });
    });
  });

  test("say in one line that there is no TLS where they dial", async () => {
    await withPair({ server: { listen: { port: 0 } } }, async ({ client, address }) => {
      const refused = client.connect(address.replace("ws:", "wss:"));
      const error = (await refused.catch((reason: unknown) => reason)) as Error;
      expect(error.message).toMatch(/^[^\n]*wrong version number[^\n]*$/);
    });
  });

  test("notice who ends the TLS of both between them, though both trust its certificate", async () => {
    await withPair({}, async ({ server, client, address }) => {
      const { port } = new URL(address);
      let bytes = 0;
      // It has the very certificate, and knows what is said; it only does not know the secret.
      const between = createTlsServer(certificate, (near: TLSSocket) => {
        const far = connectTls({ host: "127.0.0.1", port: Number(port), ca: certificate.cert });
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          from.on("data", (data) => {
            bytes += data.length;
            to.write(data);
          });
          from.on("close", () => to.destroy());
          from.on("error", () => to.destroy());
        }
      });
      await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
      const lured = `wss://127.0.0.1:${(between.address() as AddressInfo).port}`;
      await expect(client.connect(lured)).rejects.toMatchObject({ closeCode: CLOSE_CODES.AUTH });
      // It was not for want of passing on what was said.
      expect(bytes).toBeGreaterThan(500);
      expect([server.nodes(), client.nodes()]).toEqual([[], []]);
      between.close();
    });
  });
});

describe("a certificate that cannot be used", () => {
  test.each<[string, () => { cert: string; key: string }]>([
    ["no PEM", () => ({ cert: "cert.pem", key: certificate.key })],
    ["with a key that is none", () => ({ cert: certificate.cert, key: "top-secret" })],
    ["with the key to another", () => ({ cert: certificate.cert, key: other.key })],
  ])("%s: is said to be that, and the key is not shown", async (_what, pair) => {
    const node = createNode({ name: "server", logger: false });
    const { cert, key } = pair();
    const error = (await startRemote(node, {
      cookie,
      listen: { port: 0, certificate: { cert, key } },
    }).catch((reason: unknown) => reason)) as Error;
    expect(error.message).toContain(
      "startRemote: options.listen.certificate must be a certificate and the key to it, both as PEM",
    );
    expect(error.message).not.toContain("secret");
    // It can be tried again on the same node.
    const { cert: mended, key: its } = certificate;
    const remote = await startRemote(node, {
      cookie,
      listen: { port: 0, certificate: { cert: mended, key: its } },
    });
    expect(remote.addresses).toHaveLength(1);
    await node.stop();
  });
});

describe("listening for other machines", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1", "example.org"])(
    "at %s is refused without a certificate, unless that is wanted in so many words",
    async (host) => {
      const node = createNode({ name: "server", logger: false });
      const listen = { host, port: 0 };
      await expect(startRemote(node, { cookie, listen })).rejects.toThrow("insecure: true");
      await node.stop();
    },
  );

  test("is allowed with a certificate, or with insecure", async () => {
    for (const options of [
      { cookie, listen: { host: "0.0.0.0", port: 0, certificate } },
      { cookie, insecure: true, listen: { host: "0.0.0.0", port: 0 } },
    ]) {
      const node = createNode({ name: "server", logger: false });
      const { addresses } = await startRemote(node, options);
      expect(addresses).toHaveLength(1);
      await node.stop();
    }
  });

  test("is refused without a cookie, certificate or not", async () => {
    const node = createNode({ name: "server", logger: false });
    const listen = { host: "0.0.0.0", port: 0, certificate };
    await expect(startRemote(node, { listen })).rejects.toThrow("options.cookie");
    await node.stop();
  });
});
