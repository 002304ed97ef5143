/**
 * What the runtime tells of what a step uses: were something left out, schedules would be left out.
 *
 * Random small programs are run in every order there is, and explored; what comes of both is the same.
 */
import { describe, expect, test } from "@jest/globals";
import {
  name,
  TIMEOUT,
  type Alias,
  type AnyPid,
  type Call,
  type MonitorRef,
  type Pid,
  type Self,
  type TimerRef,
} from "@coppice/core";
import fc from "fast-check";
import { outcomesOf, outcomesOfAllOrders, show, type Act, type Race } from "./races.js";

/** What the actors share, and remember. */
interface Scene {
  readonly pids: Pid<unknown>[];
  readonly refs: (MonitorRef | undefined)[];
  readonly aliases: Alias<unknown>[];
  readonly timers: (TimerRef | undefined)[];
}

const token = name<unknown>("shared");

/** What an actor can do to another, and what it learns of that. */
const acts: Readonly<
  Record<string, (self: Self<unknown>, me: number, other: number, scene: Scene) => unknown>
> = {
  monitor: (self, me, other, scene) =>
    void (scene.refs[me] = self.monitor(scene.pids[other] as AnyPid)),
  demonitor: (self, me, _other, { refs }) =>
    refs[me] !== undefined && self.demonitor(refs[me], { info: true }),
  flush: (self, me, _other, { refs }) =>
    refs[me] !== undefined && self.demonitor(refs[me], { info: true, flush: true }),
  link: (self, _me, other, { pids }) => self.link(pids[other] as AnyPid),
  unlink: (self, _me, other, { pids }) => self.unlink(pids[other] as AnyPid),
  trap: (self) => void self.trapExits(),
  exit: (self) => self.exit("done"),
  kill: (self, _me, other, { pids }) => self.exit(pids[other] as AnyPid, "kill"),
  end: (self, _me, other, { pids }) => self.exit(pids[other] as AnyPid, "boom"),
  isAlive: (self, _me, other, { pids }) => self.isAlive(pids[other] as AnyPid),
  send: (self, me, other, { pids }) => self.send(pids[other] as Pid<unknown>, `hello ${me}`),
  register: (self) => self.register(token, self.pid),
  unregister: (self) => self.unregister(token),
  whereis: (self, _me, _other, { pids }) => pids.indexOf(self.whereis(token) as Pid<unknown>),
  sendByName: (self, me) => self.send(token, `by name ${me}`),
  monitorName: (self) => void self.monitor(token),
  unalias: (self, me, _other, { aliases }) => self.unalias(aliases[me] as Alias<unknown>),
  sendAlias: (self, me, other, { aliases }) =>
    self.send(aliases[other] as Alias<unknown>, `by alias ${me}`),
  timer: (self, me, other, scene) =>
    void (scene.timers[me] = self.sendAfter(scene.pids[other] as Pid<unknown>, 10, `tick ${me}`)),
  cancel: (self, me, _other, { timers }) =>
    timers[me] !== undefined && typeof self.cancelTimer(timers[me]),
  sleep: (self) => self.sleep(5),
  poll: async (self) => {
    const message = await self.receive((one) => one !== "go", { timeoutMs: 0 });
    return message === TIMEOUT ? "nothing" : shown(message);
  },
  wait: async (self) => {
    const message = await self.receive((one) => one !== "go", { timeoutMs: 7 });
    return message === TIMEOUT ? "timeout" : shown(message);
  },
  spawnLink: (self) => void self.spawnLink((child: Self<never>) => child.exit("child")),
  spawnMonitor: (self) =>
    void self.spawnMonitor(
      (down) => down,
      (child: Self<never>) => child.exit("child"),
    ),
  call: (self, me, other, { pids }) =>
    self.call(pids[other] as Pid<Call<string, string>>, `call ${me}`, { timeoutMs: 10 }),
  answer: async (self, me) => {
    const isCall = (one: unknown): one is Call<string, string> =>
      (one as { type?: unknown } | null)?.type === "call";
    const message = await self.receive(isCall, { timeoutMs: 0 });
    if (message !== TIMEOUT) self.reply(message.from, `answer of ${me}`);
  },
};

function shown(message: unknown): string {
  const { type } = message as { type?: unknown };
  return type === "call" ? "a call" : show(message);
}

interface Deed {
  readonly actor: number;
  readonly act: string;
  readonly other: number;
}

function raceOf(deeds: readonly Deed[], actors: number): Race {
  return async ({ node, actor, go, fate, ready }) => {
    const scene: Scene = { pids: [], refs: [], aliases: [], timers: [] };
    const learned: string[][] = [];
    for (let me = 0; me < actors; me++) {
      const log: string[] = (learned[me] = []);
      const onGo = deeds
        .filter((deed) => deed.actor === me)
        .map(({ act, other }): Act => async (self) => {
          try {
            log.push(String(await acts[act]?.(self, me, other, scene)));
          } catch (error) {
            // Its own exit is not to be held up.
            if (!node.isAlive(self.pid)) throw error;
            log.push((error as Error).name);
          }
        });
      // What one could not know of another but by a message is there before the race.
      const first: Act = (self) => {
        const next = scene.pids[(me + 1) % actors] as AnyPid;
        scene.aliases[me] =
          me === 0
            ? self.alias("reply")
            : self.monitor(next, undefined, { alias: "reply_demonitor" });
      };
      scene.pids.push(actor(`p${me}`, { first, onGo }));
    }
    await ready();
    for (const { actor: me } of deeds) go(scene.pids[me] as Pid<unknown>);
    return () =>
      scene.pids
        .map((pid, me) => {
          const mailbox = node.mailboxOf(pid).map(shown).join(", ");
          return `${learned[me]?.join(", ")} | ${fate(pid).split(":", 1)[0]} | ${mailbox}`;
        })
        .join(" || ");
  };
}

const MOST_ORDERS = 3_000;

describe("exploration of random programs", () => {
  test("finds all that any order leads to, and counts their classes", async () => {
    const actors = 3;
    const deed = fc.record<Deed>({
      actor: fc.nat(actors - 1),
      act: fc.constantFrom(...Object.keys(acts)),
      other: fc.nat(actors - 1),
    });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 2, maxLength: 5 }), async (deeds) => {
        const race = raceOf(deeds, actors);
        const all = await outcomesOfAllOrders(race, MOST_ORDERS).catch(() => undefined);
        if (all === undefined) return;
        compared++;
        const { outcomes, statement } = await outcomesOf(race);
        expect(outcomes).toEqual(all.outcomes);
        // Of two timers that are due at once the first alone moves the clock, which is no other class.
        const hasTimers = !statement.includes("timers 0");
        const classes = hasTimers ? "" : `${all.classes} of ${all.classes} `;
        expect(statement).toContain(`exhaustive: ${classes}`);
      }),
      { numRuns: 150, seed: 1 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});
