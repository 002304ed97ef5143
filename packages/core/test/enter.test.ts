import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "@jest/globals";
import { createNode, InvalidArgumentError, type AnyPid, type Pid, type Self } from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";

describe("enter", () => {
  test.each([
    ["the host's scheduler", false],
    ["one that decides everything", true],
  ])("tells whose code runs, whoever woke it, under %s", async (_, decides) => {
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock });
    const current = new AsyncLocalStorage<AnyPid>();
    const node = createNode({
      clock,
      logger: false,
      enter: (pid, run) => current.run(pid, run),
      ...(decides && { scheduler }),
    });
    const settle = (): Promise<void> => (decides ? scheduler.runAll() : quiesce());
    const seen: string[] = [];
    const note = (what: string, pid: AnyPid): void => {
      seen.push(`${what} ${current.getStore() === pid}`);
    };

    const handler = node.spawn<string>({
      init: (self) => note("init", self.pid),
      message: (_state, message, self) => {
        note(message, self.pid);
        return message === "step"
          ? undefined
          : Promise.resolve().then(() => note("later", self.pid));
      },
    });
    const body = async (self: Self<string>, to: Pid<string>): Promise<void> => {
      note("body", self.pid);
      self.spawn(async (below) => note("spawned", below.pid));
      self.send(to, "step");
      await self.receive();
      note("received", self.pid);
      await self.sleep(5);
      note("slept", self.pid);
      self.send(to, "async step");
    };
    const pid = node.spawn(body, handler);
    await settle();
    node.send(pid, "go on");
    await settle();
    await clock.advance(5, settle);

    expect(seen.toSorted()).toEqual(
      ["async step", "body", "init", "later", "received", "slept", "spawned", "step"].map(
        (what) => `${what} true`,
      ),
    );
    expect(current.getStore()).toBeUndefined();
  });

  test("refuses what cannot be called", () => {
    const enter = "enter" as never;
    expect(() => createNode({ enter })).toThrow(InvalidArgumentError);
    expect(() => createNode({ enter })).toThrow(
      'createNode: options.enter must be a function, but is "enter"',
    );
  });
});
