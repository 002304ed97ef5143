/** One run of a program: its node, what is bound to which name, and what happened. */
import {
  createNode,
  isPid,
  type AnyPid,
  type ExitReason,
  type Node,
  type Pid,
} from "@coppice/core";
import { carryBetween } from "./carried.js";
import type { Changeable } from "./changeable.js";
import { Instances, type Instance } from "./instances.js";
import type { Scope } from "./op.js";
import { LateReplies } from "./late-replies.js";
import type { Layer } from "./layer.js";
import type { Json, JsonObject } from "./program.js";
import { Puppet } from "./puppet.js";
import type { Schedule } from "./schedule.js";
import { connectNodes, identityOf, type Share } from "./spread.js";
import { encode, naturalOrder, NODE_NAME, type Bound, type Value } from "./term.js";
import { termOfMessage, termOfReason } from "./translation.js";

/** The second node of two. */
const OTHER_NODE_NAME = "other@nohost";

export class World {
  readonly layer: Layer;
  readonly machines: JsonObject;
  readonly node: Node;
  /** That one, and the other if there are two. */
  readonly #nodes: readonly Node[];
  /** What each name is bound to now. */
  readonly scope: Scope = new Map();
  readonly exits = new Map<AnyPid, ExitReason>();
  readonly instances = new Instances();
  /** The code of those processes that follow directives. */
  readonly behaviours = new Map<AnyPid, Changeable>();
  readonly lateReplies = new LateReplies();
  /** The process that was spawned last. */
  lastSpawned: AnyPid | undefined;
  /** What callbacks did since the last step; already encoded. */
  readonly log: Json[][] = [];
  /** By what each was bound to first; with two nodes, by what it is known at both. */
  readonly #names = new Map<Bound | string, { readonly name: string; readonly bound: Bound }>();
  readonly #puppets = new Map<AnyPid, Puppet>();
  readonly #nameOf = (bound: Bound): string | undefined => this.#names.get(this.#key(bound))?.name;
  readonly #schedule: Schedule;
  /** Of two nodes. */
  #share: Share | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param machines the program's named rule tables */
  constructor(layer: Layer, schedule: Schedule, machines: JsonObject = {}) {
    const { nodeClock: clock, scheduler, nodes } = schedule;
    this.#schedule = schedule;
    this.layer = layer;
    this.machines = machines;
    const create = (name: string): Node => {
      const more = scheduler === undefined ? {} : { scheduler };
      return createNode({ name, logger: false, clock, ...more });
    };
    this.node = create(NODE_NAME);
    this.#nodes = nodes === 1 ? [this.node] : [this.node, create(OTHER_NODE_NAME)];
    for (const node of this.#nodes) this.#follow(node);
  }

  /** Connects its nodes, if there are two. */
  async connect(): Promise<void> {
    const [a, b] = this.#nodes;
    if (a === undefined || b === undefined) return;
    const { clock, settle, scheduler } = this.#schedule;
    if (scheduler !== undefined) carryBetween(a, b);
    else this.#share = await connectNodes([a, b], clock, settle);
  }

  #follow(node: Node): void {
    node.events.subscribe((event) => {
      if (event.type === "spawned") this.lastSpawned = event.pid;
      if (event.type === "exited") this.#exited(event.pid, event.reason);
      if (event.type === "undelivered") {
        const seen = this.lateReplies.seenOf(event);
        if (seen !== undefined) node.send(event.to as Pid<unknown>, seen);
      }
    });
  }

  /** Makes a puppet of which there is nobody to be a child. */
  addPuppet(name: string): void {
    const puppet = new Puppet(this, name);
    const node = this.#nodes[this.#puppets.size % this.#nodes.length] as Node;
    const pid = node.spawn<unknown>((self) => puppet.live(self, [], new Map(), 0));
    this.bind(name, pid);
    this.adopt(pid, puppet);
  }

  adopt(pid: AnyPid, puppet: Puppet): void {
    this.#puppets.set(pid, puppet);
  }

  puppetOf(pid: AnyPid): Puppet | undefined {
    return this.#puppets.get(pid);
  }

  bind(name: string, bound: Bound): void {
    this.scope.set(name, bound);
    const key = this.#key(bound);
    if (!this.#names.has(key)) this.#names.set(key, { name, bound });
    this.#share?.tell(name, bound);
  }

  #key(bound: Bound): Bound | string {
    return this.#share === undefined ? bound : identityOf(bound);
  }

  /** What names stand for where that process is. */
  scopeOf(pid: AnyPid): Scope {
    const scope: Scope = new Map(this.scope);
    const share = this.#share;
    if (share === undefined) return scope;
    for (const variable of scope.keys()) {
      const bound = share.at(pid.node, variable);
      if (bound !== undefined) scope.set(variable, bound);
    }
    return scope;
  }

  /** An instance has begun to start. */
  arrive(
    instance: Omit<Instance, "parent"> & { readonly id: string; readonly parent: AnyPid },
  ): void {
    const { id, name, pid, kind, lives } = instance;
    this.bind(name, pid);
    this.bind(id, pid);
    this.instances.add({ name, pid, kind, lives, parent: this.#nameOf(instance.parent) });
  }

  #exited(pid: AnyPid, reason: ExitReason): void {
    this.exits.set(pid, reason);
    const instance = this.instances.of(pid);
    if (!instance?.lives) return;
    try {
      this.log.push(["exit", instance.name, this.encode(termOfReason(reason))]);
    } catch (error) {
      this.fail(error);
    }
  }

  encode(value: Value): Json {
    return encode(value, this.#nameOf);
  }

  /** Sorted as in a trace. */
  encodeSorted(values: readonly Value[]): Json[] {
    return values.map((value) => this.encode(value)).sort(naturalOrder);
  }

  /** Something went wrong that is not the program's doing. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The state of each process that has a name and is no instance; see the README. */
  states(waiting: ReadonlySet<string>): Map<string, JsonObject> {
    const states = new Map<string, JsonObject>();
    for (const { bound, name } of this.#names.values()) {
      if (isPid(bound) && this.instances.of(bound) === undefined)
        states.set(name, this.#stateOf(bound, name, waiting));
    }
    return states;
  }

  #stateOf(pid: AnyPid, name: string, waiting: ReadonlySet<string>): JsonObject {
    const reason = this.exits.get(pid);
    if (reason !== undefined) return { exit: this.encode(termOfReason(reason)) };
    const node = this.#nodes.find(({ name }) => name === pid.node) ?? this.node;
    const info = node.processInfo(pid);
    if (info === undefined) throw new Error(`${name} is gone, and nobody was told of its exit`);
    const state: { [key: string]: Json } = {};
    // Nothing is in the middle of its end when nothing can happen any more.
    if (info.status === "exiting") state.exiting = true;
    const links = info.links.filter((linked) => this.#nameOf(linked) !== undefined);
    if (links.length > 0) state.links = this.encodeSorted(links);
    if (this.puppetOf(pid) !== undefined) {
      const mons = info.monitors.map((target) => (isPid(target) ? target : target.name));
      const mbox = node.mailboxOf(pid);
      if (mons.length > 0 && this.layer.name === "process") state.mons = this.encodeSorted(mons);
      if (mbox.length > 0) state.mbox = mbox.map((message) => this.encode(termOfMessage(message)));
      if (info.trapsExits) state.trap = true;
    }
    if (info.name !== undefined) state.name = info.name;
    if (waiting.has(name)) state.wait = true;
    return state;
  }
}
