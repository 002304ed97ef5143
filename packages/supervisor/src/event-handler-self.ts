/**
 * The process of an event manager, as its handlers see it: all they could do in a process of their
 * own, but for ending it.
 */
import {
  InvalidArgumentError,
  isPid,
  type AnyPid,
  type ExitReason,
  type Self,
} from "@coppice/core";
import type { BehaviourSelf } from "./behaviour.js";

/**
 * What a handler may use: everything a process may, but `trapExits`, which is the manager's. What it
 * sends comes from the manager. `receive` only in an async callback.
 */
export interface EventHandlerSelf extends Self<unknown> {
  /** Ends this handler with `reason`; the manager and the other handlers go on. */
  exit(reason: ExitReason): never;
  /** Sends an exit signal; see `exitEffect` for what it does. */
  exit(pid: AnyPid, reason: ExitReason): void;
}

/** What `self.exit(reason)` throws in a handler. Not an `Error`: it is no failure and has no stack. */
export class HandlerExit {
  readonly name = "HandlerExit";
  readonly reason: ExitReason;

  constructor(reason: ExitReason) {
    this.reason = reason;
  }
}

type Method = (...args: unknown[]) => unknown;

/** Passes everything on to the process, but what would end or deafen it. */
export function handlerSelf(self: BehaviourSelf): EventHandlerSelf {
  const exit = (...args: [ExitReason] | [AnyPid, ExitReason]): void => {
    if (args.length === 2) return self.exit(args[0] as AnyPid, args[1]);
    const [reason] = args;
    if (isPid(reason)) {
      throw new InvalidArgumentError("exit: reason", "given beside the pid", undefined);
    }
    throw new HandlerExit(reason);
  };
  const trapExits = (): never => {
    const expected = "left to the event manager, which traps them for all of its handlers";
    throw new InvalidArgumentError("trapExits", expected, undefined);
  };
  const methods = new Map<PropertyKey, unknown>([
    ["exit", exit],
    ["trapExits", trapExits],
  ]);
  return new Proxy(self, {
    get: (process, key) => {
      const known = methods.get(key);
      if (known !== undefined) return known;
      // Its own getters and private fields are those of the process, not of the proxy.
      const value: unknown = Reflect.get(process, key, process);
      if (typeof value !== "function") return value;
      const bound: unknown = (value as Method).bind(process);
      methods.set(key, bound);
      return bound;
    },
  }) as EventHandlerSelf;
}
