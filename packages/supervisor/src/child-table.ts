/** The children of a supervisor, in start order: found by id, by pid and by wait, however many they are. */
import type { AnyPid } from "@coppice/core";
import type { ChildState } from "./child-state.js";

interface Entry {
  /** Grows in start order. */
  readonly place: number;
  readonly child: ChildState;
}

/** What the newest table of a line of tables holds. It is changed in place. */
interface Contents {
  /** In start order. */
  readonly byId: Map<string, Entry>;
  readonly byPid: Map<AnyPid, string>;
  readonly byGeneration: Map<number, Set<string>>;
  nextPlace: number;
}

/** How a table differs from the one that was made of it. */
interface Undo {
  readonly after: ChildTable;
  readonly id: string;
  readonly before: Entry | undefined;
}

/**
 * A value: what changes it makes another table, and this one stays as it is. The newest one is changed and
 * asked at once; one of the past is put together again when it is asked.
 */
export class ChildTable {
  // Invariant: it has either contents of its own, or what leads to them.
  #contents: Contents | undefined;
  #undo: Undo | undefined;

  private constructor(contents: Contents) {
    this.#contents = contents;
  }

  static of(children: Iterable<ChildState>): ChildTable {
    const contents = emptyContents();
    for (const child of children) set(contents, child.id, entryFor(contents, child));
    return new ChildTable(contents);
  }

  /** All of them, in start order. */
  get list(): ChildState[] {
    return [...this.#own().byId.values()].map(({ child }) => child);
  }

  find(id: string): ChildState | undefined {
    return this.#own().byId.get(id)?.child;
  }

  findByPid(pid: AnyPid): ChildState | undefined {
    const id = this.#own().byPid.get(pid);
    return id === undefined ? undefined : this.find(id);
  }

  /** Those that wait for one restart together, in start order. */
  waitingFor(generation: number): ChildState[] {
    return this.inOrder(this.#own().byGeneration.get(generation) ?? []);
  }

  /** Those with these ids, each once, in start order. */
  inOrder(ids: Iterable<string>): ChildState[] {
    const { byId } = this.#own();
    const entries = [...new Set(ids)].flatMap((id) => byId.get(id) ?? []);
    return entries.sort((a, b) => a.place - b.place).map(({ child }) => child);
  }

  /** In the place of the child with its id, or as the last one. */
  with(child: ChildState): ChildTable {
    const contents = this.#own();
    const before = contents.byId.get(child.id);
    const after = before === undefined ? entryFor(contents, child) : { ...before, child };
    return this.#changed(contents, child.id, before, after);
  }

  without(id: string): ChildTable {
    const contents = this.#own();
    const before = contents.byId.get(id);
    return before === undefined ? this : this.#changed(contents, id, before, undefined);
  }

  #changed(
    contents: Contents,
    id: string,
    before: Entry | undefined,
    after: Entry | undefined,
  ): ChildTable {
    set(contents, id, after);
    const changed = new ChildTable(contents);
    this.#contents = undefined;
    this.#undo = { after: changed, id, before };
    return changed;
  }

  #own(): Contents {
    return (this.#contents ??= this.#remember());
  }

  /** What it held before others were made of it. */
  #remember(): Contents {
    const undos: Undo[] = [];
    let newest: Contents | undefined;
    for (let undo = this.#undo; newest === undefined && undo !== undefined;) {
      undos.push(undo);
      newest = undo.after.#contents;
      undo = undo.after.#undo;
    }
    const entries = new Map(newest?.byId);
    for (const { id, before } of undos.reverse()) {
      if (before === undefined) entries.delete(id);
      else entries.set(id, before);
    }
    this.#undo = undefined;
    const contents = emptyContents();
    for (const [id, entry] of [...entries].sort(([, a], [, b]) => a.place - b.place)) {
      set(contents, id, entry);
      contents.nextPlace = entry.place + 1;
    }
    return contents;
  }
}

function emptyContents(): Contents {
  return { byId: new Map(), byPid: new Map(), byGeneration: new Map(), nextPlace: 0 };
}

function entryFor(contents: Contents, child: ChildState): Entry {
  return { place: contents.nextPlace++, child };
}

function set({ byId, byPid, byGeneration }: Contents, id: string, entry: Entry | undefined): void {
  const before = byId.get(id)?.child;
  if (before?.pid !== undefined) byPid.delete(before.pid);
  if (before?.wait !== undefined) {
    const { generation } = before.wait;
    const waiting = byGeneration.get(generation);
    waiting?.delete(id);
    if (waiting?.size === 0) byGeneration.delete(generation);
  }
  if (entry === undefined) {
    byId.delete(id);
    return;
  }
  byId.set(id, entry);
  const { pid, wait } = entry.child;
  if (pid !== undefined) byPid.set(pid, id);
  if (wait !== undefined) {
    const waiting = byGeneration.get(wait.generation);
    if (waiting === undefined) byGeneration.set(wait.generation, new Set([id]));
    else waiting.add(id);
  }
}
