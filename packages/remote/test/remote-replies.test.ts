import { describe, expect, test } from "@jest/globals";
import { at, formatFailure, name, type AnyPid, type Call, type Node } from "@coppice/core";
import { agent, defineServer, defineStateMachine, sys } from "@coppice/supervisor";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

/** What a server may have to say, and where in it is what cannot be sent. */
const HELD: Readonly<Record<string, readonly [value: unknown, why: RegExp]>> = {
  "a function": [{ on: { click: () => 1 } }, /^.*cannot be sent: message\.on\.click is a function/],
  "an instance of a class": [[new (class Cart {})()], /cannot be sent: message\[0\] is .*Cart/],
  "a nest": [nestOf(100), /cannot be sent: message.*nested/],
  "a getter that throws": [
    Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error("not now");
      },
    }),
    /cannot be sent: not now$/,
  ],
  "half of a character": [{ ["k\ud83d"]: 1 }, /cannot be sent: .*surrogate/],
};

function nestOf(depth: number): unknown {
  let nest: unknown = 1;
  for (let i = 0; i < depth; i++) nest = [nest];
  return nest;
}

const valueOf = (what: string): unknown => HELD[what]?.[0] ?? what;

type Asked = Call<string | readonly [string, string], unknown>;
const Server = name<Asked>("server");
type Start = (node: Node) => Promise<AnyPid> | AnyPid;

const server = defineServer({
  init: () => 0,
  call: {
    ask: (count, what: string) => ({ reply: valueOf(what), state: count + 1 }),
    count: (count) => ({ reply: count }),
  },
});

const stopping = defineServer({
  init: () => 0,
  call: { ask: (_count, what: string) => ({ reply: valueOf(what), stop: "normal" }) },
});

const machine = defineStateMachine({
  init: () => ({ state: "on", data: 0 }),
  states: {
    on: {
      call: {
        ask: ({ data }: { readonly data: number }, what: string) => ({
          reply: valueOf(what),
          data: data + 1,
        }),
      },
    },
  },
} as never);

const servers: readonly (readonly [string, Start])[] = [
  [
    "a process",
    (node) =>
      node.spawn<Asked>(async (self) => {
        for (;;) {
          const { from, request } = await self.receive();
          self.reply(from, valueOf(request[1] as string));
        }
      }),
  ],
  [
    "a handler",
    (node) =>
      node.spawn<Asked>({
        init: () => 0,
        message: (count, { from, request }, self) => {
          self.reply(from, valueOf(request[1] as string));
          return count;
        },
      }),
  ],
  ["a gen_server", (node) => node.start(server)],
  ["a gen_statem", (node) => node.start(machine as unknown as typeof server)],
];

interface Pair extends RemoteWorld {
  readonly a: Member;
  readonly b: Member;
  ask(what: string): Promise<unknown>;
}

async function createPair(start: Start): Promise<Pair> {
  const world = createRemoteWorld();
  const a = await world.start("a");
  const b = await world.start("b");
  b.node.register(Server, (await start(b.node)) as never);
  return {
    ...world,
    a,
    b,
    ask: async (what) => {
      const asked = a.node
        .call(at("b", Server), ["ask", what] as const)
        .catch((error: unknown) => error);
      await world.settle();
      return asked;
    },
  };
}

describe("a reply that cannot be sent", () => {
  test.each(servers)(
    "by %s is the error of who asked, is told where it was made, and ends nobody",
    async (_, start) => {
      const { a, b, ask } = await createPair(start);
      const there = b.node.whereis(Server);
      for (const [what, [value, why]] of Object.entries(HELD)) {
        expect(await ask(what)).toMatchObject({
          name: "UnsendableReplyError",
          code: "UNSENDABLE_REPLY",
          message: expect.stringMatching(why),
        });
        const told = b.nodeEvents.filter(({ type }) => type === "undelivered").at(-1);
        expect(told).toMatchObject({ from: there, why: "unsendable" });
        expect((told as { message: unknown }).message === value).toBe(true);
        expect((told as { to: AnyPid }).to.node).toBe("a");
        expect(formatFailure(told as never)).toMatch(
          /^a message from <b\.1> to .* could not be sent: /,
        );
      }
      expect(await ask("fine")).toBe("fine");
      expect([b.node.whereis(Server), b.node.counts.crashes, a.remote.nodes()]).toEqual([
        there,
        0,
        [expect.objectContaining({ monitors: 0 })],
      ]);
      expect(b.node.counts.undelivered).toBe(Object.keys(HELD).length);
    },
  );

  test("has its effect all the same: the state that came with it is kept, and who stops stops", async () => {
    const { a, b, ask, settle } = await createPair((node) => node.start(server));
    await ask("a function");
    const counted = a.node.call(at("b", Server), ["count"] as never);
    await settle();
    expect(await counted).toBe(1);
    const stops = await createPair((node) => node.start(stopping));
    expect(await stops.ask("a function")).toMatchObject({ code: "UNSENDABLE_REPLY" });
    expect(stops.b.node.counts).toMatchObject({ processes: 0, crashes: 0 });
    expect(b.node.counts.crashes).toBe(0);
  });

  test("is as much the error of who asks for the state", async () => {
    const holding = defineServer({ init: () => ({ close: () => undefined }) });
    const { a, b, settle } = await createPair((node) => node.start(holding));
    const asked = sys.getState(a.node, at("b", Server) as never).catch((error: unknown) => error);
    await settle();
    expect(await asked).toMatchObject({
      message: expect.stringMatching(/state\.close is a function/),
    });
    expect(b.node.counts).toMatchObject({ processes: 1, crashes: 0 });
  });

  test("and a request that cannot be answered end no agent: no function comes from elsewhere, and no value of it leaves", async () => {
    const { a, b, settle } = await createPair((node) =>
      agent.start(node, () => ({ close: () => undefined })),
    );
    const come = async (request: unknown): Promise<unknown> => {
      const asked = Promise.resolve()
        .then(() => a.node.call(at("b", Server), request as never))
        .catch((error: unknown) => error);
      await settle();
      return asked;
    };
    expect(await come(["get", 1])).toMatchObject({ code: "UNKNOWN_REQUEST" });
    expect(await come(["update", { value: 1 }])).toMatchObject({ code: "UNKNOWN_REQUEST" });
    expect(await come(["get", () => 1])).toMatchObject({ code: "UNSENDABLE_TERM" });
    expect(b.node.counts).toMatchObject({ processes: 1, crashes: 0 });
  });

  test("and an error that cannot is told by its name and message", async () => {
    const cause = Object.assign(new TypeError("no such item \ud83d"), { cause: () => 1 });
    const { b, ask } = await createPair((node) =>
      node.spawn<Asked>(async (self) => {
        for (;;) self.refuse((await self.receive()).from, cause);
      }),
    );
    expect(await ask("anything")).toMatchObject({
      message: expect.stringContaining("TypeError: no such item \ufffd"),
    });
    expect(b.node.counts).toMatchObject({ processes: 1, crashes: 0, undelivered: 0 });
  });

  test("because the one who sends it was ended by a getter in it, is none", async () => {
    const { b, ask } = await createPair((node) =>
      node.spawn<Asked>(async (self) => {
        const { from } = await self.receive();
        const value = Object.defineProperty({}, "x", {
          enumerable: true,
          get: () => self.exit("done"),
        });
        self.reply(from, value);
      }),
    );
    expect(await ask("anything")).toMatchObject({ code: "SERVER_EXIT", reason: "done" });
    expect(b.node.counts).toMatchObject({ processes: 0, undelivered: 0 });
  });
});
