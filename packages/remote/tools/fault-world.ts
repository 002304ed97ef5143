/** Processes, network namespaces and a proxy for `npm run faults`, and how all of it is taken away again. */
import { execFileSync, fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { Operations, PeerOptions } from "./fault-peer.js";

const PROGRAM = fileURLToPath(new URL("fault-peer.js", import.meta.url));

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** This machine cannot do it. */
export class Skipped extends Error {}

/** Throws when it does not hold. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Waits until it holds, at most so long. */
export async function until(
  what: string,
  timeoutMs: number,
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = now() + timeoutMs;
  while (!(await holds())) {
    must(now() < deadlineMs, `${what}: not within ${timeoutMs} ms`);
    await sleep(20);
  }
}

export interface PeerPlace {
  /** What the program is started by, in place of Node alone. */
  readonly by?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A node in a process of its own. */
export class Peer {
  readonly name: string;
  address = "";
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: string }) => void>();
  #asked = 0;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.on("message", (answer: { id: number; result?: unknown; error?: string }) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    child.on("exit", () => {
      for (const settle of this.#waiting.values()) settle({ error: `${name} has ended` });
      this.#waiting.clear();
    });
  }

  static async start(options: PeerOptions, place: PeerPlace = {}): Promise<Peer> {
    const { by, env = {} } = place;
    const all = { ...process.env, ...env };
    const child =
      by === undefined
        ? fork(PROGRAM, { env: all })
        : spawn(by[0] as string, [...by.slice(1), process.execPath, PROGRAM], {
            env: all,
            stdio: ["ignore", "inherit", "inherit", "ipc"],
          });
    const peer = new Peer(options.name, child);
    try {
      peer.address = await peer.ask("start", options);
    } catch (error) {
      peer.kill();
      throw error;
    }
    return peer;
  }

  ask<O extends keyof Operations>(
    operation: O,
    ...args: Parameters<Operations[O]>
  ): ReturnType<Operations[O]> {
    const id = this.#asked++;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result as never);
        else reject(new Error(error));
      });
      this.#child.send({ id, operation, args }, (error) => {
        if (error !== null) this.#waiting.get(id)?.({ error: String(error) });
      });
    });
    // A row that failed waits for nothing more.
    answer.catch(() => undefined);
    return answer as ReturnType<Operations[O]>;
  }

  async eventTypes(): Promise<string[]> {
    return (await this.ask("events")).map(({ type }) => type);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async killed(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const over = once(this.#child, "exit");
    this.kill();
    await over;
  }
}

/** What is there while a row runs; all of it is gone afterwards. */
export class World {
  readonly #peers: Peer[] = [];
  readonly #after: (() => void)[] = [];

  async peer(options: PeerOptions, place: PeerPlace = {}): Promise<Peer> {
    const peer = await Peer.start(options, place);
    this.#peers.push(peer);
    return peer;
  }

  /** Two that know each other; `a` has connected. */
  async pair(options: Partial<PeerOptions> = {}): Promise<{ a: Peer; b: Peer }> {
    const b = await this.peer({ name: "b", listen: { port: 0 }, ...options });
    const a = await this.peer({ name: "a", addresses: { b: b.address }, ...options });
    must((await a.ask("connect", "b")) === "", "a and b do not connect");
    return { a, b };
  }

  async proxy(target: string): Promise<Proxy> {
    const proxy = await Proxy.open(Number(new URL(target).port));
    this.#after.push(() => proxy.close());
    return proxy;
  }

  /** Two namespaces with a cable between them. */
  cable(): Cable {
    const cable = new Cable();
    this.#after.push(() => cable.remove());
    return cable;
  }

  async end(): Promise<void> {
    for (const peer of this.#peers) peer.signal("SIGCONT");
    await Promise.all(this.#peers.map((peer) => peer.killed()));
    for (const act of this.#after) act();
  }
}

/** TCP in between, in the hands of a row. */
export class Proxy {
  readonly address: string;
  /** Of what goes to the server (or comes from it); may give other bytes, or `undefined` to cut the connection. */
  alter: (bytes: Buffer, toServer: boolean, offset: number) => Buffer | undefined = (bytes) =>
    bytes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/coppice/1`;
  }

  static async open(port: number): Promise<Proxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new Proxy(server);
    server.on("connection", (client: Socket) => proxy.#connected(client, port));
    return proxy;
  }

  #connected(client: Socket, port: number): void {
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true });
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to, toServer] of [
      [client, upstream, true],
      [upstream, client, false],
    ] as const) {
      this.#sockets.add(from);
      let offset = 0;
      from.on("data", (bytes: Buffer) => {
        const altered = this.alter(bytes, toServer, offset);
        offset += bytes.length;
        if (altered === undefined) cut();
        else to.write(altered);
      });
      from.on("error", cut).on("close", () => {
        this.#sockets.delete(from);
        cut();
      });
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const run = (command: string, ...args: readonly string[]): void =>
  void execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });

/** A veth between two network namespaces that are made for one row. */
export class Cable {
  static #made = 0;
  readonly a: { readonly space: string; readonly host: string };
  readonly b: { readonly space: string; readonly host: string };

  constructor() {
    const id = `cf${process.pid}-${Cable.#made++}`;
    this.a = { space: `${id}a`, host: "10.203.77.1" };
    this.b = { space: `${id}b`, host: "10.203.77.2" };
    try {
      for (const { space } of [this.a, this.b]) run("ip", "netns", "add", space);
      run(
        "ip",
        "link",
        "add",
        "v0",
        "netns",
        this.a.space,
        "type",
        "veth",
        "peer",
        "name",
        "v0",
        "netns",
        this.b.space,
      );
      for (const { space, host } of [this.a, this.b]) {
        run("ip", "-n", space, "addr", "add", `${host}/30`, "dev", "v0");
        run("ip", "-n", space, "link", "set", "v0", "up");
        run("ip", "-n", space, "link", "set", "lo", "up");
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** How to start a program at that end. */
  at(end: "a" | "b"): PeerPlace {
    return { by: ["ip", "netns", "exec", this[end].space] };
  }

  within(end: "a" | "b", command: string, ...args: readonly string[]): void {
    run("ip", "netns", "exec", this[end].space, command, ...args);
  }

  /** Nothing gets out of that end any more, silently. */
  cut(end: "a" | "b"): void {
    this.within(end, "iptables", "-A", "OUTPUT", "-o", "v0", "-j", "DROP");
  }

  heal(end: "a" | "b"): void {
    this.within(end, "iptables", "-F", "OUTPUT");
  }

  remove(): void {
    for (const { space } of [this.a, this.b]) {
      try {
        run("ip", "netns", "del", space);
      } catch {
        // It was not made.
      }
    }
  }
}
