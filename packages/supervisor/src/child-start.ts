/**
 * Starting one child: the options it is spawned with, and what counts as a start that failed.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-child_spec (start)
 */
import {
  isCrash,
  isPid,
  NameTakenError,
  ThrownValueError,
  type StartOptions,
  type Starter,
  type StartResult,
} from "@coppice/core";
import { isStartable } from "./child-spec-check.js";
import type { CheckedChildSpec, Shutdown } from "./child-spec.js";
import { InvalidStartResultError } from "./errors.js";
import { isThenable } from "./maybe-promise.js";
import { isOwnEnd } from "./own-end.js";

/**
 * Starts what a spec has to run, linked and in its place. A promise comes back only when the start takes time.
 *
 * An error that is thrown is a start that failed, except for what ends the starter itself.
 *
 * @param incarnation of a child with an id of its own; its place among the others says it, too
 */
export function startChildProcess(
  starter: Starter,
  spec: CheckedChildSpec,
  incarnation: number | undefined,
  launch: typeof launchProgram,
): StartResult | Promise<StartResult> {
  const failed = (error: unknown): StartResult => {
    if (isOwnEnd(starter.pid, error)) throw error;
    // As a behaviour tells it that finds its name taken.
    if (error instanceof NameTakenError && error.takenName === spec.name?.name) {
      return { error: { alreadyStarted: error.holder } };
    }
    const crash = { error: error as Error };
    return { error: isCrash(crash) ? crash : { error: new ThrownValueError(error) } };
  };
  try {
    const result = launch(starter, spec, startOptionsOf(spec, incarnation));
    // Its class may be that of another realm, or of a library.
    return isThenable(result)
      ? Promise.resolve(result).then(checkResult, failed)
      : checkResult(result);
  } catch (error) {
    return failed(error);
  }
}

/** Has a behaviour start a process, or spawns one. */
export function launchProgram(
  starter: Starter,
  { program, args }: CheckedChildSpec,
  options: StartOptions,
): StartResult | PromiseLike<StartResult> {
  // What the program understands was checked where the spec was made.
  if (isStartable(program)) return program.start(starter, options as never, ...args);
  const { timeoutMs: _timeoutMs, ...spawnOptions } = options;
  return { pid: starter.spawnOpt(spawnOptions, program, ...args) };
}

function startOptionsOf(
  { id, label, shutdown, startTimeoutMs, name }: CheckedChildSpec,
  incarnation: number | undefined,
): StartOptions {
  return {
    link: true,
    // A key is one step of a path.
    ...(incarnation !== undefined && {
      key: `${id.replaceAll("%", "%25").replaceAll("/", "%2F")}#${incarnation}`,
    }),
    label,
    unwindMs: unwindMsFor(shutdown),
    ...(startTimeoutMs !== Infinity && { timeoutMs: startTimeoutMs }),
    ...(name && { name }),
  };
}

/** A child's code may unwind this long at least, whatever its supervisor would wait for. */
const MIN_UNWIND_MS = 5_000;

/**
 * How long a child's code may unwind after an exit signal. Longer than its supervisor waits, so that
 * of the two limits it is the supervisor's that ends a child which is being stopped.
 */
function unwindMsFor(shutdown: Shutdown): number {
  if (shutdown === "infinity") return Infinity;
  return shutdown === "brutal_kill" ? MIN_UNWIND_MS : Math.max(MIN_UNWIND_MS, shutdown + 1);
}

function checkResult(result: StartResult): StartResult {
  if (result === "ignore") return result;
  if (typeof result === "object" && result !== null) {
    if ("error" in result || isPid(result.pid)) return result;
  }
  return { error: { error: new InvalidStartResultError(result) } };
}
