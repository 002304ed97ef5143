/** Conversations in a simulation: follows what two processes say to each other, by their session types. */
import {
  checkFunction,
  checkKeys,
  formatPid,
  InvalidArgumentError,
  type AnyPid,
} from "@coppice/core";
import { checkSimulation, checkText } from "./arguments.js";
import {
  followSession,
  sessionAutomaton,
  type SessionFollower,
  type SessionType,
} from "./session.js";
import type { Simulation } from "./simulation.js";
import type { Transition } from "./transition.js";

export interface ConversationOptions {
  /** What this kind of conversation is called, in violations. */
  readonly name: string;
  /** The sides: what the first process of a pair may say and hear, and what the other may. */
  readonly types: readonly [SessionType, SessionType];
  /** Which side of such a conversation a process is on; `undefined` for none. */
  readonly sideOf: (pid: AnyPid) => 0 | 1 | undefined;
  /** What a message is called in the types; `undefined` for what is no part of the conversation. */
  readonly labelOf: (message: unknown, from: AnyPid, to: AnyPid) => string | undefined;
}

/**
 * Follows all conversations of one kind, a pair of processes for each. What a side says or hears out of
 * order, and what it still owes at rest, is a violation under the name of the kind.
 *
 * A process says something when it sends it, and hears it when it arrives: a mailbox takes all, so what
 * comes too early for one that receives selectively has to be in its type. It is looked at when nothing
 * can happen any more, and what happened during set-up is no part of it.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function checkConversations(sim: Simulation, options: ConversationOptions): void {
  checkSimulation("checkConversations: sim", sim);
  checkKeys("checkConversations: options", options, ["name", "types", "sideOf", "labelOf"]);
  const { name, types, sideOf, labelOf } = options;
  checkText("checkConversations: options.name", name);
  if (!Array.isArray(types) || types.length !== 2) {
    const expected = "two session types, one for each side";
    throw new InvalidArgumentError("checkConversations: options.types", expected, types);
  }
  checkFunction("checkConversations: options.sideOf", sideOf);
  checkFunction("checkConversations: options.labelOf", labelOf);
  const automata = [sessionAutomaton(types[0]), sessionAutomaton(types[1])] as const;
  const arrivals: { readonly signal: Transition; readonly step: number }[] = [];
  let steps = 0;
  // Of what each side says and hears the order is its own.
  sim.observe(
    ({ transition }) => {
      if (transition.kind === "signal") arrivals.push({ signal: transition, step: steps });
      steps++;
    },
    { reads: [] },
  );
  const pairs = new Map<string, Pair>();
  const act = (
    type: "send" | "receive",
    { message, actorPid: to, senderPid: from }: Transition,
  ): void => {
    if (from === undefined || message === undefined) return;
    const [fromSide, toSide] = [sideOf(from), sideOf(to)];
    if (fromSide === undefined || toSide === undefined || fromSide === toSide) return;
    const label = labelOf(message, from, to);
    if (label === undefined) return;
    const pids: readonly [AnyPid, AnyPid] = fromSide === 0 ? [from, to] : [to, from];
    const key = pids.map(formatPid).join(" ");
    const pair = pairs.get(key) ?? {
      pids,
      followers: [followSession(automata[0]), followSession(automata[1])],
    };
    pairs.set(key, pair);
    const side = type === "send" ? fromSide : toSide;
    const wrong = pair.followers[side].act({ type, label });
    if (wrong !== undefined) sim.fail(name, `${formatPid(pids[side])} did ${wrong}`);
  };
  sim.finally(name, () => {
    for (const { type, signal } of inOrder(arrivals)) act(type, signal);
    for (const { followers, pids } of pairs.values()) {
      for (const side of [0, 1] as const) {
        const owed = followers[side].atRest();
        if (owed !== undefined) throw new Error(`${formatPid(pids[side])} is ${owed}`);
      }
    }
  });
}

interface Pair {
  readonly followers: readonly [SessionFollower, SessionFollower];
  readonly pids: readonly [AnyPid, AnyPid];
}

interface Act {
  readonly type: "send" | "receive";
  readonly signal: Transition;
  readonly step: number;
  /** Within the step: what arrives comes before what is sent because of it. */
  readonly place: number;
}

function inOrder(
  arrivals: readonly { readonly signal: Transition; readonly step: number }[],
): Act[] {
  const acts = arrivals.flatMap(({ signal, step }): Act[] => [
    { type: "send", signal, step: signal.creator, place: signal.order },
    { type: "receive", signal, step, place: -1 },
  ]);
  return acts.sort((a, b) => a.step - b.step || a.place - b.place);
}
