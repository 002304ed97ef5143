/**
 * Programs whose numbers of states are published as results of Stateright's examples: two-phase commit, registers of
 * one copy and of several (ABD), and Paxos. Written here anew, as processes that send each other messages.
 *
 * There, a message that an actor does nothing about stays in the network; here, whoever has no use for a message
 * puts it back. That changes nothing either, and so leads to no other state.
 */
import type { Handler, HandlerSelf, Node, Pid, TimerRef } from "@coppice/core";
import { checkHistory, register, type Program } from "@coppice/testkit";

type ManagerState = "working" | "prepared" | "committed" | "aborted";

/** Resource managers prepare or abort, each when it likes; a transaction manager commits if all have prepared. */
export function twoPhaseCommit(managers: number): Program {
  return (sim) => {
    const node = sim.node();
    const states = Array.from({ length: managers }, (): ManagerState => "working");
    const prepared = new Set<number>();
    let outcome: "none" | "committed" | "aborted" = "none";

    // What somebody may do at any time is a timer that is due.
    const choices = (self: HandlerSelf<any>, ...names: string[]): (() => void) => {
      const timers = names.map((name): TimerRef => self.sendAfter(self.pid, 0, name));
      return () => timers.forEach((timer) => self.cancelTimer(timer));
    };

    const pids: Pid<any>[] = [];
    const transaction: Pid<any> = node.spawnOpt<any>(
      { key: "tm" },
      {
        init: (self) => choices(self, "choose abort"),
        message(giveUp: any, message, self) {
          if (message === "choose abort" || message === "choose commit") {
            giveUp();
            outcome = message === "choose abort" ? "aborted" : "committed";
            for (const pid of pids) self.send(pid, outcome);
          } else if (outcome !== "none") self.send(self.pid, message);
          else if (prepared.add(message.prepared).size === managers) {
            const others = choices(self, "choose commit");
            return () => (giveUp(), others());
          }
          return giveUp;
        },
      },
    );
    for (const at of states.keys()) {
      const pid = node.spawnOpt<any>(
        { key: `rm${at}` },
        {
          init: (self) => choices(self, "choose prepare", "choose abort"),
          message(decide: any, message, self) {
            decide();
            if (message === "choose prepare") {
              states[at] = "prepared";
              self.send(transaction, { prepared: at });
            } else if (message === "choose abort") states[at] = "aborted";
            else {
              states[at] = message;
              // As a message to all it stays for whoever comes later.
              self.send(self.pid, message);
            }
            return decide;
          },
        },
      );
      pids.push(pid);
    }
    sim.state("managers", () => states);
    sim.state("prepared", () => prepared);
    sim.state("outcome", () => outcome);
    sim.always("nobody aborts what another commits", () => {
      return !(states.includes("aborted") && states.includes("committed"));
    });
    sim.sometimes("all abort", () => states.every((state) => state === "aborted"));
    sim.sometimes("all commit", () => states.every((state) => state === "committed"));
  };
}

/** What clients, servers, and servers among themselves say; `src` and the like are numbers of processes. */
type Message = { readonly src: number; readonly type: string; readonly [field: string]: any };

/** Handles a message: returns the next state, or nothing when it has no use for it. */
type Act<S> = (
  state: S,
  message: Message,
  send: (to: number, message: Omit<Message, "src">) => void,
) => S | undefined;

interface Server<S> {
  readonly initial: S;
  readonly act: Act<S>;
}

/** Clients each put a value at one server and then get one from the next. What they see has to be linearizable. */
function registers<S>(
  serverOf: (id: number) => Server<S>,
  servers: number,
  clients: number,
): Program {
  return (sim) => {
    const node = sim.node();
    const history = checkHistory(sim, register<string>(""), { judged: "always" });
    const pids: Pid<Message>[] = [];
    const start = <T>(key: string, id: number, initial: T, act: Act<T>): void => {
      pids[id] = actor(node, key, { id, pids, initial, act });
    };
    for (let id = 0; id < servers; id++) {
      const { initial, act } = serverOf(id);
      start(`s${id}`, id, initial, act);
    }
    for (let index = servers; index < servers + clients; index++) {
      const value = String.fromCharCode(65 + index - servers);
      let returned = history.invoke(`c${index}`, { write: value });
      const client: Act<{ awaiting: number; operations: number }> = (state, message, send) => {
        if (message.request !== state.awaiting) return undefined;
        returned(message.type === "got" ? message.value : undefined);
        if (message.type === "got") return { awaiting: 0, operations: 2 };
        returned = history.invoke(`c${index}`, "read");
        send((index + 1) % servers, { type: "get", request: 2 * index });
        return { awaiting: 2 * index, operations: 1 };
      };
      start(`c${index}`, index, { awaiting: index, operations: 0 }, client);
      node.send(pids[index % servers] as Pid<Message>, {
        src: index,
        type: "put",
        request: index,
        value,
      });
    }
  };
}

function actor<S>(
  node: Node,
  key: string,
  options: {
    readonly id: number;
    readonly pids: readonly Pid<Message>[];
    readonly initial: S;
    readonly act: Act<S>;
  },
): Pid<Message> {
  const { id, pids, initial, act } = options;
  const handler: Handler<Message, S> = {
    init: () => initial,
    message(state, message, self) {
      const next = act(state, message, (to, said) => {
        self.send(pids[to] as Pid<Message>, { src: id, ...said } as Message);
      });
      if (next !== undefined) return next;
      self.send(self.pid, message);
      return state;
    },
  };
  return node.spawnOpt({ key }, handler);
}

/** Each server keeps a value of its own. */
export function singleCopyRegister(clients: number, servers: number): Program {
  const act: Act<string> = (state, { type, src, request, value }, send) => {
    if (type === "put") {
      send(src, { type: "put ok", request });
      return value;
    }
    send(src, { type: "got", request, value: state });
    return state;
  };
  return registers(() => ({ initial: "", act }), servers, clients);
}

type Sequence = readonly [clock: number, id: number];

interface Replica {
  readonly sequence: Sequence;
  readonly value: string;
  readonly phase?:
    | {
        readonly type: "asking";
        readonly request: number;
        readonly client: number;
        readonly write?: string;
        readonly answers: Readonly<Record<number, readonly [Sequence, string]>>;
      }
    | {
        readonly type: "recording";
        readonly request: number;
        readonly client: number;
        readonly read?: string;
        readonly by: readonly number[];
      };
}

function isLater([clock, id]: Sequence, [otherClock, otherId]: Sequence): boolean {
  return clock === otherClock ? id > otherId : clock > otherClock;
}

/** Attiya, Bar-Noy, Dolev: ask a majority for the latest value, then record it, or a new one, at a majority. */
function replica(id: number, servers: number): Server<Replica> {
  const peers = Array.from({ length: servers }, (_, peer) => peer).filter((peer) => peer !== id);
  const majority = Math.floor(servers / 2) + 1;
  return {
    initial: { sequence: [0, id], value: "" },
    act(state, message, send) {
      const { src, type, request } = message;
      const { sequence, value, phase } = state;
      switch (type) {
        case "put":
        case "get": {
          if (phase !== undefined) return undefined;
          for (const peer of peers) send(peer, { type: "query", request });
          const write = type === "put" ? { write: message.value as string } : {};
          const answers = { [id]: [sequence, value] as const };
          return { ...state, phase: { type: "asking", request, client: src, ...write, answers } };
        }
        case "query":
          send(src, { type: "answer", request, sequence, value });
          return state;
        case "answer": {
          if (phase?.type !== "asking" || phase.request !== request) return undefined;
          const answers = { ...phase.answers, [src]: [message.sequence, message.value] as const };
          const all = Object.values(answers) as (readonly [Sequence, string])[];
          if (all.length !== majority) return { ...state, phase: { ...phase, answers } };
          const latest = all.reduce((best, each) => (isLater(each[0], best[0]) ? each : best));
          const isWrite = phase.write !== undefined;
          const record = {
            sequence: isWrite ? ([latest[0][0] + 1, id] as const) : latest[0],
            value: phase.write ?? latest[1],
          };
          for (const peer of peers) send(peer, { type: "record", request, ...record });
          return {
            ...(isLater(record.sequence, sequence) ? record : { sequence, value }),
            phase: {
              type: "recording",
              request,
              client: phase.client,
              ...(!isWrite && { read: record.value }),
              by: [id],
            },
          };
        }
        case "record":
          send(src, { type: "recorded", request });
          if (!isLater(message.sequence, sequence)) return state;
          return { ...state, sequence: message.sequence, value: message.value };
        case "recorded": {
          if (phase?.type !== "recording" || phase.request !== request) return undefined;
          if (phase.by.includes(src)) return undefined;
          const by = [...phase.by, src].sort();
          if (by.length !== majority) return { ...state, phase: { ...phase, by } };
          const { read } = phase;
          if (read === undefined) send(phase.client, { type: "put ok", request });
          else send(phase.client, { type: "got", request, value: read });
          return { sequence, value };
        }
        default:
          return undefined;
      }
    },
  };
}

export function replicatedRegister(clients: number, servers: number): Program {
  return registers((id) => replica(id, servers), servers, clients);
}

type Ballot = readonly [round: number, id: number];
type Proposal = readonly [request: number, client: number, value: string];
type Accepted = readonly [Ballot, Proposal];

interface Acceptor {
  readonly ballot: Ballot;
  readonly proposal?: Proposal;
  readonly prepares: Readonly<Record<number, Accepted | null>>;
  readonly accepts: readonly number[];
  readonly accepted: Accepted | null;
  readonly isDecided: boolean;
}

/** Lamport's single-decree Paxos: each server proposes what it is asked to put, and the decided value is got. */
function acceptor(id: number, servers: number): Server<Acceptor> {
  const peers = Array.from({ length: servers }, (_, peer) => peer).filter((peer) => peer !== id);
  const majority = Math.floor(servers / 2) + 1;
  return {
    initial: { ballot: [0, 0], prepares: {}, accepts: [], accepted: null, isDecided: false },
    act(state, message, send) {
      const { src, type, request } = message;
      const tell = (said: Omit<Message, "src">): void => {
        for (const peer of peers) send(peer, said);
      };
      const { accepted, proposal: own } = state;
      if (state.isDecided) {
        if (type !== "get") return undefined;
        send(src, { type: "got", request, value: (accepted as Accepted)[1][2] });
        return state;
      }
      const ballot = message.ballot as Ballot;
      switch (type) {
        case "put": {
          if (own !== undefined) return undefined;
          const next: Ballot = [state.ballot[0] + 1, id];
          tell({ type: "prepare", ballot: next });
          return {
            ...state,
            proposal: [request, src, message.value],
            ballot: next,
            prepares: { [id]: accepted },
            accepts: [],
          };
        }
        case "prepare":
          if (!isLater(ballot, state.ballot)) return undefined;
          send(src, { type: "prepared", ballot, accepted });
          return { ...state, ballot };
        case "prepared": {
          if (String(ballot) !== String(state.ballot)) return undefined;
          const prepares = { ...state.prepares, [src]: message.accepted as Accepted | null };
          const all = Object.values(prepares);
          if (all.length !== majority) return { ...state, prepares };
          const latest = all.reduce(
            (best, each) =>
              each !== null && (best === null || isLater(each[0], best[0])) ? each : best,
            null,
          );
          const proposal = latest?.[1] ?? (own as Proposal);
          tell({ type: "accept", ballot, proposal });
          return {
            ...state,
            prepares,
            proposal,
            accepted: [ballot, proposal],
            accepts: [...new Set([...state.accepts, id])].sort(),
          };
        }
        case "accept":
          if (isLater(state.ballot, ballot)) return undefined;
          send(src, { type: "accepted", ballot });
          return { ...state, ballot, accepted: [ballot, message.proposal] };
        case "accepted": {
          if (String(ballot) !== String(state.ballot)) return undefined;
          const accepts = [...new Set([...state.accepts, src])].sort();
          if (accepts.length !== majority) return { ...state, accepts };
          const proposal = own as Proposal;
          tell({ type: "decided", ballot, proposal });
          send(proposal[1], { type: "put ok", request: proposal[0] });
          return { ...state, accepts, isDecided: true };
        }
        case "decided":
          return { ...state, ballot, accepted: [ballot, message.proposal], isDecided: true };
        default:
          return undefined;
      }
    },
  };
}

export function paxos(clients: number, servers: number): Program {
  return registers((id) => acceptor(id, servers), servers, clients);
}
