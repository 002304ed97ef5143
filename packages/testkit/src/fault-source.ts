/** What the kernel of a simulation asks those who know of faults. */
import type { Access, Happening } from "@coppice/core";
import type { Transition } from "./transition.js";

/** A transition of the simulation's own. */
export interface OwnTransition extends Transition {
  readonly kind: "fault";
  readonly accesses: readonly Access[];
  run(): void;
}

export interface FaultSource {
  /** Those that could happen now. */
  enabled(): readonly OwnTransition[];
  /** The one that has to happen now, whatever the strategy says. */
  forced(last: Transition | undefined, step: number): OwnTransition | undefined;
  /** What is planned has to exist, by the end of a run. */
  checkPlan(): void;
  /** What has to happen when nothing else can, for something is held back. */
  relief(): OwnTransition | undefined;
  /** May this happen, as the network and the nodes are? */
  lets(happening: Happening): boolean;
}
