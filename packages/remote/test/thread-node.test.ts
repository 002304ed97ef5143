import { describe, expect, test } from "@jest/globals";
import { createNode, type Call, type Node, type Pid, type Startable } from "@coppice/core";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import type { Remote } from "../src/remote.js";
import type { RemoteOptions } from "../src/remote-options.js";
import { startRemote } from "../src/start-remote.js";
import { startInThread, threadGroup, threadNode } from "../src/thread-node.js";
import { startWorkerNode } from "../src/worker-node.js";

type Worker = Call<["fib", number] | ["hang"] | ["exit"] | ["hoard"] | ["told"], number>;

const url = pathToFileURL(join(import.meta.dirname, "thread-program.mjs"));

async function withRemote(
  act: (node: Node, remote: Remote) => Promise<void>,
  options: RemoteOptions = {},
): Promise<void> {
  const node = createNode({ name: "main", logger: false });
  const remote = await startRemote(node, { insecure: true, ...options });
  try {
    await act(node, remote);
  } finally {
    await node.stop();
  }
}

/** Waits until it is so, of nodes that come and go. */
async function until(remote: Remote, holds: () => boolean): Promise<void> {
  if (holds()) return;
  await new Promise<void>((resolve) => {
    const events = remote.events.subscribe(() => {
      if (!holds()) return;
      events.unsubscribe();
      resolve();
    });
  });
}

const workerAt = (remote: Remote, place: string | (() => string)): Startable<Worker> =>
  remote.behaviour<Startable<Worker>>(place, "worker");

describe("a node in a thread", () => {
  test("computes beside this one, and ends with the process that stands for it", async () => {
    await withRemote(async (node, remote) => {
      const thread = await node.start(threadNode(remote, { url, name: "t" }));
      expect(remote.nodes()).toMatchObject([{ name: "t", role: "node" }]);
      const worker = (await node.start(workerAt(remote, "t") as never)) as Pid<Worker>;
      expect(worker.node).toBe("t");
      let turns = 0;
      const ticking = setInterval(() => turns++, 1);
      expect(await node.call(worker, ["fib", 30], { timeoutMs: 20_000 })).toBe(832_040);
      clearInterval(ticking);
      expect(turns).toBeGreaterThan(0);
      const ended = node.whenExited(worker);
      node.exit(thread, "shutdown");
      expect(await ended).toBe("noconnection");
      await until(remote, () => remote.nodes().length === 0);
    });
  });

  test("is of the cluster of the node that starts it", async () => {
    await withRemote(
      async (node, remote) => {
        await node.start(threadNode(remote, { url, name: "t" }));
        expect(remote.nodes()).toMatchObject([{ name: "t" }]);
      },
      { cluster: "another" },
    );
  });

  test("is run as it is told: by what it is given, and in as much memory as it may take", async () => {
    await withRemote(async (node, remote) => {
      const worker = {
        argv: ["an argument"],
        env: { TOLD: "a variable" },
        resourceLimits: { maxOldGenerationSizeMb: 32 },
      };
      const thread = await node.start(threadNode(remote, { url, name: "t", worker }));
      const pid = (await node.start(workerAt(remote, "t") as never)) as Pid<Worker>;
      expect(await node.call(pid, ["told"])).toEqual(["an argument", "a variable"]);
      const ended = node.whenExited(thread);
      const call = node
        .call(pid, ["hoard"], { timeoutMs: 60_000 })
        .catch((error: unknown) => error);
      expect(await ended).toMatchObject({ error: { code: "ERR_WORKER_OUT_OF_MEMORY" } });
      expect(await call).toMatchObject({ reason: "noconnection" });
      const wrong = { url, name: "t", worker: { workerData: 1 } as never };
      expect(() => threadNode(remote, wrong)).toThrow(/threadNode: options.worker/);
      expect(() => threadGroup(remote, { ...wrong, size: 1 })).toThrow(
        /threadGroup: options.worker/,
      );
    });
  });

  test("that hangs is killed: who waits for it is told at once", async () => {
    await withRemote(async (node, remote) => {
      const thread = await node.start(threadNode(remote, { url, name: "t" }));
      const worker = (await node.start(workerAt(remote, "t") as never)) as Pid<Worker>;
      const hanging = node
        .call(worker, ["hang"], { timeoutMs: Infinity })
        .catch((error: unknown) => error);
      node.exit(thread, "kill");
      expect(await hanging).toMatchObject({ reason: "noconnection" });
    });
  });

  test("that hangs is over when it was silent for hearMs: its process ends, and the thread with it", async () => {
    await withRemote(
      async (node, remote) => {
        const thread = await node.start(threadNode(remote, { url, name: "t" }));
        const worker = (await node.start(workerAt(remote, "t") as never)) as Pid<Worker>;
        const ended = node.whenExited(thread);
        await expect(node.call(worker, ["hang"], { timeoutMs: Infinity })).rejects.toMatchObject({
          reason: "noconnection",
        });
        expect(await ended).toBe("noconnection");
      },
      { hearMs: 200 },
    );
  });

  test("is over with its session, which it cannot have again", async () => {
    await withRemote(async (node, remote) => {
      const thread = await node.start(threadNode(remote, { url, name: "t" }));
      const ended = node.whenExited(thread);
      remote.disconnect("t");
      expect(await ended).toBe("noconnection");
    });
  });

  test("that does not say who it is does not start, and it is said why", async () => {
    await withRemote(
      async (node, remote) => {
        const idle = new URL("data:text/javascript,setInterval(() => {}, 1000)");
        const failed = node.start(threadNode(remote, { url: idle, name: "t" }));
        await expect(failed).rejects.toMatchObject({
          code: "START_FAILED",
          reason: { error: { code: "UNREACHABLE", target: "t" } },
        });
      },
      { limits: { handshakeMs: 100 } },
    );
  });

  test("that dies ends its process with what it exited with", async () => {
    await withRemote(async (node, remote) => {
      const thread = await node.start(threadNode(remote, { url, name: "t" }));
      const worker = (await node.start(workerAt(remote, "t") as never)) as Pid<Worker>;
      const ended = node.whenExited(thread);
      await expect(node.call(worker, ["exit"])).rejects.toMatchObject({ reason: "noconnection" });
      expect(await ended).toEqual({ threadExited: 3 });
    });
  });

  test("whose program fails does not start", async () => {
    await withRemote(async (node, remote) => {
      const missing = new URL("missing.mjs", url);
      const failed = node.start(threadNode(remote, { url: missing, name: "t" }));
      await expect(failed).rejects.toMatchObject({ code: "START_FAILED" });
    });
  });
});

describe("a thread that did not start", () => {
  const broken = new URL("data:text/javascript,throw new Error('its program breaks')");

  test("does not keep the next one of its name from starting, however soon that is", async () => {
    await withRemote(async (node, remote) => {
      const failed = node.start(threadNode(remote, { url: broken, name: "t" }));
      await expect(failed).rejects.toMatchObject({ reason: { error: { name: "Error" } } });
      await node.start(threadNode(remote, { url, name: "t" }));
      expect(remote.nodes()).toMatchObject([{ name: "t", role: "node" }]);
    });
  });

  test("says why each time, and not that its connection is gone", async () => {
    await withRemote(async (node, remote) => {
      for (let i = 0; i < 3; i++) {
        await expect(
          node.start(threadNode(remote, { url: broken, name: "t" })),
        ).rejects.toMatchObject({ reason: { error: { message: "its program breaks" } } });
      }
    });
  });
});

describe("a worker node", () => {
  test("is called as its module, and starts again when its thread dies", async () => {
    await withRemote(async (node, remote) => {
      const { name, supervisor } = await startWorkerNode(remote, url);
      expect(remote.nodes()).toMatchObject([{ name: "thread-program", role: "node" }]);
      const worker = (await node.start(workerAt(remote, name) as never)) as Pid<Worker>;
      await expect(node.call(worker, ["exit"])).rejects.toMatchObject({ reason: "noconnection" });
      await until(remote, () =>
        remote.nodes().some(({ incarnation }) => incarnation !== worker.incarnation),
      );
      const next = (await node.start(workerAt(remote, name) as never)) as Pid<Worker>;
      expect(await node.call(next, ["fib", 10])).toBe(55);
      node.exit(supervisor, "shutdown");
      await until(remote, () => remote.nodes().length === 0);
    });
  });

  test("that dies more often than it may is given up", async () => {
    await withRemote(async (node, remote) => {
      const { supervisor } = await startWorkerNode(remote, url, { name: "w", intensity: 0 });
      const worker = (await node.start(workerAt(remote, "w") as never)) as Pid<Worker>;
      const ended = node.whenExited(supervisor);
      await expect(node.call(worker, ["exit"])).rejects.toMatchObject({ reason: "noconnection" });
      expect(await ended).toBe("shutdown");
    });
  });

  test("whose module fails does not start", async () => {
    await withRemote(async (node, remote) => {
      const missing = startWorkerNode(remote, new URL("missing.mjs", url));
      await expect(missing).rejects.toMatchObject({ code: "START_FAILED" });
      expect(node.processes()).toEqual([]);
    });
  });

  test.each<[string, unknown, unknown]>([
    ["a URL", "thread.js", {}],
    ["the URL of a module", new URL("file:///"), {}],
    ["without white space", url, { name: "a b" }],
    ["at least 0", url, { intensity: -1 }],
    ["size", url, { size: 2 }],
  ])("wants %s", async (expected, module, options) => {
    await withRemote(async (_node, remote) => {
      const started = startWorkerNode(remote, module as URL, options as object);
      await expect(started).rejects.toThrow(expected);
    });
  });
});

describe("a group of threads", () => {
  test("spreads processes over them, and starts again those that die", async () => {
    await withRemote(async (node, remote) => {
      const group = threadGroup(remote, { url, name: "pool", size: 2 });
      const supervisor = await node.start(group.supervisor);
      const behaviour = workerAt(remote, group.place);
      const workers: Pid<Worker>[] = [];
      for (let i = 0; i < 4; i++)
        workers.push((await node.start(behaviour as never)) as Pid<Worker>);
      expect(workers.map((pid) => pid.node)).toEqual(["pool-1", "pool-2", "pool-1", "pool-2"]);
      await expect(node.call(workers[0] as Pid<Worker>, ["exit"])).rejects.toMatchObject({
        reason: "noconnection",
      });
      const before = workers[0]?.incarnation;
      await until(remote, () => {
        const again = remote.nodes().find(({ name }) => name === "pool-1");
        return again !== undefined && again.incarnation !== before;
      });
      expect(await node.call(workers[1] as Pid<Worker>, ["fib", 10])).toBe(55);
      node.exit(supervisor, "shutdown");
      await until(remote, () => remote.nodes().length === 0);
    });
  });

  test("bears as many ends of threads as it is told", async () => {
    await withRemote(async (node, remote) => {
      const group = threadGroup(remote, {
        url,
        name: "pool",
        size: 2,
        intensity: 9,
        periodMs: 60e3,
      });
      const supervisor = await node.start(group.supervisor);
      const other = remote.nodes().find(({ name }) => name === "pool-2");
      for (let i = 0; i < 3; i++) {
        const before = remote.nodes().find(({ name }) => name === "pool-1");
        const worker = (await node.start(workerAt(remote, "pool-1") as never)) as Pid<Worker>;
        await expect(node.call(worker, ["exit"])).rejects.toMatchObject({
          reason: "noconnection",
        });
        await until(remote, () => {
          const again = remote.nodes().find(({ name }) => name === "pool-1");
          return again !== undefined && again.incarnation !== before?.incarnation;
        });
      }
      expect(node.isAlive(supervisor)).toBe(true);
      expect(remote.nodes()).toContainEqual(
        expect.objectContaining({ incarnation: other?.incarnation }),
      );
    });
  });

  test("starts again those that hang", async () => {
    await withRemote(
      async (node, remote) => {
        const group = threadGroup(remote, { url, name: "pool", size: 2 });
        await node.start(group.supervisor);
        const behaviour = workerAt(remote, group.place);
        const hung = (await node.start(behaviour as never)) as Pid<Worker>;
        const other = (await node.start(behaviour as never)) as Pid<Worker>;
        const lost = node
          .call(hung, ["hang"], { timeoutMs: Infinity })
          .catch((error: unknown) => error);
        expect(await node.call(other, ["fib", 10])).toBe(55);
        expect(await lost).toMatchObject({ reason: "noconnection" });
        await until(remote, () => {
          const again = remote.nodes().find(({ name }) => name === hung.node);
          return again !== undefined && again.incarnation !== hung.incarnation;
        });
        expect(await node.call(other, ["fib", 10])).toBe(55);
      },
      { hearMs: 1_500 },
    );
  });
});

test("threads are asked for in a sensible way", async () => {
  await withRemote(async (_node, remote) => {
    expect(() => threadGroup(remote, { url, name: "x", size: 0 })).toThrow("at least 1");
    expect(() => threadNode({} as Remote, { url, name: "x" })).toThrow("made by startRemote");
    expect(() => threadNode(remote, undefined as never)).toThrow("options must be an object");
    const text = "thread.js" as never;
    expect(() => threadNode(remote, { url: text, name: "x" })).toThrow('a URL, but is "thread.js"');
    expect(() => threadNode(remote, { url, name: "a b" })).toThrow("without white space");
    const misspelt = { url, name: "x", siz: 2 } as never;
    expect(() => threadNode(remote, misspelt)).toThrow('but is {"siz":2}');
    expect(() => threadGroup(remote, misspelt)).toThrow('but is {"siz":2}');
    expect(() => threadGroup(remote, { url, name: "x", size: 1, intensity: -1 })).toThrow("-1");
    await expect(startInThread()).rejects.toThrow("in a thread that threadNode started");
  });
});
