/** The footprint of a step: what it uses of what several processes share. */
import {
  keyOf,
  processKeyOf,
  type Access,
  type AnyPid,
  type Happening,
  type KeySpace,
} from "@coppice/core";
import type { Profile } from "./ready-set.js";
import type { ClockMode } from "./sim-time.js";

export class Footprint {
  readonly #keySpace: KeySpace;
  readonly #profile: Profile;
  readonly #isQuiet: boolean;
  #accesses: Access[] | undefined = undefined;

  constructor(keySpace: KeySpace, profile: Profile, clock: ClockMode) {
    this.#keySpace = keySpace;
    this.#profile = profile;
    this.#isQuiet = clock === "quiet";
  }

  /** A step begins, which uses these in any case. */
  begin(accesses: Access[]): void {
    this.#accesses = accesses;
  }

  /** The step is over. All that it used. */
  end(): Access[] {
    const accesses = this.#accesses as Access[];
    this.#accesses = undefined;
    return accesses;
  }

  note(access: Access): void {
    const accesses = this.#accesses;
    if (accesses === undefined) return;
    for (let i = 0; i < accesses.length; i++) if (accesses[i] === access) return;
    // Nearly always these are few, and an array that grows takes room for many.
    if (accesses.length === 1) this.#accesses = [accesses[0] as Access, access];
    else accesses.push(access);
  }

  noteUse(object: "clock" | "timers", mode: "read" | "write"): void {
    if (this.#accesses !== undefined) this.note(this.#keySpace.access(object, mode));
  }

  /** A timer was set, or taken back. */
  touchTimers(): void {
    // When it is due depends on what time it is; under a quiet clock a jump alone can make a difference there.
    if (this.#isQuiet) this.noteUse("clock", "read");
    else this.noteUse("timers", this.#profile === "instant" ? "write" : "read");
  }

  /**
   * What a process sends, spawns or arms in the name of another, such as its node, is numbered among what
   * that one does: so it has an order with that.
   */
  noteOnBehalf({ kind, senderPid, actorPid }: Happening, current: AnyPid | undefined): void {
    if (this.#accesses === undefined || current === undefined) return;
    const agent = kind === "signal" ? (senderPid as AnyPid) : actorPid;
    if (agent === current && kind !== "start") return;
    const own = processKeyOf(agent);
    const key = kind === "start" ? own?.parent : own;
    if (key === undefined || key === processKeyOf(current)) return;
    // Whoever hears that a connection is lost is told so by those at its other end.
    const isElsewhere = agent.node !== current.node && key.parent !== undefined;
    if (!isElsewhere) this.note(key.mailbox("write"));
  }

  /** A timer fires. */
  noteFiring(timer: Happening): void {
    if (!this.#isQuiet) this.noteUse("timers", "write");
    if (this.#profile === "instant") this.note(this.#queueOf(timer, "read"));
  }

  /**
   * Under `"instant"` a timer waits until its owner has taken what was sent to it: so what is sent, and
   * what is taken, has an order with all that is done to timers.
   */
  noteTaking(signal: Happening, hasTimer: () => boolean): void {
    // Others use the mailbox, as does who looks into it; what does not is taken by a look all the same.
    const { access, actor } = signal;
    if (access.mode === "read") this.note(this.#keySpace.access(`look:${actor}`, "read"));
    if (this.#isQuiet) return;
    this.noteUse("timers", "read");
    if (hasTimer()) this.note(this.#queueOf(signal, "read"));
  }

  /** Under `"instant"`: a process looks whether anything was sent to it. */
  noteLooking(pid: AnyPid): void {
    if (this.#accesses === undefined) return;
    const actor = keyOf(pid);
    this.note(this.#keySpace.access(`queue:${actor}`, "read"));
    this.note(this.#keySpace.access(`look:${actor}`, "write"));
  }

  /** Under `"instant"`: something was sent. */
  noteQueueing(signal: Happening): void {
    this.note(this.#queueOf(signal, "write"));
    if (!this.#isQuiet) this.noteUse("timers", "read");
  }

  #queueOf({ actor }: Happening, mode: Access["mode"]): Access {
    return this.#keySpace.access(`queue:${actor}`, mode);
  }
}
