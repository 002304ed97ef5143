import { describe, expect, test } from "@jest/globals";
import { exec } from "node:child_process";
import { Console } from "node:console";
import { pbkdf2, randomBytes, webcrypto } from "node:crypto";
import { lookup } from "node:dns";
import { readFile, stat } from "node:fs";
import { readFile as readFilePromise } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { setTimeout as nodeSetTimeout, setImmediate as nodeSetImmediate } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { Writable } from "node:stream";
import { Worker } from "node:worker_threads";
import { gzip } from "node:zlib";
import { createNode, type Handler, type Self } from "@coppice/core";
import {
  ESCAPE_CHECK,
  EscapeError,
  FIFO,
  runProgramAsync,
  seeded,
  simulate,
  type Program,
  type Run,
} from "@coppice/testkit";

/** A process under the key `culprit` that does it when it is sent something. */
function culprit(act: (self: Self<string>) => unknown): Program {
  return (sim) => {
    const node = sim.node();
    const pid = node.spawnOpt<string>({ key: "culprit" }, async function culpable(self) {
      await self.receive();
      await act(self);
    });
    node.send(pid, "go");
  };
}

function escapeOf({ violations }: Run): EscapeError | undefined {
  const violation = violations.find(({ check }) => check === ESCAPE_CHECK);
  return violation?.error as EscapeError | undefined;
}

const after: (() => void)[] = [];
const never = new Promise(() => undefined);

const kinds: [kind: string, what: RegExp, act: (self: Self<string>) => unknown][] = [
  ["fetch", /^fetch$/, () => fetch("http://127.0.0.1:9/")],
  ["AbortSignal.timeout", /^AbortSignal.timeout$/, () => AbortSignal.timeout(10)],
  ["MessageChannel", /^MessageChannel$/, () => new MessageChannel()],
  ["BroadcastChannel", /^BroadcastChannel$/, () => new BroadcastChannel("x")],
  [
    "Atomics.waitAsync",
    /^Atomics.waitAsync$/,
    () =>
      (Atomics as unknown as { waitAsync(...args: unknown[]): unknown }).waitAsync(
        new Int32Array(new SharedArrayBuffer(4)),
        0,
        0,
        10,
      ),
  ],
  ["a node of its own", /^createNode$/, () => createNode()],
  ["process.nextTick", /^process.nextTick$/, () => process.nextTick(() => undefined)],
  ["reading a file, as a promise", /^FS|^FILEHANDLE/, () => readFilePromise("package.json")],
  ["reading a file, called back", /^FSREQ/, () => readFile("package.json", () => undefined)],
  ["asking for a file", /^FSREQ/, () => stat("package.json", () => undefined)],
  ["a timer of node:timers", /^Timeout$/, () => nodeSetTimeout(() => undefined, 1)],
  ["a sleep of node:timers/promises", /^Timeout$/, () => sleep(1)],
  ["an immediate of node:timers", /^Immediate$/, () => nodeSetImmediate(() => undefined)],
  [
    "a digest of webcrypto",
    /HASHREQUEST|Request|JOB/i,
    () => webcrypto.subtle.digest("SHA-256", new Uint8Array(8)),
  ],
  ["random bytes, called back", /RANDOM/, () => randomBytes(8, () => undefined)],
  ["deriving a key", /PBKDF2/, () => pbkdf2("a", "b", 1, 8, "sha256", () => undefined)],
  ["a look-up of a name", /GETADDRINFO/, () => lookup("localhost", () => undefined)],
  [
    "a connection",
    /TCP|TickObject|GETADDR/,
    () => connect(9, "127.0.0.1").on("error", () => undefined),
  ],
  [
    "a server",
    /TCP|TickObject/,
    () => {
      const server = createServer();
      server.listen(0);
      after.push(() => server.close());
    },
  ],
  ["a child process", /PROCESS|PIPE/, () => exec("true")],
  [
    "a worker",
    /WORKER|MESSAGEPORT/,
    () => {
      const worker = new Worker("", { eval: true });
      after.push(() => void worker.terminate());
    },
  ],
  ["compression", /ZLIB/, () => gzip("x", () => undefined)],
  ["an await of what never comes", /^an await$/, () => never],
];

describe("code in a simulation that uses the host", () => {
  test.each(kinds)("escapes by %s, and is named with its stack", async (_kind, what, act) => {
    const run = await runProgramAsync(culprit(act), FIFO);
    for (const clean of after.splice(0)) clean();
    const error = escapeOf(run);
    expect(error).toBeInstanceOf(EscapeError);
    expect(error?.what).toMatch(what);
    expect(error?.process).toBe("n/culprit");
    if (what.source !== "^an await$") expect(error?.stack).toContain("escape.test.ts");
    else expect(error?.message).toContain("culpable");
  });

  test("is named also when it does so as it starts, before or after a first wait", async () => {
    for (const waits of [false, true]) {
      const run = await runProgramAsync((sim) => {
        sim.node().spawnOpt<never>({ key: "early" }, async () => {
          if (waits) await Promise.resolve();
          await readFilePromise("package.json");
        });
      }, FIFO);
      expect(escapeOf(run)?.process).toBe("n/early");
    }
  });

  test("cannot hide it: what it catches is held against the run all the same", async () => {
    const run = await runProgramAsync(
      culprit(async () => {
        await fetch("http://127.0.0.1:9/").catch(() => undefined);
      }),
      FIFO,
    );
    expect(escapeOf(run)?.what).toBe("fetch");
  });

  test("is found in handlers that return a promise as well", async () => {
    const handler: Handler<string, null> = {
      init: () => null,
      message: async () => {
        await never;
        return null;
      },
    };
    const run = await runProgramAsync((sim) => {
      const node = sim.node();
      node.send(node.spawn(handler), "go");
    }, FIFO);
    expect(escapeOf(run)?.process).toBe("n/1");
  });

  test("is not everything that waits: no word of receive, call, sleep, yield and what is shared", async () => {
    const run = await runProgramAsync((sim) => {
      const node = sim.node();
      const table = sim.shared("table", 0);
      const idle = node.spawn<{ type: "call"; request: 1; from: never }>(async (self) => {
        for (;;) await self.receive();
      });
      node.spawn<never>(async (self) => {
        await self.sleep(10);
        await self.yield();
        await table.write(self, (n) => n + 1);
        await Promise.all([self.sleep(1), Promise.resolve(1)]);
        await self.call(idle as never, 1 as never, { timeoutMs: Infinity });
      });
      node.spawn({ init: () => 0, message: (n: number) => n + 1 });
    }, FIFO);
    expect(run.violations).toEqual([]);
    expect(run.outcome).toBe("quiescent");
  });
});

describe("clock, randomness and timers of the host", () => {
  /** What a process sees of them. */
  async function seen(seed: number): Promise<unknown[]> {
    const log: unknown[] = [];
    const run = await runProgramAsync(
      culprit(async () => {
        log.push(Date.now(), new Date().toISOString(), Date().length > 0, performance.now());
        log.push(process.hrtime().length, process.hrtime.bigint(), process.uptime());
        log.push(Math.random(), crypto.randomUUID(), [
          ...crypto.getRandomValues(new Uint8Array(4)),
        ]);
        await new Promise((resolve) => setTimeout(resolve, 250));
        log.push(Date.now(), performance.now(), new Date(0) instanceof Date);
        await new Promise((resolve) => setImmediate(resolve));
        clearTimeout(setTimeout(() => log.push("never"), 10));
        await new Promise<void>((resolve) => {
          let ticks = 0;
          const interval = setInterval(() => {
            log.push(`tick at ${performance.now()}`);
            if (++ticks < 3) return;
            clearInterval(interval);
            resolve();
          }, 100);
        });
      }),
      seeded(seed),
      { seed },
    );
    expect(run.violations).toEqual([]);
    expect(run.outcome).toBe("quiescent");
    return log;
  }

  test("are those of the simulation", async () => {
    const log = await seen(1);
    expect(log[0]).toBe(Date.UTC(2000, 0, 1));
    expect(log[1]).toBe("2000-01-01T00:00:00.000Z");
    expect(log.slice(-6)).toEqual([
      Date.UTC(2000, 0, 1) + 250,
      250,
      true,
      "tick at 350",
      "tick at 450",
      "tick at 550",
    ]);
  });

  test("are the same for the same seed, and others for another", async () => {
    expect(await seen(1)).toEqual(await seen(1));
    expect((await seen(2))[7]).not.toBe((await seen(1))[7]);
  });

  test("are the host's again when the run is over", async () => {
    await seen(1);
    await new Promise((resolve) => nodeSetImmediate(resolve));
    expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeLessThan(60_000);
    expect(String(setTimeout)).not.toContain("kernel");
    expect(crypto.randomUUID()).not.toBe(crypto.randomUUID());
  });

  test("are the test's own outside, and the simulation's inside, of one that a test drives", async () => {
    const sim = simulate();
    const node = sim.node();
    const log: number[] = [];
    node.spawn<never>(async (self) => {
      await self.sleep(1_000);
      log.push(Date.now());
    });
    await sim.advance(5_000);
    expect(log).toEqual([Date.UTC(2000, 0, 1) + 1_000]);
    expect(Date.now()).toBeGreaterThan(Date.UTC(2020, 0, 1));
  });
});

describe("printing", () => {
  test("is no escape, although the host makes it of streams and ticks", async () => {
    const printed: string[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        printed.push(chunk.toString());
        process.nextTick(done);
      },
    });
    const hostConsole = new Console(stream);
    const run = await runProgramAsync(
      culprit(async (self) => {
        hostConsole.log("one");
        await self.yield();
        hostConsole.error("two");
      }),
      FIFO,
    );
    expect(run.violations).toEqual([]);
    await new Promise((resolve) => nodeSetImmediate(resolve));
    expect(printed).toEqual(["one\n", "two\n"]);
  });
});
