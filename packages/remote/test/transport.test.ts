import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { request } from "node:http";
import { MessageChannel } from "node:worker_threads";
import { hostClock } from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { WebSocket } from "ws";
import { createMemoryNetwork } from "../src/memory-transport.js";
import { messagePortTransport, type PortLike } from "../src/message-port-transport.js";
import { listenWebSocket, nodeDialler, type NodeListenOptions } from "../src/node-web-socket.js";
import type { Transport } from "../src/transport.js";
import { webSocketTransport, type WebSocketLike } from "../src/web-socket-transport.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { describeTransport, type Setting } from "./transport-contract.js";

describeTransport("in memory", async () => {
  const network = createMemoryNetwork(hostClock());
  return {
    connect: () => {
      let took!: (transport: Transport) => void;
      const accepted = new Promise<Transport>((resolve) => (took = resolve));
      const listener = network.listen("b", took);
      const dialled = network.dial("a", "memory://b");
      void accepted.then(() => listener.close());
      return { dialled, accepted };
    },
    connectToNobody: () => network.dial("a", "memory://nobody"),
    close: async () => expect(network.connections).toBe(0),
  };
});

describeTransport("over a MessagePort", async () => ({
  connect: () => {
    const { port1, port2 } = new MessageChannel();
    const end = (port: unknown, address: string): Transport =>
      messagePortTransport(port as PortLike, address);
    return { dialled: end(port1, "port://b"), accepted: Promise.resolve(end(port2, "port://a")) };
  },
  connectToNobody: () => undefined,
  close: async () => undefined,
}));

const options: NodeListenOptions = {
  host: "127.0.0.1",
  port: 0,
  maxFrameBytes: 1 << 20,
  handshakeMs: 5_000,
};

async function webSocketSetting(dial: (address: string) => Transport): Promise<Setting> {
  const waiting: ((transport: Transport) => void)[] = [];
  const listener = await listenWebSocket(options, (transport) => waiting.shift()?.(transport));
  return {
    connect: () => ({
      accepted: new Promise<Transport>((resolve) => void waiting.push(resolve)),
      dialled: dial(listener.address),
    }),
    connectToNobody: () => dial("ws://127.0.0.1:9"),
    close: () => listener.close(),
  };
}

describeTransport("over a WebSocket of ws", () =>
  webSocketSetting((address) => nodeDialler(options).dial(address)),
);

describeTransport("over a WebSocket as browsers have it", () =>
  webSocketSetting((address) => {
    const socket = new WebSocket(address, "coppice.1") as unknown as WebSocketLike;
    return webSocketTransport(socket, { remoteAddress: address });
  }),
);

describe("a WebSocket listener", () => {
  async function withListener(
    more: Partial<NodeListenOptions>,
    act: (address: string, accepted: Transport[]) => Promise<void>,
  ): Promise<void> {
    const accepted: Transport[] = [];
    const listener = await listenWebSocket({ ...options, ...more }, (t) => void accepted.push(t));
    try {
      await act(listener.address, accepted);
    } finally {
      for (const transport of accepted) transport.close(4000, "");
      await listener.close();
    }
  }

  /** The status of an attempt to connect; 101 when it is let in. */
  const statusOf = (
    address: string,
    headers: { readonly [name: string]: string },
    protocol: string | undefined = "coppice.1",
  ): Promise<number> =>
    new Promise((resolve) => {
      const socket = new WebSocket(address, protocol === "" ? [] : protocol, { headers });
      socket.on("error", () => undefined);
      socket.on("unexpected-response", (_, response) => {
        socket.terminate();
        resolve(response.statusCode ?? 0);
      });
      socket.on("open", () => {
        socket.terminate();
        resolve(101);
      });
    });

  test("lets in pages of the allowed origins alone, and who is no page", async () => {
    await withListener({ allowedOrigins: ["https://good.example"] }, async (address) => {
      expect(await statusOf(address, {})).toBe(101);
      expect(await statusOf(address, { origin: "https://good.example" })).toBe(101);
      expect(await statusOf(address, { origin: "https://evil.example" })).toBe(403);
      expect(await statusOf(address, { origin: "null" })).toBe(403);
    });
  });

  test("refuses another path, another protocol, and whom `admit` refuses", async () => {
    await withListener({ admit: () => false }, async (address) => {
      expect(await statusOf(address.replace("/coppice/1", "/other"), {})).toBe(404);
      expect(await statusOf(address, {}, "")).toBe(400);
      expect(await statusOf(address, {})).toBe(503);
    });
  });

  test("tells whom it turns away, and why, be that as long as it may", async () => {
    const told: (readonly string[])[] = [];
    const refused = (...what: string[]): void => void told.push(what);
    await withListener({ admit: () => false, refused }, async (address) => {
      await statusOf(address.replace("/coppice/1", `/${"x".repeat(1_000)}`), {});
      await statusOf(address, { origin: "https://evil.example" });
      await statusOf(address, {}, "");
      await statusOf(address, {});
    });
    const why = told.map(([from, text]) => [from, text]);
    expect(why).toEqual([
      ["127.0.0.1", `the path "/${"x".repeat(99)}"`],
      ["127.0.0.1", 'the origin "https://evil.example" is not among allowedOrigins'],
      ["127.0.0.1", "no subprotocol coppice.1"],
      ["127.0.0.1", "too many at once"],
    ]);
  });

  test("closes who has asked for nothing for longest when there are too many such, and lets in who asks", async () => {
    const told: string[] = [];
    const refused = (...what: string[]): void => void told.push(what.join(": "));
    await withListener({ maxEarlySockets: 3, refused }, async (address) => {
      const { port } = new URL(address);
      const silent = (): { readonly socket: Socket; readonly closed: Promise<unknown> } => {
        const socket = connectSocket({ port: Number(port), host: "127.0.0.1" });
        socket.resume().on("error", () => undefined);
        return { socket, closed: new Promise((resolve) => socket.on("close", resolve)) };
      };
      const first = [silent()];
      await once((first[0] as { socket: Socket }).socket, "connect");
      // Who asks counts no more, however many they are; nor who has gone.
      for (let i = 0; i < 6; i++) expect(await statusOf(address, {})).toBe(101);
      const gone = silent();
      await once(gone.socket, "connect");
      gone.socket.destroy();
      await gone.closed;
      // That it has gone is known there by then.
      for (let i = 0; i < 2; i++) expect(await statusOf(address, {})).toBe(101);
      expect(told).toEqual([]);
      const more = [silent(), silent(), silent()];
      await (first[0] as { closed: Promise<unknown> }).closed;
      expect(told).toEqual(["127.0.0.1: nothing was asked for, and others have come"]);
      expect(await statusOf(address, {})).toBe(101);
      for (const { socket } of more) socket.destroy();
    });
  });

  test.each([
    ["another path", "/other", "coppice.1", 404],
    ["another protocol", "/coppice/1", "http", 400],
    ["one who is refused", "/coppice/1", "coppice.1", 503],
  ])(
    "lets go of %s at once, also when the other end keeps its half",
    async (_, path, protocol, status) => {
      await withListener({ admit: () => false }, async (address) => {
        const { port } = new URL(address);
        const socket = connectSocket({
          port: Number(port),
          host: "127.0.0.1",
          allowHalfOpen: true,
        });
        let answer = "";
        socket.on("data", (data) => (answer += data.toString()));
        const lines = [
          `GET ${path} HTTP/1.1`,
          "Host: x",
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Version: 13",
          `Sec-WebSocket-Key: ${"A".repeat(22)}==`,
          `Sec-WebSocket-Protocol: ${protocol}`,
        ];
        socket.write(`${lines.join("\r\n")}\r\n\r\n`);
        await new Promise((resolve) => socket.on("end", resolve));
        expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        // Nobody is there any more: what is written now is answered by a reset.
        const closed = new Promise((resolve) => {
          socket.on("error", resolve);
          socket.on("close", resolve);
        });
        const writeOn = (error?: Error | null): unknown =>
          error ? undefined : socket.write("x", (failed) => setImmediate(writeOn, failed));
        writeOn();
        await closed;
        socket.destroy();
      });
    },
  );

  test("agrees to no compression, whoever offers it", async () => {
    await withListener({}, async (address) => {
      const socket = new WebSocket(address, "coppice.1", { perMessageDeflate: true });
      await new Promise((resolve) => socket.on("open", resolve));
      expect(socket.extensions).toBe("");
      socket.terminate();
    });
  });

  test("serves no pages", async () => {
    await withListener({}, async (address) => {
      const status = await new Promise((resolve) => {
        request(address.replace("ws:", "http:"), (response) => {
          response.resume();
          resolve(response.statusCode);
        }).end();
      });
      expect(status).toBe(426);
    });
  });

  test("closes who sends text, or more than the limit of a frame", async () => {
    await withListener({ maxFrameBytes: 4096 }, async (address, accepted) => {
      for (const data of ["text", new Uint8Array(5_000)]) {
        const closes: unknown[] = [];
        const socket = new WebSocket(address, "coppice.1");
        await new Promise((resolve) => socket.on("open", resolve));
        const closed = new Promise<number>((resolve) => socket.on("close", resolve));
        const closedThere = new Promise<void>((resolve) =>
          accepted.at(-1)?.start({
            opened: () => undefined,
            frame: () => closes.push("frame"),
            drained: () => undefined,
            closed: (code, _text, breached) => {
              closes.push(code, breached);
              resolve();
            },
          }),
        );
        socket.send(data);
        const [code] = await Promise.all([closed, closedThere]);
        // Which limit that was is said, so that the node can count it.
        expect([code, closes]).toEqual(
          data === "text" ? [4007, [4007, undefined]] : [1009, [1006, "maxFrameBytes"]],
        );
      }
    });
  });

  test("takes a message in parts, and closes who sends it in more than anybody needs", async () => {
    await withListener({}, async (address, accepted) => {
      const socket = new WebSocket(address, "coppice.1");
      await new Promise((resolve) => socket.on("open", resolve));
      const closed = new Promise<number>((resolve) => socket.on("close", resolve));
      const lengths: number[] = [];
      accepted.at(-1)?.start({
        opened: () => undefined,
        frame: ({ length }) => lengths.push(length),
        drained: () => undefined,
        closed: () => undefined,
      });
      const part = new Uint8Array(10);
      for (let i = 1; i <= 200; i++) socket.send(part, { fin: i === 200 });
      for (let i = 1; i <= 300; i++) socket.send(part.subarray(0, 1), { fin: false });
      expect([await closed, lengths]).toEqual([1008, [2_000]]);
    });
  });

  test("closes who sends it byte by byte, and takes no memory for each", async () => {
    await withListener({ maxFrameBytes: 4_096 }, async (address, accepted) => {
      const socket = new WebSocket(address, "coppice.1");
      await new Promise((resolve) => socket.on("open", resolve));
      const closed = new Promise<number>((resolve) => {
        accepted.at(-1)?.start({
          opened: () => undefined,
          frame: () => undefined,
          drained: () => undefined,
          closed: (code) => resolve(code),
        });
      });
      const { _socket: raw } = socket as unknown as { readonly _socket: Socket };
      raw.setNoDelay(true).on("error", () => undefined);
      let over = false;
      void closed.then(() => (over = true));
      // A masked binary frame of 4000 bytes begins, of which each byte comes by itself.
      raw.write(Uint8Array.from([0x82, 0xfe, 0x0f, 0xa0, 0, 0, 0, 0]));
      let sent = 0;
      for (; !over && sent < 3_900; sent++) {
        raw.write(Uint8Array.of(1));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await closed).toBe(1006);
      expect(sent).toBeGreaterThan(900);
    });
  });

  test("survives bytes that are no HTTP", async () => {
    await withListener({}, async (address) => {
      const { port } = new URL(address);
      await new Promise((resolve) => {
        const socket = connectSocket(Number(port), "127.0.0.1", () => {
          socket.write("\x00\x01 nonsense\r\n\r\n");
        });
        socket.resume();
        socket.on("close", resolve);
        socket.on("error", () => undefined);
      });
      expect(await statusOf(address, {})).toBe(101);
    });
  });
});

describe("the network in memory", () => {
  function createPair() {
    const clock = createVirtualClock();
    const network = createMemoryNetwork(clock);
    const frames: number[] = [];
    const closes: unknown[] = [];
    const ends: Transport[] = [];
    network.listen("b", (transport) => {
      ends.push(transport);
      transport.start({
        opened: () => undefined,
        frame: ([first]) => void frames.push(first as number),
        drained: () => undefined,
        closed: (code) => void closes.push(code),
      });
    });
    const a = network.dial("a", "memory://b");
    const closesA: unknown[] = [];
    a.start({
      opened: () => undefined,
      frame: () => undefined,
      drained: () => undefined,
      closed: (code) => closesA.push(code),
    });
    const send = (n: number): void => a.send(new Uint8Array([n]));
    return { clock, network, frames, closes, closesA, send, a };
  }

  test("takes its time when it is slow, and keeps the order", async () => {
    const { clock, network, frames, send } = createPair();
    await quiesce();
    network.fault("a", "b", { latencyMs: 10 });
    send(1);
    network.fault("a", "b", {});
    send(2);
    await clock.advance(9);
    expect(frames).toEqual([]);
    await clock.advance(1);
    expect(frames).toEqual([1, 2]);
  });

  test("holds up one direction, and lets all go on when that is over", async () => {
    const { network, frames, send, a } = createPair();
    await quiesce();
    network.fault("a", "b", { mode: "hold" });
    send(1);
    send(2);
    await quiesce();
    expect([frames, a.bufferedBytes]).toEqual([[], 2]);
    network.fault("a", "b", {});
    await quiesce();
    expect([frames, a.bufferedBytes]).toEqual([[1, 2], 0]);
  });

  test("loses and alters", async () => {
    const { network, frames, send } = createPair();
    await quiesce();
    network.fault("a", "b", { mode: "lose" });
    send(1);
    await quiesce();
    network.fault("a", "b", {
      alter: ([n = 0]) => (n === 2 ? undefined : new Uint8Array([n + 1])),
    });
    send(2);
    send(3);
    await quiesce();
    expect(frames).toEqual([4]);
  });

  test("breaks: both ends are told, those of a host that crashed are not", async () => {
    const first = createPair();
    await quiesce();
    first.network.sever("b", "a");
    expect([first.closes, first.closesA]).toEqual([[1006], [1006]]);
    const second = createPair();
    await quiesce();
    second.network.crash("a");
    expect([second.closes, second.closesA]).toEqual([[1006], []]);
    expect(second.network.connections).toBe(0);
  });

  test("refuses a second listener at one host", () => {
    const { network } = createPair();
    expect(() => network.listen("b", () => undefined)).toThrow("somebody listens");
  });
});

test("of one socket no more than a few thousand messages are read before others have their turn", async () => {
  const counts: number[] = [0];
  let isOver = false;
  const turn = (): void => {
    counts.push(0);
    if (!isOver) setImmediate(turn);
  };
  let got = 0;
  const all = 150_000;
  let close = (): Promise<void> => Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    const listening = listenWebSocket(options, (transport) => {
      transport.start({
        opened: () => undefined,
        drained: () => undefined,
        closed: () => undefined,
        frame: () => {
          counts[counts.length - 1] = (counts.at(-1) as number) + 1;
          if (++got === all) resolve();
        },
      });
    });
    listening.then((listener) => {
      const socket = new WebSocket(listener.address, "coppice.1", { perMessageDeflate: false });
      close = () => {
        socket.terminate();
        return listener.close();
      };
      socket.on("error", reject);
      socket.on("open", () => {
        setImmediate(turn);
        // Frames of WebSocket: binary, masked with zeros, of two bytes.
        const one = Buffer.from([0x82, 0x82, 0, 0, 0, 0, 1, 2]);
        const { _socket: raw } = socket as unknown as { _socket: { write(data: Buffer): void } };
        raw.write(Buffer.concat(Array.from({ length: all }, () => one)));
      });
    }, reject);
  }).finally(() => {
    isOver = true;
    return close();
  });
  expect(got).toBe(all);
  // Two reads of 64 KiB: what was read when it was enough, and what Node had read ahead.
  expect(Math.max(...counts)).toBeLessThanOrEqual(2 * 8_192);
});

test("a MessagePort over which something comes that is no frame is closed, and whoever has it is told why", async () => {
  for (const stray of [{ hello: 1 }, "text", null, { close: "soon" }]) {
    const { port1, port2 } = new MessageChannel();
    const transport = messagePortTransport(port1 as unknown as PortLike, "port://b");
    const closed = new Promise((resolve) => {
      transport.start({
        opened: () => undefined,
        frame: () => undefined,
        drained: () => undefined,
        closed: (code, text) => resolve([code, text]),
      });
    });
    const told = new Promise((resolve) => void port2.once("message", resolve));
    port2.postMessage(stray);
    expect(await closed).toEqual([CLOSE_CODES.PROTOCOL, "no frame"]);
    expect(await told).toEqual({ close: CLOSE_CODES.PROTOCOL, text: "no frame" });
    port2.close();
  }
});
