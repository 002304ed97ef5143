import { describe, expect, test } from "@jest/globals";
import { type NodeEvent, type Pid, type Self } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  childTemplate,
  countChildren,
  defineDynamicSupervisor,
  definePartitionSupervisor,
  defineSupervisor,
  startChild,
  startSupervisor,
  UnknownRequestError,
} from "@coppice/supervisor";
import { boom, createWorld, type World } from "./world.js";

const throwing = (): never => {
  throw boom;
};
const work = async (self: Self<unknown>): Promise<void> => void (await self.receive());
const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

const kinds: [string, (world: World) => Promise<Pid<never>>][] = [
  [
    "a supervisor",
    ({ node }) => startSupervisor(node, defineSupervisor({ children: [child("a", work)] })),
  ],
  [
    "a partition supervisor",
    ({ node }) =>
      startSupervisor(node, definePartitionSupervisor({ partitions: 1, child: child("a", work) })),
  ],
  [
    "a dynamic supervisor",
    async ({ node }) => {
      const template = childTemplate("a", work);
      const supervisor = await startSupervisor(
        node,
        defineDynamicSupervisor({ child: template }) as never,
      );
      await startChild(node, supervisor as never, []);
      return supervisor as Pid<never>;
    },
  ],
];

/** What cannot be looked at, at each place where a supervisor looks. */
const requests: [string, () => unknown][] = [
  ["a proxy whose fields throw", () => new Proxy({}, { get: throwing })],
  ["a proxy that throws at everything", () => new Proxy({}, { get: throwing, ownKeys: throwing })],
  ["a revoked proxy", () => revoked({})],
  ["an object whose type throws", () => Object.defineProperty({}, "type", { get: throwing })],
  [
    "a request whose id throws",
    () => ({
      type: "terminateChild",
      get id(): never {
        return throwing();
      },
    }),
  ],
  [
    "a request whose type throws the second time",
    () => {
      let looks = 0;
      return {
        get type(): string {
          return looks++ === 0 ? "nothing" : throwing();
        },
      };
    },
  ],
];

describe.each(kinds)("%s", (_kind, start) => {
  async function startIt(): Promise<{
    readonly world: World;
    readonly supervisor: Pid<never>;
    readonly events: NodeEvent[];
    readonly goesOn: () => Promise<void>;
  }> {
    const world = createWorld();
    const events: NodeEvent[] = [];
    world.node.events.subscribe((event) => void events.push(event));
    const supervisor = await start(world);
    const goesOn = async (): Promise<void> => {
      expect(await countChildren(world.node, supervisor as never)).toMatchObject({ active: 1 });
      expect(events.some(({ type }) => type === "crashed")).toBe(false);
      await world.node.stop();
    };
    return { world, supervisor, events, goesOn };
  }

  test.each(requests)("refuses %s, and goes on", async (_what, request) => {
    const { world, supervisor, goesOn } = await startIt();
    const answer = world.node.call(supervisor, request() as never);
    expect(await answer.catch((error: unknown) => error)).toBeInstanceOf(UnknownRequestError);
    await goesOn();
  });

  test.each<[string, () => unknown]>([
    ["a spec that cannot be looked at", () => ({ type: "startChild", spec: revoked({}) })],
    ["arguments that cannot be looked at", () => ({ type: "startChild", args: revoked([]) })],
    ["a pid that cannot be looked at", () => ({ type: "terminateChild", pid: revoked({}) })],
  ])("refuses %s, and goes on", async (_what, request) => {
    const { world, supervisor, goesOn } = await startIt();
    const answer = world.node.call(supervisor, request() as never);
    expect(await answer.catch((error: unknown) => error)).toBeInstanceOf(Error);
    await goesOn();
  });

  test.each<[string, () => unknown]>([
    [
      "a proxy whose fields throw",
      () =>
        new Proxy({ type: "exit" }, { get: (_, key) => (key === "then" ? undefined : throwing()) }),
    ],
    [
      "an object whose type throws",
      () => ({
        get type(): never {
          return throwing();
        },
      }),
    ],
    [
      "an exit whose sender throws",
      () => ({
        type: "exit",
        get from(): never {
          return throwing();
        },
      }),
    ],
    ["a call whose caller cannot be looked at", () => ({ type: "call", from: revoked({}) })],
  ])("tells %s as undelivered, and goes on", async (_what, message) => {
    const { world, supervisor, events, goesOn } = await startIt();
    world.node.send(supervisor, message() as never);
    await quiesce();
    expect(events).toContainEqual(expect.objectContaining({ type: "undelivered" }));
    await goesOn();
  });
});

test("a child that ends for a reason that cannot be looked at is one that has crashed", async () => {
  const { node } = createWorld();
  const reason = revoked({});
  const end = async (self: Self<unknown>): Promise<void> => {
    await self.receive();
    self.exit(reason as never);
  };
  const definition = defineSupervisor({
    intensity: 9,
    children: [child("a", end), child("b", work)],
  });
  const supervisor = await startSupervisor(node, definition);
  const told = await startChild(node, supervisor, child("c", end));
  if (told.ok && told.pid !== undefined) node.send(told.pid as Pid<unknown>, "end");
  await quiesce();
  expect(await countChildren(node, supervisor)).toMatchObject({ active: 3 });
  await node.stop();
});
