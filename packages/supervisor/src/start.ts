/**
 * Starting: how one process starts another, and learns whether that has started.
 *
 * A plain body has started as soon as it is spawned. A behaviour has an `init`, and its starter waits
 * until that has returned: the new process answers one call, or ends before it does.
 *
 * OTP: https://www.erlang.org/doc/man/proc_lib.html (start_link, init_ack)
 */
import {
  NoProcessError,
  ServerExitError,
  type AnyPid,
  type Body,
  type Call,
  type ExitReason,
  type Handler,
  type Operations,
  type Pid,
  type SpawnOptions,
  type Term,
} from "@coppice/core";

/**
 * What came of a start.
 *
 * | result | meaning | OTP |
 * | --- | --- | --- |
 * | `{ pid }` | it runs | `{ok, Pid}` |
 * | `{ pid, info }` | it runs, and has something to tell | `{ok, Pid, Info}` |
 * | `"ignore"` | it decided not to run, which is no failure | `ignore` |
 * | `{ error }` | it failed | `{error, Reason}` |
 */
export type StartResult<M = never> =
  { readonly pid: Pid<M>; readonly info?: Term } | "ignore" | { readonly error: ExitReason };

/** Who starts a process: the `self` of a process, or a node for the code outside any. */
export interface Starter extends Operations {
  readonly pid: AnyPid;
  spawnOpt<M, A extends readonly unknown[] = [], S = unknown>(
    options: SpawnOptions<M>,
    body: Body<M, A> | Handler<M, S, A>,
    ...args: A
  ): Pid<M>;
}

/** A behaviour, and anything else that knows how to start a process of its kind. */
export interface Startable<M = never, A extends readonly unknown[] = []> {
  /** What a child is that runs it, when its spec does not say. */
  readonly childType?: "worker" | "supervisor";
  /**
   * Starts a process.
   *
   * @param starter who starts it, and becomes its parent
   * @param options for `starter.spawnOpt`: they link it, and give it its name and its place
   */
  start(
    starter: Starter,
    options: SpawnOptions<M>,
    ...args: A
  ): StartResult<M> | PromiseLike<StartResult<M>>;
}

/** The call by which a starter waits: the first that a process of a behaviour answers. */
export type StartCall = Call<{ readonly type: "awaitStart" }, StartAnswer>;

/** What a process answers when its `init` has returned; when that failed it ends instead. */
export type StartAnswer = { readonly info?: Term } | "ignore";

/**
 * Makes a start function usable where a behaviour is expected, for a process that is started in a way
 * of its own. It has to be linked to its starter: hand the options to `spawnOpt`.
 *
 * @example
 * import { child, startWith } from "@coppice/supervisor";
 * const spec = child("cache", startWith(async (starter, options) => {
 *   const pid = starter.spawnOpt(options, async (self) => { await self.receive(); });
 *   return { pid };
 * }));
 */
export function startWith<M = never, A extends readonly unknown[] = []>(
  start: Startable<M, A>["start"],
): Startable<M, A> {
  return { start };
}

/** Is it a process? Only a process can be linked to. */
export function isProcess(starter: Starter): boolean {
  return starter.pid.serial !== 0;
}

/**
 * Spawns a process that answers the `StartCall`, and waits for its answer.
 *
 * @throws NameTakenError somebody holds `options.name`; nothing was spawned
 */
export async function startAndWait<M, A extends readonly unknown[], S = unknown>(
  starter: Starter,
  options: SpawnOptions<M>,
  program: Body<M, A> | Handler<M, S, A>,
  ...args: A
): Promise<StartResult<M>> {
  const pid = starter.spawnOpt(options, program, ...args);
  try {
    const answer = await starter.call(
      pid as AnyPid as Pid<StartCall>,
      { type: "awaitStart" },
      { timeoutMs: Infinity },
    );
    if (answer === "ignore") return "ignore";
    return answer.info === undefined ? { pid } : { pid, info: answer.info };
  } catch (error) {
    // Its exit reason tells more than the error of the call.
    if (error instanceof ServerExitError) return { error: error.reason };
    if (error instanceof NoProcessError) return { error: "noproc" };
    throw error;
  }
}
