/** What is seen of a run besides its steps, for its coverage: mailboxes, and what faults came upon. */
import { glanceAtMailbox, glanceAtStatus, processKeyOf } from "@coppice/core";
import { textOf } from "./states.js";
import type { Transition } from "./transition.js";

/** A fault, and what was the case when it struck. */
export interface Strike {
  /** `crash`, `pause`, … */
  readonly kind: string;
  /** The states that the program exposes, or else what the process did that was struck, if it was one. */
  readonly state: string | undefined;
}

interface Exposed {
  readonly name: string;
  readonly read: () => unknown;
}

export class Sightings {
  /** How many messages waited at the most, by process; those with none are left out. */
  mailboxes: Map<string, number> | undefined = undefined;
  strikes: Strike[] | undefined = undefined;
  #states: Exposed[] | undefined = undefined;
  #memory: Exposed[] | undefined = undefined;

  expose(name: string, read: () => unknown): void {
    (this.#states ??= []).push({ name, read });
  }

  /** What decides how a run goes on or is judged, and is no state that anybody would want to be shown. */
  remember(name: string, read: () => unknown): void {
    (this.#memory ??= []).push({ name, read });
  }

  /** What the program exposes and shares, and what is remembered of the run; by names of their own. */
  allStates(): Record<string, unknown> {
    const states: Record<string, unknown> = {};
    for (const { name, read } of [...(this.#states ?? []), ...(this.#memory ?? [])]) {
      let own = name;
      for (let number = 2; own in states; number++) own = `${name} ${number}`;
      states[own] = read();
    }
    return states;
  }

  /** A signal has arrived, and all that it woke is over. */
  arrived({ actorPid, actor }: Transition): void {
    const size = glanceAtMailbox(actorPid);
    if (size === 0 || size <= (this.mailboxes?.get(actor) ?? 0)) return;
    (this.mailboxes ??= new Map()).set(actor, size);
  }

  /** A fault is about to strike. */
  struck(fault: Transition): void {
    const [, kind = ""] = fault.key.split(":", 2);
    (this.strikes ??= []).push({ kind, state: this.#stateFor(fault) });
  }

  #stateFor({ actorPid }: Transition): string | undefined {
    if (this.#states !== undefined) {
      return this.#states.map(({ name, read }) => `${name} ${textOf(read)}`).join(", ");
    }
    const isProcess = processKeyOf(actorPid)?.parent !== undefined;
    return isProcess ? glanceAtStatus(actorPid) : undefined;
  }
}
