/**
 * The host of an application, as a port: what a program is told by its operator, and how it ends.
 *
 * The default, for Node and what behaves like it, is in `host.ts`.
 */
import type { AnyPid } from "@coppice/core";

/** What an application is told by its host. */
export interface HostListener {
  /** Which signals it wants to hear of, e.g. `"SIGTERM"`. */
  readonly signals: readonly string[];
  /** One of the signals came. `number` is the host's number for it: 15 for `SIGTERM`. */
  signal(name: string, number: number): void;
  /** A promise was rejected, and nobody handles that. */
  unhandledRejection(error: unknown): void;
}

/** Tells whose code runs, where the host can tell what follows from what. */
export interface ProcessTracker {
  /** Calls `run`; in what follows from it, `current` gives `pid`. For `createNode({ enter })`. */
  enter(pid: AnyPid, run: () => void): void;
  /** Whose code this follows from; `undefined` outside any process. */
  current(): AnyPid | undefined;
}

/** The program an application runs in. */
export interface ApplicationHost {
  /**
   * Tells `listener` of signals and unhandled rejections from now on, instead of what the host does
   * with them, and keeps the program running. Returns the function that ends both; `undefined` when
   * another is told already, as a program is one application.
   */
  listen(listener: HostListener): (() => void) | undefined;
  /** Prints a line for the operator. */
  print(line: string): void;
  /** Sets the code the program ends with when nothing keeps it running any more. */
  setExitCode(code: number): void;
  /** Ends the program at once. Returns only in tests. */
  exit(code: number): void;
  /** Calls `act` in `ms` milliseconds, if the program still runs then; does not keep it running. */
  later(ms: number, act: () => void): void;
  /** Makes a tracker; `undefined` where the host cannot tell. */
  track?(): ProcessTracker | undefined;
}
