/** What a process may do by the public API, each a line of a program that is drawn at random. */
import {
  at,
  name,
  TIMEOUT,
  type Alias,
  type AnyPid,
  type Call,
  type MonitorRef,
  type Name,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import type { Durable, Shared } from "@coppice/testkit";

export type Server = Call<"get", number> | Call<"add", number> | Call<"stop", number>;
export const Served: Name<Server> = name("served");

/** Whatever it is, somebody may be sent it. */
type Message = unknown;

/** The process that acts, and whom it acts upon. */
export interface Actor {
  readonly self: Self<Message>;
  readonly index: number;
  readonly node: Node;
  /** The nodes of the program, by name. */
  readonly nodes: readonly string[];
  readonly other: Pid<Message>;
  readonly named: Name<Message>;
  readonly server: Pid<Server>;
  readonly shared: Shared<number>;
  readonly disk: Durable<number>;
  /** What it holds from one line to the next. */
  readonly held: {
    monitor?: MonitorRef | undefined;
    alias?: Alias<Message> | undefined;
    timer?: ReturnType<Self<Message>["sendAfter"]> | undefined;
  };
  /** What it saw. */
  log(seen: unknown): void;
  /** What was seen on its behalf, by others than it: that has no order with what it sees itself. */
  logAside(seen: string): void;
}

type Act = (actor: Actor) => void | PromiseLike<void>;

interface Failure {
  readonly name: string;
  readonly reason?: unknown;
}

const textOf = (error: unknown): string => {
  const { name: kind, reason } = error as Failure;
  return `${kind} ${JSON.stringify(reason)}`;
};

/** Logs what comes of it, or what is thrown. */
async function attempt({ log }: Actor, what: string, act: () => unknown): Promise<void> {
  try {
    log(`${what} ${String(await act())}`);
  } catch (error) {
    log(`${what} ${textOf(error)}`);
  }
}

const logged = ({ log }: Actor, got: unknown): void => log(got === TIMEOUT ? "timeout" : got);
const hasAlias = (message: Message): boolean =>
  typeof message === "object" && message !== null && "alias" in message;
const isRequest = (message: Message): boolean =>
  typeof message === "object" && message !== null && "from" in message;
const startsWithS = (message: Message): boolean =>
  typeof message === "string" && message.startsWith("s");
const down = ({ reason }: { readonly reason: unknown }): string => `down ${JSON.stringify(reason)}`;

export const acts = {
  send: ({ self, other, index }) => self.send(other, `s${index}`),
  sendToName: ({ self, named, index }) => self.send(named, `n${index}`),
  sendElsewhere: ({ self, nodes, named, index }) =>
    self.send(at(nodes.at(-1) as string, named), `elsewhere ${index}`),
  sendFromNode: ({ node, other, index }) => node.send(other, `o${index}`),
  receive: async (it) => it.log(await it.self.receive()),
  receiveFor: async (it) => logged(it, await it.self.receive({ timeoutMs: 5 })),
  look: async (it) => logged(it, await it.self.receive({ timeoutMs: 0 })),
  select: async (it) => logged(it, await it.self.receive(startsWithS, { timeoutMs: 5 })),

  exit: ({ self, other }) => void self.exit(other, "stopped"),
  kill: ({ self, other }) => void self.exit(other, "kill"),
  killServer: ({ self, server }) => void self.exit(server, "kill"),
  end: ({ self }) => self.exit("done"),
  crash: () => {
    throw new Error("crashed");
  },
  trap: ({ self }) => void self.trapExits(({ reason }) => `exit ${JSON.stringify(reason)}`),
  link: ({ self, other }) => void self.link(other),
  unlink: ({ self, other }) => void self.unlink(other),
  unlinkAndFlush: ({ self, other }) => void self.unlink(other, { flush: true }),
  monitor: ({ self, other, held }) => void (held.monitor = self.monitor(other, down)),
  monitorName: ({ self, named, held }) => void (held.monitor = self.monitor(named, down)),
  monitorWithAlias: ({ self, other, held }) => {
    held.monitor = self.monitor(other, down, { alias: "reply_demonitor" });
    self.send(other, { alias: held.monitor });
  },
  demonitor: ({ self, held, log }) => {
    if (held.monitor)
      log(`was there: ${self.demonitor(held.monitor, { flush: true, info: true })}`);
  },
  alias: ({ self, other, held }) => {
    held.alias = self.alias("reply");
    self.send(other, { alias: held.alias });
  },
  unalias: ({ self, held, log }) => {
    if (held.alias) log(`unaliased: ${self.unalias(held.alias)}`);
  },
  sendToAlias: async ({ self, index }) => {
    const got = await self.receive(hasAlias, { timeoutMs: 5 });
    if (got === TIMEOUT) return;
    const { alias } = got as { readonly alias: Alias<Message> };
    for (const time of [1, 2]) self.send(alias, `to alias ${index}, ${time}`);
  },

  register: (it) => attempt(it, "register", () => it.self.register(it.named)),
  unregister: (it) => attempt(it, "unregister", () => it.self.unregister(it.named)),
  whereis: ({ self, named, log }) => log(`named: ${self.whereis(named) !== undefined}`),
  whereisServer: ({ self, log }) => log(`served: ${self.whereis(Served) !== undefined}`),
  isAlive: ({ self, other, log }) => log(`alive: ${self.isAlive(other)}`),
  processInfo: ({ self, other, log }) => {
    const { mailboxSize, links, status } = self.processInfo(other) ?? {};
    log(`info ${mailboxSize} ${links?.length} ${status}`);
  },
  counts: ({ node, log }) => log(`processes: ${node.counts.processes}`),
  setLabel: ({ self, index }) => self.setLabel(`label ${index}`),
  whenExited: ({ node, other, logAside }) => {
    void node.whenExited(other).then((reason) => logAside(`exited ${JSON.stringify(reason)}`));
  },

  sendAfter: ({ self, other, index, held }) =>
    void (held.timer = self.sendAfter(other, 5, `later ${index}`)),
  sendInterval: ({ self, other, index, held }) =>
    void (held.timer = self.sendInterval(other, 5, `tick ${index}`)),
  cancelTimer: ({ self, held, log }) => {
    if (held.timer) log(`left: ${self.cancelTimer(held.timer)}`);
  },
  readTimer: ({ self, held, log }) => {
    if (held.timer) log(`to go: ${self.readTimer(held.timer)}`);
  },
  sleep: ({ self }) => self.sleep(5),
  hostTimer: () => new Promise((resolve) => void setTimeout(resolve, 5)),
  hostDate: ({ log }) => log(`date ${Date.now() % 100_000}`),
  now: ({ self, log }) => log(`now ${self.now()}`),
  random: ({ self, log }) => log(`random ${Math.floor(self.random() * 100)}`),
  yield: ({ self }) => self.yield(),

  read: async ({ self, shared, log }) => log(`x ${await shared.read(self, (value) => value)}`),
  write: async ({ self, shared, index }) =>
    void (await shared.write(self, (value) => value * 10 + index + 1)),
  writeDisk: (it) => attempt(it, "write", () => it.disk.write(it.disk.read() + 1)),
  syncDisk: (it) => attempt(it, "sync", () => it.disk.sync()),

  spawnLink: ({ self, other, index }) =>
    void self.spawnLink<never>((child) => child.send(other, `child of ${index}`)),
  spawnMonitor: ({ self }) =>
    void self.spawnOpt<never>({ monitor: down as never }, async (child) => {
      await child.yield();
      child.exit("x");
    }),
  start: (it) =>
    attempt(it, "started", async () => {
      const result = await it.self.spawnAndWait<never>({ link: true }, async (child) => {
        await child.yield();
        child.initAck({});
      });
      return Object.keys(result).join(" ");
    }),
  own: ({ self, other }) => void self.own({}, () => self.send(other, "disposed")),
  ownForLong: ({ self, log }) =>
    void self.own({}, async () => {
      await self.sleep(1).catch(() => undefined);
      log("disposed");
    }),
  unwind: async ({ self, other, index }) => {
    try {
      await self.receive();
    } finally {
      self.send(other, `unwound ${index}`);
    }
  },
  onAbort: ({ self, log }) => self.signal.addEventListener("abort", () => log("aborted")),

  call: (it) => attempt(it, "get", () => it.self.call(it.server, "get", { timeoutMs: Infinity })),
  callFor: (it) => attempt(it, "add", () => it.self.call(it.server, "add", { timeoutMs: 5 })),
  callByName: (it) =>
    attempt(it, "named", () =>
      it.self.call(at(it.nodes[0] as string, Served), "get", { timeoutMs: 5 }),
    ),
  callToStop: (it) =>
    attempt(it, "stop", () => it.self.call(it.server, "stop", { timeoutMs: Infinity })),
  callOther: (it) =>
    attempt(it, "asked", () =>
      it.self.call(it.other as Pid<Call<"ask", string>>, "ask", { timeoutMs: 5 }),
    ),
  reply: async ({ self, index }) => {
    const got = await self.receive(isRequest, { timeoutMs: 5 });
    if (got !== TIMEOUT) self.reply((got as Call<"ask", string>).from, `reply ${index}`);
  },
  cast: ({ self, server }) => self.send(server as AnyPid as Pid<"cast">, "cast"),
} satisfies Record<string, Act>;

/** A server; what it knows is in `known`, for all to see. */
export const serve =
  (known: { value: number }) =>
  async (self: Self<Server>): Promise<void> => {
    for (;;) {
      const message: Server | "cast" = await self.receive();
      if ((message as unknown) === "cast") known.value = known.value * 2 + 1;
      else if (isRequest(message)) {
        if (message.request === "add") known.value++;
        self.reply(message.from, known.value);
        if (message.request === "stop") return;
      }
    }
  };
