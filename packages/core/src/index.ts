/**
 * Processes with OTP's semantics: spawn, typed selective receive, link, monitor, trap exits, timers,
 * names, calls. Runs wherever JavaScript does; clock, scheduler and randomness can be replaced.
 */
export type { Address, Target } from "./address.js";
export type { AbortSignalLike } from "./abort-signal.js";
export type { AliasMode } from "./alias.js";
export type { Body, Handler, HandlerSelf } from "./body.js";
export type { Call, CallOptions, Cast, CastOf, ReplyOf, RequestOf } from "./call.js";
export { checkFunction, checkKeys } from "./check.js";
export type { Clock } from "./clock.js";
export { crashProcess } from "./crash-process.js";
export { formatCrashReport, stackOf, type CrashReport } from "./crash-report.js";
export { errorText, formatThrown } from "./error-text.js";
export {
  AlreadyNamedError,
  CallCycleError,
  CallTimeoutError,
  CoppiceError,
  DeadProcessError,
  ExitSignal,
  InvalidArgumentError,
  InvalidNameError,
  isEnd,
  MailboxOverflowError,
  MutationAfterSendError,
  NameNotRegisteredError,
  NameTakenError,
  NodeStoppedError,
  NoProcessError,
  ReceiveError,
  ServerExitError,
  StartError,
  ThrownValueError,
  UncloneableMessageError,
  UnsendableReplyError,
  UnsupportedHostError,
} from "./errors.js";
export type { NodeEvent, NodeEvents } from "./event.js";
export {
  formatReason,
  formatTerm,
  isCrash,
  isErrorLike,
  isOrderly,
  type CrashReason,
  type ExitReason,
  type ShutdownDetail,
  type ShutdownReason,
  type Term,
} from "./exit-reason.js";
export { exitEffect, type Exit, type ExitEffect } from "./exit-signal.js";
export { HappeningKey, KeySpace, ProcessKey, type Access } from "./happening-key.js";
export { abandonNode, killAtOnce } from "./fault.js";
export { guardedObservable } from "./guarded-observable.js";
export type { WhenExitedOptions } from "./exit-watch.js";
export {
  hostClock,
  hostRandom,
  hostScheduler,
  SIMULATED_HOST,
  type ProcessSignal,
} from "./host.js";
export type { Isolation } from "./isolation.js";
export { formatFailure, logToConsole } from "./logger.js";
export type { UnlinkOptions } from "./link.js";
export type { MailboxOptions, Overflow } from "./mailbox.js";
export type { DemonitorOptions, Down, MonitorAlias, MonitorOptions } from "./monitor.js";
export {
  at,
  isName,
  isRemoteName,
  name,
  type AnyName,
  type Name,
  type RemoteName,
} from "./name.js";
export {
  createNode,
  createNodeOn,
  type Node,
  type NodeCounts,
  type NodeOptions,
  type NodePorts,
  type StopOptions,
} from "./node.js";
export { fromObservable, schedulerOf, toObservable, type Notification } from "./observable.js";
export type { Carried } from "./offer.js";
export { offerCarried, processKeyOf } from "./offers.js";
export { opaque, type Opaque } from "./opaque.js";
export type { Operations } from "./operations.js";
export type { Owned } from "./own.js";
export type { Gateway } from "./gateway.js";
export type { Peer } from "./peer.js";
export { DEFAULT_CALL_TIMEOUT_MS } from "./pending-call.js";
export { formatPid, isPid, keyOf, type AnyPid, type Pid } from "./pid.js";
export {
  busyProcesses,
  glanceAtMailbox,
  glanceAtStatus,
  outlineOf,
  type ProcessInfo,
  type ProcessOutline,
} from "./process-info.js";
export type { Random } from "./random.js";
export {
  isRef,
  type Alias,
  type From,
  type MonitorRef,
  type Ref,
  type TimerRef,
} from "./reference.js";
export { reportFor, type Report } from "./report.js";
export { connectRouter, type RemoteSignal, type Router } from "./router.js";
export type { Happening, Scheduler } from "./scheduler.js";
export {
  TIMEOUT,
  type ReceiveOptions,
  type Self,
  type SpawnMonitorOptions,
  type SpawnOptions,
  type Translation,
} from "./self.js";
export { stackless } from "./stackless.js";
export {
  checkStartOptions,
  type InitAck,
  type Startable,
  type Starter,
  type StartMonitorOptions,
  type StartOptions,
  type StartResult,
} from "./start.js";
export type { Timeout } from "./timer.js";
export type { SleepOptions } from "./wait.js";
