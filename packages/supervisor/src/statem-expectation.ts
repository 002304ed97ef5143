/** What a result of a state machine should have been, in words, for the error that tells of it. Pure. */
import type { BadResultKind } from "./statem-result.js";

/** A state that the machine may be in, in words. */
export function stateExpectation(names: ReadonlySet<unknown> | undefined): string {
  if (names === undefined) return "any state but undefined";
  return `one of the states ${[...names].map((name) => JSON.stringify(name)).join(", ")}`;
}

/** What a callback should have returned, in words. */
export function expectationOf(
  kind: BadResultKind,
  names: ReadonlySet<unknown> | undefined,
): string {
  switch (kind) {
    case "bad_return_from_init":
      return `{ state, data }, { stop } or { ignore: true }, with ${stateExpectation(names)}`;
    case "bad_return_from_state_function":
      return `nothing, or an object of next, data, repeat, stop and actions, with ${stateExpectation(names)}`;
    case "bad_state_enter_return_from_state_function":
      return "no other state from an enter call";
    case "bad_action_from_state_function":
      return "actions that can be done";
    case "bad_state_enter_action_from_state_function":
      return "neither postponed nor inserted events from an enter call";
    case "bad_reply_action_from_state_function":
      return "nothing but replies when it stops";
    default:
      return kind satisfies never;
  }
}
