/**
 * Process groups: processes of all connected nodes under one name, within a scope.
 *
 * Each node owns its own members and tells the others of them; what a node says of another's is not
 * believed. So the views of two nodes may differ for as long as a message takes, and each sees the
 * members of those nodes alone that it is connected with.
 *
 * OTP: https://www.erlang.org/doc/man/pg.html
 */
import {
  checkKeys,
  guardedObservable,
  InvalidArgumentError,
  isName,
  isPid,
  type AnyName,
  type AnyPid,
  type Name,
  type Node,
  type Pid,
} from "@coppice/core";
import { Subject, type Observable } from "rxjs";
import {
  countsOf,
  listOf,
  removeOne,
  takeOne,
  type Counts,
  type Members,
} from "./group-members.js";
import { parseGroupsMessage, type GroupsMessage } from "./groups-message.js";
import { checkOwnPid } from "./own-pid.js";
import { processFeed } from "./process-feed.js";
import type { RemoteEvent } from "./remote-event.js";
import type { NodeLife } from "./term.js";

interface GroupChange<T extends "join" | "leave"> {
  readonly type: T;
  readonly group: string;
  /** One that joined twice is there twice, and leaves once at a time. */
  readonly pids: readonly AnyPid[];
}

/** Processes have come into a group, or have left it: by themselves, by their end, or with their node. */
export type GroupEvent = GroupChange<"join"> | GroupChange<"leave">;

export interface GroupsPorts {
  readonly connected: () => readonly NodeLife[];
  readonly tell: (node: string, message: unknown) => void;
  /** How many memberships one peer may have here. */
  readonly maxJoins: number;
  readonly breached: () => void;
  readonly changes: Observable<RemoteEvent>;
}

export function checkScope(scope: unknown): void {
  if (typeof scope !== "string" || !/^[^\s]{1,100}$/.test(scope)) {
    const expected = "a string of 1 to 100 characters without white space";
    throw new InvalidArgumentError("groups: scope", expected, scope);
  }
}

/** What another node has said of its own. */
interface Theirs {
  readonly members: Members;
  /** How many memberships that is. */
  size: number;
}

export class Groups {
  readonly #node: Node;
  readonly #ports: GroupsPorts;
  readonly #local: Members = new Map();
  /** By node. */
  readonly #remote = new Map<string, Theirs>();
  /** Own processes that are or were members, and the groups that each is in, as often as it is. */
  readonly #watched = new Map<AnyPid, string[]>();
  readonly #events = new Subject<GroupEvent>();
  /** Who comes and who goes, from now on. */
  readonly events: Observable<GroupEvent>;

  constructor(node: Node, ports: GroupsPorts) {
    this.#node = node;
    this.#ports = ports;
    this.events = guardedObservable(node, (subscriber) => this.#events.subscribe(subscriber));
    ports.changes.subscribe({
      next: (event) => {
        if (event.type === "up" && event.role === "node") this.#sync(event.node);
        else if (event.type === "down") this.#lost(event.node);
      },
      complete: () => {
        for (const name of [...this.#remote.keys()]) this.#lost(name);
        this.#events.complete();
      },
    });
    for (const { name } of ports.connected()) {
      this.#sync(name);
      ports.tell(name, ["discover"] satisfies GroupsMessage);
    }
  }

  /**
   * Makes a process of this node a member. As in OTP it may join a group several times.
   *
   * @throws InvalidArgumentError no name, or no pid of this node
   */
  join<M>(group: Name<M>, pid: Pid<NoInfer<M>>): void {
    const name = nameOf("join", group);
    checkOwnPid("groups.join: pid", this.#node, pid);
    if (!this.#node.isAlive(pid)) return;
    listOf(this.#local, name).push(pid);
    const joined = this.#watched.get(pid);
    if (joined !== undefined) joined.push(name);
    else {
      this.#watched.set(pid, [name]);
      void this.#node.whenExited(pid).then(() => this.#ended(pid));
    }
    this.#broadcast(["join", name, [pid]]);
    this.#events.next({ type: "join", group: name, pids: [pid] });
  }

  /** Ends one membership; `false` when there is none. */
  leave<M>(group: Name<M>, pid: Pid<NoInfer<M>>): boolean {
    const name = nameOf("leave", group);
    checkOwnPid("groups.leave: pid", this.#node, pid);
    if (!removeOne(this.#local, name, pid)) return false;
    const joined = this.#watched.get(pid) as string[];
    // The watch stays, for when it comes back: who comes and goes all the time is watched once.
    joined.splice(joined.indexOf(name), 1);
    this.#broadcast(["leave", name, [pid]]);
    this.#events.next({ type: "leave", group: name, pids: [pid] });
    return true;
  }

  /** All members, those of this node first. */
  members<M>(group: Name<M>): Pid<M>[] {
    const name = nameOf("members", group);
    const members = [...(this.#local.get(name) ?? [])];
    for (const theirs of this.#remote.values()) {
      for (const pid of theirs.members.get(name) ?? []) members.push(pid);
    }
    return members as Pid<M>[];
  }

  /** Those of this node. */
  localMembers<M>(group: Name<M>): Pid<M>[] {
    return [...(this.#local.get(nameOf("localMembers", group)) ?? [])] as Pid<M>[];
  }

  /** The names of all groups that have members. */
  groups(): string[] {
    const names = new Set(this.#local.keys());
    for (const { members } of this.#remote.values()) {
      for (const name of members.keys()) names.add(name);
    }
    return [...names];
  }

  /** One of the members by chance: of this node if there is one, else of any; `undefined` when nobody is there. */
  pick<M>(group: Name<M>): Pid<M> | undefined {
    const local = this.localMembers(group);
    const from = local.length > 0 ? local : this.members(group);
    return from[Math.floor(this.#node.random() * from.length)];
  }

  /**
   * Tells a process of this node by messages who comes into groups and who leaves them, until it ends or the function
   * that is returned is called. Who is there by now `members` says: between the two nothing happens.
   *
   * @param map makes the message; what it throws crashes the process, as in `monitor` of a process
   * @param options.group tells of that group alone
   * @throws InvalidArgumentError no pid of this node, no function, or no name
   * @see https://www.erlang.org/doc/man/pg.html#monitor-2
   */
  monitor<M>(
    pid: Pid<M>,
    map: (event: GroupEvent) => M,
    options: { readonly group?: AnyName } = {},
  ): () => void {
    const feed = processFeed(this.#node, "groups.monitor", pid, map, "GroupEvent");
    checkKeys("groups.monitor: options", options, ["group"]);
    const wanted = options.group === undefined ? undefined : nameOf("monitor", options.group);
    const subscription = this.#events.subscribe((event) => {
      if (wanted === undefined || event.group === wanted) feed.tell(event);
    });
    return feed.until(() => subscription.unsubscribe());
  }

  /** @internal Another node has something to say. Believed is what it says of itself. */
  received(peer: NodeLife, message: unknown): void {
    const parsed = parseGroupsMessage(message);
    if (parsed === undefined) return;
    const own = (pids: readonly AnyPid[]): AnyPid[] =>
      pids.filter(
        (pid) => isPid(pid) && pid.node === peer.name && pid.incarnation === peer.incarnation,
      );
    if (parsed[0] === "discover") {
      this.#sync(peer.name);
      return;
    }
    let theirs = this.#remote.get(peer.name);
    if (theirs === undefined)
      this.#remote.set(peer.name, (theirs = { members: new Map(), size: 0 }));
    switch (parsed[0]) {
      case "sync": {
        // It may have been told twice: what it is now takes the place of what it was.
        const before = countsOf(theirs.members);
        theirs = { members: new Map(), size: 0 };
        this.#remote.set(peer.name, theirs);
        for (const [group, pids] of parsed[1]) this.#add(theirs, group, own(pids), before);
        for (const [group, counts] of before) {
          const gone = [...counts].flatMap(([pid, times]) => Array<AnyPid>(times).fill(pid));
          if (gone.length > 0) this.#events.next({ type: "leave", group, pids: gone });
        }
        return;
      }
      case "join":
        this.#add(theirs, parsed[1], own(parsed[2]), new Map());
        return;
      case "leave": {
        const [, group, pids] = parsed;
        const { members } = theirs;
        const gone = own(pids).filter((pid) => removeOne(members, group, pid));
        theirs.size -= gone.length;
        if (gone.length > 0) this.#events.next({ type: "leave", group, pids: gone });
        return;
      }
      default:
    }
  }

  /** @param before how often they were in it before it was said anew: that is no news */
  #add(theirs: Theirs, group: string, pids: readonly AnyPid[], before: Counts): void {
    const taken = pids.slice(0, Math.max(0, this.#ports.maxJoins - theirs.size));
    if (taken.length < pids.length) this.#ports.breached();
    if (taken.length === 0) return;
    theirs.size += taken.length;
    const list = listOf(theirs.members, group);
    for (const pid of taken) list.push(pid);
    const counts = before.get(group);
    const fresh = taken.filter((pid) => counts === undefined || !takeOne(counts, pid));
    if (fresh.length > 0) this.#events.next({ type: "join", group, pids: fresh });
  }

  #ended(pid: AnyPid): void {
    const joined = this.#watched.get(pid);
    if (joined === undefined) return;
    this.#watched.delete(pid);
    for (const group of new Set(joined)) {
      const gone: AnyPid[] = [];
      while (removeOne(this.#local, group, pid)) gone.push(pid);
      this.#broadcast(["leave", group, gone]);
      this.#events.next({ type: "leave", group, pids: gone });
    }
  }

  #sync(node: string): void {
    this.#ports.tell(node, ["sync", [...this.#local]] satisfies GroupsMessage);
  }

  #broadcast(message: GroupsMessage): void {
    for (const { name } of this.#ports.connected()) this.#ports.tell(name, message);
  }

  #lost(node: string): void {
    const theirs = this.#remote.get(node);
    if (theirs === undefined) return;
    this.#remote.delete(node);
    for (const [group, pids] of theirs.members) this.#events.next({ type: "leave", group, pids });
  }
}

function nameOf(operation: string, group: AnyName): string {
  if (!isName(group)) {
    throw new InvalidArgumentError(`groups.${operation}: group`, "a name made by name()", group);
  }
  return group.name;
}
