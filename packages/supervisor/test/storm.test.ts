/**
 * Supervisors in a storm: random children, failures, orders of an operator and callers, under random
 * schedules. Whatever happens, of one child there is one incarnation at a time, which has its name;
 * what was removed or stopped stays so; and nobody waits for ever.
 */
import { describe, expect, test } from "@jest/globals";
import { name, type AnyPid, type Call, type Cast, type Name, type Node } from "@coppice/core";
import { createFifoScheduler, createVirtualClock } from "@coppice/testkit";
import {
  child,
  defineServer,
  defineSupervisor,
  deleteChild,
  restartChild,
  startChild,
  startSupervisor,
  terminateChild,
  whichChildren,
  type ChildSpec,
  type ServerSelf,
  type Strategy,
  type SupervisorPid,
} from "@coppice/supervisor";
import { createWorld } from "./world.js";

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);
const IDS = ["a", "b", "c", "d"] as const;
type Id = (typeof IDS)[number];

/** Numbers from 0 to `below`, by a seed: a linear congruential generator. */
function createDice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What a child understands. */
type Protocol =
  | Call<readonly ["ask"], Id>
  | Call<readonly ["never"], never>
  | Cast<readonly ["fail", how: number]>;

type Dice = ReturnType<typeof createDice>;

class Storm {
  readonly node: Node;
  readonly #dice: Dice;
  readonly #clock = createVirtualClock();
  readonly #scheduler;
  readonly #strategy: Strategy;
  readonly #alive = new Map<Id, AnyPid>();
  /** Those that may not start, as an operator has said, and has been told that it is done. */
  readonly #stopped = new Set<Id>();
  /** What went wrong. */
  readonly faults: string[] = [];
  readonly journal: string[] = [];
  /** Who waits for something. */
  waiting = 0;
  /** One order at a time for each child, so that it is known what has been promised of it. */
  readonly #busy = new Set<Id>();
  supervisor!: SupervisorPid;
  isCalm = false;

  constructor(seed: number, strategy: Strategy) {
    this.#dice = createDice(seed);
    this.#strategy = strategy;
    const clock = this.#clock;
    this.#scheduler = createFifoScheduler({ clock, seed });
    this.node = createWorld({ clock, scheduler: this.#scheduler }).node;
    this.node.events.subscribe((event) => {
      if (event.type !== "exited") return;
      for (const [id, pid] of this.#alive) {
        if (pid !== event.pid) continue;
        this.#alive.delete(id);
        this.journal.push(`-${id}`);
      }
    });
  }

  readonly #server = defineServer({
    init: async (id: Id, traps: boolean, self: ServerSelf) => {
      this.#begins(id, self);
      if (traps) self.trapExits();
      const die = this.isCalm ? 9 : this.#dice(10);
      if (die < 3) await self.sleep(this.#dice(10));
      if (die === 0) throw new Error("no init");
      if (die === 1) self.exit("not now");
      if (die === 3) return { stop: { shutdown: "no need" } };
      return { state: id };
    },
    call: { ask: (id) => ({ reply: id }), never: () => {} },
    cast: {
      fail: async (id, how: number, self: ServerSelf) => {
        if (how === 0) throw new Error("boom");
        if (how === 1) await self.sleep(this.#dice(30));
        return { stop: how === 2 ? "normal" : `failed ${id}` };
      },
    },
    terminate: async (id, _reason, self) => {
      const die = this.#dice(4);
      if (die > 0) await self.sleep(die * 8);
      const holder = self.whereis(this.#nameOf(id));
      if (holder !== self.pid) this.faults.push(`${id} terminates without its name`);
    },
  });

  #nameOf(id: Id): Name<Protocol> {
    return name(id);
  }

  #begins(id: Id, self: ServerSelf): void {
    this.journal.push(`+${id}`);
    if (this.#alive.has(id)) this.faults.push(`${id} starts while it is alive`);
    if (self.whereis(this.#nameOf(id)) !== self.pid) this.faults.push(`${id} has not its name`);
    if (this.#stopped.has(id)) this.faults.push(`${id} starts although it is stopped`);
    this.#alive.set(id, self.pid);
  }

  #spec(id: Id): ChildSpec {
    const dice = this.#dice;
    const restart = (["permanent", "permanent", "transient"] as const)[dice(3)] ?? "permanent";
    const shutdown = ([5, 20, "infinity", "brutal_kill"] as const)[dice(4)] ?? 5;
    const backoff = dice(2) === 0 ? { initialMs: 5 + dice(20), factor: 2, jitter: 0.5 } : undefined;
    return child(
      { id, name: this.#nameOf(id), restart, shutdown, ...(backoff && { backoff }) },
      this.#server,
      id,
      dice(2) === 0,
    );
  }

  #wait(promise: Promise<unknown>): void {
    this.waiting++;
    const settled = (): void => void this.waiting--;
    promise.then(settled, settled);
  }

  async begin(): Promise<void> {
    this.isCalm = true;
    const tree = defineSupervisor({
      strategy: this.#strategy,
      intensity: 10_000,
      children: IDS.map((id) => this.#spec(id)),
    });
    const starting = startSupervisor(this.node, tree);
    starting.catch(() => undefined);
    await this.#scheduler.runAll();
    this.supervisor = await starting;
    this.isCalm = false;
  }

  async #pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      await this.#clock.advance(1);
      await this.#scheduler.runAll();
    }
  }

  #order(id: Id): void {
    const { node, supervisor } = this;
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    const done = (): void => void this.#busy.delete(id);
    const stays = (): void => {
      // In a group it comes back with the others.
      if (this.#strategy === "one_for_one") this.#stopped.add(id);
    };
    switch (this.#dice(6)) {
      case 0:
        return this.#wait(
          terminateChild(node, supervisor, id)
            .then((result) => {
              if (result.ok) stays();
            })
            .finally(done),
        );
      case 1:
        return this.#wait(
          deleteChild(node, supervisor, id)
            .then((result) => {
              if (result.ok) this.#stopped.add(id);
            })
            .finally(done),
        );
      case 2:
      case 3:
        this.#stopped.delete(id);
        return this.#wait(restartChild(node, supervisor, id).finally(done));
      default:
        this.#stopped.delete(id);
        return this.#wait(startChild(node, supervisor, this.#spec(id)).finally(done));
    }
  }

  async rage(): Promise<void> {
    const { node } = this;
    for (let round = 0; round < 100; round++) {
      const id = IDS[this.#dice(IDS.length)] as Id;
      const to = this.#nameOf(id);
      const pid = node.whereis(to);
      switch (this.#dice(8)) {
        case 0:
          if (pid !== undefined) node.exit(pid, "kill");
          break;
        case 1:
          if (pid !== undefined) node.exit(pid, "bad");
          break;
        case 2:
        case 3:
          node.cast(to, ["fail", this.#dice(4)]);
          break;
        case 4:
          this.#wait(node.call(to, ["never"], { timeoutMs: Infinity }));
          break;
        case 5:
          this.#wait(node.call(to, ["ask"], { timeoutMs: Infinity }));
          break;
        default:
          this.#order(id);
      }
      if (this.#dice(3) === 0) await this.#scheduler.runAll();
      if (this.#dice(3) === 0) await this.#pass(this.#dice(12));
    }
  }

  async calm(): Promise<void> {
    this.isCalm = true;
    await this.#pass(400);
    const listed = whichChildren(this.node, this.supervisor);
    await this.#scheduler.runAll();
    for (const { id, status, pid } of await listed) {
      if (status === "restarting") this.faults.push(`${id} waits for a restart that does not come`);
      if (pid !== this.#alive.get(id as Id)) this.faults.push(`${id} is not the one that runs`);
    }
  }

  async end(): Promise<void> {
    this.node.exit(this.supervisor, "shutdown");
    await this.#pass(200);
    if (this.waiting > 0) this.faults.push(`${this.waiting} wait for ever`);
    if (this.#alive.size > 0) this.faults.push(`${[...this.#alive.keys()]} are left`);
    const { processes, timers } = this.node.counts;
    if (processes + timers > 0) this.faults.push(`${processes} processes, ${timers} timers left`);
  }
}

describe("in any storm, under any schedule", () => {
  test.each<Strategy>(["one_for_one", "rest_for_one", "one_for_all"])(
    "under %s each child has one incarnation at a time, with its name; what is stopped stays so; nobody waits for ever",
    async (strategy) => {
      let starts = 0;
      for (const seed of SEEDS) {
        const storm = new Storm(seed, strategy);
        await storm.begin();
        await storm.rage();
        // Every other one is told to stop in the middle of it.
        if (seed % 2 === 0) await storm.calm();
        await storm.end();
        expect({ seed, faults: storm.faults }).toEqual({ seed, faults: [] });
        starts += storm.journal.filter((entry) => entry.startsWith("+")).length;
      }
      expect(starts / SEEDS.length).toBeGreaterThan(20);
    },
  );
});
