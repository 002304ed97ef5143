/** What most tests of supervisors begin with: a silent node in virtual time, and workers that do as told. */
import {
  createNode,
  formatReason,
  type AnyPid,
  type Exit,
  type ExitReason,
  type Node,
  type NodeOptions,
  type Pid,
  type Self,
} from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";
import {
  child,
  whichChildren,
  type ChildOptions,
  type ChildSpec,
  type SupervisorPid,
} from "@coppice/supervisor";

/** What a worker understands. */
export type Order =
  | { readonly type: "exit"; readonly reason: ExitReason }
  | { readonly type: "throw"; readonly error: unknown }
  /** Waits for ever, for something no exit signal ends. */
  | { readonly type: "hang" }
  | Exit;

/** How a worker takes the order to end. */
export type Manner = "ends" | "ignores" | { readonly endsAfterMs: number };

export interface World {
  readonly node: Node;
  readonly clock: VirtualClock;
  /** What the workers did, in order: `+a` started, `-a reason` ended. */
  readonly journal: string[];
  /** The journal since it was last read. */
  news(): string[];
  /** The body of a worker that writes into the journal. */
  work(self: Self<Order>, id: string, manner: Manner): Promise<void>;
  /** A worker that writes into the journal. */
  worker(idOrOptions: string | ChildOptions<Order>, manner?: Manner): ChildSpec<Order>;
  /** Tells the child of a supervisor to do something, and waits for what follows. */
  tell(supervisor: SupervisorPid, id: string, order: Order): Promise<void>;
  /** Ends a child by `reason`, and waits for what follows. */
  end(supervisor: SupervisorPid, id: string, reason: ExitReason): Promise<void>;
  pidOf(supervisor: SupervisorPid, id: string): Promise<Pid<Order>>;
}

export const boom = new Error("boom");

export function createWorld(
  options: Omit<NodeOptions, "clock"> & { readonly clock?: VirtualClock } = {},
): World {
  const { clock = createVirtualClock() } = options;
  const node = createNode({ name: "demo", logger: false, ...options, clock });
  const journal: string[] = [];
  const workers = new Map<AnyPid, string>();
  let read = 0;
  node.events.subscribe((event) => {
    if (event.type !== "exited" || !workers.has(event.pid)) return;
    journal.push(`-${workers.get(event.pid)} ${formatReason(event.reason)}`);
  });
  const work = async (self: Self<Order>, id: string, manner: Manner): Promise<void> => {
    workers.set(self.pid, id);
    journal.push(`+${id}`);
    if (manner !== "ends") self.trapExits();
    for (;;) await obey(self, await self.receive(), manner);
  };
  const world: World = {
    node,
    clock,
    journal,
    work,
    news: () => journal.slice(read, (read = journal.length)),
    worker: (idOrOptions, manner = "ends") => {
      const id = typeof idOrOptions === "string" ? idOrOptions : idOrOptions.id;
      return child(idOrOptions, work, id, manner);
    },
    tell: async (supervisor, id, order) => {
      node.send(await world.pidOf(supervisor, id), order);
      await quiesce();
    },
    end: (supervisor, id, reason) => world.tell(supervisor, id, { type: "exit", reason }),
    pidOf: async (supervisor, id) => {
      const children = await whichChildren(node, supervisor);
      const pid = children.find((one) => one.id === id)?.pid;
      if (pid === undefined) throw new Error(`${id} is not running`);
      return pid as Pid<Order>;
    },
  };
  return world;
}

async function obey(self: Self<Order>, order: Order, manner: Manner): Promise<void> {
  switch (order.type) {
    case "exit":
      if (!("from" in order)) self.exit(order.reason);
      if (manner === "ends" || manner === "ignores") return;
      await self.sleep(manner.endsAfterMs);
      return self.exit(order.reason);
    case "throw":
      throw order.error;
    case "hang":
      return new Promise(() => undefined);
    default:
      order satisfies never;
  }
}

/** Has a process of the node do something, and resolves to what that returns. */
export function within<T, M = unknown>(
  node: Node,
  act: (self: Self<M>) => T | PromiseLike<T>,
): { readonly pid: Pid<M>; readonly result: Promise<T> } {
  let done!: (result: T) => void;
  let failed!: (error: unknown) => void;
  const result = new Promise<T>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  result.catch(() => undefined);
  const pid = node.spawn<M>(async (self) => {
    try {
      done(await act(self));
    } catch (error) {
      failed(error);
      throw error;
    }
    await self.receive(() => false);
  });
  return { pid, result };
}

/** Whether a promise has settled when nothing can happen any more without time passing. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await quiesce();
  return settled;
}
