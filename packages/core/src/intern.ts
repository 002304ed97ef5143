/**
 * Pids and references of all nodes as this node knows them: one object for each, so that `===` tells.
 *
 * The tables hold nothing that nobody else holds, but aliases that were given away: whoever has one
 * may still send to it. What is gone is swept out whenever a table has doubled.
 */
import { ProcessId, type NodeIdentity } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";

type LocalPid = ProcessId<Process>;

/** How large a table may become before it is first swept. */
const FIRST_SWEEP = 1_024;

class Table<T> {
  readonly entries = new Map<number | string, T>();
  readonly #isGone: (entry: T) => boolean;
  #sweepAt = FIRST_SWEEP;

  constructor(isGone: (entry: T) => boolean) {
    this.#isGone = isGone;
  }

  add(key: number | string, entry: T): void {
    if (this.entries.size >= this.#sweepAt) this.sweep();
    this.entries.set(key, entry);
  }

  sweep(): void {
    for (const [key, entry] of this.entries) if (this.#isGone(entry)) this.entries.delete(key);
    this.#sweepAt = Math.max(FIRST_SWEEP, this.entries.size * 2);
  }
}

type WeakTable<T extends WeakKey> = Table<WeakRef<T>>;

function weakTable<T extends WeakKey>(): WeakTable<T> {
  return new Table((entry) => entry.deref() === undefined);
}

/** What is known of one life of a node. */
class Life {
  readonly identity: NodeIdentity;
  readonly pids: WeakTable<LocalPid> = weakTable();
  readonly refs: WeakTable<Reference> = weakTable();

  constructor(identity: NodeIdentity) {
    this.identity = identity;
  }

  get isForgotten(): boolean {
    this.pids.sweep();
    this.refs.sweep();
    return this.pids.entries.size === 0 && this.refs.entries.size === 0;
  }
}

export class Interned {
  readonly #node: Runtime;
  readonly #own: Life;
  /** Own references that were given away and still mean something. */
  readonly #aliases: Table<Reference>;
  readonly #lives = new Table<Life>((life) => {
    if (!life.isForgotten) return false;
    if (this.#latest === life) this.#latest = undefined;
    return true;
  });
  /** The one that was asked for last: most often it is asked for again. */
  #latest: Life | undefined = undefined;

  constructor(node: Runtime) {
    this.#node = node;
    this.#own = new Life(node.identity);
    this.#aliases = new Table((ref) => {
      if (meansSomething(ref, node)) return false;
      // Who kept it still knows it by `===` when it comes back.
      this.#own.refs.add(ref.serial, new WeakRef(ref));
      return true;
    });
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
      if (this.#own.pids.entries.get(serial)?.deref() !== what) {
        this.#own.pids.add(serial, new WeakRef(what));
      }
    } else if (meansSomething(what, this.#node)) {
      if (!this.#aliases.entries.has(serial)) this.#aliases.add(serial, what);
    } else if (this.#own.refs.entries.get(serial)?.deref() !== what) {
      this.#own.refs.add(serial, new WeakRef(what));
    }
  }

  pid(name: string, incarnation: number, serial: number): LocalPid {
    const life = this.#lifeOf(name, incarnation);
    if (life === this.#own && serial === 0) return this.#node.pid;
    const known = life.pids.entries.get(serial)?.deref();
    if (known !== undefined) return known;
    // One of this node that nobody was given is nobody's, and dead.
    const pid = new ProcessId<Process>(life.identity, serial, undefined, `${name}.${serial}`);
    life.pids.add(serial, new WeakRef(pid));
    return pid;
  }

  ref(owner: LocalPid, serial: number): Reference {
    const life = this.#lifeOf(owner.node, owner.incarnation);
    const known =
      (life === this.#own ? this.#aliases.entries.get(serial) : undefined) ??
      life.refs.entries.get(serial)?.deref();
    if (known !== undefined) return known;
    const ref = new Reference(owner, serial, undefined);
    life.refs.add(serial, new WeakRef(ref));
    return ref;
  }

  #lifeOf(name: string, incarnation: number): Life {
    const { identity } = this.#node;
    if (name === identity.name && incarnation === identity.incarnation) return this.#own;
    const latest = this.#latest?.identity;
    if (latest?.incarnation === incarnation && latest.name === name) return this.#latest as Life;
    const key = `${name}/${incarnation}`;
    let life = this.#lives.entries.get(key);
    if (life === undefined) {
      life = new Life({ name, incarnation });
      this.#lives.add(key, life);
    }
    this.#latest = life;
    return life;
  }
}

/** It can still be sent to. */
function meansSomething(ref: Reference, node: Runtime): boolean {
  if (Reference.meaningOf(ref) === undefined) return false;
  const owner = ref.owner as LocalPid;
  return owner === node.pid || ProcessId.processOf(owner) !== undefined;
}
