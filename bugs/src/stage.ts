/** One node with processes that are called by name: `n/srv→n/cli#1` is the first signal from `srv` to `cli`. */
import type { Body, Handler, Node, Pid } from "@coppice/core";
import type { Simulation } from "@coppice/testkit";

export interface Stage {
  readonly node: Node;
  /** Spawns a process that is called `key`. */
  spawn<M, S = unknown>(key: string, body: Body<M> | Handler<M, S>): Pid<M>;
}

export function stage(sim: Simulation, name?: string): Stage {
  const node = sim.node(name);
  return { node, spawn: (key, body) => node.spawnOpt({ key, label: key }, body) };
}
