/** What programs say of nodes and faults, checked: each error says what was expected and what came. */
import {
  checkFunction,
  checkKeys,
  InvalidArgumentError,
  isPid,
  type AnyPid,
  type Node,
} from "@coppice/core";
import {
  checkOptionalList,
  checkOptionalFunction,
  checkText,
  checkTimes,
  isText,
} from "./arguments.js";
import type { FaultOptions } from "./fault.js";

/** The name of a node that is given as it is, or by its name. */
export function nodeName(node: Node | string, argument: string): string {
  const name = typeof node === "string" ? node : (node as Node | undefined)?.name;
  if (typeof name === "string") return name;
  throw new InvalidArgumentError(argument, "a node, or the name of one", node);
}

type Side = readonly (Node | string)[];

/** The names of the nodes of two sides, none of which is on both. */
export function sidesOf(operation: string, a: Side, b: Side): readonly [string[], string[]] {
  const names = (argument: string, side: Side): string[] => {
    const expected = "a list of nodes, or of their names, with at least one";
    if (!Array.isArray(side) || side.length === 0) {
      throw new InvalidArgumentError(`${operation}: ${argument}`, expected, side);
    }
    return side.map((node) => nodeName(node as Node | string, `${operation}: ${argument}`));
  };
  const [from, to] = [names("a", a), names("b", b)];
  const both = from.find((name) => to.includes(name));
  if (both !== undefined) {
    throw new InvalidArgumentError(`${operation}: b`, "nodes that are not on the other side", both);
  }
  return [from, to];
}

export function checkJump(argument: string, byMs: unknown): void {
  if (Number.isFinite(byMs)) return;
  throw new InvalidArgumentError(argument, "a finite number", byMs);
}

export function checkFault(name: unknown, run: unknown, options: FaultOptions): void {
  checkText("fault: name", name, `text as "KIND:TARGET"`);
  checkFunction(`fault ${name}: run`, run);
  checkKeys(`fault ${name}: options`, options, ["times", "when", "reads", "target", "uses"]);
  const { times, when, target, uses } = options;
  checkTimes(`fault ${name}: options.times`, times);
  checkOptionalFunction(`fault ${name}: options.when`, when);
  checkOptionalFunction(`fault ${name}: options.target`, target);
  checkOptionalList(`fault ${name}: options.uses`, uses, "names of objects", isText);
}

/** A pid, or whoever it is at the time. */
export function targetOf(target: AnyPid | (() => AnyPid | undefined)): () => AnyPid | undefined {
  return isPid(target) ? () => target : target;
}
