/** The monitors that processes of a peer have set at this node: how many each of them has, and which it set last. */
export class TheirMonitors {
  /** By the number of a monitor, whose it is. */
  readonly #owners = new Map<number, number>();
  readonly #counts = new Map<number, number>();
  /** By their processes: the last monitor, until a message follows. A call is a monitor and a message. */
  readonly #asking = new Map<number, { readonly ref: number; readonly target: number | string }>();

  has(ref: number): boolean {
    return this.#owners.has(ref);
  }

  countOf(owner: number): number {
    return this.#counts.get(owner) ?? 0;
  }

  add(ref: number, owner: number, target: number | string): void {
    this.#owners.set(ref, owner);
    this.#counts.set(owner, this.countOf(owner) + 1);
    this.#asking.set(owner, { ref, target });
  }

  over(ref: number): void {
    const owner = this.#owners.get(ref);
    if (owner === undefined) return;
    this.#owners.delete(ref);
    if (this.#asking.get(owner)?.ref === ref) this.#asking.delete(owner);
    const left = this.countOf(owner) - 1;
    if (left === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, left);
  }

  /** The call, if it is one, of a process that says something: what it has just begun to monitor. */
  askedBy(from: number, to: number | string): number | undefined {
    if (this.#asking.size === 0) return undefined;
    const asking = this.#asking.get(from);
    if (asking === undefined) return undefined;
    this.#asking.delete(from);
    return asking.target === to ? asking.ref : undefined;
  }
}
