/**
 * Stable keys of what could happen next, and of what it uses.
 *
 * A key is made of the places of processes in their tree and of numbers counted per channel or per
 * process. A simulation runs the same program many thousand times, so a space that `interns` makes
 * each key once: its text and its hash are then computed once for all runs.
 */

/** A use of something that several processes share. Of one space, the same use is the same object. */
export interface Access {
  /**
   * `mailbox:PROCESS`, `alive:PROCESS`, `waits:PROCESS`, `watch:PROCESS→PROCESS`,
   * `exits:PROCESS→PROCESS`, `timers:PROCESS`, `name:NAME@NODE`,
   * `clock`, `*` for all of it, or what a user names.
   */
  readonly object: string;
  readonly mode: "read" | "write";
  /** Stands for `object`: equal when it is, within one space. */
  readonly objectId: number;
}

interface Uses {
  readonly read: Access;
  readonly write: Access;
}

/** Without an index: one by two names is looked up in a table. */
function useOf(uses: Uses, mode: Access["mode"]): Access {
  return mode === "read" ? uses.read : uses.write;
}

/** The keys of the nodes that share a scheduler. */
export class KeySpace {
  readonly interns: boolean;
  readonly #roots = new Map<string, ProcessKey>();
  readonly #objects = new Map<string, Uses>();
  readonly #named = new Map<string, HappeningKey>();
  #objectIds = 0;
  #keyIds = 0;

  constructor({ interns }: { readonly interns: boolean }) {
    this.interns = interns;
  }

  /** The key of a node, or of whoever else has no parent. */
  root(name: string): ProcessKey {
    if (!this.interns) return new ProcessKey(this, undefined, name);
    let root = this.#roots.get(name);
    if (root === undefined) this.#roots.set(name, (root = new ProcessKey(this, undefined, name)));
    return root;
  }

  /** The use of something that has a name of its own. */
  access(object: string, mode: "read" | "write"): Access {
    return useOf(this.usesOf(object), mode);
  }

  /** The uses of something that has a name of its own. */
  usesOf(object: string): Uses {
    let uses = this.#objects.get(object);
    if (uses === undefined) this.#objects.set(object, (uses = this.uses(object)));
    return uses;
  }

  /** For keys alone. */
  uses(object: string): Uses {
    const objectId = this.#objectIds++;
    return { read: { object, mode: "read", objectId }, write: { object, mode: "write", objectId } };
  }

  /** A key that is not of a process's own numbering, such as that of a fault. */
  key(text: string): HappeningKey {
    let key = this.#named.get(text);
    if (key === undefined) {
      key = new HappeningKey(this.nextKeyId(), { text }, undefined);
      if (this.interns) this.#named.set(text, key);
    }
    return key;
  }

  nextKeyId(): number {
    return this.#keyIds++;
  }
}

/** The place of a process in its tree: `node/2/1`. */
export class ProcessKey {
  readonly space: KeySpace;
  readonly parent: ProcessKey | undefined;
  readonly position: number | string;
  #text: string | undefined;
  #children: Map<number | string, ProcessKey> | undefined;
  #channels: Map<ProcessKey, KeyStem> | undefined;
  #start: HappeningKey | undefined;
  #random: HappeningKey | undefined;
  #timers: KeyStem | undefined;
  #resumes: KeyStem | undefined;
  #mailbox: Uses | undefined;
  #alive: Uses | undefined;
  #waits: Uses | undefined;

  constructor(space: KeySpace, parent: ProcessKey | undefined, position: number | string) {
    this.space = space;
    this.parent = parent;
    this.position = position;
  }

  get text(): string {
    return (this.#text ??=
      this.parent === undefined ? `${this.position}` : `${this.parent.text}/${this.position}`);
  }

  child(position: number | string): ProcessKey {
    if (!this.space.interns) return new ProcessKey(this.space, this, position);
    const children = (this.#children ??= new Map());
    let child = children.get(position);
    if (child === undefined) {
      children.set(position, (child = new ProcessKey(this.space, this, position)));
    }
    return child;
  }

  channelFrom(from: ProcessKey): KeyStem {
    if (!this.space.interns) return new KeyStem(this.space, "", from, this);
    const channels = (this.#channels ??= new Map());
    let channel = channels.get(from);
    if (channel === undefined) {
      channels.set(from, (channel = new KeyStem(this.space, "", from, this)));
    }
    return channel;
  }

  get start(): HappeningKey {
    return (this.#start ??= new HappeningKey(
      this.space.nextKeyId(),
      new KeyStem(this.space, "start:", this, undefined),
      undefined,
    ));
  }

  /** Stands for the random numbers it draws. */
  get random(): HappeningKey {
    return (this.#random ??= this.space.key(`random:${this.text}`));
  }

  timer(number: number): HappeningKey {
    return (this.#timers ??= new KeyStem(this.space, "timer:", this, undefined)).numbered(number);
  }

  resume(number: number): HappeningKey {
    return (this.#resumes ??= new KeyStem(this.space, "resume:", this, undefined)).numbered(number);
  }

  mailbox(mode: "read" | "write"): Access {
    return useOf((this.#mailbox ??= this.space.uses(`mailbox:${this.text}`)), mode);
  }

  alive(mode: "read" | "write"): Access {
    return useOf((this.#alive ??= this.space.uses(`alive:${this.text}`)), mode);
  }

  waits(mode: "read" | "write"): Access {
    return useOf((this.#waits ??= this.space.uses(`waits:${this.text}`)), mode);
  }
}

/** What keys that differ in their number alone have in common. */
export class KeyStem {
  readonly #space: KeySpace;
  readonly #kind: string;
  readonly #from: ProcessKey;
  readonly #to: ProcessKey | undefined;
  #text: string | undefined;
  #watch: Uses | undefined;
  #exits: Uses | undefined;
  readonly #numbered: HappeningKey[] = [];

  constructor(space: KeySpace, kind: string, from: ProcessKey, to: ProcessKey | undefined) {
    this.#space = space;
    this.#kind = kind;
    this.#from = from;
    this.#to = to;
  }

  get text(): string {
    return (this.#text ??=
      this.#to === undefined
        ? this.#kind + this.#from.text
        : `${this.#from.text}→${this.#to.text}`);
  }

  /** That the sender watches the receiver. */
  watch(mode: "read" | "write"): Access {
    return useOf((this.#watch ??= this.#space.usesOf(`watch:${this.text}`)), mode);
  }

  /** That exit signals of the sender are on their way to the receiver. */
  exits(mode: "read" | "write"): Access {
    return useOf((this.#exits ??= this.#space.usesOf(`exits:${this.text}`)), mode);
  }

  /** From 1. */
  numbered(number: number): HappeningKey {
    const known = this.#numbered[number - 1];
    if (known !== undefined) return known;
    const key = new HappeningKey(this.#space.nextKeyId(), this, number);
    // In order, for they are counted.
    if (this.#space.interns && this.#numbered.length === number - 1) this.#numbered.push(key);
    return key;
  }
}

export class HappeningKey {
  /** Stands for the key: equal when it is, within one space that interns. */
  readonly id: number;
  readonly #stem: { readonly text: string };
  readonly #number: number | undefined;
  #text: string | undefined;
  #hash = -1;

  constructor(id: number, stem: { readonly text: string }, number: number | undefined) {
    this.id = id;
    this.#stem = stem;
    this.#number = number;
  }

  get text(): string {
    return (this.#text ??=
      this.#number === undefined ? this.#stem.text : `${this.#stem.text}#${this.#number}`);
  }

  /** A whole number of 32 bits. */
  get hash(): number {
    if (this.#hash === -1) this.#hash = hashOf(this.text);
    return this.#hash;
  }
}

/** FNV-1a with a final mix, so that keys which differ in their last digit alone are far apart. */
function hashOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  // Signed: what is above 2³¹ V8 keeps as an object.
  return h ^ (h >>> 16);
}
