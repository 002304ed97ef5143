/** What the processes of all kinds of supervisors have in common. */
import {
  isRef,
  type AnyPid,
  type ExitReason,
  type From,
  type Pid,
  type Starter,
  type StartOptions,
  type StartResult,
} from "@coppice/core";
import { BehaviourProcess, type BehaviourSelf } from "./behaviour.js";
import type { SupervisorView } from "./child-info.js";
import type { CheckedChildSpec, Shutdown } from "./child-spec.js";
import { launchProgram, startChildProcess } from "./child-start.js";
import { replyCloneable, sendCloneable } from "./cloneable.js";
import { UnknownRequestError } from "./errors.js";
import { fieldsOf, glance } from "./glance.js";
import { shutDown, type Meanwhile } from "./shutdown.js";
import type { SupervisorReported } from "./supervisor-message.js";
import { formatSupervisorReport, levelOf } from "./supervisor-report-text.js";
import type { SupervisorReport } from "./supervisor-report.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";

/** Who gets the reports of a supervisor, and of those defined below it. */
export type ReportTo = Pid<SupervisorReported> | undefined;

/** A kind of supervisors, of whatever protocol and arguments. */
export abstract class SupervisorBehaviour {
  readonly childType = "supervisor";
  readonly behaviour = "supervisor";

  /** What a process of it would start with; `undefined` where its children are made at run time. */
  plannedSpec(_args: readonly unknown[]): CheckedSupervisorSpec | "ignore" | undefined {
    return undefined;
  }

  /** Starts a process of it that tells `reportTo` what it does. */
  abstract launch(
    starter: Starter,
    options: StartOptions<never>,
    args: readonly unknown[],
    reportTo: ReportTo,
  ): Promise<StartResult>;
}

/** A call, as far as that is known of a message. */
interface AnyCall {
  readonly request: unknown;
  readonly from: From<never>;
}

export abstract class SupervisorBase extends BehaviourProcess {
  override readonly kind = "supervisor";
  protected override readonly orphanIsOwnParent = false;
  readonly #reportTo: ReportTo;
  readonly #path: string;
  #waiting: Pick<SupervisorView, "activity" | "waitingFor" | "sinceMs" | "killInMs"> | undefined;

  constructor(self: BehaviourSelf, parent: AnyPid | undefined, reportTo: ReportTo) {
    super(self, parent);
    this.#reportTo = reportTo;
    this.#path = self.processInfo(self.pid)?.path ?? String(self.pid);
    self.trapExits();
  }

  /** Answers a request. */
  protected abstract answer(request: never, from: From<never>): Promise<void> | undefined;
  /** Is it a request that it understands? */
  protected abstract understands(request: unknown): boolean;
  protected abstract view(): SupervisorView;
  /** A process ended, or what was put off is due. */
  protected abstract signalled(message: object): Promise<void> | undefined;

  protected override message(message: unknown): Promise<void> | undefined {
    const call = callIn(message);
    if (call !== undefined) {
      const { request, from } = call;
      const fields = fieldsOf(request);
      if (fields !== undefined && this.understands(fields)) {
        // What it understands is for those to say who answer it.
        return this.answer(fields as never, from);
      }
      const expected = "one that supervisors understand, with all its fields";
      this.self.refuse(from, new UnknownRequestError(this.self.pid, expected, request));
      return undefined;
    }
    const signal = fieldsOf(message);
    // A late `Down` of a child that was stopped needs nobody.
    if (signal?.["type"] === "down") return undefined;
    if (signal?.["type"] === "exit" || signal?.["type"] === "restartDue") {
      return this.signalled(signal);
    }
    this.self.unhandled(message);
    return undefined;
  }

  protected reply(from: From<never>, value: unknown): undefined {
    replyCloneable(this.self, from, value);
    return undefined;
  }

  /** What it waits for just now. */
  protected waiting(): Pick<SupervisorView, "activity" | "waitingFor" | "sinceMs" | "killInMs"> {
    const idle = { activity: "idle", waitingFor: undefined } as const;
    if (this.#waiting === undefined) return { ...idle, sinceMs: undefined, killInMs: undefined };
    const { killInMs, sinceMs = 0 } = this.#waiting;
    const lastedMs = this.self.now() - sinceMs;
    return {
      ...this.#waiting,
      killInMs: killInMs === undefined ? undefined : Math.max(0, killInMs - lastedMs),
    };
  }

  /** Starts a child. A promise comes back only when that takes time. */
  protected startOne(
    spec: CheckedChildSpec,
    incarnation: number | undefined,
  ): StartResult | Promise<StartResult> {
    const { program, args } = spec;
    // A supervisor below this one reports to the same process.
    const below = program instanceof SupervisorBehaviour ? program : undefined;
    const launch: typeof launchProgram = (starter, _spec, options) =>
      below === undefined
        ? launchProgram(starter, spec, options)
        : below.launch(starter, options, args, this.#reportTo);
    const result = startChildProcess(this.self, spec, incarnation, launch);
    if (!(result instanceof Promise)) return result;
    return this.during("starting", spec.id, undefined, () => result);
  }

  /** Stops a child, and tells why it ended. Goes on showing what it does meanwhile. */
  protected stopOne(id: string, pid: AnyPid, shutdown: Shutdown): Promise<ExitReason> {
    const killInMs = typeof shutdown === "number" ? shutdown : undefined;
    return this.during("stopping", id, killInMs, () =>
      shutDown(this.self, pid, shutdown, this.meanwhile),
    );
  }

  protected async during<T>(
    activity: "starting" | "stopping",
    waitingFor: string,
    killInMs: number | undefined,
    act: () => Promise<T>,
  ): Promise<T> {
    this.#waiting = { activity, waitingFor, sinceMs: this.self.now(), killInMs };
    try {
      return await act();
    } finally {
      this.#waiting = undefined;
    }
  }

  /** What is answered in the middle of a stop. */
  protected readonly meanwhile: Meanwhile = {
    accepts: (message) => fieldsOf(callIn(message)?.request)?.["type"] === "view",
    handle: (message) => {
      const call = callIn(message);
      if (call !== undefined) this.reply(call.from, this.view());
    },
  };

  protected report(report: SupervisorReport): void {
    const reportTo = this.#reportTo;
    const { self } = this;
    const reported: SupervisorReported = {
      type: "supervisorReport",
      supervisor: self.pid,
      path: this.#path,
      report,
    };
    self.report({
      // Who is told of it himself says what is to be said.
      level: reportTo === undefined ? levelOf(report) : "info",
      data: reported,
      format: () => formatSupervisorReport(reported),
    });
    if (reportTo !== undefined) sendCloneable(reported, (sent) => self.send(reportTo, sent));
  }
}

function callIn(message: unknown): AnyCall | undefined {
  const { type, request, from } = fieldsOf(message) ?? {};
  if (type !== "call" || glance(() => isRef(from)) !== true) return undefined;
  return { request, from: from as From<never> };
}
