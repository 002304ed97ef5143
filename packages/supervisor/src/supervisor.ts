/**
 * Supervisors: processes that start, watch, restart and stop other processes.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import {
  checkKeys,
  InvalidArgumentError,
  isPid,
  StartError,
  type AnyPid,
  type Name,
  type Pid,
  type Startable,
  type Starter,
  type StartOptions,
  type StartResult,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { behaviourHandler, startBehaviour } from "./behaviour-start.js";
import { SupervisorBehaviour, type ReportTo } from "./supervisor-base.js";
import type { SupervisorMessage, SupervisorReported } from "./supervisor-message.js";
import { SupervisorProcess } from "./supervisor-process.js";
import {
  checkSupervisorSpec,
  type CheckedSupervisorSpec,
  type SupervisorSpec,
} from "./supervisor-spec.js";

/** A supervisor of any kind, as `defineSupervisor` and its like make it. */
export interface AnySupervisorDefinition<M, A extends readonly unknown[]> extends Startable<M, A> {
  readonly childType: "supervisor";
}

/** A supervisor that can be started any number of times, also as a child of another. */
export interface SupervisorDefinition<
  A extends readonly unknown[] = [],
> extends AnySupervisorDefinition<SupervisorMessage, A> {
  /** What it starts with, checked; `"ignore"` for not at all. Asked at each start. */
  init(...args: A): CheckedSupervisorSpec | "ignore";
}

/** How a supervisor is started. `M` is what it understands. */
export interface StartSupervisorOptions<M = SupervisorMessage> {
  /** Registers it. */
  readonly name?: Name<M>;
  /** What people call it, in reports; `"supervisor"` by default. */
  readonly label?: string;
  /**
   * Gets the reports of this supervisor and of those defined below it. The node's logger leaves them to
   * this process then; its events tell them all the same.
   */
  readonly reportTo?: Pid<SupervisorReported>;
}

/**
 * Defines a supervisor: a tree as data, or a function that returns one each time the supervisor starts.
 *
 * @throws InvalidChildSpecError a field is not as it has to be; for a function, when it is started
 * @example
 * import { child, defineSupervisor } from "@coppice/supervisor";
 * import type { Self } from "@coppice/core";
 * async function worker(self: Self<string>) { for (;;) await self.receive(); }
 * const workers = defineSupervisor({ intensity: 3, children: [child("a", worker), child("b", worker)] });
 * const app = defineSupervisor({ strategy: "rest_for_one", children: [child("workers", workers)] });
 * @see https://www.erlang.org/doc/man/supervisor.html#Module:init-1
 */
export function defineSupervisor<A extends readonly unknown[] = []>(
  specOrInit: SupervisorSpec | ((...args: A) => SupervisorSpec | "ignore"),
): SupervisorDefinition<A> {
  if (typeof specOrInit !== "function") {
    const checked = checkSupervisorSpec(specOrInit);
    return new Definition<A>(() => checked);
  }
  return new Definition<A>((...args) => {
    const spec = specOrInit(...args);
    return spec === "ignore" ? spec : checkSupervisorSpec(spec);
  });
}

/**
 * Starts a supervisor and its children, in order. Resolves when all have started.
 *
 * Started by a process it is linked to it, and ends with it; the process is its parent. It ends in
 * order, last child first, on an exit signal of its parent or of the node (`node.exit`, `node.stop`);
 * those of others it ignores, but for `"kill"`.
 *
 * @param starter the `self` of the process that starts it, or the node
 * @throws StartError a child did not start: those before it were stopped again. As in OTP, a process
 * that starts it and does not trap exits gets the supervisor's exit signal, too
 * @throws StartError somebody holds `options.name`: its `reason` is `{ alreadyStarted: pid }`
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, defineSupervisor, startSupervisor, whichChildren } from "@coppice/supervisor";
 * const node = createNode();
 * const tree = defineSupervisor({ children: [child("echo", async (self) => { await self.receive(); })] });
 * const supervisor = await startSupervisor(node, tree);
 * (await whichChildren(node, supervisor)).map((child) => child.id); // => ["echo"]
 * await node.stop();
 * @see https://www.erlang.org/doc/man/supervisor.html#start_link-2
 */
export async function startSupervisor<M = SupervisorMessage, A extends readonly unknown[] = []>(
  starter: Starter,
  definition: AnySupervisorDefinition<M, A>,
  options: StartSupervisorOptions<M> = {},
  ...args: A
): Promise<Pid<M>> {
  checkActor("startSupervisor: starter", starter);
  if (!(definition instanceof SupervisorBehaviour)) {
    const expected = "a supervisor, such as defineSupervisor makes";
    throw new InvalidArgumentError("startSupervisor: definition", expected, definition);
  }
  checkOptions(options);
  const { name, label = "supervisor", reportTo } = options;
  const startOptions: StartOptions<M> = {
    label,
    // Only a process can be linked to, and the node is none.
    ...(starter.pid.serial !== 0 && { link: true }),
    ...(name && { name }),
  };
  const result = await definition.launch(starter, startOptions, args, reportTo);
  if (result === "ignore") throw new StartError(label, "ignore");
  if ("error" in result) throw new StartError(label, result.error);
  return result.pid as AnyPid as Pid<M>;
}

function checkOptions(options: StartSupervisorOptions<never>): void {
  checkKeys("startSupervisor: options", options, ["name", "label", "reportTo"]);
  const { reportTo } = options;
  if (reportTo !== undefined && !isPid(reportTo)) {
    throw new InvalidArgumentError("startSupervisor: options.reportTo", "a pid", reportTo);
  }
}

const HANDLER = behaviourHandler("supervisor");

class Definition<A extends readonly unknown[]>
  extends SupervisorBehaviour
  implements SupervisorDefinition<A>
{
  readonly #init: (...args: A) => CheckedSupervisorSpec | "ignore";

  constructor(init: (...args: A) => CheckedSupervisorSpec | "ignore") {
    super();
    this.#init = init;
  }

  init(...args: A): CheckedSupervisorSpec | "ignore" {
    return this.#init(...args);
  }

  override plannedSpec(args: readonly unknown[]): CheckedSupervisorSpec | "ignore" {
    return this.#init(...(args as A));
  }

  specFor(_self: unknown, args: A): CheckedSupervisorSpec | "ignore" {
    return this.#init(...args);
  }

  start(
    starter: Starter,
    options: StartOptions<SupervisorMessage>,
    ...args: A
  ): Promise<StartResult<SupervisorMessage>> {
    return this.launch(starter, options, args, undefined);
  }

  override launch(
    starter: Starter,
    options: StartOptions<never>,
    args: A,
    reportTo: ReportTo,
  ): Promise<StartResult<SupervisorMessage>> {
    return startBehaviour<SupervisorMessage>(starter, options as object, HANDLER, (self, parent) =>
      new SupervisorProcess(self, parent, reportTo, this, args).begin(),
    );
  }
}
