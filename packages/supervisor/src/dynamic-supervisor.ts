/**
 * Dynamic supervisors: any number of children of one kind, made at run time.
 *
 * OTP: https://www.erlang.org/doc/design_principles/sup_princ.html#simplified-one_for_one-supervisors
 */
import type { Starter, StartOptions, StartResult } from "@coppice/core";
import { behaviourHandler, startBehaviour } from "./behaviour-start.js";
import type { DynamicSupervisorMessage } from "./dynamic-supervisor-message.js";
import { DynamicSupervisorProcess } from "./dynamic-supervisor-process.js";
import {
  checkDynamicSupervisorSpec,
  type CheckedDynamicSupervisorSpec,
  type DynamicSupervisorSpec,
} from "./dynamic-supervisor-spec.js";
import { SupervisorBehaviour, type ReportTo } from "./supervisor-base.js";
import type { AnySupervisorDefinition } from "./supervisor.js";

/**
 * A dynamic supervisor that can be started any number of times, also as a child of another.
 *
 * @typeParam M what its children understand
 * @typeParam A what each start adds to the arguments of the template
 * @typeParam I the arguments of the function that it was defined by
 */
export interface DynamicSupervisorDefinition<
  M = never,
  A extends readonly unknown[] = [],
  I extends readonly unknown[] = [],
> extends AnySupervisorDefinition<DynamicSupervisorMessage<M, A>, I> {
  /** What it starts with, checked; `"ignore"` for not at all. Asked at each start. */
  init(...args: I): CheckedDynamicSupervisorSpec | "ignore";
}

/**
 * Defines a supervisor whose children are started one by one, by `startChild` with the arguments that
 * each adds to those of the template. It begins with none. OTP's `simple_one_for_one`.
 *
 * A child has no id: it is stopped by its pid. One that fails is restarted with its own arguments, as
 * `one_for_one` would. When the supervisor ends all children stop at once, each with the whole of the
 * template's `shutdown`. Starting and stopping take the same time however many children there are.
 *
 * @throws InvalidChildSpecError a field is not as it has to be; for a function, when it is started
 * @example
 * import { createNode, type Self } from "@coppice/core";
 * import { childTemplate, countChildren, defineDynamicSupervisor, startChild, startSupervisor } from "@coppice/supervisor";
 * async function session(self: Self<string>, server: string, user: number) {
 *   for (;;) await self.receive();
 * }
 * const sessions = defineDynamicSupervisor({ maxChildren: 2, child: childTemplate("session", session, "eu") });
 * const node = createNode();
 * const supervisor = await startSupervisor(node, sessions);
 * const first = await startChild(node, supervisor, [1]);
 * const second = await startChild(node, supervisor, [2]);
 * await startChild(node, supervisor, [3]); // => { ok: false, error: "max_children" }
 * (await countChildren(node, supervisor)).active; // => 2
 * await node.stop();
 * @see https://www.erlang.org/doc/man/supervisor.html#start_child-2
 */
export function defineDynamicSupervisor<
  M,
  A extends readonly unknown[] = [],
  I extends readonly unknown[] = [],
>(
  specOrInit:
    DynamicSupervisorSpec<M, A> | ((...args: I) => DynamicSupervisorSpec<M, A> | "ignore"),
): DynamicSupervisorDefinition<M, A, I> {
  if (typeof specOrInit !== "function") {
    const checked = checkDynamicSupervisorSpec(specOrInit);
    return new Definition<M, A, I>(() => checked);
  }
  return new Definition<M, A, I>((...args) => {
    const spec = specOrInit(...args);
    return spec === "ignore" ? spec : checkDynamicSupervisorSpec(spec);
  });
}

const HANDLER = behaviourHandler("dynamic_supervisor");

class Definition<M, A extends readonly unknown[], I extends readonly unknown[]>
  extends SupervisorBehaviour
  implements DynamicSupervisorDefinition<M, A, I>
{
  readonly #init: (...args: I) => CheckedDynamicSupervisorSpec | "ignore";

  constructor(init: (...args: I) => CheckedDynamicSupervisorSpec | "ignore") {
    super();
    this.#init = init;
  }

  init(...args: I): CheckedDynamicSupervisorSpec | "ignore" {
    return this.#init(...args);
  }

  start(
    starter: Starter,
    options: StartOptions<DynamicSupervisorMessage<M, A>>,
    ...args: I
  ): Promise<StartResult<DynamicSupervisorMessage<M, A>>> {
    return this.launch(starter, options, args, undefined);
  }

  override launch(
    starter: Starter,
    options: StartOptions<never>,
    args: I,
    reportTo: ReportTo,
  ): Promise<StartResult<DynamicSupervisorMessage<M, A>>> {
    return startBehaviour<DynamicSupervisorMessage<M, A>>(
      starter,
      options as object,
      HANDLER,
      (self, parent) => new DynamicSupervisorProcess(self, parent, reportTo, this, args).begin(),
    );
  }
}
