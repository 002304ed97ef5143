/** Which behaviours other nodes may start here: no code travels, only the name of one, and arguments that it checks. */
import { checkFunction, checkKeys, InvalidArgumentError, type Startable } from "@coppice/core";
import { utf8Length } from "./cbor-writer.js";
import type { Role } from "./handshake-message.js";
import { DEFAULT_LIMITS } from "./limits.js";

/** A behaviour that other nodes may start here. */
export interface RemoteBehaviour<A extends readonly unknown[] = never> {
  readonly behaviour: Startable<never, A>;
  /** Returns the arguments to start it with, or throws: then the start is refused. They come from outside. */
  readonly args: (args: readonly unknown[]) => A;
  /** Who may; peers in the role `node` by default. */
  readonly allow?: (peer: { readonly name: string; readonly role: Role }) => boolean;
}

export type RemoteBehaviours = { readonly [name: string]: RemoteBehaviour };

/** @throws InvalidArgumentError an entry is not what it should be */
export function checkBehaviours(argument: string, behaviours: RemoteBehaviours): RemoteBehaviours {
  if (typeof behaviours !== "object" || behaviours === null || Array.isArray(behaviours)) {
    throw new InvalidArgumentError(argument, "an object", behaviours);
  }
  for (const [name, entry] of Object.entries(behaviours)) {
    const what = `${argument}.${name}`;
    checkBehaviourName(argument, name);
    checkKeys(what, entry, ["behaviour", "args", "allow"]);
    checkFunction(`${what}.args`, entry.args);
    if (entry.allow !== undefined) checkFunction(`${what}.allow`, entry.allow);
    if (typeof (entry.behaviour as { start?: unknown } | undefined)?.start !== "function") {
      throw new InvalidArgumentError(`${what}.behaviour`, "a behaviour", entry.behaviour);
    }
  }
  return behaviours;
}

/** @throws InvalidArgumentError it is none under which a behaviour could be asked for */
export function checkBehaviourName(argument: string, name: unknown): void {
  const { maxNameBytes } = DEFAULT_LIMITS;
  if (typeof name !== "string" || name === "" || utf8Length(name) > maxNameBytes) {
    throw new InvalidArgumentError(argument, `a name of 1 to ${maxNameBytes} bytes`, name);
  }
}

/** The behaviour of that name, and of nothing that all objects have. */
export function listed(behaviours: RemoteBehaviours, name: string): RemoteBehaviour | undefined {
  return Object.hasOwn(behaviours, name) ? behaviours[name] : undefined;
}

/** Lists a behaviour, with the types of its arguments. */
export function remoteBehaviour<A extends readonly unknown[]>(
  behaviour: Startable<never, A>,
  args: (args: readonly unknown[]) => readonly [...NoInfer<A>],
  allow?: RemoteBehaviour["allow"],
): RemoteBehaviour {
  return {
    behaviour: behaviour as Startable<never, never>,
    args: args as RemoteBehaviour["args"],
    ...(allow && { allow }),
  };
}
