/** Remoting of a node, as its user sees it: what `startRemote` returns. `RemoteNode` is what it is. */
import type { Node, Pid, RemoteName, Startable } from "@coppice/core";
import type { Observable } from "rxjs";
import type { Groups } from "./groups.js";
import type { Role } from "./handshake-message.js";
import type { LimitName } from "./limits.js";
import type { Names } from "./names.js";
import type { RemoteEvent } from "./remote-event.js";
import type { Place } from "./remote-start.js";
import type { NodeLife } from "./term.js";
import type { Transport } from "./transport.js";

/** A node that is connected. */
export interface ConnectedNode extends NodeLife {
  readonly role: "node" | "client";
  /** How many bytes wait to be sent to it. */
  readonly queuedBytes: number;
  /** How much ends with the session. */
  readonly links: number;
  readonly monitors: number;
}

/** A node was connected, or is so no longer. */
export type NodeStatus =
  | {
      readonly type: "nodeup";
      readonly node: string;
      /** Of the life it is about. */
      readonly incarnation: number;
      readonly role: Role;
    }
  | {
      readonly type: "nodedown";
      readonly node: string;
      /** `undefined` for a node that could not be reached. */
      readonly incarnation: number | undefined;
      readonly role: Role | undefined;
      /** Why: one of `CLOSE_CODES`, or the transport's; `undefined` when nothing was dialled. */
      readonly code: number | undefined;
      /** Why, in words; may be empty. */
      readonly text: string;
    };

/** Of which nodes a process is told. */
export interface MonitorNodesOptions {
  /**
   * Of that node alone, whatever its role. If it is not connected it is connected with, and when that fails there is a
   * `nodedown` for it. Of this node itself there is nothing to tell.
   */
  readonly node?: string;
  /**
   * Of those in that role; `"node"` by default, as in OTP, where hidden nodes have to be asked for. With `node` it is
   * `"all"`.
   */
  readonly role?: Role | "all";
}

/** Remoting of a node, as `startRemote` returns it. */
export interface Remote {
  readonly node: Node;
  /** Where it listens. */
  readonly addresses: readonly string[];
  /** What goes on. An error of a subscriber hurts nobody. */
  readonly events: Observable<RemoteEvent>;
  /** With whom a session is open. */
  nodes(): ConnectedNode[];
  /**
   * Connects with a node, by its name or by an address such as `wss://host:7000`; at once when a session
   * is open. Waits as long as a handshake may take.
   *
   * @throws UnreachableError it did not come about
   */
  connect(target: string): Promise<NodeLife>;
  /** Ends the session with a node, if there is one. */
  disconnect(node: string): void;
  /** Does more wait to be sent to that node than goes out? */
  isBusy(node: string): boolean;
  /** Resolves when that is over, or the session is. */
  ready(node: string): Promise<void>;
  /**
   * Sends a message unless the node it is for is busy; then nothing is sent. To a process of this node, and
   * to a node that is not connected, it is always sent.
   *
   * @param sender the `self` of a process, or a node
   * @param to a pid, or a name at a node
   */
  trySend<M>(
    sender: Pick<Node, "send">,
    to: Pid<M> | RemoteName<M>,
    message: NoInfer<M>,
  ): "sent" | "busy";
  /**
   * Tells a process of this node by messages when nodes are connected, and when they are so no longer, until
   * it ends or the function that is returned is called. Links and monitors are told of a loss before.
   *
   * @param map makes the message; what it throws crashes the process, as in `monitor`
   * @throws InvalidArgumentError no pid of this node, no function, no name of a node, or no role
   * @see https://www.erlang.org/doc/man/net_kernel.html#monitor_nodes/2
   */
  monitorNodes<M>(
    pid: Pid<M>,
    map: (status: NodeStatus) => M,
    options?: MonitorNodesOptions,
  ): () => void;
  /**
   * A behaviour that another node lists, to be started there as if it were here: by `self.start`, by a
   * supervisor, by `node.startOpt`. Its error is `"noconnection"` when the node is out of reach,
   * `"notAllowed"` when it does not list it for us, `{ badArguments }` when it refuses the arguments, or
   * `"limit"`.
   *
   * Started linked, as by a supervisor, it lives no longer than its connection with who started it: a
   * supervisor here starts it anew, where `place` says then, and what is left of it there ends when that node
   * knows of the loss. Started without a link it lives on there. A monitor is there before it can end, as at home.
   *
   * Of the options, `link`, `monitor`, `timeoutMs`, `label` (the first 255 bytes) and `unwindMs` go along; `key` is of
   * this node alone; `name` and `mailbox` are refused with `InvalidArgumentError`.
   *
   * @param place the node, or a function that says it anew at each start
   */
  behaviour<S extends Startable<never, never>>(place: Place, name: string): S;
  /** Takes a connection that was made elsewhere, such as one with a worker thread; the other end dials. */
  accept(transport: Transport): void;
  /** The process groups of a scope; `"default"` when none is said. The same object each time. */
  groups(scope?: string): Groups;
  /**
   * Names that are unique among all nodes that keep them, as `options.names` says.
   *
   * @throws InvalidArgumentError that option is missing
   */
  readonly names: Names;
  /** How often each limit was breached. */
  readonly breaches: { readonly [L in LimitName]?: number };
  /**
   * Ends all sessions and listens no more. The node itself goes on, alone; its processes lose their names of the
   * cluster.
   */
  stop(): Promise<void>;
}
