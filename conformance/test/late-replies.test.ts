import { describe, expect, test } from "@jest/globals";
import { createNode, type AnyPid, type Call, type From, type NodeEvent } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { Directive } from "../src/directive.js";
import { LateReplies } from "../src/late-replies.js";
import type { Value } from "../src/term.js";

type Undelivered = Extract<NodeEvent, { readonly type: "undelivered" }>;

/** A call that is replied to twice: what the second reply was told as, and to whom it went. */
async function replyTwice(
  value: Value,
): Promise<{ from: From<Value>; server: AnyPid; told: Undelivered }> {
  const node = createNode({ logger: false });
  const told: Undelivered[] = [];
  node.events.subscribe((event) => void (event.type === "undelivered" && told.push(event)));
  let from!: From<Value>;
  const server = node.spawn<Call<"x", Value>>(async (self) => {
    ({ from } = await self.receive());
    self.reply(from, value);
    await quiesce();
    self.reply(from, value);
  });
  node.spawn(async (self) => {
    await self.call(server, "x");
    await self.receive();
  });
  for (let turn = 0; turn < 3; turn++) await quiesce();
  expect(told).toHaveLength(1);
  return { from, server, told: told[0] as Undelivered };
}

const unlimited = new Directive(1, {}, new Map());
const limited = new Directive(2, {}, new Map());

describe("a reply that nobody waits for", () => {
  test.each<[string, Directive, boolean]>([
    ["is seen after a call without a limit of time", unlimited, true],
    ["is not seen after a call with one", limited, false],
  ])("%s", async (_what, asked, isSeen) => {
    const { from, server, told } = await replyTwice("second");
    const replies = new LateReplies();
    replies.asksWithoutLimit(unlimited);
    replies.isAsked(asked, from);
    replies.isReplied(from, server, "second");
    expect(replies.seenOf(told)).toEqual(isSeen ? [from, "second"] : undefined);
  });

  test("is not seen when it was not delivered for another reason, or is another reply", async () => {
    const { from, server, told } = await replyTwice("second");
    const replies = new LateReplies();
    replies.asksWithoutLimit(unlimited);
    replies.isAsked(unlimited, from);
    replies.isReplied(from, server, "second");
    expect(replies.seenOf({ ...told, why: "dead" })).toBeUndefined();
    expect(replies.seenOf({ ...told, message: "third" })).toBeUndefined();
    expect(replies.seenOf({ ...told, to: server })).toBeUndefined();
  });
});
