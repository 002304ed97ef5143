/** A watch of a process of another node: it stands in its target's list, and its owner is far away. */
import type { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";
import { Watch } from "./watch.js";

export class RemoteWatch extends Watch {
  readonly #watcher: ProcessId<Process>;
  readonly reference: Reference;
  /** What the other node asked for: a pid, or the name that the target held. */
  readonly object: ProcessId<Process> | string;

  constructor(
    runtime: Runtime,
    watcher: ProcessId<Process>,
    reference: Reference,
    target: ProcessId<Process>,
    object: ProcessId<Process> | string,
  ) {
    super(runtime, undefined, target);
    this.#watcher = watcher;
    this.reference = reference;
    this.object = object;
  }

  override get ownerPid(): ProcessId<Process> {
    return this.#watcher;
  }

  override get wireRef(): Reference {
    return this.reference;
  }

  override ended(): void {
    // Its owner hears of it over the connection.
  }

  override abandon(): void {
    // Nobody here owns it.
  }
}
