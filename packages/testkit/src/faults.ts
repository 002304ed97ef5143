/** The faults that a program lets befall its world. */
import {
  checkFunction,
  checkKeys,
  InvalidArgumentError,
  isPid,
  keyOf,
  type AnyPid,
  type ExitReason,
  type Node,
} from "@coppice/core";
import { checkBoolean, checkOptionalList, checkText, checkTimes } from "./arguments.js";
import type { FaultOptions } from "./fault.js";
import type { Reads } from "./looks.js";
import { checkSlowSpell, type SlowSpell } from "./slow-nodes.js";
import { checkJump, nodeName, sidesOf, targetOf } from "./fault-arguments.js";
import type { Transition } from "./transition.js";
import type { World } from "./world.js";

type Times = Pick<FaultOptions, "times" | "when" | "reads">;

/**
 * Which faults there are. Each is offered to the strategy as a transition `fault:KIND:TARGET#n`, at most
 * `times` times (1 by default), and limited further by the budget of its kind.
 */
export interface Faults {
  /** `KIND:TARGET`: whatever `run` does. */
  declare(name: string, run: () => void, options?: FaultOptions): void;
  /** `crash:NAME`: a process is killed at once; nothing of it unwinds. */
  crash(
    name: string,
    target: AnyPid | (() => AnyPid | undefined),
    options?: Times & { readonly reason?: ExitReason },
  ): void;
  /** `crash:PROCESS`: any process, at any time; `times` for all together. */
  crashAny(options?: { readonly times?: number; readonly except?: readonly AnyPid[] }): void;
  /**
   * `down:NODE`: the power of a node is cut, and what was not synced is lost; `downKeeping:NODE`,
   * `downTearing:NODE`: it is kept, or torn. `up:NODE`: it begins another life. `times` is for each.
   */
  nodeDown(node: Node | string, options?: Times): void;
  /** `pause:NODE` and `resume:NODE`: nothing happens there meanwhile. */
  pause(node: Node | string, options?: Times): void;
  /**
   * `slow:NODE`: for `forMs` all that could happen there happens `byMs` later, timers too. Its clock is right, and
   * under `"quiet"` others do not wait for it.
   */
  slow(node: Node | string, spell: SlowSpell, options?: Times): void;
  /** `partition:A|B` and `heal:A|B`. */
  partition(
    a: readonly (Node | string)[],
    b: readonly (Node | string)[],
    options?: Times & { readonly oneWay?: boolean },
  ): void;
  /** `disconnect:A|B`: the connection is lost, and comes about again when it is needed. */
  disconnect(a: Node | string, b: Node | string, options?: Times): void;
  /** `jump:NODE`: its clock jumps. */
  clockJump(node: Node | string, byMs: number, options?: Times): void;
  /** `disk:NODE`: the next write to each of its stores, or sync, fails. */
  diskError(node: Node | string, options?: Times): void;
  /** `drop:SIGNAL`, under `"datagram"`: a message is lost. */
  drop(options?: DatagramFaultOptions): void;
  /** `duplicate:SIGNAL`, under `"datagram"`: a message arrives twice. */
  duplicate(options?: DatagramFaultOptions): void;
}

export interface DatagramFaultOptions {
  /** How often, for all messages together; 1 by default. */
  readonly times?: number;
  /**
   * Whether it may befall this message; any by default. To be told from the message, its sender and its receiver
   * alone, and so the same whenever it is asked.
   */
  readonly only?: (signal: Transition) => boolean;
}

export function createFaults(world: World): Faults {
  const { kernel } = world;
  const pidOf = (name: string): AnyPid | undefined =>
    world.isUp(name) ? world.nodeOf(name).pid : undefined;
  const family = (kind: string, times: number | undefined, members: () => Member[]): void => {
    kernel.faults = world;
    world.table.declareFamily({ kind, members, ...(times !== undefined && { times }) });
  };
  const datagram = (
    kind: string,
    options: DatagramFaultOptions,
    act: (message: Message) => void,
  ): void => {
    const argument = `faults.${kind}: options`;
    checkKeys(argument, options, ["times", "only"]);
    const { times, only = () => true } = options;
    checkTimes(`${argument}.times`, times);
    checkFunction(`${argument}.only`, only);
    const { profile } = kernel.options;
    if (profile !== "datagram") {
      const expected = `used under the profile "datagram", as no other loses or repeats single messages`;
      throw new InvalidArgumentError(`faults.${kind}`, expected, profile);
    }
    family(kind, times, () => messages(only, act));
  };
  const messages = (
    only: (signal: Transition) => boolean,
    act: (message: Message) => void,
  ): Member[] => {
    return [...kernel.agenda.ready.signals()]
      .filter((signal) => signal.isMessage && only(signal))
      .map((message) => ({
        target: message.key,
        pid: message.actorPid,
        run: () => act(message),
      }));
  };
  return {
    declare: (name, run, options = {}) => world.declare(name, run, options),
    crash(name, target, { reason = "killed", ...options } = {}) {
      checkText("faults.crash: name", name);
      if (!isPid(target) && typeof target !== "function") {
        throw new InvalidArgumentError(
          "faults.crash: target",
          "a pid, or a function that finds one",
          target,
        );
      }
      const find = targetOf(target);
      const alive = (): AnyPid | undefined => {
        const pid = find();
        return pid !== undefined && [...world.processes()].includes(pid) ? pid : undefined;
      };
      const run = (): void => {
        const pid = alive();
        if (pid !== undefined) world.kill(pid, reason);
      };
      const reads = readsOf(options, isPid(target) ? [target] : options.reads);
      world.declare(`crash:${name}`, run, { ...options, target: alive, reads });
    },
    crashAny(options = {}) {
      checkKeys("faults.crashAny: options", options, ["times", "except"]);
      checkTimes("faults.crashAny: options.times", options.times);
      checkOptionalList("faults.crashAny: options.except", options.except, "pids", isPid);
      const { times, except = [] } = options;
      family("crash", times, () =>
        [...world.processes()]
          .filter((pid) => !except.includes(pid))
          .map((pid) => ({ target: keyOf(pid), pid, run: () => void world.kill(pid, "killed") })),
      );
    },
    nodeDown(node, options = {}) {
      const name = nodeName(node, "faults.nodeDown: node");
      const { when } = options;
      const reads = readsOf(options, []);
      const may = (): boolean => world.isUp(name) && (when === undefined || when());
      const dirty = (): boolean => may() && world.isDirty(name);
      world.declare(`down:${name}`, () => world.crash(name, "lost"), {
        ...options,
        when: may,
        reads,
      });
      const kept = { ...options, when: dirty, reads };
      world.declare(`downKeeping:${name}`, () => world.crash(name, "kept"), kept);
      world.declare(`downTearing:${name}`, () => world.crash(name, "torn"), kept);
      const isDown = (): boolean => !world.isUp(name);
      world.declare(`up:${name}`, () => void world.restart(name), {
        times: Infinity,
        when: isDown,
        reads: [],
      });
    },
    pause(node, options = {}) {
      const name = nodeName(node, "faults.pause: node");
      const may = (): boolean =>
        world.isUp(name) && !world.isPaused(name) && (options.when?.() ?? true);
      const reads = readsOf(options, []);
      world.declare(`pause:${name}`, () => world.pause(name), { ...options, when: may, reads });
      const isPaused = (): boolean => world.isPaused(name);
      world.declare(`resume:${name}`, () => world.resume(name), {
        times: Infinity,
        when: isPaused,
        reads: [],
      });
    },
    slow(node, spell, options = {}) {
      const name = nodeName(node, "faults.slow: node");
      const { byMs, forMs } = checkSlowSpell("faults.slow: spell", spell);
      const may = (): boolean => world.isUp(name) && (options.when?.() ?? true);
      const run = (): void => world.slow(name, byMs, forMs);
      const reads = readsOf(options, []);
      world.declare(`slow:${name}`, run, { ...options, when: may, reads });
    },
    partition(a, b, { oneWay = false, ...options } = {}) {
      const [from, to] = sidesOf("faults.partition", a, b);
      checkBoolean("faults.partition: options.oneWay", oneWay);
      const name = `${from.join(",")}|${to.join(",")}`;
      const may = (): boolean => !world.network.isCut && (options.when?.() ?? true);
      world.declare(`partition:${name}`, () => world.cut(from, to, oneWay), {
        ...options,
        when: may,
        reads: readsOf(options, []),
      });
      const isCut = (): boolean => world.network.isCut;
      world.declare(`heal:${name}`, () => world.network.heal(), {
        times: Infinity,
        when: isCut,
        reads: [],
      });
    },
    disconnect(a, b, options = {}) {
      const [one, other] = [
        nodeName(a, "faults.disconnect: a"),
        nodeName(b, "faults.disconnect: b"),
      ];
      const run = (): void => world.disconnect(one, other);
      world.declare(`disconnect:${one}|${other}`, run, options);
    },
    clockJump(node, byMs, options = {}) {
      checkJump("faults.clockJump: byMs", byMs);
      const name = nodeName(node, "faults.clockJump: node");
      world.declare(`jump:${name}`, () => world.jump(name, byMs), {
        ...options,
        uses: ["clock", "timers"],
      });
    },
    diskError(node, options = {}) {
      const name = nodeName(node, "faults.diskError: node");
      const target = (): AnyPid | undefined => pidOf(name);
      world.declare(`disk:${name}`, () => world.failDisk(name), {
        ...options,
        target,
        reads: readsOf(options, []),
      });
    },
    drop(options = {}) {
      datagram("drop", options, (message) => kernel.agenda.drop(message));
    },
    duplicate(options = {}) {
      datagram("duplicate", options, (message) => message.duplicate());
    },
  };
}

/** What a fault depends on by itself, and what its user says it does. */
function readsOf({ when, reads }: Times, own: Reads | undefined): Reads | undefined {
  if (when === undefined) return own;
  return reads === undefined || own === undefined ? undefined : [...own, ...reads];
}

type Message = Parameters<World["lets"]>[0];

interface Member {
  readonly target: string;
  readonly pid: AnyPid | undefined;
  readonly run: () => void;
}
