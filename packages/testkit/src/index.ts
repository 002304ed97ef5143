/** Virtual time, and schedules that a seed decides. */
export {
  createFifoScheduler,
  type FifoScheduler,
  type FifoSchedulerOptions,
} from "./fifo-scheduler.js";
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
