/** What most tests of core begin with: a silent node in virtual time, and processes that do as told. */
import {
  createNode,
  formatReason,
  type Node,
  type NodeEvent,
  type NodeOptions,
  type Pid,
  type Self,
  type SpawnOptions,
} from "@coppice/core";
import { createVirtualClock, type VirtualClock } from "@coppice/testkit";

export interface World {
  readonly node: Node;
  readonly clock: VirtualClock;
  /** All that `node.events` told, oldest first. */
  readonly events: readonly NodeEvent[];
}

export function createWorld(options: NodeOptions = {}): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", clock, logger: false, ...options });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return { node, clock, events };
}

/** A process that does what it is told and leaves all other messages in its mailbox. */
export interface Puppet {
  readonly pid: Pid<unknown>;
  /** Has it do something; what that returns or throws is told here and does not end it. */
  do<T>(act: (self: Self<unknown>) => T | PromiseLike<T>): Promise<T>;
}

/** Something a puppet is to do. */
class Order {
  readonly act: (self: Self<unknown>) => unknown;
  readonly done: (result: unknown) => void;
  readonly failed: (error: unknown) => void;

  constructor(
    act: (self: Self<unknown>) => unknown,
    done: (result: unknown) => void,
    failed: (error: unknown) => void,
  ) {
    this.act = act;
    this.done = done;
    this.failed = failed;
  }
}

/** The body of a puppet, for those that a process spawns itself. */
export async function obey(self: Self<unknown>): Promise<void> {
  for (;;) {
    const order = await self.receive((message) => message instanceof Order);
    try {
      order.done(await order.act(self));
    } catch (error) {
      order.failed(error);
    }
  }
}

export function spawnPuppet(node: Node, options: SpawnOptions<unknown> = {}): Puppet {
  return puppetOf(node, node.spawnOpt(options, obey));
}

/** Takes the strings of a process that runs `obey`. */
export function puppetOf(node: Node, pid: Pid<unknown>): Puppet {
  return {
    pid,
    do: <T>(act: (self: Self<unknown>) => T | PromiseLike<T>) => {
      const result = new Promise<T>((done, failed) => {
        node.events.subscribe((event) => {
          if (event.type !== "exited" || event.pid !== pid) return;
          failed(new Error(`${String(pid)} has ended: ${formatReason(event.reason)}`));
        });
        node.send(pid, new Order(act, done as (result: unknown) => void, failed));
      });
      // A test that kills a puppet need not wait for what it was doing.
      result.catch(() => undefined);
      return result;
    },
  };
}

/** A process that does nothing until it is told to end. */
export async function idle<M>(self: Self<M>): Promise<void> {
  await self.receive();
}

/** The pid of a process that is dead already. */
export async function spawnDead(node: Node): Promise<Pid<unknown>> {
  const pid = node.spawn<unknown>(() => undefined);
  await node.whenExited(pid);
  return pid;
}
