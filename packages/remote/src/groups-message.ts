/** What nodes tell each other of process groups, and what of it is one when it comes from outside. */
import type { AnyPid } from "@coppice/core";

export type GroupsMessage =
  /** One that has only now begun with this scope wants to know. */
  | readonly ["discover"]
  | readonly ["sync", readonly (readonly [group: string, pids: readonly AnyPid[]])[]]
  | readonly ["join" | "leave", group: string, pids: readonly AnyPid[]];

const MAX_NAME_LENGTH = 255;

/** `undefined` for what is no message of ours: it is ignored. */
export function parseGroupsMessage(message: unknown): GroupsMessage | undefined {
  return isGroupsMessage(message) ? message : undefined;
}

function isGroupsMessage(message: unknown): message is GroupsMessage {
  if (!Array.isArray(message)) return false;
  const [type, second, third] = message as readonly unknown[];
  if (type === "discover") return true;
  if (type === "sync") {
    return (
      Array.isArray(second) &&
      second.every((entry: unknown) => Array.isArray(entry) && isGroup(entry[0], entry[1]))
    );
  }
  return (type === "join" || type === "leave") && isGroup(second, third);
}

function isGroup(group: unknown, pids: unknown): boolean {
  return typeof group === "string" && group.length <= MAX_NAME_LENGTH && Array.isArray(pids);
}
