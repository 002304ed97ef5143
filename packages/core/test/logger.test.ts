/** What the default logger says of messages that nobody has a use for. */
import { describe, expect, test } from "@jest/globals";
import { createNode, formatFailure, type NodeEvent } from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { consoleLogger } from "../src/logger.js";

async function logged(message: unknown): Promise<string[]> {
  const events: NodeEvent[] = [];
  const node = createNode({
    name: "demo",
    clock: createVirtualClock(),
    logger: (event) => events.push(event),
  });
  const pid = node.spawn<unknown, null>({
    init: () => null,
    message: (state, taken, self) => {
      self.unhandled(taken);
      return state;
    },
  });
  node.send(pid, message);
  await quiesce();
  node.exit(pid, "kill");
  node.send(pid, "too late");
  await node.stop();
  return events.flatMap((event) => formatFailure(event) ?? []);
}

describe("a message that a process has no use for", () => {
  test("is printed, with whom it was for; one that comes too late is not", async () => {
    expect(await logged({ type: "tock" })).toEqual([
      'process <demo.1> has no use for a message it got: {"type":"tock"}',
    ]);
  });

  test("is printed although it cannot be looked at", async () => {
    const hostile = {
      get type(): never {
        throw new Error("boom");
      },
    };
    expect(await logged(hostile)).toHaveLength(1);
  });

  test("is printed ten times a second, whoever sends how many; how many more there were is printed next", async () => {
    const clock = createVirtualClock();
    const lines: string[] = [];
    const logger = consoleLogger(
      () => clock.now(),
      (line) => void lines.push(line),
    );
    const node = createNode({ name: "demo", clock, logger });
    const pid = node.spawn<number, null>({
      init: () => null,
      message: (state, taken, self) => {
        self.unhandled(taken);
        return state;
      },
    });
    for (let n = 0; n < 1000; n++) node.send(pid, n);
    await clock.advance(999);
    node.send(pid, 1000);
    await quiesce();
    expect(lines).toHaveLength(10);
    await clock.advance(1);
    node.send(pid, 1001);
    await quiesce();
    expect(lines.slice(10)).toEqual([
      "[coppice] 991 more messages that processes had no use for",
      "[coppice] process <demo.1> has no use for a message it got: 1001",
    ]);
    await node.stop();
  });
});

test("a message that could not be sent is printed with the reason, ten times a second, beside others", async () => {
  const lines: string[] = [];
  let nowMs = 0;
  const logger = consoleLogger(
    () => nowMs,
    (line) => void lines.push(line),
  );
  const node = createNode({ name: "demo", clock: createVirtualClock(), logger: false });
  const pid = node.spawn<unknown>(() => undefined);
  const common = { type: "undelivered", to: pid, from: pid, message: "x" } as const;
  for (let n = 0; n < 20; n++) logger({ ...common, why: "unhandled" });
  for (let n = 0; n < 20; n++)
    logger({ ...common, why: "unsendable", error: new Error("too big") });
  expect(lines).toHaveLength(20);
  nowMs = 1_000;
  logger({ ...common, why: "unsendable", error: "no error" });
  expect(lines.slice(19)).toEqual([
    '[coppice] a message from <demo.1> to <demo.1> could not be sent: too big; it was "x"',
    "[coppice] 10 more messages that could not be sent",
    '[coppice] a message from <demo.1> to <demo.1> could not be sent: "no error"; it was "x"',
  ]);
  await node.stop();
});
