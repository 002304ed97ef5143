/** Errors of applications that a caller may want to handle. */
import { CoppiceError } from "@coppice/core";

/**
 * This program runs an application already. A program is one application: its signals and its exit
 * code can be the business of one only.
 */
export class ApplicationRunningError extends CoppiceError {
  override readonly name = "ApplicationRunningError";
  readonly code = "APPLICATION_RUNNING";
  /** The application that was to be run. */
  readonly application: string;
  constructor(application: string) {
    super(
      `"${application}" cannot be run: this program runs an application already; put both trees below one supervisor, or use startApplication`,
    );
    this.application = application;
  }
}
