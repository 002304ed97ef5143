/** Pending timers in order of deadline; a four-ary heap, so that 100 000 call timeouts cost little. */

import type { Happening } from "./scheduler.js";

/** Something that is due at a time. Equal deadlines fire in the order they were armed. */
export abstract class Deadline {
  /** On the node's clock. */
  atMs = 0;
  /** Position in the order of arming. */
  order = 0;
  /** Place in the heap; -1 when not in it. */
  place = -1;
  /** How it was offered to a scheduler that decides everything. */
  happening: Happening | undefined = undefined;
  /** What it is for, as data: equal for deadlines that do the same. */
  get content(): unknown {
    return this.constructor.name;
  }
  abstract fire(): void;
}

export class TimerQueue {
  readonly #heap: Deadline[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The next to fire. */
  first(): Deadline | undefined {
    return this.#heap[0];
  }

  add(deadline: Deadline, atMs: number): void {
    deadline.atMs = atMs;
    deadline.order = this.#order++;
    deadline.place = this.#heap.length;
    this.#heap.push(deadline);
    this.#rise(deadline, deadline.place);
  }

  /** Takes it out; `false` when it was not in. */
  remove(deadline: Deadline): boolean {
    const place = deadline.place;
    if (place === -1) return false;
    deadline.place = -1;
    const last = this.#heap.pop() as Deadline;
    if (last !== deadline) {
      this.#sink(last, place);
      if (last.place === place) this.#rise(last, place);
    }
    return true;
  }

  #rise(deadline: Deadline, from: number): void {
    const heap = this.#heap;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 2;
      const parent = heap[above] as Deadline;
      if (!isBefore(deadline, parent)) break;
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = deadline;
    deadline.place = place;
  }

  #sink(deadline: Deadline, from: number): void {
    const heap = this.#heap;
    let place = from;
    for (;;) {
      const firstChild = 4 * place + 1;
      if (firstChild >= heap.length) break;
      let least = firstChild;
      const end = Math.min(firstChild + 4, heap.length);
      for (let child = firstChild + 1; child < end; child++) {
        if (isBefore(heap[child] as Deadline, heap[least] as Deadline)) least = child;
      }
      const child = heap[least] as Deadline;
      if (!isBefore(child, deadline)) break;
      heap[place] = child;
      child.place = place;
      place = least;
    }
    heap[place] = deadline;
    deadline.place = place;
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
