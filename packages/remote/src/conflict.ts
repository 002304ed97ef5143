/**
 * Name conflicts: two connections for one name, of which at most one may become a session. Pure.
 *
 * Decided when the peer has proved who it is, before it is let in, so that nobody who only claims a name
 * can disturb who has it.
 */
import type { Role } from "./handshake-message.js";
import type { NodeLife } from "./term.js";
import { CLOSE_CODES, type CloseCode } from "./wire-signal.js";

/** What there is already with a peer of that name. */
export type Standing =
  | { readonly type: "nothing" }
  /** Our own dial has told it who we are, and was not answered yet. */
  | { readonly type: "dialling" }
  /** A session is open, with that life of it. */
  | { readonly type: "open"; readonly incarnation: number; readonly role: Role };

export type Decision =
  | { readonly type: "accept" }
  /** End the old session, whether it lives or not, and accept. */
  | { readonly type: "replace"; readonly code: CloseCode; readonly text: string }
  | { readonly type: "refuse"; readonly code: CloseCode; readonly text: string }
  /** Ask the old session whether it lives: if so refuse with this, else end it and accept. */
  | { readonly type: "probe"; readonly code: CloseCode; readonly text: string };

/** What a client is told that wants the name of a node. */
export const CLIENT_REFUSED: Decision & { readonly type: "refuse" } = {
  type: "refuse",
  code: CLOSE_CODES.NAME_TAKEN,
  text: "that is the name of a node",
};

/** What is told to a node whose name another one has. */
export const ANOTHER_LIFE: { readonly code: CloseCode; readonly text: string } = Object.freeze({
  code: CLOSE_CODES.NAME_TAKEN,
  text: "another node has that name",
});

/**
 * One who dialled us has proved to be `peer`.
 *
 * | standing | decision |
 * | --- | --- |
 * | it is called as we are | refuse: NAME_TAKEN |
 * | nothing | accept |
 * | it is a node, and a client has a session under its name | replace: what is for the node shall not go to a client |
 * | it is a client, and we are dialling the node of that name | refuse: NAME_TAKEN |
 * | we are dialling it, our name is the smaller one | refuse: DUPLICATE, our own connection is kept |
 * | we are dialling it, its name is the smaller one | accept; it refuses ours |
 * | a session with this life of it | probe; if it lives, refuse: DUPLICATE |
 * | a session with another life of it | probe; if it lives, refuse: NAME_TAKEN |
 */
export function decideConflict(
  home: NodeLife,
  peer: NodeLife,
  role: Role,
  standing: Standing,
): Decision {
  if (peer.name === home.name) {
    return { type: "refuse", code: CLOSE_CODES.NAME_TAKEN, text: "that is my own name" };
  }
  switch (standing.type) {
    case "nothing":
      return { type: "accept" };
    case "dialling":
      if (role === "client") return CLIENT_REFUSED;
      return home.name < peer.name
        ? { type: "refuse", code: CLOSE_CODES.DUPLICATE, text: "my own connection is kept" }
        : { type: "accept" };
    case "open":
      if (role === "node" && standing.role === "client") {
        const text = "a node has that name";
        return { type: "replace", code: CLOSE_CODES.NAME_TAKEN, text };
      }
      return standing.incarnation === peer.incarnation
        ? { type: "probe", code: CLOSE_CODES.DUPLICATE, text: "there is a session already" }
        : { type: "probe", ...ANOTHER_LIFE };
    default:
      return standing satisfies never;
  }
}

/** A connection that is a session, or has all that one needs. */
export interface Rival {
  readonly incarnation: number;
  readonly role: Role;
}

/** What becomes of the session that is there when another is ready: it stays, or makes way for this reason. */
export type RivalDecision =
  | { readonly type: "replace"; readonly code: CloseCode; readonly text: string }
  | { readonly type: "refuse"; readonly code: CloseCode; readonly text: string };

/**
 * A session with a peer is ready, and another one is open under its name. Both have proved to have it.
 *
 * | rivals | decision |
 * | --- | --- |
 * | the open one is of a client, the other of a node | replace: NAME_TAKEN |
 * | we have dialled another life of it: the open one was asked whether it lives, in vain | replace: SILENCE |
 * | the smaller name has dialled the new one | replace: DUPLICATE |
 * | the smaller name has not | refuse: DUPLICATE |
 */
export function decideRivalry(
  home: NodeLife,
  peer: NodeLife,
  role: Role,
  isDialler: boolean,
  open: Rival,
): RivalDecision {
  if (open.role === "client" && role === "node") {
    return { type: "replace", code: CLIENT_REFUSED.code, text: CLIENT_REFUSED.text };
  }
  if (isDialler && open.incarnation !== peer.incarnation) {
    const text = "it does not answer, and another life of it is there";
    return { type: "replace", code: CLOSE_CODES.SILENCE, text };
  }
  return isDialler === home.name < peer.name
    ? { type: "replace", code: CLOSE_CODES.DUPLICATE, text: "another connection is kept" }
    : { type: "refuse", code: CLOSE_CODES.DUPLICATE, text: "there is a session already" };
}
