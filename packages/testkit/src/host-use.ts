/** What the code of a simulation takes from the host, and gets from the simulation. */
import { keyOf, processKeyOf, type AnyPid } from "@coppice/core";
import { ESCAPE_CHECK, EscapeError } from "./escape-error.js";
import type { Kernel } from "./kernel.js";
import type { Life } from "./lives.js";
import { RedirectedTimer } from "./redirected-timer.js";

export class HostUse {
  readonly #kernel: Kernel;
  /** How many timers each has armed. */
  readonly #armed = new Map<AnyPid, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A random number for the code that runs now. */
  draw(): number {
    const { current, draws } = this.#kernel;
    return draws.next(current === undefined ? "" : keyOf(current));
  }

  /** What the clock of the node shows whose code runs now. */
  shownMs(): number {
    const { current, footprint, lives, nowMs } = this.#kernel;
    footprint.noteUse("clock", "read");
    this.#kernel.clockRead();
    const life = current === undefined ? undefined : lives.get(current.node);
    return life === undefined ? nowMs : life.time.at(nowMs);
  }

  arm(by: AnyPid | undefined, delayMs: number, task: object, call: () => void): RedirectedTimer {
    const kernel = this.#kernel;
    if (by === undefined && kernel.lives.all.length === 0) {
      const why = "there is no node yet whose clock it could go by; make it with sim.node() before";
      const error = new EscapeError("a timer of the host", undefined, why);
      kernel.fail(ESCAPE_CHECK, error.message, error);
      throw error;
    }
    const owner = by ?? kernel.anyPid;
    const number = (this.#armed.get(owner) ?? 0) + 1;
    this.#armed.set(owner, number);
    const key = kernel.keySpace.key(`timer:${keyOf(owner)}/timeout#${number}`);
    const access =
      processKeyOf(owner)?.mailbox("write") ??
      kernel.keySpace.access(`mailbox:${keyOf(owner)}`, "write");
    const { time } = kernel.lives.get(owner.node) as Life;
    const atMs = time.at(kernel.nowMs) + delayMs;
    const timer = new RedirectedTimer(key, owner, access, atMs, task, call);
    kernel.offer(timer);
    return timer;
  }
}
