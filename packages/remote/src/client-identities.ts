/** What a client can mean by what it says. */
import { isPid, type AnyPid, type Gateway, type Ref } from "@coppice/core";
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
): Required<Pick<Identities, "pid" | "ref" | "mentioned" | "mayName">> {
  const isOurs = ({ name, incarnation }: NodeLife): boolean =>
    name === home.name && (incarnation === home.incarnation || incarnation === NO_LIFE);
  const isTold = (what: AnyPid | Ref, { name, incarnation }: NodeLife): boolean => {
    if (name === client.name && incarnation === client.incarnation) return true;
    if (!isOurs({ name, incarnation })) return told.hasOther(what);
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
