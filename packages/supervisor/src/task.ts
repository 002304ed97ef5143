/**
 * Tasks: processes that run one function, for its result.
 *
 * A task belongs to the process that starts it. It is linked to it: a crash of either ends the other.
 * Only its owner can wait for the result, once. Outside any process the node owns the task, and nothing
 * is linked.
 *
 * | the task | `await` | `yield` |
 * | --- | --- | --- |
 * | returns | the value | `{ value }` |
 * | ends without a value, and its owner traps exits or is not linked | throws `TaskExitError` | `{ exit }` |
 * | crashes, and its owner does not trap exits | the owner ends with it | the same |
 * | takes too long | throws `TaskTimeoutError` | `undefined`: wait again |
 *
 * A crash that nobody waits for, and which ends nobody who traps exits, is printed by the node's logger.
 *
 * OTP: Elixir's Task, https://hexdocs.pm/elixir/Task.html
 */
import {
  checkFunction,
  checkKeys,
  DeadProcessError,
  InvalidArgumentError,
  TIMEOUT,
  type AnyPid,
  type Pid,
  type SpawnOptions,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { child, type ChildOptions, type ChildSpec } from "./child-spec.js";
import { checkTimeout } from "./option-check.js";
import { plainBody, taskBody, type TaskFunction } from "./task-body.js";
import { TaskExitError, TaskTimeoutError } from "./task-errors.js";
import {
  handleOf,
  handlesOf,
  processOf,
  TaskHandle,
  within,
  type Task,
  type TaskOwner,
  type TaskResult,
} from "./task-handle.js";

export { asyncStream } from "./task-stream.js";
export { asyncNoLink, asyncUnder, startChild, supervisor } from "./task-supervisor.js";

export interface AwaitOptions {
  /** How long to wait; 5000 by default, `Infinity` to wait for ever. */
  readonly timeoutMs?: number;
}

export interface YieldOptions {
  /** How long to wait; 5000 by default. 0 looks whether it has ended. */
  readonly timeoutMs?: number;
}

export interface ShutdownOptions {
  /** Kills it at once; not by default. */
  readonly brutal?: boolean;
  /** How long it may take to end when it is asked to; 5000 by default. Then it is killed. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Starts a task. It is linked to the process that starts it, and runs after the code that runs now.
 *
 * @param owner the `self` of the process, or the node for the code outside any
 * @param run gets the `self` of the task, then `args`
 * @throws InvalidArgumentError `run` is no function
 * @throws DeadProcessError the owner has to exit
 * @throws NodeStoppedError the node is stopping
 * @example
 * import { createNode } from "@coppice/core";
 * import { task } from "@coppice/supervisor";
 * const node = createNode();
 * const sum = task.async(node, async (self, a: number, b: number) => {
 *   await self.sleep(1);
 *   return a + b;
 * }, 20, 22);
 * await task.await(node, sum); // => 42
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Task.html#async/1
 */
function asyncTask<T, M = unknown, A extends readonly unknown[] = []>(
  owner: TaskOwner,
  run: TaskFunction<T, M, A>,
  ...args: A
): Task<T, M> {
  checkFunction("task.async: run", run);
  const self = processOf(owner);
  // What has to exit could not ask for the result.
  if (self?.isAlive(self.pid) === false) throw new DeadProcessError(self.pid, "task.async");
  const attention = { linked: self !== undefined, waiting: 0 };
  const pid = owner.spawnOpt(linkedTo(self), taskBody(run, args, attention));
  return new TaskHandle(owner, pid, attention) as Task<unknown> as Task<T, M>;
}

/**
 * Waits for the value of a task. Afterwards the task is done with, however this ends.
 *
 * After a timeout the task goes on, and what it returns is dropped. In Elixir a timeout ends the
 * process that waits; so does the error here unless it is caught, and then the link ends the task.
 *
 * @throws TaskTimeoutError it has not ended in time
 * @throws TaskExitError it has ended without a value; its `reason` is the task's exit reason
 * @throws TaskOwnerError another has started it
 * @throws TaskAwaitedError its result was taken before, or is waited for
 * @throws InvalidArgumentError it is no task, or the time is negative
 * @see https://hexdocs.pm/elixir/Task.html#await/2
 */
async function awaitTask<T>(
  owner: TaskOwner,
  task: Task<T>,
  options: AwaitOptions = {},
): Promise<T> {
  const timeoutMs = timeoutOf("task.await", options);
  const handle = handleOf("task.await: task", owner, task);
  handle.claim();
  try {
    const result = await within(owner, handle.outcome, timeoutMs);
    if (result === TIMEOUT) throw new TaskTimeoutError([handle.pid], timeoutMs);
    return valueOf(handle, result) as T;
  } finally {
    handle.release(true);
  }
}

/**
 * Waits for what comes of a task; `undefined` when it has not ended in time. Then the task goes on and
 * can be waited for again.
 *
 * @throws TaskOwnerError, TaskAwaitedError, InvalidArgumentError as `await` does
 * @example
 * import { createNode } from "@coppice/core";
 * import { task } from "@coppice/supervisor";
 * const node = createNode();
 * const nap = task.async(node, (self) => self.sleep(500));
 * await task.yield(node, nap, { timeoutMs: 1 }); // => undefined
 * await task.yield(node, nap); // => { value: undefined }
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Task.html#yield/2
 */
async function yieldTask<T>(
  owner: TaskOwner,
  task: Task<T>,
  options: YieldOptions = {},
): Promise<TaskResult<T> | undefined> {
  const [result] = await yieldAll("task.yield", owner, [task], options);
  return result as TaskResult<T> | undefined;
}

export { asyncTask as async, awaitTask as await, childTask as child, yieldTask as yield };

/**
 * Waits for the values of several tasks, in their order. It fails as soon as one of them has: afterwards
 * all are done with.
 *
 * @param options.timeoutMs How long for all together; 5000 by default
 * @throws TaskTimeoutError not all have ended in time; those that have not go on
 * @throws TaskExitError one has ended without a value; the others go on
 * @throws TaskOwnerError, TaskAwaitedError, InvalidArgumentError as `await` does, also for a task that
 * is there twice
 * @example
 * import { createNode } from "@coppice/core";
 * import { task } from "@coppice/supervisor";
 * const node = createNode();
 * const one = task.async(node, () => 1);
 * const two = task.async(node, async () => "two");
 * await task.awaitMany(node, [one, two]); // => [1, "two"]
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Task.html#await_many/2
 */
export async function awaitMany<const Ts extends readonly Task<unknown>[]>(
  owner: TaskOwner,
  tasks: Ts,
  options: AwaitOptions = {},
): Promise<ValuesOf<Ts>> {
  const timeoutMs = timeoutOf("task.awaitMany", options);
  const handles = handlesOf("task.awaitMany: tasks", owner, tasks);
  for (const handle of handles) handle.claim();
  try {
    const values = handles.map(async (handle) => valueOf(handle, await handle.outcome));
    const all = await within(owner, Promise.all(values), timeoutMs);
    if (all !== TIMEOUT) return all as ValuesOf<Ts>;
    const late = handles.filter(({ result }) => result === undefined);
    throw new TaskTimeoutError(
      late.map(({ pid }) => pid),
      timeoutMs,
    );
  } finally {
    for (const handle of handles) handle.release(true);
  }
}

type ValuesOf<Ts extends readonly Task<unknown>[]> = {
  -readonly [I in keyof Ts]: Ts[I] extends Task<infer T> ? T : never;
};

/**
 * Waits for what comes of several tasks, until all have ended or the time is over. The results have the
 * order of the tasks; `undefined` stands for one that has not ended, goes on and can be waited for again.
 *
 * @param options.timeoutMs How long for all together; 5000 by default
 * @throws TaskOwnerError, TaskAwaitedError, InvalidArgumentError as `await` does, also for a task that
 * is there twice
 * @see https://hexdocs.pm/elixir/Task.html#yield_many/2
 */
export function yieldMany<const Ts extends readonly Task<unknown>[]>(
  owner: TaskOwner,
  tasks: Ts,
  options: YieldOptions = {},
): Promise<ResultsOf<Ts>> {
  return yieldAll("task.yieldMany", owner, tasks, options) as Promise<ResultsOf<Ts>>;
}

type ResultsOf<Ts extends readonly Task<unknown>[]> = {
  -readonly [I in keyof Ts]: Ts[I] extends Task<infer T> ? TaskResult<T> | undefined : never;
};

async function yieldAll(
  what: string,
  owner: TaskOwner,
  tasks: readonly Task<unknown>[],
  options: YieldOptions,
): Promise<(TaskResult<unknown> | undefined)[]> {
  const timeoutMs = timeoutOf(what, options);
  const handles = handlesOf(`${what}: tasks`, owner, tasks);
  for (const handle of handles) handle.claim();
  try {
    await within(owner, Promise.all(handles.map(({ outcome }) => outcome)), timeoutMs);
    return handles.map(({ result }) => result);
  } finally {
    for (const handle of handles) handle.release(handle.result !== undefined);
  }
}

/**
 * Ends a task: asks it to end with `"shutdown"`, and kills it when it has not ended in time. Resolves
 * when it has ended: to what has come of it before, `{ exit }` when it ended for another reason, and
 * `undefined` when it ended as it was asked to. One that had to be killed has not, unless `brutal` says
 * so: `{ exit: "killed" }`. It is unlinked first, so that its end hurts nobody.
 *
 * @throws TaskOwnerError, TaskAwaitedError, InvalidArgumentError as `await` does
 * @example
 * import { createNode } from "@coppice/core";
 * import { task } from "@coppice/supervisor";
 * const node = createNode();
 * const endless = task.async(node, (self) => self.receive(() => false));
 * await task.shutdown(node, endless, { timeoutMs: 100 }); // => undefined
 * node.isAlive(endless.pid); // => false
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Task.html#shutdown/2
 */
export async function shutdown<T>(
  owner: TaskOwner,
  task: Task<T>,
  options: ShutdownOptions = {},
): Promise<TaskResult<T> | undefined> {
  checkKeys("task.shutdown: options", options, ["brutal", "timeoutMs"]);
  const { brutal = false, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  checkTimeout("task.shutdown: options.timeoutMs", timeoutMs);
  if (typeof brutal !== "boolean") {
    throw new InvalidArgumentError("task.shutdown: options.brutal", "true or false", brutal);
  }
  const handle = handleOf("task.shutdown: task", owner, task);
  handle.claim();
  try {
    const result = handle.result ?? (await end(owner, handle, brutal, timeoutMs));
    const asked = brutal ? "killed" : "shutdown";
    return "exit" in result && result.exit === asked ? undefined : (result as TaskResult<T>);
  } finally {
    handle.release(true);
  }
}

async function end(
  owner: TaskOwner,
  handle: TaskHandle,
  brutal: boolean,
  timeoutMs: number,
): Promise<TaskResult<unknown>> {
  const { pid, outcome } = handle;
  processOf(owner)?.unlink(pid);
  if (!brutal) {
    owner.exit(pid, "shutdown");
    const result = await within(owner, outcome, timeoutMs);
    if (result !== TIMEOUT) return result;
  }
  owner.exit(pid, "kill");
  return outcome;
}

/**
 * Spawns a process that runs a function for nobody: what it returns is dropped, its crash is told as
 * that of any process.
 *
 * @throws InvalidArgumentError `run` is no function
 * @see https://hexdocs.pm/elixir/Task.html#start/1
 */
export function start<M = unknown, A extends readonly unknown[] = []>(
  owner: TaskOwner,
  run: TaskFunction<unknown, M, A>,
  ...args: A
): Pid<M> {
  checkActor("task.start: owner", owner);
  checkFunction("task.start: run", run);
  return owner.spawnOpt({}, plainBody(run), ...args);
}

/**
 * As `start`, linked to the process that starts it.
 *
 * @see https://hexdocs.pm/elixir/Task.html#start_link/1
 */
export function startLink<M = unknown, A extends readonly unknown[] = []>(
  owner: TaskOwner,
  run: TaskFunction<unknown, M, A>,
  ...args: A
): Pid<M> {
  checkFunction("task.startLink: run", run);
  const self = processOf(owner);
  if (self === undefined) {
    const expected = "the self of a process: there is nobody to link to outside";
    throw new InvalidArgumentError("task.startLink: owner", expected, owner.pid);
  }
  return owner.spawnOpt(linkedTo(self), plainBody(run), ...args);
}

/**
 * A child that runs a function and has done its duty then: `restart` is `"temporary"` unless it is said
 * otherwise.
 *
 * @throws InvalidChildSpecError a field is not as it has to be
 * @example
 * import { task } from "@coppice/supervisor";
 * const warmUp = task.child("warm-up", async (self, ms: number) => self.sleep(ms), 10);
 * warmUp.restart; // => "temporary"
 * @see https://hexdocs.pm/elixir/Task.html#child_spec/1
 */
function childTask<M = unknown, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  run: TaskFunction<unknown, M, A>,
  ...args: A
): ChildSpec<M> {
  checkFunction("task.child: run", run);
  const options = typeof idOrOptions === "string" ? { id: idOrOptions } : idOrOptions;
  return child<M, A>({ restart: "temporary", ...options }, plainBody(run), ...args);
}

function linkedTo(self: { readonly pid: AnyPid } | undefined): SpawnOptions {
  return self === undefined ? {} : { link: true };
}

function valueOf({ pid }: TaskHandle, result: TaskResult<unknown>): unknown {
  if ("value" in result) return result.value;
  throw new TaskExitError(pid, result.exit);
}

function timeoutOf(what: string, options: AwaitOptions): number {
  checkKeys(`${what}: options`, options, ["timeoutMs"]);
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  checkTimeout(`${what}: options.timeoutMs`, timeoutMs);
  return timeoutMs;
}
