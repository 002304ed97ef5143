/**
 * A hostile peer: it knows the key, opens sessions with a live node, and says in them whatever chance
 * makes of what could be said. The node goes on, and so does each of its processes.
 */
import { createNode, isRef, name, type Call, type Node } from "@coppice/core";
import { startRemote, type Transport, type TransportEvents } from "@coppice/remote";
import {
  DEFAULT_LIMITS,
  deriveKey,
  dial,
  encodeSignal,
  handshake,
  nodeCrypto,
  type HandshakeStep,
  type Key,
  type WireSignal,
} from "@coppice/remote/wire";
import { head, mutated, type Case, type Chance } from "./fuzz-cases.js";

const COOKIE = "a cookie that the enemy has";
const CLUSTER = "fuzz";

const Victim = name<Call<number, number> | { readonly type: "exit" }>("calc");

/** The other end of a connection, in the hands of the enemy. */
class HostileEnd implements Transport {
  readonly remoteAddress = "nowhere";
  readonly bufferedBytes = 0;
  readonly sent: Uint8Array[] = [];
  closed: number | undefined;
  #events: TransportEvents | undefined;

  start(events: TransportEvents): void {
    this.#events = events;
    events.opened();
  }

  send(frame: Uint8Array): void {
    this.sent.push(frame);
  }

  close(code: number): void {
    this.closed = code;
  }

  say(frame: Uint8Array): void {
    if (this.closed === undefined) this.#events?.frame(frame);
  }

  leave(): void {
    if (this.closed === undefined) this.#events?.closed(1006, "gone");
    this.closed = 1006;
  }
}

/** A node under attack. */
export class Besieged {
  readonly #node: Node;
  readonly #accept: (transport: Transport) => void;
  readonly #key: Key;
  readonly #stop: () => Promise<void>;
  #sessions = 0;
  #session: { readonly end: HostileEnd; seq: number } | undefined;

  private constructor(
    node: Node,
    accept: (transport: Transport) => void,
    key: Key,
    stop: () => Promise<void>,
  ) {
    this.#node = node;
    this.#accept = accept;
    this.#key = key;
    this.#stop = stop;
  }

  static async begin(): Promise<Besieged> {
    const node = createNode({ name: "b", logger: false });
    // Others may be linked to and told to exit; this one hears of it, and stays.
    const pid = node.spawn<Call<number, number> | { readonly type: "exit" }>(async (self) => {
      self.trapExits(() => ({ type: "exit" as const }));
      for (;;) {
        // Whatever a peer likes to send.
        const message = (await self.receive()) as Partial<Call<number, number>> | null | undefined;
        if (message?.type === "call" && message.request === 41 && isRef(message.from)) {
          self.reply(message.from, 42);
        }
      }
    });
    node.register(Victim, pid);
    let accept: ((transport: Transport) => void) | undefined;
    const remote = await startRemote(node, {
      cluster: CLUSTER,
      cookie: COOKIE,
      connect: "never",
      allowExit: "none",
      listen: {
        listen: (taken) => {
          accept = taken;
          return { address: "fuzz", close: () => Promise.resolve() };
        },
      },
    });
    const bytes = await deriveKey(nodeCrypto, COOKIE, CLUSTER);
    if (accept === undefined) throw new Error("the node does not listen");
    return new Besieged(node, accept, { id: "", bytes, role: "node" }, async () => {
      await remote.stop();
      await node.stop();
    });
  }

  /** How many sessions there were. */
  get sessions(): number {
    return this.#sessions;
  }

  /** One frame of what chance makes of the signals, in a session that is opened when there is none. */
  attack(chance: Chance, signals: readonly Case[], terms: readonly Case[]): Case {
    if (this.#session === undefined || this.#session.end.closed !== undefined) this.#open();
    const session = this.#session;
    if (session === undefined) throw new Error("no session");
    const parts = Array.from({ length: 1 + chance.below(3) }, () =>
      chance.below(8) === 0 ? mutated(chance, signals) : wellFormed(chance, terms),
    );
    session.seq++;
    const bytes = Buffer.concat([
      head(4, 3),
      head(0, chance.below(500) === 0 ? chance.next() : session.seq),
      head(0, 0),
      head(4, parts.length),
      ...parts.map((part) => part.bytes),
    ]);
    if (chance.below(200) === 0) session.end.leave();
    return { name: parts.map((part) => part.name).join(" + "), bytes: new Uint8Array(bytes) };
  }

  say(bytes: Uint8Array): void {
    this.#session?.end.say(bytes);
  }

  /** Does the process still answer? @throws it does not */
  async check(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const reply = await this.#node.call(Victim, 41, { timeoutMs: 5000 });
    if (reply !== 42) throw new Error(`the process answers ${reply}`);
  }

  async end(): Promise<void> {
    this.#session?.end.leave();
    await this.#stop();
  }

  #open(): void {
    const end = new HostileEnd();
    this.#accept(end);
    const first = dial({
      cluster: CLUSTER,
      home: { name: `enemy${++this.#sessions}`, incarnation: 1 },
      key: this.#key,
      limits: DEFAULT_LIMITS,
      hearMs: 86_400_000,
      nonce: nodeCrypto.randomBytes(32),
      crypto: nodeCrypto,
    });
    end.say(sentBy(first));
    const challenge = end.sent.at(-1);
    if (challenge === undefined) throw new Error(`no challenge; closed with ${end.closed}`);
    end.say(sentBy(handshake(first.state, { type: "frame", bytes: challenge })));
    if (end.sent.length < 2) throw new Error(`no session; closed with ${end.closed}`);
    end.sent.length = 0;
    this.#session = { end, seq: 0 };
  }
}

/** A signal of a right form that says whatever chance wants. */
function wellFormed(chance: Chance, terms: readonly Case[]): Case {
  const serial = (): number =>
    chance.below(4) === 0 ? chance.next() * chance.below(2 ** 20) : chance.below(12);
  const term = (): Uint8Array =>
    (chance.below(3) === 0 ? mutated(chance, terms) : chance.of(terms)).bytes;
  const text = (): string => chance.of(["calc", "nobody", "", "undefined", "__proto__", "\r\n"]);
  const target = (): number | string => (chance.below(2) === 0 ? text() : serial());
  const payload = term();
  const from = serial();
  const to = serial();
  const ref = serial();
  const all: readonly WireSignal[] = [
    { op: "send", to, from, payload },
    { op: "send-name", name: text(), from, payload },
    { op: "send-alias", ref, from, payload },
    { op: "refuse", ref, from, payload },
    { op: "link", from, to },
    { op: "unlink", id: serial(), from, to },
    { op: "unlink-ack", id: serial(), from, to },
    { op: "link-exit", from, to, payload },
    { op: "exit", from, to, payload },
    { op: "monitor", ref, from, target: target() },
    { op: "demonitor", ref },
    { op: "down", ref, to, target: target(), payload },
    {
      op: "spawn",
      request: ref,
      from,
      name: text(),
      payload,
      options: { link: true, monitor: serial() },
    },
    { op: "spawn-reply", request: ref, to, pid: chance.below(2) === 0 ? null : serial(), payload },
    { op: "ping", n: serial() },
    { op: "pong", n: serial() },
    { op: "frag", stream: chance.below(4), last: chance.below(2) === 0, bytes: payload },
  ];
  const signal = chance.of(all);
  return { name: signal.op, bytes: encodeSignal(signal) };
}

function sentBy(step: HandshakeStep): Uint8Array {
  const effect = step.effects.find(({ type }) => type === "send");
  if (effect?.type !== "send") throw new Error("nothing to say");
  return effect.bytes;
}
