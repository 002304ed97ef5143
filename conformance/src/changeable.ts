/** Behaviours whose code can be changed while they run. */
import type { AnyBehaviour } from "@coppice/supervisor";
import type { Value } from "./term.js";

export interface Changeable {
  /** What takes over. */
  readonly behaviour: AnyBehaviour;
  /** The callback `code_change`, given its extra argument. */
  migrate(extra: Value): (state: never) => unknown;
}
