/** Errors of remoting that a caller may want to handle. */
import { CoppiceError } from "@coppice/core";
import { shownAddress } from "./shown-address.js";

/** A connection with a node did not come about. */
export class UnreachableError extends CoppiceError {
  override readonly name = "UnreachableError";
  readonly code = "UNREACHABLE";
  /** The name or the address, without what is secret in that. */
  readonly target: string;
  /** In words; may be empty. */
  readonly why: string;
  /** One of `CLOSE_CODES`, or the transport's; `undefined` when nothing was dialled. */
  readonly closeCode: number | undefined;
  constructor(target: string, why: string, closeCode?: number, options?: ErrorOptions) {
    const shown = shownAddress(target);
    super(`${shown} cannot be reached: ${why === "" ? `code ${closeCode}` : why}`, options);
    this.target = shown;
    this.why = why;
    this.closeCode = closeCode;
  }
}

/** Remoting of this node was stopped. */
export class RemoteStoppedError extends CoppiceError {
  override readonly name = "RemoteStoppedError";
  readonly code = "REMOTE_STOPPED";
  constructor(node: string) {
    super(`remoting of node "${node}" is stopped`);
  }
}

/** Nobody said in time whether a process has a name. It does not. */
export class NameTimeoutError extends CoppiceError {
  override readonly name = "NameTimeoutError";
  readonly code = "NAME_TIMEOUT";
  readonly timeoutMs: number;
  constructor(globalName: string, timeoutMs: number) {
    super(`who has the name "${globalName}" was not clear within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** The member that keeps a name does not give it to this node at all. */
export class NameRefusedError extends CoppiceError {
  override readonly name = "NameRefusedError";
  readonly code = "NAME_REFUSED";
  readonly registrar: string;
  /** `"limit"`: this node has as many as it may; `"members"`: the two nodes have different lists of members. */
  readonly why: "limit" | "members";
  constructor(globalName: string, registrar: string, why: "limit" | "members") {
    const because = {
      limit: "this node has as many names as it may",
      members: "its list of members is another than ours",
    };
    super(`"${registrar}" does not give the name "${globalName}": ${because[why]}`);
    this.registrar = registrar;
    this.why = why;
  }
}

/** What was sent could not be read where it was to be received: it was bigger, or deeper, than is taken there. */
export class UnreadableError extends CoppiceError {
  override readonly name = "UnreadableError";
  readonly code = "UNREADABLE";
  /** The node that could not read it. */
  readonly node: string;
  constructor(what: "request" | "reply" | "message", node: string, why: string) {
    super(`the ${what} cannot be read at "${node}": ${why}`);
    this.node = node;
    // Where that was noticed says nothing, and is more than the smallest message that two nodes may agree on.
    this.stack = `UnreadableError: ${this.message}`;
  }
}

/** A request of `sys` came from a peer that may send none: a client, or any where `allowExit` is `"none"`. */
export class NotAllowedError extends CoppiceError {
  override readonly name = "NotAllowedError";
  readonly code = "NOT_ALLOWED";
  /** The node that takes none. */
  readonly node: string;
  constructor(node: string) {
    super(
      `"${node}" takes requests of sys from nodes alone, and with allowExit "none" from nobody`,
    );
    this.node = node;
    this.stack = `NotAllowedError: ${this.message}`;
  }
}

/** More calls to one node wait for their replies than `limits.maxPendingCalls` says. */
export class TooManyCallsError extends CoppiceError {
  override readonly name = "TooManyCallsError";
  readonly code = "TOO_MANY_CALLS";
  readonly limit: number;
  constructor(node: string, limit: number) {
    super(`more than ${limit} calls to "${node}", and monitors of its processes, are under way`);
    this.limit = limit;
  }
}
