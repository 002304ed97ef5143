/**
 * What is first on its channel and could happen next, oldest first.
 *
 * | profile | what is first |
 * | --- | --- |
 * | `"pairFifo"`, `"erlDist"` | the oldest signal of each ordered pair |
 * | `"instant"` | the oldest signal for each receiver: it was put into its mailbox as it was sent |
 * | `"datagram"` | every message, and the oldest of the other signals of each ordered pair |
 *
 * and the oldest start or resumption of each process.
 */
import type { AnyPid, Happening } from "@coppice/core";

export type Profile = "instant" | "pairFifo" | "erlDist" | "datagram";

export class ReadySet {
  readonly profile: Profile;
  readonly heads: Happening[] = [];
  /** Under `"instant"`: what waits for each receiver, oldest first. */
  #queues: Map<AnyPid, Happening[]> | undefined = undefined;
  /** Under `"datagram"`: links, exits and the like of each pair, oldest first. */
  #controls: Map<string, Happening[]> | undefined = undefined;

  constructor(profile: Profile) {
    this.profile = profile;
  }

  /** It became possible just now. */
  add(happening: Happening): void {
    if (happening.kind === "signal") {
      if (this.profile === "instant") {
        let queue = this.#queues?.get(happening.actorPid);
        if (queue === undefined) (this.#queues ??= new Map()).set(happening.actorPid, (queue = []));
        if (queue.push(happening) > 1) return;
      } else if (this.profile === "datagram") {
        if (!happening.isMessage && !this.#addControl(happening)) return;
      } else if (!happening.isFirst) return;
    } else if (!happening.isFirst) return;
    this.heads.push(happening);
  }

  /** It happens now, or never will. */
  remove(happening: Happening): void {
    const place = this.heads.indexOf(happening);
    if (happening.kind === "signal" && this.profile === "instant") {
      this.#removeQueued(happening, place);
      return;
    }
    if (place === -1) return;
    takeAt(this.heads, place);
    if (happening.kind === "signal" && this.profile === "datagram") {
      if (!happening.isMessage) this.#removeControl(happening);
      return;
    }
    if (happening.next !== undefined) this.#insert(happening.next);
  }

  /** Has it been sent something that it did not handle? Known under `"instant"` only. */
  isQueued(pid: AnyPid): boolean {
    return (this.#queues?.get(pid)?.length ?? 0) > 0;
  }

  /** What it has been sent and did not handle, oldest first. Known under `"instant"` only. */
  queuedFor(pid: AnyPid): readonly Happening[] {
    return this.#queues?.get(pid) ?? [];
  }

  /** All signals that have not arrived. */
  *signals(): Generator<Happening> {
    for (const head of this.heads) {
      if (head.kind !== "signal") continue;
      if (this.profile === "datagram") {
        if (head.isMessage) yield head;
        else yield* this.#controls?.get(head.channel) ?? [];
      } else if (this.profile === "instant") yield* this.#queues?.get(head.actorPid) ?? [];
      else for (let at: Happening | undefined = head; at !== undefined; at = at.next) yield at;
    }
  }

  #addControl(happening: Happening): boolean {
    let queue = this.#controls?.get(happening.channel);
    if (queue === undefined) (this.#controls ??= new Map()).set(happening.channel, (queue = []));
    return queue.push(happening) === 1;
  }

  #removeControl(happening: Happening): void {
    const queue = this.#controls?.get(happening.channel);
    queue?.splice(queue.indexOf(happening), 1);
    const first = queue?.[0];
    if (first !== undefined) this.#insert(first);
  }

  #removeQueued(happening: Happening, place: number): void {
    if (place !== -1) takeAt(this.heads, place);
    const queue = this.#queues?.get(happening.actorPid);
    if (queue === undefined) return;
    const at = queue.indexOf(happening);
    if (at !== -1) queue.splice(at, 1);
    const [first] = queue;
    if (place !== -1 && first !== undefined) this.#insert(first);
  }

  /** What comes to the front is older than some that are there. */
  #insert(happening: Happening): void {
    const { heads } = this;
    let place = heads.length;
    while (place > 0 && (heads[place - 1] as Happening).order > happening.order) place--;
    heads.splice(place, 0, happening);
  }
}

/** Of short lists: `splice` would make another for what it takes. */
function takeAt(list: Happening[], place: number): void {
  for (let next = place + 1; next < list.length; next++) list[next - 1] = list[next] as Happening;
  list.pop();
}
