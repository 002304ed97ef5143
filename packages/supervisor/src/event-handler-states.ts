/** What system requests see of the handlers of an event manager, and what they replace. */
import { InvalidArgumentError } from "@coppice/core";
import type { StateChange } from "./behaviour.js";
import { isThenable, whenSettled, type MaybePromise } from "./maybe-promise.js";
import type { Installed } from "./event-handler-life.js";
import type { HandlerCode } from "./event-handler-code.js";
import type { EventHandlerState, EventHandlerStatus } from "./event-manager.js";
import { isSameTerm } from "./same-term.js";

export function statesOf(handlers: readonly Installed[]): readonly EventHandlerState[] {
  return handlers.map(({ id, state }) => ({ handler: id, state }));
}

/** @throws InvalidArgumentError they are not the states of these handlers */
export function replaceStates(
  handlers: readonly Installed[],
  states: unknown,
): readonly EventHandlerState[] {
  if (!areStatesOf(handlers, states)) {
    const expected = "a function that returns the same handlers, each with a state";
    throw new InvalidArgumentError("replaceState: replace", expected, states);
  }
  for (const [place, { state }] of states.entries()) (handlers[place] as Installed).state = state;
  return statesOf(handlers);
}

function areStatesOf(
  handlers: readonly Installed[],
  states: unknown,
): states is readonly EventHandlerState[] {
  return (
    Array.isArray(states) &&
    states.length === handlers.length &&
    handlers.every(({ id }, place) => {
      const { handler, ...rest } = Object(states[place]) as Partial<EventHandlerState>;
      return isSameTerm(handler, id) && "state" in rest;
    })
  );
}

export function describeHandlers(
  handlers: readonly Installed[],
): MaybePromise<readonly EventHandlerStatus[]> {
  const statuses = handlers.map(({ id, owner, state, code }) => {
    const { status } = code.callbacks;
    const describe = (seen: unknown): EventHandlerStatus => ({ handler: id, owner, state: seen });
    // A state that is shown as it is is not looked at: it may be anything.
    return status === undefined ? describe(state) : whenSettled(status(state), describe);
  });
  return statuses.some(isThenable)
    ? Promise.all(statuses)
    : (statuses as readonly EventHandlerStatus[]);
}

/** Changes all handlers of this name, or none. */
export function changeHandlers(
  handlers: readonly Installed[],
  name: string,
  code: HandlerCode,
  migrate: StateChange | undefined,
): MaybePromise<void> | undefined {
  const changed = handlers.filter((handler) => handler.name === name);
  const change = (states: readonly unknown[]): void => {
    for (const [place, handler] of changed.entries()) {
      handler.code = code;
      handler.state = states[place];
    }
  };
  const states = changed.map(({ state }) => (migrate === undefined ? state : migrate(state)));
  if (migrate !== undefined && states.some(isThenable)) return Promise.all(states).then(change);
  change(states);
  return undefined;
}
