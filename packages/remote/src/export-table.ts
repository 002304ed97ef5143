/** What a client was told of in a session: it can address nothing else, nor have anybody else do it. */
import { isPid, type AnyPid, type Ref } from "@coppice/core";
import { forgetOldest } from "./forget-oldest.js";
import type { NodeLife } from "./term.js";

export class ExportTable {
  readonly pids: Set<number> = new Set();
  readonly refs: Set<number> = new Set();
  /** Pids and references of third nodes, as texts. */
  readonly others: Set<string> = new Set();
  readonly #most: number;
  readonly #forgot: () => void;

  /**
   * @param most how many of each are kept: the oldest are forgotten
   * @param forgot told of each
   */
  constructor(most: number, forgot: () => void) {
    this.#most = most;
    this.#forgot = forgot;
  }

  add(what: AnyPid | Ref): void {
    this.#keep(isPid(what) ? this.pids : this.refs, what.serial);
  }

  addOther(what: AnyPid | Ref): void {
    const { node: name, incarnation, serial } = isPid(what) ? what : what.owner;
    this.#keep(
      this.others,
      textOf({ name, incarnation }, serial, isPid(what) ? undefined : what.serial),
    );
  }

  /** Was it told of that process of another node, or of that reference of one? */
  hasOther(life: NodeLife, serial: number, ref?: number): boolean {
    return this.others.has(textOf(life, serial, ref));
  }

  #keep<T>(told: Set<T>, one: T): void {
    told.add(one);
    if (forgetOldest(told, this.#most)) this.#forgot();
  }
}

function textOf({ name, incarnation }: NodeLife, serial: number, ref: number | undefined): string {
  return `${name} ${incarnation} ${serial} ${ref ?? ""}`;
}
