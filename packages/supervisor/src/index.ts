/** Supervision trees: processes that start, watch, restart and stop other processes. */
export {
  defineApplication,
  type ApplicationDefinition,
  type ApplicationSpec,
  type ApplicationStart,
} from "./application-definition.js";
export {
  exitCodeOf,
  type ApplicationEnd,
  type GivenUp,
  type Holder,
  type StopCause,
  type StopProblem,
} from "./application-end.js";
export { ApplicationRunningError } from "./application-errors.js";
export type { ApplicationHost, HostListener, ProcessTracker } from "./application-host.js";
export { formatApplicationReport, type ApplicationReport } from "./application-report.js";
export {
  startApplication,
  type ApplicationHandle,
  type ApplicationOptions,
  type StartApplicationOptions,
} from "./application.js";
export type { ChildCounts, ChildInfo, ChildSpecInfo, SupervisorView } from "./child-info.js";
export { checkChildSpecs } from "./child-spec-check.js";
export type { Backoff } from "./backoff.js";
export {
  child,
  type AutoShutdown,
  type ChildOptions,
  type ChildSpec,
  type ChildStart,
  type ChildType,
  type Program,
  type Shutdown,
} from "./child-spec.js";
export { childTemplate, type ChildTemplate, type TemplateOptions } from "./child-template.js";
export type {
  DynamicSupervisorMessage,
  DynamicSupervisorPid,
  StartDynamicChildResult,
  TerminateDynamicChildResult,
} from "./dynamic-supervisor-message.js";
export type { DynamicSupervisorSysState } from "./dynamic-supervisor-process.js";
export type { DynamicSupervisorSpec } from "./dynamic-supervisor-spec.js";
export {
  explainShutdown,
  type ShutdownExplanation,
  type ShutdownHolder,
} from "./explain-shutdown.js";
export { openSupervisor, type OpenSupervisor } from "./open-supervisor.js";
export { plan, type Plan, type PlannedEvent, type PlanStep } from "./plan.js";
export { partitionOf, type PartitionKey } from "./partition-key.js";
export type { PartitionSupervisorSpec } from "./partition-supervisor-spec.js";
export {
  definePartitionSupervisor,
  partition,
  partitionsOf,
  whichPartitions,
  type Partition,
  type Partitions,
  type PartitionSupervisorDefinition,
  type PartitionSupervisorMessage,
} from "./partition-supervisor.js";
export { defineDynamicSupervisor, type DynamicSupervisorDefinition } from "./dynamic-supervisor.js";
export type {
  DeleteChildResult,
  RestartChildResult,
  StartChildResult,
  Started,
  StartFailed,
  TerminateChildResult,
} from "./child-request.js";
export {
  InvalidCallbackResultError,
  InvalidChildSpecError,
  InvalidStartResultError,
  InvalidStateResultError,
  NotSuspendedError,
  RequestAbandonedError,
  UnhandledEventError,
  UnknownRequestError,
  type ChildSpecRule,
} from "./errors.js";
export type { EventHandlerId } from "./event-handler-id.js";
export type { EventHandlerSelf } from "./event-handler-self.js";
export {
  defineEventHandler,
  eventHandler,
  type AnyEventHandler,
  type EventHandler,
  type EventHandlerCallResult,
  type EventHandlerDefinition,
  type EventHandlerEnd,
  type EventHandlerInit,
  type EventHandlerProtocol,
  type EventHandlerResult,
  type Handover,
} from "./event-handler.js";
export {
  EventHandlerFailedError,
  NoEventHandlerError,
  UnknownEventHandlerError,
} from "./event-manager-errors.js";
export {
  addHandler,
  addSupervisedHandler,
  callHandler,
  deleteHandler,
  notify,
  sendHandlerRequest,
  swapHandler,
  swapSupervisedHandler,
  syncNotify,
  whichHandlers,
  type EventHandlerOwner,
  type EventManagerTarget,
  type SwapOptions,
} from "./event-manager-operations.js";
export type { EventHandlerReport } from "./event-manager-report.js";
export type {
  EventHandlerExit,
  EventHandlerExitReason,
  EventHandlerState,
  EventHandlerStatus,
  EventManager,
  EventManagerDefinition,
  EventManagerProtocol,
} from "./event-manager.js";
export { defineEventManager } from "./gen-event.js";
export { defineServer } from "./gen-server.js";
export { defineStateMachine } from "./gen-statem.js";
export type {
  EnterResult,
  StateCallbacks,
  StateMachine,
  StateMachineDefinition,
  StateMachineInitResult,
  StateMachineSelf,
  StateMachineStatus,
  StateResult,
} from "./state-machine.js";
export type { EnterCall, EventOf, StateMachineEvent, TimeoutEvent } from "./statem-event.js";
export {
  replyTo,
  type EnterActions,
  type BadResultKind as InvalidStateResultKind,
  type Reply,
  type StateActions,
} from "./statem-result.js";
export type { TimeoutSetting } from "./statem-timeouts.js";
export type { Restart } from "./restart-type.js";
export { runApplication, type RunApplicationOptions } from "./run-application.js";
export { startWith } from "./start.js";
export type { Strategy } from "./strategy.js";
export type {
  SupervisorMessage,
  SupervisorPid,
  SupervisorQuery,
  SupervisorReported,
} from "./supervisor-message.js";
export {
  countChildren,
  deleteChild,
  getChildSpec,
  restartChild,
  startChild,
  terminateChild,
  whichChildren,
} from "./supervisor-operations.js";
export { formatSupervisorReport } from "./supervisor-report-text.js";
export type { Consequence, SupervisorReport } from "./supervisor-report.js";
export type { SupervisorSysState } from "./supervisor-process.js";
export type { SupervisorSpec } from "./supervisor-spec.js";
export {
  defineSupervisor,
  startSupervisor,
  type AnySupervisorDefinition,
  type StartSupervisorOptions,
  type SupervisorDefinition,
} from "./supervisor.js";
export {
  renderTree,
  supervisionTree,
  type RenderTreeOptions,
  type SupervisionTree,
} from "./tree.js";
export type { AnyBehaviour } from "./behaviour-start.js";
export type {
  CallbackResult,
  CallResult,
  CallSelf,
  InitResult,
  ProtocolOf,
  Server,
  ServerDefinition,
  ServerProtocol,
  ServerSelf,
} from "./server-definition.js";
export * as sys from "./sys.js";
export type { Statistics, Status, SystemEvent, SystemTarget } from "./sys.js";
export { multiCall, type MultiCallResult } from "./multi-call.js";
export {
  RequestCollection,
  sendRequest,
  type LabelledResponse,
  type Request,
  type Response,
  type WaitOptions,
} from "./request.js";
export { stop, type StopProcessOptions } from "./stop.js";
export * as task from "./task.js";
export type { AwaitOptions, ShutdownOptions, YieldOptions } from "./task.js";
export type { TaskFunction } from "./task-body.js";
export {
  TaskAwaitedError,
  TaskExitError,
  TaskOwnerError,
  TaskTimeoutError,
} from "./task-errors.js";
export type { Task, TaskOwner, TaskResult } from "./task-handle.js";
export type { AsyncStreamOptions } from "./task-stream.js";
export * as agent from "./agent.js";
export type { AgentMessage, AgentOptions, AgentPid, GetAndUpdate } from "./agent.js";
export * as circuitBreaker from "./circuit-breaker.js";
export type {
  CircuitBreaker,
  CircuitBreakerMessage,
  CircuitChange,
  CircuitOwner,
  CircuitPosition,
  RunOptions,
  SharedRunOptions,
} from "./circuit-breaker.js";
export type {
  CircuitBreakerSettings,
  FailureCount,
  FailureRate,
} from "./circuit-breaker-decision.js";
export { CircuitOpenError } from "./circuit-breaker-errors.js";
export {
  callWithRetry,
  retry,
  type Attempt,
  type CallRetryOptions,
  type RetryOptions,
  type Trier,
} from "./retry.js";
export type { Retry, RetrySettings } from "./retry-decision.js";
export * as workerPool from "./worker-pool.js";
export type {
  CheckOutOptions,
  Loan,
  PoolStatus,
  WorkerPoolMessage,
  WorkerPoolSettings,
} from "./worker-pool.js";
export type { PoolOverflow, PoolRefusal } from "./worker-pool-decision.js";
export { PoolFullError, PoolTimeoutError } from "./worker-pool-errors.js";
export * as rateLimit from "./rate-limit.js";
export type { AcquireOptions, RateLimitMessage, TryAcquireOptions } from "./rate-limit.js";
export type { RateLimitSettings, RateRefusal, Reservation } from "./rate-limit-decision.js";
export { RateLimitError } from "./rate-limit-errors.js";
export type { TaskSupervisorMessage, TaskSupervisorOptions } from "./task-supervisor.js";
