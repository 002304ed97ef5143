/**
 * Names that are unique among all nodes that share a store of them: what a program sees of it. A process
 * that ends gives its names back; one that lost its name is told.
 *
 * OTP: https://www.erlang.org/doc/man/global.html
 */
import {
  checkKeys,
  guardedObservable,
  InvalidArgumentError,
  isName,
  NoProcessError,
  type AnyName,
  type AnyPid,
  type Name,
  type Node,
  type Pid,
} from "@coppice/core";
import type { Observable } from "rxjs";
import { isGlobalName } from "./name-message.js";
import type { NameClaim, NameEvent, NameHolder, NameStore } from "./name-store.js";
import { checkOwnPid } from "./own-pid.js";

/** What happens to a process that lost its name: it gets an exit signal, or there is an event alone. */
export type WhenNameLost = "exit" | "event";

const DEFAULT_TIMEOUT_MS = 5000;

export class Names {
  /**
   * Who comes to hold a name and who does so no longer, as this node comes to know; and which of its own
   * processes have lost theirs.
   */
  readonly events: Observable<NameEvent>;
  readonly #node: Node;
  readonly #store: NameStore;
  /** Processes of this node that have names, and which. */
  readonly #held = new Map<AnyPid, Map<string, NameHolder>>();

  constructor(node: Node, store: NameStore, whenLost: WhenNameLost) {
    this.#node = node;
    this.#store = store;
    this.events = guardedObservable(node, (subscriber) => store.events.subscribe(subscriber));
    store.events.subscribe({
      next: (event) => {
        if (event.type !== "lost") return;
        const { name, holder, why } = event;
        this.#held.get(holder.pid)?.delete(name);
        const isOurs = holder.pid.node === node.name;
        if (whenLost === "event" || !isOurs || !node.isAlive(holder.pid)) return;
        node.exit(holder.pid, why === "conflict" ? { nameConflict: name } : { nameLost: name });
      },
    });
  }

  /**
   * Gives a name to a process of this node, unless another one has it; a process may have several. It is
   * given back when the process ends.
   *
   * A process that loses its name gets the exit signal `{ nameConflict: name }`, when another turns out to
   * have it, or `{ nameLost: name }`, when who keeps the name was out of reach for too long, or remoting of this
   * node is stopped.
   *
   * @param options.timeoutMs How long it may take to find out; 5000 by default.
   * @returns the token of this tenure, or who has the name
   * @throws InvalidArgumentError no name, or no pid of this node
   * @throws NoProcessError the process is not alive
   * @throws UnreachableError the node that keeps the name is out of reach
   * @throws RemoteStoppedError remoting of this node is stopped, or stops meanwhile
   * @throws NameTimeoutError it was not found out in time: a holder's node may be out of reach
   * @throws NameRefusedError this node has too many names, or another list of members
   */
  async register<M>(
    name: Name<M>,
    pid: Pid<NoInfer<M>>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<NameClaim> {
    const key = keyOf("register", name);
    const node = this.#node;
    checkOwnPid("names.register: pid", node, pid);
    checkKeys("names.register: options", options, ["timeoutMs"]);
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (typeof timeoutMs !== "number" || !(timeoutMs > 0)) {
      const expected = "a number above 0";
      throw new InvalidArgumentError("names.register: options.timeoutMs", expected, timeoutMs);
    }
    if (!node.isAlive(pid)) throw new NoProcessError(String(pid));
    const claim = await this.#store.claim(key, pid, timeoutMs);
    if ("token" in claim) this.#holds(key, { pid, token: claim.token });
    return claim;
  }

  /** Takes a name from a process of this node; `false` when none has it. */
  unregister(name: AnyName): boolean {
    const key = keyOf("unregister", name);
    for (const names of this.#held.values()) {
      const holder = names.get(key);
      if (holder === undefined) continue;
      names.delete(key);
      this.#store.release(key, holder);
      return true;
    }
    return false;
  }

  /** Who has the name, as far as this node knows now; it may have ended, or lost it, a moment ago. */
  whereis<M>(name: Name<M>): Pid<M> | undefined {
    return this.holder(name)?.pid as Pid<M> | undefined;
  }

  /** The same, with its token. */
  holder(name: AnyName): NameHolder | undefined {
    return this.#store.find(keyOf("whereis", name));
  }

  #holds(name: string, holder: NameHolder): void {
    const { pid } = holder;
    const known = this.#held.get(pid);
    if (known !== undefined) known.set(name, holder);
    else {
      this.#held.set(pid, new Map([[name, holder]]));
      void this.#node.whenExited(pid).then(() => this.#ended(pid));
    }
  }

  #ended(pid: AnyPid): void {
    const names = this.#held.get(pid) ?? [];
    this.#held.delete(pid);
    for (const [name, holder] of names) this.#store.release(name, holder);
  }
}

function keyOf(operation: string, name: AnyName): string {
  if (!isName(name) || !isGlobalName(name.name)) {
    const expected = "a name made by name(), of at most 255 characters";
    throw new InvalidArgumentError(`names.${operation}: name`, expected, name);
  }
  return name.name;
}
