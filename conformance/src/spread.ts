/**
 * Programs on two nodes: their processes take turns, and all that passes between them crosses a
 * session of `@coppice/remote`. What OTP promises for processes of one node it promises across nodes too, but for what
 * belongs to a node: its names, and what can be asked of its processes alone.
 *
 * OTP: https://www.erlang.org/doc/system/distributed.html
 */
import { at, isPid, name, type AnyPid, type Clock, type Node } from "@coppice/core";
import { createMemoryNetwork, startRemote, type Dialler } from "@coppice/remote";
import type { Json, Program } from "./program.js";
import type { Bound } from "./term.js";

/** Where a node learns what names of the program are bound to. */
const Names = name<readonly [variable: string, bound: Bound]>("conformance:names");

/** What a program's variables stand for at each node: there, a process of the other node has a pid of its own. */
export interface Share {
  /** Tells the other node. It knows when all has come to rest. */
  tell(variable: string, bound: Bound): void;
  /** What it stands for at that node; `undefined` when it is not known there. */
  at(node: string, variable: string): Bound | undefined;
}

/** Shared by the two nodes, as a cookie is made into one: that takes a tenth of a second each time. */
const KEY = { id: "", bytes: new Uint8Array(32).fill(7), role: "node" } as const;

/**
 * Connects two nodes as in production, but over memory: what they say is encoded, put into frames of a
 * session that began with a handshake, and decoded; a pid that comes from the other node is one that was
 * made of its number.
 *
 * @param settle lets all happen that needs no time
 */
export async function connectNodes(
  nodes: readonly [Node, Node],
  clock: Clock,
  settle: () => Promise<void>,
): Promise<Share> {
  const network = createMemoryNetwork(clock);
  const known = new Map(nodes.map((node) => [node.name, new Map<string, Bound>()]));
  const [a, b] = await Promise.all(
    nodes.map((node) => {
      const dialler: Dialler = {
        accepts: () => true,
        dial: (address) => network.dial(node.name, address),
      };
      const names = known.get(node.name) as Map<string, Bound>;
      node.register(
        Names,
        node.spawn<readonly [string, Bound]>(async (self) => {
          for (;;) {
            const [variable, bound] = await self.receive();
            names.set(variable, bound);
          }
        }),
      );
      return startRemote(
        node,
        {
          insecure: true,
          diallers: [dialler],
          listen: { listen: (accept) => network.listen(node.name, accept) },
        },
        { clock, keys: [KEY] },
      );
    }),
  );
  const connected = a?.connect(`memory://${nodes[1].name}`);
  await settle();
  await connected;
  if (b?.nodes().length !== 1) throw new Error("the nodes did not connect");
  return {
    tell(variable, bound) {
      const owner = isPid(bound) ? bound : bound.owner;
      const [here, there] = nodes[0].name === owner.node ? nodes : [nodes[1], nodes[0]];
      known.get(here.name)?.set(variable, bound);
      here.send(at(there.name, Names), [variable, bound]);
    },
    at: (node, variable) => known.get(node)?.get(variable),
  };
}

/** By what a pid or reference is known at all nodes. */
export function identityOf(bound: Bound): string {
  const { node, incarnation, serial }: AnyPid = isPid(bound) ? bound : bound.owner;
  const process = `${node}/${incarnation}/${serial}`;
  return isPid(bound) ? process : `${process}#${bound.serial}`;
}

/** What is about a node: Erlang's answers differ for processes of another. */
const OF_ONE_NODE = new Set(["register", "unregister", "whereis", "alive", "info"]);

/**
 * Programs whose trace needs more than the order of each pair, once the pairs are on two nodes. In
 * `process#748` `p2` monitors `p1` and then ends `p3`, to which `p1` is linked: `p1` may end before it
 * hears of the monitor, and the `DOWN` says `noproc` then.
 */
const BETWEEN_PAIRS = new Set(["process#748"]);

/** Is its trace the only one when each pair keeps its order, and nothing else is kept? */
export function isOrderedByPairs(program: Program): boolean {
  return !BETWEEN_PAIRS.has(program.id);
}

/**
 * Does the program mean the same when its processes are on two nodes? Not where it asks for what belongs
 * to a node, and not where two nodes of OTP 25 do something else than one:
 *
 * - `cancel_timer` and `read_timer` of a timer that another node made return `false`, whether it runs or not.
 * - A timer for a process of another node is refused there with `badarg`. Here it is armed at the node of who
 *   arms it, which does not see that the other process ends.
 * - `link` to a process of another node that is dead returns `true`; its `noproc` comes as an exit signal.
 */
export function canSpread(program: Program): boolean {
  if (program.layer !== "process") return false;
  const { steps, trace } = program;
  const makers = new Map<Json | undefined, Json | undefined>();
  for (const [index, step] of steps.entries()) {
    const { op, by } = step;
    if (mentions(step as unknown as Json)) return false;
    if (op === "send_after" || op === "start_timer") {
      const isOwn = step.to === "<self>" || step.to === `<${String(by)}>`;
      makers.set(`<${String(step.as)}>`, isOwn ? by : "another");
    }
    if (op === "cancel_timer" || op === "read_timer") {
      if (makers.get(step.ref as Json) !== by) return false;
    }
    if (op === "link" && JSON.stringify(trace[index]?.r)?.includes('"noproc"')) return false;
  }
  return true;
}

function mentions(json: Json): boolean {
  if (Array.isArray(json)) return json.some(mentions);
  if (typeof json !== "object" || json === null) return false;
  return Object.entries(json).some(
    ([key, value]) =>
      (key === "op" && typeof value === "string" && OF_ONE_NODE.has(value)) ||
      mentions(value as Json),
  );
}
