/**
 * Names that are unique among many nodes, as a port: what a store of names does. The one that comes with
 * the package is in `cluster-names.ts`; another can keep them in a database or a coordination service.
 */
import type { AnyPid } from "@coppice/core";
import type { Observable } from "rxjs";

/** Who holds a name, and the number of that tenure: a later one of the same name has a greater number. */
export interface NameHolder {
  readonly pid: AnyPid;
  /**
   * The fencing token: give it along with what is written elsewhere, and let what is written to refuse
   * a smaller one than it has seen.
   */
  readonly token: number;
}

/** What came of asking for a name. */
export type NameClaim = { readonly token: number } | { readonly takenBy: AnyPid };

interface NameChange<T extends "registered" | "unregistered"> {
  readonly type: T;
  readonly name: string;
  readonly holder: NameHolder;
}

export type NameEvent =
  /** As this node came to know. */
  | NameChange<"registered">
  | NameChange<"unregistered">
  /**
   * A process of this node holds its name no longer. `"conflict"`: somebody with a greater token does;
   * `"unreachable"`: who keeps the name was out of reach for too long, or is so for ever because remoting of this node
   * is stopped, and may give it to somebody else.
   */
  | {
      readonly type: "lost";
      readonly name: string;
      readonly holder: NameHolder;
      readonly why: "conflict" | "unreachable";
    };

export interface NameStore {
  /**
   * Gives `name` to a process of this node, if nobody has it. Rejects when it cannot say so.
   *
   * A process that has the name already is given it again, with the same token.
   */
  claim(name: string, pid: AnyPid, timeoutMs: number): Promise<NameClaim>;
  /** A process of this node gives back a name. What is not, or no more, is ignored. */
  release(name: string, holder: NameHolder): void;
  /** Who has it, as far as is known here now. */
  find(name: string): NameHolder | undefined;
  readonly events: Observable<NameEvent>;
}

/** Names in the cluster itself. */
export interface ClusterNamesOptions {
  /**
   * The nodes that keep names and register them: the same list at all of them, this one in it. It is not
   * to be changed while they run.
   */
  readonly members: readonly string[];
  /**
   * For how long the name of a process stays its own when its node is out of reach; also how long a member
   * that has only now started waits for the others to say what they hold. Twice `hearMs` by default. Zero
   * gives names away at once, so that two may hold one until their nodes see each other again.
   */
  readonly graceMs?: number;
}
