/** Runs a program and records its trace. */
import { isPid, type AnyPid } from "@coppice/core";
import type { Result } from "./op.js";
import type { Layer } from "./layer.js";
import type { Done, Json, JsonObject, Op, Program, TraceEntry } from "./program.js";
import { createSchedule, type Mode, type Schedule } from "./schedule.js";
import { naturalOrder } from "./term.js";
import { Trees } from "./trees.js";
import { World } from "./world.js";

/**
 * Runs a program on a node of its own.
 *
 * @param upTo run no step after this one
 */
export async function run(
  program: Program,
  layer: Layer,
  mode: Mode,
  upTo: number = program.steps.length - 1,
): Promise<TraceEntry[]> {
  const recorder = new Recorder(program, layer, createSchedule(mode));
  await recorder.begin();
  const trace: TraceEntry[] = [];
  for (const step of program.steps.slice(0, upTo + 1)) trace.push(await recorder.step(step));
  return trace;
}

class Recorder {
  readonly #schedule: Schedule;
  readonly #world: World;
  readonly #trees: Trees;
  readonly #puppets: readonly string[];
  #index = -1;
  /** Steps that have not returned, with who executes them. */
  readonly #pending = new Map<number, { readonly by: string; readonly pid: AnyPid }>();
  /** What has returned since the last step. */
  readonly #results = new Map<number, Result>();
  /** As last recorded. */
  readonly #states = new Map<string, string>();

  constructor(program: Program, layer: Layer, schedule: Schedule) {
    this.#schedule = schedule;
    this.#world = new World(layer, schedule, program.machines);
    this.#trees = new Trees(this.#world);
    this.#puppets = Array.from({ length: program.procs }, (_, index) => `p${index + 1}`);
  }

  async begin(): Promise<void> {
    await this.#world.connect();
    for (const name of this.#puppets) {
      this.#world.addPuppet(name);
      this.#states.set(name, "{}");
    }
    await this.#schedule.settle();
  }

  async step(step: Op): Promise<TraceEntry> {
    this.#index++;
    const { clock, settle } = this.#schedule;
    let r: Json | undefined;
    if (step.op === "advance") {
      await clock.advance(step.ms as number, settle);
      r = { ok: "ok" };
    } else {
      if (!this.#command(step)) r = "skip";
      await settle();
    }
    this.#world.throwIfFailed();
    const entry = this.#entry(r ?? this.#ownResult());
    const tree = await this.#trees.changes(settle);
    return tree === undefined ? entry : { ...entry, tree };
  }

  /** Gives the step to its puppet, if that is there and free. */
  #command(step: Op): boolean {
    const by = step.by as string;
    const pid = this.#world.scope.get(by);
    if (!isPid(pid) || this.#world.exits.has(pid) || this.#waiting().has(by)) return false;
    const index = this.#index;
    this.#pending.set(index, { by, pid });
    this.#world.puppetOf(pid)?.give({
      op: step,
      step: index,
      scope: this.#world.scopeOf(pid),
      done: (result) => this.#results.set(index, result),
    });
    return true;
  }

  #ownResult(): Json {
    const { pid } = this.#pending.get(this.#index) as { pid: AnyPid };
    const result = this.#results.get(this.#index);
    if (this.#world.exits.has(pid)) {
      this.#pending.delete(this.#index);
      return "died";
    }
    if (result === undefined) return "pending";
    this.#pending.delete(this.#index);
    return this.#encode(result);
  }

  #entry(r: Json): TraceEntry {
    const log = this.#world.instances.inOrder(this.#world.log.splice(0));
    const done = this.#takeDone();
    const st = this.#takeChanges();
    return {
      r,
      ...(log.length > 0 ? { log } : {}),
      ...(done.length > 0 ? { done } : {}),
      ...(Object.keys(st).length > 0 ? { st } : {}),
    };
  }

  /** Earlier steps that have returned. */
  #takeDone(): Done[] {
    const done: Done[] = [];
    for (const [step, { by, pid }] of this.#pending) {
      const result = this.#results.get(step);
      const isDead = this.#world.exits.has(pid);
      if (isDead || result !== undefined) this.#pending.delete(step);
      if (!isDead && result !== undefined) done.push({ step, by, r: this.#encode(result) });
    }
    this.#results.clear();
    return done;
  }

  #takeChanges(): { [name: string]: JsonObject } {
    const states = [...this.#world.states(this.#waiting())];
    const changed: { [name: string]: JsonObject } = {};
    for (const [name, state] of states.sort(([a], [b]) => naturalOrder(a, b))) {
      const written = JSON.stringify(state);
      if (this.#states.get(name) === written) continue;
      this.#states.set(name, written);
      changed[name] = state;
    }
    return changed;
  }

  #waiting(): Set<string> {
    return new Set([...this.#pending.values()].map(({ by }) => by));
  }

  #encode(result: Result): Json {
    if (result === "skip") return result;
    if ("ok" in result) return { ok: this.#world.encode(result.ok) };
    if ("seq" in result) return { seq: result.seq.map((each) => this.#encode(each)) };
    const [exceptionClass, reason] = result.raise;
    return { raise: [exceptionClass, this.#world.encode(reason)] };
  }
}
