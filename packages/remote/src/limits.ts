/**
 * Limits: how much a peer may ask of a node. Each has a default, can be set, and counts its breaches
 * under its own name.
 *
 * What is negotiated in the handshake (`maxFrameBytes`, `maxMessageBytes`, `fragmentBytes`, the credit
 * window) is the smaller of what the two sides can take, so that too much is refused where it is sent.
 */
import { checkKeys, InvalidArgumentError } from "@coppice/core";

/**
 * | limit | default | what a breach does |
 * | --- | --- | --- |
 * | `maxFrameBytes` | 1 MiB | closes the session |
 * | `maxHandshakeBytes`, per frame | 4 KiB | closes the connection |
 * | `handshakeMs`, from accepting to open | 5000 | closes the connection |
 * | `maxHandshakes`, at once | 64 | refuses the connection |
 * | `maxHandshakesPerAddress`, at once | 8 | refuses the connection |
 * | `maxMessageBytes`, put together | 16 MiB | more than own is the sender's error, more than the peer's is undelivered; the call fails, the end has no reason |
 * | `fragmentBytes` | 64 KiB | closes the session |
 * | `maxFragmentStreams`, in assembly | 64 | closes the session |
 * | `maxAssemblyBytes`, of all streams of a peer | 32 MiB | closes the session |
 * | `maxDepth` of a term | 64 | refuses the term: the call fails, the end has no reason |
 * | `maxItems` of a term | 100 000 | refuses the term |
 * | `maxBigintBits` | 1024 | refuses the term |
 * | `maxNameBytes` | 255 | closes the session; in a term, refuses that |
 * | `maxNodeNameBytes` | 128 | closes the connection; in a term, refuses that |
 * | `maxReasonBytes`, of an exit reason | 64 KiB | sends a summary instead |
 * | `maxLinks`, per session | 65 536 | answers with the exit reason `limit` |
 * | `maxMonitors`, per session | 65 536 | answers with the reason `limit` |
 * | `maxMonitorsPerProcess`, held | 8192 | answers with the reason `limit` |
 * | `maxPendingCalls`, to one peer, with monitors of its processes | 65 536 | refuses the call at its sender |
 * | `maxAliases`, that a client was told of, and as many pids | 65 536 | forgets the oldest: it can be addressed no longer |
 * | `maxSpawnsRunning`, per peer, those that wait too | 256 | refuses the spawn |
 * | `maxSpawnsPerSecond`, per peer, and at once | 100 | has the spawn wait for its turn |
 * | `maxSpawnedChildren`, alive, per peer | 10 000 | refuses the spawn |
 * | `maxGroupJoins`, per peer | 65 536 | ignores the join |
 * | `maxNames`, held and waited for, per member | 65 536 | refuses the name |
 * | `maxSessions`, and of those that have connected and asked for nothing yet | 1024 | refuses the connection; closes the oldest of those |
 * | `clientSignalsPerSecond`, of a peer in the role `client` | 2000 | closes the session |
 * | `clientSignalsBurst` | 10 000 | closes the session, and is counted as the rate |
 * | `clientAssemblyBytes`, of what all clients together have sent in part | 256 MiB | closes the session that sends more |
 * | `clientQueueBytes`, waiting to be sent to all clients together | 256 MiB | closes the session with the most, down to twice `softQueueBytes`, which is the hard mark of each then |
 * | `clientWatches`, links of a client, and as many monitors, those of calls that wait with them | 4096 | answers with the reason `limit` |
 * | `clientNumberKeys`, of maps and sets in one term of a client | 2048 | refuses the term |
 * | `softQueueBytes`, waiting to be sent | 1 MiB | the session is busy: senders that can wait do |
 * | `hardQueueBytes` | 16 MiB | the policy `overflow` decides: close, or drop messages |
 * | `controlQueueBytes` | 32 MiB | closes the session, whatever is waiting |
 * | `windowBytes`, sent and not yet granted | 4 MiB | a sender that exceeds it is closed |
 * | `windowSignals`, likewise | 16 384 | a sender that exceeds it is closed |
 */
export interface Limits {
  readonly maxFrameBytes: number;
  readonly maxHandshakeBytes: number;
  readonly handshakeMs: number;
  readonly maxHandshakes: number;
  readonly maxHandshakesPerAddress: number;
  readonly maxMessageBytes: number;
  readonly fragmentBytes: number;
  readonly maxFragmentStreams: number;
  readonly maxAssemblyBytes: number;
  readonly maxDepth: number;
  readonly maxItems: number;
  readonly maxBigintBits: number;
  readonly maxNameBytes: number;
  readonly maxNodeNameBytes: number;
  readonly maxReasonBytes: number;
  readonly maxLinks: number;
  readonly maxMonitors: number;
  readonly maxMonitorsPerProcess: number;
  readonly maxPendingCalls: number;
  readonly maxAliases: number;
  readonly maxSpawnsRunning: number;
  readonly maxSpawnsPerSecond: number;
  readonly maxSpawnedChildren: number;
  readonly maxGroupJoins: number;
  readonly maxNames: number;
  readonly maxSessions: number;
  readonly clientSignalsPerSecond: number;
  readonly clientSignalsBurst: number;
  readonly clientAssemblyBytes: number;
  readonly clientQueueBytes: number;
  readonly clientWatches: number;
  readonly clientNumberKeys: number;
  readonly softQueueBytes: number;
  readonly hardQueueBytes: number;
  readonly controlQueueBytes: number;
  readonly windowBytes: number;
  readonly windowSignals: number;
}

/** The name a breach is counted under. */
export type LimitName = keyof Limits;

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxFrameBytes: MIB,
  maxHandshakeBytes: 4 * KIB,
  handshakeMs: 5000,
  maxHandshakes: 64,
  maxHandshakesPerAddress: 8,
  maxMessageBytes: 16 * MIB,
  fragmentBytes: 64 * KIB,
  maxFragmentStreams: 64,
  maxAssemblyBytes: 32 * MIB,
  maxDepth: 64,
  maxItems: 100_000,
  maxBigintBits: 1024,
  maxNameBytes: 255,
  maxNodeNameBytes: 128,
  maxReasonBytes: 64 * KIB,
  maxLinks: 65_536,
  maxMonitors: 65_536,
  maxMonitorsPerProcess: 8192,
  maxPendingCalls: 65_536,
  maxAliases: 65_536,
  maxSpawnsRunning: 256,
  maxSpawnsPerSecond: 100,
  maxSpawnedChildren: 10_000,
  maxGroupJoins: 65_536,
  maxNames: 65_536,
  maxSessions: 1024,
  clientSignalsPerSecond: 2000,
  clientSignalsBurst: 10_000,
  clientAssemblyBytes: 256 * MIB,
  clientQueueBytes: 256 * MIB,
  clientWatches: 4096,
  clientNumberKeys: 2048,
  softQueueBytes: MIB,
  hardQueueBytes: 16 * MIB,
  controlQueueBytes: 32 * MIB,
  windowBytes: 4 * MIB,
  windowSignals: 16_384,
});

/** What each limit can be at most, where the wire or the engine says so, and at least, where 1 would not do. */
const BOUNDS: { readonly [L in LimitName]?: readonly [min: number, max: number] } = {
  // A frame has to hold one fragment and its heads.
  maxFrameBytes: [4 * KIB, 64 * MIB],
  maxHandshakeBytes: [KIB, 64 * KIB],
  maxMessageBytes: [KIB, 512 * MIB],
  fragmentBytes: [KIB, 16 * MIB],
  maxAssemblyBytes: [KIB, 2048 * MIB],
  clientAssemblyBytes: [KIB, 65_536 * MIB],
  // The scan and the decoder recurse, and the engine's stack is finite.
  maxDepth: [8, 512],
  maxItems: [16, 16 * MIB],
  maxBigintBits: [64, 64 * KIB],
  maxNameBytes: [16, KIB],
  maxNodeNameBytes: [16, 255],
  maxReasonBytes: [KIB, 16 * MIB],
  windowBytes: [64 * KIB, 2048 * MIB],
  windowSignals: [16, 16 * MIB],
};

/** Pairs of which the first may not exceed the second. */
const ORDERED: readonly (readonly [LimitName, LimitName])[] = [
  ["maxHandshakesPerAddress", "maxHandshakes"],
  ["maxReasonBytes", "maxMessageBytes"],
  ["maxMessageBytes", "maxAssemblyBytes"],
  ["fragmentBytes", "maxMessageBytes"],
  ["fragmentBytes", "windowBytes"],
  ["maxMonitorsPerProcess", "maxMonitors"],
  ["softQueueBytes", "hardQueueBytes"],
  ["hardQueueBytes", "controlQueueBytes"],
];

/** What a fragment's frame needs besides the fragment: heads of the frame, the signal and its bytes. */
export const FRAME_OVERHEAD_BYTES = 64;

/**
 * All limits: those given, and the defaults of the others.
 *
 * @param argument what is checked, e.g. `connect: options.limits`
 * @throws InvalidArgumentError an unknown limit, no positive integer, out of its bounds, or two that contradict each other
 */
export function checkLimits(argument: string, given: Partial<Limits> = {}): Limits {
  checkKeys(argument, given, Object.keys(DEFAULT_LIMITS));
  const limits: Record<LimitName, number> = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as LimitName[]) {
    const value = given[name];
    if (value === undefined) continue;
    const [min, max] = BOUNDS[name] ?? [1, Number.MAX_SAFE_INTEGER];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(
        `${argument}.${name}`,
        `an integer from ${min} to ${max}`,
        value,
      );
    }
    limits[name] = value;
  }
  for (const [less, more] of ORDERED) {
    if (limits[less] > limits[more]) {
      const expected = `at most ${more}, which is ${limits[more]}`;
      throw new InvalidArgumentError(`${argument}.${less}`, expected, limits[less]);
    }
  }
  const room = limits.maxFrameBytes - FRAME_OVERHEAD_BYTES;
  if (limits.fragmentBytes > room) {
    const expected = `at most ${room}, so that a frame can hold a fragment`;
    throw new InvalidArgumentError(`${argument}.fragmentBytes`, expected, limits.fragmentBytes);
  }
  return limits;
}

/** What the two sides of a session tell each other in the handshake. */
export type NegotiatedLimits = Pick<
  Limits,
  "maxFrameBytes" | "maxMessageBytes" | "fragmentBytes" | "windowBytes" | "windowSignals"
>;

/** What both can take. */
export function negotiateLimits(own: NegotiatedLimits, peer: NegotiatedLimits): NegotiatedLimits {
  const maxFrameBytes = Math.min(own.maxFrameBytes, peer.maxFrameBytes);
  const windowBytes = Math.min(own.windowBytes, peer.windowBytes);
  return {
    maxFrameBytes,
    maxMessageBytes: Math.min(own.maxMessageBytes, peer.maxMessageBytes),
    // Not more than half of the window: the receiver may owe a quarter of it for ever.
    fragmentBytes: Math.min(
      own.fragmentBytes,
      peer.fragmentBytes,
      maxFrameBytes - FRAME_OVERHEAD_BYTES,
      Math.floor(windowBytes / 2) - FRAME_OVERHEAD_BYTES,
    ),
    windowBytes,
    windowSignals: Math.min(own.windowSignals, peer.windowSignals),
  };
}

/** How often each limit was breached. */
export interface BreachCounts {
  /** Adds one. */
  readonly count: (limit: LimitName) => void;
  /** Those that were breached at all. */
  readonly snapshot: () => { readonly [L in LimitName]?: number };
}

export function createBreachCounts(): BreachCounts {
  const counts = new Map<LimitName, number>();
  return {
    count: (limit) => void counts.set(limit, (counts.get(limit) ?? 0) + 1),
    snapshot: () => Object.fromEntries(counts),
  };
}
