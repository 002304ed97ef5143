/** What a state machine runs: its callbacks, by state where it has states. A change of code replaces it. */
import type { Callbacks } from "./statem-callbacks.js";
import { StateTable } from "./statem-table.js";

export class StateMachineCode {
  readonly callbacks: Callbacks;
  /** `undefined` when one callback handles everything. */
  readonly table: StateTable | undefined;

  constructor(callbacks: Callbacks) {
    const { states, anyState } = callbacks;
    this.callbacks = callbacks;
    this.table = states === undefined ? undefined : new StateTable(states, anyState ?? {});
  }

  get enterCalls(): boolean {
    return this.table === undefined ? this.callbacks.enterCalls === true : this.table.entersAny;
  }

  /** May the machine be in this state? */
  hasState(state: unknown): boolean {
    return state !== undefined && this.table?.names.has(state) !== false;
  }
}
