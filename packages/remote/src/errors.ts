/** Errors of remoting that a caller may want to handle. */
import { CoppiceError } from "@coppice/core";

/** A connection with a node did not come about. */
export class UnreachableError extends CoppiceError {
  override readonly name = "UnreachableError";
  readonly code = "UNREACHABLE";
  /** The name or the address. */
  readonly target: string;
  /** One of `CLOSE_CODES`, or the transport's; `undefined` when nothing was dialled. */
  readonly closeCode: number | undefined;
  constructor(target: string, why: string, closeCode?: number) {
    super(`${target} cannot be reached: ${why === "" ? `code ${closeCode}` : why}`);
    this.target = target;
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
