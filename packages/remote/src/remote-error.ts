/**
 * Errors of another node: what is left of an error once it has travelled.
 */
import { CoppiceError } from "@coppice/core";

/**
 * An error that happened on another node, or in another language. Whatever its class was there, here it
 * is this one; `name` tells.
 */
export class RemoteError extends CoppiceError {
  /** Its name where it happened, e.g. `"TypeError"`. */
  override readonly name: string;
  /** Its code where it happened; `"REMOTE_ERROR"` when it had none. */
  readonly code: string;

  /** @param facts what is known of it; its `stack` is the one it had where it happened */
  constructor(
    name: string,
    message: string,
    facts: { readonly code?: string; readonly cause?: unknown; readonly stack?: string } = {},
  ) {
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.name = name;
    this.code = facts.code ?? "REMOTE_ERROR";
    // The stack of the decoder tells nothing.
    Object.defineProperty(this, "stack", {
      value: facts.stack ?? `${name}: ${message}`,
      configurable: true,
      writable: true,
    });
  }
}

/** What of an error travels. Never throws for what `isErrorLike` accepts, getters that throw included. */
export function errorFacts(error: Error): {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
} {
  const text = (key: "name" | "message" | "code" | "stack"): string | undefined => {
    try {
      const value = (error as { readonly [K in typeof key]?: unknown })[key];
      return typeof value === "string" ? value : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    name: text("name") ?? "Error",
    message: text("message") ?? "",
    code: text("code"),
    stack: text("stack"),
  };
}
