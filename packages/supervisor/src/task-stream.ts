/**
 * Streams of tasks: one task for each item of a source, a few at a time.
 *
 * The source is asked for an item only when there is room for its task, and a task takes room until its
 * result has been taken; so neither tasks nor results pile up, however slow the one who reads is.
 *
 * OTP: Elixir's Task.async_stream, https://hexdocs.pm/elixir/Task.html#async_stream/3
 */
import {
  checkFunction,
  checkKeys,
  InvalidArgumentError,
  TIMEOUT,
  type AbortSignalLike,
  type Self,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { isThenable } from "./maybe-promise.js";
import { checkCount, checkTimeout } from "./option-check.js";
import { taskBody, type TaskFunction } from "./task-body.js";
import { TaskTimeoutError } from "./task-errors.js";
import { processOf, TaskHandle, within, type TaskOwner, type TaskResult } from "./task-handle.js";
import { startTask, type TaskSupervisorMessage } from "./task-supervisor.js";

export interface AsyncStreamOptions {
  /** How many tasks there are at a time; 8 by default. */
  readonly maxConcurrency?: number;
  /** Results come in the order of the items; else as they come. `true` by default. */
  readonly ordered?: boolean;
  /** How long each task may take; 5000 by default. */
  readonly timeoutMs?: number;
  /** What a task that takes too long does: ends the stream with an error, or only itself. `"exit"` by default. */
  readonly onTimeout?: "exit" | "killTask";
  /** Starts the tasks under this task supervisor, without links: a crash is a result. */
  readonly supervisor?: Target<TaskSupervisorMessage>;
}

/**
 * Runs a task for each item of `source`, at most `maxConcurrency` at a time, and gives what comes of
 * each: `{ value }`, or `{ exit: reason }` when it ended without a value, which is `"timeout"` for one
 * that was killed because it took too long.
 *
 * The tasks are linked to the process that reads, unless they are started under a supervisor; a crash
 * ends it, unless it traps exits. No `Exit` of them is left in its mailbox. Whoever stops reading, by `break` or by an error, ends the tasks that are
 * under way, and so does the end of the process.
 *
 * Nothing is started before the first item is read. A stream can be read once.
 *
 * @param run gets the `self` of its task, then the item
 * @throws InvalidArgumentError an argument is not as it has to be
 * @throws TaskTimeoutError while reading: a task took too long, and `onTimeout` is `"exit"`
 * @throws what the source throws, while reading; the tasks under way are ended
 * @example
 * import { createNode } from "@coppice/core";
 * import { task } from "@coppice/supervisor";
 * const node = createNode();
 * const results: unknown[] = [];
 * for await (const result of task.asyncStream(node, [1, 2, 3], (_self, n) => n * n)) {
 *   results.push(result);
 * }
 * results; // => [{ value: 1 }, { value: 4 }, { value: 9 }]
 * await node.stop();
 * @see https://hexdocs.pm/elixir/Task.html#async_stream/3
 */
export function asyncStream<I, T, M = unknown>(
  owner: TaskOwner,
  source: Iterable<I> | AsyncIterable<I>,
  run: TaskFunction<T, M, [item: I]>,
  options: AsyncStreamOptions = {},
): AsyncIterableIterator<TaskResult<T>> {
  checkActor("task.asyncStream: owner", owner);
  const settings = checkStreamOptions(options);
  checkFunction("task.asyncStream: run", run);
  const { supervisor } = settings;
  const launch = (item: I): TaskHandle | Promise<TaskHandle> => {
    if (supervisor !== undefined) {
      const started = startTask(owner, supervisor, run, [item], false);
      return started as Promise<unknown> as Promise<TaskHandle>;
    }
    const linked = processOf(owner) !== undefined;
    const attention = { linked, waiting: 0 };
    const pid = owner.spawnOpt(linked ? { link: true } : {}, taskBody(run, [item], attention));
    return new TaskHandle(owner, pid, attention);
  };
  return readTasks(owner, iterate(source), launch, settings) as AsyncIterableIterator<
    TaskResult<T>
  >;
}

type StreamSettings = Required<Omit<AsyncStreamOptions, "supervisor">> &
  Pick<AsyncStreamOptions, "supervisor">;

type Launch = (item: unknown) => TaskHandle | Promise<TaskHandle>;

const OPTIONS = ["maxConcurrency", "ordered", "timeoutMs", "onTimeout", "supervisor"];

function checkStreamOptions(options: AsyncStreamOptions): StreamSettings {
  checkKeys("task.asyncStream: options", options, OPTIONS);
  const { maxConcurrency = 8, ordered = true, timeoutMs = 5_000, onTimeout = "exit" } = options;
  const { supervisor } = options;
  const refuse = (option: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`task.asyncStream: options.${option}`, expected, received);
  };
  checkCount("task.asyncStream: options.maxConcurrency", maxConcurrency, 1);
  if (typeof ordered !== "boolean") refuse("ordered", "true or false", ordered);
  checkTimeout("task.asyncStream: options.timeoutMs", timeoutMs);
  if (onTimeout !== "exit" && onTimeout !== "killTask") {
    refuse("onTimeout", `"exit" or "killTask"`, onTimeout);
  }
  return { maxConcurrency, ordered, timeoutMs, onTimeout, ...(supervisor && { supervisor }) };
}

type Items = Iterator<unknown> | AsyncIterator<unknown>;
type Item = IteratorResult<unknown>;

/** What gives the iterator when reading begins. */
function iterate(source: Iterable<unknown> | AsyncIterable<unknown>): () => Items {
  const methods = Object(source) as { readonly [key: symbol]: (() => Items) | undefined };
  const method = methods[Symbol.asyncIterator] ?? methods[Symbol.iterator];
  if (typeof method !== "function") {
    throw new InvalidArgumentError("task.asyncStream: source", "an iterable", source);
  }
  return () => method.call(source);
}

async function* readTasks(
  owner: TaskOwner,
  begin: () => Items,
  launch: (item: never) => TaskHandle | Promise<TaskHandle>,
  settings: StreamSettings,
): AsyncGenerator<TaskResult<unknown>, undefined, undefined> {
  const stream = new TaskStream(owner, begin(), launch as Launch, settings);
  try {
    for (;;) {
      const result = await stream.next();
      if (result === undefined) return undefined;
      yield result;
    }
  } finally {
    await stream.close();
  }
}

/** A task of a stream, with its result when it has one. */
interface Slot {
  readonly task: TaskHandle;
  result: TaskResult<unknown> | undefined;
}

class TaskStream {
  readonly #owner: TaskOwner;
  readonly #self: Self<unknown> | undefined;
  readonly #items: Items;
  readonly #launch: Launch;
  readonly #settings: StreamSettings;
  /** In the order of the items. */
  readonly #slots: Slot[] = [];
  /** Those that have a result, in the order of its coming. */
  readonly #ended: Slot[] = [];
  #pulling = false;
  #exhausted = false;
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  /** Wakes who reads: something has changed. */
  #wake: (() => void) | undefined;
  readonly #signal: AbortSignalLike | undefined;
  readonly #aborted = (): void => this.#fail((this.#signal as AbortSignalLike).reason);

  constructor(owner: TaskOwner, items: Items, launch: Launch, settings: StreamSettings) {
    this.#owner = owner;
    this.#self = processOf(owner);
    this.#items = items;
    this.#launch = launch;
    this.#settings = settings;
    // A link ends no task when its owner ends normally.
    this.#self?.own(this, () => this.#endTasks());
    this.#signal = this.#self?.signal;
    this.#signal?.addEventListener("abort", this.#aborted);
  }

  /** The next result; `undefined` when there is none any more. */
  async next(): Promise<TaskResult<unknown> | undefined> {
    this.#pull();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const result = this.#take();
      if (result !== undefined) {
        this.#pull();
        return result;
      }
      if (this.#exhausted && this.#slots.length === 0) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Ends what is under way, and lets go of the source. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#endTasks();
    if (this.#isAlive()) this.#self?.disown(this);
    if (this.#exhausted) return;
    const returned = this.#items.return?.();
    // A source that is about to give an item would be waited for until it has.
    if (!this.#pulling) await returned;
    else if (isThenable(returned)) returned.then(undefined, () => undefined);
  }

  #take(): TaskResult<unknown> | undefined {
    const slot = this.#settings.ordered ? this.#slots[0] : this.#ended[0];
    if (slot?.result === undefined) return undefined;
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#ended.splice(this.#ended.indexOf(slot), 1);
    return slot.result;
  }

  /** Asks the source for items as long as there is room and it gives them at once. */
  #pull(): void {
    while (!this.#closed && !this.#pulling && !this.#exhausted && this.#hasRoom()) {
      let item: Item | PromiseLike<Item>;
      try {
        item = this.#items.next();
      } catch (error) {
        this.#sourceFailed(error);
        return;
      }
      if (isThenable<Item>(item)) this.#pullsLater(item);
      else this.#pulled(item);
    }
  }

  #pullsLater(item: PromiseLike<Item>): void {
    this.#pulling = true;
    item.then(
      (settled) => {
        this.#pulling = false;
        if (this.#closed || this.#failure !== undefined) return;
        this.#pulled(settled);
        this.#pull();
      },
      (error: unknown) => this.#sourceFailed(error),
    );
  }

  #hasRoom(): boolean {
    return this.#failure === undefined && this.#slots.length < this.#settings.maxConcurrency;
  }

  #pulled({ done, value }: Item): void {
    if (done === true) {
      this.#exhausted = true;
      this.#changed();
      return;
    }
    try {
      const started = this.#launch(value);
      if (started instanceof TaskHandle) this.#started(started);
      else this.#startsLater(started);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Until a task has started, no other is: their number has to be known. */
  #startsLater(starting: Promise<TaskHandle>): void {
    this.#pulling = true;
    starting.then(
      (task) => {
        this.#pulling = false;
        if (this.#closed || this.#failure !== undefined) this.#endTask(task);
        else this.#started(task);
        this.#pull();
      },
      (error: unknown) => {
        this.#pulling = false;
        this.#fail(error);
      },
    );
  }

  #started(task: TaskHandle): void {
    const slot: Slot = { task, result: undefined };
    this.#slots.push(slot);
    void this.#wait(slot);
  }

  async #wait(slot: Slot): Promise<void> {
    const { task } = slot;
    const { timeoutMs, onTimeout } = this.#settings;
    task.claim();
    try {
      const result = await within(this.#owner, task.outcome, timeoutMs);
      if (this.#closed || this.#failure !== undefined) return;
      if (result === TIMEOUT && onTimeout === "exit") {
        this.#fail(new TaskTimeoutError([task.pid], timeoutMs));
        return;
      }
      this.#endTask(task);
      slot.result = result === TIMEOUT ? { exit: "timeout" } : result;
      this.#ended.push(slot);
      this.#changed();
    } catch (error) {
      this.#fail(error);
    } finally {
      task.release(true);
    }
  }

  /** Ends a task if it has not ended, and all that would be heard of that. */
  #endTask({ pid, result }: TaskHandle): void {
    if (this.#isAlive()) this.#self?.unlink(pid, { flush: true });
    // The node, because an owner that is dead can end nobody any more.
    const ender: Pick<TaskOwner, "exit"> = this.#self?.node ?? this.#owner;
    if (result === undefined) ender.exit(pid, "kill");
  }

  /** The owner is a process that can still do something. */
  #isAlive(): boolean {
    return this.#self?.node.isAlive(this.#self.pid) === true;
  }

  #endTasks(): void {
    for (const { task, result } of this.#slots) if (result === undefined) this.#endTask(task);
  }

  /** The source has thrown: it is over. */
  #sourceFailed(error: unknown): void {
    this.#pulling = false;
    this.#exhausted = true;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = { error };
    this.#endTasks();
    this.#changed();
  }

  #changed(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
