/**
 * Entries made harder: what has to win the race goes through a chain of relays.
 *
 * The bug is the same, and so is the number of inequivalent schedules; but who picks at random among all that
 * is possible has to lose as many coin flips more as there are relays.
 */
import { keyOf, type AnyPid, type Handler, type Node, type Pid } from "@coppice/core";
import type { Program, Simulation } from "@coppice/testkit";
import type { Entry } from "./entry.js";
import { p05 } from "./p05-use-before-configure.js";
import { p15 } from "./p15-stale-cache-fill.js";
import { p16 } from "./p16-wrong-waiter.js";
import { p18 } from "./p18-sleeping-barber.js";
import { p27 } from "./p27-down-of-previous-life.js";
import { p28 } from "./p28-priority-inversion.js";
import { p31 } from "./p31-raft-figure-8.js";
import { p32 } from "./p32-abd-without-write-back.js";
import { p33 } from "./p33-wrapped-generation.js";
import { p36 } from "./p36-stale-sync-report.js";

/** `FROM→TO`, by the keys of the processes. */
export type Channel = `${string}→${string}`;

const HOPS = 8;

/** Each with eight relays on the channels that have to win. */
export const relayed: readonly Entry[] = (
  [
    [p05, "C→B"],
    [p15, "rd→db", "wr→cache"],
    [p16, "co2→buf"],
    [p18, "c2→bell"],
    [p27, "sup→mgr"],
    [p28, "cpu→cpu"],
    [p31, "A→C", "C→B", "B→A", "A→B"],
    [p32, "c→r", "r2→a", "r2→b"],
    [p33, "peer2→hub"],
    [p36, "env→mgr"],
  ] as readonly (readonly [Entry, ...Channel[]])[]
).map(([entry, ...channels]): Entry => {
  const { id, title, profile, optimum } = entry;
  return {
    id: `${id}r`,
    title: `${title}, through ${HOPS} relays`,
    source: `${id}, hardened`,
    optimum,
    ...(profile !== undefined && { profile }),
    program: (variant) => withRelays(entry.program(variant), channels, HOPS),
  };
});

/**
 * The program, with `hops` relays on each of the channels: what is sent or called there goes from one to the
 * next. Its node has to be one.
 */
export function withRelays(program: Program, channels: readonly Channel[], hops: number): Program {
  return (sim) => {
    const node = (...args: Parameters<Simulation["node"]>): Node => {
      const made = sim.node(...args);
      return relaying(made, new Map(channels.map((each) => [each, relaysOn(made, each, hops)])));
    };
    return program(standIn(sim, { node }));
  };
}

/** A chain of relays to who the first message is for. */
interface Relays {
  readonly first: Pid<unknown>;
  last: AnyPid | undefined;
}

function relaysOn(node: Node, channel: Channel, hops: number): Relays {
  let next: Pid<unknown> | undefined;
  for (let hop = hops; hop > 0; hop--) {
    const to = next;
    next = node.spawnOpt<unknown>(
      { key: `${channel}~${hop}` },
      {
        init: () => undefined,
        message: (_state, message, self) =>
          self.send(to ?? (relays.last as never), message as never),
      },
    );
  }
  const relays: Relays = { first: next as Pid<unknown>, last: undefined };
  return relays;
}

type Code = ((...args: unknown[]) => unknown) | Handler<unknown, unknown>;

/** The node, with processes that send through the relays. */
function relaying(node: Node, chains: ReadonlyMap<string, Relays>): Node {
  const way = (from: AnyPid, to: unknown): unknown => {
    const relays = chains.get(`${nameOf(from)}→${nameOf(to)}`);
    if (relays === undefined) return to;
    relays.last ??= to as AnyPid;
    return relays.first;
  };
  const selves = new WeakMap<object, object>();
  const selfOf = (self: Sender): object => {
    let made = selves.get(self);
    if (made === undefined) {
      made = standIn(self, {
        send: (to: unknown, message: unknown) => self.send(way(self.pid, to), message),
        call: (to: unknown, ...args: unknown[]) => self.call(way(self.pid, to), ...args),
      });
      selves.set(self, made);
    }
    return made;
  };
  return standIn(node, {
    spawnOpt: ((options: never, code: Code) =>
      node.spawnOpt(options, codeWith(code, selfOf) as never)) as Node["spawnOpt"],
  });
}

interface Sender {
  readonly pid: AnyPid;
  send(to: unknown, message: unknown): void;
  call(to: unknown, ...args: unknown[]): unknown;
}

function codeWith(code: Code, selfOf: (self: Sender) => object): unknown {
  if (typeof code === "function") {
    return (self: Sender, ...args: unknown[]) => code(selfOf(self), ...args);
  }
  const { init, message } = code as unknown as Record<"init" | "message", typeof Reflect.apply>;
  return {
    init: (self: Sender) => (init as (self: object) => unknown)(selfOf(self)),
    message: (state: unknown, received: unknown, self: Sender) =>
      (message as (...args: unknown[]) => unknown)(state, received, selfOf(self)),
  };
}

/** The last part of its key: `C` of `n/C`. */
function nameOf(pid: unknown): string {
  return keyOf(pid as AnyPid)
    .split("/")
    .at(-1) as string;
}

/** Another object in the place of one, with some of its functions replaced. */
function standIn<T extends object>(original: T, replaced: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
