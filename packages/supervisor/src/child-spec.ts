/**
 * Child specs: what a supervisor has to know of a child, as data.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html#type-child_spec
 */
import type { AnyName, Body, Handler, Name, Startable } from "@coppice/core";
import type { Backoff, CheckedBackoff } from "./backoff.js";
import { checkChildSpec } from "./child-spec-check.js";
import { InvalidChildSpecError } from "./errors.js";
import type { Restart } from "./restart-type.js";

/**
 * How a child is ended: killed at once, or asked with `"shutdown"` and killed when it has not ended
 * within that many milliseconds; `"infinity"`, or `Infinity`, never kills.
 */
export type Shutdown = "brutal_kill" | "infinity" | number;

export type ChildType = "worker" | "supervisor";

/** Children that end a supervisor with them: none, the first significant one, the last one of them. */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/**
 * What a child runs. `any`: the specs of one supervisor have different messages; `child` checks each.
 * `never`: what understands nothing is no `Startable<any>`.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type Program<A extends readonly unknown[] = any> =
  // oxlint-disable-next-line typescript/no-explicit-any
  Body<any, A> | Handler<any, any, A> | Startable<any, A> | Startable<never, A>;

/**
 * A program, with the arguments it starts with if it takes any.
 *
 * A body or a handler counts as started when it is spawned, a behaviour when its `init` has returned:
 * where a child needs the ones before it to be ready, those have to be behaviours.
 */
export type ChildStart = Program<[]> | readonly [program: Program, ...args: unknown[]];

/** Carries what a child understands; never present at run time. */
declare const CHILD_PROTOCOL: unique symbol;

/**
 * A child as data; `M` is what it understands, where that is known.
 *
 * In a spec written by hand the arguments are not checked against the program; `child` does that.
 */
export interface ChildSpec<in M = never> {
  readonly [CHILD_PROTOCOL]?: (message: M) => void;
  /** Unique among the children of its supervisor. */
  readonly id: string;
  readonly start: ChildStart;
  /** After which exits it is started again; `"permanent"` by default. */
  readonly restart?: Restart | undefined;
  /** How it is ended; `5000` by default, `"infinity"` for supervisors. */
  readonly shutdown?: Shutdown | undefined;
  /** `"supervisor"` by default for what `defineSupervisor` made, else `"worker"`. */
  readonly type?: ChildType | undefined;
  /** Its end may end its supervisor, as `autoShutdown` says; not by default. */
  readonly significant?: boolean | undefined;
  /**
   * How long its start may take, for a behaviour; for ever by default, as in OTP. What takes longer is
   * killed, and has failed to start with `"timeout"`. Its supervisor does nothing else meanwhile.
   */
  readonly startTimeoutMs?: number | undefined;
  /** Delays its restarts; by default, as in OTP, it is restarted at once. */
  readonly backoff?: Backoff | undefined;
  /** Registers each incarnation of it, so that the name stays good over restarts. */
  readonly name?: AnyName | undefined;
  /** What people call it in reports; its id by default. */
  readonly label?: string | undefined;
}

/** What `child` needs of a spec besides the program. */
export interface ChildOptions<M = never> extends Omit<
  ChildSpec,
  "start" | "name" | typeof CHILD_PROTOCOL
> {
  readonly name?: Name<M> | undefined;
}

/** A spec that was checked, with nothing left out. */
export interface CheckedChildSpec {
  readonly id: string;
  readonly program: Program;
  readonly args: readonly unknown[];
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly type: ChildType;
  readonly significant: boolean;
  readonly startTimeoutMs: number;
  readonly backoff: CheckedBackoff | undefined;
  readonly name: AnyName | undefined;
  readonly label: string;
}

/**
 * Makes a child spec; the compiler checks arguments and name against the program.
 *
 * @param idOrOptions its id, or all that is to be said besides the program
 * @param program a body, a handler, or a behaviour such as another supervisor
 * @throws InvalidChildSpecError a field is not as it has to be
 * @example
 * import { child } from "@coppice/supervisor";
 * import type { Self } from "@coppice/core";
 * async function counter(self: Self<number>, from: number) {
 *   for (let sum = from; ; ) sum += await self.receive();
 * }
 * child("counter", counter, 7).id; // => "counter"
 * child({ id: "counter", restart: "transient", shutdown: 1_000 }, counter, 7).restart; // => "transient"
 */
export function child<M, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  body: Body<M, A>,
  ...args: A
): ChildSpec<M>;
export function child<M, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  behaviour: Startable<M, A>,
  ...args: A
): ChildSpec<M>;
export function child<M, S = unknown, A extends readonly unknown[] = []>(
  idOrOptions: string | ChildOptions<M>,
  handler: Handler<M, S, A>,
  ...args: A
): ChildSpec<M>;
export function child(
  idOrOptions: string | ChildOptions,
  program: Program,
  ...args: unknown[]
): ChildSpec {
  const options = optionsOf(idOrOptions);
  const spec: ChildSpec = { ...options, start: [program, ...args] };
  checkChildSpec(spec, "child");
  return spec;
}

/** @throws InvalidChildSpecError it is neither an id nor an object */
export function optionsOf<T extends object>(idOrOptions: string | T): T | { readonly id: string } {
  if (typeof idOrOptions === "string") return { id: idOrOptions };
  if (typeof idOrOptions === "object" && idOrOptions !== null) return idOrOptions;
  const rule = idOrOptions === undefined ? "missing_id" : "invalid_id";
  throw new InvalidChildSpecError("child.id", "a string that is not empty", idOrOptions, rule);
}
