/**
 * Faults: what befalls processes, nodes, the network, clocks and disks.
 *
 * A fault is a transition like others, with a budget. The program says which ones there are; a strategy
 * picks when, or a plan does.
 */
import {
  InvalidArgumentError,
  keyOf,
  processKeyOf,
  type Access,
  type AnyPid,
  type HappeningKey,
} from "@coppice/core";
import type { OwnTransition } from "./fault-source.js";
import type { Kernel } from "./kernel.js";
import type { Reads } from "./looks.js";
import type { Transition } from "./transition.js";

export interface FaultOptions {
  /** How often it may happen in a run; 1 by default. */
  readonly times?: number;
  /** It cannot happen while this is false. */
  readonly when?: () => boolean;
  /** What `when` and `target` look at, as `reads` of `always`; everything by default. */
  readonly reads?: Reads | undefined;
  /** Whom it befalls: it is not independent of what this process does. By default, of nothing. */
  readonly target?: () => AnyPid | undefined;
  /** Objects that it changes, by name: `shared:X`, `disk:X`. */
  readonly uses?: readonly string[];
}

/** Faults of one kind that come and go with what there is to befall. */
export interface FaultFamily {
  readonly kind: string;
  /** How often one of them may happen in a run; 1 by default. */
  readonly times?: number;
  readonly members: () => Iterable<FaultMember>;
}

export interface FaultMember {
  /** Stable over schedules. */
  readonly target: string;
  readonly pid: AnyPid | undefined;
  readonly run: () => void;
}

/** When a planned fault happens. */
export type FaultTime =
  /** Before the step of that number, from 0. */
  | { readonly step: number }
  /** Right after the transition with that key. */
  | { readonly after: string }
  /** As soon as it holds. */
  | { readonly when: () => boolean };

/** A fault that happens at a time that is said beforehand, whatever the strategy picks. */
export interface PlannedFault {
  /** `KIND:TARGET`, as in the key of the fault. */
  readonly fault: string;
  readonly at: FaultTime;
}

interface Declared {
  readonly name: string;
  readonly kind: string;
  readonly family?: string;
  readonly options: FaultOptions;
  /** The object that stands for all it depends on whether it can happen. */
  readonly seen?: string | undefined;
  readonly run: () => void;
  happened: number;
  /** The transition that stands for its next time. */
  next: FaultTransition | undefined;
}

class FaultTransition implements OwnTransition {
  readonly kind = "fault";
  readonly #key: HappeningKey;
  readonly #declared: Declared;
  readonly actorPid: AnyPid;
  readonly senderPid = undefined;
  readonly access: Access;
  readonly accesses: readonly Access[];
  readonly order: number;
  readonly creator: number;
  readonly run: () => void;

  constructor(
    kernel: Kernel,
    declared: Declared,
    key: HappeningKey,
    actorPid: AnyPid,
    accesses: readonly Access[],
    run: () => void,
  ) {
    this.#key = key;
    this.#declared = declared;
    this.actorPid = actorPid;
    this.accesses = accesses;
    this.access = accesses[0] as Access;
    this.order = Infinity;
    this.creator = kernel.phase === "run" ? kernel.steps.length - 1 : -1;
    this.run = run;
  }

  get key(): string {
    return this.#key.text;
  }

  get keyHash(): number {
    return this.#key.hash;
  }

  get keyId(): number {
    return this.#key.id;
  }

  get channel(): string {
    return `fault:${this.#declared.name}`;
  }

  get actor(): string {
    return keyOf(this.actorPid);
  }

  describe(): string {
    return this.#declared.name;
  }
}

export class FaultTable {
  readonly #kernel: Kernel;
  readonly #declared = new Map<string, Declared>();
  /** The transitions of families, as long as nobody else stands in their place. */
  readonly #made = new Map<string, FaultTransition>();
  readonly #families: FaultFamily[] = [];
  readonly #spent = new Map<string, number>();
  readonly #budgets: Readonly<Record<string, number>>;
  #plan: PlannedFault[];

  constructor(
    kernel: Kernel,
    budgets: Readonly<Record<string, number>>,
    plan: readonly PlannedFault[],
  ) {
    this.#kernel = kernel;
    this.#budgets = budgets;
    this.#plan = [...plan];
  }

  declare(name: string, run: () => void, options: FaultOptions): void {
    const kind = name.split(":", 1)[0] as string;
    const { when, target, reads } = options;
    const looks = when !== undefined || target !== undefined;
    const seen = looks ? this.#kernel.onlookers.look({ by: "when", name }, reads) : undefined;
    this.#declared.set(name, { name, kind, options, seen, run, happened: 0, next: undefined });
  }

  declareFamily(family: FaultFamily): void {
    this.#families.push(family);
  }

  enabled(): OwnTransition[] {
    this.#declareMembers();
    const enabled: OwnTransition[] = [];
    for (const declared of this.#declared.values()) {
      const { kind, options, happened } = declared;
      if (happened >= (options.times ?? 1)) continue;
      if ((this.#spent.get(kind) ?? 0) >= (this.#budgets[kind] ?? Infinity)) continue;
      const transition = this.#transitionOf(declared);
      if (transition !== undefined) enabled.push(transition);
    }
    return enabled;
  }

  /** What has been spent of the budgets, and which planned faults are to come. */
  outline(): unknown {
    const happened = [...this.#declared.values()].filter((declared) => declared.happened > 0);
    return {
      spent: this.#spent,
      happened: new Map(happened.map((declared) => [declared.name, declared.happened])),
      planned: this.#plan.map(({ fault, at }) => [fault, at]),
    };
  }

  /** The planned fault whose time has come. */
  forced(last: Transition | undefined, step: number): OwnTransition | undefined {
    if (this.#plan.length > 0) this.#declareMembers();
    for (const planned of this.#plan) {
      if (!isTime(planned.at, last, step)) continue;
      const declared = this.#declared.get(planned.fault);
      const transition = declared === undefined ? undefined : this.#transitionOf(declared);
      if (transition === undefined) continue;
      this.#plan = this.#plan.filter((other) => other !== planned);
      return transition;
    }
    return undefined;
  }

  /** @throws InvalidArgumentError a fault is planned that the program never declared: nothing would befall anybody */
  checkPlan(): void {
    for (const { fault } of this.#plan) {
      const kind = fault.split(":", 1)[0];
      if (this.#declared.has(fault) || this.#families.some((family) => family.kind === kind))
        continue;
      const names = [
        ...this.#declared.keys(),
        ...this.#families.map((family) => `${family.kind}:…`),
      ].join(", ");
      const expected = `a fault that the program declares: ${names === "" ? "it declares none" : names}`;
      throw new InvalidArgumentError("simulation: options.plan", expected, fault);
    }
  }

  /** Who is there now to be befallen by a fault of a family. */
  #declareMembers(): void {
    for (const { kind, times = 1, members } of this.#families) {
      for (const [name, { family }] of this.#declared) {
        if (family === kind) this.#declared.delete(name);
      }
      if ((this.#spent.get(kind) ?? 0) >= times) continue;
      for (const { target, pid, run } of members()) {
        const name = `${kind}:${target}`;
        const options = pid === undefined ? {} : { target: () => pid };
        const next = this.#made.get(name);
        this.#declared.set(name, { name, kind, family: kind, options, run, happened: 0, next });
      }
    }
  }

  #transitionOf(declared: Declared): FaultTransition | undefined {
    const { options, name, kind } = declared;
    if (options.when !== undefined && !options.when()) return undefined;
    const target = options.target?.();
    if (options.target !== undefined && target === undefined) return undefined;
    const number = declared.happened + 1;
    const { next } = declared;
    if (next !== undefined && (target === undefined || next.actorPid === target)) return next;
    const run = (): void => {
      declared.happened = number;
      declared.next = undefined;
      this.#spent.set(kind, (this.#spent.get(kind) ?? 0) + 1);
      declared.run();
    };
    const key = this.#kernel.keySpace.key(`fault:${name}#${number}`);
    const accesses = this.#accessesOf(declared, target);
    const actor = target ?? this.#anyoneFor(name);
    declared.next = new FaultTransition(this.#kernel, declared, key, actor, accesses, run);
    if (declared.family !== undefined) this.#made.set(name, declared.next);
    return declared.next;
  }

  /** @throws InvalidArgumentError there is no node: nothing can come of it, whatever it does */
  #anyoneFor(name: string): AnyPid {
    const { lives } = this.#kernel;
    if (lives.all.length > 0) return this.#kernel.anyPid;
    const expected = `at least one by the time that ${name} can happen`;
    throw new InvalidArgumentError("sim.faults: nodes", expected, lives.all);
  }

  #accessesOf({ options, seen }: Declared, target: AnyPid | undefined): Access[] {
    const { keySpace } = this.#kernel;
    const accesses = (options.uses ?? []).map((object) => keySpace.access(object, "write"));
    const key = target === undefined ? undefined : processKeyOf(target);
    // The whole of what is its own.
    if (key !== undefined) accesses.unshift(key.mailbox("write"), key.alive("write"));
    // Nobody knows what it changes.
    if (accesses.length === 0) return [keySpace.access("*", "write")];
    if (seen !== undefined) accesses.push(keySpace.access(seen, "write"));
    return accesses;
  }
}

function isTime(at: FaultTime, last: Transition | undefined, step: number): boolean {
  if ("step" in at) return step >= at.step;
  if ("after" in at) return last?.key === at.after;
  return at.when();
}
