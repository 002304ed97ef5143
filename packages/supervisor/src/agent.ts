/**
 * Agents: a value, kept by a process, that others read and change by functions.
 *
 * A function runs in the agent's process, one at a time, with the value at that time; until it has
 * returned, or its promise has settled, the others wait. So what takes long is better done elsewhere.
 *
 * An error that a function throws ends the agent with it, as in Elixir: it may have left the value half
 * changed. Its caller gets a `ServerExitError`; a supervisor starts the agent again, with the value it
 * began with.
 *
 * OTP: Elixir's Agent, https://hexdocs.pm/elixir/Agent.html
 */
import {
  checkFunction,
  opaque,
  StartError,
  type Address,
  type Call,
  type CallOptions,
  type Cast,
  type Opaque,
  type Operations,
  type Pid,
  type Starter,
  type StartOptions,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import type { BehaviourSelf } from "./behaviour.js";
import { whenSettled, type MaybePromise } from "./maybe-promise.js";
import { InvalidCallbackResultError, UnknownRequestError } from "./errors.js";
import { defineServer } from "./gen-server.js";
import type { Server } from "./server-definition.js";
import { stop as stopProcess, type StopProcessOptions } from "./stop.js";

/** What an agent with a value of type `S` understands; the functions that take its pid send that. */
export type AgentMessage<S> =
  | Call<readonly ["get" | "update" | "getAndUpdate", Opaque<(state: S) => unknown>], unknown>
  | Cast<readonly ["cast", Opaque<(state: S) => unknown>]>;

/** An agent that keeps a value of type `S`: its pid. */
export type AgentPid<S> = Pid<AgentMessage<S>>;

/** What `getAndUpdate` makes of the value: what the caller gets, and the new value. */
export interface GetAndUpdate<R, S> {
  readonly reply: R;
  readonly state: S;
}

/** How an agent is started. */
export interface AgentOptions<S> extends Pick<
  StartOptions<AgentMessage<S>>,
  "name" | "label" | "timeoutMs"
> {}

/**
 * Defines an agent that can be started any number of times, also as a child.
 *
 * @param init gives the value that it begins with; may be async
 * @throws InvalidArgumentError `init` is no function
 * @example
 * import { name } from "@coppice/core";
 * import { agent, child, type AgentMessage } from "@coppice/supervisor";
 * const Settings = name<AgentMessage<Map<string, string>>>("settings");
 * const spec = child({ id: "settings", name: Settings }, agent.define(() => new Map<string, string>()));
 */
export function define<S>(init: () => S | PromiseLike<S>): Server<AgentMessage<S>, S, []> {
  checkFunction("agent.define: init", init);
  return agentServer(init as () => MaybePromise<Value>) as Server<AgentMessage<S>, S, []>;
}

/** Any value: what type it has is known to the functions that agents are used by. */
type Value = object | string | number | boolean | bigint | symbol | null | undefined;

/** A function of the value, as it came. */
type Run = (state: Value) => MaybePromise<Value>;

function agentServer(init: () => MaybePromise<Value>): object {
  const definition = {
    // As the field of an object: a value may look like another result of `init`.
    init: (): MaybePromise<{ readonly state: Value }> =>
      whenSettled(init(), (state) => ({ state })),
    call: {
      get: taking((state, get) => whenSettled(get(state), (reply) => ({ reply }))),
      update: taking((state, update) =>
        whenSettled(update(state), (next) => ({ reply: undefined, state: next })),
      ),
      getAndUpdate: taking((state, update) =>
        whenSettled(update(state) as MaybePromise<GetAndUpdate<unknown, Value>>, checkGetAndUpdate),
      ),
    },
    cast: {
      cast: taking((state, update) => whenSettled(update(state), (next) => ({ state: next }))),
    },
  };
  return defineServer(definition);
}

/**
 * A callback that takes one function. What comes from another node is none, for code does not travel: nobody
 * ends an agent by that.
 */
function taking<R>(
  act: (state: Value, run: Run) => R,
): (...all: readonly unknown[]) => R | undefined {
  // Without parameters that are declared, so that it gets whatever came.
  return (...all) => {
    const [state, sent] = all;
    const run = all.length === 3 ? functionIn(sent) : undefined;
    return run === undefined ? noFunction(all) : act(state as Value, run);
  };
}

function functionIn(sent: unknown): Run | undefined {
  try {
    const { value } = Object(sent) as { readonly value?: unknown };
    return typeof value === "function" ? (value as Run) : undefined;
  } catch {
    // A getter that throws, or a revoked proxy.
    return undefined;
  }
}

function noFunction(all: readonly unknown[]): undefined {
  const request = all.slice(1, -1);
  const self = all.at(-1) as BehaviourSelf;
  const { from } = self;
  if (from === undefined) self.unhandled({ type: "cast", request: ["cast", ...request] });
  else self.refuse(from, new UnknownRequestError(self.pid, "a function of its value", request));
}

/**
 * Starts an agent. Resolves when it has its first value.
 *
 * @param starter the `self` of the process that starts it, or the node
 * @param init gives the value that it begins with; may be async
 * @param options.name Registers it
 * @param options.timeoutMs How long `init` may take; for ever by default
 * @throws StartError `init` has thrown or taken too long, or the name is taken
 * @example
 * import { createNode } from "@coppice/core";
 * import { agent } from "@coppice/supervisor";
 * const node = createNode();
 * const counter = await agent.start(node, () => 0);
 * await agent.update(node, counter, (count) => count + 1);
 * await agent.get(node, counter, (count) => `counted to ${count}`); // => "counted to 1"
 * await agent.getAndUpdate(node, counter, (count) => ({ reply: count, state: 10 })); // => 1
 * await agent.stop(node, counter);
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Agent.html#start/2
 */
export function start<S>(
  starter: Starter,
  init: () => S | PromiseLike<S>,
  options: AgentOptions<S> = {},
): Promise<AgentPid<S>> {
  return launch(starter, init, options);
}

/**
 * As `start`, linked to the process that starts it.
 *
 * @see https://hexdocs.pm/elixir/Agent.html#start_link/2
 */
export function startLink<S>(
  starter: Starter,
  init: () => S | PromiseLike<S>,
  options: AgentOptions<S> = {},
): Promise<AgentPid<S>> {
  return launch(starter, init, { ...options, link: true });
}

async function launch<S>(
  starter: Starter,
  init: () => S | PromiseLike<S>,
  options: StartOptions<AgentMessage<S>>,
): Promise<AgentPid<S>> {
  checkActor("agent.start: starter", starter);
  const result = await define(init).start(starter, options);
  if (typeof result === "object" && "pid" in result) return result.pid;
  const what = options.label ?? options.name?.name ?? "the agent";
  throw new StartError(what, result === "ignore" ? result : result.error);
}

/**
 * Gives what a function makes of the value.
 *
 * The value itself should not leave the agent unless it is never changed in place.
 *
 * @param get may be async
 * @throws CallTimeoutError, NoProcessError, ServerExitError as any call does
 * @see https://hexdocs.pm/elixir/Agent.html#get/3
 */
export async function get<S, R>(
  caller: Operations,
  agent: Target<AgentMessage<S>>,
  get: (state: S) => R | PromiseLike<R>,
  options?: CallOptions,
): Promise<R> {
  checkActor("agent.get: caller", caller);
  checkFunction("agent.get: get", get);
  return (await caller.call(agent, ["get", opaque(get)], options)) as R;
}

/**
 * Replaces the value by what a function makes of it. Resolves when that is done.
 *
 * @param update may be async
 * @throws CallTimeoutError, NoProcessError, ServerExitError as any call does
 * @see https://hexdocs.pm/elixir/Agent.html#update/3
 */
export async function update<S>(
  caller: Operations,
  agent: Target<AgentMessage<S>>,
  update: (state: S) => S | PromiseLike<S>,
  options?: CallOptions,
): Promise<void> {
  checkActor("agent.update: caller", caller);
  checkFunction("agent.update: update", update);
  await caller.call(agent, ["update", opaque(update)], options);
}

/**
 * Replaces the value, and gives what the function has to tell.
 *
 * @param update returns `{ reply, state }`; may be async
 * @throws CallTimeoutError, NoProcessError, ServerExitError as any call does
 * @see https://hexdocs.pm/elixir/Agent.html#get_and_update/3
 */
export async function getAndUpdate<S, R>(
  caller: Operations,
  agent: Target<AgentMessage<S>>,
  update: (state: S) => GetAndUpdate<R, S> | PromiseLike<GetAndUpdate<R, S>>,
  options?: CallOptions,
): Promise<R> {
  checkActor("agent.getAndUpdate: caller", caller);
  checkFunction("agent.getAndUpdate: update", update);
  return (await caller.call(agent, ["getAndUpdate", opaque(update)], options)) as R;
}

/**
 * As `update`, but does not wait, and never fails: nobody there is no error.
 *
 * @see https://hexdocs.pm/elixir/Agent.html#cast/2
 */
export function cast<S>(
  caller: Operations,
  agent: Address<AgentMessage<S>>,
  update: (state: S) => S | PromiseLike<S>,
): void {
  checkActor("agent.cast: caller", caller);
  checkFunction("agent.cast: update", update);
  caller.cast(agent, ["cast", opaque(update)]);
}

/**
 * Ends an agent. Resolves when it has ended.
 *
 * @throws NoProcessError, ServerExitError, CallTimeoutError as `stop` does for any behaviour
 * @see https://hexdocs.pm/elixir/Agent.html#stop/3
 */
export function stop<S>(
  caller: Starter,
  agent: Target<AgentMessage<S>>,
  options?: StopProcessOptions,
): Promise<void> {
  return stopProcess(caller, agent, options);
}

function checkGetAndUpdate(result: GetAndUpdate<unknown, Value>): GetAndUpdate<unknown, Value> {
  if (typeof result === "object" && result !== null && "reply" in result && "state" in result) {
    return { reply: result.reply, state: result.state };
  }
  throw new InvalidCallbackResultError("agent.getAndUpdate: update", "{ reply, state }", result);
}
