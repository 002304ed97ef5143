import { describe, expect, test } from "@jest/globals";
import { at, name, type Cast, type CastOf, type Node, type Pid, type Self } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, idle, spawnDead, spawnPuppet } from "./world.js";

type Counter = Cast<"up" | "down"> | string;

describe("a cast", () => {
  test("arrives as a message with the request, from a process and from outside any", async () => {
    const { node } = createWorld();
    const target = spawnPuppet(node);
    const pid = target.pid as Pid<Counter>;
    node.cast(pid, "up");
    await spawnPuppet(node).do((self) => self.cast(pid, "down"));
    expect(node.mailboxOf(pid)).toEqual([
      { type: "cast", request: "up" },
      { type: "cast", request: "down" },
    ]);
  });

  test("keeps its place among what its sender sends", async () => {
    const { node } = createWorld();
    const target = spawnPuppet(node);
    const pid = target.pid as Pid<Counter>;
    await spawnPuppet(node).do((self) => {
      self.send(pid, "before");
      self.cast(pid, "up");
      self.send(pid, "after");
    });
    expect(node.mailboxOf(pid)).toEqual(["before", { type: "cast", request: "up" }, "after"]);
  });

  test("to nobody is no error: it is reported as undelivered, whoever it was for", async () => {
    const { node, events } = createWorld();
    const dead = (await spawnDead(node)) as Pid<Counter>;
    const Nobody = name<Counter>("nobody");
    const sender = spawnPuppet(node);
    await sender.do((self) => {
      self.cast(dead, "up");
      self.cast(Nobody, "up");
      self.cast(at("demo", Nobody), "up");
      self.cast(at("elsewhere", Nobody), "up");
    });
    const undelivered = events.filter(({ type }) => type === "undelivered");
    const message = { type: "cast", request: "up" };
    expect(undelivered).toMatchObject([
      { to: dead, from: sender.pid, message, why: "dead" },
      { from: sender.pid, message, why: "unregistered" },
      { from: sender.pid, message, why: "unregistered" },
      { from: sender.pid, message, why: "noconnection" },
    ]);
  });

  test("by name reaches whoever holds it", async () => {
    const { node } = createWorld();
    const Holder = name<Counter>("holder");
    const pid = node.spawnOpt({ name: Holder, label: "holder" }, idle<Counter>);
    await quiesce();
    node.cast(Holder, "up");
    await quiesce();
    expect(node.isAlive(pid)).toBe(false);
  });

  test("lets only the requests of the receiver's inbox through", () => {
    const uses = (self: Self<never>, node: Node, counter: Pid<Counter>): void => {
      self.cast(counter, "up");
      // @ts-expect-error a counter knows up and down
      self.cast(counter, "sideways");
      // @ts-expect-error the same outside
      node.cast(counter, "sideways");
      const request: CastOf<Counter> = "up";
      void request;
    };
    expect(uses).toBeInstanceOf(Function);
  });
});
