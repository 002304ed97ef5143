/** Errors as text, where the error itself cannot go: into a line of a log, or to another node. */
import { formatReason, formatTerm, isErrorLike, saidBy } from "./exit-reason.js";

/** So many characters an error says at most. */
const MOST_SAID = 1_000;

/**
 * What an error says, cut; of anything else that was thrown, what it is. Never throws, and gives a text that can be
 * sent anywhere: half a surrogate pair is U+FFFD.
 *
 * @param options.named begins with the name of the error
 */
export function errorText(
  thrown: unknown,
  options: { readonly named?: boolean; readonly most?: number } = {},
): string {
  const { named = false, most = MOST_SAID } = options;
  const text = isErrorLike(thrown) ? saidBy(thrown, named) : formatTerm(thrown);
  return text.slice(0, most).replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

/** One line for people, of whatever was thrown: `TypeError: x is not a function`. */
export function formatThrown(thrown: unknown): string {
  return isErrorLike(thrown) ? formatReason({ error: thrown }) : formatTerm(thrown);
}
