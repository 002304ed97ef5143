/**
 * Temporal properties: monitors that watch events go by, and are hot while something is owed.
 *
 * A monitor is a pure observer: `(state, event) → state`. Hot and cold states are those of P
 * (https://p-org.github.io/P/manual/monitors/), the operators those of temporal logic.
 */
import { checkFunction, checkKeys, InvalidArgumentError } from "@coppice/core";
import { checkList, checkNumber, checkText, has } from "./arguments.js";

/** Watches events. States are data, and are not changed in place. */
export interface Monitor<E, S = unknown> {
  /** Names the property; the identity of its violations. */
  readonly name: string;
  readonly initial: S;
  readonly on: (state: S, event: E) => S;
  /** What is owed in this state, for people; `undefined` when nothing is. */
  readonly hot: (state: S) => string | undefined;
  /** What went wrong for good, for people; `undefined` when nothing has. */
  readonly broken?: (state: S) => string | undefined;
}

/** Of any state: what the operators make. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyMonitor<E> = Monitor<E, any>;

type Test<E> = (event: E) => boolean;

/**
 * Something happens at least once.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function eventually<E>(name: string, happens: Test<E>): Monitor<E, boolean> {
  checkNamed("eventually", name, { happens });
  return {
    name,
    initial: false,
    on: (seen, event) => seen || happens(event),
    hot: (seen) => (seen ? undefined : "it has not happened"),
  };
}

function checkNamed(
  monitor: string,
  name: unknown,
  tests: Readonly<Record<string, unknown>>,
): void {
  checkText(`${monitor}: name`, name, "a string that says what is to be");
  for (const [test, value] of Object.entries(tests)) checkFunction(`${monitor}: ${test}`, value);
}

/**
 * Something never happens.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function never<E>(name: string, happens: Test<E>): Monitor<E, E | undefined> {
  checkNamed("never", name, { happens });
  return {
    name,
    initial: undefined,
    on: (first, event) => first ?? (happens(event) ? event : undefined),
    hot: () => undefined,
    broken: (first) => (first === undefined ? undefined : "it happened"),
  };
}

export interface LeadsToOptions<E> {
  readonly from: Test<E>;
  readonly to: Test<E>;
  /** Which request an event is about, where several may be under way; all are one by default. */
  readonly key?: (event: E) => string;
}

/**
 * Whenever something happens, something else follows. One answer is enough for all that was asked
 * before under its key.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { createWatch, leadsTo } from "@coppice/testkit";
 * const answered = leadsTo<string>("each question is answered", {
 *   from: (event) => event.startsWith("ask"),
 *   to: (event) => event.startsWith("answer"),
 *   key: (event) => event.split(" ")[1] ?? "",
 * });
 * const watch = createWatch([answered]);
 * for (const event of ["ask a", "ask b", "answer b"]) watch.observe(event);
 * watch.atRest(); // => [{ check: "each question is answered", message: "a is still owed" }]
 */
export function leadsTo<E>(
  name: string,
  options: LeadsToOptions<E>,
): Monitor<E, readonly string[]> {
  checkKeys("leadsTo: options", options, ["from", "to", "key"]);
  const { from, to, key = () => "" } = options;
  checkNamed("leadsTo", name, { from, to, key });
  return {
    name,
    initial: [],
    on: (owed, event) => {
      const paid = to(event) ? owed.filter((each) => each !== key(event)) : owed;
      return from(event) && !paid.includes(key(event)) ? [...paid, key(event)] : paid;
    },
    hot: (owed) =>
      owed.length === 0
        ? undefined
        : `${owed.filter((each) => each !== "").join(", ") || "something"} is still owed`,
  };
}

/**
 * Something does not happen before something else has.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function precedes<E>(
  name: string,
  options: { readonly first: Test<E>; readonly second: Test<E> },
): Monitor<E, "before" | "after" | "broken"> {
  checkKeys("precedes: options", options, ["first", "second"]);
  const { first, second } = options;
  checkNamed("precedes", name, { first, second });
  return {
    name,
    initial: "before",
    on: (state, event) => {
      if (state !== "before") return state;
      if (first(event)) return "after";
      return second(event) ? "broken" : state;
    },
    hot: () => undefined,
    broken: (state) => (state === "broken" ? "it came first" : undefined),
  };
}

export interface WithinOptions<E> extends LeadsToOptions<E> {
  /** How many events that count may go by before the answer. */
  readonly limit: number;
  /** Which events count: deliveries, say, as time says nothing about fairness; all by default. */
  readonly counts?: Test<E>;
}

/**
 * Whenever something happens, something else follows before too much else happened: nobody starves.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function within<E>(
  name: string,
  options: WithinOptions<E>,
): Monitor<
  E,
  { readonly waits: ReadonlyMap<string, number>; readonly starved: string | undefined }
> {
  checkKeys("within: options", options, ["from", "to", "key", "limit", "counts"]);
  const { from, to, key = () => "", limit, counts = () => true } = options;
  checkNamed("within", name, { from, to, key, counts });
  checkNumber("within: options.limit", limit);
  return {
    name,
    initial: { waits: new Map<string, number>(), starved: undefined },
    on: ({ waits, starved }, event) => {
      if (starved !== undefined) return { waits, starved };
      const next = new Map(waits);
      if (to(event)) next.delete(key(event));
      if (counts(event)) for (const [each, count] of next) next.set(each, count + 1);
      if (from(event) && !next.has(key(event))) next.set(key(event), 0);
      return { waits: next, starved: [...next].find(([, count]) => count > limit)?.[0] };
    },
    hot: ({ waits }) => (waits.size === 0 ? undefined : "something is still owed"),
    broken: ({ starved }) =>
      starved === undefined
        ? undefined
        : `${starved === "" ? "it" : starved} waited for more than ${limit}`,
  };
}

export interface TemporalViolation {
  readonly check: string;
  readonly message: string;
}

/** Runs monitors along one run: first the storm, then, if it comes to that, the calm. */
export interface Watch<E> {
  /** Returns the violations that this event makes certain; of each monitor the first one. */
  observe(event: E): readonly TemporalViolation[];
  /**
   * The storm is over: no more faults, and from now on a fair schedule. What is owed has to be settled
   * within `factor` times as many events as the storm had, but at least `atLeast`.
   */
  calm(): void;
  readonly isCalm: boolean;
  /** How many more events the calm has to last before what is owed all through it is a violation. */
  readonly calmLeft: number;
  /**
   * What everything is now, as text, if the calm goes by nothing else: where it was the same before, and something
   * has been owed since, that will be owed for ever.
   */
  comesTo(state: string): readonly TemporalViolation[];
  /** Nothing more will happen: what is still owed is a violation. */
  atRest(): readonly TemporalViolation[];
}

export interface WatchOptions {
  /** 10 by default. */
  readonly factor?: number;
  /** 100 by default. */
  readonly atLeast?: number;
}

/** @throws InvalidArgumentError they are no monitors, or two have one name */
export function checkMonitors(argument: string, monitors: readonly AnyMonitor<never>[]): void {
  checkList(argument, monitors, "monitors, as eventually(…) is", (each) => has(each, "on", "hot"));
  const names = monitors.map(({ name }) => name);
  if (new Set(names).size === names.length) return;
  throw new InvalidArgumentError(argument, "monitors with names of their own", names);
}

/**
 * Watches with several monitors. What is hot in the storm is no violation: only a fair schedule owes
 * anything.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind, or two monitors have one name
 */
export function createWatch<E>(
  monitors: readonly AnyMonitor<E>[],
  options: WatchOptions = {},
): Watch<E> {
  checkMonitors("createWatch: monitors", monitors);
  checkKeys("createWatch: options", options, ["factor", "atLeast"]);
  const { factor = 10, atLeast = 100 } = options;
  checkNumber("createWatch: options.factor", factor);
  checkNumber("createWatch: options.atLeast", atLeast);
  const states = new Map<AnyMonitor<E>, unknown>(monitors.map((each) => [each, each.initial]));
  const told = new Set<AnyMonitor<E>>();
  /** Since which event of the calm each has been hot without a break. */
  const hotSince = new Map<AnyMonitor<E>, number>();
  /** After which event of the calm the state was last what. */
  const cameTo = new Map<string, number>();
  let events = 0;
  let calmAt: number | undefined;
  let length = Infinity;

  const tell = (monitor: AnyMonitor<E>, message: string): TemporalViolation[] => {
    if (told.has(monitor)) return [];
    told.add(monitor);
    return [{ check: monitor.name, message }];
  };
  return {
    observe(event) {
      events++;
      return monitors.flatMap((monitor) => {
        const state: unknown = monitor.on(states.get(monitor), event);
        states.set(monitor, state);
        const broken = monitor.broken?.(state);
        if (broken !== undefined) return tell(monitor, broken);
        const hot = monitor.hot(state);
        if (hot === undefined) hotSince.delete(monitor);
        else if (!hotSince.has(monitor)) hotSince.set(monitor, events);
        if (hot === undefined || calmAt === undefined) return [];
        const since = Math.max(calmAt, hotSince.get(monitor) as number);
        return events - since >= length
          ? tell(monitor, `${hot}, for ${events - since} events of calm`)
          : [];
      });
    },
    calm() {
      if (calmAt !== undefined) return;
      calmAt = events;
      length = Math.max(atLeast, factor * events);
    },
    get isCalm() {
      return calmAt !== undefined;
    },
    get calmLeft() {
      return calmAt === undefined ? Infinity : Math.max(0, calmAt + length - events);
    },
    comesTo(state) {
      if (calmAt === undefined) return [];
      const before = cameTo.get(state);
      cameTo.set(state, events);
      if (before === undefined) return [];
      return monitors.flatMap((monitor) => {
        const hot = monitor.hot(states.get(monitor));
        if (hot === undefined || (hotSince.get(monitor) as number) > before) return [];
        const round = events - before;
        return tell(monitor, `${hot}, and a lasso of ${round} events goes round for ever`);
      });
    },
    atRest: () =>
      monitors.flatMap((monitor) => {
        const hot = monitor.hot(states.get(monitor));
        return hot === undefined ? [] : tell(monitor, hot);
      }),
  };
}
