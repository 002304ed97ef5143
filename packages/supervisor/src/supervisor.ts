/**
 * Supervisors: processes that start, watch, restart and stop other processes.
 *
 * This is the shell. What to do is decided in `decision.ts`; here it is done.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import {
  InvalidArgumentError,
  isPid,
  isRef,
  type AnyPid,
  type Exit,
  type ExitReason,
  type From,
  type Name,
  type Pid,
  type ReplyOf,
  type Self,
  type SpawnOptions,
} from "@coppice/core";
import {
  childInfo,
  childSpecInfo,
  countChildren,
  type ChildInfo,
  type SupervisorView,
} from "./child-info.js";
import type { CheckedChildSpec } from "./child-spec.js";
import { launchProgram, startChildProcess } from "./child-start.js";
import { sendCloneable } from "./cloneable.js";
import type { ChildReply } from "./child-request.js";
import type { ChildState } from "./child-state.js";
import { decide } from "./decision.js";
import type { SupervisorAction, SupervisorEvent } from "./supervisor-event.js";
import { initialState, type SupervisorState } from "./supervisor-state.js";
import { StartError } from "./errors.js";
import { shutDown } from "./shutdown.js";
import {
  isProcess,
  startAndWait,
  type Startable,
  type StartResult,
  type Starter,
} from "./start.js";
import {
  typeOf,
  type SupervisorInbox,
  type SupervisorMessage,
  type SupervisorPid,
  type SupervisorReported,
} from "./supervisor-message.js";
import {
  checkSupervisorSpec,
  type CheckedSupervisorSpec,
  type SupervisorSpec,
} from "./supervisor-spec.js";

/** A supervisor that can be started any number of times, also as a child of another. */
export interface SupervisorDefinition<A extends readonly unknown[] = []> extends Startable<
  SupervisorMessage,
  A
> {
  readonly childType: "supervisor";
  /** What it starts with, checked; `"ignore"` for not at all. Asked at each start. */
  init(...args: A): CheckedSupervisorSpec | "ignore";
}

/** How a supervisor is started. */
export interface StartSupervisorOptions {
  /** Registers it. */
  readonly name?: Name<SupervisorMessage>;
  /** What people call it, in reports; `"supervisor"` by default. */
  readonly label?: string;
  /** Gets the reports of this supervisor and of those defined below it. */
  readonly reportTo?: Pid<SupervisorReported>;
}

/**
 * Defines a supervisor: a tree as data, or a function that returns one each time the supervisor starts.
 *
 * @throws InvalidChildSpecError a field is not as it has to be; for a function, when it is started
 * @example
 * import { child, defineSupervisor } from "@coppice/supervisor";
 * import type { Self } from "@coppice/core";
 * async function worker(self: Self<string>) { for (;;) await self.receive(); }
 * const workers = defineSupervisor({ intensity: 3, children: [child("a", worker), child("b", worker)] });
 * const app = defineSupervisor({ strategy: "rest_for_one", children: [child("workers", workers)] });
 * @see https://www.erlang.org/doc/man/supervisor.html#Module:init-1
 */
export function defineSupervisor<A extends readonly unknown[] = []>(
  specOrInit: SupervisorSpec | ((...args: A) => SupervisorSpec | "ignore"),
): SupervisorDefinition<A> {
  if (typeof specOrInit !== "function") {
    const checked = checkSupervisorSpec(specOrInit);
    return new Definition<A>(() => checked);
  }
  return new Definition<A>((...args) => {
    const spec = specOrInit(...args);
    return spec === "ignore" ? spec : checkSupervisorSpec(spec);
  });
}

/**
 * Starts a supervisor and its children, in order. Resolves when all have started.
 *
 * Started by a process it is linked to it, and ends with it; the process is its parent. It ends in
 * order, last child first, on an exit signal of its parent or of the node (`node.exit`, `node.stop`);
 * those of others it ignores, but for `"kill"`.
 *
 * @param starter the `self` of the process that starts it, or the node
 * @throws StartError a child did not start: those before it were stopped again. As in OTP, a process
 * that starts it and does not trap exits gets the supervisor's exit signal, too
 * @throws NameTakenError somebody holds `options.name`
 * @example
 * import { createNode } from "@coppice/core";
 * import { child, defineSupervisor, startSupervisor, whichChildren } from "@coppice/supervisor";
 * const node = createNode();
 * const tree = defineSupervisor({ children: [child("echo", async (self) => { await self.receive(); })] });
 * const supervisor = await startSupervisor(node, tree);
 * (await whichChildren(node, supervisor)).map((child) => child.id); // => ["echo"]
 * await node.stop();
 * @see https://www.erlang.org/doc/man/supervisor.html#start_link-2
 */
export async function startSupervisor<A extends readonly unknown[] = []>(
  starter: Starter,
  definition: SupervisorDefinition<A>,
  options: StartSupervisorOptions = {},
  ...args: A
): Promise<SupervisorPid> {
  checkOptions(options);
  const { name, label = "supervisor", reportTo } = options;
  const spawnOptions: SpawnOptions<SupervisorMessage> = {
    label,
    ...(isProcess(starter) && { link: true }),
    ...(name && { name }),
  };
  const result = await launch(starter, spawnOptions, definition, args, reportTo);
  if (result === "ignore") throw new StartError(label, "ignore");
  if ("error" in result) throw new StartError(label, result.error);
  return result.pid;
}

function checkOptions(options: StartSupervisorOptions): void {
  for (const key of Object.keys(options)) {
    if (["name", "label", "reportTo"].includes(key)) continue;
    const expected = "made of name, label, reportTo";
    throw new InvalidArgumentError("startSupervisor: options", expected, options);
  }
  const { reportTo } = options;
  if (reportTo !== undefined && !isPid(reportTo)) {
    throw new InvalidArgumentError("startSupervisor: options.reportTo", "a pid", reportTo);
  }
}

class Definition<A extends readonly unknown[]> implements SupervisorDefinition<A> {
  readonly childType = "supervisor";
  readonly #init: (...args: A) => CheckedSupervisorSpec | "ignore";

  constructor(init: (...args: A) => CheckedSupervisorSpec | "ignore") {
    this.#init = init;
  }

  init(...args: A): CheckedSupervisorSpec | "ignore" {
    return this.#init(...args);
  }

  start(
    starter: Starter,
    options: SpawnOptions<SupervisorMessage>,
    ...args: A
  ): Promise<StartResult<SupervisorMessage>> {
    return launch(starter, options, this, args, undefined);
  }
}

type ReportTo = Pid<SupervisorReported> | undefined;

function launch<A extends readonly unknown[]>(
  starter: Starter,
  options: SpawnOptions<never>,
  definition: SupervisorDefinition<A>,
  args: A,
  reportTo: ReportTo,
): Promise<StartResult<SupervisorInbox>> {
  const init = (): CheckedSupervisorSpec | "ignore" => definition.init(...args);
  return startAndWait(
    starter,
    options as SpawnOptions<SupervisorInbox>,
    supervisor,
    init,
    starter.pid,
    reportTo,
  );
}

/** The body of every supervisor. */
async function supervisor(
  self: Self<SupervisorInbox>,
  init: () => CheckedSupervisorSpec | "ignore",
  parent: AnyPid,
  reportTo: ReportTo,
): Promise<void> {
  self.trapExits();
  const spec = init();
  if (spec !== "ignore") return new Supervisor(self, spec, parent, reportTo).run();
  const message = await self.receive(isStartCall);
  if (message.type === "call") self.reply(message.from as From<"ignore">, "ignore");
}

class Supervisor {
  readonly #self: Self<SupervisorInbox>;
  readonly #parent: AnyPid;
  readonly #reportTo: ReportTo;
  #state: SupervisorState;
  /** Who made the request that is being carried out, or the last one. */
  #requester: From<never> | undefined;
  #waiting: { readonly activity: "starting" | "stopping"; readonly id: string } | undefined;

  constructor(
    self: Self<SupervisorInbox>,
    spec: CheckedSupervisorSpec,
    parent: AnyPid,
    reportTo: ReportTo,
  ) {
    this.#self = self;
    this.#parent = parent;
    this.#reportTo = reportTo;
    this.#state = initialState(spec);
  }

  async run(): Promise<void> {
    await this.#on({ type: "boot" });
    for (;;) await this.#handle(await this.#self.receive());
  }

  #handle(message: SupervisorInbox): Promise<void> | undefined {
    switch (typeOf(message)) {
      case "exit":
        return isPid((message as Exit).from) ? this.#exited(message as Exit) : undefined;
      case "tryAgain": {
        const { id } = message as TryAgain;
        return this.#on({ type: "tryAgain", id, nowMs: this.#self.now() });
      }
      case "call":
        return isRequest(message) ? this.#answer(message as SupervisorMessage) : undefined;
      default:
        // A late `Down`, or whatever somebody sends: ignored, as in OTP.
        return undefined;
    }
  }

  #exited({ from, reason }: Exit): Promise<void> {
    if (this.#mayEnd(from)) return this.#on({ type: "terminate", reason });
    return this.#on({ type: "exited", pid: from, reason, nowMs: this.#self.now() });
  }

  /** Only its parent, and the node that all runs on, may end it in order. */
  #mayEnd(pid: AnyPid): boolean {
    return pid === this.#parent || pid === this.#self.node.pid;
  }

  #answer({ request, from }: SupervisorMessage): Promise<void> | undefined {
    const { children } = this.#state;
    switch (request.type) {
      case "startChild":
      case "restartChild":
      case "terminateChild":
      case "deleteChild":
        this.#requester = from;
        return this.#on({ type: "request", request });
      case "whichChildren":
        return this.#reply<"whichChildren">(from, children.map(childInfo));
      case "countChildren": {
        const isAlive = (pid: AnyPid): boolean => this.#self.isAlive(pid);
        return this.#reply<"countChildren">(from, countChildren(children, isAlive));
      }
      case "getChildSpec": {
        const child = children.find(({ id }) => id === request.id);
        return this.#reply<"getChildSpec">(from, child && childSpecInfo(child.spec));
      }
      case "view":
        return this.#reply<"view">(from, this.#view());
      case "awaitStart":
        return this.#reply<"awaitStart">(from, {});
      default:
        request satisfies never;
        return undefined;
    }
  }

  #reply<T extends RequestType>(
    from: From<never>,
    reply: ReplyOf<SupervisorMessage, Extract<Request, { readonly type: T }>>,
  ): undefined {
    sendCloneable(reply, (sent) => this.#self.reply(from as From<typeof reply>, sent));
  }

  #view(): SupervisorView {
    const { strategy, children, activity } = this.#state;
    const restarting = new Set(activity.type === "restarting" ? activity.ids : []);
    const viewOf = (child: ChildState): ChildInfo => {
      const info = childInfo(child);
      const waits = info.status === "stopped" && restarting.has(info.id);
      return waits ? { ...info, status: "restarting" } : info;
    };
    return {
      strategy,
      activity: this.#waiting?.activity ?? "idle",
      waitingFor: this.#waiting?.id,
      children: children.map(viewOf),
    };
  }

  /** Decides, acts, and goes on with the outcome of what took time. */
  async #on(event: SupervisorEvent): Promise<void> {
    for (let next: SupervisorEvent | undefined = event; next !== undefined;) {
      const { state, actions } = decide(this.#state, next);
      this.#state = state;
      next = undefined;
      for (const action of actions) {
        const outcome = this.#carryOut(action);
        next = outcome instanceof Promise ? await outcome : outcome;
      }
    }
  }

  #carryOut(
    action: SupervisorAction,
  ): Promise<SupervisorEvent | undefined> | SupervisorEvent | undefined {
    const self = this.#self;
    switch (action.type) {
      case "start":
        return this.#start(action.children);
      case "stop":
        return this.#stop(action.children);
      case "acknowledge":
        return this.#acknowledge();
      case "tryAgain":
        self.send(self.pid, { type: "tryAgain", id: action.id });
        return undefined;
      case "reply": {
        const to = this.#requester as From<ChildReply>;
        sendCloneable(action.result, (result) => self.reply(to, result));
        return undefined;
      }
      case "report": {
        const to = this.#reportTo;
        if (to === undefined) return undefined;
        const { report } = action;
        const message = { type: "supervisorReport", supervisor: self.pid, report } as const;
        sendCloneable(message, (sent) => self.send(to, sent));
        return undefined;
      }
      case "exit":
        return self.exit(action.reason);
      default:
        return action satisfies never;
    }
  }

  /** Its starter waits for this; if that is gone, it has to end. */
  async #acknowledge(): Promise<SupervisorEvent | undefined> {
    const message = await this.#self.receive(
      (next) => isStartCall(next) || (typeOf(next) === "exit" && this.#mayEnd((next as Exit).from)),
    );
    if (message.type === "exit") return { type: "terminate", reason: message.reason };
    if (message.type === "call") this.#reply<"awaitStart">(message.from, {});
    return undefined;
  }

  async #start(
    children: Extract<SupervisorAction, { type: "start" }>["children"],
  ): Promise<SupervisorEvent> {
    const results: { id: string; result: StartResult }[] = [];
    for (const { spec, incarnation } of children) {
      const { id } = spec;
      let result = this.#startChild(spec, incarnation);
      if (result instanceof Promise) {
        this.#waiting = { activity: "starting", id };
        result = await result;
        this.#waiting = undefined;
      }
      results.push({ id, result });
      if (typeof result === "object" && "error" in result) break;
    }
    return { type: "started", results };
  }

  #startChild(spec: CheckedChildSpec, incarnation: number): StartResult | Promise<StartResult> {
    const { program, args } = spec;
    // A definition below this one reports to the same process.
    const launchBelow: typeof launchProgram = (starter, _spec, options) =>
      launch(starter, options, program as Definition<unknown[]>, [...args], this.#reportTo);
    const launching = program instanceof Definition ? launchBelow : launchProgram;
    return startChildProcess(this.#self, spec, incarnation, launching);
  }

  async #stop(
    children: Extract<SupervisorAction, { type: "stop" }>["children"],
  ): Promise<SupervisorEvent> {
    const meanwhile = {
      accepts: isViewCall,
      handle: (message: SupervisorInbox): void => void this.#handle(message),
    };
    const exits: { id: string; reason: ExitReason }[] = [];
    for (const { id, pid, shutdown } of children) {
      this.#waiting = { activity: "stopping", id };
      exits.push({ id, reason: await shutDown(this.#self, pid, shutdown, meanwhile) });
    }
    this.#waiting = undefined;
    return { type: "stopped", exits };
  }
}

type Request = SupervisorMessage["request"];
type RequestType = Request["type"];
type TryAgain = Extract<SupervisorInbox, { readonly type: "tryAgain" }>;

/** Is it a call, of this or of any type? */
function isRequest(message: SupervisorInbox, type?: RequestType): boolean {
  if (typeOf(message) !== "call") return false;
  const { request, from } = message as SupervisorMessage;
  const requested = typeOf(request);
  return isRef(from) && requested !== undefined && requested === (type ?? requested);
}

function isStartCall(message: SupervisorInbox): boolean {
  return isRequest(message, "awaitStart");
}

function isViewCall(message: SupervisorInbox): boolean {
  return isRequest(message, "view");
}
