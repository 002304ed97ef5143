/** A node from within: what its processes and signals share. What users see of it is `LocalNode`. */
import type { Clock } from "./clock.js";
import type { CrashReport } from "./crash-report.js";
import { Elsewhere } from "./elsewhere.js";
import { NodeEvents, UndeliveredEvent, type NodeEvent } from "./event.js";
import type { Gateway } from "./gateway.js";
import { hostClock, hostRandom, hostScheduler } from "./host.js";
import { MessageIsolation } from "./isolation.js";
import { consoleLogger, logToConsole } from "./logger.js";
import { ExitOrigin, type Origin } from "./mailbox.js";
import type { NodeOptions, NodePorts } from "./node.js";
import { offersTo, type Offers } from "./offers.js";
import { CallLimits } from "./call-limits.js";
import { isPid, ProcessId, type AnyPid, type NodeIdentity } from "./pid.js";
import type { Process } from "./process.js";
import type { Random } from "./random.js";
import { Registry } from "./registry.js";
import type { Report } from "./report.js";
import type { Scheduler } from "./scheduler.js";
import { SignalQueue, type Travelling } from "./signal-queue.js";
import { Timers } from "./timers.js";
import { Turn } from "./turn.js";

type LocalPid = ProcessId<Process>;

const DEFAULT_HIGH_WATER = 10_000;

/** So many places at other nodes are kept for the next who sends there. */
const MOST_PLACES = 4_096;

export class Runtime {
  readonly name: string;
  readonly identity: NodeIdentity;
  readonly pid: LocalPid;
  #nobody: LocalPid | undefined = undefined;
  readonly scheduler: Scheduler;
  /** Signals arrive as they are sent: no scheduler decides. */
  readonly direct: boolean;
  /** The way to the scheduler that decides, if one does. */
  readonly offers: Offers | undefined;
  readonly isolation: MessageIsolation | undefined;
  readonly highWater: number;
  readonly registry: Registry;
  readonly timers: Timers;
  readonly callLimits: CallLimits | undefined;
  readonly turn: Turn;
  /** Signals on their way, while `travelling`. */
  #underway: SignalQueue | undefined = undefined;
  travelling = false;
  /** The way to other nodes, if there is one. */
  gateway: Gateway | undefined = undefined;
  /** It is being stopped: code outside starts nothing new. */
  stopping = false;
  stopped = false;
  /** Spawned from outside. */
  children = 0;
  /** How often code outside any process has waited for the end of one. */
  exitWatches = 0;
  /** The keys of those that are alive. */
  keys: Set<string> | undefined = undefined;

  readonly #clock: Clock;
  readonly #random: Random;
  #events: NodeEvents | undefined = undefined;
  readonly #logger: (event: NodeEvent) => void;
  /** By node and name; one for each, so that what is sent there has one channel. */
  #elsewhere: Map<string, Map<string, LocalPid>> | undefined = undefined;
  #places = 0;
  #serial = 0;
  #pidSerial = 0;
  processCount = 0;
  #first: Process | undefined;
  #last: Process | undefined;
  undeliveredCount = 0;
  crashCount = 0;

  constructor(options: NodeOptions, ports: NodePorts | NodeOptions = options) {
    const { name = "node", clock, logger } = ports;
    const { messages = ports.messages ?? "share", mailbox } = options;
    this.#clock = clock ?? hostClock();
    this.#random = ports.random ?? hostRandom();
    this.scheduler = ports.scheduler ?? hostScheduler();
    this.offers = offersTo(this.scheduler);
    this.direct = this.offers === undefined;
    this.name = name;
    const incarnation = Math.floor(this.#random.next() * Number.MAX_SAFE_INTEGER);
    this.identity = { name, incarnation };
    this.pid = this.makePid(0, undefined, name);
    this.isolation =
      messages === "share"
        ? undefined
        : new MessageIsolation(messages, options.traceSends ?? ports.traceSends ?? true);
    this.highWater = mailbox?.highWater ?? DEFAULT_HIGH_WATER;
    this.#logger =
      logger === false ? () => undefined : (logger ?? consoleLogger(() => this.#clock.now()));
    this.registry = new Registry(this);
    this.timers = new Timers(this, this.#clock);
    // Where time is not the host's it may stand still for turns, and has to be exact.
    this.callLimits =
      clock === undefined && this.direct ? new CallLimits(this.scheduler) : undefined;
    const { turnMs = 1, blockedMs = clock === undefined ? 100 : Infinity } = options;
    this.turn = new Turn(this, this.#clock, turnMs, blockedMs, options.enter);
  }

  // Of these, a node that lives for one schedule has no use for most.

  get events(): NodeEvents {
    return (this.#events ??= new NodeEvents((error) => this.subscriberFailed(error)));
  }

  get underway(): SignalQueue {
    return (this.#underway ??= new SignalQueue());
  }

  /** The signal that has been under way for longest. */
  shiftUnderway(): Travelling | undefined {
    return this.#underway?.shift();
  }

  get incarnation(): number {
    return this.identity.incarnation;
  }

  /** Stands for nobody: what a name that is not held resolves to. */
  get nobody(): LocalPid {
    const { offers, identity } = this;
    return (this.#nobody ??=
      offers === undefined
        ? new ProcessId<Process>(identity, 0, undefined, `${identity.name}?`)
        : offers.standIn(identity, `${offers.keyOf(this.pid).text}?`));
  }

  *eachProcess(): Generator<Process> {
    for (let process = this.#first; process !== undefined; process = process.nextProcess) {
      yield process;
    }
  }

  /** What is sent in place of `message` under the node's isolation. */
  prepare(message: unknown): unknown {
    return this.isolation === undefined ? message : this.isolation.prepare(message);
  }

  undelivered(
    to: AnyPid,
    message: unknown,
    origin: Origin,
    why: Extract<NodeEvent, { type: "undelivered" }>["why"],
    error?: unknown,
  ): void {
    this.undeliveredCount++;
    const make = (): NodeEvent => {
      const from = isPid(origin) ? origin : origin instanceof ExitOrigin ? origin.from : this.pid;
      return new UndeliveredEvent(to, from, message, why, error);
    };
    // Too late is everyday; what a process that lives has no use for, or cannot be sent, is somebody's mistake.
    if (why === "unhandled" || why === "unsendable") this.tell(make());
    else this.emit(make);
  }

  isLocal(pid: LocalPid): boolean {
    return pid.home === this.identity;
  }

  /** The process of a pid, if it is of this node and not dead. */
  processOf(pid: LocalPid): Process | undefined {
    return this.isLocal(pid) ? ProcessId.processOf(pid) : undefined;
  }

  timeMs(): number {
    return this.#clock.now();
  }

  random(by: LocalPid = this.pid): number {
    return this.#random.next(by);
  }

  nextSerial(): number {
    return ++this.#serial;
  }

  nextPid(): number {
    return ++this.#pidSerial;
  }

  makePid(serial: number, parent: LocalPid | undefined, position: number | string): LocalPid {
    return this.offers === undefined
      ? new ProcessId<Process>(this.identity, serial, parent, position)
      : this.offers.pid(this.identity, serial, parent, position);
  }

  /** Lets a new process run. */
  launch(process: Process): void {
    if (this.offers === undefined) this.turn.ready(process);
    else this.offers.start(process);
  }

  /** Stands for whoever holds `name` at another node: mostly the same object, so that it is not made each time. */
  elsewhere(node: string, name: string): LocalPid {
    let places = this.#elsewhere?.get(node);
    if (places === undefined) (this.#elsewhere ??= new Map()).set(node, (places = new Map()));
    let place = places.get(name);
    if (place === undefined) {
      // There may be ever new ones: those that are in use soon come again.
      if (++this.#places > MOST_PLACES) {
        this.#elsewhere = new Map([[node, (places = new Map())]]);
        this.#places = 1;
      }
      places.set(name, (place = new Elsewhere(node, name)));
    }
    return place;
  }

  /** Tells a scheduler that wants to know of a use of something shared. */
  access(
    by: LocalPid,
    kind: "alive" | "mailbox" | "waits" | "name" | "clock",
    what: LocalPid | string,
    mode: "read" | "write",
  ): void {
    const { offers } = this;
    if (offers === undefined) return;
    if (typeof what !== "string") {
      const key = offers.keyOf(what);
      if (kind === "alive") offers.access(by, key.alive(mode));
      else offers.access(by, kind === "mailbox" ? key.mailbox(mode) : key.waits(mode));
    } else if (kind === "clock") offers.clockRead(by);
    else offers.access(by, offers.keys.access(`name:${what}@${offers.keyOf(this.pid).text}`, mode));
  }

  /** Tells a scheduler that wants to know that somebody looks at the node as a whole. */
  accessAll(): void {
    const { offers } = this;
    if (offers !== undefined) offers.access(this.pid, offers.keys.access("*", "read"));
  }

  addProcess(process: Process): void {
    this.processCount++;
    process.previousProcess = this.#last;
    if (this.#last === undefined) this.#first = process;
    else this.#last.nextProcess = process;
    this.#last = process;
  }

  /** The process spawned last, to walk back from. */
  get lastProcess(): Process | undefined {
    return this.#last;
  }

  removeProcess(process: Process): void {
    this.processCount--;
    const { nextProcess: next, previousProcess: previous } = process;
    if (next === undefined) this.#last = previous;
    else next.previousProcess = previous;
    if (previous === undefined) this.#first = next;
    else previous.nextProcess = next;
    process.nextProcess = process.previousProcess = undefined;
  }

  // ── what is told ────────────────────────────────────────────────────────────────────────────

  /** Somebody listens to its events. */
  get observed(): boolean {
    return this.#events !== undefined && this.#events.observed;
  }

  /** An event for whoever listens; it is not even made when nobody does. */
  emit(make: () => NodeEvent): void {
    if (this.observed) NodeEvents.emit(this.events, make());
  }

  /** An event that must not go unheard. */
  tell(event: NodeEvent): void {
    if (this.#events !== undefined) NodeEvents.emit(this.#events, event);
    this.#log(event);
  }

  #log(event: NodeEvent): void {
    try {
      this.#logger(event);
    } catch (error) {
      logToConsole({ type: "subscriberFailed", error });
    }
  }

  crashed(report: CrashReport): void {
    this.crashCount++;
    this.tell({ type: "crashed", report, watched: report.watched });
  }

  reported(from: AnyPid, report: Report): void {
    if (report.level === "info") this.emit(() => ({ type: "report", from, report }));
    else this.tell({ type: "report", from, report });
  }

  report(process: Process, type: "disposerFailed" | "unwindFailed", error: unknown): void {
    this.tell({ type, pid: process.pid, error });
  }

  zombie(process: Process): void {
    const { pid, unwindMs } = process;
    this.tell({ type: "zombie", pid, label: process.extra?.label, unwindMs });
  }

  blocked(blockedMs: number, cpuMs: number | undefined, suspects: AnyPid[]): void {
    const pid = suspects.length === 1 ? suspects[0] : undefined;
    const computed = cpuMs === undefined ? {} : { cpuMs };
    this.tell({ type: "blocked", blockedMs, ...computed, pid, suspects });
  }

  /** A subscriber of something that this node told has thrown. */
  subscriberFailed(error: unknown): void {
    const failure: NodeEvent = { type: "subscriberFailed", error };
    // A subscriber that fails on hearing of its failure would never end: only the logger hears of that.
    if (this.#events !== undefined && NodeEvents.current(this.#events)?.type === "subscriberFailed")
      this.#log(failure);
    else this.tell(failure);
  }

  /** No process is left, and none will come. */
  close(killed: readonly AnyPid[]): void {
    this.stopped = true;
    this.timers.close();
    this.turn.close();
    this.tell({ type: "stopped", killed });
    NodeEvents.complete(this.events);
  }
}
