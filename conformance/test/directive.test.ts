import { describe, expect, test } from "@jest/globals";
import { createNode, type Self } from "@coppice/core";
import { Directive, follow, type Ret } from "../src/directive.js";
import { LAYERS } from "../src/layers.js";
import type { Actor, Scope } from "../src/op.js";
import type { JsonObject } from "../src/program.js";
import { Raised } from "../src/raised.js";
import { createSchedule } from "../src/schedule.js";
import { World } from "../src/world.js";

const layer = LAYERS.get("gen_server");

async function withActor<T>(act: (actor: Actor) => T | Promise<T>): Promise<T> {
  if (layer === undefined) throw new Error("there is no layer gen_server");
  const world = new World(layer, createSchedule("direct"));
  return new Promise<T>((resolve, reject) => {
    const node = createNode({ logger: false });
    node.spawn(async (self: Self<unknown>) => {
      try {
        resolve(await act({ world, name: "s1", self, step: 3 }));
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

const directive = (json: JsonObject, scope: Scope = new Map()): Directive =>
  new Directive(3, json, scope);
const asItIs = (ret: Ret): Ret => ret;

describe("a directive", () => {
  test("returns at once when none of its ops has to wait", async () => {
    const ret = await withActor((actor) => {
      const told = follow(actor, directive({ do: [{ op: "noop" }] }), ["ok"], asItIs);
      expect(told).toEqual(["ok"]);
      return told;
    });
    expect(ret).toEqual(["ok"]);
  });

  test("returns what it says when its ops have waited", async () => {
    const json = { do: [{ op: "recv", timeout: 0 }], ret: ["reply", 1] };
    const ret = await withActor((actor) => {
      const told = follow(actor, directive(json), ["ok"], asItIs);
      expect(told).toBeInstanceOf(Promise);
      return told;
    });
    expect(ret).toEqual(["reply", 1]);
  });

  test.each<[JsonObject, Raised]>([
    [{ ret: ["error", "bang"] }, new Raised("error", "bang")],
    [{ ret: ["exit", ["t", 1]] }, new Raised("exit", ["t", 1])],
    [{ do: [{ op: "throw", reason: "x" }], ret: ["error", "bang"] }, new Raised("throw", "x")],
  ])("%j raises, and the rest of it is left", async (json, raised) => {
    const outcome = withActor((actor) => follow(actor, directive(json), ["ok"], asItIs));
    await expect(outcome).rejects.toEqual(raised);
  });

  test("has the bindings of the moment it was sent, and keeps its own to its ops", async () => {
    const scope: Scope = new Map();
    await withActor((actor) => {
      scope.set("p1", actor.self.pid);
      const sent = directive(
        {
          do: [
            { op: "alias", as: "r1" },
            { op: "unalias", ref: "<r1>" },
          ],
        },
        scope,
      );
      scope.delete("p1");
      follow(actor, sent, ["ok"], asItIs);
      expect(sent.decode("<p1>", actor)).toBe(actor.self.pid);
      expect(sent.nested({}).decode(["<self>"], actor)).toEqual([actor.self.pid]);
      expect(() => sent.decode("<r1>", actor)).toThrow("nothing is bound to <r1>");
    });
  });

  test("logs what an op did where it is told to", async () => {
    const log = await withActor(async (actor) => {
      const json = { do: [{ op: "noop", log: true }, { op: "noop" }] };
      await follow(actor, directive(json), ["ok"], asItIs);
      return actor.world.log;
    });
    expect(log).toEqual([["s1", "did", "noop", "ok"]]);
  });
});
