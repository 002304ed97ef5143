/**
 * Processes of several nodes that find, call, watch and start each other as if they were of one, over
 * WebSockets, MessagePorts, or a network in memory.
 */
export { remoteBehaviour, type RemoteBehaviour, type RemoteBehaviours } from "./behaviours.js";
export {
  NameRefusedError,
  NameTimeoutError,
  NotAllowedError,
  RemoteStoppedError,
  TooManyCallsError,
  UnreachableError,
  UnreadableError,
} from "./errors.js";
export type { GroupEvent, Groups } from "./groups.js";
export type { Role } from "./handshake-message.js";
export { DEFAULT_LIMITS, type LimitName, type Limits } from "./limits.js";
export type { CustomListen, WebSocketListen } from "./listen-options.js";
export { createMemoryNetwork, type Fault, type MemoryNetwork } from "./memory-transport.js";
export { messagePortTransport, type PortLike } from "./message-port-transport.js";
export type { Names, WhenNameLost } from "./names.js";
export type {
  ClusterNamesOptions,
  NameClaim,
  NameEvent,
  NameHolder,
  NameStore,
} from "./name-store.js";
export type { ConnectedNode, MonitorNodesOptions, NodeStatus, Remote } from "./remote.js";
export { RemoteError } from "./remote-error.js";
export type { RemoteEvent } from "./remote-event.js";
export type { RemoteHost } from "./remote-host.js";
export type { RemoteOptions } from "./remote-options.js";
export type { Place } from "./remote-start.js";
export type { RemotePorts } from "./start-on.js";
export { generateCookie, startRemote } from "./start-remote.js";
export { UnsendableTermError, type NodeLife } from "./term.js";
export type { Dialler, Listener, Transport, TransportEvents } from "./transport.js";
export type { OverflowPolicy } from "./watermark.js";
export {
  startInThread,
  threadGroup,
  threadNode,
  type ThreadGroup,
  type ThreadGroupOptions,
  type ThreadNodeOptions,
  type ThreadWorkerOptions,
} from "./thread-node.js";
export { startWorkerNode, type WorkerNode, type WorkerNodeOptions } from "./worker-node.js";
export { CLOSE_CODES, type CloseCode } from "./wire-signal.js";
