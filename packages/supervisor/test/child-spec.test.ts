import { describe, expect, test } from "@jest/globals";
import { name, type Handler, type Self } from "@coppice/core";
import {
  child,
  defineSupervisor,
  InvalidChildSpecError,
  startWith,
  type AutoShutdown,
  type ChildSpec,
} from "@coppice/supervisor";
import { checkChildSpec, checkedChildren } from "../src/child-spec-check.js";

type Ping = { readonly type: "ping" };

async function worker(self: Self<Ping>): Promise<void> {
  await self.receive();
}
async function counter(self: Self<number>, _from: number): Promise<void> {
  await self.receive();
}
const handler: Handler<Ping, number, [from: number]> = {
  init: (_self, from) => from,
  message: (state) => state + 1,
};
const nested = defineSupervisor({ children: [] });

function errorOf(spec: unknown, autoShutdown?: AutoShutdown): InvalidChildSpecError {
  try {
    checkChildSpec(spec as ChildSpec, "child", autoShutdown);
  } catch (error) {
    if (error instanceof InvalidChildSpecError) return error;
    throw error;
  }
  throw new Error("the spec was accepted");
}

describe("the defaults of a child spec", () => {
  test("a worker is permanent, gets 5000 ms to end, and is not significant", () => {
    expect(checkChildSpec({ id: "a", start: worker }, "child")).toEqual({
      id: "a",
      program: worker,
      args: [],
      restart: "permanent",
      shutdown: 5_000,
      type: "worker",
      significant: false,
      startTimeoutMs: Infinity,
      backoff: undefined,
      name: undefined,
      label: "a",
    });
  });

  test("what defineSupervisor made is a supervisor, and gets all the time it needs", () => {
    expect(checkChildSpec({ id: "a", start: nested }, "child")).toMatchObject({
      type: "supervisor",
      shutdown: "infinity",
    });
  });

  test("any child that is called a supervisor gets all the time it needs", () => {
    expect(checkChildSpec({ id: "a", type: "supervisor", start: worker }, "child").shutdown).toBe(
      "infinity",
    );
  });

  test("a shutdown that is given holds for a supervisor, too", () => {
    expect(checkChildSpec({ id: "a", shutdown: 10, start: nested }, "child").shutdown).toBe(10);
  });
});

describe("child", () => {
  test("takes the id, the body and its arguments", () => {
    expect(child("a", counter, 7)).toEqual({ id: "a", start: [counter, 7] });
  });

  test("takes options in place of the id", () => {
    const Counter = name<number>("counter");
    expect(child({ id: "a", restart: "transient", name: Counter }, counter, 7)).toEqual({
      id: "a",
      restart: "transient",
      name: Counter,
      start: [counter, 7],
    });
  });

  test.each<[string, ChildSpec]>([
    ["a body", child("a", worker)],
    ["a handler", child("a", handler, 1)],
    ["a supervisor", child("a", nested)],
    [
      "a start function",
      child(
        "a",
        startWith(() => "ignore"),
      ),
    ],
  ])("accepts %s", (_what, spec) => {
    expect(checkChildSpec(spec, "child").id).toBe("a");
  });

  test("refuses a wrong spec at once", () => {
    expect(() => child({ id: "a", shutdown: -1 }, worker)).toThrow(InvalidChildSpecError);
  });

  test("does not compile with arguments or a name that do not fit", () => {
    // @ts-expect-error its argument is missing
    child("a", counter);
    // @ts-expect-error its argument is a number
    child("a", counter, "7");
    // @ts-expect-error it takes none
    child("a", worker, 1);
    // @ts-expect-error the name's messages are no pings
    child({ id: "a", name: name<number>("pings") }, worker);
    // @ts-expect-error in a spec by hand a body with arguments needs them beside it
    const spec: ChildSpec = { id: "a", start: counter };
    expect(spec.id).toBe("a");
  });
});

describe("the check of a child spec", () => {
  test.each<[string, unknown, string]>([
    ["no object", "a", "child"],
    ["null", null, "child"],
    ["an array", [], "child"],
    ["no id", { start: worker }, "child.id"],
    ["an empty id", { id: "", start: worker }, "child.id"],
    ["an id that is no string", { id: 7, start: worker }, "child.id"],
    ["no start", { id: "a" }, "child.start"],
    ["a start that is nothing to run", { id: "a", start: {} }, "child.start"],
    ["an empty start", { id: "a", start: [] }, "child.start[0]"],
    ["arguments without a program", { id: "a", start: [7] }, "child.start[0]"],
    ["half a handler", { id: "a", start: { init: worker } }, "child.start"],
    ["an unknown restart", { id: "a", start: worker, restart: "always" }, "child.restart"],
    ["a null restart", { id: "a", start: worker, restart: null }, "child.restart"],
    ["an unknown shutdown", { id: "a", start: worker, shutdown: "soon" }, "child.shutdown"],
    ["a negative shutdown", { id: "a", start: worker, shutdown: -1 }, "child.shutdown"],
    ["a broken shutdown", { id: "a", start: worker, shutdown: 0.5 }, "child.shutdown"],
    ["a shutdown below all", { id: "a", start: worker, shutdown: -Infinity }, "child.shutdown"],
    ["an unknown type", { id: "a", start: worker, type: "boss" }, "child.type"],
    ["significant as text", { id: "a", start: worker, significant: "yes" }, "child.significant"],
    [
      "significant and permanent",
      { id: "a", start: worker, significant: true },
      "child.significant",
    ],
    ["a name that is text", { id: "a", start: worker, name: "a" }, "child.name"],
    ["a label that is no text", { id: "a", start: worker, label: 7 }, "child.label"],
    ["an unknown field", { id: "a", start: worker, restrat: "transient" }, "child.restrat"],
  ])("refuses %s", (_what, spec, path) => {
    expect(errorOf(spec).path).toBe(path);
  });

  test.each<[AutoShutdown | undefined, boolean]>([
    ["never", false],
    ["any_significant", true],
    ["all_significant", true],
    [undefined, true],
  ])("under autoShutdown %s a significant child is accepted: %s", (autoShutdown, accepted) => {
    const spec: ChildSpec = { id: "a", start: worker, restart: "transient", significant: true };
    const check = (): unknown => checkChildSpec(spec, "child", autoShutdown);
    if (accepted) expect(check()).toMatchObject({ significant: true });
    else expect(check).toThrow(InvalidChildSpecError);
  });

  test("accepts a shutdown of 0 milliseconds", () => {
    expect(checkChildSpec({ id: "a", start: worker, shutdown: 0 }, "child").shutdown).toBe(0);
  });

  test("the error says what was expected and what came", () => {
    const error = errorOf({ id: "a", start: worker, restart: "always" });
    expect(error.code).toBe("INVALID_CHILD_SPEC");
    expect(error.received).toBe("always");
    expect(error.message).toBe(
      'child.restart must be "permanent", "transient" or "temporary", but is "always"',
    );
  });

  test("names a function it did not expect, and what is missing", () => {
    expect(errorOf({ id: worker, start: worker }).message).toMatch(/but is the function worker$/);
    expect(errorOf({ start: worker }).message).toMatch(/but is missing$/);
  });
});

describe("the check of all children", () => {
  const check = (specs: unknown) => (): unknown => checkedChildren(specs as ChildSpec[]);

  test("an error says which child it is", () => {
    const specs = [
      { id: "a", start: worker },
      { id: "b", start: worker, type: "boss" },
    ];
    expect(check(specs)).toThrow(/^children\[1\]\.type /);
  });

  test("no two children may have one id", () => {
    const twice = [
      { id: "a", start: worker },
      { id: "b", start: worker },
      { id: "a", start: worker },
    ];
    expect(check(twice)).toThrow(
      'children[2].id must be an id of its own, not that of children[0], but is "a"',
    );
  });

  test("children are an array", () => {
    expect(check({ a: worker })).toThrow(/^children must be an array of child specs/);
  });
});
