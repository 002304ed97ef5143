/**
 * What the process of a task runs: a function, once it is told who waits for the result.
 *
 * The first message of a task is a call of its owner. What the function returns is the reply.
 */
import {
  isRef,
  opaque,
  type AnyPid,
  type Body,
  type Call,
  type Down,
  type Opaque,
  type Self,
  type CrashReason,
} from "@coppice/core";
import { reasonOfThrown } from "./behaviour.js";
import { isOwnEnd } from "./own-end.js";

/** What a task runs. `self` is that of the task's own process. */
export type TaskFunction<T, M = never, A extends readonly unknown[] = []> = (
  self: Self<M>,
  ...args: A
) => T | PromiseLike<T>;

/** How an owner asks for the result. */
export type TaskCall<T> = Call<{ readonly type: "runTask" }, TaskReply<T>>;

/** An error comes as a reply when nobody waits, so that the crash after it is told as one of its own. */
export type TaskReply<T> = { readonly value: T } | { readonly crash: Opaque<CrashReason> };

export const RUN_TASK: { readonly type: "runTask" } = Object.freeze({ type: "runTask" });

/** What a task knows of those who wait for it. */
export interface Attention {
  /** Its crash ends its owner, which thus does not hear of it. */
  linked: boolean;
  /** How many wait for it right now. */
  waiting: number;
}

/**
 * A body that runs `run` for whoever asks first; reports call it as the function is called.
 *
 * @param owner whose end before it has asked ends the task, where no link does
 */
export function taskBody<T, M, A extends readonly unknown[]>(
  run: TaskFunction<T, M, A>,
  args: A,
  attention: Attention,
  owner?: AnyPid,
): Body<unknown> {
  return named(run, async (self: Self<unknown>) => {
    const call = await (owner === undefined ? self.receive(isTaskCall) : callOf(owner, self));
    if (call === undefined) return;
    try {
      // Not by `reply`: a task whose result cannot be sent has failed. Whoever has its pid may send `M` alone.
      self.send(call.from, { value: await run(self as Self<M>, ...args) });
    } catch (error) {
      if (!attention.linked && attention.waiting === 0 && !isOwnEnd(self.pid, error)) {
        const crash = reasonOfThrown(error, self.pid) as CrashReason;
        self.reply(call.from, { crash: opaque(crash) });
      }
      throw error;
    }
  });
}

/** A body that runs `run` for nobody. */
export function plainBody<M, A extends readonly unknown[]>(
  run: TaskFunction<unknown, M, A>,
): Body<M, A> {
  return named(run, async (self: Self<M>, ...args: A) => void (await run(self, ...args)));
}

/** Gives a body the name of a function, which is what reports call its process. */
export function named<B>(run: { readonly name: string }, body: B): B {
  return Object.defineProperty(body, "name", { value: run.name || "task" });
}

/** Waits for the call of the owner; `undefined` when that ends before. */
async function callOf(owner: AnyPid, self: Self<unknown>): Promise<TaskCall<unknown> | undefined> {
  const ref = self.monitor(owner);
  const isDown = (message: unknown): boolean =>
    (Object(message) as Partial<Down>).type === "down" && (message as Down).ref === ref;
  const message = await self.receive((next) => isTaskCall(next) || isDown(next));
  if (!isTaskCall(message)) return undefined;
  self.demonitor(ref, { flush: true });
  return message;
}

function isTaskCall(message: unknown): message is TaskCall<unknown> {
  const { type, request, from } = Object(message) as Partial<TaskCall<unknown>>;
  return type === "call" && request?.type === "runTask" && isRef(from);
}
