/** Virtual time, and schedules that a seed decides. */
export {
  createFifoScheduler,
  type FifoScheduler,
  type FifoSchedulerOptions,
} from "./fifo-scheduler.js";
export { createVirtualClock, quiesce, type Quiesce, type VirtualClock } from "./virtual-clock.js";
