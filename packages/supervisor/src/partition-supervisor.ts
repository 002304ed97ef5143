/**
 * Partition supervisors: children of one kind, each of which serves a part of all keys, so that what one
 * process would have to do for all is done by many.
 *
 * Elixir: https://hexdocs.pm/elixir/PartitionSupervisor.html
 */
import type {
  Call,
  CallOptions,
  From,
  Name,
  Operations,
  Pid,
  Starter,
  StartOptions,
  StartResult,
  Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import type { BehaviourSelf } from "./behaviour.js";
import { behaviourHandler, startBehaviour } from "./behaviour-start.js";
import { partitionOf, type PartitionKey } from "./partition-key.js";
import {
  checkPartitionSupervisorSpec,
  partitionChildren,
  type CheckedPartitionSupervisorSpec,
  type PartitionSupervisorSpec,
} from "./partition-supervisor-spec.js";
import { SupervisorBehaviour, type ReportTo } from "./supervisor-base.js";
import { typeOf, type SupervisorQuery } from "./supervisor-message.js";
import { SupervisorProcess, type SupervisorCode } from "./supervisor-process.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";
import type { AnySupervisorDefinition } from "./supervisor.js";

/** One partition, as it is now. */
export interface Partition<M = never> {
  readonly partition: number;
  /** Good over restarts: it finds whoever serves the partition when the message is sent. */
  readonly name: Name<M>;
  /** `undefined` while it does not run. */
  readonly pid: Pid<M> | undefined;
}

/** What may be sent to a partition supervisor; the functions that take its pid do that. */
export type PartitionSupervisorMessage<M = never> =
  Call<{ readonly type: "whichPartitions" }, readonly Partition<M>[]> | SupervisorQuery;

/** A partition supervisor that can be started any number of times, also as a child of another. */
export type PartitionSupervisorDefinition<M = never> = AnySupervisorDefinition<
  PartitionSupervisorMessage<M>,
  []
>;

/**
 * Defines a supervisor with a fixed number of children that are equal but for the keys they serve. They
 * are restarted each for itself, under one intensity.
 *
 * Each is registered, by the name of the supervisor (or its pid) and its number: what is sent to a key
 * needs no way through the supervisor.
 *
 * @throws InvalidChildSpecError a field is not as it has to be
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, definePartitionSupervisor, defineServer, partitionsOf, startSupervisor } from "@coppice/supervisor";
 * const counter = defineServer({
 *   init: () => new Map<string, number>(),
 *   call: {
 *     count: (counts, word: string) => ({ reply: (counts.get(word) ?? 0) + 1, state: counts.set(word, (counts.get(word) ?? 0) + 1) }),
 *   },
 * });
 * const counters = definePartitionSupervisor({ partitions: 4, child: child("counter", counter) });
 * const node = createNode();
 * const partitions = await partitionsOf(node, await startSupervisor(node, counters));
 * await node.call(partitions.serving("oak"), ["count", "oak"]); // => 1
 * await node.call(partitions.serving("oak"), ["count", "oak"]); // => 2
 * await node.stop();
 */
export function definePartitionSupervisor<M = never>(
  spec: PartitionSupervisorSpec<M>,
): PartitionSupervisorDefinition<M> {
  return new Definition<M>(checkPartitionSupervisorSpec(spec));
}

/**
 * All partitions, by number.
 *
 * @throws what `call` throws: `NoProcessError`, `ServerExitError`, `CallTimeoutError`
 */
export function whichPartitions<M>(
  asker: Operations,
  supervisor: Target<PartitionSupervisorMessage<M>>,
  options?: CallOptions,
): Promise<readonly Partition<M>[]> {
  checkActor("whichPartitions: asker", asker);
  const request = { type: "whichPartitions" } as const;
  // A pid of what understands all that understands this part of it.
  const to = supervisor as Target<WhichPartitions<M>>;
  return asker.call(to, request, { timeoutMs: Infinity, ...options });
}

type WhichPartitions<M> = Extract<
  PartitionSupervisorMessage<M>,
  { readonly request: { readonly type: "whichPartitions" } }
>;

/** The way to the partitions of one supervisor. It stays good as long as that lives, over their restarts. */
export interface Partitions<M = never> {
  readonly count: number;
  /** The name of the partition that serves `key`, to send, cast and call to. */
  serving(key: PartitionKey): Name<M>;
}

/** Learns the way to the partitions of a supervisor. */
export async function partitionsOf<M>(
  asker: Operations,
  supervisor: Target<PartitionSupervisorMessage<M>>,
  options?: CallOptions,
): Promise<Partitions<M>> {
  const names = (await whichPartitions(asker, supervisor, options)).map(({ name }) => name);
  const count = names.length;
  return { count, serving: (key) => names[partitionOf(key, count)] as Name<M> };
}

/** The process that serves `key` now; `undefined` while its partition does not run. */
export async function partition<M>(
  asker: Operations,
  supervisor: Target<PartitionSupervisorMessage<M>>,
  key: PartitionKey,
  options?: CallOptions,
): Promise<Pid<M> | undefined> {
  const partitions = await whichPartitions(asker, supervisor, options);
  return partitions[partitionOf(key, partitions.length)]?.pid;
}

const HANDLER = behaviourHandler("supervisor");

class Definition<M>
  extends SupervisorBehaviour
  implements AnySupervisorDefinition<PartitionSupervisorMessage<M>, []>, SupervisorCode
{
  readonly #spec: CheckedPartitionSupervisorSpec;

  constructor(spec: CheckedPartitionSupervisorSpec) {
    super();
    this.#spec = spec;
  }

  override plannedSpec(): CheckedSupervisorSpec {
    return partitionChildren(this.#spec, "planned");
  }

  specFor(self: BehaviourSelf): CheckedSupervisorSpec {
    const called = self.processInfo(self.pid)?.name ?? String(self.pid);
    return partitionChildren(this.#spec, called);
  }

  start(
    starter: Starter,
    options: StartOptions<PartitionSupervisorMessage<M>>,
  ): Promise<StartResult<PartitionSupervisorMessage<M>>> {
    return this.launch(starter, options, [], undefined);
  }

  override launch(
    starter: Starter,
    options: StartOptions<never>,
    _args: readonly [],
    reportTo: ReportTo,
  ): Promise<StartResult<PartitionSupervisorMessage<M>>> {
    return startBehaviour<PartitionSupervisorMessage<M>>(
      starter,
      options as object,
      HANDLER,
      (self, parent) => new PartitionSupervisorProcess(self, parent, reportTo, this, []).begin(),
    );
  }
}

/** A supervisor that tells of its children as partitions, and keeps just those. */
class PartitionSupervisorProcess extends SupervisorProcess {
  protected override understands(request: unknown): boolean {
    const type = typeOf(request);
    return (
      type === "whichPartitions" ||
      (type !== "startChild" && type !== "deleteChild" && super.understands(request))
    );
  }

  protected override answer(request: never, from: From<never>): Promise<void> | undefined {
    if (typeOf(request) !== "whichPartitions") return super.answer(request, from);
    const partitions = this.children.map(({ id, pid, spec }) => ({
      partition: Number(id),
      name: spec.name,
      pid,
    }));
    return this.reply(from, partitions);
  }
}
