/**
 * Members that keep names, each as a process of a simulated node: what they say to each other are
 * messages, and what a session is made of here is what core promises of connections.
 */
import { at, name, type AnyPid, type Down, type Node, type Pid, type Self } from "@coppice/core";
import type { Simulation } from "@coppice/testkit";
import { NameMember, type NameAnswer } from "../src/name-member.js";
import type { NameMessage } from "../src/name-message.js";
import { registrarOf } from "../src/rendezvous.js";
import type { NodeLife } from "../src/term.js";

/** What such a process is told. */
export type NamesCommand =
  | { readonly type: "hello"; readonly from: NodeLife; readonly session: number }
  | {
      readonly type: "said";
      readonly from: NodeLife;
      readonly session: number;
      readonly message: NameMessage;
    }
  | { readonly type: "claim"; readonly name: string; readonly holder: AnyPid }
  | { readonly type: "due"; readonly id: number }
  | { readonly type: "retry"; readonly member: string }
  /** Of a monitor: a session is over, or a holder has ended. */
  | Down;

export const NamesService = name<NamesCommand>("names");

/** A tenure, as its own node sees it. */
export interface Tenure {
  readonly name: string;
  readonly pid: AnyPid;
  readonly token: number;
  over: boolean;
  readonly isAlive: () => boolean;
}

export interface NamesLog {
  /** In the order they were granted. */
  readonly tenures: Tenure[];
  readonly answers: NameAnswer[];
  readonly lost: string[];
  readonly members: Map<string, NameMember>;
  /** No session begins meanwhile. */
  isCut: boolean;
}

export function createNamesLog(): NamesLog {
  return { tenures: [], answers: [], lost: [], members: new Map(), isCut: false };
}

export interface SimulatedMember {
  readonly members: readonly string[];
  readonly graceMs: number;
  readonly patienceMs: number;
  readonly retryMs: number;
  /** So often at most, so that a run in which nothing heals has an end. */
  readonly retries: number;
}

/** Starts the process of one member. */
export function startMember(
  sim: Simulation,
  home: string,
  options: SimulatedMember,
  log: NamesLog,
): Node {
  const node = sim.node(home);
  node.spawnOpt<NamesCommand>({ key: "names", name: NamesService }, (self) =>
    live(self, node, options, log),
  );
  return node;
}

async function live(
  self: Self<NamesCommand>,
  node: Node,
  { members, graceMs, patienceMs, retryMs, retries }: SimulatedMember,
  log: NamesLog,
): Promise<void> {
  const home: NodeLife = { name: node.name, incarnation: node.incarnation };
  const tasks = new Map<number, () => void>();
  const holders = new Map<unknown, Tenure>();
  const state = new Map<string, "down" | "greeted" | "up">();
  /** The number of the session, as each side counts them. */
  const ours = new Map<string, number>();
  const theirs = new Map<string, number>();
  const monitors = new Map<unknown, string>();
  /** Claims for which there is no session yet: as in production, who asks waits for it. */
  let waiting: (Extract<NamesCommand, { type: "claim" }> & { readonly registrar: string })[] = [];
  let left = retries;
  let sessions = 0;
  let ids = 0;
  const say = (to: string, command: NamesCommand): void => self.send(at(to, NamesService), command);
  const member = new NameMember(
    { home, members, graceMs, patienceMs, maxNames: 100 },
    {
      tell: (to, message) => {
        say(to, { type: "said", from: home, session: ours.get(to) ?? 0, message });
        return true;
      },
      isAlive: (pid) => node.isAlive(pid),
      after: (ms, task) => {
        const id = ++ids;
        tasks.set(id, task);
        const timer = self.sendAfter(self.pid, ms, { type: "due", id });
        return () => {
          tasks.delete(id);
          self.cancelTimer(timer);
        };
      },
      event: (event) => {
        if (event.type !== "lost") return;
        log.lost.push(event.why);
        end(log, event.holder);
      },
      breached: () => {},
    },
  );
  log.members.set(home.name, member);
  const tryAgain = (other: string): void => {
    if (left-- > 0) self.sendAfter(self.pid, retryMs, { type: "retry", member: other });
  };
  const greet = (other: string): void => {
    if (log.isCut) {
      tryAgain(other);
      return;
    }
    state.set(other, "greeted");
    ours.set(other, ++sessions);
    monitors.set(self.monitor(at(other, NamesService)), other);
    say(other, { type: "hello", from: home, session: sessions });
  };
  const claim = ({
    name: key,
    holder,
  }: {
    readonly name: string;
    readonly holder: AnyPid;
  }): void => {
    member.claim(key, holder, (answer) => {
      log.answers.push(answer);
      if (!("token" in answer)) return;
      const isAlive = (): boolean => node.isAlive(holder);
      const tenure = { name: key, pid: holder, token: answer.token, over: !isAlive(), isAlive };
      log.tenures.push(tenure);
      holders.set(self.monitor(holder), tenure);
      self.send(holder as Pid<unknown>, "granted");
    });
  };
  for (const other of members) if (other !== home.name) greet(other);
  for (;;) {
    const command = await self.receive();
    switch (command.type) {
      case "hello": {
        const { from, session } = command;
        if (log.isCut) break;
        const before = state.get(from.name);
        if (before === "up") {
          // It has begun anew, and the end of what was before has not been told here yet.
          for (const [ref, other] of monitors) if (other === from.name) monitors.delete(ref);
          member.down(from.name);
        }
        if (before !== "greeted") greet(from.name);
        state.set(from.name, "up");
        theirs.set(from.name, session);
        member.up(from);
        const asked = waiting.filter(({ registrar }) => registrar === from.name);
        waiting = waiting.filter((one) => !asked.includes(one));
        asked.forEach(claim);
        break;
      }
      case "said": {
        const { from, session, message } = command;
        const isOpen = state.get(from.name) === "up" && theirs.get(from.name) === session;
        if (isOpen) member.received(from, message);
        break;
      }
      case "claim": {
        const registrar = registrarOf(members, command.name);
        if (registrar === home.name || state.get(registrar) === "up") claim(command);
        else waiting.push({ ...command, registrar });
        break;
      }
      case "due": {
        const task = tasks.get(command.id);
        tasks.delete(command.id);
        task?.();
        break;
      }
      case "retry":
        if (state.get(command.member) === "down") greet(command.member);
        break;
      case "down": {
        const tenure = holders.get(command.ref);
        if (tenure !== undefined) {
          tenure.over = true;
          member.release(tenure.name, tenure);
        }
        const other = monitors.get(command.ref);
        if (other === undefined) break;
        monitors.delete(command.ref);
        if (state.get(other) === "up") member.down(other);
        state.set(other, "down");
        tryAgain(other);
        break;
      }
      default:
        command satisfies never;
    }
  }
}

function end(
  log: NamesLog,
  { pid, token }: { readonly pid: AnyPid; readonly token: number },
): void {
  for (const tenure of log.tenures) {
    if (tenure.pid === pid && tenure.token === token) tenure.over = true;
  }
}
