/** Trees: the children of the supervisors of a program, as traces show them when they change. */
import { whichChildren, type ChildInfo, type SupervisorPid } from "@coppice/supervisor";
import type { Json } from "./program.js";
import type { Settle } from "./schedule.js";
import { naturalOrder } from "./term.js";
import type { Instance } from "./instances.js";
import type { World } from "./world.js";
import { termOfChildren } from "./supervisor-terms.js";

export class Trees {
  readonly #world: World;
  /** As last recorded. */
  readonly #children = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The children of the live supervisors of which they have changed; `undefined` when there are none. */
  async changes(settle: Settle): Promise<{ [supervisor: string]: Json } | undefined> {
    const { instances, exits } = this.#world;
    const alive = instances.supervisors().filter(({ pid }) => !exits.has(pid));
    if (alive.length === 0) return undefined;
    const answers = await this.#ask(alive, settle);
    const changed: { [supervisor: string]: Json } = {};
    for (const [{ name, kind }, children] of answers) {
      const isDynamic = kind === "dynamic_supervisor";
      const pairs = termOfChildren(children, isDynamic).map(([id, pid]) => [
        this.#world.encode(id),
        this.#world.encode(pid),
      ]);
      if (isDynamic) pairs.sort(naturalOrder);
      const written = JSON.stringify(pairs);
      if (this.#children.get(name) === written) continue;
      this.#children.set(name, written);
      changed[name] = pairs;
    }
    return Object.keys(changed).length > 0 ? changed : undefined;
  }

  /** One that has not answered when nothing can happen any more is busy: it is not asked any longer. */
  async #ask(
    supervisors: readonly Instance[],
    settle: Settle,
  ): Promise<Map<Instance, readonly ChildInfo[]>> {
    const answers = new Map<Instance, readonly ChildInfo[]>();
    const givenUp: AbortController[] = [];
    for (const supervisor of supervisors) {
      // One for each: of many who listen to one Node warns, as if somebody had forgotten to leave.
      const giveUp = new AbortController();
      givenUp.push(giveUp);
      void whichChildren(this.#world.node, supervisor.pid as SupervisorPid, {
        timeoutMs: Infinity,
        signal: giveUp.signal,
      }).then(
        (children) => answers.set(supervisor, children),
        () => undefined,
      );
    }
    await settle();
    for (const each of givenUp) each.abort();
    await settle();
    return new Map(
      supervisors.flatMap((each) => {
        const children = answers.get(each);
        return children === undefined ? [] : [[each, children] as const];
      }),
    );
  }
}
