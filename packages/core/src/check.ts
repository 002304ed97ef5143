/** Checks of arguments at the edge: each says what was expected and what came. */
import type { ErasedGuard } from "./erased.js";
import { InvalidArgumentError } from "./errors.js";
import type { ExitReason } from "./exit-reason.js";
import type { MonitorOptions } from "./monitor.js";
import { isName, isRemoteName, type AnyName } from "./name.js";
import type { LocalAddress } from "./address.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import type { ReceiveOptions } from "./self.js";

export function checkPid(argument: string, value: unknown): ProcessId<Process> {
  if (!ProcessId.is(value)) throw new InvalidArgumentError(argument, "a pid", value);
  return value as ProcessId<Process>;
}

export function checkRef(argument: string, value: unknown): void {
  if (!(value instanceof Reference)) throw new InvalidArgumentError(argument, "a reference", value);
}

export function checkName(argument: string, value: unknown): string {
  if (!isName(value)) throw new InvalidArgumentError(argument, "a name made by name()", value);
  return (value as AnyName).name;
}

/**
 * Refuses what is no function. For packages that build on this one.
 *
 * @param argument what is checked, e.g. `retry: shouldRetry`
 * @throws InvalidArgumentError it is none
 */
export function checkFunction(argument: string, value: unknown): void {
  if (typeof value !== "function") throw new InvalidArgumentError(argument, "a function", value);
}

/** A reason is a plain term; a promise would be taken for what it resolves to by all who wait for it. */
export function checkReason(argument: string, value: unknown): ExitReason {
  let thenable: boolean;
  try {
    thenable = typeof (value as { then?: unknown } | null | undefined)?.then === "function";
  } catch {
    thenable = true;
  }
  if (thenable) throw new InvalidArgumentError(argument, "a plain term, not a promise", value);
  return value as ExitReason;
}

/** Whatever a message can be sent to. */
export function checkAddress(argument: string, value: unknown): LocalAddress {
  if (!(
    ProcessId.is(value) ||
    value instanceof Reference ||
    isName(value) ||
    isRemoteName(value)
  )) {
    const expected = "a pid, a name, an alias or at(node, name)";
    throw new InvalidArgumentError(argument, expected, value);
  }
  return value as LocalAddress;
}

/** Milliseconds: finite and not negative. */
export function checkDelay(argument: string, value: unknown): void {
  if (typeof value !== "number" || !(value >= 0 && value < Infinity)) {
    throw new InvalidArgumentError(argument, "a finite number of at least 0", value);
  }
}

/**
 * Refuses options that are not known: a misspelt one would be ignored in silence. For packages that
 * build on this one.
 *
 * @param argument what is checked, e.g. `call: options`
 * @throws InvalidArgumentError it is no object, or has an option that is not `known`
 * @example
 * import { checkKeys } from "@coppice/core";
 * checkKeys("serve: options", { port: 80 }, ["port", "host"]);
 * try {
 *   checkKeys("serve: options", { prot: 80 }, ["port", "host"]);
 * } catch (error) {
 *   String(error); // => 'InvalidArgumentError: serve: options must be made of port, host, but is {"prot":80}'
 * }
 */
export function checkKeys(argument: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError(argument, "an object", options);
  }
  for (const key in options) {
    if (!isOneOf(known, key)) {
      throw new InvalidArgumentError(argument, `made of ${known.join(", ")}`, {
        [key]: (options as Record<string, unknown>)[key],
      });
    }
  }
}

/** A loop, for this is asked at every spawn and every call: `includes` is not made for so few. */
function isOneOf(known: readonly string[], key: string): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] === key) return true;
  return false;
}

export function checkMonitorOptions(argument: string, options: MonitorOptions): void {
  checkKeys(argument, options, ["alias"]);
  const { alias } = options;
  if (
    alias !== undefined &&
    !["explicit_unalias", "demonitor", "reply_demonitor"].includes(alias)
  ) {
    const expected = `"explicit_unalias", "demonitor" or "reply_demonitor"`;
    throw new InvalidArgumentError(`${argument}.alias`, expected, alias);
  }
}

export function checkReceive(
  guardOrOptions: unknown,
  maybeOptions: unknown,
): { guard: ErasedGuard | undefined; timeoutMs: number | undefined } {
  let guard: ErasedGuard | undefined;
  let options = maybeOptions;
  if (typeof guardOrOptions === "function") guard = guardOrOptions as ErasedGuard;
  else if (typeof guardOrOptions === "object" && guardOrOptions !== null && options === undefined) {
    options = guardOrOptions;
  } else if (guardOrOptions !== undefined) {
    throw new InvalidArgumentError("receive: guard", "a function", guardOrOptions);
  }
  if (options === undefined) return { guard, timeoutMs: undefined };
  checkKeys("receive: options", options as object, ["timeoutMs"]);
  const { timeoutMs } = options as ReceiveOptions;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new InvalidArgumentError(
      "receive: options.timeoutMs",
      "a number of at least 0",
      timeoutMs,
    );
  }
  return { guard, timeoutMs };
}
