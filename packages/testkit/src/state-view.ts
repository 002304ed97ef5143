/**
 * The state of a simulation between two steps: what the program says its state is, and all that the simulation
 * knows by itself.
 */
import { keyOf, outlineOf, type Happening, type ProcessOutline } from "@coppice/core";
import type { Kernel } from "./kernel.js";
import type { KernelSimulation } from "./kernel-simulation.js";

/** A process, and what is under way to it. */
export interface ProcessView extends Partial<ProcessOutline> {
  /**
   * What has not arrived and keeps an order: by who sent it, oldest first; under `"instant"` all under `""`, with the node
   * it comes from where there are several.
   */
  readonly underWay?: Readonly<Record<string, readonly unknown[]>>;
  /** Messages that have not arrived and keep none, as `"datagram"` has it. */
  readonly loose?: ReadonlySet<LooseView>;
  /** Timers that it has set. */
  readonly timers?: ReadonlySet<TimerView>;
  /** How often it is to go on after a `yield`. */
  readonly yields?: number;
}

export interface LooseView {
  /** As `["message", "hello"]`. */
  readonly content: unknown;
  /** The node it comes from, where there are several. */
  readonly node?: string;
}

export interface TimerView {
  /** How long it has to go. */
  readonly leftMs: number;
  /** As `["message", to, "tick", everyMs]`, or the name of what the runtime uses it for. */
  readonly content: unknown;
  /** It does not keep a run going. */
  readonly isDaemon?: true;
}

/** What makes a state: two that are equal are one. */
export interface StateView {
  /** What `sim.state` and `sim.shared` say, by name, and what checks of histories remember. */
  readonly states: Readonly<Record<string, unknown>>;
  /** By key. */
  readonly processes: Readonly<Record<string, ProcessView>>;
  /** Nodes, network, disks, and what faults have been spent. */
  readonly world: Readonly<Record<string, unknown>>;
  /** The time, if anybody has ever asked for it. */
  readonly nowMs?: number;
  /** How many random numbers each has drawn, if anybody has. */
  readonly draws?: ReadonlyMap<string, number>;
}

type Building = { -readonly [K in keyof ProcessView]: ProcessView[K] } & {
  underWay?: Record<string, unknown[]>;
  loose?: Set<LooseView>;
  timers?: Set<TimerView>;
};

/** @param withTime whether what time it is belongs to the state */
export function viewOf({ kernel, world }: KernelSimulation, withTime: boolean): StateView {
  const { counts } = kernel.draws;
  return {
    states: kernel.sightings.allStates(),
    processes: processViews(kernel),
    world: { ...world.outline(), ...kernel.agenda.outline() },
    ...(withTime && { nowMs: kernel.nowMs }),
    ...(counts !== undefined && { draws: counts }),
  };
}

/** All processes, by their keys, with what is under way to them. */
function processViews(kernel: Kernel): Record<string, ProcessView> {
  const { agenda, lives } = kernel;
  const views: Record<string, Building> = {};
  const hasNodes = lives.all.length > 1;
  for (const { node, isUp } of lives.all) {
    if (!isUp) continue;
    for (const pid of [node.pid, ...node.processes()]) {
      const outline = outlineOf(node, pid);
      if (outline !== undefined) views[keyOf(pid)] = outline;
    }
  }
  const viewFor = ({ actor }: Happening): Building => (views[actor] ??= {});
  for (const signal of agenda.ready.signals()) {
    const view = viewFor(signal);
    const { content, senderPid, isLoose } = signal;
    const node = hasNodes ? senderPid?.node : undefined;
    if (isLoose) {
      (view.loose ??= new Set()).add({ content, ...(node !== undefined && { node }) });
      continue;
    }
    const isQueued = agenda.ready.profile === "instant";
    const channels = (view.underWay ??= {});
    const from = isQueued || senderPid === undefined ? "" : keyOf(senderPid);
    (channels[from] ??= []).push(isQueued && node !== undefined ? { content, node } : content);
  }
  for (const head of agenda.ready.heads) {
    if (head.kind !== "resume") continue;
    const view = viewFor(head);
    let many = 0;
    for (let at: Happening | undefined = head; at !== undefined; at = at.next) many++;
    view.yields = (view.yields ?? 0) + many;
  }
  const { timers } = agenda;
  for (const timer of timers?.all ?? []) {
    const leftMs = agenda.leftMs(timer);
    const isDaemon = timers?.isDaemon(timer) === true;
    const view: TimerView = { leftMs, content: timer.content, ...(isDaemon && { isDaemon }) };
    (viewFor(timer).timers ??= new Set()).add(view);
  }
  return views;
}
