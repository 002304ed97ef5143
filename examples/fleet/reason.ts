/** Reasons: what the operating system says against a file, for people. */
import { getSystemErrorMap } from "node:util";

/** `"permission denied (EACCES)"` for an error of the file system; the message of any other. */
export function reasonOf(error: unknown): string {
  const { code, errno, message } = Object(error) as Partial<NodeJS.ErrnoException>;
  const [name, description] = getSystemErrorMap().get(errno ?? 0) ?? [];
  if (name !== undefined && name === code) return `${description} (${name})`;
  return message ?? String(error);
}

/** What the system is short of, for the moment: that says nothing about a file. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOMEM"];

/**
 * Does the system refuse this file? Anything else that is thrown crashes who it is thrown at, and the
 * file is tried again.
 */
export function isRefusal(error: unknown): boolean {
  const { code = "", errno, syscall } = Object(error) as Partial<NodeJS.ErrnoException>;
  return typeof errno === "number" && typeof syscall === "string" && !SHORTAGES.includes(code);
}
