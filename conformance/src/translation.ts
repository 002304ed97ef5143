/**
 * Terms of Erlang, and what the runtime has in their place: exit reasons, messages, targets.
 *
 * Puppets and behaviours alike get what Coppice sends; a program sees, and writes, the term.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html
 */
import {
  at,
  isCrash,
  isName,
  isPid,
  isRef,
  name,
  ThrownValueError,
  type Alias,
  type AnyName,
  type AnyPid,
  type Call,
  type Cast,
  type Down,
  type Exit,
  type ExitReason,
  type MonitorRef,
  type Name,
  type Pid,
  type RemoteName,
  type Self,
  type Target,
  type Timeout,
} from "@coppice/core";
import { RemoteError } from "@coppice/remote";
import type { EventHandlerExit } from "@coppice/supervisor";
import { EarlyDown } from "./early-down.js";
import { termOfFailure } from "./failure.js";
import { termOfHandlerExit, termOfManagerMessage } from "./gen-event-terms.js";
import { Raised } from "./raised.js";
import { isArray, NODE_NAME, type Value } from "./term.js";

// ── exit reasons ──────────────────────────────────────────────────────────────────────────────────

/** An exit reason as the programs know it. An error that is no reason of a program is a fault of ours. */
export function termOfReason(reason: ExitReason): Value {
  if (typeof reason !== "object" || reason === null) return reason as Value;
  if (isCrash(reason)) return termOfError(reason.error);
  if (!isPid(reason) && "shutdown" in reason) {
    const { shutdown } = reason;
    return isStacktrace(shutdown) ? { crash: "shutdown" } : ["shutdown", termOfShutdown(shutdown)];
  }
  if ("alreadyStarted" in reason) return ["already_started", reason.alreadyStarted as AnyPid];
  return reason as Value;
}

function termOfError(error: Error): Value {
  if (error instanceof Raised) return { crash: error.reason };
  if (error instanceof ThrownValueError) return { crash: ["nocatch", error.value as Value] };
  if (error instanceof RemoteError) {
    if (error.name === "Raised") return { crash: error.cause as Value };
    if (error.name === "ThrownValueError") return { crash: ["nocatch", error.cause as Value] };
  }
  const term = termOfFailure(error);
  if (term === undefined) throw error;
  return term;
}

/** What a supervisor says when a child did not start is an object here, a tuple in Erlang. */
function termOfShutdown(why: unknown): Value {
  const { type, id, reason } = Object(why) as { type?: unknown; id?: Value; reason?: ExitReason };
  if (type !== "failed_to_start_child") return why as Value;
  return [type, id as Value, termOfReason(reason as ExitReason)];
}

/** Stands for a stack trace where that is but a term. */
const STACKTRACE = Object.freeze({ stacktrace: true });

/** From another node it comes as a copy. */
function isStacktrace(term: unknown): boolean {
  return (Object(term) as typeof STACKTRACE).stacktrace === true;
}

/** Why a process ends that raised an error and did not catch it. Throws or exits; never returns. */
export function endByError(self: Self<unknown>, error: Raised): never {
  // `{shutdown, Stacktrace}` is an orderly end, like any `{shutdown, Term}`.
  if (error.reason === "shutdown") return self.exit({ shutdown: STACKTRACE });
  throw error;
}

/** The exit reason that a program means. */
export function reasonOfTerm(term: Value): ExitReason {
  if (isArray(term) && term.length === 2 && term[0] === "shutdown") {
    return { shutdown: term[1] as never };
  }
  return term as ExitReason;
}

// ── messages ──────────────────────────────────────────────────────────────────────────────────────

/** What stands in a mailbox, as a term. */
export function termOfMessage(message: unknown): Value {
  if (typeof message !== "object" || message === null) return message as Value;
  if (message instanceof EarlyDown) return termOfMessage(message.shown);
  if ("timer" in message) {
    const timeout = message as Timeout<Value>;
    return ["timeout", timeout.timer, timeout.message];
  }
  if (!("type" in message)) return message as Value;
  switch (message.type) {
    case "exit":
      return termOfExit(message as Exit);
    case "down":
      return termOfDown(message as Down);
    case "call": {
      const { from, request } = message as Call<unknown, never>;
      return (
        termOfManagerMessage(message as Call<unknown, never>) ?? {
          gen_call: [from.owner, termOfRequest(request)],
        }
      );
    }
    case "eventHandlerExit":
      return termOfHandlerExit(message as EventHandlerExit);
    case "cast":
      return (
        termOfManagerMessage(message as Cast<unknown>) ?? {
          gen_cast: termOfRequest((message as Cast<unknown>).request),
        }
      );
    default:
      return message as Value;
  }
}

/** A request to a server names the callback; there is just one. */
function termOfRequest(request: unknown): Value {
  return (isArray(request) ? request[1] : request) as Value;
}

/** What a program sends. An `EXIT` or a `DOWN` that nobody but itself made is one like any other. */
export function messageOfTerm(term: Value): unknown {
  if (!isArray(term)) return term;
  const [tag, second, third, object, reason] = term as readonly Value[];
  if (tag === "EXIT" && term.length === 3 && isPid(second)) {
    return { type: "exit", from: second, reason: reasonOfTerm(third as Value) } satisfies Exit;
  }
  const isTarget = isPid(object) || isArray(object);
  if (tag === "DOWN" && term.length === 5 && isRef(second) && third === "process" && isTarget) {
    return {
      type: "down",
      ref: second as MonitorRef,
      process: targetOf(object) as AnyPid,
      reason: reasonOfTerm(reason as Value),
    } satisfies Down;
  }
  return term;
}

export function termOfExit(exit: Exit): Value {
  return ["EXIT", exit.from, termOfReason(exit.reason)];
}

/** @param tag what stands in place of `DOWN` */
export function termOfDown(down: Down, tag: Value = "DOWN"): Value {
  return [tag, down.ref, "process", termOfTarget(down.process), termOfReason(down.reason)];
}

// ── targets ───────────────────────────────────────────────────────────────────────────────────────

export function termOfTarget(target: AnyPid | AnyName | RemoteName<never>): Value {
  if (isPid(target)) return target;
  if (!isName(target) && !("name" in target)) return target as Value;
  return [target.name, "node" in target ? target.node : NODE_NAME];
}

/** A name; Coppice refuses what is none. */
export function nameOf(value: Value): Name<unknown> {
  return name<unknown>(value as string);
}

/** What can be monitored or called. What is none of it stays as it is, for Coppice to refuse. */
export function targetOf(value: Value): Target<unknown> {
  if (typeof value === "string") return nameOf(value);
  if (isArray(value) && value.length === 2) {
    const [text, node] = value as readonly [Value, string];
    return at(node, nameOf(text));
  }
  return value as Pid<unknown>;
}

/** What a message can be sent to. */
export function addressOf(value: Value): Target<unknown> | Alias<unknown> {
  return isRef(value) ? (value as Alias<unknown>) : targetOf(value);
}
