/**
 * Exit reasons: why a process ended.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html (errors, exit signals)
 */
import type { AnyPid } from "./pid.js";
import type { Ref } from "./reference.js";

/** Plain data: what may stand in an exit reason and what every isolation mode can carry. */
export type Term =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | AnyPid
  | Ref
  | readonly Term[]
  | { readonly [key: string]: Term };

/** A crash: something was thrown and nobody caught it. OTP's `{Reason, Stacktrace}`. */
export interface CrashReason {
  /** What was thrown; anything that is not an `Error` comes wrapped in a `ThrownValueError`. */
  readonly error: Error;
}

/** An orderly end with something to say, which may be why another process ended. OTP's `{shutdown, Term}`. */
export interface ShutdownReason {
  readonly shutdown: ShutdownDetail;
}

/** Plain data that may have exit reasons in it. */
export type ShutdownDetail =
  | Term
  | CrashReason
  | ShutdownReason
  | readonly ShutdownDetail[]
  | { readonly [key: string]: ShutdownDetail };

/**
 * Why a process ended.
 *
 * | reason | when |
 * | --- | --- |
 * | `"normal"` | the body returned, or exited with it; links that do not trap ignore it |
 * | `"shutdown"`, `{ shutdown }` | asked to end, in order |
 * | `"kill"` | as a signal: cannot be trapped; the process ends with `"killed"` |
 * | `"killed"` | ended by `"kill"` |
 * | `"noproc"` | linked to, monitored or called a process that does not exist |
 * | `"noconnection"` | the process's node is out of reach |
 * | `{ error }` | a crash: an uncaught error, with its stack |
 * | any other term | what the process itself, or the sender of the signal, chose |
 */
export type ExitReason =
  | "normal"
  | "shutdown"
  | "kill"
  | "killed"
  | "noproc"
  | "noconnection"
  // Keeps the names above in completions although any string is a reason.
  | (string & {})
  | CrashReason
  | ShutdownReason
  | Exclude<Term, string>;

/** Is it a crash, i.e. `{ error }` with an `Error` in it? */
export function isCrash(reason: ExitReason): reason is CrashReason {
  return (
    typeof reason === "object" && reason !== null && "error" in reason && isErrorLike(reason.error)
  );
}

/** Is it an orderly end: `"normal"`, `"shutdown"` or `{ shutdown }`? Such ends are no crash reports. */
export function isOrderly(reason: ExitReason): boolean {
  return (
    reason === "normal" ||
    reason === "shutdown" ||
    (typeof reason === "object" && reason !== null && "shutdown" in reason)
  );
}

/**
 * Is it an error, of this or of another realm? `instanceof` would deny errors of a jest or vm context.
 * Never throws, whatever it is given.
 */
export function isErrorLike(value: unknown): value is Error {
  try {
    return (
      typeof value === "object" &&
      value !== null &&
      typeof (value as { message?: unknown }).message === "string" &&
      typeof (value as { name?: unknown }).name === "string" &&
      (value instanceof Error || Object.prototype.toString.call(value) === "[object Error]")
    );
  } catch {
    // A revoked proxy, or a getter that throws: nothing a report could show.
    return false;
  }
}

/** What an error says of itself, with its name or without. */
export function saidBy(error: Error, named: boolean): string {
  try {
    return named ? `${error.name}: ${error.message}` : error.message;
  } catch {
    // A getter that throws the second time.
    return "an error that cannot be shown";
  }
}

/** One line for people: `"shutdown"`, `TypeError: x is not a function`, `{"shutdown":"no pong"}`. */
export function formatReason(reason: ExitReason): string {
  if (typeof reason === "string") return reason;
  if (isCrash(reason)) {
    const [line = ""] = saidBy(reason.error, true).split("\n", 1);
    return line.length > 200 ? `${line.slice(0, 199)}…` : line;
  }
  return formatTerm(reason);
}

/** One bounded line for any value, hostile ones included: it never throws and never calls user code twice. */
export function formatTerm(value: unknown, maxLength = 200): string {
  let text: string;
  try {
    text =
      JSON.stringify(value, (_key, part: unknown) =>
        typeof part === "bigint"
          ? `${part}n`
          : typeof part === "function" || typeof part === "symbol"
            ? `[${typeof part}]`
            : part,
      ) ?? String(value);
  } catch {
    text = `[${typeof value} that cannot be printed]`;
  }
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}
