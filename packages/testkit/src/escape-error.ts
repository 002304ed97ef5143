/** Escapes: code in a simulation that uses what the simulation does not decide. */
import { CoppiceError } from "@coppice/core";

/** Under which name a run reports that code escaped. */
export const ESCAPE_CHECK = "nothing escapes from the simulation";

/** Code in a simulation used something of the host. Thrown where it does, where that is possible. */
export class EscapeError extends CoppiceError {
  override readonly name = "EscapeError";
  readonly code = "ESCAPE";
  /** What was used: `fetch`, `FSREQPROMISE`, … */
  readonly what: string;
  /** Key of the process; `undefined` for the program itself. */
  readonly process: string | undefined;
  constructor(what: string, process: string | undefined, why: string) {
    super(`${process ?? "the program"} escapes from the simulation by ${what}: ${why}`);
    this.what = what;
    this.process = process;
  }
}
