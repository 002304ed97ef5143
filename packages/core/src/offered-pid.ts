/** The pid of a process of which a scheduler decides what happens next. */
import type { ProcessKey } from "./happening-key.js";
import { Lane } from "./lane.js";
import type { Offer } from "./offer.js";
import { ProcessId, type NodeIdentity } from "./pid.js";
import type { Process } from "./process.js";

type LocalPid = ProcessId<Process>;

/** How many senders are found without a table. */
const FEW = 8;

/**
 * A pid that knows its key, and what was counted of it. Numbers last as long as somebody can name the
 * process they are of: what a dead process is sent, and what answers in its place, is numbered on.
 */
export class OfferedPid extends ProcessId<Process> {
  readonly key: ProcessKey;
  /** Its resumptions, once it has given way. */
  #own: Lane | undefined = undefined;
  timersSet = 0;
  yields = 0;
  start: Offer | undefined = undefined;
  /** From whom it was sent signals; the first few in a chain. */
  #lanes: Lane | undefined = undefined;
  #more: WeakMap<LocalPid, Lane> | undefined = undefined;

  constructor(
    key: ProcessKey,
    home: NodeIdentity,
    serial: number,
    parent: LocalPid | undefined,
    position: number | string,
  ) {
    super(home, serial, parent, position);
    this.key = key;
  }

  /** What travels from `from` to this one. */
  laneFrom(from: OfferedPid): Lane {
    let count = 0;
    for (let lane = this.#lanes; lane !== undefined; lane = lane.other, count++) {
      if (lane.from === from) return lane;
    }
    const known = this.#more?.get(from);
    if (known !== undefined) return known;
    const lane = new Lane(from, this.key.channelFrom(from.key));
    if (count < FEW) {
      lane.other = this.#lanes;
      this.#lanes = lane;
    } else (this.#more ??= new WeakMap()).set(from, lane);
    return lane;
  }

  get own(): Lane {
    return (this.#own ??= new Lane(undefined, undefined));
  }
}
