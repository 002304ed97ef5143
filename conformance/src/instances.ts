/**
 * Instances: the supervisors and workers of a program, each attempt to start one counted by its id.
 *
 * They log for themselves that they start, and whoever looks on logs that they end.
 */
import type { AnyPid } from "@coppice/core";
import type { Json } from "./program.js";
import { naturalOrder } from "./term.js";

export type InstanceKind = "worker" | "supervisor" | "dynamic_supervisor";

export interface Instance {
  /** Its id, and the number of the attempt: `a.2`. */
  readonly name: string;
  readonly pid: AnyPid;
  readonly kind: InstanceKind;
  /** The instance or the puppet that started it. */
  readonly parent: string | undefined;
  /** Does its start end with a running process? Else its exit is not worth a log entry. */
  readonly lives: boolean;
}

export class Instances {
  readonly #attempts = new Map<string, number>();
  readonly #byName = new Map<string, Instance>();
  readonly #byPid = new Map<AnyPid, Instance>();

  /** Names the next attempt to start `id`. */
  attempt(id: string): { readonly name: string; readonly number: number } {
    const number = (this.#attempts.get(id) ?? 0) + 1;
    this.#attempts.set(id, number);
    return { name: `${id}.${number}`, number };
  }

  add(instance: Instance): void {
    this.#byName.set(instance.name, instance);
    this.#byPid.set(instance.pid, instance);
  }

  get(name: string): Instance | undefined {
    return this.#byName.get(name);
  }

  of(pid: AnyPid): Instance | undefined {
    return this.#byPid.get(pid);
  }

  /** All supervisors, in order of their names. */
  supervisors(): Instance[] {
    return [...this.#byName.values()]
      .filter(({ kind }) => kind !== "worker")
      .sort((a, b) => naturalOrder(a.name, b.name));
  }

  /**
   * Puts those exits that Erlang gives no order into the one that traces have: first the exits of
   * descendants that outlived a supervisor, right after its own; then, in a run of exits of children
   * of one dynamic supervisor, all of them by name.
   */
  inOrder(log: readonly Json[][]): Json[][] {
    return this.#siblingsByName(this.#orphansAfterTheirSupervisor(log));
  }

  #orphansAfterTheirSupervisor(log: readonly Json[][]): Json[][] {
    const ordered: Json[][] = [];
    let rest = [...log];
    for (let entry = rest.shift(); entry !== undefined; entry = rest.shift()) {
      ordered.push(entry);
      const ended = exited(entry);
      if (ended === undefined) continue;
      const isOrphan = (other: Json[]): boolean => {
        const name = exited(other);
        return name !== undefined && this.#isBelow(name, ended);
      };
      ordered.push(...rest.filter(isOrphan).sort(byName));
      rest = rest.filter((other) => !isOrphan(other));
    }
    return ordered;
  }

  #siblingsByName(log: readonly Json[][]): Json[][] {
    const ordered: Json[][] = [];
    for (let from = 0; from < log.length;) {
      const parent = this.#dynamicParentOf(log[from] as Json[]);
      let to = from + 1;
      if (parent !== undefined) {
        while (to < log.length && this.#dynamicParentOf(log[to] as Json[]) === parent) to++;
      }
      ordered.push(...log.slice(from, to).sort(byName));
      from = to;
    }
    return ordered;
  }

  #dynamicParentOf(entry: Json[]): string | undefined {
    const name = exited(entry);
    const parent = name === undefined ? undefined : this.#byName.get(name)?.parent;
    if (parent === undefined) return undefined;
    return this.#byName.get(parent)?.kind === "dynamic_supervisor" ? parent : undefined;
  }

  #isBelow(name: string, ancestor: string): boolean {
    for (let at = this.#byName.get(name)?.parent; at !== undefined;) {
      if (at === ancestor) return true;
      at = this.#byName.get(at)?.parent;
    }
    return false;
  }
}

/** The instance whose exit an entry tells. */
function exited([kind, name]: Json[]): string | undefined {
  return kind === "exit" ? (name as string) : undefined;
}

function byName([, a]: Json[], [, b]: Json[]): number {
  return naturalOrder(a as Json, b as Json);
}
