import { describe, expect, test } from "@jest/globals";
import { createNode, InvalidArgumentError, TIMEOUT, type Body, type Handler } from "@coppice/core";
import { defineServer } from "@coppice/supervisor";
import {
  checkOracles,
  createVirtualClock,
  dropClauses,
  FIFO,
  ignoreKinds,
  OracleError,
  requireOracles,
  runProgramAsync,
} from "@coppice/testkit";

describe("checks of checks", () => {
  const clauses = {
    init: (n: number) => n,
    call: { get: (n: number) => ({ reply: n }) },
    cast: { add: (n: number, by: number) => ({ state: n + by }), reset: () => ({ state: 0 }) },
  };
  const suite = async (subject: typeof clauses): Promise<void> => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    const server = await node.start(defineServer(subject), 1);
    node.cast(server, ["add", 2]);
    const answer = node.call(server, ["get"], { timeoutMs: 50 }).catch(() => "no answer");
    await clock.advance(50);
    const sum = await answer;
    await node.stop();
    expect(sum).toBe(3);
  };

  test("a suite that never resets misses that the reset does nothing, and no other clause", async () => {
    const report = await checkOracles(suite, clauses, dropClauses(clauses));
    expect(report).toEqual({
      caught: ["without init", "without call.get", "without cast.add"],
      missed: ["without cast.reset"],
    });
    expect(() => requireOracles(report)).toThrow(
      "1 of 4 mutants went unnoticed:\n  without cast.reset",
    );
    expect(() => requireOracles({ ...report, missed: [] })).not.toThrow();
  });

  test("a suite that is red anyway, and one that nothing is tried on, prove nothing", async () => {
    await expect(checkOracles(() => false, clauses, dropClauses(clauses))).rejects.toThrow(
      OracleError,
    );
    await expect(checkOracles(suite, clauses, [])).rejects.toThrow(InvalidArgumentError);
  });

  test("the subject itself is left as it was", () => {
    const before = clauses.call.get;
    const [, mutant] = [...dropClauses(clauses)];
    expect(clauses.call.get).toBe(before);
    expect(mutant?.subject.call.get).not.toBe(before);
    expect(mutant?.subject.cast).toBe(clauses.cast);
  });

  type Inbox = "ping" | "stop" | { readonly type: "note" };
  const heard = async (
    program: Body<Inbox> | Handler<Inbox, string[]>,
    log: string[],
  ): Promise<string[]> => {
    log.length = 0;
    await runProgramAsync((sim) => {
      const node = sim.node();
      const pid = node.spawn<Inbox>(program as Body<Inbox>);
      for (const message of ["ping", { type: "note" }, "stop"] as const) node.send(pid, message);
    }, FIFO);
    return [...log];
  };
  const kindOf = (message: Inbox): string => (typeof message === "string" ? message : message.type);

  test("a body that is deaf to a kind never gets it, and works otherwise as before", async () => {
    const log: string[] = [];
    const body: Body<Inbox> = async (self) => {
      for (;;) {
        const message = await self.receive(() => true, { timeoutMs: 10 });
        if (message === TIMEOUT) return void log.push(`timeout of ${String(self.pid)}`);
        log.push(kindOf(message));
        if (message === "stop") return;
      }
    };
    expect(await heard(body, log)).toEqual(["ping", "note", "stop"]);
    const [deafToNote, deafToStop] = [...ignoreKinds(body, ["note", "stop"])];
    expect(deafToNote?.name).toBe("deaf to note");
    expect(await heard(deafToNote?.subject as typeof body, log)).toEqual(["ping", "stop"]);
    expect(await heard(deafToStop?.subject as typeof body, log)).toEqual([
      "ping",
      "note",
      "timeout of <n.1>",
    ]);
  });

  test("a handler that is deaf to a kind keeps its state", async () => {
    const log: string[] = [];
    const handler: Handler<Inbox, string[]> = {
      init: () => [],
      message: (state, message) => (log.push(kindOf(message)), state),
    };
    const [deaf] = [...ignoreKinds(handler, ["ping"])];
    expect(await heard(deaf?.subject as typeof handler, log)).toEqual(["note", "stop"]);
  });
});
