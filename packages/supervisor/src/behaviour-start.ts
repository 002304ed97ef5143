/** How a process of a behaviour is started, and what the scheduler calls of it. */
import type { AnyPid, Handler, Startable, Starter, StartOptions, StartResult } from "@coppice/core";
import type { BehaviourProcess, BehaviourSelf } from "./behaviour.js";
import { isThenable, type MaybePromise } from "./maybe-promise.js";

/** A behaviour of any protocol, or none. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it understands does not matter here
export type AnyBehaviour = Startable<any, any> | Startable<never, any>;

/** A process of a behaviour, for the scheduler. */
export type BehaviourHandler = Handler<unknown, BehaviourProcess, [begin: Begin]>;
type Begin = (self: BehaviourSelf) => MaybePromise<BehaviourProcess>;

/** @param kind what reports call it */
export function behaviourHandler(kind: string): BehaviourHandler {
  const step = (
    process: BehaviourProcess,
    result: MaybePromise<void> | undefined,
  ): MaybePromise<BehaviourProcess> =>
    result === undefined || !isThenable(result) ? process : result.then(() => process);
  const named = {
    [kind]: (process: BehaviourProcess, message: unknown) =>
      step(process, process.receive(message)),
  };
  return {
    init: (self, begin) => begin(self),
    message: named[kind] as BehaviourHandler["message"],
    idle: (process) => step(process, process.idle()),
    failed: (process, reason) => process?.failed(reason) ?? undefined,
  };
}

/**
 * Starts a process of a behaviour.
 *
 * @param begin makes the process and runs its `init`
 */
export function startBehaviour<M>(
  starter: Starter,
  options: StartOptions<M>,
  handler: BehaviourHandler,
  begin: (self: BehaviourSelf, parent: AnyPid | undefined) => MaybePromise<BehaviourProcess>,
): Promise<StartResult<M>> {
  const parent = parentOf(starter, options);
  const started = starter.spawnAndWait(options, handler, (self: BehaviourSelf) =>
    begin(self, parent),
  );
  return started as Promise<StartResult<never>> as Promise<StartResult<M>>;
}

/** Whose exit ends a behaviour: who started it with a link or a monitor, as in OTP. */
export function parentOf(starter: Starter, options: StartOptions<never>): AnyPid | undefined {
  const { link, monitor } = options as { readonly link?: boolean; readonly monitor?: unknown };
  return link === true || monitor !== undefined ? starter.pid : undefined;
}
