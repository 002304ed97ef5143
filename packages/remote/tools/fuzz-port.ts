/**
 * Who can reach the port of a node and knows no key: upgrades that are changed, cut, or followed by frames of text
 * or of chance. Each of them ends, and who knows the key is let in.
 */
import { connect } from "node:net";
import { createNode, type Node } from "@coppice/core";
import { startRemote, type Remote } from "@coppice/remote";
import type { Chance } from "./fuzz-cases.js";

const COOKIE = "a cookie that nobody guesses";

/** So many connections are open at once. */
const MOST_OPEN = 64;

/** So long a connection that says nothing more may last, and so long until it has to be gone. */
const HANDSHAKE_MS = 500;
const PATIENCE_MS = 10_000;

const UPGRADE = Buffer.from(
  [
    "GET /coppice/1 HTTP/1.1",
    "Host: x",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${"A".repeat(22)}==`,
    "Sec-WebSocket-Protocol: coppice.1",
    "",
    "",
  ].join("\r\n"),
);

/** A frame of text: "hi", masked with zeros. */
const TEXT = Uint8Array.from([0x81, 0x80 | 2, 0, 0, 0, 0, 0x68, 0x69]);

/** A node that listens at a port. */
export class BesiegedPort {
  readonly #node: Node;
  readonly #remote: Remote;
  readonly #open = new Set<Promise<void>>();
  #connections = 0;

  private constructor(node: Node, remote: Remote) {
    this.#node = node;
    this.#remote = remote;
  }

  static async begin(): Promise<BesiegedPort> {
    const node = createNode({ name: "port", logger: false });
    const limits = {
      handshakeMs: HANDSHAKE_MS,
      maxHandshakes: 2 * MOST_OPEN,
      maxHandshakesPerAddress: 2 * MOST_OPEN,
    };
    const remote = await startRemote(node, { cookie: COOKIE, listen: { port: 0 }, limits });
    return new BesiegedPort(node, remote);
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#connections;
  }

  /** One more connection, unless many are open. */
  attack(chance: Chance): void {
    if (this.#open.size >= MOST_OPEN) return;
    this.#connections++;
    const { port } = new URL(this.#remote.addresses[0] ?? "");
    const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
    const closed = new Promise<void>((resolve) => void socket.on("close", () => resolve()));
    this.#open.add(closed);
    void closed.then(() => this.#open.delete(closed));
    socket.on("error", () => undefined).on("end", () => socket.destroy());
    socket.resume().write(upgrade(chance));
  }

  /** All connections are over, and a node that knows the key is let in. @throws it is not so */
  async end(): Promise<void> {
    const friend = createNode({ name: "friend", logger: false });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("connections last")), PATIENCE_MS);
    });
    try {
      await Promise.race([Promise.all(this.#open), late]);
      const joined = await startRemote(friend, { cookie: COOKIE });
      await joined.connect(this.#remote.addresses[0] ?? "");
      const names = this.#remote.nodes().map(({ name }) => name);
      if (names.join() !== "friend") throw new Error(`connected are ${names.join()}`);
    } finally {
      clearTimeout(timer);
      await Promise.all([friend.stop(), this.#node.stop()]);
    }
  }
}

/** An upgrade with something behind it: changed anywhere, cut, or as it should be. */
function upgrade(chance: Chance): Uint8Array {
  const noise = Uint8Array.from({ length: 40 }, () => chance.below(256));
  const bytes = Buffer.concat([UPGRADE, chance.below(4) === 0 ? TEXT : noise]);
  const manner = chance.below(3);
  if (manner === 0) bytes[chance.below(UPGRADE.length)] = chance.below(256);
  return manner === 1 ? bytes.subarray(0, chance.below(bytes.length)) : bytes;
}
