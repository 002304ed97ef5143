/** Links, unlinks and ends of two nodes that cross on the wire, in every order in which they can arrive. */
import { expect, test } from "@jest/globals";
import { at, name, type AnyPid, type Call, type Exit, type Handler, type Pid } from "@coppice/core";
import { createRemoteWorld, type Member } from "./remote-world.js";

type Act = "link" | "unlink" | "exit";
/** Who acts, or whose frames arrive: all that wait. */
type Step = "a" | "b" | "a→b" | "b→a";

interface Side {
  readonly pid: Pid<Act | { readonly peer: AnyPid }>;
  /** What it did and was told, in order. */
  readonly log: (Act | "told")[];
}

const Starter = name<Call<null, AnyPid>>("starter");

/** A process under the name starts sides; the node keeps what came of each. */
function startStarter({ node }: Member): Side[] {
  const sides: Side[] = [];
  const pid = node.spawn<Call<null, AnyPid>>(async (self) => {
    for (;;) {
      const { from } = await self.receive();
      const log: Side["log"] = [];
      sides.push({ pid: node.spawn(side(log)), log });
      self.reply(from, sides.at(-1)?.pid as AnyPid);
    }
  });
  node.register(Starter, pid);
  return sides;
}

function side(
  log: Side["log"],
): Handler<Act | Exit | { readonly peer: AnyPid }, AnyPid | undefined> {
  return {
    init: (self) => {
      self.trapExits();
      return undefined;
    },
    message: (peer, message, self) => {
      if (typeof message !== "string") {
        if ("peer" in message) return message.peer;
        log.push("told");
        return peer;
      }
      log.push(message);
      if (message === "link") self.link(peer as AnyPid);
      else if (message === "unlink") self.unlink(peer as AnyPid);
      else self.exit("boom");
      return peer;
    },
  };
}

/** Between two acts: nothing arrives, or what waits on one way, or on both, first on the one or the other. */
const GAPS: readonly (readonly Step[])[] = [[], ["a→b"], ["b→a"], ["a→b", "b→a"], ["b→a", "a→b"]];

/** All orders of so many acts of each, with all that can arrive between them. */
function orders(ofA: number, ofB: number, isFirst = true): Step[][] {
  if (ofA + ofB === 0) return [[]];
  const rests = (["a", "b"] as const).flatMap((who) => {
    if ((who === "a" ? ofA : ofB) === 0) return [];
    const rest = who === "a" ? orders(ofA - 1, ofB, false) : orders(ofA, ofB - 1, false);
    return rest.map((steps): Step[] => [who, ...steps]);
  });
  return (isFirst ? [[]] : GAPS).flatMap((gap) => rests.map((rest) => [...gap, ...rest]));
}

/** At most four acts: each makes at most a signal and its answer. */
const SCRIPTS: readonly (readonly [readonly Act[], readonly Act[]])[] = [
  [["unlink"], ["link"]],
  [["unlink"], ["unlink"]],
  [["unlink"], ["exit"]],
  [["link"], ["exit"]],
  [["link"], ["link"]],
  [["unlink", "link"], ["exit"]],
  [["unlink", "link"], ["unlink"]],
  [["unlink", "link"], ["link"]],
  [["link", "unlink"], ["exit"]],
  [["link", "unlink"], ["link"]],
  [["link", "unlink"], ["unlink"]],
  [["unlink"], ["link", "exit"]],
  [["link"], ["unlink", "exit"]],
  [
    ["unlink", "link"],
    ["unlink", "link"],
  ],
  [
    ["unlink", "link"],
    ["link", "exit"],
  ],
  [
    ["link", "unlink"],
    ["unlink", "exit"],
  ],
];
/** How many orders there are, by the number of acts. */
const ORDERS: Readonly<Record<number, number>> = { 2: 10, 3: 75, 4: 750 };

test.each(SCRIPTS.flatMap(([a, b]) => [true, false].map((linked) => ({ linked, a, b }))))(
  "linked before: $linked; one does $a, the other $b: both agree in the end, and nothing comes of a link that was left",
  async ({ linked, a: ofA, b: ofB }) => {
    const { network, settle, start } = createRemoteWorld();
    const [a, b] = [await start("a"), await start("b")];
    const started = { a: startStarter(a), b: startStarter(b) };
    await Promise.all([a.remote.connect("b"), settle()]);
    const fault = (step: Step, mode: "hold" | "pass"): void => {
      const [from = "", to = ""] = step.split("→");
      network.fault(from, to, { mode });
    };

    async function pair(): Promise<Record<"a" | "b", Side>> {
      const pids = Promise.all([
        a.node.call(at("b", Starter), null),
        b.node.call(at("a", Starter), null),
      ]);
      await settle();
      const [pidOfB, pidOfA] = await pids;
      const sides = { a: started.a.at(-1) as Side, b: started.b.at(-1) as Side };
      a.node.send(sides.a.pid, { peer: pidOfB });
      b.node.send(sides.b.pid, { peer: pidOfA });
      if (linked) a.node.send(sides.a.pid, "link");
      await settle();
      sides.a.log.length = 0;
      return sides;
    }

    const all = orders(ofA.length, ofB.length);
    for (const steps of all) {
      const sides = await pair();
      fault("a→b", "hold");
      fault("b→a", "hold");
      const left = { a: [...ofA], b: [...ofB] };
      for (const step of steps) {
        if (step === "a") a.node.send(sides.a.pid, left.a.shift() as Act);
        else if (step === "b") b.node.send(sides.b.pid, left.b.shift() as Act);
        else fault(step, "pass");
        await settle();
        if (step === "a→b" || step === "b→a") fault(step, "hold");
      }
      fault("a→b", "pass");
      fault("b→a", "pass");
      await settle();

      const run = `${steps.join(" ")}: ${JSON.stringify([sides.a.log, sides.b.log])}`;
      const linksOf = ({ node }: Member, { pid }: Side): number =>
        node.processInfo(pid)?.links.length ?? 0;
      const links = { a: linksOf(a, sides.a), b: linksOf(b, sides.b), run };
      // Who is dead has none, and is in none.
      expect(links).toEqual({ a: links.b, b: links.b, run });
      for (const [mine, other] of [
        [sides.a.log, sides.b.log],
        [sides.b.log, sides.a.log],
      ] as const) {
        const told = mine.filter((each) => each === "told").length;
        const hasLinks = linked || mine.includes("link") || other.includes("link");
        const canBeTold = other.includes("exit") && hasLinks;
        expect({
          told: told <= (canBeTold ? 1 : 0) + (mine.includes("link") ? 1 : 0),
          run,
        }).toEqual({
          told: true,
          run,
        });
        // After it has unlinked, unless one of the two links again.
        const unlinked = mine.lastIndexOf("unlink");
        const isLeft = unlinked !== -1 && mine.lastIndexOf("link") < unlinked;
        if (isLeft && !other.includes("link")) {
          expect({ told: mine.lastIndexOf("told") < unlinked, run }).toEqual({ told: true, run });
        }
        if (canBeTold && !mine.includes("unlink") && !other.includes("unlink") && linked)
          expect({ told, run }).toEqual({ told: mine.includes("link") ? told : 1, run });
      }
    }
    expect(all.length).toBe(ORDERS[ofA.length + ofB.length]);
  },
);
