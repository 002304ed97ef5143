/** What the supervisors of an application have reported: where who is, and who gave up. */
import type { AnyPid, ExitReason, Operations } from "@coppice/core";
import type { GivenUp } from "./application-end.js";
import type { SupervisorReported } from "./supervisor-message.js";
import type { SupervisorReport } from "./supervisor-report.js";

/** Whose child a process is. */
interface Place {
  readonly supervisor: AnyPid;
  readonly id: string;
}

type Exceeded = Extract<SupervisorReport, { readonly type: "intensityExceeded" }>;

export class ApplicationJournal {
  readonly #name: string;
  /** Of every child that was started; held only as long as somebody knows its pid. */
  readonly #places = new WeakMap<AnyPid, Place>();
  /** The last failure of a child, by supervisor. */
  readonly #failures = new WeakMap<AnyPid, { readonly id: string; readonly reason: ExitReason }>();
  /** Supervisors that gave up, and have no successor yet. */
  readonly #gaveUp = new Map<AnyPid, Exceeded & { readonly reason: ExitReason | undefined }>();
  /** The topmost supervisor, once it has been spawned. */
  root: AnyPid | undefined;

  /** @param name of the application: the first step of every path */
  constructor(name: string) {
    this.#name = name;
  }

  record({ supervisor, report }: SupervisorReported): void {
    const { id } = report;
    switch (report.type) {
      case "childStarted":
        this.#places.set(report.pid, { supervisor, id });
        for (const pid of this.#gaveUp.keys()) {
          if (pid !== report.pid && this.#isAt(pid, supervisor, id)) this.#gaveUp.delete(pid);
        }
        break;
      case "childTerminated":
      case "startFailed":
        this.#failures.set(supervisor, { id, reason: report.reason });
        break;
      case "intensityExceeded": {
        const last = this.#failures.get(supervisor);
        const reason = last?.id === id ? last.reason : undefined;
        this.#gaveUp.set(supervisor, { ...report, reason });
        break;
      }
      case "shutdownFailed":
        break;
      default:
        report satisfies never;
    }
  }

  /**
   * The place of a process in the tree, e.g. `shop/workers/w1`. What a child has spawned itself is
   * named by its label, or else by its pid. `undefined` for a process outside the tree, or one that
   * died before anything was known of it.
   */
  pathOf(asker: Operations, pid: AnyPid): string | undefined {
    if (pid === this.root) return this.#name;
    const place = this.#places.get(pid);
    if (place !== undefined) return this.pathOfChild(asker, place.supervisor, place.id);
    const info = asker.processInfo(pid);
    const [parent] = info?.ancestors ?? [];
    if (info === undefined || parent === undefined || parent.serial === 0) return undefined;
    const above = this.pathOf(asker, parent);
    return above && `${above}/${info.label ?? String(pid)}`;
  }

  pathOfChild(asker: Operations, supervisor: AnyPid, id: string): string {
    return `${this.pathOf(asker, supervisor) ?? this.#name}/${id}`;
  }

  /** The supervisor at the top that gave up, then the one below that was the cause of it, and so on. */
  gaveUp(asker: Operations): readonly GivenUp[] {
    const chain: GivenUp[] = [];
    let pid = this.#topmostGivenUp();
    while (pid !== undefined) {
      const { id, intensity, periodMs, reason } = this.#gaveUp.get(pid) as Exceeded & {
        readonly reason: ExitReason | undefined;
      };
      const path = this.pathOf(asker, pid) ?? this.#name;
      chain.push({ path, child: id, intensity, periodMs, reason });
      const above = pid;
      pid = [...this.#gaveUp.keys()].find((below) => this.#isAt(below, above, id));
    }
    return chain;
  }

  /** The topmost supervisor, or else a child of it that ended it by `autoShutdown`. */
  #topmostGivenUp(): AnyPid | undefined {
    const { root } = this;
    if (root !== undefined && this.#gaveUp.has(root)) return root;
    return [...this.#gaveUp.keys()].find((pid) => this.#places.get(pid)?.supervisor === root);
  }

  #isAt(pid: AnyPid, supervisor: AnyPid, id: string): boolean {
    const place = this.#places.get(pid);
    return place?.supervisor === supervisor && place.id === id;
  }
}
