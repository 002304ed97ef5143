/**
 * From the wire to core: what a peer says is checked against what it may say, decoded, and handed on.
 *
 * A peer speaks as itself: `from` is always one of its own processes, whatever it writes. What it may not
 * address is, for it, not there.
 */
import {
  ThrownValueError,
  type AnyPid,
  type ExitReason,
  type Gateway,
  type Peer,
  type RemoteSignal,
} from "@coppice/core";
import { MalformedError } from "./cbor-reader.js";
import type { Connection } from "./connection.js";
import type { BreachCounts, Limits } from "./limits.js";
import { SERVICE_PREFIX } from "./remote-options.js";
import { NotAllowedError, UnreadableError } from "./errors.js";
import { isOrder } from "./orders.js";
import type { NodeLife } from "./term.js";
import { TheirMonitors } from "./their-monitors.js";
import type { WireSignal } from "./wire-signal.js";

/** What a peer may do. */
export interface Permissions {
  /** Address any process by its number; otherwise only those that it was told of in this session. */
  readonly anyProcess: boolean;
  /** Address this name. */
  readonly name: (name: string) => boolean;
  /** Send exit signals to processes that it is not linked with. */
  readonly exit: boolean;
  /** Send what behaviours take for orders, such as those of `sys`. */
  readonly orders: boolean;
  /** Have so many links, and as many monitors, at once, and no more. */
  readonly watches: number;
}

export interface IncomingOptions {
  readonly gateway: Gateway;
  readonly home: NodeLife;
  readonly peer: NodeLife;
  readonly core: Peer;
  readonly connection: Connection;
  readonly permissions: Permissions;
  readonly limits: Limits;
  readonly breaches: BreachCounts;
  /** Numbers of own processes and references that the peer was told of in this session. */
  readonly exportedPids: ReadonlySet<number>;
  readonly exportedRefs: ReadonlySet<number>;
  /** Takes what is for a service of remoting itself, under a reserved name. */
  readonly service: (name: string, message: () => unknown) => void;
  readonly spawn: (signal: Extract<WireSignal, { op: "spawn" }>) => void;
  readonly spawnReply: (signal: Extract<WireSignal, { op: "spawn-reply" }>) => void;
  /** Something came that is not let through or cannot be read. */
  readonly refused: (what: string) => void;
}

const LIMIT_REASON = "limit";

/** So many characters are told of why a request cannot be read. */
const MOST_SAID = 200;

/** In place of a term; any value can be one. */
const UNREADABLE: unique symbol = Symbol("unreadable");

export class Incoming {
  readonly #options: IncomingOptions;
  readonly #monitors = new TheirMonitors();
  /** Why the last term that could not be read could not. */
  #why = "";
  /** Of theirs, who spoke last: most often it speaks again. */
  #speaker: AnyPid | undefined = undefined;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  take(signal: WireSignal): void {
    const { core } = this.#options;
    switch (signal.op) {
      case "send": {
        const asked = this.#monitors.askedBy(signal.from, signal.to);
        const to = this.#addressed(signal.to);
        if (to === undefined) return;
        const message = this.#decode(signal.payload);
        if (message === UNREADABLE) {
          this.#unread(asked);
          return;
        }
        if (this.#isRefused(message, asked)) return;
        core.arrive({ type: "message", from: this.#theirs(signal.from), to, message });
        return;
      }
      case "send-name": {
        const { name, payload } = signal;
        const asked = this.#monitors.askedBy(signal.from, name);
        if (!this.#mayName(name)) return;
        if (name.startsWith(SERVICE_PREFIX)) {
          this.#options.service(name, () => {
            const message = this.#decode(payload);
            return message === UNREADABLE ? undefined : message;
          });
          return;
        }
        const message = this.#decode(payload);
        if (message === UNREADABLE) {
          this.#unread(asked);
          return;
        }
        if (this.#isRefused(message, asked)) return;
        core.arrive({ type: "named", from: this.#theirs(signal.from), name, message });
        return;
      }
      case "send-alias":
      case "refuse": {
        const { permissions, exportedRefs } = this.#options;
        if (!permissions.anyProcess && !exportedRefs.has(signal.ref)) {
          this.#options.refused("a reference it was not told of");
          return;
        }
        const term = this.#decode(signal.payload);
        const from = this.#theirs(signal.from);
        const ref = this.#options.gateway.ref(this.#ours(0), signal.ref);
        if (term === UNREADABLE) {
          // Who waits for it is told.
          const error = new UnreadableError("reply", this.#options.home.name, this.#why);
          core.arrive({ type: "refusal", from, ref, error });
          return;
        }
        if (this.#isRefused(term, undefined)) return;
        if (signal.op === "send-alias") {
          core.arrive({ type: "alias", from, ref, message: term });
        } else core.arrive({ type: "refusal", from, ref, error: errorOf(term) });
        return;
      }
      case "link":
        this.#link(signal.from, signal.to);
        return;
      case "unlink":
      case "unlink-ack": {
        const { op, id, from, to } = signal;
        core.arrive({ type: op, id, from: this.#theirs(from), to: this.#ours(to) });
        return;
      }
      case "link-exit": {
        const reason = this.#decodeReason(signal.payload);
        const to = this.#ours(signal.to);
        core.arrive({ type: "link-exit", from: this.#theirs(signal.from), to, reason });
        return;
      }
      case "exit": {
        if (!this.#options.permissions.exit) {
          this.#options.refused("an exit signal");
          return;
        }
        const to = this.#addressed(signal.to);
        if (to === undefined) return;
        const reason = this.#decodeReason(signal.payload);
        core.arrive({ type: "exit", from: this.#theirs(signal.from), to, reason });
        return;
      }
      case "monitor":
        this.#monitor(signal, (monitor) => core.arrive(monitor));
        return;
      case "demonitor": {
        this.#monitors.over(signal.ref);
        const ref = this.#options.gateway.ref(this.#theirs(0), signal.ref);
        core.arrive({ type: "demonitor", ref });
        return;
      }
      case "down": {
        const reason = this.#decodeReason(signal.payload);
        const ref = this.#options.gateway.ref(this.#ours(0), signal.ref);
        const target =
          typeof signal.target === "string" ? signal.target : this.#theirs(signal.target);
        const from = typeof target === "string" ? this.#theirs(0) : target;
        core.arrive({ type: "down", ref, from, to: this.#ours(signal.to), target, reason });
        return;
      }
      case "spawn":
        this.#options.spawn(signal);
        return;
      case "spawn-reply":
        this.#options.spawnReply(signal);
        return;
      default:
    }
  }

  /** A monitor of theirs is over: it does not count any more. */
  monitorEnded(ref: number): void {
    this.#monitors.over(ref);
  }

  #link(from: number, to: number): void {
    const { core, limits, breaches, permissions } = this.#options;
    const target = this.#addressed(to);
    const theirs = this.#theirs(from);
    const refuse = (reason: string): void =>
      this.#say({ op: "link-exit", from: to, to: from, payload: reason }, to);
    if (target === undefined) refuse("noproc");
    else if (core.counts.links >= Math.min(limits.maxLinks, permissions.watches)) {
      breaches.count(core.counts.links >= limits.maxLinks ? "maxLinks" : "clientWatches");
      refuse(LIMIT_REASON);
    } else core.arrive({ type: "link", from: theirs, to: target });
  }

  /** A process of ours that was started for one of theirs is monitored by it from now on. */
  monitorStarted(ref: number, from: number, target: number): void {
    const { core } = this.#options;
    this.#monitor({ op: "monitor", ref, from, target }, (monitor) => core.begin(monitor));
  }

  #monitor(
    { ref, from, target }: Extract<WireSignal, { op: "monitor" }>,
    set: (monitor: Extract<RemoteSignal, { type: "monitor" }>) => void,
  ): void {
    const { core, limits, breaches, gateway, permissions } = this.#options;
    // After what that process has said: the answer to a start is the first of it.
    const refuse = (reason: string): void =>
      this.#say(
        { op: "down", ref, to: from, target, payload: reason },
        typeof target === "number" ? target : 0,
      );
    const isThere =
      typeof target === "string" ? this.#mayName(target) : this.#addressed(target) !== undefined;
    if (!isThere) {
      refuse("noproc");
      return;
    }
    // One number stands for one monitor.
    if (this.#monitors.has(ref)) {
      this.#options.refused("a monitor that is set already");
      return;
    }
    const breached =
      core.counts.watched >= limits.maxMonitors
        ? "maxMonitors"
        : from !== 0 && this.#monitors.countOf(from) >= limits.maxMonitorsPerProcess
          ? "maxMonitorsPerProcess"
          : core.counts.watched >= permissions.watches
            ? "clientWatches"
            : undefined;
    if (breached !== undefined) {
      breaches.count(breached);
      refuse(LIMIT_REASON);
      return;
    }
    this.#monitors.add(ref, from, target);
    const theirs = this.#theirs(from);
    set({
      type: "monitor",
      ref: gateway.ref(theirs, ref),
      from: theirs,
      target: typeof target === "string" ? target : this.#ours(target),
    });
  }

  /** A process of the peer. */
  #theirs(serial: number): AnyPid {
    if (this.#speaker?.serial === serial) return this.#speaker;
    const { gateway, peer } = this.#options;
    return (this.#speaker = gateway.pid(peer.name, peer.incarnation, serial));
  }

  #ours(serial: number): AnyPid {
    const { gateway, home } = this.#options;
    return gateway.pid(home.name, home.incarnation, serial);
  }

  /** One of ours that the peer may address. */
  #addressed(serial: number): AnyPid | undefined {
    const { permissions, exportedPids } = this.#options;
    if (permissions.anyProcess || exportedPids.has(serial)) return this.#ours(serial);
    this.#options.refused("a process it was not told of");
    return undefined;
  }

  #mayName(name: string): boolean {
    if (this.#options.permissions.name(name)) return true;
    this.#options.refused(`the name ${JSON.stringify(name)}`);
    return false;
  }

  /** The term; `UNREADABLE` when it cannot be read, which costs the message and nothing more. */
  #decode(payload: Uint8Array): unknown {
    try {
      return this.#options.connection.codec.decode(payload);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      // A signal that is too big comes without its payload.
      this.#why = payload.length === 0 ? "it is bigger than was agreed on" : error.message;
      this.#options.refused(`a term that cannot be read: ${this.#why}`);
      return UNREADABLE;
    }
  }

  /** Whoever waits for the reply to what could not be read is told so. To a monitor alone that says nothing. */
  #unread(asked: number | undefined): void {
    if (asked === undefined) return;
    // It may say what the peer wrote, escaped; and there are nodes that take 1 KiB.
    const why = this.#why.slice(0, MOST_SAID);
    const error = new UnreadableError("request", this.#options.home.name, why);
    this.#say({ op: "refuse", ref: asked, from: 0, payload: error });
  }

  /** An order that this peer may not give comes to nothing; whoever waits for the reply is told so. */
  #isRefused(message: unknown, asked: number | undefined): boolean {
    const { permissions, peer, home } = this.#options;
    if (permissions.orders) return false;
    const isTheirs = ({ node, incarnation }: AnyPid): boolean =>
      node === peer.name && incarnation === peer.incarnation;
    if (!isOrder(message, isTheirs)) return false;
    this.#options.refused("an order to a process, such as those of sys");
    if (asked !== undefined) {
      this.#say({ op: "refuse", ref: asked, from: 0, payload: new NotAllowedError(home.name) });
    }
    return true;
  }

  /** An end is told, whatever its reason is worth. */
  #decodeReason(payload: Uint8Array): ExitReason {
    const reason = this.#decode(payload);
    return reason === UNREADABLE ? "unreadable" : (reason as ExitReason);
  }

  #say(signal: WireSignal<unknown>, sender = 0): void {
    this.#options.connection.push(sender, signal);
  }
}

/** A call rejects with an error, whatever a peer says. */
function errorOf(term: unknown): Error {
  return term instanceof Error ? term : new ThrownValueError(term);
}
