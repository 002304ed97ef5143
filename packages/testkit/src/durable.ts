/** Disks: what survives a crash of a node, and what does not. */
import { CoppiceError } from "@coppice/core";

/** The disk refused to write. */
export class DiskError extends CoppiceError {
  override readonly name = "DiskError";
  readonly code = "DISK_ERROR";
  readonly store: string;
  constructor(store: string) {
    super(`the disk of "${store}" failed`);
    this.store = store;
  }
}

/** What becomes of writes that were not synced when the node crashes. */
export type Unsynced = "lost" | "kept" | "torn";

export interface DurableOptions<T> {
  /** What is left of a value whose writing was cut off; without it, a torn write is a lost one. */
  readonly torn?: (written: T, before: T) => T;
}

/** A value on the disk of a node. */
export interface Durable<T> {
  readonly name: string;
  /** What it is called in the footprints of steps. */
  readonly object: string;
  /** What was written last. */
  read(): T;
  /** Writes; it survives a crash for certain only once it is synced. @throws DiskError the disk fails */
  write(value: T): void;
  /** All that was written until now survives. @throws DiskError the disk fails */
  sync(): void;
  /** Whether something was written since the last sync. */
  readonly isDirty: boolean;
}

export class Store<T> implements Durable<T> {
  readonly name: string;
  readonly object: string;
  readonly #access: (mode: "read" | "write") => void;
  readonly #torn: ((written: T, before: T) => T) | undefined;
  #synced: T;
  /** Written since then, oldest first. */
  #written: T[] = [];
  /** The next write or sync fails. */
  failing = false;

  constructor(
    name: string,
    object: string,
    initial: T,
    { torn }: DurableOptions<T>,
    access: (mode: "read" | "write") => void,
  ) {
    this.name = name;
    this.object = object;
    this.#synced = initial;
    this.#torn = torn;
    this.#access = access;
  }

  get isDirty(): boolean {
    this.#access("read");
    return this.#written.length > 0;
  }

  read(): T {
    this.#access("read");
    return this.#written.length > 0 ? (this.#written.at(-1) as T) : this.#synced;
  }

  write(value: T): void {
    this.#work();
    this.#written.push(value);
  }

  sync(): void {
    this.#work();
    if (this.#written.length > 0) this.#synced = this.#written.at(-1) as T;
    this.#written = [];
  }

  /** All there is of it; looking changes nothing. */
  outline(): unknown {
    return [this.#synced, this.#written, this.failing];
  }

  /** The node crashed. */
  crash(unsynced: Unsynced): void {
    const written = this.#written;
    this.#written = [];
    this.failing = false;
    if (written.length === 0 || unsynced === "lost") return;
    const last = written.at(-1) as T;
    if (unsynced === "kept") {
      this.#synced = last;
      return;
    }
    const before = written.length > 1 ? (written.at(-2) as T) : this.#synced;
    this.#synced = this.#torn === undefined ? before : this.#torn(last, before);
  }

  #work(): void {
    this.#access("write");
    if (!this.failing) return;
    this.failing = false;
    throw new DiskError(this.name);
  }
}
