/**
 * State machines: states with data, and the events that are handled in each, one at a time.
 *
 * Where OTP does otherwise:
 *
 * | what happens | here | in OTP 25 |
 * | --- | --- | --- |
 * | the next state is none of `states` | the machine ends at once | it ends with the next event |
 * | a request that the state has no callback for | it is refused, or told of | the machine ends |
 * | a callback throws a value | a crash, like any error | the value is taken as its result |
 * | a timeout that is over is set to a later time before its turn | it is over then | it is lost, and its timer comes as info |
 * | another callback module is pushed, or popped | no such thing; `sys.changeCode` replaces the machine | the module changes |
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html
 */
import type { StartOptions, Starter, StartResult } from "@coppice/core";
import { behaviourHandler, startBehaviour } from "./behaviour-start.js";
import { checkStartArguments } from "./request-callback.js";
import type {
  InitArguments,
  StateMachine,
  StateMachineDefinition,
  StateMachineInit,
  StateMachineProtocol,
  StatesIn,
  StatesOf,
} from "./state-machine.js";
import type { EnterCall, StateMachineEvent } from "./statem-event.js";
import { checkDefinition } from "./statem-callbacks.js";
import { StateMachineCode } from "./statem-code.js";
import { StateMachineProcess } from "./statem-process.js";

/**
 * Defines a state machine, as an object of callbacks for each state.
 *
 * Each callback takes the data first, and may take `self` as its last parameter. It returns what is to
 * happen as named fields, or nothing; a promise of that makes everything else wait.
 *
 * | field | effect | OTP |
 * | --- | --- | --- |
 * | `next` | the next state; if it is another one its `enter` is called, and postponed events are handled again | `{next_state, …}` |
 * | `data` | the new data | `{keep_state, Data}` |
 * | `repeat: true` | calls `enter` of this state again | `repeat_state` |
 * | `reply` | answers the call at hand | `{reply, From, Reply}` |
 * | `replies: [{ to, reply }]` | answers calls of before; see `replyTo` | the same |
 * | `postpone: true` | handles this event again when the state has changed | `postpone` |
 * | `nextEvents: [event]` | handles these first | `{next_event, Type, Content}` |
 * | `stateTimeout` | an event when the machine has stayed in this state for so long | `{state_timeout, …}` |
 * | `eventTimeout` | an event when there was none for so long | `{timeout, …}` |
 * | `timeouts: { name }` | an event after so long, whatever happens meanwhile | `{{timeout, Name}, …}` |
 * | `stop` | ends the machine with this reason, after replies and `terminate` | `{stop_and_reply, …}` |
 * | `actions: [{ … }]` | more of these, in order: what stands last counts | the list of actions |
 *
 * A timeout is set to `{ ms }` (0: at once) or `{ atMs }` by the node's clock, with `content` for its
 * callback; `{ update: content }` changes nothing but the content, `"cancel"` ends it.
 *
 * What is handled next, first row first:
 *
 * | | after a change of state | else |
 * | --- | --- | --- |
 * | 1 | `enter` | `enter`, if the state is repeated |
 * | 2 | `nextEvents`, in order | `nextEvents`, in order |
 * | 3 | postponed events, oldest first | – |
 * | 4 | events that were waiting for these | events that were waiting for these |
 * | 5 | timeouts of 0 ms, in the order in which they were set | the same |
 * | 6 | the mailbox | the mailbox |
 *
 * Which callback an event gets, and what happens when neither the state nor `anyState` has one:
 *
 * | event | callback | without one |
 * | --- | --- | --- |
 * | a request `[name, …]` that is called | `call[name]` | refused: the caller gets an `UnknownRequestError` |
 * | a request `[name, …]` that is cast | `cast[name]` | `self.unhandled` tells of it |
 * | the end of a monitored process, an exit signal | `down`, `exit`; else `info` | the same |
 * | any other message | `info` | the same |
 * | `{ type: "internal", request: [name, …] }` | `internal[name]` | the machine ends with an `UnhandledEventError` |
 * | a timeout | `stateTimeout`, `eventTimeout`, `timeout[name]` | the same |
 *
 * Instead of `states` a machine may have one callback `handleEvent` for all events; then any term may
 * be a state, and states are the same when they are equal by value.
 *
 * An error that a callback throws ends the machine with it. Starting with another number of arguments
 * than `init` takes is refused; of one that declares no parameters that is not known.
 *
 * @throws InvalidArgumentError a field is unknown or of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineStateMachine } from "@coppice/supervisor";
 * const door = defineStateMachine({
 *   init: (code: string) => ({ state: "locked", data: { code, typed: "" } }),
 *   states: {
 *     locked: {
 *       enter: (data) => ({ data: { ...data, typed: "" } }),
 *       call: {
 *         press: ({ code, typed }, digit: string) =>
 *           typed + digit === code
 *             ? { next: "open", reply: "open" }
 *             : { data: { code, typed: typed + digit }, reply: "locked" },
 *         enter: () => ({ postpone: true }),
 *       },
 *     },
 *     open: {
 *       enter: () => ({ stateTimeout: { ms: 10_000 } }),
 *       stateTimeout: () => ({ next: "locked" }),
 *       call: { enter: () => ({ reply: "inside" }) },
 *     },
 *   },
 * });
 * const node = createNode();
 * const pid = await node.start(door, "42");
 * const visitor = node.call(pid, ["enter"]);
 * await node.call(pid, ["press", "4"]); // => "locked"
 * await node.call(pid, ["press", "2"]); // => "open"
 * await visitor; // => "inside"
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_statem.html
 */
export function defineStateMachine<
  F extends StateMachineInit,
  K extends string,
  T,
  // oxlint-disable-next-line typescript/no-empty-object-type -- no callbacks
  U = {},
  E = StateMachineEvent | EnterCall<StatesOf<F>["state"]>,
>(
  definition: StateMachineDefinition<F, K, T, U, E>,
): StateMachine<StateMachineProtocol<T, U, E>, StatesIn<StatesOf<F>, K>, InitArguments<F>> {
  // Its types are those of the callbacks; what runs them is the same for all.
  return new StateMachineBehaviour(checkDefinition(definition)) as never;
}

const HANDLER = behaviourHandler("gen_statem");

class StateMachineBehaviour extends StateMachineCode {
  readonly behaviour = "gen_statem";
  readonly childType = "worker";

  start(
    starter: Starter,
    options: StartOptions<never>,
    ...args: unknown[]
  ): Promise<StartResult<never>> {
    checkStartArguments(this.callbacks.init, args);
    return startBehaviour(starter, options, HANDLER, (self, parent) =>
      new StateMachineProcess(self, parent, this).begin(args),
    );
  }
}
