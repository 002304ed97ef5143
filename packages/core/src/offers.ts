/**
 * Offers: what could happen next, told under stable keys to a scheduler that decides.
 *
 * In production there is none, and nothing of this runs.
 */
import type { ErasedGuard } from "./erased.js";
import { InvalidArgumentError } from "./errors.js";
import { KeySpace, type Access, type KeyStem, type ProcessKey } from "./happening-key.js";
import type { Node } from "./node.js";
import { Offer, type Carried } from "./offer.js";
import { OfferedPid } from "./offered-pid.js";
import { keyOf, ProcessId, type AnyPid, type NodeIdentity } from "./pid.js";
import type { Process } from "./process.js";
import type { Runtime } from "./runtime.js";
import { runtimeOf } from "./runtime-of.js";
import type { Scheduler } from "./scheduler.js";
import type { Signal } from "./signal.js";
import type { Deadline } from "./timer-queue.js";

type LocalPid = ProcessId<Process>;

/** The way to `scheduler`, or `undefined` when it lets things happen by themselves. */
export function offersTo(scheduler: Scheduler): Offers | undefined {
  return scheduler.offer === undefined ? undefined : new Offers(scheduler);
}

export class Offers {
  readonly #scheduler: Scheduler;
  readonly keys: KeySpace;
  /** How many timers are offered. */
  timers = 0;
  #standIns: Map<string, OfferedPid> | undefined = undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.keys = scheduler.keySpace ?? new KeySpace({ interns: false });
  }

  pid(
    home: NodeIdentity,
    serial: number,
    parent: LocalPid | undefined,
    position: number | string,
  ): OfferedPid {
    if (parent === undefined) {
      const root = this.#scheduler.nodeKey?.(`${position}`) ?? `${position}`;
      return new OfferedPid(this.keys.root(root), home, serial, parent, root);
    }
    const pid = new OfferedPid(
      (parent as OfferedPid).key.child(position),
      home,
      serial,
      parent,
      position,
    );
    if (ProcessId.parentOf(pid) !== undefined) return pid;
    // So deep that its ancestors were folded into its position.
    const folded = ProcessId.positionOf(pid);
    return new OfferedPid(this.keys.root(`${folded}`), home, serial, parent, position);
  }

  start(process: Process): void {
    const pid = process.pid as OfferedPid;
    const { key } = pid;
    // On no lane: before it has started a process gives way to nobody.
    const start = new Offer(
      "start",
      key.start,
      process.node,
      pid,
      undefined,
      undefined,
      undefined,
      undefined,
    );
    pid.start = start;
    this.#offer(start);
  }

  /** It will never start. */
  withdrawStart(process: Process): void {
    const pid = process.pid as OfferedPid;
    if (pid.start !== undefined) this.#takeBack(pid.start);
    pid.start = undefined;
  }

  /** A process gave way, and goes on when `wait` fires. */
  resume(process: Process, wait: Deadline): void {
    (process.pid as OfferedPid).yields++;
    this.#resume(process, wait);
  }

  #resume(process: Process, wait: Deadline): void {
    const pid = process.pid as OfferedPid;
    const key = pid.key.resume(pid.yields);
    const resume = new Offer("resume", key, process.node, pid, undefined, undefined, wait, pid.own);
    wait.happening = resume;
    this.#offer(resume);
  }

  /** A process only looks whether a message is there. Tells whether all that was sent to it has arrived. */
  looks(pid: LocalPid): boolean {
    // Counted whatever it finds, so that what comes later has the same key; and made, as keys are in order.
    const looker = this.#offered(pid);
    looker.key.resume(++looker.yields);
    return this.#scheduler.deliverAll?.(pid) === true;
  }

  /** It has found nothing so far, and will have found nothing when `limit` fires. */
  look(process: Process, limit: Deadline): void {
    this.#resume(process, limit);
  }

  /** `node` is where it arrives. */
  signal(node: Runtime, from: LocalPid, to: LocalPid, signal: Signal | Carried): void {
    const receiver = this.#offered(to);
    const lane = receiver.laneFrom(this.#offered(from));
    const key = (lane.stem as KeyStem).numbered(++lane.sent);
    this.#offer(new Offer("signal", key, node, receiver, lane.from, signal, undefined, lane));
  }

  /** Offers a signal once more. */
  copy({ node, actorPid, senderPid, signal, lane }: Offer, key: string): void {
    const named = this.keys.key(key);
    this.#offer(new Offer("signal", named, node, actorPid, senderPid, signal, undefined, lane));
  }

  /**
   * Who asks about a process hears of it as it is after what it sent to it before, as in OTP: these
   * signals arrive now. Whether it lives, only its end can change.
   */
  settle(from: LocalPid, to: LocalPid, what: "exits" | "all"): void {
    const lane = this.#offered(to).laneFrom(this.#offered(from));
    // That nothing is on its way any more depends on whether it has arrived.
    if (what === "exits") this.access(from, (lane.stem as KeyStem).exits("write"));
    let last = lane.last;
    while (what === "exits" && last !== undefined && last.signal?.type !== "exit") {
      last = last.previous;
    }
    if (last === undefined) return;
    this.access(from, this.keyOf(to).mailbox("write"));
    for (let first = lane.first; first !== undefined; first = lane.first) {
      this.#scheduler.withdraw?.(first);
      first.run();
      if (first === last) return;
    }
  }

  /** What a process has sent to itself is no longer offered: it arrives now. Oldest first. */
  *takeOwn(pid: LocalPid): Generator<Signal> {
    const own = this.#offered(pid);
    const lane = own.laneFrom(own);
    for (let first = lane.first; first !== undefined; first = lane.first) {
      this.#takeBack(first);
      yield first.signal as Signal;
    }
  }

  timer(deadline: Deadline, owner: LocalPid, node: Runtime): void {
    const pid = owner as OfferedPid;
    const key = pid.key.timer(++pid.timersSet);
    const timer = new Offer("timer", key, node, pid, undefined, undefined, deadline, undefined);
    deadline.happening = timer;
    this.timers++;
    this.#offer(timer);
  }

  /** Takes a timer or a resumption back; `false` when it was not offered, or has happened. */
  withdraw(deadline: Deadline): boolean {
    const happening = deadline.happening as Offer | undefined;
    if (happening === undefined) return false;
    this.#takeBack(happening);
    return true;
  }

  /** Stands for whoever it may be. */
  standIn(home: NodeIdentity, name: string): OfferedPid {
    return new OfferedPid(this.keys.root(name), home, 0, undefined, name);
  }

  keyOf(pid: LocalPid): ProcessKey {
    return this.#offered(pid).key;
  }

  /** The pid itself, or what stands for a pid that was made elsewhere. */
  #offered(pid: LocalPid): OfferedPid {
    if (pid instanceof OfferedPid) return pid;
    const name = keyOf(pid);
    let standIn = this.#standIns?.get(name);
    if (standIn === undefined) {
      (this.#standIns ??= new Map()).set(name, (standIn = this.standIn(pid.home, name)));
    }
    return standIn;
  }

  /**
   * A watch is taken back. Had its target ended first, there would be news of that on its way; had the
   * watch found nobody, too. So the order of these matters, though nothing is left to be seen of it.
   */
  watchEnds(owner: LocalPid, target: LocalPid): void {
    this.access(owner, this.keyOf(target).alive("read"));
    this.access(owner, this.#watchOf(owner, target, "write"));
  }

  /** A watch has found nobody. */
  watchFails(owner: LocalPid, target: LocalPid): void {
    this.access(owner, this.#watchOf(owner, target, "read"));
  }

  #watchOf(owner: LocalPid, target: LocalPid, mode: "read" | "write"): Access {
    const { stem } = this.#offered(target).laneFrom(this.#offered(owner));
    return (stem as KeyStem).watch(mode);
  }

  /** Somebody asks after a timer of `owner`: the answer depends on the time, and on whether it is over. */
  timerAsked(owner: LocalPid): void {
    this.access(owner, this.keys.access("clock", "read"));
    this.access(owner, this.#timersOf(owner, "read"));
  }

  /** A timer of `owner` has fired, or whom it was for has ended. */
  timerOver(owner: LocalPid): void {
    this.access(owner, this.#timersOf(owner, "write"));
  }

  #timersOf(owner: LocalPid, mode: "read" | "write"): Access {
    return this.keys.access(`timers:${this.keyOf(owner).text}`, mode);
  }

  /** A timer of one process acts on another. */
  touch(by: LocalPid, pid: LocalPid): void {
    this.access(by, this.keyOf(pid).mailbox("write"));
  }

  /** Tells a scheduler that wants to know of a use of something shared. */
  took(by: LocalPid, message: unknown, guard: ErasedGuard | undefined, isLook: boolean): void {
    this.#scheduler.took?.(by, message, guard, isLook);
  }

  /** Somebody asks what time it is. */
  clockRead(by: LocalPid): void {
    this.access(by, this.keys.access("clock", "read"));
    this.#scheduler.clockRead?.();
  }

  access(by: LocalPid, access: Access): void {
    this.#scheduler.access?.(access, by);
  }

  #takeBack(offer: Offer): void {
    offer.end();
    this.#scheduler.withdraw?.(offer);
  }

  #offer(offer: Offer): void {
    this.#scheduler.offer?.(offer);
  }
}

/** Where a pid stands, with what is used of it; `undefined` when no scheduler decides on its node. */
export function processKeyOf(pid: AnyPid): ProcessKey | undefined {
  return pid instanceof OfferedPid ? pid.key : undefined;
}

/**
 * A router lets the scheduler of a node decide when a signal that it carries arrives there, under the key
 * of its pair. For simulated networks.
 *
 * @throws InvalidArgumentError the node has no scheduler that decides
 */
export function offerCarried(
  node: Node,
  from: AnyPid,
  to: AnyPid,
  carried: Omit<Carried, "type">,
): void {
  const runtime = runtimeOf(node);
  const { offers } = runtime;
  if (offers === undefined) {
    const expected = "on a scheduler that decides";
    throw new InvalidArgumentError("offerCarried: node", expected, node);
  }
  const signal = { type: "carried", ...carried } as const;
  offers.signal(runtime, from as LocalPid, to as LocalPid, signal);
}
