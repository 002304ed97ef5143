/**
 * Marbles: what an Observable emits when, drawn in a line and compared with what was drawn before.
 *
 * rxjs: https://rxjs.dev/guide/testing/marble-testing; the syntax is that of its `TestScheduler.run`,
 * where a character is a millisecond.
 */
import { isDeepStrictEqual } from "node:util";
import { checkFunction, formatTerm, InvalidArgumentError } from "@coppice/core";
import { has } from "./arguments.js";
import type { Observable, Subscription } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import type { Equals, MatchResult } from "./matchers.js";

/** Something that an Observable did. */
export type Emission<T> =
  | { readonly atMs: number; readonly kind: "next"; readonly value: T }
  | { readonly atMs: number; readonly kind: "error"; readonly error: unknown }
  | { readonly atMs: number; readonly kind: "complete" };

/** What an Observable did since it was subscribed to, in ms since then. */
export interface MarbleRecord<T> {
  readonly emissions: readonly Emission<T>[];
  /** No more is recorded. */
  stop(): void;
}

type TellsTime = { now(): number } | { readonly nowMs: number };

/**
 * Subscribes, and records what is emitted when. The time is that of a clock: of a simulation, of a virtual
 * clock, or of a node.
 *
 * @param clock e.g. a node, whose `now` tells the time
 * @throws InvalidArgumentError an argument is of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { createVirtualClock, matchMarbles, quiesce, recordMarbles } from "@coppice/testkit";
 * const clock = createVirtualClock();
 * const node = createNode({ clock, logger: false });
 * const record = recordMarbles(node.events, node, (event) =>
 *   event.type === "spawned" || event.type === "exited" ? event.type : undefined,
 * );
 * node.spawn(async (self) => self.sleep(9));
 * await clock.advance(20);
 * matchMarbles(record, "s 8ms e", { s: "spawned", e: "exited" }).pass; // => true
 * await node.stop();
 */
export function recordMarbles<T>(source: Observable<T>, clock: TellsTime): MarbleRecord<T>;
/**
 * Records of each value what is to be compared.
 *
 * @param pick what that is; `undefined` leaves the value out
 */
export function recordMarbles<T, V>(
  source: Observable<T>,
  clock: TellsTime,
  pick: (value: T) => V | undefined,
): MarbleRecord<V>;
export function recordMarbles<T>(
  source: Observable<T>,
  clock: TellsTime,
  pick: (value: T) => unknown = (value) => value,
): MarbleRecord<unknown> {
  if (!has(source, "subscribe")) {
    throw new InvalidArgumentError("recordMarbles: source", "an Observable", source);
  }
  if (!has(clock, "now") && typeof (clock as { nowMs?: unknown } | undefined)?.nowMs !== "number") {
    const expected = "what tells the time: a node, a simulation, or a virtual clock";
    throw new InvalidArgumentError("recordMarbles: clock", expected, clock);
  }
  checkFunction("recordMarbles: pick", pick);
  const now = (): number => ("now" in clock ? clock.now() : clock.nowMs);
  const startMs = now();
  const emissions: Emission<unknown>[] = [];
  const atMs = (): number => now() - startMs;
  const subscription: Subscription = source.subscribe({
    next: (value) => {
      const picked = pick(value);
      if (picked !== undefined) emissions.push({ atMs: atMs(), kind: "next", value: picked });
    },
    error: (error: unknown) => void emissions.push({ atMs: atMs(), kind: "error", error }),
    complete: () => void emissions.push({ atMs: atMs(), kind: "complete" }),
  });
  return { emissions, stop: () => subscription.unsubscribe() };
}

/**
 * Is that what happened, and nothing else?
 *
 * @param marbles e.g. `"a 9ms (bc) 4ms |"`
 * @param values what the letters stand for; themselves where nothing is said
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function matchMarbles<T>(
  { emissions }: Pick<MarbleRecord<T>, "emissions">,
  marbles: string,
  values?: Readonly<Record<string, unknown>>,
  equals: Equals = isDeepStrictEqual,
): MatchResult {
  if (typeof marbles !== "string") {
    throw new InvalidArgumentError(
      "matchMarbles: marbles",
      `a diagram, as "a 9ms (bc) |"`,
      marbles,
    );
  }
  const drawn = emissionsOf(marbles, values);
  const pass =
    drawn.length === emissions.length && drawn.every((each, at) => equals(each, emissions[at]));
  return {
    pass,
    message: () =>
      pass
        ? `expected something else than ${marbles}`
        : ["expected:", ...drawn.map(lineOf), "but it was:", ...emissions.map(lineOf)].join("\n"),
  };
}

function emissionsOf(
  marbles: string,
  values: Readonly<Record<string, unknown>> = {},
): Emission<unknown>[] {
  // Only what is asked for by name is there; other letters stand for themselves.
  const meanings = new Proxy(values, {
    get: (target, letter) => (letter in target ? target[letter as string] : letter),
  });
  // Only while it runs does a character count for a millisecond.
  const drawn = new TestScheduler(() => true).run(() =>
    TestScheduler.parseMarbles(marbles, meanings, undefined, false, true),
  );
  return drawn.map(({ frame, notification }): Emission<unknown> => {
    switch (notification.kind) {
      case "N":
        return { atMs: frame, kind: "next", value: notification.value };
      case "E":
        return { atMs: frame, kind: "error", error: notification.error };
      default:
        return { atMs: frame, kind: "complete" };
    }
  });
}

function lineOf(emission: Emission<unknown>): string {
  const { atMs, kind } = emission;
  const what =
    kind === "next"
      ? ` ${formatTerm(emission.value)}`
      : kind === "error"
        ? ` ${String(emission.error)}`
        : "";
  return `  ${atMs} ms ${kind}${what}`;
}
