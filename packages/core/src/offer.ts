/** One offer: something that could happen next, and what it does when it does. */
import type { Access, HappeningKey, KeyStem } from "./happening-key.js";
import type { Lane } from "./lane.js";
import type { OfferedPid } from "./offered-pid.js";
import type { Offers } from "./offers.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Runtime } from "./runtime.js";
import type { Happening } from "./scheduler.js";
import { arriveNow, contentOf, describeSignal, type Signal } from "./signal.js";
import type { Deadline } from "./timer-queue.js";

type LocalPid = ProcessId<Process>;

/** A signal that a router carries to another node. */
export interface Carried {
  readonly type: "carried";
  /** A monitor uses nothing but the life of its target. */
  readonly kind: "message" | "monitor" | "other";
  /** All that it carries, as data. */
  readonly content: unknown;
  readonly describe: () => string;
  readonly arrive: () => void;
}

/** One class for all kinds, as there are many and they are short-lived. */
export class Offer implements Happening {
  readonly kind: "signal" | "start" | "timer" | "resume";
  readonly #key: HappeningKey;
  readonly node: Runtime;
  readonly actorPid: OfferedPid;
  readonly senderPid: OfferedPid | undefined;
  readonly signal: Signal | Carried | undefined;
  readonly deadline: Deadline | undefined;
  readonly lane: Lane | undefined;
  readonly atMs: number | undefined;
  next: Offer | undefined = undefined;
  previous: Offer | undefined = undefined;
  /** It has happened, or will not. */
  over = false;
  order = 0;
  creator = 0;
  isLoose = false;
  #copies = 1;

  constructor(
    kind: Offer["kind"],
    key: HappeningKey,
    node: Runtime,
    actor: OfferedPid,
    sender: OfferedPid | undefined,
    signal: Signal | Carried | undefined,
    deadline: Deadline | undefined,
    lane: Lane | undefined,
  ) {
    this.kind = kind;
    this.#key = key;
    this.node = node;
    this.actorPid = actor;
    this.senderPid = sender;
    this.signal = signal;
    this.deadline = deadline;
    this.lane = lane;
    this.atMs = kind === "timer" ? (deadline as Deadline).atMs : undefined;
    if (lane !== undefined) lane.add(this);
  }

  get key(): string {
    return this.#key.text;
  }

  get keyHash(): number {
    return this.#key.hash;
  }

  get keyId(): number {
    return this.#key.id;
  }

  get channel(): string {
    const { kind, lane } = this;
    if (kind === "timer" || this.isLoose) return this.key;
    return kind === "signal" ? (lane?.stem as KeyStem).text : this.actor;
  }

  get task(): object | undefined {
    return this.deadline;
  }

  get message(): unknown {
    const { signal } = this;
    switch (signal?.type) {
      case "message":
      case "alias":
      case "call":
        return signal.message;
      default:
        return undefined;
    }
  }

  get content(): unknown {
    const { signal } = this;
    if (signal === undefined) return this.kind === "timer" ? this.deadline?.content : undefined;
    return signal.type === "carried" ? signal.content : contentOf(signal);
  }

  get isFirst(): boolean {
    return this.lane === undefined || this.lane.first === this;
  }

  get actor(): string {
    return this.actorPid.key.text;
  }

  get access(): Access {
    // Where a monitor is placed matters to an end alone.
    const { signal } = this;
    if (signal?.type === "monitor" || (signal?.type === "carried" && signal.kind === "monitor"))
      return this.actorPid.key.alive("read");
    return this.actorPid.key.mailbox("write");
  }

  get isMessage(): boolean {
    const { signal } = this;
    switch (signal?.type) {
      case "message":
      case "alias":
      case "call":
        return true;
      case "carried":
        return signal.kind === "message";
      default:
        return false;
    }
  }

  drop(): void {
    if (!this.over) this.end();
  }

  /** Had its sender asked whether the receiver is alive, it would have arrived then. */
  #noteExit(): void {
    const { stem } = this.lane as Lane;
    (this.node.offers as Offers).access(
      this.senderPid as LocalPid,
      (stem as KeyStem).exits("read"),
    );
  }

  duplicate(): void {
    if (!this.isMessage) return;
    // Not the next of its channel: what that carries would depend on when this one was copied.
    (this.node.offers as Offers).copy(this, `${this.key}~${++this.#copies}`);
  }

  describe(): string {
    switch (this.kind) {
      case "signal": {
        const signal = this.signal as Signal | Carried;
        return signal.type === "carried" ? signal.describe() : describeSignal(signal);
      }
      case "start":
        return `start ${ProcessId.processOf(this.actorPid)?.initialCall ?? "nobody"}`;
      case "timer":
        return `timer at ${this.atMs} ms`;
      default:
        return "goes on after a yield";
    }
  }

  run(): void {
    if (this.over) return;
    this.end();
    switch (this.kind) {
      case "signal": {
        const signal = this.signal as Signal | Carried;
        if (signal.type === "exit") this.#noteExit();
        if (signal.type === "carried") signal.arrive();
        else arriveNow(this.node, this.senderPid as OfferedPid, this.actorPid, signal);
        return;
      }
      case "start": {
        const process = ProcessId.processOf(this.actorPid);
        this.actorPid.start = undefined;
        if (process?.life === "alive" && !process.started) this.node.turn.run(process);
        return;
      }
      default:
        (this.deadline as Deadline).fire();
    }
  }

  /** It has no place among what could happen any more. */
  end(): void {
    this.over = true;
    if (this.lane !== undefined) this.lane.remove(this);
    const { deadline } = this;
    if (deadline === undefined) return;
    if (this.kind === "timer") (this.node.offers as Offers).timers--;
    deadline.happening = undefined;
  }
}
