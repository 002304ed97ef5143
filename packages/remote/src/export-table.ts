/** What a client was told of in a session: it can address nothing else, nor have anybody else do it. */
import { isPid, type AnyPid, type Gateway, type Ref } from "@coppice/core";
import type { Identities, NodeLife } from "./term.js";

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
    this.#keep(this.others, textOf(what));
  }

  #keep<T>(told: Set<T>, one: T): void {
    told.add(one);
    if (told.size <= this.#most) return;
    this.#forgot();
    for (const oldest of told) {
      told.delete(oldest);
      break;
    }
  }
}

function textOf(what: AnyPid | Ref): string {
  const { node, incarnation, serial } = isPid(what) ? what : what.owner;
  return `${node} ${incarnation} ${serial} ${isPid(what) ? "" : what.serial}`;
}

/** The life of a node that never was: whoever is said to be of it is nobody. */
const NO_LIFE = 0;

/**
 * What a client can mean in a term: processes and references of its own, what it was told of, and names that it may
 * reach. Whoever gets anything else from it could be made to answer, or to send, in the client's place: so any other pid
 * or reference is nobody's, and any other name is refused with the term.
 */
export function identitiesOfClient(
  gateway: Gateway,
  home: NodeLife,
  client: NodeLife,
  told: ExportTable,
  exports: ReadonlySet<string>,
  denied: (what: string) => void,
): Required<Pick<Identities, "pid" | "ref" | "mentioned" | "mayName">> {
  const isOurs = ({ name, incarnation }: NodeLife): boolean =>
    name === home.name && (incarnation === home.incarnation || incarnation === NO_LIFE);
  const isTold = (what: AnyPid | Ref, { name, incarnation }: NodeLife): boolean => {
    if (name === client.name && incarnation === client.incarnation) return true;
    if (!isOurs({ name, incarnation })) return told.others.has(textOf(what));
    return (isPid(what) ? told.pids : told.refs).has(what.serial);
  };
  return {
    pid: (life, serial) => {
      const pid = gateway.pid(life.name, life.incarnation, serial);
      if (isTold(pid, life)) return pid;
      denied("a process it was not told of");
      return gateway.pid(home.name, NO_LIFE, serial);
    },
    ref: (owner, serial) => {
      const { node: name, incarnation } = owner;
      const ref = gateway.ref(owner, serial);
      if (incarnation !== NO_LIFE || name !== home.name) {
        if (isTold(ref, { name, incarnation })) return ref;
      } else if (told.refs.has(serial)) {
        return gateway.ref(gateway.pid(home.name, home.incarnation, owner.serial), serial);
      }
      denied("a reference it was not told of");
      return gateway.ref(gateway.pid(home.name, NO_LIFE, owner.serial), serial);
    },
    mentioned: (what) => told.addOther(what),
    mayName: (node, name) =>
      node === client.name || ((node === undefined || node === home.name) && exports.has(name)),
  };
}
