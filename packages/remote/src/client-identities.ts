/** What a client can mean by what it says. */
import type { Gateway } from "@coppice/core";
import type { ExportTable } from "./export-table.js";
import type { Identities, NodeLife } from "./term.js";

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
): Required<Pick<Identities, "begins" | "pid" | "ref" | "mentioned" | "mayName">> {
  const isOurs = ({ name, incarnation }: NodeLife): boolean =>
    name === home.name && (incarnation === home.incarnation || incarnation === NO_LIFE);
  const isTold = (life: NodeLife, serial: number, ref?: number): boolean => {
    if (life.name === client.name && life.incarnation === client.incarnation) return true;
    if (!isOurs(life)) return told.hasOther(life, serial, ref);
    return ref === undefined ? told.pids.has(serial) : told.refs.has(ref);
  };
  // However often it stands in one term.
  const said = new Set<string>();
  const refuse = (what: string): void => {
    if (said.has(what)) return;
    said.add(what);
    denied(what);
  };
  // Of what it was not told nothing is kept: it may make up as many nodes as it likes.
  return {
    begins: () => said.clear(),
    pid: (life, serial) => {
      if (isTold(life, serial)) return gateway.pid(life.name, life.incarnation, serial);
      refuse("a process it was not told of");
      return gateway.pid(home.name, NO_LIFE, serial);
    },
    ref: (owner, serial) => {
      const { node: name, incarnation } = owner;
      if (incarnation !== NO_LIFE || name !== home.name) {
        if (isTold({ name, incarnation }, owner.serial, serial)) return gateway.ref(owner, serial);
      } else if (told.refs.has(serial)) {
        return gateway.ref(gateway.pid(home.name, home.incarnation, owner.serial), serial);
      }
      refuse("a reference it was not told of");
      return gateway.ref(gateway.pid(home.name, NO_LIFE, owner.serial), serial);
    },
    mentioned: (what) => told.addOther(what),
    mayName: (node, name) =>
      node === client.name || ((node === undefined || node === home.name) && exports.has(name)),
  };
}
