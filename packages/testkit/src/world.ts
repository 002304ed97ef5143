/** The world around the processes of a simulation: nodes that come and go, network, disks, clocks. */
import {
  abandonNode,
  createNodeOn,
  InvalidArgumentError,
  keyOf,
  killAtOnce,
  type AnyPid,
  type ExitReason,
  type Happening,
  type Node,
  type NodePorts,
} from "@coppice/core";
import { Store, type Durable, type DurableOptions, type Unsynced } from "./durable.js";
import { noteFailedAssertion } from "./failed-assertion.js";
import { checkFault } from "./fault-arguments.js";
import { FaultTable, type FaultOptions, type PlannedFault } from "./fault.js";
import type { FaultSource, OwnTransition } from "./fault-source.js";
import type { Kernel } from "./kernel.js";
import type { Boot, Life, SimNodeOptions } from "./lives.js";
import { Network } from "./network.js";
import { declareDelays, declareDrift, hasLeeway } from "./leeway.js";
import { NodeTime } from "./sim-time.js";
import { mix } from "./strategy.js";
import type { Transition } from "./transition.js";

/** A store, whatever is in it. */
type AnyStore = Pick<Store<unknown>, "object" | "isDirty" | "failing" | "outline" | "crash">;

interface StoreOf {
  readonly store: AnyStore;
  readonly node: string;
}

export class World implements FaultSource {
  readonly kernel: Kernel;
  readonly #budgets: Readonly<Record<string, number>>;
  readonly #plan: readonly PlannedFault[];
  #network: Network | undefined = undefined;
  #table: FaultTable | undefined = undefined;
  #stores: Map<string, StoreOf> | undefined = undefined;
  #paused: Set<string> | undefined = undefined;
  #relief: OwnTransition | undefined;
  #reliefs = 0;

  constructor(
    kernel: Kernel,
    budgets: Readonly<Record<string, number>>,
    plan: readonly PlannedFault[],
  ) {
    this.kernel = kernel;
    this.#budgets = budgets;
    this.#plan = plan;
    if (plan.length > 0) kernel.faults = this;
    if (hasLeeway(kernel.options.clock)) declareDelays(this);
  }

  // There is one world for each run, and most have neither network nor faults.

  get network(): Network {
    return (this.#network ??= new Network(this.kernel));
  }

  get table(): FaultTable {
    return (this.#table ??= new FaultTable(this.kernel, this.#budgets, this.#plan));
  }

  // ── nodes ───────────────────────────────────────────────────────────────────────────────────

  node(name: string, options: SimNodeOptions, boot: Boot | undefined): Node {
    const { kernel } = this;
    const known = kernel.lives.get(name);
    if (known?.isUp) {
      throw new InvalidArgumentError("node: name", "one that no other node has", name);
    }
    const time = known?.time ?? new NodeTime();
    const { clock, seed, traceSends } = kernel.options;
    if (known === undefined && typeof clock === "object" && clock.drift !== undefined) {
      const unit = mix(seed, kernel.keySpace.key(`drift:${name}`).hash) / 2 ** 32;
      time.run(0, 1 + clock.drift * (2 * unit - 1));
      declareDrift(this, name, time, clock.drift);
    }
    const ports: NodePorts = {
      name,
      clock: kernel.clockOf(time),
      scheduler: kernel,
      random: kernel.randomOf(name),
      messages: "freeze",
      traceSends,
      logger: (event) => {
        noteFailedAssertion(kernel, event);
        const { logger = false } = options;
        if (logger !== false) logger(event);
      },
    };
    const node = createNodeOn(ports, options);
    const number = (known?.number ?? 0) + 1;
    kernel.lives.begin({ name, options, boot, time, node, number, isUp: true });
    const { all } = kernel.lives;
    if (all.length > 1) for (const other of all) if (other.isUp) this.network.join(other.node);
    boot?.(node);
    return node;
  }

  nodeOf(name: string): Node {
    return this.#placeOf("node", name).node;
  }

  isUp(name: string): boolean {
    return this.#placeOf("a fault", name).isUp;
  }

  /** The power of a node is cut. */
  crash(name: string, unsynced: Unsynced): void {
    const place = this.#placeOf("crash", name);
    if (!place.isUp) return;
    place.isUp = false;
    this.#paused?.delete(name);
    this.network.leave(name);
    abandonNode(place.node);
    this.kernel.agenda.dropAllOf(place.node);
    for (const { store, node } of this.#stores?.values() ?? []) {
      if (node === name) store.crash(unsynced);
    }
  }

  /** Another life of it begins. */
  restart(name: string): Node {
    const { isUp, options, boot, node } = this.#placeOf("restart", name);
    return isUp ? node : this.node(name, options, boot);
  }

  kill(pid: AnyPid, reason: ExitReason): boolean {
    return killAtOnce(this.#placeOf("kill", pid.node).node, pid, reason);
  }

  pause(name: string): void {
    this.#placeOf("pause", name);
    this.kernel.faults = this;
    (this.#paused ??= new Set()).add(name);
  }

  resume(name: string): void {
    this.#placeOf("resume", name);
    this.#paused?.delete(name);
  }

  isPaused(name: string): boolean {
    return this.#paused?.has(name) === true;
  }

  jump(name: string, byMs: number): void {
    this.#placeOf("jump", name).time.jump(this.kernel.nowMs, byMs);
  }

  disconnect(one: string, other: string): void {
    for (const name of [one, other]) this.#placeOf("disconnect", name);
    if (one === other) {
      throw new InvalidArgumentError("disconnect: b", "another node than the first", other);
    }
    this.network.disconnect(one, other);
  }

  slow(name: string, byMs: number, forMs: number): void {
    this.#placeOf("slow", name);
    this.kernel.agenda.slowDown(name, byMs, forMs);
  }

  cut(from: readonly string[], to: readonly string[], oneWay: boolean): void {
    for (const name of [...from, ...to]) this.#placeOf("partition", name);
    this.kernel.faults = this;
    this.network.cut(from, to);
    if (!oneWay) this.network.cut(to, from);
  }

  /** All processes that are not dead. */
  *processes(): Generator<AnyPid> {
    for (const { node, isUp } of this.kernel.lives.all) if (isUp) yield* node.processes();
  }

  // ── disks ───────────────────────────────────────────────────────────────────────────────────

  durable<T>(node: string, name: string, initial: T, options: DurableOptions<T>): Durable<T> {
    const { keySpace } = this.kernel;
    this.#placeOf("durable", node);
    const known = this.#stores?.get(`${node}/${name}`);
    // Another life of its node opens it again.
    if (known !== undefined) return known.store as Store<T>;
    // Whether it is there when the disk fails.
    this.kernel.access(keySpace.access(`disks:${node}`, "read"));
    const object = `disk:${node}/${name}`;
    const store = new Store<T>(name, object, initial, options, (mode) =>
      this.kernel.access(keySpace.access(object, mode)),
    );
    (this.#stores ??= new Map()).set(`${node}/${name}`, {
      store,
      node,
    });
    return store;
  }

  /** All that decides what happens, besides processes: nodes, network, disks, faults. Looking changes nothing. */
  outline(): Record<string, unknown> {
    const { lives, nowMs } = this.kernel;
    const stores = [...(this.#stores ?? [])];
    const disks = stores.map(([name, { store }]): [string, unknown] => [name, store.outline()]);
    return {
      nodes: lives.all.map(({ name, isUp, number, time }) => [
        name,
        isUp,
        number,
        time.at(nowMs) - nowMs,
      ]),
      ...(this.#paused?.size && { paused: this.#paused }),
      ...(this.#network !== undefined && { network: this.#network.outline() }),
      ...(this.#table !== undefined && { faults: this.#table.outline() }),
      ...(disks.length > 0 && { disks: Object.fromEntries(disks) }),
    };
  }

  isDirty(node: string): boolean {
    return [...(this.#stores?.values() ?? [])].some(
      (entry) => entry.node === node && entry.store.isDirty,
    );
  }

  failDisk(node: string): void {
    const { kernel } = this;
    kernel.access(kernel.keySpace.access(`disks:${node}`, "write"));
    for (const { store, node: place } of this.#stores?.values() ?? []) {
      if (place !== node) continue;
      kernel.access(kernel.keySpace.access(store.object, "write"));
      store.failing = true;
    }
  }

  // ── what the kernel asks ────────────────────────────────────────────────────────────────────

  declare(name: string, run: () => void, options: FaultOptions): void {
    checkFault(name, run, options);
    this.kernel.faults = this;
    this.table.declare(name, run, options);
  }

  enabled(): readonly OwnTransition[] {
    return this.table.enabled();
  }

  forced(last: Transition | undefined, step: number): OwnTransition | undefined {
    return this.table.forced(last, step);
  }

  checkPlan(): void {
    this.#table?.checkPlan();
  }

  relief(): OwnTransition | undefined {
    if (!this.#paused?.size && !this.#network?.isCut) return undefined;
    return (this.#relief ??= this.#makeRelief());
  }

  lets(happening: Happening): boolean {
    if (this.#paused?.has(happening.actorPid.node)) return false;
    return this.#network?.lets(happening) !== false;
  }

  #makeRelief(): OwnTransition {
    const { kernel } = this;
    const key = kernel.keySpace.key(`fault:relief#${++this.#reliefs}`);
    const all = kernel.keySpace.access("*", "write");
    return {
      kind: "fault",
      key: key.text,
      keyHash: key.hash,
      keyId: key.id,
      channel: "fault:relief",
      actor: keyOf(kernel.anyPid),
      actorPid: kernel.anyPid,
      senderPid: undefined,
      access: all,
      accesses: [all],
      order: Infinity,
      creator: kernel.steps.length - 1,
      describe: () => "nodes that were paused go on, and the network is whole again",
      run: () => {
        this.#relief = undefined;
        this.#paused = undefined;
        this.#network?.heal();
      },
    };
  }

  #placeOf(operation: string, name: string): Life {
    const place = this.kernel.lives.get(name);
    if (place === undefined) {
      throw new InvalidArgumentError(`${operation}: node`, "the name of a node", name);
    }
    return place;
  }
}
