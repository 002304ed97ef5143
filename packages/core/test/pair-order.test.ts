/**
 * Signals of one process to one other arrive in the order they were sent: thousands of random programs
 * against a shadow that notes what was sent, on hosts whose turns are used up at random moments, and
 * under schedules that keep no other order.
 */
import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  name,
  type Address,
  type AnyPid,
  type Alias,
  type Body,
  type Down,
  type Exit,
  type Handler,
  type HandlerSelf,
  type Node,
  type NodeEvent,
  type Pid,
  type Self,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock } from "@coppice/testkit";
import { FakeHost } from "./fake-host.js";

/** What travels. `n` counts what its sender has sent to whom it is for. */
interface Item {
  readonly n: number;
  readonly energy: number;
}

/** As it arrives: in a message, a request, or an exit signal that was trapped. */
type Inbox =
  | { readonly type: "item" | "cast" | "call"; readonly request: Item & { readonly from: AnyPid } }
  | { readonly type: "exit"; readonly from: AnyPid; readonly item: Item }
  | { readonly type: "end"; readonly of: AnyPid }
  | { readonly type: "noise" };

type Random = () => number;

/** Mulberry32. */
function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A host whose time goes on by fits and starts when it is looked at, so that turns end anywhere. */
class RestlessHost extends FakeHost {
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  override now(): number {
    this.lookMs = this.#random() < 0.3 ? 1 : 0;
    return super.now();
  }
}

/** What was sent from each to each, and what came of it, oldest first. */
class Shadow {
  readonly sent = new Map<string, { readonly n: number; readonly isExit: boolean }[]>();
  readonly taken = new Map<string, (number | "end")[]>();
  /** What came too late, or was left at the end of its process; in which order it is told of is not promised. */
  readonly lost = new Map<string, (number | "end")[]>();

  readonly wrong: string[] = [];

  /** Notes that something is sent, and takes it back when it could not be. */
  send(from: AnyPid, to: AnyPid, isExit: boolean, energy: number, act: (item: Item) => void): void {
    const sent = listOf(this.sent, pairOf(from, to));
    const n = sent.length;
    sent.push({ n, isExit });
    try {
      act({ n, energy });
    } catch (error) {
      // An exit signal may come back to its sender, after it has gone out.
      if (!isExit) sent.pop();
      throw error;
    }
  }

  /** Notes what came of something that arrived, or did not. */
  note(fate: "taken" | "lost", to: AnyPid, message: Inbox): void {
    if (message.type === "noise") return;
    const [from, what] =
      message.type === "exit"
        ? [message.from, message.item.n]
        : message.type === "end"
          ? [message.of, "end" as const]
          : [message.request.from, message.request.n];
    listOf(this[fate], pairOf(from, to)).push(what);
  }

  observed(pair: string): (number | "end")[] {
    const lost = listOf(this.lost, pair).toSorted((a, b) => Number(a) - Number(b));
    return [...listOf(this.taken, pair), ...lost.filter((what) => what !== "end")];
  }
}

function pairOf(from: AnyPid, to: AnyPid): string {
  return `${from.serial}→${to.serial}`;
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}

interface Actor {
  readonly pid: Pid<Inbox>;
  alias?: Alias<Inbox>;
  readonly token: ReturnType<typeof name<Inbox>>;
}

/** A program of random processes that send each other whatever can be sent. */
class Program {
  readonly shadow = new Shadow();
  readonly actors: Actor[] = [];
  readonly #node: Node;
  readonly #random: Random;
  #names = 0;

  constructor(node: Node, random: Random) {
    this.#node = node;
    this.#random = random;
    node.events.subscribe((event: NodeEvent) => {
      if (event.type !== "undelivered") return;
      this.shadow.note("lost", event.to, event.message as Inbox);
    });
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** One more process, of a random kind. */
  spawn(): void {
    const token = name<Inbox>(`actor ${++this.#names}`);
    const program = this.#pick([this.#body, this.#handler(false), this.#handler(true)]);
    const pid = this.#node.spawnOpt({ name: token, unwindMs: 50 }, program as Body<Inbox>);
    this.actors.push({ pid, token });
  }

  /** Sends something from outside. */
  poke(): void {
    const { pid } = this.#pick(this.actors);
    this.shadow.send(this.#node.pid, pid, false, 4, (item) =>
      this.#node.send(pid, { type: "item", request: { ...item, from: this.#node.pid } }),
    );
  }

  #start(self: Self<Inbox>): void {
    if (this.#chance(0.7)) self.trapExits((exit) => this.#whenExit(self, exit));
    const own = this.actors.find(({ pid }) => pid === self.pid) as Actor;
    own.alias = self.alias();
  }

  readonly #body: Body<Inbox> = async (self) => {
    this.#start(self);
    for (;;) {
      const message = await this.#receive(self);
      if (message !== undefined) this.#took(self, message);
      if (this.#chance(0.1)) await this.#pause(self);
    }
  };

  async #receive(self: Self<Inbox>): Promise<Inbox | undefined> {
    const timeoutMs = this.#pick([undefined, undefined, 0, 1, 3]);
    if (timeoutMs === undefined) return self.receive();
    const message = await self.receive({ timeoutMs });
    return typeof message === "symbol" ? undefined : message;
  }

  #pause(self: Self<Inbox>): Promise<void> {
    return this.#pick([() => self.sleep(1), () => self.yield(), () => Promise.resolve()])();
  }

  #handler(isAsync: boolean): Handler<Inbox, null> {
    const step = (_state: null, message: Inbox, self: HandlerSelf<Inbox>): null | Promise<null> => {
      this.#took(self, message);
      if (this.#chance(0.1)) self.idleAfter(this.#pick([0, 1, 5]));
      return isAsync && this.#chance(0.3) ? this.#pause(self).then(() => null) : null;
    };
    return {
      init: (self) => {
        this.#start(self);
        return null;
      },
      message: step,
      idle: (_state, self) => {
        this.#act(self, 1);
        return null;
      },
    };
  }

  #took(self: Self<Inbox>, message: Inbox): void {
    this.shadow.note("taken", self.pid, message);
    const energy =
      message.type === "exit"
        ? message.item.energy
        : "request" in message
          ? message.request.energy
          : 0;
    for (let acts = Math.floor(this.#random() * 4); acts > 0; acts--) this.#act(self, energy);
  }

  /** Here signals are travelling: what is done meanwhile has to queue up behind them. */
  #whenExit(self: Self<Inbox>, { from, reason }: Exit): Inbox {
    type Addressed = Item & { readonly from: AnyPid; readonly to: AnyPid };
    const { item } = Object(reason) as { item?: Addressed };
    // One that has ended by an exit signal with an item sends the reason on to its links.
    if (item?.from !== from || item.to !== self.pid) return this.#whenEnded(self, from);
    if (this.#chance(0.3)) this.#act(self, item.energy);
    return { type: "exit", from, item };
  }

  #whenEnded(self: Self<Inbox>, of: AnyPid): Inbox {
    if (this.#chance(0.5)) this.#act(self, 2);
    return { type: "end", of };
  }

  /** Something random. */
  #act(self: Self<Inbox>, energy: number): void {
    const to = this.#pick(this.actors);
    if (energy > 0 && this.#chance(0.7)) {
      this.#sendSomehow(self, to, energy - 1);
      return;
    }
    const { pid } = to;
    this.#pick<() => unknown>([
      () => self.monitor(pid, (down: Down) => this.#whenEnded(self, down.process as AnyPid)),
      () => self.demonitor(self.monitor(pid, () => ({ type: "noise" }))),
      () => self.unlink(pid),
      () => self.isAlive(pid) && self.link(pid),
      () => self.isAlive(pid),
      () => self.processInfo(pid),
      () => self.sendAfter(pid, this.#pick([0, 1, 2]), { type: "noise" }),
      () => self.cancelTimer(self.sendAfter(pid, 1, { type: "noise" })),
      () => {
        if (this.#chance(0.8)) return;
        self.exit(pid, "kill");
        if (self.isAlive(pid)) this.shadow.wrong.push(`${String(pid)} is alive, though killed`);
      },
      () => this.#chance(0.2) && self.exit("done"),
    ])();
  }

  #sendSomehow(self: Self<Inbox>, { pid, alias, token }: Actor, energy: number): void {
    const from = self.pid;
    const { shadow } = this;
    const say = (to: Address<Inbox>): void =>
      shadow.send(from, pid, false, energy, (item) =>
        self.send(to, { type: "item", request: { ...item, from } }),
      );
    this.#pick<() => unknown>([
      () => say(pid),
      () => say(pid),
      () => alias !== undefined && say(alias),
      () => self.whereis(token) === pid && say(token),
      () =>
        shadow.send(from, pid, false, energy, (item) =>
          self.cast(pid as AnyPid as Pid<{ type: "cast"; request: object }>, { ...item, from }),
        ),
      () => {
        if (!self.isAlive(pid) || !self.isAlive(self.pid)) return;
        shadow.send(from, pid, false, energy, (item) => {
          type Server = Pid<{ type: "call"; request: object; from: never }>;
          // With a signal it is no call that could be refused for closing a cycle.
          const { signal } = new AbortController();
          const options = { timeoutMs: Infinity, signal };
          const reply = self.call(pid as AnyPid as Server, { ...item, from }, options);
          reply.catch(() => undefined);
        });
      },
      () =>
        shadow.send(from, pid, true, energy, (item) =>
          self.exit(pid, { item: { ...item, from, to: pid } }),
        ),
    ])();
  }
}

/** What arrived is what was sent, in that order; of exit signals those are missing that found nobody. */
function verify({ shadow }: Program): number {
  expect(shadow.wrong).toEqual([]);
  let count = 0;
  for (const [pair, sent] of shadow.sent) {
    const observed = shadow.observed(pair);
    const items = observed.filter((what) => what !== "end");
    const seen = new Set(items);
    const expected = sent.filter(({ n, isExit }) => !isExit || seen.has(n)).map(({ n }) => n);
    // Jest's comparison of so many lists takes longer than all the rest.
    if (expected.join() !== items.join()) {
      expect({ pair, items }).toEqual({ pair, items: expected });
    }
    const end = observed.indexOf("end");
    if (end !== -1 && end < items.length) expect({ pair, observed }).toEqual("an end at the end");
    count += items.length;
  }
  return count;
}

const ACTORS = 6;
const ROUNDS = 40;

describe("whatever processes send each other, in whatever way,", () => {
  test("arrives in the order of each pair when turns of the event loop end anywhere", async () => {
    let count = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = randomOf(seed);
      const host = new RestlessHost(random);
      const node = createNode({ name: "n", clock: host, scheduler: host, logger: false });
      const program = new Program(node, random);
      for (let i = 0; i < ACTORS; i++) program.spawn();
      for (let round = 0; round < ROUNDS; round++) {
        for (let pokes = 0; pokes < 5; pokes++) program.poke();
        // The dead stay among those that are sent to; others take their part.
        while (node.counts.processes < ACTORS) program.spawn();
        await host.turns(Math.floor(random() * 4));
      }
      for (let turn = 0; turn < 500; turn++) {
        host.nowMs++;
        await host.turn();
      }
      count += verify(program);
    }
    expect(count).toBeGreaterThan(30_000);
  });

  test("arrives in the order of each pair under schedules that keep no other", async () => {
    let count = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = randomOf(seed);
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const node = createNode({ name: "n", clock, scheduler, logger: false });
      const program = new Program(node, random);
      for (let i = 0; i < ACTORS; i++) program.spawn();
      for (let round = 0; round < 10; round++) {
        for (let pokes = 0; pokes < 5; pokes++) program.poke();
        while (node.counts.processes < ACTORS) program.spawn();
        await scheduler.runAll();
        await clock.advance(2, () => scheduler.runAll());
      }
      await clock.advance(100, () => scheduler.runAll());
      count += verify(program);
    }
    expect(count).toBeGreaterThan(8_000);
  });
});
