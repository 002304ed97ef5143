/** Errors of tasks that a caller may want to handle. */
import { CoppiceError, formatReason, isCrash, type AnyPid, type ExitReason } from "@coppice/core";

/** The task has not ended in time. It goes on, unless its owner ends. */
export class TaskTimeoutError extends CoppiceError {
  override readonly name = "TaskTimeoutError";
  readonly code = "TASK_TIMEOUT";
  /** Those that had not ended. */
  readonly tasks: readonly AnyPid[];
  readonly timeoutMs: number;
  constructor(tasks: readonly AnyPid[], timeoutMs: number) {
    const which = tasks.length === 1 ? "task" : "tasks";
    super(`${which} ${tasks.map(String).join(", ")} did not end within ${timeoutMs} ms`);
    this.tasks = tasks;
    this.timeoutMs = timeoutMs;
  }
}

/** The task has ended without a result. */
export class TaskExitError extends CoppiceError {
  override readonly name = "TaskExitError";
  readonly code = "TASK_EXIT";
  readonly task: AnyPid;
  /** The task's exit reason. */
  readonly reason: ExitReason;
  constructor(task: AnyPid, reason: ExitReason) {
    super(`task ${String(task)} ended without a result: ${formatReason(reason)}`, {
      cause: isCrash(reason) ? reason.error : reason,
    });
    this.task = task;
    this.reason = reason;
  }
}

/** Only the owner of a task, which has started it, can wait for its result. */
export class TaskOwnerError extends CoppiceError {
  override readonly name = "TaskOwnerError";
  readonly code = "TASK_OWNER";
  readonly task: AnyPid;
  readonly owner: AnyPid;
  readonly caller: AnyPid;
  constructor(task: AnyPid, owner: AnyPid, caller: AnyPid) {
    super(`task ${String(task)} belongs to ${String(owner)}, and ${String(caller)} asks for it`);
    this.task = task;
    this.owner = owner;
    this.caller = caller;
  }
}

/** The result of a task can be taken once, by one who waits at a time; it was taken, or is waited for. */
export class TaskAwaitedError extends CoppiceError {
  override readonly name = "TaskAwaitedError";
  readonly code = "TASK_AWAITED";
  readonly task: AnyPid;
  constructor(task: AnyPid, what: "was taken, or given up," | "is waited for") {
    super(`the result of task ${String(task)} ${what} already`);
    this.task = task;
  }
}
