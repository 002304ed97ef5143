import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  ExitSignal,
  InvalidArgumentError,
  name,
  NoProcessError,
  type Node,
  type NodeEvent,
  type Pid,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import {
  child,
  circuitBreaker,
  CircuitOpenError,
  defineSupervisor,
  startSupervisor,
  sys,
  type CircuitBreakerMessage,
  type CircuitChange,
} from "@coppice/supervisor";
import { boom, within } from "./world.js";

interface World {
  readonly node: Node;
  readonly events: NodeEvent[];
  advance(ms: number): Promise<void>;
}

function createWorld(): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return { node, events, advance: (ms) => clock.advance(ms, quiesce) };
}

const settings = { openAfter: { failures: 2, withinMs: 1_000 }, resetMs: 100 };
const fail = (): Promise<never> => Promise.reject(boom);
const ignore = (): undefined => undefined;

describe("a circuit breaker of one process", () => {
  test("passes on what is returned and thrown, until too much has failed", async () => {
    const { node } = createWorld();
    const breaker = circuitBreaker.create(node, settings);
    expect(await breaker.run(() => "fine")).toBe("fine");
    await expect(breaker.run(fail)).rejects.toBe(boom);
    await expect(
      breaker.run(() => {
        throw boom;
      }),
    ).rejects.toBe(boom);
    let called = false;
    const error = await breaker.run(() => (called = true)).catch((thrown: unknown) => thrown);
    expect(called).toBe(false);
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(error).toMatchObject({ code: "CIRCUIT_OPEN", retryAfterMs: 100 });
    expect((error as Error).message).toBe("the circuit is open; try again in 100 ms");
  });

  test("tries again when its time is over, and closes", async () => {
    const { node, advance } = createWorld();
    const breaker = circuitBreaker.create(node, settings);
    const changes: CircuitChange[] = [];
    breaker.changes.subscribe((change) => changes.push(change));
    await breaker.run(fail).catch(ignore);
    await breaker.run(fail).catch(ignore);
    await advance(100);
    expect(breaker.position).toBe("open");
    expect(await breaker.run(() => breaker.position)).toBe("halfOpen");
    expect(breaker.position).toBe("closed");
    expect(changes).toEqual([
      { type: "circuitChange", from: "closed", to: "open", atMs: 0 },
      { type: "circuitChange", from: "open", to: "halfOpen", atMs: 100 },
      { type: "circuitChange", from: "halfOpen", to: "closed", atMs: 100 },
    ]);
  });

  test("counts only those errors that are failures", async () => {
    const { node } = createWorld();
    const breaker = circuitBreaker.create(node, settings);
    const options = { isFailure: (error: unknown) => error !== boom };
    for (let i = 0; i < 5; i++) await breaker.run(fail, options).catch(ignore);
    expect(breaker.position).toBe("closed");
  });

  test("counts an error as a failure when that cannot be told", async () => {
    const { node } = createWorld();
    const breaker = circuitBreaker.create(node, settings);
    const unsure = new Error("unsure");
    const isFailure = (): never => {
      throw unsure;
    };
    await expect(breaker.run(fail, { isFailure })).rejects.toBe(unsure);
    await expect(breaker.run(fail, { isFailure })).rejects.toBe(unsure);
    expect(breaker.position).toBe("open");
  });

  test("is hurt by no subscriber, and tells those that are left", async () => {
    const { node, events } = createWorld();
    const breaker = circuitBreaker.create(node, settings);
    const seen: string[] = [];
    breaker.changes.subscribe(() => {
      throw boom;
    });
    breaker.changes.subscribe(({ to }) => seen.push(to));
    breaker.changes.subscribe(() => seen.push("gone")).unsubscribe();
    await breaker.run(fail).catch(ignore);
    await expect(breaker.run(fail)).rejects.toBe(boom);
    expect(seen).toEqual(["open"]);
    expect(events).toContainEqual({ type: "subscriberFailed", error: boom });
  });

  test("does not count a call whose process has to end", async () => {
    const { node } = createWorld();
    let breaker: circuitBreaker.CircuitBreaker | undefined;
    const { pid } = within(node, async (self) => {
      breaker = circuitBreaker.create(self, {
        ...settings,
        openAfter: { failures: 1, withinMs: 1 },
      });
      await breaker.run(() => self.receive(() => false));
    });
    await quiesce();
    node.exit(pid, "kill");
    await quiesce();
    expect(breaker?.position).toBe("closed");
  });
});

const Mail = name<CircuitBreakerMessage>("mail");

async function startShared(node: Node): Promise<Pid<CircuitBreakerMessage>> {
  return node.startOpt({ name: Mail }, circuitBreaker.define(settings));
}

describe("a circuit breaker that is shared", () => {
  test("counts the calls of all, and is open for all", async () => {
    const { node } = createWorld();
    await startShared(node);
    const failing = (): Promise<unknown> =>
      within(node, (self) => circuitBreaker.run(self, Mail, fail).catch(ignore)).result;
    await failing();
    expect(await circuitBreaker.position(node, Mail)).toBe("closed");
    await failing();
    expect(await circuitBreaker.position(node, Mail)).toBe("open");
    const { result } = within(node, (self) =>
      circuitBreaker.run(self, Mail, () => 1).catch((error: unknown) => error),
    );
    const error = await result;
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect((error as Error).message).toBe(`the circuit "mail" is open; try again in 100 ms`);
  });

  test("closes when a probe succeeds, of whom ever it is", async () => {
    const { node, advance } = createWorld();
    await startShared(node);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await advance(100);
    expect(await circuitBreaker.run(node, Mail, () => "sent")).toBe("sent");
    expect(await circuitBreaker.position(node, Mail)).toBe("closed");
  });

  test("reports its changes, as a warning when it opens", async () => {
    const { node, events, advance } = createWorld();
    const pid = await startShared(node);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await advance(100);
    await circuitBreaker.run(node, Mail, () => 1);
    await quiesce();
    const reports = events.flatMap((event) => (event.type === "report" ? [event] : []));
    expect(reports.map(({ from }) => from)).toEqual([pid, pid, pid]);
    expect(reports.map(({ report }) => [report.level, report.format()])).toEqual([
      ["warning", "a circuit that was closed is open"],
      ["info", "a circuit that was open is half-open"],
      ["info", "a circuit that was half-open is closed"],
    ]);
    expect(reports[0]?.report.data).toEqual({
      type: "circuitChange",
      from: "closed",
      to: "open",
      atMs: 0,
    });
  });

  test("gives the place of a probe whose process has ended to another", async () => {
    const { node, advance } = createWorld();
    await startShared(node);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await advance(100);
    let thrown: unknown;
    const prober = within(node, async (self) => {
      const probe = circuitBreaker.run(self, Mail, () => self.receive(() => false));
      await probe.catch((error: unknown) => (thrown = error));
    });
    await quiesce();
    await expect(circuitBreaker.run(node, Mail, () => 1)).rejects.toThrow(CircuitOpenError);
    node.exit(prober.pid, "shutdown");
    await quiesce();
    expect(thrown).toBeInstanceOf(ExitSignal);
    expect(await circuitBreaker.position(node, Mail)).toBe("halfOpen");
    expect(await circuitBreaker.run(node, Mail, () => "sent")).toBe("sent");
  });

  test("watches nobody when all probes have ended", async () => {
    const { node, advance } = createWorld();
    const pid = await startShared(node);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await advance(100);
    await within(node, (self) => circuitBreaker.run(self, Mail, () => 1)).result;
    await quiesce();
    expect(node.processInfo(pid)?.monitors).toEqual([]);
    expect(await sys.getState(node, pid)).toMatchObject({ watched: [] });
  });

  test("watches nobody whose probe is of no use any more: another has failed", async () => {
    const { node, advance } = createWorld();
    const pid = await node.startOpt(
      { name: Mail },
      circuitBreaker.define({ ...settings, probes: 2 }),
    );
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await advance(100);
    within(node, (self) => circuitBreaker.run(self, Mail, () => self.receive(() => false)));
    await quiesce();
    expect(node.processInfo(pid)?.monitors).toHaveLength(1);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    expect(await circuitBreaker.position(node, Mail)).toBe("open");
    expect(node.processInfo(pid)?.monitors).toEqual([]);
  });

  test("is closed again when it was started again", async () => {
    const { node } = createWorld();
    const children = [child({ id: "mail", name: Mail }, circuitBreaker.define(settings))];
    await startSupervisor(node, defineSupervisor({ children }));
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    await circuitBreaker.run(node, Mail, fail).catch(ignore);
    node.exit(node.whereis(Mail) as Pid<never>, "kill");
    await quiesce();
    expect(await circuitBreaker.run(node, Mail, () => "sent")).toBe("sent");
  });

  test("is asked before anything is called: without it nothing is", async () => {
    const { node } = createWorld();
    let called = false;
    await expect(circuitBreaker.run(node, Mail, () => (called = true))).rejects.toThrow(
      NoProcessError,
    );
    expect(called).toBe(false);
  });
});

describe("bad input", () => {
  test.each<[string, (node: Node) => unknown, string]>([
    [
      "create",
      (node) => circuitBreaker.create(node, { probes: 0 }),
      "circuitBreaker.create: settings.probes",
    ],
    [
      "define",
      () => circuitBreaker.define({ resetMs: -1 }),
      "circuitBreaker.define: settings.resetMs",
    ],
    [
      "run of an own one",
      (node) => circuitBreaker.create(node).run(1 as never),
      "circuitBreaker.run: act must be a function",
    ],
    [
      "run of an own one, options",
      (node) => circuitBreaker.create(node).run(fail, { timeoutMs: 1 } as never),
      "circuitBreaker.run: options must be made of isFailure",
    ],
    [
      "run of a shared one",
      (node) => circuitBreaker.run(node, Mail, 1 as never),
      "circuitBreaker.run: act must be a function",
    ],
    [
      "run of a shared one, options",
      (node) => circuitBreaker.run(node, Mail, fail, { isFailure: 1 } as never),
      "circuitBreaker.run: options.isFailure must be a function",
    ],
  ])("of %s is refused", async (_, act, message) => {
    const { node } = createWorld();
    const error = await Promise.resolve()
      .then(() => act(node))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as Error).message).toContain(message);
  });
});
