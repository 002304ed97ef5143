/** Values of the framework for properties: terms, exit reasons, messages, child specs, trees, fault plans. */
import { checkKeys, type CrashReason, type ExitReason, type Term } from "@coppice/core";
import { checkOneOf, checkSome, checkWhole, isText } from "./arguments.js";
import {
  child,
  defineSupervisor,
  type ChildSpec,
  type Program as ChildProgram,
  type Restart,
  type Shutdown,
  type SupervisorDefinition,
} from "@coppice/supervisor";
import fc, { type Arbitrary } from "fast-check";
import type { PlannedFault } from "./fault.js";

/** Plain data, as may stand in messages and exit reasons; shrinks to `null`. */
export function terms(): Arbitrary<Term> {
  return fc.letrec<{ term: Term }>((tie) => ({
    term: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.bigInt(),
      fc.constant(undefined),
      fc.array(tie("term"), { maxLength: 4 }),
      fc.dictionary(fc.string({ minLength: 1 }), tie("term"), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    ),
  })).term;
}

/** Crashes, with errors of the common classes. */
export function crashes(): Arbitrary<CrashReason> {
  return fc
    .tuple(fc.constantFrom(Error, TypeError, RangeError), fc.string())
    .map(([ErrorClass, message]) => ({ error: new ErrorClass(message) }));
}

/** Every kind of exit reason that a process may end with; shrinks to `"normal"`. */
export function exitReasons(): Arbitrary<ExitReason> {
  return fc.oneof(
    fc.constantFrom<ExitReason>("normal", "shutdown", "killed", "noproc", "noconnection"),
    fc.record({ shutdown: terms() }),
    crashes(),
    fc.string({ minLength: 1 }),
    fc.array(terms(), { maxLength: 3 }),
  );
}

/**
 * Messages of a protocol: one of the kinds, with plain data as payload where `payload` says so.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function messages<const K extends string, P = never>(
  kinds: readonly [K, ...K[]],
  payload?: Arbitrary<P>,
): Arbitrary<{ readonly type: K } & ([P] extends [never] ? unknown : { readonly payload: P })> {
  checkSome("messages: kinds", kinds, "kinds of messages", isText);
  const type = fc.constantFrom(...kinds);
  return (payload === undefined ? fc.record({ type }) : fc.record({ type, payload })) as never;
}

export interface ChildSpecsOptions {
  /** What the children run; by default, they wait for messages until they are ended. */
  readonly program?: ChildProgram<[]>;
  /** Which restart types there are; all by default. */
  readonly restarts?: readonly [Restart, ...Restart[]];
}

/** A process that takes what it is sent, until it is ended. */
async function sink(self: { receive(): Promise<unknown> }): Promise<void> {
  for (;;) await self.receive();
}

/**
 * Child specs that are valid; their ids are short.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function childSpecs(options: ChildSpecsOptions = {}): Arbitrary<ChildSpec> {
  checkKeys("childSpecs: options", options, ["program", "restarts"]);
  checkRestarts("childSpecs", options.restarts);
  return fc
    .record({ id: fc.stringMatching(/^[a-z]{1,3}$/), ...variations(options) })
    .map((fields) => specOf(fields, options.program ?? sink));
}

interface Fields {
  readonly id: string;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly label: string | undefined;
}

function variations({ restarts = ["permanent", "transient", "temporary"] }: ChildSpecsOptions): {
  readonly [K in "restart" | "shutdown" | "label"]: Arbitrary<Fields[K]>;
} {
  return {
    restart: fc.constantFrom(...restarts),
    shutdown: fc.oneof(
      fc.constantFrom<Shutdown>("brutal_kill", "infinity"),
      fc.integer({ min: 0, max: 10_000 }),
    ),
    label: fc.option(fc.stringMatching(/^[a-z]{1,5}$/), { nil: undefined }),
  };
}

function specOf({ label, ...fields }: Fields, program: ChildProgram<[]>): ChildSpec {
  return child({ ...fields, ...(label !== undefined && { label }) }, program as never) as ChildSpec;
}

export interface TreesOptions extends ChildSpecsOptions {
  /** How many levels of supervisors there may be; 3 by default. */
  readonly maxDepth?: number;
  /** How many children a supervisor may have; 4 by default. */
  readonly maxChildren?: number;
}

/** A tree as data, from which a supervisor is made: so that a failing one can be read. */
export interface TreePlan {
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  readonly intensity: number;
  readonly periodMs: number;
  readonly children: readonly (Fields | (TreePlan & { readonly id: string }))[];
}

/**
 * Trees of supervisors and workers, all valid; shrinks to one with a single worker, or none.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function treePlans(options: TreesOptions = {}): Arbitrary<TreePlan> {
  checkKeys("treePlans: options", options, ["program", "restarts", "maxDepth", "maxChildren"]);
  checkRestarts("treePlans", options.restarts);
  checkWhole("treePlans: options.maxDepth", options.maxDepth, 1);
  checkWhole("treePlans: options.maxChildren", options.maxChildren, 0);
  const { maxDepth = 3, maxChildren = 4 } = options;
  const worker = fc.record(variations(options));
  const level = (depth: number): Arbitrary<TreePlan> => {
    const children =
      depth <= 1
        ? worker
        : fc.oneof({ weight: 3, arbitrary: worker }, { weight: 1, arbitrary: level(depth - 1) });
    return fc.record({
      strategy: fc.constantFrom("one_for_one", "one_for_all", "rest_for_one"),
      intensity: fc.integer({ min: 0, max: 5 }),
      periodMs: fc.integer({ min: 1, max: 10_000 }),
      // Ids are unique among siblings, and stay so when others are shrunk away.
      children: fc
        .array(children, { maxLength: maxChildren })
        .map((all) =>
          all.map((each, at) => ({ ...each, id: `${"children" in each ? "s" : "w"}${at}` })),
        ),
    }) as Arbitrary<TreePlan>;
  };
  return level(maxDepth);
}

/**
 * The supervisor that a plan describes.
 *
 * @example
 * import fc from "fast-check";
 * import { createNode } from "@coppice/core";
 * import { startSupervisor, supervisionTree } from "@coppice/supervisor";
 * import { supervisorOf, treePlans } from "@coppice/testkit";
 * const [plan] = fc.sample(treePlans(), { numRuns: 1, seed: 3 });
 * const node = createNode();
 * const app = await startSupervisor(node, supervisorOf(plan!));
 * (await supervisionTree(node, app)).children.length === plan!.children.length; // => true
 * await node.stop();
 */
export function supervisorOf(
  plan: TreePlan,
  program: ChildProgram<[]> = sink,
): SupervisorDefinition {
  const { strategy, intensity, periodMs, children } = plan;
  return defineSupervisor({
    strategy,
    intensity,
    periodMs,
    children: children.map((each) =>
      "children" in each ? child(each.id, supervisorOf(each, program)) : specOf(each, program),
    ),
  });
}

export interface FaultPlansOptions {
  /** What may happen, as `KIND:TARGET`: `crash:n/1`, `down:db`. */
  readonly faults: readonly [string, ...string[]];
  /** How many at most; 3 by default. */
  readonly maxFaults?: number;
  /** Before which step at the latest; 100 by default. */
  readonly maxStep?: number;
}

/**
 * Plans of faults for the `plan` of a simulation; shrinks to none, and to early ones.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function faultPlans(options: FaultPlansOptions): Arbitrary<readonly PlannedFault[]> {
  checkKeys("faultPlans: options", options, ["faults", "maxFaults", "maxStep"]);
  checkSome("faultPlans: options.faults", options.faults, `names of faults, as "crash:db"`, isText);
  checkWhole("faultPlans: options.maxFaults", options.maxFaults, 0);
  checkWhole("faultPlans: options.maxStep", options.maxStep, 0);
  const { faults, maxFaults = 3, maxStep = 100 } = options;
  const planned = fc.record({
    fault: fc.constantFrom(...faults),
    at: fc.record({ step: fc.nat({ max: maxStep }) }),
  });
  return fc.array(planned, { maxLength: maxFaults });
}

function checkRestarts(operation: string, restarts: readonly Restart[] | undefined): void {
  const known: readonly string[] = ["permanent", "transient", "temporary"];
  if (restarts === undefined) return;
  checkSome(`${operation}: options.restarts`, restarts, known.join(", "), isText);
  for (const each of restarts) checkOneOf(`${operation}: options.restarts`, each, known);
}
