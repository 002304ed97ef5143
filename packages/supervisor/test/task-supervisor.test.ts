import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  InvalidArgumentError,
  name,
  NoProcessError,
  StartError,
  type AnyPid,
  type ExitReason,
  type Node,
  type NodeEvent,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  InvalidChildSpecError,
  startSupervisor,
  task,
  TaskAwaitedError,
  whichChildren,
  type Task,
  type TaskResult,
  type TaskSupervisorMessage,
  type TaskSupervisorOptions,
} from "@coppice/supervisor";
import { boom, within } from "./world.js";

const Tasks = name<TaskSupervisorMessage>("tasks");

interface World {
  readonly node: Node;
  readonly events: NodeEvent[];
  readonly supervisor: AnyPid;
  advance(ms: number): Promise<void>;
  reasonOf(pid: AnyPid): ExitReason | undefined;
}

async function createWorld(
  options: TaskSupervisorOptions = {},
  messages: "share" | "clone" = "share",
): Promise<World> {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock, messages });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  const supervisor = await startSupervisor(node, task.supervisor(options), { name: Tasks });
  return {
    node,
    events,
    supervisor,
    advance: (ms) => clock.advance(ms, quiesce),
    reasonOf: (pid) =>
      events.flatMap((event) =>
        event.type === "exited" && event.pid === pid ? [event.reason] : [],
      )[0],
  };
}

const never = (self: Self<unknown>): Promise<unknown> => self.receive(() => false);

function crash(): never {
  throw boom;
}

describe.each(["share", "clone"] as const)("a task supervisor, messages: %s", (messages) => {
  test("has tasks as its children, while they run", async () => {
    const { node } = await createWorld({}, messages);
    const add = async (self: Self<unknown>, a: number, b: number): Promise<number> => {
      await self.receive();
      return a + b;
    };
    const sum = await task.asyncNoLink(node, Tasks, add, 1, 2);
    expect((await whichChildren(node, Tasks)).map(({ pid }) => pid)).toEqual([sum.pid]);
    expect(node.processInfo(sum.pid)?.initialCall).toBe("add");
    node.send(sum.pid, "go");
    expect(await task.await(node, sum)).toBe(3);
    await quiesce();
    expect(await whichChildren(node, Tasks)).toEqual([]);
  });
});

describe("task.asyncNoLink", () => {
  test("makes a crash a result, for an owner that does not trap exits", async () => {
    const { node } = await createWorld();
    const { pid, result } = within<TaskResult<never> | undefined>(node, async (self) => {
      const risky = await task.asyncNoLink(self, Tasks, crash);
      return task.yield(self, risky);
    });
    expect(await result).toEqual({ exit: { error: boom } });
    expect(node.isAlive(pid)).toBe(true);
  });

  test("lets the task go on when its owner ends", async () => {
    const { node, advance, reasonOf } = await createWorld();
    let job: Task<unknown> | undefined;
    const owner = within(node, async (self) => {
      job = await task.asyncNoLink(self, Tasks, (own) => own.sleep(10));
    });
    await owner.result;
    await quiesce();
    node.exit(owner.pid, "kill");
    await advance(9);
    const { pid } = job as Task<unknown>;
    expect(node.isAlive(pid)).toBe(true);
    await advance(1);
    expect(reasonOf(pid)).toBe("normal");
  });

  test("is a task like any other: its result is taken once", async () => {
    const { node } = await createWorld();
    const job = await task.asyncNoLink(node, Tasks, () => 1);
    expect(await task.await(node, job)).toBe(1);
    await expect(task.await(node, job)).rejects.toThrow(TaskAwaitedError);
  });

  test("has its crash told by the supervisor, and starts nothing again", async () => {
    const { node, events } = await createWorld();
    await task.asyncNoLink(node, Tasks, crash);
    await quiesce();
    const reports = events.flatMap((event) => (event.type === "report" ? [event.report.data] : []));
    expect(JSON.stringify(reports)).toContain("childTerminated");
    expect(await whichChildren(node, Tasks)).toEqual([]);
  });
});

describe("task.asyncUnder", () => {
  test("links: a crash of the task ends its owner, and not the supervisor", async () => {
    const { node, supervisor, reasonOf } = await createWorld();
    const { pid } = within(node, async (self) => {
      await task.await(self, await task.asyncUnder(self, Tasks, crash));
    });
    await quiesce();
    expect(reasonOf(pid)).toEqual({ error: boom });
    expect(node.isAlive(supervisor)).toBe(true);
  });

  test("links: a crash of the owner ends the task", async () => {
    const { node, reasonOf } = await createWorld();
    let job: Task<unknown> | undefined;
    const owner = within(node, async (self) => {
      job = await task.asyncUnder(self, Tasks, never);
      throw boom;
    });
    await owner.result.catch(() => undefined);
    await quiesce();
    expect(reasonOf((job as Task<unknown>).pid)).toEqual({ error: boom });
  });
});

describe("task.startChild", () => {
  test("starts a task that nobody waits for", async () => {
    const { node, reasonOf } = await createWorld();
    const seen: string[] = [];
    const pid = await task.startChild(node, Tasks, (_self, what: string) => seen.push(what), "x");
    await quiesce();
    expect(seen).toEqual(["x"]);
    expect(reasonOf(pid)).toBe("normal");
  });
});

describe("a task under a supervisor", () => {
  test("ends with the supervisor, in order", async () => {
    const { node, supervisor, reasonOf } = await createWorld();
    const job = await task.asyncNoLink(node, Tasks, never);
    await quiesce();
    node.exit(supervisor, "shutdown");
    expect(await task.yield(node, job)).toEqual({ exit: "shutdown" });
    expect(reasonOf(supervisor)).toBe("shutdown");
  });

  test.each(["asyncNoLink", "asyncUnder"])(
    "of %s does not run when its owner has ended before it asked for it",
    async (kind) => {
      const { node, supervisor } = await createWorld();
      const start = kind === "asyncUnder" ? task.asyncUnder : task.asyncNoLink;
      let ran = false;
      const owner = node.spawn(async (self) => {
        void start(self, Tasks, () => (ran = true)).catch(() => undefined);
      });
      await node.whenExited(owner);
      await quiesce();
      expect(ran).toBe(false);
      expect(node.processes()).toEqual([supervisor]);
    },
  );

  test("is not started when there are as many as may be", async () => {
    const { node } = await createWorld({ maxChildren: 1 });
    const job = await task.asyncNoLink(node, Tasks, never);
    const error = await task.startChild(node, Tasks, never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ reason: "max_children" });
    await task.shutdown(node, job);
    await quiesce();
    await task.startChild(node, Tasks, never);
  });

  test("is not started without one", async () => {
    const node = createNode({ logger: false, clock: createVirtualClock() });
    await expect(task.asyncNoLink(node, Tasks, never)).rejects.toThrow(NoProcessError);
  });
});

describe("task.asyncStream under a supervisor", () => {
  test("gives crashes as results, also to one that does not trap exits", async () => {
    const { node } = await createWorld();
    const { pid, result } = within<TaskResult<number>[]>(node, async (self) => {
      const seen: TaskResult<number>[] = [];
      const run = (_own: Self<unknown>, n: number): number => (n === 2 ? crash() : n * 10);
      const options = { supervisor: Tasks, maxConcurrency: 2 };
      for await (const one of task.asyncStream(self, [1, 2, 3], run, options)) seen.push(one);
      return seen;
    });
    expect(await result).toEqual([{ value: 10 }, { exit: { error: boom } }, { value: 30 }]);
    expect(node.isAlive(pid)).toBe(true);
  });

  test("has no more tasks at a time than it may", async () => {
    const { node, advance } = await createWorld();
    const options = { supervisor: Tasks, maxConcurrency: 2 };
    const read = async (): Promise<number> => {
      let count = 0;
      const stream = task.asyncStream(node, [1, 2, 3, 4, 5], (own) => own.sleep(10), options);
      for await (const _ of stream) count++;
      return count;
    };
    const done = read();
    await quiesce();
    expect(await whichChildren(node, Tasks)).toHaveLength(2);
    await advance(10);
    expect(await whichChildren(node, Tasks)).toHaveLength(2);
    await advance(20);
    expect(await done).toBe(5);
  });

  test("ends its tasks when the process that reads is killed, or breaks off", async () => {
    const { node, advance, supervisor } = await createWorld();
    const options = { supervisor: Tasks };
    const killed = within(node, async (self) => {
      await task.asyncStream(self, [1, 2], never, options).next();
    });
    await quiesce();
    expect(await whichChildren(node, Tasks)).toHaveLength(2);
    node.exit(killed.pid, "kill");
    await quiesce();
    expect(node.processes()).toEqual([supervisor]);
    const nap = (own: Self<unknown>, ms: number): Promise<void> => own.sleep(ms);
    const breaking = within(node, async (self) => {
      for await (const _ of task.asyncStream(self, [10, 1_000], nap, options)) break;
    });
    await advance(10);
    await breaking.result;
    await quiesce();
    expect(await whichChildren(node, Tasks)).toEqual([]);
  });

  test("throws when a task cannot be started, and lets go of the source", async () => {
    const { node } = await createWorld({ maxChildren: 1 });
    let released = false;
    const items = function* (): Generator<number> {
      try {
        yield 1;
        yield 2;
      } finally {
        released = true;
      }
    };
    const stream = task.asyncStream(node, items(), never, { supervisor: Tasks });
    await expect(stream.next()).rejects.toThrow(StartError);
    await quiesce();
    expect(released).toBe(true);
    expect(await whichChildren(node, Tasks)).toEqual([]);
  });
});

describe("bad input", () => {
  test.each<[string, (node: Node) => unknown, string]>([
    [
      "an unknown option",
      () => task.supervisor({ max: 1 } as never),
      "task.supervisor: options must be made of",
    ],
    [
      "asyncUnder: run",
      (node) => task.asyncUnder(node, Tasks, 1 as never),
      "task.asyncUnder: run must be a function",
    ],
    [
      "asyncNoLink: run",
      (node) => task.asyncNoLink(node, Tasks, 1 as never),
      "task.asyncNoLink: run must be a function",
    ],
    [
      "startChild: run",
      (node) => task.startChild(node, Tasks, 1 as never),
      "task.startChild: run must be a function",
    ],
  ])("%s is refused", async (_, act, message) => {
    const { node } = await createWorld();
    const error = await Promise.resolve()
      .then(() => act(node))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(message);
  });

  test.each([{ maxChildren: -1 }, { shutdown: "soon" as never }])("%j is refused", (options) => {
    expect(() => task.supervisor(options)).toThrow(InvalidChildSpecError);
  });
});
