/**
 * Pids and references of all nodes as this node knows them: one object for each, so that `===` tells.
 *
 * The tables hold nothing that nobody else holds, but aliases that were given away: whoever has one
 * may still send to it. What is gone is swept out whenever all that is known has doubled: of all lives of all
 * nodes at once, for a peer can have as many lives as it likes.
 */
import { ProcessId, type NodeIdentity } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";

type LocalPid = ProcessId<Process>;

/** So many entries may there be before they are looked through for the first time. */
const FIRST_SWEEP = 1_024;

/** Entries by number, of which those whose target is gone mean nothing. */
type WeakTable<T extends WeakKey> = Map<number, WeakRef<T>>;

function sweepWeak(table: WeakTable<WeakKey>): void {
  for (const [key, entry] of table) if (entry.deref() === undefined) table.delete(key);
}

/** What is known of one life of a node. */
class Life {
  readonly identity: NodeIdentity;
  readonly pids: WeakTable<LocalPid> = new Map();
  readonly refs: WeakTable<Reference> = new Map();

  constructor(identity: NodeIdentity) {
    this.identity = identity;
  }

  get size(): number {
    return this.pids.size + this.refs.size;
  }

  sweep(): void {
    sweepWeak(this.pids);
    sweepWeak(this.refs);
  }
}

export class Interned {
  readonly #node: Runtime;
  readonly #own: Life;
  /** Own references that were given away and still mean something. */
  readonly #aliases = new Map<number, Reference>();
  readonly #lives = new Map<string, Life>();
  /** The one that was asked for last: most often it is asked for again. */
  #latest: Life | undefined = undefined;
  /** How many entries there are, those with it that mean nothing; and how many there may be. */
  #size = 0;
  #sweepAt = FIRST_SWEEP;

  constructor(node: Runtime) {
    this.#node = node;
    this.#own = new Life(node.identity);
  }

  /** @internal How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * From now on the pid, or reference, is found again by its number: it was given to another node. Those of
   * other nodes are found anyway.
   */
  export(what: LocalPid | Reference): void {
    const { serial } = what;
    const pid = what instanceof Reference ? (what.owner as LocalPid) : what;
    if (!this.#node.isLocal(pid)) return;
    if (!(what instanceof Reference)) {
      if (this.#own.pids.get(serial)?.deref() !== what) this.#know(this.#own.pids, serial, what);
    } else if (meansSomething(what, this.#node)) {
      if (this.#aliases.has(serial)) return;
      this.#aliases.set(serial, what);
      this.#grown();
    } else if (this.#own.refs.get(serial)?.deref() !== what) {
      this.#know(this.#own.refs, serial, what);
    }
  }

  pid(name: string, incarnation: number, serial: number): LocalPid {
    const life = this.#lifeOf(name, incarnation);
    if (life === this.#own && serial === 0) return this.#node.pid;
    const known = life.pids.get(serial)?.deref();
    if (known !== undefined) return known;
    // One of this node that nobody was given is nobody's, and dead.
    const pid = new ProcessId<Process>(life.identity, serial, undefined, `${name}.${serial}`);
    this.#know(life.pids, serial, pid);
    return pid;
  }

  ref(owner: LocalPid, serial: number): Reference {
    const life = this.#lifeOf(owner.node, owner.incarnation);
    const known =
      (life === this.#own ? this.#aliases.get(serial) : undefined) ??
      life.refs.get(serial)?.deref();
    if (known !== undefined) return known;
    const ref = new Reference(owner, serial, undefined);
    this.#know(life.refs, serial, ref);
    return ref;
  }

  #lifeOf(name: string, incarnation: number): Life {
    const { identity } = this.#node;
    if (name === identity.name && incarnation === identity.incarnation) return this.#own;
    const latest = this.#latest?.identity;
    if (latest?.incarnation === incarnation && latest.name === name) return this.#latest as Life;
    const key = `${name}/${incarnation}`;
    let life = this.#lives.get(key);
    if (life === undefined) {
      life = new Life({ name, incarnation });
      this.#lives.set(key, life);
      // Before it is counted: what is empty and not the latest is swept out.
      this.#latest = life;
      this.#grown();
    }
    this.#latest = life;
    return life;
  }

  #know<T extends LocalPid | Reference>(table: WeakTable<T>, serial: number, what: T): void {
    table.set(serial, new WeakRef(what));
    this.#grown();
  }

  #grown(): void {
    if (++this.#size > this.#sweepAt) this.#sweep();
  }

  #sweep(): void {
    for (const [serial, ref] of this.#aliases) {
      if (meansSomething(ref, this.#node)) continue;
      this.#aliases.delete(serial);
      // Who kept it still knows it by `===` when it comes back.
      this.#own.refs.set(serial, new WeakRef(ref));
    }
    this.#own.sweep();
    let size = this.#aliases.size + this.#own.size;
    for (const [key, life] of this.#lives) {
      life.sweep();
      // The latest is about to be used.
      if (life.size > 0 || life === this.#latest) size += 1 + life.size;
      else this.#lives.delete(key);
    }
    this.#size = size;
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * size);
  }
}

/** It can still be sent to. */
function meansSomething(ref: Reference, node: Runtime): boolean {
  if (Reference.meaningOf(ref) === undefined) return false;
  const owner = ref.owner as LocalPid;
  return owner === node.pid || ProcessId.processOf(owner) !== undefined;
}
