/**
 * What can be measured of a behaviour's process while it runs: its statistics, and a trace.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html#statistics-2 and #trace-2
 */
import { InvalidArgumentError, type From, type HandlerSelf } from "@coppice/core";
import {
  STATISTICS_FLAGS,
  type InstrumentAction,
  type Statistics,
  type SystemEvent,
  type Tracer,
} from "./system-request.js";

export class Instruments {
  readonly #self: HandlerSelf<unknown>;
  #statistics: { startMs: number; messagesIn: number; messagesOut: number } | undefined;
  #tracers: readonly Tracer[] = [];

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
      this.#tracers = [...this.#listening(), checkTracer(action.tracer)];
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
        flag satisfies never;
        throw new InvalidArgumentError("statistics: flag", STATISTICS_FLAGS.join(" or "), flag);
    }
  }

  #read(): Statistics | "no_statistics" {
    if (this.#statistics === undefined) return "no_statistics";
    return { ...this.#statistics, nowMs: this.#self.now() };
  }

  #trace(event: () => SystemEvent): void {
    if (this.#tracers.length === 0) return;
    this.#tracers = this.#listening();
    const made = event();
    for (const tracer of this.#tracers) tracer.next(made);
  }

  #listening(): readonly Tracer[] {
    return this.#tracers.filter((tracer) => !tracer.closed);
  }

  #close(): void {
    const tracers = this.#tracers;
    this.#tracers = [];
    for (const tracer of tracers) tracer.complete();
  }
}

/** The request may be forged. */
function checkTracer(tracer: unknown): Tracer {
  const { value } = Object(tracer) as { readonly value?: unknown };
  const { next, complete } = Object(value) as Partial<Tracer>;
  if (typeof next === "function" && typeof complete === "function") return value as Tracer;
  throw new InvalidArgumentError("trace: tracer", "an object with next and complete", value);
}
