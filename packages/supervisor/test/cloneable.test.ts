import { describe, expect, test } from "@jest/globals";
import { name, UncloneableMessageError } from "@coppice/core";
import { sendCloneable } from "../src/cloneable.js";
import { createWorld } from "./world.js";

const uncloneable = { error: new Error("boom", { cause: () => "no data" }) };

describe("what is told where messages are cloned", () => {
  test("stays as it is when it can be cloned", () => {
    const sent: unknown[] = [];
    const message = { reason: { error: new Error("boom") } };
    sendCloneable(message, (what) => void sent.push(what));
    expect(sent[0]).toBe(message);
  });

  test("has its exit reasons as text when it cannot, and the rest as it is", () => {
    const { node } = createWorld({ messages: "clone" });
    const pid = node.spawn<unknown>(async (self) => void (await self.receive(() => false)));
    const Worker = name<unknown>("worker");
    const message = [{ id: "a", pid, name: Worker, lastExit: uncloneable, restarts: 1 }];
    sendCloneable(message, (what) => node.send(pid, what));
    const told = [{ id: "a", pid, name: Worker, lastExit: "Error: boom", restarts: 1 }];
    expect(node.mailboxOf(pid)).toEqual([told]);
  });

  test("is not told at all when something else is wrong with it", () => {
    const send = (): never => {
      throw new UncloneableMessageError("message", "odd");
    };
    expect(() => sendCloneable({}, send)).toThrow(UncloneableMessageError);
  });
});
