/**
 * Registered names, as typed tokens.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html#registered-processes
 */
import { InvalidArgumentError, InvalidNameError } from "./errors.js";
import type { PID_PROTOCOL } from "./pid.js";

/**
 * A name, with the type of the messages its holder understands. Two tokens with one text are one name.
 *
 * A name stays good over restarts: it finds whoever holds it when the message is sent.
 */
export interface Name<in M> {
  readonly kind: "name";
  readonly name: string;
  readonly [PID_PROTOCOL]?: (message: M) => void;
}

export type AnyName = Name<never>;

/** A name at a node: `at("b", Stack)`. Sending to it never fails; nobody there means nothing happens. */
export interface RemoteName<in M> {
  readonly kind: "remote-name";
  readonly node: string;
  readonly name: string;
  readonly [PID_PROTOCOL]?: (message: M) => void;
}

/**
 * Makes the token of a name.
 *
 * @throws InvalidNameError the text is empty, `"undefined"`, longer than 255 characters, or no string
 * @example
 * import { name } from "@coppice/core";
 * const Counter = name<{ type: "increment" }>("counter");
 * Counter.name; // => "counter"
 */
export function name<M>(text: string): Name<M> {
  checkName(text);
  return new NameToken(text);
}

/**
 * Names `name` at the node called `node`, which may be another one.
 *
 * @throws InvalidNameError no node can be called so: 1 to 255 characters without `<`, `>`, `/` and white space
 * @throws InvalidArgumentError `name` is no name made by `name()`
 */
export function at<M>(node: string, name: Name<M>): RemoteName<M> {
  checkNodeName("at: the name of a node", node);
  if (!isName(name)) throw new InvalidArgumentError("at: name", "a name made by name()", name);
  return new RemoteNameToken(node, name.name);
}

class NameToken implements Name<never> {
  readonly kind = "name";
  readonly name: string;

  constructor(text: string) {
    this.name = text;
  }

  toString(): string {
    return this.name;
  }
}

class RemoteNameToken implements RemoteName<never> {
  readonly kind = "remote-name";
  readonly node: string;
  readonly name: string;

  constructor(node: string, text: string) {
    this.node = node;
    this.name = text;
  }

  toString(): string {
    return `${this.name}@${this.node}`;
  }
}

export function isName(value: unknown): value is AnyName {
  return value instanceof NameToken;
}

export function isRemoteName(value: unknown): value is RemoteName<never> {
  return value instanceof RemoteNameToken;
}

/** Node names stand in pids and in the keys of processes. */
export function checkNodeName(what: string, text: unknown): void {
  if (typeof text !== "string" || text === "" || text.length > 255 || /[<>/\s]/.test(text)) {
    throw new InvalidNameError(what, 'without "<", ">", "/" and white space', text);
  }
}

function checkName(text: unknown): asserts text is string {
  // OTP refuses the atom `undefined`, because whereis answers with it.
  if (typeof text !== "string" || text === "" || text === "undefined" || text.length > 255) {
    throw new InvalidNameError("a registered name", 'other than "undefined"', text);
  }
}
