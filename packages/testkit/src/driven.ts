/** Nodes of a simulation that a test drives know who drives it, so that a probe on one finds out by itself. */
import type { Node } from "@coppice/core";
import type { InteractiveSimulation } from "./simulate.js";

const DRIVEN: unique symbol = Symbol("the simulation that a test drives");

type Driven = Node & { readonly [DRIVEN]?: InteractiveSimulation };

export function markDriven(node: Node, sim: InteractiveSimulation): Node {
  return Object.defineProperty(node, DRIVEN, { value: sim });
}

/** The simulation that the node is in, if a test drives it. */
export function driverOf(node: Node): InteractiveSimulation | undefined {
  return (node as Driven)[DRIVEN];
}
