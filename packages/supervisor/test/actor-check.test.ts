import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, name } from "@coppice/core";
import * as supervisor from "@coppice/supervisor";
import { createWorld } from "./world.js";

/** As from JavaScript, where no types help. */
const { agent, circuitBreaker, rateLimit, sys, task, workerPool, ...rest } =
  supervisor as unknown as Record<string, Record<string, Act>> & Record<string, Act>;
type Act = (...args: readonly unknown[]) => unknown;

const act = async (): Promise<void> => undefined;
const definition = supervisor.defineSupervisor({ children: [] });
const handler = supervisor.defineEventHandler({ name: "h", init: () => 0, event: () => undefined });

/** What follows the actor. */
const functions: [string, Act | undefined, readonly unknown[]][] = [
  ["agent.start", agent?.["start"], [() => 0]],
  ["agent.startLink", agent?.["startLink"], [() => 0]],
  ["agent.get", agent?.["get"], ["pid", () => 0]],
  ["agent.update", agent?.["update"], ["pid", () => 0]],
  ["agent.getAndUpdate", agent?.["getAndUpdate"], ["pid", () => 0]],
  ["agent.cast", agent?.["cast"], ["pid", () => 0]],
  ["agent.stop", agent?.["stop"], [name("n")]],
  ["circuitBreaker.create", circuitBreaker?.["create"], []],
  ["circuitBreaker.run", circuitBreaker?.["run"], ["pid", act]],
  ["circuitBreaker.position", circuitBreaker?.["position"], ["pid"]],
  ["rateLimit.acquire", rateLimit?.["acquire"], ["pid"]],
  ["rateLimit.tryAcquire", rateLimit?.["tryAcquire"], ["pid"]],
  ["sys.getState", sys?.["getState"], ["pid"]],
  ["sys.replaceState", sys?.["replaceState"], ["pid", () => 0]],
  ["sys.suspend", sys?.["suspend"], ["pid"]],
  ["sys.resume", sys?.["resume"], ["pid"]],
  ["sys.getStatus", sys?.["getStatus"], ["pid"]],
  ["sys.terminate", sys?.["terminate"], ["pid", "normal"]],
  ["sys.changeCode", sys?.["changeCode"], ["pid", definition]],
  ["sys.statistics", sys?.["statistics"], ["pid", "get"]],
  ["sys.trace", sys?.["trace"], ["pid"]],
  ["task.async", task?.["async"], [act]],
  ["task.await", task?.["await"], ["task"]],
  ["task.awaitMany", task?.["awaitMany"], [["task"]]],
  ["task.yield", task?.["yield"], ["task"]],
  ["task.yieldMany", task?.["yieldMany"], [["task"]]],
  ["task.shutdown", task?.["shutdown"], ["task"]],
  ["task.start", task?.["start"], [act]],
  ["task.startLink", task?.["startLink"], [act]],
  ["task.asyncUnder", task?.["asyncUnder"], ["pid", act]],
  ["task.asyncNoLink", task?.["asyncNoLink"], ["pid", act]],
  ["task.asyncStream", task?.["asyncStream"], [[1], act]],
  ["task.startChild", task?.["startChild"], ["pid", act]],
  ["workerPool.checkOut", workerPool?.["checkOut"], ["pid"]],
  ["workerPool.checkIn", workerPool?.["checkIn"], [{}]],
  ["workerPool.use", workerPool?.["use"], ["pid", act]],
  ["workerPool.status", workerPool?.["status"], ["pid"]],
  ...(
    [
      ["startSupervisor", [definition]],
      ["openSupervisor", [definition]],
      ["startChild", ["pid", supervisor.child("a", act)]],
      ["restartChild", ["pid", "a"]],
      ["terminateChild", ["pid", "a"]],
      ["deleteChild", ["pid", "a"]],
      ["getChildSpec", ["pid", "a"]],
      ["whichChildren", ["pid"]],
      ["countChildren", ["pid"]],
      ["whichPartitions", ["pid"]],
      ["partitionsOf", ["pid"]],
      ["partition", ["pid", 1]],
      ["supervisionTree", ["pid"]],
      ["explainShutdown", ["pid"]],
      ["notify", ["pid", "event"]],
      ["syncNotify", ["pid", "event"]],
      ["addHandler", ["pid", handler]],
      ["addSupervisedHandler", ["pid", handler]],
      ["deleteHandler", ["pid", handler]],
      ["swapHandler", ["pid", handler, handler]],
      ["swapSupervisedHandler", ["pid", handler, handler]],
      ["callHandler", ["pid", handler, "request"]],
      ["sendHandlerRequest", ["pid", handler, "request"]],
      ["whichHandlers", ["pid"]],
      ["sendRequest", ["pid", ["a"]]],
      ["multiCall", [["node"], name("n"), ["a"]]],
      ["retry", [act]],
      ["callWithRetry", ["pid", ["a"]]],
      ["stop", [name("n")]],
    ] as [string, readonly unknown[]][]
  ).map(([called, args]): (typeof functions)[number] => [called, rest[called] as Act, args]),
];

describe("who acts is the self of a process, or a node: anything else is refused by", () => {
  test.each(functions)("%s", async (_what, run, args) => {
    const { node } = createWorld();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const actor of [undefined, null, 5, "node", {}, () => 0, node.pid, proxy]) {
      const refused = async (): Promise<unknown> => {
        const result = run?.(actor, ...args) as { subscribe?: Act } & Promise<unknown>;
        if (result?.subscribe === undefined) return result;
        return new Promise((_resolve, reject) => void result.subscribe?.({ error: reject }));
      };
      const error = await refused().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(String(error)).toContain("must be the self of a process");
    }
    await node.stop();
  });
});
