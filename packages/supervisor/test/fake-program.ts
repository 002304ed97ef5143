/** A program that only seems to be one: signals by hand, exits that are noted, time that is virtual. */
import type { VirtualClock } from "@coppice/testkit";
import type { ApplicationHost, HostListener, ProcessTracker } from "../src/application-host.js";

export interface FakeProgram extends ApplicationHost {
  readonly printed: string[];
  /** What was asked of it: `set 1`, `exit 143`. */
  readonly ends: string[];
  /** Whether an application is told of signals. */
  readonly isListening: boolean;
  readonly signals: readonly string[];
  signal(name: string): void;
  reject(error: unknown): void;
}

const NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

export function createFakeProgram(clock: VirtualClock, tracker?: ProcessTracker): FakeProgram {
  let listener: HostListener | undefined;
  const printed: string[] = [];
  const ends: string[] = [];
  return {
    printed,
    ends,
    get isListening() {
      return listener !== undefined;
    },
    get signals() {
      return listener?.signals ?? [];
    },
    signal: (name) => listener?.signal(name, NUMBERS[name] ?? 0),
    reject: (error) => listener?.unhandledRejection(error),
    listen: (told) => {
      if (listener !== undefined) return undefined;
      listener = told;
      return () => (listener = undefined);
    },
    print: (line) => void printed.push(line),
    setExitCode: (code) => void ends.push(`set ${code}`),
    exit: (code) => void ends.push(`exit ${code}`),
    later: (ms, act) => void clock.set(act, ms),
    ...(tracker && { track: () => tracker }),
  };
}
