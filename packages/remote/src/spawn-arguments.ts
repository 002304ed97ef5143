/** What a behaviour that is listed is started with: what was asked for, as its list says. */
import { errorText, InvalidArgumentError, type ExitReason } from "@coppice/core";
import type { RemoteBehaviour } from "./behaviours.js";
import { UnreadableError } from "./errors.js";
import { neglect } from "./permission.js";

/** The arguments, or the reason why it is not started. */
export type SpawnArguments =
  { readonly args: readonly unknown[] } | { readonly refused: ExitReason };

export function argumentsFor(
  { args: check }: RemoteBehaviour,
  name: string,
  asked: unknown,
): SpawnArguments {
  let args: unknown;
  try {
    if (asked instanceof UnreadableError) throw asked;
    if (!Array.isArray(asked)) throw new TypeError("no array of arguments");
    args = check(asked as readonly unknown[]);
  } catch (error) {
    return { refused: { badArguments: errorText(error) } };
  }
  if (Array.isArray(args)) return { args: args as readonly unknown[] };
  neglect(args);
  const what = `startRemote: options.behaviours.${name}: what args returned`;
  return { refused: { error: new InvalidArgumentError(what, "an array", args) } };
}
