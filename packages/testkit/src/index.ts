/** Simulation: nodes, processes, time and randomness under one scheduler that decides everything. */
export { dependent } from "./dependence.js";
export { DiskError, type Durable, type DurableOptions, type Unsynced } from "./durable.js";
export { CommutativityError } from "./commutativity.js";
export type { Coverage } from "./coverage.js";
export { DelayBounded } from "./delay-bounded.js";
export {
  DivergenceError,
  SourceDpor,
  type DporOptions,
  type Explored,
  type KindOf,
} from "./dpor.js";
export { explore, exploreRuns } from "./explore.js";
export type { Exploration, ExploredFailure, Origin, Runner } from "./explorer.js";
export type { ExploreOptions } from "./explore-options.js";
export {
  exploreStates,
  type ExploreStatesOptions,
  type StateExploration,
} from "./explore-states.js";
export { drawFaults, withFaults, type FaultChoice, type DrawnFault } from "./fault-plan.js";
export { messageKindOf } from "./message-kind.js";
export { countOrders } from "./order-count.js";
export { samplers, strategyOfPlan, type SamplePlan, type Sampler } from "./portfolio.js";
export { stateFindings, type Findings, type Statement } from "./statement.js";
export { IncompleteStateError } from "./incomplete-state-error.js";
export type { StateFindings, StateStatement } from "./state-statement.js";
export type { LooseView, ProcessView, StateView, TimerView } from "./state-view.js";
export { drawChanges, pct, type PctPlan } from "./strategy-pct.js";
export { partialOrderSampling } from "./strategy-pos.js";
export { surw, type SurwPlan } from "./strategy-surw.js";
export { walk } from "./strategy-walk.js";
export { traceClass } from "./trace-class.js";
export { inMacrotask, NotInMacrotaskError } from "./drain.js";
export {
  createFifoScheduler,
  type FifoScheduler,
  type FifoSchedulerOptions,
} from "./fifo-scheduler.js";
export { ESCAPE_CHECK, EscapeError } from "./escape-error.js";
export type { FaultOptions, FaultTime, PlannedFault } from "./fault.js";
export type { DatagramFaultOptions, Faults } from "./faults.js";
export type { Profile } from "./ready-set.js";
export { hashOfKeys, type Run, type RunOutcome, type Step, type Violation } from "./run.js";
export type { SimulationOptions } from "./kernel-options.js";
export { StrayRejectionError } from "./stray-rejections.js";
export { runProgram, runProgramAsync, type Program } from "./run-program.js";
export type { Look, LookOptions, Reads } from "./looks.js";
export type { Bounds, ClockMode } from "./sim-time.js";
export type { Strike } from "./sightings.js";
export type { SlowSpell } from "./slow-nodes.js";
export type { AnySelf, Shared, SimNode, Simulation } from "./simulation.js";
export { simulate, type InteractiveOptions, type InteractiveSimulation } from "./simulate.js";
export type { Boot, SimNodeOptions } from "./lives.js";
export { FIFO, LIFO, mix, seeded, type RunView, type Strategy } from "./strategy.js";
export type { Transition, TransitionKind } from "./transition.js";
export { createVirtualClock, quiesce, type Quiesce, type VirtualClock } from "./virtual-clock.js";
export {
  createHistory,
  describeOperation,
  formatHistory,
  type Completion,
  type Failure,
  type History,
  type HistoryOptions,
  type Operation,
} from "./history.js";
export {
  checkLinearizability,
  formatVerdict,
  type LinearizabilityOptions,
  type LinearizabilityVerdict,
} from "./linearizability.js";
export {
  keyValues,
  mutex,
  queue,
  register,
  type MapInput,
  type QueueInput,
  type RegisterInput,
} from "./models.js";
export type { Outcome, SequentialModel } from "./sequential-model.js";
export {
  checkListAppend,
  type Anomaly,
  type ListAppendOptions,
  type Micro,
  type Transaction,
} from "./list-append.js";
export {
  checkSequentialConsistency,
  formatSequentialVerdict,
  type SequentialVerdict,
} from "./sequential-consistency.js";
export {
  checkSessions,
  type SessionGuarantee,
  type SessionInput,
  type SessionOptions,
  type SessionViolation,
} from "./session-guarantees.js";
export type { Parts } from "./sequential-model.js";
export { constrained, EAGER } from "./constrained-strategy.js";
export {
  explain,
  isSameViolation,
  type Explanation,
  type ExplainOptions,
  type Twin,
} from "./explain.js";
export { reportFailure, type FailureReport, type FailureReportOptions } from "./failure-report.js";
export type { TraceJson } from "./trace-json.js";
export {
  createSchedule,
  isSchedule,
  profileNames,
  strategyNames,
  type Constraint,
  type ProfileName,
  type Schedule,
  type StrategyName,
} from "./schedule.js";
export { formatSchedule, parseSchedule, ScheduleTokenError } from "./schedule-token.js";
export type { Base } from "./replayer.js";
export { schedules, type SchedulesOptions } from "./schedules.js";
export { strategyOf } from "./strategy-of.js";
export type { Passed } from "./actor-test.js";
export type { ActorBody } from "./searcher.js";
export { OutdatedTokenError } from "./missed-keys.js";
export { NeverAtRestError } from "./never-at-rest.js";
export { UnsteadyRunError } from "./steady.js";
export { FailingTokensError, type FailingToken } from "./failing-tokens.js";
export {
  ScheduleFailureError,
  testActors,
  type DefineTest,
  type TestActors,
  type TestActorsOptions,
  type ValuesOf,
} from "./test-actors.js";
export {
  checkCrossing,
  dual,
  followSession,
  sessionAutomaton,
  type CrossingOptions,
  type CrossingProblem,
  type CrossingVerdict,
  type SessionAct,
  type SessionAutomaton,
  type SessionFollower,
  type SessionState,
  type SessionType,
} from "./session.js";
export {
  createWatch,
  eventually,
  leadsTo,
  never,
  precedes,
  within,
  type AnyMonitor,
  type LeadsToOptions,
  type Monitor,
  type TemporalViolation,
  type Watch,
  type WatchOptions,
  type WithinOptions,
} from "./temporal.js";
export { commandPrograms, type CommandProgramOptions } from "./command-arbitrary.js";
export {
  activeSteps,
  formatProgram,
  type CommandProgram,
  type ProgramStep,
} from "./command-program.js";
export {
  defineCommands,
  tokenOf,
  type AnyCommand,
  type Command,
  type Commands,
  type CommandSuite,
  type MakeCommand,
  type Token,
} from "./commands.js";
export {
  CommandsError,
  runCommands,
  type CommandRun,
  type CommandVerdict,
  type ExecutedStep,
  type RunCommandsOptions,
} from "./run-commands.js";
export { checkConversations, type ConversationOptions } from "./conversation.js";
export {
  checkDeadlock,
  findStuck,
  formatStuck,
  waitCycle,
  type StuckOptions,
  type StuckProcess,
} from "./deadlock.js";
export {
  checkLeaks,
  createLedger,
  findLeaks,
  LedgerError,
  takeInventory,
  type Inventory,
  type Leak,
  type LeakOptions,
  type Ledger,
} from "./leaks.js";
export { calmAfter, type Calm, type CalmOptions, type StormOptions } from "./calm.js";
export { checkLiveness, type LivenessOptions, type SimEvent } from "./liveness.js";
export { checkStrictly, strictRuleOf, type StrictOptions, type StrictRule } from "./strict.js";
export {
  faultCoverage,
  FaultCoverageError,
  formatFaultCoverage,
  requireFaultCoverage,
  type CrashPoint,
  type CrashTarget,
  type FaultCoverage,
  type FaultCoverageOptions,
} from "./fault-coverage.js";
export {
  checkOracles,
  dropClauses,
  ignoreKinds,
  OracleError,
  requireOracles,
  type Mutant,
  type OracleReport,
} from "./oracle-check.js";
export type { CrashTestOptions } from "./crash-test.js";
export { recordNode, type RecordedNode, type RecordNodeOptions } from "./record-node.js";
export type { Input, InputOperation, Recording } from "./recording.js";
export { replayCrash, replayRecording, type CrashReplay } from "./replay-crash.js";
export {
  childSpecs,
  crashes,
  exitReasons,
  faultPlans,
  messages,
  supervisorOf,
  terms,
  treePlans,
  type ChildSpecsOptions,
  type FaultPlansOptions,
  type TreePlan,
  type TreesOptions,
} from "./arbitraries.js";
export { matchMarbles, recordMarbles, type Emission, type MarbleRecord } from "./marbles.js";
export {
  matchExit,
  matchMailbox,
  matchTrace,
  matchTree,
  type Equals,
  type ExpectedReason,
  type MatchResult,
  type TransitionPattern,
  type TreeShape,
} from "./matchers.js";
export {
  createProbe,
  ProbeError,
  type Autopilot,
  type Probe,
  type ProbeOptions,
  type Within,
} from "./probe.js";
export { createReach, UnreachedError, type Reach } from "./reach.js";
export { checkHistory, failureOfCall, type CheckHistoryOptions } from "./sim-history.js";
