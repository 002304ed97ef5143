/**
 * A network in memory, with faults: for tests, and for nodes that live in one realm.
 *
 * Hosts are names. Each direction between two hosts can be slowed, held up, made lossy or altered, so
 * that all that can happen to a real connection can happen here at a time of the test's choosing.
 */
import type { Clock } from "@coppice/core";
import {
  CLOSED_ABNORMALLY,
  type Listener,
  type Transport,
  type TransportEvents,
} from "./transport.js";

/**
 * What happens to all that goes from one host to another.
 *
 * | `mode` | what is sent | like |
 * | --- | --- | --- |
 * | `"pass"` | arrives | a network |
 * | `"hold"` | waits, and arrives when the fault is over | a cable pulled, a peer that is stopped |
 * | `"lose"` | is gone | a fabric that drops |
 */
export interface Fault {
  readonly mode?: "pass" | "hold" | "lose";
  /** How long everything takes; 0 by default. */
  readonly latencyMs?: number;
  /** Changes frames on their way, or takes them out: `undefined`. */
  readonly alter?: (frame: Uint8Array) => Uint8Array | undefined;
}

export interface MemoryNetwork {
  /** Takes connections to `memory://HOST`. @throws Error somebody listens there */
  listen(host: string, accept: (transport: Transport) => void): Listener;
  /** Begins a connection from `host`; without a listener it is closed at once. */
  dial(host: string, address: string): Transport;
  /** From now on this happens from `from` to `to`. What was held goes on when it is not held any more. */
  fault(from: string, to: string, fault: Fault): void;
  /** Breaks all connections between two hosts: both ends are told. */
  sever(a: string, b: string): void;
  /** Breaks all connections of a host that is gone: the other ends are told. */
  crash(host: string): void;
  /** Connections that are there. */
  readonly connections: number;
}

const SCHEME = "memory://";

export function createMemoryNetwork(clock: Clock): MemoryNetwork {
  return new Network(clock);
}

interface Parcel {
  readonly atMs: number;
  readonly frame: Uint8Array | undefined;
  readonly bytes: number;
  /** Instead of a frame: the end. */
  readonly end: { readonly code: number; readonly text: string } | undefined;
}

class Network implements MemoryNetwork {
  readonly clock: Clock;
  readonly #listeners = new Map<string, (transport: Transport) => void>();
  readonly #faults = new Map<string, Fault>();
  readonly #ends = new Set<End>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get connections(): number {
    return this.#ends.size / 2;
  }

  listen(host: string, accept: (transport: Transport) => void): Listener {
    if (this.#listeners.has(host)) throw new Error(`somebody listens at ${SCHEME}${host}`);
    this.#listeners.set(host, accept);
    return {
      address: SCHEME + host,
      close: () => {
        if (this.#listeners.get(host) === accept) this.#listeners.delete(host);
        return Promise.resolve();
      },
    };
  }

  dial(host: string, address: string): Transport {
    const to = address.slice(SCHEME.length);
    const here = new End(this, host, to);
    const there = new End(this, to, host);
    here.other = there;
    there.other = here;
    this.#ends.add(here).add(there);
    // The other side hears of it as of all that is sent: when it gets through.
    here.post(() => {
      const accept = this.#listeners.get(to);
      if (accept === undefined) there.close(CLOSED_ABNORMALLY, "nobody listens");
      else {
        there.opened();
        there.post(() => here.opened());
        accept(there);
      }
    });
    return here;
  }

  fault(from: string, to: string, fault: Fault): void {
    this.#faults.set(`${from}→${to}`, fault);
    for (const end of this.#ends) if (end.host === from && end.peer === to) end.pump();
  }

  faultOf(from: string, to: string): Fault {
    return this.#faults.get(`${from}→${to}`) ?? {};
  }

  sever(a: string, b: string): void {
    for (const end of [...this.#ends]) {
      if ((end.host === a && end.peer === b) || (end.host === b && end.peer === a)) end.broken();
    }
  }

  crash(host: string): void {
    this.#listeners.delete(host);
    for (const end of [...this.#ends]) {
      if (end.host === host) end.vanish();
      else if (end.peer === host) end.broken();
    }
  }

  forget(end: End): void {
    this.#ends.delete(end);
  }
}

class End implements Transport {
  readonly host: string;
  readonly peer: string;
  readonly #network: Network;
  other!: End;
  #events: TransportEvents | undefined;
  /** What came before somebody listened. */
  #early: ((events: TransportEvents) => void)[] = [];
  #closed = false;
  #opening = true;
  /** On its way to the other end, oldest first. */
  readonly #parcels: (Parcel | { readonly atMs: number; readonly act: () => void })[] = [];
  #pumping = false;
  bufferedBytes = 0;

  constructor(network: Network, host: string, peer: string) {
    this.#network = network;
    this.host = host;
    this.peer = peer;
  }

  get remoteAddress(): string {
    return SCHEME + this.peer;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (!this.#closed && !this.#opening) events.opened();
    const early = this.#early;
    this.#early = [];
    for (const tell of early) tell(events);
  }

  /** The other end has taken it. */
  opened(): void {
    this.#opening = false;
    if (!this.#closed) this.#events?.opened();
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    this.bufferedBytes += frame.length;
    // A copy, as every real transport makes one.
    this.#post({ frame: new Uint8Array(frame), bytes: frame.length, end: undefined });
  }

  close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    this.#post({ frame: undefined, bytes: 0, end: { code, text } });
  }

  /** Something that happens at the other end when it gets there. */
  post(act: () => void): void {
    const { latencyMs = 0 } = this.#network.faultOf(this.host, this.peer);
    this.#parcels.push({ atMs: this.#network.clock.now() + latencyMs, act });
    this.pump();
  }

  #post(parcel: Omit<Parcel, "atMs">): void {
    const { latencyMs = 0 } = this.#network.faultOf(this.host, this.peer);
    this.#parcels.push({ atMs: this.#network.clock.now() + latencyMs, ...parcel });
    this.pump();
  }

  /** Lets go on what may. Never within the code that sends. */
  pump(): void {
    const next = this.#parcels[0];
    if (next === undefined || this.#pumping) return;
    this.#pumping = true;
    const waitMs = next.atMs - this.#network.clock.now();
    const go = (): void => {
      this.#pumping = false;
      this.#deliver();
    };
    if (waitMs > 0) this.#network.clock.set(go, waitMs);
    else queueMicrotask(go);
  }

  #deliver(): void {
    const fault = this.#network.faultOf(this.host, this.peer);
    if (fault.mode === "hold") return;
    const parcel = this.#parcels.shift();
    if (parcel === undefined) return;
    if ("act" in parcel) {
      if (fault.mode !== "lose") parcel.act();
    } else {
      const frame =
        parcel.frame === undefined || fault.mode === "lose"
          ? undefined
          : fault.alter === undefined
            ? parcel.frame
            : fault.alter(parcel.frame);
      this.bufferedBytes -= parcel.bytes;
      if (frame !== undefined) this.other.#tell((events) => events.frame(frame));
      if (parcel.end !== undefined) {
        this.#network.forget(this);
        const { code, text } = parcel.end;
        this.other.#over(code, text);
      } else if (parcel.bytes > 0) this.#tell((events) => events.drained());
    }
    this.pump();
  }

  #tell(tell: (events: TransportEvents) => void): void {
    if (this.#closed) return;
    if (this.#events === undefined) this.#early.push(tell);
    else tell(this.#events);
  }

  #over(code: number, text: string): void {
    this.#network.forget(this);
    this.#tell((events) => events.closed(code, text));
    this.#closed = true;
    this.#parcels.length = 0;
  }

  /** The connection broke. */
  broken(): void {
    this.#over(CLOSED_ABNORMALLY, "the connection broke");
  }

  /** Its host is gone: nobody is left here to be told. */
  vanish(): void {
    this.#closed = true;
    this.#parcels.length = 0;
    this.#network.forget(this);
  }
}
