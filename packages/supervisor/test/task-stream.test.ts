import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  ExitSignal,
  InvalidArgumentError,
  type Exit,
  type ExitReason,
  type Node,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  startSupervisor,
  sys,
  task,
  TaskTimeoutError,
  type AsyncStreamOptions,
  type TaskResult,
} from "@coppice/supervisor";
import fc from "fast-check";
import { boom, isSettled, within } from "./world.js";

interface World {
  readonly node: Node;
  advance(ms: number): Promise<void>;
}

function createWorld(): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  return { node, advance: (ms) => clock.advance(ms, quiesce) };
}

/** Reads a stream to its end into a list that can be looked at meanwhile. */
function collect<T>(stream: AsyncIterable<T>): {
  readonly seen: T[];
  readonly done: Promise<void>;
} {
  const seen: T[] = [];
  const read = async (): Promise<void> => {
    for await (const item of stream) seen.push(item);
  };
  const done = read();
  done.catch(() => undefined);
  return { seen, done };
}

async function nap(self: Self<unknown>, ms: number): Promise<number> {
  await self.sleep(ms);
  return ms;
}

/** A source that tells what it was asked for, and whether it was let go of. */
class Source implements Iterable<number> {
  readonly asked: number[] = [];
  released = 0;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  *[Symbol.iterator](): Generator<number> {
    try {
      for (let item = 1; item <= this.#size; item++) {
        this.asked.push(item);
        yield item;
      }
    } finally {
      this.released++;
    }
  }
}

describe("task.asyncStream", () => {
  test("gives what comes of each item, in the order of the items", async () => {
    const { node, advance } = createWorld();
    const { seen, done } = collect(task.asyncStream(node, [30, 10, 20], nap));
    await advance(20);
    expect(seen).toEqual([]);
    await advance(10);
    await done;
    expect(seen).toEqual([{ value: 30 }, { value: 10 }, { value: 20 }]);
  });

  test("gives results as they come when it need not keep the order", async () => {
    const { node, advance } = createWorld();
    const stream = task.asyncStream(node, [30, 10, 20], nap, { ordered: false });
    const { seen, done } = collect(stream);
    await advance(20);
    expect(seen).toEqual([{ value: 10 }, { value: 20 }]);
    await advance(10);
    await done;
    expect(seen).toEqual([{ value: 10 }, { value: 20 }, { value: 30 }]);
  });

  test("reads a source that is asynchronous, and goes on with results while that has no item", async () => {
    const { node, advance } = createWorld();
    async function* items(): AsyncGenerator<number> {
      yield 1;
      await node.sleep(100);
      yield 2;
    }
    const { seen, done } = collect(task.asyncStream(node, items(), (_self, n) => n));
    await advance(99);
    expect(seen).toEqual([{ value: 1 }]);
    await advance(1);
    await done;
    expect(seen).toEqual([{ value: 1 }, { value: 2 }]);
  });

  test("of nothing ends at once", async () => {
    const { node } = createWorld();
    const { seen, done } = collect(task.asyncStream(node, [], nap));
    await done;
    expect(seen).toEqual([]);
  });

  test("starts nothing before it is read", async () => {
    const { node } = createWorld();
    const source = new Source(3);
    task.asyncStream(node, source, nap);
    await quiesce();
    expect(source.asked).toEqual([]);
    expect(node.processes()).toEqual([]);
  });

  test("has no more tasks at a time than it may, and asks for items only as there is room", async () => {
    const { node, advance } = createWorld();
    const source = new Source(5);
    const stream = task.asyncStream(node, source, (self) => nap(self, 10), { maxConcurrency: 2 });
    const { seen, done } = collect(stream);
    await quiesce();
    expect(source.asked).toEqual([1, 2]);
    expect(node.processes()).toHaveLength(2);
    await advance(10);
    expect(source.asked).toEqual([1, 2, 3, 4]);
    expect(node.processes()).toHaveLength(2);
    await advance(20);
    await done;
    expect(seen).toHaveLength(5);
  });

  test("asks for no more items while nobody takes results", async () => {
    const { node, advance } = createWorld();
    const source = new Source(100);
    const stream = task.asyncStream(node, source, () => "x", { maxConcurrency: 3 });
    expect(await stream.next()).toEqual({ done: false, value: { value: "x" } });
    await advance(1_000);
    expect(source.asked).toHaveLength(4);
    await stream.next();
    await advance(1_000);
    expect(source.asked).toHaveLength(5);
    await stream.return?.();
  });

  test("runs on while the reader is busy, as far as there is room", async () => {
    const { node, advance } = createWorld();
    async function* items(): AsyncGenerator<number> {
      for (const ms of [10, 20, 30]) yield ms;
    }
    const stream = task.asyncStream(node, items(), nap, { maxConcurrency: 3 });
    const first = stream.next();
    await advance(30);
    await first;
    expect(node.processes()).toEqual([]);
    expect(await isSettled(stream.next())).toBe(true);
    expect(await isSettled(stream.next())).toBe(true);
  });

  test("ends the process that reads when a task crashes", async () => {
    const { node } = createWorld();
    let caught: unknown;
    const { pid } = within(node, async (self) => {
      const stream = task.asyncStream(self, [1], () => {
        throw boom;
      });
      await collect(stream).done.catch((error: unknown) => (caught = error));
      await self.receive();
    });
    expect(await node.whenExited(pid)).toEqual({ error: boom });
    expect(caught).toBeInstanceOf(ExitSignal);
  });

  test("gives a crash as a result to one that traps exits, and leaves no Exit in its mailbox", async () => {
    const { node } = createWorld();
    const { pid, result } = within<TaskResult<number>[], Exit>(node, async (self) => {
      self.trapExits();
      const stream = task.asyncStream(self, [1, 2, 3], (_own, n) => {
        if (n === 2) throw boom;
        return n;
      });
      const { seen, done } = collect(stream);
      await done;
      return seen;
    });
    expect(await result).toEqual([{ value: 1 }, { exit: { error: boom } }, { value: 3 }]);
    await quiesce();
    expect(node.mailboxOf(pid)).toEqual([]);
    expect(node.processInfo(pid)?.links).toEqual([]);
  });

  test("gives a crash as a result outside processes, where nothing is linked", async () => {
    const { node } = createWorld();
    const { seen, done } = collect(
      task.asyncStream(node, [1], () => {
        throw boom;
      }),
    );
    await done;
    expect(seen).toEqual([{ exit: { error: boom } }]);
  });
});

describe("a task of a stream that takes too long", () => {
  test("ends the stream with TaskTimeoutError, after 5000 ms by default, and the other tasks with it", async () => {
    const { node, advance } = createWorld();
    const { seen, done } = collect(task.asyncStream(node, [10, 6_000, 5_500], nap));
    await advance(4_999);
    expect(await isSettled(done)).toBe(false);
    await advance(1);
    await expect(done).rejects.toThrow(TaskTimeoutError);
    expect(seen).toEqual([{ value: 10 }]);
    expect(node.processes()).toEqual([]);
  });

  test("is killed alone when it is to be, and the stream goes on", async () => {
    const { node, advance } = createWorld();
    const options = { timeoutMs: 50, onTimeout: "killTask", maxConcurrency: 2 } as const;
    const { pid, result } = within<TaskResult<number>[]>(node, async (self) => {
      const { seen, done } = collect(task.asyncStream(self, [10, 100, 20], nap, options));
      await done;
      return seen;
    });
    await advance(50);
    expect(await result).toEqual([{ value: 10 }, { exit: "timeout" }, { value: 20 }]);
    expect(node.processes()).toEqual([pid]);
  });

  test("has its time from its own start, not from that of the stream", async () => {
    const { node, advance } = createWorld();
    const options = { timeoutMs: 50, maxConcurrency: 1 };
    const { seen, done } = collect(task.asyncStream(node, [40, 40, 40], nap, options));
    await advance(120);
    await done;
    expect(seen).toHaveLength(3);
  });
});

describe("a stream that is not read to its end", () => {
  test("ends its tasks and lets go of the source, when the reader breaks off", async () => {
    const { node, advance } = createWorld();
    const source = new Source(10);
    const read = async (): Promise<void> => {
      for await (const _ of task.asyncStream(node, source, (self, n) => nap(self, n * 10))) break;
    };
    const done = read();
    await advance(10);
    await done;
    expect(node.processes()).toEqual([]);
    expect(source.released).toBe(1);
  });

  test("ends a task that its supervisor starts only when the reader has broken off", async () => {
    const { node } = createWorld();
    const supervisor = await startSupervisor(node, task.supervisor());
    const source = async function* (): AsyncGenerator<number> {
      yield 1;
      await sys.suspend(node, supervisor);
      yield 2;
    };
    const stream = task.asyncStream(
      node,
      source(),
      async (self: Self<unknown>, n) => (n === 1 ? self.sleep(0) : self.receive()),
      { supervisor },
    );
    expect(await stream.next()).toEqual({ done: false, value: { value: undefined } });
    await quiesce();
    await stream.return?.();
    await sys.resume(node, supervisor);
    await quiesce();
    expect(node.processes()).toEqual([supervisor]);
  });

  test("throws where the process that it is for has ended before it is read", async () => {
    const { node } = createWorld();
    const { pid, result } = within(node, (self) => task.asyncStream(self, [1, 2], nap));
    const stream = await result;
    node.exit(pid, "kill");
    await quiesce();
    await expect(stream.next()).rejects.toMatchObject({ code: "DEAD_PROCESS" });
    expect(node.processes()).toEqual([]);
  });

  test("throws what its source throws, and ends its tasks", async () => {
    const { node } = createWorld();
    function* items(): Generator<number> {
      yield 1_000;
      throw boom;
    }
    const { done } = collect(task.asyncStream(node, items(), nap));
    await expect(done).rejects.toBe(boom);
    await quiesce();
    expect(node.processes()).toEqual([]);
  });

  test("throws what an asynchronous source rejects with, and ends its tasks", async () => {
    const { node, advance } = createWorld();
    async function* items(): AsyncGenerator<number> {
      yield 1_000;
      await node.sleep(10);
      throw boom;
    }
    const { done } = collect(task.asyncStream(node, items(), nap));
    await advance(10);
    await expect(done).rejects.toBe(boom);
    expect(node.processes()).toEqual([]);
  });

  test("does not wait for a source that has no item when the reader breaks off", async () => {
    const { node } = createWorld();
    let released = false;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => {
        let count = 0;
        return {
          next: () =>
            ++count === 1
              ? Promise.resolve({ done: false, value: 1 })
              : new Promise<never>(() => undefined),
          return: () => {
            released = true;
            return new Promise<never>(() => undefined);
          },
        };
      },
    };
    const stream = task.asyncStream(node, source, (_self, n) => n);
    await stream.next();
    const over = stream.return?.() as Promise<unknown>;
    expect(await isSettled(over)).toBe(true);
    expect(released).toBe(true);
  });

  test.each<[string, ExitReason]>([
    ["ends in order", "shutdown"],
    ["is killed", "kill"],
  ])("ends its tasks when the process that reads %s", async (_, reason) => {
    const { node } = createWorld();
    let thrown: unknown;
    const { pid } = within(node, async (self) => {
      const stream = task.asyncStream(self, [1_000, 2_000], nap);
      await stream.next().catch((error: unknown) => (thrown = error));
    });
    await quiesce();
    expect(node.processes()).toHaveLength(3);
    node.exit(pid, reason);
    await quiesce();
    expect(node.processes()).toEqual([]);
    expect(thrown).toBeInstanceOf(ExitSignal);
  });

  test("ends its tasks when the process that reads ends normally in the middle of it", async () => {
    const { node, advance } = createWorld();
    node.spawn(async (self) => {
      const stream = task.asyncStream(self, [10, 2_000], nap);
      await stream.next();
    });
    await advance(10);
    expect(node.processes()).toEqual([]);
  });

  test("rejects a reader that has to exit while the source has no item", async () => {
    const { node, advance } = createWorld();
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
    };
    const { pid } = within(node, (self) => collect(task.asyncStream(self, source, nap)).done);
    await quiesce();
    node.exit(pid, "shutdown");
    await advance(0);
    expect(node.processes()).toEqual([]);
  });
});

describe("any stream of tasks", () => {
  const settings = fc.record({
    naps: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }),
    maxConcurrency: fc.integer({ min: 1, max: 5 }),
    ordered: fc.boolean(),
    readerMs: fc.integer({ min: 0, max: 20 }),
  });

  test("gives each item once, in order where it keeps it, with no more tasks at a time than it may", async () => {
    await fc.assert(
      fc.asyncProperty(settings, async ({ naps, maxConcurrency, ordered, readerMs }) => {
        const { node, advance } = createWorld();
        const seen: TaskResult<number>[] = [];
        let running = 0;
        let most = 0;
        let untaken = 0;
        const items = function* (): Generator<number> {
          for (let index = 0; index < naps.length; index++) {
            // One more: the result that the reader is just being given has left its place.
            expect(++untaken).toBeLessThanOrEqual(maxConcurrency + 1);
            yield index;
          }
        };
        const work = async (self: Self<unknown>, index: number): Promise<number> => {
          most = Math.max(most, ++running);
          await self.sleep(naps[index] as number);
          running--;
          return index;
        };
        const read = async (): Promise<void> => {
          const stream = task.asyncStream(node, items(), work, { maxConcurrency, ordered });
          for await (const result of stream) {
            untaken--;
            seen.push(result);
            await node.sleep(readerMs);
          }
        };
        const done = read();
        await advance(2_000);
        await done;
        const indices = seen.map((result) => ("value" in result ? result.value : -1));
        const all = naps.map((_, index) => index);
        expect(ordered ? indices : indices.toSorted((a, b) => a - b)).toEqual(all);
        expect(most).toBeLessThanOrEqual(maxConcurrency);
        expect(node.processes()).toEqual([]);
        expect(node.counts.timers).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});

describe("bad input", () => {
  test.each<[string, unknown, unknown, object | null, string]>([
    ["a source that is none", 7, nap, {}, "task.asyncStream: source must be an iterable"],
    ["no function", [], "x", {}, "task.asyncStream: run must be a function"],
    ["options that are none", [], nap, null, "task.asyncStream: options must be an object"],
    ["an unknown option", [], nap, { max: 1 }, "options must be made of maxConcurrency"],
    ["no room", [], nap, { maxConcurrency: 0 }, "options.maxConcurrency must be a whole number"],
    ["half a task", [], nap, { maxConcurrency: 1.5 }, "options.maxConcurrency must be a whole"],
    ["no boolean", [], nap, { ordered: 1 }, "options.ordered must be true or false"],
    ["a negative time", [], nap, { timeoutMs: -1 }, "options.timeoutMs must be a number of at"],
    [
      "an unknown end",
      [],
      nap,
      { onTimeout: "x" },
      `options.onTimeout must be "exit" or "killTask"`,
    ],
  ])("%s is refused at once", (_, source, run, options, message) => {
    const { node } = createWorld();
    const act = (): unknown =>
      task.asyncStream(node, source as never, run as never, options as AsyncStreamOptions);
    expect(act).toThrow(InvalidArgumentError);
    expect(act).toThrow(message);
  });
});
