/** What the callbacks of an event handler came to: read off what they returned or threw. */
import { ExitSignal, type ExitReason } from "@coppice/core";
import { reasonOfThrown, type BehaviourSelf } from "./behaviour.js";
import { isThenable, type MaybePromise } from "./maybe-promise.js";
import { InvalidCallbackResultError } from "./errors.js";
import { HandlerExit } from "./event-handler-self.js";
import { HandlerReference } from "./event-handler-code.js";

/** What came of running a callback. */
export type Attempt = { readonly value: unknown } | { readonly failed: ExitReason };

/** What a callback wants done. `state` is there when it gave one. */
export type Outcome =
  | { readonly type: "keep"; readonly state?: unknown; readonly reply?: unknown }
  | { readonly type: "remove"; readonly state?: unknown; readonly reply?: unknown }
  | {
      readonly type: "swap";
      readonly state?: unknown;
      readonly reply?: unknown;
      readonly to: HandlerReference;
      readonly argument: unknown;
    }
  | { readonly type: "fail"; readonly reason: ExitReason };

/** Runs a callback; only the end of the process itself comes through. */
export function attempt(self: BehaviourSelf, callback: () => unknown): MaybePromise<Attempt> {
  try {
    const value = callback();
    if (!isThenable(value)) return { value };
    return Promise.resolve(value).then(
      (settled) => ({ value: settled }),
      (error: unknown) => failure(self, error),
    );
  } catch (error) {
    return failure(self, error);
  }
}

function failure(self: BehaviourSelf, thrown: unknown): Attempt {
  if (thrown instanceof HandlerExit) return { failed: thrown.reason };
  if (thrown instanceof ExitSignal && thrown.pid === self.pid) throw thrown;
  return { failed: reasonOfThrown(thrown, self.pid) };
}

const KEEP: Outcome = { type: "keep" };

/** @param callback which one, e.g. `event`; only `call` may reply */
export function readResult(self: BehaviourSelf, attempted: Attempt, callback: string): Outcome {
  if ("failed" in attempted) return { type: "fail", reason: attempted.failed };
  const result = attempted.value;
  if (result === undefined) return KEEP;
  try {
    const outcome = outcomeOf(result, callback === "call");
    if (outcome !== undefined) return outcome;
  } catch (error) {
    // A getter that throws, or a revoked proxy.
    return { type: "fail", reason: reasonOfThrown(error, self.pid) };
  }
  const error = new InvalidCallbackResultError(callback, expectedOf(callback), result);
  return { type: "fail", reason: { error } };
}

/** `undefined` for what is no result. */
function outcomeOf(result: unknown, mayReply: boolean): Outcome | undefined {
  if (typeof result !== "object" || result === null || !isPlainObject(result)) return undefined;
  const { remove = false, swap, ...rest } = result as Result;
  for (const key in rest) if (key !== "state" && (key !== "reply" || !mayReply)) return undefined;
  if (typeof remove !== "boolean" || (remove && swap !== undefined)) return undefined;
  if (remove) return { type: "remove", ...rest };
  if (swap === undefined) return { type: "keep", ...rest };
  const { to, argument, ...unknown } = Object(swap) as { to?: unknown; argument?: unknown };
  if (!(to instanceof HandlerReference) || Object.keys(unknown).length > 0) return undefined;
  return { type: "swap", to, argument, ...rest };
}

/** The first state, or why there is none. */
export function readInit(self: BehaviourSelf, attempted: Attempt, callback: string): Attempt {
  if ("failed" in attempted) return attempted;
  const result = attempted.value;
  try {
    if (!isInitResult(result)) return attempted;
    const { state, stop, ...others } = result;
    const isAlone = Object.values(others).every((other) => other === undefined);
    if (isAlone && stop === undefined && "state" in result) return { value: state };
    if (isAlone && stop !== undefined && !("state" in result))
      return { failed: stop as ExitReason };
  } catch (error) {
    return { failed: reasonOfThrown(error, self.pid) };
  }
  const expected = "a state, { state } or { stop: reason }";
  return { failed: { error: new InvalidCallbackResultError(callback, expected, result) } };
}

interface Result {
  readonly state?: unknown;
  readonly reply?: unknown;
  readonly remove?: unknown;
  readonly swap?: unknown;
}

/** As of the `init` of a server, so that a state is told from a result in the same way everywhere. */
const INIT_FIELDS: ReadonlySet<string> = new Set([
  "state",
  "stop",
  "ignore",
  "continue",
  "timeoutMs",
]);

function expectedOf(callback: string): string {
  const reply = callback === "call" ? "reply, " : "";
  return `nothing, or an object of ${reply}state, and remove: true or swap: { to: handler, argument }`;
}

function isInitResult(result: unknown): result is Readonly<Record<string, unknown>> {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return false;
  const { ignore } = result as { readonly ignore?: unknown };
  if (!("state" in result || "stop" in result || ignore === true)) return false;
  return Object.keys(result).every((key) => INIT_FIELDS.has(key));
}

/** An empty array or Map is a state that somebody forgot to wrap. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
