/** Starting, from here, behaviours that other nodes list. */
import {
  checkStartOptions,
  InvalidArgumentError,
  reportFor,
  type AnyPid,
  type Clock,
  type ExitReason,
  type Node,
  type Report,
  type Startable,
  type Starter,
  type StartMonitorOptions,
  type StartOptions,
  type StartResult,
  type Term,
} from "@coppice/core";
import { checkBehaviourName, listed, type RemoteBehaviours } from "./behaviours.js";
import type { Connection } from "./connection.js";
import { labelToSend } from "./label.js";
import type { RemotePeer } from "./remote-peer.js";
import { prepareStart } from "./prepared-start.js";
import type { WireSignal, WireSpawnOptions } from "./wire-signal.js";

/**
 * A node, or a function that says one at each start, given the names of all full nodes that are connected
 * now. It need not be one of them: to one that is not connected a connection is begun. `undefined`: there
 * is none to start at, and the start fails with `"noconnection"`.
 */
export type Place = string | ((connected: readonly string[]) => string | undefined);

/** A monitor that is there at the other node before it is here. */
interface PendingMonitor {
  /** The number that its reference gets. */
  readonly ref: number;
  readonly wanted: Monitored;
}

/** How a process may be started elsewhere: what `startOpt` of a process passes on has a monitor, too. */
type Options = StartOptions & Partial<Monitored>;

type Monitored = Pick<StartMonitorOptions<unknown>, "monitor" | "monitorOptions">;

interface Pending {
  readonly peer: RemotePeer;
  readonly starter: AnyPid;
  readonly link: boolean;
  readonly monitor: PendingMonitor | undefined;
  readonly resolve: (result: StartResult) => void;
  /** Runs out while nothing is heard. */
  readonly timer: unknown;
  /** It has run out: whoever is started yet is not wanted any more. */
  isLate: boolean;
}

/** So much longer than a start may take we wait for what is said of it: the way there and back. */
const GRACE_MS = 100;

/** So many characters are told of why an info could not be sent. */
const MOST_SAID = 200;

/** Options of a start that cannot be had at another node, and what can be done in their place. */
const NOT_ELSEWHERE: readonly (readonly [option: "name" | "mailbox", instead: string])[] = [
  ["name", "its behaviour can register itself there"],
  ["mailbox", "what the other node lists can bound its mailbox"],
];

export class RemoteStarts {
  readonly #node: Node;
  readonly #reach: (name: string) => RemotePeer | undefined;
  readonly #connected: () => readonly string[];
  readonly #clock: Clock;
  readonly #behaviours: RemoteBehaviours;
  readonly #pending = new Map<number, Pending>();
  #requests = 0;

  constructor(
    node: Node,
    reach: (name: string) => RemotePeer | undefined,
    connected: () => readonly string[],
    clock: Clock,
    behaviours: RemoteBehaviours,
  ) {
    this.#behaviours = behaviours;
    this.#node = node;
    this.#reach = reach;
    this.#connected = connected;
    this.#clock = clock;
  }

  startable(place: Place, name: string): Startable<never, readonly unknown[]> {
    if (typeof place !== "string" && typeof place !== "function") {
      throw new InvalidArgumentError("behaviour: place", "a node's name, or a function", place);
    }
    checkBehaviourName("behaviour: name", name);
    return {
      start: (starter, options, ...args) => this.#start(place, name, starter, options, args),
    };
  }

  async #start(
    place: Place,
    name: string,
    starter: Starter,
    options: Options,
    args: readonly unknown[],
  ): Promise<StartResult> {
    checkStartOptions("start at another node", options, starter.pid.serial !== 0);
    const { link = false, monitor: map, monitorOptions, timeoutMs, label, unwindMs } = options;
    // What has no meaning elsewhere must not be dropped in silence. A `key`, which each supervisor gives, is a
    // place among the children of its parent, in schedules of this node: it has its meaning here alone.
    for (const [key, instead] of NOT_ELSEWHERE) {
      const value = options[key];
      if (value !== undefined) {
        const expected = `left out: a process of another node cannot be given it (${instead})`;
        throw new InvalidArgumentError(`start at another node: options.${key}`, expected, value);
      }
    }
    const where = typeof place === "string" ? place : place(this.#connected());
    if (where === undefined) return { error: "noconnection" };
    if (typeof where !== "string") {
      throw new InvalidArgumentError("behaviour: what place returned", "a node's name", where);
    }
    if (where === this.#node.name) return this.#startHere(name, starter, options, args);
    const peer = this.#reach(where);
    if (peer === undefined) return { error: "noconnection" };
    const request = ++this.#requests;
    const monitor = map && {
      ref: peer.core.nextRef(),
      wanted: { monitor: map, ...(monitorOptions && { monitorOptions }) },
    };
    const wireOptions: WireSpawnOptions = {
      ...(link && { link }),
      ...(monitor && { monitor: monitor.ref }),
      ...(timeoutMs !== undefined && timeoutMs < Infinity && { startTimeoutMs: whole(timeoutMs) }),
      ...(label !== undefined && { label: labelToSend(label) }),
      ...(unwindMs !== undefined && { unwindMs: unwindMs === Infinity ? null : whole(unwindMs) }),
    };
    const from = starter.pid;
    const signal: WireSignal<unknown> = {
      op: "spawn",
      request,
      from: from.serial,
      name,
      payload: args,
      options: wireOptions,
    };
    return new Promise<StartResult>((resolve, reject) => {
      const late = (): void => {
        pending.isLate = true;
        resolve({ error: "timeout" });
      };
      const timer =
        timeoutMs === undefined || timeoutMs === Infinity
          ? undefined
          : this.#clock.set(late, timeoutMs + GRACE_MS);
      const pending: Pending = {
        peer,
        starter: from,
        link,
        monitor,
        resolve,
        timer,
        isLate: false,
      };
      this.#pending.set(request, pending);
      try {
        peer.say(from, signal);
      } catch (error) {
        this.#forget(request, pending);
        reject(error as Error);
      }
    });
  }

  /** `place` says this very node. */
  async #startHere(
    name: string,
    starter: Starter,
    options: StartOptions,
    args: readonly unknown[],
  ): Promise<StartResult> {
    const entry = listed(this.#behaviours, name);
    if (entry === undefined) return { error: "notAllowed" };
    const prepared = prepareStart(entry, name, args);
    if ("refused" in prepared) return { error: prepared.refused };
    return prepared.start(starter, options);
  }

  replied(
    peer: RemotePeer,
    connection: Connection,
    signal: Extract<WireSignal, { op: "spawn-reply" }>,
  ): void {
    const pending = this.#pending.get(signal.request);
    // Only from whom it was asked.
    if (pending === undefined || pending.peer !== peer) return;
    this.#forget(signal.request, pending);
    let payload: unknown;
    let unreadable: unknown;
    try {
      payload = connection.codec.decode(signal.payload);
    } catch (error) {
      unreadable = error;
    }
    if (signal.pid === null) {
      pending.resolve(unreadable === undefined ? failureOf(payload) : { error: "unreadable" });
      return;
    }
    const pid = peer.pid(signal.pid);
    const { info, lost } = Object(payload) as { readonly info?: Term; readonly lost?: unknown };
    // It runs, and is started all the same.
    if (unreadable !== undefined) reportFor(this.#node, lostInfo(pid, unreadable as Error));
    else if (typeof lost === "string") reportFor(this.#node, unsentInfo(pid, lost));
    if (pending.isLate) {
      this.#end(peer, pending, pid);
      return;
    }
    if (pending.link) peer.core.linked(pending.starter, pid);
    const { monitor } = pending;
    const ref = monitor && peer.core.monitored(pending.starter, pid, monitor.ref, monitor.wanted);
    pending.resolve({ pid, ...(info !== undefined && { info }), ...(ref && { ref }) });
  }

  /** Nobody will answer. */
  lost(peer: RemotePeer): void {
    for (const [request, pending] of this.#pending) {
      if (pending.peer !== peer) continue;
      this.#forget(request, pending);
      pending.resolve({ error: "noconnection" });
    }
  }

  #forget(request: number, { timer }: Pending): void {
    this.#pending.delete(request);
    if (timer !== undefined) this.#clock.clear(timer);
  }

  /** It has started when nobody waited for it any more. It shall not live beside the next. */
  #end(peer: RemotePeer, { starter, link }: Pending, pid: AnyPid): void {
    const [from, to] = [starter.serial, pid.serial];
    if (link) peer.say(starter, { op: "link-exit", from, to, payload: "killed" });
    this.#node.exit(pid, "kill");
  }
}

/** What a process said of itself when it was started cannot be read here. */
function lostInfo(pid: AnyPid, { message }: Error): Report {
  return {
    level: "warning",
    data: { type: "lostInfo", pid, why: message },
    format: () => `process ${String(pid)} was started; its info cannot be read here: ${message}`,
  };
}

/** What a process said of itself when it was started could not be sent by its node. */
function unsentInfo(pid: AnyPid, said: string): Report {
  const why = said.slice(0, MOST_SAID);
  const shown = JSON.stringify(why);
  return {
    level: "warning",
    data: { type: "lostInfo", pid, why },
    format: () => `process ${String(pid)} was started; its node could not send its info: ${shown}`,
  };
}

/** A duration as the wire has it. */
function whole(ms: number): number {
  return Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER);
}

function failureOf(payload: unknown): StartResult {
  if (payload === "ignore") return "ignore";
  const { error } = Object(payload) as { readonly error?: ExitReason };
  return { error: error === undefined ? (payload as ExitReason) : error };
}
