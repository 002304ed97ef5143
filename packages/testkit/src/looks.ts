/**
 * Looks at the state of a simulation between two steps.
 *
 * Schedules that differ in the order of independent steps alone end alike, but they go through different
 * states on the way: what is looked at between steps may be seen in one of them and not in another. So
 * either a look says what it reads, and the order of steps that change any of that counts; or the order
 * of all steps does, and an exploration that has not been through all of them does not say it has.
 */
import {
  InvalidArgumentError,
  isPid,
  processKeyOf,
  type Access,
  type AnyPid,
  type KeySpace,
} from "@coppice/core";

/** What can be read of by its name: something shared, or a disk. */
interface Named {
  readonly object: string;
}

/**
 * What something looks at: processes (their own state, their mailboxes and whether they live), what is
 * shared, disks; and by name whatever is in the footprints of steps: `name:db@n`, `clock`.
 */
export type Reads = readonly (AnyPid | Named | string)[];

export interface LookOptions {
  /**
   * All that it looks at; everything by default. An exploration takes schedules for different when they
   * differ in the order of changes to any of this; by default it has to try every order of all steps
   * before it calls itself exhaustive.
   */
  readonly reads?: Reads | undefined;
}

/** One that did not say what it reads. */
export interface Look {
  readonly by: "always" | "sometimes" | "observe" | "when";
  readonly name: string;
}

/** Those who look, and what at. */
export class Looks {
  readonly #keySpace: KeySpace;
  readonly #atAll: Look[] = [];
  readonly #focused: { readonly objects: ReadonlySet<string>; readonly access: Access }[] = [];

  constructor(keySpace: KeySpace) {
    this.#keySpace = keySpace;
  }

  /** @returns the object that stands for all that it reads; `undefined` for what reads everything */
  add(look: Look, reads: Reads | undefined): string | undefined {
    if (reads === undefined) {
      this.#atAll.push(look);
      return undefined;
    }
    if (!Array.isArray(reads)) {
      const expected =
        "a list of pids, of what `shared` and `durable` return, and of names of objects";
      throw new InvalidArgumentError(`${look.by} "${look.name}": options.reads`, expected, reads);
    }
    const objects = new Set(reads.flatMap((one) => objectsOf(look, one)));
    const object = `${look.by}:${look.name}`;
    // What happens to one process has an order as it is; but not with a fault that waits for it.
    if (reads.length > 1 || (look.by === "when" && reads.length > 0)) {
      this.#focused.push({ objects, access: this.#keySpace.access(object, "write") });
    }
    return object;
  }

  /** What is changed besides by a step that makes these accesses. */
  note(accesses: Access[]): void {
    for (const { objects, access } of this.#focused) {
      if (accesses.some(({ object, mode }) => mode === "write" && objects.has(object))) {
        accesses.push(access);
      }
    }
  }

  /** Those that nothing is known of; but not those who have seen what they were to see. */
  unfocused(seen: ReadonlySet<string>): readonly Look[] {
    return this.#atAll.filter(({ by, name }) => by !== "sometimes" || !seen.has(name));
  }
}

function objectsOf({ by, name }: Look, one: AnyPid | Named | string): string[] {
  if (typeof one === "string") return [one];
  if (isPid(one)) {
    const key = processKeyOf(one);
    if (key !== undefined) return [key.mailbox("read").object, key.alive("read").object];
  } else if (typeof one === "object" && one !== null && typeof one.object === "string") {
    return [one.object];
  }
  throw new InvalidArgumentError(
    `${by} "${name}": options.reads`,
    "pids of the simulation, what `shared` and `durable` return, and names of objects",
    one,
  );
}
