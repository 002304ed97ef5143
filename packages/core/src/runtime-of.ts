/** What is behind a node, for functions beside it that need more than its users may touch. */
import { InvalidArgumentError } from "./errors.js";
import type { Node } from "./node.js";
import type { Runtime } from "./runtime.js";

/**
 * Every node that `createNode` or `createNodeOn` made is its own runtime.
 *
 * @throws InvalidArgumentError something else that only has the form of a node
 */
export function runtimeOf(node: Node): Runtime {
  if (isRuntime(node)) return node;
  throw new InvalidArgumentError("node", "a node that createNode made", node);
}

function isRuntime(node: Node): node is Node & Runtime {
  const it = Object(node) as object;
  return "lastProcess" in it && "subscriberFailed" in it;
}
