/**
 * The way to other nodes, as a port: what a package that connects nodes gives to a node, and gets from it.
 *
 * The node decides what is said between nodes, and keeps the links and monitors that cross a connection;
 * the router makes connections and carries what is said, in order, or tells that a connection is lost.
 */
import { checkFunction, checkKeys } from "./check.js";
import { InvalidArgumentError } from "./errors.js";
import type { ExitReason } from "./exit-reason.js";
import { Gateway } from "./gateway.js";
import type { Node } from "./node.js";
import type { Peer } from "./peer.js";
import type { AnyPid } from "./pid.js";
import type { Ref } from "./reference.js";
import { Runtime } from "./runtime.js";

/**
 * What nodes say to each other. `from` and the ref of a monitor belong to the node that says it; `to`,
 * the ref of a message by alias and that of a `down` to the node that hears it.
 */
export type RemoteSignal =
  | {
      readonly type: "message";
      readonly from: AnyPid;
      readonly to: AnyPid;
      readonly message: unknown;
    }
  /** A message to whoever holds a name. */
  | {
      readonly type: "named";
      readonly from: AnyPid;
      readonly name: string;
      readonly message: unknown;
    }
  /** A message by alias, such as the reply to a call. */
  | { readonly type: "alias"; readonly from: AnyPid; readonly ref: Ref; readonly message: unknown }
  /** In place of a reply: the call fails with `error`. */
  | { readonly type: "refusal"; readonly from: AnyPid; readonly ref: Ref; readonly error: unknown }
  | { readonly type: "link"; readonly from: AnyPid; readonly to: AnyPid }
  | {
      readonly type: "unlink" | "unlink-ack";
      readonly id: number;
      readonly from: AnyPid;
      readonly to: AnyPid;
    }
  | {
      readonly type: "exit" | "link-exit";
      readonly from: AnyPid;
      readonly to: AnyPid;
      readonly reason: ExitReason;
    }
  /** `target` is a process, or whoever holds a name. */
  | {
      readonly type: "monitor";
      readonly ref: Ref;
      readonly from: AnyPid;
      readonly target: AnyPid | string;
    }
  | { readonly type: "demonitor"; readonly ref: Ref }
  | {
      readonly type: "down";
      readonly ref: Ref;
      /** The process that ended; the node itself when nobody was there. */
      readonly from: AnyPid;
      readonly to: AnyPid;
      readonly target: AnyPid | string;
      readonly reason: ExitReason;
    };

/** What a package that connects nodes gives to a node. */
export interface Router {
  /**
   * Somebody has something to say to `node`, and no connection is there. Either begins one with
   * `gateway.open` and returns it, or returns `undefined`: then all that is said comes to nothing, and
   * who links or monitors is told `noconnection`.
   */
  connect(node: string): Peer | undefined;
  /**
   * Could `message` be sent to any other node? Throws what the `send` of a peer throws if not. Asked of what
   * is to be sent later, when nobody is there who could be told.
   */
  check?(message: unknown): void;
}

/**
 * Gives a node its way to other nodes. For packages that connect nodes; a node has one router, until that one
 * gives up with `gateway.disconnect`.
 *
 * @throws InvalidArgumentError no node made by `createNode`, no router, or the node has one already
 */
export function connectRouter(node: Node, router: Router): Gateway {
  if (!(node instanceof Runtime)) {
    throw new InvalidArgumentError("connectRouter: node", "made by createNode", node);
  }
  checkKeys("connectRouter: router", router, ["connect", "check"]);
  checkFunction("connectRouter: router.connect", router.connect);
  if (router.check !== undefined) checkFunction("connectRouter: router.check", router.check);
  const gateway = (node.gateway ??= new Gateway(node));
  if (!gateway.connect(router)) {
    const expected = "without a router so far (remoting is started once in the life of a node)";
    throw new InvalidArgumentError("connectRouter: node", expected, node.name);
  }
  return gateway;
}
