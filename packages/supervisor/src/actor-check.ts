/** The check of who acts: most functions take the `self` of a process, or a node, as their first argument. */
import { InvalidArgumentError, isPid } from "@coppice/core";
import { glance } from "./glance.js";

/** @throws InvalidArgumentError it is neither the `self` of a process nor a node */
export function checkActor(argument: string, actor: unknown): void {
  const acts = glance(() => {
    const { pid, call } = actor as { readonly pid?: unknown; readonly call?: unknown };
    return isPid(pid) && typeof call === "function";
  });
  if (acts === true) return;
  throw new InvalidArgumentError(argument, "the self of a process, or a node", actor);
}
