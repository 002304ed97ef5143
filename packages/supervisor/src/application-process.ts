/**
 * The process above the tree of an application, which OTP calls the application master: it starts the
 * tree and stops it.
 *
 * This is the shell. What to do is decided in `application-decision.ts`; here it is done.
 *
 * OTP: https://www.erlang.org/doc/man/application.html
 */
import {
  DeadProcessError,
  isCrash,
  isEnd,
  name as nameToken,
  NameTakenError,
  StartError,
  ThrownValueError,
  type AnyPid,
  type Down,
  type Exit,
  type ExitReason,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import {
  decideApplication,
  INITIAL_STATE,
  type ApplicationAction,
  type ApplicationEvent,
  type ApplicationState,
  type Failure,
} from "./application-decision.js";
import type { ApplicationCallback, ResolvedApplication } from "./application-definition.js";
import type { ApplicationEnd, Holder, StopCause } from "./application-end.js";
import { findHolders, holderOf } from "./application-holders.js";
import { ApplicationJournal } from "./application-journal.js";
import { describeHolder, isHarmless } from "./application-report.js";
import { ApplicationTeller, type ApplicationLogger } from "./application-teller.js";
import { explainShutdown } from "./explain-shutdown.js";
import { typeOf, type SupervisorPid, type SupervisorReported } from "./supervisor-message.js";
import { startSupervisor } from "./supervisor.js";

/** How long a supervisor may take to say what it waits for. */
const ANSWER_MS = 200;

/** An application whose process has been spawned. */
export interface LaunchedApplication {
  readonly pid: AnyPid;
  /** Rejects with a `StartError`. */
  readonly started: Promise<SupervisorPid>;
  /** Resolves once it has started and stopped, or was stopped while it started; else never. */
  readonly ended: Promise<ApplicationEnd>;
  /** When it began to stop, on the node's clock; `undefined` before. */
  readonly stopMs: number | undefined;
  stop(cause: StopCause): void;
  /** What it waits for; nothing when it has ended. */
  holders(): readonly Holder[];
  /** The place of a process in the tree; `undefined` outside it. */
  pathOf(pid: AnyPid): string | undefined;
  /** Calls `then` when all that supervisors have reported until now is known: who was started, say. */
  caughtUp(then: () => void): void;
}

/**
 * Spawns the process above the tree, which starts the tree.
 *
 * @throws StartError it runs on this node already
 */
export function launchApplication(
  node: Node,
  application: ResolvedApplication,
  deadlineMs: number,
  logger: ApplicationLogger | undefined,
): LaunchedApplication {
  return new Application(node, application, deadlineMs, logger);
}

interface CallbackDone {
  readonly type: "callbackDone";
  readonly callback: "prepStop" | "stop";
  readonly down: Down;
}

type Inbox =
  | SupervisorReported
  | Exit
  /** Something is in `Application.#events`. */
  | { readonly type: "applicationEvent" }
  /** What stands before it in the mailbox is done. */
  | { readonly type: "applicationCaughtUp" }
  | { readonly type: "applicationHalfTime" | "applicationDeadline" }
  | CallbackDone;

class Application implements LaunchedApplication {
  readonly pid: Pid<Inbox>;
  readonly started: Promise<SupervisorPid>;
  readonly ended: Promise<ApplicationEnd>;
  stopMs: number | undefined;

  readonly #node: Node;
  readonly #application: ResolvedApplication;
  readonly #deadlineMs: number;
  readonly #teller: ApplicationTeller;
  readonly #journal: ApplicationJournal;
  /** Its own process, while that is alive. */
  #self: Self<Inbox> | undefined;
  #state: ApplicationState = INITIAL_STATE;
  /** What `start` of the application returned, and `prepStop` after it. */
  #applicationState: unknown;
  /** What its own process is to be told; not as messages, for they could not carry everything. */
  readonly #events: ApplicationEvent[] = [];
  /** Who waits until it has caught up, oldest first. */
  readonly #waiting: (() => void)[] = [];
  #supervisor: SupervisorPid | undefined;
  #callback: AnyPid | undefined;
  #end: ApplicationEnd | undefined;
  #hasStarted!: (supervisor: SupervisorPid) => void;
  #hasNotStarted!: (error: StartError) => void;
  #hasEnded!: (end: ApplicationEnd) => void;

  constructor(
    node: Node,
    application: ResolvedApplication,
    deadlineMs: number,
    logger: ApplicationLogger | undefined,
  ) {
    this.#node = node;
    this.#application = application;
    this.#deadlineMs = deadlineMs;
    this.#teller = new ApplicationTeller(application.name, logger);
    this.#journal = new ApplicationJournal(application.name);
    this.started = new Promise((resolve, reject) => {
      this.#hasStarted = resolve;
      this.#hasNotStarted = reject;
    });
    // Whoever does not wait for the start hears of its end.
    this.started.catch(() => undefined);
    this.ended = new Promise((resolve) => (this.#hasEnded = resolve));
    this.pid = this.#spawn();
    void node.whenExited(this.pid).then((reason) => this.#gone(reason));
  }

  stop(cause: StopCause): void {
    this.#post({ type: "stop", cause });
  }

  holders(): readonly Holder[] {
    const { phase } = this.#state;
    const { name } = this.#application;
    const node = this.#node;
    switch (phase) {
      case "ended":
        return [];
      case "preparing":
        return [holderOf(node, `${name} prepStop`, this.#callback)];
      case "cleaning":
        return [holderOf(node, `${name} stop`, this.#callback)];
      case "starting":
      case "running":
      case "stopping": {
        const { root } = this.#journal;
        if (root === undefined) return [holderOf(node, `${name} start`, undefined)];
        return findHolders(node, root, (pid) => this.pathOf(pid));
      }
      default:
        return phase satisfies never;
    }
  }

  pathOf(pid: AnyPid): string | undefined {
    return this.#journal.pathOf(this.#node, pid);
  }

  caughtUp(then: () => void): void {
    if (this.#state.phase === "ended") return then();
    this.#waiting.push(then);
    this.#node.send(this.pid, { type: "applicationCaughtUp" });
  }

  #spawn(): Pid<Inbox> {
    const { name } = this.#application;
    const body = (self: Self<Inbox>): Promise<void> => this.#run(self);
    try {
      const token = nameToken<Inbox>(`application:${name}`);
      // The path of the tree begins with its topmost supervisor.
      return this.#node.spawnOpt({ name: token, label: "" }, body);
    } catch (error) {
      if (!(error instanceof NameTakenError)) throw error;
      throw new StartError(name, { alreadyStarted: error.holder });
    }
  }

  /** The body of its process. */
  async #run(self: Self<Inbox>): Promise<void> {
    this.#self = self;
    self.trapExits();
    void this.#start(self);
    while (this.#state.phase !== "ended") this.#handle(self, await self.receive());
  }

  async #start(self: Self<Inbox>): Promise<void> {
    try {
      const start = await this.#application.start();
      const { tree, state } = "tree" in start ? start : { tree: start, state: undefined };
      this.#applicationState = state;
      // What was told to stop before there was a tree has none.
      if (this.#state.cause !== undefined) throw new StartError(this.#application.name, "shutdown");
      const options = { label: this.#application.name, reportTo: self.pid };
      const starting = startSupervisor(self, tree, options);
      // The only link of this process. Its pid is known to nobody else before it has started.
      this.#journal.root = self.processInfo(self.pid)?.links[0];
      this.#supervisor = await starting;
      this.#post({ type: "started" });
    } catch (error) {
      this.#post({ type: "startFailed", reason: reasonOf(error) });
    }
  }

  /** Something has happened; its process will look at it. To a dead one nothing happens any more. */
  #post(event: ApplicationEvent): void {
    this.#events.push(event);
    this.#node.send(this.pid, { type: "applicationEvent" });
  }

  #handle(self: Self<Inbox>, message: Inbox): void {
    switch (typeOf(message)) {
      case "applicationEvent":
        for (const event of this.#events.splice(0)) this.#on(self, event);
        break;
      case "applicationCaughtUp":
        this.#waiting.shift()?.();
        break;
      case "applicationDeadline":
        this.#on(self, { type: "deadline", holders: this.holders() });
        break;
      case "applicationHalfTime":
        void this.#explain(self);
        break;
      case "callbackDone":
        this.#callbackDone(self, message as CallbackDone);
        break;
      case "supervisorReport":
        this.#reported(self, message as SupervisorReported);
        break;
      case "exit":
        this.#exited(self, message as Exit);
        break;
      default:
        // Whatever somebody sends: ignored.
        break;
    }
  }

  #callbackDone(self: Self<Inbox>, { callback, down }: CallbackDone): void {
    this.#callback = undefined;
    const { reason } = down;
    this.#returned(self, callback, reason === "normal" ? undefined : { reason });
  }

  #returned(self: Self<Inbox>, callback: "prepStop" | "stop", failure: Failure): void {
    this.#on(self, { type: callback === "prepStop" ? "prepared" : "cleaned", failure });
  }

  #reported(self: Self<Inbox>, reported: SupervisorReported): void {
    if (typeOf(reported.report) === undefined) return;
    this.#journal.record(reported);
    const { supervisor, report } = reported;
    const { name } = this.#application;
    const above = this.#journal.pathOf(self, supervisor) ?? name;
    const { phase, cause } = this.#state;
    // A child that does not start keeps its application from starting, which is told once.
    if (phase !== "starting" || report.type !== "startFailed") {
      const stopping = cause !== undefined;
      this.#teller.tell(this.#self, {
        type: "supervisorReport",
        reported: { ...reported, path: above },
        stopping,
      });
    }
    if (report.type !== "shutdownFailed" || isHarmless(report.reason)) return;
    const { id, pid, reason } = report;
    const path = `${above}/${id}`;
    const problem = { type: "shutdownFailed", path, pid, reason } as const;
    this.#on(self, { type: "shutdownFailed", problem });
  }

  #exited(self: Self<Inbox>, { from, reason }: Exit): void {
    // As any process spawned from outside, it is told so when its node stops.
    if (from === this.#node.pid) this.#on(self, { type: "stop", cause: { type: "requested" } });
    if (from !== this.#supervisor) return;
    const gaveUp = this.#journal.gaveUp(self);
    const inOrder = gaveUp.length === 0 && isHarmless(reason);
    const cause = inOrder
      ? ({ type: "ended", reason } as const)
      : ({ type: "failed", reason, gaveUp } as const);
    const path = this.#application.name;
    const problem = { type: "shutdownFailed", path, pid: from, reason } as const;
    this.#on(self, { type: "treeEnded", cause, problem });
  }

  #on(self: Self<Inbox>, event: ApplicationEvent): void {
    const { state, actions } = decideApplication(this.#state, event);
    this.#state = state;
    for (const action of actions) this.#carryOut(self, action);
  }

  #carryOut(self: Self<Inbox>, action: ApplicationAction): void {
    const { name } = this.#application;
    switch (action.type) {
      case "acknowledge":
        if (this.#supervisor === undefined) return;
        this.#teller.tell(this.#self, { type: "started", supervisor: this.#supervisor });
        this.#hasStarted(this.#supervisor);
        break;
      case "refuseStart":
        if (this.#state.cause === undefined) {
          this.#teller.tell(this.#self, { type: "startFailed", reason: action.reason });
        }
        this.#hasNotStarted(new StartError(name, action.reason));
        break;
      case "beginStop":
        this.stopMs = self.now();
        if (this.#deadlineMs !== Infinity) {
          self.sendAfter(self.pid, this.#deadlineMs / 2, { type: "applicationHalfTime" });
          self.sendAfter(self.pid, this.#deadlineMs, { type: "applicationDeadline" });
        }
        this.#teller.tell(this.#self, {
          type: "stopping",
          cause: action.cause,
          deadlineMs: this.#deadlineMs,
        });
        break;
      case "prepare":
        this.#call(self, "prepStop", this.#application.prepStop, (next) => {
          if (next !== undefined) this.#applicationState = next;
        });
        break;
      case "stopTree": {
        const { root } = this.#journal;
        if (root !== undefined) self.exit(root, "shutdown");
        break;
      }
      case "clean":
        this.#call(self, "stop", this.#application.stop, () => undefined);
        break;
      case "kill":
        this.#kill(self);
        break;
      case "finish":
        this.#teller.tell(this.#self, { type: "stopped", end: action.end });
        this.#end = action.end;
        break;
      default:
        action satisfies never;
    }
  }

  /** Calls back in a process of its own, so that neither its failure nor its taking for ever is ours. */
  #call(
    self: Self<Inbox>,
    callback: "prepStop" | "stop",
    run: ApplicationCallback | undefined,
    returned: (value: unknown) => void,
  ): void {
    if (run === undefined) return this.#returned(self, callback, undefined);
    const state = this.#applicationState;
    const body = async (below: Self<never>): Promise<void> => returned(await run(state, below));
    const { pid } = self.spawnOpt(
      {
        label: callback,
        monitor: (down: Down): Inbox => ({ type: "callbackDone", callback, down }),
      },
      body,
    );
    this.#callback = pid;
  }

  /** Half of the time to stop is over: whoever takes so long is named while it can still be looked at. */
  async #explain(self: Self<Inbox>): Promise<void> {
    const { root } = this.#journal;
    let lines = this.holders().map(describeHolder);
    if (root !== undefined && this.#callback === undefined) {
      try {
        const { state, text } = await explainShutdown(self, root, { timeoutMs: ANSWER_MS });
        if (state === "held") lines = text.split("\n");
      } catch (error) {
        // It has ended meanwhile.
        if (isEnd(error)) return;
        throw error;
      }
    }
    if (this.#state.phase !== "ended") this.#teller.tell(this.#self, { type: "slow", lines });
  }

  /** Kills all below this process: supervisors before their children, so that nothing is restarted. */
  #kill(self: Self<Inbox>): void {
    for (const pid of this.#node.processes()) {
      const isBelow = self.processInfo(pid)?.ancestors.includes(self.pid) === true;
      if (isBelow) self.exit(pid, "kill");
    }
  }

  /** Its process has ended. If that was not at the end, somebody killed it. */
  #gone(reason: ExitReason): void {
    this.#self = undefined;
    for (const then of this.#waiting.splice(0)) then();
    if (this.#end !== undefined) this.#hasEnded(this.#end);
    if (this.#state.phase === "ended") return;
    this.#state = { ...this.#state, phase: "ended" };
    this.#hasNotStarted(new StartError(this.#application.name, reason));
    const end: ApplicationEnd = { cause: { type: "failed", reason, gaveUp: [] }, problems: [] };
    this.#teller.tell(this.#self, { type: "stopped", end });
    this.#hasEnded(end);
  }
}

/** Why a start failed, from what was thrown. */
function reasonOf(thrown: unknown): ExitReason {
  if (thrown instanceof DeadProcessError) return "killed";
  const { code, reason } = Object(thrown) as { readonly code?: unknown; readonly reason?: unknown };
  if (code === "START_FAILED") return reason as ExitReason;
  const crash = { error: thrown as Error };
  return isCrash(crash) ? crash : { error: new ThrownValueError(thrown) };
}
