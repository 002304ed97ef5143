/**
 * P30: a primary acknowledges a write before anyone else has it, and is cut off.
 *
 * The failure detector makes another the primary; when the cut heals, the write is gone.
 */
import { TIMEOUT, type From, type HandlerSelf, type Pid } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";

type Log = readonly string[];
type Replica =
  | Ask<"write", "ok" | "no", { x: string }>
  | Tell<"replicate", { epoch: number; from: string; log: Log; x?: string }>
  | Tell<"replicated", { epoch: number; x: string }>
  | Tell<"ping", { from: Pid<Pong> }>
  | Tell<"suspect">
  | Tell<"elect", { epoch: number }>
  | Tell<"grant", { log: Log }>;
type Pong = Tell<"pong">;

interface State {
  log: string[];
  epoch: number;
  isPrimary: boolean;
}

const NAMES = ["a", "b", "c"];

export const p30: Entry = {
  id: "P30",
  title: "a minority primary acknowledges; the write is lost after the heal",
  source: "Kingsbury, Jepsen: Elasticsearch and MongoDB, 2014",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const nodes = { a: sim.node("n1"), b: sim.node("n2"), c: sim.node("n3") };
    const replicas = new Map<string, Pid<Replica>>();
    const states = new Map<string, State>();
    for (const name of NAMES) {
      const state: State = { log: [], epoch: 0, isPrimary: name === "a" };
      states.set(name, state);
      const pending = new Map<string, From<"ok" | "no">>();
      let isElecting = false;
      const replicate = (self: HandlerSelf<Replica>, x?: string): void => {
        const { epoch, log } = state;
        const message = { type: "replicate", epoch, from: name, log: [...log] } as const;
        for (const other of NAMES) {
          if (other === name) continue;
          self.send(
            replicas.get(other) as Pid<Replica>,
            x === undefined ? message : { ...message, x },
          );
        }
      };
      const handlers = server<Replica>({
        write: (self, { x }, from) => {
          if (!state.isPrimary) {
            self.reply(from, "no");
            return;
          }
          state.log.push(x);
          if (variant === "buggy") self.reply(from, "ok");
          else pending.set(x, from);
          replicate(self, x);
        },
        replicate: (self, { epoch, from, log, x }) => {
          if (epoch < state.epoch || isElecting) return;
          state.epoch = epoch;
          state.isPrimary = false;
          state.log = [...log];
          if (x !== undefined) {
            self.send(replicas.get(from) as Pid<Replica>, { type: "replicated", epoch, x });
          }
        },
        replicated: (self, { epoch, x }) => {
          const from = pending.get(x);
          if (epoch !== state.epoch || from === undefined) return;
          pending.delete(x);
          self.reply(from, "ok");
        },
        ping: (self, { from }) => self.send(from, { type: "pong" }),
        suspect: (self) => {
          isElecting = true;
          for (const other of ["a", "c"]) {
            self.send(replicas.get(other) as Pid<Replica>, { type: "elect", epoch: 1 });
          }
        },
        elect: (self, { epoch }) => {
          if (epoch <= state.epoch) return;
          state.epoch = epoch;
          state.isPrimary = false;
          self.send(replicas.get("b") as Pid<Replica>, { type: "grant", log: [...state.log] });
        },
        grant: (self, { log }) => {
          if (!isElecting) return;
          isElecting = false;
          state.epoch = 1;
          state.isPrimary = true;
          if (log.length > state.log.length) state.log = [...log];
          replicate(self);
        },
      });
      const node = nodes[name as keyof typeof nodes];
      replicas.set(name, node.spawnOpt({ key: name }, handlers));
    }
    const a = replicas.get("a") as Pid<Replica>;
    nodes.b.spawnOpt<Pong>({ key: "fd" }, async (self) => {
      self.send(a, { type: "ping", from: self.pid });
      if ((await self.receive({ timeoutMs: 10 })) !== TIMEOUT) return;
      self.send(replicas.get("b") as Pid<Replica>, { type: "suspect" });
    });
    let isAcknowledged = false;
    nodes.a.spawnOpt<never>({ key: "u1" }, async (self) => {
      isAcknowledged = (await ask(self, a, { type: "write", x: "x1" })) === "ok";
    });
    sim.faults.partition(["n1"], ["n2", "n3"]);
    sim.finally("what was acknowledged is kept", () => {
      if (!isAcknowledged) return true;
      const [primary] = [...states.values()]
        .filter(({ isPrimary }) => isPrimary)
        .toSorted((x, y) => y.epoch - x.epoch);
      return primary?.log.includes("x1") === true;
    });
  },
};
