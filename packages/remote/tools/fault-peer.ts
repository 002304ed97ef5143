/**
 * A node in an operating-system process of its own, that does what `npm run faults` asks of it over IPC.
 * Times are those of the machine's monotonic clock, in ms, so that those of several processes compare.
 */
import {
  at,
  createNode,
  name,
  type Call,
  type Down,
  type Exit,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import { startRemote, type Remote, type RemoteOptions } from "@coppice/remote";

/** What another process has to know of a node. */
export interface PeerOptions {
  readonly name: string;
  readonly listen?: { readonly host?: string; readonly port: number };
  /** Where the others are, by name. */
  readonly addresses?: { readonly [node: string]: string };
  readonly join?: readonly string[];
  readonly hearMs?: number;
  readonly handshakeMs?: number;
  readonly role?: "node" | "client";
  /** Clients may address its processes. */
  readonly exported?: boolean;
}

/** How often a process was told, in what words and when. */
export interface Told {
  readonly count: number;
  readonly reasons: readonly string[];
  readonly firstMs: number;
  readonly lastMs: number;
}

/** How long calls took, in ms. */
export interface Latency {
  readonly calls: number;
  readonly failed: number;
  /** Why, each once. */
  readonly errors: readonly string[];
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

const Echo = name<Call<unknown, unknown>>("echo");
/** Takes `[sender, number, …]`, and knows when a number is not the next but one that was before. */
const Order = name<readonly [sender: string, n: number, ballast?: Uint8Array]>("order");

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let node: Node;
let remote: Remote;
const events: { readonly atMs: number; readonly type: string; readonly [key: string]: unknown }[] =
  [];
const downs: { readonly reason: string; readonly atMs: number }[] = [];
const order = { count: 0, inversions: 0, repeats: 0, last: new Map<string, number>() };

function note(event: { readonly type: string }): void {
  events.push({ atMs: now(), ...event });
}

/** What a process makes. */
function report<T>(make: (self: Self<never>) => Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    node.spawn<never>(async (self) => resolve(await make(self)));
  });
}

/** What can be asked of this process. */
const operations = {
  async start(options: PeerOptions): Promise<string> {
    const { addresses = {}, handshakeMs, exported = false, ...rest } = options;
    const { name: own, ...forRemote } = rest;
    node = createNode({ name: own, logger: false });
    node.events.subscribe((event) => {
      if (event.type === "blocked") note({ type: "blocked" });
    });
    node.register(
      Echo,
      node.spawn<Call<unknown, unknown> | Exit>(async (self) => {
        // Many will be linked with it, and their ends are not to be its own.
        self.trapExits();
        for (;;) {
          const message = await self.receive();
          if (message.type === "exit") continue;
          self.reply(message.from, message.request === "pid" ? self.pid : message.request);
        }
      }) as Pid<Call<unknown, unknown>>,
    );
    node.register(
      Order,
      node.spawn<readonly [string, number, Uint8Array?]>(async (self) => {
        for (;;) {
          const [sender, n] = await self.receive();
          const last = order.last.get(sender) ?? -1;
          order.count++;
          if (n < last) order.inversions++;
          if (n === last) order.repeats++;
          order.last.set(sender, n);
        }
      }),
    );
    remote = await startRemote(node, {
      cookie: "only for these tests",
      // Of addresses within the namespaces that are made for it.
      insecure: true,
      resolve: (other) => addresses[other],
      exports: exported ? [Echo, Order] : [],
      ...(handshakeMs !== undefined && { limits: { handshakeMs } }),
      ...(forRemote as RemoteOptions),
    });
    remote.events.subscribe((event) => note(event));
    return remote.addresses[0] ?? "";
  },

  async connect(other: string): Promise<string> {
    return remote.connect(other).then(
      () => "",
      (error: unknown) => String(error),
    );
  },

  async disconnect(other: string): Promise<void> {
    remote.disconnect(other);
  },

  async stop(): Promise<void> {
    await node.stop();
  },

  /** So many processes monitor the echo of another node, and as many are linked with it. */
  async watch(other: string, monitors: number, links: number): Promise<void> {
    const pid = (await node.call(at(other, Echo), "pid")) as Pid<never>;
    const told = (reason: unknown): void =>
      void downs.push({
        reason: typeof reason === "string" ? reason : JSON.stringify(reason),
        atMs: now(),
      });
    for (let i = 0; i < monitors; i++) {
      node.spawn<Down>(async (self) => {
        self.monitor(i % 2 === 0 ? pid : at(other, Echo));
        for (;;) told((await self.receive()).reason);
      });
    }
    for (let i = 0; i < links; i++) {
      node.spawn<{ readonly reason: unknown }>(async (self) => {
        self.trapExits(({ reason }) => ({ reason }));
        self.link(pid);
        for (;;) told((await self.receive()).reason);
      });
    }
    // Its answer comes behind all that.
    await node.call(at(other, Echo), 0);
  },

  async told(): Promise<Told> {
    return {
      count: downs.length,
      reasons: [...new Set(downs.map(({ reason }) => reason))],
      firstMs: Math.min(...downs.map(({ atMs }) => atMs)),
      lastMs: Math.max(...downs.map(({ atMs }) => atMs)),
    };
  },

  /** Calls one after the other, for so long. */
  async calls(other: string, forMs: number, everyMs = 0): Promise<Latency> {
    const times: number[] = [];
    let failed = 0;
    const errors = new Set<string>();
    const untilMs = now() + forMs;
    while (now() < untilMs) {
      const startMs = now();
      try {
        await node.call(at(other, Echo), times.length, { timeoutMs: 30_000 });
        times.push(now() - startMs);
      } catch (error) {
        failed++;
        errors.add(String(error));
        await sleep(20);
      }
      if (everyMs > 0) await sleep(everyMs);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const of = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? NaN;
    return {
      calls: times.length,
      failed,
      errors: [...errors],
      p50: of(0.5),
      p99: of(0.99),
      worst: of(1),
    };
  },

  async pid(other: string): Promise<string> {
    return String(await node.call(at(other, Echo), "pid"));
  },

  /** A process sends numbers to another node for so long, each with so many bytes, while that is not busy. */
  async pump(other: string, forMs: number, bytes: number): Promise<number> {
    const ballast = new Uint8Array(bytes);
    const untilMs = now() + forMs;
    return report(async (self) => {
      let n = 0;
      while (now() < untilMs) {
        for (let i = 0; i < 20; i++) self.send(at(other, Order), [node.name, n++, ballast]);
        do await self.sleep(0);
        while (remote.isBusy(other) && now() < untilMs);
      }
      return n;
    });
  },

  /** A process sends so many, each with so many bytes, and waits while that is busy. */
  async send(other: string, count: number, bytes: number): Promise<number> {
    return report(async (self) => {
      for (let i = 0; i < count; i++) {
        self.send(at(other, Order), [`${node.name}-big`, i, new Uint8Array(bytes)]);
        while (remote.isBusy(other)) await self.sleep(1);
      }
      return count;
    });
  },

  async order(): Promise<Omit<typeof order, "last">> {
    const { count, inversions, repeats } = order;
    return { count, inversions, repeats };
  },

  /** A step that takes so long. */
  async block(forMs: number): Promise<void> {
    const untilMs = now() + forMs;
    while (now() < untilMs);
  },

  async events(): Promise<typeof events> {
    return events;
  },

  async nodes(): Promise<ReturnType<Remote["nodes"]>> {
    return remote.nodes();
  },

  async breaches(): Promise<Remote["breaches"]> {
    return remote.breaches;
  },

  /** Its biggest so far. */
  async memory(): Promise<number> {
    return process.resourceUsage().maxRSS * 1024;
  },

  async wallClock(): Promise<number> {
    return Date.now();
  },

  async now(): Promise<number> {
    return now();
  },
};

export type Operations = typeof operations;

interface Request {
  readonly id: number;
  readonly operation: keyof Operations;
  readonly args: readonly unknown[];
}

process.on("message", ({ id, operation, args }: Request) => {
  const run = operations[operation] as (...args: readonly unknown[]) => Promise<unknown>;
  run(...args).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String((error as Error).stack ?? error) }),
  );
});
// Who started it is gone.
process.on("disconnect", () => process.exit());
