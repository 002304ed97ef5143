/**
 * The registrar: one member's side of the names that it keeps. It alone decides who has them.
 *
 * A name goes to who asks first. Who asks for one that somebody has waits until the holder's node has
 * said that the holder lives: so whoever has been told of its end can have the name. While the holder's
 * node is out of reach nobody knows, and they wait for that node, or for the end of the grace.
 */
import type { AnyPid } from "@coppice/core";
import { inParts, type NameEntry, type NameMessage, type NameRefusal } from "./name-message.js";
import type { NodeLife } from "./term.js";

export interface RegistrarPorts {
  readonly home: string;
  readonly members: readonly string[];
  readonly graceMs: number;
  /** Does this member keep that name? */
  readonly keeps: (name: string) => boolean;
  /** To a member that is connected, or to this one. */
  readonly tell: (member: string, message: NameMessage) => void;
  /** To all members that are connected, and to this one. */
  readonly tellAll: (message: NameMessage) => void;
  /** Calls back later, unless the function it returns is called before. */
  readonly after: (ms: number, task: () => void) => () => void;
  /** How many names one member may hold and ask for. */
  readonly maxNames: number;
  readonly breached: () => void;
}

interface Request {
  readonly member: string;
  readonly id: number;
  readonly name: string;
  readonly pid: AnyPid;
}

interface Entry {
  readonly name: string;
  readonly pid: AnyPid;
  readonly token: number;
  /** Its node is out of reach; takes back that the name is released when the grace is over. */
  keep: (() => void) | undefined;
  /** Its node was asked whether it lives. */
  isChecked: boolean;
  /** Who wants to have it. */
  waiting: Request[];
}

export class NameRegistrar {
  readonly #ports: RegistrarPorts;
  readonly #entries = new Map<string, Entry>();
  /** The greatest token ever given, as far as anybody has said. */
  #highest = 0;
  /** Those that have not said what they hold; `undefined` when it has begun to give names. */
  #awaited: Set<string> | undefined;
  #early: Request[] = [];
  readonly #loads = new Map<string, number>();

  constructor(ports: RegistrarPorts) {
    this.#ports = ports;
    this.#awaited = new Set(ports.members.filter((member) => member !== ports.home));
    if (this.#awaited.size === 0 || ports.graceMs === 0) this.#begin();
    else ports.after(ports.graceMs, () => this.#begin());
  }

  /** All names and who has them. */
  entries(): NameEntry[] {
    return [...this.#entries.values()].map(({ name, pid, token }) => [name, pid, token]);
  }

  /** A member is connected. */
  up({ name: member, incarnation }: NodeLife): void {
    const parts = inParts(this.entries());
    for (const [index, part] of parts.entries()) {
      this.#ports.tell(member, ["table", part, index === parts.length - 1]);
    }
    // What a former life of it held died with that.
    for (const entry of this.#of(member)) {
      if (entry.pid.incarnation !== incarnation) this.#release(entry);
    }
  }

  /** A member is connected no longer. */
  down(member: string): void {
    this.#early = this.#without(this.#early, member);
    for (const entry of [...this.#entries.values()]) {
      entry.waiting = this.#without(entry.waiting, member);
      if (entry.pid.node !== member) continue;
      entry.isChecked = false;
      const { graceMs, after } = this.#ports;
      if (graceMs === 0) this.#release(entry);
      else entry.keep ??= after(graceMs, () => this.#release(entry));
    }
  }

  /** What a member says to the registrar. */
  received(peer: NodeLife, message: NameMessage): void {
    switch (message[0]) {
      case "claim": {
        const [, id, name, pid] = message;
        if (isOf(pid, peer)) this.#claim({ member: peer.name, id, name, pid });
        return;
      }
      case "release":
      case "checked": {
        const [type, name, token] = message;
        const entry = this.#entries.get(name);
        if (entry?.token !== token || !isOf(entry.pid, peer)) return;
        if (type === "release" || !message[3]) this.#release(entry);
        else this.#lives(entry);
        return;
      }
      case "claims":
        this.#claims(peer, message);
        return;
      default:
    }
  }

  #claim(request: Request): void {
    const { tell, keeps, maxNames, breached } = this.#ports;
    const { member, id, name } = request;
    const refuse = (why: AnyPid | NameRefusal): void => tell(member, ["refused", id, why]);
    if (!keeps(name)) {
      refuse("members");
      return;
    }
    if (this.#loadOf(member) >= maxNames) {
      breached();
      refuse("limit");
      return;
    }
    if (this.#awaited === undefined) this.#decide(request);
    else this.#wait(this.#early, request);
  }

  #decide(request: Request): void {
    const { tell, tellAll } = this.#ports;
    const { member, id, name, pid } = request;
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      const token = ++this.#highest;
      this.#add(name, pid, token);
      tellAll(["set", name, pid, token]);
      tell(member, ["granted", id, name, token]);
    } else if (entry.pid === pid && entry.keep === undefined) {
      tell(member, ["granted", id, name, entry.token]);
    } else {
      this.#wait(entry.waiting, request);
      if (entry.keep !== undefined || entry.isChecked) return;
      entry.isChecked = true;
      tell(entry.pid.node, ["check", name, entry.token]);
    }
  }

  /** Its node says that it holds the name. */
  #lives(entry: Entry): void {
    entry.isChecked = false;
    entry.keep?.();
    entry.keep = undefined;
    for (const { member, id } of this.#take(entry.waiting)) {
      this.#ports.tell(member, ["refused", id, entry.pid]);
    }
  }

  #release(entry: Entry): void {
    if (this.#entries.get(entry.name) !== entry) return;
    this.#remove(entry);
    this.#ports.tellAll(["unset", entry.name, entry.token]);
    for (const request of this.#take(entry.waiting)) this.#decide(request);
  }

  #claims(
    peer: NodeLife,
    [, highest, entries, last]: Extract<NameMessage, { readonly 0: "claims" }>,
  ): void {
    this.#highest = Math.max(this.#highest, highest);
    for (const [name, pid, token] of entries) {
      if (isOf(pid, peer) && this.#ports.keeps(name)) this.#reclaim(name, pid, token);
    }
    if (!last) return;
    // What it did not name it does not hold: it was told of it too late, or not at all.
    for (const entry of this.#of(peer.name)) if (entry.keep !== undefined) this.#release(entry);
    if (this.#awaited?.delete(peer.name) && this.#awaited.size === 0) this.#begin();
  }

  /** A member holds a name, it says: it was given it before the connection was lost, or by a former life. */
  #reclaim(name: string, pid: AnyPid, token: number): void {
    const { tell, tellAll, maxNames, breached } = this.#ports;
    this.#highest = Math.max(this.#highest, token);
    const entry = this.#entries.get(name);
    if (entry?.pid === pid && entry.token === token) {
      this.#lives(entry);
      return;
    }
    // Once it gives names, what it does not know of was released: perhaps somebody else had it since.
    const mayHave = entry === undefined ? this.#awaited !== undefined : token > entry.token;
    const isTooMany = mayHave && this.#loadOf(pid.node) >= maxNames;
    if (isTooMany) breached();
    if (!mayHave || isTooMany) {
      tell(pid.node, ["lost", name, token]);
      return;
    }
    if (entry !== undefined) {
      this.#remove(entry);
      tell(entry.pid.node, ["lost", name, entry.token]);
    }
    this.#add(name, pid, token);
    tellAll(["set", name, pid, token]);
    for (const request of this.#take(entry?.waiting ?? [])) this.#decide(request);
  }

  /** All have said what they hold, or had the time to. */
  #begin(): void {
    if (this.#awaited === undefined) return;
    this.#awaited = undefined;
    for (const request of this.#take(this.#early)) this.#decide(request);
  }

  #add(name: string, pid: AnyPid, token: number): void {
    this.#entries.set(name, { name, pid, token, keep: undefined, isChecked: false, waiting: [] });
    this.#count(pid.node, 1);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.name);
    this.#count(entry.pid.node, -1);
    entry.keep?.();
  }

  #wait(list: Request[], request: Request): void {
    list.push(request);
    this.#count(request.member, 1);
  }

  #take(list: Request[]): Request[] {
    const taken = list.splice(0);
    for (const { member } of taken) this.#count(member, -1);
    return taken;
  }

  #without(list: readonly Request[], member: string): Request[] {
    const left = list.filter((request) => request.member !== member);
    this.#count(member, left.length - list.length);
    return left;
  }

  #count(member: string, more: number): void {
    const load = this.#loadOf(member) + more;
    if (load === 0) this.#loads.delete(member);
    else this.#loads.set(member, load);
  }

  /** How many names it holds and waits for. */
  #loadOf(member: string): number {
    return this.#loads.get(member) ?? 0;
  }

  #of(member: string): Entry[] {
    return [...this.#entries.values()].filter(({ pid }) => pid.node === member);
  }
}

function isOf(pid: AnyPid, { name, incarnation }: NodeLife): boolean {
  return pid.node === name && pid.incarnation === incarnation;
}
