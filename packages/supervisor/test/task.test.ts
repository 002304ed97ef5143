import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  DeadProcessError,
  ExitSignal,
  InvalidArgumentError,
  type AnyPid,
  type Exit,
  type ExitReason,
  type Node,
  type NodeEvent,
  type Pid,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";
import {
  defineSupervisor,
  startSupervisor,
  task,
  TaskAwaitedError,
  TaskExitError,
  TaskOwnerError,
  TaskTimeoutError,
  whichChildren,
  type Task,
} from "@coppice/supervisor";
import { boom, isSettled, within } from "./world.js";

interface World {
  readonly node: Node;
  readonly clock: VirtualClock;
  readonly events: NodeEvent[];
  /** Lets time pass. */
  advance(ms: number): Promise<void>;
  /** Why it ended; `undefined` while it has not. */
  reasonOf(pid: AnyPid): ExitReason | undefined;
  /** Whether a crash was told to somebody, for each crash. */
  watched(): boolean[];
}

function createWorld(): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return {
    node,
    clock,
    events,
    advance: (ms) => clock.advance(ms, quiesce),
    reasonOf: (pid) =>
      events.flatMap((event) =>
        event.type === "exited" && event.pid === pid ? [event.reason] : [],
      )[0],
    watched: () => events.flatMap((event) => (event.type === "crashed" ? [event.watched] : [])),
  };
}

/** Takes `ms`, and returns them. */
async function nap(self: Self<unknown>, ms: number): Promise<number> {
  await self.sleep(ms);
  return ms;
}

async function crash(self: Self<unknown>, ms = 0): Promise<never> {
  await self.sleep(ms);
  throw boom;
}

const never = (self: Self<unknown>): Promise<unknown> => self.receive(() => false);

describe("task.async", () => {
  test("runs a function in a process of its own, with its arguments, and await gives its value", async () => {
    const { node } = createWorld();
    const owner = within(node, async (self) => {
      const job = task.async(self, (own, a: number, b: string) => ({ pid: own.pid, a, b }), 1, "x");
      return { job, value: await task.await(self, job) };
    });
    const { job, value } = await owner.result;
    expect(value).toEqual({ pid: job.pid, a: 1, b: "x" });
    expect(job.owner).toBe(owner.pid);
    await quiesce();
    expect(node.isAlive(job.pid)).toBe(false);
  });

  test("links: a task that crashes ends its owner, whose await does not return", async () => {
    const { node, reasonOf } = createWorld();
    let caught: unknown;
    const { pid } = within(node, async (self) => {
      await task.await(self, task.async(self, crash)).catch((error: unknown) => (caught = error));
      await self.receive();
    });
    await quiesce();
    expect(reasonOf(pid)).toEqual({ error: boom });
    expect(caught).toBeInstanceOf(ExitSignal);
  });

  test("links: the crash of an owner ends its tasks", async () => {
    const { node, reasonOf } = createWorld();
    let job: Task<unknown> | undefined;
    const owner = within(node, (self) => {
      job = task.async(self, never);
      throw boom;
    });
    await owner.result.catch(() => undefined);
    await quiesce();
    expect(reasonOf((job as Task<unknown>).pid)).toEqual({ error: boom });
  });

  test("lets a task end by itself when its owner has ended normally", async () => {
    const { node, advance, reasonOf } = createWorld();
    let job: Task<unknown> | undefined;
    node.spawn((self) => {
      job = task.async(self, nap, 10);
    });
    await quiesce();
    const { pid } = job as Task<unknown>;
    expect(node.isAlive(pid)).toBe(true);
    await advance(10);
    expect(reasonOf(pid)).toBe("normal");
  });

  test("leaves no message in the mailbox of its owner", async () => {
    const { node } = createWorld();
    const { pid, result } = within(node, (self) =>
      task.await(
        self,
        task.async(self, () => "done"),
      ),
    );
    expect(await result).toBe("done");
    await quiesce();
    expect(node.mailboxOf(pid)).toEqual([]);
  });

  test("starts the function after the code that runs now", async () => {
    const { node } = createWorld();
    const order: string[] = [];
    const job = task.async(node, () => order.push("task"));
    order.push("owner");
    await task.await(node, job);
    expect(order).toEqual(["owner", "task"]);
  });

  test("hands the task a self that receives what is sent to it", async () => {
    const { node } = createWorld();
    const job = task.async(node, async (self: Self<string>) => `got ${await self.receive()}`);
    node.send(job.pid, "hello");
    expect(await task.await(node, job)).toBe("got hello");
  });

  test("sees what the task has sent before its result", async () => {
    const { node } = createWorld();
    const { result } = within<string, string>(node, async (self) => {
      await task.await(
        self,
        task.async(self, (own) => own.send(self.pid, "progress")),
      );
      return (await self.receive({ timeoutMs: 0 })) as string;
    });
    expect(await result).toBe("progress");
  });

  test("lets a task call its owner, which goes on with other things", async () => {
    const { node } = createWorld();
    const owner = node.spawn<{ type: "call"; request: string; from: never }>(async (self) => {
      const job = task.async(self, (own) => own.call(self.pid as never, "what" as never));
      await quiesce();
      const { from } = await self.receive();
      self.reply(from, "that");
      expect(await task.await(self, job)).toBe("that");
    });
    expect(await node.whenExited(owner)).toBe("normal");
  });

  test("calls the process in reports as its function is called", async () => {
    const { node } = createWorld();
    const job = task.async(node, nap, 10);
    await quiesce();
    expect(node.processInfo(job.pid)?.initialCall).toBe("nap");
    expect(node.processInfo(task.async(node, () => 1).pid)?.initialCall).toBe("task");
  });

  test("is refused to a process that has to exit", async () => {
    const { node } = createWorld();
    let refusal: unknown;
    const pid = node.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        try {
          task.async(self, never);
        } catch (error) {
          refusal = error;
        }
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect(refusal).toBeInstanceOf(DeadProcessError);
    expect(node.processes()).toEqual([]);
  });
});

describe("task.await", () => {
  test("throws TaskTimeoutError after 5000 ms by default, and the task goes on", async () => {
    const { node, advance } = createWorld();
    const job = task.async(node, nap, 6_000);
    const awaited = task.await(node, job);
    awaited.catch(() => undefined);
    await advance(4_999);
    expect(await isSettled(awaited)).toBe(false);
    await advance(1);
    const error = await awaited.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskTimeoutError);
    expect(error).toMatchObject({ code: "TASK_TIMEOUT", tasks: [job.pid], timeoutMs: 5_000 });
    expect((error as Error).message).toBe(`task ${String(job.pid)} did not end within 5000 ms`);
    expect(node.isAlive(job.pid)).toBe(true);
    await advance(1_000);
    expect(node.isAlive(job.pid)).toBe(false);
  });

  test("ends a process that does not catch the timeout, and with it the task", async () => {
    const { node, advance, reasonOf } = createWorld();
    const { pid, result } = within(node, (self) => task.await(self, task.async(self, never)));
    result.catch(() => undefined);
    await advance(5_000);
    expect(reasonOf(pid)).toEqual({ error: expect.any(TaskTimeoutError) });
    expect(node.processes()).toEqual([]);
  });

  test("waits for ever with a timeout of Infinity, and sets no timer", async () => {
    const { node } = createWorld();
    const awaited = task.await(node, task.async(node, never), { timeoutMs: Infinity });
    expect(await isSettled(awaited)).toBe(false);
    expect(node.counts.timers).toBe(0);
  });

  test("leaves no timer behind", async () => {
    const { node } = createWorld();
    await task.await(
      node,
      task.async(node, () => 1),
    );
    expect(node.counts.timers).toBe(0);
  });

  test.each<[string, (self: Self<unknown>) => unknown, ExitReason]>([
    ["crashes", crash, { error: boom }],
    ["exits with a reason", (self) => self.exit("tired"), "tired"],
    ["exits normally", (self) => self.exit("normal"), "normal"],
  ])(
    "throws TaskExitError with the reason when a task nobody is linked to %s",
    async (_, run, reason) => {
      const { node } = createWorld();
      const job = task.async(node, run);
      const error = await task.await(node, job).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TaskExitError);
      expect(error).toMatchObject({ code: "TASK_EXIT", task: job.pid, reason });
    },
  );

  test("names the error of a crash as its cause", async () => {
    const { node } = createWorld();
    const error = await task
      .await(node, task.async(node, crash, 0))
      .catch((thrown: Error) => thrown);
    expect((error as Error).cause).toBe(boom);
  });

  test("throws TaskExitError when the owner traps exits, which also gets the Exit", async () => {
    const { node } = createWorld();
    const { result } = within<unknown, Exit>(node, async (self) => {
      self.trapExits();
      const job = task.async(self, crash);
      const error: unknown = await task.await(self, job).catch((thrown: unknown) => thrown);
      return [error, await self.receive(), job.pid];
    });
    const [error, exit, pid] = (await result) as [unknown, Exit, Pid<never>];
    expect(error).toBeInstanceOf(TaskExitError);
    expect(exit).toEqual({ type: "exit", from: pid, reason: { error: boom } });
  });

  test("finds a task that has ended before", async () => {
    const { node } = createWorld();
    const job = task.async(node, () => "early");
    await quiesce();
    expect(await task.await(node, job, { timeoutMs: 0 })).toBe("early");
  });

  test("is for the owner alone", async () => {
    const { node } = createWorld();
    const job = task.async(node, () => 1);
    const { pid, result } = within(node, (self) =>
      task.await(self, job).catch((error: unknown) => error),
    );
    const error = await result;
    expect(error).toBeInstanceOf(TaskOwnerError);
    expect(error).toMatchObject({ task: job.pid, owner: node.pid, caller: pid });
    expect(await task.await(node, job)).toBe(1);
  });

  test.each<[string, (node: Node, job: Task<unknown>) => Promise<unknown>]>([
    ["gave a value", (node, job) => task.await(node, job)],
    ["timed out", (node, job) => task.await(node, job, { timeoutMs: 0 })],
    ["is under way", (node, job) => Promise.resolve(void task.await(node, job))],
  ])("is refused after an await that %s", async (_, first) => {
    const { node } = createWorld();
    const job = task.async(node, () => 1);
    await first(node, job).catch(() => undefined);
    const error = await task.await(node, job).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskAwaitedError);
    expect(error).toMatchObject({ code: "TASK_AWAITED", task: job.pid });
  });

  test("rejects with the exit of an owner that has to end", async () => {
    const { node, reasonOf } = createWorld();
    let thrown: unknown;
    const { pid } = within(node, async (self) => {
      await task.await(self, task.async(self, never)).catch((error: unknown) => (thrown = error));
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect(thrown).toBeInstanceOf(ExitSignal);
    expect(reasonOf(pid)).toBe("shutdown");
    expect(node.processes()).toEqual([]);
  });
});

describe("the crash of a task", () => {
  test("that nobody waits for is told as a crash that nobody watched, and await throws all the same", async () => {
    const { node, watched } = createWorld();
    const job = task.async(node, crash, 0);
    await quiesce();
    expect(watched()).toEqual([false]);
    await expect(task.await(node, job)).rejects.toMatchObject({ reason: { error: boom } });
  });

  test("that somebody waits for is told as watched", async () => {
    const { node, advance, watched } = createWorld();
    const awaited = task.await(node, task.async(node, crash, 10));
    awaited.catch(() => undefined);
    await advance(10);
    expect(watched()).toEqual([true]);
  });

  test("that ends its owner is told as unwatched, although that waited for it", async () => {
    const { node, watched } = createWorld();
    const { result } = within(node, (self) => task.await(self, task.async(self, crash)));
    result.catch(() => undefined);
    await quiesce();
    expect(watched()).toEqual([false]);
  });

  test("of no Error comes wrapped", async () => {
    const { node } = createWorld();
    const job = task.async(node, () => {
      throw "a string";
    });
    await quiesce();
    await expect(task.await(node, job)).rejects.toMatchObject({
      reason: { error: { name: "ThrownValueError", value: "a string" } },
    });
  });

  test("because its value cannot be sent is a crash like any other", async () => {
    const node = createNode({ messages: "clone", logger: false, clock: createVirtualClock() });
    const job = task.async(node, () => () => "a function");
    await expect(task.await(node, job)).rejects.toMatchObject({
      reason: { error: { name: "UncloneableMessageError" } },
    });
  });

  test("keeps its error when messages are cloned", async () => {
    const node = createNode({ messages: "clone", logger: false, clock: createVirtualClock() });
    const job = task.async(node, crash, 0);
    await quiesce();
    await expect(task.await(node, job)).rejects.toMatchObject({ cause: boom });
  });
});

describe("task.yield", () => {
  test("gives undefined when time is over, and can be asked again", async () => {
    const { node, advance } = createWorld();
    const job = task.async(node, nap, 30);
    const first = task.yield(node, job, { timeoutMs: 10 });
    await advance(10);
    expect(await first).toBeUndefined();
    expect(await task.yield(node, job, { timeoutMs: 0 })).toBeUndefined();
    const last = task.yield(node, job);
    await advance(20);
    expect(await last).toEqual({ value: 30 });
  });

  test("gives the exit of a task that ended without a value", async () => {
    const { node } = createWorld();
    const job = task.async(node, (self) => self.exit("tired"));
    expect(await task.yield(node, job)).toEqual({ exit: "tired" });
  });

  test("takes the result: it cannot be taken again", async () => {
    const { node } = createWorld();
    const job = task.async(node, () => 1);
    await task.yield(node, job);
    await expect(task.yield(node, job)).rejects.toThrow(TaskAwaitedError);
    await expect(task.await(node, job)).rejects.toThrow(TaskAwaitedError);
  });
});

describe("task.awaitMany", () => {
  test("gives all values in the order of the tasks", async () => {
    const { node, advance } = createWorld();
    const jobs = [task.async(node, nap, 20), task.async(node, () => "x")] as const;
    const values: Promise<[number, string]> = task.awaitMany(node, jobs);
    await advance(20);
    expect(await values).toEqual([20, "x"]);
  });

  test("has one time for all together, and names those that are late", async () => {
    const { node, advance } = createWorld();
    const jobs = [10, 20, 30].map((ms) => task.async(node, nap, ms));
    const awaited = task.awaitMany(node, jobs, { timeoutMs: 15 });
    awaited.catch(() => undefined);
    await advance(15);
    const late = jobs.slice(1).map(({ pid }) => pid);
    await expect(awaited).rejects.toMatchObject({ code: "TASK_TIMEOUT", tasks: late });
    expect(late.every((pid) => node.isAlive(pid))).toBe(true);
  });

  test("fails as soon as one task has failed, and gives up the others", async () => {
    const { node, advance } = createWorld();
    const jobs = [task.async(node, nap, 30), task.async(node, crash, 10)] as const;
    const awaited = task.awaitMany(node, jobs);
    awaited.catch(() => undefined);
    await advance(10);
    await expect(awaited).rejects.toMatchObject({ code: "TASK_EXIT", task: jobs[1].pid });
    await expect(task.await(node, jobs[0])).rejects.toThrow(TaskAwaitedError);
  });

  test("of no task gives no value", async () => {
    const { node } = createWorld();
    expect(await task.awaitMany(node, [])).toEqual([]);
  });

  test("refuses a task that is there twice, and leaves it as it was", async () => {
    const { node } = createWorld();
    const job = task.async(node, () => 1);
    await expect(task.awaitMany(node, [job, job])).rejects.toThrow(InvalidArgumentError);
    expect(await task.await(node, job)).toBe(1);
  });
});

describe("task.yieldMany", () => {
  test("gives what has come until then; the others can be asked for again", async () => {
    const { node, advance } = createWorld();
    const jobs = [
      task.async(node, nap, 30),
      task.async(node, nap, 10),
      task.async(node, (self) => self.exit("tired")),
    ] as const;
    const results = task.yieldMany(node, jobs, { timeoutMs: 20 });
    await advance(20);
    expect(await results).toEqual([undefined, { value: 10 }, { exit: "tired" }]);
    const last = task.await(node, jobs[0]);
    await advance(10);
    expect(await last).toBe(30);
    await expect(task.await(node, jobs[1])).rejects.toThrow(TaskAwaitedError);
  });
});

describe("task.shutdown", () => {
  test("ends a task in order, and its owner does not hear of it", async () => {
    const { node, reasonOf } = createWorld();
    const owner = within(node, async (self) => {
      const job = task.async(self, never);
      return { job, result: await task.shutdown(self, job) };
    });
    const { job, result } = await owner.result;
    expect(result).toBeUndefined();
    expect(reasonOf(job.pid)).toBe("shutdown");
    expect(node.isAlive(owner.pid)).toBe(true);
  });

  test("kills a task that does not end in time", async () => {
    const { node, advance, reasonOf } = createWorld();
    const job = task.async(node, async (self: Self<Exit>) => {
      self.trapExits();
      for (;;) await self.receive();
    });
    await quiesce();
    const over = task.shutdown(node, job, { timeoutMs: 100 });
    await advance(99);
    expect(node.isAlive(job.pid)).toBe(true);
    await advance(1);
    // Elixir: one that had to be killed has not ended as it was asked to; `nil` is for that alone.
    expect(await over).toEqual({ exit: "killed" });
    expect(reasonOf(job.pid)).toBe("killed");
  });

  test("kills at once when it is to be brutal", async () => {
    const { node, reasonOf } = createWorld();
    const job = task.async(node, async (self: Self<Exit>) => {
      self.trapExits();
      for (;;) await self.receive();
    });
    await quiesce();
    expect(await task.shutdown(node, job, { brutal: true })).toBeUndefined();
    expect(reasonOf(job.pid)).toBe("killed");
  });

  test("gives the value of a task that had one already", async () => {
    const { node } = createWorld();
    const job = task.async(node, () => 1);
    await quiesce();
    expect(await task.shutdown(node, job)).toEqual({ value: 1 });
  });

  test("gives the value of a task that returns when it is asked to end", async () => {
    const { node } = createWorld();
    const job = task.async(node, async (self: Self<Exit>) => {
      self.trapExits();
      return (await self.receive()).reason;
    });
    await quiesce();
    expect(await task.shutdown(node, job)).toEqual({ value: "shutdown" });
  });

  // Elixir's task_test.exs, shutdown/2: the reason that is asked for is nil, any other is an exit.
  test.each([
    ["to end, with shutdown", {}, "shutdown", undefined],
    ["to end, with killed", {}, "killed", { exit: "killed" }],
    ["to be brutal, with killed", { brutal: true }, "killed", undefined],
    ["to be brutal, with shutdown", { brutal: true }, "shutdown", { exit: "shutdown" }],
  ] as const)(
    "that is %s, says of a task that has ended so whether it was asked for that",
    async (_how, options, reason, expected) => {
      const { node } = createWorld();
      const job = task.async(node, (self) => self.exit(reason));
      await quiesce();
      expect(await task.shutdown(node, job, options)).toEqual(expected);
    },
  );

  test("gives the exit of a task that ends for another reason", async () => {
    const { node } = createWorld();
    const job = task.async(node, (self) => self.exit("tired"));
    await quiesce();
    expect(await task.shutdown(node, job)).toEqual({ exit: "tired" });
  });

  test("takes the task: it cannot be waited for any more", async () => {
    const { node } = createWorld();
    const job = task.async(node, never);
    await quiesce();
    await task.shutdown(node, job);
    await expect(task.yield(node, job)).rejects.toThrow(TaskAwaitedError);
  });
});

describe("task.start and task.startLink", () => {
  test("run a function for nobody", async () => {
    const { node, reasonOf } = createWorld();
    const seen: number[] = [];
    const pid = task.start(node, (_self, n: number) => seen.push(n), 7);
    await quiesce();
    expect(seen).toEqual([7]);
    expect(reasonOf(pid)).toBe("normal");
  });

  test("link, or do not: a crash ends who has started it, or nobody", async () => {
    const { node, reasonOf, watched } = createWorld();
    const linked = within(node, (self) => task.startLink(self, crash));
    const free = within(node, (self) => task.start(self, crash));
    await quiesce();
    expect(reasonOf(linked.pid)).toEqual({ error: boom });
    expect(node.isAlive(free.pid)).toBe(true);
    expect(watched()).toEqual([false, false]);
  });

  test("link only processes", () => {
    const { node } = createWorld();
    expect(() => task.startLink(node, never)).toThrow(InvalidArgumentError);
  });
});

describe("task.child", () => {
  test("is started with its supervisor, and not again when it has ended", async () => {
    const { node } = createWorld();
    const seen: string[] = [];
    const warmUp = task.child("warm-up", (_self, what: string) => seen.push(what), "cache");
    const children = [warmUp, task.child({ id: "loop", restart: "permanent" }, never)];
    const supervisor = await startSupervisor(node, defineSupervisor({ children }));
    await quiesce();
    expect(seen).toEqual(["cache"]);
    expect((await whichChildren(node, supervisor)).map(({ id }) => id)).toEqual(["loop"]);
    expect(children.map(({ restart }) => restart)).toEqual(["temporary", "permanent"]);
  });
});

describe("bad input", () => {
  test.each<[string, (node: Node, job: Task<unknown>) => unknown, string]>([
    [
      "async: no function",
      (node) => task.async(node, "x" as never),
      "task.async: run must be a function",
    ],
    [
      "start: no function",
      (node) => task.start(node, 1 as never),
      "task.start: run must be a function",
    ],
    ["child: no function", () => task.child("x", 1 as never), "task.child: run must be a function"],
    [
      "await: no task",
      (node) => task.await(node, {} as never),
      "task.await: task must be a task, as task.async returns it",
    ],
    [
      "await: a negative time",
      (node, job) => task.await(node, job, { timeoutMs: -1 }),
      "task.await: options.timeoutMs must be a number of at least 0",
    ],
    [
      "await: an unknown option",
      (node, job) => task.await(node, job, { timeout: 1 } as never),
      "task.await: options must be made of timeoutMs",
    ],
    [
      "awaitMany: no array",
      (node, job) => task.awaitMany(node, job as never),
      "task.awaitMany: tasks must be an array of tasks",
    ],
    [
      "yield: no number",
      (node, job) => task.yield(node, job, { timeoutMs: "1" as never }),
      "task.yield: options.timeoutMs must be",
    ],
    [
      "shutdown: no boolean",
      (node, job) => task.shutdown(node, job, { brutal: 1 as never }),
      "task.shutdown: options.brutal must be true or false",
    ],
    [
      "shutdown: no object",
      (node, job) => task.shutdown(node, job, null as never),
      "task.shutdown: options must be an object",
    ],
  ])("%s is refused, and the task can be waited for still", async (_, act, message) => {
    const { node } = createWorld();
    const job = task.async(node, () => 1);
    const error = await Promise.resolve()
      .then(() => act(node, job))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(message);
    expect(await task.await(node, job)).toBe(1);
  });
});
