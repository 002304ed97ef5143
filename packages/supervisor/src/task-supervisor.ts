/**
 * Task supervisors: tasks that are children of a supervisor, and so part of a tree.
 *
 * A task under a supervisor ends with it, in order. It is not started again: its owner waits for this
 * one. Without a link its crash is a result for its owner, and hurts nobody.
 *
 * | started by | linked to its owner | a crash |
 * | --- | --- | --- |
 * | `async` | yes | ends its owner |
 * | `asyncUnder` | yes | ends its owner |
 * | `asyncNoLink` | no | is a result: `{ exit }`, or a `TaskExitError` |
 * | `startChild` | no, it has none | is told by the supervisor's report |
 *
 * OTP: Elixir's Task.Supervisor, https://hexdocs.pm/elixir/Task.Supervisor.html
 */
import {
  checkFunction,
  checkKeys,
  opaque,
  StartError,
  type Body,
  type Opaque,
  type Operations,
  type Pid,
  type Self,
  type Startable,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import type { Shutdown } from "./child-spec.js";
import { childTemplate } from "./child-template.js";
import type { DynamicSupervisorMessage } from "./dynamic-supervisor-message.js";
import { defineDynamicSupervisor, type DynamicSupervisorDefinition } from "./dynamic-supervisor.js";
import { startChild as startDynamicChild } from "./supervisor-operations.js";
import { named, plainBody, taskBody, type Attention, type TaskFunction } from "./task-body.js";
import { processOf, TaskHandle, type Task, type TaskOwner } from "./task-handle.js";

/** The code of a task on its way to its supervisor. */
type SentTask = readonly [body: Opaque<Body<unknown>>];

/** What a task supervisor understands, for its name. */
export type TaskSupervisorMessage = DynamicSupervisorMessage<unknown, SentTask>;

export interface TaskSupervisorOptions {
  /** How many tasks there may be at a time; no limit by default. */
  readonly maxChildren?: number;
  /** How tasks are ended with their supervisor; within 5000 ms by default. */
  readonly shutdown?: Shutdown;
}

/**
 * Defines a supervisor of tasks.
 *
 * @throws InvalidArgumentError, InvalidChildSpecError an option is unknown or not as it has to be
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { startSupervisor, task, type TaskSupervisorMessage } from "@coppice/supervisor";
 * const Tasks = name<TaskSupervisorMessage>("tasks");
 * const node = createNode({ logger: false });
 * await startSupervisor(node, task.supervisor({ maxChildren: 100 }), { name: Tasks });
 * const risky = await task.asyncNoLink(node, Tasks, () => { throw new Error("no luck"); });
 * const result = await task.yield(node, risky);
 * result; // => { exit: { error: new Error("no luck") } }
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Task.Supervisor.html#start_link/1
 */
export function supervisor(
  options: TaskSupervisorOptions = {},
): DynamicSupervisorDefinition<unknown, SentTask> {
  checkKeys("task.supervisor: options", options, ["maxChildren", "shutdown"]);
  const { maxChildren, shutdown } = options;
  const start: Startable<unknown, SentTask> = {
    start: (starter, { timeoutMs: _timeoutMs, ...spawnOptions }, body) => ({
      pid: starter.spawnOpt(spawnOptions, body.value),
    }),
  };
  const template = { id: "task", restart: "temporary", shutdown } as const;
  return defineDynamicSupervisor<unknown, SentTask>({
    maxChildren,
    child: childTemplate<unknown, [], SentTask>(template, start),
  });
}

/**
 * Starts a task under a supervisor; it is linked to its owner, too.
 *
 * @throws StartError it was not started; the `reason` is `"max_children"` where there are as many as may be
 * @throws NoProcessError, ServerExitError there is no supervisor, or it ended meanwhile
 * @throws InvalidArgumentError `run` is no function
 * @see https://hexdocs.pm/elixir/Task.Supervisor.html#async/3
 */
export function asyncUnder<T, M = unknown, A extends readonly unknown[] = []>(
  owner: TaskOwner,
  supervisor: Target<TaskSupervisorMessage>,
  run: TaskFunction<T, M, A>,
  ...args: A
): Promise<Task<T, M>> {
  checkFunction("task.asyncUnder: run", run);
  return startTask(owner, supervisor, run, args, true);
}

/**
 * Starts a task under a supervisor, without a link to its owner: its crash is a result, and the end of
 * its owner does not end it.
 *
 * @throws StartError, NoProcessError, ServerExitError, InvalidArgumentError as `asyncUnder` does
 * @see https://hexdocs.pm/elixir/Task.Supervisor.html#async_nolink/3
 */
export function asyncNoLink<T, M = unknown, A extends readonly unknown[] = []>(
  owner: TaskOwner,
  supervisor: Target<TaskSupervisorMessage>,
  run: TaskFunction<T, M, A>,
  ...args: A
): Promise<Task<T, M>> {
  checkFunction("task.asyncNoLink: run", run);
  return startTask(owner, supervisor, run, args, false);
}

/**
 * Starts a task that nobody waits for, under a supervisor.
 *
 * @throws StartError, NoProcessError, ServerExitError, InvalidArgumentError as `asyncUnder` does
 * @see https://hexdocs.pm/elixir/Task.Supervisor.html#start_child/3
 */
export async function startChild<M = unknown, A extends readonly unknown[] = []>(
  caller: Operations,
  supervisor: Target<TaskSupervisorMessage>,
  run: TaskFunction<unknown, M, A>,
  ...args: A
): Promise<Pid<M>> {
  checkActor("task.startChild: caller", caller);
  checkFunction("task.startChild: run", run);
  const body = plainBody(run);
  const bound = named(run, (self: Self<unknown>) => body(self as Self<M>, ...args));
  return (await startUnder(caller, supervisor, bound)) as Pid<M>;
}

/** Starts a task under a supervisor, for its owner. */
export async function startTask<T, M, A extends readonly unknown[]>(
  owner: TaskOwner,
  supervisor: Target<TaskSupervisorMessage>,
  run: TaskFunction<T, M, A>,
  args: A,
  link: boolean,
): Promise<Task<T, M>> {
  checkActor("task: owner", owner);
  const self = processOf(owner);
  const attention: Attention = { linked: link && self !== undefined, waiting: 0 };
  const body = taskBody(run, args, attention, self?.pid);
  const pid = await startUnder(owner, supervisor, body);
  if (attention.linked) self?.link(pid);
  return new TaskHandle(owner, pid, attention) as Task<unknown> as Task<T, M>;
}

async function startUnder(
  caller: Operations,
  supervisor: Target<TaskSupervisorMessage>,
  body: Body<unknown>,
): Promise<Pid<unknown>> {
  const result = await startDynamicChild(caller, supervisor, [opaque(body)]);
  if (result.ok && result.pid !== undefined) return result.pid;
  throw new StartError("the task", "reason" in result ? result.reason : "max_children");
}
