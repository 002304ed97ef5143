/**
 * Servers: a state, and the calls, casts and messages that use and change it, one at a time.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html
 */
import type { StartOptions, Starter, StartResult } from "@coppice/core";
import { behaviourHandler, startBehaviour } from "./behaviour-start.js";
import { checkStartArguments } from "./request-callback.js";
import { checkDefinition } from "./server-callbacks.js";
import { ServerCode } from "./server-code.js";
import type {
  CallTable,
  CastTable,
  InitArguments,
  InitFunction,
  NewState,
  Server,
  ServerDefinition,
  ServerProtocol,
  StateOf,
} from "./server-definition.js";
import { ServerProcess } from "./server-process.js";

/**
 * Defines a server, as an object of callbacks.
 *
 * Each callback takes the state first, and may take `self` as its last parameter. That has to be
 * annotated in `init`, `call` and `cast`, as `ServerSelf`, or as `CallSelf<R>` to reply with an `R`
 * later: the compiler cannot tell it from an argument. A callback returns what is to happen as named
 * fields, or nothing; a promise of that makes the next message wait.
 *
 * | field | effect | OTP |
 * | --- | --- | --- |
 * | `state` | the new state | `{noreply, NewState}` |
 * | `reply` | answers the call | `{reply, Reply, …}` |
 * | `stop` | ends the server with this reason, after `terminate` | `{stop, Reason, …}` |
 * | `continue` | calls `continue` with this, before any message | `{…, {continue, Arg}}` |
 * | `timeoutMs` | calls `timeout` when no message comes in time | `{…, Timeout}` |
 *
 * `stop`, `continue` and `timeoutMs` that are `undefined` are as good as not there. `stop` goes with
 * neither of the other two, and these two not with each other.
 *
 * An error that a callback throws ends the server with it, as does a result that cannot be one
 * (`InvalidCallbackResultError`): of that nothing is done. A call that the server does not know, or with
 * another number of arguments than its callback takes, is refused: its caller gets an
 * `UnknownRequestError`, and the server goes on. So it does after a `reply` that cannot be sent: its caller
 * gets an `UnsendableReplyError`, and an `undelivered` event tells of it. A cast that it does not know goes to `info`, and without one it is told
 * as `undelivered`, as is any message that there is no callback for.
 *
 * A callback that declares three parameters takes one argument or two: whether its last is `self` cannot
 * be told. So `self` has to be declared where an argument that is left out would be taken for it. One that
 * declares none, such as a function that passes all on, takes any number. So it is with `init`, too:
 * starting with another number of arguments is refused.
 *
 * The callbacks are taken as they are now: to change the definition later changes nothing. They are
 * called without `this`.
 *
 * @throws InvalidArgumentError a field is unknown, or no function
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineServer } from "@coppice/supervisor";
 * const stack = defineServer({
 *   init: (items: readonly string[]) => items,
 *   call: {
 *     pop: ([top, ...rest]) => ({ reply: top, state: rest }),
 *     size: (items) => ({ reply: items.length }),
 *   },
 *   cast: { push: (items, item: string) => ({ state: [item, ...items] }) },
 * });
 * const node = createNode();
 * const pid = await node.start(stack, ["hello"]);
 * node.cast(pid, ["push", "world"]);
 * await node.call(pid, ["pop"]); // => "world"
 * await node.call(pid, ["size"]); // => 1
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_server.html
 */
export function defineServer<
  F extends InitFunction,
  // oxlint-disable-next-line typescript/no-empty-object-type -- no calls
  C extends CallTable<StateOf<F>, NewState<StateOf<F>, L>> = {},
  // oxlint-disable-next-line typescript/no-empty-object-type -- no casts
  K extends CastTable<StateOf<F>, NewState<StateOf<F>, L>> = {},
  I = never,
  L extends string | number | boolean | bigint | symbol = never,
>(
  definition: ServerDefinition<F, C, K, I, L>,
): Server<ServerProtocol<C, K, I>, StateOf<F>, InitArguments<F>> {
  // Its types are those of the callbacks; what runs them is the same for all.
  return new ServerBehaviour(checkDefinition(definition)) as never;
}

const HANDLER = behaviourHandler("gen_server");

class ServerBehaviour extends ServerCode {
  readonly behaviour = "gen_server";
  readonly childType = "worker";

  start(
    starter: Starter,
    options: StartOptions<never>,
    ...args: unknown[]
  ): Promise<StartResult<never>> {
    checkStartArguments(this.callbacks.init, args);
    return startBehaviour(starter, options, HANDLER, (self, parent) =>
      new ServerProcess(self, parent, this).begin(args),
    );
  }
}
