/** What a client was told of in a session: it can address nothing else, nor have anybody else do it. */
import { isPid, type AnyPid, type Gateway, type Ref } from "@coppice/core";
import type { Identities, NodeLife } from "./term.js";

export class ExportTable {
  readonly pids: Set<number> = new Set();
  readonly refs: Set<number> = new Set();
  readonly #most: number;

  /** @param most how many of each are kept: the oldest are forgotten */
  constructor(most: number) {
    this.#most = most;
  }

  add(what: AnyPid | Ref): void {
    const serials = isPid(what) ? this.pids : this.refs;
    serials.add(what.serial);
    if (serials.size <= this.#most) return;
    for (const oldest of serials) {
      serials.delete(oldest);
      break;
    }
  }
}

/** The life of a node that never was: whoever is said to be of it is nobody. */
const NO_LIFE = 0;

/**
 * What pids and references of a node are that a client sends in a term. One of this node that it was not told of is
 * nobody's: whoever gets it from the client could otherwise be made to answer it in the client's place.
 */
export function identitiesOfClient(
  gateway: Gateway,
  home: NodeLife,
  told: ExportTable,
  denied: (what: string) => void,
): Pick<Identities, "pid" | "ref"> {
  const isOurs = ({ name, incarnation }: NodeLife): boolean =>
    name === home.name && (incarnation === home.incarnation || incarnation === NO_LIFE);
  return {
    pid: (life, serial) => {
      if (!isOurs(life)) return gateway.pid(life.name, life.incarnation, serial);
      if (told.pids.has(serial)) return gateway.pid(home.name, life.incarnation, serial);
      denied("a process it was not told of");
      return gateway.pid(home.name, NO_LIFE, serial);
    },
    ref: (owner, serial) => {
      if (!isOurs({ name: owner.node, incarnation: owner.incarnation })) {
        return gateway.ref(owner, serial);
      }
      const isTold = told.refs.has(serial);
      if (!isTold) denied("a reference it was not told of");
      const { incarnation } = isTold ? home : { incarnation: NO_LIFE };
      return gateway.ref(gateway.pid(home.name, incarnation, owner.serial), serial);
    },
  };
}
