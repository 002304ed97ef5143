/** A host that does as the test says: its event loop turns and its time passes on demand. */
import {
  createNode,
  type Clock,
  type Node,
  type NodeEvent,
  type NodeOptions,
  type Scheduler,
} from "@coppice/core";

/** A host whose event loop turns when the test says so, and whose time passes by work alone. */
export class FakeHost implements Clock, Scheduler {
  nowMs = 0;
  /** How long looking at the clock takes; 1 ms makes each message use up a whole turn. */
  lookMs = 0;
  /** Not there in a host that cannot tell. */
  declare cpuMs?: () => number;
  #tasks: (() => void)[] = [];
  #alarms: { atMs: number; wake: () => void }[] = [];

  now(): number {
    return (this.nowMs += this.lookMs);
  }

  set(wake: () => void, delayMs: number): unknown {
    const alarm = { atMs: this.nowMs + delayMs, wake };
    this.#alarms.push(alarm);
    return alarm;
  }

  clear(handle: unknown): void {
    this.#alarms = this.#alarms.filter((alarm) => alarm !== handle);
  }

  soon(task: () => void): void {
    queueMicrotask(task);
  }

  afterTurn(task: () => void): void {
    this.#tasks.push(task);
  }

  /** Runs what can run before the event loop turns. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  /** Lets the event loop turn: due timers, then what waits for a turn, then the rest. */
  async turn(): Promise<void> {
    for (const alarm of this.#alarms.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.clear(alarm);
      alarm.wake();
    }
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    await this.rest();
  }

  async turns(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.turn();
  }
}

export function createHosted(options: NodeOptions = {}): {
  node: Node;
  host: FakeHost;
  events: NodeEvent[];
} {
  const host = new FakeHost();
  const node = createNode({
    name: "demo",
    clock: host,
    scheduler: host,
    logger: false,
    ...options,
  });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return { node, host, events };
}
