import { describe, expect, test } from "@jest/globals";
import { createNode } from "@coppice/core";
import { child, defineSupervisor, startSupervisor, supervisionTree } from "@coppice/supervisor";
import {
  createVirtualClock,
  FIFO,
  matchExit,
  matchMarbles,
  matchTrace,
  matchTree,
  quiesce,
  recordMarbles,
  runProgramAsync,
} from "@coppice/testkit";
import { coppiceMatchers } from "@coppice/testkit/jest";
import { Subject } from "rxjs";

expect.extend(coppiceMatchers);

const crash = { error: new RangeError("too far") };

describe("exit reasons", () => {
  test.each<[Parameters<typeof matchExit>[0], Parameters<typeof matchExit>[1], boolean]>([
    ["shutdown", "shutdown", true],
    ["shutdown", "normal", false],
    [{ shutdown: { a: 1 } }, { shutdown: { a: 1 } }, true],
    [{ shutdown: { a: 1 } }, { shutdown: { a: 2 } }, false],
    [crash, { error: "far" }, true],
    [crash, { error: "near" }, false],
    [crash, { error: /^too/ }, true],
    [crash, { error: /^far/ }, false],
    [crash, { error: RangeError }, true],
    [crash, { error: TypeError }, false],
    [crash, { error: Error }, true],
    [crash, { error: new RangeError("too far") }, true],
    [crash, { error: new RangeError("too") }, false],
    ["killed", { error: "killed" }, false],
  ])("%j matches %j: %s", (reason, expected, matches) => {
    expect(matchExit(reason, expected).pass).toBe(matches);
  });

  test("jest waits for the end of a process, and says what it was", async () => {
    const node = createNode({ logger: false });
    const ends = (reason: string) => node.whenExited(node.spawn(async (self) => self.exit(reason)));
    await expect(ends("done")).toExitWith("done");
    await expect(ends("done")).not.toExitWith("shutdown");
    await expect(expect(ends("done")).toExitWith("shutdown")).rejects.toThrow(
      "expected an exit with shutdown, but it was done",
    );
    expect({ shutdown: 7 }).toExitWith({ shutdown: expect.any(Number) as never });
    expect(() => expect(crash).not.toExitWith({ error: RangeError })).toThrow(
      "expected no exit with a crash with RangeError",
    );
    await node.stop();
  });
});

describe("trees", () => {
  test("a tree is compared as far as the shape goes, and each difference is told with its path", async () => {
    const node = createNode({ logger: false });
    const worker = (id: string) => child(id, async (self) => void (await self.receive()));
    const inner = defineSupervisor({ children: [worker("b"), worker("c")] });
    const app = await startSupervisor(
      node,
      defineSupervisor({ children: [worker("a"), child("inner", inner)] }),
      { label: "app" },
    );
    const tree = await supervisionTree(node, app);
    expect(tree).toHaveTree({
      id: "app",
      strategy: "one_for_one",
      children: ["a", { id: "inner", children: ["b", "c"] }],
    });
    expect(tree).toHaveTree({ id: "app" });
    expect(tree).not.toHaveTree("app");
    const { pass, message } = matchTree(tree, {
      id: "app",
      children: [
        { id: "a", restarts: 2 },
        { id: "inner", children: ["c", "b"] },
      ],
    });
    expect(pass).toBe(false);
    expect(message().split("\n").slice(0, 2)).toEqual([
      "app/a: restarts is 0, not 2",
      'app/inner: children are ["b","c"], not ["c","b"]',
    ]);
    await node.stop();
  });
});

describe("mailboxes and runs", () => {
  test("a mailbox has the messages that nobody took, in order", async () => {
    const node = createNode({ logger: false });
    const pid = node.spawn<string>(
      async (self) => void (await self.receive((message) => message === "last")),
    );
    for (const message of ["a", "b"]) node.send(pid, message);
    await quiesce();
    expect({ node, pid }).toHaveMailbox(["a", "b"]);
    expect({ node, pid }).toHaveMailbox([expect.any(String), "b"]);
    expect({ node, pid }).not.toHaveMailbox(["b", "a"]);
    expect(() => expect({ node, pid }).toHaveMailbox([])).toThrow(
      'expected that [] wait for <node.1>, but it was ["a","b"]',
    );
    await node.stop();
  });

  test("a trace has what happened in order, with gaps", async () => {
    const run = await runProgramAsync((sim) => {
      const node = sim.node();
      const pid = node.spawn<string>(async (self) => {
        for (;;) await self.receive();
      });
      for (const message of ["a", "b", "c"]) node.send(pid, message);
    }, FIFO);
    expect(run).toHaveTrace([/"a"/, "n→n/1#3"]);
    expect(run).toHaveTrace([({ message }) => message === "b"]);
    expect(run).toHaveTrace([]);
    expect(run).not.toHaveTrace([/"b"/, /"a"/]);
    expect(run).not.toHaveTrace([/"a"/, /"a"/]);
    expect(matchTrace(run, [/"b"/, /"a"/]).message().split("\n").slice(0, 2)).toEqual([
      'expected /"a"/ after /"b"/, but what happened was:',
      '  n→n/1#1 message "a"',
    ]);
  });
});

describe("marbles", () => {
  test("events of a node are compared with a drawing, on the virtual clock", async () => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    const record = recordMarbles(node.events, node, (event) =>
      "pid" in event ? event.type : undefined,
    );
    node.spawn(async (self) => self.sleep(9));
    await clock.advance(5);
    node.spawn(async (self) => self.sleep(4));
    await clock.advance(20);
    expect(record).toHaveMarbles("s 4ms s 3ms (ee)", { s: "spawned", e: "exited" });
    expect(record).not.toHaveMarbles("s 4ms s 4ms (ee)", { s: "spawned", e: "exited" });
    expect(record).not.toHaveMarbles("s 4ms s", { s: "spawned" });
    const { message } = matchMarbles(record, "s", { s: "spawned" });
    expect(message()).toBe(
      [
        "expected:",
        '  0 ms next "spawned"',
        "but it was:",
        '  0 ms next "spawned"',
        '  5 ms next "spawned"',
        '  9 ms next "exited"',
        '  9 ms next "exited"',
      ].join("\n"),
    );
    await node.stop();
  });

  test("letters stand for themselves, ends and errors are drawn, and nothing is recorded after stop", () => {
    const time = { nowMs: 100 };
    const subject = new Subject<string>();
    const [all, stopped] = [recordMarbles(subject, time), recordMarbles(subject, time)];
    subject.next("a");
    time.nowMs = 103;
    stopped.stop();
    subject.next("b");
    subject.complete();
    expect(all).toHaveMarbles("a--(b|)");
    expect(stopped).toHaveMarbles("a");
    const failing = new Subject<string>();
    const record = recordMarbles(failing, time);
    time.nowMs = 104;
    failing.error("error");
    expect(record).toHaveMarbles("-#");
  });
});

test("what a matcher is not for is told, most of all a promise that nobody waited for", async () => {
  const node = createNode({ logger: false });
  const app = await startSupervisor(node, defineSupervisor({ children: [] }), { label: "app" });
  expect(() => expect(supervisionTree(node, app)).toHaveTree("app")).toThrow(
    "toHaveTree: what expect is given must be what supervisionTree resolves to (await the promise)",
  );
  expect(() => expect("app").not.toHaveTree("app")).toThrow('resolves to, but is "app"');
  expect(() => expect(app).toHaveMailbox([])).toThrow("must be { node, pid }, but is");
  expect(() => expect(undefined).toHaveTrace([])).toThrow("must be a run, but is undefined");
  expect(() => expect(node.events).toHaveMarbles("a")).toThrow(
    "must be what recordMarbles returns",
  );
  await node.stop();
});
