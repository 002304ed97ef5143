import { createHash } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createNode, type Node } from "@coppice/core";
import { startCluster } from "./cluster.js";
import { Dispatcher } from "./dispatcher.js";
import { nodeProcessName } from "./node-process.js";
import { bytesOf, joinPath, rawPath, type RawPath } from "./raw-path.js";
import type { Report } from "./report.js";
import { runFleet } from "./run.js";
import type { Screen } from "./screen.js";
import type { FleetOptions } from "./tree.js";

let directory: RawPath;
let node: Node;
let said: string[];
let screen: Screen;

beforeEach(async () => {
  directory = rawPath(await realpath(await mkdtemp(join(tmpdir(), "fleet-"))));
  // Frozen: a process that changes what it has sent or got fails.
  node = createNode({ name: "fleet", logger: false, messages: "freeze", blockedMs: Infinity });
  said = [];
  screen = {
    everyMs: 5,
    show: () => undefined,
    say: (line) => said.push(line),
    end: () => undefined,
  };
});

afterEach(() => rm(bytesOf(directory), { recursive: true }));

/** Writes files of odd names and sizes; returns what is to come out, as sums by path. */
async function writeFiles(count: number): Promise<Map<RawPath, string>> {
  const names = ["plain", "line\nfeed", "back\\slash", "\r", " ", "-n", "*", "ünï", "\x1b[31m"];
  const sizes = [0, 1, 1_000, 256 * 1024, 256 * 1024 + 1, 700_000];
  const sums = new Map<RawPath, string>();
  let folder = directory;
  for (let index = 0; index < count; index++) {
    if (index % 25 === 0) {
      folder = joinPath(folder, Buffer.from(`folder\n${index}`));
      await mkdir(bytesOf(folder));
    }
    const name = Buffer.from(`${names[index % names.length]}${index}`);
    // What is no UTF-8 does not exist on every system.
    const odd = process.platform === "linux" && index % 10 === 0;
    const path = joinPath(folder, odd ? Buffer.concat([name, Buffer.from([0xff])]) : name);
    const content = Buffer.alloc(sizes[index % sizes.length] as number, `content ${index}`);
    await writeFile(bytesOf(path), content);
    sums.set(path, createHash("sha256").update(content).digest("hex"));
  }
  return sums;
}

function options(more: Partial<FleetOptions> = {}): FleetOptions {
  return { root: directory, except: [], workers: 4, chaosPerSecond: 0, seed: 1, ...more };
}

async function finished(more: Partial<FleetOptions> = {}): Promise<Report> {
  const ending = await runFleet(node, options(more), screen, new AbortController().signal);
  if (ending.type !== "finished") throw new Error("interrupted");
  return ending.report;
}

function sumsIn({ outcome }: Report): Map<RawPath, string> {
  return new Map(outcome.files.map(({ path, sha256 }) => [path, sha256]));
}

/** What the processes of nodes run; `npm test` builds it first. */
const NODE_PROGRAM = new URL("../dist/fleet/node-main.js", import.meta.url);

/** So long that it is taken for dead. */
const PAUSE = { type: "pause", lastingMs: 60_000 } as const;

describe("the fleet", () => {
  test("gets every file once and right while chaos rages", async () => {
    const sums = await writeFiles(200);
    const report = await finished({ workers: 16, chaosPerSecond: 100 });
    expect(sumsIn(report)).toEqual(sums);
    expect(report.outcome).toMatchObject({ found: 200, hashed: 200, lost: 0, twice: 0 });
    const { thrown, killed, hung, unprovoked } = report.outcome.crashes;
    for (const count of [thrown, killed, hung]) expect(count).toBeGreaterThan(0);
    expect(report.restarts).toBeGreaterThanOrEqual(thrown + killed + hung + unprovoked - 1);
    expect(said).toEqual([]);
    await allFilesClosed();
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("gets every file once and right although the dispatcher itself is killed", async () => {
    const sums = await writeFiles(200);
    let hashedBefore = 0;
    screen.show = ({ status }) => {
      const dispatcher = node.whereis(Dispatcher);
      if (hashedBefore > 0 || dispatcher === undefined) return;
      hashedBefore = status.hashed;
      if (hashedBefore > 0) node.exit(dispatcher, "kill");
    };
    const report = await finished({ workers: 1 });
    expect(hashedBefore).toBeGreaterThan(0);
    expect(sumsIn(report)).toEqual(sums);
    expect(report.restarts).toBeGreaterThanOrEqual(3);
  });

  test("gets every file once and right with nodes that are killed and stopped", async () => {
    const sums = await writeFiles(300);
    const cluster = await startCluster(node, 2, NODE_PROGRAM);
    const lost: string[] = [];
    cluster.remote.events.subscribe((event) => {
      if (event.type === "down") lost.push(event.node);
    });
    // Each node is struck once, in the middle of its work, be chance as it may.
    const struck = new Set<string>();
    screen.show = ({ status }) => {
      for (const [worker, { path }] of status.hands) {
        if (path === undefined || struck.has(worker.node)) continue;
        struck.add(worker.node);
        const order = struck.size === 1 ? { type: "kill" as const } : PAUSE;
        node.send(nodeProcessName(worker.node), order);
      }
    };
    const controller = new AbortController();
    const ending = await runFleet(
      node,
      options({ workers: 6, chaosPerSecond: 20 }),
      screen,
      controller.signal,
      cluster,
    );
    if (ending.type !== "finished") throw new Error("interrupted");
    expect(sumsIn(ending.report)).toEqual(sums);
    expect(ending.report.outcome).toMatchObject({ found: 300, hashed: 300, lost: 0, twice: 0 });
    expect(struck).toEqual(new Set(["node-1", "node-2"]));
    expect(new Set(lost)).toEqual(struck);
  });

  test("leaves alone what is no regular file, and never opens it", async () => {
    await writeFile(bytesOf(joinPath(directory, Buffer.from("file"))), "");
    await symlink("file", bytesOf(joinPath(directory, Buffer.from("link"))));
    await symlink(".", bytesOf(joinPath(directory, Buffer.from("loop"))));
    const server = await listen(join(directory, "socket"));
    const { outcome } = await finished();
    server.close();
    expect(outcome).toMatchObject({ found: 1, skipped: { "symbolic link": 2, socket: 1 } });
  });

  test("does not hash what it is to leave out", async () => {
    const sums = await writeFiles(3);
    const [first = directory] = sums.keys();
    const { outcome } = await finished({ except: [first] });
    expect(outcome.found).toBe(2);
  });

  test("has nothing to do in an empty directory", async () => {
    const { outcome } = await finished({ chaosPerSecond: 100 });
    expect(outcome).toMatchObject({ found: 0, lost: 0, failures: [] });
  });

  test("stops in order when interrupted, and says what was left", async () => {
    const sums = await writeFiles(50);
    const ending = await runFleet(node, options(), screen, AbortSignal.abort());
    expect(ending.type).toBe("interrupted");
    if (ending.type !== "interrupted") return;
    expect(ending.left.length).toBeLessThanOrEqual(10);
    expect(ending.status.hashed).toBeLessThan(sums.size);
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("is given up when more crashes than chaos can account for", async () => {
    await writeFiles(200);
    const killer = node.events.subscribe((event) => {
      if (event.type !== "spawned" || event.initialCall !== "hashWorker") return;
      setImmediate(() => node.exit(event.pid, "no reason"));
    });
    await expect(finished()).rejects.toThrow("the fleet was given up: shutdown");
    killer.unsubscribe();
  });
});

/**
 * Looks until no file is open: those of killed workers are closed when their last read has come back, for
 * which this waits behind it. One that stays open fails the test by its time.
 */
async function allFilesClosed(): Promise<void> {
  if (process.platform !== "linux") return;
  let open: string[];
  do {
    const links = (await readdir("/proc/self/fd")).map((fd) =>
      readlink(`/proc/self/fd/${fd}`, "latin1").catch(() => ""),
    );
    open = (await Promise.all(links)).filter((path) => path.startsWith(directory));
  } while (open.length > 0);
}

async function listen(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
