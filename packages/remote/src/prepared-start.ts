/** A behaviour that is listed, ready to be started with what was asked for, as its list says. */
import {
  errorText,
  InvalidArgumentError,
  type ExitReason,
  type Starter,
  type StartOptions,
  type StartResult,
} from "@coppice/core";
import type { RemoteBehaviour } from "./behaviours.js";
import { UnreadableError } from "./errors.js";
import { neglect } from "./permission.js";

/** Starts a behaviour, with arguments that it has checked. */
export type Start = (
  starter: Starter,
  options: StartOptions,
) => StartResult | PromiseLike<StartResult>;

/** How to start it, or the reason why it is not started. */
export type PreparedStart = { readonly start: Start } | { readonly refused: ExitReason };

export function prepareStart<A extends readonly unknown[]>(
  { behaviour, args: check }: RemoteBehaviour<A>,
  name: string,
  asked: unknown,
): PreparedStart {
  let args: A;
  try {
    if (asked instanceof UnreadableError) throw asked;
    if (!Array.isArray(asked)) throw new TypeError("no array of arguments");
    args = check(asked as readonly unknown[]);
  } catch (error) {
    return { refused: { badArguments: errorText(error) } };
  }
  const given: A = args;
  if (Array.isArray(args)) {
    return { start: (starter, options) => behaviour.start(starter, options, ...given) };
  }
  neglect(args);
  const what = `startRemote: options.behaviours.${name}: what args returned`;
  return { refused: { error: new InvalidArgumentError(what, "an array", args) } };
}
