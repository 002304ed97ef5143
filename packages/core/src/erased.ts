/**
 * Types of messages, erased.
 *
 * What users see is generic in the messages; what stands behind it handles them all alike. Where one
 * is the other's implementation the compiler compares them with `any` in the place of the messages: it
 * still sees each method, its parameters and its result.
 */
import type { Body, Handler } from "./body.js";
import type { Pid } from "./pid.js";
import type { Startable } from "./start.js";

// oxlint-disable-next-line typescript/no-explicit-any
export type Erased = any;

export type ErasedPid = Pid<Erased>;

export type ErasedBody = Body<Erased, Erased>;

export type ErasedHandler = Handler<Erased, Erased, Erased>;

export type ErasedProgram = ErasedBody | ErasedHandler;

/** Which messages are wanted. */
export type ErasedGuard = (message: Erased) => boolean;

export type ErasedStartable = Startable<Erased, Erased>;
