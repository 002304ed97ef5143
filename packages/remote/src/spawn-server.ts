/** Starting processes for other nodes: what is listed, to whom it is allowed, and no more than there may be. */
import {
  InvalidArgumentError,
  isPid,
  type AnyPid,
  type ExitReason,
  type Node,
  type Starter,
  type StartOptions,
  type StartResult,
} from "@coppice/core";
import type { Subscription } from "rxjs";
import { listed, type RemoteBehaviour, type RemoteBehaviours } from "./behaviours.js";
import { forgetOldest } from "./forget-oldest.js";
import type { Role } from "./handshake-message.js";
import type { BreachCounts, LimitName, Limits } from "./limits.js";
import { isGranted } from "./permission.js";
import { prepareStart, type Start } from "./prepared-start.js";
import { awaitToken, fullBucket, takeTokens, type Bucket } from "./token-bucket.js";

/** What came of a start: as `StartResult`, but what a peer is told. */
export type StartOutcome =
  | { readonly pid: AnyPid; readonly info?: unknown; readonly ended: ExitReason | undefined }
  | {
      readonly pid: undefined;
      readonly failed: "ignore" | { readonly error: ExitReason };
      /** Not because of what it would be started with: it is not for who asks. */
      readonly denied?: boolean;
    };

/** What this node has started for one peer. */
export class SpawnsFor {
  running = 0;
  alive = 0;
  bucket: Bucket | undefined = undefined;
}

export interface SpawnRequest {
  readonly name: string;
  /** Whatever came; the error with which they cannot be read. */
  readonly args: unknown;
  /** How it is to be started, as far as who asks has a say. */
  readonly options: Pick<StartOptions, "timeoutMs" | "label" | "unwindMs">;
  /** Who wants to be linked with it, or to monitor it. */
  readonly parent: AnyPid | undefined;
  readonly link: boolean;
  readonly peer: { readonly name: string; readonly role: Role };
  /** Is anybody there still who asks? */
  readonly isWanted: () => boolean;
}

/** So many ends are noted while starts go on. */
const MOST_ENDED = 10_000;

export class SpawnServer {
  readonly #node: Node;
  readonly #behaviours: RemoteBehaviours;
  readonly #limits: Limits;
  readonly #breaches: BreachCounts;
  /** Starts that go on, of all peers; meanwhile it is noted who ends, and why: the last ones. */
  #running = 0;
  #ended = new Map<AnyPid, ExitReason>();
  readonly #ends: Subscription;
  /** By the name of the peer: a new session does not make room. */
  readonly #spawns = new Map<string, SpawnsFor>();

  constructor(node: Node, behaviours: RemoteBehaviours, limits: Limits, breaches: BreachCounts) {
    this.#node = node;
    this.#behaviours = behaviours;
    this.#limits = limits;
    this.#breaches = breaches;
    this.#ends = node.events.subscribe((event) => {
      if (event.type !== "exited" || this.#running === 0) return;
      this.#ended.set(event.pid, event.reason);
      // An answer is looked up at once. A start that hangs must not make a heap of all that ends meanwhile.
      forgetOldest(this.#ended, MOST_ENDED);
    });
  }

  /** Listens to the node no longer. */
  stop(): void {
    this.#ends.unsubscribe();
  }

  /** What is counted for a peer, whichever session it asks in. */
  of(peer: string): SpawnsFor {
    let spawns = this.#spawns.get(peer);
    if (spawns === undefined) {
      if (this.#spawns.size >= this.#limits.maxSessions) this.#forgetIdle();
      this.#spawns.set(peer, (spawns = new SpawnsFor()));
    }
    return spawns;
  }

  /** Of whom nothing runs, and whose rate is full again, nothing has to be known. */
  #forgetIdle(): void {
    const rate = this.#rate;
    const nowMs = this.#node.now();
    for (const [peer, { running, alive, bucket }] of this.#spawns) {
      const isFull = bucket === undefined || takeTokens(bucket, nowMs, rate.burst, rate).taken;
      if (running === 0 && alive === 0 && isFull) this.#spawns.delete(peer);
    }
  }

  get #rate(): { readonly perSecond: number; readonly burst: number } {
    const { maxSpawnsPerSecond } = this.#limits;
    return { perSecond: maxSpawnsPerSecond, burst: maxSpawnsPerSecond };
  }

  /**
   * Starts what is asked for, if it may be, and has `answer` told in the same step in which it is looked up
   * whether it has ended: nothing can come between. Never rejects.
   */
  async start(
    request: SpawnRequest,
    spawns: SpawnsFor,
    answer: (outcome: StartOutcome) => void,
  ): Promise<void> {
    const refused = this.#refuse(request, spawns);
    if (refused !== undefined) {
      const denied = refused === "notAllowed";
      return answer({ pid: undefined, failed: { error: refused }, denied });
    }
    const entry = listed(this.#behaviours, request.name) as RemoteBehaviour;
    const prepared = prepareStart(entry, request.name, request.args);
    if ("refused" in prepared) {
      return answer({ pid: undefined, failed: { error: prepared.refused } });
    }
    const { start } = prepared;
    spawns.running++;
    this.#running++;
    const waitMs = this.#waitMs(spawns);
    const result =
      waitMs === 0
        ? await this.#launch(start, request)
        : await this.#launchLater(waitMs, start, request);
    spawns.running--;
    this.#running--;
    if (result === "ignore") answer({ pid: undefined, failed: "ignore" });
    else if ("error" in result) answer({ pid: undefined, failed: { error: result.error } });
    else {
      const { pid, info } = result;
      const ended = this.#ended.get(pid);
      if (ended === undefined) {
        spawns.alive++;
        void this.#node.whenExited(pid).then(() => spawns.alive--);
      }
      answer({ pid, ended, ...(info !== undefined && { info }) });
    }
    if (this.#running === 0) this.#ended = new Map();
  }

  /** When it is its turn: more than its rate a peer does not start, but what it asks for all the same is not lost. */
  async #launchLater(waitMs: number, start: Start, request: SpawnRequest): Promise<StartResult> {
    const { timeoutMs = Infinity } = request.options;
    try {
      await this.#node.sleep(Math.min(waitMs, timeoutMs));
    } catch {
      // The node stops.
      return { error: "noconnection" };
    }
    if (waitMs >= timeoutMs) return { error: "timeout" };
    if (!request.isWanted()) return { error: "noconnection" };
    const options =
      timeoutMs === Infinity
        ? request.options
        : { ...request.options, timeoutMs: timeoutMs - waitMs };
    return this.#launch(start, { ...request, options });
  }

  async #launch(start: Start, { name, options, parent, link }: SpawnRequest): Promise<StartResult> {
    const node = this.#node;
    const tied = link ? { ...options, link } : { ...options, monitor: true };
    try {
      const result = await (parent === undefined
        ? start(node, options)
        : start(starterFor(node, parent), tied));
      return this.#checked(name, result);
    } catch (error) {
      return { error: { error: error as Error } };
    }
  }

  /** Behaviours are anybody's code. Who asks is told a number, which is one of this node's. */
  #checked(name: string, result: StartResult): StartResult {
    if (result === "ignore" || "error" in result) return result;
    const { pid } = result;
    if (isPid(pid) && pid.node === this.#node.name) return result;
    if (isPid(pid)) this.#node.exit(pid, "kill");
    const what = `startRemote: options.behaviours.${name}: what start gave`;
    throw new InvalidArgumentError(what, "a process of this node", pid);
  }

  #refuse({ name, peer }: SpawnRequest, spawns: SpawnsFor): ExitReason | undefined {
    const entry = listed(this.#behaviours, name);
    const { allow = ({ role }: { readonly role: Role }) => role === "node" } = entry ?? {};
    // Whether there is such a behaviour is not told to whom it is not for.
    if (entry === undefined || !isGranted(() => allow(peer))) return "notAllowed";
    const breached = this.#breached(spawns);
    if (breached === undefined) return undefined;
    this.#breaches.count(breached);
    return "limit";
  }

  #breached(spawns: SpawnsFor): LimitName | undefined {
    const { maxSpawnsRunning, maxSpawnedChildren } = this.#limits;
    if (spawns.running >= maxSpawnsRunning) return "maxSpawnsRunning";
    if (spawns.alive + spawns.running >= maxSpawnedChildren) return "maxSpawnedChildren";
    return undefined;
  }

  /** For how long it has to wait for its turn. */
  #waitMs(spawns: SpawnsFor): number {
    const rate = this.#rate;
    const nowMs = this.#node.now();
    const { bucket, waitMs } = awaitToken(spawns.bucket ?? fullBucket(nowMs, rate), nowMs, rate);
    spawns.bucket = bucket;
    if (waitMs > 0) this.#breaches.count("maxSpawnsPerSecond");
    return waitMs;
  }
}

/**
 * This node, as who starts a process for `parent`: a behaviour takes that for its parent, whose exit ends it
 * although it traps exits. The link and the monitor are made when it has started.
 */
function starterFor(node: Starter, parent: AnyPid): Starter {
  const spawnsUnlinked = ["spawnOpt", "spawnAndWait"];
  return new Proxy(node, {
    get: (target, key) => {
      if (key === "pid") return parent;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (!spawnsUnlinked.includes(key as string)) return value.bind(target) as unknown;
      return (
        given: StartOptions & { readonly monitor?: unknown },
        ...rest: readonly unknown[]
      ) => {
        const { link: _link, monitor: _monitor, ...options } = given;
        return Reflect.apply(value, target, [options, ...rest]) as unknown;
      };
    },
  });
}
