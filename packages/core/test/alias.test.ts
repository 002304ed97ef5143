import { describe, expect, test } from "@jest/globals";
import { isRef, type Alias, type MonitorAlias, type MonitorRef } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { inspect } from "node:util";
import { createWorld, spawnPuppet } from "./world.js";

describe("an alias", () => {
  test("is an address of the process that made it", async () => {
    const { node } = createWorld();
    const [owner, other] = [spawnPuppet(node), spawnPuppet(node)];
    const alias = await owner.do((self) => self.alias());
    node.send(alias, "from outside");
    await other.do((self) => self.send(alias, "from another"));
    expect(node.mailboxOf(owner.pid)).toEqual(["from outside", "from another"]);
  });

  test("is one of many: each is taken back by itself", async () => {
    const { node } = createWorld();
    const owner = spawnPuppet(node);
    const [first, second] = await owner.do((self) => [self.alias(), self.alias()]);
    await owner.do((self) => self.unalias(first as Alias<unknown>));
    node.send(first as Alias<unknown>, 1);
    node.send(second as Alias<unknown>, 2);
    expect(node.mailboxOf(owner.pid)).toEqual([2]);
  });

  test("taken back leads nowhere: what is sent to it is reported as undelivered", async () => {
    const { node, events } = createWorld();
    const owner = spawnPuppet(node);
    const alias = await owner.do((self) => self.alias());
    await owner.do((self) => self.unalias(alias));
    node.send(alias, "too late");
    expect(node.mailboxOf(owner.pid)).toEqual([]);
    expect(events).toContainEqual({
      type: "undelivered",
      to: owner.pid,
      from: node.pid,
      message: "too late",
      why: "alias",
    });
  });

  test("leaves what came before it was taken back", async () => {
    const { node } = createWorld();
    const owner = spawnPuppet(node);
    const alias = await owner.do((self) => self.alias());
    node.send(alias, "in time");
    await owner.do((self) => self.unalias(alias));
    expect(node.mailboxOf(owner.pid)).toEqual(["in time"]);
  });

  test("is taken back once: unalias says whether it was active", async () => {
    const { node } = createWorld();
    const owner = spawnPuppet(node);
    const alias = await owner.do((self) => self.alias());
    expect(await owner.do((self) => [self.unalias(alias), self.unalias(alias)])).toEqual([
      true,
      false,
    ]);
  });

  test("cannot be taken back by another process", async () => {
    const { node } = createWorld();
    const [owner, other] = [spawnPuppet(node), spawnPuppet(node)];
    const alias = await owner.do((self) => self.alias());
    expect(await other.do((self) => self.unalias(alias))).toBe(false);
    node.send(alias, "still there");
    expect(node.mailboxOf(owner.pid)).toEqual(["still there"]);
  });

  test("with reply lets one message through and is gone", async () => {
    const { node, events } = createWorld();
    const owner = spawnPuppet(node);
    const alias = await owner.do((self) => self.alias("reply"));
    node.send(alias, "first");
    node.send(alias, "second");
    expect(node.mailboxOf(owner.pid)).toEqual(["first"]);
    expect(events).toContainEqual(expect.objectContaining({ message: "second", why: "alias" }));
    expect(await owner.do((self) => self.unalias(alias))).toBe(false);
  });

  test("with reply can be taken back before it is used", async () => {
    const { node } = createWorld();
    const owner = spawnPuppet(node);
    const alias = await owner.do((self) => self.alias("reply"));
    expect(await owner.do((self) => self.unalias(alias))).toBe(true);
    node.send(alias, "too late");
    expect(node.mailboxOf(owner.pid)).toEqual([]);
  });

  test("of a dead process leads nowhere", async () => {
    const { node, events } = createWorld();
    const owner = spawnPuppet(node);
    const alias = await owner.do((self) => self.alias());
    node.exit(owner.pid, "kill");
    node.send(alias, "too late");
    await quiesce();
    expect(events).toContainEqual(expect.objectContaining({ message: "too late", why: "alias" }));
  });

  test("is counted in the facts about its owner as long as it is active, however it was made and ends", async () => {
    const { node } = createWorld();
    const [owner, target] = [spawnPuppet(node), spawnPuppet(node)];
    const count = (): number | undefined => node.processInfo(owner.pid)?.aliases;
    const watch = (alias: MonitorAlias): Promise<MonitorRef & Alias<unknown>> =>
      owner.do((self) => self.monitor(target.pid, (down) => down, { alias }));
    expect(count()).toBe(0);
    const plain = await owner.do((self) => self.alias());
    const once = await owner.do((self) => self.alias("reply"));
    const explicit = await watch("explicit_unalias");
    await watch("demonitor");
    const reply = await watch("reply_demonitor");
    const taken = await watch("explicit_unalias");
    expect(count()).toBe(6);
    node.send(once, "last");
    node.send(once, "too late");
    expect(count()).toBe(5);
    node.send(reply, "last");
    expect(count()).toBe(4);
    await owner.do((self) => [self.demonitor(taken), self.unalias(taken), self.unalias(taken)]);
    expect(count()).toBe(3);
    node.exit(target.pid, "kill");
    await quiesce();
    expect(count()).toBe(2);
    await owner.do((self) => [self.unalias(explicit), self.unalias(plain), self.unalias(plain)]);
    expect(count()).toBe(0);
  });

  test("keeps the order of what one process sends to it and to its owner's pid", async () => {
    const { node } = createWorld();
    const [owner, other] = [spawnPuppet(node), spawnPuppet(node)];
    const alias = await owner.do((self) => self.alias());
    await other.do((self) => {
      self.send(owner.pid, 1);
      self.send(alias, 2);
      self.send(owner.pid, 3);
    });
    expect(node.mailboxOf(owner.pid)).toEqual([1, 2, 3]);
  });

  test("prints, in strings, in JSON and on Node's console, with its node", async () => {
    const { node } = createWorld();
    const alias = await spawnPuppet(node).do((self) => self.alias());
    expect(String(alias)).toMatch(/^#Ref<demo\.\d+>$/);
    expect(JSON.stringify({ alias })).toBe(`{"alias":"${String(alias)}"}`);
    expect(inspect(alias)).toBe(String(alias));
    expect([isRef(alias), isRef({ ...alias })]).toEqual([true, false]);
  });
});
