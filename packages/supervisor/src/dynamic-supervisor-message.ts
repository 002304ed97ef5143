/** What a dynamic supervisor understands. */
import type { AnyPid, Call, Pid } from "@coppice/core";
import type { ChildSpecInfo } from "./child-info.js";
import type { Started, StartFailed } from "./child-request.js";
import type { SupervisorQuery } from "./supervisor-message.js";

/** What comes of a child that is started by template. */
export type StartDynamicChildResult<M = never> =
  | Started<M>
  | StartFailed
  /** There are as many as `maxChildren` allows. */
  | { readonly ok: false; readonly error: "max_children" };

/** What comes of stopping one of them; `simple_one_for_one` when it is asked for by an id, which none has. */
export type TerminateDynamicChildResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: "not_found" | "simple_one_for_one" };

export type StartDynamicChild<M, A extends readonly unknown[]> = Call<
  { readonly type: "startChild"; readonly args: A },
  StartDynamicChildResult<M>
>;

export type TerminateDynamicChild = Call<
  { readonly type: "terminateChild"; readonly pid: AnyPid },
  TerminateDynamicChildResult
>;

export type SpecOfDynamicChild = Call<
  { readonly type: "getChildSpec"; readonly pid: AnyPid },
  ChildSpecInfo | undefined
>;

/** What may be sent to a dynamic supervisor; the functions that take its pid do that. */
export type DynamicSupervisorMessage<M = never, A extends readonly unknown[] = never> =
  StartDynamicChild<M, A> | TerminateDynamicChild | SpecOfDynamicChild | SupervisorQuery;

/** The pid of a dynamic supervisor whose children understand `M` and are started with `A`. */
export type DynamicSupervisorPid<M = never, A extends readonly unknown[] = never> = Pid<
  DynamicSupervisorMessage<M, A>
>;
