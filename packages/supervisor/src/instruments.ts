/**
 * What can be measured of a behaviour's process while it runs: its statistics, and a trace.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html#statistics-2 and #trace-2
 */
import type { From, HandlerSelf } from "@coppice/core";
import type { InstrumentAction, Statistics, SystemEvent, Tracer } from "./system-request.js";

export class Instruments {
  readonly #self: HandlerSelf<unknown>;
  #statistics: { startMs: number; messagesIn: number; messagesOut: number } | undefined;
  readonly #tracers = new Set<Tracer>();

  constructor(self: HandlerSelf<unknown>) {
    this.#self = self;
    // However it ends, nobody waits for more of it.
    self.own(this, () => this.#close());
  }

  received(message: unknown): void {
    if (this.#statistics !== undefined) this.#statistics.messagesIn++;
    this.#trace(() => ({ type: "in", atMs: this.#self.now(), message }));
  }

  replied(to: From<never>, message: unknown): void {
    if (this.#statistics !== undefined) this.#statistics.messagesOut++;
    this.#trace(() => ({ type: "out", atMs: this.#self.now(), to, message }));
  }

  handled(state: () => unknown): void {
    this.#trace(() => ({ type: "state", atMs: this.#self.now(), state: state() }));
  }

  adjust(action: InstrumentAction): unknown {
    if (action.type === "trace") {
      if (action.flag === "on") this.#tracers.add(action.tracer);
      else this.#tracers.delete(action.tracer);
      return "ok";
    }
    const { flag } = action;
    switch (flag) {
      case "on":
        this.#statistics = { startMs: this.#self.now(), messagesIn: 0, messagesOut: 0 };
        return "ok";
      case "off":
        this.#statistics = undefined;
        return "ok";
      case "get":
        return this.#read();
      default:
        return flag satisfies never;
    }
  }

  #read(): Statistics | "no_statistics" {
    if (this.#statistics === undefined) return "no_statistics";
    return { ...this.#statistics, nowMs: this.#self.now() };
  }

  #trace(event: () => SystemEvent): void {
    if (this.#tracers.size === 0) return;
    const made = event();
    for (const tracer of [...this.#tracers]) tracer.next(made);
  }

  #close(): void {
    for (const tracer of [...this.#tracers]) tracer.complete();
    this.#tracers.clear();
  }
}
