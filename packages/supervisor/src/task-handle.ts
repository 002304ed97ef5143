/** The handle of a task: what its owner waits with. */
import {
  InvalidArgumentError,
  NoProcessError,
  ServerExitError,
  TIMEOUT,
  type AnyPid,
  type ExitReason,
  type Operations,
  type Pid,
  type Self,
  type Starter,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { Abandonment } from "./abandonment.js";
import { RUN_TASK, type Attention, type TaskCall, type TaskReply } from "./task-body.js";
import { TaskAwaitedError, TaskOwnerError } from "./task-errors.js";

/** Carries what a task results in; never present at run time. */
declare const TASK_RESULT: unique symbol;

/** A task under way; `M` is what its process understands. It cannot be sent: only its owner has use for it. */
export interface Task<out T, in M = never> {
  readonly [TASK_RESULT]?: T;
  readonly pid: Pid<M>;
  /** Who has started it: a process, or the node for the code outside any. */
  readonly owner: AnyPid;
}

/** What came of a task: what its function returned, or why its process ended without that. */
export type TaskResult<T> = { readonly value: T } | { readonly exit: ExitReason };

/** Who can have tasks: the `self` of a process, or a node for the code outside any. */
export interface TaskOwner extends Starter {
  exit(pid: AnyPid, reason: ExitReason): void;
}

/** The owner as a process, if it is one. */
export function processOf(owner: TaskOwner): Self<unknown> | undefined {
  checkActor("task: owner", owner);
  // Number 0 is the node itself.
  return owner.pid.serial === 0 ? undefined : (owner as Self<unknown>);
}

export class TaskHandle implements Task<unknown> {
  readonly pid: Pid<never>;
  readonly owner: AnyPid;
  readonly attention: Attention;
  /** Settles when the task has ended; rejects when its owner has to exit. */
  readonly outcome: Promise<TaskResult<unknown>>;
  /** What has come of it so far. */
  result: TaskResult<unknown> | undefined = undefined;
  #claim: "free" | "waited" | "taken" = "free";
  readonly #abandonment = new Abandonment("abandoned");

  /** Has the task run, by asking for its result. */
  constructor(owner: Operations & { readonly pid: AnyPid }, pid: AnyPid, attention: Attention) {
    this.owner = owner.pid;
    this.pid = pid as Pid<never>;
    this.attention = attention;
    const to = pid as Pid<TaskCall<unknown>>;
    const options = { timeoutMs: Infinity, signal: this.#abandonment };
    const outcome = owner.call(to, RUN_TASK, options).then(resultOfReply, resultOfError);
    this.outcome = outcome.then((result) => (this.result = result));
    // Nobody need wait for it.
    this.outcome.catch(() => undefined);
  }

  /** @throws TaskAwaitedError it is waited for, or its result was taken */
  checkFree(): void {
    if (this.#claim === "free") return;
    const taken = this.#claim === "taken";
    throw new TaskAwaitedError(this.pid, taken ? "was taken, or given up," : "is waited for");
  }

  claim(): void {
    this.#claim = "waited";
    this.attention.waiting++;
  }

  /** The wait that claimed it is over: its result is taken, or can be waited for again. */
  release(taken: boolean): void {
    this.#claim = taken ? "taken" : "free";
    this.attention.waiting--;
    if (taken) this.#abandonment.abandon();
  }
}

function resultOfReply(reply: TaskReply<unknown>): TaskResult<unknown> {
  return "value" in reply ? reply : { exit: reply.crash.value };
}

function resultOfError(error: unknown): TaskResult<unknown> {
  if (error instanceof ServerExitError) return { exit: error.reason };
  if (error instanceof NoProcessError) return { exit: "noproc" };
  throw error;
}

/**
 * The handle that a task is, for its owner.
 *
 * @throws InvalidArgumentError it is no task
 * @throws TaskOwnerError `owner` has not started it
 * @throws TaskAwaitedError it is waited for, or its result was taken
 */
export function handleOf(
  argument: string,
  owner: { readonly pid: AnyPid },
  task: Task<unknown>,
): TaskHandle {
  checkActor("task: owner", owner);
  if (!(task instanceof TaskHandle)) {
    throw new InvalidArgumentError(argument, "a task, as task.async returns it", task);
  }
  if (task.owner !== owner.pid) throw new TaskOwnerError(task.pid, task.owner, owner.pid);
  task.checkFree();
  return task;
}

/** As `handleOf`, for several, which have to be different ones. */
export function handlesOf(
  argument: string,
  owner: { readonly pid: AnyPid },
  tasks: readonly Task<unknown>[],
): TaskHandle[] {
  if (!Array.isArray(tasks)) throw new InvalidArgumentError(argument, "an array of tasks", tasks);
  const handles = (tasks as readonly Task<unknown>[]).map((task, index) =>
    handleOf(`${argument}[${index}]`, owner, task),
  );
  if (new Set(handles).size < handles.length) {
    throw new InvalidArgumentError(argument, "tasks that are different ones", tasks);
  }
  return handles;
}

/** Waits until `event` has settled or the time is over, and no longer. */
export async function within<T>(
  owner: Operations,
  event: Promise<T>,
  timeoutMs: number,
): Promise<T | typeof TIMEOUT> {
  if (timeoutMs === Infinity) return event;
  // Whether it has settled already takes no time to see.
  if (timeoutMs === 0) return Promise.race<T | typeof TIMEOUT>([event, TIMEOUT]);
  const over = new Abandonment("over");
  const slept = owner.sleep(timeoutMs, { signal: over }).then((): typeof TIMEOUT => TIMEOUT);
  try {
    return await Promise.race<T | typeof TIMEOUT>([event, slept]);
  } finally {
    over.abandon();
  }
}
