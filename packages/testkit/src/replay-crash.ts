/** A recorded crash, made to happen again in a simulation. */
import {
  checkFunction,
  InvalidArgumentError,
  keyOf,
  type CrashReport,
  type Node,
} from "@coppice/core";
import { inMacrotask } from "./drain.js";
import {
  decode,
  isInput,
  NoSuchProcess,
  type Entry,
  type Input,
  type Recording,
} from "./recording.js";
import { runProgram } from "./run-program.js";
import type { Run } from "./run.js";
import { FIFO, type RunView, type Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

/** What came of a replay. */
export interface CrashReplay {
  readonly run: Run;
  /** The same process ended by the same error, but for the numbers in its message. */
  readonly crash: CrashReport | undefined;
  /** All crashes of the replay. */
  readonly crashes: readonly CrashReport[];
  /** How much of what was recorded happened again. */
  readonly followed: number;
}

/**
 * Replays a recorded crash: sets a node up by `start`, and lets happen what happened. Resolves when the crash does
 * not come back.
 *
 * @throws Error the error that the process ended by, when it does
 */
export async function replayCrash(
  start: (node: Node) => unknown,
  recording: Recording,
): Promise<void> {
  const { crash } = await replayRecording(start, recording);
  if (crash !== undefined) throw crash.reason.error;
}

/**
 * As `replayCrash`, and tells what came of it.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function replayRecording(
  start: (node: Node) => unknown,
  recording: Recording,
): Promise<CrashReplay> {
  checkFunction("replayRecording: start", start);
  if (!Array.isArray((recording as Recording | undefined)?.log)) {
    const expected = "a recording, as recordNode(…).recording() returns it";
    return Promise.reject(
      new InvalidArgumentError("replayRecording: recording", expected, recording),
    );
  }
  return inMacrotask(() => {
    const crashes: CrashReport[] = [];
    const inputs = recording.log.filter(isInput);
    const times = recording.log.filter((entry) => typeof entry === "number");
    const strategy = new RecordedOrder(recording);
    const run = runProgram(
      (sim) => {
        const node = sim.node(recording.node, { messages: "share" });
        node.events.subscribe((event) => {
          if (event.type === "crashed") crashes.push(event.report);
        });
        let next = 0;
        sim.fault(INPUT, () => give(node, inputs[next++]), { times: inputs.length });
        let time = 0;
        const pass = (): void => {
          const byMs = (times[time++] as number) - node.now();
          if (byMs > 0) sim.jump(node, byMs);
        };
        sim.fault(TIME, pass, { times: times.length });
        Promise.resolve(start(node)).catch(() => undefined);
      },
      strategy,
      { seed: recording.seed, stepLimit: recording.log.length * 4 + 10_000 },
    );
    const isSame = ({ pid, reason }: CrashReport): boolean =>
      keyOf(pid) === recording.crash.process &&
      withoutNumbers(String(reason.error)) === withoutNumbers(recording.crash.error);
    return { run, crashes, crash: crashes.find(isSame), followed: strategy.followed };
  });
}

/** Stands for the next of what came from outside, and for the passing of time. */
const INPUT = "input:next";
const TIME = "time:next";

/** Does what was done from outside. What cannot be done now is left out. */
function give(node: Node, input: Input | undefined): void {
  if (input?.args === undefined) return;
  let args: readonly unknown[];
  try {
    args = input.args.map((each) => decode(each, node));
  } catch (error) {
    if (error instanceof NoSuchProcess) return;
    throw error;
  }
  const operation = node[input.op] as (...args: readonly unknown[]) => unknown;
  try {
    const result = Reflect.apply(operation, node, args);
    // Nobody waits for the replies of a replay.
    if (result instanceof Promise) result.catch(() => undefined);
  } catch {
    // It threw when it was recorded, too.
  }
}

/**
 * Follows a recording. What does not happen again is passed over. Of what is not in it, only what needs no time
 * happens, when the rest is over.
 */
class RecordedOrder implements Strategy {
  readonly #log: readonly Entry[];
  readonly #isWhole: boolean;
  #at = 0;
  #timeMs = 0;
  followed = 0;

  constructor({ log, forgotten }: Recording) {
    this.#isWhole = forgotten === 0;
    this.#log = this.#isWhole ? log : log.filter((entry) => typeof entry !== "string");
  }

  pick(enabled: readonly Transition[], view: RunView): Transition | undefined {
    const timeless = enabled.filter(({ kind }) => kind !== "timer");
    if (this.#isWhole) return this.#next(enabled) ?? FIFO.pick(timeless, view);
    // After a beginning that nobody knows, each thing from outside finds a node at rest, its timers fired.
    const due = enabled.filter(({ kind, atMs }) => kind !== "timer" || (atMs ?? 0) <= this.#timeMs);
    return FIFO.pick(due, view) ?? this.#next(enabled) ?? FIFO.pick(enabled, view);
  }

  #next(enabled: readonly Transition[]): Transition | undefined {
    while (this.#at < this.#log.length) {
      const entry = this.#log[this.#at++] as Entry;
      const isNext = ({ key, channel }: Transition): boolean =>
        typeof entry === "string"
          ? key === entry
          : channel === `fault:${typeof entry === "number" ? TIME : INPUT}`;
      const transition = enabled.find(isNext);
      if (transition === undefined) continue;
      if (typeof entry === "number") this.#timeMs = entry;
      this.followed++;
      return transition;
    }
    return undefined;
  }
}

function withoutNumbers(text: string): string {
  return text.replace(/\d+/g, "0");
}
