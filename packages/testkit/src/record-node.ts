/**
 * A node that remembers: whatever happens in it is written down under its key, and what comes from outside with
 * its content, so that a crash can be made to happen again in a simulation.
 *
 * It runs on real time. One thing happens at a time, and each comes to rest before the next, as in a
 * simulation; this costs a turn of the event loop per signal.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  checkFunction,
  checkKeys,
  createNode,
  InvalidArgumentError,
  keyOf,
  type Clock,
  type CrashReport,
  type Happening,
  type Node,
  type NodeOptions,
  type Scheduler,
} from "@coppice/core";
import { checkOneOf, checkText } from "./arguments.js";
import { formatCrashTest, type CrashTestOptions } from "./crash-test.js";
import { createKernel } from "./run-program.js";
import { encode, inputOperations, type Entry, type Input, type Recording } from "./recording.js";

export interface RecordNodeOptions extends Omit<
  NodeOptions,
  "clock" | "scheduler" | "random" | "enter" | "turnMs"
> {
  /** How much is remembered; 10,000 happenings by default. What is older is forgotten. */
  readonly limit?: number;
}

export interface RecordedNode {
  readonly node: Node;
  /** What `start` returns. */
  readonly started: Promise<void>;
  /** The crashes so far, oldest first; at most the last 100. */
  readonly crashes: readonly CrashReport[];
  /**
   * All that is needed to replay a crash; the last one by default.
   *
   * @throws InvalidArgumentError there was no such crash
   */
  recording(crash?: CrashReport): Recording;
  /**
   * Writes a test file that replays a crash, the last one by default: it fails as long as the crash comes back.
   *
   * @throws InvalidArgumentError there was no such crash
   */
  writeTest(file: string, options: CrashTestOptions & { readonly crash?: CrashReport }): void;
}

/**
 * Makes a node that remembers, and runs `start` on it, which sets up what a replay has to set up again.
 *
 * Remembered are signals, timers and what code outside any process does by `send`, `cast`, `call`,
 * `exit` and `sendAfter` on this node; not what processes learn elsewhere, from files, sockets or the clock.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 */
export function recordNode(
  start: (node: Node) => unknown,
  options: RecordNodeOptions = {},
): RecordedNode {
  checkFunction("recordNode: start", start);
  checkKeys("recordNode: options", options, [
    "name",
    "messages",
    "mailbox",
    "blockedMs",
    "logger",
    "limit",
  ]);
  const { limit = 10_000, ...rest } = options;
  if (!(Number.isInteger(limit) && limit >= 1)) {
    throw new InvalidArgumentError(
      "recordNode: options.limit",
      "a whole number of at least 1",
      limit,
    );
  }
  return new Recorder(start, rest, limit);
}

class Recorder implements RecordedNode {
  readonly node: Node;
  readonly started: Promise<void>;
  readonly crashes: CrashReport[] = [];
  readonly #log: Entry[] = [];
  readonly #limit: number;
  readonly #seed = 1;
  readonly #clock: Pick<Clock, "now">;
  #notedMs = 0;
  #forgotten = 0;
  /** How long the log was when each crash came, by its report. */
  readonly #ends = new WeakMap<CrashReport, number>();
  /** Set while code of a process runs, or of `start`, which a replay runs again by itself. */
  readonly #inside = new AsyncLocalStorage<true>();

  constructor(
    start: (node: Node) => unknown,
    options: Omit<RecordNodeOptions, "limit">,
    limit: number,
  ) {
    this.#limit = limit;
    const { name = "node" } = options;
    const inside = this.#inside;
    const scheduler = new RealTimeScheduler((key) => this.#note(key));
    this.#clock = scheduler.clock;
    const node = createNode({
      ...options,
      name,
      clock: scheduler.clock,
      scheduler,
      // As a simulation draws, so that a replay draws the same.
      random: createKernel({ seed: this.#seed }).randomOf(name),
      enter: (_, run) => inside.run(true, run),
    });
    node.events.subscribe((event) => {
      if (event.type !== "crashed") return;
      this.#ends.set(event.report, this.#forgotten + this.#log.length);
      this.crashes.push(event.report);
      if (this.crashes.length > MAX_CRASHES) this.crashes.shift();
    });
    this.node = this.#listenedTo(node);
    this.started = inside.run(true, async () => void (await start(node)));
  }

  recording(crash: CrashReport | undefined = this.crashes.at(-1)): Recording {
    const end = crash === undefined ? undefined : this.#ends.get(crash);
    if (crash === undefined || end === undefined) {
      throw new InvalidArgumentError("recording: crash", "a crash of this node", crash);
    }
    return {
      node: this.node.name,
      seed: this.#seed,
      forgotten: this.#forgotten,
      log: this.#log.slice(0, Math.max(0, end - this.#forgotten)),
      crash: { process: keyOf(crash.pid), error: String(crash.reason.error) },
    };
  }

  writeTest(
    file: string,
    { crash, ...options }: CrashTestOptions & { readonly crash?: CrashReport },
  ): void {
    checkKeys("writeTest: options", options, ["start", "from", "runner"]);
    checkText("writeTest: file", file, "the path of a file");
    checkText("writeTest: options.from", options.from, "what the test imports, as ./shop.js");
    checkOneOf("writeTest: options.runner", options.runner, ["node:test", "jest", "vitest"]);
    const text = formatCrashTest(this.recording(crash), options);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  #note(entry: string | Input): void {
    const nowMs = Math.floor(this.#clock.now());
    if (nowMs > this.#notedMs) this.#log.push(nowMs);
    this.#notedMs = nowMs;
    this.#log.push(entry);
    // Not one by one: that would move all others each time.
    if (this.#log.length < this.#limit * 2) return;
    this.#forgotten += this.#log.length - this.#limit;
    this.#log.splice(0, this.#log.length - this.#limit);
  }

  /** The node as code outside its processes sees it. */
  #listenedTo(node: Node): Node {
    const note = (op: Input["op"], args: readonly unknown[]): void => {
      if (this.#inside.getStore() !== undefined) return;
      try {
        this.#note({ op, args: args.map(encode) });
      } catch {
        this.#note({ op });
      }
    };
    return new Proxy(node, {
      get(_, property) {
        const value: unknown = Reflect.get(node, property, node);
        if (typeof value !== "function") return value;
        const op = inputOperations.find((each) => each === property);
        if (op === undefined) return value.bind(node);
        return (...args: readonly unknown[]): unknown => {
          note(op, args);
          return Reflect.apply(value, node, args);
        };
      },
    });
  }
}

const MAX_CRASHES = 100;

/** Lets things happen as a simulation does, first in, first out, and timers when they are due. */
class RealTimeScheduler implements Scheduler {
  readonly #note: (key: string) => void;
  readonly #timers: Happening[] = [];
  readonly #withdrawn = new WeakSet<Happening>();
  readonly #startMs = performance.now();
  #wake: NodeJS.Timeout | undefined;
  #orders = 0;

  constructor(note: (key: string) => void) {
    this.#note = note;
  }

  readonly clock = {
    now: (): number => performance.now() - this.#startMs,
    set: (wake: () => void, delayMs: number): unknown => setTimeout(wake, delayMs),
    clear: (handle: unknown): void => clearTimeout(handle as NodeJS.Timeout),
  };

  soon(task: () => void): void {
    queueMicrotask(task);
  }

  afterTurn(task: () => void): void {
    setImmediate(task);
  }

  offer(happening: Happening): void {
    happening.order = this.#orders++;
    if (happening.kind === "timer") {
      this.#timers.push(happening);
      this.#arm();
      return;
    }
    // In a macrotask of its own: what the one before woke has come to rest by then.
    setImmediate(() => this.#happen(happening));
  }

  withdraw(happening: Happening): void {
    this.#withdrawn.add(happening);
    const place = this.#timers.indexOf(happening);
    if (place === -1) return;
    this.#timers.splice(place, 1);
    this.#arm();
  }

  #happen(happening: Happening): void {
    if (this.#withdrawn.has(happening)) return;
    this.#note(happening.key);
    happening.run();
  }

  #first(): Happening | undefined {
    let first: Happening | undefined;
    for (const timer of this.#timers) {
      const isEarlier = (timer.atMs as number) - ((first?.atMs as number) ?? Infinity);
      if (first === undefined || isEarlier < 0 || (isEarlier === 0 && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }

  #arm(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    const first = this.#first();
    if (first === undefined) return;
    const waitMs = Math.ceil((first.atMs as number) - this.clock.now());
    this.#wake = setTimeout(() => this.#fire(), Math.min(Math.max(waitMs, 0), MAX_TIMEOUT_MS));
  }

  #fire(): void {
    const first = this.#first();
    if (first !== undefined && (first.atMs as number) <= this.clock.now()) {
      this.#timers.splice(this.#timers.indexOf(first), 1);
      this.#happen(first);
    }
    this.#arm();
  }
}

/** Beyond it, the host's timers fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
