/**
 * The life of an application, decided: from what has happened to what is to be done.
 *
 * ```text
 * starting ─► running ─► preparing ─► stopping ─► cleaning ─► ended
 *    │                      └──(the tree has ended)──┘
 *    ├──(stop)───────────────────────► stopping
 *    └──(it failed)───────────────────────────────────────► ended
 * ```
 *
 * `preparing` is `prepStop`, `cleaning` is `stop`. As by OTP's application master both are called, one
 * after the other, also when the tree ends by itself: before it is stopped or when it has ended.
 *
 * OTP: https://www.erlang.org/doc/man/application.html
 */
import { isOrderly, type ExitReason } from "@coppice/core";
import type { ApplicationEnd, Holder, StopCause, StopProblem } from "./application-end.js";

export interface ApplicationState {
  readonly phase: "starting" | "running" | "preparing" | "stopping" | "cleaning" | "ended";
  /** Why it stops; from the moment on at which that is known. */
  readonly cause: StopCause | undefined;
  readonly problems: readonly StopProblem[];
  /** Nothing is left to be stopped; `stop` is called when `prepStop` has returned. */
  readonly treeHasEnded: boolean;
}

export const INITIAL_STATE: ApplicationState = {
  phase: "starting",
  cause: undefined,
  problems: [],
  treeHasEnded: false,
};

/** A callback's outcome: `undefined`, or why it failed. */
export type Failure = { readonly reason: ExitReason } | undefined;

export type ApplicationEvent =
  | { readonly type: "started" }
  | { readonly type: "startFailed"; readonly reason: ExitReason }
  | { readonly type: "stop"; readonly cause: StopCause }
  /** `cause` is why it stops if nobody has asked for it, `problem` what is wrong with it if somebody has. */
  | {
      readonly type: "treeEnded";
      readonly cause: Extract<StopCause, { readonly reason: ExitReason }>;
      readonly problem: StopProblem;
    }
  | { readonly type: "prepared"; readonly failure: Failure }
  | { readonly type: "cleaned"; readonly failure: Failure }
  /** A child was not stopped in order. */
  | { readonly type: "shutdownFailed"; readonly problem: StopProblem }
  | { readonly type: "deadline"; readonly holders: readonly Holder[] };

export type ApplicationAction =
  /** Whoever waits for the start is told. */
  | { readonly type: "acknowledge" }
  | { readonly type: "refuseStart"; readonly reason: ExitReason }
  /** The time it may take to stop begins. */
  | { readonly type: "beginStop"; readonly cause: StopCause }
  | { readonly type: "prepare" }
  | { readonly type: "stopTree" }
  | { readonly type: "clean" }
  /** Everything that is left is killed. */
  | { readonly type: "kill" }
  | { readonly type: "finish"; readonly end: ApplicationEnd };

export interface ApplicationDecision {
  readonly state: ApplicationState;
  readonly actions: readonly ApplicationAction[];
}

/** What an event means for an application. What comes too late, or a second time, means nothing. */
export function decideApplication(
  state: ApplicationState,
  event: ApplicationEvent,
): ApplicationDecision {
  const { phase, cause } = state;
  if (phase === "ended") return nothing(state);
  switch (event.type) {
    case "started":
      if (phase !== "starting") return nothing(state);
      // Its tree has been told to stop, and is about to.
      if (cause !== undefined)
        return go(state, "stopping", { type: "refuseStart", reason: "shutdown" });
      return go(state, "running", { type: "acknowledge" });
    case "startFailed":
      return phase === "starting" ? startFailed(state, event.reason) : nothing(state);
    case "stop":
      return stop(state, event.cause);
    case "prepared":
      if (phase !== "preparing") return nothing(state);
      return prepared(withFailure(state, "prepStop", event.failure));
    case "treeEnded":
      return treeEnded(state, event);
    case "cleaned":
      if (phase !== "cleaning") return nothing(state);
      return finish(withFailure(state, "stop", event.failure));
    case "shutdownFailed":
      // Children are also stopped while it runs, for a restart of others: that is no end of it.
      return nothing(cause === undefined ? state : withProblem(state, event.problem));
    case "deadline":
      return deadline(state, event.holders);
    default:
      return event satisfies never;
  }
}

function startFailed(state: ApplicationState, reason: ExitReason): ApplicationDecision {
  const refuse: ApplicationAction = { type: "refuseStart", reason };
  if (state.cause === undefined) return go(state, "ended", refuse);
  // It was told to stop before it had started; whatever started has stopped by now.
  const asAsked = reason === "shutdown";
  const finished = finish(asAsked ? state : withProblem(state, { type: "startFailed", reason }));
  return { state: finished.state, actions: [refuse, ...finished.actions] };
}

function stop(state: ApplicationState, cause: StopCause): ApplicationDecision {
  if (state.cause !== undefined) return nothing(state);
  const stopping = { ...state, cause };
  const begin: ApplicationAction = { type: "beginStop", cause };
  if (state.phase === "starting") {
    // The tree hears of it when the child that starts now has started, or has failed to.
    return { state: stopping, actions: [begin, { type: "stopTree" }] };
  }
  if (state.phase !== "running") return nothing(state);
  return go(stopping, "preparing", begin, { type: "prepare" });
}

function prepared(state: ApplicationState): ApplicationDecision {
  return state.treeHasEnded
    ? go(state, "cleaning", { type: "clean" })
    : go(state, "stopping", { type: "stopTree" });
}

/** Both callbacks are called however the tree has ended, as in OTP. */
function treeEnded(
  state: ApplicationState,
  { cause, problem }: Extract<ApplicationEvent, { readonly type: "treeEnded" }>,
): ApplicationDecision {
  switch (state.phase) {
    case "running": {
      const ended = { ...state, cause, treeHasEnded: true };
      return go(ended, "preparing", { type: "beginStop", cause }, { type: "prepare" });
    }
    case "preparing":
    case "stopping": {
      const asAsked = isOrderly(cause.reason) && cause.type === "ended";
      const ended = { ...(asAsked ? state : withProblem(state, problem)), treeHasEnded: true };
      return state.phase === "preparing"
        ? nothing(ended)
        : go(ended, "cleaning", { type: "clean" });
    }
    case "starting":
    case "cleaning":
    case "ended":
      return nothing(state);
    default:
      return state.phase satisfies never;
  }
}

function deadline(state: ApplicationState, holders: readonly Holder[]): ApplicationDecision {
  if (state.cause === undefined || holders.length === 0) return nothing(state);
  const stuck = holders.map((holder): StopProblem => ({ type: "stuck", ...holder }));
  const finished = finish({ ...state, problems: [...state.problems, ...stuck] });
  const refuse: readonly ApplicationAction[] =
    state.phase === "starting" ? [{ type: "refuseStart", reason: "killed" }] : [];
  return { state: finished.state, actions: [{ type: "kill" }, ...refuse, ...finished.actions] };
}

function finish(state: ApplicationState): ApplicationDecision {
  const { cause, problems } = state;
  if (cause === undefined) return nothing(state);
  return go(state, "ended", { type: "finish", end: { cause, problems } });
}

function withFailure(
  state: ApplicationState,
  callback: "prepStop" | "stop",
  failure: Failure,
): ApplicationState {
  if (failure === undefined) return state;
  return withProblem(state, { type: "callbackFailed", callback, reason: failure.reason });
}

function withProblem(state: ApplicationState, problem: StopProblem): ApplicationState {
  return { ...state, problems: [...state.problems, problem] };
}

function go(
  state: ApplicationState,
  phase: ApplicationState["phase"],
  ...actions: readonly ApplicationAction[]
): ApplicationDecision {
  return { state: { ...state, phase }, actions };
}

function nothing(state: ApplicationState): ApplicationDecision {
  return { state, actions: [] };
}
