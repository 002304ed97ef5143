/** What the default logger says of messages that nobody has a use for. */
import { describe, expect, test } from "@jest/globals";
import { createNode, formatFailure, type NodeEvent } from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";

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
});
