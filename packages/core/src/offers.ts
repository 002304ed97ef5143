/**
 * Offers: what could happen next, told under stable keys to a scheduler that decides.
 *
 * In production there is none, and nothing of this runs.
 */
import { keyOf, type ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Happening, Scheduler } from "./scheduler.js";
import { describeSignal, type Signal } from "./signal.js";
import type { Deadline } from "./timer-queue.js";

type LocalPid = ProcessId<Process>;

/** The way to `scheduler`, or `undefined` when it lets things happen by themselves. */
export function offersTo(scheduler: Scheduler): Offers | undefined {
  return scheduler.offer === undefined ? undefined : new Offers(scheduler);
}

function channelOf(from: LocalPid, to: LocalPid): string {
  return `${keyOf(from)}→${keyOf(to)}`;
}

export class Offers {
  readonly #scheduler: Scheduler;
  /** Signals that have not arrived, by channel, oldest first. */
  readonly #travelling = new Map<
    string,
    { readonly signal: Signal; readonly happening: Happening }[]
  >();
  /** Starts that have not happened. */
  readonly #starts = new Map<Process, Happening>();
  // Numbers last as long as somebody can name the process they are of: what a dead process is sent, and
  // what answers in its place, is numbered on.
  /** How many signals each has sent to whom. */
  readonly #signalsSent = new WeakMap<LocalPid, WeakMap<LocalPid, number>>();
  /** How many timers each has set. */
  readonly #timersSet = new WeakMap<LocalPid, number>();
  /** How often each has given way. */
  readonly #yields = new WeakMap<LocalPid, number>();
  #timers = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  start(process: Process, run: () => void): void {
    const actor = keyOf(process.pid);
    const start: Happening = {
      kind: "start",
      key: `start:${actor}`,
      channel: actor,
      actor,
      describe: () => `start ${process.initialCall}`,
      run: () => {
        this.#starts.delete(process);
        if (process.life === "alive" && !process.started) run();
      },
    };
    this.#starts.set(process, start);
    this.#offer(start);
  }

  /** It will never start. */
  withdrawStart(process: Process): void {
    const start = this.#starts.get(process);
    if (start === undefined) return;
    this.#starts.delete(process);
    this.#scheduler.withdraw?.(start);
  }

  /** A process gave way, and goes on when `wait` fires. */
  resume(process: Process, wait: Deadline): void {
    const actor = keyOf(process.pid);
    this.#offerDeadline(wait, {
      kind: "resume",
      key: `resume:${actor}#${count(this.#yields, process.pid)}`,
      channel: actor,
      actor,
      describe: () => "goes on after a yield",
    });
  }

  signal(from: LocalPid, to: LocalPid, signal: Signal, arrive: () => void): void {
    const actor = keyOf(to);
    const channel = channelOf(from, to);
    const travelling = this.#travelling.get(channel) ?? [];
    this.#travelling.set(channel, travelling);
    const happening: Happening = {
      kind: "signal",
      key: `${channel}#${this.#countSignal(from, to)}`,
      channel,
      actor,
      describe: () => describeSignal(signal),
      run: () => {
        const place = travelling.findIndex((entry) => entry.happening === happening);
        if (place === -1) return;
        travelling.splice(place, 1);
        if (travelling.length === 0) this.#travelling.delete(channel);
        arrive();
      },
    };
    travelling.push({ signal, happening });
    this.#offer(happening);
  }

  /**
   * Who asks about a process hears of it as it is after what it sent to it before, as in OTP: these
   * signals arrive now. Whether it lives, only its end can change.
   */
  settle(from: LocalPid, to: LocalPid, what: "exits" | "all"): void {
    const travelling = this.#travelling.get(channelOf(from, to)) ?? [];
    const last =
      what === "all"
        ? travelling.length - 1
        : travelling.findLastIndex(({ signal }) => signal.type === "exit");
    for (const { happening } of travelling.slice(0, last + 1)) {
      this.#scheduler.withdraw?.(happening);
      happening.run();
    }
  }

  timer(deadline: Deadline, owner: LocalPid): void {
    const actor = keyOf(owner);
    const key = `timer:${actor}#${count(this.#timersSet, owner)}`;
    this.#offerDeadline(deadline, {
      kind: "timer",
      key,
      channel: key,
      actor,
      atMs: deadline.atMs,
      describe: () => `timer at ${deadline.atMs} ms`,
    });
  }

  /** Takes a timer or a resumption back; `false` when it was not offered, or has happened. */
  withdraw(deadline: Deadline): boolean {
    const { happening } = deadline;
    if (happening === undefined) return false;
    this.#forget(deadline);
    this.#scheduler.withdraw?.(happening);
    return true;
  }

  /** How many timers are offered. */
  get timers(): number {
    return this.#timers;
  }

  #offerDeadline(deadline: Deadline, what: Omit<Happening, "run">): void {
    const happening: Happening = {
      ...what,
      run: () => {
        if (deadline.happening !== happening) return;
        this.#forget(deadline);
        deadline.fire();
      },
    };
    deadline.happening = happening;
    if (happening.kind === "timer") this.#timers++;
    this.#offer(happening);
  }

  #forget(deadline: Deadline): void {
    if (deadline.happening?.kind === "timer") this.#timers--;
    deadline.happening = undefined;
  }

  #offer(happening: Happening): void {
    this.#scheduler.offer?.(happening);
  }

  #countSignal(from: LocalPid, to: LocalPid): number {
    let sent = this.#signalsSent.get(from);
    if (sent === undefined) this.#signalsSent.set(from, (sent = new WeakMap()));
    return count(sent, to);
  }
}

function count(numbers: WeakMap<LocalPid, number>, pid: LocalPid): number {
  const number = (numbers.get(pid) ?? 0) + 1;
  numbers.set(pid, number);
  return number;
}
