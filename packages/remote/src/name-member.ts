/**
 * One member of those that keep names among themselves: it asks the registrar of a name, keeps in mind
 * what its own processes hold and what the registrars say, and is a registrar itself.
 *
 * What it holds it holds for as long as the registrar can be reached. When it cannot, a time begins that
 * ends before the registrar's grace does; then the name is lost, for nobody can say any more whether
 * somebody else has it.
 */
import type { AnyPid } from "@coppice/core";
import {
  inParts,
  parseNameMessage,
  type NameEntry,
  type NameMessage,
  type NameRefusal,
} from "./name-message.js";
import { NameRegistrar, type RegistrarPorts } from "./name-registrar.js";
import type { NameEvent, NameHolder } from "./name-store.js";
import { registrarOf } from "./rendezvous.js";
import type { NodeLife } from "./term.js";

export interface NameMemberOptions {
  readonly home: NodeLife;
  readonly members: readonly string[];
  readonly graceMs: number;
  /** How long a registrar may be out of reach until what it keeps is lost; less than the grace. */
  readonly patienceMs: number;
  readonly maxNames: number;
}

export interface NameMemberPorts {
  /** To another member; `false` when it is not connected. */
  readonly tell: (member: string, message: NameMessage) => boolean;
  readonly isAlive: (pid: AnyPid) => boolean;
  readonly after: RegistrarPorts["after"];
  readonly event: (event: NameEvent) => void;
  readonly breached: () => void;
}

export type NameAnswer =
  | { readonly token: number }
  | { readonly takenBy: AnyPid }
  | { readonly failed: NameRefusal | "unreachable"; readonly registrar: string };

interface Pending {
  readonly registrar: string;
  readonly name: string;
  readonly pid: AnyPid;
  readonly answer: (answer: NameAnswer) => void;
}

/** What one registrar keeps, as far as it has said so. */
interface View {
  readonly table: Map<string, NameHolder>;
  /** The greatest token it is known to have given. */
  highest: number;
  /** Names that it has not said again since it was out of reach. */
  readonly stale: Set<string>;
  /** It is out of reach; takes back that what it keeps is forgotten. */
  keep: (() => void) | undefined;
}

export class NameMember {
  readonly #options: NameMemberOptions;
  readonly #ports: NameMemberPorts;
  readonly #registrar: NameRegistrar;
  readonly #connected = new Set<string>();
  readonly #views = new Map<string, View>();
  /** What processes of this node hold. */
  readonly #held = new Map<string, NameHolder>();
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  /** What this member says to itself, in order. */
  readonly #inner: NameMessage[] = [];
  #isDraining = false;

  constructor(options: NameMemberOptions, ports: NameMemberPorts) {
    this.#options = options;
    this.#ports = ports;
    const { home, members, graceMs, maxNames } = options;
    this.#registrar = new NameRegistrar({
      home: home.name,
      members,
      graceMs,
      keeps: (name) => registrarOf(members, name) === home.name,
      tell: (member, message) => void this.#tell(member, message),
      tellAll: (message) => {
        for (const member of this.#connected) ports.tell(member, message);
        this.#tell(home.name, message);
      },
      after: ports.after,
      maxNames,
      breached: ports.breached,
    });
  }

  /** Asks for a name, for a process of this node. Answers once; returns what takes the question back. */
  claim(name: string, pid: AnyPid, answer: (answer: NameAnswer) => void): () => void {
    const registrar = registrarOf(this.#options.members, name);
    const id = ++this.#requests;
    this.#pending.set(id, { registrar, name, pid, answer });
    if (!this.#tell(registrar, ["claim", id, name, pid])) {
      this.#answer(id, { failed: "unreachable", registrar });
    }
    // What is granted all the same is given back.
    return () => void this.#pending.delete(id);
  }

  /** Gives a name back. */
  release(name: string, { pid, token }: NameHolder): void {
    const held = this.#held.get(name);
    if (held?.pid !== pid || held.token !== token) return;
    this.#held.delete(name);
    this.#tell(registrarOf(this.#options.members, name), ["release", name, token]);
  }

  find(name: string): NameHolder | undefined {
    const held = this.#held.get(name);
    if (held !== undefined && this.#ports.isAlive(held.pid)) return held;
    return this.#views.get(registrarOf(this.#options.members, name))?.table.get(name);
  }

  /** Another member is connected. */
  up(life: NodeLife): void {
    const { name } = life;
    if (!this.#options.members.includes(name)) return;
    this.#connected.add(name);
    const view = this.#viewOf(name);
    view.keep?.();
    view.keep = undefined;
    for (const known of view.table.keys()) view.stale.add(known);
    const held: NameEntry[] = [];
    for (const [own, { pid, token }] of this.#held) {
      if (registrarOf(this.#options.members, own) === name) held.push([own, pid, token]);
    }
    const parts = inParts(held);
    for (const [index, part] of parts.entries()) {
      this.#tell(name, ["claims", view.highest, part, index === parts.length - 1]);
    }
    this.#registrar.up(life);
  }

  /** It is connected no longer. */
  down(name: string): void {
    if (!this.#connected.delete(name)) return;
    for (const [id, { registrar }] of [...this.#pending]) {
      if (registrar === name) this.#answer(id, { failed: "unreachable", registrar });
    }
    const view = this.#viewOf(name);
    view.keep ??= this.#ports.after(this.#options.patienceMs, () => this.#lose(name));
    this.#registrar.down(name);
  }

  /** Nobody is reached any more: what this node holds may soon be another's, and what it knows is old. */
  end(): void {
    for (const registrar of this.#options.members) this.#lose(registrar);
  }

  /** What another member says, or this one to itself. */
  received(peer: NodeLife, message: unknown): void {
    const parsed = parseNameMessage(message);
    if (parsed === undefined || !this.#options.members.includes(peer.name)) return;
    switch (parsed[0]) {
      case "claim":
      case "release":
      case "checked":
      case "claims":
        this.#registrar.received(peer, parsed);
        return;
      default:
        this.#said(peer.name, parsed);
    }
  }

  /** A registrar says something of what it keeps. */
  #said(
    registrar: string,
    message: Exclude<NameMessage, { readonly 0: "claim" | "release" | "checked" | "claims" }>,
  ): void {
    switch (message[0]) {
      case "granted":
        this.#granted(registrar, message);
        return;
      case "refused": {
        const [, id, why] = message;
        if (this.#pending.get(id)?.registrar !== registrar) return;
        const isRefusal = why === "limit" || why === "members";
        this.#answer(id, isRefusal ? { failed: why, registrar } : { takenBy: why });
        return;
      }
      case "check": {
        const [, name, token] = message;
        const held = this.#heldFrom(registrar, name, token);
        const alive = held !== undefined && this.#ports.isAlive(held.pid);
        if (held !== undefined && !alive) this.#held.delete(name);
        this.#tell(registrar, ["checked", name, token, alive]);
        return;
      }
      case "lost": {
        const [, name, token] = message;
        const held = this.#heldFrom(registrar, name, token);
        if (held !== undefined) this.#lost(name, held, "conflict");
        return;
      }
      case "table": {
        const [, entries, last] = message;
        const view = this.#viewOf(registrar);
        for (const [name, pid, token] of entries) this.#set(view, name, { pid, token });
        if (last) for (const name of [...view.stale]) this.#unset(view, name);
        return;
      }
      case "set": {
        const [, name, pid, token] = message;
        this.#set(this.#viewOf(registrar), name, { pid, token });
        return;
      }
      case "unset": {
        const [, name, token] = message;
        const view = this.#viewOf(registrar);
        if (view.table.get(name)?.token === token) this.#unset(view, name);
        return;
      }
      default:
        message satisfies never;
    }
  }

  #granted(
    registrar: string,
    [, id, name, token]: Extract<NameMessage, { readonly 0: "granted" }>,
  ): void {
    const asked = this.#pending.get(id);
    if (asked !== undefined && (asked.registrar !== registrar || asked.name !== name)) return;
    if (this.#held.get(name)?.token !== token) {
      // Who asked does not wait any more; but there may be another question for the same.
      const pid = asked?.pid ?? this.#askedFor(name);
      if (pid !== undefined && this.#ports.isAlive(pid)) this.#held.set(name, { pid, token });
      else this.#tell(registrar, ["release", name, token]);
    }
    if (asked !== undefined) this.#answer(id, { token });
  }

  #askedFor(name: string): AnyPid | undefined {
    for (const pending of this.#pending.values()) if (pending.name === name) return pending.pid;
    return undefined;
  }

  #lost(name: string, holder: NameHolder, why: "conflict" | "unreachable"): void {
    this.#held.delete(name);
    this.#ports.event({ type: "lost", name, holder, why });
  }

  /** A registrar was out of reach for too long. */
  #lose(registrar: string): void {
    const view = this.#viewOf(registrar);
    view.keep = undefined;
    for (const name of [...view.table.keys()]) this.#unset(view, name);
    for (const [name, holder] of [...this.#held]) {
      const isItsName = registrarOf(this.#options.members, name) === registrar;
      if (isItsName) this.#lost(name, holder, "unreachable");
    }
  }

  /** What this node holds with that token, from that registrar. */
  #heldFrom(registrar: string, name: string, token: number): NameHolder | undefined {
    if (registrarOf(this.#options.members, name) !== registrar) return undefined;
    const held = this.#held.get(name);
    return held?.token === token ? held : undefined;
  }

  #viewOf(registrar: string): View {
    let view = this.#views.get(registrar);
    if (view === undefined) {
      view = { table: new Map(), highest: 0, stale: new Set(), keep: undefined };
      this.#views.set(registrar, view);
    }
    return view;
  }

  #set(view: View, name: string, holder: NameHolder): void {
    view.stale.delete(name);
    view.highest = Math.max(view.highest, holder.token);
    const before = view.table.get(name);
    if (before?.token === holder.token && before.pid === holder.pid) return;
    if (before !== undefined) this.#unset(view, name);
    const { maxNames, members } = this.#options;
    if (view.table.size >= maxNames * members.length) {
      this.#ports.breached();
      return;
    }
    view.table.set(name, holder);
    this.#ports.event({ type: "registered", name, holder });
  }

  #unset(view: View, name: string): void {
    const holder = view.table.get(name);
    view.stale.delete(name);
    if (holder === undefined) return;
    view.table.delete(name);
    this.#ports.event({ type: "unregistered", name, holder });
  }

  #answer(id: number, answer: NameAnswer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.answer(answer);
  }

  #tell(member: string, message: NameMessage): boolean {
    const { home } = this.#options;
    if (member !== home.name)
      return this.#connected.has(member) && this.#ports.tell(member, message);
    this.#inner.push(message);
    if (this.#isDraining) return true;
    this.#isDraining = true;
    for (let next = this.#inner.shift(); next !== undefined; next = this.#inner.shift()) {
      this.received(home, next);
    }
    this.#isDraining = false;
    return true;
  }
}
