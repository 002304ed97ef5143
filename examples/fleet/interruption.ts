/** Interruptions: what ends a run from outside, in order. */
import { constants } from "node:os";
import { EXIT } from "./exit-code.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Why the run was interrupted: the reason of the AbortSignal. */
export class Interrupted {
  readonly by: NodeJS.Signals;

  constructor(by: NodeJS.Signals) {
    this.by = by;
  }

  get exitCode(): number {
    return EXIT.signal + constants.signals[this.by];
  }
}

/**
 * Aborts at Ctrl-C and its like, and when nobody reads what is printed any more (`npm start | head`).
 * A second signal ends the program at once.
 */
export function listenForInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const interrupted = new Interrupted(signal);
      if (controller.signal.aborted) process.exit(interrupted.exitCode);
      controller.abort(interrupted);
    });
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") controller.abort(new Interrupted("SIGPIPE"));
    else {
      process.stderr.write(`fleet: cannot print: ${error.message}\n`);
      process.exit(1);
    }
  });
  return controller.signal;
}
