/** Rehearsals: the decisions of the supervisors of a tree, carried out on nothing. */
import {
  InvalidArgumentError,
  type AnyPid,
  type ExitReason,
  type StartResult,
} from "@coppice/core";
import type { CheckedChildSpec } from "./child-spec.js";
import { decide } from "./decision.js";
import type { PlanStep } from "./plan.js";
import { SupervisorBehaviour } from "./supervisor-base.js";
import type { SupervisorAction, SupervisorEvent } from "./supervisor-event.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";
import { find, initialState, type SupervisorState } from "./supervisor-state.js";

/** Something that is due at a time. */
interface Due {
  readonly atMs: number;
  readonly supervisor: Rehearsed;
  readonly event: Extract<SupervisorEvent, { readonly type: "restartDue" }>;
}

export class Rehearsal {
  readonly #steps: PlanStep[] = [];
  #nowMs = 0;
  #serial = 0;
  #due: Due[] = [];
  readonly #root: Rehearsed;

  constructor(tree: CheckedSupervisorSpec) {
    this.#root = new Rehearsed(this, "", undefined);
    this.#root.boot(tree);
    // How it came to be what it is belongs to no plan.
    this.#steps.length = 0;
  }

  get steps(): readonly PlanStep[] {
    return this.#steps;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  add(step: PlanStep): void {
    this.#steps.push(step);
  }

  nextPid(): AnyPid {
    return { node: "plan", incarnation: 0, serial: ++this.#serial };
  }

  /** Time passes; what is due meanwhile happens. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.supervisor.on({ ...next.event, nowMs: this.#nowMs });
    }
    if (endMs < Infinity) this.#nowMs = endMs;
  }

  /** All that is due happens. */
  finish(): void {
    this.advance(Infinity);
  }

  #nextDue(endMs: number): Due | undefined {
    const [first] = this.#due
      .filter(({ atMs, supervisor }) => atMs <= endMs && supervisor.isRunning)
      .sort((a, b) => a.atMs - b.atMs);
    if (first !== undefined) this.#due = this.#due.filter((due) => due !== first);
    return first;
  }

  later(due: Due): void {
    this.#due.push(due);
  }

  /** Calls it off; returns when it would have been. */
  callOff(supervisor: Rehearsed, generation: number): number {
    const isIt = (due: Due): boolean =>
      due.supervisor === supervisor && due.event.generation === generation;
    const atMs = this.#due.find(isIt)?.atMs ?? 0;
    this.#due = this.#due.filter((due) => !isIt(due));
    return atMs;
  }

  exit(path: string, reason: ExitReason): void {
    const { supervisor, id } = this.#placeOf(path);
    const pid = supervisor.pidOf(id);
    if (pid === undefined) {
      throw new InvalidArgumentError("plan: event.path", "that of a child that runs", path);
    }
    supervisor.childEnded(pid, reason);
    // As in OTP a second attempt comes after what has happened already.
    this.advance(0);
  }

  request(path: string, type: "terminateChild" | "restartChild"): void {
    const { supervisor, id } = this.#placeOf(path);
    supervisor.on({ type: "request", request: { type, id } });
    this.advance(0);
  }

  stop(): void {
    this.#root.end("shutdown");
  }

  #placeOf(path: string): { readonly supervisor: Rehearsed; readonly id: string } {
    const ids = typeof path === "string" ? path.split("/") : [];
    const id = ids.pop() ?? "";
    let supervisor: Rehearsed | undefined = this.#root;
    for (const step of ids) supervisor = supervisor?.below(step);
    if (supervisor === undefined || !supervisor.isRunning || !supervisor.has(id)) {
      throw new InvalidArgumentError("plan: event.path", "that of a child of the tree", path);
    }
    return { supervisor, id };
  }
}

/** One supervisor of it. */
class Rehearsed {
  readonly #rehearsal: Rehearsal;
  readonly #path: string;
  readonly #above: { readonly supervisor: Rehearsed; readonly pid: AnyPid } | undefined;
  readonly #below = new Map<AnyPid, Rehearsed>();
  #state!: SupervisorState;
  isRunning = true;
  #isStopped = false;

  constructor(
    rehearsal: Rehearsal,
    path: string,
    above: { readonly supervisor: Rehearsed; readonly pid: AnyPid } | undefined,
  ) {
    this.#rehearsal = rehearsal;
    this.#path = path;
    this.#above = above;
  }

  boot(spec: CheckedSupervisorSpec): void {
    this.#state = initialState(spec);
    this.on({ type: "boot" });
  }

  has(id: string): boolean {
    return find(this.#state, id) !== undefined;
  }

  pidOf(id: string): AnyPid | undefined {
    return find(this.#state, id)?.pid;
  }

  below(id: string): Rehearsed | undefined {
    const pid = this.pidOf(id);
    return pid === undefined ? undefined : this.#below.get(pid);
  }

  childEnded(pid: AnyPid, reason: ExitReason): void {
    // What was below a supervisor that is killed dies with it.
    this.#below.get(pid)?.endWithout();
    this.#below.delete(pid);
    this.on({ type: "exited", pid, reason, nowMs: this.#rehearsal.nowMs });
  }

  /** It is told to end, by the one above. */
  end(reason: ExitReason): void {
    this.#isStopped = true;
    this.on({ type: "terminate", reason });
  }

  endWithout(): void {
    this.isRunning = false;
    for (const supervisor of this.#below.values()) supervisor.endWithout();
  }

  on(first: SupervisorEvent): void {
    for (let event: SupervisorEvent | undefined = first; event !== undefined && this.isRunning;) {
      const { state, actions } = decide(this.#state, event);
      this.#state = state;
      event = undefined;
      for (const action of actions) event = this.#carryOut(action);
    }
  }

  #carryOut(action: SupervisorAction): SupervisorEvent | undefined {
    const rehearsal = this.#rehearsal;
    switch (action.type) {
      case "start": {
        const results = action.children.map(({ spec }) => ({
          id: spec.id,
          result: this.#start(spec),
        }));
        return { type: "started", results, nowMs: rehearsal.nowMs };
      }
      case "stop": {
        const exits = action.children.map(({ id, pid, shutdown }) => {
          const isKilled = shutdown === "brutal_kill";
          const below = this.#below.get(pid);
          if (isKilled) below?.endWithout();
          else below?.end("shutdown");
          this.#below.delete(pid);
          rehearsal.add({ type: "stop", path: this.#pathOf(id) });
          return { id, reason: isKilled ? "killed" : "shutdown" };
        });
        return { type: "stopped", exits };
      }
      case "restartLater":
        return this.#restartLater(action);
      case "cancelRestart":
        rehearsal.callOff(this, action.generation);
        return undefined;
      case "report": {
        const { report } = action;
        const consequence = "consequence" in report ? report.consequence.type : undefined;
        if (consequence === "giveUp" || consequence === "autoShutdown") {
          rehearsal.add({ type: consequence, path: this.#path });
        }
        return undefined;
      }
      case "exit":
        this.#exit(action.reason);
        return undefined;
      case "acknowledge":
      case "reply":
        return undefined;
      default:
        return action satisfies never;
    }
  }

  #start(spec: CheckedChildSpec): StartResult {
    const rehearsal = this.#rehearsal;
    const pid = rehearsal.nextPid();
    const path = this.#pathOf(spec.id);
    const { program, args } = spec;
    const known = program instanceof SupervisorBehaviour ? program.plannedSpec(args) : undefined;
    if (known === "ignore") return known;
    rehearsal.add({ type: "start", path });
    if (known !== undefined) {
      const supervisor = new Rehearsed(rehearsal, path, { supervisor: this, pid });
      this.#below.set(pid, supervisor);
      supervisor.boot(known);
    }
    return { pid };
  }

  #restartLater({
    generation,
    delay,
    replaces,
  }: Extract<SupervisorAction, { readonly type: "restartLater" }>): undefined {
    const rehearsal = this.#rehearsal;
    const { nowMs } = rehearsal;
    const untilMs = Math.max(0, ...replaces.map((old) => rehearsal.callOff(this, old)));
    const atMs = Math.max(nowMs + (delay?.maxMs ?? 0), untilMs);
    const event = { type: "restartDue", generation, nowMs: atMs } as const;
    rehearsal.later({ atMs, supervisor: this, event });
    if (delay === undefined) return undefined;
    const paths = this.#state.children.waitingFor(generation).map(({ id }) => this.#pathOf(id));
    const minMs = Math.max(delay.minMs, untilMs - nowMs);
    rehearsal.add({ type: "wait", paths, minMs, maxMs: atMs - nowMs });
    return undefined;
  }

  #exit(reason: ExitReason): void {
    this.isRunning = false;
    if (this.#above === undefined) this.#rehearsal.add({ type: "stop", path: "" });
    // Who was told to end is waited for.
    if (this.#isStopped || this.#above === undefined) return;
    const { supervisor, pid } = this.#above;
    supervisor.#below.delete(pid);
    supervisor.on({ type: "exited", pid, reason, nowMs: this.#rehearsal.nowMs });
  }

  #pathOf(id: string): string {
    return this.#path === "" ? id : `${this.#path}/${id}`;
  }
}
