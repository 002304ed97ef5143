/**
 * The ledger: which files wait, which are in whose hands, and what came of each.
 *
 * It decides and does nothing else: no process, no file, no clock. The dispatcher carries out what it
 * says. A file is in exactly one of three places, waiting, in the hands of one worker, or done; only
 * the worker that holds it can say what came of it; and it goes back to the others only when that
 * worker is dead. That is all there is to "exactly once".
 */
import type { RawPath } from "./raw-path.js";
import { choose, type CrashKind, type NodeStrikeKind, type StrikeKind } from "./strike.js";

/** After so many ticks without a sign of life a worker counts as hung, to begin with. */
export const PATIENCE_TICKS = 3;
const PATIENCE_LOSS = 0.05;
/** A file that fells so many workers, without chaos, is given up. */
export const MAX_FAULTS = 6;
/** Chaos strikes one file no more often: else a large one would never end while it strikes fast enough. */
export const MAX_STRIKES = 3;

export interface HashedFile {
  readonly path: RawPath;
  readonly sha256: string;
  readonly bytes: number;
}

/** A file or directory that could not be read, and why. */
export interface UnreadableFile {
  readonly path: RawPath;
  readonly reason: string;
}

/** What the walk came across, when it has ended. */
export interface Walked {
  readonly files: number;
  /** What was left alone, by kind: `"symbolic link"`, `"socket"`, … */
  readonly skipped: Readonly<Record<string, number>>;
}

export type CrashCounts = Readonly<Record<CrashKind, number>>;
/** How often chaos has struck a node. */
export type NodeStrikeCounts = Readonly<Record<NodeStrikeKind, number>>;

/** What one worker does. */
export interface Hand {
  readonly number: number;
  /** `undefined`: it has nothing to do. */
  readonly path: RawPath | undefined;
  /** How much of that file it has read. */
  readonly bytes: number;
}

/** How far the fleet is. */
export interface Progress {
  readonly found: number;
  /** The walk has ended: nothing will be added to `found`. */
  readonly walked: boolean;
  /** Files of which nothing has come yet. */
  readonly left: number;
  readonly hashed: number;
  /** Files that could not be read. */
  readonly unreadable: number;
  /** Directories that could not be read: how many files are in them, nobody knows. */
  readonly unreadableDirectories: number;
  /** In the hashed files. */
  readonly bytes: number;
  readonly crashes: CrashCounts;
  readonly nodeStrikes: NodeStrikeCounts;
  /** Files that were begun again. */
  readonly retriedFiles: number;
  readonly retries: number;
}

/** What came of it all. */
export interface Outcome extends Progress {
  /** In order of their paths, byte by byte. */
  readonly files: readonly HashedFile[];
  readonly failures: readonly UnreadableFile[];
  readonly skipped: Walked["skipped"];
  /** Files that were found and of which nothing came. */
  readonly lost: number;
  /** Results that came again, or from somebody who did not hold the file. */
  readonly twice: number;
}

interface FileRecord {
  readonly path: RawPath;
  strikes: number;
  faults: number;
  retries: number;
  sha256?: string;
  bytes: number;
  failure?: string;
}

interface WorkerRecord {
  readonly number: number;
  /** Which node it lives on; `undefined` on this one. */
  readonly node: string | undefined;
  file: FileRecord | undefined;
  bytes: number;
  silentTicks: number;
  /** Chaos has struck: it is going to die of that, be it with the next file. */
  doom: StrikeKind | "withNode" | undefined;
  stalled: boolean;
}

/** @typeParam W who a worker is; its pid, so that its successor is somebody else */
export class Ledger<W> {
  readonly #files = new Map<RawPath, FileRecord>();
  readonly #workers = new Map<W, WorkerRecord>();
  readonly #waiting: FileRecord[] = [];
  #waitingHead = 0;
  #walked: Walked | undefined;
  #hashed = 0;
  #bytes = 0;
  readonly #failures = new Map<RawPath, string>();
  #failedFiles = 0;
  readonly #crashes: Record<CrashKind, number> = {
    thrown: 0,
    killed: 0,
    hung: 0,
    withNode: 0,
    unprovoked: 0,
  };
  readonly #nodeStrikes: Record<NodeStrikeKind, number> = { killed: 0, paused: 0 };
  #retriedFiles = 0;
  #retries = 0;
  #twice = 0;
  #patienceTicks = PATIENCE_TICKS;

  /** Files the walk has found. One that is known is not taken twice, should the walk begin again. */
  found(paths: readonly RawPath[]): void {
    for (const path of paths) {
      if (this.#files.has(path)) continue;
      const file: FileRecord = { path, strikes: 0, faults: 0, retries: 0, bytes: 0 };
      this.#files.set(path, file);
      this.#waiting.push(file);
    }
  }

  /** A directory the walk could not look into. */
  unreadableDirectory(path: RawPath, reason: string): void {
    this.#failures.set(path, reason);
  }

  walked(walked: Walked): void {
    this.#walked = walked;
  }

  /** A worker has started, and has nothing to do yet. */
  enlist(worker: W, number: number, node?: string): void {
    const idle = { file: undefined, bytes: 0, silentTicks: 0, doom: undefined, stalled: false };
    this.#workers.set(worker, { number, node, ...idle });
  }

  /** Gives waiting files to idle workers, and says which to whom. */
  assign(): { readonly worker: W; readonly path: RawPath }[] {
    const orders: { worker: W; path: RawPath }[] = [];
    for (const [worker, record] of this.#workers) {
      if (record.file !== undefined) continue;
      const file = this.#nextWaiting();
      if (file === undefined) break;
      record.file = file;
      record.bytes = record.silentTicks = 0;
      orders.push({ worker, path: file.path });
    }
    return orders;
  }

  /** A sign of life. */
  progressed(worker: W, bytes: number): void {
    const record = this.#workers.get(worker);
    if (record === undefined) return;
    record.bytes = bytes;
    record.silentTicks = 0;
  }

  hashed(worker: W, { path, sha256, bytes }: HashedFile): void {
    const file = this.#handIn(worker, path);
    if (file === undefined) return;
    file.sha256 = sha256;
    file.bytes = bytes;
    this.#hashed++;
    this.#bytes += bytes;
  }

  failed(worker: W, { path, reason }: UnreadableFile): void {
    const file = this.#handIn(worker, path);
    if (file !== undefined) this.#giveUp(file, reason);
  }

  /** A worker is dead. The file it held is to be begun again. `why` is `undefined` for an orderly end. */
  died(worker: W, why: string | undefined): void {
    const record = this.#workers.get(worker);
    if (record === undefined) return;
    this.#workers.delete(worker);
    const { file, doom, stalled } = record;
    if (why !== undefined) this.#crashes[doom ?? "unprovoked"]++;
    if (file === undefined) return;
    if (why !== undefined && doom === undefined) {
      file.faults++;
      if (file.faults === MAX_FAULTS) {
        const last = stalled ? "no progress" : why;
        this.#giveUp(file, `felled ${MAX_FAULTS} workers, the last by: ${last}`);
        return;
      }
    }
    if (file.retries++ === 0) this.#retriedFiles++;
    this.#retries++;
    // To the back, so that a file that fells workers is in the way of as few others as can be.
    this.#waiting.push(file);
  }

  /**
   * Time passes. Returns who hangs: they have to be killed.
   *
   * Ticks are counted and not milliseconds, so that a pause of the whole program makes nobody a
   * suspect. A worker that hangs although chaos did not say so may be waiting for a slow disk: then
   * all get twice the time, which goes down again little by little.
   */
  tick(): W[] {
    const hung: W[] = [];
    let isSlow = false;
    for (const [worker, record] of this.#workers) {
      if (record.file === undefined || record.stalled) continue;
      record.silentTicks++;
      if (record.silentTicks < this.#patienceTicks) continue;
      record.stalled = true;
      hung.push(worker);
      if (record.doom !== "hung") isSlow = true;
    }
    const patience = isSlow ? this.#patienceTicks * 2 : this.#patienceTicks - PATIENCE_LOSS;
    this.#patienceTicks = Math.max(PATIENCE_TICKS, patience);
    return hung;
  }

  /** Chooses who is to be struck among those in the middle of a file; `undefined` when there is none. */
  strike(kind: StrikeKind, pick: number): W | undefined {
    const targets = [...this.#workers]
      .filter(([, { file, doom }]) => file && file.strikes < MAX_STRIKES && doom === undefined)
      .sort(([, a], [, b]) => a.number - b.number);
    if (targets.length === 0) return undefined;
    const [worker, record] = choose(targets, pick);
    record.doom = kind;
    if (record.file !== undefined) record.file.strikes++;
    return worker;
  }

  /**
   * Chooses a whole node that is to be struck, among those where somebody is in the middle of a file;
   * `undefined` when there is none, or their files have been struck often enough.
   */
  strikeNode(kind: NodeStrikeKind, pick: number): string | undefined {
    const crews = new Map<string, WorkerRecord[]>();
    for (const record of this.#workers.values()) {
      if (record.node === undefined) continue;
      const crew = crews.get(record.node);
      if (crew === undefined) crews.set(record.node, [record]);
      else crew.push(record);
    }
    const isTarget = (crew: readonly WorkerRecord[]): boolean =>
      crew.some(({ file }) => file !== undefined) &&
      crew.every(({ file, doom }) => (file?.strikes ?? 0) < MAX_STRIKES && doom !== "withNode");
    const targets = [...crews].filter(([, crew]) => isTarget(crew)).sort(byName);
    if (targets.length === 0) return undefined;
    const [node, crew] = choose(targets, pick);
    for (const record of crew) {
      record.doom ??= "withNode";
      if (record.file !== undefined) record.file.strikes++;
    }
    this.#nodeStrikes[kind]++;
    return node;
  }

  /** A node that stood still goes on, with all who were not missed meanwhile. */
  resumed(node: string): void {
    for (const record of this.#workers.values()) {
      if (record.node !== node || record.doom !== "withNode" || record.stalled) continue;
      record.doom = undefined;
      record.silentTicks = 0;
    }
  }

  /** The walk has ended, and something has come of every file. */
  get isComplete(): boolean {
    return this.#walked !== undefined && this.#left === 0;
  }

  progress(): Progress {
    return {
      found: this.#files.size,
      walked: this.#walked !== undefined,
      left: this.#left,
      hashed: this.#hashed,
      unreadable: this.#failedFiles,
      unreadableDirectories: this.#failures.size - this.#failedFiles,
      bytes: this.#bytes,
      crashes: { ...this.#crashes },
      nodeStrikes: { ...this.#nodeStrikes },
      retriedFiles: this.#retriedFiles,
      retries: this.#retries,
    };
  }

  hands(): ReadonlyMap<W, Hand> {
    const hands = new Map<W, Hand>();
    for (const [worker, { number, file, bytes }] of this.#workers) {
      hands.set(worker, { number, path: file?.path, bytes });
    }
    return hands;
  }

  /** At most `limit` of the files of which nothing has come yet, those in hand first. */
  left(limit: number): readonly RawPath[] {
    const inHand = [...this.#workers.values()].flatMap(({ file }) => file ?? []);
    const waiting = this.#waiting.slice(this.#waitingHead, this.#waitingHead + limit);
    return [...inHand, ...waiting].slice(0, limit).map(({ path }) => path);
  }

  outcome(): Outcome {
    const files: HashedFile[] = [];
    let ended = 0;
    for (const { path, sha256, bytes, failure } of this.#files.values()) {
      if (sha256 !== undefined) files.push({ path, sha256, bytes });
      if (sha256 !== undefined || failure !== undefined) ended++;
    }
    // Counted from the results themselves and held against the walker's own count, not against ours.
    const found = Math.max(this.#files.size, this.#walked?.files ?? 0);
    return {
      ...this.progress(),
      files: files.sort(byPath),
      failures: Array.from(this.#failures, ([path, reason]) => ({ path, reason })).sort(byPath),
      skipped: this.#walked?.skipped ?? {},
      lost: found - ended,
      twice: this.#twice,
    };
  }

  get #left(): number {
    return this.#files.size - this.#hashed - this.#failedFiles;
  }

  /** Takes the file out of the worker's hands, if it holds that one. */
  #handIn(worker: W, path: RawPath): FileRecord | undefined {
    const record = this.#workers.get(worker);
    if (record?.file?.path !== path) {
      this.#twice++;
      return undefined;
    }
    const { file } = record;
    record.file = undefined;
    return file;
  }

  #giveUp(file: FileRecord, reason: string): void {
    file.failure = reason;
    this.#failedFiles++;
    this.#failures.set(file.path, reason);
  }

  #nextWaiting(): FileRecord | undefined {
    const file = this.#waiting[this.#waitingHead];
    if (file === undefined) return undefined;
    this.#waitingHead++;
    // A moving head, and now and then a sweep: `shift` would move all that wait each time.
    if (this.#waitingHead >= 1_024 && this.#waitingHead * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#waitingHead);
      this.#waitingHead = 0;
    }
    return file;
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function byPath(a: { readonly path: RawPath }, b: { readonly path: RawPath }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
