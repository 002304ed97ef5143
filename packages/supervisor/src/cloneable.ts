/** What a supervisor tells, where messages are cloned, or travel: a reason may hold what cannot be. */
import {
  formatReason,
  isEnd,
  isName,
  isPid,
  type ExitReason,
  type From,
  type Operations,
} from "@coppice/core";

/**
 * Sends `message`; if it cannot be cloned, or sent to another node, with its exit reasons as text.
 *
 * @throws what `send` throws of that, too
 */
export function sendCloneable<T>(message: T, send: (message: T) => void): void {
  try {
    send(message);
  } catch (error) {
    // What a getter in a reason throws may be anything.
    if (isEnd(error)) throw error;
    send(withReasonsAsText(message) as T);
  }
}

/** Answers a call; where that cannot be sent as it is, with its exit reasons as text. Never fails, as `reply`. */
export function replyCloneable(
  self: Pick<Operations, "send" | "reply">,
  from: From<never>,
  value: unknown,
): void {
  const to = from as From<unknown>;
  try {
    // As `reply`, but it says when it fails.
    sendCloneable(value, (sent) => self.send(to, sent));
  } catch (error) {
    if (isEnd(error)) throw error;
    self.reply(to, value);
  }
}

const REASONS = ["reason", "lastExit", "info"];

function withReasonsAsText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReasonsAsText);
  if (typeof value !== "object" || value === null || isPid(value) || isName(value)) return value;
  const parts = Object.entries(value).map(([key, part]: [string, unknown]) => [
    key,
    REASONS.includes(key) ? formatReason(part as ExitReason) : withReasonsAsText(part),
  ]);
  return Object.fromEntries(parts) as unknown;
}
