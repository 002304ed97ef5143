/**
 * A peer that says whatever a test likes: it gets through the handshake as anybody does, and from then on
 * keeps to no rule but that of the frames.
 */
import { Connection } from "../src/connection.js";
import type { SessionPeer } from "../src/connection-options.js";
import { Codec } from "../src/codec.js";
import { encodeSignal } from "../src/signal-writer.js";
import { checkLimits, createBreachCounts, type Limits } from "../src/limits.js";
import { nodeCrypto } from "../src/node-crypto.js";
import type { Role } from "../src/handshake-message.js";
import type { Key } from "../src/secret.js";
import type { SessionEnd } from "../src/session.js";
import type { Identities, NodeLife } from "../src/term.js";
import type { WireSignal } from "../src/wire-signal.js";
import type { RemoteWorld } from "./remote-world.js";

export interface HostileOptions {
  readonly role?: Role;
  readonly keys?: readonly Key[];
  readonly incarnation?: number;
  readonly limits?: Partial<Limits>;
}

/** A reference as the enemy has it: what it says of one is up to it. */
export type FakePid = {
  readonly fake: readonly [node: string, incarnation: number, serial: number];
};

export class Hostile {
  readonly connection: Connection;
  readonly home: NodeLife;
  /** What it was told, but what keeps the session alive. */
  readonly heard: WireSignal[] = [];
  peer: SessionPeer | undefined = undefined;
  end: SessionEnd | undefined = undefined;

  constructor(world: RemoteWorld, name: string, target: string, options: HostileOptions = {}) {
    const { role = "node", keys = [], incarnation = 666, limits } = options;
    this.home = { name, incarnation };
    this.connection = new Connection(
      true,
      world.network.dial(name, `memory://${target}`),
      {
        clock: world.clock,
        home: this.home,
        cluster: "coppice",
        role,
        expected: undefined,
        keys,
        crypto: nodeCrypto,
        limits: checkLimits("hostile", limits),
        hearMs: 20_000,
        overflow: "close",
        breaches: createBreachCounts(),
        soon: (task) => void process.nextTick(task),
        nextTurn: (task) => void setImmediate(task),
        afterTurn: (task) => void world.clock.set(task, 0),
        said: () => ({ bucket: undefined }),
        identities: (peer) => this.#identities(peer.node),
      },
      {
        admit: () => "accept",
        challenged: () => "accept",
        opened: (_, peer) => void (this.peer = peer),
        signal: (_, signal) => void this.heard.push(signal),
        busy: () => undefined,
        stalled: () => undefined,
        down: (_, end) => void (this.end = end),
      },
      () => undefined,
    );
  }

  /** Opens a session. */
  static async open(
    world: RemoteWorld,
    name: string,
    target: string,
    options: HostileOptions = {},
  ): Promise<Hostile> {
    const hostile = new Hostile(world, name, target, options);
    await world.settle();
    return hostile;
  }

  /** A signal whose payload is a term. */
  say(...signals: readonly WireSignal<unknown>[]): void {
    for (const signal of signals) this.connection.push(0, signal);
  }

  /** A signal whose payload is whatever bytes. */
  sayRaw(signal: WireSignal<Uint8Array>): void {
    this.connection.pushEncoded(0, encodeSignal(signal));
  }

  /** What was said to it in this op. */
  of<O extends WireSignal["op"]>(op: O): Extract<WireSignal, { op: O }>[] {
    return this.heard.filter((signal) => signal.op === op) as Extract<WireSignal, { op: O }>[];
  }

  /** The payloads of what was said to it, as terms. */
  payloads(op: "send" | "send-alias" | "down" | "link-exit" | "spawn-reply"): unknown[] {
    const codec = new Codec({
      identities: this.#identities((this.peer as SessionPeer).node),
      limits: checkLimits("hostile"),
    });
    return this.of(op).map(({ payload }) => codec.decode(payload));
  }

  #identities(peer: NodeLife): Identities {
    return {
      home: this.home,
      peer,
      pid: (life, serial) =>
        ({ fake: [life.name, life.incarnation, serial] }) satisfies FakePid as never,
      ref: (owner, serial) => ({ owner, serial }) as never,
      exported: () => undefined,
    };
  }
}

/** The bytes of hex digits. */
export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** A term that is a pid of any node, for `sayRaw`: `[node, incarnation, serial]` under its tag. */
export function pidBytes(node: string, incarnation: number, serial: number): Uint8Array {
  const name = Buffer.from(node, "utf8");
  if (name.length > 23 || incarnation > 0xffff || serial > 0xffff) throw new Error("too long");
  const short = (value: number): number[] => [0x19, value >> 8, value & 255];
  return Uint8Array.from([
    0xd9,
    40_900 >> 8,
    40_900 & 255,
    0x83,
    0x60 | name.length,
    ...name,
    ...short(incarnation),
    ...short(serial),
  ]);
}

/** What tells the groups of a node of a member: up to 23 pids, each as `pidBytes` makes it. */
export function joinGroup(group: string, ...pids: readonly Uint8Array[]): WireSignal<Uint8Array> {
  const text = (value: string): number[] => [0x60 | value.length, ...Buffer.from(value)];
  const head = [0x83, ...text("join"), ...text(group), 0x80 | pids.length];
  const payload = Uint8Array.from([...head, ...pids.flatMap((pid) => [...pid])]);
  return { op: "send-name", name: "coppice:groups/default", from: 0, payload };
}
