/** The callbacks of a state machine, checked, as its process calls them. */
import { InvalidArgumentError } from "@coppice/core";
import type { StateMachineStatus } from "./state-machine.js";
import type { StateCallback } from "./statem-table.js";

/** Either `states` or `handleEvent` is there. */
export interface Callbacks {
  readonly init: (...args: unknown[]) => unknown;
  readonly states?: Readonly<Record<string, object>>;
  readonly anyState?: object;
  readonly handleEvent?: StateCallback;
  readonly enterCalls?: boolean;
  readonly terminate?: StateCallback;
  readonly status?: (status: StateMachineStatus) => unknown;
}

const FUNCTIONS = ["init", "handleEvent", "terminate", "status"];
const FIELDS = ["states", "anyState", "enterCalls", ...FUNCTIONS];

/** @throws InvalidArgumentError a field is unknown, of the wrong kind, or not beside the right one */
export function checkDefinition(definition: object): Callbacks {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`defineStateMachine: ${field}`, expected, received);
  };
  if (typeof definition !== "object" || definition === null) {
    refuse("definition", "an object of callbacks", definition);
  }
  const callbacks = definition as Callbacks;
  for (const [field, value] of Object.entries(definition) as [string, unknown][]) {
    if (!FIELDS.includes(field)) refuse(field, `one of ${FIELDS.join(", ")}`, value);
    if (FUNCTIONS.includes(field) && value !== undefined && typeof value !== "function") {
      refuse(field, "a function", value);
    }
  }
  const { init, states, anyState, handleEvent, enterCalls } = callbacks;
  if (init === undefined) refuse("init", "a function", init);
  if ((states === undefined) === (handleEvent === undefined)) {
    refuse("definition", "an object with either states or handleEvent", definition);
  }
  if (enterCalls !== undefined && (handleEvent === undefined || typeof enterCalls !== "boolean")) {
    refuse("enterCalls", "a boolean beside handleEvent", enterCalls);
  }
  if (anyState !== undefined && states === undefined) {
    refuse("anyState", "left out beside handleEvent", anyState);
  }
  return callbacks;
}
