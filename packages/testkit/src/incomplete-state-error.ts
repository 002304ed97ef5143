/** The error of a search through states that are not all there is to them. */
import { CoppiceError } from "@coppice/core";
import { shownText } from "./canonical-text.js";

/** States that are the same went on differently: something that decides is missing in them. */
export class IncompleteStateError extends CoppiceError {
  override readonly name = "IncompleteStateError";
  readonly code = "INCOMPLETE_STATE";
  constructor(after: string, difference: string) {
    super(
      shownText(`two ways to the same state go on differently with ${after}: ${difference}; `) +
        "what decides how the program goes on has to be in the state of a handler, or in what sim.state, sim.shared or " +
        "sim.durable say",
    );
  }
}

/** Where two texts differ. */
export function differ(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const from = Math.max(0, at - 60);
  const [before, now] = [one, other].map((text) => text.slice(from, at + 60));
  return `before to …${before}…, now to …${now}…`;
}
