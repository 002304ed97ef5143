import { describe, expect, test } from "@jest/globals";
import {
  name,
  NameTakenError,
  type ExitReason,
  type Handler,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import type { Starter, StartResult } from "@coppice/supervisor";
import { isProcess, startAndWait, type StartCall } from "../src/start.js";
import { createWorld, isSettled, within } from "./world.js";

type Inbox = StartCall | { readonly type: "never" };

/** A process that answers after `ms`, as `answer` has it. */
async function answering(
  self: Self<Inbox>,
  ms: number,
  answer: { readonly info?: number } | "ignore" | { readonly exit: ExitReason },
): Promise<void> {
  await self.sleep(ms);
  if (typeof answer === "object" && "exit" in answer) self.exit(answer.exit);
  const call = await self.receive();
  if (call.type === "call") self.reply(call.from, answer as "ignore");
  if (answer !== "ignore") await self.receive();
}

describe("a start that is waited for", () => {
  test.each<[string, Parameters<typeof answering>[2], (pid: Pid<Inbox>) => StartResult<Inbox>]>([
    ["answers", {}, (pid) => ({ pid })],
    ["answers with information", { info: 7 }, (pid) => ({ pid, info: 7 })],
    ["answers that it ignores the start", "ignore", () => "ignore"],
    ["exits first", { exit: "no" }, () => ({ error: "no" })],
    ["ends normally first", { exit: "normal" }, () => ({ error: "normal" })],
  ])("when the process %s", async (_what, answer, expected) => {
    const { node, clock } = createWorld();
    const started = startAndWait(node, {}, answering, 10, answer);
    const [pid] = node.processes() as [Pid<Inbox>];
    expect(await isSettled(started)).toBe(false);
    await clock.advance(10);
    expect(await started).toEqual(expected(pid));
  });

  test("a handler can be started, too: it answers when init has returned", async () => {
    const { node } = createWorld();
    const handler: Handler<Inbox, number, [number]> = {
      init: (_self, first) => first,
      message: (state, message, self) => {
        if (message.type === "call") self.reply(message.from, { info: state });
        return state;
      },
    };
    expect(await startAndWait(node, {}, handler, 7)).toMatchObject({ info: 7 });
  });

  test("the options are those of spawnOpt", async () => {
    const { node, clock } = createWorld();
    const Taken = name<Inbox>("taken");
    const started = startAndWait(node, { name: Taken, label: "one" }, answering, 10, {});
    const pid = node.whereis(Taken) as Pid<Inbox>;
    expect(node.processInfo(pid)).toMatchObject({ label: "one" });
    await clock.advance(10);
    expect(await started).toEqual({ pid });
    const again = startAndWait(node, { name: Taken }, answering, 0, {});
    await expect(again).rejects.toThrow(NameTakenError);
    expect(node.processes()).toEqual([pid]);
  });

  test("a starter that has to exit while it waits unwinds", async () => {
    const { node } = createWorld();
    let unwound = false;
    const { pid, result } = within(node, async (self) => {
      try {
        return await startAndWait(self, { link: true }, answering, 60_000, "ignore");
      } finally {
        unwound = true;
      }
    });
    await isSettled(result);
    const ended = node.whenExited(pid);
    node.exit(pid, "enough");
    expect(await ended).toBe("enough");
    await quiesce();
    expect(unwound).toBe(true);
    expect(node.counts.processes).toBe(0);
  });
});

describe("who starts", () => {
  test("a process and a node both can", async () => {
    const { node } = createWorld();
    const starters: Starter[] = [node];
    await within(node, (self) => void starters.push(self)).result;
    expect(starters.map(isProcess)).toEqual([false, true]);
  });
});
