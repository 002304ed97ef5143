import { describe, expect, test } from "@jest/globals";
import type { Self } from "@coppice/core";
import {
  checkChildSpecs,
  child,
  childTemplate,
  defineDynamicSupervisor,
  defineServer,
  defineSupervisor,
  startChild,
  type AutoShutdown,
  type ChildSpec,
  type ChildSpecRule,
  type DynamicSupervisorPid,
} from "@coppice/supervisor";
import { checkChildSpec } from "../src/child-spec-check.js";
import { createWorld } from "./world.js";

const start = async (): Promise<void> => undefined;

describe("checkChildSpecs", () => {
  test("is content with specs that a supervisor would accept", () => {
    const specs = [
      child("a", start),
      { id: "b", start, restart: "temporary", shutdown: 0 } as const,
    ];
    expect(checkChildSpecs(specs)).toEqual({ ok: true });
    expect(checkChildSpecs([])).toEqual({ ok: true });
  });

  test.each<[unknown, string, ChildSpecRule]>([
    ["no specs", "children", "badarg"],
    [["a"], "children[0]", "invalid_child_spec"],
    [[null], "children[0]", "invalid_child_spec"],
    [[{ start }], "children[0].id", "missing_id"],
    [[{ id: "", start }], "children[0].id", "invalid_id"],
    [[{ id: 7, start }], "children[0].id", "invalid_id"],
    [[{ id: "a" }], "children[0].start", "missing_start"],
    [[{ id: "a", start: "worker" }], "children[0].start", "invalid_mfa"],
    [[{ id: "a", start: [] }], "children[0].start[0]", "invalid_mfa"],
    [[{ id: "a", start, restart: "always" }], "children[0].restart", "invalid_restart_type"],
    [[{ id: "a", start, significant: 1 }], "children[0].significant", "invalid_significant"],
    [[{ id: "a", start, significant: true }], "children[0].significant", "bad_combination"],
    [[{ id: "a", start, type: "boss" }], "children[0].type", "invalid_child_type"],
    [[{ id: "a", start, shutdown: -1 }], "children[0].shutdown", "invalid_shutdown"],
    [[{ id: "a", start, shutdown: "soon" }], "children[0].shutdown", "invalid_shutdown"],
    [
      [{ id: "a", start, startTimeoutMs: -1 }],
      "children[0].startTimeoutMs",
      "invalid_start_timeout",
    ],
    [[{ id: "a", start, backoff: { maxMs: -1 } }], "children[0].backoff.maxMs", "invalid_backoff"],
    [[{ id: "a", start, backoff: 7 }], "children[0].backoff", "invalid_backoff"],
    [[{ id: "a", start, name: "a" }], "children[0].name", "invalid_name"],
    [[{ id: "a", start, label: 7 }], "children[0].label", "invalid_label"],
    [[{ id: "a", start, restrat: "permanent" }], "children[0].restrat", "unknown_field"],
    [
      [
        { id: "a", start },
        { id: "b", start },
        { id: "a", start },
      ],
      "children[2].id",
      "duplicate_child_name",
    ],
  ])("of %j says that %s is against the rule %s", (specs, path, rule) => {
    const result = checkChildSpecs(specs as ChildSpec[]);
    expect(result).toMatchObject({ ok: false, error: { path, rule } });
  });

  test.each<[AutoShutdown | undefined, boolean]>([
    [undefined, true],
    ["never", false],
    ["any_significant", true],
    ["all_significant", true],
  ])(
    "for a supervisor with autoShutdown %s a significant child is fine: %s",
    (autoShutdown, ok) => {
      const spec = { id: "a", start, restart: "transient", significant: true } as const;
      const result = checkChildSpecs([spec], autoShutdown);
      expect(result.ok).toBe(ok);
      if (!result.ok) {
        expect(result.error).toMatchObject({
          path: "children[0].significant",
          rule: "bad_combination",
        });
      }
    },
  );

  test("refuses an autoShutdown that there is not", () => {
    expect(checkChildSpecs([], "sometimes" as never)).toMatchObject({
      ok: false,
      error: { path: "autoShutdown", rule: "badarg" },
    });
  });

  test.each<[object, ChildSpecRule]>([
    [{}, "missing_id"],
    [{ id: "a", restart: "always" }, "missing_start"],
    [{ id: "a", start: 7, restart: "always" }, "invalid_mfa"],
    [{ id: "a", start, restart: "always", significant: true }, "invalid_restart_type"],
    [{ id: "a", start, significant: true, type: "boss" }, "bad_combination"],
    [{ id: "a", start, type: "boss", shutdown: -1 }, "invalid_child_type"],
  ])("of several faults names the one that OTP names: %j, %s", (spec, rule) => {
    const result = checkChildSpecs([spec as ChildSpec], "never");
    expect(result).toMatchObject({ ok: false, error: { rule } });
  });
});

describe("the arguments of a template", () => {
  async function session(self: Self<string>, _server: string, _user: number): Promise<void> {
    await self.receive();
  }
  const server = defineServer({ init: (from: number, to: number) => [from, to] });

  test("are checked by the compiler: those given at once, and those of each start", async () => {
    const { node } = createWorld();
    const template = childTemplate("session", session, "eu");
    const supervisor = await node.start(defineDynamicSupervisor({ child: template }));
    const pid: DynamicSupervisorPid<string, [user: number]> = supervisor;
    const started = await startChild(node, pid, [1]);
    if (started.ok && started.pid !== undefined) node.send(started.pid, "hello");
    // @ts-expect-error a user is a number
    await startChild(node, pid, ["one"]);
    // @ts-expect-error there is just one argument left
    await startChild(node, pid, [1, 2]);
    // @ts-expect-error a server is a string
    childTemplate("session", session, 7);
    // @ts-expect-error no more arguments than the program has
    childTemplate("session", session, "eu", 7, 8);
    expect(childTemplate("server", server, 1).id).toBe("server");
    await node.stop();
  });
});

describe("an error of a spec says what came", () => {
  const refusalOf = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return String(error);
    }
    return "none";
  };
  const options = (fields: object): (() => unknown) => {
    return () => child({ id: "a", ...fields } as never, start);
  };

  test.each<[string, () => unknown, string]>([
    ["NaN", options({ shutdown: Number.NaN }), "milliseconds, but is NaN"],
    ["-Infinity", options({ shutdown: -Infinity }), "milliseconds, but is -Infinity"],
    [
      "Infinity",
      () => defineSupervisor({ intensity: Infinity, children: [] }),
      "at least 0, but is Infinity",
    ],
    ["a number as id", () => child(5 as never, start), "child.id must be a string"],
    ["that number", () => child(5 as never, start), "but is 5"],
    ["a number as the id of a template", () => childTemplate(5 as never, start), "but is 5"],
    ["no id", () => child(undefined as never, start), "but is missing"],
    ["an unknown field", options({ maxRestarts: 3 }), "), but is unknown"],
    [
      "an unknown field of a supervisor",
      () => defineSupervisor({ maxRestarts: 3, children: [] } as never),
      "), but is unknown",
    ],
    [
      "a server without child()",
      () => defineSupervisor({ children: [defineServer({ init: () => 0 })] as never }),
      "children[0] must be a child spec, such as child() makes",
    ],
    [
      "a supervisor without child()",
      () => defineSupervisor({ children: [defineSupervisor({ children: [] })] as never }),
      "children[0] must be a child spec, such as child() makes",
    ],
  ])("%s", (_what, make, message) => {
    expect(refusalOf(make)).toContain(message);
  });
});

test("a shutdown of Infinity is one of infinity", () => {
  const spec = child({ id: "a", shutdown: Infinity }, start);
  expect(checkChildSpec(spec, "child").shutdown).toBe("infinity");
});
